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
from .model import PHYSICAL, LinkWish, Request, State
from .places import Place, Places
from .plan import plan
from .read import Surroundings, state_of, tentative_of

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

    def look(self) -> Look:
        """What there is now. Raises NamespaceError."""
        around = Surroundings(self.places)
        moved = [wish.name for wish in self.request.links if wish.type == PHYSICAL and not wish.absent]
        return Look(state_of(self.proc, self.places, self.request.sysctls, moved, around), around)

    def plan(self, now: Look, request: Request) -> Plan:
        """What there is to do. Raises NamespaceError."""
        return plan(now.state, request, self.places.inside_name, lambda name: now.around.links(name).by_name)

    def back(self, old: State, new: State, done: t.Sequence[Step]) -> Request:
        """What leads from the new state to the old one, of all that these steps change."""
        touched = all_of(done)
        # What the kernel takes away with an address, or for a small mtu.
        gone = {key for key, route in old.routes.items() if route.dev in touched.links and key not in new.routes}
        touched = touched._replace(routes=touched.routes | gone)
        return difference(old, new, self.request, touched, self.places.inside_name)


def carry_out(work: Work, before: State, planned: Plan) -> State:
    """What there is then. Raises NamespaceError, which says what of it could not be taken back."""
    done: list[Step] = []
    try:
        return _bring(work, planned, done)
    except NamespaceError as error:
        told = take_back(work, before, done)
        raise NamespaceError(error.operation, f"{error.cause} ({told})", error.remedy, error.code) from error


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


def take_back(work: Work, before: State, done: t.Sequence[Step]) -> str:
    """Go back to what there was before these steps; how that went, in words."""

    def look() -> tuple[State, Plan]:
        now = work.look()
        return now.state, work.plan(now, work.back(before, now.state, done))

    try:
        now, todo = look()
        for _round in range(_ROUNDS):
            _do(work, todo.steps, [])
            now, todo = look()
            if not todo.steps:
                break
    except NamespaceError as error:
        return f"what was done could not be taken back: {error}"
    left = [step.words for step in todo.steps]
    left += [f"{item} (gone for good)" for item in gone_for_good(before, now, work.request, all_of(done))]
    if left:
        return f"what was done could not all be taken back: {'; '.join(left)}"
    return "what was done is taken back" if done else "nothing is changed"


def _told(planned: Plan) -> str:
    return "; ".join(step.words for step in planned.steps)


def _do(work: Work, steps: t.Sequence[Step], done: list[Step]) -> None:
    """In order; those that go to one namespace together. Raises NamespaceError for the first that fails.

    done: where those go that did not fail.
    """
    numbers = _Numbers(work.places)
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

    def __init__(self, places: Places) -> None:
        self._places = places
        self._indices: dict[str, dict[str, int]] = {}

    def index(self, namespace: str, link: str) -> int:
        place = self._places[namespace]
        if namespace not in self._indices:
            with during(f"read the links in {place.title}"):
                self._indices[namespace] = netdev.indices_at(place.route)
        if link not in self._indices[namespace]:
            raise NamespaceError(
                f"change the link {link} in {place.title}", "it is gone meanwhile", "run the task again"
            )
        return self._indices[namespace][link]

    def fd(self, namespace: str) -> int:
        return self._places[namespace].fd

    def forget(self) -> None:
        """Links have come or gone."""
        self._indices.clear()
