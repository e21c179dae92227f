# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of persistent namespaces on the domain floor: observed, planned, carried out; asked of the kernel afterwards."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import os
import signal
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import (
    mount,
    netdev,
    nsfs,
    nstypes,
    process,
    procfs,
)
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import handle
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import run
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.sets import model
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.support import (
    at_handle,
    bring,
    brought,
    everything,
    failure,
    occupied,
)

pytestmark = pytest.mark.usefixtures("own_run")

TMPFS = {"path": "/mnt", "fstype": "tmpfs"}


def inside(name: str, *argv: str, kinds: t.Iterable[str] = ("uts",)) -> str:
    """What a program that nsenter(1) starts in a set writes."""
    return output("nsenter", *(f"--{support.NSENTER[kind]}=/run/{kind}ns/{name}" for kind in kinds), "--", *argv)


def output(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def mounts_of(pid: int, path: str) -> list[str]:
    """The mounts at a path in the mount namespace of a process."""
    return [line for line in support.read(f"/proc/{pid}/mountinfo").splitlines() if line.split()[4] == path]


def init_of(name: str) -> int:
    """The process that a pid namespace of a set has as its init, found by its links and not by what the module says."""
    found = []
    wanted = f"pid:[{at_handle('pid', name).inode}]"
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/ns/pid") == wanted and support.status_of(pid, "NSpid")[-1] == "1":
                found.append(int(pid))
    (init,) = found
    return init


def names_in(path: str) -> list[str]:
    return sorted(os.listdir(path))


def in_run() -> list[str]:
    """All files in /run."""
    return sorted(str(path) for path in Path("/run").rglob("*"))


def is_gone(pid: int) -> bool:
    """Whether it has ended, reaped or not."""
    try:
        return support.status_of(pid, "State")[0] in "ZX"
    except FileNotFoundError:
        return True


# ---- made, added to, removed


@pytest.mark.parametrize("kind", support.TYPE_NAMES)
def test_one_type(kind: str) -> None:
    """Made as the kernel says, left alone by the second run, gone with all that was made for it."""
    done = bring("blue", types=[kind]).done["blue"]
    assert done.changes == (f"create the {kind} namespace",)
    identity = at_handle(kind, "blue")
    assert identity != support.own_identity(kind)
    assert model.identities(done.state) == {nstypes.BY_NAME[kind]: identity}
    assert {handle.kind.name for handle in done.created} == {kind}
    before = everything()
    assert brought("blue", types=[kind]) == {"blue": ()}
    assert brought("blue") == {"blue": ()}
    assert everything() == before
    assert brought("blue", present=False) == {"blue": (f"remove the {kind} namespace",)}
    assert os.listdir("/run") == []
    assert support.mounts_below("/run")[-1].path == "/run"
    assert brought("blue", present=False) == {"blue": ()}


def test_all_types_at_once() -> None:
    """They are one another's: the user namespace owns the others, and the init is in all."""
    done = bring("box", types=support.TYPE_NAMES, hostname="box", time_offsets={"boottime": "1000"}, **support.AS_ROOT)
    assert done.failed == {}
    init = init_of("box")
    assert done.done["box"].state.init_pid == init
    assert support.identities(init) == {kind: at_handle(kind, "box") for kind in support.TYPE_NAMES}
    assert set(support.identities(init).values()).isdisjoint(support.identities(os.getpid()).values())
    with closing(nsfs.open_handle("/run/userns/box")) as owner:
        expected = nsfs.identity(owner)
    for kind in ("mnt", "uts", "ipc", "net", "cgroup", "time", "pid"):
        with closing(nsfs.open_handle(f"/run/{kind}ns/box")) as fd:
            assert owner_of(fd) == expected.inode
    assert names_in("/run") == sorted(["linux-namespaces", *(f"{kind}ns" for kind in support.TYPE_NAMES)])
    assert len(brought("box", present=False)["box"]) == 8
    assert is_gone(init)
    assert os.listdir("/run") == []


def owner_of(fd: int) -> int:
    """The inode of the user namespace that owns an open one. Source: ioctl_nsfs(2), NS_GET_USERNS."""
    with closing(fcntl.ioctl(fd, 0xB701)) as owner:
        return os.fstat(owner).st_ino


def test_many_sets() -> None:
    """Each has its own, in the order of the names."""
    names = [f"tenant-{number}" for number in (3, 1, 2)] + ["tenant", "mario2", "mario"]
    results = bring(*names, types=["net", "uts", "ipc"])
    assert list(results.done) == names
    found = {at_handle(kind, name) for name in names for kind in ("net", "uts", "ipc")}
    assert len(found) == 3 * len(names)
    assert brought("mario", present=False) == {
        "mario": ("remove the uts namespace", "remove the ipc namespace", "remove the net namespace")
    }
    assert names_in("/run/netns") == sorted(set(names) - {"mario"})
    assert names_in("/run/utsns") == sorted(set(names) - {"mario"})


def test_a_name_that_begins_like_another_one() -> None:
    brought("mario2", types=["net"])
    assert brought("mario", types=["net"], check=True) == {"mario": ("create the net namespace",)}
    assert brought("mario", types=["net"]) == {"mario": ("create the net namespace",)}


@pytest.mark.parametrize("name", ["a", "_", "@", "+", "0", "a.b@c+d-e", "x" * 200, "None", "no"])
def test_names_that_are_good(name: str) -> None:
    brought(name, types=["uts"])
    assert names_in("/run/utsns") == [name]
    assert brought(name, types=["uts"]) == {name: ()}
    brought(name, present=False)
    assert os.listdir("/run") == []


def test_types_are_added_and_the_others_stay() -> None:
    brought("blue", types=["net", "ipc"])
    before = {kind: at_handle(kind, "blue") for kind in ("net", "ipc")}
    assert brought("blue", types=["uts", "net"]) == {"blue": ("create the uts namespace",)}
    assert {kind: at_handle(kind, "blue") for kind in ("net", "ipc")} == before
    assert brought("blue", types=["uts"]) == {"blue": ()}
    assert sorted(kind for kind in support.TYPE_NAMES if os.path.exists(f"/run/{kind}ns/blue")) == ["ipc", "net", "uts"]


@pytest.mark.parametrize("added", [["pid"], ["cgroup"], ["mnt", "pid"], ["time"]])
def test_types_that_take_a_child_of_their_own_are_added(added: list[str]) -> None:
    """Made from within the set: an init is in the namespaces that were there."""
    brought("blue", types=["uts", "net"], hostname="blue")
    assert brought("blue", types=added) == {"blue": tuple(f"create the {kind} namespace" for kind in added)}
    if "pid" in added:
        seen = support.identities(init_of("blue"))
        assert [seen[kind] for kind in ("uts", "net", *added)] == [
            at_handle(kind, "blue") for kind in ("uts", "net", *added)
        ]


def test_what_is_added_to_a_set_with_a_user_namespace_belongs_to_it() -> None:
    brought("blue", types=["user"], **support.AS_ROOT)
    brought("blue", types=["net", "uts"])
    for kind in ("net", "uts"):
        with closing(nsfs.open_handle(f"/run/{kind}ns/blue")) as fd:
            assert owner_of(fd) == at_handle("user", "blue").inode


def test_a_user_namespace_is_not_added() -> None:
    brought("blue", types=["net"])
    before = everything()
    error = failure("blue", "green", types=["net", "user"])
    assert "add a user namespace to the set blue" in str(error)
    assert "recreate" in error.remedy
    assert at_handle("net", "blue").inode
    assert not os.path.exists("/run/userns/blue")
    assert [line for line in before if line not in everything() and "blue" in line] == []
    assert failure("blue", types=["user"]).operation == error.operation
    brought("blue", types=["net", "user"], recreate=True)
    with closing(nsfs.open_handle("/run/netns/blue")) as fd:
        assert owner_of(fd) == at_handle("user", "blue").inode


def test_only_some_types_are_removed() -> None:
    brought("blue", types=["net", "uts", "ipc"])
    assert brought("blue", present=False, types=["uts", "pid"]) == {"blue": ("remove the uts namespace",)}
    assert names_in("/run") == ["ipcns", "linux-namespaces", "netns"]


def test_a_set_that_is_not_there_needs_types() -> None:
    error = failure("blue")
    assert "it is not there yet, and no type is asked for" in error.cause
    assert os.listdir("/run") == []
    assert "no type is asked for" in failure("blue", types=[]).cause


def test_set_of_another_tool() -> None:
    """What ip-netns(8) and unshare(1) made is a set as well."""
    subprocess.run(["ip", "netns", "add", "blue"], check=True)
    before = at_handle("net", "blue")
    mounts = support.mounts_below("/run/netns")
    os.mkdir("/run/utsns")
    Path("/run/utsns/blue").touch()
    subprocess.run(["unshare", "--uts=/run/utsns/blue", "hostname", "theirs"], check=True)
    assert brought("blue", types=["net", "uts"], loopback=False) == {"blue": ()}
    assert at_handle("net", "blue") == before
    assert support.mounts_below("/run/netns") == mounts
    assert inside("blue", "hostname") == "theirs"
    assert brought("blue", hostname="ours") == {"blue": ("set the hostname to ours",)}
    assert inside("blue", "hostname") == "ours"
    brought("blue", present=False)
    # What they made themselves for it stays.
    assert names_in("/run") == ["netns", "utsns"]
    assert [item.path for item in support.mounts_below("/run/netns")] == ["/run/netns"]


def test_other_tools_work_on_it() -> None:
    brought("blue", "green", types=["net", "uts", "mnt", "ipc", "pid"], hostname="box")
    assert sorted(output("ip", "netns", "list").split()) == ["blue", "green"]
    link = output("ip", "netns", "exec", "blue", "readlink", "/proc/self/ns/net")
    assert link == f"net:[{at_handle('net', 'blue').inode}]"
    kinds = ("net", "uts", "mnt", "ipc", "pid")
    assert inside("blue", "hostname", kinds=kinds) == "box"
    for kind in kinds:
        link = inside("blue", "readlink", f"/proc/self/ns/{kind}", kinds=kinds)
        assert link == f"{kind}:[{at_handle(kind, 'blue').inode}]"
    listed = output("lsns", "--noheadings", "--output", "NS")
    assert {at_handle(kind, "blue").inode for kind in kinds} <= set(map(int, listed.split()))
    subprocess.run(["ip", "netns", "delete", "green"], check=True)
    assert brought("green", types=["uts"]) == {"green": ("create the net namespace again, as its handle is gone",)}
    assert sorted(output("ip", "netns", "list").split()) == ["blue", "green"]


def test_a_mount_namespace_made_on_any_cpu() -> None:
    """Linux 6.18 numbers them per CPU, and lets one be pinned only where ours has the lower number."""

    def on(cpu: int) -> None:
        """It is left there, but may go elsewhere."""
        os.sched_setaffinity(0, {cpu})
        os.sched_setaffinity(0, allowed)

    def work() -> list[tuple[str, ...]]:
        """From mount namespaces that each of the CPUs has made."""
        return [brought(f"by-{cpu}", types=["mnt"], prepare=lambda cpu=cpu: on(cpu))[f"by-{cpu}"] for cpu in allowed]

    allowed = os.sched_getaffinity(0)
    for cpu in allowed:

        def there(cpu: int = cpu) -> list[tuple[str, ...]]:
            on(cpu)
            return support.in_own_world(work, "mnt", "pid")

        assert support.forked(there) == [("create the mnt namespace",)] * len(allowed)


# ---- what they are like


def test_sets_of_one_task_are_strangers() -> None:
    """The second is made from where the first was made, not from within it."""
    names = ["a", "b", "c"]
    brought(*names, types=["mnt", "uts", "time"], hostname="box", mounts=[TMPFS], time_offsets={"boottime": "5000"})
    for name in names:
        seen = inside(name, "grep", " /mnt ", "/proc/self/mountinfo", kinds=["mnt"])
        assert len(seen.splitlines()) == 1
        assert f" {os.path.realpath('/mnt')} " in seen
        offsets = inside(name, "cat", "/proc/self/timens_offsets", kinds=["time"]).split()
        assert offsets[-3:] == ["boottime", "5000", "0"]
        inside(name, "sh", "-c", f"echo {name} >/mnt/file", kinds=["mnt"])
    assert [inside(name, "cat", "/mnt/file", kinds=["mnt"]) for name in names] == names
    assert not os.path.exists("/mnt/file")
    assert not [item for item in support.mounts_below("/mnt") if item.path == "/mnt"]


def test_a_set_that_is_made_beside_one_that_is_changed() -> None:
    """The child that goes into the one comes back for the next."""
    brought("a", "c", types=["uts"], hostname="old")
    changes = brought("a", "b", "c", types=["uts"], hostname="new")
    assert changes == {
        "a": ("set the hostname to new",),
        "b": ("create the uts namespace",),
        "c": ("set the hostname to new",),
    }
    assert [inside(name, "hostname") for name in "abc"] == ["new"] * 3
    assert socket.gethostname() not in ("old", "new")


def test_a_set_that_is_changed_and_added_to_at_once() -> None:
    brought("blue", types=["uts", "net"], hostname="old")
    words = ("create the ipc namespace", "set the hostname to new")
    assert brought("blue", types=["ipc"], hostname="new", check=True) == {"blue": words}
    assert brought("blue", types=["ipc"], hostname="new") == {"blue": words}
    assert inside("blue", "hostname") == "new"
    assert at_handle("ipc", "blue") != support.own_identity("ipc")
    assert brought("blue", types=["pid"], hostname="newer")["blue"][1] == "set the hostname to newer"
    assert inside("blue", "hostname") == "newer"


def test_the_names_of_the_host_are_copied() -> None:
    brought("blue", types=["uts"], hostname="first")
    brought("green", types=["uts"])
    assert inside("green", "hostname") == socket.gethostname()


def test_what_can_be_changed_is_changed() -> None:
    brought("blue", types=["uts", "net", "mnt"])
    wanted = {"hostname": "blue", "domainname": "blues", "loopback": False, "mounts": [TMPFS]}
    words = {
        "mount tmpfs at /mnt",
        "set the hostname to blue",
        "set the NIS domain name to blues",
        "set the loopback device down",
    }
    before = everything()
    assert set(brought("blue", check=True, **wanted)["blue"]) == words
    assert everything() == before
    assert inside("blue", "hostname") == socket.gethostname()
    assert set(brought("blue", **wanted)["blue"]) == words
    assert inside("blue", "hostname") == "blue"
    assert inside("blue", "cat", "/proc/sys/kernel/domainname") == "blues"
    assert "UP" not in inside("blue", "ip", "link", "show", "lo", kinds=["net"]).split(">")[0]
    assert len(inside("blue", "grep", " /mnt ", "/proc/self/mountinfo", kinds=["mnt"]).splitlines()) == 1
    assert brought("blue", **wanted) == {"blue": ()}
    assert brought("blue", loopback=True) == {"blue": ("set the loopback device up",)}
    assert "UP" in inside("blue", "ip", "link", "show", "lo", kinds=["net"]).split(">")[0]


def test_what_is_not_asked_stays() -> None:
    brought("blue", types=["uts", "net"], hostname="blue", loopback=False)
    assert brought("blue", types=["uts", "net"]) == {"blue": ()}
    assert inside("blue", "hostname") == "blue"
    assert "UP" not in inside("blue", "ip", "link", "show", "lo", kinds=["net"]).split(">")[0]


def test_a_bind_mount_in_a_set(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "target").mkdir()
    brought("blue", types=["mnt"])
    wanted = {"mounts": [{"path": f"{tmp_path}/target", "src": f"{tmp_path}/source", "opts": "bind"}]}
    assert len(brought("blue", **wanted)["blue"]) == 1
    assert brought("blue", **wanted) == {"blue": ()}
    (tmp_path / "source/file").touch()
    assert inside("blue", "ls", f"{tmp_path}/target", kinds=["mnt"]) == "file"
    assert os.listdir(tmp_path / "target") == []


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        (
            {"uid_map": [{"inside": 0, "outside": 7, "count": 65536}]},
            "uid_map is 0 0 65536 and can't become 0 7 65536",
        ),
        ({"gid_map": [{"inside": 0, "outside": 0, "count": 5}]}, "gid_map is 0 0 65536 and can't become 0 0 5"),
        ({"setgroups": "deny"}, "setgroups is allow and can't become deny"),
        ({"time_offsets": {"boottime": "60"}}, "time_offsets.boottime is 50.5 and can't become 60 while"),
        ({"time_offsets": {"monotonic": "-0.25"}}, "time_offsets.monotonic is 0 and can't become -0.25 while"),
        ({"uid_map": []}, "uid_map is 0 0 65536 and can't become empty"),
    ],
)
def test_what_can_not_be_changed(asked: dict[str, t.Any], what: str) -> None:
    """Both values are said; the set stays, but for recreate."""
    same = {"time_offsets": {"boottime": "50.5", "monotonic": "0"}, **support.AS_ROOT}
    brought("blue", types=["user", "time"], **same)
    assert brought("blue", **same, setgroups="allow") == {"blue": ()}
    before = everything()
    for check in (True, False):
        error = failure("blue", **asked, check=check)
        assert f"its {what}" in error.cause
        assert "say recreate" in error.remedy
    assert everything() == before
    kinds = {"user", "time"}
    identities = {kind: at_handle(kind, "blue") for kind in kinds}
    assert len(brought("blue", recreate=True, **asked)["blue"]) == 4
    assert brought("blue", **asked) == {"blue": ()}
    assert all(at_handle(kind, "blue") != identities[kind] for kind in kinds)


