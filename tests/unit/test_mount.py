# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mounts by descriptor; what came of it is read in mountinfo and statvfs."""

from __future__ import annotations

import errno
import os
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import mount, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.tests.unit import support

MOUNT_SETATTR = 442


def fields_of(path: Path) -> tuple[set[str], set[str]]:
    """The options of the topmost mount at a path, and its propagation without the numbers of the groups."""
    lines = [line.split(" ") for line in Path("/proc/self/mountinfo").read_text().split("\n") if line]
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
        with (
            closing(os.open(tmp_path / "a", os.O_PATH)) as source,
            closing(os.open(tmp_path / "b", os.O_PATH)) as place,
            closing(mount.clone_tree(source, recursive)) as copy,
        ):
            mount.attach_tree(copy, place)
        return os.listdir(tmp_path / "b/below")

    (tmp_path / "a/below").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    assert support.secluded(work) == (["found"] if recursive else [])


# ---- propagation and flags, with mount_setattr and without


@pytest.mark.parametrize("old_kernel", [False, True], ids=["mount_setattr", "mount"])
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


@pytest.mark.parametrize("old_kernel", [False, True], ids=["mount_setattr", "mount"])
@pytest.mark.parametrize("name", sorted(mount.ATTRIBUTE_FLAGS))
def test_flags_of_a_bind_mount(tmp_path: Path, name: str, old_kernel: bool) -> None:
    def work() -> tuple[set[str], set[str]]:
        with closing(os.open(tmp_path, os.O_PATH)) as place:
            mount.mount_filesystem("tmpfs", "tmpfs", place, mount.FLAGS["nosuid"] | mount.FLAGS["nodev"])
        support.bind(tmp_path, tmp_path)
        before = fields_of(tmp_path)[0]
        if old_kernel:
            support.without(MOUNT_SETATTR)
        with closing(os.open(tmp_path, os.O_PATH)) as top:
            mount.set_flags(top, mount.FLAGS[name])
        return before, fields_of(tmp_path)[0]

    before, after = support.secluded(work)
    kept = {"nosuid", "nodev"}
    assert before == {"rw", "relatime"} | kept
    expected = {"ro": {"ro", "relatime"}, "noatime": {"rw", "noatime"}, "strictatime": {"rw"}}
    assert after == kept | expected.get(name, {"rw", "relatime", name})


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
