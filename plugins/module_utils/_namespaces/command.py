# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""A command in namespaces: started behind the checkpoint, fed and read in bounded memory, ended with all it started.

AnsibleModule.run_command can't do it: the namespaces have to be joined in the child, which has to be looked at there.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
import typing as t

from .._kernel import nsfs, nstypes, process, procfs
from . import ending, init
from .checkpoint import Child, DeadlineError, Gate, milliseconds_left, spawn
from .definition import OPEN_PROPAGATIONS, Definition, showing_network
from .errors import NamespaceError, refuse
from .launch import Command, Launch
from .streams import Alarm, Input, Output, Pipe
from .target import Target


class Result(t.NamedTuple):
    """How it went. One of code (minus the signal if one ended it), skipped and timed_out is set."""

    code: int | None
    skipped: str | None
    timed_out: bool
    stdout: bytes
    stderr: bytes
    cut: tuple[str, ...]
    """The streams that were longer than max_output."""
    namespaces: t.Mapping[nstypes.NsType, nsfs.Identity]


def run(proc: int, command: Command, target: Target, definition: Definition) -> Result:
    """Run a command in the target's and the defined namespaces. proc is the caller's procfs.

    Raises NamespaceError for what could not be entered, set up, started or ended.
    """
    _refuse_contradictions(command, target, definition)
    deadline = None if command.timeout is None else time.monotonic() + command.timeout
    entered: dict[nstypes.NsType, nsfs.Identity] = {}
    report: dict[str, t.Any] = {}
    timed_out = False
    before = ending.children(proc)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_adopting_orphans())
        stdin, stdout, stderr = (Input(command.stdin), Output(command.max_output), Output(command.max_output))
        streams: tuple[Pipe, ...] = (stdin, stdout, stderr)
        for pipe in streams:
            stack.callback(pipe.close)
        new = showing_network(definition, target.descriptors) if command.sysfs else definition
        launch = Launch(command, target, new, [pipe.theirs for pipe in streams])
        child = stack.enter_context(spawn(_work_of(launch), proc, command.cgroup))
        for pipe in streams:
            pipe.close_theirs()
        try:
            entered = _check_entered(proc, child.expect("namespaces", deadline), launch)
            with _handling_signals(proc, child, before) as woken:
                child.release()
                report = _communicate(child, (*streams, woken), deadline, launch.supervised)
            _check_started(report)
        except BaseException as error:
            # A PID 1 takes all others along when it is killed; every other supervisor has to stay to the last.
            stays = bool(entered) and launch.supervised and nstypes.PID not in new.types
            ending.end(proc, child, before, supervised=stays)
            if not isinstance(error, DeadlineError):
                raise
            timed_out = True
        for output in (stdout, stderr):
            output.drain()
    skipped = report.get("skipped")
    return Result(
        code=None if timed_out or skipped else process.exit_code(report["status"]),
        skipped=skipped,
        timed_out=timed_out,
        stdout=bytes(stdout.content),
        stderr=bytes(stderr.content),
        cut=tuple(name for name, output in (("stdout", stdout), ("stderr", stderr)) if output.cut),
        namespaces=entered,
    )


def _refuse_contradictions(command: Command, target: Target, definition: Definition) -> None:
    if not target.descriptors and not definition.types:
        raise NamespaceError(
            "run the command",
            "there is no namespace to enter and none to create, so it would run on the host",
            "name a target, or types for unshare",
        )
    if command.init and nstypes.PID not in definition.types:
        raise refuse("init", "it is PID 1 of a new pid namespace, and none is being created", "add pid to unshare")
    if command.credentials and nstypes.PID in target.descriptors and nstypes.MNT not in target.descriptors:
        raise NamespaceError(
            "run the command with other rights than root's",
            "in a pid namespace that is entered without its mount namespace, whoever is root there could reach the "
            "files of the host through such a process",
            "enter mnt too, or leave pid out of types",
        )
    if command.root is not None and nstypes.MNT in definition.types and definition.propagation in OPEN_PROPAGATIONS:
        raise refuse("root", f"with propagation {definition.propagation} it could appear on the host")


