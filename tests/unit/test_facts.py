# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of the namespaces that were found."""

from __future__ import annotations

import contextlib
import json
import os
import signal
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
    procfs,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import target
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import (
    capacity,
    facts,
    initial,
    run,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import scanning, support

Told = t.Dict[str, t.Any]


def gather(**request: t.Any) -> Told:
    with support.own_procfs() as proc:
        return facts.gather(proc, facts.Request(**request))


def only(**request: t.Any) -> Told:
    """The one namespace that a request is about."""
    (found,) = gather(**request)["namespaces"]
    return t.cast("Told", found)


def as_expected(told: Told) -> Told:
    """What a reference that is no name says of the namespace that it leads to."""
    return {"types": [told["type"]], "expect": {told["type"]: {"inode": told["inode"], "id": told["id"]}}}


def inode_by(reference: Told) -> int:
    """The inode of the namespace that a task would enter by a reference."""
    ways = (reference.get(option) for option in ("pid", "handles", "types", "expect"))
    with support.own_procfs() as proc, target.of(proc, *ways) as found:
        (fd,) = found.descriptors.values()
        return os.fstat(fd).st_ino


# ---- names and references


@pytest.mark.usefixtures("own_run")
@pytest.mark.parametrize("kind", support.TYPE_NAMES)
def test_a_set(kind: str) -> None:
    support.brought("blue", types=[kind], **(support.AS_ROOT if kind == "user" else {}))
    inode = support.at_handle(kind, "blue").inode
    told = only(name="blue")
    assert (told["type"], told["inode"], told["name"]) == (kind, inode, "blue")
    assert told["reference"] == {"name": "blue", "types": [kind]}
    support.brought("blue", present=False, when_busy="kill")


def test_a_process() -> None:
    with support.inhabited("uts") as pid:
        told = only(inode=support.identity(pid, "uts").inode)
        assert (told["name"], told["reference"]) == (None, {"pid": pid, **as_expected(told)})
        assert inode_by(told["reference"]) == told["inode"]


def test_the_own_namespaces_are_nothing_to_enter() -> None:
    told = gather(detail="full")
    by_inode = {item["inode"]: item for item in told["namespaces"]}
    assert [by_inode[inode]["reference"] for inode in told["own"].values()] == [None] * len(support.TYPE_NAMES)
    assert told["own"] == {name: support.own_identity(name).inode for name in support.TYPE_NAMES}


def test_a_thread_of_the_kernel_is_nothing_to_enter_by() -> None:
    """kdevtmpfs has a mount namespace of its own."""
    with support.own_procfs() as proc:
        found = [pid for pid, status in procfs.processes(proc) if status.kernel_thread]
        inodes = {procfs.namespace_inode(proc, f"{pid}/ns/mnt") for pid in found} - {support.own_identity("mnt").inode}
    if not inodes:
        pytest.skip("no thread of the kernel is visible here: make kernels has them")
    assert [only(inode=inode)["reference"] for inode in inodes] == [None] * len(inodes)


def bound(path: Path, kind: str = "uts") -> int:
    """The inode of a namespace that is nothing but mounted there."""
    path.touch()
    with support.inhabited(kind) as pid:
        support.bind(f"/proc/{pid}/ns/{kind}", path)
        return support.identity(pid, kind).inode


def test_a_handle_elsewhere(tmp_path: Path) -> None:
    def work() -> tuple[Told, int]:
        support.own_mounts()
        inode = bound(tmp_path / "handle")
        told = only(inode=inode)
        return told, inode_by(told["reference"])

    told, entered = support.forked(work)
    assert told["name"] is None
    assert told["reference"] == {"handles": {"uts": str(tmp_path / "handle")}, **as_expected(told)}
    assert entered == told["inode"]


def test_a_name_that_no_set_can_have() -> None:
    """ip-netns(8) takes it; ns_exec enters it by its path."""

    def work() -> Told:
        Path("/run/netns").mkdir()
        return only(inode=bound(Path("/run/netns/a b"), "net"))

    told = support.in_own_world(work, "pid", "mnt")
    assert told["name"] == "a b"
    assert told["reference"] == {"handles": {"net": "/run/netns/a b"}, **as_expected(told)}


def test_a_handle_for_another_type_is_no_name() -> None:
    def work() -> Told:
        Path("/run/netns").mkdir()
        return only(inode=bound(Path("/run/netns/blue"), "uts"))

    assert support.in_own_world(work, "pid", "mnt")["name"] is None


@pytest.mark.parametrize("cover", ["the handle", "its folder"])
def test_a_handle_that_is_covered(cover: str) -> None:
    """Who went by that path would come out elsewhere."""

    def work() -> tuple[Told, Told, int]:
        Path("/run/utsns").mkdir()
        Path("/run/utsns/blue").touch()
        Path("/run/cover").touch()
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", "/run/utsns/blue")
            inode = support.identity(pid, "uts").inode
            before = only(inode=inode)
            if cover == "the handle":
                support.bind("/run/cover", "/run/utsns/blue")
            else:
                support.mount_over("tmpfs", "/run/utsns")
            return before, only(inode=inode), pid

    before, after, pid = support.in_own_world(work, "pid", "mnt")
    assert (before["name"], before["reference"]) == ("blue", {"name": "blue", "types": ["uts"]})
    assert (after["name"], after["reference"]) == (None, {"pid": pid, **as_expected(after)})
    assert before["holders"] == after["holders"]


@pytest.mark.usefixtures("own_run")
def test_a_handle_in_the_mounts_of_somebody_else() -> None:
    """Who lives there may have put anything at that path, now or a moment later."""

    def prepare() -> None:
        Path("/run/utsns").mkdir()
        support.write("/run/inode", str(bound(Path("/run/utsns/blue"))))

    def work() -> Told:
        with support.inhabited("mnt", prepare=prepare):
            return only(inode=int(support.read("/run/inode")))

    told = support.in_own_world(work, "pid", "mnt")
    assert [holder["kind"] for holder in told["holders"]] == ["bind"]
    assert (told["name"], told["reference"]) == (None, None)


def test_an_open_file() -> None:
    def work() -> tuple[Told, str, int]:
        with support.inhabited("uts") as pid:
            fd = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)
        inode, us = os.fstat(fd).st_ino, os.getpid()
        told = support.forked(lambda: gather(inode=inode)["namespaces"][0])
        # The child that looks has a copy of the descriptor, but leaves out its own.
        return told, f"/proc/{us}/fd/{fd}", support.forked(lambda: inode_by(told["reference"]))

    told, path, entered = support.forked(work)
    assert (told["reference"], entered) == ({"handles": {"uts": path}, **as_expected(told)}, told["inode"])


