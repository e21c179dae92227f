# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""mountinfo, whatever somebody calls a mount point."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import mount, mountinfo, procfs
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import given
from hypothesis import strategies as st

# What a file name can hold; bytes that are not UTF-8 are surrogates here.
names = st.text(
    st.one_of(
        st.characters(exclude_characters="\0/", exclude_categories=["Cs"]),
        st.sampled_from("\\ \t\n\r\x0b\x0c\x1c\x85\u2028\u2029#0123- "),
        st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),
    ),
    min_size=1,
    max_size=8,
)
paths = st.lists(names, max_size=3).map(lambda parts: "/" + "/".join(parts))
groups = st.integers(1, 10**6)
propagations = st.fixed_dictionaries(
    {}, optional={"shared": groups, "master": groups, "propagate_from": groups, "unbindable": st.just(0)}
)
types = st.from_regex(r"[a-z0-9.]+", fullmatch=True)
options = st.sampled_from(["rw", "ro,hidepid=invisible,gid=4", "rw,lowerdir=/a\\040b"])
mounts = st.builds(mountinfo.Mount, st.integers(0), st.integers(0), paths, paths, propagations, types, names, options)


def escape(text: str, special: str = " \t\n\\") -> str:
    """As the kernel's seq_file does."""
    return re.sub(f"[{re.escape(special)}]", lambda match: f"\\{ord(match[0]):03o}", text)


def line_of(item: mountinfo.Mount) -> str:
    optional = "".join(f" {name}:{group}" if group else f" {name}" for name, group in item.propagation.items())
    before = f"{item.id} {item.parent} 8:1 {escape(item.root)} {escape(item.path)} rw,relatime{optional}"
    return f"{before} - {item.fstype} {escape(item.source, ' #' + chr(9) + chr(10) + chr(92))} {item.options}\n"


@support.properties
@given(st.lists(mounts, max_size=2))
def test_round_trip(expected: list[mountinfo.Mount]) -> None:
    assert mountinfo.parse("".join(map(line_of, expected))) == expected


@support.properties
@given(mounts.map(line_of), st.integers(0, 60), st.text("0 -:/\\\nx", max_size=3))
def test_garbage_is_a_value_error(line: str, place: int, garbage: str) -> None:
    """Or it is the name of something; no other error, and no mount out of nothing."""
    try:
        found = mountinfo.parse(line[:place] + garbage)
    except ValueError:
        return
    assert len(found) <= garbage.count("\n") + 1


@pytest.mark.parametrize(
    "line",
    [
        "garbage",
        "36 35 98:0 /a /b rw",
        "36 35 98:0 /a /b rw -",
        "36 35 98:0 /a /b rw - ext4",
        "36 35 98:0 /a /b rw - ext4 /dev/sda",
        "36 35 98:0 /a /b - ext4 /dev/sda rw",
        "x 35 98:0 /a /b rw - ext4 /dev/sda rw",
        "36 35 98:0 /a /b rw shared:x - ext4 /dev/sda rw",
    ],
)
def test_garbage(line: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        mountinfo.parse(line)


def test_nothing() -> None:
    assert mountinfo.parse("") == []


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a\tb",
        "a\nb",
        "a\\b",
        r"a\040b",
        "a#b",
        "a\rb",
        "a\x0cb",
        "a\x85b",
        "a\u2028b",
        "a\udcffb",
        " - ext4 x rw",
    ],
    ids=ascii,
)
def test_what_the_kernel_writes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.mkdir()
    before, after = support.secluded(lambda: mounts_around(path))
    assert after[:-1] == before
    new = after[-1]
    assert (new.path, new.fstype, new.source, new.root, new.propagation) == (str(path), "tmpfs", name, "/", {})
    above = [item for item in before if new.path.startswith(item.path.rstrip("/") + "/")]
    assert new.parent in {item.id for item in above}


def mounts_around(path: Path) -> tuple[list[mountinfo.Mount], list[mountinfo.Mount]]:
    """All mounts before and after one more is made, of a source that is called like the mount point."""
    before = own_mounts()
    with closing(os.open(path, os.O_PATH)) as place:
        mount.mount_filesystem("tmpfs", path.name, place)
    return before, own_mounts()


def own_mounts() -> list[mountinfo.Mount]:
    with support.own_procfs() as proc:
        return mountinfo.parse(procfs.read(proc, f"{os.getpid()}/mountinfo"))


