# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What is different between two looks at a host."""

from __future__ import annotations

import collections
import typing as t

from ansible.errors import AnsibleFilterError

from ._facts import Facts, Namespace, mention, title

_AS_TOLD = ("owner_uid", "uid_map", "gid_map", "setgroups", "hostname", "domainname", "offsets")
_LISTS = ("links", "listeners")
_COMING_AND_GOING = frozenset({"zombie", "in_flight"})
_PROPAGATIONS = ("shared", "slave", "unbindable")

_Key = t.Hashable
_Change = t.Tuple[str, t.Any, t.Any]
"""What has changed, before and after."""


class Changed(t.NamedTuple):
    """A namespace that is different from before."""

    namespace: Namespace
    """As it is now."""
    changes: t.Mapping[str, t.Mapping[str, t.Any]]
    """By what has changed, before and after."""


class Difference(t.NamedTuple):
    """What has changed on a host."""

    added: t.Sequence[Namespace]
    removed: t.Sequence[Namespace]
    changed: t.Sequence[Changed]
    not_compared: tuple[int, int]
    """How many of before and of after: the host was booted between."""


def compare(earlier: Facts, later: Facts) -> Difference:
    """What is different. Raises AnsibleFilterError."""
    rebooted = earlier.boot_id != later.boot_id
    old, new = _Side(earlier, rebooted), _Side(later, rebooted)
    changed = []
    for key, namespace in new.compared.items():
        if key in old.compared:
            changes = _changes(old.compared[key], namespace)
            changes += _moves(old, old.compared[key], new, namespace, rebooted)
            if changes:
                told = {what: {"before": before, "after": after} for what, before, after in changes}
                changed.append(Changed(namespace, told))
    return Difference(new.without(old), old.without(new), changed, (old.not_compared, new.not_compared))


class _Side:
    """One of the two sets of facts, and by what its namespaces are known in the other one."""

    def __init__(self, facts: Facts, rebooted: bool) -> None:
        self.facts = facts
        ordered = sorted(facts.namespaces, key=lambda namespace: namespace.order)
        self.keys = _lasting_keys(facts, ordered) if rebooted else {item.inode: _key(item) for item in ordered}
        """By inode. Some of a rebooted host have none."""
        self.compared = {self.keys[item.inode]: item for item in ordered if item.inode in self.keys}
        self.not_compared = len(ordered) - len(self.compared)

    def without(self, other: _Side) -> list[Namespace]:
        """What the other one has not."""
        return [namespace for key, namespace in self.compared.items() if key not in other.compared]


def _key(namespace: Namespace) -> _Key:
    """What it is known by as long as the host is up."""
    number = ("inode", namespace.inode) if namespace.id is None else ("id", namespace.id)
    return (namespace.type, *number)


def _lasting_keys(facts: Facts, ordered: t.Iterable[Namespace]) -> dict[int, _Key]:
    """What those are known by that a reboot brings back, by inode."""
    keys: dict[int, _Key] = {inode: ("initial", kind) for kind, inode in facts.initial.items() if inode is not None}
    seen: collections.Counter[tuple[str, str]] = collections.Counter()
    for namespace in ordered:
        if namespace.name is not None and namespace.inode not in keys:
            # One handle upon another gives two namespaces one name.
            seen[namespace.type, namespace.name] += 1
            keys[namespace.inode] = (namespace.type, namespace.name, seen[namespace.type, namespace.name])
    return keys


def _moves(old: _Side, before: Namespace, new: _Side, after: Namespace, rebooted: bool) -> list[_Change]:
    """What has another owner or parent."""
    found = []
    for what in ("owner", "parent"):
        was, now = getattr(before, what), getattr(after, what)
        if was is None or now is None:
            continue
        keys = (old.keys.get(was), new.keys.get(now))
        # Where only one of the facts has it, or both have not, there is nothing but the inode to go by.
        differs = not rebooted and was != now if None in keys else keys[0] != keys[1]
        if differs:
            kind = "user" if what == "owner" else after.type
            found.append((what, mention(old.facts, was, kind), mention(new.facts, now, kind)))
    return found


def _changes(before: Namespace, after: Namespace) -> list[_Change]:
    """What else has changed."""
    found: list[_Change] = []
    if before.name != after.name:
        found.append(("name", before.name, after.name))
    for what in _AS_TOLD:
        was, now = before.told.get(what), after.told.get(what)
        if was is not None and now is not None and was != now:
            found.append((what, was, now))
    pairs = [(what, _list(before, what), _list(after, what)) for what in _LISTS]
    pairs.append(("propagation", _propagation(before), _propagation(after)))
    pairs.append(("holders", _kinds(before), _kinds(after)))
    found += [
        (what, _only(was, now), _only(now, was))
        for what, was, now in pairs
        if was is not None and now is not None and {*map(_frozen, was)} != {*map(_frozen, now)}
    ]
    if bool(before.processes) != bool(after.processes):
        found.append(("processes", before.processes, after.processes))
    return found + _other_leader(before, after)


def _other_leader(before: Namespace, after: Namespace) -> list[_Change]:
    if before.leader is None or after.leader is None:
        return []
    was, now = ({"comm": leader.comm, "unit": leader.unit} for leader in (before.leader, after.leader))
    differs = any(was[key] is not None and now[key] is not None and was[key] != now[key] for key in was)
    return [("leader", was, now)] if differs else []


def _list(namespace: Namespace, what: str) -> list[t.Any] | None:
    """None where it could not be read, or not all of it was told."""
    value = namespace.told.get(what)
    if value is None or what + "_more" in namespace.told:
        return None
    if isinstance(value, list):
        return value
    raise AnsibleFilterError("%s: %s is no list" % (title(namespace), what))


def _propagation(namespace: Namespace) -> list[str] | None:
    """Which kinds of propagation some of its mounts have."""
    mounts = namespace.propagation
    return None if mounts is None else [kind for kind in _PROPAGATIONS if getattr(mounts, kind)]


def _kinds(namespace: Namespace) -> list[str]:
    """In which ways it is held."""
    return sorted({kind for kind, count in namespace.holder_counts.items() if count} - _COMING_AND_GOING)


def _only(some: t.Iterable[t.Any], others: t.Iterable[t.Any]) -> list[t.Any]:
    """Those that are not among the others."""
    known = {*map(_frozen, others)}
    return [item for item in some if _frozen(item) not in known]


def _frozen(value: t.Any) -> t.Hashable:
    """What is equal for equal values, and can be in a set."""
    if isinstance(value, t.Mapping):
        return "mapping", frozenset((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return "list", tuple(map(_frozen, value))
    return "value", value
