# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directories of handles come and go, belong to root alone, and show each handle once; their lock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import stat
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import mount
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import directory
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.memory import MEMORY
from ansible_collections.linux.namespaces.tests.unit import support

PLACE = "/run/netns"

pytestmark = pytest.mark.usefixtures("own_run")


def prepare(path: str = PLACE, *, private: bool = False) -> None:
    """In a process of its own: the working directory moves."""

    def work() -> None:
        os.umask(0o077)
        with support.own_procfs() as proc, directory.locked() as memory:
            os.close(directory.prepare(proc, memory, path, private))

    support.forked(work)


def clean_up() -> None:
    def work() -> None:
        with directory.locked() as memory:
            directory.clean_up(memory)

    support.forked(work)


def refusal(work: t.Callable[[], object]) -> NamespaceError:
    with pytest.raises(NamespaceError) as caught:
        work()
    return caught.value


def remembered() -> list[str]:
    return sorted(os.readlink(path) for path in Path(MEMORY).glob("*"))


# ---- only root's


def test_a_directory_that_is_missing() -> None:
    assert directory.open_directory(PLACE) is None


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777, 0o777], ids=oct)
def test_a_directory_that_others_may_write(mode: int) -> None:
    os.mkdir(PLACE)
    os.chmod(PLACE, mode)
    error = refusal(lambda: directory.open_directory(PLACE))
    assert str(error).startswith(f"cannot keep handles in {PLACE}: others than its owner, or another user than root")
    assert f"(uid 0, mode {mode:o})" in error.cause
    assert "chown it to root" in error.remedy


def test_a_directory_of_another_user() -> None:
    os.mkdir(PLACE)
    os.chown(PLACE, support.ORDINARY, 0)
    assert f"(uid {support.ORDINARY}, mode 755)" in refusal(lambda: directory.open_directory(PLACE)).cause


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777], ids=oct)
def test_a_directory_below_one_that_others_may_write(mode: int) -> None:
    """They could exchange it."""
    os.makedirs("/run/above/handles")
    os.chmod("/run/above", mode)
    for work in (lambda: directory.open_directory("/run/above/handles"), lambda: prepare("/run/above/new")):
        error = refusal(work)
        assert str(error).startswith("cannot keep handles below /run/above: others than its owner")
        assert f"(uid 0, mode {mode:o})" in error.cause
    assert os.listdir("/run/above") == ["handles"]


def test_a_directory_below_that_of_another_user() -> None:
    os.makedirs("/run/above/handles")
    os.chown("/run/above", support.ORDINARY, 0)
    error = refusal(lambda: directory.open_directory("/run/above/handles"))
    assert f"(uid {support.ORDINARY}, mode 755)" in error.cause


def test_a_directory_below_one_where_nobody_takes_what_is_anothers() -> None:
    """As /tmp."""
    os.makedirs("/run/above/handles")
    os.chmod("/run/above", 0o1777)
    fd = directory.open_directory("/run/above/handles")
    assert fd is not None
    os.close(fd)


def test_a_symbolic_link_above_what_is_to_be_made() -> None:
    os.makedirs("/run/real")
    os.symlink("/run/real", "/run/above")
    assert refusal(lambda: prepare("/run/above/new")).code == errno.ELOOP
    assert os.listdir("/run/real") == []


@pytest.mark.parametrize("link", ["/run/netns", "/run/above"])
def test_a_symbolic_link_on_the_way(link: str) -> None:
    os.makedirs("/run/real/netns")
    os.symlink("/run/real" if link == "/run/above" else "/run/real/netns", link)
    error = refusal(lambda: directory.open_directory(link if link == PLACE else link + "/netns"))
    assert error.code == errno.ELOOP
    assert "a part of the path is a symbolic link" in error.cause
    assert os.listdir("/run/real/netns") == []


def test_a_file_in_place_of_a_directory() -> None:
    Path(PLACE).touch()
    error = refusal(lambda: directory.open_directory(PLACE))
    assert error.code == errno.ENOTDIR
    assert "a part of the path is no directory" in error.cause


# ---- made and bound


@pytest.mark.parametrize("propagation", ["private", "shared"])
def test_a_directory_is_made_and_bound_to_itself(propagation: str) -> None:
    """Once, wherever /run is shared; what is mounted there later is mounted once as well."""
    with closing(os.open("/run", os.O_PATH)) as run:
        mount.set_propagation(run, propagation, recursive=False)
    for _time in range(2):
        prepare()
        assert stat.S_IMODE(os.stat(PLACE).st_mode) == 0o755
        (item,) = support.mounts_below(PLACE)
        assert item.path == PLACE
        assert set(item.propagation) == {"shared"}
    above = [other for other in support.mounts_below("/run") if other.path == "/run"][-1]
    assert item.propagation["shared"] != above.propagation.get("shared")
    Path(PLACE, "blue").touch()
    support.forked(lambda: support.bind("/proc/self/ns/net", f"{PLACE}/blue"))
    assert [item.path for item in support.mounts_below(PLACE)] == [PLACE, f"{PLACE}/blue"]


