# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sockets that wait for somebody."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import sys
import typing as t
from pathlib import Path

import hypothesis
import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import listeners, netdev, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.listeners import Listener, Listeners
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import strategies

T = t.TypeVar("T")
HEADER = "  sl  local_address rem_address   st tx_queue rx_queue\n"
LISTEN, ESTABLISHED, CLOSE = "0A", "01", "07"

needs_ipv6 = pytest.mark.skipif(
    not os.path.exists("/proc/net/tcp6"), reason="the kernel has no IPv6 here; boot it without ipv6.disable=1"
)


def read(pid: int | None = None) -> Listeners:
    with support.own_procfs() as proc:
        return listeners.read(proc, pid or os.getpid())


def in_new_network(work: t.Callable[[], T]) -> T:
    def inside() -> T:
        process.unshare(nstypes.NET.flag)
        netdev.set_up("lo")
        return work()

    return support.forked(inside)


@contextlib.contextmanager
def bound(kind: socket.SocketKind, *address: t.Any, listen: bool = False) -> t.Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, kind) as bound_socket:
        bound_socket.bind(address)
        if listen:
            bound_socket.listen()
        yield bound_socket


def test_nobody_waits() -> None:
    assert in_new_network(read) == Listeners([], False)


def test_those_that_wait() -> None:
    """And neither those that are only bound, nor those that are connected."""

    def work() -> Listeners:
        with bound(socket.SOCK_STREAM, "127.1.2.3", 80, listen=True), bound(
            socket.SOCK_STREAM, "0.0.0.0", 8080, listen=True
        ) as server, bound(socket.SOCK_DGRAM, "127.0.0.1", 53), bound(
            socket.SOCK_DGRAM, "127.0.0.1", 54
        ) as peer, bound(socket.SOCK_STREAM, "127.0.0.1", 81), socket.create_connection(("127.0.0.1", 8080)):
            peer.connect(("127.0.0.1", 53))
            with server.accept()[0]:
                return read()

    expected = [Listener("tcp", "0.0.0.0", 8080), Listener("tcp", "127.1.2.3", 80), Listener("udp", "127.0.0.1", 53)]
    assert in_new_network(work) == Listeners(expected, False)


@needs_ipv6
def test_those_that_wait_at_ipv6() -> None:
    def work() -> Listeners:
        with bound(socket.SOCK_STREAM, "::", 443, listen=True), bound(socket.SOCK_DGRAM, "::1", 5353):
            return read()

    assert in_new_network(work) == Listeners([Listener("tcp", "::", 443), Listener("udp", "::1", 5353)], False)


def test_several_at_one_address() -> None:
    def work() -> Listeners:
        with contextlib.ExitStack() as stack:
            for _worker in range(3):
                worker = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                worker.bind(("127.0.0.1", 53))
            return read()

    assert in_new_network(work) == Listeners([Listener("udp", "127.0.0.1", 53)], False)


def test_the_network_namespace_of_the_process() -> None:
    with support.inhabited("net", prepare=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as empty:
        assert read(empty) == Listeners([], False)

    def prepare() -> None:
        waiting = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        waiting.bind(("0.0.0.0", 67))
        kept.append(waiting)

    kept: list[socket.socket] = []
    with support.inhabited("net", prepare=prepare) as pid:
        assert read(pid) == Listeners([Listener("udp", "0.0.0.0", 67)], False)


def test_a_process_that_is_not_there() -> None:
    pid = support.forked(os.getpid)
    with pytest.raises(FileNotFoundError):
        read(pid)


def test_too_many_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "_MOST_SOCKETS", 2)

    def work() -> list[Listeners]:
        with contextlib.ExitStack() as stack:
            found = []
            for port in (1, 2, 3):
                stack.enter_context(bound(socket.SOCK_DGRAM, "127.0.0.1", port))
                found.append(read())
            return found

    found = in_new_network(work)
    assert [(len(item.found), item.cut) for item in found] == [(1, False), (2, False), (2, True)]


class Fake:
    """Tables as no kernel here has them, below a directory that stands for a procfs."""

    def __init__(self, directory: Path) -> None:
        self._net = directory / "1" / "net"
        self._net.mkdir(parents=True)
        self._directory = directory

    def put(self, **tables: str) -> None:
        for name, text in tables.items():
            (self._net / name).write_text(text)

    def read(self) -> Listeners:
        fd = os.open(self._directory, os.O_PATH)
        try:
            return listeners.read(fd, 1)
        finally:
            os.close(fd)


def line(address: str, state: str) -> str:
    return f"   0: {address} 00000000:0000 {state} 00000000:00000000\n"


