# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""A plan carried out, looked at, and taken back where it can not be carried out as a whole."""

from __future__ import annotations

import errno
import itertools
import os
import time
import typing as t

from ..._kernel import netdev, rtnetlink
from ..errors import Hint, NamespaceError, during
from . import sysctls
from .difference import difference, gone_for_good, lost
from .draft import Plan, Step, all_of
from .model import LinkWish, Request, State
from .moved import Moved, bring_back
from .places import HERE, Place, Places
from .plan import plan
from .read import READ_HINTS, Surroundings, state_of, tentative_of

_ROUNDS = 3
_DETECTION_SECONDS = 5
_DETECTION_STEP_SECONDS = 0.05
_HINTS = {
    errno.EEXIST: Hint("something like it is there already", "look at ip {kind} inside"),
    errno.ENODEV: Hint("the link is gone meanwhile", "run the task again"),
    errno.EOPNOTSUPP: Hint("the kernel can not do that here", "see {page}"),
    errno.ENETDOWN: Hint("its link is down", "set it up first, with up true"),
    errno.ENETUNREACH: Hint("no link leads to the gateway", "give a link an address of its network first"),
    errno.ESRCH: Hint("it is gone meanwhile", "run the task again"),
    errno.EADDRNOTAVAIL: Hint("the address is gone meanwhile", "run the task again"),
    errno.EINVAL: Hint("the kernel does not take it so", "see {page}"),
    errno.EBUSY: Hint("it is in use", "look at who uses it"),
    errno.EPERM: Hint("it takes CAP_NET_ADMIN over the network namespace", "run the task as root"),
}
_NO_SUCH_TYPE = Hint("this kernel has no links of that type", "load its module, or take another type")
_NOT_TOGETHER = Hint("the kernel does not take these options together", "see {page}")
_NO_SUCH_SOURCE = Hint("the kernel does not take it so", "give an address of a link inside as its src, see {page}")
_PAGES = {"link": "ip-link(8)", "addr": "ip-address(8)", "route": "ip-route(8)", "rule": "ip-rule(8)"}


class Look(t.NamedTuple):
    """What there is at one time, inside and around."""

    state: State
    around: Surroundings


class Work(t.NamedTuple):
    """What a task is about."""

    proc: int
    places: Places
    request: Request
    moved: Moved

    def look(self) -> Look:
        """What there is now. Raises NamespaceError."""
        around = Surroundings(self.places)
        return Look(state_of(self.proc, self.places, self.request.sysctls, self.moved.names, around), around)

    def plan(self, now: Look, request: Request) -> Plan:
        """What there is to do. Raises NamespaceError."""
        return plan(now.state, request, self.places.inside_name, now.around.link)

    def back(self, old: State, new: State, done: t.Sequence[Step]) -> Request:
        """What leads from the new state to the old one, of all that these steps change."""
        touched = all_of(done)
        # What the kernel takes away with an address, or for a small mtu.
        gone = {key for key, route in old.routes.items() if route.dev in touched.links and key not in new.routes}
        touched = touched._replace(routes=touched.routes | gone)
        return difference(old, new, self.request, touched, self.places.inside_name)


class LeftError(NamespaceError):
    """Something failed, and what was done before could not all be taken back."""


class Left(t.NamedTuple):
    """What could not be taken back, in words."""

    refused: t.Sequence[str]
    """Another time it may be."""
    gone: t.Sequence[str]

    @property
    def words(self) -> str:
        """How it went."""
        left = [*self.refused, *(f"{item} (gone for good)" for item in self.gone)]
        return (
            f"what was done could not all be taken back: {'; '.join(left)}" if left else "what was done is taken back"
        )


def carry_out(work: Work, before: State, planned: Plan) -> State:
    """What there is then. Raises NamespaceError, which says what of it could not be taken back, as LeftError."""
    done: list[Step] = []
    try:
        return _bring(work, planned, done)
    except Exception as error:
        left = take_back(work, before, done)
        failed = error if isinstance(error, NamespaceError) else _unforeseen(work, error)
        told = left.words if done else "nothing is changed"
        raise (LeftError if left.refused else NamespaceError)(
            failed.operation, f"{failed.cause} ({told})", failed.remedy, failed.code
        ) from error


def _unforeseen(work: Work, error: Exception) -> NamespaceError:
    return NamespaceError(
        f"bring {work.places.inside.title} to what is asked",
        told_of(error),
        "this should not be: look for what is unusual there, and report it",
    )


