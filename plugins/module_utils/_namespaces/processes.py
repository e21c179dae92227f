# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Which processes are in which namespaces, by the links of /proc/PID/ns. Source: namespaces(7)."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._kernel import nstypes, procfs
from .._kernel.descriptor import closing

_LINKS = sorted({link for kind in nstypes.ALL for link in (kind.name, kind.children_link)})
_LOOKS = 50
_SWEEPS = 50
_AHEAD = 8
# A process without any privilege can have a list of terabytes (PR_SET_MM_MAP).
_MOST_CHARACTERS = 4096


def inside(proc: int, inodes: t.Container[int]) -> dict[int, list[int]]:
    """The processes in the namespaces with these inodes, as find() has them: their pids, by inode."""
    found: dict[int, list[int]] = {}
    for pid, matches in find(proc, inodes):
        for inode in matches:
            found.setdefault(inode, []).append(pid)
    return {inode: sorted(pids) for inode, pids in found.items()}


def find(proc: int, inodes: t.Container[int]) -> t.Iterator[tuple[int, list[int]]]:
    """Each process in the namespaces with these inodes, or whose children will be; and which of them.

    Hold the namespaces open meanwhile: the inode of one that ended comes to mean another one.
    A process that has ended, or that may not be looked at, is left out. Who is born meanwhile is looked for again, a
    few times: of one that forks and ends, on and on, none would be met at the first look.
    """
    known: set[int] = set()
    for pid in _all_and_born_meanwhile(proc):
        if pid not in known:
            known.add(pid)
            matches = [inode for inode in namespaces_of(proc, pid) if inode in inodes]
            if matches and _lives(proc, pid):
                yield pid, matches


def _all_and_born_meanwhile(proc: int) -> t.Iterator[int]:
    """Each pid once or more often, until nobody is born; not for ever."""
    before: set[int] = set()
    for _look in range(_LOOKS):
        pids = set(procfs.pids(proc))
        if pids <= before:
            return
        yield from sorted(pids - before, reverse=True)
        before |= pids
        # A process that lives for less than one look is met at the next pids, which are given in ascending order.
        youngest = max(pids)
        for _sweep in range(_SWEEPS):
            for pid in range(youngest + 1, youngest + 1 + _AHEAD):
                if os.access(str(pid), os.F_OK, dir_fd=proc):
                    youngest = pid
                    yield pid


def _lives(proc: int, pid: int) -> bool:
    """Whether the pid is that of a process, not of a thread, and any thread of it lives: the first may have ended."""
    with contextlib.suppress(OSError):
        if f"\nTgid:\t{pid}\n" in procfs.read(proc, f"{pid}/status"):
            return any(_thread_lives(proc, pid, thread) for thread in _threads(proc, pid))
    return False


def _thread_lives(proc: int, pid: int, thread: str) -> bool:
    with contextlib.suppress(OSError):
        return not procfs.stat(proc, pid, thread).ended
    return False


def namespaces_of(proc: int, pid: int) -> frozenset[int]:
    """The inodes of the namespaces that a process, a thread of it or its next child is in, as far as can be read."""
    found = set()
    for thread in _threads(proc, pid):
        for link in _LINKS:
            with contextlib.suppress(OSError):
                found.add(procfs.namespace_inode(proc, f"{pid}/task/{thread}/ns/{link}"))
    return frozenset(found)


def _threads(proc: int, pid: int) -> list[str]:
    try:
        with closing(procfs.open_file(proc, f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY)) as fd:
            return os.listdir(fd)
    except OSError:
        return []


def arguments(proc: int, pid: int) -> list[str]:
    """The argument list of a process, cut where it is long; empty where it has ended.

    Source: proc_pid_cmdline(5). Raises OSError.
    """
    try:
        return procfs.read(proc, f"{pid}/cmdline", _MOST_CHARACTERS).split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def ancestors(proc: int, pid: int) -> frozenset[int]:
    """The process itself and all above it. Raises OSError."""
    found = set()
    while pid and pid not in found:
        found.add(pid)
        pid = procfs.stat(proc, pid).parent
    return frozenset(found)
