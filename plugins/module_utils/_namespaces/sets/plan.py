# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""From what sets are and what they are asked to be: what there is to do. Nothing is changed here."""

from __future__ import annotations

import contextlib
import functools
import typing as t

from ..._kernel import nstypes
from .. import cgroup, options
from ..definition import Definition
from ..errors import NamespaceError
from ..handle import Handle
from ..target import Target
from . import adjust, busy, immutable
from .model import ANEW, Kinds, Plan, Request, State
from .observe import Observed

CREATE = "create the "
"""What begins the words for a namespace that is made."""

Planned = t.Dict[str, t.Union[Plan, NamespaceError]]


def plan(proc: int, request: Request, observed: Observed) -> Planned:
    """What there is to do for each set, or why it can't be done. Raises NamespaceError for what concerns all."""
    definitions = _Definitions()
    planned: Planned = {}
    for name, state in observed.items():
        if isinstance(state, NamespaceError):
            planned[name] = state
            continue
        try:
            planned[name] = _present(request, state, definitions) if request.present else _absent(request, state)
        except NamespaceError as error:
            planned[name] = error
    _compare(proc, request, planned)
    busy.look(proc, request, planned)
    return planned


class _Definitions:
    """What the options mean for sets of certain types; read once for all sets that share them."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, Kinds], Definition] = {}

    def of(self, given: t.Mapping[str, t.Any], kinds: Kinds) -> Definition:
        """Raises NamespaceError for an option of a type that the set does not have."""
        key = id(given), kinds
        if key not in self._read:
            self._read[key] = options.parse([kind.name for kind in kinds], given, named_in="types")
        return self._read[key]


def _absent(request: Request, state: State) -> Plan:
    types = request.sets[state.name].types
    gone = [handle for handle in (*state.found, *state.lost) if types is None or handle.kind in types]
    remove = tuple(handle for handle in gone if handle in state.found)
    changes = [
        *_describe_strays(state),
        *(f"remove the {handle.kind.name} namespace" for handle in remove),
        *(f"forget the {handle.kind.name} namespace that is lost" for handle in gone if handle not in state.found),
    ]
    if not remove and state.cgroup and not state.found and (state.strays or not cgroup.members(state.cgroup)):
        changes.append(f"remove the cgroup {state.cgroup}")
    keep = frozenset(state.found) | state.remembered
    return Plan(state, remove=remove, keep=keep.difference(gone), changes=tuple(changes))


def _present(request: Request, state: State, definitions: _Definitions) -> Plan:
    asked = request.sets[state.name]
    wanted = _wanted(request, state)
    if request.adopted is None and state.is_absent:
        make = tuple([request.handle(state.name, kind) for kind in wanted])
        changes = _creation(wanted)
        return Plan(
            state, make=make, keep=frozenset(make), definition=definitions.of(asked.options, wanted), changes=changes
        )
    remove = tuple(state.found) if request.recreate else ()
    kept = () if request.recreate else tuple(handle for handle in state.found if state.lives(handle))
    living = {handle.kind for handle in kept}
    make = tuple(request.handle(state.name, kind) for kind in wanted if kind not in living)
    if request.adopted is None:
        _refuse_late_user(state, kept, make)
    else:
        _refuse_not_adopted(request.adopted, state, make)
    definition = Definition(types=wanted) if request.adopted is not None else definitions.of(asked.options, wanted)
    unstack = tuple(handle for handle in kept if handle in state.stacked)
    steps = [
        *_describe_strays(state),
        *(f"remove the {handle.kind.name} namespace" for handle in remove),
        *(f"take off the doubled mount of the {handle.kind.name} namespace" for handle in unstack),
        *(_describe(request, state, handle) for handle in make),
    ]
    return Plan(
        state,
        remove=remove,
        unstack=unstack,
        make=make,
        keep=frozenset((*kept, *make)),
        adjust=tuple(handle for handle in kept if options.gives(asked.options, handle.kind, options.ADJUSTABLE)),
        definition=definition,
        changes=tuple(steps),
    )


@functools.lru_cache(maxsize=None)
def _creation(kinds: Kinds) -> tuple[str, ...]:
    """What there is to do for a set that has nothing yet, in words."""
    return tuple(f"{CREATE}{kind.name} namespace" for kind in kinds)


def _describe_strays(state: State) -> list[str]:
    return [f"end the init {pid} that no handle is of" for pid in state.strays]


def _wanted(request: Request, state: State) -> Kinds:
    """The types that the set shall have: those that are asked for, and those that it has, whole, broken or lost.

    Where nothing is left of it, it is not there, whatever it was.
    """
    present = {handle.kind for handle in (*state.found, *state.lost)} if state.found else set()
    types = request.sets[state.name].types
    if request.adopted is not None:
        asked = set(request.adopted.descriptors)
    elif types is not None:
        asked = set(types)
    else:
        asked = set(present)
    if not asked:
        raise NamespaceError(
            f"have the set {state.name}",
            f"it is not there {'any more' if state.lost else 'yet'}, and no type is asked for",
            "say which types it shall have",
        )
    return tuple(kind for kind in nstypes.ALL if kind in asked | present)


def _refuse_late_user(state: State, kept: t.Sequence[Handle], make: t.Sequence[Handle]) -> None:
    if kept and nstypes.USER in {handle.kind for handle in make}:
        had_one = nstypes.USER in {handle.kind for handle in (*state.found, *state.lost)}
        raise NamespaceError(
            f"add a user namespace to the set {state.name}",
            "its other namespaces are owned by another one, for as long as they live",
            f"{ANEW}, or " + ("give it up (state: absent, types: [user])" if had_one else "leave user out of types"),
        )


def _refuse_not_adopted(adopted: Target, state: State, make: t.Sequence[Handle]) -> None:
    lacking = [handle.kind.name for handle in make if handle.kind not in adopted.descriptors]
    if lacking:
        raise NamespaceError(
            f"have the set {state.name}",
            f"its {', '.join(lacking)} is to be made, and not among what is adopted",
            "repair the set without pid, or remove it before",
        )


def _describe(request: Request, state: State, handle: Handle) -> str:
    name = handle.kind.name
    if request.adopted is not None:
        return f"adopt the {name} namespace"
    pinned = None if request.recreate else state.found.get(handle)
    if pinned is None:
        again = " again, as its handle is gone" if handle in state.lost and not request.recreate else ""
        return f"{CREATE}{name} namespace{again}"
    if pinned.identity is None:
        return f"{CREATE}{name} namespace again, as its handle is an empty file"
    return f"{CREATE}{name} namespace again, as its init has ended"


def _compare(proc: int, request: Request, planned: Planned) -> None:
    """Add what has to be changed inside, and refuse what can't be changed."""
    immutable.compare(proc, request, planned)
    names = [name for name, item in planned.items() if isinstance(item, Plan) and item.adjust]
    wishes = [adjust.Wish(item.adjust, item.definition) for item in map(planned.get, names) if isinstance(item, Plan)]
    with contextlib.closing(adjust.bring(proc, wishes, check=True)) as answers:
        for name, found in zip(names, answers):
            item = planned[name]
            if isinstance(found, NamespaceError):
                planned[name] = found
            elif isinstance(item, Plan):
                planned[name] = item._replace(adjust=item.adjust if found else (), changes=(*item.changes, *found))
