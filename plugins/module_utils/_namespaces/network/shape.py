# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What is asked of a network namespace, in the shape of the options that ask it."""

from __future__ import annotations

import json
import typing as t

from .model import ANY_TABLE, SELECTORS, TABLES, V4, LinkWish, Peer, Request, RouteWish, RuleWish
from .parse import METRICS, TABLE_OF_TYPE, UNICAST

Options = t.Dict[str, t.Any]


def options_of(request: Request) -> Options:
    """The options that parse() makes this of, without those that are as by default; only up is always said."""
    return _without_empty(
        {
            "links": [_link(wish) for wish in request.links],
            "routes": [_route(wish) for wish in request.routes],
            "rules": [_rule(wish) for wish in request.rules],
            "sysctls": dict(request.sysctls),
            "purge": sorted(request.purge),
        }
    )


def sayable(options: Options) -> tuple[Options, list[str]]:
    """What of these a task can give, and the rest in words: a name that is not UTF-8 gets through no JSON."""
    said: Options = {}
    unsaid: list[str] = []
    for option, value in options.items():
        said[option] = value
        if isinstance(value, list):
            said[option] = [item for item in value if _is_text(item)]
            unsaid += [f"{option}: {json.dumps(item)}" for item in value if not _is_text(item)]
    return _without_empty(said), unsaid


def _is_text(item: t.Any) -> bool:
    try:
        json.dumps(item, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _link(wish: LinkWish) -> Options:
    shape: Options = {
        "name": wish.name,
        "type": wish.type,
        "state": "outside" if wish.outside else _state(wish.absent),
        "addresses": _addresses(wish.addresses, wish.without),
        "mtu": wish.mtu,
        "mac": wish.mac,
        "up": wish.up,
        "options": dict(wish.options),
        "peer": None if wish.peer is None else _peer(wish.peer),
    }
    return {**_without_empty(shape), **_master(wish.master)}


def _peer(peer: Peer) -> Options:
    shape = _without_empty(
        {
            "name": peer.name,
            "namespace": peer.namespace,
            "addresses": _addresses(peer.addresses, peer.absent),
            "up": peer.up,
        }
    )
    return {**shape, **_master(peer.master)}


def _master(master: str | None) -> Options:
    """Empty is no port of any, and not as by default."""
    return {} if master is None else {"master": master}


def _addresses(present: t.Iterable[str], absent: t.Iterable[str]) -> list[t.Any]:
    return [*present, *({"address": address, "state": "absent"} for address in absent)]


def _route(wish: RouteWish) -> Options:
    route = wish.route
    return _without_empty(
        {
            "dst": route.dst,
            "via": route.via,
            "dev": route.dev,
            "src": route.src,
            "table": _unless(route.table, TABLE_OF_TYPE.get(route.type, TABLES["main"])),
            "metric": _unless(route.metric, METRICS[route.family]),
            "type": _unless(route.type, UNICAST),
            "state": _state(wish.absent),
        }
    )


def _rule(wish: RuleWish) -> Options:
    rule = wish.rule
    shape = _without_empty(
        {
            "family": _unless(rule.family, V4),
            "priority": rule.priority,
            "table": _unless(rule.table, ANY_TABLE),
            "state": _state(wish.absent),
        }
    )
    selectors = {option: getattr(rule, field) for option, field in SELECTORS.items() if field not in wish.open}
    # Of one that is absent, what is not said may be anything.
    return {**shape, **(selectors if wish.absent else _without_empty(selectors))}


def _state(absent: bool) -> str | None:
    return "absent" if absent else None


def _unless(value: t.Any, default: t.Any) -> t.Any:
    return None if value == default else value


def _without_empty(shape: Options) -> Options:
    return {name: value for name, value in shape.items() if value not in (None, "", [], {})}
