# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is looked at can neither stop a scan, nor mislead it, nor make it last."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import (
    libc,
    mountinfo,
    netdev,
    process,
    procfs,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import checkpoint
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import (
    blind,
    fds,
    in_flight,
    mounts,
    parts,
    run,
    trees,
    watches,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery.model import MOST_HOLDERS
from ansible_collections.linux.namespaces.tests.unit import scanning, support
from ansible_collections.linux.namespaces.tests.unit.scanning import Found, alone, child
from hypothesis import example, given
from hypothesis import strategies as st

_SOON = 30
"""Seconds that a scan of a few processes has, on a busy machine."""
_HANDLE = Path("/run/handle")
_FUSE_ROOT = {"directory": 0o40000, "file": 0o100000}


# ---- file systems that never answer


@contextlib.contextmanager
def silent(path: str | Path, kind: str) -> t.Iterator[None]:
    """Mount a file system of which each question stays unanswered until this ends."""
    fuse = os.open("/dev/fuse", os.O_RDWR)
    try:
        options = f"fd={fuse},rootmode={_FUSE_ROOT[kind]:o},user_id=0,group_id=0,allow_other"
        libc.function("mount", b"silent", os.fsencode(path), b"fuse", 0, options.encode())
        yield
    finally:
        os.close(fuse)


needs_fuse = pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="needs FUSE")


@needs_fuse
def test_a_handle_under_a_file_that_never_answers() -> None:
    """Nobody asks it."""

    def work() -> tuple[Found, int]:
        bound = scanning.bound(_HANDLE)
        with silent(_HANDLE, "file"):
            return scanning.scan(), bound

    found, bound = alone(work)
    assert found.namespaces[bound].kinds == ["bind"]
    assert found.incomplete_because == []
    assert found.seconds < _SOON


@needs_fuse
def test_an_open_folder_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detached it may be a tree of mounts. Whoever looks into it, the scan goes on."""
    monkeypatch.setattr(parts, "SECONDS", 1)

    def work() -> tuple[Found, int, set[int]]:
        Path("/run/folder").mkdir()
        with silent("/run/folder", "directory"):
            folder = os.open("/run/folder", os.O_PATH)
            support.unmount("/run/folder")
            with support.inhabited("uts") as pid, child(lambda: None):
                os.close(folder)
                before = support.children()
                found = scanning.scan()
                return found, support.identity(pid, "uts").inode, support.children() - before

    found, uts, left = alone(work)
    assert found.incomplete_because == [trees.SILENT]
    assert uts in found.namespaces
    assert left == set()
    assert found.seconds < _SOON


def test_a_folder_that_is_called_like_a_handle_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody walks through it."""
    monkeypatch.setattr(trees, "_MOST_ENTRIES", 1)

    def work() -> Found:
        Path("/run/folder/below/it").mkdir(parents=True)

        def hide() -> None:
            support.mount_over("tmpfs", "/run")
            scanning.bound(Path("/run/folder"))

        with support.inhabited("mnt", prepare=hide), child(lambda: os.open("/run/folder", os.O_RDONLY)):
            return scanning.scan()

    assert alone(work).incomplete_because == []


def test_the_root_of_another_mount_namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no tree of its own: all that is mounted there is known."""
    monkeypatch.setattr(trees, "_MOST_ENTRIES", 1)

    def work() -> Found:
        with support.inhabited("mnt") as pid, child(lambda: os.open(f"/proc/{pid}/root", os.O_RDONLY)):
            return scanning.scan()

    assert alone(work).incomplete_because == []


# ---- mounts


def test_paths_that_are_longer_than_a_message() -> None:
    def work() -> tuple[Found, list[int]]:
        bound = []
        for number in range(30):
            os.chdir("/run")
            for _level in range(14):
                os.makedirs("x" * 250, exist_ok=True)
                os.chdir("x" * 250)
            bound.append(scanning.bound(Path(f"{number}")))
        return scanning.scan(), bound

    found, bound = alone(work)
    assert [found.namespaces[inode].kinds for inode in bound] == [["bind"]] * 30
    assert found.incomplete_because == []


def test_a_path_that_no_system_call_takes() -> None:
    """It is cut, and what is mounted there can't be reached; the rest can."""

    def work() -> tuple[Found, int, int]:
        os.chdir("/run")
        for _level in range(300):
            os.mkdir("x" * 250)
            os.chdir("x" * 250)
        far = scanning.bound(Path("far"))
        near = scanning.bound(_HANDLE)
        os.chdir("/")
        return scanning.scan(), far, near

    found, far, near = alone(work)
    assert far not in found.namespaces
    assert found.namespaces[near].kinds == ["bind"]
    assert found.incomplete_because == [mounts.COVERED]


