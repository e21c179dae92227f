# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The links of /proc/PID/ns of all processes and threads: where each is, and where its children will be.

Source: namespaces(7), proc_pid_task(5).
"""

from __future__ import annotations

import collections
import contextlib
import errno
import os
import typing as t

from ..._kernel import nstypes, procfs
from ..._kernel.descriptor import closing
from .model import Holder, Namespace
from .scan import Scan, is_there
from .walk import each, other_threads

_OWN = [kind.name for kind in nstypes.ALL]
_MNT = _OWN.index(nstypes.MNT.name)
_CHILDREN = [kind.children_link for kind in nstypes.ALL if kind.children_only]


class Found:
    """Where processes and threads are, by what the links of their namespaces say."""

    def __init__(self) -> None:
        self.inside: dict[str, list[int]] = collections.defaultdict(list)
        """The processes in each namespace."""
        self.ended: dict[str, list[int]] = collections.defaultdict(list)
        """Those that have ended and wait to be reaped."""
        self.children: dict[tuple[str, str], list[int]] = collections.defaultdict(list)
        """The processes whose children will be elsewhere: by a link of /proc/PID/ns, and what it says."""
        self.threads: list[tuple[int, int, str, str]] = []
        """A process, a thread of it that is elsewhere, or whose children will be, by which link, and what that says."""


def look(scan: Scan) -> None:
    """Find the namespaces that processes and threads are in."""
    found = Found()
    # What most are in is held before it is read that they are: its inode means nothing else.
    held = frozenset(_keep_own(scan)) if "processes" in scan.sources else frozenset()
    for share in each(scan, ("processes", "threads"), "ns", _collector(scan, found), found):
        for text, pids in share.inside.items():
            namespace, there = _place(scan, held, text.partition(":")[0], text, pids)
            if namespace is not None:
                namespace.processes += there
        for text, pids in share.ended.items():
            _hold(scan, held, "zombie", text.partition(":")[0], text, pids)
        for (link, text), pids in share.children.items():
            _hold(scan, held, "for_children", link, text, pids)
        for pid, thread, link, text in share.threads:
            path = f"{pid}/task/{thread}/ns/{link}"
            namespace = scan.keep_named(text, [path])
            if namespace is not None and _leads(scan, path, text):
                namespace.hold(Holder("thread", pid=pid, thread=thread))
    for namespace in [*scan.namespaces.values()]:
        if not namespace.processes and not namespace.counts:
            scan.let_go(namespace)


def _keep_own(scan: Scan) -> t.Iterator[str]:
    """Hold the namespaces of the scan itself; what its links say."""
    us = procfs.own_pid(scan.proc)
    with closing(os.open(f"{us}/ns", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=scan.proc)) as directory:
        for link, text in zip(_OWN, _read(directory, _OWN)):
            if text and scan.keep_named(text, [f"{us}/ns/{link}"]):
                yield text


def _place(
    scan: Scan, held: t.Container[str], link: str, text: str, pids: t.Sequence[int]
) -> tuple[Namespace | None, t.Sequence[int]]:
    """The namespace that links lead to, and the processes of which they do.

    An inode is used again at once: who was in it before it was held is in it only where it is read again.
    """
    namespace = scan.keep_named(text, (f"{pid}/ns/{link}" for pid in pids))
    if namespace is None or text in held:
        return namespace, pids
    return namespace, [pid for pid in pids if _leads(scan, f"{pid}/ns/{link}", text)]


def _hold(scan: Scan, held: t.Container[str], kind: str, link: str, text: str, pids: t.Sequence[int]) -> None:
    namespace, there = _place(scan, held, link, text, pids)
    if namespace is not None:
        for pid in there:
            namespace.hold(Holder(kind, pid=pid))


def _leads(scan: Scan, link: str, text: str) -> bool:
    with contextlib.suppress(OSError):
        if os.readlink(link, dir_fd=scan.proc) == text:
            return True
    scan.vanished += 1
    return False


def _collector(scan: Scan, found: Found) -> t.Callable[[int, int], None]:
    """What looks at the open folder of the links of a process."""
    processes, threads = ("processes" in scan.sources, "threads" in scan.sources)

    def collect(directory: int, pid: int) -> None:
        own = _read(directory, _OWN)
        if processes:
            inside = found.inside if own[_MNT] or not _has_ended(scan.proc, directory, pid) else found.ended
            for text in own:
                inside[text].append(pid)
        if threads:
            for link, text in zip(_CHILDREN, _read(directory, _CHILDREN)):
                if text not in own:
                    found.children[link, text].append(pid)
            found.threads.extend(_threads_elsewhere(directory, pid, own))

    return collect


def _has_ended(proc: int, directory: int, pid: int) -> bool:
    """Whether all threads have ended. Until it is reaped it is in its user and its pid namespace, and in no others."""
    with contextlib.suppress(OSError):
        return procfs.stat(proc, pid).ended and not other_threads(directory, pid, "../task")
    return True


def _threads_elsewhere(directory: int, pid: int, own: t.Sequence[str]) -> t.Iterator[tuple[int, int, str, str]]:
    links = [*_CHILDREN, *_OWN]
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    for thread in other_threads(directory, pid, "../task"):
        try:
            with closing(os.open(f"../task/{thread}/ns", flags, dir_fd=directory)) as folder:
                texts = _read(folder, links)
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            if is_there(directory, f"../task/{thread}"):
                raise
            continue
        # Each once: what its children will be in is mostly what it is in.
        for text, link in dict(zip(texts, links)).items():
            if text not in own:
                yield pid, thread, link, text


def _read(directory: int, links: t.Sequence[str]) -> list[str]:
    """What they say; empty where the process has ended, or the kernel lacks the type.

    Raises PermissionError where they may not be read, ProcessLookupError where the process is gone.
    """
    read = os.readlink
    try:
        texts = [read(link, dir_fd=directory) for link in links]
    except FileNotFoundError:
        return [_read_one(directory, link) for link in links]
    if not all(texts):
        # What Linux 5.10.262 forgets to say.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return texts


def _read_one(directory: int, link: str) -> str:
    try:
        return os.readlink(link, dir_fd=directory)
    except FileNotFoundError:
        return ""
