# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""What there is to do so that a network namespace becomes what is asked, step by step.

Things are taken away before others are made, each in the order in which they stand on one another.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ..._kernel import rtnetlink
from ..errors import NamespaceError
from . import encode, plan_links, sysctls, words
from .draft import Draft, Message, Plan, Step, refuse_beyond
from .model import ANY_TABLE, V6, Link, Request, Route, Rule, RuleWish, State


def plan(state: State, request: Request, inside: str, around: t.Callable[[str, str], Link | None]) -> Plan:
    """The steps from the state to the request.

    inside: how the namespace that is changed is called. around: a link of another namespace, by the names of both.
    Raises NamespaceError for what can not become what is asked: another type, a peer that is another one, a name that
    is taken, what a task could not bring back.
    """
    draft = Draft(state, request, inside, around)
    plan_links.take_in(draft)
    _remove_rules(draft)
    _remove_routes(draft)
    plan_links.remove_addresses(draft)
    plan_links.remove_links(draft)
    plan_links.make_links(draft)
    _set_sysctls(draft)
    present = plan_links.lower_first(draft, [wish for wish in draft.wishes.values() if not wish.absent])
    for work in (plan_links.configure, plan_links.configure_peer, plan_links.add_addresses):
        for wish in present:
            work(draft, wish)
    _forget_lost_routes(draft, state)
    _set_routes(draft, state)
    _add_rules(draft)
    return draft.finish()


def _remove_rules(draft: Draft) -> None:
    unwanted = [wish for wish in draft.request.rules if wish.absent]
    kept = [wish for wish in draft.request.rules if not wish.absent]
    for rule in [*draft.rules]:
        stays = any(_is_meant(wish, rule) for wish in kept)
        purged = "rules" in draft.request.purge and not stays
        replaced = not stays and any(wish.rule._replace(table=rule.table) == rule for wish in kept)
        if purged or replaced or any(_is_meant(wish, rule) for wish in unwanted):
            refuse_beyond(f"{'purge' if purged else 'remove'} the rule {words.of_rule(rule)}", rule.beyond)
            _refuse_shadowed(draft, rule)
            draft.rules.remove(rule)
            draft.add(
                Step(
                    f"rule del {words.of_rule(rule)}",
                    draft.inside,
                    _always(encode.rule_removed(rule)),
                ),
                rule,
            )


def _is_meant(wish: RuleWish, rule: Rule) -> bool:
    wanted = wish.rule
    names = (*wish.open, "beyond") if wish.open else ()
    anything: dict[str, t.Any] = {name: getattr(rule, name) for name in names}
    if wanted.priority is None:
        anything["priority"] = rule.priority
    if wanted.table == ANY_TABLE:
        anything["table"] = rule.table
    return wanted._replace(**anything) == rule


def _refuse_shadowed(draft: Draft, rule: Rule) -> None:
    """The kernel removes the first rule of that priority that has all that is told; it may have more."""
    told = [(name, value) for name, value in rule._asdict().items() if value and name != "beyond"]
    first = next(other for other in draft.rules if all(getattr(other, name) == value for name, value in told))
    if first != rule:
        raise NamespaceError(
            f"remove the rule {words.of_rule(rule)}",
            f"the kernel would remove {words.of_rule(first)}, with {first.beyond or 'no more'}, instead",
            "give one of them another priority",
        )


def _remove_routes(draft: Draft) -> None:
    wanted = {wish.route.key for wish in draft.request.routes if not wish.absent}
    unwanted = {wish.route.key for wish in draft.request.routes if wish.absent}
    for route in [*draft.routes.values()]:
        purged = "routes" in draft.request.purge and route.key not in wanted
        if purged:
            refuse_beyond(f"purge the route {words.of_route(route)}", route.beyond)
        if purged or route.key in unwanted:
            if route.needs_more:
                refuse_beyond(f"remove the route {words.of_route(route)}", route.beyond)
            del draft.routes[route.key]
            draft.add(
                Step(
                    f"route del {words.of_route(route)}",
                    draft.inside,
                    _always(encode.route_removed(route)),
                ),
                route,
            )


