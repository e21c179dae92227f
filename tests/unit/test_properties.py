# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What namespaces are like inside, told from outside."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import subprocess
import time
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import (
    libc,
    listeners,
    netdev,
    nstypes,
    process,
    procfs,
    uts,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import enter, visit
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import (
    inside,
    parts,
    properties,
    run,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import scan as scan_module
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery.inside import Properties
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery.model import Holder
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery.scan import Scan
from ansible_collections.linux.namespaces.tests.unit import support

IDS = "0 1000 11\n50 0 1\n"
RANGES = [{"inside": 0, "outside": 1000, "count": 11}, {"inside": 50, "outside": 0, "count": 1}]


SOURCES = ("processes", "threads", "fds")
"""Where the namespaces of these tests are."""


class Seen(t.NamedTuple):
    """What was told, by inode, and what the scan says of it."""

    properties: dict[int, Properties]
    denied: int
    incomplete: list[str]


def look(
    *inodes: int, sources: t.Collection[str] = SOURCES, before: t.Callable[[Scan], object] = lambda _scan: None
) -> Seen:
    """Look at these, or all that a scan finds, after something else was done with it."""
    with support.own_procfs() as proc, run.scanned(proc, sources) as scan:
        before(scan)
        known = set(scan.incomplete_because)
        found = properties.look(scan, [scan.namespaces[inode] for inode in inodes or scan.namespaces])
        incomplete = [reason for reason in scan.incomplete_because if reason not in known]
        return Seen(found, scan.denied[properties.SOURCE], incomplete)


def own_inode(name: str) -> int:
    return support.own_identity(name).inode


def everything_is_told(found: Properties) -> bool:
    return all(value is not None for key, value in found.items() if key != "netnsid")


@contextlib.contextmanager
def held(*types: str, link: str | None = None, **arguments: t.Any) -> t.Iterator[int]:
    """The inode of a namespace that is held by an open file alone, of a process beside us."""
    with support.inhabited(*types, **arguments) as pid:
        fd = os.open(f"/proc/{pid}/ns/{link or types[0]}", os.O_RDONLY)
    support.wait_for(lambda: not os.path.exists(f"/proc/{pid}"))
    holder = os.fork()
    if holder == 0:
        process.die_with_parent(signal.SIGKILL)
        while True:
            signal.pause()
    inode = os.fstat(fd).st_ino
    os.close(fd)
    try:
        yield inode
    finally:
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)


Holding = t.Callable[..., t.ContextManager[int]]


@contextlib.contextmanager
def lived_in(name: str, **arguments: t.Any) -> t.Iterator[int]:
    with support.inhabited(name, **arguments) as pid:
        yield support.identity(pid, name).inode


with_and_without_processes = pytest.mark.parametrize("holding", [lived_in, held])


def test_the_own_ones() -> None:
    names = ("uts", "net", "time", "user")
    seen = look(*map(own_inode, names))
    assert (seen.denied, seen.incomplete) == (0, [])
    assert seen.properties[own_inode("uts")]["hostname"] == socket.gethostname()
    assert [link["name"] for link in seen.properties[own_inode("net")]["links"]] == [
        name for _index, name in socket.if_nameindex()
    ]
    assert all(everything_is_told(seen.properties[own_inode(name)]) for name in names)


@pytest.mark.parametrize("name", ["mnt", "pid", "ipc", "cgroup"])
def test_types_that_have_none(name: str) -> None:
    assert look(own_inode(name)) == Seen({}, 0, [])


def test_of_those_alone_that_are_named() -> None:
    with support.own_procfs() as proc, run.scanned(proc) as scan:
        namespace = scan.namespaces[own_inode("uts")]
        assert list(properties.look(scan, [namespace])) == [namespace.identity.inode]
        before = support.children()
        assert properties.look(scan, []) == {}
        assert support.children() == before


# ---- uts


@with_and_without_processes
def test_names(holding: Holding) -> None:
    def prepare() -> None:
        uts.set_hostname("b\udcffx")
        uts.set_domainname("example")

    with holding("uts", prepare=prepare) as inode, holding("uts") as other:
        found = look(other, inode, own_inode("uts")).properties
        assert found[inode] == {"hostname": "b\udcffx", "domainname": "example"}
        assert found[other] == found[own_inode("uts")] == {"hostname": uts.hostname(), "domainname": uts.domainname()}


# ---- net


def wait_at(port: int, kept: list[socket.socket]) -> None:
    netdev.set_up("lo")
    subprocess.run(["ip", "link", "add", "bridge0", "type", "bridge"], check=True)
    kept.append(socket.create_server(("127.0.0.1", port)))


@with_and_without_processes
def test_devices_and_listeners(holding: Holding) -> None:
    """The socket is that of the process in there, and goes with it."""
    with holding("net", prepare=functools.partial(wait_at, 80, [])) as inode:
        found = look(inode).properties[inode]
    links = [{"name": "lo", "kind": "loopback", "up": True}, {"name": "bridge0", "kind": "bridge", "up": False}]
    assert [link for link in found["links"] if link in links] == links
    expected = [{"protocol": "tcp", "address": "127.0.0.1", "port": 80}] if holding is lived_in else []
    assert (found["netnsid"], found["listeners"]) == (None, expected)


def test_the_id_of_a_network_namespace() -> None:
    def work() -> tuple[int | None, int | None]:
        process.unshare(nstypes.NET.flag)
        with support.inhabited("net") as pid:
            words = ("netns", str(pid))
            subprocess.run(["ip", "link", "add", "veth1", "type", "veth", "peer", "name", "veth2", *words], check=True)
            inode = support.identity(pid, "net").inode
            with open(f"/proc/{pid}/ns/net", "rb") as other:
                return look(inode).properties[inode]["netnsid"], netdev.netnsid(other.fileno())

    told, expected = support.forked(work)
    assert told == expected
    assert told is not None


def test_more_devices_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """In as many messages as that takes."""
    monkeypatch.setattr(properties, "MOST", 50)
    monkeypatch.setattr(inside, "_MOST_IN_A_MESSAGE", 20)

    def work() -> Properties:
        process.unshare(nstypes.NET.flag)
        lines = "".join(f"link add fifteen-let{number:04} type bridge\n" for number in range(60))
        subprocess.run(["ip", "-batch", "-"], input=lines, text=True, check=True)
        return look(own_inode("net")).properties[own_inode("net")]

    found = support.forked(work)
    assert len({link["name"] for link in found["links"]}) == len(found["links"]) == 50
    assert found["links_more"] >= 11


def test_more_sockets_than_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "_MOST_SOCKETS", 2)

    def work() -> list[Properties]:
        process.unshare(nstypes.NET.flag)
        netdev.set_up("lo")
        found = []
        with contextlib.ExitStack() as stack:
            for port in (1, 2, 3):
                waiting = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                waiting.bind(("127.0.0.1", port))
                found.append(look(own_inode("net")).properties[own_inode("net")])
        return found

    found = support.forked(work)
    assert [(len(item["listeners"]), item.get("listeners_more")) for item in found] == [(1, None), (2, None), (2, 0)]