@pytest.mark.parametrize("name", ["a b", "a\nb", "a\\b", r"a\040b", "a\udcffb", " - nsfs nsfs rw", "shared:1 - x"])
def test_a_path_that_looks_like_something_else(name: str) -> None:
    def work() -> tuple[Found, int]:
        return_to = scanning.bound(Path("/run", name))
        return scanning.scan(), return_to

    found, bound = alone(work)
    assert [holder.path for holder in found.namespaces[bound].holders] == [f"/run/{name}"]
    assert found.incomplete_because == []


def test_mounts_that_are_too_much_to_read() -> None:
    """Little of them is in memory at a time. What is mounted before them is found."""

    def work() -> tuple[Found, int, int]:
        near = scanning.bound(_HANDLE)
        os.chdir("/run")
        for _level in range(300):
            os.mkdir("x" * 250)
            os.chdir("x" * 250)
        for number in range(600):
            os.mkdir(f"{number}")
            support.mount_over("tmpfs", f"{number}")
        os.chdir("/")
        found = scanning.scan()
        peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
        return found, near, peaks[0] - peaks[1]

    found, near, kilobytes = alone(work)
    assert found.namespaces[near].kinds == ["bind"]
    assert found.incomplete_because == [mounts.LOST]
    assert kilobytes < 16 << 10


@needs_fuse
def test_folders_that_never_answer_in_many_mount_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two children wait for them. Of the namespaces that the scan holds they have those that they were still to see."""
    kept = contextlib.ExitStack()
    held: list[list[str]] = []

    def hide() -> None:
        support.mount_over("tmpfs", "/run")
        Path("/run/folder").mkdir()
        scanning.bound(Path("/run/folder/handle"))
        kept.enter_context(silent("/run/folder", "directory"))

    @contextlib.contextmanager
    def spawn(*arguments: t.Any) -> t.Iterator[checkpoint.Child]:
        with checkpoint.spawn(*arguments) as looking:
            try:
                yield looking
            finally:
                held.append(support.held_namespaces(looking.pid))

    def work() -> tuple[Found, list[str], list[list[str]]]:
        monkeypatch.setattr(parts, "SECONDS", 1)
        monkeypatch.setattr(parts, "spawn", spawn)
        with contextlib.ExitStack() as stack:
            pids = [stack.enter_context(support.inhabited("uts", "mnt", prepare=hide)) for _each in range(4)]
            found = scanning.scan()
            return found, sorted(os.readlink(f"/proc/{pid}/ns/mnt") for pid in pids), held

    found, inside, held = alone(work)
    assert found.incomplete_because == [mounts.LOST]
    first, second = filter(None, held)
    assert first == inside
    assert set(second) < set(inside)


@pytest.mark.parametrize("how", ["detached", "exchanged"])
def test_a_mount_namespace_whose_root_is_gone(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Where a process is in it all the same, it has a tree that is mounted nowhere."""
    monkeypatch.setattr(trees, "_MOST_ENTRIES", 1)

    def leave() -> None:
        support.own_mounts()
        if how == "detached":
            support.unmount("/")
        else:
            support.mount_over("tmpfs", "/run")
            os.chdir("/run")
            os.mkdir("old")
            libc.function("pivot_root", b".", b"old")
            support.unmount("/old")

    def work() -> tuple[Found, int, int]:
        with child(leave) as pid:
            return scanning.scan(), support.identity(pid, "mnt").inode, pid

    found, inode, pid = alone(work)
    assert found.namespaces[inode].processes == [pid]
    assert found.incomplete_because == ([trees.LOST] if how == "detached" else [])


