# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: ns_holders
short_description: Say what keeps the namespaces of a host alive
description:
  - Tells from the facts of M(linux.namespaces.ns_facts), for people, what holds each namespace, and how far the facts
    go.
  - An initial namespace is told in one line where there are others too. It is there whatever holds it.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
options:
  _input:
    description:
      - The facts, C(ansible_facts.linux_namespaces), not of O(linux.namespaces.ns_facts#module:detail=summary).
      - With O(linux.namespaces.ns_facts#module:detail=full) they have 100 holders of each namespace, otherwise 3; the
        others are counted.
    type: dict
    required: true
  name:
    description: Tell of namespaces of this name alone.
    type: str
  inode:
    description: Tell of the namespace with this inode number alone.
    type: int
  id:
    description: Tell of the namespaces with this 64-bit id alone.
    type: int
  type:
    description: Tell of namespaces of this type alone.
    type: str
    choices: [user, mnt, uts, ipc, net, cgroup, time, pid]
notes:
  - Control characters in what the host says are shown as C(\x1b), and the second of two blanks as C(\x20).
seealso:
  - module: linux.namespaces.ns_facts
  - plugin: linux.namespaces.ns_tree
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Look at the host
  linux.namespaces.ns_facts:
    detail: full

- name: Show what keeps the network namespace blue alive
  ansible.builtin.debug:
    msg: "{{ (ansible_facts.linux_namespaces | linux.namespaces.ns_holders(name='blue', type='net')).splitlines() }}"

# net blue  id 77  [4026532503]  0 processes, held by 3
#   fd      4711/12 dockerd   docker.service
#   bind    /run/netns/blue   in mnt [4026532600] (pid 900, sshd.service)
#   socket  5120/7  bird      bird.service
# scan complete; not visible from here: credentials of open files, fsopen contexts
"""

RETURN = r"""
_value:
  description:
    - In lines, a block for each namespace. First which it is, how many processes are in it, and how many other holders
      it has. Below it the first of the processes, and the holders that the facts have, by the words of
      RV(linux.namespaces.ns_facts#module:ansible_facts.linux_namespaces.namespaces[].holders[].kind).
    - Processes are told of as C(pid), threads as C(pid:thread), descriptors as C(pid/descriptor), each with the name
      and the unit of systemd.
    - At last whether the scan was complete, and what it could not see.
  type: str
"""

import collections
import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._facts import (
    TYPE_NAMES,
    Facts,
    Holder,
    Namespace,
    Process,
    mention,
    processes,
    read,
    title,
    visible,
)

_LENGTH_OF_CONTAINER = 12  # as docker ps shows it
_WIDEST = 40


class _Row(t.NamedTuple):
    """What holds, in columns."""

    kind: str
    place: str
    comm: str
    more: str


def ns_holders(given: t.Any, name: t.Any = None, inode: t.Any = None, id: t.Any = None, type: t.Any = None) -> str:  # noqa: A002 - the names that the options of ns_facts have
    """What holds the namespaces, as text. Raises AnsibleFilterError."""
    facts = read(given)
    wanted = {
        "name": None if name is None else _text("name", name),
        "inode": None if inode is None else _number("inode", inode),
        "id": None if id is None else _number("id", id),
        "type": None if type is None else _type(type),
    }
    wanted = {option: value for option, value in wanted.items() if value is not None}
    found = [
        namespace
        for namespace in facts.namespaces
        if all(getattr(namespace, option) == value for option, value in wanted.items())
    ]
    found.sort(key=lambda namespace: namespace.order)
    lines: list[str] = []
    for namespace in found:
        lines += _tell(facts, namespace, len(found) == 1)
    return "\n".join([*(lines or [_nothing(wanted)]), *_how_far(facts)])


def _text(option: str, given: t.Any) -> str:
    if isinstance(given, str):
        return given
    raise AnsibleFilterError("option %s: %r is no text" % (option, given))


def _number(option: str, given: t.Any) -> int:
    """A number, or its decimal digits: what the command line gives is text."""
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return given
    if isinstance(given, str) and given.isascii() and given.isdigit() and len(given) <= 20:
        return int(given)
    raise AnsibleFilterError("option %s: %r is no number" % (option, given))


def _type(given: t.Any) -> str:
    if isinstance(given, str) and given in TYPE_NAMES:
        return given
    raise AnsibleFilterError("option type: %r is none of %s" % (given, ", ".join(TYPE_NAMES)))


def _nothing(wanted: t.Mapping[str, t.Any]) -> str:
    which = " and ".join("the %s %s" % (option, visible(str(value))) for option, value in wanted.items())
    return "No namespace with %s was found." % which if which else "No such namespace was found."


def _how_far(facts: Facts) -> t.Iterator[str]:
    blind = "not visible from here: %s" % ", ".join(map(visible, facts.blind)) if facts.blind else ""
    if facts.complete:
        yield "; ".join(filter(None, ("scan complete", blind)))
        return
    yield "scan INCOMPLETE: %s" % ("; ".join(map(visible, facts.incomplete_because)) or "no reason is given")
    if blind:
        yield blind


def _tell(facts: Facts, namespace: Namespace, alone: bool) -> t.Iterator[str]:
    initial = facts.is_initial(namespace)
    heading = _heading(namespace, initial)
    if initial and not alone:
        counted = _counted(namespace.holder_counts)
        yield "%s (%s)" % (heading, counted) if counted else heading
        return
    yield heading
    told = [holder for holder in namespace.holders if holder.kind != "process"]
    rows = [*_processes(namespace), *(_row(facts, namespace, holder) for holder in told)]
    yield from _table(rows)
    more = collections.Counter(namespace.holder_counts)
    more.subtract(holder.kind for holder in told)
    more = +more
    if more:
        yield "  … and %d more (%s)" % (sum(more.values()), _counted(more))


def _heading(namespace: Namespace, initial: bool) -> str:
    held = sum(namespace.holder_counts.values())
    words = [*(["initial"] if initial else []), processes(namespace)]
    if held:
        words.append("held by %d" % held)
    elif not initial and not namespace.processes:
        words.append("nothing found that holds it")
    return "%s  %s" % (title(namespace), ", ".join(words))


def _counted(counts: t.Mapping[str, int]) -> str:
    """By kind, the most first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join("%s %d" % (visible(kind), count) for kind, count in ordered if count)


def _processes(namespace: Namespace) -> t.Iterator[_Row]:
    """Who is in it, by its leader."""
    leader = namespace.leader
    if leader is None:
        if namespace.processes:
            yield _Row("process", str(namespace.processes), "", "")
        return
    others = "and %d more" % (namespace.processes - 1) if namespace.processes > 1 else ""
    yield _Row("process", _pid(leader), visible(leader.comm or ""), " ".join(filter(None, (_where(leader), others))))


def _row(facts: Facts, namespace: Namespace, holder: Holder) -> _Row:
    kind = visible(holder.kind)
    if holder.kind in ("child", "owned") and holder.namespace is not None:
        # A child has the type of what is above it.
        what = mention(facts, holder.namespace, namespace.type if holder.kind == "child" else "")
        return _Row(kind, what, "", "")
    if holder.kind == "bind":
        return _Row(kind, visible(holder.path or ""), "", _mounted_in(facts, holder))
    if holder.kind == "kernel":
        return _Row(kind, "listed by the kernel alone", "", "")
    process = holder.process
    place = _pid(process)
    if holder.thread is not None:
        place += ":%d" % holder.thread
    if holder.fd is not None:
        place += "/%d" % holder.fd
    inside = "at %s in a detached mount tree" % visible(holder.path) if holder.path is not None else ""
    return _Row(kind, place, visible(process.comm or ""), ", ".join(filter(None, (_where(process), inside))))


def _mounted_in(facts: Facts, holder: Holder) -> str:
    """In mnt [4026532600] (pid 900, sshd.service)."""
    process = holder.process
    who = [] if process.pid is None else ["pid %d" % process.pid, _where(process) or visible(process.comm or "")]
    leader = " (%s)" % ", ".join(filter(None, who)) if who else ""
    return "" if holder.namespace is None else "in %s%s" % (mention(facts, holder.namespace, "mnt"), leader)


def _pid(process: Process) -> str:
    return "" if process.pid is None else str(process.pid)


def _where(process: Process) -> str:
    """The unit and the container of a process, as far as it has them."""
    container = process.container
    short = "container %s" % visible(container)[:_LENGTH_OF_CONTAINER] if container else ""
    return ", ".join(filter(None, (visible(process.unit or ""), short)))


def _table(rows: t.Sequence[_Row]) -> t.Iterator[str]:
    """In columns; what is very wide widens only its own line."""
    kinds = max((len(row.kind) for row in rows), default=0)
    places = max((len(row.place) for row in rows if row.comm), default=0)
    cells = ["%s %s" % (row.place.ljust(places), row.comm) if row.comm else row.place for row in rows]
    width = max((len(cell) for row, cell in zip(rows, cells) if row.more and len(cell) <= _WIDEST), default=0)
    for row, cell in zip(rows, cells):
        yield ("  %s  %s   %s" % (row.kind.ljust(kinds), cell.ljust(width), row.more)).rstrip()


class FilterModule:
    """What Ansible asks for."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters here, by name."""
        return {"ns_holders": ns_holders}
