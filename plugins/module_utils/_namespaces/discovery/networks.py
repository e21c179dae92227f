# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Links with their addresses, routes and rules of network namespaces, where pyroute2 is there to read them."""

from __future__ import annotations

import collections
import contextlib
import itertools
import sys
import typing as t

from ..._kernel import netdev, nstypes, procfs
from ..network.link_types import LINK, LINK_NAMESPACE
from . import inside
from .inside import Properties
from .model import Namespace
from .names import Names
from .scan import Scan

SOURCE = "network"
"""What Scan.denied calls it."""
NO_PYROUTE2 = (
    f"addresses, routes and rules were not looked at: the Python of the task, {sys.executable}, has no pyroute2; "
    "install it (python3-pyroute2)"
)
OLD_PYTHON = (
    f"addresses, routes and rules were not looked at: this is Python {sys.version.split()[0]}; use 3.9 or later"
)
LOST = "networks could not be looked into to the end"
CUT = "of a network with very many links, addresses, routes or rules not all are told"
UNCLEAR = "some links, addresses, routes or rules of networks were not understood"

_LISTS = ("links", "addresses", "routes", "rules")


class _Link(t.NamedTuple):
    """A link of a network namespace."""

    number: int
    other: int
    """The index of the link that it is upon, or of its peer, 0 for none."""
    namespace: int | None
    """The id of the network namespace where that is, None for the same one."""
    told: Properties


_Links = t.Mapping[int, t.Mapping[int, _Link]]
"""By index, of network namespaces by inode."""
_Ids = t.Mapping[int, t.Mapping[int, int]]
"""The inodes of other network namespaces, by the ids that one has for them, by the inode of that."""


def look(scan: Scan, namespaces: t.Iterable[Namespace], names: Names) -> dict[int, Properties]:
    """What network namespaces contain, by inode, as network: links, routes and rules in the shape of ns_network.

    links_more, addresses_more, routes_more, rules_more: how many more there are at least, where not all are told. None
    where that could not be read. What was refused is counted in scan.denied, and everything else that is missing is
    noted in scan.incomplete_because, the lack of pyroute2 too.
    """
    found: dict[int, Properties] = {
        item.identity.inode: {"network": None} for item in namespaces if item.kind is nstypes.NET
    }
    if not found:
        return found
    if sys.version_info < (3, 9):
        scan.incomplete_because[OLD_PYTHON] = None
        return found
    # Half a second for pyroute2, and not before anybody asks.
    from ..network import codec, seen  # noqa: PLC0415

    if codec.MISSING is not None:
        scan.incomplete_because[NO_PYROUTE2] = None
        return found
    # Most links to elsewhere lead to where the task is.
    inodes = [inode for inode in dict.fromkeys([names.own[nstypes.NET], *found]) if inode in scan.namespaces]
    told: dict[int, Properties] = {inode: {} for inode in inodes}
    inside.look(
        scan, [scan.namespaces[inode] for inode in inodes], [lambda *_where: seen.everything()], told, SOURCE, LOST
    )
    told = {inode: properties for inode, properties in told.items() if properties}
    links = {
        inode: {number: _Link(number, *rest) for number, *rest in properties["links"]}
        for inode, properties in told.items()
    }
    _connect(scan, links, names)
    for inode, properties in told.items():
        if inode in found:
            found[inode]["network"] = _network(properties)
            if any(f"{key}_more" in properties for key in _LISTS):
                scan.incomplete_because[CUT] = None
            if seen.UNCLEAR in properties:
                scan.incomplete_because[UNCLEAR] = None
    return found


def _network(properties: Properties) -> Properties:
    addresses = collections.defaultdict(list)
    for number, address in properties["addresses"]:
        addresses[number].append(address)
    return {
        "links": [{**link, "addresses": addresses[number]} for number, _other, _namespace, link in properties["links"]],
        "routes": properties["routes"],
        "rules": properties["rules"],
        **{f"{key}_more": properties[f"{key}_more"] for key in _LISTS if f"{key}_more" in properties},
    }


def _connect(scan: Scan, links: _Links, names: Names) -> None:
    """Say of each link which one it is upon, or what is the other end of it."""
    ids = _ids(scan, links, names.own[nstypes.NET])
    for inode, link in ((inode, link) for inode, some in links.items() for link in some.values() if link.other):
        where = inode if link.namespace is None else ids.get(inode, {}).get(link.namespace)
        other = None if where is None else links[where].get(link.other)
        name = other.told["name"] if other else None
        place = None
        if where is not None:
            place = "" if where == names.own[nstypes.NET] else names.name_of(scan.namespaces[where])
        if link.told["type"] == "veth":
            link.told["peer"] = {"name": name, "namespace": place, "inode": where}
        elif name is not None:
            options = link.told.setdefault("options", {})
            options[LINK] = name
            if link.namespace is not None:
                options[LINK_NAMESPACE] = place


def _ids(scan: Scan, links: _Links, own: int) -> _Ids:
    """Ask in each network namespace that has links to elsewhere for the ids of those that this may be."""
    may_be = _candidates(links)
    wanted: dict[int, list[int]] = {}
    for inode, some in links.items():
        elsewhere = [link for link in some.values() if link.other and link.namespace is not None]
        others = {*itertools.chain.from_iterable(map(may_be, elsewhere))} - {inode}
        if others:
            wanted[inode] = sorted(others, key=lambda other: other != own)

    def ask(proc: int, pid: int) -> Properties:
        inode = procfs.namespace_inode(proc, f"{pid}/ns/net")
        left = {link.namespace for link in links[inode].values()} - {None}
        ids = []
        for other in wanted.get(inode, ()):
            with contextlib.suppress(OSError):
                number = netdev.netnsid(scan.namespaces[other].fd)
                if number is not None:
                    ids.append([number, other])
                    left.discard(number)
            if not left:
                break
        return {"ids": ids}

    # Those that are asked about have to be open there, too.
    visited = dict.fromkeys(itertools.chain(wanted, *wanted.values()))
    found: dict[int, Properties] = {inode: {"ids": []} for inode in visited}
    inside.look(scan, [scan.namespaces[inode] for inode in visited], [ask], found, SOURCE, LOST)
    return {inode: dict(properties["ids"]) for inode, properties in found.items()}


def _candidates(links: _Links) -> t.Callable[[_Link], t.Iterable[int]]:
    """Where the other end of a link may be: where one has that index, and of a veth leads back."""
    ends: dict[tuple[int, int | None], list[int]] = collections.defaultdict(list)
    for inode, some in links.items():
        for link in some.values():
            ends[link.number, None].append(inode)
            ends[link.number, link.other].append(inode)
    return lambda link: ends[link.other, link.number if link.told["type"] == "veth" else None]
