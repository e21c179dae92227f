# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Children that make namespaces to be pinned: one for many sets in rounds, or one for a single set.

unshare(2) copies what a process is in, the names of a UTS namespace and the mounts among it. So before each round the
child goes back to where it started. Only a set with a user or pid namespace needs a child of its own.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from .._kernel import nsfs, nstypes, process, procfs
from .._kernel.descriptor import closing
from . import init, processes
from .checkpoint import MOST_DESCRIPTORS, PATIENCE, Child, Gate, spawn, to_message
from .create import create
from .definition import Definition
from .enter import enter, meets_foreign_files
from .errors import NamespaceError, during
from .inside import renew_proc, set_up
from .sealed import run_sealed
from .target import Target
from .visit import way_back

# As many sets at a time as a message can carry; one message each would double the time.
_BATCH = MOST_DESCRIPTORS // len(nstypes.ALL)

# A new one copies nothing of the one that the process is in, so there is no need to go back before it is made.
_STARTS_EMPTY = frozenset((nstypes.IPC, nstypes.NET))

Made = t.Dict[nstypes.NsType, int]
"""An open descriptor of each namespace, by type."""


def in_rounds(proc: int, definitions: t.Sequence[Definition]) -> t.Generator[Made | NamespaceError, None, None]:
    """Make sets of namespaces, none of type user, pid or cgroup: what was made for each, in order, or why not.

    Use the descriptors before the next set is asked for: then they may be closed. Raises NamespaceError where the child
    fails.
    """
    if not definitions:
        return
    with spawn(lambda gate: _make_all(gate, definitions), proc) as child:
        child.release()
        done = 0
        while done < len(definitions):
            message = child.receive(time.monotonic() + PATIENCE)
            if message is None:
                raise NamespaceError("make namespaces", "the child that does it was ended from outside", "try again")
            with _closing_all(message.get("descriptors", ())) as descriptors:
                handed = iter(descriptors)
                for definition, failure in zip(definitions[done:], message["failures"]):
                    yield dict(zip(definition.types, handed)) if failure is None else NamespaceError(*failure)
            done += len(message["failures"])


def _make_all(gate: Gate, definitions: t.Sequence[Definition]) -> t.NoReturn:
    gate.wait()
    us = gate.pid()
    kinds = {kind for definition in definitions for kind in definition.types}
    if nstypes.MNT not in kinds:
        # With mounts they count too: what a set mounts (sysfs, mqueue) shows the namespace that the child is in.
        kinds -= _STARTS_EMPTY
    with contextlib.ExitStack() as stack:
        go_back = stack.enter_context(way_back(gate, kinds))
        with during("look at the namespaces of the task"):
            links = stack.enter_context(closing(procfs.open_file(gate.proc, f"{us}/ns", os.O_PATH | os.O_DIRECTORY)))
        ours = _mount_namespace_id(gate)
        for start in range(0, len(definitions), _BATCH):
            with contextlib.ExitStack() as made:
                failures: list[list[t.Any] | None] = []
                descriptors: list[int] = []
                for definition in definitions[start : start + _BATCH]:
                    try:
                        descriptors += _make(gate, definition, ours, links, made)
                        failures.append(None)
                    except NamespaceError as error:
                        failures.append(to_message(error))
                    go_back(definition.types)
                gate.report(descriptors, failures=failures)
    os._exit(0)


def _make(gate: Gate, definition: Definition, ours: int | None, links: int, made: contextlib.ExitStack) -> list[int]:
    """Make the namespaces, and open what was made by the links of this process."""
    create(gate, definition, joined_user=False)
    _bring_id_above(gate, definition, ours)
    set_up(gate, definition, None)
    with during("open the namespaces that were made"):
        return [
            made.enter_context(closing(os.open(kind.children_link, os.O_RDONLY | os.O_CLOEXEC, dir_fd=links)))
            for kind in definition.types
        ]


