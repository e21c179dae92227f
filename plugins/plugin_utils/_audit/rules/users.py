# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What user namespaces let people do who are not root. Source: user_namespaces(7)."""

from __future__ import annotations

import typing as t

from ..._facts import Namespace, Part, mention, processes, title
from ..look import Look
from ..model import Hit, Rule
from ..said import counted, who

_MOST = "user.max_user_namespaces"
_CLONE = "kernel.unprivileged_userns_clone"
_APPARMOR = "kernel.apparmor_restrict_unprivileged_userns"
_CVES = "CVE-2022-0185, CVE-2022-25636, CVE-2023-0386, CVE-2021-3493"


class _Range(t.NamedTuple):
    """Some uids of the host that a user namespace has."""

    start: int
    end: int
    """The first that is no longer in it."""
    namespace: Namespace
    owner: int


def unprivileged(look: Look) -> t.Iterator[Hit]:
    """Anybody may make user namespaces."""
    wanted = look.policy.user_namespaces
    if wanted not in ("report", "privileged") or not _maximum(look):
        return
    sysctls = look.facts.sysctls
    if sysctls.get(_CLONE) == 0 or sysctls.get(_APPARMOR):
        return
    told = ["%s=%d" % (name, value) for name, value in sorted({**sysctls, _MOST: _maximum(look)}.items()) if value]
    yield Hit(", ".join(told), severity="info" if wanted == "report" else None, subject=_MOST)


def enabled(look: Look) -> t.Iterator[Hit]:
    """There may be user namespaces at all, and a site wants none."""
    maximum = _maximum(look)
    if look.policy.user_namespaces == "forbid" and maximum:
        count = sum(namespace.type == "user" for namespace in look.guests)
        yield Hit("%s=%d; there are %s" % (_MOST, maximum, counted(count, "user namespace")), subject=_MOST)


def ordinary_owner(look: Look) -> t.Iterator[Hit]:
    """Somebody who is not root has made one, and processes are in it."""
    wanted = look.policy.user_namespaces
    if wanted == "allow":
        return
    for namespace in _first(look):
        uid = _owner(namespace)
        if uid and namespace.processes:
            told = "made by uid %d, with %s" % (uid, processes(namespace))
            evidence = "%s: %s" % (told, who(namespace.leader))
            yield Hit(evidence, namespace, "info" if wanted == "report" else None)


def overlapping(look: Look) -> t.Iterator[Hit]:
    """Namespaces of two owners have the same uids of the host.

    Each is compared with the two ranges before it that reach farthest and are of different owners.
    """
    farthest: list[_Range] = []
    for item in sorted(_ranges(look), key=lambda item: (item.start, item.end, item.namespace.inode)):
        other = next((before for before in farthest if before.owner != item.owner), None)
        if other is not None and other.end > item.start:
            evidence = "uids %d to %d are mapped by namespaces of uid %d and of uid %d, %s" % (
                item.start,
                min(item.end, other.end) - 1,
                item.owner,
                other.owner,
                mention(look.facts, other.namespace.inode),
            )
            yield Hit(evidence, item.namespace)
        rest = sorted([*farthest, item], key=lambda before: -before.end)
        farthest = [rest[0], *[before for before in rest[1:] if before.owner != rest[0].owner][:1]]


def setgroups(look: Look) -> t.Iterator[Hit]:
    """Who is not root may drop groups."""
    for namespace in _first(look):
        uid = _owner(namespace)
        if uid and namespace.told.get("setgroups") == "allow" and any(_map(namespace, "gid_map")):
            yield Hit("made by uid %d, and setgroups is allowed" % uid, namespace)


def maps_root(look: Look) -> t.Iterator[Hit]:
    """Who is inside is root of the host, by uid, and has the rights to use it."""
    for namespace in _first(look):
        leader = namespace.leader
        if leader is None or not (leader.uid == 0 or leader.has_all_capabilities):
            continue
        if any(outside == 0 and count for outside, count, _inside in _map(namespace, "uid_map")):
            # PrivateUsers= of a unit: it has fewer rights than without.
            is_sandbox = leader.container is None and (leader.unit or "").endswith(".service")
            evidence = "uid 0 of the host is mapped, and %s is in it" % who(leader)
            yield Hit(evidence, namespace, "info" if is_sandbox else None)