@support.needs_ids
def test_recreate_makes_anew_each_time() -> None:
    brought("blue", types=["net", "uts", "pid"], hostname="old")
    before = {kind: at_handle(kind, "blue") for kind in ("net", "uts", "pid")}
    init = init_of("blue")
    words = brought("blue", recreate=True)["blue"]
    assert sorted(words) == sorted(f"{verb} the {kind} namespace" for kind in before for verb in ("remove", "create"))
    assert {at_handle(kind, "blue") for kind in before}.isdisjoint(before.values())
    assert is_gone(init)
    assert init_of("blue") != init
    assert inside("blue", "hostname") == socket.gethostname()
    assert len(support.mounts_below("/run/netns")) == 2
    assert brought("green", types=["net"], recreate=True) == {"green": ("create the net namespace",)}


# ---- healed


def test_an_empty_file_becomes_a_handle_again() -> None:
    brought("blue", types=["net", "uts"], hostname="blue")
    support.unmount("/run/netns/blue")
    words = ("create the net namespace again, as its handle is an empty file",)
    before = everything()
    assert brought("blue", check=True) == {"blue": words}
    assert everything() == before
    assert brought("blue") == {"blue": words}
    assert at_handle("net", "blue") != support.own_identity("net")
    assert inside("blue", "hostname") == "blue"
    assert brought("blue") == {"blue": ()}


