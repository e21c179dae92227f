# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The host that a task runs on, as seen from outside of all the namespaces that are entered."""

from __future__ import annotations

import errno
import typing as t

from .._kernel import mountinfo, nstypes, process, procfs
from .._kernel.descriptor import closing
from .checkpoint import answer_of
from .errors import Hint, during

T = t.TypeVar("T")

_JOIN_HINTS = {
    errno.EACCES: Hint("PID 1 may not be looked at", "have its security module allow it, or run the task from there"),
    errno.EPERM: Hint("it takes CAP_SYS_ADMIN where PID 1 is", "run the task as root, not inside of a user namespace"),
}

_PROC_HINTS = {
    errno.ENOTSUP: Hint("what is mounted there is no procfs", "mount one"),
    errno.ESTALE: Hint("it shows another pid namespace than the task's", "mount a fresh one"),
}


def open_proc() -> int:
    """The procfs through which the host is looked at, as procfs.open_root() gives it. Raises NamespaceError."""
    with during("look at the host through /proc", _PROC_HINTS):
        return procfs.open_root()


def is_in_its_mounts(proc: int) -> bool:
    """Whether the task has the mount namespace of PID 1. Raises NamespaceError."""
    with during("look at the mount namespace of PID 1"):
        ours = procfs.namespaces(proc, procfs.own_pid(proc)).get(nstypes.MNT)
        try:
            return procfs.namespaces(proc, 1).get(nstypes.MNT) == ours
        except PermissionError:
            # A security module may guard PID 1, from root too. The ids of mounts are those of one namespace only.
            theirs = mountinfo.parse(procfs.read(proc, "1/mountinfo"))
            own = {item.id for item in mountinfo.read(proc)}
            return not theirs or any(item.id in own for item in theirs)


def in_its_mounts(proc: int, work: t.Callable[[], T]) -> T:
    """Do work in the mount namespace of PID 1, where the host sees what it mounts; connections may have another one.

    The work is then that of a child, must import nothing, and its answer is pickled. Raises what the work raises and
    NamespaceError.
    """
    if is_in_its_mounts(proc):
        return work()
    with during("look at the mount namespace of PID 1", _JOIN_HINTS):
        theirs = procfs.open_namespace(proc, 1, nstypes.MNT.name)
    with closing(theirs):
        return answer_of(lambda _gate: _work_there(theirs, work), proc)


def _work_there(mounts: int, work: t.Callable[[], T]) -> T:
    with during("join the mount namespace of PID 1", _JOIN_HINTS):
        process.setns(mounts, nstypes.MNT.flag)
    return work()