def _forget_lost_routes(draft: Draft, state: State) -> None:
    """With an address of IPv4 the kernel takes away what comes from it, and with the last one all routes of its link.

    Those that can be are made again. With one of IPv6 the routes stay, and come from another one.
    """
    poorer, bare = set(), set()
    for link in draft.links.values():
        old = state.links.get(link.name, link).addresses
        if {*old} - {*link.addresses}:
            poorer.add(link.name)
        if {*link.addresses}.isdisjoint(plan_links.of_ipv4(old)):
            bare.add(link.name)
    texts = {address.partition("/")[0] for link in draft.links.values() for address in link.addresses}
    ways = _Ways(draft)
    for route in [*draft.routes.values()]:
        if route.dev not in poorer:
            continue
        sourceless = bool(route.src) and route.src not in texts
        if route.family == V6:
            if sourceless:
                draft.routes[route.key] = route._replace(src="")
                draft.touch(route)
        elif sourceless or (route.dev in bare and route.via and not ways.lead_to(route.via)):
            draft.forget(route)


def _set_sysctls(draft: Draft) -> None:
    # Some come with a link, or with the module of its type.
    all_there = all(link.number for link in draft.links.values())
    for name, value in draft.request.sysctls.items():
        if all_there and name not in draft.sysctls:
            raise NamespaceError(f"set the sysctl {name} to {value}", *sysctls.MISSING)
        if draft.sysctls.get(name) != value:
            draft.sysctls[name] = value
            draft.add(Step(f"sysctl {name}={value}", draft.inside, None, (name, value)))
            for link in sysctls.without_ipv6(name, [*draft.links]) if value != "0" else ():
                plan_links.lose_ipv6(draft, draft.links[link])


def _set_routes(draft: Draft, state: State) -> None:
    ways = _Ways(draft)
    for wish in draft.request.routes:
        if wish.absent:
            continue
        route, there = wish.route, draft.routes.get(wish.route.key)
        if there is not None and _is_so(route, there):
            continue
        # Whether the kernel took it away with an address shows only then.
        was = state.routes.get(route.key)
        verb = "replace" if there or (was and not was.beyond) else "add"
        purpose = f"{verb} the route {words.of_route(route)}"
        if there is not None and there.beyond:
            raise NamespaceError(
                purpose,
                f"there is one already, with {there.beyond}, which could not be brought back",
                "remove that one by other means, or leave this one out",
            )
        if route.dev:
            draft.link(route.dev, purpose)
        if route.via and not ways.lead_to(route.via):
            draft.warnings.append(f"no address or route was seen that leads to {route.via}: the kernel decides on it")
        draft.routes[route.key] = route
        message = _route_message(draft.inside, route, verb == "replace")
        source = route.src if route.family == V6 else ""
        draft.add(Step(f"route {verb} {words.of_route(route)}", draft.inside, message, source=source), route)


def _always(request: rtnetlink.Request) -> Message:
    return lambda _numbers: request


def _route_message(inside: str, route: Route, replace: bool) -> Message:
    return lambda numbers: encode.route_set(route, numbers.index(inside, route.dev) if route.dev else 0, replace)


def _is_so(wanted: Route, there: Route) -> bool:
    """Where a gateway is given, the kernel finds the link."""
    return there == wanted._replace(dev=wanted.dev or there.dev if wanted.via else wanted.dev)


class _Ways:
    """The networks that links lead to, by what is planned so far."""

    def __init__(self, draft: Draft) -> None:
        texts = [item for link in draft.links.values() for item in link.addresses]
        texts += [route.dst for route in draft.routes.values() if not route.via and "/" in route.dst]
        self._networks = {ipaddress.ip_interface(text).network for text in texts}
        self._lengths = {(network.version, network.prefixlen) for network in self._networks}
        self._known: dict[str, bool] = {}

    def lead_to(self, via: str) -> bool:
        """Whether one of them has the gateway."""
        if via not in self._known:
            address = ipaddress.ip_address(via)
            self._known[via] = address.is_link_local or any(
                ipaddress.ip_interface(f"{via}/{length}").network in self._networks
                for version, length in self._lengths
                if version == address.version
            )
        return self._known[via]


def _add_rules(draft: Draft) -> None:
    for wish in draft.request.rules:
        if wish.absent or any(_is_meant(wish, rule) for rule in draft.rules):
            continue
        draft.rules.append(wish.rule)
        draft.add(
            Step(
                f"rule add {words.of_rule(wish.rule)}",
                draft.inside,
                _always(encode.rule_added(wish.rule)),
            ),
            wish.rule,
        )