def test_a_doubled_mount_is_taken_off() -> None:
    brought("blue", types=["net", "uts"])
    before = at_handle("net", "blue")
    for _time in range(2):
        support.bind("/run/netns/blue", "/run/netns/blue")
    words = ("take off the doubled mount of the net namespace",)
    assert brought("blue", check=True) == {"blue": words}
    assert brought("blue") == {"blue": words}
    assert at_handle("net", "blue") == before
    assert [item.path for item in support.mounts_below("/run/netns")] == ["/run/netns", "/run/netns/blue"]
    assert brought("blue") == {"blue": ()}


def test_directories_that_ip_netns_made_in_a_shared_run() -> None:
    """As systemd has it. There each handle is mounted once more, hidden below the directory's own mount."""
    with support.own_run(propagation="shared"):
        subprocess.run(["ip", "netns", "add", "theirs"], check=True)
        assert [item.path for item in support.mounts_below("/run/netns")].count("/run/netns/theirs") == 2
        assert brought("theirs") == {"theirs": ()}
        assert brought("blue", types=["net", "uts"])["blue"]
        assert brought("theirs", "blue") == {"theirs": (), "blue": ()}
        for path in ("/run/netns/blue", "/run/netns/theirs"):
            support.bind(path, path)
        assert all(len(changes) == 1 for changes in brought("theirs", "blue").values())
        assert brought("theirs", "blue") == {"theirs": (), "blue": ()}
        assert all(brought("theirs", "blue", present=False).values())
        assert os.listdir("/run/netns") == []
        support.unmount("/run/netns")


@pytest.mark.parametrize("reaped", [False, True])
def test_a_pid_namespace_gets_a_new_init(reaped: bool) -> None:
    """In the namespaces that the set has, with a /proc that shows it."""
    brought("blue", types=["mnt", "uts", "pid"], hostname="blue")
    init, dead = init_of("blue"), at_handle("pid", "blue")
    others = {kind: at_handle(kind, "blue") for kind in ("mnt", "uts")}
    mounted = len(mounts_of(init, "/proc"))
    os.kill(init, signal.SIGKILL)
    if reaped:
        os.waitpid(init, 0)
    else:
        os.waitid(os.P_PID, init, os.WEXITED | os.WNOWAIT)
    words = ("create the pid namespace again, as its init has ended",)
    assert bring("blue", check=True).done["blue"].state.init_pid is None
    assert brought("blue", check=True) == {"blue": words}
    assert brought("blue") == {"blue": words}
    assert at_handle("pid", "blue") != dead
    assert {kind: at_handle(kind, "blue") for kind in others} == others
    new = init_of("blue")
    assert {kind: support.identity(new, kind) for kind in others} == others
    seen = inside("blue", "sh", "-c", "cat /proc/1/cmdline | tr '\\0' ' '; hostname", kinds=["mnt", "uts", "pid"])
    assert seen.endswith("linux-namespaces-init blue blue")
    assert len(mounts_of(new, "/proc")) == mounted
    assert brought("blue") == {"blue": ()}


@pytest.mark.parametrize("present", [True, False])
def test_an_init_that_no_handle_is_of(present: bool) -> None:
    """What a task that was killed, or somebody who removed the handle by hand, left."""
    brought("blue", types=["pid", "uts"])
    stray = init_of("blue")
    support.unmount("/run/pidns/blue")
    os.unlink("/run/pidns/blue")
    before = everything()
    words = f"end the init {stray} that no handle is of"
    assert words in brought("blue", types=["pid"] if present else None, present=present, check=True)["blue"]
    assert everything() == before
    assert words in brought("blue", types=["pid"] if present else None, present=present)["blue"]
    assert is_gone(stray)
    if present:
        assert not is_gone(init_of("blue"))
        assert brought("blue", types=["pid"]) == {"blue": ()}
    else:
        assert os.listdir("/run") == []


def test_a_broken_set_can_be_removed() -> None:
    brought("blue", types=["net", "uts", "pid"])
    support.unmount("/run/netns/blue")
    support.bind("/run/utsns/blue", "/run/utsns/blue")
    pid = init_of("blue")
    os.kill(pid, signal.SIGKILL)
    support.wait_for(lambda: support.has_ended(pid))
    assert len(brought("blue", present=False)["blue"]) == 3
    assert os.listdir("/run") == []


