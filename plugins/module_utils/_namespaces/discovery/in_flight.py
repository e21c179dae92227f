# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Descriptors that are on their way through a local socket, which nobody may ever receive. Source: unix(7).

Who receives into memory that never comes holds the lock of its socket, so that a child looks.
"""

from __future__ import annotations

import array
import contextlib
import errno
import os
import socket
import stat
import typing as t

from ..._kernel import netdev, nsfs, procfs
from ..._kernel.descriptor import closing, status
from ..checkpoint import MOST_DESCRIPTORS, Gate, Message
from . import parts, watches
from .descriptors import Descriptor, number_of
from .scan import Scan

FIELD = "scm_fds"
"""Of fdinfo: how many descriptors are on their way in a socket."""
_MOST_BYTES = 1 << 16
# asm-generic/socket.h, and alpha, mips, parisc and sparc beside it; where in the queue who peeks next begins.
_SO_PEEK_OFF = 42
BEHIND = "descriptors are on their way through sockets and could not all be looked at"
# A device that is not one of tun, or has no interface yet.
_NO_NETWORK = (errno.ENOTTY, errno.EBADFD)
# Closed by now, or the task has ended.
_GONE = (errno.EBADF, errno.ESRCH, errno.ENOENT)
SILENT = "a socket that descriptors are on their way through did not answer"


def look(scan: Scan, queues: t.Sequence[Descriptor]) -> None:
    """Find the namespaces that come with the next message of each. Raises NamespaceError."""

    def take(queue: Descriptor, message: Message) -> None:
        for namespace in scan.keep_all(message.get("descriptors", ())):
            namespace.hold(queue.holder("in_flight"))
        if message["lost"]:
            scan.incomplete_because[BEHIND] = None

    parts.each(scan, SILENT, queues, _report, take)


def _report(gate: Gate, queue: Descriptor) -> None:
    with contextlib.ExitStack() as stack:
        namespaces = []
        lost = True
        try:
            copy = stack.enter_context(closing(queue.copy()))
            sent = stack.enter_context(_peek(copy))
            lost = len(sent) < (number_of(gate.proc, queue, FIELD) or 0)
            for fd in sent:
                namespace = _open_held(gate.proc, fd)
                if namespace is not None:
                    namespaces.append(stack.enter_context(closing(namespace)))
                lost |= _leads_on(gate.proc, fd)
        except OSError as error:
            lost &= error.errno not in _GONE
        gate.report(namespaces, lost=lost)


@contextlib.contextmanager
def _peek(copy: int) -> t.Iterator[list[int]]:
    """Copies of those that come with the next message, which stays in the queue; closed on leaving. Raises OSError.

    There is nothing to see where who peeks would move where the owner of the socket peeks next.
    """
    found: list[int] = []
    try:
        with socket.socket(fileno=os.dup(copy)) as peeked:
            if peeked.getsockopt(socket.SOL_SOCKET, _SO_PEEK_OFF) < 0:
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


def _open_held(proc: int, fd: int) -> int | None:
    """Open the namespace that a descriptor of ours is, or belongs to; None where there is none. Raises OSError."""
    mode = status(fd).mode
    if stat.S_ISSOCK(mode) or stat.S_ISCHR(mode):
        try:
            return netdev.open_network_of(fd)
        except OSError as error:
            if error.errno not in _NO_NETWORK:
                raise
    return nsfs.open_checked(f"self/fd/{fd}", proc, proc) if stat.S_ISREG(mode) else None


def _leads_on(proc: int, fd: int) -> bool:
    """Whether there may be namespaces behind what is open there: in a queue, in a folder of a tree, or watched."""
    mode = status(fd).mode
    if stat.S_ISSOCK(mode):
        return bool(procfs.fdinfo(proc, f"self/fdinfo/{fd}", FIELD))
    return stat.S_ISDIR(mode) or os.readlink(f"self/fd/{fd}", dir_fd=proc) in watches.LINKS
