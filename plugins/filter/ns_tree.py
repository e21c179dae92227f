# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ns_tree
short_description: Draw the namespaces of a host as a tree
description:
  - Draws the facts of M(linux.namespaces.ns_facts) for people, with a line for each namespace, which has the type, the
    name, the 64-bit id, the inode number, how many processes are in it and the name of the first of them.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
positional: by
options:
  _input:
    description: The facts, C(ansible_facts.linux_namespaces), not of
      O(linux.namespaces.ns_facts#module:detail=summary).
    type: dict
    required: true
  by:
    description:
      - With V(owner), user namespaces are the trunk, and below each stands what it owns, then the user namespaces below
        it.
      - With V(parent) there are only the trees of user and of PID namespaces.
    type: str
    choices: [owner, parent]
    default: owner
notes:
  - What is owned by, or below, a namespace that the facts do not have stands at the end, under a line that says so.
  - Control characters in what the host says are shown as C(\x1b).
seealso:
  - module: linux.namespaces.ns_facts
  - plugin: linux.namespaces.ns_holders
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Look at the host
  linux.namespaces.ns_facts:

- name: Show who owns what
  ansible.builtin.debug:
    msg: "{{ (ansible_facts.linux_namespaces | linux.namespaces.ns_tree).splitlines() }}"

# user  id 2  [4026531837]  96 processes, systemd
# ├─ net blue  id 77  [4026532503]  0 processes
# ├─ net  id 1  [4026531833]  96 processes, systemd
# └─ user  id 80  [4026532510]  3 processes, sh
#    └─ uts box  id 82  [4026532512]  3 processes, sh

- name: Show which PID namespaces are in which
  ansible.builtin.debug:
    msg: "{{ (ansible_facts.linux_namespaces | linux.namespaces.ns_tree(by='parent')).splitlines() }}"
"""

RETURN = r"""
_value:
  description: The tree, in lines. Empty where there is no namespace.
  type: str
"""

import collections
import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._kernel import nstypes
from ..plugin_utils._facts import Facts, Namespace, processes, read, title, visible

_HIERARCHICAL = tuple(kind.name for kind in nstypes.HIERARCHICAL)


class _Way(t.NamedTuple):
    """What is drawn, and below what."""

    word: str
    above: t.Callable[[Namespace], int | None]
    types: t.Sequence[str] | None
    """None for all."""


_WAYS: t.Mapping[str, _Way] = {
    "owner": _Way("owner", lambda namespace: namespace.owner, None),
    "parent": _Way("parent", lambda namespace: namespace.parent, _HIERARCHICAL),
}


def ns_tree(given: t.Any, by: t.Any = "owner") -> str:
    """The tree as text. Raises AnsibleFilterError."""
    facts = read(given)
    way = _WAYS.get(by) if isinstance(by, str) else None
    if way is None:
        raise AnsibleFilterError("option by: %r is none of %s" % (by, ", ".join(_WAYS)))
    return "\n".join(_Tree(facts, way).lines())


class _Line(t.NamedTuple):
    """A namespace that is to be drawn, what stands before it, and before what is below it."""

    namespace: Namespace
    before: str
    below: str


class _Tree:
    """All namespaces, each drawn once, whatever the facts say of what is above them."""

    def __init__(self, facts: Facts, way: _Way) -> None:
        self._facts = facts
        self._way = way
        drawn = (item for item in facts.namespaces if way.types is None or item.type in way.types)
        # User namespaces come after the others, for what is below them takes many lines.
        self._namespaces = sorted(drawn, key=lambda item: (way.types is None and item.type == "user", item.order))
        self._below: dict[int | None, list[Namespace]] = collections.defaultdict(list)
        for namespace in self._namespaces:
            self._below[way.above(namespace)].append(namespace)
        self._drawn: set[int] = set()

    def lines(self) -> t.Iterator[str]:
        """The trees of what the kernel started with, then what is below none of them."""
        trunks, rest = self._topmost()
        yield from self._draw([_Line(trunk, "", "") for trunk in trunks])
        for above in sorted(rest, key=lambda inode: (inode is None, inode)):
            visible_here = "not visible" if above is None else "[%d], which these facts do not have" % above
            yield "%s %s:" % (self._way.word, visible_here)
            yield from self._draw(_branches(rest[above], ""))
        circling = [namespace for namespace in self._namespaces if namespace.inode not in self._drawn]
        if circling:
            yield "%s only each other:" % self._way.word
            yield from self._draw(_branches(circling, ""))

    def _topmost(self) -> tuple[list[Namespace], dict[int | None, list[Namespace]]]:
        """What the kernel started with and nothing is above; the others that the facts have nothing above of."""
        rest = {above: below for above, below in self._below.items() if above not in self._facts.by_inode}
        trunks = [item for item in rest.get(None, []) if item.type in _HIERARCHICAL and self._facts.is_initial(item)]
        others = [item for item in rest.pop(None, []) if item not in trunks]
        return trunks, {**rest, None: others} if others else rest

    def _draw(self, lines: t.Sequence[_Line]) -> t.Iterator[str]:
        """These and all below them; not by recursion, for it may be deep."""
        waiting = [*reversed(lines)]
        while waiting:
            namespace, before, below = waiting.pop()
            if namespace.inode not in self._drawn:
                self._drawn.add(namespace.inode)
                yield before + _describe(namespace)
                waiting.extend(reversed(_branches(self._below.get(namespace.inode, []), below)))


def _branches(namespaces: t.Sequence[Namespace], indent: str) -> list[_Line]:
    lines = [_Line(namespace, indent + "├─ ", indent + "│  ") for namespace in namespaces[:-1]]
    return lines + [_Line(namespace, indent + "└─ ", indent + "   ") for namespace in namespaces[-1:]]


def _describe(namespace: Namespace) -> str:
    leader = namespace.leader
    comm = ", %s" % visible(leader.comm) if leader and leader.comm else ""
    return "%s  %s%s" % (title(namespace), processes(namespace), comm)


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters here, by name."""
        return {"ns_tree": ns_tree}
