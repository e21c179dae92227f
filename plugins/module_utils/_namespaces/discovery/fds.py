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
from ..._kernel.descriptor import EXHAUSTED, closing, status
from . import in_flight, trees, watches
from .model import Holder, Namespace
from .scan import Scan
from .walk import each, other_threads

FD = "fd"
SOCKET = "socket"
WATCH = "watch"

_NAMED = tuple(f"{kind.name}:[" for kind in nstypes.ALL)
_SOCKET = "socket:["
_TUN = "/dev/net/tun"
_TUN_FIELD = "iff"
# What was mounted and is no more, so that its path has nothing to begin at.
_DETACHED = "/"
# Closed by now, or no socket: a tun device that has no interface yet.
_NOTHING_THERE = (errno.ENOENT, errno.EBADF, errno.ESRCH, errno.ENOTTY, errno.EBADFD)
# A seccomp filter may say any of them.
_DENIED = (errno.EPERM, errno.EACCES, errno.ENOSYS)
LOST = "descriptors could not be looked at"


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
        self.named: list[Open] = []
        """Those whose inode is all that can be seen, so that something else has to lead there."""
        self.trees: list[trees.Tree] = []
        self.queues: list[in_flight.Queue] = []
        self.lost = False
        """Whether there are descriptors that could not be looked at."""
        self.denied = 0
        """Sockets that may not be."""

    def lose(self, error: OSError) -> None:
        """Why descriptors can't be looked at, which is none of the others' business; but for what we lack ourselves."""
        if error.errno in EXHAUSTED:
            raise error
        if error.errno not in _NOTHING_THERE:
            self.lost = True


def look(scan: Scan) -> None:
    """Find the namespaces that open files hold, but for the scan's own."""
    found = Found()
    us = procfs.own_pid(scan.proc)

    def collect(directory: int, pid: int) -> None:
        if pid == us:
            return
        _Table(scan, found, directory, pid).collect()
        for thread in other_threads(directory, pid):
            try:
                if not process.share_files(pid, thread):
                    _Table(scan, found, directory, pid, thread).collect()
            except OSError as error:
                found.lose(error)

    known = frozenset(scan.namespaces)
    shares = each(scan, ("fds", "sockets"), "", collect, found)
    for share in shares:
        if share.lost:
            scan.incomplete_because[LOST] = None
        scan.denied["sockets"] += share.denied
        for item in share.open:
            # Of one that was not held before, the inode may mean another one by now.
            namespace = scan.namespaces[item.inode] if item.inode in known else _keep(scan, item)
            if namespace is not None:
                namespace.hold(Holder(item.kind, pid=item.pid, thread=item.thread, fd=item.fd))
    in_flight.look(scan, [queue for share in shares for queue in share.queues])
    trees.look(scan, [tree for share in shares for tree in share.trees])
    _hold_named(scan, (item for share in shares for item in share.named))


