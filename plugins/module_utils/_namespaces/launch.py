# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The child's side of a command: into the namespaces, past the checkpoint, and on to exec."""

from __future__ import annotations

import errno
import glob
import os
import signal
import typing as t

from .._kernel import nstypes, privilege, process, procfs
from . import init
from .checkpoint import Gate
from .definition import Definition
from .enter import enter, meets_foreign_files
from .errors import Hint, during, explained
from .target import Target

if t.TYPE_CHECKING:
    from .credentials import Credentials

# What the login of the task brought along to steer its own Python, linker or Ansible, and not the command's.
_PRIVATE_PREFIXES = ("PYTHON", "LD_", "ANSIBLE_")

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
    environment: t.Mapping[str, str]
    clear_environment: bool
    stdin: bytes
    max_output: int
    credentials: Credentials | None = None
    chdir: str | None = None
    root: str | None = None
    creates: str | None = None
    removes: str | None = None
    timeout: float | None = None
    init: bool = False
    sysfs: bool = True
    cgroup: str | None = None
    """The directory of the cgroup to be in before a cgroup namespace is joined: it shows paths as seen from there."""
    probe: bool = False
    """Look at creates and removes, and start nothing."""


class Launch(t.NamedTuple):
    """All that the child has to know. The streams are the command's ends of its stdin, stdout and stderr."""

    command: Command
    target: Target
    definition: Definition
    streams: t.Sequence[int]

    @property
    def descriptors(self) -> t.Iterable[int]:
        """What the child needs open."""
        return (*self.target.descriptors.values(), *self.streams)

    @property
    def meets_foreign_files(self) -> bool:
        """Whether the command may come from elsewhere than the host's own root."""
        return self.command.root is not None or meets_foreign_files(self.target, self.definition)

    @property
    def supervised(self) -> bool:
        """Whether a process of ours stays above the command.

        Else the command is PID 1 itself, or a child of ours with orphans that come to us.
        """
        return self.command.init or (
            nstypes.PID in self.target.descriptors and nstypes.PID not in self.definition.types
        )

    @property
    def sets_up(self) -> bool:
        """Whether there is anything to set up inside."""
        return bool(self.definition.types) or self.command.root is not None

    def preload(self) -> None:
        """Import what this child will need, in the parent: a child must import nothing.

        Most tasks join and need none of it, and what Ansible sends along is compiled anew for each of them.
        """
        if self.definition.types:
            from . import create  # noqa: F401, PLC0415 - see above
        if self.sets_up:
            from . import inside  # noqa: F401, PLC0415 - see above

    def work(self, gate: Gate) -> t.NoReturn:
        """Be the child. Raises NamespaceError, OSError."""
        enter(gate, self.target, self.definition)
        with during("look at the namespaces that were entered"):
            found = procfs.namespaces(gate.proc, gate.pid())
        gate.report(namespaces={kind.name: identity for kind, identity in found.items()})
        gate.wait()
        gate.outlive_parent()
        directory = _start_directory(self)
        if self.sets_up:
            from .inside import set_up  # noqa: PLC0415 - see preload()

            set_up(gate, self.definition, self.command.root)
        if self.supervised:
            is_init = nstypes.PID in self.definition.types
            init.supervise(gate, is_init, lambda above: _execute(gate, self, directory, above))
        _execute(gate, self, directory)


def _start_directory(launch: Launch) -> str:
    """Where the command starts unless told otherwise: where the task is, or the root where that is another one."""
    try:
        elsewhere = launch.command.root is not None or nstypes.MNT in launch.target.descriptors
        return "/" if elsewhere else os.getcwd()
    except FileNotFoundError:
        return "/"


def _execute(gate: Gate, launch: Launch, directory: str, supervisor: int | None = None) -> t.NoReturn:
    """Become the command, or report why it has not to run. Raises NamespaceError, OSError."""
    command = launch.command
    process.reset_signals()
    os.setsid()
    for number, fd in enumerate(launch.streams):
        os.dup2(fd, number)
    # Before the first path inside is looked up: it could lead back out through one of them (CVE-2024-21626).
    process.close_from(3, gate.fileno())
    account = command.credentials.resolve() if command.credentials else None
    _change_directory(command.chdir, directory)
    reason = _reason_to_skip(command)
    if reason:
        gate.report(skipped=reason)
        os._exit(0)
    environment = _environment(command, account.environment if account else {})
    with during("give up inherited capabilities"):
        privilege.clear_inherited()
    if account:
        account.become()
    if supervisor is not None:
        # Not earlier: a change of ids takes it back.
        process.die_with_parent(signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)
    gate.report(starting=True)
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


def _environment(command: Command, of_account: t.Mapping[str, str]) -> dict[str, str]:
    inherited = {} if command.clear_environment else os.environ
    kept = {name: value for name, value in inherited.items() if not name.startswith(_PRIVATE_PREFIXES)}
    return {**kept, **of_account, **command.environment}


def _exec(argv: t.Sequence[str], environment: t.Mapping[str, str]) -> t.NoReturn:
    """execvpe(3) with the path of the command's own environment. Raises NamespaceError."""
    name = argv[0]
    paths = [name]
    if "/" not in name:
        search = environment.get("PATH", init.DEFAULT_PATH).split(":")
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
    raise explained(failure, f"start the command {name}", _EXEC_HINTS) from failure
