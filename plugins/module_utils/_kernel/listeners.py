# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Sockets that wait for somebody, by the tables in /proc/PID/net, which are those of the task's network namespace.

Not by sock_diag(7), which has the kernel load modules: to look changes nothing.
Source: proc_pid_net(5), tcp_ipv4.c and udp.c of the kernel.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import struct
import typing as t

from . import procfs

TCP = "tcp"
UDP = "udp"

_WAITING = {TCP: "0A", UDP: "07"}
"""TCP_LISTEN, and TCP_CLOSE of net/tcp_states.h: an UDP socket that is connected to nobody."""
_MOST_SOCKETS = 10000
_ADDRESS = re.compile(r"([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})")
_IN_USE = re.compile(r"^(\w+): inuse (\d{1,18})\b", re.MULTILINE | re.ASCII)


class Listener(t.NamedTuple):
    """What a socket waits for: TCP or UDP, at an address as text (0.0.0.0 or :: for any)."""

    protocol: str
    address: str
    port: int


class Listeners(t.NamedTuple):
    """The addresses that are waited at, sorted, each once; whether there are sockets that were not looked at."""

    found: list[Listener]
    cut: bool


def read(proc: int, pid: int) -> Listeners:
    """TCP sockets that listen, and bound UDP sockets that are not connected, of a process's network namespace.

    Of each of the four tables 10,000 sockets are looked at. Each time that one of TCP is asked for what comes after its
    listeners, the kernel goes through the connections of all namespaces, which takes milliseconds: so no table is asked
    for more sockets than there are. Raises OSError.
    """
    found: set[Listener] = set()
    cut = False
    for family in ("", "6"):
        in_use = parse_in_use(_read_if_there(proc, f"{pid}/net/sockstat{family}"))
        for protocol in (TCP, UDP):
            count = in_use.get(protocol.upper() + family, _MOST_SOCKETS + 1)
            if count:
                # Without IPv6 in the kernel there are no tables of it.
                with contextlib.suppress(*([FileNotFoundError] if family else [])):
                    some, rest = _read_table(proc, f"{pid}/net/{protocol}{family}", protocol, count)
                    found.update(some)
                    cut = cut or rest
    return Listeners(sorted(found), cut)


def _read_table(proc: int, path: str, protocol: str, count: int) -> tuple[list[Listener], bool]:
    """Those among so many sockets; whether there are more than were looked at."""
    with open(procfs.open_file(proc, path), encoding="utf-8", errors="surrogateescape") as file:
        found = list(parse(itertools.islice(file, 1 + min(count, _MOST_SOCKETS)), protocol))
        # One of TCP that does not listen is behind all that do.
        all_asked_for = protocol == UDP or len(found) == _MOST_SOCKETS
        return found, count > _MOST_SOCKETS and all_asked_for and bool(file.readline())


def _read_if_there(proc: int, path: str) -> str:
    with contextlib.suppress(FileNotFoundError):
        return procfs.read(proc, path)
    return ""


def parse(lines: t.Iterable[str], protocol: str) -> t.Iterator[Listener]:
    """Those in the lines of a table of this protocol; of TCP they come first, and no line after them is looked at."""
    for line in lines:
        fields = line.split()
        address = _ADDRESS.fullmatch(fields[1]) if len(fields) > 3 else None
        if address is None:
            continue
        if fields[3] == _WAITING[protocol]:
            yield Listener(protocol, _address(address[1]), int(address[2], 16))
        elif protocol == TCP:
            return


def _address(words: str) -> str:
    """Numbers of 32 bits, each as the machine has what is in the memory in the order of the network."""
    memory = b"".join(struct.pack("=I", int(words[start : start + 8], 16)) for start in range(0, len(words), 8))
    return socket.inet_ntop(socket.AF_INET if len(memory) == 4 else socket.AF_INET6, memory)


def parse_in_use(text: str) -> dict[str, int]:
    """How many sockets there are, by what sockstat calls their protocols: TCP, UDP6, and others."""
    return {name: int(number) for name, number in _IN_USE.findall(text)}
