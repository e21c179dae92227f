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

Family = t.FrozenSet[t.Tuple[int, int]]
"""Processes by pid and start, in clock ticks since boot."""


def children(proc: int) -> Family:
    """Our children, ended ones too. Raises OSError."""
    if not process.has_children():
        return frozenset()
    us = procfs.own_pid(proc)
    return frozenset((pid, status.start) for pid, status in procfs.processes(proc) if status.parent == us)


def end(proc: int, child: Child, before: Family, supervised: bool) -> None:
    """Kill what is below us, again and again until nothing is.

    We have to be a subreaper: then orphans are below us too. In a pid namespace that was joined they are below the
    child instead, which supervises there and has to go on until it has reaped them. The children that we had before are
    not touched. Errors of single looks are tried again: to give up would leave everything.
    Raises NamespaceError where something does not end.
    """
    limit = time.monotonic() + _SECONDS
    spared = child.pid if supervised else 0
    while True:
        left = frozenset((child.pid,))
        with contextlib.suppress(OSError):
            if supervised:
                # Again and again: one of the same that comes from inside, and is not obeyed, can swallow it.
                child.signal(init.LINGER)
            left = _kill_below_us(proc, child.pid, before, spared)
            if not left and _all_ended(child, before, supervised):
                return
        if time.monotonic() > limit:
            child.kill()
            pids = ", ".join(map(str, sorted(left) or (child.pid,)))
            raise NamespaceError("end the command", f"its processes ({pids}) went on after SIGKILL", "look at them")
        time.sleep(_STEP_SECONDS)


def _all_ended(child: Child, before: Family, supervised: bool) -> bool:
    """Whether the kernel agrees that nobody is left: a chain of quick forks can slip through one reading of /proc."""
    if child.pidfd >= 0:
        if not process.pidfd_ended(child.pidfd):
            return False
        if supervised or before:
            return True
        child.reap()
    return bool(before) or not process.has_children()


def _kill_below_us(proc: int, child: int, before: Family, spared: int) -> frozenset[int]:
    """Kill our live descendants, but for two: which ones. Orphans that have ended are reaped. Raises OSError."""
    us = procfs.own_pid(proc)
    others = {pid: status for pid, status in procfs.processes(proc) if (pid, status.start) not in before}
    for pid, status in others.items():
        if status.state in "ZX" and status.parent == us and pid != child:
            os.waitpid(pid, os.WNOHANG)
    found: set[int] = set()
    level = {us}
    while level:
        level = {pid for pid, status in others.items() if status.parent in level}
        found |= {pid for pid in level if others[pid].state not in "ZX"}
    found.discard(spared)
    for pid in found:
        _kill(proc, pid, others[pid])
    return frozenset(found)


def _kill(proc: int, pid: int, status: procfs.Stat) -> None:
    """Kill a process with its process group, which no fork escapes; held and looked at again: pids are used again.

    The group is the command's own: the command starts as the leader of a session.
    """
    with contextlib.suppress(OSError), closing(process.pidfd_open(pid)) as pidfd:
        now = procfs.stat(proc, pid)
        if now.start == status.start:
            process.pidfd_send_signal(pidfd, signal.SIGKILL)
            if now.group not in (0, os.getpgrp()):
                os.killpg(now.group, signal.SIGKILL)