# ---- sockets


def test_a_socket_that_is_left_to_the_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner ended meanwhile, and whoever closes the last copy waits until all was sent."""
    open_network_of = netdev.open_network_of

    def work() -> tuple[Found, int]:
        netdev.set_up("lo")
        with socket.create_server(("127.0.0.1", 0)) as server, support.inhabited("uts") as stays:

            def send() -> None:
                sender = socket.create_connection(server.getsockname())
                sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 2 * _SOON))
                sender.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    while True:
                        sender.send(bytes(1 << 16))
                sender.detach()

            def end_first(copy: int) -> int:
                namespace = open_network_of(copy)
                with socket.socket(fileno=os.dup(copy)) as other:
                    lingers = bool(struct.unpack("ii", other.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))[0])
                if lingers:
                    os.kill(pid, signal.SIGKILL)
                    support.wait_for(lambda: support.has_ended(pid))
                return namespace

            with child(send) as pid, contextlib.closing(server.accept()[0]):
                monkeypatch.setattr(netdev, "open_network_of", end_first)
                return scanning.scan(), support.identity(stays, "uts").inode

    found, stays = support.in_own_world(work, "pid", "mnt", "net")
    assert stays in found.namespaces
    assert found.incomplete_because == []
    assert found.seconds < _SOON


def counted(monkeypatch: pytest.MonkeyPatch, module: t.Any, name: str) -> mmap.mmap:
    """Count the calls of a function, in children too: the number is in the first bytes."""
    memory = mmap.mmap(-1, 8)
    function = getattr(module, name)

    def count(*arguments: t.Any, **more: t.Any) -> t.Any:
        memory[:] = struct.pack("=Q", struct.unpack("=Q", memory[:])[0] + 1)
        return function(*arguments, **more)

    monkeypatch.setattr(module, name, count)
    return memory


def test_very_many_descriptors_that_many_tasks_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read once."""
    tables, descriptors = 200, 5000

    def hold() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (2 * descriptors, 2 * descriptors))
        fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        for _copy in range(descriptors):
            os.dup(fd)
        for _each in range(tables):
            if share_files() == 0:
                process.die_with_parent(signal.SIGKILL)
                signal.pause()

    def work() -> tuple[Found, int, int, int]:
        with child(hold) as pid:
            memory = counted(monkeypatch, os, "readlink")
            return scanning.scan(), support.own_identity("net").inode, pid, struct.unpack("=Q", memory[:])[0]

    found, net, pid, count = alone(work)
    holders = found.namespaces[net].holders
    assert {holder.pid for holder in holders} == {pid}
    assert found.incomplete_because == []
    assert descriptors < count < 2 * descriptors


def share_files() -> int:
    """Fork with CLONE_FILES; 0 in the child."""
    arguments = struct.pack("=11Q", 0x400, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, 0)
    return libc.syscall_twice("clone3", arguments, len(arguments))


