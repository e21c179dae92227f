# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What nobody uses any more and still is there, and what keeps who wants to use it from that."""

from __future__ import annotations

import re
import typing as t

from ..._facts import Holder, Namespace
from ..look import Look, binds, kinds
from ..model import Hit, Rule
from ..said import as_seen, counted, held, some, who

_OPEN = frozenset({"fd", "in_flight", "watch", "cwd", "root"})
_OPEN_OR_SOCKET = _OPEN | {"socket"}
_IN_USE = frozenset({"thread", "for_children"})
_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_BY_DESIGN = (
    ("CRI-O", re.compile("(?:/var)?/run/(?:net|ipc|uts|user|pid)ns/" + _UUID)),
    ("snapd", re.compile(r"/run/snapd/ns/[^/]+\.mnt")),
)
"""Who keeps namespaces without processes at which paths."""
_MANAGER_OF_USER = re.compile(r"user@([0-9]+)\.service")
_PROBLEMS = {
    "dangling": "leads to no namespace",
    "stacked": "has another mount upon the first",
    "shadowed": "is a handle that another mount hides",
}


def bind_only(look: Look) -> t.Iterator[Hit]:
    """Without processes, and a bind mount keeps it, whoever has opened that as well."""
    for namespace in look.idle:
        found = _ways(namespace)
        if "bind" in found:
            evidence = "no process, kept by %s" % _mounts(namespace)
            if found != {"bind"}:
                evidence = "%s, and open as well in %s (%s)" % (evidence, _keepers(namespace), held(namespace, found))
            designer = _designer(look, namespace)
            if designer is not None:
                yield Hit("%s, as %s does by design" % (evidence, designer), namespace, "info")
            else:
                yield as_seen(Hit(evidence, namespace), look.facts)


def fd_only(look: Look) -> t.Iterator[Hit]:
    """Without processes and bind mounts, and some open file keeps it."""
    for namespace in look.idle:
        found = _ways(namespace)
        if found & _OPEN and "bind" not in found:
            yield as_seen(_kept(namespace, "no process and no handle, kept by open files of"), look.facts)


def socket_only(look: Look) -> t.Iterator[Hit]:
    """Without processes, and nothing but sockets keeps it."""
    for namespace in look.idle:
        found = _ways(namespace)
        if "socket" in found and not found & (_OPEN | {"bind"}):
            yield as_seen(_kept(namespace, "no process and no handle, kept by sockets of"), look.facts)


def unseen(look: Look) -> t.Iterator[Hit]:
    """Nobody is seen to hold it."""
    for namespace in look.idle:
        if kinds(namespace) == {"kernel"}:
            evidence = "the kernel lists it, and no process, file, socket or mount that holds it was found"
            yield as_seen(Hit(evidence, namespace), look.facts)


def handle(problem: str) -> t.Callable[[Look], t.Iterator[Hit]]:
    """Paths with this problem."""

    def check(look: Look) -> t.Iterator[Hit]:
        for item in look.facts.handles or ():
            if item.problem == problem:
                yield Hit("%s %s" % (item.path, _PROBLEMS[problem]), path=item.path, subject=item.path)

    return check


def handle_hidden(look: Look) -> t.Iterator[Hit]:
    """Its bind mounts are all where somebody else than the host has mounts of his own."""
    dangling = {item.path for item in look.facts.handles or () if item.problem == "dangling"}
    for namespace in look.guests:
        told = binds(namespace)
        if not told or len(told) < namespace.holder_counts.get("bind", 0):
            continue
        places = [look.facts.by_inode.get(holder.namespace or 0) for holder in told]
        if all(place is not None and not look.is_home("mnt", place.inode) for place in places) and (
            any(holder.path in dangling for holder in told) or all(_is_unit(look, place) for place in places)
        ):
            yield Hit("%s is a namespace for %s alone" % (told[0].path, _whose(places[0])), namespace)


def init_dead(look: Look) -> t.Iterator[Hit]:
    """A pid namespace that takes no new process."""
    for namespace in look.guests:
        if namespace.init == "dead":
            yield Hit("its PID 1 has ended, and it is still held by %s" % held(namespace, kinds(namespace)), namespace)


def _mounts(namespace: Namespace) -> str:
    """How many bind mounts it has, and where one of them is."""
    count = counted(namespace.holder_counts["bind"], "bind mount")
    return count + "".join(" at %s" % holder.path for holder in binds(namespace)[:1])


def _ways(namespace: Namespace) -> frozenset[str]:
    """How it is kept, nothing where a process is in it with one of its threads, or has it for its children."""
    found = kinds(namespace)
    return frozenset() if found & _IN_USE else found


def _told(namespace: Namespace) -> list[Holder]:
    return [holder for holder in namespace.holders if holder.kind in _OPEN_OR_SOCKET]


def _keepers(namespace: Namespace) -> str:
    """Who has it open."""
    told = _told(namespace)
    return some(sorted({who(holder.process) for holder in [*filter(_is_manager, told)] or told})) or "somebody"


def _kept(namespace: Namespace, how: str) -> Hit:
    told = _told(namespace)
    evidence = "%s %s (%s)" % (how, _keepers(namespace), held(namespace, kinds(namespace)))
    # What a unit has given systemd to keep, or shares with another one, is there on purpose. A manager of a user is
    # what the user says it is, so it has no say in what somebody else has.
    is_meant = any(holder.process.pid == 1 for holder in told) or (bool(told) and all(map(_is_manager, told)))
    return Hit(evidence, namespace, "info" if is_meant else None)


