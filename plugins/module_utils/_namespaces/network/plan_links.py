# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""What there is to do about links and their addresses."""

from __future__ import annotations

import itertools
import typing as t

from ..._kernel import netdev, rtnetlink
from ..errors import NamespaceError
from . import decode, encode, words
from .draft import Draft, Message, Numbers, Step, refuse_beyond
from .link_types import BORROWED_MAC, LINK, LINK_NAMESPACE, LINK_TYPES
from .model import PHYSICAL, UNKNOWN, V6, Link, LinkWish, Peer, Value
from .places import HERE

LOOPBACK = "lo"
_BOND = "bond"
_MASTERS = ("bridge", _BOND, "vrf")
_FALLBACK = ("tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0")
"""What the kernel makes in each namespace, and never takes away."""


def take_in(draft: Draft) -> None:
    """Take the wishes into the draft; a peer that is inside too is a link like others. Raises NamespaceError for lo."""
    for wish in draft.request.links:
        if wish.absent and wish.name == LOOPBACK:
            raise NamespaceError("remove the link lo", "no network namespace can be without", "set it down instead")
        if wish.type == PHYSICAL and wish.name == LOOPBACK:
            raise NamespaceError("move the link lo", "each network namespace has its own", "give no type")
        draft.wishes[wish.name] = wish
    for wish in draft.request.links:
        peer = wish.peer
        if peer is not None and peer.namespace == draft.inside and not wish.absent:
            own = draft.wishes.get(peer.name, LinkWish(peer.name))
            draft.wishes[peer.name] = own._replace(
                addresses=tuple(dict.fromkeys((*own.addresses, *peer.addresses))),
                without=(*own.without, *peer.absent),
                up=peer.up if own.up is None else own.up,
                master=peer.master if own.master is None else own.master,
            )


def remove_addresses(draft: Draft) -> None:
    """Those that shall not be, of links that stay. Raises NamespaceError for one that could not be brought back."""
    purge = "addresses" in draft.request.purge
    for link in [*draft.links.values()]:
        if _goes(draft, link):
            continue
        wish = draft.wishes.get(link.name, LinkWish(link.name))
        for address, beyond in link.beyond.items():
            if (purge and address not in wish.addresses) or (address in wish.without and address not in link.addresses):
                refuse_beyond(f"remove the address {address} of {link.name}", beyond)
        unwanted = {*wish.without, *(set(link.addresses) - {*wish.addresses} if purge else ())}
        left = _without(draft, draft.inside, link, link.name, link.addresses, unwanted)
        draft.change(link.name, addresses=left)
        if wish.peer is not None and wish.peer.absent and _peer_is_elsewhere(draft, link):
            peer = t.cast("Peer", link.peer)
            left = _without(draft, str(peer.namespace), link, peer.name, peer.addresses, {*wish.peer.absent})
            draft.change(link.name, peer=peer._replace(addresses=left))


def remove_links(draft: Draft) -> None:
    """Those that shall not be; what came from outside goes back there. Raises NamespaceError."""
    for wish in draft.wishes.values():
        if not wish.absent and wish.name in draft.links:
            # Also where it would go with another one: it could not be made again as it was.
            _refuse_unlike(draft, wish, draft.links[wish.name])
    for link in [*draft.links.values()]:
        if not _goes(draft, link) or link.name not in draft.links:
            continue
        wish = draft.wishes.get(link.name, LinkWish(link.name))
        if link.name not in draft.wishes:
            _refuse_to_purge(link)
        if wish.outside or PHYSICAL in (wish.type, link.type):
            _move_out(draft, link)
            continue
        _refuse_other_type(wish, link, f"remove the link {link.name}")
        if link.type == UNKNOWN:
            raise NamespaceError(
                f"remove the link {link.name}",
                "nothing tells what made it, nor that it is a physical one",
                "with state outside it is moved to where the task runs",
            )
        step = _step(draft, f"link del {link.name}", link.name, encode.link_removed)
        draft.add(step._replace(disturbs=link.type == _BOND), link)
        _cascade(draft, link)


