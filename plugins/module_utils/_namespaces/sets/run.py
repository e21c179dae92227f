# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Sets of persistent namespaces brought to what is asked: observed, planned and, but in check mode, carried out."""

from __future__ import annotations

import contextlib
import functools
import typing as t

from ..._kernel import nsfs, nstypes, procfs
from .. import directory, host
from ..errors import NamespaceError, during, refuse
from ..target import Target
from .carry_out import carry_out
from .model import Outcome, Plan, Request, Results, State
from .observe import observe
from .plan import plan


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


def run(proc: int, request: Request, check: bool) -> Results:
    """Raises NamespaceError for what concerns all sets; then nothing was changed, or what was done stays."""
    return host.in_its_mounts(proc, functools.partial(_run, proc, request, check))


def _run(proc: int, request: Request, check: bool) -> Results:
    if not check:
        with directory.locked() as memory:
            return carry_out(proc, memory, request, plan(proc, request, observe(proc, request)))
    planned = plan(proc, request, observe(proc, request))
    plans = {name: item for name, item in planned.items() if isinstance(item, Plan)}
    return Results(
        {name: Outcome(_foreseen(item), frozenset(item.make), {}, item.changes) for name, item in plans.items()},
        {name: item for name, item in planned.items() if isinstance(item, NamespaceError)},
        (),
    )


def _foreseen(plan: Plan) -> State:
    """What the set will be, as far as that is known before it is made."""
    gone = {*plan.remove, *plan.make}
    left = {item: pinned for item, pinned in plan.state.found.items() if item not in gone}
    keeps_init = nstypes.PID in {item.kind for item in left}
    return plan.state._replace(found=left, init_pid=plan.state.init_pid if keeps_init else None)