def _is_manager(holder: Holder) -> bool:
    process = holder.process
    if process.pid == 1:
        return True
    unit = _MANAGER_OF_USER.fullmatch(process.unit or "")
    return process.comm == "systemd" and unit is not None and str(process.uid) in (unit[1], "None")


def _is_unit(look: Look, place: Namespace | None) -> bool:
    """Whether who has these mounts is on the host but for them, and so may think that the host has them too."""
    if place is None or place.leader is None or place.leader.container is not None:
        return False
    # Who is elsewhere by pid or user is in a container, of whatever kind.
    return look.is_home("user", place.owner) and "pid" in (place.leader.initial or ("pid",))


def _whose(place: Namespace | None) -> str:
    return "somebody" if place is None else "%s, in mnt [%d]," % (who(place.leader), place.inode)


def _designer(look: Look, namespace: Namespace) -> str | None:
    """Whose way to keep namespaces all of its bind mounts follow; in mounts of his own anybody can have such paths."""
    told = binds(namespace)
    paths = [holder.path or "" for holder in told]
    if not any(look.is_home("mnt", holder.namespace) for holder in told):
        return None
    for name, pattern in _BY_DESIGN:
        if paths and all(map(pattern.fullmatch, paths)):
            return name
    return None


RULES = (
    Rule(
        id="leak-bind-only",
        severity="medium",
        title="A bind mount keeps a namespace that nobody is in",
        meaning="No process is in it, and nothing declares it. What made it has ended or forgot it, as engines do "
        "with networks of containers that are gone. Who has it open as well is told, and makes it "
        "no less of a leak: anybody can open a path. What CRI-O and snapd keep that way by design is told as info.",
        remedy="Unmount and remove the path (of a network: ip netns delete), and have closed what is open, or declare "
        "the name.",
        source="podman#163, moby#15857, cri-o#273, kata-containers/tests#2304",
        check=bind_only,
    ),
    Rule(
        id="leak-fd-only",
        severity="medium",
        title="Only an open file keeps a namespace",
        meaning="No process is in it and no path leads to it, so that ip netns does not show it, nor lsns before "
        "util-linux 2.41. What systemd keeps for a unit is told as info.",
        remedy="Have the process close it, or restart that.",
        source="util-linux#1884, moby#41136",
        check=fd_only,
    ),
    Rule(
        id="leak-socket-only",
        severity="medium",
        title="Only a socket keeps a namespace",
        meaning="A process has left it, or was never in it, and has a socket in it still. No other tool than one that "
        "asks each socket shows it.",
        remedy="Have the process close the socket, or restart that.",
        source="moby#32090; lsfd(1), SOCK.NETNS",
        check=socket_only,
    ),
    Rule(
        id="leak-unseen",
        severity="low",
        title="Nothing that can be seen keeps a namespace",
        meaning="The kernel lists it, and no holder was found: something in the kernel has it, such as a mount or "
        "a device that is being torn down. Linux lists namespaces from 6.19 on.",
        remedy="Look at the log of the kernel (unregister_netdevice: waiting); a reboot ends it.",
        source="moby#5618, kubernetes#64743",
        check=unseen,
    ),
    Rule(
        id="handle-dangling",
        severity="medium",
        title="A handle leads to no namespace",
        meaning="A plain file, or something else, is where a namespace should be. Who enters it gets EINVAL, and who "
        "wants to make one of that name is told that it is there.",
        remedy="Remove the file and create the namespace again; ns_persistent does both.",
        source="containerd#10431, cri-o#5529",
        check=handle("dangling"),
    ),
    Rule(
        id="handle-stacked",
        severity="medium",
        title="Two mounts lie at one handle",
        meaning="The lower one keeps a namespace that this path does not lead to, and stays when the path is unmounted "
        "once.",
        remedy="Unmount the path as often as it is mounted; ns_persistent does that.",
        source="podman#24024",
        check=handle("stacked"),
    ),
    Rule(
        id="handle-shadowed",
        severity="medium",
        title="A mount hides a handle",
        meaning="Something was mounted over the directory that the handle is in. The namespace lives on, and its name "
        "leads nowhere.",
        remedy="Unmount what lies upon the directory, and do that before anything is mounted into it at boot.",
        source="telco-reference#762",
        check=handle("shadowed"),
    ),
    Rule(
        id="handle-hidden",
        severity="medium",
        title="A handle is there for one service alone",
        meaning="A unit with mounts of its own (PrivateMounts=, PrivateTmp=, BindPaths= and others) has made it, or a "
        "container that has a directory of the host. Nobody else finds the namespace by its name; for the host the "
        "path may be a plain file.",
        remedy="Make it in a unit without mounts of its own; for a container mount /run/netns with propagation shared.",
        source="kubernetes#125888, systemd#32339",
        check=handle_hidden,
    ),
    Rule(
        id="pid-init-dead",
        severity="medium",
        title="A pid namespace has lost its init",
        meaning="It can be entered, but every fork in it fails with ENOMEM.",
        remedy="Remove what holds it and create it again; ns_persistent with recreate does both.",
        source="pid_namespaces(7)",
        check=init_dead,
    ),
)