class Alone(t.NamedTuple):
    """A set that takes a child of its own: what to join, what to make from there, and who its init is."""

    name: str
    existing: Target
    definition: Definition
    cgroup: str | None
    """The directory of the cgroup that the child is to be in."""

    @property
    def descriptors(self) -> t.Iterable[int]:
        """What the child needs open."""
        return self.existing.descriptors.values()

    @property
    def joins_mounts(self) -> bool:
        """Whether the files that the child comes to see are those of a mount namespace that was there before."""
        return nstypes.MNT in self.existing.descriptors

    def preload(self) -> None:
        """All is imported by this module."""

    def work(self, gate: Gate) -> t.NoReturn:
        """Be the child. Raises NamespaceError, OSError."""
        has_init = nstypes.PID in self.definition.types
        ours = _mount_namespace_id(gate)
        enter(gate, self.existing, self.definition)
        _bring_id_above(gate, self.definition, ours)
        set_up(gate, self.definition, None)
        if has_init and self.joins_mounts:
            renew_proc(self.definition.mount_proc)
        us = gate.pid()
        with contextlib.ExitStack() as stack, during("open the namespaces that were made"):
            links = [kind.name for kind in self.definition.types]
            gate.report([stack.enter_context(closing(procfs.open_namespace(gate.proc, us, link))) for link in links])
        gate.wait()
        if has_init:
            with during("start the init of the set"):
                # Nothing of files that are there is to run only because the set is repaired.
                init.persist(gate, None if self.joins_mounts else self.name)
        os._exit(0)


@contextlib.contextmanager
def alone(proc: int, order: Alone) -> t.Iterator[tuple[Child, Made]]:
    """Make the namespaces of one set; a pid namespace among them gets its init by release(). Raises NamespaceError."""
    with contextlib.ExitStack() as stack:
        child = stack.enter_context(spawn(lambda gate: _start(gate, order), proc, order.cgroup))
        descriptors = stack.enter_context(_closing_all(child.expect("descriptors", time.monotonic() + PATIENCE)))
        yield child, dict(zip(order.definition.types, descriptors))


def release(proc: int, child: Child, init_of: str | None) -> None:
    """Let the child become the init of that set, or end. Raises NamespaceError, OSError."""
    child.release()
    try:
        _await_end_or_exec(proc, child, init_of)
    except BaseException:
        # From the go byte on nothing else ends it.
        child.kill()
        raise


def _await_end_or_exec(proc: int, child: Child, init_of: str | None) -> None:
    limit = time.monotonic() + PATIENCE
    if child.receive(limit) is not None:
        raise NamespaceError("start the init of the set", "it said something unexpected")
    if init_of is None:
        return
    # The channel is closed by exec a moment before the arguments change, and by death a moment before the pidfd tells.
    while not process.pidfd_ended(child.pidfd, milliseconds=1):
        if init.is_persistent(init_of, processes.arguments(proc, child.pid)):
            child.let_go()
            return
        if time.monotonic() > limit:
            raise NamespaceError(
                "start the init of the set", "what runs there is another program", "look at its /bin/sh"
            )
    raise NamespaceError("start the init of the set", "it was ended from outside", "try again")


def _start(gate: Gate, order: Alone) -> t.NoReturn:
    if meets_foreign_files(order.existing, order.definition):
        run_sealed(gate, order, {}, init.marks(order.name) if order.joins_mounts else ())
    order.work(gate)


def _mount_namespace_id(gate: Gate) -> int | None:
    """The id of the mount namespace that we are in; None where the kernel gives none."""
    with during("look at the mount namespace"), closing(procfs.open_namespace(gate.proc, gate.pid(), "mnt")) as fd:
        return nsfs.identity(fd).id


def _bring_id_above(gate: Gate, definition: Definition, ours: int | None) -> None:
    """Make the new mount namespace again, if need be, until it has a larger id than ours, where its handle will be.

    A handle of one with a smaller id is refused as a loop (mnt_ns_loop() in fs/namespace.c), and each processor gives
    ids out of a store of its own; the one that gave the other id has none but larger ones. Raises NamespaceError.
    """
    if nstypes.MNT not in definition.types or ours is None:
        return
    allowed = os.sched_getaffinity(0)
    try:
        for processor in allowed:
            if (_mount_namespace_id(gate) or 0) > ours:
                return
            with during("create a mnt namespace with a larger id"):
                os.sched_setaffinity(0, (processor,))
                process.unshare(nstypes.MNT.flag)
    finally:
        os.sched_setaffinity(0, allowed)


@contextlib.contextmanager
def _closing_all(descriptors: t.Sequence[int]) -> t.Iterator[t.Sequence[int]]:
    try:
        yield descriptors
    finally:
        for fd in descriptors:
            os.close(fd)
