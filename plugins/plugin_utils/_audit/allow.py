# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What somebody has looked at and lets be, with the reason, and until when."""

from __future__ import annotations

import datetime as dt
import re
import typing as t
from fnmatch import fnmatchcase

from .._facts import TYPE_NAMES
from .look import PASSIVE, Look, binds
from .model import Hit, Rule, day, line, refuse
from .policy import closest

_KEYS = ("id", "match", "reason", "expires")
_HANDLE = re.compile("/run/(%s)ns/([^/]+)" % "|".join(TYPE_NAMES))

EXPIRED = Rule(
    id="allow-expired",
    severity="medium",
    title="An entry of the allow-list has expired",
    meaning="What it allowed counts as open again since that day. It is told where there is such a thing.",
    remedy="See whether the reason still holds: give the entry another day, or remove it and what it allowed.",
    source="the option allow of linux.namespaces.ns_audit",
    check=None,
)
UNUSED = Rule(
    id="allow-unused",
    severity="info",
    title="An entry of the allow-list allows nothing",
    meaning="Nothing that was found needs it. Where the list is for many hosts, another one may.",
    remedy="Remove it, so that it does not allow something else one day.",
    source="the option allow of linux.namespaces.ns_audit",
    check=None,
)
RULES = (EXPIRED, UNUSED)


class Entry:
    """One entry, and whether anything needs it."""

    def __init__(self, rule: str, match: t.Mapping[str, str], reason: str, expires: dt.date | None) -> None:
        self.rule = rule
        self.match = match
        self.reason = reason
        self.expires = expires
        self.is_needed = False

    def is_about(self, hit: Hit, look: Look) -> bool:
        """Whether every glob has something that it matches."""
        return all(_matches(key, glob, hit, look) for key, glob in self.match.items())

    def has_expired(self, today: dt.date) -> bool:
        return self.expires is not None and self.expires < today

    def said(self) -> str:
        """Which entry it is."""
        until = "" if self.expires is None else "until %s " % self.expires
        return "%s %s(%s)" % (self._about(), until, self.reason)

    def hit(self, today: dt.date) -> Hit:
        """It as what was found, in words that say whether it has expired."""
        said = self.said()
        if not self.has_expired(today):
            return Hit(said, subject=said)
        over = "allowed until %s (%s), which is over: %s" % (self.expires, self.reason, self._about())
        return Hit(over, subject=said)

    def _about(self) -> str:
        return " ".join([self.rule, *("%s=%s" % item for item in sorted(self.match.items()))])

    def told(self) -> dict[str, t.Any]:
        """As a finding that it allows tells of it."""
        expires = None if self.expires is None else self.expires.isoformat()
        return {"reason": line(self.reason), "expires": expires}


class AllowList:
    """All entries."""

    def __init__(self, entries: t.Sequence[Entry], today: dt.date, look: Look) -> None:
        self._entries = entries
        self._look = look
        self._today = today
        self._by_rule: dict[str, list[Entry]] = {}
        for entry in entries:
            self._by_rule.setdefault(entry.rule, []).append(entry)

    def allows(self, rule: str, hit: Hit) -> Entry | None:
        """The first entry that is about it, None where it is not allowed."""
        found = [entry for entry in self._by_rule.get(rule, ()) if entry.is_about(hit, self._look)]
        valid = [entry for entry in found if not entry.has_expired(self._today)]
        for entry in valid or found:
            entry.is_needed = True
        return valid[0] if valid else None

    def used(self) -> list[Entry]:
        """Those that allow something."""
        return [entry for entry in self._entries if entry.is_needed and not entry.has_expired(self._today)]

    def expired(self) -> list[Entry]:
        """Those that something would need that is open without them."""
        return [entry for entry in self._entries if entry.is_needed and entry.has_expired(self._today)]

    def unused(self, ran: t.Container[str]) -> list[Entry]:
        """Those that nothing needed, though their rule ran."""
        return [entry for entry in self._entries if entry.rule in ran and not entry.is_needed]


def read_allow(given: t.Any, known: t.Collection[str]) -> list[Entry]:
    """The entries, checked. known: the ids of all rules. Raises AnsibleFilterError."""
    if given is None:
        return []
    if isinstance(given, str) or not isinstance(given, t.Sequence):
        raise refuse("allow", "%r is no list" % (given,), "give a list of {id, match, reason, expires}")
    return [_entry("allow, entry %d" % number, item, known) for number, item in enumerate(given, 1)]


