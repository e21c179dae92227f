# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scan comes to its end whatever becomes of what it looks at, and says what it missed."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import socket
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import losses, mounts
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import scanning, support
from ansible_collections.linux.namespaces.tests.unit.scanning import Found, alone, child, scan, storm

_SOON = 30
"""Seconds that a scan of a few processes has, on a busy machine."""
_HANDLE = Path("/run/handle")


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
            founds = [scan()]
            while not sum(found.vanished for found in founds) or len(founds) < 5:
                founds.append(scan())
            return founds, stays, pid

    founds, stays, pid = alone(work)
    assert all(found.namespaces[stays].processes == [pid] for found in founds)
    assert [found.incomplete_because for found in founds] == [[]] * len(founds)
    assert max(found.seconds for found in founds) < _SOON


@support.needs_ids
def test_namespaces_that_come_and_go(tmp_path: Path) -> None:
    """An inode is used again at once, and nobody is said to be in what came after."""
    log = tmp_path / "log"
    log.touch()

    def move() -> None:
        process.unshare(nstypes.UTS.flag)
        line = f"{support.own_identity('uts').id} {os.getpid()}\n"
        with open(log, "a", encoding="ascii") as file:
            file.write(line)
        time.sleep(0.001)

    def work() -> list[Found]:
        # Who is looked at first has gone on when the last is looked at.
        with storm(move), support.crowd(), storm(move):
            return [scan(["processes"]) for _each in range(4)]

    founds = alone(work)
    lines = [line.split() for line in log.read_text().splitlines()]
    there: dict[int, set[int]] = {}
    for number, pid in lines:
        there.setdefault(int(number), set()).add(int(pid))
    seen = [item for found in founds for item in found.namespaces.values() if item.identity.id in there]
    assert seen
    assert [item for item in seen if not there[item.identity.id or 0].issuperset(item.processes)] == []


def test_namespaces_that_nobody_is_in_any_more() -> None:
    """That the scan had them open meanwhile makes none of them one that is there."""

    def live() -> None:
        process.unshare(nstypes.UTS.flag)
        time.sleep(0.002)

    def work() -> list[Found]:
        with storm(lambda: scanning.in_passing(live), 4):
            return [scan() for _each in range(30)]

    namespaces = [item for found in alone(work) for item in found.namespaces.values()]
    assert [item for item in namespaces if not item.processes and not item.holders] == []


def test_descriptors_that_come_and_go() -> None:
    """A socket, a file and a watch that are closed between two looks at them."""

    def work() -> list[Found]:
        def hold() -> None:
            back = os.open("/proc/self/ns/net", os.O_RDONLY)
            process.unshare(nstypes.NET.flag)
            held = [socket.socket() for _each in range(20)]
            handles = [os.open("/proc/self/ns/net", os.O_RDONLY) for _each in range(20)]
            process.setns(back, nstypes.NET.flag)
            time.sleep(0.003)
            for each in held:
                each.close()
            for fd in (*handles, back):
                os.close(fd)

        with storm(hold, 3):
            return [scan() for _each in range(40)]

    founds = alone(work)
    assert sum(found.vanished for found in founds) > 0
    assert [found.incomplete_because for found in founds] == [[]] * len(founds)


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
    assert found.incomplete_because == lost
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
        with pytest.raises(NamespaceError) as caught:
            scan()
        return caught.value

    assert alone(lambda: support.forked(work)).code == errno.EMFILE


def test_the_limit_of_descriptors_stays() -> None:
    def work() -> tuple[tuple[int, int], tuple[int, int]]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        scan()
        return before, resource.getrlimit(resource.RLIMIT_NOFILE)

    before, after = alone(lambda: support.forked(work))
    assert before == after


def test_nothing_is_left_of_a_scan_that_is_killed() -> None:
    """Whenever that is."""

    def work() -> list[int]:
        left: list[int] = []
        with support.inhabited("mnt"), support.inhabited("mnt"), support.inhabited("net", "mnt"):
            expected = support.children()
            for number in range(40):
                pid = os.fork()
                if pid == 0:
                    while True:
                        scan()
                time.sleep(0.01 + number * 0.003)
                scanning.end(pid)
                deadline = time.monotonic() + _SOON
                # We are the one that orphans come to.
                while support.children() - expected and time.monotonic() < deadline:
                    for orphan in support.children() - expected:
                        os.waitpid(orphan, os.WNOHANG)
                    time.sleep(0.001)
                left += support.children() - expected
        return left

    assert alone(work) == []


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_child_that_somebody_interferes_with(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """What it was to look at is lost, and said to be; the rest is found."""
    monkeypatch.setattr(mounts, "_PATIENCE", 1)

    def work() -> Found:
        us = os.getpid()

        def interfere() -> None:
            for pid in set(support.live_children(us)) - {os.getpid()} - before:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)

        with support.inhabited("mnt"), support.inhabited("uts"):
            before: set[int] = set()
            with child(lambda: None) as pid:
                before = {*support.live_children(us), pid, pid + 1}
            with storm(interfere, 1):
                found = scan()
                while mounts.LOST not in found.incomplete_because:
                    found = scan()
                return found

    found = alone(work)
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
