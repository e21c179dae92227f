# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has changed between two sets of facts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ns_diff
short_description: Tell which namespaces of a host came, went and changed
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
description:
  - From the facts of M(linux.namespaces.ns_facts) at two times. A namespace is the same one by its 64-bit id, which is
    never used again; where the kernel gives none, by its inode number, which may have come to mean another one.
  - After a reboot all are others. Then the initial ones are compared, and those with a name, by their names.
positional: _input, after
options:
  _input:
    description: The earlier facts, C(ansible_facts.linux_namespaces), of more detail than V(summary).
    type: dict
    required: true
  after:
    description: The later facts.
    type: dict
    required: true
notes:
  - Compared are the name, owner, parent, id maps, host names, offsets, devices and listeners; of propagation whether
    any mount is shared, slave or unbindable; of holders which kinds there are, of processes whether there are any, and
    what the leader is called. Numbers of processes, descriptors and holders are not. After a reboot owner and parent
    are not either.
seealso:
  - module: linux.namespaces.ns_facts
"""

EXAMPLES = r"""
- name: See what is different from last month
  ansible.builtin.debug:
    msg: "{{ last_month | linux.namespaces.ns_diff(ansible_facts.linux_namespaces) }}"
  vars:
    last_month: "{{ lookup('ansible.builtin.file', inventory_hostname ~ '.json') | from_json }}"
"""

RETURN = r"""
_value:
  description: What has changed.
  type: dict
  contains:
    added:
      description: The namespaces that are in the later facts alone, as they are there.
      type: list
      elements: dict
    removed:
      description: The namespaces that are in the earlier facts alone, as they are there.
      type: list
      elements: dict
    changed:
      description: Those that are in both and different.
      type: list
      elements: dict
      contains:
        type:
          description: The type.
          type: str
        inode:
          description: The inode number, in the later facts.
          type: int
        id:
          description: The 64-bit id, in the later facts.
          type: int
        name:
          description: The name, in the later facts.
          type: str
        changes:
          description: What is different, each with C(before) and C(after).
          type: dict
    not_compared:
      description: How many there are, C(before) and C(after), of which nobody can say after a reboot which they are.
      type: dict
  sample:
    added: []
    removed: []
    changed:
      - type: net
        inode: 4026532503
        id: 77
        name: blue
        changes: {holders: {before: [bind], after: [bind, socket]}}
    not_compared: {before: 0, after: 0}
"""

import typing as t

from ansible_collections.linux.namespaces.plugins.plugin_utils import _facts as facts_of
from ansible_collections.linux.namespaces.plugins.plugin_utils._facts import Facts, Namespace

Key = t.Tuple[t.Any, ...]

_AS_THEY_ARE = (
    *("name", "owner_uid", "depth", "hostname", "domainname", "uid_map", "gid_map", "setgroups", "offsets", "netnsid"),
)
_IN_ANY_ORDER = ("links", "listeners")
_WITHIN_A_BOOT = ("owner", "parent")
_OF_LEADERS = ("comm", "uid", "unit", "container")
_OF_MOUNTS = ("shared", "slave", "unbindable")


def ns_diff(before: t.Any, after: t.Any) -> dict[str, t.Any]:
    """The differences between facts. Raises AnsibleFilterError."""
    earlier, later = (facts_of.read(given, "ns_diff") for given in (before, after))
    same_boot = earlier.get("boot_id") == later.get("boot_id")
    old, new = (_by_key(facts, same_boot) for facts in (earlier, later))
    return {
        "added": [namespace for key, namespace in new.items() if key not in old],
        "removed": [namespace for key, namespace in old.items() if key not in new],
        "changed": [
            {**{name: namespace.get(name) for name in ("type", "inode", "id", "name")}, "changes": changes}
            for key, namespace in new.items()
            if key in old and (changes := _changes(old[key], namespace, same_boot))
        ],
        "not_compared": {
            "before": len(earlier["namespaces"]) - len(old),
            "after": len(later["namespaces"]) - len(new),
        },
    }


def _by_key(facts: Facts, same_boot: bool) -> dict[Key, Namespace]:
    """The namespaces by what tells which one it is; those of which nothing does are left out."""
    found = {}
    for namespace in sorted(facts["namespaces"], key=facts_of.order):
        key = _key(namespace) if same_boot else _lasting_key(namespace, facts.get("initial"))
        if key is not None:
            found[key] = namespace
    return found


def _key(namespace: Namespace) -> Key:
    number = namespace.get("id")
    return (namespace["type"], "inode" if number is None else "id", namespace["inode"] if number is None else number)


def _lasting_key(namespace: Namespace, initial: t.Any) -> Key | None:
    kind = namespace["type"]
    if isinstance(initial, dict) and initial.get(kind) == namespace["inode"]:
        return kind, "initial"
    return (kind, "name", namespace["name"]) if namespace.get("name") else None


def _changes(before: Namespace, after: Namespace, same_boot: bool) -> dict[str, dict[str, t.Any]]:
    old, new = (_compared(namespace, same_boot) for namespace in (before, after))
    return {
        key: {"before": old.get(key), "after": new.get(key)}
        for key in dict.fromkeys((*old, *new))
        if old.get(key) != new.get(key)
    }


def _compared(namespace: Namespace, same_boot: bool) -> dict[str, t.Any]:
    """What counts of a namespace."""
    kept = {key: namespace[key] for key in _AS_THEY_ARE if key in namespace}
    kept.update({key: namespace.get(key) for key in _WITHIN_A_BOOT if same_boot})
    for key in _IN_ANY_ORDER:
        if isinstance(namespace.get(key), list):
            kept[key] = sorted(namespace[key], key=repr)
    leader = namespace.get("leader")
    kept["leader"] = {key: leader.get(key) for key in _OF_LEADERS} if leader else None
    kept["has_processes"] = namespace["processes"] > 0
    kept["holders"] = sorted(kind for kind, count in namespace["holder_counts"].items() if count)
    mounts = namespace.get("propagation")
    if isinstance(mounts, dict):
        kept["propagation"] = [key for key in _OF_MOUNTS if mounts.get(key)]
    return kept


class FilterModule:
    """The filter, for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By its name."""
        return {"ns_diff": ns_diff}
