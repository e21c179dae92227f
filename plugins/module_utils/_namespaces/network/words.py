# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""Links, routes and rules in the words of ip(8)."""

from __future__ import annotations

import typing as t

from .link_types import LINK, LINK_NAMESPACE
from .model import TABLES, LinkWish, Peer, Route, Rule, Value

_TABLE_NAMES = {number: name for name, number in TABLES.items()}


def of_route(route: Route) -> str:
    """As ip-route(8) takes it."""
    parts = [] if route.type == "unicast" else [route.type]
    parts.append(route.dst)
    parts += [
        f"{word} {value}" for word, value in (("via", route.via), ("dev", route.dev), ("src", route.src)) if value
    ]
    if route.table != TABLES["main"]:
        parts.append(f"table {table(route.table)}")
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
    return " ".join([*parts, f"lookup {table(rule.table)}"])


def of_new_link(wish: LinkWish, name: str, inside: str) -> str:
    """As ip-link(8) takes it after "link add". inside: the name of the namespace where the link shall be."""
    options = dict(wish.options)
    upon = []
    if LINK in options and wish.type != "vxlan":
        upon.append(f"link {options.pop(LINK)}")
    if options.pop(LINK_NAMESPACE, None) is not None:
        upon.append(f"netns {of_namespace(inside)}")
    return " ".join([name, *upon, f"type {wish.type}", *_of_options(options), *_of_peer(wish.peer)])


def of_namespace(name: str) -> str:
    """As it follows "netns"."""
    return name or "(where the task runs)"


def of_options(options: t.Mapping[str, Value]) -> str:
    """As ip-link(8) takes them after the type."""
    return " ".join(_of_options(options))


def _of_peer(peer: Peer | None) -> list[str]:
    if peer is None:
        return []
    return [f"peer name {peer.name}", *([f"netns {peer.namespace}"] if peer.namespace else [])]


def _of_options(options: t.Mapping[str, Value]) -> t.Iterator[str]:
    for name, value in options.items():
        # A vxlan alone has the link among its options, and ip-link(8) calls it so there.
        yield f"{'dev' if name == LINK else name} {int(value) if isinstance(value, bool) else value}"


def table(number: int) -> str:
    """A routing table, by its name where all hosts have the same."""
    return _TABLE_NAMES.get(number, str(number))