def test_a_process_that_goes_elsewhere_before_it_is_followed() -> None:
    def live() -> None:
        process.unshare(nstypes.UTS.flag)
        signal.signal(signal.SIGUSR1, lambda *_arguments: process.unshare(nstypes.UTS.flag))

    with scanning.child(live) as pid:
        first = support.identity(pid, "uts")
        told = only(inode=first.inode)
        assert inode_by(told["reference"]) == first.inode
        os.kill(pid, signal.SIGUSR1)
        support.wait_for(lambda: support.identity(pid, "uts") != first)
        with pytest.raises(NamespaceError, match="what the target leads to by now is uts:"):
            inode_by(told["reference"])


def test_a_descriptor_that_is_exchanged_before_it_is_followed() -> None:
    def work() -> None:
        with support.inhabited("uts") as pid, support.inhabited("uts") as other:
            fd, exchanged = (os.open(f"/proc/{number}/ns/uts", os.O_RDONLY) for number in (pid, other))
        told = support.forked(lambda: only(inode=os.fstat(fd).st_ino))
        os.dup2(exchanged, fd)
        inode_by(told["reference"])

    with pytest.raises(NamespaceError, match="what the target leads to by now is uts:"):
        support.forked(work)


def test_what_children_will_be_in() -> None:
    def work() -> tuple[Told, int]:
        process.unshare(nstypes.PID.flag)
        with support.inhabited():
            return only(inode=os.stat("/proc/self/ns/pid_for_children").st_ino), os.getpid()

    told, pid = support.forked(work)
    assert told["holder_counts"]["for_children"] == 1
    assert {"kind": "for_children", "pid": pid} in [
        {key: holder.get(key) for key in ("kind", "pid")} for holder in told["holders"]
    ]


