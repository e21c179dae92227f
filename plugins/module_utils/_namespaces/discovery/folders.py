# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Where the roots and working directories of processes are, as far as no mount namespace shows that mount.

A child looks: to follow such a link asks the file systems that want to be asked each time, as NFS does, and that may
never answer. Source: proc_pid_cwd(5), proc_pid_root(5), statx(2), STATX_MNT_ID.
"""

from __future__ import annotations

import contextlib
import typing as t

from ..._kernel import process, procfs
from ..._kernel.descriptor import status
from ..checkpoint import Gate, Message
from . import parts
from .descriptors import Tally, Task
from .model import Holder
from .scan import Scan
from .walk import other_threads

_LINKS = ("cwd", "root")
_PART = 200
SILENT = "a file system that is the root or working directory of a process did not answer"


class Place(t.NamedTuple):
    """Something that a task has open, or is at, and that is on a mount which no mount namespace showed."""

    mount: int
    """The number of the mount."""
    task: Task
    path: str
    """Where it is below /proc."""
    holder: Holder


Places = Tally[int, Place]
"""By the number of the mount."""


def find(scan: Scan) -> Places:
    """Raises NamespaceError."""
    found = Places()

    def take(_pids: t.Sequence[int], message: Message) -> None:
        task, link = Task(*message["task"]), message["link"]
        holder = Holder(link, pid=task.pid, thread=task.thread)
        found.add(message["mount"], Place(message["mount"], task, f"{task.place}/{link}", holder))

    pids = procfs.pids(scan.proc)
    some = [pids[start : start + _PART] for start in range(0, len(pids), _PART)]
    parts.each(scan, SILENT, some, lambda gate, part: _report(gate, scan, part), take)
    return found


def _report(gate: Gate, scan: Scan, pids: t.Iterable[int]) -> None:
    for pid in pids:
        for task in _tasks(gate.proc, pid):
            for link in _LINKS:
                with contextlib.suppress(OSError):
                    mount = status(gate.proc, f"{task.place}/{link}").mount
                    if scan.is_unknown(mount):
                        gate.report(task=task, link=link, mount=mount)


def _tasks(proc: int, pid: int) -> t.Iterator[Task]:
    """A process, and its threads that are elsewhere."""
    yield Task(pid)
    with contextlib.suppress(OSError):
        for thread in other_threads(proc, pid, f"{pid}/task"):
            if not process.share_folders(pid, thread):
                yield Task(pid, thread)
