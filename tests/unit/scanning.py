# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the discovery under fire share: what a scan says, as it can be sent, and who lets it work."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import threading
import time
import typing as t
from pathlib import Path

from ansible_collections.linux.namespaces.plugins.module_utils._kernel import libc, nsfs, privilege, process
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import run
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery.model import Holder
from ansible_collections.linux.namespaces.tests.unit import support

T = t.TypeVar("T")

_IN_ATTRIB = 0x4


class Seen(t.NamedTuple):
    """What a scan says of one namespace."""

    kind: str
    identity: nsfs.Identity
    processes: list[int]
    holders: list[Holder]
    parent: int | None

    @property
    def kinds(self) -> list[str]:
        """Of its holders."""
        return [holder.kind for holder in self.holders]


class Found(t.NamedTuple):
    """What a scan says."""

    namespaces: dict[int, Seen]
    incomplete_because: list[str]
    blind: list[str]
    denied: dict[str, int]
    vanished: int
    seconds: float


def scan(sources: t.Collection[str] = run.SOURCES) -> Found:
    began = time.monotonic()
    with support.own_procfs() as proc, run.scanned(proc, sources) as found:
        return Found(
            {
                inode: Seen(item.kind.name, item.identity, item.processes, item.holders, item.parent)
                for inode, item in found.namespaces.items()
            },
            [*found.incomplete_because],
            [*found.blind],
            {source: count for source, count in found.denied.items() if count},
            found.vanished,
            time.monotonic() - began,
        )


def alone(work: t.Callable[[], T]) -> T:
    """Do the work where nobody else is: what a scan misses there it misses because of the test."""
    return support.in_own_world(work, "pid", "mnt")


@contextlib.contextmanager
def child(work: t.Callable[[], object]) -> t.Iterator[int]:
    """The pid of a process that has done the work and does nothing more."""
    said, say = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            process.die_with_parent(signal.SIGKILL)
            work()
            os.write(say, b"!")
            while True:
                signal.pause()
        finally:
            os._exit(1)
    os.close(say)
    try:
        assert os.read(said, 1) == b"!"
        yield pid
    finally:
        os.close(said)
        end(pid)


@contextlib.contextmanager
def storm(work: t.Callable[[], object], count: int = 2) -> t.Iterator[None]:
    """So many processes that do the work again and again."""
    pids = []
    for _each in range(count):
        pid = os.fork()
        if pid == 0:
            try:
                process.die_with_parent(signal.SIGKILL)
                while True:
                    work()
            finally:
                os._exit(1)
        pids.append(pid)
    try:
        yield
        assert [os.waitpid(pid, os.WNOHANG)[0] for pid in pids] == [0] * count
    finally:
        for pid in pids:
            end(pid)


def end(pid: int) -> None:
    """A child, which may have been ended already."""
    with contextlib.suppress(ChildProcessError, ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def in_passing(work: t.Callable[[], object]) -> None:
    """Let a process do the work that ends at once."""
    pid = os.fork()
    if pid == 0:
        try:
            process.die_with_parent(signal.SIGKILL)
            work()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def give_up(*capabilities: str) -> None:
    """Go on as root without these, and without others than this process has."""
    held = int(support.status_of(os.getpid(), "CapPrm")[0], 16)
    lost = {privilege.CAPABILITIES[name] for name in capabilities}
    privilege.hold_only(number for number in range(64) if held >> number & 1 and number not in lost)


def have_a_thread() -> None:
    """One that shares all with the first."""
    threading.Thread(target=signal.pause, daemon=True).start()


def inotify() -> int:
    return libc.function("inotify_init1", os.O_CLOEXEC)


def inotify_watch(fd: int, path: str) -> None:
    libc.function("inotify_add_watch", fd, path.encode(), _IN_ATTRIB)


def send(channel: socket.socket, *descriptors: int) -> None:
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(descriptors)}i", *descriptors))
    channel.sendmsg([b"x"], [rights])


def bound(path: Path, kind: str = "uts") -> int:
    """Mount a namespace without processes there; its inode."""
    path.touch()
    with support.inhabited(kind) as pid:
        support.bind(f"/proc/{pid}/ns/{kind}", path)
        return support.identity(pid, kind).inode
