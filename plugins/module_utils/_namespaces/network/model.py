# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What a network namespace contains, and what a task asks of it.

Addresses are texts as of the module ipaddress: 10.0.0.1/24 for one of a link, 10.0.0.0/24, default (of IPv4) and ::/0
for the destination of a route. The same thing is always the same text.
"""

from __future__ import annotations

import typing as t

V4, V6 = "ipv4", "ipv6"

PHYSICAL = "physical"
"""The type of a link that no software made, or that a task takes as it is: it is moved and never made."""

UNKNOWN = "unknown"
"""The type of a link of which the kernel tells neither what software made it nor what device it belongs to."""

ANY_TABLE = 0
"""The table of a rule that shall not be there, whichever it leads to."""

TABLES = {"default": 253, "main": 254, "local": 255}
"""The routing tables that have the same name on all hosts."""

WAYLESS = ("blackhole", "unreachable", "prohibit", "throw")
"""The types of routes that lead nowhere."""

PURGEABLE = ("links", "addresses", "routes", "rules")

Value = t.Union[bool, int, str]


class Peer(t.NamedTuple):
    """The other end of a veth: of one that is there, or (where something is None) as it is asked for."""

    name: str
    namespace: str | None
    """A set, or the path of a handle; empty where the task runs. None: it is there, where nothing tells its name."""
    addresses: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    """Addresses that it shall not have."""
    up: bool | None = None
    master: str | None = None
    """The link that it is a port of where it is, empty for none."""


class Link(t.NamedTuple):
    """A link that is there."""

    name: str
    number: int
    """Its index, 0 where it is not made yet."""
    type: str
    """As rtnetlink(7) has it (IFLA_INFO_KIND); where it has none, physical or unknown."""
    up: bool
    mtu: int
    mac: str
    master: str
    """The link that it is a port of, empty for none."""
    addresses: tuple[str, ...]
    """Those that are not of the kernel's own making."""
    options: t.Mapping[str, Value]
    """What is known of its type's options, as LINK_TYPES has them."""
    peer: Peer | None = None
    automatic: tuple[str, ...] = ()
    """The addresses that the kernel gave it: who asks for one of them has it, and they are never taken away."""
    beyond: t.Mapping[str, str] = {}
    """What addresses have that no task can ask for, in words. One with a peer is not among the addresses."""
    altnames: tuple[str, ...] = ()
    """The names that it has beside its own."""


class Route(t.NamedTuple):
    """A route. Another one of the same destination, table and metric can not be beside it."""

    dst: str
    table: int
    metric: int
    via: str = ""
    dev: str = ""
    src: str = ""
    type: str = "unicast"
    beyond: str = ""
    """What it has that no task can ask for, in words."""
    needs_more: bool = False
    """Whether some of that would have to be named to remove it."""
    automatic: bool = False
    """Whether the kernel made it, or what a router told it."""

    @property
    def key(self) -> tuple[str, int, int]:
        """What there is only one of."""
        return self.dst, self.table, self.metric

    @property
    def family(self) -> str:
        """ipv4 or ipv6."""
        return V6 if ":" in self.dst else V4


class Rule(t.NamedTuple):
    """A rule of policy routing; empty is any. priority: None where the kernel may choose."""

    family: str
    priority: int | None
    src: str
    dst: str
    iif: str
    oif: str
    fwmark: str
    """A number, or number/mask."""
    table: int
    beyond: str = ""
    automatic: bool = False
    """Whether the kernel made it."""

    @property
    def selector(self) -> tuple[str | int, ...]:
        """All but the priority."""
        return self.family, self.src, self.dst, self.iif, self.oif, self.fwmark, self.table, self.beyond


class State(t.NamedTuple):
    """What there is. What the kernel made by itself is left out, but for the links."""

    links: dict[str, Link]
    routes: dict[tuple[str, int, int], Route]
    rules: list[Rule]
    sysctls: dict[str, str]
    """Of those that a task names."""
    outside: t.Mapping[str, Link] = {}
    """The links where the task runs that it moves here."""
    in_use: t.Mapping[str, str] = {}
    """What some of those are needed for there, in words."""


class LinkWish(t.NamedTuple):
    """What a link shall be; None is whatever it is."""

    name: str
    type: str | None = None
    absent: bool = False
    outside: bool = False
    """Of one that is absent: whether it is moved to where the task runs, of whatever type it is."""
    addresses: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    """Addresses that it shall not have."""
    mtu: int | None = None
    mac: str | None = None
    up: bool | None = None
    master: str | None = None
    options: t.Mapping[str, Value] = {}
    peer: Peer | None = None


class RouteWish(t.NamedTuple):
    """A route that shall be there, or shall not: then what is not its key is not looked at."""

    route: Route
    absent: bool = False


SELECTORS = {"from": "src", "to": "dst", "iif": "iif", "oif": "oif", "fwmark": "fwmark"}
"""What of a packet a rule looks at: the options, and the fields that they are in."""


class RuleWish(t.NamedTuple):
    """A rule that shall be there, or shall not."""

    rule: Rule
    absent: bool = False
    open: tuple[str, ...] = ()
    """Of one that shall not be there: which of its SELECTORS may be anything."""


class Request(t.NamedTuple):
    """What a task asks."""

    links: tuple[LinkWish, ...] = ()
    routes: tuple[RouteWish, ...] = ()
    rules: tuple[RuleWish, ...] = ()
    sysctls: t.Mapping[str, str] = {}
    purge: frozenset[str] = frozenset()
