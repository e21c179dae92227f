# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What the rules read of the facts of a host beyond its namespaces. It is as little to be trusted as they are."""

from __future__ import annotations

import typing as t

from .._facts import Facts, Namespace, Part, read


class Limit(t.NamedTuple):
    """How many namespaces of a type a user may have, and how many the one has who has most; None where not known."""

    max: int | None
    used: int


class Host(t.NamedTuple):
    """The facts of a host."""

    facts: Facts
    time: str | None
    home: t.Mapping[str, int | None]
    """By type the initial namespace; where that can't be seen, the one that the task ran in."""
    limits: t.Mapping[str, Limit]

    def guests(self) -> list[Namespace]:
        """All namespaces but those that the host itself lives in."""
        return [item for item in self.facts.namespaces if self.home.get(item.type) != item.inode]


def read_host(given: t.Any) -> Host:
    """The facts, checked. Raises AnsibleFilterError."""
    facts = read(given)
    told = Part(facts.told, "these facts of linux.namespaces.ns_facts")
    own = _numbers(told, "own")
    home = {kind: own.get(kind) if inode is None else inode for kind, inode in facts.initial.items()}
    return Host(
        facts=facts,
        time=told.text("time"),
        home={**own, **home},
        limits=_limits(told),
    )


def _numbers(told: Part, key: str) -> dict[str, int | None]:
    part = told.optional_part(key)
    return {name: part.number(name) for name in part.told} if part else {}


def _limits(told: Part) -> dict[str, Limit]:
    parts = told.optional_part("limits")
    limits = {kind: parts.part(kind) for kind in parts.told} if parts else {}
    return {kind: Limit(limit.number("max"), limit.needed_number("used")) for kind, limit in limits.items()}
