# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work that is done where PID 1 sees it, wherever the task is."""

from __future__ import annotations

import errno
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import host
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support


def in_its_mounts(work: t.Callable[[], t.Any]) -> t.Any:
    with support.own_procfs() as proc:
        return host.in_its_mounts(proc, work)


def mounts_and_pid() -> tuple[str, int]:
    return os.readlink("/proc/self/ns/mnt"), os.getpid()


def where_pid_1_is() -> str:
    return os.readlink("/proc/1/ns/mnt")


def test_in_the_mount_namespace_of_pid_1_it_is_done_here() -> None:
    assert in_its_mounts(mounts_and_pid) == (where_pid_1_is(), os.getpid())
    with support.own_procfs() as proc:
        assert host.is_in_its_mounts(proc)


def test_elsewhere_a_child_goes_there() -> None:
    """And we stay where we are."""

    def work() -> tuple[bool, tuple[str, int], tuple[str, int], set[int]]:
        with support.own_procfs() as proc:
            is_there = host.is_in_its_mounts(proc)
        return is_there, in_its_mounts(mounts_and_pid), mounts_and_pid(), support.children()

    is_there, theirs, ours, left = support.secluded(work)
    assert not is_there
    assert theirs[0] == where_pid_1_is() != ours[0]
    assert theirs[1] != ours[1]
    assert left == set()


def test_what_it_mounts_is_seen_outside(tmp_path: Path) -> None:
    support.secluded(lambda: in_its_mounts(lambda: support.mount_over("tmpfs", tmp_path)))
    try:
        assert [item.fstype for item in support.mounts_below(str(tmp_path))] == ["tmpfs"]
    finally:
        support.unmount(str(tmp_path))


@pytest.mark.parametrize("secluded", [False, True])
def test_an_error_and_a_large_answer_come_back(secluded: bool) -> None:
    def fail() -> None:
        raise NamespaceError("do it", "a cause", "a remedy", errno.EXDEV)

    def work() -> tuple[NamespaceError, int]:
        with pytest.raises(NamespaceError) as caught:
            in_its_mounts(fail)
        return caught.value, len(in_its_mounts(lambda: bytes(10**6)))

    error, size = (support.secluded if secluded else support.forked)(work)
    assert (error.operation, error.cause, error.remedy, error.code) == ("do it", "a cause", "a remedy", errno.EXDEV)
    assert size == 10**6


def test_without_the_right_to_go_there() -> None:
    def work() -> NamespaceError:
        support.own_mounts()
        support.become_ordinary()
        with pytest.raises(NamespaceError) as caught:
            in_its_mounts(mounts_and_pid)
        return caught.value

    error = support.forked(work)
    assert "mount namespace of PID 1" in error.operation
    assert error.remedy


def test_a_procfs_that_is_none() -> None:
    def work() -> NamespaceError:
        support.mount_over("tmpfs", "/proc")
        with pytest.raises(NamespaceError) as caught:
            host.open_proc()
        return caught.value

    error = support.secluded(work)
    assert error.code == errno.ENOTSUP
    assert "no procfs" in error.cause


def test_a_procfs_of_another_pid_namespace() -> None:
    def work() -> NamespaceError:
        process.unshare(nstypes.PID.flag)

        def inside() -> NamespaceError:
            with pytest.raises(NamespaceError) as caught:
                host.open_proc()
            return caught.value

        return support.forked(inside)

    error = support.forked(work)
    assert error.code == errno.ESTALE
    assert "another pid namespace" in error.cause
