# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What can't be changed in namespaces that are there: which they are, id maps, setgroups, clock offsets."""

from __future__ import annotations

import contextlib
import typing as t

from ..._kernel import nstypes, procfs
from ..._kernel.descriptor import closing
from .. import options
from ..definition import Definition
from ..errors import NamespaceError, during
from ..handle import Handle, open_namespace
from ..values import seconds
from ..visit import somebody_in
from .model import ANEW, Plan, Request, State


def compare(proc: int, request: Request, planned: t.MutableMapping[str, Plan | NamespaceError]) -> None:
    """Put an error that names both values in place of each plan for a set that is otherwise than asked."""
    for name, item in planned.items():
        if isinstance(item, Plan) and not request.recreate:
            try:
                _compare_adopted(request, item.state)
                given = request.sets[name].options if request.present else {}
                kept = [
                    handle
                    for handle in item.state.found
                    if item.state.lives(handle) and options.gives(given, handle.kind, options.IMMUTABLE)
                ]
                if kept:
                    _compare_inside(proc, given, item, kept)
            except NamespaceError as error:
                planned[name] = error


def _compare_adopted(request: Request, state: State) -> None:
    if request.adopted is None:
        return
    for handle, pinned in state.found.items():
        asked = request.adopted.identities.get(handle.kind)
        if asked is not None and pinned.identity is not None and state.lives(handle) and pinned.identity != asked:
            name = handle.kind.name
            raise _differs(state, f"{name} namespace", f"{name}:[{pinned.identity.inode}]", f"{name}:[{asked.inode}]")


def _compare_inside(proc: int, given: t.Mapping[str, t.Any], plan: Plan, kept: t.Sequence[Handle]) -> None:
    with contextlib.ExitStack() as stack:
        joined = {handle.kind: stack.enter_context(closing(open_namespace(handle))) for handle in kept}
        inside = stack.enter_context(somebody_in(proc, joined))
        with during(f"look into the set {plan.state.name}"):
            kinds = [handle.kind for handle in kept]
            for option, found, asked in _values(proc, inside, kinds, given, plan.definition):
                if found != asked:
                    raise _differs(plan.state, option, found, asked)


def _values(
    proc: int, pid: int, kinds: t.Container[nstypes.NsType], given: t.Mapping[str, t.Any], asked: Definition
) -> t.Iterator[tuple[str, str, str]]:
    """Each option that is given and is about these types: what there is and what is asked for, as text."""
    if nstypes.USER in kinds:
        for option, ranges in (("uid_map", asked.maps.uid), ("gid_map", asked.maps.gid)):
            if given.get(option) is not None:
                yield option, _text(procfs.id_map(proc, pid, option)), _text(ranges)
        if given.get("setgroups") is not None:
            yield "setgroups", procfs.read(proc, f"{pid}/setgroups").strip(), str(asked.maps.setgroups)
    if nstypes.TIME in kinds and given.get("time_offsets") is not None:
        offsets = procfs.time_offsets(proc, pid)
        for clock, offset in asked.offsets:
            yield f"time_offsets.{clock}", seconds(offsets[clock]), seconds(offset)


def _text(ranges: t.Iterable[t.Iterable[int]]) -> str:
    return ", ".join(sorted(" ".join(map(str, item)) for item in ranges))


def _differs(state: State, what: str, found: str, asked: str) -> NamespaceError:
    return NamespaceError(
        f"bring the set {state.name} to what is asked",
        f"its {what} is {found or 'empty'} and can't become {asked or 'empty'} while the namespace lives",
        ANEW,
    )
