# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is set up inside: seen from inside by a process that is there, and from outside by its procfs."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import mount, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.definition import PROPAGATIONS
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support

CLOSED = ("private", "slave", "unbindable", "slave_shared")
OPEN = ("shared", "unchanged")


class Line(t.NamedTuple):
    """Of mountinfo."""

    path: str
    options: frozenset[str]
    propagation: frozenset[str]
    fstype: str


def mounts(pid: int | str = "self") -> list[Line]:
    found = []
    for line in support.read(f"/proc/{pid}/mountinfo").splitlines():
        fields = line.split(" ")
        end = fields.index("-")
        groups = frozenset(re.sub(r":\d+", "", field) for field in fields[6:end])
        found.append(Line(fields[4], frozenset(fields[5].split(",")), groups, fields[end + 1]))
    return found


def mount_text() -> str:
    return support.read("/proc/self/mountinfo")


def refusal(**arguments: t.Any) -> str:
    with pytest.raises(NamespaceError) as caught:
        support.seen(lambda: None, **arguments)
    return str(caught.value)


@pytest.fixture
def jail(tmp_path: Path) -> Path:
    for name in ("proc", "sys", "tmp", "below"):
        (tmp_path / "jail" / name).mkdir(parents=True)
    (tmp_path / "jail/found").touch()
    return tmp_path / "jail"


# ---- propagation, where the root is shared outside


@pytest.mark.parametrize("propagation", PROPAGATIONS)
def test_propagation_inside(propagation: str) -> None:
    def work() -> set[frozenset[str]]:
        support.own_mounts("shared")
        with support.entered(unshare=["mnt"], options={"propagation": propagation}) as (pid, _seen):
            return {line.propagation for line in mounts(pid)}

    expected = {"private": set(), "slave": {"master"}, "slave_shared": {"shared", "master"}, "unchanged": {"shared"}}
    assert support.forked(work) == {frozenset(expected.get(propagation, {propagation}))}


@pytest.mark.parametrize("propagation", PROPAGATIONS)
def test_nothing_that_is_set_up_is_seen_outside(jail: Path, propagation: str) -> None:
    """Neither proc, sysfs, the defined mounts nor a root: the tutorials ruin the host's /proc here."""

    def work() -> tuple[bool, list[str]]:
        support.own_mounts("shared")
        before = mount_text()
        options: dict[str, t.Any] = {"propagation": propagation}
        if propagation in CLOSED:
            options["mounts"] = [
                {"path": str(jail / "tmp"), "fstype": "tmpfs"},
                {"path": str(jail / "below"), "src": "/proc", "opts": "rbind"},
            ]
        with support.entered(
            own_fstypes,
            unshare=["mnt", "pid", "net"],
            options=options,
            root=str(jail) if propagation in CLOSED else None,
            sysfs=True,
        ) as (_pid, seen):
            return mount_text() == before, seen

    same, seen = support.forked(work)
    assert same
    assert seen == (["found"] if propagation in CLOSED else []) + ["1", "lo"]


def own_fstypes() -> list[str]:
    """The file of the jail if it is the root, our pid in /proc and the devices in /sys."""
    return [*filter("found".__eq__, os.listdir("/")), os.readlink("/proc/self"), *os.listdir("/sys/class/net")]


@pytest.mark.parametrize("propagation", PROPAGATIONS)
def test_what_is_mounted_later_goes_where_propagation_says(tmp_path: Path, propagation: str) -> None:
    """Inside, and outside: with the open ones mounts are shared with the host, as documented."""

    def later() -> None:
        support.mount_over("tmpfs", inner)

    def work() -> tuple[bool, bool]:
        support.own_mounts("shared")
        with support.entered(later, unshare=["mnt"], options={"propagation": propagation}) as (pid, _seen):
            support.mount_over("tmpfs", outer)
            got_out = str(inner) in {line.path for line in mounts()}
            got_in = str(outer) in {line.path for line in mounts(pid)}
            return got_out, got_in

    inner, outer = tmp_path / "inner", tmp_path / "outer"
    inner.mkdir()
    outer.mkdir()
    assert support.forked(work) == (propagation in OPEN, propagation not in ("private", "unbindable"))


