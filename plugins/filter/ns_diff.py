# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ns_diff
short_description: Compare the namespaces of a host with those that it had earlier
description:
  - Compares two sets of facts of M(linux.namespaces.ns_facts), which should have been gathered with the same options
    and privileges. What was looked at only once seems to be added or removed.
  - Within one boot of the host a namespace is known by its type and 64-bit id. Where the kernel gives no id, it is
    known by its inode number, which another one may have had before. Across a reboot an initial namespace is the
    same as the one before, and one with a name is the same as the one of its type that had this name. The others can't
    be compared, and are counted.
  - Compared are the name, owner and parent, C(owner_uid), the maps and C(setgroups), the host names, the offsets, the
    devices and listeners. Of propagation it is whether there are mounts that are shared, slave or unbindable; of
    processes, whether there are any; of the leader, the name and the unit of systemd; of what holds it, the kinds, but
    V(zombie) and V(in_flight), which come and go.
  - Numbers of processes, descriptors, mounts and holders, and what a leader is allowed, change all the time and are no
    change. What is null in one of the facts was not readable then and is no change either, but for the name. Devices
    and listeners are not compared where there are so many that the facts have not all of them. Addresses, routes and
    rules (O(linux.namespaces.ns_facts#module:network)) are not compared.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
positional: after
options:
  _input:
    description: The earlier facts, C(ansible_facts.linux_namespaces), not of
      O(linux.namespaces.ns_facts#module:detail=summary).
    type: dict
    required: true
  after:
    description: The later facts.
    type: dict
    required: true
seealso:
  - module: linux.namespaces.ns_facts
"""

EXAMPLES = r"""
- name: Look at the host
  linux.namespaces.ns_facts:

- name: Compare with last month
  ansible.builtin.set_fact:
    drift: "{{ last_month | linux.namespaces.ns_diff(ansible_facts.linux_namespaces) }}"
  vars:
    last_month: "{{ lookup('ansible.builtin.file', inventory_hostname ~ '.json') | from_json }}"

- name: Fail where a namespace with a name was added, or changed hands
  ansible.builtin.assert:
    that:
      - drift.added | selectattr('name') == []
      - drift.changed | selectattr('changes.owner', 'defined') == []

- name: Keep what was found for the next time
  ansible.builtin.copy:
    content: "{{ ansible_facts.linux_namespaces | to_json }}"
    dest: "{{ inventory_hostname }}.json"
    mode: "0600"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: What is different.
  type: dict
  contains:
    added:
      description: The namespaces that there were not before, as the later facts have them.
      type: list
      elements: dict
    removed:
      description: The namespaces that there are no more, as the earlier facts have them.
      type: list
      elements: dict
    changed:
      description: The namespaces that are different from before.
      type: list
      elements: dict
      contains:
        type:
          description: Its type.
          type: str
        inode:
          description: Its inode number, as the later facts have it, like the next two.
          type: int
        id:
          description: Its 64-bit id, or null.
          type: int
        name:
          description: Its name, or null.
          type: str
        changes:
          description: By what has changed, C(before) and C(after).
          type: dict
          contains:
            name:
              description: The two names. This, and what follows, is there where it has changed.
              type: dict
            owner:
              description: The two user namespaces, as text. Across a reboot, where both are initial or have a name.
              type: dict
            owner_uid:
              description: The two uids.
              type: dict
            parent:
              description: The two namespaces, like those of C(owner).
              type: dict
            uid_map:
              description: The two maps, whole.
              type: dict
            gid_map:
              description: The two maps, whole.
              type: dict
            setgroups:
              description: The two words.
              type: dict
            hostname:
              description: The two names.
              type: dict
            domainname:
              description: The two names.
              type: dict
            offsets:
              description: Both offsets, before and after.
              type: dict
            propagation:
              description: Two lists of V(shared), V(slave) and V(unbindable).
              type: dict
            links:
              description: The devices that there were only before, and those that there are only after. One that
                went up is among both.
              type: dict
            listeners:
              description: Those that there were only before, and those that there are only after.
              type: dict
            processes:
              description: The two numbers, one of which is 0.
              type: dict
            leader:
              description: Twice C(comm) and C(unit).
              type: dict
            holders:
              description: The kinds that there were only before, and those that there are only after.
              type: dict
    not_compared:
      description: How many namespaces could not be compared, for the host was booted between and they have no name.
      type: dict
      contains:
        before:
          description: Of the earlier facts.
          type: int
        after:
          description: Of the later facts.
          type: int
    complete:
      description: Whether both scans were complete. If not, what was added or removed may only not have been found.
      type: bool
  sample:
    added: []
    removed: []
    changed:
      - type: net
        inode: 4026532503
        id: 77
        name: blue
        changes:
          owner: {before: "user [4026531837]", after: "user box [4026532510]"}
          links: {before: [], after: [{name: veth0, kind: veth, up: true}]}
    not_compared: {before: 0, after: 0}
    complete: true
"""

import collections
import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._facts import Facts, Namespace, mention, read, title

_AS_TOLD = ("owner_uid", "uid_map", "gid_map", "setgroups", "hostname", "domainname", "offsets")
_LISTS = ("links", "listeners")
_COMING_AND_GOING = frozenset({"zombie", "in_flight"})
_PROPAGATIONS = ("shared", "slave", "unbindable")

_Key = t.Hashable
_Change = t.Tuple[str, t.Any, t.Any]
"""What has changed, before and after."""


class _Side:
    """One of the two sets of facts, and by what its namespaces are known in the other one."""

    def __init__(self, facts: Facts, rebooted: bool) -> None:
        self.facts = facts
        ordered = sorted(facts.namespaces, key=lambda namespace: namespace.order)
        self.keys = _lasting_keys(facts, ordered) if rebooted else {item.inode: _key(item) for item in ordered}
        """By inode. Some of a rebooted host have none."""
        self.compared = {self.keys[item.inode]: item for item in ordered if item.inode in self.keys}
        self.not_compared = len(ordered) - len(self.compared)

    def without(self, other: _Side) -> list[t.Any]:
        """What the other one has not, as it was told."""
        return [namespace.told for key, namespace in self.compared.items() if key not in other.compared]


def ns_diff(before: t.Any, after: t.Any) -> dict[str, t.Any]:
    """What is different, in the shape that RETURN says. Raises AnsibleFilterError."""
    earlier, later = read(before), read(after)
    rebooted = earlier.boot_id != later.boot_id
    old, new = _Side(earlier, rebooted), _Side(later, rebooted)
    changed = []
    for key, namespace in new.compared.items():
        if key in old.compared:
            changes = _changes(old.compared[key], namespace)
            changes += _moves(old, old.compared[key], new, namespace, rebooted)
            if changes:
                changed.append(_changed(namespace, changes))
    return {
        "added": new.without(old),
        "removed": old.without(new),
        "changed": changed,
        "not_compared": {"before": old.not_compared, "after": new.not_compared},
        "complete": earlier.complete and later.complete,
    }


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


def _changed(namespace: Namespace, changes: t.Iterable[_Change]) -> dict[str, t.Any]:
    return {
        "type": namespace.type,
        "inode": namespace.inode,
        "id": namespace.id,
        "name": namespace.name,
        "changes": {what: {"before": before, "after": after} for what, before, after in changes},
    }


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


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters here, by name."""
        return {"ns_diff": ns_diff}
