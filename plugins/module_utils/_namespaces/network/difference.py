# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""What to ask for so that a network namespace becomes again what it was."""

from __future__ import annotations

import typing as t

from . import words
from .draft import Plan, Touched
from .link_types import BORROWED_MAC, LINK_NAMESPACE, LINK_TYPES
from .model import ANY_TABLE, PHYSICAL, Link, LinkWish, Peer, Request, RouteWish, RuleWish, State


def difference(old: State, new: State, request: Request, touched: Touched, inside: str) -> Request:
    """The request that leads from the new state back to the old one, as far as a task has touched it.

    request: what led from the old one to the new one. inside: how the namespace that was changed is called.
    """
    wishes = {wish.name: wish for wish in request.links}
    return Request(
        links=tuple(_links(old, new, wishes, touched, inside)),
        routes=tuple(_routes(old, new, touched)),
        rules=tuple(_rules(old, new, touched)),
        sysctls={name: value for name, value in old.sysctls.items() if new.sysctls.get(name) != value},
    )


def can_come_back(link: Link) -> bool:
    """Whether a task could make it again: it has to be known where its other end was, or the one that it was upon."""
    if link.type == "veth":
        return link.peer is not None and link.peer.namespace is not None
    if link.type == PHYSICAL:
        return True
    known = LINK_TYPES.get(link.type)
    if known is None or (LINK_NAMESPACE in link.options and LINK_NAMESPACE not in known):
        return False
    return all(name in link.options for name, option in known.items() if option.needed)


def as_taken(link: Link, wish: LinkWish | None) -> Link:
    """The link as a task takes it: of whatever type it is, one that is moved is never made."""
    if wish is not None and (wish.type == PHYSICAL or wish.outside):
        return link._replace(type=PHYSICAL, options={}, peer=None)
    return link


def gone_for_good(old: State, new: State, request: Request, touched: Touched) -> list[str]:
    """What is there no more and no task could make again, in words."""
    wishes = {wish.name: wish for wish in request.links}
    gone = [
        f"{link.name}, of type {link.type}"
        for link in old.links.values()
        if link.name not in new.links and not can_come_back(as_taken(link, wishes.get(link.name)))
    ]
    gone += [
        f"the route {words.of_route(route)}, with {route.beyond}"
        for route in old.routes.values()
        # With several next hops it has no link of its own: whatever took it away.
        if route.beyond and route.key not in new.routes
    ]
    gone += [
        f"the rule {words.of_rule(rule)}, with {rule.beyond}"
        for rule in old.rules
        if rule.beyond and rule.selector in touched.rules and rule not in new.rules
    ]
    return gone


def lost(planned: Plan, now: State, inside: str) -> Request:
    """The addresses and routes that the kernel has taken away although they were to stay; of peers the addresses."""
    links = []
    touched = planned.touched.links & set(now.links)
    for name, expected in planned.after.links.items():
        if name not in touched:
            continue
        there = now.links[name]
        missing, peer = _missing(expected.addresses, there.addresses), None
        if expected.peer is not None and there.peer is not None and there.peer.namespace not in (None, inside):
            theirs = _missing(expected.peer.addresses, there.peer.addresses)
            peer = Peer(there.peer.name, there.peer.namespace, theirs) if theirs else None
        if missing or peer is not None:
            links.append(LinkWish(name, addresses=missing, peer=peer))
    routes = [
        RouteWish(route)
        for route in planned.after.routes.values()
        if route.key not in now.routes and not route.beyond and route.dev in touched
    ]
    return Request(links=tuple(links), routes=tuple(routes))


def _links(
    old: State, new: State, wishes: t.Mapping[str, LinkWish], touched: Touched, inside: str
) -> t.Iterator[LinkWish]:
    for name in (*new.links, *(name for name in old.links if name not in new.links)):
        if name not in touched.links:
            continue
        before, after = old.links.get(name), new.links.get(name)
        if after is None and before is not None:
            taken = as_taken(before, wishes.get(name))
            if can_come_back(taken):
                yield _whole(taken, inside)
        elif before is None and after is not None:
            yield _moved_out(old.outside[name]) if name in old.outside else LinkWish(name, after.type, absent=True)
        elif before is not None and after is not None and before != after:
            yield _changed(before, after, wishes.get(name, LinkWish(name)), inside)


def _moved_out(link: Link) -> LinkWish:
    """link: as it was where the task runs. Who is inside may have put one of another type in its place."""
    return LinkWish(
        link.name,
        link.type if link.type in (*LINK_TYPES, PHYSICAL) else None,
        absent=True,
        outside=link.type != PHYSICAL,
        mtu=link.mtu,
        mac=link.mac or None,
        up=link.up,
    )


def _whole(link: Link, inside: str) -> LinkWish:
    known = LINK_TYPES.get(link.type, {})
    peer = link.peer
    if peer is not None and peer.namespace == inside:
        peer = Peer(peer.name, inside, up=None)
    elif peer is not None:
        peer = peer._replace(master=peer.master or None)
    return LinkWish(
        link.name,
        link.type,
        addresses=link.addresses,
        mtu=link.mtu,
        mac=None if link.type in BORROWED_MAC else link.mac or None,
        up=link.up,
        master=link.master,
        options={name: value for name, value in link.options.items() if name in known and value != known[name].default},
        peer=peer,
    )


def _changed(before: Link, after: Link, wish: LinkWish, inside: str) -> LinkWish:
    """What the kernel changed by itself, as the address of a bridge, is its business; it changes no master."""
    asked = {
        name: getattr(before, name)
        for name in ("mtu", "mac", "master")
        if (name == "master" or getattr(wish, name) is not None) and getattr(before, name) != getattr(after, name)
    }
    peer = None
    was, now = before.peer, after.peer
    if was is not None and now is not None and was != now and was.namespace not in (None, inside):
        peer = was._replace(
            addresses=_missing(was.addresses, now.addresses), absent=_missing(now.addresses, was.addresses)
        )
    options = {
        name: before.options[name]
        for name in wish.options
        if name in before.options and before.options[name] != after.options.get(name)
    }
    return LinkWish(
        before.name,
        # Options and peers are those of a type.
        type=before.type if options or peer else None,
        addresses=_missing(before.addresses, after.addresses),
        without=_missing(after.addresses, before.addresses),
        up=before.up,
        options=options,
        peer=peer,
        **asked,
    )


def _missing(of: tuple[str, ...], there: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(item for item in of if item not in there)


def _routes(old: State, new: State, touched: Touched) -> t.Iterator[RouteWish]:
    for key in sorted(touched.routes):
        before, after = old.routes.get(key), new.routes.get(key)
        if before is not None and before != after and not before.beyond:
            yield RouteWish(before)
        elif before is None and after is not None:
            yield RouteWish(after, absent=True)


def _rules(old: State, new: State, touched: Touched) -> t.Iterator[RuleWish]:
    gone = [rule for rule in old.rules if rule.selector in touched.rules and rule not in new.rules and not rule.beyond]
    # What is not said of the same place would be replaced.
    places = {rule._replace(table=ANY_TABLE) for rule in gone}
    for rule in old.rules:
        if rule in gone or (rule in new.rules and rule._replace(table=ANY_TABLE) in places):
            yield RuleWish(rule)
    for rule in new.rules:
        if rule.selector in touched.rules and rule not in old.rules:
            yield RuleWish(rule, absent=True)
