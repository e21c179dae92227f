# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds namespaces, for people."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ns_holders
short_description: Tell what holds namespaces, as text
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
description:
  - From the facts of M(linux.namespaces.ns_facts), a line for each namespace, one for each of its holders that the
    facts have, and one that says whether they are complete.
  - What comes from the host is shown without characters that a terminal would act upon.
positional: _input
options:
  _input:
    description: The facts, C(ansible_facts.linux_namespaces), of more detail than V(summary).
    type: dict
    required: true
seealso:
  - module: linux.namespaces.ns_facts
"""

EXAMPLES = r"""
- name: See what keeps a network namespace alive
  linux.namespaces.ns_facts:
    name: blue
    types: [net]
    detail: full

- name: Show it
  ansible.builtin.debug:
    msg: "{{ ansible_facts.linux_namespaces | linux.namespaces.ns_holders }}"

# net blue  id 77  [4026532503]  0 processes, held by 3
#   bind    /run/netns/blue   in mnt [4026532600] (pid 900, sshd.service)
#   fd      4711/12 dockerd   docker.service
#   socket  5120/7 bird       bird.service
# scan complete; not visible on this kernel: credentials of open files, fsopen contexts
"""

RETURN = r"""
_value:
  description: The text, lines of it.
  type: str
"""

import typing as t

from ansible_collections.linux.namespaces.plugins.plugin_utils import _facts as facts_of
from ansible_collections.linux.namespaces.plugins.plugin_utils._facts import Namespace, label, visible

Row = t.Tuple[str, str, str]
"""What kind of holder it is, which one, and what else there is to say."""


def ns_holders(given: t.Any) -> str:
    """The text for facts. Raises AnsibleFilterError."""
    facts = facts_of.read(given, "ns_holders")
    by_inode = {namespace["inode"]: namespace for namespace in facts["namespaces"]}
    lines = []
    for namespace in sorted(facts["namespaces"], key=facts_of.order):
        lines.append(_headline(namespace))
        lines += _table([*_leaders(namespace), *(_row(holder, by_inode) for holder in namespace["holders"])])
        lines += _beyond(namespace)
    return "\n".join([*(lines or ["there is no such namespace"]), _scan(facts["scan"])])


def _headline(namespace: Namespace) -> str:
    processes, held = namespace["processes"], sum(namespace["holder_counts"].values())
    by = f", held by {held}" if held or not processes else ""
    return f"{label(namespace)}  {processes} process{'' if processes == 1 else 'es'}{by}"


def _leaders(namespace: Namespace) -> t.Iterator[Row]:
    leader = namespace.get("leader")
    if leader and not any(holder["kind"] == "process" for holder in namespace["holders"]):
        others = namespace["processes"] - 1
        yield "process", _process(leader), _join(leader.get("unit"), f"and {others} more" if others > 0 else None)


def _row(holder: dict[str, t.Any], by_inode: t.Mapping[int, Namespace]) -> Row:
    kind = visible(holder["kind"])
    inode = holder.get("namespace")
    if kind == "bind":
        return kind, visible(holder.get("path")), f"in mnt [{inode}]{_in_brackets(holder)}"
    if inode is not None:
        return kind, label(by_inode[inode]) if inode in by_inode else f"[{inode}]", ""
    if kind == "kernel":
        return kind, "by what the kernel does not show", ""
    return kind, _process(holder), _join(holder.get("unit"), holder.get("path"))


def _process(holder: t.Mapping[str, t.Any]) -> str:
    """The process, its thread and its descriptor, and its name."""
    thread, fd = holder.get("thread"), holder.get("fd")
    place = f"{holder.get('pid')}{'' if thread is None else f':{thread}'}{'' if fd is None else f'/{fd}'}"
    return _join(place, holder.get("comm"))


def _in_brackets(holder: t.Mapping[str, t.Any]) -> str:
    if holder.get("pid") is None:
        return ""
    return f" (pid {holder['pid']}, {visible(holder.get('unit') or holder.get('comm'))})"


def _join(*words: t.Any) -> str:
    return " ".join(visible(word) for word in words if word is not None)


def _table(rows: t.Sequence[Row]) -> t.Iterator[str]:
    first, second = (max((len(row[column]) for row in rows), default=0) for column in (0, 1))
    for kind, which, more in rows:
        yield f"  {kind:{first}}  {which:{second}}   {more}".rstrip()


def _beyond(namespace: Namespace) -> t.Iterator[str]:
    """What the facts counted and do not tell of."""
    told = [holder["kind"] for holder in namespace["holders"]]
    left = {kind: count - told.count(kind) for kind, count in namespace["holder_counts"].items()}
    left = {kind: count for kind, count in left.items() if count > 0}
    if left:
        kinds = ", ".join(f"{visible(kind)} {count}" for kind, count in sorted(left.items()))
        yield f"  … and {sum(left.values())} more ({kinds})"


def _scan(scan: t.Mapping[str, t.Any]) -> str:
    reasons = "; ".join(map(visible, scan.get("incomplete_because") or ["not known why"]))
    said = "scan complete" if scan.get("complete") else f"scan INCOMPLETE: {reasons}"
    blind = ", ".join(map(visible, scan.get("blind") or []))
    return f"{said}; not visible on this kernel: {blind}" if blind else said


class FilterModule:
    """The filter, for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """By its name."""
        return {"ns_holders": ns_holders}