def make_links(draft: Draft) -> None:
    """Those that are missing, each after the one that it is upon. Raises NamespaceError."""
    missing = [wish for wish in draft.request.links if not wish.absent and wish.name not in draft.links]
    while missing:
        names = {name for wish in missing for name in _made_with(draft, wish)}
        ready = [wish for wish in missing if LINK_NAMESPACE in wish.options or wish.options.get(LINK) not in names]
        if not ready:
            raise NamespaceError(f"make the link {missing[0].name}", "the links that they are upon go in a circle")
        for wish in ready:
            # A peer that was asked for as well.
            if wish.name not in draft.links:
                _make(draft, wish)
        missing = [wish for wish in missing if wish not in ready]


def lose_ipv6(draft: Draft, link: Link) -> None:
    """The kernel takes away the addresses and routes of a link by the latest step."""
    draft.touch(link)
    draft.change(link.name, addresses=of_ipv4(link.addresses), automatic=of_ipv4(link.automatic))
    for route in [*draft.routes.values()]:
        if route.dev == link.name and route.family == V6:
            draft.forget(route)


def of_ipv4(addresses: tuple[str, ...]) -> tuple[str, ...]:
    """Those of IPv4."""
    return tuple(address for address in addresses if ":" not in address)


def lower_first(draft: Draft, wishes: t.Iterable[LinkWish]) -> list[LinkWish]:
    """In the same order, but for links upon others that are there or made by now: those come after them."""

    def depth(name: str, above: frozenset[str] = frozenset()) -> int:
        options = draft.links[name].options if name in draft.links else {}
        # The two ends of a netkit are upon each other.
        if LINK not in options or LINK_NAMESPACE in options or name in above:
            return 0
        return 1 + depth(str(options[LINK]), above | {name})

    return sorted(wishes, key=lambda wish: depth(wish.name))


def configure(draft: Draft, wish: LinkWish) -> None:
    """Bring a link that is there, or made by now, to what is asked, but for its addresses. Raises NamespaceError."""
    link = draft.link(wish.name, _purpose(wish))
    options = _refuse_unlike(draft, wish, link)
    if options:
        message = _options_message(link.type, options)
        draft.add(
            _step(draft, f"link set {link.name} type {link.type} {words.of_options(options)}", link.name, message), link
        )
        draft.change(link.name, options={**link.options, **options})
    _set_attributes(draft, wish, _purpose(wish))
    _set_up(draft, draft.inside, link, link.name, link.up, wish.up)


def configure_peer(draft: Draft, wish: LinkWish) -> None:
    """The same for the other end of a veth, where that is elsewhere."""
    link = draft.links[wish.name]
    if wish.peer is not None and _peer_is_elsewhere(draft, link):
        peer = t.cast("Peer", link.peer)
        if wish.peer.master not in (None, peer.master):
            _set_peers_master(draft, link, peer, str(wish.peer.master))
        _set_up(draft, str(peer.namespace), link, peer.name, bool(peer.up), wish.peer.up)


def add_addresses(draft: Draft, wish: LinkWish) -> None:
    """Those that are missing, of a link and of its peer."""
    link = draft.links[wish.name]
    draft.change(link.name, addresses=_with(draft, draft.inside, link, link.name, link.addresses, wish.addresses))
    if wish.peer is not None and _peer_is_elsewhere(draft, link):
        peer = t.cast("Peer", draft.links[wish.name].peer)
        have = _with(draft, str(peer.namespace), link, peer.name, peer.addresses, wish.peer.addresses)
        draft.change(link.name, peer=peer._replace(addresses=have))


# ---- one link


def _made_with(draft: Draft, wish: LinkWish) -> t.Iterator[str]:
    """The names of the links inside that are there once this one is."""
    yield wish.name
    if wish.peer is not None and wish.peer.namespace == draft.inside:
        yield wish.peer.name


def _goes(draft: Draft, link: Link) -> bool:
    """Whether the link shall not stay."""
    if link.name in draft.wishes:
        return draft.wishes[link.name].absent
    return "links" in draft.request.purge and link.name not in (LOOPBACK, *_FALLBACK)


def _refuse_to_purge(link: Link) -> None:
    if link.type == PHYSICAL:
        raise NamespaceError(
            f"purge the link {link.name}",
            "it is a physical one, and would go to where the task runs under a name that who is inside may have chosen",
            "name it among the links, with type physical and state absent, if that is its name",
        )
    if link.type not in LINK_TYPES:
        raise NamespaceError(
            f"purge the link {link.name}",
            f"it is of type {link.type}, and could not be brought back",
            "remove it by other means, or name it among the links",
        )


