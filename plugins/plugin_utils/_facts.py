# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The facts that ns_facts returns, checked, for filters. What they say comes from a host that is not to be trusted."""

from __future__ import annotations

import re
import typing as t

from ansible.errors import AnsibleFilterError

from ..module_utils._kernel import nstypes
from ..module_utils._namespaces.shown import printable

TYPE_NAMES = tuple(kind.name for kind in nstypes.ALL)
Told = t.Mapping[str, t.Any]
"""A part of the facts as it was given."""

_SCHEMA = 1
_MOST_TEXT = 8192
"""Characters: a path has 4095 at most, all else that Linux tells of is shorter."""
_MOST_ITEMS = 1 << 18
"""Of a list or a mapping."""
_ALL_CAPABILITIES = (1 << 41) - 1
"""Up to CAP_CHECKPOINT_RESTORE, the last one from Linux 5.9 on."""
_RANKS = {name: rank for rank, name in enumerate(TYPE_NAMES)}


class Process(t.NamedTuple):
    """A process, as far as it was told of; what was not is None."""

    pid: int | None
    comm: str | None
    unit: str | None
    container: str | None
    uid: int | None
    capabilities: int | None
    """The effective ones, one bit each."""
    initial: frozenset[str] | None
    """The types of which it is in the initial namespace, or in the one of the task where that can't be seen."""

    @property
    def has_all_capabilities(self) -> bool:
        """Whether it is known to have all of them, in its own user namespace."""
        return self.capabilities is not None and self.capabilities & _ALL_CAPABILITIES == _ALL_CAPABILITIES


_UNKNOWN = (None,) * (len(Process._fields) - 1)


class Holder(t.NamedTuple):
    """One thing that holds a namespace; what does not apply is None. The kinds are those of ns_facts."""

    kind: str
    process: Process
    thread: int | None
    fd: int | None
    path: str | None
    namespace: int | None


class Propagation(t.NamedTuple):
    """Of a mount namespace, how many of its mounts are what; None where it was not told."""

    mounts: int | None
    shared: int | None
    slave: int | None
    unbindable: int | None
    peers: int | None
    foreign: t.Sequence[str] | None
    """The numbers of block devices, as 8:1, that are mounted there and not in the initial mount namespace."""


class Handle(t.NamedTuple):
    """What is wrong where handles are by custom; the problems are those of ns_facts."""

    path: str
    problem: str


class Namespace(t.NamedTuple):
    """A namespace. The numbers of owner and parent are inodes."""

    type: str
    inode: int
    id: int | None
    name: str | None
    owner: int | None
    parent: int | None
    processes: int
    leader: Process | None
    holders: t.Sequence[Holder]
    holder_counts: t.Mapping[str, int]
    init: str | None
    """Of a PID namespace: alive or dead; None where it is not known."""
    propagation: Propagation | None
    told: Told

    @property
    def order(self) -> tuple[int, str, bool, str, int]:
        """By type as ns_facts sorts them, then those with a name by it, then by inode."""
        return _RANKS.get(self.type, len(_RANKS)), self.type, self.name is None, self.name or "", self.inode


class Facts(t.NamedTuple):
    """All that was found on a host."""

    boot_id: str
    initial: t.Mapping[str, int | None]
    complete: bool
    incomplete_because: t.Sequence[str]
    blind: t.Sequence[str]
    namespaces: t.Sequence[Namespace]
    by_inode: t.Mapping[int, Namespace]
    machine: str | None
    sysctls: t.Mapping[str, int | None]
    declared: t.Sequence[str] | None
    """The names of the sets that are declared on the host; None where it is not known."""
    handles: t.Sequence[Handle] | None
    told: Told

    def is_initial(self, namespace: Namespace) -> bool:
        """Whether the kernel started with it."""
        return self.initial.get(namespace.type) == namespace.inode


