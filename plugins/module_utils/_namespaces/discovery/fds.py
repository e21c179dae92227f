# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Open files of processes that are namespaces, or belong to one. Source: proc_pid_fd(5), linux/sockios.h.

A link says what is open without a word to the file system, which may be one that never answers.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from ..._kernel import mountinfo, netdev, nsfs, nstypes, process, procfs
from ..._kernel.descriptor import closing
from . import in_flight, trees, watches
from .model import Holder, Namespace
from .scan import Scan, inode_of
from .walk import each, other_threads

FD = "fd"
SOCKET = "socket"
IN_FLIGHT = "in_flight"
WATCH = "watch"

_NAMED = tuple(f"{kind.name}:[" for kind in nstypes.ALL)
_SOCKET = "socket:["
_TUN = "/dev/net/tun"
# What was mounted and is no more, so that its path has nothing to begin at.
_DETACHED = "/"
# Closed by now, or no socket: a tun device that has no interface yet.
_NOTHING_THERE = (errno.EBADF, errno.ESRCH, errno.ENOTTY, errno.EBADFD)


class Open(t.NamedTuple):
    """A descriptor of a process, or of a thread that has a table of its own, and a namespace that it holds so."""

    kind: str
    thread: int | None
    fd: int
    inode: int


class Found(t.NamedTuple):
    """What a process has open; lost are descriptors that could not be looked at, denied sockets that may not be."""

    open: list[Open]
    trees: list[trees.Tree]
    lost: int
    denied: int


def look(scan: Scan) -> None:
    """Find the namespaces that open files hold, but for the scan's own."""
    us = procfs.own_pid(scan.proc)

    def collect(directory: int, pid: int) -> Found | None:
        if pid == us:
            return None
        table = _Table(scan, pid)
        table.collect(directory)
        for thread in other_threads(directory, pid):
            if not _share_files(pid, thread):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    table.collect(directory, thread)
        found = Found(table.found, table.trees, table.lost, table.denied)
        return found if any(found) else None

    detached: list[trees.Tree] = []
    for pid, found in each(scan, ("fds", "sockets"), collect):
        if found.lost:
            scan.incomplete_because["descriptors could not be looked at: on their way behind others, or a thread's"] = (
                None
            )
        scan.denied["sockets"] += found.denied
        detached += found.trees
        for item in found.open:
            namespace = scan.namespaces.get(item.inode) or _keep(scan, pid, item)
            if namespace is None:
                scan.vanished += 1
            else:
                namespace.hold(Holder(item.kind, pid=pid, thread=item.thread, fd=item.fd))
    trees.look(scan, detached)


def _share_files(pid: int, thread: int) -> bool:
    try:
        return process.share_files(pid, thread)
    except OSError:
        return False