def test_more_listeners_than_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(properties, "MOST", 2)

    def work() -> Properties:
        process.unshare(nstypes.NET.flag)
        netdev.set_up("lo")
        with contextlib.ExitStack() as stack:
            for port in range(1, 6):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return look(own_inode("net")).properties[own_inode("net")]

    found = support.forked(work)
    assert ([item["port"] for item in found["listeners"]], found["listeners_more"]) == ([1, 2], 3)


# ---- time


OFFSETS = "monotonic 86400 0\nboottime -2 500000000\n"
CLOCKS = {"offsets": {"monotonic": "86400", "boottime": "-1.5"}}


def new_clocks() -> None:
    """For the children of this process, of which there is none yet."""
    process.unshare(nstypes.TIME.flag)
    support.write("/proc/self/timens_offsets", OFFSETS)


def test_clocks_of_a_process() -> None:
    def prepare() -> None:
        new_clocks()
        with open("/proc/self/ns/time_for_children", "rb") as clocks:
            process.setns(clocks.fileno(), nstypes.TIME.flag)

    with support.inhabited(prepare=prepare) as pid:
        inode = support.identity(pid, "time").inode
        assert look(inode).properties[inode] == CLOCKS


def test_clocks_of_its_children() -> None:
    with support.inhabited(prepare=new_clocks) as pid:
        inode = support.identity(pid, "time_for_children").inode
        assert look(inode).properties[inode] == CLOCKS


def test_clocks_of_nobody() -> None:
    with held(link="time_for_children", prepare=new_clocks) as inode:
        assert look(inode).properties[inode] == CLOCKS


