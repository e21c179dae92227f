# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The namespaces of a host as a picture: boxes in boxes, user namespaces by parent and what each owns beneath it."""

from __future__ import annotations

import collections
import itertools
import typing as t

from .._facts import Facts, Holder, Namespace, Process, processes
from .html import number, pairs, text
from .results import Finding

MOST_BOXES = 5000
_DEEPEST = 40
"""The kernel nests 32 deep. Browsers stop at 512 elements, of which a level takes a few."""

_MANY = 500
"""Boxes, from which on a browser is told to lay out those alone that are to be seen."""

_MOST_MARKS = 6
_MOST_HOLDERS = 20
_WIDTH = 600
_KNOWN = frozenset(
    ("type", "inode", "device", "id", "name", "reference", "owner", "parent", "depth", "processes", "leader", "holders")
)
"""What has a place of its own, or none in a picture; all else that is told of a namespace is shown by its key."""

Marks = t.Mapping[int, t.Sequence[t.Tuple[Finding, str]]]
"""By inode: the findings, and where each is."""


class Drawing(t.NamedTuple):
    """The picture, and which namespaces have a box in it, by inode."""

    markup: str
    boxes: t.AbstractSet[int]


def draw(facts: Facts, marks: Marks) -> Drawing:
    """Both trees: who owns what, and which PID namespace is in which."""
    owners = _Picture(facts, marks, lambda item: item.parent if item.type == "user" else item.owner, "user")
    pids = _Picture(facts, marks, lambda item: item.parent, "pid")
    markup = "<h3>User namespaces and what they own</h3>\n%s\n<h3>PID namespaces, by parent</h3>\n%s" % (
        owners.draw([item for item in facts.namespaces if item.type != "pid"]),
        pids.draw([item for item in facts.namespaces if item.type == "pid"]),
    )
    return Drawing(markup, owners.boxes | pids.boxes)


class _Picture:
    """One tree. Each namespace is drawn once, whatever the facts say of what is above it."""

    def __init__(self, facts: Facts, marks: Marks, above: t.Callable[[Namespace], int | None], trunk: str) -> None:
        self._facts = facts
        self._marks = marks
        self._above = above
        self._trunk = trunk
        self.boxes: set[int] = set()
        self._below: dict[int | None, list[Namespace]] = collections.defaultdict(list)

    def draw(self, namespaces: t.Sequence[Namespace]) -> str:
        if not namespaces:
            return '<p class="none">None was found.</p>'
        here = {item.inode for item in namespaces}
        for item in sorted(namespaces, key=lambda item: item.order):
            above = self._above(item)
            self._below[above if above in here and above != item.inode else None].append(item)
        many = " many" if len(namespaces) > _MANY else ""
        parts = ['<div class="tree%s">' % many, *self._level(self._below[None])]
        # Those that only have each other above them.
        for item in namespaces:
            if item.inode not in self.boxes:
                parts += self._level([item])
        parts.append("</div>")
        left = len(namespaces) - len(self.boxes)
        if left > 0:
            parts.append('<p class="none">%s more are not drawn; the result has them.</p>' % number(left))
        return "".join(parts)

    def _level(self, topmost: t.Sequence[Namespace]) -> t.Iterator[str]:
        """These and all below; not by recursion, for it may be deep."""
        waiting: list[tuple[t.Sequence[Namespace], int] | str] = [(topmost, 0)]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                yield item
                continue
            namespaces, depth = item
            leaves = [one for one in namespaces if not self._is_trunk(one)]
            trunks = [one for one in namespaces if self._is_trunk(one)]
            yield from self._leaves(leaves)
            for one in reversed(trunks):
                waiting.extend(reversed([*self._trunk_parts(one, depth)]))

    def _is_trunk(self, item: Namespace) -> bool:
        return item.type == self._trunk

    def _leaves(self, leaves: t.Sequence[Namespace]) -> t.Iterator[str]:
        for _kind, group in itertools.groupby(filter(self._may_draw, leaves), key=lambda item: item.type):
            yield '<ul class="owned">'
            for item in group:
                yield "<li>%s%s</details></li>" % (self._head(item, "leaf"), self._body(item))
            yield "</ul>"

    def _trunk_parts(self, item: Namespace, depth: int) -> t.Iterator[tuple[t.Sequence[Namespace], int] | str]:
        if not self._may_draw(item):
            return
        below = self._below.get(item.inode, ())
        yield self._head(item, "branch") + self._body(item)
        if depth < _DEEPEST:
            yield below, depth + 1
            yield "</details>"
        else:
            yield "</details>"
            yield below, depth

    def _may_draw(self, item: Namespace) -> bool:
        if item.inode in self.boxes or len(self.boxes) >= MOST_BOXES:
            return False
        self.boxes.add(item.inode)
        return True

    def _head(self, item: Namespace, kind: str) -> str:
        marks = self._marks.get(item.inode, ())
        grave = " marked %s" % marks[0][0].severity if marks and marks[0][0].reason is None else ""
        where = ["[%d]" % item.inode, "" if item.id is None else "id %d" % item.id, processes(item)]
        words = [
            '<span class="kind">%s</span>' % text(item.type),
            self._name(item),
            *(self._mark(finding, place, kind) for finding, place in marks[:_MOST_MARKS]),
            '<span class="soft">and %s more</span>' % number(len(marks) - _MOST_MARKS)
            if len(marks) > _MOST_MARKS
            else "",
            '<span class="soft line">%s</span>'
            % " · ".join(text(part).replace(" ", "&nbsp;") for part in [*where, *_who(item)] if part),
        ]
        opened = " open" if kind == "branch" else ""
        return '<details class="box %s%s"%s id="n%d"><summary>%s</summary>' % (
            kind,
            grave,
            opened,
            item.inode,
            " ".join(words),
        )

    def _name(self, item: Namespace) -> str:
        if item.name is not None:
            return "<b>%s</b>" % text(item.name)
        comm = item.leader.comm if item.leader and item.leader.comm else ""
        return '<span class="who">%s</span>' % ("initial" if self._facts.is_initial(item) else text(comm))

    def _mark(self, finding: Finding, place: str, kind: str) -> str:
        words = text(finding.title) if kind == "branch" else finding.bucket
        return '<a class="pill %s" href="%s" title="%s">%s</a>' % (finding.bucket, place, text(finding.title), words)

    def _body(self, item: Namespace) -> str:
        rows = [("Leader", _leader(item.leader))]
        if item.type == "pid" and item.owner is not None:
            rows.append(("Owner", "user [%d]" % item.owner))
        rows += [
            (key.replace("_", " ").capitalize(), shown(value))
            for key, value in item.told.items()
            if key not in _KNOWN and value not in (None, [], {}, "")
        ]
        rows += [
            ("Held by" if not place else " ", _holder(holder))
            for place, holder in enumerate(item.holders[:_MOST_HOLDERS])
        ]
        rows.append((" ", _more(len(item.holders) - _MOST_HOLDERS)))
        if not any(value for _name, value in rows):
            rows.append(("Held by", "nothing but the processes in it" if item.processes else "nothing that was found"))
        return pairs(rows)