def test_a_second_copy_is_a_slave_of_the_host_but_a_peer_of_the_first() -> None:
    def copied() -> bool:
        with closing(os.open("/proc/self/ns/mnt", os.O_RDONLY)):
            process.unshare(nstypes.MNT.flag)
            return {line.propagation for line in mounts()} == {frozenset({"shared", "master"})}

    def work() -> t.Any:
        support.own_mounts("shared")
        return support.seen(copied, unshare=["mnt"], options={"propagation": "slave_shared"})

    assert support.forked(work) is True


# ---- mounts


def seen_with(item: dict[str, str], look: t.Callable[[], t.Any]) -> t.Any:
    return support.seen(look, unshare=["mnt"], options={"mounts": [item]})


def test_a_tmpfs_with_options(tmp_path: Path) -> None:
    def look() -> tuple[int, int, list[str]]:
        (line,) = (line for line in mounts() if line.path == str(tmp_path))
        return (
            os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize,
            tmp_path.stat().st_mode & 0o7777,
            sorted(line.options),
        )

    item = {"path": str(tmp_path), "fstype": "tmpfs", "opts": "size=64k,noexec,mode=1755,nosuid,ro"}
    assert seen_with(item, look) == [65536, 0o1755, ["noexec", "nosuid", "relatime", "ro"]]


@pytest.mark.parametrize("opts", ["bind", "bind,ro", "rbind,ro"])
def test_a_file_over_a_file(tmp_path: Path, opts: str) -> None:
    def look() -> tuple[str, str]:
        try:
            support.write(over, "changed")
        except OSError as error:
            return support.read(over), errno.errorcode[error.errno or 0]
        return support.read(over), "written"

    source, over = tmp_path / "source", tmp_path / "over"
    source.write_text("source")
    over.write_text("over")
    expected = ["source", "EROFS"] if "ro" in opts.split(",") else ["changed", "written"]
    assert seen_with({"path": str(over), "src": str(source), "opts": opts}, look) == expected
    assert source.read_text() == ("source" if expected[1] == "EROFS" else "changed")
    assert over.read_text() == "over"


@pytest.mark.parametrize(("opts", "found"), [("bind", []), ("rbind", ["deep"])])
def test_a_tree(tmp_path: Path, opts: str, found: list[str]) -> None:
    for name in ("source/below", "over"):
        (tmp_path / name).mkdir(parents=True)

    def work() -> t.Any:
        support.mount_over("tmpfs", tmp_path / "source/below")
        (tmp_path / "source/below/deep").touch()
        item = {"path": str(tmp_path / "over"), "src": str(tmp_path / "source"), "opts": opts}
        return seen_with(item, lambda: os.listdir(tmp_path / "over/below"))

    assert support.secluded(work) == found