def _bring(work: Work, planned: Plan, done: list[Step]) -> State:
    todo = planned
    # What comes while it is carried out is not what was to be purged.
    wanted = work.request._replace(purge=frozenset())
    for _round in range(_ROUNDS):
        _do(work, todo.steps, done)
        now = work.look()
        request = wanted
        if any(step.disturbs for step in todo.steps):
            request = _both(request, lost(planned, now.state, work.places.inside_name))
        todo = work.plan(now, request)
        if not todo.steps:
            return now.state
    raise NamespaceError(
        f"bring {work.places.inside.title} to what is asked",
        f"it does not stay so, there would be left to do: {_told(todo)}",
        "see whether somebody else, or another entry of the task, changes it back",
    )


def _both(request: Request, more: Request) -> Request:
    names = {wish.name for wish in request.links}
    extra = {wish.name: wish for wish in more.links}
    links = [_with_more(wish, extra[wish.name]) if wish.name in extra else wish for wish in request.links]
    return request._replace(
        links=(*links, *(wish for wish in more.links if wish.name not in names)),
        routes=(*request.routes, *more.routes),
    )


def _with_more(wish: LinkWish, more: LinkWish) -> LinkWish:
    """The same with the addresses of the other one."""
    peer = more.peer or wish.peer
    if wish.peer is not None and more.peer is not None:
        peer = wish.peer._replace(addresses=(*wish.peer.addresses, *more.peer.addresses))
    return wish._replace(addresses=(*wish.addresses, *more.addresses), peer=peer)


def take_back(work: Work, before: State, done: t.Sequence[Step]) -> Left:
    """Go back to what there was before these steps, with all that can, whatever else is in the way."""
    if not done:
        return Left((), ())
    back = _Back(work._replace(places=work.places.at_any_time()), before, done)
    refused = bring_back(back.work.places, work.moved, before.outside)
    try:
        now, left = back.as_one()
    except Exception:  # noqa: BLE001 - whatever it is, it may be in the way of a part alone
        try:
            now, left = back.in_parts()
        except Exception as error:  # noqa: BLE001 - it has to be said
            return Left((*refused, told_of(error)), ())
    return Left((*refused, *left), gone_for_good(before, now, work.request, all_of(done)))


class _Back(t.NamedTuple):
    """The way back; each returns what there is then, and what is left, in words."""

    work: Work
    before: State
    done: t.Sequence[Step]

    def request(self, now: State) -> Request:
        """All but the links that were moved in: those come by themselves."""
        request = self.work.back(self.before, now, self.done)
        return request._replace(
            links=tuple(wish for wish in request.links if not (wish.absent and wish.name in self.before.outside))
        )

    def as_one(self) -> tuple[State, list[str]]:
        """Raises what is in the way of any part."""
        now = self.work.look()
        todo = self.work.plan(now, self.request(now.state))
        for _round in range(_ROUNDS):
            _do(self.work, todo.steps, [])
            now = self.work.look()
            todo = self.work.plan(now, self.request(now.state))
            if not todo.steps:
                break
        return now.state, [step.words for step in todo.steps]

    def in_parts(self) -> tuple[State, list[str]]:
        """Raises what is in the way of all parts."""
        now = self.work.look()
        refused: list[str] = []
        for _round in range(_ROUNDS):
            refused = []
            for part in _parts(self.request(now.state), now.state):
                try:
                    steps = self.work.plan(now, part).steps
                    if not steps:
                        continue
                    _do(self.work, steps, [])
                except Exception as error:  # noqa: BLE001 - the other parts shall go
                    refused.append(told_of(error))
                now = self.work.look()
            if not refused:
                break
        return now.state, refused


def _parts(request: Request, now: State) -> t.Iterator[Request]:
    """Each by itself, what is to go first; but the rules together, as the place of one depends on others."""
    for wish in sorted(request.links, key=lambda wish: not wish.absent):
        if wish.peer is not None and wish.name in now.links:
            # Who has its peer may have changed that.
            yield Request(links=(wish._replace(type=None, options={}, peer=None),))
        yield Request(links=(wish,))
    for route in request.routes:
        yield Request(routes=(route,))
    if request.rules:
        yield Request(rules=request.rules)
    for name, value in request.sysctls.items():
        yield Request(sysctls={name: value})


