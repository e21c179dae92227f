# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The standard streams of a command as its parent holds them, in bounded memory."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios

_READ_BYTES = 65536


class Pipe:
    """A pipe of which the command gets one end, theirs."""

    def __init__(self, ours: int, theirs: int, event: int) -> None:
        self.fd = ours
        self.theirs = theirs
        self.event = event
        os.set_blocking(ours, False)

    def advance(self) -> bool:
        """Move what can be moved without blocking; whether there may be more."""
        try:
            return self.fd >= 0 and self._move()
        except BlockingIOError:
            return True

    def _move(self) -> bool:
        raise NotImplementedError

    def close_theirs(self) -> None:
        """Leave the command's end to the command."""
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1

    def close(self) -> None:
        """Close what is open."""
        self.close_theirs()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class Output(Pipe):
    """What a command writes to one stream: the first bytes of it are kept, the rest is drained."""

    def __init__(self, limit: int) -> None:
        ours, theirs = os.pipe()
        super().__init__(ours, theirs, select.POLLIN)
        self._limit = limit
        self.content = bytearray()
        self.cut = False

    def drain(self) -> None:
        """Take what is in the pipe now, however large it was made; who goes on writing does not keep us."""
        if self.fd < 0:
            return
        (waiting,) = struct.unpack("=i", fcntl.ioctl(self.fd, termios.FIONREAD, bytes(4)))
        for _chunk in range(0, waiting, _READ_BYTES):
            self.advance()

    def _move(self) -> bool:
        chunk = os.read(self.fd, _READ_BYTES)
        room = self._limit - len(self.content)
        self.content += chunk[:room]
        self.cut = self.cut or len(chunk) > room
        return bool(chunk)


class Input(Pipe):
    """What a command reads."""

    def __init__(self, content: bytes) -> None:
        theirs, ours = os.pipe()
        super().__init__(ours, theirs, select.POLLOUT)
        self._left = memoryview(content)

    def _move(self) -> bool:
        try:
            self._left = self._left[os.write(self.fd, self._left) :]
        except BrokenPipeError:
            return False
        return bool(self._left)


class Alarm(Pipe):
    """Becomes readable when this process gets a signal: its end called theirs is for signal.set_wakeup_fd().

    Handlers run between Python's steps: one of a signal that comes just before poll(2) would wait until that returns.
    """

    def __init__(self) -> None:
        ours, theirs = os.pipe()
        super().__init__(ours, theirs, select.POLLIN)
        os.set_blocking(theirs, False)

    def _move(self) -> bool:
        return bool(os.read(self.fd, _READ_BYTES))
