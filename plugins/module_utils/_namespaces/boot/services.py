# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What becomes of what runs in sets: where what is declared of it changes, and where a namespace is made anew."""

from __future__ import annotations

import typing as t

from ..sets.plan import CREATE
from . import files
from .bound import bound_to, is_drop_in
from .declared import Declared
from .systemd import Systemd

_RUNNING = ("active", "activating", "reloading")


class Step(t.NamedTuple):
    """What is done with a unit."""

    set: str
    verb: str
    unit: str


def plan(
    systemd: Systemd,
    sets: t.Sequence[Declared],
    changes: t.Mapping[str, t.Sequence[str]],
    changed: t.Sequence[files.Change],
) -> list[Step]:
    """changes: what is done for the sets, in words; changed: the files. Raises NamespaceError."""
    names = [item.name for item in sets]
    found = [
        (name, unit, change) for change in changed for unit, name in bound_to({change.path: change.last}, names).items()
    ]
    anew = [
        (item.name, unit)
        for item in sets
        if any(words.startswith(CREATE) for words in changes[item.name])
        for unit in (*item.own_units(), *item.taken_units())
    ]
    # Before systemd reads the files: it stops what is new in a set that is not there yet.
    running = running_of(systemd, [*(unit for _name, unit, _change in found), *(unit for _name, unit in anew)])
    steps = {unit: Step(name, "restart", unit) for name, unit in anew if unit in running}
    for name, unit, change in found:
        verb = _verb(change, unit in running)
        if verb is not None:
            steps[unit] = Step(name, verb, unit)
    return list(steps.values())


def words_for(steps: t.Sequence[Step], name: str) -> list[str]:
    """What is done with what runs in one set, in a list of changes."""
    return [f"{step.verb} {step.unit}" for step in steps if step.set == name]


def running_of(systemd: Systemd, found: t.Sequence[str]) -> list[str]:
    """Those of the units that run. Raises NamespaceError."""
    return [unit for unit, state in systemd.states(found).items() if state in _RUNNING]


def _verb(change: files.Change, runs: bool) -> str | None:
    if is_drop_in(change.path):
        return "restart" if runs else None
    if change.after is None:
        return "stop"
    return "start" if change.before is None else "restart"