# ---- who leads, owns and is above


def test_the_leader() -> None:
    """The one whose parent is elsewhere, although a child of its has the lower id."""

    def prepare() -> None:
        # Ids start again at a low one.
        for _child in range(3):
            if os.fork() == 0:
                process.die_with_parent(9)
                os.read(os.pipe()[0], 1)
                os._exit(0)

    with support.inhabited("uts", prepare=prepare) as pid:
        support.wait_for(lambda: len(support.live_children(pid)) == 3)
        told = only(inode=support.identity(pid, "uts").inode)
    assert (told["processes"], told["leader"]["pid"]) == (4, pid)
    assert (told["leader"]["uid"], told["leader"]["comm"]) == (0, support.read("/proc/self/comm").strip())


def test_owners_and_depths() -> None:
    def prepare() -> None:
        process.unshare(nstypes.USER.flag)
        process.unshare(nstypes.UTS.flag)

    with support.inhabited("user", prepare=prepare) as pid:
        user, uts = only(inode=support.identity(pid, "user").inode), only(inode=support.identity(pid, "uts").inode)
        own = only(inode=support.own_identity("user").inode)
    assert (uts["owner"], uts["owner_uid"], uts["parent"], uts["depth"]) == (user["inode"], 0, None, 0)
    assert user["owner"] == user["parent"] != own["inode"]
    assert user["depth"] == own["depth"] + 2


def test_what_a_leader_may_do() -> None:
    """In its own user namespace all, though it may do less outside."""

    def work() -> tuple[str, list[str]]:
        scanning.give_up("sys_time")
        with support.inhabited("user") as pid:
            leader = only(inode=support.identity(pid, "user").inode)["leader"]
            return leader["capabilities"], support.status_of(pid, "CapEff")

    told, expected = support.forked(work)
    assert [told] == expected
    assert int(told, 16) == (1 << int(support.read("/proc/sys/kernel/cap_last_cap")) + 1) - 1


