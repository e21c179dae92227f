# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Open files of processes that are namespaces, or belong to one. Source: proc_pid_fd(5).

A link says what is open without a word to the file system, which may be one that never answers.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from ..._kernel import nsfs, nstypes, process, procfs
from ..._kernel.descriptor import EXHAUSTED, closing, status
from ..checkpoint import Gate, Message
from . import folders, in_flight, parts, sockets, trees, watches
from .descriptors import Descriptor, Firsts, Tally, Task, number_of, order
from .model import Namespace
from .scan import Scan
from .walk import each, other_threads

FD = "fd"
WATCH = "watch"

_NAMED = tuple(f"{kind.name}:[" for kind in nstypes.ALL)
_SOCKET = "socket:["
_TUN = "/tun"
_TUN_FIELD = "iff"
# What was mounted and is no more, so that its path has nothing to begin at.
_DETACHED = "/"
# Closed by now, or no socket: a tun device that has no interface yet.
_NOTHING_THERE = (errno.ENOENT, errno.EBADF, errno.ESRCH, errno.ENOTTY, errno.EBADFD)
# A seccomp filter may say any of them.
_DENIED = (errno.EPERM, errno.EACCES, errno.ENOSYS)
# Not for want of memory: what a process has open may take more to tell of than there is.
_EXHAUSTED = (errno.EMFILE, errno.ENFILE)
_LARGE = 64
"""Fewer descriptors are looked at faster than it is asked whether they are another task's too."""
LOST = "descriptors could not be looked at"

Key = t.Tuple[str, int]
"""By what a namespace is held, and its inode."""


class Named:
    """What one open file holds, of which something else has to lead to it, and whose it is."""

    def __init__(self, link: str, inodes: set[int]) -> None:
        self.link = link
        self.inodes = inodes
        self.holders = Tally[str, Descriptor]()


class Found:
    """What processes have open."""

    def __init__(self) -> None:
        self.open = Tally[Key, Descriptor]()
        self.handles: dict[int, bytes] = {}
        """By inode, what to open a namespace with that is watched."""
        self.named: dict[Descriptor, Named] = {}
        """By the first descriptor of what is open, the namespaces of which nothing but the inode is said."""
        self.places = folders.Places()
        """What may be on a mount that is mounted nowhere, by the number of that."""
        self.queues: list[Descriptor] = []
        self.lost = False
        """Whether there are descriptors that could not be looked at."""
        self.denied = 0
        """How many sockets may not be looked at."""

    def lose(self, error: OSError) -> None:
        """Why descriptors can't be looked at, which is none of the others' business; but for what we lack ourselves."""
        if error.errno in _EXHAUSTED:
            raise error
        if error.errno not in _NOTHING_THERE:
            self.lost = True


def look(scan: Scan) -> None:
    """Find the namespaces that open files hold, but for the scan's own."""
    collector = _Collector(scan, Found())
    known = frozenset(scan.namespaces)
    shares = each(scan, ("fds", "sockets"), "", collector.collect, collector.found)
    for share in shares:
        if share.lost:
            scan.incomplete_because[LOST] = None
        scan.denied["sockets"] += share.denied
        for key, some in share.open.firsts.items():
            _hold(scan, known, share, key, some)
    queues = Firsts(order)
    in_flight.look(scan, [queue for share in shares for queue in share.queues if queues.find(queue) is None])
    places = [share.places for share in shares]
    trees.look(scan, [*places, folders.find(scan)] if "fds" in scan.sources else [])
    _hold_named(scan, [item for share in shares for item in share.named.items()])


def _hold(scan: Scan, known: t.Container[int], share: Found, key: Key, some: t.Sequence[Descriptor]) -> None:
    """Say that these hold a namespace, and how many there are."""
    kind, inode = key
    count = share.open.counts[key]
    held = None
    for descriptor in some:
        # Of one that was not held before, the inode may mean another one by now.
        namespace = scan.namespaces[inode] if inode in known else _keep(scan, share, kind, descriptor, inode)
        if namespace is not None:
            held = namespace
            held.hold(descriptor.holder(kind))
    if held is not None:
        held.counts[kind] += count - len(some)
    elif count > len(some):
        scan.incomplete_because[LOST] = None