@pytest.mark.parametrize("propagation", ["private", "shared"])
def test_a_directory_for_mount_namespaces_is_private(propagation: str) -> None:
    with closing(os.open("/run", os.O_PATH)) as run:
        mount.set_propagation(run, propagation, recursive=False)
    prepare(private=True)
    (item,) = support.mounts_below(PLACE)
    assert item.propagation == {}


def test_a_mount_that_is_there_stays_as_it_is() -> None:
    os.mkdir(PLACE)
    support.forked(lambda: support.mount_over("tmpfs", PLACE, "mode=755"))
    before = support.mounts_below(PLACE)
    prepare(private=True)
    assert support.mounts_below(PLACE) == before
    clean_up()
    assert support.mounts_below(PLACE) == before
    assert os.listdir("/run") == ["netns"]


def test_a_directory_with_handles_is_not_bound_over_them() -> None:
    """Each would be mounted twice."""
    os.mkdir(PLACE)
    Path(PLACE, "blue").touch()
    support.forked(lambda: support.bind("/proc/self/ns/net", f"{PLACE}/blue"))
    before = support.mounts_below(PLACE)
    prepare()
    assert support.mounts_below(PLACE) == before
    assert remembered() == []


@pytest.mark.parametrize(("option", "code"), [("nr_inodes=2", errno.ENOSPC), ("ro", errno.EROFS)])
def test_a_run_that_takes_nothing(option: str, code: int) -> None:
    def work() -> NamespaceError:
        support.own_mounts()
        support.mount_over("tmpfs", "/run", option)
        return refusal(prepare)

    error = support.forked(work)
    assert error.code == code
    assert {errno.ENOSPC: "its file system is full", errno.EROFS: "a read-only file system"}[code] in error.cause
    assert "/run/" in error.operation


def test_a_place_whose_parent_is_missing() -> None:
    error = refusal(lambda: prepare("/run/kubens/deep"))
    assert error.code == errno.ENOENT
    assert "the directory above it is missing" in error.cause
    clean_up()
    assert os.listdir("/run") == []


# ---- taken away


def test_what_was_made_goes_when_it_is_empty() -> None:
    prepare()
    prepare("/run/utsns")
    Path(PLACE, "blue").touch()
    clean_up()
    assert sorted(os.listdir("/run")) == ["linux-namespaces", "netns"]
    assert set(remembered()) == {PLACE}
    assert [item.path for item in support.mounts_below(PLACE)] == [PLACE]
    Path(PLACE, "blue").unlink()
    clean_up()
    assert os.listdir("/run") == []
    assert support.mounts_below(PLACE) == []


def test_a_directory_of_somebody_else_stays() -> None:
    os.mkdir(PLACE)
    before = os.stat(PLACE)
    prepare()
    assert len(support.mounts_below(PLACE)) == 1
    clean_up()
    assert support.mounts_below(PLACE) == []
    assert os.path.samestat(os.stat(PLACE), before)
    assert os.listdir("/run") == ["netns"]


def test_a_directory_that_somebody_is_in() -> None:
    """It goes the next time."""
    prepare()
    with closing(os.open(PLACE, os.O_RDONLY)):
        clean_up()
        assert [item.path for item in support.mounts_below(PLACE)] == [PLACE]
        assert set(remembered()) == {PLACE}
    clean_up()
    assert os.listdir("/run") == []


@pytest.mark.parametrize("taken", ["mount", "mount and directory"])
def test_what_somebody_else_took_away(taken: str) -> None:
    prepare()
    support.unmount(PLACE)
    if taken != "mount":
        os.rmdir(PLACE)
    clean_up()
    assert os.listdir("/run") == []


@pytest.mark.parametrize("make", [lambda path: Path(path).touch(), lambda path: os.symlink("/run/netns", path)])
def test_what_is_something_else_by_now(make: t.Callable[[str], None]) -> None:
    """It is forgotten, and stays as it is."""
    prepare("/run/other")
    support.unmount("/run/other")
    os.rmdir("/run/other")
    make("/run/other")
    clean_up()
    assert os.listdir("/run") == ["other"]
    assert remembered() == []


