# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each way in which a namespace can be held is found, and said."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import (
    descriptor,
    libc,
    mount,
    nsfs,
    nstypes,
    process,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import (
    blind,
    fds,
    in_flight,
    kernel,
    mounts,
    run,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery.model import Namespace
from ansible_collections.linux.namespaces.tests.unit import support

_CLONE_FILES = 0x400
_IN_ATTRIB = 0x4
_OPEN_BY_HANDLE_AT = 304 if os.uname().machine == "x86_64" else 265


class Seen(t.NamedTuple):
    """What a scan says of one namespace."""

    kind: str
    identity: nsfs.Identity
    processes: list[int]
    holders: list[tuple[t.Any, ...]]
    owner: int | None
    parent: int | None


def scan(sources: t.Collection[str] = run.SOURCES) -> dict[int, Seen]:
    with support.own_procfs() as proc, run.scanned(proc, sources) as found:
        return {inode: describe(namespace) for inode, namespace in found.namespaces.items()}


def describe(namespace: Namespace) -> Seen:
    holders = [tuple(field for field in holder if field is not None) for holder in namespace.holders]
    return Seen(
        namespace.kind.name, namespace.identity, namespace.processes, holders, namespace.owner, namespace.parent
    )


@pytest.mark.parametrize("name", support.TYPE_NAMES)
def test_a_process(name: str) -> None:
    with support.inhabited(name) as pid:
        identity = support.identity(pid, name)
        seen = scan()[identity.inode]
        assert (seen.kind, seen.identity, seen.processes) == (name, identity, [pid])


@pytest.mark.parametrize("name", ["user", "pid"])
def test_a_process_that_was_not_reaped(name: str) -> None:
    """It is in these two until it is."""

    def prepare() -> None:
        if name == "pid":
            process.unshare(nstypes.PID.flag)
        child = os.fork()
        if child == 0:
            if name == "user":
                process.unshare(nstypes.USER.flag)
            os._exit(0)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)

    with support.inhabited(prepare=prepare) as pid:
        (child,) = support.read(f"/proc/{pid}/task/{pid}/children").split()
        seen = scan()[os.stat(f"/proc/{child}/ns/{name}").st_ino]
    assert ("zombie", int(child)) in seen.holders
    assert seen.processes == []


def test_the_children_of_a_process() -> None:
    def work() -> tuple[list[tuple[t.Any, ...]], list[int], int]:
        process.unshare(nstypes.TIME.flag)
        seen = scan()[os.stat("/proc/self/ns/time_for_children").st_ino]
        return seen.holders, seen.processes, os.getpid()

    holders, processes, pid = support.forked(work)
    assert (holders, processes) == ([("for_children", pid)], [])


def test_a_thread() -> None:
    def work() -> tuple[Seen, int, int]:
        with in_a_thread(lambda: process.unshare(nstypes.UTS.flag)) as thread:
            return scan()[os.stat(f"/proc/self/task/{thread}/ns/uts").st_ino], os.getpid(), thread

    seen, pid, number = support.forked(work)
    assert seen.holders == [("thread", pid, number)]


@contextlib.contextmanager
def in_a_thread(work: t.Callable[[], object]) -> t.Iterator[int]:
    """Another thread, by its number, that did the work and waits."""
    done, leave = threading.Event(), threading.Event()

    def live() -> None:
        work()
        done.set()
        leave.wait()

    thread = threading.Thread(target=live)
    thread.start()
    done.wait()
    yield thread.native_id or 0
    leave.set()
    thread.join()


@pytest.mark.parametrize("name", support.TYPE_NAMES)
def test_an_open_file(name: str) -> None:
    def work() -> tuple[Seen, int, int]:
        with support.inhabited(name) as pid:
            fd = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)
            inode = os.fstat(fd).st_ino
        # Also one that only waits to be reaped is there.
        support.wait_for(lambda: not os.path.exists(f"/proc/{pid}"))
        with holding(fd) as holder:
            os.close(fd)
            return scan()[inode], holder, fd

    seen, holder, fd = support.forked(work)
    assert (seen.processes, seen.holders) == ([], [("fd", holder, fd)])


