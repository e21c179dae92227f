# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The networks of sets that are declared. Imported where there are any: it takes as long as all the rest."""

from __future__ import annotations

import gc
import os
import sys

from ..._kernel.descriptor import closing
from ..errors import NamespaceError
from ..network import codec, run
from ..network.link_types import LINK, LINK_NAMESPACE
from ..network.model import PHYSICAL, Request
from ..network.parse import parse
from ..network.places import open_named
from ..network.specs import NETWORK
from ..specs import check
from .declared import Declared

_LINKS = "/sys/class/net"


def parsed(declared: Declared) -> Request:
    """What is asked of the network of a set. Raises NamespaceError."""
    given = declared.network or {}
    check(NETWORK, given, "network.")
    return parse(given)


def peers(declared: Declared) -> set[str]:
    """The sets that its links have their other ends in. Raises NamespaceError."""
    return {name for name, _option in run.names_in(parsed(declared))} - {""}


def lacks_links_of_the_host(declared: Declared) -> bool:
    """Whether one that it is to be connected with is not there, or not there any more. Raises NamespaceError."""
    return not _links_of_the_host(parsed(declared)).issubset(os.listdir(_LINKS))


def _links_of_the_host(request: Request) -> set[str]:
    found = set()
    for wish in request.links:
        if wish.type == PHYSICAL and not wish.absent:
            found.add(wish.name)
        if wish.options.get(LINK_NAMESPACE) == "":
            found.add(str(wish.options[LINK]))
        if wish.peer is not None and wish.peer.namespace == "" and wish.peer.master:
            found.add(wish.peer.master)
    return found


def bring(proc: int, declared: Declared, dry: bool) -> list[str]:
    """What is done, or would be, in words. Raises NamespaceError."""
    request = parsed(declared)
    _refuse_unequipped()
    # Messages are full of cycles.
    gc.enable()
    if dry and run.set_to_come(proc, declared.name, request) is not None:
        return ["bring its network to what is asked"] if run.adds(request) else []
    return [*_run(proc, declared.name, request, dry)]


def give_back(proc: int, declared: Declared) -> None:
    """Move the physical links that were declared to where they came from. Raises NamespaceError."""
    links = [
        {"name": wish.name, "type": PHYSICAL, "state": "absent"}
        for wish in parsed(declared).links
        if wish.type == PHYSICAL and not wish.absent
    ]
    if links:
        _refuse_unequipped()
        _run(proc, declared.name, parse({"links": links}), False)


def _run(proc: int, name: str, request: Request, dry: bool) -> tuple[str, ...]:
    with closing(open_named(proc, name)) as inside:
        return run.run(proc, inside, name, request, dry).changes


def _refuse_unequipped() -> None:
    if sys.version_info < (3, 9):
        raise NamespaceError("change a network", f"the host's Python is {sys.version.split()[0]}", "it takes 3.9")
    if codec.MISSING is not None:
        cause = f"{sys.executable} has no pyroute2"
        raise NamespaceError("change a network", cause, "install the distribution's package, python3-pyroute2")