def test_a_cgroup_that_was_left() -> None:
    """By somebody who removed the handles by hand."""
    brought("blue", types=["cgroup"])
    support.unmount("/run/cgroupns/blue")
    os.unlink("/run/cgroupns/blue")
    forgotten, change = brought("blue", present=False)["blue"]
    assert forgotten == "forget the cgroup namespace that is lost"
    assert change.startswith("remove the cgroup /")
    assert not os.path.exists(change.split()[-1])
    assert brought("blue", present=False) == {"blue": ()}


# ---- remembered


def remembered() -> list[str]:
    """The links to the handles that sets were given."""
    return sorted(path.name for path in Path("/run/linux-namespaces").glob("*:*"))


def lose(kind: str, name: str) -> None:
    """As ip netns del does."""
    support.unmount(f"/run/{kind}ns/{name}")
    os.unlink(f"/run/{kind}ns/{name}")


@contextlib.contextmanager
def room_for(files: int) -> t.Iterator[None]:
    """As many more fit into /run."""
    status = os.statvfs("/run")
    support.remount("/run", f"nr_inodes={status.f_files - status.f_ffree + files}")
    yield
    support.remount("/run", f"nr_inodes={status.f_files}")


def test_what_a_set_was_given_is_remembered() -> None:
    brought("blue", "green", types=["uts", "net"])
    assert remembered() == ["net:blue", "net:green", "uts:blue", "uts:green"]
    brought("blue", types=["pid"])
    brought("green", present=False, types=["net"])
    assert remembered() == ["net:blue", "pid:blue", "uts:blue", "uts:green"]
    for link in Path("/run/linux-namespaces").glob("*:*"):
        assert at_handle(*link.name.split(":"))
        assert os.readlink(link) == "/run/{}ns/{}".format(*link.name.split(":"))
    brought("blue", recreate=True)
    assert remembered() == ["net:blue", "pid:blue", "uts:blue", "uts:green"]
    brought("blue", "green", present=False)
    assert os.listdir("/run") == []


def test_a_set_of_others_is_remembered_from_when_it_is_asked_for() -> None:
    """That is no change: check mode and the second run say the same."""
    for name in ("blue", "green"):
        subprocess.run(["ip", "netns", "add", name], check=True)
    before = everything()
    assert brought("blue", check=True) == {"blue": ()}
    assert everything() == before
    assert brought("blue") == {"blue": ()}
    assert remembered() == ["net:blue"]
    assert brought("green", loopback=True) == {"green": ("set the loopback device up",)}
    assert remembered() == ["net:blue", "net:green"]
    assert brought("blue", "green") == {"blue": (), "green": ()}
    brought("blue", "green", present=False)
    assert names_in("/run") == ["netns"]


def test_what_is_adopted_is_remembered() -> None:
    with support.inhabited("net", "uts") as pid:
        brought("blue", pid=pid)
        assert remembered() == ["net:blue", "uts:blue"]
        lose("net", "blue")
        words = {"blue": ("adopt the net namespace",)}
        assert brought("blue", pid=pid) == words
        lose("net", "blue")
        error = failure("blue", pid=pid, types=["uts"])
        assert "its net is to be made, and not among what is adopted" in error.cause
        assert remembered() == ["net:blue", "uts:blue"]
        brought("blue", present=False, when_busy="detach")


@pytest.mark.parametrize("types", [None, ["uts"], ["net", "uts"]])
def test_what_is_lost_is_made_again(types: list[str] | None) -> None:
    brought("blue", types=["net", "uts", "ipc"], hostname="blue")
    lose("net", "blue")
    before = everything()
    words = {"blue": ("create the net namespace again, as its handle is gone",)}
    assert brought("blue", types=types, check=True) == words
    assert everything() == before
    assert brought("blue", types=types, loopback=False) == words
    assert at_handle("net", "blue") != support.own_identity("net")
    assert "UP" not in inside("blue", "ip", "link", "show", "lo", kinds=["net"]).split(">")[0]
    assert inside("blue", "hostname") == "blue"
    assert brought("blue", types=types) == {"blue": ()}


def test_a_user_namespace_that_is_lost() -> None:
    """It can not be made again for the others; they can go on without it, if that is said."""
    brought("blue", types=["user", "uts"], **support.AS_ROOT)
    lose("user", "blue")
    assert "or give it up (state: absent, types: [user])" in failure("blue").remedy
    words = {"blue": ("forget the user namespace that is lost",)}
    assert brought("blue", types=["user"], present=False, check=True) == words
    assert remembered() == ["user:blue", "uts:blue"]
    assert brought("blue", types=["user"], present=False) == words
    assert brought("blue", types=["user"], present=False) == {"blue": ()}
    assert remembered() == ["uts:blue"]
    assert brought("blue") == {"blue": ()}


def test_of_a_set_of_which_nothing_is_left_the_memory_goes_too() -> None:
    brought("blue", types=["net", "uts"])
    for kind in ("net", "uts"):
        lose(kind, "blue")
    error = failure("blue")
    assert "it is not there any more, and no type is asked for" in error.cause
    words = ("forget the uts namespace that is lost", "forget the net namespace that is lost")
    assert brought("blue", present=False, check=True) == {"blue": words}
    assert remembered() == ["net:blue", "uts:blue"]
    assert brought("blue", present=False) == {"blue": words}
    assert brought("blue", present=False) == {"blue": ()}
    assert os.listdir("/run") == []


def test_a_set_of_which_nothing_is_left_is_made_as_it_is_asked() -> None:
    brought("blue", types=["net", "uts"])
    for kind in ("net", "uts"):
        lose(kind, "blue")
    assert brought("blue", types=["ipc"]) == {"blue": ("create the ipc namespace",)}
    assert remembered() == ["ipc:blue"]
    assert brought("blue") == {"blue": ()}


def test_a_set_that_is_not_brought_there_is_remembered_as_it_was() -> None:
    """A handle does not fit: of one that has others, and of one that has nothing any more."""
    brought("blue", types=["uts", "net"])
    os.mkdir("/run/ipcns")
    with room_for(1):
        failure("blue", types=["ipc"])
    assert remembered() == ["net:blue", "uts:blue"]
    for kind in ("net", "uts"):
        lose(kind, "blue")
    # What is forgotten makes room for what is remembered.
    with room_for(0):
        failure("blue", types=["ipc", "time"])
    assert remembered() == ["net:blue", "uts:blue"]


def test_a_set_that_can_not_be_taken_back_stays_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """So nobody enters what there is of it: the second handle does not fit, and the first stays."""

    def fail(_handle: object, _directory: int) -> None:
        raise NamespaceError("remove the handle", "it is held")

    brought("green", types=["uts", "net"])
    monkeypatch.setattr(handle, "unpin", fail)
    with room_for(3):
        failure("blue", types=["uts", "net"])
    monkeypatch.undo()
    assert names_in("/run/utsns") == ["blue", "green"]
    assert names_in("/run/netns") == ["green"]
    assert remembered() == ["net:blue", "net:green", "uts:blue", "uts:green"]
    words = {"blue": ("create the net namespace again, as its handle is gone",)}
    assert brought("blue", types=["uts", "net"]) == words


def test_what_can_not_be_forgotten_is_a_warning() -> None:
    brought("blue", types=["net", "uts"])
    os.unlink("/run/linux-namespaces/net:blue")
    os.mkdir("/run/linux-namespaces/net:blue")
    results = bring("blue", present=False)
    assert results.failed == {}
    assert not os.path.exists("/run/netns/blue")
    (warning,) = results.warnings
    assert "cannot forget what the set blue had" in warning
    assert "nobody can enter it" in warning
    os.rmdir("/run/linux-namespaces/net:blue")
    brought("blue", present=False)
    assert os.listdir("/run") == []


