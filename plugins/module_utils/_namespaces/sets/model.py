# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What sets of persistent namespaces are asked to be, what they are, and what there is to do."""

from __future__ import annotations

import os
import typing as t

from ..._kernel import nsfs, nstypes
from ..definition import Definition
from ..discovery.holders import Told
from ..errors import NamespaceError
from ..handle import Handle, Pinned, of_set
from ..target import Target

Kinds = t.Tuple[nstypes.NsType, ...]


def kinds_of(names: t.Iterable[str] | None) -> Kinds | None:
    """Types by their names, in the order in which they are dealt with. Raises KeyError."""
    return None if names is None else tuple(kind for kind in nstypes.ALL if kind.name in set(names))


ANEW = "say recreate (of ns_boot: declare the set absent first)"
"""What to do for what can not be changed while a namespace lives."""


class Asked(t.NamedTuple):
    """What a task asks of one set."""

    types: Kinds | None
    options: t.Mapping[str, t.Any]
    """The definition as it was given; what of it counts depends on the types that the set comes to have."""


class Request(t.NamedTuple):
    """What a task asks of its sets."""

    sets: t.Mapping[str, Asked]
    present: bool
    recreate: bool
    when_busy: str
    adopted: Target | None
    places: t.Mapping[str, str] | None
    """Paths of the handles by type, in place of the usual ones."""

    def handle(self, name: str, kind: nstypes.NsType) -> Handle:
        """Where the set's namespace of this type is pinned, or would be. Raises KeyError for a type without a place."""
        if self.places is None:
            return of_set(name, kind)
        return Handle(kind, *os.path.split(self.places[kind.name]))

    def directory(self, kind: nstypes.NsType) -> str:
        """Where the handles of this type are. Raises KeyError for a type without a place."""
        return kind.directory if self.places is None else os.path.dirname(self.places[kind.name])

    def kinds(self) -> Kinds:
        """The types that there may be handles of."""
        return nstypes.ALL if self.places is None else kinds_of(self.places) or ()


class State(t.NamedTuple):
    """What a set is."""

    name: str
    found: t.Mapping[Handle, Pinned]
    stacked: frozenset[Handle]
    """The handles with more than one mount."""
    init_pid: int | None
    """The init of its pid namespace; None where there is no such namespace, 0 where the init has ended."""
    cgroup: str | None
    """The directory of its cgroup, if there is one."""
    strays: tuple[int, ...] = ()
    """Inits of the set that no handle is of: a run that replaced one was killed."""
    remembered: frozenset[Handle] = frozenset()
    """The handles that the set was given, as far as it is found by its name."""

    @property
    def is_absent(self) -> bool:
        """Whether there is nothing of it, but perhaps its cgroup."""
        return not self.found and not self.strays

    @property
    def lost(self) -> list[Handle]:
        """The handles that it was given and that are not there any more."""
        return sorted(self.remembered.difference(self.found), key=lambda handle: nstypes.ALL.index(handle.kind))

    def lives(self, handle: Handle) -> bool:
        """Whether what the handle is for is there, and usable."""
        pinned = self.found.get(handle)
        if pinned is None or pinned.identity is None:
            return False
        return handle.kind is not nstypes.PID or self.init_pid != 0


class Plan(t.NamedTuple):
    """What there is to do for one set; nothing, but perhaps to remember it, where there are no changes."""

    state: State
    remove: tuple[Handle, ...] = ()
    unstack: tuple[Handle, ...] = ()
    make: tuple[Handle, ...] = ()
    keep: frozenset[Handle] = frozenset()
    """The handles that the set has in the end."""
    adjust: tuple[Handle, ...] = ()
    """The handles of namespaces that are there and have to be changed inside."""
    kill: tuple[int, ...] = ()
    definition: Definition = Definition()
    """What the namespaces to make or to adjust shall be like."""
    changes: tuple[str, ...] = ()
    """All of it in words."""


class Outcome(t.NamedTuple):
    """How a set came out."""

    state: State
    created: frozenset[Handle]
    still_held_by: t.Mapping[str, t.Sequence[Told]]
    """By type, what holds what was removed."""
    changes: tuple[str, ...]


class Results(t.NamedTuple):
    """All sets of a task; each is in one of the two."""

    done: t.Mapping[str, Outcome]
    failed: t.Mapping[str, NamespaceError]
    warnings: tuple[str, ...]


def identities(state: State) -> dict[nstypes.NsType, nsfs.Identity]:
    """The namespaces of a set that are there, by type."""
    return {handle.kind: pinned.identity for handle, pinned in state.found.items() if pinned.identity is not None}