def test_very_many_descriptors_of_many_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is watched is read once, and where nothing but its inode is said, once more in the end."""

    def hold() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (_WATCHERS, _WATCHERS))
        fd = scanning.inotify()
        scanning.inotify_watch(fd, "/proc/self/ns/net")
        for number in range(1000):
            Path(f"/run/{number}").touch()
            scanning.inotify_watch(fd, f"/run/{number}")
        with contextlib.suppress(OSError):
            while True:
                os.dup(fd)

    def work() -> tuple[Found, int, int]:
        with child(hold):
            memory = counted(monkeypatch, watches, "parse")
            return scanning.scan(), support.own_identity("net").inode, struct.unpack("=Q", memory[:])[0]

    found, net, count = alone(work)
    assert found.namespaces[net].kinds.count("watch") == MOST_HOLDERS
    assert count == (1 if support.kernel_release() >= (6, 18) else 2)


_WATCHERS = 5000


def test_what_can_not_be_entered_on_its_way() -> None:
    """A descriptor that was opened to be a place, and no more."""

    def work() -> tuple[Found, int]:
        ours, theirs = socket.socketpair()
        with support.inhabited("uts") as pid:
            place = os.open(f"/proc/{pid}/ns/uts", os.O_PATH)
            inode = os.fstat(place).st_ino
        scanning.send(ours, place)
        os.close(place)
        with child(theirs.fileno):
            return scanning.scan(), inode

    found, inode = alone(work)
    assert found.namespaces[inode].kinds == ["in_flight"]
    assert found.incomplete_because == []


@pytest.mark.parametrize("what", ["socket", "folder", "watch"])
def test_what_may_have_more_behind_it_on_its_way(what: str) -> None:
    """It is not looked into, and that is said."""

    def work() -> Found:
        ours, theirs = socket.socketpair()
        inner = socket.socketpair()
        scanning.send(inner[0], os.open("/proc/self/ns/net", os.O_RDONLY))
        watching = scanning.inotify()
        folder = os.open("/run", os.O_RDONLY)
        scanning.send(ours, {"socket": inner[1].fileno(), "folder": folder, "watch": watching}[what])
        for fd in (folder, watching):
            os.close(fd)
        for end in inner:
            end.close()
        with child(theirs.fileno):
            return scanning.scan()

    assert in_flight.BEHIND in alone(work).incomplete_because


@pytest.mark.parametrize("how", ["working", "quiet"])
def test_an_io_uring_that_works_meanwhile(how: str) -> None:
    """The kernel does not say then which files it has."""
    lines = ["SqMask:\t0x0", *(["UserFiles:\t1", "    0: net:[4026531840]"] if how == "quiet" else []), "UserBufs:\t0"]
    found = [*watches.parse(lines, "anon_inode:[io_uring]", 4)]
    assert found == [watches.Watched(4026531840 if how == "quiet" else None, None)]


def test_a_watch_of_fanotify() -> None:
    def hold() -> None:
        fd = libc.function("fanotify_init", 0x200, os.O_RDONLY)
        libc.function("syscall", 301, fd, 1, 4, -100, b"/run/handle")

    def work() -> tuple[Found, int]:
        bound = scanning.bound(_HANDLE)
        with child(hold):
            return scanning.scan(), bound

    if os.uname().machine != "x86_64" or support.kernel_release() < (6, 18):
        pytest.skip("needs x86_64, and Linux 6.18 for the handle of what is watched: run it there")
    found, bound = alone(work)
    assert sorted(found.namespaces[bound].kinds) == ["bind", "watch"]


def test_a_socket_whose_owner_peeks() -> None:
    """It is not moved where the owner peeks next; what is on its way there is said to be out of sight."""

    def work() -> tuple[Found, int]:
        ours, theirs = socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, 42, 0)
        scanning.send(ours, os.open("/proc/self/ns/net", os.O_RDONLY))
        with child(lambda: None):
            return scanning.scan(), theirs.getsockopt(socket.SOL_SOCKET, 42)

    found, offset = alone(work)
    assert offset == 0
    assert found.incomplete_because == [in_flight.BEHIND]


def test_a_socket_whose_queue_begins_with_an_error() -> None:
    """Its peer ended with something unread: that is what comes first, and the scan goes on."""

    def work() -> tuple[Found, int]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with support.inhabited("uts") as pid:
            fd = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)
        scanning.send(ours, fd)
        theirs.send(b"unread")
        ours.close()
        os.close(fd)
        with support.inhabited("uts") as pid, child(lambda: None):
            theirs.close()
            return scanning.scan(), support.identity(pid, "uts").inode

    found, stays = alone(work)
    assert stays in found.namespaces
    assert found.incomplete_because == [in_flight.BEHIND]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the number is that of x86_64")
def test_a_socket_that_somebody_keeps_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who receives into memory that never comes has its lock. The scan says so, and goes on."""
    monkeypatch.setattr(parts, "SECONDS", 1)
    monkeypatch.setattr(checkpoint, "_FAREWELLS", 2)

    def work() -> tuple[Found, int, list[str]]:
        ours, theirs = socket.socketpair()
        fd = os.open("/proc/self/ns/net", os.O_RDONLY)
        scanning.send(ours, fd)
        scanning.send(ours, fd)
        with support.inhabited("uts") as pid, child(lambda: receive_for_ever(theirs)):
            theirs.close()
            before = os.listdir("/proc/self/fd")
            found = scanning.scan()
            left = sorted(set(os.listdir("/proc/self/fd")) ^ set(before))
            return found, support.identity(pid, "uts").inode, left

    found, stays, left = alone(work)
    assert stays in found.namespaces
    assert found.incomplete_because == [in_flight.SILENT]
    assert left == []
    assert found.seconds < _SOON


