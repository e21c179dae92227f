# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""Sockets of processes, and tun devices: the network namespace that each belongs to. Source: linux/sockios.h.

To ask takes a copy. Who ends meanwhile leaves us the last one, and with it the wait for what is still to be sent, so
that the process that copies has to be one that is woken up.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..._kernel import netdev, process
from ..._kernel.descriptor import closing
from . import in_flight
from .descriptors import Descriptor, number_of, order

KIND = "socket"


class Socket(t.NamedTuple):
    """What a socket belongs to."""

    network: int
    """The inode of its network namespace."""
    carries: bool
    """Whether descriptors are on their way in it."""


class Sockets:
    """What was asked already: one socket may have very many descriptors."""

    def __init__(self, proc: int) -> None:
        self._proc = proc
        self._known: dict[str, tuple[Descriptor, Socket]] = {}

    def ask(self, pidfd: int, descriptor: Descriptor, name: str) -> tuple[Socket, bool]:
        """What a socket belongs to, and whether it is a new one. Raises OSError.

        pidfd: of its task. name: what the link says; mostly only one socket has it.
        """
        if name in self._known:
            first, known = self._known[name]
            with contextlib.suppress(OSError):
                if order(descriptor, first) == 0:
                    return known, False
        with closing(process.pidfd_getfd(pidfd, descriptor.fd)) as copy, closing(
            netdev.open_network_of(copy)
        ) as network:
            found = Socket(os.fstat(network).st_ino, bool(number_of(self._proc, descriptor, in_flight.FIELD)))
        self._known.setdefault(name, (descriptor, found))
        return found, True


def open_network(descriptor: Descriptor) -> int:
    """Open the network namespace that a socket belongs to. Raises OSError."""
    with closing(descriptor.copy()) as copy:
        return netdev.open_network_of(copy)