def _more(count: int) -> str:
    return "and %s more" % number(count) if count > 0 else ""


def _who(item: Namespace) -> t.Iterator[str]:
    """The leader, as far as it is not the name already."""
    leader = item.leader
    if leader is None:
        return
    if item.name is not None and leader.comm:
        yield leader.comm
    if leader.container:
        yield "container %s" % leader.container[:12]
    elif leader.unit:
        yield leader.unit


def _leader(leader: Process | None) -> str:
    if leader is None:
        return ""
    words = [_process(leader)]
    if leader.unit:
        words.append("unit %s" % leader.unit)
    if leader.container:
        words.append("container %s" % leader.container)
    return ", ".join(words)


def _process(process: Process) -> str:
    if process.pid is None:
        return process.comm or ""
    return "%s [pid %d]" % (process.comm or "process", process.pid)


def _holder(holder: Holder) -> str:
    words = [holder.kind.replace("_", " ")]
    if holder.fd is not None:
        words.append("%d" % holder.fd)
    if holder.path is not None:
        words.append(holder.path)
    if holder.thread is not None:
        words.append("thread %d" % holder.thread)
    who = _process(holder.process)
    if who:
        words.append("of %s" % who)
    if holder.process.unit:
        words.append("(%s)" % holder.process.unit)
    if holder.namespace is not None:
        words.append("namespace [%d]" % holder.namespace)
    return " ".join(words)


def shown(value: t.Any) -> str:
    """Any value of JSON, in a line of bearable length."""
    words = _words(value, 0)
    return words if len(words) <= _WIDTH else "%s…" % words[:_WIDTH]


def _words(value: t.Any, depth: int) -> str:
    """Any value of JSON, in a line."""
    if depth > 4:
        return "…"
    if isinstance(value, t.Mapping):
        return " ".join(
            "%s %s" % (key, _words(item, depth + 1)) for key, item in [*value.items()][:50] if item is not None
        )
    if isinstance(value, list):
        return ", ".join(_words(item, depth + 1) for item in value[:50])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "%s" % (value,)


def marks_of(findings: t.Iterable[tuple[Finding, str]]) -> Marks:
    """The findings by the namespace that they are about, the gravest first as they come."""
    marks: dict[int, list[tuple[Finding, str]]] = collections.defaultdict(list)
    for finding, where in findings:
        if finding.namespace and finding.namespace.inode is not None:
            marks[finding.namespace.inode].append((finding, where))
    return marks