def _leave(draft: Draft, link: Link) -> None:
    """The link is elsewhere: its routes are gone, and its other end and what is upon it stay."""
    del draft.links[link.name]
    draft.forget_routes(link.name)
    for other in [*draft.links.values()]:
        if _is_peer(draft, other, link):
            draft.change(other.name, peer=t.cast("Peer", other.peer)._replace(namespace=HERE))
        elif _is_upon(other, link):
            draft.change(other.name, options={**other.options, LINK_NAMESPACE: HERE})


def _is_peer(draft: Draft, other: Link, link: Link) -> bool:
    return other.peer is not None and (other.peer.namespace, other.peer.name) == (draft.inside, link.name)


def _is_upon(other: Link, link: Link) -> bool:
    return other.options.get(LINK) == link.name and LINK_NAMESPACE not in other.options


def _cascade(draft: Draft, link: Link) -> None:
    """The link is gone, with its routes, with the other end of a veth, and with what is upon it."""
    del draft.links[link.name]
    draft.forget_routes(link.name)
    for other in [*draft.links.values()]:
        if other.name not in draft.links:
            continue
        if _is_peer(draft, other, link) or _is_upon(other, link):
            draft.touch(other)
            _cascade(draft, other)
        elif other.master == link.name:
            draft.touch(other)
            draft.change(other.name, master="")
            if link.type == _BOND:
                _fall(draft, other, draft.wishes.get(other.name, LinkWish(other.name)).up)


def _move_out(draft: Draft, link: Link) -> None:
    purpose = f"move the link {link.name} out"
    if draft.inside == HERE:
        raise NamespaceError(
            f"remove the link {link.name}",
            "it is a physical one, and where the task runs it stays",
            "set it down instead",
        )
    wish = draft.wishes.get(link.name, LinkWish(link.name))
    if wish.type == PHYSICAL and link.type != PHYSICAL:
        raise NamespaceError(
            purpose,
            f"there is no physical one of that name inside, but one of type {link.type}, as anybody inside can make",
            "look at ip -details link inside; with state outside that one is moved",
        )
    _refuse_other_type(wish, link, purpose)
    if draft.around(HERE, link.name) is not None:
        raise NamespaceError(purpose, "there is one of that name already where the task runs", "rename that one")
    _set_attributes(draft, wish, purpose)
    namespace = draft.inside
    for name in link.altnames:
        text = f"link property del dev {link.name} altname {name}"
        draft.add(Step(text, namespace, _altname_message(link.number, name)), link)

    def message(numbers: Numbers) -> rtnetlink.Request:
        # By its index, and under the name that was looked at: who is inside may give that to another one meanwhile.
        return encode.link_changed(link.number, net_ns_fd=numbers.fd(HERE), ifname=link.name)

    def set_up(numbers: Numbers) -> rtnetlink.Request:
        return encode.link_changed(numbers.index(HERE, link.name), up=True)

    draft.add(Step(f"link set {link.name} netns {words.of_namespace(HERE)}", namespace, message, makes=True), link)
    _leave(draft, link)
    if wish.up:
        draft.add(Step(f"link set {link.name} up", HERE, set_up), link)


def _make(draft: Draft, wish: LinkWish) -> None:
    purpose = f"make the link {wish.name}"
    if wish.type is None:
        raise NamespaceError(purpose, "there is none of that name", "give the type of the link that shall be made")
    if wish.type == PHYSICAL:
        _move_in(draft, wish)
        return
    for name, option in LINK_TYPES[wish.type].items():
        if option.needed and name not in wish.options:
            raise NamespaceError(purpose, f"one of type {wish.type} takes the option {name}", f"add options.{name}")
    peer = _new_peer(draft, wish, purpose) if wish.type == "veth" else None
    upon = str(wish.options.get(LINK, ""))
    where = str(wish.options.get(LINK_NAMESPACE, draft.inside))
    if upon and not _is_there(draft, where, upon):
        raise NamespaceError(purpose, f"there is no link {upon} for it to be upon", "make that one first")
    inside, type_ = draft.inside, wish.type
    name = wish.name if where == inside else _free_name(draft, wish.name, where)

    def message(numbers: Numbers) -> rtnetlink.Request:
        return encode.link_added(
            name,
            type_,
            wish.options,
            numbers.index(where, upon) if upon else 0,
            None if where == inside else numbers.fd(inside),
            None if peer is None else (peer.name, numbers.fd(str(peer.namespace))),
        )

    made = Link(wish.name, 0, type_, False, 0, "", "", (), dict(wish.options), peer)
    draft.add(Step("link add " + words.of_new_link(wish, name, inside), where, message, makes=True), made)
    if name != wish.name:
        draft.touch(made._replace(name=name))
        rename = _step(draft, f"link set {name} name {wish.name}", name, _name_message(wish.name))
        draft.add(rename._replace(makes=True), made)
    draft.links[wish.name] = made
    if peer is not None and peer.namespace == draft.inside:
        draft.links[peer.name] = made._replace(name=peer.name, peer=Peer(wish.name, draft.inside, up=False))
        draft.touch(draft.links[peer.name])


