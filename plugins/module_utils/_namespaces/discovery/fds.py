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
    pid: int
    thread: int | None
    fd: int
    inode: int


class Found:
    """What processes have open."""

    def __init__(self) -> None:
        self.open: list[Open] = []
        self.trees: list[trees.Tree] = []
        self.lost = 0
        """Descriptors that could not be looked at."""
        self.denied = 0
        """Sockets that may not be."""


def look(scan: Scan) -> None:
    """Find the namespaces that open files hold, but for the scan's own."""
    found = Found()
    us = procfs.own_pid(scan.proc)

    def collect(directory: int, pid: int) -> None:
        if pid == us:
            return
        _Table(scan, found, directory, pid).collect()
        for thread in other_threads(directory, pid):
            if not _share_files(pid, thread):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    _Table(scan, found, directory, pid, thread).collect()

    shares = each(scan, ("fds", "sockets"), "", collect, found)
    for share in shares:
        if share.lost:
            scan.incomplete_because["descriptors could not be looked at: on their way behind others, or a thread's"] = (
                None
            )
        scan.denied["sockets"] += share.denied
        for item in share.open:
            namespace = scan.namespaces.get(item.inode) or _keep(scan, item)
            if namespace is None:
                scan.vanished += 1
            else:
                namespace.hold(Holder(item.kind, pid=item.pid, thread=item.thread, fd=item.fd))
    trees.look(scan, [tree for share in shares for tree in share.trees])


def _share_files(pid: int, thread: int) -> bool:
    try:
        return process.share_files(pid, thread)
    except OSError:
        return False


class _Table:
    """The descriptors of a process, or of one of its threads."""

    def __init__(self, scan: Scan, found: Found, directory: int, pid: int, thread: int | None = None) -> None:
        self._scan = scan
        self._found = found
        self._directory = directory
        self._pid = pid
        self._thread = thread

    def collect(self) -> None:
        """Look at each. Raises OSError."""
        sockets: list[str] = []
        files = "fds" in self._scan.sources
        path = "fd" if self._thread is None else f"task/{self._thread}/fd"
        with closing(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._directory)) as folder:
            for name in os.listdir(folder):
                try:
                    text = os.readlink(name, dir_fd=folder)
                    if text.startswith(_SOCKET) or text == _TUN:
                        sockets.append(name)
                    elif files:
                        self._collect_file(folder, name, text)
                except FileNotFoundError:
                    pass
        if sockets and "sockets" in self._scan.sources:
            self._collect_sockets(sockets)

    def _collect_file(self, folder: int, name: str, text: str) -> None:
        if text.startswith(_NAMED):
            self._add(FD, name, inode_of(text))
        elif text in watches.LINKS:
            for watched in _watched(self._scan, self._pid, self._thread, int(name)):
                if watched.handle is None and watched.inode not in self._scan.namespaces:
                    self._found.lost += 1
                else:
                    self._add(WATCH, name, watched.inode)
        elif text == _DETACHED or text in self._scan.mounted_at:
            self._collect_detached(folder, name)

    def _collect_detached(self, folder: int, name: str) -> None:
        with closing(os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=folder)) as held:
            status = os.fstat(held)
            if nsfs.is_namespace(held):
                self._add(FD, name, status.st_ino)
            elif stat.S_ISDIR(status.st_mode) and not _is_root(self._scan.proc, self._directory, held):
                path = f"{_place(self._pid, self._thread)}/fd/{name}"
                self._found.trees.append(trees.Tree(self._pid, self._thread, int(name), path))

    def _add(self, kind: str, name: str, inode: int) -> None:
        self._found.open.append(Open(kind, self._pid, self._thread, int(name), inode))

    def _collect_sockets(self, names: t.Sequence[str]) -> None:
        try:
            with closing(_hold(self._pid, self._thread)) as pidfd:
                for name in names:
                    self._collect_socket(pidfd, name)
        except OSError as error:
            if error.errno == errno.EINVAL and self._thread is not None:
                self._found.lost += len(names)  # the pidfd of a thread came with Linux 6.9
            elif error.errno != errno.ESRCH:
                raise

    def _collect_socket(self, pidfd: int, name: str) -> None:
        try:
            with closing(process.pidfd_getfd(pidfd, int(name))) as copy:
                with closing(netdev.open_network_of(copy)) as network:
                    self._add(SOCKET, name, os.fstat(network).st_ino)
                coming = in_flight.count(self._scan.proc, copy)
                if coming:
                    self._collect_coming(copy, name, coming)
        except PermissionError:
            self._found.denied += 1  # a copy takes more than a look at the links
        except OSError as error:
            if error.errno not in _NOTHING_THERE:
                raise

    def _collect_coming(self, copy: int, name: str, count: int) -> None:
        with in_flight.peek(copy) as descriptors:
            for fd in descriptors:
                with contextlib.suppress(OSError), closing(_open_held(fd)) as namespace:
                    self._add(IN_FLIGHT, name, os.fstat(namespace).st_ino)
            self._found.lost += count - len(descriptors)


def _place(pid: int, thread: int | None) -> str:
    """Whose table of descriptors it is, below /proc."""
    return f"{pid}" if thread is None else f"{pid}/task/{thread}"


def _watched(scan: Scan, pid: int, thread: int | None, number: int) -> list[watches.Watched]:
    text = procfs.read(scan.proc, f"{_place(pid, thread)}/fdinfo/{number}")
    return list(watches.parse(text, scan.device))


def _hold(pid: int, thread: int | None) -> int:
    return process.pidfd_open(thread or pid, thread is not None)


def _is_root(proc: int, directory: int, held: int) -> bool:
    """Whether what is open is the root of the process, which its links call / too."""
    with closing(os.open("root", os.O_PATH | os.O_CLOEXEC, dir_fd=directory)) as root:
        return mountinfo.mount_id(proc, root) == mountinfo.mount_id(proc, held)


def _open_held(fd: int) -> int:
    """Open the namespace that a descriptor of ours is, or belongs to. Raises OSError where there is none."""
    return os.dup(fd) if nsfs.is_namespace(fd) else netdev.open_network_of(fd)


def _keep(scan: Scan, item: Open) -> Namespace | None:
    """Open the namespace for the scan, if it is still what was found."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError), contextlib.ExitStack() as stack:
        if item.kind == FD:
            fd = nsfs.open_checked(f"{_place(item.pid, item.thread)}/fd/{item.fd}", scan.proc, scan.proc)
            return None if fd is None else scan.keep_only(fd, item.inode)
        if item.kind == WATCH:
            for watched in _watched(scan, item.pid, item.thread, item.fd):
                if watched.inode == item.inode and watched.handle is not None:
                    return scan.keep_only(nsfs.open_by_handle(watched.handle), item.inode)
            return None
        with closing(_hold(item.pid, item.thread)) as pidfd:
            copy = stack.enter_context(closing(process.pidfd_getfd(pidfd, item.fd)))
        if item.kind == SOCKET:
            return scan.keep_only(netdev.open_network_of(copy), item.inode)
        for fd in stack.enter_context(in_flight.peek(copy)):
            with contextlib.suppress(OSError):
                namespace = scan.keep_only(_open_held(fd), item.inode)
                if namespace is not None:
                    return namespace
    return None
