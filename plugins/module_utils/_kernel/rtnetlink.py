# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Messages to the kernel about network namespaces. Source: netlink(7), rtnetlink(7), linux/netlink.h."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import socket
import struct
import typing as t

REQUEST = 0x1
ACK = 0x4
DUMP = 0x300
REPLACE = 0x100
EXCL = 0x200
CREATE = 0x400

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
RTM_NEWNSID, RTM_GETNSID = 88, 90
RTM_DELLINKPROP = 109

MOST = 100_000
"""So many of a kind are listed: who is inside can make as many as there is memory for."""

_DUMP_INTR = 0x10
_CAPPED = 0x100
_ACK_TLVS = 0x200
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_NLMSGERR_ATTR_MSG = 1
_SOL_NETLINK = 270
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NETLINK_GET_STRICT_CHK = 12
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_CODE = struct.Struct("=i")
_KIND_BITS = 0x3FFF
_ANSWER_BYTES = 1 << 16
_AT_ONCE = 64
"""So many answers fit into the buffer of a socket."""
_TRIES = 10
_PATIENCE_SECONDS = 60
"""For an answer. The kernel does its work, and waits for its own lock, while it is sent a request: that has no end."""


class Request(t.NamedTuple):
    """What the kernel is asked to change: an RTM_* number, NLM_F_* flags, and what comes after the header."""

    kind: int
    flags: int
    content: bytes


class Message(t.NamedTuple):
    """One message of the kernel: its RTM_* number, what comes after the header, and of that the flags and number."""

    kind: int
    content: bytes
    flags: int = 0
    sequence: int = 0


def open_route() -> socket.socket:
    """A socket for the network namespace of the caller, wherever it is used later. Raises OSError.

    What is listed by it may be narrowed by the header of the question, as in the addresses of one link.
    """
    route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK):
        route.setsockopt(_SOL_NETLINK, option, 1)
    route.settimeout(_PATIENCE_SECONDS)
    return route


def ask(kind: int, content: bytes, dump: bool = False) -> t.Generator[Message, None, None]:
    """What the kernel answers to a message: another one, or with dump as many as there are. Raises OSError."""
    with open_route() as route:
        yield from ask_at(route, kind, content, dump)


def ask_at(route: socket.socket, kind: int, content: bytes, dump: bool = False) -> t.Generator[Message, None, None]:
    """The same of the namespace that the socket is of."""
    for message in _answers(route, kind, content, dump):
        if message.kind != _NLMSG_DONE:
            yield message


def list_at(route: socket.socket, kind: int, content: bytes, steady: bool = True) -> list[Message]:
    """All that there is, as it was at one time: asked again where something changed meanwhile.

    Raises OSError, with EAGAIN where something changed each time, with E2BIG where there are more than MOST; but not
    for steady, what was found the last time, and of that so many.
    """
    found: list[Message] = []
    for _try in range(_TRIES):
        found = _listed(route, kind, content, steady)
        if not any(message.flags & _DUMP_INTR for message in found):
            break
    else:
        if steady:
            raise OSError(errno.EAGAIN, f"it changed each of the {_TRIES} times that it was looked at")
    return [message for message in found if message.kind != _NLMSG_DONE]


def _listed(route: socket.socket, kind: int, content: bytes, whole: bool) -> list[Message]:
    """With the message that ends it; so many that are not the whole may be without."""
    answers = _answers(route, kind, content, dump=True)
    found = [*itertools.islice(answers, MOST + 1)]
    # None may be left, to be taken for the answer to a later request.
    if sum(1 for _message in answers) and whole:
        raise OSError(errno.E2BIG, f"there are more than {MOST}")
    return found


def change(route: socket.socket, requests: t.Sequence[Request]) -> list[OSError | None]:
    """What came of each request; they are carried out in order, the others too where one fails.

    The text of an error is the kernel's own where it gives one (NLMSGERR_ATTR_MSG). Raises OSError for the socket.
    """
    found: list[OSError | None] = []
    for start in range(0, len(requests), _AT_ONCE):
        some = requests[start : start + _AT_ONCE]
        packed = [_packed(item._replace(flags=item.flags | REQUEST | ACK), number) for number, item in enumerate(some)]
        route.sendto(b"".join(packed), (0, 0))
        answers: dict[int, OSError | None] = {}
        while len(answers) < len(some):
            for message in messages(_next_answer(route)):
                if message.kind == _NLMSG_ERROR:
                    answers[message.sequence] = None
                    try:
                        _check(message)
                    except OSError as error:
                        answers[message.sequence] = error
        found += [answers[number] for number in range(len(some))]
    return found


def _answers(route: socket.socket, kind: int, content: bytes, dump: bool) -> t.Iterator[Message]:
    """Of a dump with the last one, which says only whether that was all."""
    route.sendto(_packed(Request(kind, REQUEST | (DUMP if dump else 0), content), 1), (0, 0))
    more = True
    while more:
        for message in messages(route.recv(_ANSWER_BYTES)):
            if message.kind in (_NLMSG_DONE, _NLMSG_ERROR):
                _check(message)
                if dump:
                    yield message
                return
            yield message
        more = dump


def _next_answer(route: socket.socket) -> bytes:
    """Where some were lost (ENOBUFS), the others are thrown away: they would be taken for those to later requests."""
    try:
        return route.recv(_ANSWER_BYTES)
    except OSError:
        patience = route.gettimeout()
        route.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                route.recv(_ANSWER_BYTES)
        route.settimeout(patience)
        raise


def messages(answer: bytes) -> t.Iterator[Message]:
    """The messages in an answer; what is none ends it."""
    start = 0
    while start + _HEADER.size <= len(answer):
        length, kind, flags, sequence, _port = _HEADER.unpack_from(answer, start)
        if length < _HEADER.size:
            return
        yield Message(kind, answer[start + _HEADER.size : start + length], flags, sequence)
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


def _packed(request: Request, sequence: int) -> bytes:
    length = _HEADER.size + len(request.content)
    header = _HEADER.pack(length, request.kind, request.flags, sequence, 0)
    return header + request.content + bytes(_aligned(length) - length)


def _check(message: Message) -> None:
    """Raise OSError for the negative errno that an answer ends with."""
    code = -_CODE.unpack_from(message.content)[0]
    if code:
        raise OSError(code, _explanation(message) or os.strerror(code))


def _explanation(message: Message) -> str:
    """The words that the kernel has for an error, if any: they come after the request that failed, cut or whole."""
    if not message.flags & _ACK_TLVS:
        return ""
    length = _HEADER.unpack_from(message.content, _CODE.size)[0]
    start = _CODE.size + (_HEADER.size if message.flags & _CAPPED else _aligned(length))
    told = dict(attributes(message.content[start:])).get(_NLMSGERR_ATTR_MSG, b"")
    return told.rstrip(b"\0").decode("utf-8", "replace")
