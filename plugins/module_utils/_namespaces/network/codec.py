# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Messages of rtnetlink(7) as pyroute2 has them, and the numbers that are both sent and told.

This is the only place that imports pyroute2. Of it these are the classes of messages alone, which are the same in 0.7.2
and in the newest. How it sends and receives is not: to carry a request to the kernel is the business of the kernel
floor.
"""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import sys
import traceback
import typing as t

from ..._kernel import rtnetlink
from .model import V4, V6

MISSING: str | None = None
"""Why there is no pyroute2, as Python tells it."""


@contextlib.contextmanager
def _not_executed(package: str) -> t.Iterator[None]:
    """Import modules of a package without all that the package imports itself, which takes a fifth of a second."""
    spec = None if package in sys.modules else importlib.util.find_spec(package)
    if spec is None:
        yield
        return
    sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        yield
    finally:
        # Who imports the package later gets the whole of it.
        del sys.modules[package]


try:
    if sys.version_info < (3, 9):
        raise ImportError("pyroute2 is not tried with a Python before 3.9")
    with _not_executed("pyroute2"):
        from pyroute2.netlink.rtnl.fibmsg import fibmsg
        from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
        from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
        from pyroute2.netlink.rtnl.rtmsg import rtmsg
    _CLASSES = {
        rtnetlink.RTM_NEWLINK: ifinfmsg,
        rtnetlink.RTM_NEWADDR: ifaddrmsg,
        rtnetlink.RTM_NEWROUTE: rtmsg,
        rtnetlink.RTM_NEWRULE: fibmsg,
    }
except ImportError:
    MISSING = traceback.format_exc()

SCOPES = {"local": 254, "unicast": 253}
"""Of routes without a gateway; the first is that of addresses of the loopback too."""
TYPES = {"unicast": 1, "local": 2, "blackhole": 6, "unreachable": 7, "prohibit": 8, "throw": 9}
FR_ACT_TO_TBL = 1
WHOLE_MARK = 0xFFFFFFFF
FAMILIES = {V4: socket.AF_INET, V6: socket.AF_INET6}
ANY = {V4: "default", V6: "::/0"}
_HEADER_BYTES = 16


def scope_of(address: t.Any) -> int:
    """What a task gives an address."""
    return SCOPES["local"] if address.is_loopback else 0


def blank(kind: int) -> t.Any:
    """A new message about links, addresses, routes or rules. kind: any RTM_* number of theirs."""
    return _class_of(kind)()


def encoded(message: t.Any) -> bytes:
    """What comes after the header."""
    message.encode()
    return bytes(message.data)[_HEADER_BYTES:]


def decoded(message: rtnetlink.Message) -> t.Any:
    """A message of the kernel about one of these."""
    length = _HEADER_BYTES + len(message.content)
    found = _class_of(message.kind)(length.to_bytes(4, sys.byteorder) + bytes(_HEADER_BYTES - 4) + message.content)
    found.decode()
    return found


class Attributes:
    """Of a message: each is taken apart when it is looked at, and most of a link, as statistics, never is."""

    def __init__(self, message: t.Any) -> None:
        self._items = {item[0]: item for item in message["attrs"]}

    def __contains__(self, name: str) -> bool:
        return name in self._items

    def __getitem__(self, name: str) -> t.Any:
        return self._items[name][1]

    def get(self, name: str, default: t.Any = None) -> t.Any:
        """Its value; the default where there is none."""
        return self._items[name][1] if name in self._items else default


def _class_of(kind: int) -> t.Any:
    """Four numbers are about the same: RTM_NEW*, RTM_DEL*, RTM_GET*, RTM_SET*."""
    return _CLASSES[kind & ~3]