def _first(look: Look) -> t.Iterator[Namespace]:
    """The user namespaces right below that of the host: what is in these is up to whoever has made them."""
    for namespace in look.guests:
        if namespace.type == "user" and (namespace.parent is None or look.is_home("user", namespace.parent)):
            yield namespace


def _maximum(look: Look) -> int | None:
    told = look.facts.sysctls.get(_MOST)
    limit = look.host.limits.get("user")
    return limit.max if told is None and limit else told


def _owner(namespace: Namespace) -> int | None:
    return Part(namespace.told, title(namespace)).number("owner_uid")


def _map(namespace: Namespace, key: str) -> t.Iterator[tuple[int, int, int]]:
    """Where each range begins on the host, how long it is, and where it begins inside. Raises AnsibleFilterError."""
    for part in Part(namespace.told, title(namespace)).parts(key):
        yield part.needed_number("outside"), part.needed_number("count"), part.needed_number("inside")


def _ranges(look: Look) -> t.Iterator[_Range]:
    for namespace in _first(look):
        uid = _owner(namespace)
        for outside, count, inside in () if uid is None else _map(namespace, "uid_map"):
            # Of whom root has made who is the same inside and outside has nobody's uids but those of the host.
            is_own = (outside == inside and uid == 0) or (outside == uid and count == 1)
            if uid is not None and count and not is_own:
                yield _Range(outside, outside + count, namespace, uid)


RULES = (
    Rule(
        id="userns-unprivileged",
        severity="medium",
        title="Anybody may make user namespaces",
        meaning="Who is in a user namespace of his own has all capabilities in it, and reaches code of the kernel that "
        "is otherwise for root alone; many exploits began so. Many distributions have it so: it is told as info, "
        "unless the threshold user_namespaces is privileged.",
        remedy="kernel.apparmor_restrict_unprivileged_userns=1 (Ubuntu), kernel.unprivileged_userns_clone=0 (Debian).",
        source=_CVES,
        check=unprivileged,
    ),
    Rule(
        id="userns-enabled",
        severity="medium",
        title="User namespaces are enabled, against the policy",
        meaning="The threshold user_namespaces is forbid, as these benchmarks want it on hosts without containers.",
        remedy="user.max_user_namespaces=0, where no container engine and no browser needs them.",
        source="STIG RHEL-08-040284 (V-230548), RHEL-09-213105 (V-257816), CIS Bottlerocket 1.4.4; contextual: "
        "ComplianceAsCode#12824, #13243",
        check=enabled,
    ),
    Rule(
        id="userns-ordinary-owner",
        severity="medium",
        title="Somebody who is not root has a user namespace",
        meaning="A rootless container, a browser, or a sandbox; the threshold user_namespaces says whether that may "
        "be. It is told as info where that is report.",
        remedy="See what it is; allow the uid or the unit if it may be.",
        source="user_namespaces(7), apptainer#1686",
        check=ordinary_owner,
    ),
    Rule(
        id="userns-overlap",
        severity="medium",
        title="User namespaces of two owners have the same uids",
        meaning="What one of them owns is the other's too, on disk and in signals: the ranges in /etc/subuid overlap, "
        "or somebody has mapped what is not his.",
        remedy="Give each a range of its own in /etc/subuid and /etc/subgid, and make the namespaces again.",
        source="subuid(5)",
        check=overlapping,
    ),
    Rule(
        id="userns-setgroups",
        severity="info",
        title="Who is not root may drop groups",
        meaning="Where a group is meant to keep somebody away from a file (rwx---rwx), he gets at it so. It takes "
        "a map that newgidmap has written.",
        remedy="Deny setgroups before gid_map is written; keep nobody away by a group.",
        source="CVE-2014-8989, user_namespaces(7)",
        check=setgroups,
    ),
    Rule(
        id="userns-maps-root",
        severity="medium",
        title="Root of the host is in a user namespace",
        meaning="Uid 0 of the host is mapped, so that files of root are its own: the user namespace keeps little from "
        "it. A unit with PrivateUsers= is told as info.",
        remedy="Map another range to uid 0 inside, such as 100000 and on.",
        source="user_namespaces(7)",
        check=maps_root,
    ),
)