def test_in_their_order(tmp_path: Path) -> None:
    """The second one is mounted in the first one, the third one over the second."""
    (tmp_path / "source/below").mkdir(parents=True)
    (tmp_path / "place").mkdir()
    items = [
        {"path": str(tmp_path / "place"), "src": str(tmp_path / "source"), "opts": "bind"},
        {"path": str(tmp_path / "place/below"), "fstype": "tmpfs", "opts": "mode=700"},
        {"path": str(tmp_path / "place/below"), "fstype": "tmpfs", "opts": "mode=711"},
    ]
    look = (tmp_path / "place/below").stat
    assert support.seen(lambda: look().st_mode & 0o777, unshare=["mnt"], options={"mounts": items}) == 0o711
    assert (tmp_path / "source/below").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"path": "link", "fstype": "tmpfs"}, "ELOOP"),
        ({"path": "link/below", "fstype": "tmpfs"}, "ELOOP"),
        ({"path": "real", "src": "link", "opts": "bind"}, "ELOOP"),
        (
            {"path": "nothing", "fstype": "tmpfs"},
            "ENOENT (No such file or directory): there is nothing at that path; create it",
        ),
        (
            {"path": "real", "src": "nothing", "opts": "bind"},
            "ENOENT (No such file or directory): there is nothing at that path",
        ),
        ({"path": "file/x", "fstype": "tmpfs"}, "ENOTDIR (Not a directory): a part of the path is no directory"),
        ({"path": "file", "fstype": "tmpfs"}, "ENOTDIR (Not a directory)"),
        ({"path": "file", "src": "real", "opts": "bind"}, "one of the two is a directory"),
        ({"path": "real", "src": "file", "opts": "bind"}, "one of the two is a directory"),
        (
            {"path": "real", "fstype": "nofs"},
            "ENODEV (No such device): this kernel does not know the file system; load",
        ),
        (
            {"path": "real", "fstype": "tmpfs", "opts": "color=red"},
            "EINVAL (Invalid argument): the file system does not take",
        ),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "-".join(value.values()),
)
def test_mounts_that_fail(tmp_path: Path, item: dict[str, str], text: str) -> None:
    (tmp_path / "real/below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").touch()
    placed = {name: str(tmp_path / value) if name in ("path", "src") else value for name, value in item.items()}
    message = refusal(unshare=["mnt"], options={"mounts": [placed]})
    assert re.match(rf"cannot mount \S+ at {re.escape(placed['path'])}", message)
    assert text in message
    if text == "ELOOP":
        assert "the path goes through a symbolic link, and somebody could point it elsewhere" in message


def test_a_link_below_proc_is_refused() -> None:
    """Such a link leads to any directory that some process has open."""
    with closing(os.open("/tmp", os.O_PATH)) as fd:
        item = {"path": f"/proc/{os.getpid()}/fd/{fd}", "fstype": "tmpfs"}
        assert "ELOOP" in refusal(unshare=["mnt"], options={"mounts": [item]})


def test_a_mount_that_a_user_namespace_may_not_make(tmp_path: Path) -> None:
    item = {"path": str(tmp_path), "src": "/dev/null", "fstype": "ext4"}
    ids = [{"inside": 0, "outside": 0, "count": 1}]
    message = refusal(unshare=["user", "mnt"], options={"mounts": [item], "uid_map": ids, "gid_map": ids})
    assert re.match(rf"cannot mount /dev/null at {tmp_path}: (EPERM|ENODEV)", message)


# ---- another root


@pytest.mark.parametrize("types", [["mnt"], ["mnt", "pid"], ["uts"], ["user", "mnt", "pid"]], ids="-".join)
def test_the_root_is_what_is_there(jail: Path, types: list[str]) -> None:
    ids = [{"inside": 0, "outside": 0, "count": 1}]
    options = {"uid_map": ids, "gid_map": ids} if "user" in types else {}
    jail.parent.chmod(0o755)

    def look() -> tuple[list[str], str]:
        return sorted(os.listdir("/")), os.getcwd() if "mnt" in types else "/"

    assert support.seen(look, unshare=types, options=options, root=str(jail)) == [
        ["below", "found", "proc", "sys", "tmp"],
        "/",
    ]


def test_the_old_root_is_gone(jail: Path) -> None:
    """No mount of it is left, and no way out: not even the one that leads out of every chroot."""

    def look() -> tuple[list[str], list[str]]:
        seen = [line.path for line in mounts()]
        os.mkdir("x")
        os.chroot("x")
        for _level in range(30):
            os.chdir("..")
        os.chroot(".")
        return seen, sorted(os.listdir("/"))

    assert escape_from(jail, look) == [["/", "/proc"], ["below", "found", "proc", "sys", "tmp", "x"]]


def test_the_way_out_of_a_chroot(jail: Path) -> None:
    """Without a new mount namespace it leads out: this is why the documentation says chroot."""

    def look() -> bool:
        os.mkdir("x")
        os.chroot("x")
        for _level in range(30):
            os.chdir("..")
        os.chroot(".")
        return os.path.isdir("/etc")

    assert support.seen(look, unshare=["uts"], root=str(jail)) is True


def escape_from(jail: Path, look: t.Callable[[], t.Any]) -> t.Any:
    return support.seen(look, unshare=["mnt", "pid"], root=str(jail))