def _free_name(draft: Draft, name: str, where: str) -> str:
    """Where the name is taken in the other namespace, one that is free: old kernels make the link there first."""
    if not _is_there(draft, where, name):
        return name
    others = (f"new{number}" for number in itertools.count())
    return next(other for other in others if other not in draft.links and not _is_there(draft, where, other))


def _is_there(draft: Draft, namespace: str, name: str) -> bool:
    """Whether there is a link of that name inside, or in another namespace."""
    return name in draft.links if namespace == draft.inside else draft.around(namespace, name) is not None


def _new_peer(draft: Draft, wish: LinkWish, purpose: str) -> Peer:
    if wish.peer is None:
        raise NamespaceError(purpose, "a veth has two ends", "name the other one in peer")
    namespace = str(wish.peer.namespace)
    peers = {link.peer.name for link in draft.links.values() if link.peer and link.peer.namespace == namespace}
    is_taken = wish.peer.name in peers or _is_there(draft, namespace, wish.peer.name)
    if is_taken or (namespace == draft.inside and wish.peer.name == wish.name):
        remedy = "remove that one, or name the peer differently"
        if namespace == HERE:
            remedy += ", or say in peer.namespace where it shall be"
        raise NamespaceError(
            purpose, f"there is a link {_place(wish.peer)} already, which is not its other end", remedy
        )
    return Peer(wish.peer.name, namespace, up=False, master="")


def _move_in(draft: Draft, wish: LinkWish) -> None:
    purpose = f"move the link {wish.name} in"
    found = draft.around(HERE, wish.name) if draft.inside != HERE else None
    if found is None:
        raise NamespaceError(purpose, "there is none of that name where the task runs, nor inside", "look at ip link")
    if wish.name in draft.in_use:
        raise NamespaceError(
            purpose,
            f"it {draft.in_use[wish.name]} where the task runs, which would be lost",
            "take that away first, if nothing needs it",
        )
    inside = draft.inside

    def message(numbers: Numbers) -> rtnetlink.Request:
        number = numbers.number_inside(wish.name)
        return encode.link_changed(numbers.index(HERE, wish.name), net_ns_fd=numbers.fd(inside), new_ifindex=number)

    moved = found._replace(number=0, up=False, addresses=(), master="")
    draft.add(Step(f"link set {wish.name} netns {words.of_namespace(inside)}", HERE, message, makes=True), moved)
    draft.links[wish.name] = moved


def _refuse_instead_of_physical(draft: Draft, wish: LinkWish, link: Link) -> None:
    """Who is inside may have made a link of that name before the physical one came."""
    if wish.type != PHYSICAL or link.type == PHYSICAL or draft.inside == HERE:
        return
    outside = draft.around(HERE, link.name)
    if outside is not None and outside.type in (PHYSICAL, UNKNOWN):
        raise NamespaceError(
            f"move the link {link.name} in",
            f"there is one of that name inside, of type {link.type}, and the physical one is where the task runs",
            "remove or rename the one inside",
        )


def _purpose(wish: LinkWish) -> str:
    return f"bring the link {wish.name} to what is asked"


