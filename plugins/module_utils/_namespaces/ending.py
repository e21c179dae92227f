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
from . import init
from .checkpoint import Child
from .errors import NamespaceError
from .target import closing

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
    if supervised:
        with contextlib.suppress(OSError):
            child.signal(init.LINGER)
    limit = time.monotonic() + _SECONDS
    spared = child.pid if supervised else 0
    while True:
        alive: list[int] | None = None
        with contextlib.suppress(OSError):
            found = _below_us(proc, child.pid, before)
            alive = [pid for pid in found if pid != spared]
            for pid in alive:
                _kill(proc, pid, found[pid])
            if not alive and (not supervised or process.pidfd_ended(child.pidfd)):
                return
        if time.monotonic() > limit:
            left = ", ".join(map(str, alive or ()))
            raise NamespaceError("end the command", f"its processes ({left}) go on after SIGKILL", "look at them")
        time.sleep(_STEP_SECONDS)


def _below_us(proc: int, child: int, before: Family) -> dict[int, int]:
    """Our live descendants and when they started, but for the given families; orphans that have ended are reaped."""
    us = procfs.own_pid(proc)
    others = {pid: status for pid, status in procfs.processes(proc) if (pid, status.start) not in before}
    for pid, status in others.items():
        if status.state in "ZX" and status.parent == us and pid != child:
            os.waitpid(pid, os.WNOHANG)
    found: dict[int, int] = {}
    level = {us}
    while level:
        level = {pid for pid, status in others.items() if status.parent in level}
        found.update((pid, others[pid].start) for pid in level if others[pid].state not in "ZX")
    return found


def _kill(proc: int, pid: int, start: int) -> None:
    """Kill a process, held while its start is looked at again: the pid could have come to mean another one."""
    with contextlib.suppress(OSError), closing(process.pidfd_open(pid)) as pidfd:
        if procfs.stat(proc, pid).start == start:
            process.pidfd_send_signal(pidfd, signal.SIGKILL)
