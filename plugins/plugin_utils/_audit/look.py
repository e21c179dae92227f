# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What the rules are given: the facts of a host, what is declared, what a site wants, and what was before."""

from __future__ import annotations

import functools
import typing as t
from fnmatch import fnmatchcase

from .._diff import Difference, compare
from .._facts import Facts, Holder, Namespace
from .baseline import Baseline, Missing
from .host import Host
from .policy import Policy

PASSIVE = frozenset({"owned", "child", "zombie", "process"})
"""Kinds of holders that say nothing of whether anybody wants a namespace."""


class Look:
    """A host, and by what it is judged. What it knows of a namespace takes no second look at the others."""

    def __init__(
        self, host: Host, policy: Policy, declared: t.Sequence[str], baseline: Baseline | Missing | None
    ) -> None:
        self.host = host
        self.policy = policy
        self.baseline = baseline if isinstance(baseline, Baseline) else None
        self.missing = baseline if isinstance(baseline, Missing) else None
        self._globs = declared
        self._exactly = frozenset(host.facts.declared or ())
        self._known: dict[str, bool] = {}

    @property
    def facts(self) -> Facts:
        return self.host.facts

    @functools.cached_property
    def guests(self) -> t.Sequence[Namespace]:
        """All but those that the host itself lives in."""
        return self.host.guests()

    @functools.cached_property
    def difference(self) -> Difference | None:
        """What is not as it was before."""
        return None if self.baseline is None else compare(self.baseline.host.facts, self.facts)

    def is_home(self, kind: str, inode: int | None) -> bool:
        """Whether the host itself lives there."""
        return inode is not None and self.host.home.get(kind) == inode

    def is_declared(self, name: str | None) -> bool:
        """Whether the host, or who asks, knows a set of this name."""
        if name is None:
            return False
        if name not in self._known:
            self._known[name] = name in self._exactly or any(fnmatchcase(name, glob) for glob in self._globs)
        return self._known[name]

    @functools.cached_property
    def idle(self) -> t.Sequence[Namespace]:
        """Those without processes, also in what they own and what is below them, that nobody has declared."""
        return [item for item in self.guests if item.inode not in self._used and not self.is_declared(item.name)]

    @functools.cached_property
    def _used(self) -> frozenset[int]:
        used: set[int] = set()
        for namespace in self.facts.namespaces:
            above: list[Namespace | None] = [namespace] if namespace.processes else []
            while above:
                item = above.pop()
                if item is not None and item.inode not in used:
                    used.add(item.inode)
                    above += [self.facts.by_inode.get(number) for number in (item.owner, item.parent) if number]
        return frozenset(used)


def kinds(namespace: Namespace) -> frozenset[str]:
    """In which ways it is wanted."""
    return frozenset(kind for kind, count in namespace.holder_counts.items() if count) - PASSIVE


def binds(namespace: Namespace) -> t.Sequence[Holder]:
    """The bind mounts of it that were told."""
    return [holder for holder in namespace.holders if holder.kind == "bind" and holder.path is not None]


def path_of(namespace: Namespace) -> str | None:
    """Where it can be found, None for nowhere."""
    return next((holder.path for holder in binds(namespace)), None)