def test_a_set_at_other_places_is_not_remembered() -> None:
    """Nobody enters it by its name; and one of that name has nothing to do with it."""
    places = {"net": "/run/places/net"}
    brought("blue", places=places)
    assert remembered() == []
    brought("blue", types=["net", "uts"])
    lose("net", "blue")
    assert brought("blue", places=places) == {"blue": ()}
    brought("blue", places=places, present=False)
    assert remembered() == ["net:blue", "uts:blue"]
    places = {"net": "/run/netns/blue"}
    words = {"blue": ("create the net namespace",)}
    assert brought("blue", places=places) == words
    brought("blue", places=places, present=False)
    assert remembered() == ["uts:blue"]


# ---- busy


def test_a_set_with_processes_is_not_removed() -> None:
    brought("blue", "green", types=["net", "uts"])
    with occupied("blue", "net") as pid:
        before = {kind: at_handle(kind, "blue") for kind in ("net", "uts")}
        error = failure("blue", "green", present=False)
        assert str(error).startswith("cannot remove the set blue: ")
        assert f"{pid} (sleep)" in error.cause
        assert "detach" in error.remedy
        assert "kill" in error.remedy
        assert {kind: at_handle(kind, "blue") for kind in before} == before
        assert not os.path.exists("/run/netns/green")
        assert "processes are in it" in failure("blue", recreate=True).cause
        assert {kind: at_handle(kind, "blue") for kind in before} == before
        # What nobody is in can go.
        brought("blue", present=False, types=["uts"])
        assert not os.path.exists("/run/utsns/blue")


def test_nobody_waits_for_the_look_at_what_holds_a_removed_set(monkeypatch: pytest.MonkeyPatch) -> None:
    scanned = run.scanned

    def make_another(proc: int) -> t.ContextManager[t.Any]:
        monkeypatch.undo()
        brought("green", types=["uts"])
        return scanned(proc)

    brought("blue", types=["uts"])
    monkeypatch.setattr(run, "scanned", make_another)
    brought("blue", present=False)
    at_handle("uts", "green")


def test_the_name_of_a_process_is_shown_and_not_obeyed() -> None:
    brought("blue", types=["uts"])

    def prepare() -> None:
        with closing(os.open("/run/utsns/blue", os.O_RDONLY)) as fd:
            process.setns(fd, nstypes.UTS.flag)
        Path("/proc/thread-self/comm").write_text("a\n\x1b[2J\u3164")

    with support.inhabited(prepare=prepare) as pid:
        assert rf": {pid} (a\x0a\x1b[2J\u3164)" in failure("blue", present=False).cause
        changes = brought("blue", present=False, when_busy="kill", check=True)["blue"]
        assert changes[0] == rf"end process {pid} (a\x0a\x1b[2J\u3164)"


def test_processes_of_a_set_go_on_when_it_is_detached() -> None:
    brought("blue", types=["net", "uts"])
    with occupied("blue", "net") as pid:
        identity = support.identity(pid, "net")
        done = bring("blue", present=False, when_busy="detach").done["blue"]
        assert held_by(done, "net") == [("process", pid)]
        assert os.listdir("/run") == []
        assert not is_gone(pid)
        assert support.identity(pid, "net") == identity


def held_by(done: model.Outcome, kind: str) -> list[tuple[t.Any, ...]]:
    return [(holder["kind"], holder.get("pid")) for holder in done.still_held_by[kind]]


@pytest.mark.parametrize("what", ["fd", "socket", "bind"])
def test_what_holds_a_namespace_that_was_removed(what: str, tmp_path: Path) -> None:
    """Not only processes that are in it."""
    (tmp_path / "elsewhere").touch()
    brought("blue", "green", types=["net"])
    inode = at_handle("net", "blue").inode

    def hold() -> None:
        with closing(os.open("/run/netns/blue", os.O_RDONLY)) as fd:
            if what == "fd":
                os.dup(fd)
            elif what == "socket":
                process.setns(fd, nstypes.NET.flag)
                socket.socket().detach()
                process.setns(back, nstypes.NET.flag)
            else:
                support.own_mounts()
                support.bind("/run/netns/blue", tmp_path / "elsewhere")

    with closing(os.open("/proc/self/ns/net", os.O_RDONLY)) as back, support.inhabited(prepare=hold) as pid:
        done = bring("blue", "green", present=False, when_busy="detach").done
        assert held_by(done["blue"], "net") == [(what, pid)]
        assert done["green"].still_held_by == {}
        with support.own_procfs() as proc, run.scanned(proc) as found:
            assert inode in found.namespaces


@pytest.mark.parametrize("kind", ["net", "uts", "ipc", "mnt", "cgroup", "time"])
def test_processes_of_a_set_are_ended(kind: str) -> None:
    """Each is named; what is in other namespaces goes on."""
    brought("blue", "green", types=["net", "uts", "ipc", "mnt", "cgroup", "time"])
    with occupied("blue", kind) as pid, occupied("green", kind) as other:
        before = everything()
        changes = brought("blue", present=False, when_busy="kill", check=True)["blue"]
        assert changes[0].startswith(f"end process {pid} (sleep)")
        assert everything() == before
        assert brought("blue", present=False, when_busy="kill") == {"blue": changes}
        assert is_gone(pid)
        assert not is_gone(other)
        assert not os.path.exists(f"/run/{kind}ns/blue")
        at_handle(kind, "green")


def test_processes_that_start_others_are_ended() -> None:
    """A chain of children, each of which ends when the next one lives."""
    brought("blue", types=["uts"])
    chain = "import os, time\nwhile True:\n    time.sleep(0.1)\n    if os.fork(): os._exit(0)"
    started = subprocess.Popen(["nsenter", "--uts=/run/utsns/blue", "--", *support.python(chain)])
    started.wait()
    brought("blue", present=False, when_busy="kill")
    assert not os.path.exists("/run/utsns/blue")
    assert not [line for line in everything() if "os.fork(): os._exit(0)" in line]


def test_a_process_whose_next_child_is_in_the_set() -> None:
    brought("blue", types=["pid"])

    def enter() -> None:
        with closing(nsfs.open_handle("/run/pidns/blue")) as fd:
            process.setns(fd, nstypes.PID.flag)

    with support.inhabited(prepare=enter) as pid:
        assert support.identity(pid, "pid") == support.own_identity("pid")
        assert f"{pid} (" in failure("blue", present=False).cause
        brought("blue", present=False, when_busy="kill")
        assert is_gone(pid)


@pytest.mark.parametrize("when_busy", ["fail", "detach", "kill"])
def test_the_init_is_not_in_the_way(when_busy: str) -> None:
    brought("blue", types=["pid", "net"])
    init = init_of("blue")
    done = bring("blue", present=False, when_busy=when_busy).done["blue"]
    assert done.changes == ("remove the net namespace", "remove the pid namespace")
    assert done.still_held_by == {}
    assert is_gone(init)
    assert os.listdir("/run") == []


def test_the_init_goes_on_for_processes_that_go_on() -> None:
    brought("blue", types=["pid", "net"])
    with occupied("blue", "pid") as pid:
        init = init_of("blue")
        done = bring("blue", present=False, when_busy="detach").done["blue"]
        assert {("process", init), ("process", pid)} <= set(held_by(done, "pid"))
        assert ("process", init) in held_by(done, "net")
        assert ("process", pid) not in held_by(done, "net")
        assert not is_gone(init)
        assert not is_gone(pid)
    assert os.listdir("/run") == []


