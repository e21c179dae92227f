# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""A network namespace brought to what is asked: looked at, planned and, but in check mode, carried out."""

from __future__ import annotations

import typing as t

from .carry_out import Work, carry_out
from .draft import Plan
from .link_types import LINK_NAMESPACE
from .model import LinkWish, Request
from .places import Places, opened


class Results(t.NamedTuple):
    """What was done, or would be, and the request that takes it back."""

    changes: tuple[str, ...]
    before: Request
    warnings: tuple[str, ...]


def run(proc: int, inside: int | None, name: str, request: Request, check: bool) -> Results:
    """inside: the open network namespace, None for that of the task. name: how a task calls it.

    Raises NamespaceError; then nothing is changed, or it says what is.
    """
    with opened(proc, inside, name, _names(request)) as places:
        work = Work(proc, places, _canonical(request, places))
        before = work.state()
        planned = work.plan(before, work.request)
        after = planned.after
        if planned.steps and not check:
            after = carry_out(work, before, planned)
        warnings = planned.warnings if check else ()
        return Results(_changes(planned, places), work.back(before, after, planned), warnings)


def _names(request: Request) -> t.Iterator[str]:
    for wish in request.links:
        if wish.peer is not None and wish.peer.namespace is not None:
            yield wish.peer.namespace
        if LINK_NAMESPACE in wish.options:
            yield str(wish.options[LINK_NAMESPACE])


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
        step.words if step.namespace == inside else f"{step.words} (in {places[step.namespace].title})"
        for step in planned.steps
    )
