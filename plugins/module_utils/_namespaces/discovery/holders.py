# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What holds a namespace, as plain values: which process it is, and by what."""

from __future__ import annotations

import collections
import typing as t

from .leaders import Leaders
from .model import Holder, Namespace
from .scan import Scan

Told = t.Dict[str, t.Any]


def tell(scan: Scan, leaders: Leaders, namespace: Namespace, most: int, processes: bool) -> list[Told]:
    """So many of its holders at most, some of each kind; what does not apply to one is left out.

    processes: those that are in it are holders too.
    """
    holders = [*namespace.holders]
    if processes:
        holders += [Holder("process", pid=pid) for pid in namespace.processes[:most]]
    return [_describe(scan, leaders, holder) for holder in _mixed(holders)[:most]]


def _describe(scan: Scan, leaders: Leaders, holder: Holder) -> Told:
    pid = holder.pid
    if holder.kind == "bind":
        leader = leaders.of(scan.namespaces[holder.namespace or 0])
        pid = leader.pid if leader else None
    fields = {**holder._asdict(), "pid": pid}
    if pid is not None:
        who = leaders.describe(pid)
        fields.update(comm=who.comm, unit=who.unit)
    return {key: value for key, value in fields.items() if value is not None}


def _mixed(holders: t.Sequence[Holder]) -> list[Holder]:
    """The first of each kind, then the second of each and so on: where few are told, none hides the others."""
    seen: collections.Counter[str] = collections.Counter()
    ranked = []
    for holder in holders:
        ranked.append((seen[holder.kind], holder))
        seen[holder.kind] += 1
    return [holder for _rank, holder in sorted(ranked, key=lambda pair: pair[0])]
