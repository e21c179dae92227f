# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cgroup of a set: where it is, who is in it, when it goes."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import mount, mountinfo, nsfs, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import cgroup
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support

pytestmark = pytest.mark.usefixtures("own_run")


@pytest.fixture
def top() -> str:
    with support.own_procfs() as proc:
        found = cgroup.hierarchy(mountinfo.read(proc))
    if found is None:
        pytest.skip(
            "no version 2 hierarchy of cgroups is mounted here: mount one (mount -t cgroup2 none /sys/fs/cgroup)"
        )
    return found


def place_of(pid: int | str) -> str:
    """The cgroup of a process in the hierarchy of version 2."""
    lines = support.read(f"/proc/{pid}/cgroup").splitlines()
    (found,) = (line[len("0::") :] for line in lines if line.startswith("0::"))
    return found


def members(directory: str) -> list[int]:
    return list(map(int, Path(directory, "cgroup.procs").read_text().split()))


def mount_of(fstype: str, path: str) -> mountinfo.Mount:
    return mountinfo.Mount(1, 0, "/", path, {}, fstype, "none", "rw")


def test_hierarchy(top: str) -> None:
    """That of version 2, where it is to be seen: mountinfo lists what another mount hides too."""
    first = mount_of("cgroup", f"{top}/../pids")
    assert cgroup.hierarchy([]) is None
    assert cgroup.hierarchy([first, mount_of("tmpfs", top)]) is None
    assert cgroup.hierarchy([first, mount_of("cgroup2", top)]) == top
    hidden = [mount_of("cgroup2", "/run"), mount_of("cgroup2", "/run/nothing")]
    assert cgroup.hierarchy(hidden) is None
    assert cgroup.hierarchy([*hidden, mount_of("cgroup2", top)]) == top


def test_a_cgroup_comes_and_goes(top: str) -> None:
    directory = cgroup.of_set(top, "blue")
    assert directory == f"{top}/linux-namespaces/blue"
    assert cgroup.names(top) == cgroup.names(None) == frozenset()
    for _time in range(2):
        cgroup.make(directory)
    cgroup.make(cgroup.of_set(top, "green"))
    assert members(directory) == []
    assert cgroup.names(top) == {"blue", "green"}
    cgroup.remove(directory)
    assert not os.path.exists(directory)
    cgroup.remove(directory)
    cgroup.clean_up(top)
    assert cgroup.names(top) == {"green"}
    cgroup.remove(cgroup.of_set(top, "green"))
    cgroup.clean_up(top)
    cgroup.clean_up(None)
    assert not os.path.exists(f"{top}/linux-namespaces")


def test_a_process_enters(top: str) -> None:
    directory = cgroup.of_set(top, "blue")
    cgroup.make(directory)

    def enter() -> tuple[list[int], int, str]:
        support.enter_cgroup(directory)
        assert cgroup.members(directory) == members(directory)
        return members(directory), os.getpid(), place_of("self")

    before = place_of("self")
    inside, pid, place = support.forked(enter)
    assert inside == [pid]
    assert place.endswith("/linux-namespaces/blue")
    assert place_of("self") == before
    cgroup.remove(directory)


def test_a_cgroup_that_is_missing(top: str) -> None:
    directory = cgroup.of_set(top, "blue")
    error = support.refusal("true", cgroup=directory)
    assert (error.operation, error.code) == (f"clone a child in the cgroup {directory}", errno.ENOENT)


def test_a_cgroup_with_others_in_it(top: str) -> None:
    directory = cgroup.of_set(top, "blue")
    cgroup.make(directory)
    os.makedirs(f"{directory}/theirs/below")
    cgroup.remove(directory)
    assert not os.path.exists(directory)


def test_a_cgroup_that_somebody_is_in(top: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "_SECONDS", 0.1)
    directory = cgroup.of_set(top, "blue")
    cgroup.make(directory)
    with support.inhabited("uts", prepare=lambda: support.enter_cgroup(directory)) as pid:
        assert members(directory) == [pid]
        with pytest.raises(NamespaceError) as caught:
            cgroup.remove(directory)
    assert caught.value.code == errno.EBUSY
    assert "a process is still in that cgroup" in caught.value.cause
    cgroup.remove(directory)


def test_somebody_leaves_a_moment_later(top: str) -> None:
    directory = cgroup.of_set(top, "blue")
    cgroup.make(directory)

    def stay() -> None:
        support.enter_cgroup(directory)
        time.sleep(0.3)

    task = support.Background(stay)
    deadline = time.monotonic() + support.PATIENCE
    while not members(directory) and time.monotonic() < deadline:
        time.sleep(0.005)
    cgroup.remove(directory)
    assert not os.path.exists(directory)
    task.result()


def test_a_hierarchy_that_is_read_only(top: str) -> None:
    def work() -> NamespaceError:
        support.own_mounts()
        with closing(os.open(top, os.O_PATH)) as place:
            mount.set_flags(place, mount.FLAGS["ro"])
        with pytest.raises(NamespaceError) as caught:
            cgroup.make(cgroup.of_set(top, "blue"))
        return caught.value

    error = support.forked(work)
    assert error.code == errno.EROFS
    assert "the cgroups are mounted read-only" in error.cause


@pytest.mark.parametrize("kind", ["cgroup", "pid"])
def test_a_set_owns_a_cgroup(top: str, kind: str) -> None:
    """A process that enters the namespace from there is at its root; the init lives in it; it goes with the set."""
    support.brought("blue", types=[kind])
    directory = cgroup.of_set(top, "blue")
    if kind == "pid":
        init = support.bring("blue").done["blue"].state.init_pid
        assert init in members(directory)
    else:

        def look() -> tuple[str, list[int]]:
            support.enter_cgroup(directory)
            with closing(nsfs.open_handle("/run/cgroupns/blue")) as fd:
                process.setns(fd, nstypes.CGROUP.flag)
            return place_of("self"), members(directory)

        place, inside = support.forked(look)
        assert place == "/"
        assert len(inside) == 1
    support.brought("blue", present=False)
    assert not os.path.exists(f"{top}/linux-namespaces")


def test_an_init_is_not_in_the_cgroup_of_the_task(top: str) -> None:
    """Which a manager of services ends as a whole."""
    unit = f"{top}/unit"
    os.mkdir(unit)
    support.brought("blue", types=["pid"], prepare=lambda: support.enter_cgroup(unit))
    assert members(unit) == []
    os.rmdir(unit)
    assert members(cgroup.of_set(top, "blue"))
