# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mounts by descriptor; what came of it is read in mountinfo and statvfs."""

from __future__ import annotations

import errno
import os
import re
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import mount, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.tests.unit import support

MOUNT_SETATTR = 442


def fields_of(path: Path) -> tuple[set[str], set[str]]:
    """The options of the topmost mount at a path, and its propagation without the numbers of the groups."""
    lines = [line.split(" ") for line in support.read("/proc/self/mountinfo").split("\n") if line]
    fields = [line for line in lines if line[4] == str(path)][-1]
    return set(fields[5].split(",")), {re.sub(r":\d+", "", field) for field in fields[6 : fields.index("-")]}


# ---- paths


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "real/below").mkdir(parents=True)
    (tmp_path / "real/file").touch()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/up").symlink_to("/")
    os.mkfifo(tmp_path / "real/fifo")
    return tmp_path


@pytest.mark.parametrize("path", ["real", "real/below", "real/file", "real/../real/below/..", "real/fifo"])
def test_a_path_without_links(tree: Path, path: str) -> None:
    with closing(mount.open_path(str(tree / path))) as fd:
        assert os.path.samestat(os.fstat(fd), (tree / path).stat())
        assert support.code_of(lambda: os.read(fd, 1)) == errno.EBADF


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("link", errno.ELOOP),
        ("link/below", errno.ELOOP),
        ("real/up", errno.ELOOP),
        ("nothing", errno.ENOENT),
        ("real/file/x", errno.ENOTDIR),
    ],
)
def test_a_path_with_a_link(tree: Path, path: str, code: int) -> None:
    assert support.code_of(lambda: mount.open_path(str(tree / path))) == code


def test_a_magic_link(tree: Path) -> None:
    with closing(os.open(tree, os.O_PATH)) as fd:
        assert support.code_of(lambda: mount.open_path(f"/proc/{os.getpid()}/fd/{fd}/real")) == errno.ELOOP


@pytest.mark.parametrize("path", ["..", "../../..", "/..", "below/../../real/.."])
def test_a_directory_is_never_left(tree: Path, path: str) -> None:
    with closing(os.open(tree / "real", os.O_PATH)) as directory:
        if "real" in path:
            assert support.code_of(lambda: mount.open_path(path, directory)) == errno.ENOENT
            return
        with closing(mount.open_path(path, directory)) as fd:
            assert os.path.samestat(os.fstat(fd), (tree / "real").stat())


# ---- mounting


def test_a_file_system(tmp_path: Path) -> None:
    def work() -> tuple[set[str], int]:
        with closing(os.open(tmp_path, os.O_PATH)) as place:
            mount.mount_filesystem(
                "tmpfs", "source", place, mount.FLAGS["nosuid"] | mount.FLAGS["ro"], "size=64k,mode=700"
            )
        return fields_of(tmp_path)[0], os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize

    options, size = support.secluded(work)
    assert {"ro", "nosuid"} <= options
    assert size == 65536


def test_a_bound_file(tmp_path: Path) -> None:
    def work() -> tuple[str, str]:
        support.bind(tmp_path / "a", tmp_path / "b")
        return (tmp_path / "a").read_text(), (tmp_path / "b").read_text()

    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    assert support.secluded(work) == ("a", "a")
    assert (tmp_path / "b").read_text() == "b"


@pytest.mark.parametrize("recursive", [False, True])
def test_what_is_mounted_below_comes_along_if_asked(tmp_path: Path, recursive: bool) -> None:
    def work() -> list[str]:
        support.mount_over("tmpfs", tmp_path / "a/below")
        (tmp_path / "a/below/found").touch()
        with closing(os.open(tmp_path / "a", os.O_PATH)) as source, closing(
            os.open(tmp_path / "b", os.O_PATH)
        ) as place, closing(mount.clone_tree(source, recursive)) as copy:
            mount.attach_tree(copy, place)
        return os.listdir(tmp_path / "b/below")

    (tmp_path / "a/below").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    assert support.secluded(work) == (["found"] if recursive else [])


# ---- propagation and flags, with mount_setattr and without


by_each_call = pytest.mark.parametrize("old_kernel", [False, True], ids=["mount_setattr", "mount"])


