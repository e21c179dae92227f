# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Which processes are in which namespaces, by the links of /proc/PID/ns. Source: namespaces(7)."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..._kernel import nstypes, procfs
from ..._kernel.descriptor import closing

_LINKS = sorted({link for kind in nstypes.ALL for link in (kind.name, kind.children_link)})


def inside(proc: int, inodes: t.Container[int]) -> dict[int, list[int]]:
    """The processes in the namespaces with these inodes, or whose children will be: their pids, by inode.

    Hold the namespaces open meanwhile: the inode of one that ended comes to mean another one.
    A process that has ended, or that may not be looked at, is left out.
    """
    found: dict[int, list[int]] = {}
    for name in os.listdir(proc):
        if name.isdigit():
            matches = [inode for inode in namespaces_of(proc, int(name)) if inode in inodes]
            if matches and _lives(proc, int(name)):
                for inode in matches:
                    found.setdefault(inode, []).append(int(name))
    return found


def _lives(proc: int, pid: int) -> bool:
    """Whether one of its threads does: the first may have ended before the others."""
    for thread in _threads(proc, pid):
        with contextlib.suppress(OSError):
            if procfs.read(proc, f"{pid}/task/{thread}/stat").rpartition(")")[2].split()[0] not in "ZX":
                return True
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
    """The argument list of a process; empty where it has ended. Source: proc_pid_cmdline(5). Raises OSError."""
    try:
        return procfs.read(proc, f"{pid}/cmdline").split("\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def ancestors(proc: int, pid: int) -> frozenset[int]:
    """The process itself and all above it. Raises OSError."""
    found = set()
    while pid and pid not in found:
        found.add(pid)
        pid = procfs.stat(proc, pid).parent
    return frozenset(found)
