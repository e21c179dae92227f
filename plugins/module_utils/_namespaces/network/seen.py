# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What the network namespace of the caller contains, whoever made it, as plain values that JSON can carry."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
import typing as t

from ..._kernel import rtnetlink
from . import decode, encode
from .model import Route, Rule

Values = t.Dict[str, t.Any]
Shaped = t.Callable[[rtnetlink.Message], t.Any]

MOST = 1000
"""Of links, addresses, routes and rules so many are told each."""
MOST_COUNTED = 100000
"""So many of each are looked at."""
UNCLEAR = "unclear"

_FAMILIES = (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6)
"""What each message begins with; of links that is none."""
_SECONDS = 5
"""To take messages apart; what comes later is only counted."""


def everything() -> Values:
    """Lists of what there is. Raises OSError.

    links: each a list of its index, the index of the link that it is upon or of its peer, the id of the network
    namespace where that is (None for this one), and the link. addresses: each a list of the index of its link, and the
    address. routes, rules. links, addresses, routes and rules are in the shape of the options of ns_network, with
    kernel and beyond where that is so. links_more and so on: how many more there are at least. unclear: how many were
    not understood, if any.
    """
    names = dict(socket.if_nameindex())
    until = time.monotonic() + _SECONDS
    found: Values = {}
    for key, asked, told, shaped in (
        ("links", rtnetlink.RTM_GETLINK, rtnetlink.RTM_NEWLINK, lambda message: _link(message, names)),
        ("addresses", rtnetlink.RTM_GETADDR, rtnetlink.RTM_NEWADDR, _address),
        ("routes", rtnetlink.RTM_GETROUTE, rtnetlink.RTM_NEWROUTE, lambda message: _route(message, names)),
        ("rules", rtnetlink.RTM_GETRULE, rtnetlink.RTM_NEWRULE, _rule),
    ):
        found[key], more, unclear = _some(asked, told, shaped, until)
        if more:
            found[f"{key}_more"] = more
        if unclear:
            found[UNCLEAR] = found.get(UNCLEAR, 0) + unclear
    return found


def _some(asked: int, told: int, shaped: Shaped, until: float) -> tuple[list[t.Any], int, int]:
    """What was told until then, how many more there are, and how many were not understood."""
    items: list[t.Any] = []
    more = unclear = 0
    with contextlib.closing(rtnetlink.ask(asked, encode.everything(asked), dump=True)) as answers:
        for message in itertools.islice(answers, MOST_COUNTED):
            if message.kind != told or message.content[0] not in _FAMILIES:
                continue
            if len(items) == MOST or time.monotonic() >= until:
                more += 1
                continue
            try:
                item = shaped(message)
            except Exception:  # noqa: BLE001 - who made it may have meant pyroute2 to fail: the others are told
                unclear += 1
            else:
                items += [] if item is None else [item]
    return items, more, unclear


def _link(message: rtnetlink.Message, names: t.Mapping[int, str]) -> list[t.Any]:
    raw = decode.link_in(message)
    link = raw.link
    shape = {
        "name": link.name,
        "type": link.type,
        "up": link.up,
        "mtu": link.mtu,
        **_given(mac=link.mac, master=names.get(raw.master, ""), options=dict(link.options)),
    }
    return [link.number, raw.other, raw.namespace, shape]


def _address(message: rtnetlink.Message) -> list[t.Any] | None:
    found = decode.address_in(message)
    if found is None:
        return None
    return [found.number, {"address": found.text, **_given(kernel=found.automatic, beyond=found.beyond)}]


def _route(message: rtnetlink.Message, names: t.Mapping[int, str]) -> Values | None:
    found: Route | None = decode.any_route_in(message, names)
    if found is None:
        return None
    return {
        "dst": found.dst,
        "table": found.table,
        "metric": found.metric,
        "type": found.type,
        **_given(via=found.via, dev=found.dev, src=found.src, kernel=found.automatic, beyond=found.beyond),
    }


def _rule(message: rtnetlink.Message) -> Values | None:
    found: Rule | None = decode.any_rule_in(message)
    if found is None:
        return None
    return {
        "family": found.family,
        "priority": found.priority,
        "table": found.table,
        **_given(**{"from": found.src}, to=found.dst, iif=found.iif, oif=found.oif),
        **_given(fwmark=found.fwmark, kernel=found.automatic, beyond=found.beyond),
    }


def _given(**values: t.Any) -> Values:
    return {name: value for name, value in values.items() if value}
