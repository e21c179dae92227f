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

from ..._kernel import netdev
from ..._kernel.descriptor import closing, status
from ..checkpoint import MOST_DESCRIPTORS, Gate, Message
from . import parts
from .descriptors import Descriptor, number_of
from .scan import Scan

FIELD = "scm_fds"
"""Of fdinfo: how many descriptors are on their way in a socket."""
_MOST_BYTES = 1 << 16
# asm-generic/socket.h, and alpha, mips, parisc and sparc beside it; where in the queue who peeks next begins.
_SO_PEEK_OFF = 42
BEHIND = "descriptors are on their way behind others"
SILENT = "a socket that descriptors are on their way through did not answer"


def look(scan: Scan, queues: t.Sequence[Descriptor]) -> None:
    """Find the namespaces that come with the next message of each. Raises NamespaceError."""

    def take(queue: Descriptor, message: Message) -> None:
        for namespace in scan.keep_all(message.get("descriptors", ())):
            namespace.hold(queue.holder("in_flight"))
        if message["lost"] > 0:
            scan.incomplete_because[BEHIND] = None

    parts.each(scan, SILENT, queues, lambda gate, queue: _report(gate, queue, scan.device), take)


def _report(gate: Gate, queue: Descriptor, device: int) -> None:
    lost = 0
    with contextlib.ExitStack() as stack:
        namespaces = []
        with contextlib.suppress(OSError):
            copy = stack.enter_context(closing(queue.copy()))
            lost = number_of(gate.proc, queue, FIELD) or 0
            for fd in stack.enter_context(_peek(copy)):
                lost -= 1
                with contextlib.suppress(OSError):
                    namespaces.append(stack.enter_context(closing(_open_held(fd, device))))
        gate.report(namespaces, lost=lost)


@contextlib.contextmanager
def _peek(copy: int) -> t.Iterator[list[int]]:
    """Copies of those that come with the next message, which stays in the queue; closed on leaving. Raises OSError.

    None where who peeks would move where the owner of the socket peeks next.
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


def _open_held(fd: int, device: int) -> int:
    """Open the namespace that a descriptor of ours is, or belongs to. Raises OSError where there is none."""
    found = status(fd)
    if found.device == device:
        return os.dup(fd)
    if not stat.S_ISSOCK(found.mode) and not stat.S_ISCHR(found.mode):
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
    return netdev.open_network_of(fd)
