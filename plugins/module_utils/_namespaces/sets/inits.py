# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The inits of the PID namespaces of sets: which they are, and which of them the collection made."""

from __future__ import annotations

import contextlib
import typing as t

from ..._kernel import nsfs, procfs
from ..._kernel.descriptor import closing
from .. import cgroup, init, processes


def find(proc: int, path: str) -> int:
    """The pid of the init of the pid namespace at a path, 0 where it has ended. Raises OSError."""
    with closing(nsfs.open_handle(path)) as fd:
        pid = nsfs.init_of(fd)
        if pid is None:
            pid = _search(proc, nsfs.identity(fd).inode)
    try:
        return 0 if pid == 0 or procfs.stat(proc, pid).ended else pid
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _search(proc: int, inode: int) -> int:
    """For kernels before 6.11: the process that is 1 in there."""
    for pid in processes.inside(proc, (inode,)).get(inode, ()):
        with contextlib.suppress(OSError):
            if procfs.innermost_pid(proc, pid) == 1:
                return pid
    return 0


def find_strays(proc: int, name: str, directory: str, init_pid: int | None) -> tuple[int, ...]:
    """The inits in the cgroup of a set that no handle of the set is of, and that nobody needs. Raises OSError.

    One that other processes live below was left to them (detach).
    """
    found = []
    for pid in cgroup.members(directory):
        if pid != init_pid:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if _is_own(proc, name, pid) and not _has_company(proc, name, pid):
                    found.append(pid)
    return tuple(found)


def _is_own(proc: int, name: str, pid: int) -> bool:
    is_init = is_made(proc, name, pid) and procfs.innermost_pid(proc, pid) == 1
    return is_init and not procfs.stat(proc, pid).ended


def _has_company(proc: int, name: str, pid: int) -> bool:
    inode = procfs.namespace_inode(proc, f"{pid}/ns/pid")
    others = set(processes.inside(proc, (inode,)).get(inode, ())) - {pid}
    return any(not is_waiting(proc, name, (pid,), other) for other in others)


def is_made(proc: int, name: str, pid: int | None) -> bool:
    """Whether the process is an init that the collection gave the set. Raises OSError."""
    return bool(pid) and init.is_persistent(name, processes.arguments(proc, pid or 0))


def is_waiting(proc: int, name: str, inits: t.Container[int | None], pid: int) -> bool:
    """Whether it is what one of the inits of the set waits for; one that has ended by now may have left a child."""
    try:
        if procfs.stat(proc, pid).parent not in inits:
            return False
    except OSError:
        return False
    # Between fork and exec it still has the arguments of the init.
    words = processes.arguments(proc, pid)
    return init.is_waiting(words) or init.is_persistent(name, words)
