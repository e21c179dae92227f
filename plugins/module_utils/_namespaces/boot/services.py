# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What becomes of what runs in sets: where what is declared of it changes, and where a namespace is made anew."""

from __future__ import annotations

import typing as t

from ..sets.plan import CREATE
from . import files, units
from .declared import Declared
from .systemd import Systemd

_RUNNING = ("active", "activating", "reloading")


class Step(t.NamedTuple):
    """What is done with a unit."""

    set: str
    verb: str
    unit: str

    @property
    def words(self) -> str:
        """In a list of changes."""
        return f"{self.verb} {self.unit}"


def plan(
    systemd: Systemd,
    sets: t.Sequence[Declared],
    changes: t.Mapping[str, t.Sequence[str]],
    changed: t.Sequence[files.Change],
) -> list[Step]:
    """changes: what is done for the sets, in words; changed: the files. Raises NamespaceError."""
    found = [
        (item.name, unit, change)
        for change in changed
        for unit in units.unit_at(change.path)
        for item in sets
        if units.is_bound(change.before if change.after is None else change.after, item.name)
    ]
    anew = [
        (item.name, unit)
        for item in sets
        if any(words.startswith(CREATE) for words in changes[item.name])
        for unit in (*units.services_of(item), *units.taken_by(item))
    ]
    running = running_of(systemd, [*(unit for _name, unit, _change in found), *(unit for _name, unit in anew)])
    steps = {unit: Step(name, "restart", unit) for name, unit in anew if unit in running}
    for name, unit, change in found:
        verb = _verb(change, unit in running)
        if verb is not None:
            steps[unit] = Step(name, verb, unit)
    return list(steps.values())


def running_of(systemd: Systemd, found: t.Sequence[str]) -> list[str]:
    """Those of the units that run. Raises NamespaceError."""
    return [unit for unit, state in systemd.states(found).items() if state in _RUNNING]


def _verb(change: files.Change, runs: bool) -> str | None:
    # As long as the set is not there, what is new in it is stopped by systemd when that reads of it.
    if units.drop_in_for(change.path) is not None:
        return "restart" if runs else None
    if change.after is None:
        return "stop"
    return "start" if change.before is None else "restart"
