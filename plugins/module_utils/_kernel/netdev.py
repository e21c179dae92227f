# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Network devices of the caller's network namespace, by what the kernel's own headers say."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import socket
import struct
import typing as t

from . import rtnetlink

IFF_UP = 0x1
ARPHRD_LOOPBACK = 772

_SIOCGIFFLAGS = 0x8913
_SIOCSIFFLAGS = 0x8914
_SIOCGSKNS = 0x894C
_IFREQ = "16sH22x"

_IFINFOMSG = struct.Struct("=BBHiII")
_RTGENMSG_BYTES = 4
_IFLA_IFNAME = 3
_IFLA_LINKINFO = 18
_IFLA_INFO_KIND = 1
_NETNSA_NSID = 1
_NETNSA_FD = 3
_NSID_NOT_ASSIGNED = -1

LOOPBACK = "loopback"
PHYSICAL = "physical"


class Link(t.NamedTuple):
    """A device, as ip-link(8) calls its kind, or LOOPBACK, or PHYSICAL for what no software made; whether it is up."""

    name: str
    kind: str
    up: bool


def is_up(name: str) -> bool:
    """Whether a device is set up. Source: netdevice(7), SIOCGIFFLAGS. Raises OSError."""
    with _control() as control:
        return bool(_flags(control, name) & IFF_UP)


def set_up(name: str, up: bool = True) -> None:
    """Set a device up or down. Source: netdevice(7), SIOCSIFFLAGS. Raises OSError."""
    with _control() as control:
        flags = _flags(control, name) & ~IFF_UP | (IFF_UP if up else 0)
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack(_IFREQ, name.encode(), flags))


def open_network_of(fd: int) -> int:
    """Open the network namespace that a socket, or a device of tun, belongs to.

    Source: linux/sockios.h, SIOCGSKNS. Raises OSError: EPERM without CAP_NET_ADMIN there, ENOTTY for what is neither.
    """
    return fcntl.ioctl(fd, _SIOCGSKNS)


def physical() -> list[str]:
    """The devices that no software made. When the namespace ends they go back to the initial one, others are destroyed.

    Raises OSError.
    """
    return [link.name for link in links() if link.kind == PHYSICAL]


def links() -> t.Generator[Link, None, None]:
    """All devices. The kernel gives the namespace of a peer an id here, if it has none yet, as for any ip-link(8).

    Source: rtnetlink(7), RTM_GETLINK. Raises OSError.
    """
    for message in rtnetlink.ask(rtnetlink.RTM_GETLINK, bytes(_IFINFOMSG.size), dump=True):
        link = parse_link(message.content) if message.kind == rtnetlink.RTM_NEWLINK else None
        if link is not None:
            yield link


def indices_at(route: socket.socket, steady: bool = True) -> dict[str, int]:
    """The indices of the devices in the namespace that the socket is of, by name; steady as of list_at().

    Raises OSError.
    """
    return _indices(rtnetlink.list_at(route, rtnetlink.RTM_GETLINK, bytes(_IFINFOMSG.size), steady))


def index_at(route: socket.socket, name: str) -> int | None:
    """The same of the device of one name, which is not an alternative one; None where there is none.

    Raises OSError.
    """
    wanted = rtnetlink.attribute(_IFLA_IFNAME, name.encode("utf-8", "surrogateescape") + b"\0")
    try:
        found = _indices(rtnetlink.ask_at(route, rtnetlink.RTM_GETLINK, bytes(_IFINFOMSG.size) + wanted))
    except OSError as error:
        if error.errno == errno.ENODEV:
            return None
        raise
    return found.get(name)


def _indices(messages: t.Iterable[rtnetlink.Message]) -> dict[str, int]:
    found = {}
    for message in messages:
        if message.kind == rtnetlink.RTM_NEWLINK and len(message.content) >= _IFINFOMSG.size:
            attributes = dict(rtnetlink.attributes(message.content[_IFINFOMSG.size :]))
            found[_text(attributes.get(_IFLA_IFNAME, b""))] = _IFINFOMSG.unpack_from(message.content)[3]
    return found


def parse_link(content: bytes) -> Link | None:
    """The device in a message of the kernel; None where it has no name, or is no such message."""
    if len(content) < _IFINFOMSG.size:
        return None
    _family, _pad, hardware, _index, flags, _change = _IFINFOMSG.unpack_from(content)
    attributes = dict(rtnetlink.attributes(content[_IFINFOMSG.size :]))
    name = _text(attributes.get(_IFLA_IFNAME, b""))
    # One that is a port of a bridge has the info of that alone.
    kind = _text(dict(rtnetlink.attributes(attributes.get(_IFLA_LINKINFO, b""))).get(_IFLA_INFO_KIND, b""))
    if hardware == ARPHRD_LOOPBACK:
        kind = LOOPBACK
    return Link(name, kind or PHYSICAL, bool(flags & IFF_UP)) if name else None


def netnsid(fd: int) -> int | None:
    """The id that an open network namespace has in the caller's; None where it was given none.

    Source: linux/net_namespace.h, RTM_GETNSID. Raises OSError; EINVAL for what is no network namespace.
    """
    with rtnetlink.open_route() as route:
        return netnsid_at(route, fd)


def netnsid_at(route: socket.socket, fd: int) -> int | None:
    """The same in the namespace that the socket is of."""
    request = bytes(_RTGENMSG_BYTES) + rtnetlink.attribute(_NETNSA_FD, struct.pack("=I", fd))
    for message in rtnetlink.ask_at(route, rtnetlink.RTM_GETNSID, request):
        if message.kind == rtnetlink.RTM_NEWNSID:
            return parse_netnsid(message.content)
    return None


def parse_netnsid(content: bytes) -> int | None:
    """The id in a message of the kernel, if there is one."""
    value = dict(rtnetlink.attributes(content[_RTGENMSG_BYTES:])).get(_NETNSA_NSID, b"")
    if len(value) != 4:
        return None
    number: int = struct.unpack("=i", value)[0]
    return None if number == _NSID_NOT_ASSIGNED else number


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "surrogateescape")


@contextlib.contextmanager
def _control() -> t.Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as control:
        yield control


def _flags(control: socket.socket, name: str) -> int:
    flags: int = struct.unpack(_IFREQ, fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack(_IFREQ, name.encode(), 0)))[1]
    return flags
