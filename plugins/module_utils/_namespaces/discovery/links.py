# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The links of /proc/PID/ns of all processes and threads: where each is, and where its children will be.

Source: namespaces(7), proc_pid_task(5).
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..._kernel import nstypes, procfs
from ..._kernel.descriptor import closing
from .model import Holder, Namespace
from .scan import Scan
from .walk import each, other_threads

_OWN = [kind.name for kind in nstypes.ALL]
_MNT = _OWN.index(nstypes.MNT.name)
_CHILDREN = [(kind.children_link, _OWN.index(kind.name)) for kind in nstypes.ALL if kind.children_only]
_ALL = [*_OWN, *(link for link, _own in _CHILDREN)]

Links = t.Tuple[str, ...]
"""What the links say, in the order of _ALL: of _OWN alone, where no others were asked for.

Empty where the process has ended, or the kernel lacks the type.
"""


class Found(t.NamedTuple):
    """Where a process is, and those of its threads that are elsewhere, by their ids."""

    links: Links
    threads: t.Sequence[tuple[int, Links]] = ()


def look(scan: Scan) -> None:
    """Find the namespaces that processes and threads are in."""
    together: dict[Links, list[int]] = {}
    for pid, found in each(scan, ("processes", "threads"), _collector("threads" in scan.sources)):
        together.setdefault(found.links, []).append(pid)
        for thread, links in found.threads:
            _place_thread(scan, Holder("thread", pid=pid, thread=thread), links, found.links)
    for links, pids in together.items():
        _place(scan, links, pids)


def _collector(threads: bool) -> t.Callable[[int, int], Found | None]:
    known: dict[Links, Found] = {}

    def collect(directory: int, pid: int) -> Found | None:
        links = _read(directory, "ns/", _ALL if threads else _OWN)
        elsewhere = tuple(_threads_elsewhere(directory, pid, links)) if threads else ()
        if elsewhere:
            return Found(links, elsewhere)
        # Many are alike, and what is one object is sent once.
        return known.setdefault(links, Found(links)) if any(links) else None

    return collect


def _threads_elsewhere(directory: int, pid: int, of_leader: Links) -> t.Iterator[tuple[int, Links]]:
    for thread in other_threads(directory, pid):
        try:
            links = _read(directory, f"task/{thread}/ns/", _ALL)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if links != of_leader and any(links):
            yield thread, links


def _read(directory: int, folder: str, names: t.Sequence[str]) -> Links:
    """Raises PermissionError where they may not be read, ProcessLookupError where the process is gone."""
    read = os.readlink
    try:
        return tuple([read(folder + name, dir_fd=directory) for name in names])
    except FileNotFoundError:
        return tuple(_read_some(directory, folder, names))


def _read_some(directory: int, folder: str, names: t.Sequence[str]) -> t.Iterator[str]:
    for name in names:
        try:
            yield os.readlink(folder + name, dir_fd=directory)
        except FileNotFoundError:
            yield ""


def _place(scan: Scan, links: Links, pids: t.Sequence[int]) -> None:
    """Put the processes that have the same links where these lead."""
    if "processes" in scan.sources:
        ended = [] if links[_MNT] else [pid for pid in pids if _has_ended(scan.proc, pid)]
        alive = [pid for pid in pids if pid not in ended]
        for namespace in _keep(scan, zip(_OWN, links), pids):
            namespace.processes.extend(alive)
            for pid in ended:
                namespace.hold(Holder("zombie", pid=pid))
    for namespace in _keep(scan, _of_children(links), pids):
        for pid in pids:
            namespace.hold(Holder("for_children", pid=pid))


def _has_ended(proc: int, pid: int) -> bool:
    """Whether all threads have ended. Until it is reaped it is in its user and its pid namespace, and in no others."""
    with contextlib.suppress(OSError), closing(
        procfs.open_file(proc, str(pid), os.O_PATH | os.O_DIRECTORY)
    ) as directory:
        return procfs.stat(proc, pid).ended and not other_threads(directory, pid)
    return True


def _place_thread(scan: Scan, holder: Holder, links: Links, of_leader: Links) -> None:
    """Where a thread is, or its children will be, and its process is not."""
    others = {text: name for name, text in zip(_ALL, links) if text not in of_leader[: len(_OWN)]}
    for namespace in _keep(
        scan, ((name, text) for text, name in others.items()), [f"{holder.pid}/task/{holder.thread}"]
    ):
        namespace.hold(holder)


def _keep(scan: Scan, links: t.Iterable[tuple[str, str]], places: t.Collection[object]) -> t.Iterator[Namespace]:
    """The namespaces that links, by their names, lead to from any of these places in /proc."""
    for name, text in links:
        namespace = scan.keep_named(text, (f"{place}/ns/{name}" for place in places)) if text else None
        if namespace is not None:
            yield namespace


def _of_children(links: Links) -> t.Iterator[tuple[str, str]]:
    """Those that only children will be in."""
    for (name, own), text in zip(_CHILDREN, links[len(_OWN) :]):
        if text != links[own]:
            yield name, text
