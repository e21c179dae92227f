# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scan comes to its end whatever becomes of what it looks at, and says what it missed."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import resource
import signal
import socket
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, privilege, process, procfs
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import checkpoint
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import (
    fds,
    links,
    losses,
    mounts,
    parts,
    trees,
    walk,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import scan as scan_module
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery.model import Namespace
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery.scan import Scan
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import scanning, support
from ansible_collections.linux.namespaces.tests.unit.scanning import Found, alone, child, scan, storm

_SOON = 30
"""Seconds that a scan of a few processes has, on a busy machine."""
_HANDLE = Path("/run/handle")
_MANY = 500
"""More namespaces than have a number below that of another one which ended."""


def denied(*sources: str) -> list[str]:
    return [f"{losses.DENIED[source]}; {losses.REMEDY}" for source in sources]


def test_nothing_is_missing() -> None:
    """Where nothing is in the way: what the others say of faults they say because of them."""
    found = alone(scan)
    assert (found.incomplete_because, found.denied) == ([], {})


# ---- what comes and goes


def test_processes_that_come_and_go() -> None:
    def work() -> tuple[list[Found], int, int]:
        with support.inhabited("uts") as pid, storm(lambda: scanning.in_passing(lambda: None)):
            stays = support.identity(pid, "uts").inode
            return [scan() for _each in range(5)], stays, pid

    founds, stays, pid = alone(work)
    assert all(found.namespaces[stays].processes == [pid] for found in founds)
    assert [found.incomplete_because for found in founds] == [[]] * len(founds)
    assert max(found.seconds for found in founds) < _SOON


def test_a_process_that_ends_once_it_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those after it are looked at."""
    list_all = procfs.pids

    def work() -> tuple[Found, int, int, int]:
        with child(lambda: process.unshare(nstypes.UTS.flag)) as ends, support.inhabited("uts") as pid:
            gone = support.identity(ends, "uts").inode

            def list_and_end(proc: int) -> list[int]:
                pids = list_all(proc)
                scanning.end(ends)
                return pids

            monkeypatch.setattr(procfs, "pids", list_and_end)
            return scan(), gone, support.identity(pid, "uts").inode, pid

    found, gone, stays, pid = alone(work)
    assert (found.vanished, found.incomplete_because) == (1, [])
    assert gone not in found.namespaces
    assert found.namespaces[stays].processes == [pid]


def test_a_process_that_ends_while_its_link_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel calls that denied, and it is no loss."""
    really = os.open

    def work() -> tuple[Found, int]:
        with child(lambda: process.unshare(nstypes.UTS.flag)) as ends:
            gone = support.identity(ends, "uts").inode

            def follow(path: str, *flags: int, dir_fd: int | None = None) -> int:
                if path == f"{ends}/ns/uts":
                    scanning.end(ends)
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                return really(path, *flags, dir_fd=dir_fd)

            monkeypatch.setattr(os, "open", follow)
            return scan(["processes"]), gone

    found, gone = alone(work)
    assert gone not in found.namespaces
    assert (found.vanished, found.denied) == (1, {})


def test_a_thread_that_ends_while_its_link_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a process; the threads after it are looked at."""
    really = os.readlink

    def work() -> tuple[Found, int]:
        wait, go = os.pipe()

        def live() -> None:
            for thread_lives in (lambda: os.read(wait, 1), signal.pause):
                begun = threading.Event()
                threading.Thread(target=be_elsewhere, args=(begun, thread_lives), daemon=True).start()
                begun.wait()

        with child(live) as pid:
            ends, stays = sorted(map(int, os.listdir(f"/proc/{pid}/task")))[1:]

            def follow(path: str, *, dir_fd: int | None = None) -> str:
                if dir_fd is not None and really(f"/proc/self/fd/{dir_fd}") == f"/proc/{pid}/task/{ends}/ns":
                    os.write(go, b"!")
                    support.wait_for(lambda: not os.path.exists(f"/proc/{pid}/task/{ends}"))
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                return really(path, dir_fd=dir_fd)

            inode = os.stat(f"/proc/{pid}/task/{stays}/ns/uts").st_ino
            monkeypatch.setattr(os, "readlink", follow)
            return scan(["threads"]), inode

    found, inode = alone(work)
    assert found.namespaces[inode].kinds == ["thread"]
    assert found.denied == {}


def be_elsewhere(begun: threading.Event, live: t.Callable[[], object]) -> None:
    """In a UTS namespace of its own, as a thread."""
    process.unshare(nstypes.UTS.flag)
    begun.set()
    live()


def test_an_inode_that_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is said to be in what came after: who is looked at first has gone on when the last is looked at."""

    def work() -> tuple[Found, int, int, int]:
        said, say = os.pipe()

        def leave(*_arguments: object) -> None:
            process.unshare(nstypes.UTS.flag)
            os.write(say, b"left")

        def come(*_arguments: object) -> None:
            have_uts_namespace(inode)
            os.write(say, b"came")

        def live() -> None:
            process.unshare(nstypes.UTS.flag)
            signal.signal(signal.SIGUSR1, leave)

        with child(live) as first:
            inode = support.identity(first, "uts").inode
            with child(lambda: signal.signal(signal.SIGUSR1, come)) as last:

                def each(scan: Scan, sources: t.Iterable[str], folder: str, look: walk.Look, found: t.Any) -> t.Any:
                    def look_once_it_came(directory: int, pid: int) -> None:
                        if pid == last:
                            for mover in (first, last):
                                os.kill(mover, signal.SIGUSR1)
                                os.read(said, 4)
                        look(directory, pid)

                    return walk.each(scan, sources, folder, look_once_it_came, found)

                monkeypatch.setattr(links, "each", each)
                found = scan(["processes"])
                assert support.identity(last, "uts").inode == inode
                return found, inode, first, last

    found, inode, first, last = alone(work)
    assert first < last
    assert found.namespaces[inode].processes == [last]


def have_uts_namespace(inode: int) -> None:
    """Be in a new one that has this number, which is free."""
    held: list[int] = []
    # The lowest that is free is given out; those below are not while they are held.
    while support.own_identity("uts").inode != inode and len(held) < _MANY:
        process.unshare(nstypes.UTS.flag)
        held.append(os.open("/proc/self/ns/uts", os.O_RDONLY))
    for fd in held:
        os.close(fd)


def test_namespaces_that_nobody_is_in_any_more() -> None:
    """That the scan had them open meanwhile makes none of them one that is there."""

    def live() -> None:
        process.unshare(nstypes.UTS.flag)
        time.sleep(0.002)

    def work() -> list[Found]:
        with storm(lambda: scanning.in_passing(live), 4):
            return [scan() for _each in range(10)]

    namespaces = [item for found in alone(work) for item in found.namespaces.values()]
    assert [item for item in namespaces if not item.processes and not item.holders] == []


def test_a_namespace_whose_only_process_ends_once_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_named = Scan.keep_named

    def work() -> tuple[Found, int, bool]:
        with support.inhabited("uts") as pid:
            inode = support.identity(pid, "uts").inode

            def keep_and_end(self: Scan, text: str, paths: t.Iterable[str]) -> Namespace | None:
                found = keep_named(self, text, paths)
                if text == f"uts:[{inode}]" and found is not None:
                    os.kill(pid, signal.SIGKILL)
                    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
                return found

            monkeypatch.setattr(Scan, "keep_named", keep_and_end)
            return scan(), inode, support.has_ended(pid)

    found, inode, has_ended = alone(work)
    assert has_ended
    assert inode not in found.namespaces
    assert found.incomplete_because == []


@pytest.mark.parametrize("kind", ["fd", "socket", "watch"])
def test_a_descriptor_that_is_closed_once_it_was_seen(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """By a process that goes on, before the namespace could be held."""

    def work() -> tuple[Found, int]:
        said, say = os.pipe()

        def hold() -> None:
            back = os.open("/proc/self/ns/net", os.O_RDONLY)
            process.unshare(nstypes.NET.flag)
            held = hold_network(kind)
            os.write(say, b"%d\n" % support.own_identity("net").inode)
            process.setns(back, nstypes.NET.flag)

            def close(*_arguments: object) -> None:
                os.close(held)
                os.write(say, b"closed")

            signal.signal(signal.SIGUSR1, close)

        with child(hold) as pid:
            inode = int(os.read(said, 32))

            def look_and_close(scan: Scan, *arguments: t.Any) -> list[fds.Found]:
                shares = walk.each(scan, *arguments)
                (share,) = shares
                shown = dict(share.open.firsts)
                for named in share.named.values():
                    shown.update({("watch", number): named.holders.firsts["watch"] for number in named.inodes})
                assert {key for key, some in shown.items() if pid in [item.task.pid for item in some]} == {
                    ("fd", support.own_identity("net").inode),
                    (kind, inode),
                }
                os.kill(pid, signal.SIGUSR1)
                assert os.read(said, 32) == b"closed"
                return shares

            monkeypatch.setattr(fds, "each", look_and_close)
            return scan(), inode

    found, inode = alone(work)
    assert inode not in found.namespaces
    assert found.vanished > 0
    assert found.incomplete_because == []


def hold_network(kind: str) -> int:
    """A descriptor that holds the network namespace that this process is in."""
    if kind == "fd":
        return os.open("/proc/self/ns/net", os.O_RDONLY)
    if kind == "socket":
        return socket.socket().detach()
    fd = scanning.inotify()
    scanning.inotify_watch(fd, "/proc/self/ns/net")
    return fd


def test_descriptors_that_come_and_go() -> None:
    """Sockets, files and watches that are closed whenever that is."""

    def work() -> list[Found]:
        def hold() -> None:
            back = os.open("/proc/self/ns/net", os.O_RDONLY)
            process.unshare(nstypes.NET.flag)
            held = [hold_network(kind) for kind in ("socket", "fd", "watch") for _each in range(20)]
            process.setns(back, nstypes.NET.flag)
            time.sleep(0.003)
            for fd in (*held, back):
                os.close(fd)

        with storm(hold, 3):
            end = time.monotonic() + _SOON
            return [scan() for _each in range(40) if time.monotonic() < end]

    # Before Linux 6.18 nothing leads to what is watched, when the others are closed already.
    accepted = [[], [fds.LOST]] if support.kernel_release() < (6, 18) else [[]]
    assert [found.incomplete_because for found in alone(work) if found.incomplete_because not in accepted] == []


def test_a_look_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was found by then is told."""
    monkeypatch.setattr(scan_module, "PATIENCE", 3)

    def work() -> tuple[Found, int]:
        with child(lambda: None), support.inhabited("uts") as pid:
            inode = support.identity(pid, "uts").inode

            monkeypatch.setattr(fds, "other_threads", lambda *_arguments: time.sleep(2 * _SOON))
            return scan(), inode

    found, inode = alone(work)
    assert found.incomplete_because[0] == walk.OVERDUE
    assert inode in found.namespaces
    assert found.seconds < _SOON


def test_a_look_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when it is woken up."""
    monkeypatch.setattr(scan_module, "PATIENCE", 3)
    monkeypatch.setattr(walk, "_SLACK", 0.1)

    def work() -> tuple[Found, int]:
        with child(lambda: None), support.inhabited("uts") as pid:
            inode = support.identity(pid, "uts").inode
            monkeypatch.setattr(fds, "other_threads", lambda *_arguments: os.kill(os.getpid(), signal.SIGSTOP))
            return scan(), inode

    found, inode = alone(work)
    assert found.incomplete_because[0] == walk.OVERDUE
    assert inode in found.namespaces
    assert found.seconds < _SOON


# ---- who may not look


@pytest.mark.parametrize("option", ["noaccess", "invisible", "ptraceable"])
def test_processes_that_are_hidden(option: str) -> None:
    hidden = f"/proc hides processes of others (hidepid={option}); {losses.REMEDY}"

    def work() -> tuple[list[str], list[str], list[str]]:
        support.mount_over("proc", "/proc", f"hidepid={option}")
        as_ordinary = support.as_ordinary(scan).incomplete_because
        support.unmount("/proc")
        support.mount_over("proc", "/proc", f"hidepid={option},gid={support.ORDINARY}")
        return scan().incomplete_because, as_ordinary, support.as_ordinary(scan).incomplete_because

    as_root, as_ordinary, in_group = alone(work)
    assert as_root == []
    assert (hidden in as_ordinary) == (option != "noaccess")
    assert (hidden in in_group) == (option == "ptraceable")
    assert as_ordinary
    assert in_group


def test_processes_that_are_hidden_from_a_user_namespace() -> None:
    """All capabilities in there let nobody look at processes outside of it."""

    def work() -> list[str]:
        support.mount_over("proc", "/proc", "hidepid=invisible")
        support.become_ordinary()
        process.unshare(nstypes.USER.flag)
        return scan().incomplete_because

    assert any("hidepid=invisible" in reason for reason in alone(lambda: support.forked(work)))


def test_an_ordinary_user() -> None:
    """Its own namespaces are found, and its own mounts looked at."""

    def work() -> tuple[Found, dict[str, int], int, int]:
        bound = scanning.bound(_HANDLE)
        with support.inhabited("mnt"), child(support.become_ordinary):
            found, own, us = support.as_ordinary(look)
            return found, own, bound, us

    def look() -> tuple[Found, dict[str, int], int]:
        process.unshare(nstypes.USER.flag | nstypes.UTS.flag)
        return scan(), {name: support.own_identity(name).inode for name in support.TYPE_NAMES}, os.getpid()

    found, own, bound, us = alone(work)
    assert {found.namespaces[inode].kind for inode in own.values()} == set(own)
    assert found.namespaces[own["uts"]].processes == [us]
    assert found.namespaces[bound].kinds == ["bind"]
    assert found.denied == {"processes": 3, "threads": 3, "fds": 3, "sockets": 3}
    assert found.incomplete_because == denied("processes", "threads", "fds", "sockets")


def test_without_ptrace() -> None:
    """Of others with more capabilities than ours nothing is shown."""
    found = alone(lambda: support.forked(lambda: look_without("sys_ptrace")))
    assert found.denied == {"processes": 1, "threads": 1, "fds": 1, "sockets": 1}
    assert found.incomplete_because == denied("processes", "threads", "fds", "sockets")


def look_without(*capabilities: str) -> Found:
    scanning.give_up(*capabilities)
    return scan()


@pytest.mark.parametrize("capability", ["sys_admin", "sys_chroot"])
def test_without_a_way_into_mount_namespaces(capability: str) -> None:
    """The own one takes no way."""

    def work() -> tuple[Found, int]:
        bound = scanning.bound(_HANDLE)
        with support.inhabited("mnt"):
            return support.forked(lambda: look_without(capability)), bound

    found, bound = alone(work)
    assert found.namespaces[bound].kinds == ["bind"]
    assert found.denied == {"mounts": 1}
    assert found.incomplete_because == denied("mounts")


def test_without_power_over_networks() -> None:
    def work() -> Found:
        with child(lambda: socket.socket().detach()):
            return support.forked(lambda: look_without("net_admin"))

    found = alone(work)
    assert found.denied == {"sockets": 1}
    assert found.incomplete_because == denied("sockets")


def test_without_power_over_files() -> None:
    """The descriptors of another user."""

    def work() -> Found:
        with child(support.become_ordinary):
            return support.forked(lambda: look_without("dac_override", "dac_read_search"))

    found = alone(work)
    assert found.denied == {"fds": 1, "sockets": 1}
    assert found.incomplete_because == denied("fds", "sockets")


# ---- what the kernel lacks


_CALLS = {"kcmp": 312, "statx": 332, "pidfd_getfd": 438, "pidfd_open": 434, "listns": 470, "open_by_handle_at": 304}


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
@pytest.mark.parametrize("name", _CALLS)
def test_without_a_system_call(name: str) -> None:
    """What needs it is missing, and said to be; the rest is there."""

    def work() -> tuple[Found, int]:
        bound = scanning.bound(_HANDLE)
        held = os.open(_HANDLE, os.O_RDONLY)
        support.unmount(str(_HANDLE))
        with child(lambda: open_all(held)):
            os.close(held)
            return support.forked(look), bound

    def look() -> Found:
        support.without(_CALLS[name])
        return scan()

    def open_all(_held: int) -> None:
        socket.socket().detach()
        scanning.have_a_thread()

    found, bound = alone(work)
    lost = [] if name in ("listns", "open_by_handle_at") else ["descriptors could not be looked at"]
    assert found.incomplete_because == [*lost, *([trees.LOST] if name == "statx" else [])]
    assert (bound in found.namespaces) == (name != "statx")


# ---- limits, and ends that come too early


def test_too_few_descriptors() -> None:
    """That is said; nothing is left open, and no child."""

    def work() -> tuple[NamespaceError, list[str], list[str], set[int]]:
        with contextlib.ExitStack() as stack:
            for _each in range(40):
                stack.enter_context(support.inhabited("uts"))
            before, children = os.listdir("/proc/self/fd"), support.children()
            support.leave_descriptors(30)
            scanning.give_up("sys_resource")
            with pytest.raises(NamespaceError) as caught:
                scan()
            return caught.value, before, os.listdir("/proc/self/fd"), support.children() - children

    error, before, after, children = alone(lambda: support.forked(work))
    assert error.code == errno.EMFILE
    assert after == before
    assert children == set()


def test_descriptors_that_a_child_has_no_place_for() -> None:
    """It found more namespaces than this process may hold."""

    def work() -> NamespaceError:
        for number in range(40):
            scanning.bound(Path(f"/run/{number}"))
        support.leave_descriptors(30)
        scanning.give_up("sys_resource")
        with pytest.raises(NamespaceError) as caught:
            scan()
        return caught.value

    assert alone(lambda: support.forked(work)).code == errno.EMFILE


_may_raise = pytest.mark.skipif(not privilege.has("sys_resource"), reason="needs CAP_SYS_RESOURCE: make kernels has it")


@pytest.mark.parametrize("count", [150, pytest.param(250, marks=_may_raise)])
def test_the_limit_of_descriptors(count: int) -> None:
    """It is as it was once the scan is done, for which it is raised to what the task may have."""

    def work() -> tuple[int, tuple[int, int]]:
        for number in range(count):
            scanning.bound(Path(f"/run/{number}"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
        found = scan(["mounts"])
        kinds = [item.kind for item in found.namespaces.values()]
        return kinds.count("uts") - count, resource.getrlimit(resource.RLIMIT_NOFILE)

    assert alone(lambda: support.forked(work)) == (0, (100, 200))


def test_nothing_is_left_of_a_scan_that_is_killed() -> None:
    """Whenever that is."""

    def work() -> list[int]:
        left: list[int] = []
        with support.inhabited("mnt"), support.inhabited("mnt"), support.inhabited("net", "mnt"):
            expected = support.children()
            for number in range(40):
                with storm(scan, 1):
                    time.sleep(0.01 + number * 0.003)
                deadline = time.monotonic() + _SOON
                # We are the one that orphans come to.
                while support.children() - expected and time.monotonic() < deadline:
                    for orphan in support.children() - expected:
                        os.waitpid(orphan, os.WNOHANG)
                    time.sleep(0.001)
                left += support.children() - expected
        return left

    assert alone(work) == []


@pytest.mark.parametrize("moment", ["_enter", "_report_binds"])
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_child_that_somebody_interferes_with(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, moment: str
) -> None:
    """What it was to look at is lost, and said to be; the rest is found."""
    go_on = getattr(mounts, moment)
    patience = itertools.chain([1], itertools.repeat(10))

    def work() -> tuple[Found, dict[int, int], int]:
        with support.inhabited("mnt") as first, support.inhabited("mnt", prepare=furnish) as second:
            inside = {support.identity(pid, "mnt").inode: pid for pid in (first, second)}

            def interfere(*arguments: t.Any) -> t.Any:
                # The last of them is the mount namespace, or its descriptor.
                fd = getattr(arguments[-1], "fd", arguments[-1])
                if inside.get(os.fstat(fd).st_ino) == first:
                    os.kill(os.getpid(), number)
                return go_on(*arguments)

            monkeypatch.setattr(mounts, moment, interfere)
            monkeypatch.setattr(parts, "spawn", spawn)
            return scan(), inside, int(support.read("/run/inode"))

    def spawn(*arguments: t.Any) -> t.ContextManager[checkpoint.Child]:
        # The first is interfered with; the next answers, and has time to.
        monkeypatch.setattr(parts, "SECONDS", next(patience))
        return checkpoint.spawn(*arguments)

    def furnish() -> None:
        support.write("/run/inode", str(scanning.bound(_HANDLE)))

    found, inside, bound = alone(work)
    assert found.incomplete_because == [mounts.LOST]
    assert {inode: found.namespaces[inode].processes for inode in inside} == {
        inode: [pid] for inode, pid in inside.items()
    }
    assert found.namespaces[bound].kinds == ["bind"]
    assert found.seconds < _SOON


def test_nothing_is_changed() -> None:
    def work() -> tuple[list[str], list[str]]:
        scanning.bound(_HANDLE)
        support.bind("/dev/null", _HANDLE)
        ours, theirs = socket.socketpair()
        with support.inhabited("mnt", "net"), child(lambda: None):
            scanning.send(ours, os.open("/proc/self/ns/net", os.O_RDONLY))
            before = everything()
            scan()
            after = everything()
        ours.close()
        theirs.close()
        return before, after

    before, after = alone(work)
    assert before == after


def everything() -> list[str]:
    """All that a scan could change: mounts, /run, processes, the namespaces that each is in, sysctls."""
    found = support.everything()
    for name in filter(str.isdigit, os.listdir("/proc")):
        found += [f"{name} {link} {os.readlink(f'/proc/{name}/ns/{link}')}" for link in support.TYPE_NAMES]
        found.append(support.read(f"/proc/{name}/mountinfo"))
    for folder in ("user", "net", "vm", "kernel"):
        for place, _folders, files in os.walk(f"/proc/sys/{folder}"):
            for file in files:
                with contextlib.suppress(OSError):
                    found.append(f"{place}/{file} {support.read(f'{place}/{file}')}")
    return [line for line in found if not any(word in line for word in _RESTLESS)]


_RESTLESS = ("/kernel/random/", "/kernel/ns_last_pid", "/kernel/pty/nr", "-nr ", "_nr ")
"""What others change meanwhile."""


# ---- what is unlike the rest


@pytest.mark.parametrize("name", ["user", "pid"])
def test_as_many_levels_as_there_can_be(name: str) -> None:
    """Each knows the one above it."""

    def work() -> tuple[Found, int]:
        with child(lambda: descend(name)):
            return scan(), support.own_identity(name).inode

    found, top = alone(work)
    above = {inode: seen.parent for inode, seen in found.namespaces.items() if seen.kind == name}
    depths = sorted(depth(above, inode, top) for inode in above if inode != top and depth(above, inode, top))
    # 32, but for those that we are in already.
    assert len(depths) > 25
    assert depths == list(range(1, len(depths) + 1))
    assert found.seconds < _SOON


def descend(name: str) -> None:
    """Make namespaces below each other, as many as the kernel lets us; of pid namespaces each has a process."""
    while True:
        try:
            process.unshare(nstypes.BY_NAME[name].flag)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return
        if name == "user":
            support.write("/proc/self/setgroups", "deny")
            for ids in ("uid_map", "gid_map"):
                support.write(f"/proc/self/{ids}", "0 0 1")
        if name == "pid":
            pid = os.fork()
            if pid:
                os.waitpid(pid, 0)
                os._exit(0)


def depth(above: t.Mapping[int, int | None], inode: int, top: int) -> int:
    """Levels below the top; 0 for what is not below it."""
    levels = 0
    place: int | None = inode
    while place is not None and place != top:
        place = above[place]
        levels += 1
    return levels if place == top else 0