@pytest.mark.parametrize("what", ["fd", "socket"])
def test_an_open_file_of_one_thread(what: str) -> None:
    """It has a table of descriptors of its own."""

    def work() -> tuple[Seen, int, list[int]]:
        noted: list[int] = []

        def go() -> None:
            process.unshare(_CLONE_FILES)
            with support.inhabited("net") as pid:
                fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
            noted.append(os.fstat(fd).st_ino)
            if what == "socket":
                process.setns(fd, nstypes.NET.flag)
                held = socket.socket()
                process.setns(back, nstypes.NET.flag)
                os.close(fd)
                fd = held.detach()
            noted.append(fd)

        back = os.open("/proc/self/ns/net", os.O_RDONLY)
        with in_a_thread(go) as thread:
            # The scan leaves out its own process.
            return support.forked(lambda: scan()[noted[0]]), os.getpid(), [thread, noted[1]]

    if what == "socket" and support.kernel_release() < (6, 9):
        with pytest.raises(KeyError):
            support.forked(work)
    else:
        seen, pid, (thread, fd) = support.forked(work)
        assert seen.holders == [(what, pid, thread, fd)]


def test_an_inotify_watch() -> None:
    def work() -> tuple[int, dict[int, Seen], int, int]:
        watch = inotify()
        with support.inhabited("uts") as pid:
            inotify_watch(watch, f"/proc/{pid}/ns/uts")
            inode = support.identity(pid, "uts").inode
        with holding(watch) as holder:
            os.close(watch)
            return inode, scan(), holder, watch

    inode, found, holder, watch = support.forked(work)
    if support.kernel_release() < (6, 18):
        assert inode not in found
    else:
        assert found[inode].holders == [("watch", holder, watch)]


def test_an_inotify_watch_that_may_not_be_followed() -> None:
    """Its inode is known; to open it by its handle takes more."""

    def look() -> tuple[t.Collection[int], int, list[str]]:
        with support.own_procfs() as proc, run.scanned(proc, ["fds"]) as found:
            return [*found.namespaces], found.denied["fds"], [*found.incomplete_because]

    def work() -> tuple[bool, int, list[str]]:
        watch = inotify()
        with support.inhabited("uts") as pid:
            inotify_watch(watch, f"/proc/{pid}/ns/uts")
            inode = support.identity(pid, "uts").inode
        support.without(_OPEN_BY_HANDLE_AT)
        shown, denied, incomplete = support.forked(look)
        return inode in shown, denied, incomplete

    shown, denied, incomplete = support.in_own_world(work, "pid", "mnt")
    assert not shown
    if support.kernel_release() < (6, 18):
        assert fds.LOST in incomplete
    else:
        assert denied == 1


def test_files_of_an_io_uring() -> None:
    """Of one that nothing else shows only the inode can be seen."""
    files = []
    for _file in range(2):
        with support.inhabited("uts") as pid:
            files.append(os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY))
    open_too, alone = (os.fstat(fd).st_ino for fd in files)
    try:
        ring = io_uring(*files)
        named = f"[{open_too}]" in support.read(f"/proc/self/fdinfo/{ring}")
        with holding(ring, files[0]) as holder:
            os.close(ring)
            while files:
                os.close(files.pop())
            with support.own_procfs() as proc, run.scanned(proc) as found:
                seen = [other[:2] for other in describe(found.namespaces[open_too]).holders]
                assert seen == [("fd", holder), *([("watch", holder)] if named else [])]
                assert (alone in found.namespaces) == (support.kernel_release() >= (6, 19))
                assert fds.LOST in found.incomplete_because
    finally:
        for fd in files:
            os.close(fd)


def test_an_open_file_whose_handle_is_gone(tmp_path: Path) -> None:
    def work() -> tuple[Seen, int, int]:
        support.own_mounts()
        path = tmp_path / "handle"
        path.touch()
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", path)
        fd = os.open(path, os.O_RDONLY)
        inode = os.fstat(fd).st_ino
        support.unmount(str(path))
        with holding(fd) as holder:
            os.close(fd)
            return scan()[inode], holder, fd

    seen, holder, fd = support.forked(work)
    assert seen.holders == [("fd", holder, fd)]


def test_a_socket() -> None:
    def work() -> tuple[Seen, int, int]:
        back = os.open("/proc/self/ns/net", os.O_RDONLY)
        process.unshare(nstypes.NET.flag)
        inode = os.stat("/proc/self/ns/net").st_ino
        with socket.socket() as held:
            process.setns(back, nstypes.NET.flag)
            with holding(held.fileno()) as holder:
                number = held.detach()
                os.close(number)
                return scan()[inode], holder, number

    seen, holder, number = support.forked(work)
    assert (seen.processes, seen.holders) == ([], [("socket", holder, number)])


