# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""A network namespace brought to what is asked: looked at, planned and, but in check mode, carried out."""

from __future__ import annotations

import contextlib
import typing as t

from ..._kernel import netdev, nsfs, nstypes, procfs
from ..._kernel.descriptor import closing
from .. import directory, named
from ..errors import NamespaceError, during, refuse
from ..shown import printable
from .carry_out import Work, carry_out
from .confirm import armed, refuse_while_waiting
from .difference import can_come_back, gone_for_good
from .draft import Plan
from .link_types import LINK_NAMESPACE, LINK_TYPES
from .model import PHYSICAL, LinkWish, Request, RouteWish, RuleWish, State
from .moved import Moved
from .places import HERE, Places, open_named, opened
from .read import Surroundings


class Results(t.NamedTuple):
    """What was done, or would be, and the request that takes it back."""

    changes: tuple[str, ...]
    before: Request
    warnings: tuple[str, ...]
    token: str | None = None
    """What to confirm() it with."""


def run(proc: int, inside: int | None, name: str, request: Request, check: bool, seconds: int | None = None) -> Results:
    """inside: the open network namespace, None for that of the task. name: how a task calls it.

    seconds: to wait for confirm() before all is taken back; None for not at all.

    Raises NamespaceError; then nothing is changed, or it says what is.
    """
    if request.purge:
        _refuse_to_purge_the_host(proc, inside)
    # Another task may be changing it.
    with contextlib.nullcontext() if check else directory.locked():
        names = dict(names_in(request))
        with opened(proc, inside, name, names) as places:
            work = _work(proc, places, request)
            before, planned = _planned(work, check)
            if not _loses_peers(before, planned):
                return _run(work, before, planned, check, seconds)
            names = {**dict.fromkeys(_neighbours(proc, places), "links"), **names}
        # Where they are has to be known to bring them back.
        with opened(proc, inside, name, names) as places:
            work = _work(proc, places, request)
            return _run(work, *_planned(work, check), check, seconds)


def _work(proc: int, places: Places, request: Request) -> Work:
    return Work(proc, places, _canonical(request, places), Moved(request))


def set_to_come(proc: int, name: str | None, request: Request) -> str | None:
    """The set of this name, or one that is named for a peer, that is not there. Raises NamespaceError."""
    for wanted in (name, *dict(names_in(request))):
        if wanted and not wanted.startswith("/") and not named.handles_of(proc, wanted, [nstypes.NET.name]):
            return wanted
    return None


def adds(request: Request) -> bool:
    """Whether anything is asked for that a new network namespace has not."""
    wishes: tuple[tuple[LinkWish | RouteWish | RuleWish, ...], ...] = (request.links, request.routes, request.rules)
    return bool(request.sysctls) or any(not wish.absent for some in wishes for wish in some)


def _planned(work: Work, check: bool) -> tuple[State, Plan]:
    """What there is, and what there is to do."""
    if not check:
        refuse_while_waiting(work.places.inside)
    before = work.look()
    return before.state, work.plan(before, work.request)


def _run(work: Work, before: State, planned: Plan, check: bool, seconds: int | None) -> Results:
    _refuse_to_purge(work.request, before, planned)
    if check or not planned.steps:
        return _results(work, before, planned, planned.after, planned.warnings)
    with contextlib.nullcontext() if seconds is None else armed(work, before, planned.steps, seconds) as token:
        after = carry_out(work, before, planned)
    return _results(work, before, planned, after, [*_names_that_came(work, before, after)])._replace(token=token)


def _names_that_came(work: Work, before: State, after: State) -> t.Iterator[str]:
    """Who is inside may give a link more names at any time; on the way out those of the plan are taken away."""
    wishes = {wish.name: wish for wish in work.request.links}
    left = [before.links[name] for name in wishes if name in before.links and name not in after.links]
    moved = [link for link in left if PHYSICAL in (link.type, wishes[link.name].type) or wishes[link.name].outside]
    # All is done: that somebody changes links there all the time is no failure any more.
    there = Surroundings(work.places.at_any_time())
    for link in moved:
        # A physical one is given those of its place again by udev.
        own = link.altnames if link.type == PHYSICAL else ()
        came = there.link(HERE, link.name)
        for name in () if came is None else came.altnames:
            if name not in own:
                remedy = f"ip link property del dev {link.name} altname {name}"
                yield f"{link.name} has come with the name {name} too, which {remedy} takes away"


