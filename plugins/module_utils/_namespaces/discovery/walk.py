# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""One look at each process, shared between children of ours where there are many."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ..._kernel import process, procfs
from ..._kernel.descriptor import closing
from ..checkpoint import ChildLostError, Gate, answering
from .scan import Scan, is_there

T = t.TypeVar("T")
Look = t.Callable[[int, int], None]
"""Given an open directory of a process in /proc, and its pid."""

# Of the directory of the threads: each thread is one more.
_LINKS_WITH_ONE_THREAD = 3
OVERDUE = "not all processes could be looked at in time"
_SHARE = 500
"""Fewer processes are not worth a child: one costs as much as looking at about a hundred."""
_WAKE = 0.05
"""Seconds: who ends may leave it to us to wait until what it sent by a socket has arrived (SO_LINGER)."""
_SLACK = 5
"""Seconds for a child to hand over what it found."""


def other_threads(directory: int, pid: int, tasks: str = "task") -> list[int]:
    """The threads of a process beside the first, which may have ended. Raises OSError where it is gone.

    tasks: where their folders are, from the directory.
    """
    if os.stat(tasks, dir_fd=directory).st_nlink <= _LINKS_WITH_ONE_THREAD:
        return []
    with closing(os.open(tasks, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)) as folder:
        return sorted({int(name) for name in os.listdir(folder)} - {pid})


class _OverdueError(Exception):
    """The time for all processes is over."""


class _Share(t.Generic[T]):
    """What was found at some of the processes."""

    def __init__(self, found: T) -> None:
        self.found = found
        self.denied = 0
        self.vanished = 0
        self.overdue = False


def each(scan: Scan, sources: t.Iterable[str], folder: str, look: Look, found: T) -> list[T]:
    """What a look at each process adds to what is found; the look is given this folder of the process.

    sources: what the look is for; those among them that are asked for are denied what may not be looked at.
    Children of ours have a part of the processes each, and a `found` of their own, which is pickled in the end: what
    is returned are all of these. Raises NamespaceError.
    """
    pids = sorted(procfs.pids(scan.proc))
    count = min(len(os.sched_getaffinity(0)), 1 + len(pids) // _SHARE)

    def work(number: int) -> t.Callable[[Gate], _Share[T]]:
        # Each takes every n-th: neighbours are alike, and the costly ones among them too.
        return lambda _gate: _look_at(scan.proc, pids[number::count], scan.deadline, folder, look, found)

    shares = []
    with contextlib.suppress(ChildLostError), contextlib.ExitStack() as stack:
        for answer in [stack.enter_context(answering(work(number), scan.proc)) for number in range(count)]:
            with contextlib.suppress(ChildLostError):
                shares.append(answer(scan.deadline + _SLACK))
    if len(shares) < count:
        scan.incomplete_because[OVERDUE] = None
    for share in shares:
        scan.denied.update(dict.fromkeys(scan.sources.intersection(sources), share.denied))
        scan.vanished += share.vanished
        if share.overdue:
            scan.incomplete_because[OVERDUE] = None
    return [share.found for share in shares]


def _look_at(proc: int, pids: t.Sequence[int], limit: float, folder: str, look: Look, found: T) -> _Share[T]:
    share = _Share(found)

    def look_up() -> None:
        if time.monotonic() > limit and not share.overdue:
            share.overdue = True
            raise _OverdueError

    with contextlib.suppress(_OverdueError), process.waking(_WAKE, look_up):
        for pid in pids:
            _look_at_one(proc, pid, folder, look, share)
    return share


def _look_at_one(proc: int, pid: int, folder: str, look: Look, share: _Share[T]) -> None:
    try:
        with closing(os.open(f"{pid}/{folder}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc)) as directory:
            look(directory, pid)
    except (FileNotFoundError, ProcessLookupError):
        share.vanished += 1
    except PermissionError:
        if is_there(proc, f"{pid}"):
            share.denied += 1
        else:
            share.vanished += 1