def test_in_which_initial_namespaces_a_leader_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where that is not known, it is the one of who looks."""
    known = {kind: support.own_identity(kind.name).inode for kind in nstypes.ALL if kind is not nstypes.IPC}
    monkeypatch.setattr(initial, "inodes", lambda _scan: {**dict.fromkeys(nstypes.ALL), **known})
    with support.inhabited("mnt", "pid") as pid:
        mnt, inside = (only(inode=support.identity(pid, name).inode)["leader"] for name in ("mnt", "pid"))
        own = only(pid=os.getpid(), types=["uts"])["leader"]
    assert inside["initial"] == ["user", "uts", "ipc", "net", "cgroup", "time"]
    assert mnt["initial"] == [*inside["initial"], "pid"]
    assert own["initial"] == support.TYPE_NAMES


# ---- the init of a pid namespace


def state_of_init(inode: int) -> str | None:
    return t.cast("str | None", only(inode=inode)["init"])


old_kernels = pytest.mark.parametrize("asked", [True, False], ids=["asked", "before Linux 6.11"])


@pytest.fixture
def init_of(asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not asked:
        monkeypatch.setattr(nsfs, "init_of", lambda _fd: None)


@old_kernels
@pytest.mark.usefixtures("init_of")
def test_an_init_that_lives() -> None:
    with support.inhabited("pid") as pid:
        assert state_of_init(support.identity(pid, "pid").inode) == "alive"
    assert state_of_init(support.own_identity("pid").inode) == "alive"
    assert "init" not in only(inode=support.own_identity("uts").inode)


@old_kernels
@pytest.mark.usefixtures("init_of")
def test_an_init_that_has_ended() -> None:
    def work() -> tuple[str | None, str | None]:
        with support.inhabited("pid") as pid:
            fd = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
            inode = os.fstat(fd).st_ino
            os.kill(pid, signal.SIGKILL)
            support.wait_for(lambda: support.has_ended(pid))
            unreaped = support.forked(lambda: state_of_init(inode))
        return unreaped, support.forked(lambda: state_of_init(inode))

    assert support.in_own_world(work, "pid", "mnt") == ("dead", "dead")


@old_kernels
@pytest.mark.usefixtures("init_of")
def test_an_init_whose_first_thread_has_ended() -> None:
    """It lives as long as the others do."""

    def prepare() -> None:
        threading.Thread(target=signal.pause, daemon=True).start()
        signal.signal(signal.SIGUSR1, lambda *_arguments: libc.function("pthread_exit", None))

    def work() -> str | None:
        with support.inhabited("pid", prepare=prepare) as pid:
            os.kill(pid, signal.SIGUSR1)
            support.wait_for(lambda: support.has_ended(pid))
            return state_of_init(support.identity(pid, "pid").inode)

    assert support.in_own_world(work, "pid", "mnt") == "alive"


@old_kernels
@pytest.mark.usefixtures("init_of")
def test_an_init_that_can_not_be_seen() -> None:
    """What is beside the own pid namespace may have processes, none of which has a number here."""

    def work() -> tuple[str | None, str | None]:
        with support.inhabited("pid") as pid:
            fd = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
            inode = os.fstat(fd).st_ino
            beside = support.in_own_world(lambda: support.forked(lambda: state_of_init(inode)), "pid", "mnt")
            return beside, state_of_init(inode)

    assert support.in_own_world(work, "pid", "mnt") == (None, "alive")


# ---- holders


def test_few_holders_are_of_many_kinds(tmp_path: Path) -> None:
    def work() -> tuple[Told, Told, int]:
        support.own_mounts()
        inode = bound(tmp_path / "handle")
        held = [os.open(tmp_path / "handle", os.O_RDONLY) for _number in range(150)]
        normal = support.forked(lambda: only(inode=inode))
        return normal, support.forked(lambda: only(inode=inode, detail="full")), held[0]

    normal, full, fd = support.forked(work)
    assert normal["holder_counts"] == full["holder_counts"] == {"bind": 1, "fd": 150}
    assert [holder["kind"] for holder in normal["holders"]] == ["bind", "fd", "fd"]
    assert [holder["kind"] for holder in full["holders"]] == ["bind", *["fd"] * 99]
    assert fd in [holder.get("fd") for holder in normal["holders"]]


def test_the_holders_with_all_detail_are_processes_too() -> None:
    with support.inhabited("uts") as pid:
        told = only(inode=support.identity(pid, "uts").inode, detail="full")
    (holder,) = told["holders"]
    assert (holder["kind"], holder["pid"]) == ("process", pid)
    assert told["holder_counts"] == {}


def test_a_bind_mount_is_that_of_a_leader(tmp_path: Path) -> None:
    def work() -> tuple[list[Told], int]:
        return only(inode=bound(tmp_path / "handle"))["holders"], os.getpid()

    def alone() -> tuple[list[Told], int]:
        support.own_mounts()
        return work()

    ((holder,), pid) = support.forked(alone)
    assert (holder["kind"], holder["path"], holder["pid"]) == ("bind", str(tmp_path / "handle"), pid)


def test_bind_mounts_that_the_host_has_come_first() -> None:
    """Few are told: whether it is mounted where all see it can be read from the first."""

    def work() -> tuple[list[int], int]:
        Path("/run/handle").touch()
        with contextlib.ExitStack() as stack:
            with support.inhabited("uts") as pid:
                support.bind(f"/proc/{pid}/ns/uts", "/run/handle")
                inode = support.identity(pid, "uts").inode
            for _number in range(6):
                stack.enter_context(support.inhabited("mnt"))
            told = support.forked(lambda: only(inode=inode))
            assert told["holder_counts"] == {"bind": 7}
            return [holder["namespace"] for holder in told["holders"]], support.own_identity("mnt").inode

    found, own = support.in_own_world(work, "pid", "mnt")
    assert len(found) == 3
    assert found[0] == own
    assert own not in found[1:]


# ---- mounts that have to do with those of the host


def propagation(pid: int) -> Told:
    return t.cast("Told", only(inode=support.identity(pid, "mnt").inode)["propagation"])


def test_peers() -> None:
    """In both ways, and not those that only hear of the host's."""

    def setting(word: str) -> t.Callable[[], None]:
        def prepare() -> None:
            with descriptor.closing(os.open("/run", os.O_PATH)) as directory:
                mount.set_propagation(directory, word, recursive=False)

        return prepare

    def work() -> tuple[list[Told], Told]:
        with contextlib.ExitStack() as stack:
            setting("shared")()
            pids = [
                stack.enter_context(support.inhabited("mnt", prepare=setting(word)))
                for word in ("shared", "slave", "private")
            ]
            stack.enter_context(support.inhabited())
            return [propagation(pid) for pid in pids], propagation(os.getpid())

    (shared, slave, private), own = support.in_own_world(work, "pid", "mnt")
    assert (shared["peers"], slave["peers"], private["peers"]) == (1, 0, 0)
    assert (slave["slave"], private["slave"]) == (1, 0)
    assert (own["shared"], own["peers"], own["foreign"]) == (1, None, None)