def _hold_named(scan: Scan, items: t.Iterable[Open]) -> None:
    """That it is still there says that the inode means no other one than that which is held by now."""
    for item in items:
        namespace = scan.namespaces.get(item.inode)
        if namespace is None:
            scan.incomplete_because[LOST] = None
            continue
        with contextlib.suppress(OSError):
            if any(watched.inode == item.inode for watched in _watched(scan, item.pid, item.thread, item.fd)):
                namespace.hold(Holder(item.kind, pid=item.pid, thread=item.thread, fd=item.fd))


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
                except FileNotFoundError:
                    continue
                except OSError as error:
                    # Also a namespace can be mounted so deep.
                    if error.errno != errno.ENAMETOOLONG:
                        raise
                    self._found.lost = True
                    continue
                try:
                    if text.startswith(_SOCKET) or (text == _TUN and self._is_tun(name)):
                        sockets.append(name)
                    elif files:
                        self._collect_file(folder, name, text)
                except OSError as error:
                    self._found.lose(error)
        if sockets and "sockets" in self._scan.sources:
            self._collect_sockets(sockets)

    def _collect_file(self, folder: int, name: str, text: str) -> None:
        if text.startswith(_NAMED):
            self._add(FD, name, procfs.inode_of(text))
        elif text in watches.LINKS:
            fdinfo = _fdinfo(self._scan, self._pid, self._thread, int(name))
            self._found.lost |= watches.has_nameless(fdinfo)
            for watched in watches.parse(fdinfo, self._scan.device):
                if watched.handle is None:
                    self._found.named.append(Open(WATCH, self._pid, self._thread, int(name), watched.inode))
                else:
                    self._add(WATCH, name, watched.inode)
        elif text == _DETACHED or text in self._scan.mounted_at:
            self._collect_detached(folder, name, text)

    def _is_tun(self, name: str) -> bool:
        """Whether it is what it is called: anything may be, and have an ioctl of its own by the number of ours."""
        return f"\n{_TUN_FIELD}:" in _fdinfo(self._scan, self._pid, self._thread, int(name))

    def _collect_detached(self, folder: int, name: str, text: str) -> None:
        with closing(os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=folder)) as held:
            found = status(held)
            if found.device == self._scan.device:
                self._add(FD, name, found.inode)
            elif text == _DETACHED and stat.S_ISDIR(found.mode):
                mount = mountinfo.mount_id(self._scan.proc, held)
                if mount not in self._scan.roots and mount != self._mount_of_root():
                    path = f"{_place(self._pid, self._thread)}/fd/{name}"
                    self._found.trees.append(trees.Tree(self._pid, self._thread, int(name), path, mount))

    def _mount_of_root(self) -> int | None:
        """The mount of the root of the process, which its links call / too."""
        with closing(os.open("root", os.O_PATH | os.O_CLOEXEC, dir_fd=self._directory)) as root:
            return mountinfo.mount_id(self._scan.proc, root)

    def _add(self, kind: str, name: str, inode: int) -> None:
        self._found.open.append(Open(kind, self._pid, self._thread, int(name), inode))

    def _collect_sockets(self, names: t.Sequence[str]) -> None:
        try:
            with closing(process.pidfd_open(self._thread or self._pid, self._thread is not None)) as pidfd:
                for name in names:
                    self._collect_socket(pidfd, name)
        except OSError as error:
            # EINVAL: the pidfd of a thread came with Linux 6.9.
            self._found.lose(error)

    def _collect_socket(self, pidfd: int, name: str) -> None:
        try:
            with closing(process.pidfd_getfd(pidfd, int(name))) as copy:
                with closing(netdev.open_network_of(copy)) as network:
                    self._add(SOCKET, name, os.fstat(network).st_ino)
                if in_flight.count(self._scan.proc, copy):
                    self._found.queues.append(in_flight.Queue(self._pid, self._thread, int(name)))
        except PermissionError:
            self._found.denied += 1  # a copy takes more than a look at the links
        except OSError as error:
            self._found.lose(error)


def _place(pid: int, thread: int | None) -> str:
    """Whose table of descriptors it is, below /proc."""
    return f"{pid}" if thread is None else f"{pid}/task/{thread}"


def _fdinfo(scan: Scan, pid: int, thread: int | None, number: int) -> str:
    return procfs.read(scan.proc, f"{_place(pid, thread)}/fdinfo/{number}")


def _watched(scan: Scan, pid: int, thread: int | None, number: int) -> list[watches.Watched]:
    return list(watches.parse(_fdinfo(scan, pid, thread, number), scan.device))


def _keep(scan: Scan, item: Open) -> Namespace | None:
    """Open the namespace for the scan; None where it is not what was found any more. Raises OSError."""
    try:
        fd = _open(scan, item)
        found = None if fd is None else scan.keep_only(fd, item.inode)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        if error.errno in _DENIED:
            scan.denied["sockets" if item.kind == SOCKET else "fds"] += 1
            return None
        found = None
    if found is None:
        scan.vanished += 1
    return found


def _open(scan: Scan, item: Open) -> int | None:
    if item.kind == FD:
        return nsfs.open_checked(f"{_place(item.pid, item.thread)}/fd/{item.fd}", scan.proc, scan.proc)
    if item.kind == SOCKET:
        with closing(process.copy_fd(item.pid, item.fd, item.thread)) as copy:
            return netdev.open_network_of(copy)
    for watched in _watched(scan, item.pid, item.thread, item.fd):
        if watched.inode == item.inode and watched.handle is not None:
            return nsfs.open_by_handle(watched.handle)
    return None
