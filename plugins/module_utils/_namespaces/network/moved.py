# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The links that a task moves in, and how they come back whatever is done to them inside.

Who is inside can give them other names, so they are found by their index; and can give them more names, which
others may have where they go, so those are taken away.
"""

from __future__ import annotations

import mmap
import struct
import typing as t

from ..._kernel import rtnetlink
from ..errors import NamespaceError, during, explained
from . import decode, encode
from .model import PHYSICAL, Link, Request
from .places import HERE, Place, Places
from .read import told_of

_NUMBER = struct.Struct("=I")


class Moved:
    """The index that each of them was given inside. A process that was cloned before sees it too."""

    def __init__(self, request: Request) -> None:
        self.names = [wish.name for wish in request.links if wish.type == PHYSICAL and not wish.absent]
        self._numbers = mmap.mmap(-1, max(1, len(self.names)) * _NUMBER.size)

    def note(self, name: str, number: int) -> None:
        """To be said before it is moved: who does that may be killed. Others were inside before, and stay there."""
        if name in self.names:
            _NUMBER.pack_into(self._numbers, self.names.index(name) * _NUMBER.size, number)

    def numbers(self) -> dict[str, int]:
        """Of those that were moved, or were about to be, by name."""
        found = (_NUMBER.unpack_from(self._numbers, at * _NUMBER.size)[0] for at in range(len(self.names)))
        return {name: number for name, number in zip(self.names, found) if number}


def bring_back(places: Places, moved: Moved, outside: t.Mapping[str, Link]) -> list[str]:
    """All that are not there. outside: how they were where the task runs. Why others could not come, in words."""
    refused = []
    for name, number in moved.numbers().items():
        try:
            if told_of(places[HERE], 0, ifname=name) is None:
                _bring_back(places, number, outside[name])
        except NamespaceError as error:
            refused.append(str(error))
    return refused


def _bring_back(places: Places, number: int, link: Link) -> None:
    inside, here = places.inside, places[HERE]
    found = _find(inside, number, link)
    purpose = f"move the link {link.name} out of {inside.title}"
    if found is None:
        raise NamespaceError(purpose, "it is not there any more", "look for it where who was inside may have moved it")
    _change(
        inside,
        [
            *_without_new_names(inside, found, link),
            encode.link_changed(found, net_ns_fd=here.fd, ifname=link.name),
        ],
        purpose,
    )
    there = told_of(here, 0, ifname=link.name)
    if there is not None:
        came = decode.link_in(there).link
        attributes: dict[str, t.Any] = {"mtu": link.mtu} if came.mtu != link.mtu else {}
        if came.mac != link.mac:
            attributes["address"] = link.mac
        # Who is inside may have given it more of them at the last moment.
        requests = [
            *_without_new_names(here, came.number, link),
            encode.link_changed(came.number, up=link.up or None, **attributes),
        ]
        _change(here, requests, f"make the link {link.name} in {here.title} what it was")


def _find(inside: Place, number: int, link: Link) -> int | None:
    """Its index. A kernel before 5.13 may have given it another one, where the one that was chosen was taken."""
    for index, names in ((number, {}), (0, {"ifname": link.name})):
        message = told_of(inside, index, **names)
        if message is not None:
            there = decode.link_in(message).link
            # Who is inside may have put another one in its place.
            if there.type == link.type and (index or there.name == link.name):
                return there.number
    return None


def _without_new_names(place: Place, number: int, link: Link) -> list[rtnetlink.Request]:
    message = told_of(place, number)
    names = decode.alternative_names_in(message) if message is not None else []
    return [encode.alternative_name_removed(number, name) for name in names if name not in link.altnames]


def _change(place: Place, requests: t.Sequence[rtnetlink.Request], purpose: str) -> None:
    """At once, so that nobody does anything between them."""
    with during(purpose):
        error = rtnetlink.change(place.route, requests)[-1]
    if error is not None:
        refused = explained(error, purpose)
        raise NamespaceError(refused.operation, error.strerror or refused.cause, refused.remedy, error.errno)