@by_each_call
@pytest.mark.parametrize("propagation", mount.PROPAGATION)
def test_propagation(tmp_path: Path, propagation: str, old_kernel: bool) -> None:
    """Seen from a mount below, which is reached recursively alone. A slave has its master in a copy."""

    def work(recursive: bool) -> set[str]:
        support.mount_over("tmpfs", tmp_path)
        below.mkdir()
        support.mount_over("tmpfs", below)
        with closing(os.open(tmp_path, os.O_PATH)) as top:
            mount.set_propagation(top, "shared", recursive=True)
        with closing(os.open("/proc/self/ns/mnt", os.O_RDONLY)):  # so that the peers stay
            process.unshare(nstypes.MNT.flag)
            if old_kernel:
                support.without(MOUNT_SETATTR)
            with closing(os.open(tmp_path, os.O_PATH)) as top:
                mount.set_propagation(top, propagation, recursive)
            return fields_of(below)[1]

    below = tmp_path / "below"
    assert support.secluded(lambda: work(recursive=False)) == {"shared"}
    expected = {"private": set(), "slave": {"master"}}.get(propagation, {propagation})
    assert support.secluded(lambda: work(recursive=True)) == expected


def test_propagation_of_what_is_no_mount_point(tmp_path: Path) -> None:
    def work() -> int | None:
        with closing(os.open(tmp_path, os.O_PATH)) as place:
            return support.code_of(lambda: mount.set_propagation(place, "private", recursive=False))

    assert support.secluded(work) == errno.EINVAL


ATIMES = {"noatime", "relatime", "strictatime"}


def flags_of(words: t.Iterable[str]) -> int:
    return sum(mount.FLAGS[word] for word in words)


def listed(words: set[str]) -> set[str]:
    """How mountinfo lists a mount with these flags; it says nothing for strictatime, and relatime is the default."""
    access = set() if "ro" in words else {"rw"}
    return access | (words if words & ATIMES else words | {"relatime"}) - {"strictatime"}


def added(present: set[str], words: set[str]) -> set[str]:
    """The flags are added; of those for access times, a mount has one."""
    return (present - ATIMES if words & ATIMES else present) | words


@by_each_call
@pytest.mark.parametrize(
    "words",
    [
        *sorted(mount.ATTRIBUTE_FLAGS),
        "ro,nosuid,nodev,noexec,noatime",
        "ro,nosuid,nodev,noexec,nosymfollow,nodiratime,relatime",
        "nodiratime,strictatime",
    ],
)
@pytest.mark.parametrize(
    "present",
    [
        "",
        "nosuid,nodev",
        "ro,noexec,noatime",
        "nodiratime",
        "strictatime",
        "nodiratime,strictatime",
        "nosymfollow",
        "ro,nosuid,nodev,noexec,nosymfollow,nodiratime,noatime",
    ],
)
def test_flags_of_a_bind_mount(tmp_path: Path, present: str, words: str, old_kernel: bool) -> None:
    """It has those of its source, and those that it is given; the source stays as it is."""

    def work() -> tuple[list[set[str]], bool]:
        with closing(os.open(source, os.O_PATH)) as place:
            mount.mount_filesystem("tmpfs", "tmpfs", place, flags_of(before))
        support.bind(source, copy)
        found, file_system = [fields_of(copy)[0]], os.statvfs(source)
        if old_kernel:
            support.without(MOUNT_SETATTR)
        with closing(os.open(copy, os.O_PATH)) as top:
            mount.set_flags(top, flags_of(given))
        found += [fields_of(copy)[0], fields_of(source)[0]]
        return found, os.statvfs(source) == file_system

    before, given = set(filter(None, present.split(","))), set(words.split(","))
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.mkdir()
    copy.mkdir()
    expected = [listed(before), listed(added(before, given)), listed(before)]
    assert support.secluded(work) == (expected, True)


