# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Namespaces as a tree, for people."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ns_tree
short_description: Show namespaces as a tree of text
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
description:
  - From the facts of M(linux.namespaces.ns_facts), a line for each namespace, indented below the one that owns it or
    that it is a child of.
  - What comes from the host is shown without characters that a terminal would act upon.
positional: _input
options:
  _input:
    description: The facts, C(ansible_facts.linux_namespaces), of more detail than V(summary).
    type: dict
    required: true
  by:
    description: With V(owner) each namespace is below the user namespace that owns it. With V(parent) there are user
      and PID namespaces alone, each below its parent.
    type: str
    choices: [owner, parent]
    default: owner
seealso:
  - module: linux.namespaces.ns_facts
"""

EXAMPLES = r"""
- name: See who owns what
  ansible.builtin.debug:
    msg: "{{ ansible_facts.linux_namespaces | linux.namespaces.ns_tree }}"

# user  id 2  [4026531837]  120 processes, systemd
# ├─ net blue  id 77  [4026532503]  0 processes
# └─ user  id 81  [4026532600]  2 processes, sleep
#    └─ net  id 82  [4026532601]  2 processes, sleep

- name: See how deep PID namespaces are nested
  ansible.builtin.debug:
    msg: "{{ ansible_facts.linux_namespaces | linux.namespaces.ns_tree(by='parent') }}"
"""

RETURN = r"""
_value:
  description: The text, lines of it.
  type: str
"""

import typing as t

from ansible_collections.linux.namespaces.plugins.plugin_utils import _facts as facts_of
from ansible_collections.linux.namespaces.plugins.plugin_utils._facts import Namespace, label, visible

_HIERARCHICAL = ("user", "pid")


def ns_tree(given: t.Any, by: str = "owner") -> str:
    """The text for facts. Raises AnsibleFilterError."""
    facts = facts_of.read(given, "ns_tree")
    if by not in ("owner", "parent"):
        raise facts_of.refuse("ns_tree", f"by is owner or parent, and not {by!r}")
    some = [item for item in facts["namespaces"] if by == "owner" or item["type"] in _HIERARCHICAL]
    below: dict[t.Any, list[Namespace]] = {}
    for item in sorted(some, key=facts_of.order):
        below.setdefault(item.get(by), []).append(item)
    lines = list(_lines(below.pop(None, []), below))
    # What is narrowed has owners that are not among it.
    for inode in sorted(below.keys() - {item["inode"] for item in some}):
        lines += [f"[{inode}]  not among these facts", *_below(inode, "", below)]
    if below:
        raise facts_of.refuse("ns_tree", "the facts are damaged: a namespace is above itself")
    return "\n".join(lines)


def _lines(roots: t.Iterable[Namespace], below: dict[t.Any, list[Namespace]]) -> t.Iterator[str]:
    for root in roots:
        yield _line(root)
        yield from _below(root["inode"], "", below)


def _below(inode: int, indent: str, below: dict[t.Any, list[Namespace]]) -> t.Iterator[str]:
    """The lines of all that is below; it is taken out, so that nothing is shown twice. 32 levels are the most."""
    children = below.pop(inode, [])
    for place, child in enumerate(children, 1):
        branch, trunk = ("└─ ", "   ") if place == len(children) else ("├─ ", "│  ")
        yield indent + branch + _line(child)
        yield from _below(child["inode"], indent + trunk, below)


def _line(item: Namespace) -> str:
    leader = item.get("leader")
    comm = leader.get("comm") if leader else None
    count = item["processes"]
    who = f", {visible(comm)}" if comm else ""
    return f"{label(item)}  {count} process{'' if count == 1 else 'es'}{who}"


class FilterModule:
    """The filter, for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By its name."""
        return {"ns_tree": ns_tree}