def receive_for_ever(channel: socket.socket) -> None:
    """Into memory whose faults nobody resolves: userfaultfd(2)."""
    faults = libc.function("syscall", 323, os.O_CLOEXEC)
    fcntl.ioctl(faults, 0xC018AA3F, bytearray(struct.pack("=3Q", 0xAA, 0, 0)))  # UFFDIO_API
    memory = mmap.mmap(-1, mmap.PAGESIZE)
    place = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    fcntl.ioctl(faults, 0xC020AA00, bytearray(struct.pack("=4Q", place, mmap.PAGESIZE, 1, 0)))  # UFFDIO_REGISTER
    thread = threading.Thread(target=channel.recv_into, args=(memory,), daemon=True)
    thread.start()
    # It sleeps in recvfrom(2): there is something to receive, so that it waits for the memory.
    support.wait_for(lambda: support.read(f"/proc/self/task/{thread.native_id}/syscall").startswith("45 "))


def test_a_name_like_that_of_a_namespace() -> None:
    """Of a file, whatever it is: open, deleted, in memory, called like a device."""

    def hold() -> None:
        os.chdir("/run")
        for name in ("net:[4026531840]", "socket:[1]", "anon_inode:inotify"):
            os.open(name, os.O_CREAT | os.O_RDWR)
        os.unlink("net:[4026531840]")
        os.memfd_create("net:[4026531840]")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("net:[4026531841]")
        listener.detach()
        support.own_mounts()
        support.mount_over("tmpfs", "/dev")
        os.makedirs("/dev/net")
        os.open("/dev/net/tun", os.O_CREAT | os.O_RDWR)

    def work() -> Found:
        with child(hold):
            return scanning.scan()

    found = alone(work)
    assert [holder for item in found.namespaces.values() for holder in item.holders if holder.kind == "fd"] == []
    assert found.incomplete_because == []


@pytest.mark.parametrize("kind", ["file", "socket"])
def test_a_process_with_very_many_descriptors(kind: str) -> None:
    def hold() -> None:
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        fd = os.open("/proc/self/ns/net", os.O_RDONLY) if kind == "file" else socket.socket().detach()
        with contextlib.suppress(OSError):
            while True:
                os.dup(fd)

    def work() -> tuple[Found, int, int]:
        with child(hold) as pid:
            return scanning.scan(), support.own_identity("net").inode, len(os.listdir(f"/proc/{pid}/fd"))

    found, net, count = alone(work)
    assert found.namespaces[net].holders
    assert found.incomplete_because == []
    assert found.seconds < _SOON * max(1, count / 20000)