def told_of(error: Exception) -> str:
    """With its class, where that says more than its words."""
    return str(error) if isinstance(error, NamespaceError) else f"{type(error).__name__}: {error}"


def _told(planned: Plan) -> str:
    return "; ".join(step.words for step in planned.steps)


def _do(work: Work, steps: t.Sequence[Step], done: list[Step]) -> None:
    """In order; those that go to one namespace together. Raises NamespaceError for the first that fails.

    done: where those go that did not fail.
    """
    numbers = _Numbers(work.places, work.moved)
    for (namespace, is_sysctl, makes, _source), group in itertools.groupby(
        # What is to be waited for is sent before.
        steps,
        key=lambda step: (step.namespace, step.message is None, step.makes, step.source),
    ):
        place = work.places[namespace]
        some = [*group]
        if is_sysctl:
            done += some
            sysctls.write(work.proc, place, dict(step.sysctl for step in some))
        elif makes:
            # One after the other: what comes next may be upon it.
            for step in some:
                _send(place, [step], numbers, done)
                numbers.forget()
        else:
            _await_detection(place, some[0].source)
            _send(place, some, numbers, done)


def _await_detection(place: Place, source: str) -> None:
    """The kernel takes no address as the source of a route before it knows that nobody else on the link has it."""
    limit = time.monotonic() + _DETECTION_SECONDS
    while source and source in tentative_of(place) and time.monotonic() < limit:
        time.sleep(_DETECTION_STEP_SECONDS)


def _send(place: Place, steps: t.Sequence[Step], numbers: _Numbers, done: list[Step]) -> None:
    requests = [step.message(numbers) for step in steps if step.message is not None]
    try:
        with during(f"talk to the kernel about {place.title}"):
            answers = rtnetlink.change(place.route, requests)
    except NamespaceError:
        # Nobody knows which of them.
        done += steps
        raise
    done += [step for step, error in zip(steps, answers) if error is None]
    for step, error in zip(steps, answers):
        if error is not None:
            raise _explained(error, step, place)


def _explained(error: OSError, step: Step, place: Place) -> NamespaceError:
    code = error.errno or errno.EIO
    kind = step.words.partition(" ")[0]
    hint = _HINTS.get(code, Hint("the kernel refused it", ""))
    if code == errno.EOPNOTSUPP and step.words.startswith("link add "):
        hint = _NO_SUCH_TYPE
    elif code in (errno.EPERM, errno.EACCES) and " type bond" in step.words:
        hint = _NOT_TOGETHER
    elif code == errno.EINVAL and kind == "route" and " src " in step.words:
        hint = _NO_SUCH_SOURCE
    own = error.strerror or ""
    cause = own if own and own != os.strerror(code) else hint.cause
    remedy = hint.remedy.format(kind=kind, page=_PAGES[kind])
    return NamespaceError(f'do "{step.words}" in {place.title}', cause, remedy, code)


class _Numbers:
    """The indices of links, as they are now."""

    def __init__(self, places: Places, moved: Moved) -> None:
        self._places = places
        self._moved = moved
        self._inside: dict[str, int] | None = None
        self._around: dict[tuple[str, str], int | None] = {}

    def _all_inside(self) -> dict[str, int]:
        place = self._places.inside
        if self._inside is None:
            with during(f"read the links in {place.title}", READ_HINTS):
                self._inside = netdev.indices_at(place.route, place.steady)
        return self._inside

    def index(self, namespace: str, link: str) -> int:
        place = self._places[namespace]
        if namespace == self._places.inside_name:
            number = self._all_inside().get(link)
        else:
            if (namespace, link) not in self._around:
                with during(f"look for the link {link} in {place.title}"):
                    self._around[namespace, link] = netdev.index_at(place.route, link)
            number = self._around[namespace, link]
        if number is None:
            cause = "it is gone meanwhile"
            raise NamespaceError(f"change the link {link} in {place.title}", cause, "run the task again")
        return number

    def number_inside(self, link: str) -> int:
        own, taken = self.index(HERE, link), self._all_inside().values()
        number = own if own not in taken else max(taken) + 1
        self._moved.note(link, number)
        return number

    def fd(self, namespace: str) -> int:
        return self._places[namespace].fd

    def forget(self) -> None:
        """Links have come or gone."""
        self._inside = None
        self._around.clear()