def test_processes_that_were_left_are_left_alone() -> None:
    """By the same task once more, and by a new set of that name; their init ends after them."""
    brought("blue", types=["pid", "net"])
    with occupied("blue", "pid") as pid:
        init = init_of("blue")
        brought("blue", present=False, when_busy="detach")
        for when_busy in ("detach", "fail", "kill"):
            assert brought("blue", present=False, when_busy=when_busy) == {"blue": ()}
        brought("blue", types=["pid"])
        assert not is_gone(pid)
        assert not is_gone(init)
        os.kill(pid, signal.SIGKILL)
    # It comes to us where its parent had no time to reap it, and its init ends after it.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
    assert brought("blue") == {"blue": (f"end the init {init} that no handle is of",)}
    assert is_gone(init)
    assert not is_gone(init_of("blue"))


@pytest.mark.parametrize("argv", [("sleep", "2147483647"), ("sh", "-c", "sleep 100; true", "linux-namespaces", "blue")])
def test_what_looks_like_an_init_is_in_the_way(argv: tuple[str, ...]) -> None:
    brought("blue", types=["pid", "net"])
    with occupied("blue", "net", *argv) as pid:
        assert f"{pid} (" in failure("blue", present=False).cause


def test_the_init_of_somebody_else_is_in_the_way() -> None:
    with support.inhabited("pid") as pid:
        brought("blue", pid=pid)
        assert f"{pid} (" in failure("blue", present=False).cause
        assert not is_gone(pid)
        done = bring("blue", present=False, when_busy="detach").done["blue"]
        # Another one is outside, and has its children there.
        assert ("process", pid) in held_by(done, "pid")
        assert not is_gone(pid)


@contextlib.contextmanager
def chain(name: str, path: Path) -> t.Iterator[support.Roll]:
    """In the network namespace of a set, a process that goes on and on as its own child; who holds the roll lives."""
    script = path.with_name("chain.py")
    script.write_text(
        f"import os, time\nend = time.monotonic() + {support.PATIENCE + 10}\n"
        "while time.monotonic() < end:\n    if os.fork(): os._exit(0)\n"
    )
    with support.roll_at(path) as roll:
        words = ("sh", "-c", f"exec 3>{path}; echo x >&3; exec {sys.executable} -I -S {script}")
        subprocess.run(["nsenter", f"--net=/run/netns/{name}", "--", *words], check=True)
        yield roll


@pytest.mark.parametrize("around", [contextlib.nullcontext, support.crowd])
def test_one_that_multiplies_is_in_the_way(tmp_path: Path, around: t.Callable[[], t.ContextManager[None]]) -> None:
    """It has gone on as another one by the time that it is found."""
    brought("blue", types=["net"])
    with around(), chain("blue", tmp_path / "roll") as roll:
        assert "processes are in it" in failure("blue", present=False).cause
        brought("blue", present=False, when_busy="kill")
        assert roll.is_empty()


def test_processes_in_the_pid_namespace_are_ended_with_its_init() -> None:
    brought("blue", types=["pid", "uts"])
    with occupied("blue", "pid") as child:
        init = init_of("blue")
        assert f"{child} (sleep)" in failure("blue", present=False).cause
        changes = reaping(lambda: brought("blue", present=False, when_busy="kill"))["blue"]
        assert f"end process {child} (sleep)" in changes
        assert is_gone(child)
        assert is_gone(init)


def reaping(work: t.Callable[[], support.T]) -> support.T:
    """Do the work, and reap meanwhile what comes to us, as PID 1 of a host does: an init ends only after all in it."""
    before = support.children()
    task = support.Background(work)
    while support.status_of(task.pid, "State")[0] != "Z":
        for pid in support.children() - before - {task.pid}:
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.005)
    return task.result()


@pytest.mark.parametrize("recreate", [False, True])
def test_neither_the_task_nor_its_ancestors_are_ended(recreate: bool) -> None:
    brought("blue", types=["uts"])

    def enter() -> None:
        with closing(nsfs.open_handle("/run/utsns/blue")) as fd:
            process.setns(fd, nstypes.UTS.flag)

    def within() -> NamespaceError:
        enter()
        return failure("blue", present=recreate, recreate=recreate, when_busy="kill")

    before = at_handle("uts", "blue")
    for error in (
        support.forked(within),
        failure("blue", present=recreate, recreate=recreate, when_busy="kill", prepare=enter),
    ):
        assert "PID 1 or the task itself runs in there" in error.cause
        assert "detach" in error.remedy
    assert at_handle("uts", "blue") == before


def test_a_handle_that_somebody_holds_open() -> None:
    """The set stays whole, and the next one is removed all the same."""
    brought("blue", "green", types=["net", "uts"])
    before = {kind: at_handle(kind, "blue") for kind in ("net", "uts")}
    with closing(nsfs.open_handle("/run/netns/blue")) as held:
        for when_busy in ("fail", "kill"):
            results = bring("blue", "green", present=False, when_busy=when_busy)
            assert results.failed["blue"].code == errno.EBUSY
            assert "when_busy: detach" in results.failed["blue"].remedy
            assert {kind: at_handle(kind, "blue") for kind in before} == before
            assert [item.path for item in support.mounts_below("/run/utsns")] == ["/run/utsns", "/run/utsns/blue"]
        assert not os.path.exists("/run/netns/green")
        brought("blue", present=False, when_busy="detach")
        assert nsfs.identity(held) == before["net"]
    assert brought("blue", present=False) == {"blue": ()}
    assert os.listdir("/run") == []


def test_a_physical_interface_is_in_the_way() -> None:
    """Where a test has none: what is asked of the kernel is told for it."""

    def plug_in() -> None:
        netdev.physical = lambda: ["eth7"]

    brought("blue", "green", types=["net", "uts"])
    before = at_handle("net", "blue")
    error = failure("blue", present=False, prepare=plug_in)
    assert "it has physical interfaces, which would go to the host, perhaps renamed: eth7" in error.cause
    assert "detach" in error.remedy
    assert "physical interfaces" in failure("blue", recreate=True, prepare=plug_in).cause
    assert at_handle("net", "blue") == before
    assert at_handle("uts", "blue")
    brought("blue", present=False, types=["uts"], prepare=plug_in)
    brought("blue", present=False, when_busy="detach", prepare=plug_in)
    brought("green", present=False)
    assert os.listdir("/run") == []


@contextlib.contextmanager
def a_physical_interface_in(name: str) -> t.Iterator[str]:
    """One that nobody uses here, moved into a set; where it is not any more, the kernel brings it back."""
    found = [path.parent.name for path in Path("/sys/class/net").glob("*/device")]
    unused = [device for device in found if not netdev.is_up(device)]
    if not unused:
        pytest.skip("no physical interface that is down is here: make kernels has one")
    output("ip", "link", "set", unused[0], "netns", name)
    try:
        yield unused[0]
    finally:
        if os.path.exists(f"/run/netns/{name}"):
            output("ip", "-netns", name, "link", "set", unused[0], "netns", "1")


