# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What a task declares, put where the host finds it at boot, and brought about now: looked at, planned, carried out."""

from __future__ import annotations

import json
import os
import typing as t

from ..directory import holding
from ..errors import NamespaceError
from . import archive, called, files, folder, services, units
from .bound import bound_to
from .declared import Declared
from .places import ALL_UNIT, LOCK, PROGRAM, TEMPLATE, unit_of
from .systemd import Run, Systemd
from .units import FOLDER, Files
from .wanted import compose


class Results(t.NamedTuple):
    """What was done, or would be."""

    changes: t.Mapping[str, t.Sequence[str]]
    """By set, in words; all that were asked for and did not fail."""
    failed: t.Mapping[str, str]
    """By set, why it is not as declared."""
    files: t.Sequence[files.Change]
    warnings: t.Sequence[str]


def run(execute: Run, wanted: t.Sequence[Declared], absent: t.Sequence[str], check: bool) -> Results:
    """Raises NamespaceError for what concerns all sets; then nothing is declared that was not before."""
    manager = Systemd(execute)
    tools = manager.tools()
    # What is shared goes with the last set: nobody else may declare one meanwhile.
    with holding(LOCK):
        return _run(_Work(execute, manager, tools), wanted, absent, check)


def _run(work: _Work, wanted: t.Sequence[Declared], absent: t.Sequence[str], check: bool) -> Results:
    with called.kept(work.program) as program:
        good = work.look(program, wanted, absent)
        gone = [name for name in absent if folder.path_of(name) in work.old]
        if gone and not check:
            work.remove(program, gone)
            gone = [name for name in gone if name not in work.failed]
        changes = files.plan(work.old, work.files_for(good, gone))
        work.warn_of_unknown_units(good)
        steps = services.plan(work.systemd, good, work.changes, changes)
        if not check:
            work.put(changes)
            work.apply(good, changes, steps)
    told = {item.name: [*work.changes[item.name], *services.words_for(steps, item.name)] for item in good}
    told.update((name, ["remove what is declared, and the set"] if name in gone else []) for name in absent)
    done = {name: words for name, words in told.items() if name not in work.failed}
    return Results(done, work.failed, changes, work.warnings)