def test_a_root_keeps_what_is_mounted_below(jail: Path) -> None:
    item = {"path": str(jail / "tmp"), "fstype": "tmpfs", "opts": "mode=711"}
    look = Path("/tmp").stat
    options = {"mounts": [item]}
    assert support.seen(lambda: look().st_mode & 0o777, unshare=["mnt"], options=options, root=str(jail)) == 0o711


@pytest.mark.parametrize("types", [["mnt"], ["uts"]], ids="-".join)
@pytest.mark.parametrize(("name", "code"), [("link", "ELOOP"), ("found", "ENOTDIR"), ("nothing", "ENOENT")])
def test_a_root_that_is_none(jail: Path, types: list[str], name: str, code: str) -> None:
    (jail / "link").symlink_to("below")
    message = refusal(unshare=types, root=str(jail / name))
    assert message.startswith(f"cannot enter the root {jail / name}")
    assert code in message


def test_a_root_without_a_place_for_proc_and_sysfs(jail: Path) -> None:
    for name in ("proc", "sys"):
        (jail / name).rmdir()
    assert "cannot mount a fresh proc at /proc: ENOENT" in refusal(unshare=["mnt", "pid"], root=str(jail))
    options = {"mount_proc": False}

    def look() -> list[str]:
        return sorted(os.listdir("/"))

    assert support.seen(look, unshare=["mnt", "pid", "net"], options=options, root=str(jail), sysfs=True) == [
        "below",
        "found",
        "tmp",
    ]


def test_a_root_from_a_chroot(jail: Path, tmp_path: Path) -> None:
    """There the kernel has no mount that could change places with it."""

    def work() -> str:
        for name in ("proc", "dev"):
            (tmp_path / name).mkdir()
            support.bind(f"/{name}", tmp_path / name)
        os.chroot(tmp_path)
        return refusal(unshare=["mnt"], root="/jail")

    message = support.secluded(work)
    assert (
        "EINVAL (Invalid argument): the task runs in a chroot, whose root is no mount point; run it outside" in message
    )
    del jail


# ---- proc and sysfs


@pytest.mark.parametrize(
    ("types", "asked", "fresh"),
    [
        (["mnt", "pid"], None, True),
        (["mnt", "pid"], False, False),
        (["mnt"], None, False),
        (["pid"], None, False),
    ],
)
def test_a_fresh_proc(types: list[str], asked: bool | None, fresh: bool) -> None:
    found = support.seen(
        lambda: os.readlink("/proc/self"), unshare=types, options={"mount_proc": asked} if asked is not None else {}
    )
    assert (found == "1") is fresh


def own_sysfs() -> None:
    """A sysfs of a network namespace of our own: no other one is mounted there already."""
    process.unshare(nstypes.NET.flag)
    support.mount_over("sysfs", "/sys")


def cgroups() -> None:
    """A mount below /sys, and one below that, in the place of what is there."""
    own_sysfs()
    support.mount_over("tmpfs", "/sys/fs/cgroup")
    os.mkdir("/sys/fs/cgroup/a b")
    support.mount_over("tmpfs", "/sys/fs/cgroup/a b", "mode=711")


def cgroups_and_another() -> None:
    """The same, and a second mount directly below /sys."""
    cgroups()
    support.mount_over("tmpfs", "/sys/kernel")


def below_sys(lines: t.Iterable[Line]) -> list[tuple[str, str]]:
    return sorted((line.path, line.fstype) for line in lines if line.path.startswith("/sys/"))


@pytest.mark.parametrize("propagation", PROPAGATIONS)
def test_sysfs_shows_the_network_namespace_and_keeps_what_is_below(propagation: str) -> None:
    def look() -> tuple[list[str], int]:
        return os.listdir("/sys/class/net"), os.stat("/sys/fs/cgroup/a b").st_mode & 0o777

    def work() -> None:
        support.own_mounts("shared")
        cgroups_and_another()
        before, text = below_sys(mounts()), mount_text()
        options = {"propagation": propagation}
        with support.entered(look, unshare=["net", "mnt"], options=options, sysfs=True) as (pid, seen):
            assert seen == [["lo"], 0o711]
            assert set(below_sys(mounts(pid))) == set(before)
            assert [line.fstype for line in mounts(pid) if line.path == "/sys"][-1] == "sysfs"
            assert mount_text() == text

    support.forked(work)