@pytest.mark.parametrize("when_busy", ["detach", "kill"])
def test_a_real_physical_interface_is_in_the_way(when_busy: str) -> None:
    """It outlives the namespace: the kernel brings it to the host."""
    brought("blue", types=["net", "uts"])
    before = at_handle("net", "blue")
    with a_physical_interface_in("blue") as device:
        for error in (failure("blue", present=False), failure("blue", recreate=True)):
            assert f"it has physical interfaces, which would go to the host, perhaps renamed: {device}" in error.cause
        assert at_handle("net", "blue") == before
        assert device in output("ip", "-netns", "blue", "-brief", "link")
        assert not os.path.exists(f"/sys/class/net/{device}")
        brought("blue", present=False, types=["uts"])
        brought("blue", present=False, when_busy=when_busy)
        deadline = time.monotonic() + support.PATIENCE
        while not os.path.exists(f"/sys/class/net/{device}/device"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert os.listdir("/run") == []


# ---- each set as a whole or not at all


def test_a_limit_is_reached_half_way() -> None:
    """The namespaces of the set that were made before are taken back, the sets before it stay."""

    def work() -> tuple[list[str], NamespaceError, list[str], list[str]]:
        results = bring("a", "b", "c", types=["ipc", "uts"])
        (failed,) = results.failed.values()
        return list(results.done), failed, names_in("/run/ipcns"), names_in("/run/utsns")

    done, failed, ipc, uts = support.in_own_world(work, uts=2)
    assert done == ipc == uts == ["a", "b"]
    assert failed.code == errno.ENOSPC
    assert "user.max_uts_namespaces is 3" in failed.cause


def test_a_limit_is_reached_in_the_middle() -> None:
    """The set after it does not need that type any more."""

    def work() -> tuple[list[str], list[str], list[str], list[str]]:
        brought("c", types=["uts"])
        results = bring("a", "b", "c", types=["ipc", "uts"])
        return list(results.done), list(results.failed), names_in("/run/ipcns"), names_in("/run/utsns")

    done, failed, ipc, uts = support.in_own_world(work, uts=2)
    assert (done, failed) == (["a", "c"], ["b"])
    assert ipc == uts == ["a", "c"]


@pytest.mark.parametrize("handles", [False, True])
@pytest.mark.parametrize("kinds", [["ipc", "net"], ["ipc", "net", "cgroup"], ["ipc", "net", "pid"]])
def test_the_run_directory_becomes_full(kinds: list[str], handles: bool) -> None:
    """The second file of the set does not fit: of those that remember it, or of the handles."""
    brought("a", types=kinds)
    before = in_run()
    free = os.statvfs("/run").f_files - os.statvfs("/run").f_ffree
    support.remount("/run", f"nr_inodes={free + 1 + len(kinds) * handles}")
    error = failure("b", "a", types=kinds)
    assert error.code == errno.ENOSPC
    assert ("is full, or fs.mount-max" if handles else "the file system of /run is full") in error.cause
    support.remount("/run", "nr_inodes=0")
    assert in_run() == before
    inits = {init_of("a")} if "pid" in kinds else set()
    assert {pid for pid in support.children() if not is_gone(pid)} == inits
    assert brought("b", types=kinds)["b"]


def test_a_mount_namespace_can_not_be_pinned() -> None:
    """Somebody's /run/mntns is shared; what else the set was to have is taken back."""
    os.mkdir("/run/mntns")
    support.mount_over("tmpfs", "/run/mntns", "mode=755")
    with closing(os.open("/run/mntns", os.O_PATH)) as place:
        mount.set_propagation(place, "shared", recursive=False)
    with support.inhabited("mnt"):
        error = failure("blue", types=["user", "mnt", "uts"], **support.AS_ROOT)
    assert error.code == errno.EINVAL
    assert "below a shared mount" in error.cause
    assert names_in("/run") == ["mntns"]
    assert names_in("/run/mntns") == []


def test_recreation_that_fails_half_way() -> None:
    """The set is what it was, the namespaces that were removed first among them."""

    def work() -> tuple[bool, int | None, list[str]]:
        brought("blue", types=["ipc", "uts"], hostname="blue")
        before = {kind: at_handle(kind, "blue") for kind in ("ipc", "uts")}
        error = failure("blue", recreate=True)
        after = {kind: at_handle(kind, "blue") for kind in ("ipc", "uts")}
        return before == after, error.code, [item.path for item in support.mounts_below("/run/utsns")]

    assert support.in_own_world(work, uts=1) == (True, errno.ENOSPC, ["/run/utsns", "/run/utsns/blue"])


def test_what_was_changed_inside_is_changed_back() -> None:
    """When the set could not be made whole."""

    def work() -> tuple[int | None, str]:
        brought("blue", types=["uts"], hostname="old")
        error = failure("blue", types=["uts", "ipc"], hostname="new")
        return error.code, inside("blue", "hostname")

    assert support.in_own_world(work, ipc=0) == (errno.ENOSPC, "old")


def test_changes_inside_that_fail_half_way() -> None:
    brought("blue", types=["uts", "mnt"], hostname="old")
    error = failure("blue", hostname="new", mounts=[TMPFS, {"path": "/nothing here", "fstype": "tmpfs"}])
    assert error.code == errno.ENOENT
    assert inside("blue", "hostname") == "old"
    assert " /mnt " not in inside("blue", "cat", "/proc/self/mountinfo", kinds=["mnt"])


def test_a_new_namespace_that_can_not_be_set_up() -> None:
    error = failure("blue", types=["uts", "mnt"], mounts=[{"path": "/nothing here", "fstype": "tmpfs"}])
    assert "/nothing here" in str(error)
    assert os.listdir("/run") == []


def test_what_is_in_the_way_of_one_set() -> None:
    """The others are made."""
    os.mkdir("/run/netns")
    Path("/run/netns/bad").symlink_to("/proc/1/ns/net")
    os.mkdir("/run/utsns")
    os.mkdir("/run/utsns/worse")
    results = bring("good", "bad", "worse", "fine", types=["net", "uts"])
    assert (list(results.done), list(results.failed)) == (["good", "fine"], ["bad", "worse"])
    assert "a symbolic link" in results.failed["bad"].cause
    assert "a directory" in results.failed["worse"].cause
    assert names_in("/run/netns") == ["bad", "fine", "good"]
    assert names_in("/run/utsns") == ["fine", "good", "worse"]
    assert set(bring("good", "bad", "worse", present=False).failed) == {"bad", "worse"}
    assert os.path.lexists("/run/netns/bad")


def test_directories_of_handles_that_others_can_change() -> None:
    os.mkdir("/run/netns")
    os.chmod("/run/netns", 0o777)
    error = failure("blue", types=["uts", "net"])
    assert "mode 777" in error.cause
    assert names_in("/run") == ["netns"]
    assert os.listdir("/run/netns") == []


# ---- adopted


def test_the_namespaces_of_a_process_become_a_set() -> None:
    with support.inhabited("uts", "net", "ipc") as pid:
        before = everything()
        words = ("adopt the uts namespace", "adopt the ipc namespace", "adopt the net namespace")
        assert brought("blue", pid=pid, check=True) == {"blue": words}
        assert everything() == before
        assert brought("blue", pid=pid) == {"blue": words}
        expected = {kind: support.identity(pid, kind) for kind in ("uts", "net", "ipc")}
        assert brought("blue", pid=pid) == {"blue": ()}
        assert {kind: at_handle(kind, "blue") for kind in expected} == expected
    assert {kind: at_handle(kind, "blue") for kind in expected} == expected
    brought("blue", present=False)
    assert os.listdir("/run") == []


def test_only_some_namespaces_are_adopted() -> None:
    with support.inhabited("uts", "net") as pid:
        brought("blue", types=["ipc"])
        assert brought("blue", pid=pid, types=["net"]) == {"blue": ("adopt the net namespace",)}
        assert not os.path.exists("/run/utsns/blue")
        assert at_handle("net", "blue") == support.identity(pid, "net")


def test_a_whole_container_is_adopted() -> None:
    with support.inhabited(*support.TYPE_NAMES) as pid:
        done = bring("blue", pid=pid).done["blue"]
        assert {kind: at_handle(kind, "blue") for kind in support.TYPE_NAMES} == support.identities(pid)
        assert done.state.init_pid == pid


def test_another_namespace_than_the_set_has() -> None:
    brought("blue", types=["uts"])
    before = at_handle("uts", "blue")
    with support.inhabited("uts") as pid:
        error = failure("blue", pid=pid)
        assert f"uts:[{before.inode}] and can't become uts:[{support.identity(pid, 'uts').inode}]" in error.cause
        assert at_handle("uts", "blue") == before
        brought("blue", pid=pid, recreate=True)
        assert at_handle("uts", "blue") == support.identity(pid, "uts")


def test_namespaces_of_pid_1_are_not_adopted() -> None:
    """Neither what it shares with the process, nor its own; the task is in another one here."""
    with support.inhabited("net") as pid, pytest.raises(NamespaceError, match="its uts is the one that the task"):
        bring("blue", pid=pid, types=["net", "uts"])
    with support.inhabited("net") as pid:

        def elsewhere() -> None:
            process.unshare(nstypes.UTS.flag)

        with pytest.raises(NamespaceError, match="it shares its uts with PID 1"):
            bring("blue", pid=pid, types=["net", "uts"], prepare=elsewhere)
        with pytest.raises(NamespaceError, match="it shares its uts with PID 1"):
            bring("blue", pid=1, prepare=elsewhere)
        assert brought("blue", pid=pid, prepare=elsewhere) == {"blue": ("adopt the net namespace",)}


# ---- at other places


def test_a_mount_namespace_at_a_place_of_its_own() -> None:
    """Below a private directory, whatever is above; what was made for it goes with it."""
    with closing(os.open("/run", os.O_PATH)) as run:
        mount.set_propagation(run, "shared", recursive=False)
    places = {"mnt": "/run/kubens/mnt"}
    assert brought("kubens", places=places, propagation="slave_shared") == {"kubens": ("create the mnt namespace",)}
    with closing(nsfs.open_handle("/run/kubens/mnt")) as fd:
        assert nsfs.type_of(fd) is nstypes.MNT
    assert names_in("/run") == ["kubens", "linux-namespaces"]
    assert brought("kubens", places=places) == {"kubens": ()}
    support.mount_over("tmpfs", "/mnt")
    try:
        seen = output("nsenter", "--mount=/run/kubens/mnt", "cat", "/proc/self/mountinfo")
        root = [line for line in seen.splitlines() if line.split()[4] == "/run"][-1]
        assert " master:" in root
        assert " shared:" in root
    finally:
        support.unmount("/mnt")
    brought("kubens", places=places, present=False)
    assert os.listdir("/run") == []


def test_other_places(tmp_path: Path) -> None:
    """The directories are those of others there."""
    (tmp_path / "here").mkdir(0o755)
    places = {"net": f"{tmp_path}/here/network", "uts": f"{tmp_path}/there/names"}
    brought("blue", places=places, hostname="blue")
    with closing(nsfs.open_handle(places["uts"])) as fd:
        assert nsfs.type_of(fd) is nstypes.UTS
    assert names_in("/run") == ["linux-namespaces"]
    brought("blue", places=places, present=False)
    assert os.listdir(tmp_path) == ["here"]
    assert os.listdir(tmp_path / "here") == []
    assert os.listdir("/run") == []


# ---- the host


@pytest.mark.parametrize("run", ["shared", "mounted twice", "bound to itself"])
def test_a_run_directory_of_another_kind(run: str) -> None:
    """Each handle is mounted once, wherever one looks."""
    if run != "mounted twice":
        if run == "bound to itself":
            support.bind("/run", "/run")
        with closing(os.open("/run", os.O_PATH)) as place:
            mount.set_propagation(place, "shared", recursive=False)
    else:
        support.mount_over("tmpfs", "/run", "mode=755")
    try:
        brought("blue", types=["net", "mnt", "uts"])
        for kind in ("net", "mnt", "uts"):
            paths = [item.path for item in support.mounts_below(f"/run/{kind}ns")]
            assert paths == [f"/run/{kind}ns", f"/run/{kind}ns/blue"]
        assert brought("blue", types=["net", "mnt", "uts"]) == {"blue": ()}
        brought("blue", present=False)
        assert os.listdir("/run") == []
    finally:
        if run != "shared":
            support.unmount("/run")


@pytest.mark.parametrize("own", [False, True], ids=["run of the host", "own run"])
def test_a_connection_in_a_mount_namespace_of_its_own(own: bool) -> None:
    """The handles are there where PID 1 sees them."""

    def elsewhere() -> None:
        support.own_mounts()
        if own:
            support.mount_over("tmpfs", "/run", "mode=755")

    kinds = ["net", "mnt", "pid"]
    words = tuple(f"create the {kind} namespace" for kind in ("mnt", "net", "pid"))
    before = everything()
    assert brought("blue", types=kinds, prepare=elsewhere, check=True) == {"blue": words}
    assert everything() == before
    assert brought("blue", types=kinds, prepare=elsewhere) == {"blue": words}
    assert {at_handle(kind, "blue") for kind in kinds}
    assert init_of("blue")
    assert brought("blue", types=kinds) == {"blue": ()}
    assert brought("blue", types=kinds, prepare=elsewhere) == {"blue": ()}
    brought("blue", present=False, prepare=elsewhere)
    assert os.listdir("/run") == []


def test_without_cgroups() -> None:
    """An init stays where the task is, and that is said; a cgroup namespace needs them."""

    def work() -> tuple[tuple[str, ...], dict[str, NamespaceError], bool]:
        results = bring("blue", types=["pid"])
        failed = bring("green", types=["cgroup"]).failed
        return results.warnings, dict(failed), bool(init_of("blue"))

    warnings, failed, lives = support.in_own_world(work, "mnt", "pid")
    (warning,) = warnings
    assert "the init of blue stays in the cgroup of the task" in warning
    assert "no version 2 hierarchy is mounted" in failed["green"].cause
    assert lives


def test_a_kernel_without_a_type() -> None:
    """As far as it can be imitated: there is no such link below /proc, and it is unknown to unshare(2)."""
    really_open, really_unshare = procfs.open_namespace, process.unshare

    def open_namespace(proc: int, pid: int, link: str) -> int:
        if link.startswith("time"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), link)
        return really_open(proc, pid, link)

    def unshare(flag: int) -> None:
        if flag == nstypes.TIME.flag:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        really_unshare(flag)

    def forget_time() -> None:
        procfs.open_namespace, process.unshare = open_namespace, unshare

    for types in (["time", "uts"], ["time", "pid"], ["time"]):
        try:
            error = failure("blue", types=types, prepare=forget_time)
        except NamespaceError as for_all:
            error = for_all
        assert "this kernel has no time namespaces" in error.cause
        assert os.listdir("/run") == []
    kinds = [kind for kind in support.TYPE_NAMES if kind != "time"]
    brought("blue", types=kinds, prepare=forget_time, **support.AS_ROOT)
    brought("green", types=["net", "uts"], prepare=forget_time)
    assert brought("blue", "green", prepare=forget_time) == {"blue": (), "green": ()}
    brought("blue", "green", present=False, prepare=forget_time)


def test_several_tasks_at_once() -> None:
    """On one name, and on lists that overlap."""
    lists = [("one",), ("one", "two"), ("two", "one", "three"), ("three", "one")] * 2
    tasks = [support.Background(functools.partial(brought, *names, types=["net", "uts"])) for names in lists]
    answers = [task.result() for task in tasks]
    for name in ("one", "two", "three"):
        assert sum(bool(answer.get(name)) for answer in answers) == 1
        for kind in ("net", "uts"):
            paths = [item.path for item in support.mounts_below(f"/run/{kind}ns")]
            assert sorted(paths) == [f"/run/{kind}ns", *(f"/run/{kind}ns/{each}" for each in ("one", "three", "two"))]
    tasks = [support.Background(functools.partial(brought, *names, present=False)) for names in lists]
    assert sum(bool(task.result()["one"]) for task in tasks) == 1
    assert os.listdir("/run") == []
