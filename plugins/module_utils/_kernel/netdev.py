# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Network devices of the caller's network namespace, by what the kernel's own headers say."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
import typing as t

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_SIOCGSKNS = 0x894C
_IFF_UP = 0x1
_IFREQ = "16sH22x"

_RTM_GETLINK = 18
_NLM_F_REQUEST_DUMP = 0x301
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_HEADER = "=IHHII"
_IFINFOMSG = "=BBHiII"
_ATTRIBUTE = "=HH"
_IFLA_IFNAME = 3
_IFLA_LINKINFO = 18
_ARPHRD_LOOPBACK = 772
_MESSAGE_BYTES = 1 << 16


def is_up(name: str) -> bool:
    """Whether a device is set up. Source: netdevice(7), SIOCGIFFLAGS. Raises OSError."""
    with _control() as control:
        return bool(_flags(control, name) & _IFF_UP)


def set_up(name: str, up: bool = True) -> None:
    """Set a device up or down. Source: netdevice(7), SIOCSIFFLAGS. Raises OSError."""
    with _control() as control:
        flags = _flags(control, name) & ~_IFF_UP | (_IFF_UP if up else 0)
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack(_IFREQ, name.encode(), flags))


def open_network_of(fd: int) -> int:
    """Open the network namespace that a socket, or a device of tun, belongs to.

    Source: linux/sockios.h, SIOCGSKNS. Raises OSError: EPERM without CAP_NET_ADMIN there, ENOTTY for what is neither.
    """
    return fcntl.ioctl(fd, _SIOCGSKNS)


def physical() -> list[str]:
    """The devices that no software made. When the namespace ends they go back to the initial one, others are destroyed.

    Source: rtnetlink(7), RTM_GETLINK; IFLA_LINKINFO is there for what has a kind. Raises OSError.
    """
    request = struct.pack(_HEADER, 16 + 16, _RTM_GETLINK, _NLM_F_REQUEST_DUMP, 1, 0) + bytes(16)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as route:
        route.sendto(request, (0, 0))
        return [name for name, kind, has_info in _links(route) if kind != _ARPHRD_LOOPBACK and not has_info]


def _links(route: socket.socket) -> t.Iterator[tuple[str, int, bool]]:
    """Name, ARPHRD_* type and whether there is IFLA_LINKINFO, of each device in the answer to a dump."""
    while True:
        answer = route.recv(_MESSAGE_BYTES)
        start = 0
        while start < len(answer):
            length, kind, _flag, _sequence, _port = struct.unpack_from(_HEADER, answer, start)
            if kind == _NLMSG_DONE:
                return
            if kind == _NLMSG_ERROR:
                code = -struct.unpack_from("=i", answer, start + 16)[0]
                raise OSError(code, os.strerror(code))
            message = answer[start + 16 : start + length]
            attributes = dict(_attributes(message[16:]))
            name = attributes.get(_IFLA_IFNAME, b"").rstrip(b"\0").decode(errors="replace")
            yield name, struct.unpack_from(_IFINFOMSG, message)[2], _IFLA_LINKINFO in attributes
            start += _aligned(length)


def _attributes(content: bytes) -> t.Iterator[tuple[int, bytes]]:
    start = 0
    while start + 4 <= len(content):
        length, kind = struct.unpack_from(_ATTRIBUTE, content, start)
        if length < 4:
            return
        yield kind & 0x3FFF, content[start + 4 : start + length]
        start += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3


@contextlib.contextmanager
def _control() -> t.Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
        yield control


def _flags(control: socket.socket, name: str) -> int:
    flags: int = struct.unpack(_IFREQ, fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack(_IFREQ, name.encode(), 0)))[1]
    return flags