def test_what_a_task_that_was_killed_left() -> None:
    """It had remembered what it did not come to make, or made it and no handle."""

    def work() -> None:
        with support.own_procfs() as proc, directory.locked() as memory:
            memory.add("directory", "/run/ipcns")
            memory.add("bind", "/run/ipcns")
            os.close(directory.prepare(proc, memory, PLACE, False))
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(support.EndedError):
        support.forked(work)
    assert remembered() == sorted([PLACE, PLACE, "/run/ipcns", "/run/ipcns"])
    clean_up()
    assert os.listdir("/run") == []


# ---- memory and lock


def test_memory() -> None:
    with directory.locked() as memory:
        assert memory.find("bind") == {}
        for path in ("/run/a", "/run/b", "/run/a b\n\udcff"):
            memory.add("bind", path)
        memory.add("directory", "/run/a")
        memory.forget("bind", "/run/a")
        memory.forget("bind", "/run/a")
        assert set(memory.find("bind")) == {"/run/b", "/run/a b\n\udcff"}
        assert set(memory.find("directory")) == {"/run/a"}
        memory.add("bind", "/run/a")
        assert set(memory.find("bind")) == {"/run/a", "/run/b", "/run/a b\n\udcff"}
        assert stat.S_IMODE(os.stat(MEMORY).st_mode) == 0o700


def test_the_lock_leaves_nothing() -> None:
    with directory.locked():
        assert os.listdir("/run") == ["linux-namespaces"]
    assert os.listdir("/run") == []
    with pytest.raises(NamespaceError), directory.locked():
        raise NamespaceError("a", "b")
    assert os.listdir("/run") == []


def test_one_at_a_time() -> None:
    """Also where the one before removes the directory that the next one waits for."""

    def enter() -> tuple[float, float]:
        with directory.locked():
            start = time.monotonic()
            time.sleep(0.02)
            return start, time.monotonic()

    tasks = [support.Background(enter) for _task in range(8)]
    times = sorted(task.result() for task in tasks)
    assert all(end <= start for (_start, end), (start, _end) in zip(times, times[1:]))
    assert os.listdir("/run") == []


def test_a_lock_whose_directory_was_removed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening it and locking it: by whoever had the lock. The next one would make another directory."""
    really_lock = fcntl.flock
    tries = []

    def lock(fd: int, operation: int) -> None:
        really_lock(fd, operation)
        tries.append(fd)
        if len(tries) <= 2:
            os.rmdir(MEMORY)
        if len(tries) == 2:
            os.mkdir(MEMORY, 0o700)

    monkeypatch.setattr(fcntl, "flock", lock)
    with directory.locked() as memory:
        assert len(tries) == 3
        memory.add("bind", "/run/a")
        assert len(os.listdir(MEMORY)) == 1
        memory.forget("bind", "/run/a")


def test_a_lock_that_is_held_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "_LOCK_SECONDS", 0.2)
    with directory.locked():
        error = refusal(lambda: support.forked(lambda: directory.locked().__enter__()))
    assert "another task has held the lock of /run/linux-namespaces for 0.2 seconds" in error.cause


def test_the_lock_of_a_task_that_was_killed() -> None:
    def hold() -> None:
        with directory.locked():
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(support.EndedError):
        support.forked(hold)
    with contextlib.ExitStack() as stack:
        started = time.monotonic()
        stack.enter_context(directory.locked())
        assert time.monotonic() - started < 5


@pytest.mark.parametrize("change", ["mode", "owner", "link", "file"])
def test_a_lock_that_somebody_else_could_hold(change: str) -> None:
    path = Path(MEMORY)
    if change == "link":
        os.mkdir("/run/elsewhere")
        path.symlink_to("/run/elsewhere")
    elif change == "file":
        path.touch()
    else:
        path.mkdir()
        path.chmod(0o777 if change == "mode" else 0o755)
        os.chown(path, support.ORDINARY if change == "owner" else 0, 0)
    error = refusal(lambda: support.forked(lambda: directory.locked().__enter__()))
    assert "/run/linux-namespaces" in str(error)
    assert os.path.lexists(path)


def test_a_lock_in_the_way_of_nothing_else() -> None:
    """Nobody who starts while it is held gets it by inheritance."""
    with directory.locked():
        held = [name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")]
        locks = [
            name
            for name in held
            if os.readlink(f"/proc/self/fd/{name}") == MEMORY and not os.get_inheritable(int(name))
        ]
        assert len(locks) == 1
        with closing(os.open(MEMORY, os.O_RDONLY)) as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