def test_shared_among_others_is_not_with_the_host() -> None:
    def prepare() -> None:
        support.own_mounts("shared")

    def work() -> Told:
        with support.inhabited("mnt", prepare=prepare) as pid:
            return propagation(pid)

    told = support.in_own_world(work, "pid", "mnt")
    assert told["shared"] == told["mounts"] > 0
    assert (told["peers"], told["foreign"]) == (0, [])


@pytest.mark.skipif(os.major(os.stat("/").st_dev) == 0, reason="needs a root that is on a block device")
def test_a_device_that_only_others_have_mounted() -> None:
    status = os.stat("/").st_dev

    def work() -> tuple[Told, Told]:
        with support.inhabited("mnt") as pid:
            before = propagation(pid)
            leave_root()
            return before, propagation(pid)

    before, after = support.in_own_world(work, "pid", "mnt")
    assert before["foreign"] == []
    assert after["foreign"] == [f"{os.major(status)}:{os.minor(status)}"]
    assert before["mounts"] == after["mounts"]


def leave_root() -> None:
    """Have a root with little in it, and nothing of the former one."""
    support.mount_over("tmpfs", "/tmp")
    for place in ("proc", "dev", "etc"):
        Path("/tmp", place).mkdir()
    for place in ("proc", "dev"):
        support.bind(f"/{place}", f"/tmp/{place}")
    os.chdir("/tmp")
    mount.pivot_root_here()
    mount.detach_here()
    os.chdir("/")


# ---- the whole


def test_the_host() -> None:
    told = gather(detail="summary")
    assert told["boot_id"] == support.read("/proc/sys/kernel/random/boot_id").strip()
    assert (told["schema"], "namespaces" in told) == (1, False)
    for kind in nstypes.ALL:
        limit = support.read(f"/proc/sys/{kind.limit.replace('.', '/')}")
        assert told["limits"][kind.name]["max"] == int(limit)


def test_the_initial_ones() -> None:
    """Those of the threads of the kernel, wherever one is from."""
    told = support.in_own_world(lambda: gather(detail="summary")["initial"], "pid", "mnt", "uts", "net")
    assert {told["pid"], told["uts"]} == {None}
    if not Path("/proc/2").exists() or support.read("/proc/2/stat").split()[1] != "(kthreadd)":
        pytest.skip("no thread of the kernel is visible here: make kernels has them")
    told = gather(detail="summary")["initial"]
    assert told == {name: support.identity(2, name).inode for name in support.TYPE_NAMES}


def test_counts() -> None:
    before = gather(detail="summary")["counts"]
    with support.inhabited("uts"):
        after = gather(detail="summary")["counts"]
    assert after["uts"]["total"] == before["uts"]["total"] + 1
    assert after["uts"]["without_processes"] == before["uts"]["without_processes"]


