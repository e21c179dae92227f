# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Descriptors that are on their way through a local socket, which nobody may ever receive. Source: unix(7)."""

from __future__ import annotations

import array
import contextlib
import os
import socket
import typing as t

from ..._kernel.descriptor import closing

_MOST_DESCRIPTORS = 253  # in one message: SCM_MAX_FD
_MOST_BYTES = 1 << 16


def count(proc: int, copy: int) -> int:
    """How many are on their way in a socket of which this is a copy; 0 for one of another kind.

    Source: proc_pid_fdinfo(5), scm_fds. Raises OSError.
    """
    with closing(os.open(f"self/fdinfo/{copy}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)) as file:
        _before, _name, rest = os.read(file, _MOST_BYTES).partition(b"\nscm_fds:")
    return int(rest.partition(b"\n")[0] or 0)


@contextlib.contextmanager
def peek(copy: int) -> t.Iterator[list[int]]:
    """Copies of those that come with the next message, which stays in the queue; closed on leaving. Raises OSError."""
    found: list[int] = []
    try:
        with contextlib.suppress(BlockingIOError), socket.socket(fileno=os.dup(copy)) as peeked:
            space = socket.CMSG_SPACE(_MOST_DESCRIPTORS * array.array("i").itemsize)
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