def read(given: t.Any) -> Facts:
    """The facts, given as they are or among all others of a host.

    Raises AnsibleFilterError where they are none, of another schema, or a summary.
    """
    if isinstance(given, t.Mapping) and "linux_namespaces" in given:
        given = given["linux_namespaces"]
    facts = Part(given, "these are no facts of linux.namespaces.ns_facts (ansible_facts.linux_namespaces)")
    schema = facts.number("schema")
    if schema != _SCHEMA:
        raise AnsibleFilterError(
            "%s: they have the schema %r, and this version of the collection reads %d; gather them anew"
            % (facts.what, schema, _SCHEMA)
        )
    if facts.told.get("namespaces") is None:
        raise AnsibleFilterError(
            "these facts of linux.namespaces.ns_facts only count namespaces; gather them without detail: summary"
        )
    scan = facts.part("scan")
    namespaces = [*_with_leaders(map(_namespace, facts.parts("namespaces")))]
    by_inode = {namespace.inode: namespace for namespace in namespaces}
    if len(by_inode) < len(namespaces):
        raise facts.wrong("namespaces", "has an inode twice")
    numbered = [(namespace.type, namespace.id) for namespace in namespaces if namespace.id is not None]
    if len({*numbered}) < len(numbered):
        raise facts.wrong("namespaces", "has an id twice")
    initial, sysctls = facts.part("initial"), facts.optional_part("sysctls")
    return Facts(
        boot_id=facts.needed_text("boot_id"),
        initial={name: initial.number(name) for name in initial.told},
        complete=scan.flag("complete"),
        incomplete_because=scan.texts("incomplete_because"),
        blind=scan.texts("blind"),
        namespaces=namespaces,
        by_inode=by_inode,
        machine=facts.text("machine"),
        sysctls={name: sysctls.number(name) for name in sysctls.told} if sysctls else {},
        declared=facts.optional_texts("declared"),
        handles=None
        if facts.told.get("handles") is None
        else [Handle(part.needed_text("path"), part.needed_text("problem")) for part in facts.parts("handles")],
        told=facts.told,
    )


def visible(text: str) -> str:
    """The text in one line, with nothing in it that a terminal acts upon or that looks like the gap of a column."""
    shown = printable(text)
    while "  " in shown:
        shown = shown.replace("  ", " \\x20")
    return shown


def title(namespace: Namespace) -> str:
    """The one line that says which namespace it is: net blue  id 77  [4026532503]."""
    named = namespace.type if namespace.name is None else "%s %s" % (namespace.type, namespace.name)
    number = [] if namespace.id is None else ["id %d" % namespace.id]
    return "  ".join([visible(named), *number, "[%d]" % namespace.inode])


def mention(facts: Facts, inode: int, kind: str = "") -> str:
    """The same in short, of whatever has this inode: net blue [4026532503].

    kind: its type, where it is known though the facts do not have the namespace.
    """
    namespace = facts.by_inode.get(inode)
    if namespace is None:
        return ("%s [%d]" % (kind, inode)).lstrip()
    return visible(" ".join(filter(None, (namespace.type, namespace.name, "[%d]" % inode))))


def processes(namespace: Namespace) -> str:
    """How many are in it: 1 process."""
    return "1 process" if namespace.processes == 1 else "%d processes" % namespace.processes