@pytest.mark.usefixtures("own_run")
def test_counts_of_what_has_no_processes() -> None:
    before = gather(detail="summary")["counts"]["uts"]
    support.brought("blue", types=["uts"])
    after = gather(detail="summary")["counts"]["uts"]
    assert after == {key: count + 1 for key, count in before.items()}
    support.brought("blue", present=False)


def test_what_is_used_of_a_limit() -> None:
    """Of a user who has a user namespace, what is in it; of others, not."""

    def used() -> int:
        with support.own_procfs() as proc, run.scanned(proc) as scan:
            return capacity.limits(scan, ())[nstypes.UTS].used

    def work() -> tuple[int, int]:
        before = used()
        with contextlib.ExitStack() as stack:
            for _number in range(before + 5):
                stack.enter_context(support.inhabited("uts"))
            return before, used()

    before, after = support.in_own_world(work, "pid", "mnt")
    assert after == 2 * before + 5


def test_types() -> None:
    assert {item["type"] for item in gather(types=["uts", "net"])["namespaces"]} == {"uts", "net"}


def test_a_process_that_is_not_there() -> None:
    pid = support.forked(os.getpid)
    with pytest.raises(NamespaceError, match=f"there is no process {pid}"):
        gather(pid=pid)


def test_by_process() -> None:
    with support.inhabited("uts", "ipc") as pid:
        told = gather(pid=pid)["namespaces"]
        assert {item["type"]: item["inode"] for item in told} == {
            name: identity.inode for name, identity in support.identities(pid).items()
        }


@support.needs_ids
def test_by_id() -> None:
    with support.inhabited("uts") as pid:
        identity = support.identity(pid, "uts")
        assert only(id=identity.id)["inode"] == identity.inode
    assert gather(id=identity.id)["namespaces"] == []


def test_by_path() -> None:
    with support.inhabited("uts") as pid:
        assert only(path=f"/proc/{pid}/ns/uts")["inode"] == support.identity(pid, "uts").inode


@pytest.mark.parametrize("kind", support.WRONG_FILES)
def test_a_path_that_leads_to_no_namespace(kind: str, tmp_path: Path) -> None:
    with pytest.raises(NamespaceError, match="cannot open the handle"):
        gather(path=str(support.wrong_file(kind, tmp_path / "handle")))


def test_a_name_that_is_not_there() -> None:
    assert gather(name="nobody")["namespaces"] == []


@pytest.mark.parametrize("left_out", run.SOURCES)
def test_a_source_that_is_left_out(left_out: str) -> None:
    told = gather(sources=[source for source in run.SOURCES if source != left_out])
    assert not told["scan"]["complete"]
    assert f"the source {left_out} was left out" in told["scan"]["incomplete_because"]


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """A path that JSON can't carry is no way in."""

    def work() -> Told:
        support.own_mounts()
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\n"))
        return only(inode=bound(path))

    told = support.forked(work)
    json.dumps(told).encode()
    assert [holder["path"] for holder in told["holders"]] == [f"{tmp_path}/\ufffd\n"]
    assert told["reference"] is None


def test_nothing_is_left_open() -> None:
    def work() -> tuple[list[str], list[str]]:
        before = os.listdir("/proc/self/fd")
        with contextlib.suppress(NamespaceError):
            gather(path="/nowhere")
        gather(path="/proc/self/ns/net")
        return before, os.listdir("/proc/self/fd")

    before, after = support.forked(work)
    assert before == after


def test_it_is_small_enough_for_a_fleet() -> None:
    def work() -> tuple[int, int]:
        with contextlib.ExitStack() as stack:
            for number in range(50):
                stack.enter_context(support.inhabited(("uts", "net", "ipc", "mnt", "cgroup")[number % 5]))
            return len(json.dumps(gather())), len(json.dumps(gather(detail="summary")))

    normal, summary = support.in_own_world(work, "pid", "mnt")
    assert normal <= 32 << 10
    assert summary <= 4 << 10
