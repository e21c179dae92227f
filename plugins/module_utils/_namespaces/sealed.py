# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""A child that comes to see foreign files as its own runs from a sealed copy of the interpreter.

Whoever made those files can have the program that runs our code executed once more (#!/proc/self/exe), and so get hold
of its file. Were it the host's own interpreter, it could be overwritten as soon as it is idle (CVE-2019-5736).
"""

from __future__ import annotations

import fcntl
import os
import pickle
import socket
import sys
import typing as t

from .checkpoint import Gate, live
from .errors import NamespaceError, during


class Job(t.Protocol):
    """What the child does, as data that can be pickled."""

    @property
    def descriptors(self) -> t.Iterable[int]:
        """What has to stay open."""

    def preload(self) -> None:
        """Import what work() will need."""

    def work(self, gate: Gate) -> t.NoReturn:
        """Be the child. Raises NamespaceError, OSError."""


_SCRIPT = """
import sys
sys.path[:0] = {path!r}
from {package} import payload
payload.start_quickly()
from {package} import sealed
sealed.resume({state}, {channel}, {proc})
"""
_SCRIPT_BYTES = 65536
_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def run_sealed(gate: Gate, job: Job, environment: t.Mapping[str, str], arguments: t.Sequence[str] = ()) -> t.NoReturn:
    """Go on with the work of the job in a new program, which has nothing of this one's memory. Raises NamespaceError.

    The arguments are for others to read, and so is the environment.
    Source: memfd_create(2), F_ADD_SEALS(2const), fexecve(3).
    """
    with during("run from a sealed copy of the Python interpreter"):
        state = os.memfd_create("job")
        with os.fdopen(os.dup(state), "wb") as file:
            pickle.dump(job, file)
        os.lseek(state, 0, os.SEEK_SET)
        for fd in (state, gate.proc, gate.fileno(), *job.descriptors):
            os.set_inheritable(fd, True)
        script, text = os.pipe()
        descriptors = {"state": state, "channel": gate.fileno(), "proc": gate.proc}
        os.write(text, _SCRIPT.format(path=sys.path, package=__package__, **descriptors).encode())
        os.set_inheritable(script, True)
        # The argument list can be read inside, so it says nothing of the host. Without site-packages, bytecode and all
        # that the environment asks of a Python.
        run = f"import os; exec(os.read({script}, {_SCRIPT_BYTES}))"
        words = [sys.executable, "-I", "-S", "-B", "-c", run, *arguments]
        os.execve(_sealed_copy(sys.executable), words, environment)


def resume(state: int, channel: int, proc: int) -> t.NoReturn:
    """What the new program does."""
    # Given family, type and protocol, the socket can't fail: there is no gate yet that could tell of it.
    gate = Gate(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, channel), proc)
    try:
        with during("go on in the sealed copy of the Python interpreter"):
            os.set_inheritable(channel, False)
            with os.fdopen(state, "rb") as file:
                job: Job = pickle.load(file)
            job.preload()
    except NamespaceError as error:
        gate.fail(error)
        os._exit(1)
    live(job.work, gate)


def _sealed_copy(path: str) -> int:
    """A file in memory that nobody can write to any more. Raises OSError."""
    copy = os.memfd_create("python", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(path, "rb") as original:
        size = os.fstat(original.fileno()).st_size
        done = 0
        while done < size:
            done += os.sendfile(copy, original.fileno(), done, size - done)
    fcntl.fcntl(copy, fcntl.F_ADD_SEALS, _SEALS)
    return copy