class _Table:
    """What was found in the descriptors of a process, and of its threads."""

    def __init__(self, scan: Scan, pid: int) -> None:
        self._scan = scan
        self._pid = pid
        self.found: list[Open] = []
        self.trees: list[trees.Tree] = []
        self.lost = 0
        self.denied = 0
        self._files = "fds" in scan.sources
        self._sockets = "sockets" in scan.sources

    def collect(self, directory: int, thread: int | None = None) -> None:
        """Look at each descriptor. Raises OSError."""
        path = "fd" if thread is None else f"task/{thread}/fd"
        with closing(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)) as descriptors:
            for name in os.listdir(descriptors):
                with contextlib.suppress(FileNotFoundError):
                    text = os.readlink(name, dir_fd=descriptors)
                    if text.startswith(_SOCKET) or text == _TUN:
                        if self._sockets:
                            self._collect_socket(thread, name)
                    elif self._files:
                        if text.startswith(_NAMED):
                            self._add(FD, thread, name, inode_of(text))
                        elif text in watches.LINKS:
                            self._collect_watched(thread, name)
                        elif text == _DETACHED or text in self._scan.mounted_at:
                            self._collect_detached(directory, descriptors, thread, name)

    def _collect_detached(self, directory: int, descriptors: int, thread: int | None, name: str) -> None:
        with closing(os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=descriptors)) as held:
            status = os.fstat(held)
            if nsfs.is_namespace(held):
                self._add(FD, thread, name, status.st_ino)
            elif stat.S_ISDIR(status.st_mode) and not _is_root(self._scan.proc, directory, held):
                path = f"{_place(self._pid, thread)}/fd/{name}"
                self.trees.append(trees.Tree(self._pid, thread, int(name), path))

    def _collect_watched(self, thread: int | None, name: str) -> None:
        for watched in _watched(self._scan, self._pid, thread, int(name)):
            if watched.handle is None and watched.inode not in self._scan.namespaces:
                self.lost += 1
            else:
                self._add(WATCH, thread, name, watched.inode)

    def _add(self, kind: str, thread: int | None, name: str, inode: int) -> None:
        self.found.append(Open(kind, thread, int(name), inode))

    def _collect_socket(self, thread: int | None, name: str) -> None:
        try:
            with _copy_of(self._pid, thread, int(name)) as copy:
                with closing(netdev.open_network_of(copy)) as network:
                    self._add(SOCKET, thread, name, os.fstat(network).st_ino)
                coming = in_flight.count(self._scan.proc, copy)
                if coming:
                    with in_flight.peek(copy) as descriptors:
                        for fd in descriptors:
                            with contextlib.suppress(OSError), closing(_open_held(fd)) as namespace:
                                self._add(IN_FLIGHT, thread, name, os.fstat(namespace).st_ino)
                        self.lost += coming - len(descriptors)
        except OSError as error:
            if error.errno == errno.EINVAL and thread is not None:
                self.lost += 1  # the pidfd of a thread came with Linux 6.9
            elif error.errno == errno.EPERM:
                self.denied += 1  # a copy takes more than a look at the links
            elif error.errno not in _NOTHING_THERE:
                raise


def _place(pid: int, thread: int | None) -> str:
    """Whose table of descriptors it is, below /proc."""
    return f"{pid}" if thread is None else f"{pid}/task/{thread}"


def _watched(scan: Scan, pid: int, thread: int | None, number: int) -> list[watches.Watched]:
    text = procfs.read(scan.proc, f"{_place(pid, thread)}/fdinfo/{number}")
    return list(watches.parse(text, scan.device))


@contextlib.contextmanager
def _copy_of(pid: int, thread: int | None, number: int) -> t.Iterator[int]:
    with closing(process.pidfd_open(thread or pid, thread is not None)) as pidfd:
        copy = process.pidfd_getfd(pidfd, number)
    with closing(copy):
        yield copy


def _is_root(proc: int, directory: int, held: int) -> bool:
    """Whether what is open is the root of the process, which its links call / too."""
    with closing(os.open("root", os.O_PATH | os.O_CLOEXEC, dir_fd=directory)) as root:
        return mountinfo.mount_id(proc, root) == mountinfo.mount_id(proc, held)


def _open_held(fd: int) -> int:
    """Open the namespace that a descriptor of ours is, or belongs to. Raises OSError where there is none."""
    return os.dup(fd) if nsfs.is_namespace(fd) else netdev.open_network_of(fd)


def _keep(scan: Scan, pid: int, item: Open) -> Namespace | None:
    """Open the namespace for the scan, if it is still what was found."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError), contextlib.ExitStack() as stack:
        if item.kind == FD:
            fd = nsfs.open_checked(f"{_place(pid, item.thread)}/fd/{item.fd}", scan.proc, scan.proc)
            return None if fd is None else scan.keep_only(fd, item.inode)
        if item.kind == WATCH:
            for watched in _watched(scan, pid, item.thread, item.fd):
                if watched.inode == item.inode and watched.handle is not None:
                    return scan.keep_only(nsfs.open_by_handle(watched.handle), item.inode)
            return None
        copy = stack.enter_context(_copy_of(pid, item.thread, item.fd))
        if item.kind == SOCKET:
            return scan.keep_only(netdev.open_network_of(copy), item.inode)
        for fd in stack.enter_context(in_flight.peek(copy)):
            with contextlib.suppress(OSError):
                namespace = scan.keep_only(_open_held(fd), item.inode)
                if namespace is not None:
                    return namespace
    return None
