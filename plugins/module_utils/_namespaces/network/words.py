# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""Links, routes and rules in the words of ip(8)."""

from __future__ import annotations

import typing as t

from .model import LinkWish, Peer, Route, Rule, Value

_TABLES = {255: "local", 254: "main", 253: "default"}


def of_route(route: Route) -> str:
    """As ip-route(8) takes it."""
    parts = [] if route.type == "unicast" else [route.type]
    parts.append(route.dst)
    parts += [
        f"{word} {value}" for word, value in (("via", route.via), ("dev", route.dev), ("src", route.src)) if value
    ]
    if route.table != 254:
        parts.append(f"table {_table(route.table)}")
    if route.metric:
        parts.append(f"metric {route.metric}")
    return " ".join(parts)


def of_rule(rule: Rule) -> str:
    """As ip-rule(8) takes it."""
    parts = [] if rule.priority is None else [f"priority {rule.priority}"]
    given = (
        ("from", rule.src or "all"),
        ("to", rule.dst),
        ("fwmark", rule.fwmark),
        ("iif", rule.iif),
        ("oif", rule.oif),
    )
    parts += [f"{word} {value}" for word, value in given if value]
    return " ".join([*parts, f"lookup {_table(rule.table)}"])


def of_new_link(wish: LinkWish) -> str:
    """As ip-link(8) takes it after "link add"."""
    return " ".join([wish.name, f"type {wish.type}", *_of_options(wish.options), *_of_peer(wish.peer)])


def of_options(options: t.Mapping[str, Value]) -> str:
    """As ip-link(8) takes them after the type."""
    return " ".join(_of_options(options))


def _of_peer(peer: Peer | None) -> list[str]:
    if peer is None:
        return []
    return [f"peer name {peer.name}", *([f"netns {peer.namespace}"] if peer.namespace else [])]


def _of_options(options: t.Mapping[str, Value]) -> t.Iterator[str]:
    for name, value in options.items():
        yield f"{name} {int(value) if isinstance(value, bool) else value}"


def _table(number: int) -> str:
    """A routing table, by its name where all hosts have the same."""
    return _TABLES.get(number, str(number))
