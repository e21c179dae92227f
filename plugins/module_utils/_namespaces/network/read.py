# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What a network namespace contains, read from the kernel."""

from __future__ import annotations

import collections
import errno
import gc
import ipaddress
import typing as t

from ..._kernel import netdev, rtnetlink
from ..errors import Hint, during
from . import decode, encode, sysctls, words
from .link_types import LINK, LINK_NAMESPACE
from .model import Link, Peer, Route, Rule, State, Value
from .places import HERE, Place, Places

READ_HINTS = {
    errno.E2BIG: Hint(
        f"there are more than {rtnetlink.MOST}",
        "see who inside makes so many, or change it by other means: to read them would keep other tasks waiting",
    ),
    errno.EAGAIN: Hint(
        "somebody changes it all the time", "see who inside does so, and run the task again when it stops"
    ),
}
_GARBAGE_AFTER = 10_000
"""Messages."""
_ADDRESSES_IN_AN_ANSWER = 32
"""Of one link. Of more, the kernel says only in a list of all if they changed."""


class Links(t.NamedTuple):
    """The links of a network namespace."""

    by_name: dict[str, Link]
    raw: dict[int, decode.Raw]
    """By index, with what refers to other links as numbers."""


def links_of(place: Place) -> Links:
    """With their addresses. Raises NamespaceError."""
    with during(f"read the links in {place.title}", READ_HINTS):
        raw = [decode.link_in(message) for message in _list(place, rtnetlink.RTM_GETLINK, rtnetlink.RTM_NEWLINK)]
        addresses = _addresses(place)
    names = {item.link.number: item.link.name for item in raw}
    complete = [
        item._replace(link=_completed(item.link, names.get(item.master, ""), addresses[item.link.number]))
        for item in raw
    ]
    return Links({item.link.name: item.link for item in complete}, {item.link.number: item for item in complete})


def link_at(place: Place, number: int = 0, name: str = "") -> Link | None:
    """The link of this index, or else of this name, as links_of() has it, without a look at all the others.

    Raises NamespaceError.
    """
    raw = _one_at(place, number, name)
    if raw is None:
        return None
    master = _one_at(place, raw.master) if raw.master else None
    with during(f"read the addresses of {raw.link.name} in {place.title}", READ_HINTS):
        try:
            addresses = _addresses(place, raw.link.number)[raw.link.number]
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise
    return _completed(raw.link, "" if master is None else master.link.name, addresses)


def _one_at(place: Place, number: int, name: str = "") -> decode.Raw | None:
    message = told_of(place, number, **({} if number else {"ifname": name}))
    raw = None if message is None else decode.link_in(message)
    # The kernel takes the alternative names of links too.
    return None if raw is None or name not in ("", raw.link.name) else raw


def told_of(place: Place, number: int, **names: str) -> rtnetlink.Message | None:
    """What the kernel tells of one link, None where there is none. names: as encode.link_at() has them.

    Raises NamespaceError.
    """
    with during(f"read a link in {place.title}"):
        try:
            return next(rtnetlink.ask_at(place.route, rtnetlink.RTM_GETLINK, encode.link_at(number, **names)), None)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return None
            raise


def _addresses(place: Place, number: int = 0) -> dict[int, list[decode.Address]]:
    """By the index of their link; at least those of the one that is given.

    Raises OSError, ENODEV where that is not there.
    """
    found = collections.defaultdict(list)
    for message in _list(place, rtnetlink.RTM_GETADDR, rtnetlink.RTM_NEWADDR, encode.addresses_at(number)):
        address = decode.address_in(message)
        if address is not None:
            found[address.number].append(address)
    return _addresses(place) if number and len(found[number]) > _ADDRESSES_IN_AN_ANSWER else found


def _completed(link: Link, master: str, addresses: t.Sequence[decode.Address]) -> Link:
    plain = [item for item in addresses if not item.has_peer]
    return link._replace(
        master=master,
        addresses=tuple(item.text for item in plain if not item.automatic),
        automatic=tuple(item.text for item in plain if item.automatic),
        beyond={item.text: item.beyond for item in addresses if item.beyond and not item.automatic},
    )


def tentative_of(place: Place) -> set[str]:
    """The addresses that the kernel looks for others of, without their lengths. Raises NamespaceError."""
    with during(f"read the addresses in {place.title}", READ_HINTS):
        found = {decode.tentative_in(message) for message in _list(place, rtnetlink.RTM_GETADDR, rtnetlink.RTM_NEWADDR)}
    return {address for address in found if address is not None}


def routes_of(place: Place, links: Links) -> list[Route]:
    """All but what the kernel made. Raises NamespaceError."""
    names = {index: raw.link.name for index, raw in links.raw.items()}
    with during(f"read the routes in {place.title}", READ_HINTS):
        found = [decode.route_in(item, names) for item in _list(place, rtnetlink.RTM_GETROUTE, rtnetlink.RTM_NEWROUTE)]
    return [route for route in found if route is not None]


