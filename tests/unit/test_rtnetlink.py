# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of rtnetlink, in both directions."""

from __future__ import annotations

import errno
import os
import socket
import struct
import typing as t

import hypothesis
import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import netdev, nstypes, process, rtnetlink
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import strategies

RTM_GETLINK, RTM_NEWLINK, RTM_DELLINK, RTM_GETADDR = 18, 16, 17, 22
IFLA_IFNAME, IFLA_MTU, IFLA_LINKINFO = 3, 4, 18
NLMSG_ERROR, NLMSG_DONE = 2, 3
DUMP_INTR, CAPPED, ACK_TLVS = 0x10, 0x100, 0x200

T = t.TypeVar("T")


def test_a_question_with_one_answer() -> None:
    """Device 1 of a network namespace is the loopback."""
    (message,) = rtnetlink.ask(RTM_GETLINK, struct.pack("=BBHiII", 0, 0, 0, 1, 0, 0))
    assert message.kind == RTM_NEWLINK
    assert dict(rtnetlink.attributes(message.content[16:]))[3] == b"lo\0"


def test_a_question_with_many_answers() -> None:
    kinds = {message.kind for message in rtnetlink.ask(RTM_GETLINK, bytes(16), dump=True)}
    assert kinds == {RTM_NEWLINK}


def test_a_question_that_is_refused() -> None:
    nothing = struct.pack("=BBHiII", 0, 0, 0, 0x7FFFFFFF, 0, 0)
    assert support.code_of(lambda: list(rtnetlink.ask(RTM_GETLINK, nothing))) == errno.ENODEV


@support.properties
@hypothesis.given(strategies.lists(strategies.tuples(strategies.integers(0, 0x3FFF), strategies.binary(max_size=40))))
def test_every_attribute_comes_back(items: list[tuple[int, bytes]]) -> None:
    content = b"".join(rtnetlink.attribute(kind, value) for kind, value in items)
    assert list(rtnetlink.attributes(content)) == items


@support.properties
@hypothesis.given(strategies.lists(strategies.tuples(strategies.integers(0, 0xFFFF), strategies.binary(max_size=40))))
def test_every_message_is_found(items: list[tuple[int, bytes]]) -> None:
    answer = b"".join(
        struct.pack("=IHHII", 16 + len(content), kind, 0, 0, 0) + content + bytes(-len(content) % 4)
        for kind, content in items
    )
    assert [(message.kind, message.content) for message in rtnetlink.messages(answer)] == items


@support.properties
@hypothesis.given(strategies.binary(max_size=200), strategies.sampled_from([rtnetlink.messages, rtnetlink.attributes]))
def test_garbage_ends_it(content: bytes, parse: t.Callable[[bytes], t.Iterator[tuple[t.Any, ...]]]) -> None:
    assert sum(len(item[1]) for item in parse(content)) <= len(content)


# ---- changes


def in_new_network(work: t.Callable[[socket.socket], T]) -> T:
    def inside() -> T:
        process.unshare(nstypes.NET.flag)
        with rtnetlink.open_route() as route:
            return work(route)

    return support.forked(inside)


def bridge(name: str) -> rtnetlink.Request:
    """A request for a new one."""
    info = rtnetlink.attribute(IFLA_LINKINFO, rtnetlink.attribute(1, b"bridge\0"))
    content = bytes(16) + rtnetlink.attribute(IFLA_IFNAME, name.encode() + b"\0") + info
    return rtnetlink.Request(RTM_NEWLINK, rtnetlink.CREATE | rtnetlink.EXCL, content)


def with_mtu(index: int, mtu: int) -> rtnetlink.Request:
    content = struct.pack("=BBHiII", 0, 0, 0, index, 0, 0) + rtnetlink.attribute(IFLA_MTU, struct.pack("=I", mtu))
    return rtnetlink.Request(RTM_NEWLINK, 0, content)


def test_each_change_has_its_answer() -> None:
    """More of them than go at once; the others are carried out where some fail."""

    def work(route: socket.socket) -> None:
        names = [f"b{number % 100}" for number in range(150)]
        answers = rtnetlink.change(route, [bridge(name) for name in names])
        assert [None if error is None else error.errno for error in answers] == [None] * 100 + [errno.EEXIST] * 50
        assert set(netdev.indices_at(route)) >= set(names)
        assert rtnetlink.change(route, []) == []

    in_new_network(work)


def test_a_refusal_has_the_words_of_the_kernel() -> None:
    def work(route: socket.socket) -> list[str]:
        rtnetlink.change(route, [bridge("br0")])
        nothing = rtnetlink.Request(RTM_DELLINK, 0, struct.pack("=BBHiII", 0, 0, 0, 0x7FFFFFFF, 0, 0))
        too_much = with_mtu(netdev.indices_at(route)["br0"], 1 << 20)
        given = rtnetlink.change(route, [bridge("br1"), too_much, nothing])
        return [str(error) for error in given]

    (first, second, third) = in_new_network(work)
    assert first == "None"
    assert second == f"[Errno {errno.EINVAL}] mtu greater than device maximum"
    assert third == f"[Errno {errno.ENODEV}] {os.strerror(errno.ENODEV)}"


