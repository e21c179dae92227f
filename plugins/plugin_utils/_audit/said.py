# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""Words that the evidence of several rules is made of."""

from __future__ import annotations

import typing as t

from .._facts import Facts, Namespace, Process
from .model import Hit

_MOST = 5


def who(process: Process | None) -> str:
    """A process, and the unit that it belongs to: nginx (pid 700), nginx.service."""
    if process is None or process.pid is None:
        return "somebody"
    named = "pid %d" % process.pid if process.comm is None else "%s (pid %d)" % (process.comm, process.pid)
    more = "container %s" % process.container[:12] if process.container else process.unit
    return named if more is None else "%s, %s" % (named, more)


def some(items: t.Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    more = len(items) - _MOST
    return ", ".join(items[:_MOST]) + (" and %d more" % more if more > 0 else "")


def counted(count: int, word: str) -> str:
    """1 namespace, 2 namespaces."""
    return "1 " + word if count == 1 else "%d %ss" % (count, word)


def held(namespace: Namespace, kinds: t.Iterable[str]) -> str:
    """How many holders of these kinds it has: 1 bind, 2 fd."""
    return ", ".join("%d %s" % (namespace.holder_counts[kind], kind) for kind in sorted(kinds)) or "nothing"


def as_seen(hit: Hit, facts: Facts) -> Hit:
    """What is found because something is not in these facts: no more than a hint where not all was looked at."""
    if facts.complete:
        return hit
    return hit._replace(evidence="as far as was seen: " + hit.evidence, severity="info")
