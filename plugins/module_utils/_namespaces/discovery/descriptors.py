# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Descriptors of processes: where /proc has them, what they say of themselves, and the first of many alike."""

from __future__ import annotations

import collections
import typing as t

from ..._kernel import process, procfs
from ..._kernel.descriptor import closing
from .model import MOST_HOLDERS, Holder

K = t.TypeVar("K", bound=t.Hashable)
T = t.TypeVar("T")


class Task(t.NamedTuple):
    """A process, or a thread of it that has a table of descriptors, or a working directory, of its own."""

    pid: int
    thread: int | None = None

    @property
    def id(self) -> int:
        """What system calls know it by."""
        return self.pid if self.thread is None else self.thread

    @property
    def place(self) -> str:
        """Where it is below /proc."""
        return f"{self.pid}" if self.thread is None else f"{self.pid}/task/{self.thread}"

    def open_pidfd(self) -> int:
        """Raises OSError: EINVAL for a thread before Linux 6.9."""
        return process.pidfd_open(self.id, self.thread is not None)


class Descriptor(t.NamedTuple):
    """A descriptor of a task."""

    task: Task
    fd: int

    @property
    def path(self) -> str:
        """Where it is below /proc."""
        return f"{self.task.place}/fd/{self.fd}"

    @property
    def fdinfo(self) -> str:
        """Where what the kernel says of it is below /proc."""
        return f"{self.task.place}/fdinfo/{self.fd}"

    def copy(self) -> int:
        """A copy of our own. Raises OSError; EINVAL for that of a thread before Linux 6.9."""
        with closing(self.task.open_pidfd()) as pidfd:
            return process.pidfd_getfd(pidfd, self.fd)

    def holder(self, kind: str) -> Holder:
        """It as what holds a namespace."""
        return Holder(kind, pid=self.task.pid, thread=self.task.thread, fd=self.fd)


def number_of(proc: int, descriptor: Descriptor, field: str) -> int | None:
    """A number that its fdinfo says. Raises OSError."""
    return procfs.fdinfo(proc, descriptor.fdinfo, field)


def order(one: Descriptor, other: Descriptor) -> int:
    """How the kernel orders what two descriptors are open on; 0 where it is the same. Raises OSError."""
    return process.order_of_open_files(one.task.id, one.fd, other.task.id, other.fd)


class Firsts(t.Generic[T]):
    """The first of each that are one and the same to the kernel, which has an order for them."""

    def __init__(self, order: t.Callable[[T, T], int]) -> None:
        self._order = order
        self._items: list[T] = []

    def find(self, item: T) -> T | None:
        """The first one that is the same as this; None where this is the first.

        Also None where the kernel does not tell: then nothing is known to be the same.
        """
        low, high = 0, len(self._items)
        while low < high:
            middle = (low + high) // 2
            try:
                order = self._order(item, self._items[middle])
            except ProcessLookupError:
                del self._items[middle]
                high -= 1
            except OSError:
                return None
            else:
                if order == 0:
                    return self._items[middle]
                low, high = (low, middle) if order < 0 else (middle + 1, high)
        self._items.insert(low, item)
        return None


class Tally(t.Generic[K, T]):
    """How many there are by what they have in common, and the first of them."""

    def __init__(self) -> None:
        self.firsts: dict[K, list[T]] = {}
        self.counts: collections.Counter[K] = collections.Counter()

    def add(self, key: K, item: T) -> None:
        """Count one more."""
        self.counts[key] += 1
        if self.counts[key] <= MOST_HOLDERS:
            self.firsts.setdefault(key, []).append(item)