# ---- processes that do not move


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_a_process_that_does_not_move(how: str) -> None:
    def work() -> tuple[Found, int, int]:
        with support.inhabited("uts", "mnt") as pid:
            inode = support.identity(pid, "uts").inode
            if how == "stopped":
                os.kill(pid, signal.SIGSTOP)
                return scanning.scan(), inode, pid
            with frozen(pid):
                return scanning.scan(), inode, pid

    found, inode, pid = alone(work)
    assert found.namespaces[inode].processes == [pid]
    assert found.incomplete_because == []
    assert found.seconds < _SOON


@contextlib.contextmanager
def frozen(pid: int) -> t.Iterator[None]:
    """In a cgroup of version 2 whose processes do not run."""
    top = Path("/sys/fs/cgroup")
    support.mount_over("cgroup2", top)
    group = top / f"linux-namespaces-tests-frozen-{time.monotonic_ns()}"
    group.mkdir()
    try:
        (group / "cgroup.procs").write_text(str(pid))
        (group / "cgroup.freeze").write_text("1")
        support.wait_for(lambda: "frozen 1" in (group / "cgroup.events").read_text())
        yield
    finally:
        (group / "cgroup.freeze").write_text("0")
        (top / "cgroup.procs").write_text(str(pid))
        group.rmdir()


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
def test_a_file_that_is_registered_with_io_uring() -> None:
    """It is shown, and where nothing leads to it, said to be lost."""

    def hold() -> None:
        ring = libc.function("syscall", 425, 4, libc.buffer(bytes(120)))
        with support.inhabited("uts") as pid:
            fd = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)
        own = os.open("/proc/self/ns/uts", os.O_RDONLY)
        libc.function("syscall", 427, ring, 2, struct.pack("2i", fd, own), 2)
        os.close(fd)
        os.close(own)

    def work() -> tuple[Found, int, int]:
        with child(hold) as pid:
            return scanning.scan(), support.own_identity("uts").inode, pid

    try:
        os.close(libc.function("syscall", 425, 4, libc.buffer(bytes(120))))
    except OSError as error:
        pytest.skip(f"no io_uring here: {errno.errorcode[error.errno or 0]}")
    found, own, pid = alone(work)
    if not found.namespaces[own].kinds.count("watch"):
        assert support.kernel_release() < (6, 18)  # it shows no more than a name
    else:
        assert [holder.pid for holder in found.namespaces[own].holders if holder.kind == "watch"] == [pid]
        assert found.incomplete_because == [fds.LOST]


# ---- a foreign root


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_nothing_of_a_foreign_root_is_opened_but_handles(tmp_path: Path) -> None:
    """Nor executed, nor imported."""
    script = (
        "from ansible_collections.linux.namespaces.plugins.module_utils._kernel import procfs\n"
        "from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import run\n"
        "with run.scanned(procfs.open_root()): pass\n"
    )
    log = tmp_path / "log"

    def furnish() -> None:
        support.mount_over("tmpfs", "/run")
        scanning.bound(_HANDLE)
        scanning.bound(Path("/run/covered"))
        support.bind("/dev/null", "/run/covered")

    def work() -> str:
        with support.inhabited("mnt", prepare=furnish):
            subprocess.run(
                ["strace", "-f", "-y", "-o", str(log), "-e", "trace=%file,setns,clone3", sys.executable, "-c", script],
                check=True,
                env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
            )
            return os.readlink("/proc/self/ns/mnt")

    own = alone(work)
    inside: set[str] = set()
    calls = []
    for line in log.read_text().splitlines():
        pid, call = line.split(None, 1)
        if call.startswith("setns("):
            (inside.discard if own in call else inside.add)(pid)
        elif pid in inside and "resumed>" not in call and not call.startswith(("+++", "---")):
            calls.append(re.sub(r"(\d|AT_FDCWD)<[^>]*>", r"\1", call))
    assert any(str(_HANDLE) in call for call in calls)
    assert [call for call in calls if not _HARMLESS.match(call)] == []