def _entry(option: str, given: t.Any, known: t.Collection[str]) -> Entry:
    if not isinstance(given, t.Mapping):
        raise refuse(option, "%r is no mapping" % (given,), "give {id, match, reason, expires}")
    for key in given:
        if key not in _KEYS:
            raise refuse(option, "there is no key %r" % (key,), closest(key, _KEYS))
    rule = given.get("id")
    if not isinstance(rule, str) or rule not in known:
        raise refuse(option, "there is no finding with the id %r" % (rule,), closest(rule, known))
    reason = given.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise refuse(option, "it has no reason", "say why this may be, for whoever reads the report")
    expires = given.get("expires")
    if expires is not None and day(expires) is None:
        raise refuse(option, "expires is %r, and no date" % (expires,), "give it as 2027-01-31")
    return Entry(rule, _match(option, given.get("match")), reason, day(expires))


def _match(option: str, given: t.Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, t.Mapping):
        raise refuse(option, "match is %r, and no mapping" % (given,), "give for example {name: 'lab-*'}")
    match = {}
    for key, value in given.items():
        if key not in _KEYS_OF_MATCH:
            raise refuse(option, "match has no key %r" % (key,), closest(key, _KEYS_OF_MATCH))
        is_uid = key == "owner_uid" and isinstance(value, int) and not isinstance(value, bool)
        if not is_uid and not isinstance(value, str):
            raise refuse(option, "match: %s is %r, and no text" % (key, value), "give one, in which * is anything")
        if key == "type" and not any(fnmatchcase(kind, value) for kind in TYPE_NAMES):
            raise refuse(option, "match: type: there is none like %r" % value, closest(value, TYPE_NAMES))
        match[key] = str(value)
    return match


def _matches(key: str, glob: str, hit: Hit, look: Look) -> bool:
    values = [*(_paths(hit, look) if key == "path" else _FIELDS[key](hit))]
    every = all if key in _OF_PEOPLE else any
    return bool(values) and every(value is not None and fnmatchcase(value, glob) for value in values)


def _paths(hit: Hit, look: Look) -> t.Iterable[str | None]:
    """On the host: in mounts of his own anybody can have any."""
    if hit.namespace is None:
        return [hit.path]
    # What was there before was where the host lived then.
    host = look.baseline.host if hit.is_past and look.baseline is not None else look.host
    home = host.home.get("mnt")
    return [hit.path, *(item.path for item in binds(hit.namespace) if home is not None and item.namespace == home)]


def _name(hit: Hit) -> t.Iterable[str | None]:
    yield _at_path(hit)[1] if hit.namespace is None else hit.namespace.name


def _type(hit: Hit) -> t.Iterable[str | None]:
    yield _at_path(hit)[0] if hit.namespace is None else hit.namespace.type


def _at_path(hit: Hit) -> tuple[str | None, str | None]:
    """The type and the name that a namespace would have at the path of a handle."""
    found = None if hit.path is None else _HANDLE.fullmatch(hit.path)
    return (None, None) if found is None else (found[1], found[2])


def _of_people(field: str) -> t.Callable[[Hit], t.Iterable[str | None]]:
    """Of who leads in the namespace; where nobody is in it of all who hold it, for anybody can hold what is another's.

    A bind mount is nobody's, and where not all are told of nothing is known.
    """

    def look(hit: Hit) -> t.Iterable[str | None]:
        namespace = hit.namespace
        if namespace is None:
            return []
        if namespace.leader is not None:
            return [getattr(namespace.leader, field)]
        told = [holder for holder in namespace.holders if holder.kind not in _NOBODYS]
        is_whole = len(told) >= sum(
            namespace.holder_counts.get(kind, 0) for kind in namespace.holder_counts.keys() - _NOBODYS
        )
        return [getattr(holder.process, field) for holder in told] if is_whole else []

    return look


def _owner_uid(hit: Hit) -> t.Iterable[str | None]:
    uid = None if hit.namespace is None else hit.namespace.told.get("owner_uid")
    return () if uid is None else (str(uid),)


_OF_PEOPLE = ("unit", "container", "comm")
_NOBODYS = PASSIVE | {"bind"}
_FIELDS: t.Mapping[str, t.Callable[[Hit], t.Iterable[str | None]]] = {
    "name": _name,
    "type": _type,
    "owner_uid": _owner_uid,
    **{field: _of_people(field) for field in _OF_PEOPLE},
}
_KEYS_OF_MATCH = ("path", *_FIELDS)