@by_each_call
def test_what_the_flags_do(tmp_path: Path, old_kernel: bool) -> None:
    """Not what is listed: what is refused."""

    def work() -> tuple[list[int | None], int]:
        support.mount_over("tmpfs", tmp_path)
        (tmp_path / "program").write_text("#!/bin/sh\n")
        (tmp_path / "program").chmod(0o755)
        (tmp_path / "link").symlink_to("program")
        os.mknod(tmp_path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        support.bind(tmp_path, tmp_path)
        if old_kernel:
            support.without(MOUNT_SETATTR)
        with closing(os.open(tmp_path, os.O_PATH)) as top:
            mount.set_flags(top, flags_of(("ro", "nosuid", "nodev", "noexec", "nosymfollow")))
        codes = [
            support.code_of((tmp_path / "new").touch),
            support.code_of(lambda: os.execv(tmp_path / "program", ["program"])),
            support.code_of((tmp_path / "null").read_bytes),
            support.code_of((tmp_path / "link").read_bytes),
        ]
        return codes, os.statvfs(tmp_path).f_flag & (os.ST_RDONLY | os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC)

    codes = [errno.EROFS, errno.EACCES, errno.EACCES, errno.ELOOP]
    assert support.secluded(work) == (codes, os.ST_RDONLY | os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC)


@by_each_call
@pytest.mark.parametrize("recursive", [False, True])
def test_flags_of_what_is_mounted_below(tmp_path: Path, recursive: bool, old_kernel: bool) -> None:
    """mount(2) can not reach it: there it stays as it is."""

    def work() -> tuple[set[str], set[str]]:
        support.mount_over("tmpfs", tmp_path)
        (tmp_path / "below").mkdir()
        support.mount_over("tmpfs", tmp_path / "below")
        if old_kernel:
            support.without(MOUNT_SETATTR)
        with closing(os.open(tmp_path, os.O_PATH)) as top:
            mount.set_flags(top, mount.FLAGS["ro"], recursive)
        return fields_of(tmp_path)[0], fields_of(tmp_path / "below")[0]

    reached = recursive and not old_kernel and support.kernel_release() >= (5, 12)
    below = listed({"ro"} if reached else set())
    assert support.secluded(work) == (listed({"ro"}), below)


@by_each_call
def test_flags_of_a_bound_file(tmp_path: Path, old_kernel: bool) -> None:
    """mount(2) takes a path, and a file can't be the working directory."""

    def work() -> set[str]:
        support.bind(path, path)
        if old_kernel:
            support.without(MOUNT_SETATTR)
        with closing(os.open(path, os.O_PATH)) as top:
            mount.set_flags(top, mount.FLAGS["ro"])
        return fields_of(path)[0] & {"ro", "rw"}

    path = tmp_path / "file"
    path.touch()
    assert support.secluded(work) == {"ro"}


@by_each_call
@pytest.mark.parametrize("present", ["nosuid,nodev,noexec,noatime", "nodiratime", "nodiratime,strictatime"])
def test_flags_that_a_user_namespace_may_not_take_away(tmp_path: Path, present: str, old_kernel: bool) -> None:
    """What came along into a mount namespace of another owner is locked: a remount without it is refused."""

    def work() -> set[str]:
        with closing(os.open(tmp_path, os.O_PATH)) as place:
            mount.mount_filesystem("tmpfs", "tmpfs", place, flags_of(before))
        process.unshare(nstypes.USER.flag)
        process.unshare(nstypes.MNT.flag)
        if old_kernel:
            support.without(MOUNT_SETATTR)
        with closing(os.open(tmp_path, os.O_PATH)) as top:
            mount.set_flags(top, mount.FLAGS["ro"])
        return fields_of(tmp_path)[0]

    before = set(present.split(","))
    assert support.secluded(work) == listed(before | {"ro"})


@pytest.mark.parametrize("opts", ["ro", "nosuid,nodev,noexec,relatime", "ro,nosuid,nodev,noexec,noatime,nodiratime"])
def test_flags_from_the_words_of_a_task(tmp_path: Path, opts: str) -> None:
    """Of a bind mount, by the way that a task takes."""
    item = {"path": str(tmp_path), "src": str(tmp_path), "opts": f"bind,{opts}"}
    found = support.seen(lambda: sorted(fields_of(tmp_path)[0]), unshare=["mnt"], options={"mounts": [item]})
    assert set(opts.split(",")) <= set(found)


@pytest.mark.parametrize(
    "work",
    [
        lambda fd: mount.set_propagation(fd, "private", recursive=False),
        lambda fd: mount.set_flags(fd, mount.FLAGS["ro"]),
        lambda fd: mount.mount_filesystem("tmpfs", "tmpfs", fd),
        lambda fd: mount.clone_tree(fd, recursive=False),
    ],
    ids=["set_propagation", "set_flags", "mount_filesystem", "clone_tree"],
)
def test_without_privilege(tmp_path: Path, work: t.Callable[[int], object]) -> None:
    def unprivileged() -> int | None:
        with closing(os.open(tmp_path, os.O_PATH)) as fd:
            support.become_ordinary()
            return support.code_of(lambda: work(fd))

    tmp_path.chmod(0o755)
    assert support.secluded(unprivileged) == errno.EPERM


# ---- another root


def test_pivot_root(tmp_path: Path) -> None:
    def work() -> tuple[list[str], list[str]]:
        support.mount_over("tmpfs", tmp_path)
        (tmp_path / "found").touch()
        (tmp_path / "proc").mkdir()
        support.bind("/proc", tmp_path / "proc")
        os.chdir(tmp_path)
        mount.pivot_root_here()
        mount.detach_here()
        os.chdir("/")
        return sorted(os.listdir("/")), re.findall(
            r"^\d+ \d+ \S+ \S+ (\S+)", Path("/proc/self/mountinfo").read_text(), re.MULTILINE
        )

    names, mounts = support.secluded(work)
    assert names == ["found", "proc"]
    assert {path for path in mounts if not path.startswith("/proc")} == {"/"}
