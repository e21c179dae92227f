# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Processes that reap: the one between us and a command, and the init of a persistent pid namespace.

The first passes signals on and says how the command ended.

It is PID 1 of a new pid namespace, or else a subreaper, so that nothing that the command starts escapes it. For a
pid namespace that was joined it has to be inside: orphans never come to a subreaper outside.
"""

from __future__ import annotations

import contextlib
import os
import signal
import typing as t

from .._kernel import privilege, process
from .checkpoint import Gate

FORWARDED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
"""What reaches the command when it reaches us."""

LINGER = signal.SIGUSR1
"""Asks the process to stay until the last of its descendants has ended, the command's end or not."""


def supervise(gate: Gate, is_init: bool, command: t.Callable[[int], t.NoReturn]) -> t.NoReturn:
    """Run the command in a child of this process and report its wait status. Raises OSError before that.

    The command is called with the pid of this process: it has to check that this is still its parent.
    """
    awaited = {signal.SIGCHLD, LINGER, *FORWARDED}
    # Blocked before the fork, and taken one at a time: a signal that is blocked reaches a PID 1 without handlers too.
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    if not is_init:
        process.set_subreaper(True)
    above = os.getpid()
    ready, not_ready = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(not_ready)
        if not os.read(ready, 1):
            os._exit(1)
        command(above)
    _give_up_all_but_killing(gate.fileno(), not_ready)
    # Not earlier: nothing of the command runs below a process that has something to take.
    with contextlib.suppress(BrokenPipeError):
        os.write(not_ready, b"!")
    os.close(not_ready)
    lingering = reaped = False
    while True:
        signaled = signal.sigwaitinfo(awaited)
        # Who is in the pid namespace has no say: to us only the parent is a sender without a pid here.
        number = signaled.si_signo if signaled.si_pid == 0 else signal.SIGCHLD
        if number in FORWARDED and not reaped:
            os.kill(pid, number)
        lingering = lingering or number == LINGER
        for ended, status in _reap():
            reaped = reaped or ended == pid
            if ended == pid and not lingering:
                gate.report(status=status)
                os._exit(0)
        if lingering and not process.has_children():
            os._exit(0)


def _give_up_all_but_killing(*kept: int) -> None:
    """Who gets hold of this process inside shall gain nothing by it, nor get hold of it. kept: what stays open."""
    process.become_undumpable()
    process.close_from(3, *kept)
    if privilege.has("setpcap"):
        privilege.bound((privilege.CAPABILITIES["kill"],))
        privilege.hold_only((privilege.CAPABILITIES["kill"],))


def _reap() -> t.Iterator[tuple[int, int]]:
    """Every child that has ended, and its wait status."""
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            yield pid, status
    except ChildProcessError:
        return


_PERSISTENT = 'trap "exit 0" TERM INT; while :; do sleep 2147483647 & wait; done'
"""For any shell: it reaps, and ends on SIGTERM, which init gets because there is a handler for it."""

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def persist(gate: Gate, shell_for: str | None) -> t.NoReturn:
    """Become the init of a set, without any capability. Raises OSError.

    shell_for: the name of the set, for a shell, which takes the least memory; None: stay this program, started with
    the marks of the set.
    """
    process.reset_signals()
    os.setsid()
    os.chdir("/")
    os.umask(0)
    process.close_from(3, gate.fileno())
    if privilege.has("setpcap"):
        privilege.bound(())
    privilege.hold_only(())
    gate.outlive_parent()
    if shell_for is None:
        _stay(gate)
    os.execve("/bin/sh", _shell(shell_for), {"PATH": DEFAULT_PATH})


def _stay(gate: Gate) -> t.NoReturn:
    """Do what the shell does."""
    awaited = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
    # A signal that is blocked reaches a PID 1 without handlers too.
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    os.close(gate.fileno())
    while signal.sigwait(awaited) == signal.SIGCHLD:
        for _ended in _reap():
            pass
    os._exit(0)


def marks(name: str) -> list[str]:
    """The last arguments of a program that is to stay as the set's init."""
    return ["linux-namespaces-init", name]


def is_persistent(name: str, arguments: t.Sequence[str]) -> bool:
    """Whether a process with these arguments is the init of the set."""
    return list(arguments) == _shell(name) or list(arguments[-2:]) == marks(name)


def is_waiting(arguments: t.Sequence[str]) -> bool:
    """Whether a process with these arguments is what such an init waits for."""
    return list(arguments) == ["sleep", "2147483647"]


def _shell(name: str) -> list[str]:
    return ["sh", "-c", _PERSISTENT, "linux-namespaces", name]
