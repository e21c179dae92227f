# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Ending a command with all that it started, when its time is over or we can't go on with it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import typing as t

from .._kernel import process, procfs
from .._kernel.descriptor import closing
from . import init
from .checkpoint import Child
from .errors import NamespaceError

_SECONDS = 10
_STEP_SECONDS = 0.01


def children(proc: int) -> frozenset[int]:
    """Our children, ended ones too. Raises OSError."""
    return frozenset(procfs.children(proc, procfs.own_pid(proc))) if process.has_children() else frozenset()


def end(proc: int, child: Child, before: frozenset[int], supervised: bool) -> None:
    """Kill the children that we did not have before, again and again until there are none.

    We have to be a subreaper: then what is further below comes to us when its parent has ended. In a pid namespace that
    was joined it comes to the child instead, which supervises there and has to go on until it has reaped all of it.
    Errors of single looks are tried again: to give up would leave everything.
    Raises NamespaceError where something does not end.
    """
    limit = time.monotonic() + _SECONDS
    left = frozenset((child.pid,))
    while True:
        seen = left
        with contextlib.suppress(OSError):
            if supervised:
                # Again and again: one of the same that comes from inside, and is not obeyed, can swallow it.
                child.signal(init.LINGER)
            left = _kill_children(proc, child.pid if supervised else procfs.own_pid(proc), before)
            if not supervised:
                _reap(child, left)
            if not left and (not supervised or process.pidfd_ended(child.pidfd)):
                return
        if time.monotonic() > limit:
            child.kill()
            pids = ", ".join(map(str, sorted(left) or (child.pid,)))
            raise NamespaceError("end the command", f"its processes ({pids}) went on after SIGKILL", "look at them")
        if left == seen:
            with contextlib.suppress(OSError):
                time.sleep(_STEP_SECONDS)


def reap_orphans(proc: int, child: Child, before: frozenset[int]) -> None:
    """Reap what the command left and what has ended since: it came to us, and would fill the table of processes."""
    with contextlib.suppress(OSError):
        for pid in children(proc) - before - {child.pid}:
            os.waitpid(pid, os.WNOHANG)


def _kill_children(proc: int, parent: int, before: frozenset[int]) -> frozenset[int]:
    """Kill the children that a process did not have before: which ones there were, ended or not. Raises OSError.

    None of our own escapes: the kernel appends a new child to the list, and only we take one out, by reaping it.
    """
    found = frozenset(procfs.children(proc, parent)) - before
    for pid in found:
        _kill_below(proc, pid, parent)
    return found


def _kill_below(proc: int, pid: int, parent: int) -> None:
    """Kill a child, and its own children as they were listed before: who multiplies does so on every level."""
    with contextlib.suppress(OSError):
        below = procfs.children(proc, pid)
        _kill(proc, pid, (parent,))
        for child in below:
            # Its own parent may have ended by now; then it came to that one's.
            _kill(proc, child, (pid, parent))


def _reap(child: Child, ours: t.Iterable[int]) -> None:
    for pid in ours:
        if pid != child.pid or child.pidfd < 0:
            os.waitpid(pid, os.WNOHANG)
        elif process.pidfd_ended(child.pidfd):
            child.reap()


def _kill(proc: int, pid: int, parents: t.Container[int]) -> None:
    """Kill a child with its process group, which no fork escapes; held and looked at again: pids are used again.

    The group is the command's own: the command starts as the leader of a session.
    """
    with contextlib.suppress(OSError), closing(process.pidfd_open(pid)) as pidfd:
        now = procfs.stat(proc, pid)
        if now.parent in parents:
            process.pidfd_send_signal(pidfd, signal.SIGKILL)
            if now.group not in (0, os.getpgrp()):
                os.killpg(now.group, signal.SIGKILL)