@pytest.mark.parametrize("way", ["{0}/jail", "{0}/jail/", "{0}//jail", "{0}/jail/../jail/."])
def test_sysfs_below_a_root(jail: Path, way: str) -> None:
    def look() -> tuple[list[str], list[str]]:
        return os.listdir("/sys/class/net"), os.listdir("/sys/fs/cgroup")

    def work() -> t.Any:
        cgroups_and_another()
        support.bind("/sys", jail / "sys")
        return support.seen(look, unshare=["net", "mnt"], root=way.format(jail.parent), sysfs=True)

    assert support.secluded(work) == [["lo"], ["a b"]]


@pytest.mark.parametrize("cgroup", [False, True])
def test_a_new_user_namespace_changes_no_cgroups_but_its_own(cgroup: bool) -> None:
    """CVE-2023-25809; the mount below the cgroups as well."""
    everybody = [{"inside": 0, "outside": 0, "count": 65536}]

    def look() -> list[bool]:
        return [bool(os.statvfs(path).f_flag & os.ST_RDONLY) for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/a b")]

    def work() -> t.Any:
        cgroups()
        types = ["user", "net", "mnt", *(["cgroup"] if cgroup else [])]
        options = {"uid_map": everybody, "gid_map": everybody}
        return support.seen(look, unshare=types, options=options, sysfs=True)

    assert support.secluded(work) == [not cgroup, not cgroup]


def test_without_sysfs_the_old_one_stays() -> None:
    """With what the new network namespace does not have."""

    def work() -> t.Any:
        own_sysfs()
        return os.stat("/sys").st_dev, support.seen(lambda: os.stat("/sys").st_dev, unshare=["net", "mnt"])

    before, found = support.secluded(work)
    assert found == before


def test_a_read_only_sysfs_stays_read_only() -> None:
    def work() -> t.Any:
        own_sysfs()
        with closing(os.open("/sys", os.O_PATH)) as fd:
            mount.set_flags(fd, mount.FLAGS["ro"])

        def look() -> bool:
            return bool(os.statvfs("/sys").f_flag & os.ST_RDONLY)

        return support.seen(look, unshare=["net", "mnt"], sysfs=True)

    assert support.secluded(work) is True


def test_a_sysfs_that_shows_the_network_namespace_already() -> None:
    def work(pid: int) -> t.Any:
        with closing(os.open("/proc/self/ns/net", os.O_RDONLY)) as ours, closing(
            os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        ) as theirs:
            process.setns(theirs, nstypes.NET.flag)
            support.mount_over("sysfs", "/sys")
            process.setns(ours, nstypes.NET.flag)

        def devices() -> list[str]:
            return os.listdir("/sys/class/net")

        return support.seen(devices, unshare=["mnt"], pid=pid, types=["net"], sysfs=True)

    with support.inhabited("net") as pid:
        assert support.secluded(lambda: work(pid)) == ["lo"]


# ---- names and loopback


def test_names() -> None:
    def look() -> tuple[str, str]:
        return os.uname().nodename, support.read("/proc/sys/kernel/domainname").strip()

    before = look()
    assert support.seen(look, unshare=["uts"]) == [*before]
    assert support.seen(look, unshare=["uts"], options={"hostname": "box"}) == ["box", before[1]]
    assert support.seen(look, unshare=["uts"], options={"domainname": "example"}) == [before[0], "example"]
    assert support.seen(look, unshare=["uts"], options={"hostname": "ä", "domainname": "x" * 64}) == ["ä", "x" * 64]
    assert look() == before


@pytest.mark.parametrize(("loopback", "works"), [(None, True), (True, True), (False, False)])
def test_loopback(loopback: bool | None, works: bool) -> None:
    def look() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            with contextlib.suppress(OSError):
                return sender.sendto(b"x", ("127.0.0.1", 9)) == 1
            return False

    assert support.seen(look, unshare=["net"], options={} if loopback is None else {"loopback": loopback}) is works