def test_without_ipv6(tmp_path: Path) -> None:
    fake = Fake(tmp_path)
    fake.put(tcp=HEADER + line("00000000:0016", LISTEN), udp=HEADER)
    assert fake.read() == Listeners([Listener("tcp", "0.0.0.0", 22)], False)


def test_a_table_is_looked_at_where_there_are_sockets_only(tmp_path: Path) -> None:
    """That one is missing would be an error otherwise."""
    fake = Fake(tmp_path)
    fake.put(sockstat="sockets: used 9\nTCP: inuse 0 orphan 0 tw 0 alloc 2 mem 0\nUDP: inuse 0 mem 0\n")
    assert fake.read() == Listeners([], False)
    fake.put(tcp6=HEADER + line(f"{'0' * 32}:0016", LISTEN), sockstat6="TCP6: inuse 1\nUDP6: inuse 0\n")
    assert fake.read() == Listeners([Listener("tcp", "::", 22)], False)


def test_no_more_is_asked_for_than_there_is(tmp_path: Path) -> None:
    fake = Fake(tmp_path)
    fake.put(tcp=HEADER + line("00000000:0016", LISTEN) + line("00000000:0017", LISTEN), udp=HEADER)
    fake.put(sockstat="TCP: inuse 1\nUDP: inuse 0\n")
    assert fake.read() == Listeners([Listener("tcp", "0.0.0.0", 22)], False)


def test_more_connections_than_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost by that."""
    monkeypatch.setattr(listeners, "_MOST_SOCKETS", 2)
    fake = Fake(tmp_path)
    fake.put(tcp=HEADER + line("00000000:0016", LISTEN) + line("00000000:0016", ESTABLISHED) * 5, udp=HEADER)
    assert fake.read() == Listeners([Listener("tcp", "0.0.0.0", 22)], False)
    fake.put(sockstat="TCP: inuse 6\n")
    assert fake.read() == Listeners([Listener("tcp", "0.0.0.0", 22)], False)


def test_sockets_are_counted_where_they_are() -> None:
    def work() -> list[dict[str, int]]:
        found = [listeners.parse_in_use(support.read("/proc/net/sockstat"))]
        with bound(socket.SOCK_STREAM, "127.0.0.1", 80, listen=True), bound(socket.SOCK_DGRAM, "127.0.0.1", 53):
            found.append(listeners.parse_in_use(support.read("/proc/net/sockstat")))
        return found

    found = in_new_network(work)
    assert [(item["TCP"], item["UDP"]) for item in found] == [(0, 0), (1, 1)]


def test_what_comes_after_those_of_tcp_that_listen_is_not_looked_at() -> None:
    def lines() -> t.Iterator[str]:
        yield HEADER
        yield line("00000000:0016", LISTEN)
        yield line("00000000:0016", ESTABLISHED)
        pytest.fail("there may be a hundred thousand of them")

    assert list(listeners.parse(lines(), "tcp")) == [Listener("tcp", "0.0.0.0", 22)]


def test_what_comes_after_those_of_udp_that_are_connected() -> None:
    lines = [HEADER, line("00000000:0035", ESTABLISHED), line("00000000:0036", CLOSE)]
    assert list(listeners.parse(lines, "udp")) == [Listener("udp", "0.0.0.0", 54)]


@support.properties
@hypothesis.given(strategies.binary(min_size=4, max_size=4) | strategies.binary(min_size=16, max_size=16))
def test_every_address(memory: bytes) -> None:
    """As the kernel prints the words of what it has in memory."""
    words = "".join(
        f"{int.from_bytes(memory[start : start + 4], sys.byteorder):08X}" for start in range(0, len(memory), 4)
    )
    (found,) = listeners.parse([line(f"{words}:FFFF", LISTEN)], "tcp")
    assert found.port == 65535
    assert ipaddress.ip_address(found.address).packed == memory


NEARLY = strategies.from_regex(re.compile(r"(0: )?[0-9A-F]{7,9}:[0-9A-Fg]{4} \S+ (0A|07|01)( 1)?\n?", re.ASCII))


@support.properties
@hypothesis.given(strategies.lists(strategies.text() | NEARLY), strategies.sampled_from(["tcp", "udp"]))
def test_garbage_is_skipped(lines: list[str], protocol: str) -> None:
    for found in listeners.parse(lines, protocol):
        assert ipaddress.ip_address(found.address)
        assert 0 <= found.port < 1 << 16


@support.properties
@hypothesis.given(strategies.text() | strategies.from_regex(r"\w+: inuse \d+"))
def test_garbage_counts_nothing(text: str) -> None:
    assert all(number >= 0 for number in listeners.parse_in_use(text).values())