def _hold_named(scan: Scan, items: t.Iterable[tuple[Descriptor, Named]]) -> None:
    """Look again at what has no more than an inode: still there, it means no other one than that which is held now."""

    def report(gate: Gate, item: tuple[Descriptor, Named]) -> None:
        first, named = item
        there: set[int | None] = set()
        with contextlib.suppress(OSError):
            there.update(watched.inode for watched in _watched(scan, first, named.link))
        for inode in named.inodes:
            gate.report(inode=inode, there=inode in there)

    def take(item: tuple[Descriptor, Named], message: Message) -> None:
        if not message["there"]:
            scan.vanished += 1
            return
        namespace = scan.namespaces.get(message["inode"])
        if namespace is None:
            scan.incomplete_because[LOST] = None
            return
        holders = item[1].holders
        for descriptor in holders.firsts[WATCH]:
            namespace.hold(descriptor.holder(WATCH))
        namespace.counts[WATCH] += holders.counts[WATCH] - len(holders.firsts[WATCH])

    parts.each(scan, LOST, items, report, take)


class _Collector:
    """Looks at the descriptors of one process after the other."""

    def __init__(self, scan: Scan, found: Found) -> None:
        self._scan = scan
        self.found = found
        self._us = procfs.own_pid(scan.proc)
        self._tables: Firsts[int] = Firsts(process.order_of_files)
        self._sockets = sockets.Sockets(scan.proc)
        self._watching: Firsts[Descriptor] = Firsts(order)
        self._watched: dict[Descriptor, set[int]] = {}

    def collect(self, directory: int, pid: int) -> None:
        """Look at each descriptor of a process, given its open directory. Raises OSError."""
        if pid == self._us:
            return
        self._collect_table(directory, Task(pid))
        for thread in other_threads(directory, pid):
            try:
                if process.order_of_files(pid, thread) != 0:
                    self._collect_table(directory, Task(pid, thread))
            except OSError as error:
                self.found.lose(error)

    def _collect_table(self, directory: int, task: Task) -> None:
        path = "fd" if task.thread is None else f"task/{task.thread}/fd"
        with closing(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)) as folder:
            # How many there are, from Linux 6.2 on.
            size = os.fstat(folder).st_size
            names = [] if size > _LARGE else os.listdir(folder)
            if max(size, len(names)) > _LARGE and self._tables.find(task.id) is not None:
                return
            found = self._collect_files(folder, task, names or os.listdir(folder))
        if found and "sockets" in self._scan.sources:
            self._collect_sockets(task, found)

    def _collect_files(self, folder: int, task: Task, names: t.Iterable[str]) -> list[tuple[Descriptor, str]]:
        """Look at what is no socket; what is one, and what its link says. Raises OSError."""
        found: list[tuple[Descriptor, str]] = []
        files = "fds" in self._scan.sources
        for name in names:
            try:
                text = os.readlink(name, dir_fd=folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                # Also a namespace can be mounted so deep.
                if error.errno != errno.ENAMETOOLONG:
                    raise
                self.found.lost = True
                continue
            descriptor = Descriptor(task, int(name))
            try:
                if text.startswith(_SOCKET) or (text.endswith(_TUN) and self._is_tun(descriptor)):
                    found.append((descriptor, text))
                elif files:
                    self._collect_file(folder, descriptor, text)
            except OSError as error:
                self.found.lose(error)
        return found

    def _is_tun(self, descriptor: Descriptor) -> bool:
        """Whether it is what it is called: anything may be, and have an ioctl of its own by the number of ours."""
        return f"\n{_TUN_FIELD}:" in procfs.read(self._scan.proc, descriptor.fdinfo)

    def _collect_file(self, folder: int, descriptor: Descriptor, text: str) -> None:
        if text.startswith(_NAMED):
            self.found.open.add((FD, procfs.inode_of(text)), descriptor)
        elif text in watches.LINKS:
            self._collect_watches(descriptor, text)
        elif text.startswith("/"):
            self._collect_path(folder, descriptor, text)

    def _collect_watches(self, descriptor: Descriptor, link: str) -> None:
        first = self._watching.find(descriptor) or descriptor
        if first not in self._watched:
            self._watch(descriptor, link)
        for inode in self._watched[first]:
            self.found.open.add((WATCH, inode), descriptor)
        if first in self.found.named:
            self.found.named[first].holders.add(WATCH, descriptor)

    def _watch(self, first: Descriptor, link: str) -> None:
        """Look at what is open for the first time."""
        named: set[int] = set()
        held = self._watched[first] = set()
        for watched in _watched(self._scan, first, link):
            if watched.inode is None:
                self.found.lost = True
            elif watched.handle is None:
                named.add(watched.inode)
            else:
                held.add(watched.inode)
                self.found.handles[watched.inode] = watched.handle
        if named:
            self.found.named[first] = Named(link, named)

    def _collect_path(self, folder: int, descriptor: Descriptor, text: str) -> None:
        if text == _DETACHED or text in self._scan.mounted_at:
            with closing(os.open(f"{descriptor.fd}", os.O_PATH | os.O_CLOEXEC, dir_fd=folder)) as held:
                found = status(held)
            if found.device == self._scan.device:
                self.found.open.add((FD, found.inode), descriptor)
                return
        if os.stat(f"{descriptor.fd}", dir_fd=folder, follow_symlinks=False).st_mode & stat.S_IWUSR:
            # Open to be written, and so no folder: the link has the mode of what is open.
            return
        mount = number_of(self._scan.proc, descriptor, "mnt_id")
        if mount is not None and self._scan.is_unknown(mount):
            self.found.places.add(mount, folders.Place(mount, descriptor.task, descriptor.path, descriptor.holder(FD)))

    def _collect_sockets(self, task: Task, found: t.Iterable[tuple[Descriptor, str]]) -> None:
        try:
            with closing(task.open_pidfd()) as pidfd:
                for descriptor, name in found:
                    self._collect_socket(pidfd, descriptor, name)
        except OSError as error:
            self.found.lose(error)

    def _collect_socket(self, pidfd: int, descriptor: Descriptor, name: str) -> None:
        try:
            socket, new = self._sockets.ask(pidfd, descriptor, name)
        except PermissionError:
            self.found.denied += 1  # a copy takes more than a look at the links
        except OSError as error:
            self.found.lose(error)
        else:
            self.found.open.add((sockets.KIND, socket.network), descriptor)
            if new and socket.carries:
                self.found.queues.append(descriptor)


def _watched(scan: Scan, descriptor: Descriptor, link: str) -> t.Iterator[watches.Watched]:
    with procfs.open_text(scan.proc, descriptor.fdinfo) as lines:
        yield from watches.parse(lines, link, scan.device)


def _keep(scan: Scan, share: Found, kind: str, descriptor: Descriptor, inode: int) -> Namespace | None:
    """Open the namespace for the scan; None where it is not what was found any more. Raises OSError."""
    try:
        fd = _open(scan, share, kind, descriptor, inode)
        found = None if fd is None else scan.keep_only(fd, inode)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        if error.errno in _DENIED:
            scan.denied["sockets" if kind == sockets.KIND else "fds"] += 1
            return None
        found = None
    if found is None:
        scan.vanished += 1
    return found


def _open(scan: Scan, share: Found, kind: str, descriptor: Descriptor, inode: int) -> int | None:
    if kind == FD:
        return nsfs.open_checked(descriptor.path, scan.proc, scan.proc)
    if kind == sockets.KIND:
        return sockets.open_network(descriptor)
    return nsfs.open_by_handle(share.handles[inode])