def _work_of(launch: Launch) -> t.Callable[[Gate], t.NoReturn]:
    """What the child does. Whatever that needs is imported here, as the child must import nothing."""
    if launch.meets_foreign_files:
        from .sealed import run_sealed  # noqa: PLC0415 - compiled anew for each task, and few need it

        return lambda gate: run_sealed(gate, launch, os.environ)
    launch.preload()
    return launch.work


@contextlib.contextmanager
def _adopting_orphans() -> t.Iterator[None]:
    """Be a subreaper, so that nothing that the command starts escapes us."""
    before = process.is_subreaper()
    process.set_subreaper(True)
    try:
        yield
    finally:
        process.set_subreaper(before)


def _check_entered(proc: int, reported: t.Mapping[str, t.Any], launch: Launch) -> dict[nstypes.NsType, nsfs.Identity]:
    """Compare where the child is with where it shall be: to work on the host by mistake is the worst that can be."""
    ours = procfs.namespaces(proc, os.getpid())
    entered = {}
    for kind in nstypes.ALL:
        created = kind in launch.definition.types
        if created or kind in launch.target.descriptors:
            actual = nsfs.Identity(*reported.get(kind.name, (0, None)))
            expected = actual if created else launch.target.identities[kind]
            if actual != expected or actual == ours.get(kind):
                raise NamespaceError(f"enter the {kind.name} namespace", "the kernel says that the child is elsewhere")
            entered[kind] = actual
    return entered


@contextlib.contextmanager
def _handling_signals(proc: int, child: Child, ours: frozenset[int]) -> t.Iterator[Alarm]:
    """Pass on to the command what would end this process, and reap what it leaves behind, but not what is ours.

    The alarm is to be polled meanwhile.
    """

    def forward(number: int, _frame: object) -> None:
        child.signal(number)

    def reap(_number: int, _frame: object) -> None:
        ending.reap_orphans(proc, child, ours)

    alarm = Alarm()
    wakeup = signal.set_wakeup_fd(alarm.theirs, warn_on_full_buffer=False)
    before = {number: signal.signal(number, forward) for number in init.FORWARDED}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, reap)
    try:
        yield alarm
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        alarm.close()


def _communicate(child: Child, streams: t.Iterable[Pipe], deadline: float | None, supervised: bool) -> dict[str, t.Any]:
    """Feed and read the command until it has ended; what was reported, with its wait status.

    Raises NamespaceError for what the child could not do, DeadlineError.
    """
    report: dict[str, t.Any] = {}
    open_pipes = {pipe.fd: pipe for pipe in streams}
    reporting = True
    poll = select.poll()
    poll.register(child.fileno(), select.POLLIN)
    poll.register(child.pidfd, select.POLLIN)
    for pipe in streams:
        poll.register(pipe.fd, pipe.event)
    while "status" not in report:
        ready = dict(poll.poll(milliseconds_left(deadline)))
        if deadline is not None and time.monotonic() >= deadline:
            raise DeadlineError
        for fd in ready.keys() & open_pipes.keys():
            if not open_pipes[fd].advance():
                poll.unregister(fd)
                open_pipes.pop(fd).close()
        if child.fileno() in ready:
            message = child.receive()
            if message is None:
                reporting = False
                poll.unregister(child.fileno())
            report.update(message or {})
        elif child.pidfd in ready and not reporting:
            if supervised:
                raise NamespaceError("wait for the command", "the process that watched over it was ended from outside")
            report["status"] = child.reap()
    return report


def _check_started(report: t.Mapping[str, t.Any]) -> None:
    if "starting" not in report and "skipped" not in report:
        raise NamespaceError("start the command", "its process was ended from outside before")