class _Work:
    """What was there before, and what came of it so far."""

    def __init__(self, execute: Run, systemd: Systemd, tools: units.Tools) -> None:
        self._execute = execute
        self._tools = tools
        self.systemd = systemd
        self.old = files.found()
        self.program = archive.build()
        self.changes: dict[str, list[str]] = {}
        """What there is to do for a set, or was done, in words; but for its services."""
        self.failed: dict[str, str] = {}
        self.warnings: list[str] = []

    def look(self, program: str, wanted: t.Sequence[Declared], absent: t.Sequence[str]) -> list[Declared]:
        """The sets that can be as they are wanted, with what there is to do for them; the others are said to fail.

        Raises NamespaceError.
        """
        told = self._call(program, "check", given=json.dumps({item.name: item.given() for item in wanted}))
        self._refuse_services(wanted)
        self._refuse_taken(self._good(wanted), absent)
        good = self._good(wanted)
        self._say([item.name for item in good], told, self._idle(good))
        return good

    def _good(self, wanted: t.Sequence[Declared]) -> list[Declared]:
        return [item for item in wanted if item.name not in self.failed]

    def _refuse_services(self, wanted: t.Sequence[Declared]) -> None:
        """Sets with services that this host can not run so."""
        for item in wanted:
            try:
                units.of_set(item, self._tools)
            except NamespaceError as error:
                self.failed.setdefault(item.name, str(error))

    def _refuse_taken(self, good: t.Sequence[Declared], absent: t.Sequence[str]) -> None:
        """Sets that ask for a unit which another one has. Those that shall be have what they ask for now."""
        taken = bound_to(self.old, {*folder.names()}.difference(absent, (item.name for item in good)))
        for item in good:
            for unit in item.taken_units():
                owner = taken.setdefault(unit, item.name)
                if owner != item.name:
                    error = NamespaceError(f"run {unit} in the set {item.name}", f"it runs in the set {owner}")
                    self.failed.setdefault(item.name, str(error))

    def remove(self, program: str, names: t.Sequence[str]) -> None:
        """The sets, after what runs in them; those that are in use stay as they were. Raises NamespaceError."""
        inside = bound_to(self.old, names)
        running = services.running_of(self.systemd, [*inside])
        self.systemd.end(*map(unit_of, names))
        self._call(program, "remove", names)
        again = [unit_of(name) for name in names if name in self.failed]
        self.systemd.do("start", *again, *(unit for unit in running if inside[unit] in self.failed))

    def files_for(self, good: t.Sequence[Declared], gone: t.Sequence[str]) -> Files:
        """All that shall be there. Raises NamespaceError."""
        others = sorted({*folder.names()}.difference(gone, (item.name for item in good)))
        new, unclear = compose(good, others, self.old, self._tools, self.program)
        self.warnings.extend(cause for name, cause in unclear.items() if name not in self.failed)
        return new

    def warn_of_unknown_units(self, good: t.Sequence[Declared]) -> None:
        """Those that sets ask for, and systemd has no file of. Raises NamespaceError."""
        taken = {unit: item.name for item in good for unit in item.taken_units()}
        for unit in self.systemd.unknown([*taken]):
            self.warnings.append(f"systemd knows no {unit} that could run in the set {taken[unit]}")

    def put(self, changes: t.Sequence[files.Change]) -> None:
        """Exchange the files, and let systemd know. Raises NamespaceError."""
        self.systemd.end(*_units_in(change for change in changes if change.after is None))
        files.carry_out(changes)
        if any(change.path.startswith(FOLDER) for change in changes):
            self.systemd.reload()

    def apply(
        self, good: t.Sequence[Declared], changes: t.Sequence[files.Change], steps: t.Sequence[services.Step]
    ) -> None:
        """Bring about what is declared. Raises NamespaceError."""
        new = {change.path for change in changes if change.after is not None}
        served = {step.set for step in steps}
        names = [item.name for item in good if self.changes[item.name] or item.name in served or item.path in new]
        idle = self._idle(good)
        if names:
            self._say(names, self._call(PROGRAM, "apply", names), idle)
        self._start(idle, steps)
        self._look_again(good, [step for step in steps if step.verb != "stop"])

    def _start(self, idle: t.Collection[str], steps: t.Sequence[services.Step]) -> None:
        if idle:
            # Also of those that failed, which then say so in the journal.
            self.systemd.do("start", ALL_UNIT, *sorted(map(unit_of, idle)))
        for verb in ("start", "restart"):
            self.systemd.do(verb, *(step.unit for step in steps if step.verb == verb and step.set not in self.failed))

    def _look_again(self, good: t.Sequence[Declared], steps: t.Sequence[services.Step]) -> None:
        """Whether systemd started what it was told to."""
        for name in self._idle(good):
            unit = unit_of(name)
            self.failed.setdefault(name, f"{unit} did not start; see journalctl --unit '{unit}'")
        inside = {unit: item.name for item in good for unit in item.own_units()}
        inside.update((step.unit, step.set) for step in steps)
        for unit, state in self.systemd.states(list(inside)).items():
            # Between two tries it is activating.
            if state in ("failed", "activating"):
                self.failed.setdefault(inside[unit], f"{unit} failed; see journalctl --unit '{unit}'")

    def _call(
        self, program: str, command: str, names: t.Sequence[str] = (), given: str = ""
    ) -> t.Mapping[str, t.Sequence[str]]:
        """What is done for the sets, in words."""
        told = called.call(self._execute, program, command, names, given)
        self.failed.update(told.failed)
        self.warnings.extend(told.warnings)
        return told.changes

    def _say(self, names: t.Iterable[str], told: t.Mapping[str, t.Sequence[str]], idle: t.Container[str]) -> None:
        """told: by the program."""
        for name in names:
            self.changes[name] = [*told.get(name, ()), *([f"start {unit_of(name)}"] if name in idle else ())]

    def _idle(self, sets: t.Sequence[Declared]) -> set[str]:
        """Those of the sets whose units are not active. Raises NamespaceError."""
        states = self.systemd.states([unit_of(item.name) for item in sets])
        return {item.name for item in sets if states.get(unit_of(item.name)) != "active"}


def _units_in(changes: t.Iterable[files.Change]) -> list[str]:
    """The units that changes are about, but for the template."""
    found = (os.path.split(change.path) for change in changes)
    return [name for folder, name in found if folder == FOLDER and name != TEMPLATE]