def test_a_bind_mount(tmp_path: Path) -> None:
    def work() -> tuple[Seen, int]:
        support.own_mounts()
        path = tmp_path / "handle"
        path.touch()
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", path)
            inode = support.identity(pid, "uts").inode
        return scan()[inode], support.own_identity("mnt").inode

    seen, mounts = support.forked(work)
    assert (seen.processes, seen.holders) == ([], [("bind", str(tmp_path / "handle"), mounts)])


@pytest.mark.parametrize("name", support.TYPE_NAMES)
@support.needs_ids
def test_a_bind_mount_can_be_taken_off_meanwhile(name: str, tmp_path: Path) -> None:
    """Before Linux 6.18 not without MNT_DETACH."""

    def work() -> list[tuple[t.Any, ...]]:
        support.own_mounts()
        path = tmp_path / "handle"
        path.touch()
        with support.inhabited(name) as pid:
            support.bind(f"/proc/{pid}/ns/{name}", path)
            inode = support.identity(pid, name).inode
        with support.own_procfs() as proc, run.scanned(proc) as found:
            libc.function("umount2", os.fsencode(path), 0)
            return describe(found.namespaces[inode]).holders

    assert "bind" in [holder[0] for holder in support.forked(work)]


@pytest.mark.parametrize("recursive", [False, True])
def test_a_tree_of_mounts_that_an_open_file_holds(tmp_path: Path, recursive: bool) -> None:
    def work() -> tuple[list[tuple[t.Any, ...]], int, int]:
        support.own_mounts()
        (tmp_path / "folder").mkdir()
        path = tmp_path / "folder/handle"
        path.touch()
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", path)
            inode = support.identity(pid, "uts").inode
        with descriptor.closing(os.open(tmp_path if recursive else path, os.O_PATH)) as source:
            tree = mount.clone_tree(source, recursive)
        support.unmount(str(path))
        with holding(tree) as holder:
            os.close(tree)
            return scan()[inode].holders, holder, tree

    holders, holder, tree = support.forked(work)
    assert holders == [("fd", holder, tree, *(["/folder/handle"] if recursive else []))]


@pytest.mark.parametrize("how", ["fd", "path", "cwd", "root", "thread"])
def test_a_tree_of_mounts_that_is_held_below_its_root(tmp_path: Path, how: str) -> None:
    """A kernel may take it apart when nobody holds its root; what was mounted there is gone then."""

    def work() -> tuple[dict[int, Seen], int, int, bool]:
        support.own_mounts()
        (tmp_path / "below").mkdir()
        (tmp_path / "below/more").mkdir()
        path = tmp_path / "handle"
        path.touch()
        support.bind(tmp_path, tmp_path)
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", path)
            inode = support.identity(pid, "uts").inode
        with descriptor.closing(os.open(tmp_path, os.O_PATH)) as source:
            tree = mount.clone_tree(source, recursive=True)
        below = os.open("below/more", os.O_PATH if how == "path" else os.O_RDONLY, dir_fd=tree)
        support.unmount(str(path))

        def go() -> None:
            os.fchdir(below)
            if how == "root":
                os.chroot(".")

        def go_in_a_thread() -> None:
            process.unshare(0x200)  # CLONE_FS
            go()

        def prepare() -> None:
            if how == "thread":
                stack.enter_context(in_a_thread(go_in_a_thread))
            elif how in ("cwd", "root"):
                go()
            os.write(say, b"!")

        with contextlib.ExitStack() as stack:
            kept = (below,) if how in ("fd", "path") else ()
            said, say = os.pipe()
            with holding(*kept, prepare=prepare) as holder:
                os.close(tree)
                os.close(say)
                os.read(said, 1)
                support.wait_for(lambda: len(os.listdir(f"/proc/{holder}/fd")) <= 1)
                return scan(), inode, holder, os.stat("../../handle", dir_fd=below).st_ino == inode

    found, inode, holder, is_there = support.forked(work)
    if not is_there:
        assert support.kernel_release() >= (6, 19)
        assert inode not in found
        return
    kind = {"path": "fd", "thread": "cwd"}.get(how, how)
    assert {(held[0], held[1], held[-1]) for held in found[inode].holders} >= {(kind, holder, "/../../handle")}


