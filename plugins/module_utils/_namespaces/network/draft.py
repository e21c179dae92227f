# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""A plan while it is made: the steps so far, and what there is after them."""

from __future__ import annotations

import typing as t

from ..._kernel import rtnetlink
from ..errors import NamespaceError
from .model import Link, LinkWish, Request, Route, Rule, State


class Numbers(t.Protocol):
    """What a step needs to know only when its turn comes."""

    def index(self, namespace: str, link: str) -> int:
        """The index of a link. Raises NamespaceError."""

    def fd(self, namespace: str) -> int:
        """The open namespace."""

    def number_inside(self, link: str) -> int:
        """The index that a link from where the task runs is to have inside. Raises NamespaceError."""


Message = t.Callable[[Numbers], rtnetlink.Request]


class Touched(t.NamedTuple):
    """What a plan is about, by name, key and selector. All else may change meanwhile, by others."""

    links: frozenset[str] = frozenset()
    routes: frozenset[tuple[str, int, int]] = frozenset()
    rules: frozenset[tuple[t.Any, ...]] = frozenset()


class Step(t.NamedTuple):
    """One thing to do."""

    words: str
    """As the arguments of ip(8) or sysctl(8)."""
    namespace: str
    """Where."""
    message: Message | None
    """None for a sysctl."""
    sysctl: tuple[str, str] = ("", "")
    makes: bool = False
    """Whether a link gets a new index by it."""
    disturbs: bool = False
    """Whether the kernel may take away more than is asked, as addresses or routes of the same link."""
    source: str = ""
    """An address of IPv6 that the kernel has to have made sure of before."""
    touched: Touched = Touched()
    """What changes by it."""


class Plan(t.NamedTuple):
    """All there is to do, and what there will be then."""

    steps: tuple[Step, ...]
    after: State
    warnings: tuple[str, ...]

    @property
    def touched(self) -> Touched:
        """What changes by all the steps."""
        return all_of(self.steps)


def all_of(steps: t.Sequence[Step]) -> Touched:
    """What changes by these steps."""
    return Touched(*(frozenset().union(*sets) for sets in zip(Touched(), *(step.touched for step in steps))))


class Draft:
    """The state as it will be, which the steps lead to."""

    def __init__(
        self, state: State, request: Request, inside: str, around: t.Callable[[str, str], Link | None]
    ) -> None:
        self.request = request
        self.inside = inside
        """How the namespace that is changed is called."""
        self.around = around
        """A link of another namespace, by the names of both."""
        self.wishes: dict[str, LinkWish] = {}
        self.links = dict(state.links)
        self.routes = dict(state.routes)
        self.rules = list(state.rules)
        self.sysctls = dict(state.sysctls)
        self.in_use = state.in_use
        self.warnings: list[str] = []
        self._steps: list[Step] = []

    def add(self, step: Step, *touched: Link | Route | Rule) -> None:
        """A step, and what it changes."""
        self._steps.append(step)
        for item in touched:
            self.touch(item)

    def touch(self, item: Link | Route | Rule) -> None:
        """It changes by the latest step too, whether that is about it or the kernel does so."""
        touched = self._steps[-1].touched
        if isinstance(item, Link):
            touched = touched._replace(links=touched.links | {item.name})
        elif isinstance(item, Route):
            touched = touched._replace(routes=touched.routes | {item.key})
        else:
            touched = touched._replace(rules=touched.rules | {item.selector})
        self._steps[-1] = self._steps[-1]._replace(touched=touched)

    def link(self, name: str, purpose: str) -> Link:
        """A link that something stands on. Raises NamespaceError."""
        if name not in self.links:
            raise NamespaceError(purpose, f"there is no link {name}", "declare it among the links, or name another one")
        return self.links[name]

    def change(self, name: str, **fields: t.Any) -> None:
        """How a link will be."""
        self.links[name] = self.links[name]._replace(**fields)

    def forget_routes(self, dev: str) -> None:
        """The kernel takes them away with the link, or when it is set down."""
        for route in [*self.routes.values()]:
            if route.dev == dev:
                self.forget(route)

    def forget(self, route: Route) -> None:
        """The kernel takes it away."""
        del self.routes[route.key]
        self.touch(route)

    def finish(self) -> Plan:
        """The plan."""
        return Plan(
            tuple(self._steps),
            State(self.links, self.routes, self.rules, self.sysctls),
            tuple(self.warnings),
        )


def refuse_beyond(purpose: str, beyond: str) -> None:
    """Raise NamespaceError for what has something that no task could bring back."""
    if beyond:
        raise NamespaceError(
            purpose, f"it has {beyond}, which could not be brought back", "take it away by other means, or leave it"
        )