@pytest.mark.parametrize("left_out", [(), ("threads",), ("processes", "threads")])
def test_to_look_at_clocks_leaves_them_to_be_set(left_out: t.Collection[str]) -> None:
    """They can't be any more once somebody has joined. With an open file the namespace is found by that, too."""

    def prepare() -> None:
        process.unshare(nstypes.TIME.flag)
        os.open("/proc/self/ns/time_for_children", os.O_RDONLY)

    sources = [source for source in SOURCES if source not in left_out]
    with support.inhabited(prepare=prepare) as pid:
        inode = support.identity(pid, "time_for_children").inode
        found = look(inode, sources=sources).properties[inode]
        assert found == {"offsets": None if left_out else {"monotonic": "0", "boottime": "0"}}
        support.write(f"/proc/{pid}/timens_offsets", OFFSETS)
        assert look(inode).properties[inode] == CLOCKS


def test_clocks_that_only_the_kernel_knows_of() -> None:
    """Whoever has them may be about to set them."""
    with held(link="time_for_children", prepare=new_clocks) as inode:

        def forget(scan: Scan) -> None:
            scan.namespaces[inode].counts.clear()
            scan.namespaces[inode].hold(Holder("kernel"))

        assert look(inode, before=forget) == Seen({inode: {"offsets": None}}, 0, [])


# ---- user


@with_and_without_processes
def test_maps(holding: Holding) -> None:
    with holding("user", id_map=IDS, deny_setgroups=True) as inode, holding("user", id_map="") as other:
        found = look(inode, other).properties
        assert found[inode] == {"uid_map": RANGES, "gid_map": RANGES, "setgroups": "deny"}
        assert found[other] == {"uid_map": [], "gid_map": [], "setgroups": "allow"}


def test_a_process_that_is_elsewhere_by_now() -> None:
    with held("user", id_map=IDS) as inode:

        def move(scan: Scan) -> None:
            scan.namespaces[inode].processes = [1, support.forked(os.getpid), os.getpid()]

        assert look(inode, before=move).properties[inode]["uid_map"] == RANGES


def test_a_process_that_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is reaped it shows the maps, and nobody has to go there."""
    monkeypatch.setattr(properties, "somebody_in", pytest.fail)
    pid = os.fork()
    if pid == 0:
        process.unshare(nstypes.USER.flag)
        support.write("/proc/self/uid_map", "5 0 1\n")
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        inode = support.identity(pid, "user").inode
        assert look(inode).properties[inode]["uid_map"] == [{"inside": 5, "outside": 0, "count": 1}]
    finally:
        os.waitpid(pid, 0)


def test_ids_are_those_of_the_caller() -> None:
    """The namespace is below that of the caller, which has other ids than the one above."""

    def work() -> Properties:
        with open(f"/proc/{pid}/ns/user", "rb") as above:
            process.setns(above.fileno(), nstypes.USER.flag)
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        libc.prctl(4, 1)  # dumpable: what is in /proc is ours
        with held("user", id_map="7 3 1\n") as inode:
            return look(inode).properties[inode]

    with support.inhabited("user", id_map="0 1000 11\n") as pid:
        assert support.forked(work)["uid_map"] == [{"inside": 7, "outside": 3, "count": 1}]


@pytest.mark.parametrize("setting", ["0", "1", "2"])
def test_nobody_goes_where_somebody_could_take_him_over(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    """The setting is that of the whole host, so it is told instead of made. What processes show is told anyway."""
    read = procfs.read

    def tell(proc: int, path: str, *arguments: int) -> str:
        return f"{setting}\n" if path == "sys/fs/suid_dumpable" else read(proc, path, *arguments)

    monkeypatch.setattr(procfs, "read", tell)
    if setting == "1":
        monkeypatch.setattr(properties, "somebody_in", lambda *_where: pytest.fail("somebody went there"))
    with lived_in("user", id_map=IDS) as shown, held("user", id_map=IDS) as inode:
        assert look(shown).incomplete == []
        seen = look(shown, inode)
    assert seen.properties[shown]["uid_map"] == RANGES
    expected = (None, [properties.UNSAFE]) if setting == "1" else (RANGES, [])
    assert (seen.properties[inode]["uid_map"], seen.incomplete) == expected
    assert seen.denied == 0


# ---- what can't be read


def test_without_privilege() -> None:
    """The own ones can be read."""

    def work() -> tuple[Seen, Seen]:
        own = [own_inode(name) for name in ("uts", "net", "time", "user")]
        return look(*inodes, before=give_up), look(*own)

    def give_up(_scan: Scan) -> None:
        support.become_ordinary()

    with contextlib.ExitStack() as stack:
        inodes = [stack.enter_context(lived_in(name)) for name in ("uts", "net", "time", "user")]
        inodes += [stack.enter_context(held(name)) for name in ("uts", "net", "time", "user")]
        foreign, own = support.forked(work)
    assert (len(foreign.properties), foreign.denied, foreign.incomplete) == (8, 8, [])
    assert {value for found in foreign.properties.values() for value in found.values()} == {None}
    assert (own.denied, own.incomplete) == (0, [])
    assert len(own.properties) == 4
    assert all(map(everything_is_told, own.properties.values()))


def test_one_question_that_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a filter for netlink."""

    def refuse() -> t.NoReturn:
        raise PermissionError

    monkeypatch.setattr(netdev, "links", refuse)
    with lived_in("net", prepare=functools.partial(wait_at, 80, [])) as inode:
        seen = look(inode)
    assert seen.denied == 1
    assert seen.properties[inode]["links"] is None
    assert [found["port"] for found in seen.properties[inode]["listeners"]] == [80]


