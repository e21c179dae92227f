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
from . import archive, called, declared, files, services, units
from .bound import belongs_to, bound_to
from .declared import Declared
from .places import ALL_UNIT, LOCK, PROGRAM, unit_of
from .systemd import Run, Systemd
from .units import FOLDER, Files


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
        gone = [name for name in absent if declared.path_of(name) in work.old]
        if gone and not check:
            work.remove(program, gone)
        gone = [name for name in gone if name not in work.failed]
        changes = files.plan(work.old, work.wanted(good, gone))
        steps = work.plan_services(good, changes)
        if not check:
            work.put(changes)
            work.apply(good, changes, steps)
    told = {item.name: tuple(work.changes[item.name]) for item in good}
    told.update((name, ("remove what is declared, and the set",) if name in gone else ()) for name in absent)
    done = {name: words for name, words in told.items() if name not in work.failed}
    return Results(done, work.failed, changes, work.warnings)


class _Work:
    """What is there, and how it goes on."""

    def __init__(self, execute: Run, manager: Systemd, tools: units.Tools) -> None:
        self._execute = execute
        self._systemd = manager
        self._tools = tools
        self.old = files.found()
        self.program = archive.build()
        self.changes: dict[str, list[str]] = {}
        self.failed: dict[str, str] = {}
        self.warnings: list[str] = []

    def look(self, program: str, wanted: t.Sequence[Declared], absent: t.Sequence[str]) -> list[Declared]:
        """The sets that can be as they are wanted, with what there is to do for them; the others are said to fail.

        Raises NamespaceError.
        """
        told = self._call(program, "check", given=json.dumps({item.name: item.given() for item in wanted}))
        for item in wanted:
            try:
                units.of_set(item, self._tools)
            except NamespaceError as error:
                self.failed.setdefault(item.name, str(error))
        self._refuse_taken(wanted, absent)
        good = [item for item in wanted if item.name not in self.failed]
        idle = self._idle([unit_of(item.name) for item in good])
        for item in good:
            self.changes[item.name] = [*told.get(item.name, ()), *_start(item.name, idle)]
        return good

    def _refuse_taken(self, wanted: t.Sequence[Declared], absent: t.Sequence[str]) -> None:
        """Sets that ask for a unit which another one has. Those that shall be have what they ask for now."""
        anew = {item.name for item in wanted if item.name not in self.failed}
        taken = bound_to(self.old, {*declared.names()}.difference(anew, absent))
        for item in wanted:
            for unit in item.taken_units() if item.name in anew else ():
                owner = taken.setdefault(unit, item.name)
                if owner != item.name:
                    error = NamespaceError(f"run {unit} in the set {item.name}", f"it runs in the set {owner}")
                    self.failed.setdefault(item.name, str(error))

    def remove(self, program: str, names: t.Sequence[str]) -> None:
        """The sets, after what runs in them; those that are in use stay as they were. Raises NamespaceError."""
        inside = bound_to(self.old, names)
        running = services.running_of(self._systemd, [*inside])
        self._systemd.end(*map(unit_of, names))
        self._call(program, "remove", names)
        again = [unit_of(name) for name in names if name in self.failed]
        self._systemd.do("start", *again, *(unit for unit in running if inside[unit] in self.failed))

    def wanted(self, good: t.Sequence[Declared], gone: t.Collection[str]) -> Files:
        """All that shall be there. Raises NamespaceError."""
        sets = {item.name: item for item in good}
        new: Files = {}
        for name in declared.names():
            if name in sets or name in gone:
                continue
            try:
                sets[name] = declared.read(name)
                units.of_set(sets[name], self._tools)
            except NamespaceError as error:
                # Nobody can tell what it was to be: what there is of it stays.
                sets.pop(name, None)
                new.update((path, value) for path, value in self.old.items() if belongs_to(name, path, value))
                if name not in self.failed:
                    self.warnings.append(str(error))
        for item in sets.values():
            new.update(units.of_set(item, self._tools))
            new[item.path] = item.text().encode()
        if new:
            new.update(units.of_all())
            new[PROGRAM] = self.program
        return new

    def plan_services(self, good: t.Sequence[Declared], changes: t.Sequence[files.Change]) -> list[services.Step]:
        """What is done with what runs in the sets. Raises NamespaceError."""
        taken = {unit: item.name for item in good for unit in item.taken_units()}
        for unit in self._systemd.unknown([*taken]):
            self.warnings.append(f"systemd knows no {unit} that could run in the set {taken[unit]}")
        steps = services.plan(self._systemd, good, self.changes, changes)
        for step in steps:
            self.changes[step.set].append(step.words)
        return steps

    def put(self, changes: t.Sequence[files.Change]) -> None:
        """Exchange the files, and let systemd know. Raises NamespaceError."""
        self._systemd.end(*_units_in(change for change in changes if change.after is None))
        files.carry_out(changes)
        if any(change.path.startswith(FOLDER) for change in changes):
            self._systemd.do("daemon-reload")

    def apply(
        self, good: t.Sequence[Declared], changes: t.Sequence[files.Change], steps: t.Sequence[services.Step]
    ) -> None:
        """Bring about what is declared. Raises NamespaceError."""
        new = {change.path for change in changes if change.after is not None}
        idle = self._idle([unit_of(item.name) for item in good])
        names = [item.name for item in good if self.changes[item.name] or item.path in new]
        if names:
            told = self._call(PROGRAM, "apply", names)
            self.changes.update((name, [*told.get(name, ()), *_start(name, idle)]) for name in names)
        if idle:
            # Also of those that failed, which then say so in the journal.
            self._systemd.do("start", ALL_UNIT, *sorted(idle))
        for step in steps:
            self.changes[step.set].append(step.words)
        for verb in ("start", "restart"):
            self._systemd.do(verb, *(step.unit for step in steps if step.verb == verb and step.set not in self.failed))
        self._look_again(good, [step for step in steps if step.verb != "stop"])

    def _look_again(self, good: t.Sequence[Declared], steps: t.Sequence[services.Step]) -> None:
        of_sets = {unit_of(item.name): item.name for item in good}
        for unit in self._idle([*of_sets]):
            self.failed.setdefault(of_sets[unit], f"{unit} did not start; see journalctl --unit '{unit}'")
        inside = {unit: item.name for item in good for unit in item.own_units()}
        inside.update((step.unit, step.set) for step in steps)
        for unit, state in self._systemd.states(list(inside)).items():
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

    def _idle(self, found: t.Sequence[str]) -> set[str]:
        """Those of the units that are not active. Raises NamespaceError."""
        states = self._systemd.states(found)
        return {unit for unit in found if states.get(unit) != "active"}


def _start(name: str, idle: t.Container[str]) -> list[str]:
    unit = unit_of(name)
    return [f"start {unit}"] if unit in idle else []


def _units_in(changes: t.Iterable[files.Change]) -> list[str]:
    """The units that changes are about, but for the template."""
    found = (os.path.split(change.path) for change in changes)
    return [name for folder, name in found if folder == FOLDER and name != unit_of("")]
