# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Work that children do part by part, where one part may never end: a file system does not answer, or holds a lock."""

from __future__ import annotations

import collections
import os
import time
import typing as t

from ..._kernel import process
from ..checkpoint import ChildLostError, Gate, Message, spawn
from .scan import Scan

P = t.TypeVar("P")
Work = t.Callable[[Gate, P], None]
Take = t.Callable[[P, Message], None]
Kept = t.Callable[[P], t.Sequence[int]]

SECONDS = 10
"""For one part."""
_MOST_STUCK = 2
"""Children that do not come to their end: each takes its time, and may stay for good, with all that it holds."""


def each(
    scan: Scan, reason: str, parts: t.Iterable[P], work: Work[P], take: Take[P], kept: Kept[P] = lambda _part: ()
) -> None:
    """Have a child do the work on each part, and take what it reports of it.

    A child that does not end a part in time is ended, and another one goes on with the next; when that was twice, in
    the whole scan for the same reason, nobody does. The reason is noted as why the scan is not complete.
    kept: the descriptors that the work on a part needs; all others are closed. Raises NamespaceError.
    """
    left = collections.deque(parts)
    while left and scan.stuck[reason] < _MOST_STUCK and time.monotonic() < scan.deadline:
        try:
            _go_on(scan, left, work, take, kept)
        except ChildLostError:
            scan.stuck[reason] += 1
            scan.incomplete_because[reason] = None
            if left:
                left.popleft()
    if left:
        scan.incomplete_because[reason] = None


def _go_on(scan: Scan, left: collections.deque[P], work: Work[P], take: Take[P], kept: Kept[P]) -> None:
    with spawn(lambda gate: _work(gate, left, work, kept), scan.proc) as child:
        child.release()
        while left:
            deadline = min(time.monotonic() + SECONDS, scan.deadline)
            message = child.receive(deadline)
            while message is not None and "done" not in message:
                take(left[0], message)
                message = child.receive(deadline)
            if message is None:
                raise ChildLostError("look at the host", "the child that does it was ended from outside")
            left.popleft()


def _work(gate: Gate, left: t.Collection[P], work: Work[P], kept: Kept[P]) -> t.NoReturn:
    gate.wait()
    process.become_undumpable()
    # Who is stuck keeps what it holds.
    process.close_from(3, gate.proc, gate.fileno(), *(fd for part in left for fd in kept(part)))
    for part in left:
        work(gate, part)
        gate.report(done=True)
    os._exit(0)
