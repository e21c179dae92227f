# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Questions to the kernel about the caller's network namespace. Source: netlink(7), rtnetlink(7)."""

from __future__ import annotations

import os
import socket
import struct
import typing as t

_NLM_F_REQUEST = 0x1
_NLM_F_DUMP = 0x300
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_CODE = struct.Struct("=i")
_KIND_BITS = 0x3FFF
_ANSWER_BYTES = 1 << 16


class Message(t.NamedTuple):
    """One message: its RTM_* number, and what comes after the header."""

    kind: int
    content: bytes


def ask(kind: int, content: bytes, dump: bool = False) -> t.Generator[Message, None, None]:
    """What the kernel answers to a message: another one, or with dump as many as there are. Raises OSError."""
    flags = _NLM_F_REQUEST | (_NLM_F_DUMP if dump else 0)
    request = _HEADER.pack(_HEADER.size + len(content), kind, flags, 1, 0) + content
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as route:
        route.sendto(request, (0, 0))
        more = True
        while more:
            for message in messages(route.recv(_ANSWER_BYTES)):
                if message.kind in (_NLMSG_DONE, _NLMSG_ERROR):
                    _check(message.content)
                    return
                yield message
            more = dump


def messages(answer: bytes) -> t.Iterator[Message]:
    """The messages in an answer; what is none ends it."""
    start = 0
    while start + _HEADER.size <= len(answer):
        length, kind, _flags, _sequence, _port = _HEADER.unpack_from(answer, start)
        if length < _HEADER.size:
            return
        yield Message(kind, answer[start + _HEADER.size : start + length])
        start += _aligned(length)


def attributes(content: bytes) -> t.Iterator[tuple[int, bytes]]:
    """The attributes in a message, or in one of them: number and value; what is none ends it."""
    start = 0
    while start + _ATTRIBUTE.size <= len(content):
        length, kind = _ATTRIBUTE.unpack_from(content, start)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _KIND_BITS, content[start + _ATTRIBUTE.size : start + length]
        start += _aligned(length)


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute for a message."""
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(_aligned(length) - length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _check(content: bytes) -> None:
    """Raise OSError for the negative errno that an answer ends with."""
    code = -_CODE.unpack_from(content)[0]
    if code:
        raise OSError(code, os.strerror(code))