@pytest.mark.parametrize(("number", "attempts"), [(signal.SIGSTOP, 1), (signal.SIGKILL, 2)])
def test_a_child_that_is_stopped_or_ended(monkeypatch: pytest.MonkeyPatch, number: int, attempts: int) -> None:
    """Once is waited for those that have no process, not for each of them."""
    children: list[object] = []

    def end(*_arguments: t.Any) -> None:
        os.kill(os.getpid(), number)

    def go(*arguments: t.Any) -> t.ContextManager[int]:
        children.append(arguments)
        return visit.somebody_in(*arguments)

    monkeypatch.setattr(parts, "SECONDS", 2)
    monkeypatch.setattr(properties, "somebody_in", go)
    monkeypatch.setattr(uts, "hostname", end)
    monkeypatch.setattr(visit, "join", end)
    if number == signal.SIGSTOP:
        monkeypatch.setattr(properties, "_STAY_SECONDS", 0.2)
    with contextlib.ExitStack() as stack:
        lost = [stack.enter_context(held("user")) for _several in range(2)]
        pid = stack.enter_context(support.inhabited("user", "uts", "net", id_map=IDS))
        maps, names, devices = (support.identity(pid, name).inode for name in ("user", "uts", "net"))
        seen = look(*lost, maps, names, devices)
    assert [seen.properties[inode]["uid_map"] for inode in (*lost, maps)] == [None, None, RANGES]
    assert seen.properties[names] == {"hostname": None, "domainname": None}
    assert everything_is_told(seen.properties[devices])
    assert seen.incomplete == [f"{name} namespaces could not be looked into to the end" for name in ("user", "uts")]
    assert len(children) == attempts


def test_children_that_are_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them together have so much time."""

    def dawdle(*arguments: t.Any) -> None:
        time.sleep(0.5)
        enter.join(*arguments)

    monkeypatch.setattr(visit, "join", dawdle)
    monkeypatch.setattr(properties, "_STAY_SECONDS", 1.2)
    with contextlib.ExitStack() as stack:
        inodes = [stack.enter_context(held("user", id_map=IDS)) for _several in range(6)]
        seen = look(*inodes)
    told = [seen.properties[inode]["uid_map"] for inode in inodes]
    assert told[0] == RANGES
    assert told[2:] == [None] * 4
    assert seen.incomplete == ["user namespaces could not be looked into to the end"]


def test_children_that_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """One goes into all of a type, and has so much time for all of them."""

    def dawdle() -> str:
        time.sleep(0.5)
        return "slow"

    monkeypatch.setattr(uts, "hostname", dawdle)
    monkeypatch.setattr(scan_module, "PATIENCE", 1.2)
    with contextlib.ExitStack() as stack:
        inodes = [stack.enter_context(held("uts")) for _several in range(6)]
        seen = look(*inodes)
    told = [seen.properties[inode]["hostname"] for inode in inodes]
    assert told[0] == "slow"
    assert told[2:] == [None] * 4
    assert seen.incomplete == ["uts namespaces could not be looked into to the end"]


def test_who_goes_in_holds_no_other_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uts, "hostname", lambda: " ".join(support.held_namespaces(os.getpid())))
    with contextlib.ExitStack() as stack:
        pids = [stack.enter_context(support.inhabited("uts", "net")) for _several in range(2)]
        inodes = [support.identity(pid, name).inode for pid in pids for name in ("uts", "net")]
        expected = " ".join(sorted(os.readlink(f"/proc/{pid}/ns/uts") for pid in pids))
        found = look(*inodes).properties
    assert [found[inode]["hostname"] for inode in inodes[::2]] == [expected] * 2