def rules_of(place: Place) -> list[Rule]:
    """All but what the kernel made. Raises NamespaceError."""
    with during(f"read the rules in {place.title}", READ_HINTS):
        found = [decode.rule_in(message) for message in _list(place, rtnetlink.RTM_GETRULE, rtnetlink.RTM_NEWRULE)]
    return [rule for rule in found if rule is not None]


class Surroundings:
    """The links of the other namespaces, each read when somebody wants to know: there may be very many."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._links: dict[tuple[str, str | int], Link | None] = {}
        self._names: dict[int, str] | None = None

    def link(self, namespace: str, link: str | int) -> Link | None:
        """The one of that name or index there. Raises NamespaceError."""
        if (namespace, link) not in self._links:
            place = self._places[namespace]
            self._links[namespace, link] = link_at(place, name=link) if isinstance(link, str) else link_at(place, link)
            _collect_garbage(len(self._links))
        return self._links[namespace, link]

    def name_of(self, netnsid: int) -> str | None:
        """The name of the namespace that has this id inside; None where it is none of them. Raises NamespaceError."""
        if self._names is None:
            self._names = {}
            for name, place in self._places.others.items():
                with during(f"ask for the id of {place.title}"):
                    number = netdev.netnsid_at(self._places.inside.route, place.fd)
                if number is not None:
                    self._names.setdefault(number, name)
        return self._names.get(netnsid)


def state_of(
    proc: int, places: Places, wanted: t.Mapping[str, str], moved: t.Collection[str], around: Surroundings
) -> State:
    """What is inside. wanted: the sysctls to read. moved: of links that may be outside. Raises NamespaceError."""
    links = links_of(places.inside)
    there = links_of(places[HERE]) if moved else Links({}, {})
    outside = {name: link for name, link in there.by_name.items() if name in moved}
    routes = routes_of(places[HERE], there) if outside else []
    uses = {name: _use_of(link, there, routes) for name, link in outside.items()}
    return State(
        {raw.link.name: _resolved(raw, places.inside_name, links, around) for raw in links.raw.values()},
        _by_key(routes_of(places.inside, links)),
        rules_of(places.inside),
        sysctls.read(proc, places.inside, wanted),
        outside,
        {name: use for name, use in uses.items() if use},
    )


def _use_of(link: Link, links: Links, routes: t.Iterable[Route]) -> str:
    """What would be lost with a link; empty for nothing."""
    given = (text for text in link.automatic if not ipaddress.ip_interface(text).is_link_local)
    addresses = [*link.addresses, *given, *link.beyond]
    if addresses:
        return f"has the addresses {', '.join(dict.fromkeys(addresses))}"
    if link.master:
        return f"is a port of {link.master}"
    for route in routes:
        if route.dev == link.name:
            return f"has the route {words.of_route(route)}"
    for raw in links.raw.values():
        if raw.other == link.number and raw.namespace is None and raw.link.type != "veth":
            return f"has {raw.link.name} upon it"
    return ""


def _by_key(routes: list[Route]) -> dict[tuple[str, int, int], Route]:
    found: dict[tuple[str, int, int], Route] = {}
    for route in routes:
        beside = "another one beside it" if route.key in found else route.beyond
        found[route.key] = route._replace(beyond=beside)
    return found


def _resolved(raw: decode.Raw, inside: str, links: Links, around: Surroundings) -> Link:
    """The link with its peer, or with the one that it is upon."""
    if not raw.other and raw.namespace is None:
        return raw.link
    where = inside if raw.namespace is None else around.name_of(raw.namespace)
    other = None
    if raw.namespace is None:
        other = links.raw[raw.other].link if raw.other in links.raw else None
    elif where is not None and raw.other:
        other = around.link(where, raw.other)
    if raw.link.type == "veth":
        if other is None:
            return raw.link._replace(peer=Peer("", None))
        return raw.link._replace(peer=Peer(other.name, where, other.addresses, (), other.up, other.master))
    told: dict[str, Value] = {} if other is None else {LINK: other.name}
    if raw.namespace is not None:
        told[LINK_NAMESPACE] = raw.namespace if where is None else where
    return raw.link._replace(options={**raw.link.options, **told})


def _list(place: Place, asked: int, told: int, question: bytes | None = None) -> t.Iterator[rtnetlink.Message]:
    """question: that for everything, unless it is given."""
    content = encode.everything(asked) if question is None else question
    for number, item in enumerate(rtnetlink.list_at(place.route, asked, content, place.steady), 1):
        if item.kind == told:
            yield item
        _collect_garbage(number)


def _collect_garbage(number: int) -> None:
    """After so many: what pyroute2 makes of a message refers to itself, and a task looks for no garbage by itself."""
    if not number % _GARBAGE_AFTER:
        gc.collect(0)
