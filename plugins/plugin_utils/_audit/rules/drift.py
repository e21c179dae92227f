# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What is not as it was.

What comes and goes by itself is left out: a namespace without a name, or with one that an engine made up, of a unit
that had such a one before or has one now, such as a container that was started again; and whatever lives in a session
or was run once. The figures beside the findings count these too.
"""

from __future__ import annotations

import re
import typing as t

from ..._facts import Namespace, mention, processes
from ..look import Look
from ..model import Hit, Rule
from ..said import as_seen, counted, who

_PASSING = re.compile(r"(?:session-|run-).*\.scope|run-.*\.service")
_NUMBERS = re.compile(r"[0-9a-f]{12,}")
"""Of a container in the name of its unit, or of a namespace in its own: podman has netns-UUID."""
_OWNER = ("owner", "owner_uid", "parent")
_MAPS = ("uid_map", "gid_map", "setgroups")
_MOST = 60

_Place = t.Tuple[t.Optional[str], ...]


def added(look: Look) -> t.Iterator[Hit]:
    """New, and nobody has declared it."""
    if look.difference is None or look.baseline is None:
        return
    before = {*map(_place, look.baseline.host.guests())}
    for namespace in look.difference.added:
        if not look.is_declared(namespace.name) and not _comes_and_goes(namespace, before):
            yield as_seen(Hit("not there before; %s" % _said(namespace), namespace), look.baseline.host.facts)


def missing(look: Look) -> t.Iterator[Hit]:
    """There before, and no more."""
    if look.difference is None or look.baseline is None:
        return
    now = {*map(_place, look.guests)}
    for namespace in look.difference.removed:
        evidence = "no longer there; it had %s" % _said(namespace)
        was = mention(look.baseline.host.facts, namespace.inode)
        hit = Hit(evidence, namespace, subject=was, is_past=True)
        if look.is_declared(namespace.name):
            yield as_seen(hit._replace(evidence="declared, and " + evidence, severity="medium"), look.facts)
        elif (namespace.name or namespace.processes) and not _comes_and_goes(namespace, now):
            yield as_seen(hit, look.facts)


def changed(*keys: str) -> t.Callable[[Look], t.Iterator[Hit]]:
    """The same namespace as before, but for these."""

    def check(look: Look) -> t.Iterator[Hit]:
        for item in () if look.difference is None else look.difference.changed:
            found = ["%s was %s, is %s" % (key, *_pair(item.changes[key])) for key in keys if key in item.changes]
            if found:
                yield Hit("; ".join(found), item.namespace)

    return check


def holders(look: Look) -> t.Iterator[Hit]:
    """Something else keeps it. Where processes are, and at home, files are opened and closed all the time."""
    if look.difference is None or look.baseline is None:
        return
    for item in look.difference.changed:
        if "holders" in item.changes and not item.namespace.processes:
            was, now = _pair(item.changes["holders"])
            hit = Hit("held by %s before, by %s now" % (was, now), item.namespace)
            # One that either scan has not seen is not in its facts.
            facts = look.baseline.host.facts if look.facts.complete else look.facts
            yield as_seen(hit, facts)


def not_compared(look: Look) -> t.Iterator[Hit]:
    """Booted between, or there is nothing to compare with."""
    if look.missing is not None:
        yield Hit("nothing was compared: there is no baseline of this host in %s" % look.missing.directory)
    if look.difference is None or look.baseline is None:
        return
    before, after = look.difference.not_compared
    if before or after:
        told = counted(before, "namespace"), look.baseline.host.time or "then", after
        yield Hit("booted since: %s of %s and %d of now have nothing that tells which they were" % told)


def _comes_and_goes(namespace: Namespace, places: t.Container[_Place]) -> bool:
    is_named = namespace.name is not None and not _NUMBERS.search(namespace.name)
    if is_named or not namespace.processes:
        return False
    unit = namespace.leader.unit if namespace.leader else None
    return _place(namespace) in places or (unit is not None and _PASSING.fullmatch(unit) is not None)


def _place(namespace: Namespace) -> _Place:
    """What is the same of a service that was started again."""
    leader = namespace.leader
    if leader is None:
        return namespace.type, None, None
    if leader.container is not None:
        # A user names containers as he likes, so the unit has to be the same too.
        return namespace.type, "container", _NUMBERS.sub("*", leader.unit or ""), leader.comm
    return namespace.type, _NUMBERS.sub("*", leader.unit or ""), leader.comm


def _said(namespace: Namespace) -> str:
    told = processes(namespace)
    return told if namespace.leader is None else "%s, %s" % (told, who(namespace.leader))


def _pair(change: t.Mapping[str, t.Any]) -> tuple[str, str]:
    return _words(change["before"]), _words(change["after"])


def _words(value: t.Any) -> str:
    if isinstance(value, t.Mapping):
        text = " ".join("%s %s" % pair for pair in value.items())
    elif isinstance(value, list):
        text = ", ".join(map(_words, value)) or "nothing"
    else:
        text = str(value)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


RULES = (
    Rule(
        id="drift-added",
        severity="low",
        title="A namespace is new",
        meaning="The baseline does not have it, and nobody has declared it. One without a name, or with one that "
        "an engine made up, is left out where the same unit had one of its type before, or where it belongs to a "
        "session.",
        remedy="Declare it, or have a new baseline written when it may stay.",
        source="ansible#17953",
        check=added,
    ),
    Rule(
        id="drift-missing",
        severity="low",
        title="A namespace is missing",
        meaning="The baseline has it. A declared one is told as medium; one without a name, or with "
        "one that an engine made up, is left out where the same unit has another one of its type now, or where no "
        "process was in it.",
        remedy="See why it ended; a declared one comes back with systemctl restart linux-namespaces@NAME.",
        source="ansible#17953",
        check=missing,
    ),
    Rule(
        id="drift-owner",
        severity="medium",
        title="A namespace has changed hands",
        meaning="It has another owner or parent than before. That can't change while it lives: somebody has made "
        "another one under its name.",
        remedy="See who made it, and have a new baseline written when it may stay.",
        source="ansible#17953",
        check=changed(*_OWNER),
    ),
    Rule(
        id="drift-map",
        severity="medium",
        title="The id map of a user namespace has changed",
        meaning="Other uids or gids of the host are inside than before, or setgroups is another word.",
        remedy="See who made it, and have a new baseline written when it may stay.",
        source="ansible#17953",
        check=changed(*_MAPS),
    ),
    Rule(
        id="drift-propagation",
        severity="low",
        title="Mounts of a namespace propagate in another way",
        meaning="Some of its mounts are shared, slave or unbindable, and none was before, or the other way.",
        remedy="ns_propagation shows and sets it.",
        source="ansible#17953",
        check=changed("propagation"),
    ),
    Rule(
        id="drift-holders",
        severity="low",
        title="Something else keeps a namespace",
        meaning="It has no process, and what holds it is of other kinds than before.",
        remedy="ns_holders shows who that is.",
        source="ansible#17953",
        check=holders,
    ),
    Rule(
        id="drift-not-compared",
        severity="info",
        title="Not all could be compared with the baseline",
        meaning="The host was booted since, and a namespace without a name has nothing that a reboot leaves. Or it has "
        "no baseline where other hosts have one, and may have had anything since.",
        remedy="Have a new baseline written, also after each boot, or declare what should be compared.",
        source="linux.namespaces.ns_diff",
        check=not_compared,
    ),
)