def test_a_bind_mount_that_is_covered(tmp_path: Path) -> None:
    """The cover stays where it is."""

    def work() -> tuple[int, dict[int, Seen], list[str]]:
        support.own_mounts("shared")
        path = tmp_path / "handle"
        path.touch()
        (tmp_path / "cover").write_text("cover")
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", path)
            inode = support.identity(pid, "uts").inode
        support.bind(tmp_path / "cover", path)
        return inode, scan(), [path.read_text(), *(item.root for item in support.mounts_below(str(tmp_path)))]

    inode, found, left = support.forked(work)
    assert [holder[:2] for holder in found[inode].holders] == [("bind", str(tmp_path / "handle"))]
    assert (left[0], len(left)) == ("cover", 3)


@pytest.mark.parametrize("level", ["a/b", "a"])
def test_a_bind_mount_in_a_directory_that_is_covered(tmp_path: Path, level: str) -> None:
    """Twice: by what has a file there, and by what has nothing."""

    def work() -> tuple[int, dict[int, Seen], list[str]]:
        support.own_mounts()
        path = tmp_path / "a/b/handle"
        path.parent.mkdir(parents=True)
        path.touch()
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", path)
            inode = support.identity(pid, "uts").inode
        for _twice in range(2):
            support.mount_over("tmpfs", tmp_path / level)
        path.parent.mkdir(exist_ok=True)
        path.touch()
        with support.own_procfs() as proc, run.scanned(proc) as found:
            return (
                inode,
                {number: describe(item) for number, item in found.namespaces.items()},
                [*found.incomplete_because],
            )

    inode, found, incomplete = support.forked(work)
    assert [holder[:2] for holder in found[inode].holders] == [("bind", str(tmp_path / "a/b/handle"))]
    assert mounts.COVERED not in incomplete


def test_a_mount_namespace_beside_a_bind_mount_that_is_covered(tmp_path: Path) -> None:
    """In the copy in which the cover is taken off there are no bind mounts of mount namespaces."""

    def work() -> tuple[int, dict[int, Seen], list[str]]:
        support.own_mounts()
        for name in ("covered", "cover", "mounts"):
            (tmp_path / name).touch()
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", tmp_path / "covered")
        support.bind(tmp_path / "cover", tmp_path / "covered")
        with support.inhabited("mnt") as pid:
            support.bind(f"/proc/{pid}/ns/mnt", tmp_path / "mounts")
            inode = support.identity(pid, "mnt").inode
        with support.own_procfs() as proc, run.scanned(proc) as found:
            return (
                inode,
                {number: describe(item) for number, item in found.namespaces.items()},
                [*found.incomplete_because],
            )

    inode, found, incomplete = support.forked(work)
    assert [holder[:2] for holder in found[inode].holders] == [("bind", str(tmp_path / "mounts"))]
    assert mounts.COVERED not in incomplete


def test_bind_mounts_below_each_other(tmp_path: Path) -> None:
    """A namespace that only a mount in a mount namespace holds that only a mount holds."""

    def work() -> tuple[Seen, Seen, int]:
        support.own_mounts()
        (tmp_path / "outer").touch()
        (tmp_path / "inner").touch()

        def prepare() -> None:
            with support.inhabited("ipc") as pid:
                support.bind(f"/proc/{pid}/ns/ipc", tmp_path / "inner")
            (tmp_path / "inode").write_text(str((tmp_path / "inner").stat().st_ino))

        with support.inhabited("mnt", prepare=prepare) as pid:
            outer = support.identity(pid, "mnt").inode
            support.bind(f"/proc/{pid}/ns/mnt", tmp_path / "outer")
        found = scan()
        return found[outer], found[int((tmp_path / "inode").read_text())], support.own_identity("mnt").inode

    outer, inner, mounts = support.forked(work)
    assert outer.holders == [("bind", str(tmp_path / "outer"), mounts)]
    assert inner.holders == [("bind", str(tmp_path / "inner"), outer.identity.inode)]


