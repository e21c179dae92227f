# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The host that a task runs on, as seen from outside of all the namespaces that are entered."""

from __future__ import annotations

import errno
import os
import pickle
import typing as t

from .._kernel import nsfs, nstypes, process, procfs
from .._kernel.descriptor import closing
from .checkpoint import Gate, spawn
from .errors import Hint, during

T = t.TypeVar("T")

_JOIN_HINTS = {
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


def in_its_mounts(proc: int, work: t.Callable[[], T]) -> T:
    """Do work in the mount namespace of PID 1, where the host sees what it mounts; connections may have another one.

    The work is then that of a child, must import nothing, and its answer is pickled. Raises what the work raises and
    NamespaceError.
    """
    with during("look at the mount namespace of PID 1"):
        theirs = procfs.open_namespace(proc, 1, nstypes.MNT.name)
        ours = procfs.namespaces(proc, procfs.own_pid(proc))[nstypes.MNT]
    with closing(theirs):
        if nsfs.identity(theirs) == ours:
            return work()
        answer = os.memfd_create("answer")
        with os.fdopen(answer, "rb") as file:
            with spawn(lambda gate: _work_there(gate, theirs, answer, work), proc) as child:
                child.expect("done")
            file.seek(0)
            result: T = pickle.load(file)
            return result


def _work_there(gate: Gate, mounts: int, answer: int, work: t.Callable[[], object]) -> t.NoReturn:
    with during("join the mount namespace of PID 1", _JOIN_HINTS):
        process.setns(mounts, nstypes.MNT.flag)
    with os.fdopen(os.dup(answer), "wb") as file:
        pickle.dump(work(), file)
    gate.report(done=True)
    os._exit(0)