class Part:
    """A mapping in the facts. Whatever is asked of it is checked: raises AnsibleFilterError."""

    def __init__(self, told: t.Any, what: str) -> None:
        self.what = what
        if not isinstance(told, t.Mapping):
            raise AnsibleFilterError("%s: a mapping was expected, and not %s" % (what, _kind(told)))
        if len(told) > _MOST_ITEMS:
            raise AnsibleFilterError("%s: it has more than %d keys" % (what, _MOST_ITEMS))
        if not all(isinstance(key, str) for key in told):
            raise AnsibleFilterError("%s: a key is not text" % what)
        if any(len(key) > _MOST_TEXT for key in told):
            raise AnsibleFilterError("%s: a key is longer than %d characters" % (what, _MOST_TEXT))
        self.told = told

    def wrong(self, key: str, words: str) -> AnsibleFilterError:
        return AnsibleFilterError("%s: %s %s" % (self.what, visible(key), words))

    def _checked_text(self, key: str, value: str) -> str:
        if len(value) > _MOST_TEXT:
            raise self.wrong(key, "is longer than %d characters" % _MOST_TEXT)
        return value

    def number(self, key: str) -> int | None:
        """Not negative, of at most 64 bits; None where there is none."""
        value = self.told.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64):
            return value
        raise self.wrong(key, "is no number of at most 64 bits")

    def needed_number(self, key: str) -> int:
        value = self.number(key)
        if value is None:
            raise self.wrong(key, "is missing")
        return value

    def text(self, key: str) -> str | None:
        value = self.told.get(key)
        if value is None:
            return None
        if isinstance(value, str):
            return self._checked_text(key, value)
        raise self.wrong(key, "is %s, and not text" % _kind(value))

    def needed_text(self, key: str) -> str:
        value = self.text(key)
        if value is None:
            raise self.wrong(key, "is missing")
        return value

    def flag(self, key: str) -> bool:
        value = self.told.get(key)
        if isinstance(value, bool):
            return value
        raise self.wrong(key, "is %s, and not true or false" % _kind(value))

    def texts(self, key: str) -> list[str]:
        values = self._list(key)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(key, "has something else than text")
        return [self._checked_text(key, value) for value in values]

    def optional_texts(self, key: str) -> list[str] | None:
        return None if self.told.get(key) is None else self.texts(key)

    def mask(self, key: str) -> int | None:
        """Hexadecimal digits, of at most 64 bits; None where there are none."""
        text = self.text(key)
        if text is None:
            return None
        if not re.fullmatch("[0-9a-fA-F]{1,16}", text):
            raise self.wrong(key, "is no hexadecimal number of at most 64 bits")
        return int(text, 16)

    def part(self, key: str) -> Part:
        return Part(self.told.get(key), self._what(key))

    def optional_part(self, key: str) -> Part | None:
        return None if self.told.get(key) is None else self.part(key)

    def parts(self, key: str) -> list[Part]:
        what = self._what(key)
        return [Part(value, what) for value in self._list(key)]

    def _what(self, key: str) -> str:
        return "%s: %s" % (self.what, visible(key))

    def _list(self, key: str) -> list[t.Any]:
        value = self.told.get(key)
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, t.Sequence):
            raise self.wrong(key, "is %s, and not a list" % _kind(value))
        if len(value) > _MOST_ITEMS:
            raise self.wrong(key, "has more than %d items" % _MOST_ITEMS)
        return [*value]


def _kind(value: t.Any) -> str:
    """What people who write YAML call it."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    return "a mapping" if isinstance(value, t.Mapping) else "a list"


def _namespace(part: Part) -> Namespace:
    counts, leader = part.optional_part("holder_counts"), part.optional_part("leader")
    propagation = part.optional_part("propagation")
    return Namespace(
        type=part.needed_text("type"),
        inode=part.needed_number("inode"),
        id=part.number("id"),
        name=part.text("name"),
        owner=part.number("owner"),
        parent=part.number("parent"),
        processes=part.needed_number("processes"),
        leader=_process(leader) if leader else None,
        holders=[_holder(holder) for holder in part.parts("holders")],
        holder_counts={kind: counts.needed_number(kind) for kind in counts.told} if counts else {},
        init=part.text("init"),
        propagation=_propagation(propagation) if propagation else None,
        told=part.told,
    )


def _with_leaders(namespaces: t.Iterable[Namespace]) -> t.Iterator[Namespace]:
    """Who leads several namespaces may be described with the first of them alone, and be a pid with the others."""
    first: dict[int | None, Process] = {}
    for namespace in namespaces:
        leader = namespace.leader
        if leader is not None and leader == Process(leader.pid, *_UNKNOWN):
            yield namespace._replace(leader=first.get(leader.pid, leader))
        else:
            if leader is not None:
                first.setdefault(leader.pid, leader)
            yield namespace


def _propagation(part: Part) -> Propagation:
    return Propagation(
        mounts=part.number("mounts"),
        shared=part.number("shared"),
        slave=part.number("slave"),
        unbindable=part.number("unbindable"),
        peers=part.number("peers"),
        foreign=part.optional_texts("foreign"),
    )


def _holder(part: Part) -> Holder:
    return Holder(
        kind=part.needed_text("kind"),
        process=_process(part),
        thread=part.number("thread"),
        fd=part.number("fd"),
        path=part.text("path"),
        namespace=part.number("namespace"),
    )


def _process(part: Part) -> Process:
    initial = part.optional_texts("initial")
    return Process(
        pid=part.number("pid"),
        comm=part.text("comm"),
        unit=part.text("unit"),
        container=part.text("container"),
        uid=part.number("uid"),
        capabilities=part.mask("capabilities"),
        initial=None if initial is None else frozenset(initial) & _RANKS.keys(),
    )
