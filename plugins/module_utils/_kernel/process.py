# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Processes as namespaces need them: clone3, pidfds, setns, unshare, and what a child must give up before exec."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import struct
import typing as t

from . import libc

CLONE_PIDFD = 0x00001000
CLONE_PARENT = 0x00008000
CLONE_INTO_CGROUP = 0x200000000

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_GET_CHILD_SUBREAPER = 37
_PR_SET_DUMPABLE = 4
_CLONE_ARGS = "=11Q"
_LAST_DESCRIPTOR = 0xFFFFFFFF
_KCMP_FILE = 0
_KCMP_FILES = 2
_KCMP_FS = 3
# Before, after; and of what has no order, which is what else it may answer.
_ORDER = {0: 0, 1: -1, 2: 1, 3: 1}


class Cloned(t.NamedTuple):
    """A child as its parent holds it."""

    pid: int
    pidfd: int


def clone_child(cgroup: int | None = None) -> Cloned | None:
    """Clone a child like fork(2), held by a pidfd from its first moment; None in the child.

    cgroup: the open directory of the cgroup to be born in; to move there later waits for all processors.
    Source: clone(2), CLONE_PIDFD, CLONE_INTO_CGROUP (5.7). Raises OSError.
    """
    pidfd = libc.buffer(struct.pack("=i", -1))
    flags = CLONE_PIDFD | (0 if cgroup is None else CLONE_INTO_CGROUP)
    arguments = struct.pack(_CLONE_ARGS, flags, libc.address(pidfd), 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, cgroup or 0)
    pid = libc.syscall_twice("clone3", arguments, len(arguments))
    return Cloned(pid, struct.unpack("=i", pidfd.raw)[0]) if pid else None


def clone_sibling(namespaces: int = 0) -> int:
    """Clone a child of the caller's own parent, in new namespaces of the given CLONE_NEW* bits; 0 in the child.

    Source: clone(2), CLONE_PARENT (which takes no exit signal: the sibling has the caller's). Raises OSError.
    """
    arguments = struct.pack(_CLONE_ARGS, CLONE_PARENT | namespaces, *(0,) * 10)
    return libc.syscall_twice("clone3", arguments, len(arguments))


def setns(fd: int, flag: int) -> None:
    """Join the namespace, which must be of the type of this CLONE_NEW* bit. Source: setns(2). Raises OSError."""
    libc.function("setns", fd, flag)


def unshare(flag: int) -> None:
    """Leave the shared namespace for a new one of this CLONE_NEW* bit. Source: unshare(2). Raises OSError."""
    libc.function("unshare", flag)


def pidfd_open(pid: int, thread: bool = False) -> int:
    """Hold the process. Source: pidfd_open(2); os.pidfd_open came with Python 3.9. Raises OSError.

    thread: it may be any thread of one (PIDFD_THREAD, Linux 6.9; EINVAL before).
    """
    return libc.syscall("pidfd_open", pid, os.O_EXCL if thread else 0)


def order_of_files(pid: int, other: int) -> int:
    """How the tables of descriptors of two processes or threads are ordered: negative, 0 where it is one, positive.

    Source: kcmp(2), KCMP_FILES. Raises OSError.
    """
    return _ORDER[libc.syscall("kcmp", pid, other, _KCMP_FILES, 0, 0)]


def order_of_open_files(pid: int, fd: int, other: int, other_fd: int) -> int:
    """As order_of_files(), of what descriptors of two processes or threads are open on: 0 where it is one open file.

    Source: kcmp(2), KCMP_FILE. Raises OSError.
    """
    return _ORDER[libc.syscall("kcmp", pid, other, _KCMP_FILE, fd, other_fd)]


def share_folders(pid: int, other: int) -> bool:
    """Whether two processes or threads have one root and one working directory.

    Source: kcmp(2), KCMP_FS. Raises OSError.
    """
    return libc.syscall("kcmp", pid, other, _KCMP_FS, 0, 0) == 0


def pidfd_getfd(pidfd: int, fd: int) -> int:
    """A copy of a descriptor of a process. Source: pidfd_getfd(2). Raises OSError; EPERM where it may not be traced."""
    return libc.syscall("pidfd_getfd", pidfd, fd, 0)


def pidfd_send_signal(pidfd: int, number: int) -> None:
    """Signal the process that is held. Source: pidfd_send_signal(2). Raises OSError."""
    libc.syscall("pidfd_send_signal", pidfd, number, None, 0)


def pidfd_ended(pidfd: int, milliseconds: int = 0) -> bool:
    """Whether the process has ended, or ends within that time. Source: pidfd_open(2), poll."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(milliseconds))


def die_with_parent(number: int) -> None:
    """Get this signal when the parent ends; 0 for none. Source: PR_SET_PDEATHSIG(2const)."""
    libc.prctl(_PR_SET_PDEATHSIG, number)


def set_subreaper(adopt: bool) -> None:
    """Adopt the orphans below, or not. Source: PR_SET_CHILD_SUBREAPER(2const)."""
    libc.prctl(_PR_SET_CHILD_SUBREAPER, int(adopt))


def is_subreaper() -> bool:
    """Whether this process adopts the orphans below. Source: PR_GET_CHILD_SUBREAPER(2const)."""
    answer = libc.buffer(bytes(4))
    libc.prctl(_PR_GET_CHILD_SUBREAPER, answer)
    return any(answer.raw)


def become_undumpable() -> None:
    """Close this process to ptrace and /proc/PID from inside a namespace it joins. Source: PR_SET_DUMPABLE(2const)."""
    libc.prctl(_PR_SET_DUMPABLE)


@contextlib.contextmanager
def waking(seconds: float, look_up: t.Callable[[], object]) -> t.Iterator[None]:
    """Interrupt what this process waits for, if that can be, every so many seconds, to look up.

    What is raised there is raised by whatever the process is at. Source: setitimer(2), signal(7).
    """
    signal.signal(signal.SIGALRM, lambda _number, _frame: look_up())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM,))
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def close_from(lowest: int, *but: int) -> None:
    """Close every descriptor from this number up, but those that are among them. Source: close_range(2)."""
    for kept in sorted(but):
        if kept > lowest:
            libc.syscall("close_range", lowest, kept - 1, 0)
        lowest = kept + 1
    libc.syscall("close_range", lowest, _LAST_DESCRIPTOR, 0)


def open_standard_streams() -> None:
    """Open what is closed of stdin, stdout and stderr, so that nothing else gets their numbers. Raises OSError."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)


def reset_signals() -> None:
    """Ignore and block no signal, as a program expects it that is started."""
    for ignored in signal.valid_signals():
        if signal.getsignal(ignored) == signal.SIG_IGN:
            signal.signal(ignored, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def has_children() -> bool:
    """Whether this process has a child, ended or not. Source: waitid(2), WNOWAIT."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def exit_code(status: int) -> int:
    """A wait status as subprocess gives it: the exit code, or minus the signal. os.waitstatus_to_exitcode is 3.9."""
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
