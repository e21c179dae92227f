# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""A command in namespaces: started behind the checkpoint, fed and read in bounded memory, ended with all it started.

AnsibleModule.run_command can't do it: the namespaces have to be joined in the child, which has to be looked at there.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import select
import signal
import time
import typing as t

from .._kernel import nsfs, nstypes, process, procfs
from . import credentials, init
from .checkpoint import Child, DeadlineError, Gate, spawn
from .definition import Definition, refuse_open_propagation
from .enter import enter
from .errors import Hint, NamespaceError, during, refuse
from .inside import set_up
from .streams import Input, Output, Pipe
from .target import Target, closing, own_identities

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What the login of the task brought along to steer its own Python, linker or Ansible, and not the command's.
_PRIVATE_PREFIXES = ("PYTHON", "LD_", "ANSIBLE_")
_ENDING_SECONDS = 10
_ENDING_STEP_MILLISECONDS = 10

_EXEC_HINTS = {
    errno.ENOENT: Hint(
        "there is no such file inside, or the interpreter in its first line is missing", "install it there"
    ),
    errno.EACCES: Hint("it is a directory or not executable, or its file system is mounted noexec", "look at its mode"),
    errno.ENOEXEC: Hint(
        "it is neither a program for this machine nor a script with #! in its first line", "name a shell"
    ),
    errno.E2BIG: Hint("its arguments and environment are too large", "hand the data over on stdin"),
}
# The search goes on in the next directory.
_NOT_HERE = (errno.ENOENT, errno.ENOTDIR)
_CHDIR_HINTS = {
    errno.ENOENT: Hint("there is no such directory inside", "create it there"),
    errno.ENOTDIR: Hint("it is no directory inside", "name a directory"),
}


class Command(t.NamedTuple):
    """What to run, and as whom. Paths are meant inside; timeout is in seconds, max_output in bytes a stream."""

    argv: tuple[str, ...]
    wanted: credentials.Wanted
    environment: t.Mapping[str, str]
    clear_environment: bool
    stdin: bytes
    max_output: int
    chdir: str | None = None
    root: str | None = None
    creates: str | None = None
    removes: str | None = None
    timeout: float | None = None
    init: bool = False
    sysfs: bool = True
    probe: bool = False
    """Look at creates and removes, and start nothing."""


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


def refuse_contradictions(command: Command, definition: Definition) -> None:
    """Raise NamespaceError for what a command can't have in these namespaces."""
    if command.init and nstypes.PID not in definition.types:
        raise refuse("init", "it is PID 1 of a new pid namespace, and none is being created")
    if command.root is not None and nstypes.MNT in definition.types:
        refuse_open_propagation(definition.propagation, "root")


def run(proc: int, command: Command, target: Target, definition: Definition) -> Result:
    """Run a command in the target's and the defined namespaces. proc is the caller's procfs.

    Raises NamespaceError for what could not be entered, set up, started or ended.
    """
    refuse_contradictions(command, definition)
    sysfs = _needs_sysfs(command, target, definition)
    if sysfs and nstypes.MNT not in definition.types:
        definition = definition._replace(types=(*definition.types, nstypes.MNT), propagation="slave")
    deadline = None if command.timeout is None else time.monotonic() + command.timeout
    entered: dict[nstypes.NsType, nsfs.Identity] = {}
    report: dict[str, t.Any] = {}
    timed_out = False
    with contextlib.ExitStack() as stack:
        stdin, stdout, stderr = (Input(command.stdin), Output(command.max_output), Output(command.max_output))
        streams: tuple[Pipe, ...] = (stdin, stdout, stderr)
        for pipe in streams:
            stack.callback(pipe.close)
        theirs = [pipe.theirs for pipe in streams]
        child = stack.enter_context(
            spawn(lambda gate: _work(gate, command._replace(sysfs=sysfs), target, definition, theirs), proc)
        )
        for pipe in streams:
            pipe.close_theirs()
        try:
            entered = _check_entered(proc, child.expect("namespaces", deadline), target, definition)
            child.release()
            with _forwarding(child):
                report = _communicate(child, streams, deadline, supervised=_is_supervised(command, definition))
        except BaseException as error:
            _end(proc, child, alone=not entered or nstypes.PID in definition.types)
            if not isinstance(error, DeadlineError):
                raise
            timed_out = True
        for pipe in streams:
            pipe.advance()
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


def _needs_sysfs(command: Command, target: Target, definition: Definition) -> bool:
    """Whether /sys would show another network namespace, and the mount namespace is, or can be, one of our own."""
    return (
        command.sysfs
        and nstypes.NET in (*target.descriptors, *definition.types)
        and nstypes.MNT not in target.descriptors
    )


def _check_entered(
    proc: int, reported: t.Mapping[str, t.Any], target: Target, definition: Definition
) -> dict[nstypes.NsType, nsfs.Identity]:
    """Compare where the child is with where it shall be: to work on the host by mistake is the worst that can be."""
    ours = own_identities(proc, os.getpid())
    entered = {}
    for kind in nstypes.ALL:
        created = kind in definition.types
        if created or kind in target.descriptors:
            actual = nsfs.Identity(*reported.get(kind.name, (0, None)))
            expected = actual if created else target.identities[kind]
            if actual != expected or actual == ours.get(kind):
                raise NamespaceError(f"enter the {kind.name} namespace", "the kernel says that the child is elsewhere")
            entered[kind] = actual
    return entered