def _results(work: Work, before: State, planned: Plan, after: State, warnings: t.Sequence[str]) -> Results:
    gone = gone_for_good(before, after, work.request, planned.touched)
    return Results(
        _changes(planned, work.places),
        work.back(before, after, planned.steps),
        (*(f"{item}, is not in before: it could not be made again" for item in gone), *warnings),
    )


def _refuse_to_purge_the_host(proc: int, inside: int | None) -> None:
    """Nobody loses a host by what they forgot to declare, however they name it. Raises NamespaceError."""
    is_host = inside is None
    if inside is not None:
        # A security module may guard PID 1, from root too.
        with during("look at the network namespace of PID 1"), contextlib.suppress(PermissionError):
            is_host = procfs.namespaces(proc, 1).get(nstypes.NET) == nsfs.identity(inside)
    if is_host:
        raise refuse("purge", "it is about the network of the host", "name what shall be absent there")


def _refuse_to_purge(request: Request, before: State, planned: Plan) -> None:
    """Raise NamespaceError for a link that nobody named and that could not be made again."""
    named_ = {wish.name for wish in request.links}
    for link in before.links.values() if "links" in request.purge else ():
        if link.name not in planned.after.links and link.name not in named_ and not can_come_back(link):
            raise NamespaceError(
                f"purge the link {link.name}",
                f"it is of type {link.type}, and what it is connected with is where no task could name it",
                "name it among the links; with state outside it is moved to where the task runs",
            )


def _loses_peers(before: State, planned: Plan) -> bool:
    """Whether a link goes, and its other end, or what it is upon, is in none of the namespaces that are open."""
    return any(
        link.type in LINK_TYPES and not can_come_back(link)
        for link in before.links.values()
        if link.name not in planned.after.links
    )


def _neighbours(proc: int, places: Places) -> list[str]:
    """The sets whose network namespaces have an id inside, as the kernel gives it to those of peers."""
    found = []
    for name in named.matching(proc, "*"):
        with contextlib.suppress(NamespaceError, OSError), closing(open_named(proc, name)) as fd:
            if netdev.netnsid_at(places.inside.route, fd) is not None:
                found.append(name)
    return found


def names_in(request: Request) -> t.Iterator[tuple[str, str]]:
    """The namespaces that it names, each with the option that does."""
    for wish in request.links:
        if wish.peer is not None and wish.peer.namespace is not None:
            yield wish.peer.namespace, f"links[{wish.name}].peer.namespace"
        if LINK_NAMESPACE in wish.options:
            yield str(wish.options[LINK_NAMESPACE]), f"links[{wish.name}].options.{LINK_NAMESPACE}"


def _canonical(request: Request, places: Places) -> Request:
    """The same, with one name for each namespace."""
    return request._replace(links=tuple(_with_one_name(wish, places) for wish in request.links))


def _with_one_name(wish: LinkWish, places: Places) -> LinkWish:
    if wish.peer is not None and wish.peer.namespace is not None:
        wish = wish._replace(peer=wish.peer._replace(namespace=places.name_of(wish.peer.namespace)))
    if LINK_NAMESPACE in wish.options:
        where = places.name_of(str(wish.options[LINK_NAMESPACE]))
        options = {**wish.options, LINK_NAMESPACE: where}
        if where == places.inside_name:
            del options[LINK_NAMESPACE]
        wish = wish._replace(options=options)
    return wish


def _changes(planned: Plan, places: Places) -> tuple[str, ...]:
    inside = places.inside_name
    return tuple(
        printable(step.words if step.namespace == inside else f"{step.words} (in {places[step.namespace].title})")
        for step in planned.steps
    )
