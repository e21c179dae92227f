# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is in which namespaces."""

from __future__ import annotations

import os
import subprocess

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import processes
from ansible_collections.linux.namespaces.tests.unit import support


def inside(*inodes: int) -> dict[int, list[int]]:
    with support.own_procfs() as proc:
        return processes.inside(proc, inodes)


@pytest.mark.parametrize("name", support.TYPE_NAMES)
def test_a_process_is_found_by_each_of_its_namespaces(name: str) -> None:
    with support.inhabited(name) as pid:
        inode = support.identity(pid, name).inode
        found = inside(inode)
        # Where only children get in, the process that made the namespace stands outside with its next child inside.
        outside = [int(support.status_of(pid, "PPid")[0])] if name in ("pid", "time") else []
        assert found == {inode: sorted([*outside, pid])}


def test_the_children_of_a_process_that_is_outside_itself() -> None:
    def work() -> tuple[dict[int, list[int]], int, int]:
        process.unshare(nstypes.TIME.flag)
        inode = os.stat("/proc/self/ns/time_for_children").st_ino
        return inside(inode), inode, os.getpid()

    found, inode, pid = support.forked(work)
    assert found == {inode: [pid]}


def test_several_namespaces_at_once() -> None:
    with support.inhabited("uts", "net") as first, support.inhabited("uts") as second:
        inodes = [support.identity(first, "uts").inode, support.identity(first, "net").inode]
        assert inside(*inodes) == {inodes[0]: [first], inodes[1]: [first]}
        other = support.identity(second, "uts").inode
        assert inside(other, inodes[0]) == {other: [second], inodes[0]: [first]}
    assert inside(*inodes) == {}


def test_a_process_that_has_ended_is_not_there() -> None:
    """A zombie shows its user and pid namespaces still."""

    def end() -> int:
        process.unshare(nstypes.USER.flag)
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert support.status_of(pid, "State")[0] == "Z"
        inode = os.stat("/proc/self/ns/user").st_ino
        found = inside(inode)
        os.waitpid(pid, 0)
        assert found == {inode: [os.getpid()]}
        return pid

    assert support.forked(end)


def test_namespaces_of() -> None:
    with support.own_procfs() as proc:
        with support.inhabited("uts") as pid:
            found = processes.namespaces_of(proc, pid)
            assert found == {identity.inode for identity in support.identities(pid).values()}
        assert processes.namespaces_of(proc, pid) == frozenset()


def test_processes_of_somebody_else_are_left_out() -> None:
    def work() -> dict[int, list[int]]:
        inode = support.own_identity("uts").inode
        support.become_ordinary()
        return inside(inode)

    found = support.forked(work)
    assert all(os.getpid() not in pids for pids in found.values())


@pytest.mark.parametrize("words", [["sleep", "100"], ["sh", "-c", "read line; :", "", "a b", "\udcff"]])
def test_arguments(words: list[str]) -> None:
    with support.own_procfs() as proc:
        started = subprocess.Popen(words, stdin=subprocess.PIPE)
        try:
            # At first they are those of this process, or none.
            support.wait_for(lambda: processes.arguments(proc, started.pid) == words)
        finally:
            started.kill()
            os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
            assert processes.arguments(proc, started.pid) == []
            started.communicate()
        assert processes.arguments(proc, started.pid) == []


def test_arguments_of_any_length() -> None:
    """How long they are is up to the process, so not all is read."""
    words = ["sh", "-c", "read line; :", *["x" * 1000] * 100]
    with support.own_procfs() as proc, subprocess.Popen(words, stdin=subprocess.PIPE) as started:
        support.wait_for(lambda: processes.arguments(proc, started.pid)[:1] == ["sh"])
        assert len("\0".join(processes.arguments(proc, started.pid))) < 4096
        started.kill()


def test_ancestors() -> None:
    with support.own_procfs() as proc:
        found = processes.ancestors(proc, os.getpid())
    assert {1, os.getpid(), os.getppid()} - {0} <= found
    with support.inhabited("uts") as pid, support.own_procfs() as proc:
        assert processes.ancestors(proc, pid) == {pid, *found}
