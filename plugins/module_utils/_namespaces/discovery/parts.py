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

from ..checkpoint import PATIENCE, Gate, Message, spawn
from ..errors import NamespaceError

P = t.TypeVar("P")

SECONDS = 10
"""For one part; all have as long as any child."""
MOST_LOST = 2
"""Who does not answer twice is not asked a third time: each child that is stuck is one that may stay."""


def each(
    proc: int, parts: t.Iterable[P], work: t.Callable[[Gate, P], None], take: t.Callable[[P, Message], None]
) -> list[P]:
    """Have a child do the work on each part, and take what it reports of it; the parts that were not done.

    A child that does not end a part in time is ended, and another one goes on with the next. Raises NamespaceError.
    """
    left = collections.deque(parts)
    lost: list[P] = []
    limit = time.monotonic() + PATIENCE
    while left and len(lost) < MOST_LOST:
        try:
            _go_on(proc, left, limit, work, take)
        except NamespaceError as error:
            if error.code is not None:
                raise
            lost.append(left.popleft())
    return [*lost, *left]


def _go_on(
    proc: int,
    left: collections.deque[P],
    limit: float,
    work: t.Callable[[Gate, P], None],
    take: t.Callable[[P, Message], None],
) -> None:
    with spawn(lambda gate: _work(gate, [*left], work), proc) as child:
        child.release()
        while left:
            deadline = min(time.monotonic() + SECONDS, limit)
            message = child.receive(deadline)
            while message is not None and "done" not in message:
                take(left[0], message)
                message = child.receive(deadline)
            if message is None:
                raise NamespaceError("look at the host", "the child that does it was ended from outside")
            left.popleft()


def _work(gate: Gate, parts: t.Iterable[P], work: t.Callable[[Gate, P], None]) -> t.NoReturn:
    gate.wait()
    for part in parts:
        work(gate, part)
        gate.report(done=True)
    os._exit(0)