def test_a_socket_that_lost_answers_can_be_used_on() -> None:
    def work(route: socket.socket) -> None:
        route.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        requests = [bridge(f"b{number}") for number in range(60)]
        assert support.code_of(lambda: rtnetlink.change(route, requests)) == errno.ENOBUFS
        route.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        (error,) = rtnetlink.change(route, [bridge("b0")])
        assert error is not None
        assert error.errno == errno.EEXIST
        assert len(netdev.indices_at(route)) >= 61

    in_new_network(work)


def test_a_list_of_more_than_one_message_holds() -> None:
    def work(route: socket.socket) -> int:
        rtnetlink.change(route, [bridge(f"b{number}") for number in range(300)])
        return len(rtnetlink.list_at(route, RTM_GETLINK, bytes(16)))

    assert in_new_network(work) >= 301


class Route(socket.socket):
    """A kernel that answers as it never would when a test asks for it."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.answers = [*answers]
        self.asked = 0

    def sendto(self, request: t.Any, *_address: t.Any) -> int:
        self.asked += 1
        return len(request)

    def recv(self, *_arguments: t.Any) -> bytes:
        return self.answers.pop(0)


def message(kind: int, content: bytes, flags: int = 0, sequence: int = 0) -> bytes:
    return struct.pack("=IHHII", 16 + len(content), kind, flags, sequence, 0) + content + bytes(-len(content) % 4)


LINK, DONE = message(RTM_NEWLINK, bytes(16)), message(NLMSG_DONE, bytes(4))


@pytest.mark.parametrize(
    "interrupted",
    [
        [message(RTM_NEWLINK, bytes(16), DUMP_INTR) + LINK, DONE],
        [LINK, LINK, message(NLMSG_DONE, bytes(4), DUMP_INTR)],
    ],
)
def test_a_list_that_changed_meanwhile_is_asked_for_again(interrupted: list[bytes]) -> None:
    """The kernel may say so with the last message alone."""
    with Route(*interrupted, *interrupted, LINK, DONE) as route:
        found = rtnetlink.list_at(route, RTM_GETLINK, bytes(16))
        assert [item.kind for item in found] == [RTM_NEWLINK]
        assert (route.asked, route.answers) == (3, [])


def test_a_list_that_always_changes_comes_to_an_end() -> None:
    with Route(*[message(RTM_NEWLINK, bytes(16), DUMP_INTR), DONE] * 100) as route:
        with pytest.raises(BlockingIOError, match="it changed each of the 10 times that it was looked at"):
            rtnetlink.list_at(route, RTM_GETLINK, bytes(16))
        assert route.asked == 10


@pytest.mark.parametrize("count", [3, 4, 9])
def test_a_list_is_not_longer_than_it_may_be(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Nor is any of it left, which would be taken for the answer to what is asked later."""
    monkeypatch.setattr(rtnetlink, "MOST", 3)
    with Route(*[LINK] * count, DONE) as route:
        if count > 3:
            with pytest.raises(OSError, match="there are more than 3") as caught:
                rtnetlink.list_at(route, RTM_GETLINK, bytes(16))
            assert caught.value.errno == errno.E2BIG
            route.answers += [*[LINK] * count, DONE]
            assert len(rtnetlink.list_at(route, RTM_GETLINK, bytes(16), steady=False)) == 4
        else:
            assert len(rtnetlink.list_at(route, RTM_GETLINK, bytes(16))) == 3
        assert route.answers == []


@pytest.mark.parametrize("capped", [False, True])
def test_where_the_words_of_an_error_are(capped: bool) -> None:
    """After the header of the request, or after the whole of it."""
    request = message(RTM_NEWLINK, b"seven b")
    told = rtnetlink.attribute(2, bytes(4)) + rtnetlink.attribute(1, b"Not so\0")
    content = struct.pack("=i", -errno.EINVAL) + (request[:16] if capped else request) + told
    with Route(message(NLMSG_ERROR, content, ACK_TLVS | (CAPPED if capped else 0))) as route:
        (error,) = rtnetlink.change(route, [bridge("br0")])
    assert error is not None
    assert (error.errno, error.strerror) == (errno.EINVAL, "Not so")


@support.properties
@hypothesis.given(strategies.binary(max_size=80), strategies.integers(0, 0xFFFF))
def test_an_error_with_garbage_is_one(content: bytes, flags: int) -> None:
    with Route(message(NLMSG_ERROR, struct.pack("=i", -errno.EPERM) + content + bytes(16), flags)) as route:
        (error,) = rtnetlink.change(route, [bridge("br0")])
    assert error is not None
    assert error.errno == errno.EPERM