def _refuse_unlike(draft: Draft, wish: LinkWish, link: Link) -> dict[str, Value]:
    """The options that are different. Raises NamespaceError where the link can not become what is asked."""
    purpose = _purpose(wish)
    _refuse_other_type(wish, link, purpose)
    _refuse_instead_of_physical(draft, wish, link)
    _refuse_other_peer(wish, link, purpose)
    if link.type in BORROWED_MAC and wish.mac not in (None, link.mac):
        raise NamespaceError(purpose, f"one of type {link.type} has the mac of the link that it is upon", "give no mac")
    options = {name: value for name, value in wish.options.items() if link.options.get(name) != value}
    for name, value in options.items():
        if LINK_TYPES[link.type][name].fixed:
            raise NamespaceError(
                purpose,
                f"its {name} is {link.options.get(name, 'not told by the kernel')} and can not become {value}",
                "remove it first, with state absent",
            )
    return options


def _refuse_other_type(wish: LinkWish, link: Link, purpose: str) -> None:
    if wish.type not in (None, PHYSICAL, link.type):
        remedy = "leave type out"
        if link.type in LINK_TYPES:
            remedy += ", or give its own"
        if not wish.absent and link.name != LOOPBACK:
            remedy = f"remove that one first, or {remedy}"
        raise NamespaceError(purpose, f"it is of type {link.type}, not {wish.type}", remedy)


def _refuse_other_peer(wish: LinkWish, link: Link, purpose: str) -> None:
    if wish.peer is None:
        return
    there = link.peer
    if there is None or (there.name, there.namespace) != (wish.peer.name, wish.peer.namespace):
        found = "nothing that can be found" if there is None or there.namespace is None else _place(there)
        raise NamespaceError(
            purpose, f"its peer is {found}, not {_place(wish.peer)}", "remove it first, or give the peer that it has"
        )


def _place(peer: Peer) -> str:
    return f"{peer.name} in {peer.namespace or 'the namespace where the task runs'}"


def _set_attributes(draft: Draft, wish: LinkWish, purpose: str) -> None:
    """What one message can bring about: mtu, mac, master."""
    link = draft.links[wish.name]
    fields = {name: getattr(wish, name) for name in ("mtu", "mac", "master")}
    fields = {name: value for name, value in fields.items() if value not in (None, getattr(link, name))}
    if not fields:
        return
    master = fields.get("master", "")
    if master:
        _refuse_no_master(draft.link(master, purpose), purpose)
        if _is_bond(draft, master) and link.up:
            _add_up(draft, draft.inside, link, link.name, False)
    told = {"mtu": "mtu", "mac": "address", "master": "master"}
    text = " ".join(f"{told[name]} {value}" if value != "" else "nomaster" for name, value in fields.items())
    inside = draft.inside

    def message(numbers: Numbers) -> rtnetlink.Request:
        attributes = {told[name]: value for name, value in fields.items() if name != "master"}
        if "master" in fields:
            attributes["master"] = numbers.index(inside, master) if master else 0
        return encode.link_changed(numbers.index(inside, link.name), **attributes)

    draft.add(
        Step(f"link set {link.name} {text}", inside, message, disturbs="master" in fields and bool(link.number)), link
    )
    draft.change(link.name, **fields)
    if _is_bond(draft, master):
        # The bond does so.
        draft.change(link.name, up=True)
    elif "master" in fields and _is_bond(draft, link.master):
        _fall(draft, link, wish.up)


def _is_bond(draft: Draft, name: str) -> bool:
    return name in draft.links and draft.links[name].type == _BOND


def _fall(draft: Draft, link: Link, wanted: bool | None) -> None:
    """The kernel sets down what leaves a bond; what was up is set up again, unless that is not wanted."""
    _keep_addresses(draft, draft.inside, link, link.name, link.addresses)
    draft.change(link.name, up=False)
    if link.up and wanted is not False:
        _set_up(draft, draft.inside, link, link.name, False, True)
    else:
        draft.forget_routes(link.name)


def _refuse_no_master(master: Link, purpose: str) -> None:
    """Other types than these, which no task can make, may have ports too."""
    if master.type in (*LINK_TYPES, PHYSICAL, netdev.LOOPBACK) and master.type not in _MASTERS:
        raise NamespaceError(
            purpose,
            f"{master.name} is of type {master.type}, which has no ports",
            "give a bridge, a bond or a vrf as its master",
        )