def test_owners_and_parents_that_nobody_is_in() -> None:
    """The middle one of three user namespaces has no process: who was in it went on into the last one."""
    with support.inhabited("user", prepare=lambda: process.unshare(nstypes.USER.flag)) as pid:
        user = support.identity(pid, "user").inode
        found = scan()
    middle = found[user].parent
    assert middle is not None
    assert (found[middle].processes, found[middle].holders) == ([], [("child", user)])
    assert found[middle].parent == support.own_identity("user").inode


def test_an_owner() -> None:
    with support.inhabited("user", "uts") as pid:
        uts, user = support.identity(pid, "uts").inode, support.identity(pid, "user").inode
        found = scan()
    assert found[uts].owner == user
    assert ("owned", uts) in found[user].holders


def test_a_descriptor_on_its_way_behind_another() -> None:
    """Its holder can't be seen. The kernel lists the namespace from Linux 6.19 on."""

    def work() -> tuple[int, dict[int, Seen], list[str]]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for _message in range(2):
            with support.inhabited("uts") as pid:
                fd = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)
            inode = os.fstat(fd).st_ino
            send(ours, fd)
            os.close(fd)
        with holding(theirs.fileno()), support.own_procfs() as proc, run.scanned(proc) as found:
            return (
                inode,
                {number: describe(item) for number, item in found.namespaces.items()},
                [*found.incomplete_because],
            )

    inode, found, incomplete = support.forked(work)
    assert in_flight.BEHIND in incomplete
    if support.kernel_release() < (6, 19):
        assert inode not in found
    else:
        assert found[inode].holders == [("kernel",)]


def test_what_there_is_no_view_of() -> None:
    def look() -> set[str]:
        with support.own_procfs() as proc, run.scanned(proc) as found:
            return set(found.blind)

    listed = set() if support.kernel_release() >= (6, 19) else {kernel.BLIND}
    assert support.in_own_world(look, "pid", "mnt") == {*blind.BLIND, blind.OUTSIDE, *listed}


@contextlib.contextmanager
def one_for_each_source(folder: Path) -> t.Iterator[list[tuple[str, int]]]:
    """Sources, and the inode of a namespace that none of the others shows, but for the kernel's list."""
    with contextlib.ExitStack() as stack:
        found = [("processes", support.identity(stack.enter_context(support.inhabited("uts")), "uts").inode)]
        with support.inhabited("ipc") as pid, descriptor.closing(os.open(f"/proc/{pid}/ns/ipc", os.O_RDONLY)) as file:
            found.append(("fds", os.fstat(file).st_ino))
            stack.enter_context(holding(file))
        with support.inhabited("cgroup") as pid:
            (folder / "handle").touch()
            support.bind(f"/proc/{pid}/ns/cgroup", folder / "handle")
            found.append(("mounts", support.identity(pid, "cgroup").inode))
        with descriptor.closing(os.open("/proc/self/ns/net", os.O_RDONLY)) as back:
            process.unshare(nstypes.NET.flag)
            found.append(("sockets", support.own_identity("net").inode))
            with socket.socket() as held:
                process.setns(back, nstypes.NET.flag)
                stack.enter_context(holding(held.fileno()))
        # Linux 5.10 starts no thread once the next child has another clock.
        thread = stack.enter_context(in_a_thread(lambda: process.unshare(nstypes.UTS.flag)))
        found.append(("threads", os.stat(f"/proc/self/task/{thread}/ns/uts").st_ino))
        process.unshare(nstypes.TIME.flag)
        found.append(("threads", os.stat("/proc/self/ns/time_for_children").st_ino))
        yield found


@pytest.mark.parametrize("source", run.SOURCES)
def test_a_source_alone(tmp_path: Path, source: str) -> None:
    def work() -> tuple[list[str], list[str], list[str]]:
        support.own_mounts()
        with one_for_each_source(tmp_path) as there, support.own_procfs() as proc, run.scanned(proc, [source]) as found:
            shown = [name for name, inode in there if inode in found.namespaces]
            left_out = [reason for reason in found.incomplete_because if reason.startswith("the source")]
            return [name for name, _inode in there], shown, left_out

    there, shown, incomplete = support.forked(work)
    # The kernel lists what is active, which a socket is not enough for.
    listed = {*there} - {"sockets"} if source == "kernel" and support.kernel_release() >= (6, 19) else set()
    assert shown == [name for name in there if name in {source, *listed}]
    left_out = [f"the source {name} was left out" for name in run.SOURCES if name != source]
    assert incomplete[: len(left_out)] == left_out
    assert f"the source {source} was left out" not in incomplete


