# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of the host itself: which machine it is, what it declares, and what is wrong with its handles."""

from __future__ import annotations

import json
import os
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import descriptor, mount, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot import folder, places
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import (
    facts,
    files,
    handles,
    initial,
    machine,
    mounts,
    parts,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery.scan import Scan
from ansible_collections.linux.namespaces.tests.unit import booting, scanning, support
from ansible_collections.linux.namespaces.tests.unit.test_discovery_hostile import needs_fuse, silent

Told = t.Dict[str, t.Any]

ID = "5a2bd34ffb2a4d5aa7bcb24c6da2bc1a"
HANDLE = "/run/netns/blue"


def gather(**request: t.Any) -> Told:
    with support.own_procfs() as proc:
        return facts.gather(proc, facts.Request(**{"detail": "summary", **request}))


def on_host(work: t.Callable[[], object], **request: t.Any) -> Told:
    """What is told of a host with an empty /etc and /run after some work."""

    def prepared() -> Told:
        support.mount_over("tmpfs", "/etc", "mode=755")
        os.umask(0o022)
        work()
        return gather(**request)

    return support.in_own_world(prepared, "pid", "mnt")


# ---- which machine it is


@pytest.mark.parametrize("detail", ["summary", "normal"])
def test_the_machine(detail: str) -> None:
    told = on_host(lambda: Path("/etc/machine-id").write_text(f"{ID}\n"), detail=detail)
    assert told["machine"] == machine.id_from(ID)
    assert ID not in json.dumps(told)


@pytest.mark.parametrize("kind", support.WRONG_FILES)
def test_what_is_no_machine_id(kind: str) -> None:
    told = on_host(lambda: support.wrong_file(kind, Path("/etc/machine-id")))
    assert told["machine"] is None
    assert told["scan"]["incomplete_because"] == []


def test_a_fifo_that_nobody_writes_to() -> None:
    def work() -> None:
        os.mkfifo("/etc/machine-id")
        os.open("/etc/machine-id", os.O_RDWR)

    assert on_host(work)["machine"] is None


def test_an_endless_machine_id() -> None:
    def work() -> None:
        with open("/etc/machine-id", "wb") as file:
            file.write(ID.encode())
            file.truncate(1 << 40)

    assert on_host(work)["machine"] is None


@needs_fuse
def test_a_machine_id_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was seen before is kept."""
    monkeypatch.setattr(parts, "SECONDS", 1)

    def work() -> Told:
        support.mount_over("tmpfs", "/etc", "mode=755")
        Path("/etc/machine-id").touch()
        with silent("/etc/machine-id", "file"):
            return gather(detail="normal")

    told = support.in_own_world(work, "pid", "mnt")
    assert (told["machine"], told["handles"]) == (None, None)
    assert told["scan"]["incomplete_because"] == [mounts.LOST]
    assert [item["propagation"]["mounts"] > 0 for item in told["namespaces"] if item["inode"] == told["own"]["mnt"]]


# ---- sysctls


def test_sysctls() -> None:
    told = gather()["sysctls"]
    assert told.keys() == {
        "kernel.unprivileged_userns_clone",
        "kernel.apparmor_restrict_unprivileged_userns",
        "user.max_user_namespaces",
    }
    for name, value in told.items():
        path = Path("/proc/sys", *name.split("."))
        assert value == (int(path.read_text()) if path.exists() else None)


# ---- what is declared


def test_what_is_declared() -> None:
    """A definition that nobody can read counts too; what no set can be called does not."""

    def work() -> None:
        booting.declare("blue", types=["net"])
        booting.write("torn", "{")
        booting.write("a+b", "")
        booting.write("<script>\n", "")
        booting.write("-rf", "")
        for name in ("note", ".hidden.json", "x.json~"):
            Path(places.DEFINITIONS, name).touch()
        os.mkfifo(folder.path_of("fifo"))

    assert on_host(work)["declared"] == ["a+b", "blue", "fifo", "torn"]


def test_nothing_is_declared() -> None:
    assert on_host(lambda: None)["declared"] == []
    assert on_host(lambda: Path(places.DEFINITIONS).mkdir())["declared"] == []


def _link() -> None:
    Path("/etc/elsewhere").mkdir()
    Path("/etc/elsewhere/blue.json").touch()
    Path(places.DEFINITIONS).symlink_to("elsewhere")


def _others_may_write() -> None:
    booting.declare("blue", types=["net"])
    Path(places.DEFINITIONS).chmod(0o777)


def _very_many() -> None:
    Path(places.DEFINITIONS).mkdir()
    for number in range(100000):
        Path(places.DEFINITIONS, f"{number}.json").touch()


@pytest.mark.parametrize(
    "work", [_link, _others_may_write, _very_many, lambda: Path(places.DEFINITIONS).touch()], ids=str
)
def test_what_is_declared_can_not_be_told(work: t.Callable[[], None]) -> None:
    assert on_host(work)["declared"] is None


def test_as_much_is_declared_as_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_DECLARED", 50)
    names = [f"{number:0200}" for number in range(50)]

    def work() -> None:
        for name in names:
            booting.write(name, "")

    assert on_host(work)["declared"] == names

    def one_more() -> None:
        work()
        booting.write("more", "")

    assert on_host(one_more)["declared"] is None


def test_without_the_source() -> None:
    told = gather(sources=["processes"])
    assert (told["machine"], told["declared"], told["handles"]) == (None, None, None)


# ---- handles


def problems(work: t.Callable[[], object]) -> list[tuple[str, str]]:
    return [(item["path"], item["problem"]) for item in on_host(work)["handles"]]


def bound(path: str, kind: str = "net") -> None:
    Path(path).parent.mkdir(exist_ok=True)
    scanning.bound(Path(path), kind)


@pytest.mark.parametrize("kind", support.TYPE_NAMES)
def test_a_handle_that_is_right(kind: str) -> None:
    def work() -> None:
        path = Path(f"/run/{kind}ns/blue")
        path.parent.mkdir()
        path.touch()
        if kind == "mnt":
            support.mount_over("tmpfs", "/run/mntns")
            path.touch()
        with support.inhabited(kind) as pid:
            support.bind(f"/proc/{pid}/ns/{kind}", path)

    assert problems(work) == []


def test_nothing_is_wrong_where_nothing_is() -> None:
    assert problems(lambda: None) == []


@pytest.mark.parametrize("kind", [kind for kind in support.WRONG_FILES if kind not in ("symlink", "nothing")])
def test_a_dangling_handle(kind: str) -> None:
    def work() -> None:
        Path("/run/netns").mkdir()
        os.chdir("/run/netns")
        support.wrong_file(kind, Path(HANDLE))
        os.chdir("/")
        bound("/run/netns/green")

    assert problems(work) == [(HANDLE, "dangling")]


def test_a_link_to_the_namespace_of_a_process() -> None:
    def work() -> None:
        Path("/run/netns").mkdir()
        Path(HANDLE).symlink_to("/proc/1/ns/net")
        Path("/run/netns/gone").symlink_to("/proc/4000000/ns/net")

    assert problems(work) == [("/run/netns/gone", "dangling")]


def test_entries_alone_and_not_what_is_below() -> None:
    def work() -> None:
        Path("/run/utsns/folder").mkdir(parents=True)
        Path("/run/utsns/folder/file").touch()
        Path("/run/elsewhere").mkdir()
        Path("/run/elsewhere/file").touch()

    assert problems(work) == [("/run/utsns/folder", "dangling")]


def test_a_handle_that_is_just_being_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """First there is a file, then something is mounted there."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: bound(HANDLE))

    def work() -> None:
        Path("/run/netns").mkdir()
        Path(HANDLE).touch()

    assert problems(work) == []


def test_a_stacked_handle() -> None:
    def work() -> None:
        bound(HANDLE)
        bound("/run/netns/green")
        support.bind("/proc/self/ns/net", HANDLE)

    assert problems(work) == [(HANDLE, "stacked")]


@pytest.mark.parametrize("cover", ["its folder", "the folder above", "a file"])
def test_a_shadowed_handle(cover: str) -> None:
    def work() -> None:
        bound(HANDLE)
        if cover == "a file":
            Path("/run/file").touch()
            support.bind("/run/file", HANDLE)
        else:
            support.mount_over("tmpfs", "/run/netns" if cover == "its folder" else "/run")

    assert problems(work) == [(HANDLE, "shadowed")]


def test_a_handle_over_one_that_is_shadowed() -> None:
    def work() -> None:
        bound(HANDLE)
        support.mount_over("tmpfs", "/run/netns")
        bound(HANDLE)

    assert problems(work) == [(HANDLE, "shadowed")]


def test_handles_as_ip_netns_makes_them() -> None:
    """Each is also mounted below the mount of their folder, which is one with that."""

    def work() -> None:
        Path("/run/netns").mkdir()
        with descriptor.closing(os.open("/run", os.O_PATH)) as directory:
            mount.set_propagation(directory, "shared", recursive=False)
        support.bind("/run/netns", "/run/netns")
        bound(HANDLE)
        assert len(support.mounts_below(HANDLE)) == 2

    assert problems(work) == []


def test_names_that_look_like_something_else() -> None:
    names = ["a b", "<script>", "{{ 1 }}", "\x1b[31m", "//deleted"[2:]]

    def work() -> None:
        Path("/run/netns").mkdir()
        for name in names:
            Path("/run/netns", name).touch()
        os.mkdir(b"/run/netns/\xff")

    expected = sorted([*names, "\ufffd"])
    assert problems(work) == [(f"/run/netns/{name}", "dangling") for name in expected]


def test_very_many_entries() -> None:
    """It takes little time, a hundred are told, and that it was too much is said."""

    def work() -> None:
        Path("/run/netns").mkdir()
        for number in range(100000):
            os.mknod(f"/run/netns/{number}{'x' * 200}")

    told = on_host(work)
    assert len(told["handles"]) == handles.MOST
    assert told["scan"]["incomplete_because"] == [mounts.FULL, handles.MORE]
    assert told["scan"]["duration_ms"] < 10000


def test_a_folder_of_handles_that_is_a_link() -> None:
    def work() -> None:
        Path("/run/elsewhere").mkdir()
        Path("/run/elsewhere/file").touch()
        Path("/run/netns").symlink_to("elsewhere")

    assert problems(work) == []


@needs_fuse
def test_a_handle_that_never_answers() -> None:
    """Nobody asks it."""

    def work() -> Told:
        bound(HANDLE)
        with silent(HANDLE, "file"):
            return gather()

    told = support.in_own_world(work, "pid", "mnt")
    assert told["handles"] == [{"path": HANDLE, "problem": "shadowed"}]
    assert told["scan"]["incomplete_because"] == []


@pytest.mark.parametrize("visible", [True, False])
def test_the_handles_of_the_host(visible: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the task are looked at only where the initial mounts can't be seen."""

    def inodes(_scan: Scan) -> dict[nstypes.NsType, int | None]:
        found: dict[nstypes.NsType, int | None] = dict.fromkeys(nstypes.ALL)
        return {**found, nstypes.MNT: support.identity(1, "mnt").inode} if visible else found

    def work() -> Told:
        Path("/run/netns").mkdir()
        Path("/run/netns/green").touch()
        monkeypatch.setattr(initial, "inodes", inodes)

        def elsewhere() -> Told:
            process.unshare(nstypes.MNT.flag)
            support.mount_over("tmpfs", "/run")
            Path("/run/netns").mkdir()
            Path(HANDLE).touch()
            return gather()

        return support.forked(elsewhere)

    expected = "/run/netns/green" if visible else HANDLE
    assert support.in_own_world(work, "pid", "mnt")["handles"] == [{"path": expected, "problem": "dangling"}]


def test_an_ordinary_user() -> None:
    """He sees what everybody may; where he may not follow a link it may be right."""

    def work() -> Told:
        support.mount_over("tmpfs", "/etc", "mode=755")
        os.umask(0o022)
        Path("/etc/machine-id").write_text(ID)
        booting.declare("blue", types=["net"])
        Path("/run/netns").mkdir()
        Path(HANDLE).touch()
        Path("/run/netns/link").symlink_to("/proc/1/ns/net")
        return support.as_ordinary(gather)

    told = support.in_own_world(work, "pid", "mnt")
    assert (told["machine"], told["declared"]) == (machine.id_from(ID), ["blue"])
    assert told["handles"] == [{"path": HANDLE, "problem": "dangling"}]
