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

import typing as t

from ..plugin_utils._diff import Changed, compare
from ..plugin_utils._facts import read


def ns_diff(before: t.Any, after: t.Any) -> dict[str, t.Any]:
    """What is different, in the shape that RETURN says. Raises AnsibleFilterError."""
    earlier, later = read(before), read(after)
    found = compare(earlier, later)
    return {
        "added": [namespace.told for namespace in found.added],
        "removed": [namespace.told for namespace in found.removed],
        "changed": [*map(_changed, found.changed)],
        "not_compared": dict(zip(("before", "after"), found.not_compared)),
        "complete": earlier.complete and later.complete,
    }


def _changed(item: Changed) -> dict[str, t.Any]:
    namespace = item.namespace
    return {
        "type": namespace.type,
        "inode": namespace.inode,
        "id": namespace.id,
        "name": namespace.name,
        "changes": item.changes,
    }


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters here, by name."""
        return {"ns_diff": ns_diff}
