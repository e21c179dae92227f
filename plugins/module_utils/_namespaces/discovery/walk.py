# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""One look at each process, shared between children of ours where there are many."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..._kernel import procfs
from ..._kernel.descriptor import closing
from ..checkpoint import Gate, answering
from .scan import Scan

T = t.TypeVar("T")
Look = t.Callable[[int, int], t.Optional[T]]
"""Given the open directory of a process in /proc, and its pid."""

# Of the directory of the threads: each thread is one more.
_LINKS_WITH_ONE_THREAD = 3
_SHARE = 500
"""Fewer processes are not worth a child: one costs as much as looking at about a hundred."""


def other_threads(directory: int, pid: int) -> list[int]:
    """The threads of a process beside the first, which may have ended. Raises OSError where it is gone."""
    if os.stat("task", dir_fd=directory).st_nlink <= _LINKS_WITH_ONE_THREAD:
        return []
    with closing(os.open("task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)) as tasks:
        return sorted({int(name) for name in os.listdir(tasks)} - {pid})


class _Share(t.Generic[T]):
    """What was found at some of the processes."""

    def __init__(self) -> None:
        self.found: list[tuple[int, T]] = []
        self.denied = 0
        self.vanished = 0


def each(scan: Scan, sources: t.Iterable[str], look: Look[T]) -> list[tuple[int, T]]:
    """What the look at each process comes to, where there is something to say.

    sources: what the look is for; those among them that are asked for are denied what may not be looked at.
    The look may be that of a child: what it finds is pickled. Raises NamespaceError.
    """
    pids = sorted(procfs.pids(scan.proc))
    count = min(len(os.sched_getaffinity(0)), 1 + len(pids) // _SHARE)

    def work(number: int) -> t.Callable[[Gate | None], _Share[T]]:
        # Each takes every n-th: neighbours are alike, and the costly ones among them too.
        return lambda _gate: _look_at(scan.proc, pids[number::count], look)

    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(answering(work(number), scan.proc)) for number in range(1, count)]
        shares = [work(0)(None), *(answer() for answer in others)]
    for share in shares:
        scan.denied.update(dict.fromkeys(scan.sources.intersection(sources), share.denied))
        scan.vanished += share.vanished
    return [item for share in shares for item in share.found]


def _look_at(proc: int, pids: t.Sequence[int], look: Look[T]) -> _Share[T]:
    share: _Share[T] = _Share()
    for pid in pids:
        try:
            with closing(os.open(str(pid), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc)) as directory:
                found = look(directory, pid)
        except (FileNotFoundError, ProcessLookupError):
            share.vanished += 1
        except PermissionError:
            share.denied += 1
        else:
            if found is not None:
                share.found.append((pid, found))
    return share
