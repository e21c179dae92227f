# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Descriptors that are on their way through a local socket, which nobody may ever receive. Source: unix(7).

Who receives into memory that never comes holds the lock of its socket, so that one child looks at all of them.
"""

from __future__ import annotations

import array
import contextlib
import errno
import os
import socket
import stat
import time
import typing as t

from ..._kernel import netdev, process
from ..._kernel.descriptor import closing, status
from ..checkpoint import MOST_DESCRIPTORS, PATIENCE, Gate, spawn
from ..errors import NamespaceError
from .model import Holder
from .scan import Scan

_MOST_BYTES = 1 << 16
BEHIND = "descriptors are on their way behind others"
SILENT = "a socket that descriptors are on their way through did not answer"


class Queue(t.NamedTuple):
    """A socket of a process, and of a thread that has a table of its own."""

    pid: int
    thread: int | None
    fd: int


def count(proc: int, copy: int) -> int:
    """How many are on their way in a socket of which this is a copy; 0 for one of another kind.

    Source: proc_pid_fdinfo(5), scm_fds. Raises OSError.
    """
    with closing(os.open(f"self/fdinfo/{copy}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)) as file:
        _before, _name, rest = os.read(file, _MOST_BYTES).partition(b"\nscm_fds:")
    return int(rest.partition(b"\n")[0] or 0)


def look(scan: Scan, queues: t.Sequence[Queue]) -> None:
    """Find the namespaces that come with the next message of each."""
    if not queues:
        return
    try:
        with spawn(lambda gate: _visit(gate, queues, scan.device), scan.proc) as child:
            child.release()
            deadline = time.monotonic() + PATIENCE
            for queue in queues:
                message = child.receive(deadline)
                if message is None:
                    break
                for namespace in scan.keep_all(message.get("descriptors", ())):
                    namespace.hold(Holder("in_flight", pid=queue.pid, thread=queue.thread, fd=queue.fd))
                if message["lost"] > 0:
                    scan.incomplete_because[BEHIND] = None
            else:
                return
    except NamespaceError as error:
        if error.code is not None:
            raise
    scan.incomplete_because[SILENT] = None


def _visit(gate: Gate, queues: t.Sequence[Queue], device: int) -> t.NoReturn:
    gate.wait()
    for queue in queues:
        lost = 0
        with contextlib.ExitStack() as stack:
            namespaces = []
            with contextlib.suppress(OSError):
                copy = stack.enter_context(closing(process.copy_fd(queue.pid, queue.fd, queue.thread)))
                lost = count(gate.proc, copy)
                for fd in stack.enter_context(_peek(copy)):
                    lost -= 1
                    with contextlib.suppress(OSError):
                        namespaces.append(stack.enter_context(closing(_open_held(fd, device))))
            gate.report(namespaces, lost=lost)
    os._exit(0)


@contextlib.contextmanager
def _peek(copy: int) -> t.Iterator[list[int]]:
    """Copies of those that come with the next message, which stays in the queue; closed on leaving. Raises OSError."""
    found: list[int] = []
    try:
        with socket.socket(fileno=os.dup(copy)) as peeked:
            space = socket.CMSG_SPACE(MOST_DESCRIPTORS * array.array("i").itemsize)
            flags = socket.MSG_PEEK | socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC
            _content, ancillary, _flags, _address = peeked.recvmsg(_MOST_BYTES, space, flags)
            for level, kind, data in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    received = array.array("i")
                    received.frombytes(data[: len(data) - len(data) % received.itemsize])
                    found += received
        yield found
    finally:
        for fd in found:
            os.close(fd)


def _open_held(fd: int, device: int) -> int:
    """Open the namespace that a descriptor of ours is, or belongs to. Raises OSError where there is none."""
    found = status(fd)
    if found.device == device:
        return os.dup(fd)
    if not stat.S_ISSOCK(found.mode) and not stat.S_ISCHR(found.mode):
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
    return netdev.open_network_of(fd)