def test_threads_without_processes() -> None:
    """Of a process only what its children will be in, and of a thread only what the process is not in."""

    def work() -> tuple[dict[int, Seen], int, int, int, int]:
        with in_a_thread(lambda: process.unshare(nstypes.UTS.flag)) as thread:
            process.unshare(nstypes.TIME.flag)
            children = os.stat("/proc/self/ns/time_for_children").st_ino
            uts = os.stat(f"/proc/self/task/{thread}/ns/uts").st_ino
            return scan(["threads"]), children, uts, os.getpid(), thread

    found, children, uts, pid, thread = support.forked(work)
    assert not any(seen.processes for seen in found.values())
    assert found[children].holders == [("for_children", pid)]
    assert found[uts].holders == [("thread", pid, thread)]
    assert {inode for inode, seen in found.items() if any(pid in holder for holder in seen.holders)} == {children, uts}


def test_a_socket_that_may_not_be_copied() -> None:
    """To look at links takes less. What else the process has open is found all the same."""

    def work() -> tuple[list[tuple[t.Any, ...]], dict[str, int], int]:
        with support.inhabited("uts") as pid:
            file = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)
        inode = os.fstat(file).st_ino
        with socket.socket() as held, holding(file, held.fileno(), prepare=support.become_ordinary) as holder:
            os.close(file)
            support.wait_for(lambda: len(os.listdir(f"/proc/{holder}/fd")) == 2)
            # The kernel compares those of the file system for the one, and the real ones for the other.
            os.setresgid(support.ORDINARY + 1, support.ORDINARY, support.ORDINARY + 1)
            os.setresuid(support.ORDINARY + 1, support.ORDINARY, support.ORDINARY + 1)
            libc.function("prctl", 4, 1, 0, 0, 0)
            with support.own_procfs() as proc, run.scanned(proc, ["fds", "sockets"]) as found:
                return describe(found.namespaces[inode]).holders, dict(found.denied), holder

    holders, denied, holder = support.forked(work)
    assert [field[:2] for field in holders] == [("fd", holder)]
    assert denied["sockets"] == denied["fds"] + 1


def send(channel: socket.socket, fd: int) -> None:
    channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", fd))])


def receive(channel: socket.socket) -> int:
    ((_level, _kind, data),) = channel.recvmsg(1, socket.CMSG_SPACE(4))[1]
    fd: int = struct.unpack("i", data)[0]
    return fd


def inotify() -> int:
    return libc.function("inotify_init1", os.O_CLOEXEC)


def inotify_watch(fd: int, path: str) -> None:
    libc.function("inotify_add_watch", fd, path.encode(), _IN_ATTRIB)


def io_uring(*files: int) -> int:
    """An io_uring with these files. Source: io_uring_setup(2), io_uring_register(2)."""
    try:
        ring = libc.function("syscall", 425, 1, libc.buffer(bytes(120)))
    except OSError as error:
        pytest.skip(f"no io_uring here: {error}")
    libc.function("syscall", 427, ring, 2, libc.buffer(struct.pack(f"{len(files)}i", *files)), len(files))
    return ring


@contextlib.contextmanager
def holding(*descriptors: int, prepare: t.Callable[[], object] = lambda: None) -> t.Iterator[int]:
    """The pid of a process that has nothing but copies of the descriptors."""
    pid = os.fork()
    if pid == 0:
        prepare()
        process.close_from(0, *descriptors)
        signal.pause()
        os._exit(1)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_a_descriptor_on_its_way(kind: socket.SocketKind) -> None:
    """It stays in the queue."""

    def work() -> tuple[Seen, bool]:
        with support.inhabited("uts") as pid:
            fd = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)
        inode = os.fstat(fd).st_ino
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        send(ours, fd)
        os.close(fd)
        with holding(theirs.fileno()):
            seen = scan()[inode]
        return seen, os.fstat(receive(theirs)).st_ino == inode

    seen, still_there = support.forked(work)
    assert [holder[0] for holder in seen.holders] == ["in_flight"]
    assert still_there


def test_no_descriptor_is_left_open() -> None:
    def work() -> tuple[list[str], list[str]]:
        before = os.listdir("/proc/self/fd")
        scan()
        return before, os.listdir("/proc/self/fd")

    before, after = support.forked(work)
    assert before == after