# By the descriptor of our own /proc; what is at a handle, without its opening; and what is taken off in a copy.
_HARMLESS = re.compile(
    r'openat2?\((?!AT_FDCWD)\d+, "(self|\d+)/|readlink(at)?\(\d+, "|'
    r'openat\(AT_FDCWD, "(/|/run|/run/(handle|covered))", O_RDONLY\|O_CLOEXEC\|O_PATH|'
    r'(statx|newfstatat)\(\d+, "", |mount_setattr\(|umount2\(|chdir\(|fchdir\(|clone3\(|mount\(|open_tree\('
)


# ---- garbage


_lines = st.lists(st.text(max_size=60), max_size=6).map("\n".join)


# What comes before the last character that makes it a namespace; it is cut where the garbage begins.
_beginnings = st.sampled_from(["inotify wd:1 ino:1 sdev:4", "    0: net:[1"]).flatmap(
    lambda line: st.integers(0, len(line)).map(lambda length: line[:length])
)


@support.properties
@given(
    st.sampled_from(watches.LINKS),
    st.one_of(_lines, st.text(), st.tuples(_beginnings, st.text("g:-[/\n\t\0\xe9")).map("".join)),
)
def test_garbage_in_fdinfo_is_nothing(link: str, text: str) -> None:
    assert [watched for watched in watches.parse(text.split("\n"), link, 4) if watched.inode is not None] == []


@support.properties
@given(st.text("0123456789abcdefx \n", max_size=9), st.text("f_handle: \n", max_size=4))
@example("abc", "")
def test_half_a_handle_is_no_handle(digits: str, rest: str) -> None:
    """The namespace is known by its inode all the same."""
    line = f"inotify wd:1 ino:1 sdev:4 mask:4 fhandle-bytes:10 fhandle-type:f1 f_handle:{digits}{rest}\n"
    word = re.split("[ \n]", digits + rest)[0]
    is_whole = bool(word) and len(word) % 2 == 0 and set(word) <= set("0123456789abcdef")
    assert [*watches.parse(line.split("\n"), "anon_inode:inotify", 4)] == [
        watches.Watched(1, bytes.fromhex(word) if is_whole else None)
    ]


@support.properties
@given(st.sampled_from(["", "net:[", "net:", "[", "]["]), st.text(st.characters(exclude_categories=["Nd", "Cs"])))
def test_garbage_in_a_link_is_a_value_error(start: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - int() has words of its own
        procfs.inode_of(start + text)


@support.properties
@given(st.text())
def test_garbage_in_mountinfo_is_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        mountinfo.parse_line(text)


def test_inside_of_a_container() -> None:
    """What is outside is said not to be seen, and nothing is made up of it."""

    def work() -> tuple[Found, dict[str, int]]:
        return scanning.scan(), {name: support.own_identity(name).inode for name in support.TYPE_NAMES}

    found, own = support.in_own_world(work)
    assert blind.OUTSIDE in found.blind
    assert {item.kind: inode for inode, item in found.namespaces.items() if 1 in item.processes} == own
    assert [item.parent for inode, item in found.namespaces.items() if inode in (own["user"], own["pid"])] == [None] * 2


def test_a_path_that_is_too_long_to_be_told(tmp_path: Path) -> None:
    """It may be that of a namespace. What else the process has is found."""

    def work() -> tuple[list[str], list[str]]:
        with support.inhabited("uts") as pid:
            namespace = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)
        inode = os.fstat(namespace).st_ino

        def go_deep() -> None:
            os.chdir(tmp_path)
            for _level in range(20):
                os.mkdir("d" * 250)
                os.chdir("d" * 250)

        os.set_inheritable(namespace, True)

        def prepare() -> None:
            go_deep()
            os.open(".", os.O_RDONLY)

        with support.inhabited(prepare=prepare), support.own_procfs() as proc:
            os.close(namespace)
            with run.scanned(proc) as found:
                return [*found.incomplete_because], [item[0] for item in found.namespaces[inode].holders]

    incomplete, kinds = support.forked(work)
    assert fds.LOST in incomplete
    assert "fd" in kinds
