# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Sets of persistent namespaces brought to what is asked: observed, planned and, but in check mode, carried out."""

from __future__ import annotations

import contextlib
import functools
import os
import typing as t

from ..._kernel import nsfs, nstypes, procfs
from .. import directory, host
from ..errors import NamespaceError, during, refuse
from ..handle import of_set
from ..target import Target
from . import busy
from .carry_out import carry_out
from .model import Outcome, Plan, Request, Results, State, identities
from .observe import observe
from .plan import Planned, plan


def adoptable(proc: int, found: Target, named: bool) -> Target:
    """The namespaces of a process but those of PID 1, which nobody may pin as a set of theirs.

    named: types were asked for by name, so none may be missing. Raises NamespaceError.
    """
    of_init: t.Mapping[nstypes.NsType, nsfs.Identity] = {}
    with during("look at the namespaces of PID 1"), contextlib.suppress(PermissionError):
        of_init = procfs.namespaces(proc, 1)
    shared = [kind for kind, identity in found.identities.items() if identity == of_init.get(kind)]
    left = {kind: fd for kind, fd in found.descriptors.items() if kind not in shared}
    if shared and (named or not left):
        raise refuse(
            "pid", f"it shares its {', '.join(kind.name for kind in shared)} with PID 1", "leave those types out"
        )
    return Target(left, {kind: found.identities[kind] for kind in left})


def refuse_half_named(name: str, places: t.Mapping[str, str]) -> None:
    """Raises NamespaceError for paths by type of which a part alone would be found, and entered, by a name."""
    usual = {os.path.dirname(path) for path in places.values()}.intersection(kind.directory for kind in nstypes.ALL)
    others = [path for kind, path in places.items() if path != of_set(name, nstypes.BY_NAME[kind]).path]
    if usual and others:
        raise refuse(
            "handles",
            f"{others[0]} is no usual path of the set {name}, and what is in {min(usual)} is entered by its name alone",
            "give paths in directories of your own, or leave handles out",
        )


def run(proc: int, request: Request, check: bool) -> Results:
    """Raises NamespaceError for what concerns all sets; then nothing was changed, or what was done stays."""
    return host.in_its_mounts(proc, functools.partial(_run, proc, request, check))


def _run(proc: int, request: Request, check: bool) -> Results:
    if not check:
        with directory.locked() as memory:
            planned = plan(proc, request, observe(proc, request))
            results = carry_out(proc, memory, request, planned)
        # Nobody else has to wait for a look at the whole host.
        return _with_holders(proc, planned, results)
    planned = plan(proc, request, observe(proc, request))
    plans = {name: item for name, item in planned.items() if isinstance(item, Plan)}
    return Results(
        {name: Outcome(_foreseen(item), frozenset(item.make), {}, item.changes) for name, item in plans.items()},
        {name: item for name, item in planned.items() if isinstance(item, NamespaceError)},
        (),
    )


def _with_holders(proc: int, planned: Planned, results: Results) -> Results:
    """The same, with what still holds what was removed."""
    plans = [item for name, item in planned.items() if name in results.done and isinstance(item, Plan)]
    kept = {identity for outcome in results.done.values() for identity in identities(outcome.state).values()}
    try:
        held = busy.still_held(proc, plans, kept)
    except NamespaceError as error:
        unknown = f"what still holds what was removed is not known: {error}"
        return results._replace(warnings=(*results.warnings, unknown))
    done = {name: outcome._replace(still_held_by=held[name]) for name, outcome in results.done.items()}
    return results._replace(done=done)


def _foreseen(plan: Plan) -> State:
    """What the set will be, as far as that is known before it is made."""
    gone = {*plan.remove, *plan.make}
    left = {item: pinned for item, pinned in plan.state.found.items() if item not in gone}
    keeps_init = nstypes.PID in {item.kind for item in left}
    return plan.state._replace(found=left, init_pid=plan.state.init_pid if keeps_init else None)
