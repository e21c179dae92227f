# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The links of /proc/PID/ns of all processes and threads: where each is, and where its children will be.

Source: namespaces(7), proc_pid_task(5).
"""

from __future__ import annotations

import os
import typing as t

from ..._kernel import nstypes
from .model import Holder, Namespace
from .scan import Scan
from .walk import each, other_threads

_OWN = [kind.name for kind in nstypes.ALL]
_CHILDREN = [(kind.children_link, _OWN.index(kind.name)) for kind in nstypes.ALL if kind.children_only]
_NAMES = [*_OWN, *(link for link, _own in _CHILDREN)]

Links = t.Tuple[str, ...]
"""What the links say, in the order of _NAMES; empty where the process has ended, or the kernel lacks the type."""


class Found(t.NamedTuple):
    """Where a process is, and those of its threads that are elsewhere, by their ids."""

    links: Links
    threads: t.Sequence[tuple[int, Links]] = ()


def look(scan: Scan) -> None:
    """Find the namespaces that processes and threads are in."""
    together: dict[Links, list[int]] = {}
    elsewhere: list[tuple[int, int, Links]] = []
    for pid, found in each(scan, "processes", _collector()):
        together.setdefault(found.links, []).append(pid)
        elsewhere += [(pid, thread, links) for thread, links in found.threads]
    for links, pids in together.items():
        _place(scan, links, pids)
    for pid, thread, links in elsewhere:
        _place_thread(scan, pid, thread, links)


def _collector() -> t.Callable[[int, int], Found | None]:
    known: dict[Links, Found] = {}

    def collect(directory: int, pid: int) -> Found | None:
        links = _read(directory, "ns/")
        threads = tuple(_threads_elsewhere(directory, pid, links))
        if threads:
            return Found(links, threads)
        # Many are alike, and what is one object is sent once.
        return known.setdefault(links, Found(links)) if any(links) else None

    return collect


def _threads_elsewhere(directory: int, pid: int, of_leader: Links) -> t.Iterator[tuple[int, Links]]:
    for thread in other_threads(directory, pid):
        try:
            links = _read(directory, f"task/{thread}/ns/")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if links != of_leader and any(links):
            yield thread, links


def _read(directory: int, folder: str) -> Links:
    """Raises PermissionError where they may not be read, ProcessLookupError where the process is gone."""
    read = os.readlink
    try:
        return tuple([read(folder + name, dir_fd=directory) for name in _NAMES])
    except FileNotFoundError:
        return tuple(_read_some(directory, folder))


def _read_some(directory: int, folder: str) -> t.Iterator[str]:
    for name in _NAMES:
        try:
            yield os.readlink(folder + name, dir_fd=directory)
        except FileNotFoundError:
            yield ""


def _place(scan: Scan, links: Links, pids: t.Sequence[int]) -> None:
    """Put the processes that have the same links where these lead."""
    found = _keep_all(scan, links, pids)
    for namespace in found[: len(_OWN)]:
        if namespace is not None:
            namespace.processes.extend(pids)
    for namespace in _of_children(found):
        for pid in pids:
            namespace.hold(Holder("for_children", pid=pid))


def _place_thread(scan: Scan, pid: int, thread: int, links: Links) -> None:
    found = _keep_all(scan, links, (f"{pid}/task/{thread}",))
    for namespace in {*found[: len(_OWN)], *_of_children(found)}:
        if namespace is not None and pid not in namespace.processes:
            namespace.hold(Holder("thread", pid=pid, thread=thread))


def _keep_all(scan: Scan, links: Links, places: t.Iterable[object]) -> list[Namespace | None]:
    return [
        scan.keep_named(text, (f"{place}/ns/{name}" for place in places)) if text else None
        for name, text in zip(_NAMES, links)
    ]


def _of_children(found: t.Sequence[Namespace | None]) -> t.Iterator[Namespace]:
    """Those that only children will be in."""
    for (_link, own), namespace in zip(_CHILDREN, found[len(_OWN) :]):
        if namespace is not None and namespace is not found[own]:
            yield namespace