def _set_peers_master(draft: Draft, link: Link, peer: Peer, master: str) -> None:
    namespace = str(peer.namespace)
    purpose = f"make {_place(peer)} a port of {master}"
    if master:
        there = draft.around(namespace, master)
        if there is None:
            raise NamespaceError(purpose, "there is no link of that name there", "make that one first")
        _refuse_no_master(there, purpose)

    def message(numbers: Numbers) -> rtnetlink.Request:
        return encode.link_changed(
            numbers.index(namespace, peer.name), master=numbers.index(namespace, master) if master else 0
        )

    text = f"master {master}" if master else "nomaster"
    draft.add(Step(f"link set {peer.name} {text}", namespace, message), link)
    draft.change(link.name, peer=peer._replace(master=master))


def _add_up(draft: Draft, namespace: str, link: Link, name: str, wanted: bool) -> None:
    """The step alone."""

    def message(numbers: Numbers) -> rtnetlink.Request:
        return encode.link_changed(numbers.index(namespace, name), up=wanted)

    text = f"link set {name} {'up' if wanted else 'down'}"
    draft.add(Step(text, namespace, message, disturbs=not wanted and bool(link.number)), link)
    if not wanted:
        there = draft.links[name] if namespace == draft.inside else t.cast("Peer", draft.links[link.name].peer)
        _keep_addresses(draft, namespace, link, name, there.addresses)


def _set_up(draft: Draft, namespace: str, link: Link, name: str, is_up: bool, wanted: bool | None) -> None:
    """Of a link, or of its peer in another namespace."""
    if namespace == draft.inside:
        is_up = draft.links[name].up
    if wanted is None or wanted is is_up:
        return
    _add_up(draft, namespace, link, name, wanted)
    if namespace == draft.inside:
        draft.change(name, up=wanted)
        if wanted and name == LOOPBACK:
            draft.change(name, automatic=decode.OF_LOOPBACK)
        if not wanted:
            draft.forget_routes(name)
    else:
        draft.change(link.name, peer=t.cast("Peer", draft.links[link.name].peer)._replace(up=wanted))


def _keep_addresses(draft: Draft, namespace: str, link: Link, name: str, addresses: tuple[str, ...]) -> None:
    """The kernel takes those of IPv6 away from what is set down, unless keep_addr_on_down says otherwise."""
    for address in addresses if link.number else ():
        if ":" in address:
            again = _address_message(encode.address_kept, namespace, name, address)
            draft.add(Step(f"addr add {address} dev {name}", namespace, again), link)


def _without(
    draft: Draft, namespace: str, link: Link, name: str, addresses: tuple[str, ...], unwanted: set[str]
) -> tuple[str, ...]:
    """The addresses that are left; name: of the link, or of its peer."""
    # A primary address would take the secondary ones with it, which come after.
    for address in reversed(addresses):
        if address in unwanted:
            message = _address_message(encode.address_removed, namespace, name, address)
            draft.add(Step(f"addr del {address} dev {name}", namespace, message, disturbs=True), link)
    return tuple(address for address in addresses if address not in unwanted)


def _with(
    draft: Draft, namespace: str, link: Link, name: str, addresses: tuple[str, ...], wanted: t.Sequence[str]
) -> tuple[str, ...]:
    """The addresses that there are then."""
    given = draft.links[name].automatic if namespace == draft.inside else ()
    missing = [address for address in dict.fromkeys(wanted) if address not in (*addresses, *given)]
    for address in missing:
        message = _address_message(encode.address_added, namespace, name, address)
        draft.add(Step(f"addr add {address} dev {name}", namespace, message), link)
    return (*addresses, *missing)


def _address_message(
    made: t.Callable[[int, str], rtnetlink.Request], namespace: str, name: str, address: str
) -> Message:
    return lambda numbers: made(numbers.index(namespace, name), address)


def _peer_is_elsewhere(draft: Draft, link: Link) -> bool:
    return link.peer is not None and link.peer.namespace not in (None, draft.inside)


def _step(draft: Draft, text: str, name: str, message: t.Callable[[int], rtnetlink.Request]) -> Step:
    """A step that needs the index of one link inside."""
    inside = draft.inside
    return Step(text, inside, lambda numbers: message(numbers.index(inside, name)))


def _name_message(name: str) -> t.Callable[[int], rtnetlink.Request]:
    return lambda index: encode.link_changed(index, ifname=name)


def _altname_message(number: int, name: str) -> Message:
    return lambda _numbers: encode.alternative_name_removed(number, name)


def _options_message(type_: str, options: t.Mapping[str, Value]) -> t.Callable[[int], rtnetlink.Request]:
    return lambda index: encode.link_changed(index, type_=type_, options=options)