def test_a_root_below_another_one(tmp_path: Path) -> None:
    """A bind mount shows which part of its file system it is."""

    def work() -> tuple[str, str]:
        support.mount_over("tmpfs", tmp_path)
        (tmp_path / "a b").mkdir()
        support.bind(tmp_path / "a b", tmp_path)
        last = own_mounts()[-1]
        return last.root, last.path

    assert support.secluded(work) == ("/a b", str(tmp_path))


def test_the_mounts_of_the_caller(tmp_path: Path) -> None:
    def work() -> list[mountinfo.Mount]:
        support.mount_over("tmpfs", tmp_path)
        with support.own_procfs() as proc:
            return mountinfo.read(proc)

    found = support.secluded(work)
    assert (found[-1].path, found[-1].fstype) == (str(tmp_path), "tmpfs")
    assert str(tmp_path) not in [item.path for item in own_mounts()]


def test_the_file_of_the_caller_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole lines, however they lie, but not more than are asked for, nor one that no part has place for."""
    with support.own_procfs() as proc:
        expected = procfs.read(proc, f"{os.getpid()}/mountinfo").encode()
        longest = max(map(len, expected.splitlines(keepends=True)))
        for size in (1 << 20, longest + 1, 2 * longest):
            monkeypatch.setattr(mountinfo, "_BLOCK_BYTES", size)
            parts = list(mountinfo.lines_of(proc, len(expected)))
            assert b"".join(parts) == expected
            assert [part[-1:] for part in parts] == [b"\n"] * len(parts)
            assert support.code_of(lambda: list(mountinfo.lines_of(proc, len(expected) - 1))) == errno.EFBIG
        monkeypatch.setattr(mountinfo, "_BLOCK_BYTES", longest // 2 - 1)
        assert support.code_of(lambda: list(mountinfo.lines_of(proc, len(expected)))) == errno.EFBIG


def test_which_mount_something_is_the_root_of(tmp_path: Path) -> None:
    """Not what is merely on it, nor what another mount hides."""
    place = tmp_path / "a b"
    place.mkdir()

    def work() -> None:
        with support.own_procfs() as proc, closing(os.open(place, os.O_RDONLY)) as before:
            assert mountinfo.mount_at(proc, before, mountinfo.read(proc)) is None
            support.mount_over("tmpfs", place)
            (place / "below").mkdir()
            mounts = mountinfo.read(proc)
            with closing(os.open(place, os.O_RDONLY)) as at, closing(os.open(place / "below", os.O_RDONLY)) as below:
                assert mountinfo.mount_at(proc, at, mounts) == mounts[-1]
                assert mountinfo.mount_at(proc, below, mounts) is None
                assert mountinfo.mount_at(proc, at, mounts[:-1]) is None
            assert mountinfo.mount_at(proc, before, mounts) is None

    support.secluded(work)


def test_a_bind_mount_of_a_directory_to_itself(tmp_path: Path) -> None:
    def work() -> bool:
        support.bind(tmp_path, tmp_path)
        with support.own_procfs() as proc, closing(os.open(tmp_path, os.O_RDONLY)) as fd:
            mounts = mountinfo.read(proc)
            return mountinfo.mount_at(proc, fd, mounts) == mounts[-1]

    assert support.secluded(work)


def test_which_mount_a_path_comes_out_on(tmp_path: Path) -> None:
    """As the kernel finds it: the last one upon another, and none below a mount that came later."""

    def work() -> list[tuple[str, int | None, int]]:
        support.own_mounts()
        below = tmp_path / "folder/below"
        below.mkdir(parents=True)
        found = []
        for place in (below, below, tmp_path / "folder"):
            support.mount_over("tmpfs", place)
            below.mkdir(parents=True, exist_ok=True)
            with support.own_procfs() as proc:
                at = mountinfo.uppermost(mountinfo.read(proc))
                for path in (below, tmp_path / "folder", tmp_path, Path("/"), Path("/proc"), Path("/proc/1")):
                    with closing(os.open(path, os.O_PATH)) as fd:
                        mount_there = at(str(path))
                        assert mount_there
                        found.append((str(path), mountinfo.mount_id(proc, fd), mount_there.id))
        return found

    for path, actual, told in support.forked(work):
        assert told == actual, path


@given(st.lists(mounts, max_size=2), paths)
def test_whatever_the_mounts_are_a_path_comes_out_somewhere(some: list[mountinfo.Mount], path: str) -> None:
    found = mountinfo.uppermost(some)(path)
    assert found is None or found in some