@contextlib.contextmanager
def _forwarding(child: Child) -> t.Iterator[None]:
    """Pass on to the command what would end this process."""

    def forward(number: int, _frame: object) -> None:
        child.signal(number)

    before = {number: signal.signal(number, forward) for number in init.FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise DeadlineError
        ready = dict(poll.poll(None if left is None else left * 1000 + 1))
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


def _end(proc: int, child: Child, alone: bool) -> None:
    """End the child and all that it started: PID 1 takes the rest along, from a subreaper nothing escapes.

    Raises NamespaceError where something does not end.
    """
    if alone:
        child.kill()
        return
    child.signal(init.LINGER)
    limit = time.monotonic() + _ENDING_SECONDS
    while not process.pidfd_ended(child.pidfd, _ENDING_STEP_MILLISECONDS):
        alive = _descendants(proc, child.pid)
        for pid, parent in alive.items():
            _kill_child_of(proc, pid, parent)
        if time.monotonic() > limit:
            left = ", ".join(map(str, sorted(alive)))
            raise NamespaceError("end the command", f"processes {left} go on after SIGKILL", "look at them")


def _descendants(proc: int, ancestor: int) -> dict[int, int]:
    """The live processes below one, each with its parent."""
    parents = {pid: status.parent for pid, status in procfs.processes(proc) if status.state not in "ZX"}
    found: dict[int, int] = {}
    level = {ancestor}
    while level:
        found.update((pid, parent) for pid, parent in parents.items() if parent in level)
        level = {pid for pid, parent in found.items() if parent in level}
    return found


def _kill_child_of(proc: int, pid: int, parent: int) -> None:
    """Kill a process unless the pid came to mean another one: that has another parent."""
    with contextlib.suppress(ProcessLookupError, FileNotFoundError), closing(process.pidfd_open(pid)) as pidfd:
        if procfs.stat(proc, pid).parent == parent:
            process.pidfd_send_signal(pidfd, signal.SIGKILL)


def _is_supervised(command: Command, definition: Definition) -> bool:
    """Whether a process of ours stays above the command; else the command is PID 1 itself."""
    return command.init or nstypes.PID not in definition.types


def _work(gate: Gate, command: Command, target: Target, definition: Definition, streams: t.Sequence[int]) -> t.NoReturn:
    """The child: into the namespaces, past the checkpoint, and on to the command."""
    enter(gate, target, definition)
    with during("look at the namespaces that were entered"):
        found = own_identities(gate.proc, gate.pid())
    gate.report(namespaces={kind.name: identity for kind, identity in found.items()})
    gate.wait()
    directory = _start_directory(command, target)
    set_up(gate, definition, command.root, command.sysfs)
    if _is_supervised(command, definition):
        is_init = nstypes.PID in definition.types
        init.supervise(gate, is_init, lambda: _execute(gate, command, streams, directory))
    _execute(gate, command, streams, directory)


def _start_directory(command: Command, target: Target) -> str:
    """Where the command starts unless told otherwise: where the task is, or the root where that is another one."""
    try:
        return "/" if command.root is not None or nstypes.MNT in target.descriptors else os.getcwd()
    except FileNotFoundError:
        return "/"


def _execute(gate: Gate, command: Command, streams: t.Sequence[int], directory: str) -> t.NoReturn:
    """Become the command, or report why it has not to run. Raises NamespaceError."""
    for resettable in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(resettable, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.setsid()
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    # Before the first path inside is looked up: it could lead back out through one of them (CVE-2024-21626).
    process.close_from(3, but=gate.fileno())
    account = credentials.resolve(command.wanted)
    _change_directory(command.chdir, directory)
    reason = _reason_to_skip(command)
    if reason:
        gate.report(skipped=reason)
        os._exit(0)
    environment = _environment(command, account)
    credentials.become(account, command.wanted)
    _exec(command.argv, environment)


def _change_directory(chdir: str | None, directory: str) -> None:
    if chdir is None:
        try:
            os.chdir(directory)
        except OSError:
            os.chdir("/")
    else:
        with during(f"change to the directory {chdir}", _CHDIR_HINTS):
            os.chdir(chdir)
    with during("find out the working directory inside", _CHDIR_HINTS):
        os.getcwd()


def _reason_to_skip(command: Command) -> str | None:
    if command.creates is not None and glob.glob(command.creates):
        return "creates"
    if command.removes is not None and not glob.glob(command.removes):
        return "removes"
    return "probe" if command.probe else None


def _environment(command: Command, account: credentials.Account) -> dict[str, str]:
    inherited = {} if command.clear_environment else os.environ
    kept = {name: value for name, value in inherited.items() if not name.startswith(_PRIVATE_PREFIXES)}
    return {**kept, **account.environment, **command.environment}


def _exec(argv: t.Sequence[str], environment: t.Mapping[str, str]) -> t.NoReturn:
    """execvpe(3) with the path of the command's own environment. Raises NamespaceError."""
    name = argv[0]
    paths = [name]
    if "/" not in name:
        search = environment.get("PATH", _DEFAULT_PATH).split(":")
        paths = [os.path.join(directory, name) for directory in search if directory.startswith("/")]
    failure = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    for path in paths:
        try:
            os.execve(path, list(argv), environment)
        except OSError as error:
            if error.errno not in _NOT_HERE:
                failure = error
            if error.errno not in (*_NOT_HERE, errno.EACCES):
                break
    with during(f"start the command {name}", _EXEC_HINTS):
        raise failure
    os._exit(1)
