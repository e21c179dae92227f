# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clones, pidfds, setns: what the kernel refuses, and what a child has afterwards."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.tests.unit import support

CLONE_VM = 0x100


def descriptor_of(name: str) -> t.ContextManager[int]:
    return closing(os.open(f"/proc/self/ns/{name}", os.O_RDONLY))


# ---- setns


@pytest.mark.parametrize("flags", [0, -1, CLONE_VM, nstypes.UTS.flag | CLONE_VM], ids=hex)
def test_setns_by_pidfd_refuses_flags_that_are_no_namespaces(flags: int) -> None:
    with support.inhabited("uts") as pid, closing(process.pidfd_open(pid)) as pidfd:
        assert support.forked(lambda: support.code_of(lambda: process.setns(pidfd, flags))) == errno.EINVAL


@pytest.mark.parametrize("name", support.TYPE_NAMES)
def test_setns_refuses_another_type(name: str) -> None:
    other = nstypes.ALL[nstypes.ALL.index(nstypes.BY_NAME[name]) - 1]
    with descriptor_of(name) as fd:
        assert support.forked(lambda: support.code_of(lambda: process.setns(fd, other.flag))) == errno.EINVAL


def test_setns_refuses_what_is_no_namespace(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with closing(os.memfd_create("net")) as memfd, (tmp_path / "plain").open() as plain:
        for fd in (memfd, plain.fileno()):
            assert support.code_of(lambda fd=fd: process.setns(fd, nstypes.NET.flag)) == errno.EINVAL  # type: ignore[misc]
    assert support.code_of(lambda: process.setns(memfd, nstypes.NET.flag)) == errno.EBADF


def test_setns_refuses_the_pid_namespace_of_a_sibling() -> None:
    with support.inhabited("pid") as ours, support.inhabited("pid") as theirs:

        def work() -> int | None:
            with closing(os.open(f"/proc/{theirs}/ns/pid", os.O_RDONLY)) as sibling:
                with closing(os.open(f"/proc/{ours}/ns/pid", os.O_RDONLY)) as fd:
                    process.setns(fd, nstypes.PID.flag)
                return support.forked(lambda: support.code_of(lambda: process.setns(sibling, nstypes.PID.flag)))

        assert support.forked(work) == errno.EINVAL


def test_setns_and_unshare_move() -> None:
    def work(pid: int) -> tuple[bool, bool]:
        with closing(os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY)) as fd:
            process.setns(fd, nstypes.UTS.flag)
        joined = support.own_identity("uts") == support.identity(pid, "uts")
        process.unshare(nstypes.UTS.flag)
        return joined, support.own_identity("uts") not in (support.identity(pid, "uts"), before)

    before = support.own_identity("uts")
    with support.inhabited("uts") as pid:
        assert support.forked(lambda: work(pid)) == (True, True)


# ---- pidfds


def test_a_process_that_ended_is_not_mistaken_for_another() -> None:
    with support.inhabited("uts") as pid:
        pidfd = process.pidfd_open(pid)
    with closing(pidfd):
        assert process.pidfd_ended(pidfd)
        assert support.code_of(lambda: process.pidfd_send_signal(pidfd, 0)) == errno.ESRCH
        assert support.code_of(lambda: process.setns(pidfd, nstypes.UTS.flag)) == errno.ESRCH
    assert support.code_of(lambda: process.pidfd_open(pid)) == errno.ESRCH


def test_waiting_for_an_end() -> None:
    with support.inhabited("uts") as pid, closing(process.pidfd_open(pid)) as pidfd:
        start = time.monotonic()
        assert not process.pidfd_ended(pidfd, 50)
        assert time.monotonic() - start >= 0.05
        process.pidfd_send_signal(pidfd, signal.SIGKILL)
        assert process.pidfd_ended(pidfd, 5000)


# ---- clones


def test_a_child_is_held_from_its_first_moment() -> None:
    child = process.clone_child()
    if child is None:
        os._exit(7)
    with closing(child.pidfd):
        assert not os.get_inheritable(child.pidfd)
        found = Path(f"/proc/self/fdinfo/{child.pidfd}").read_text()
        assert f"Pid:\t{child.pid}\n" in found
        assert process.pidfd_ended(child.pidfd, 5000)
        assert process.exit_code(os.waitpid(child.pid, 0)[1]) == 7


def test_the_interpreter_knows_that_it_was_cloned() -> None:
    def work() -> list[bool]:
        found: list[bool] = []
        os.register_at_fork(after_in_child=lambda: found.append(True), after_in_parent=lambda: found.append(False))
        child = process.clone_child()
        if child is None:
            os._exit(0 if found == [True] else 1)
        os.close(child.pidfd)
        return [*found, os.waitpid(child.pid, 0)[1] == 0]

    assert support.forked(work) == [False, True]


@pytest.mark.parametrize("name", ["", "user", "uts"])
def test_a_sibling_is_a_child_of_the_parent(name: str) -> None:
    """Also in a new namespace; and it is the parent who reaps it, though nobody cloned it by a signal."""
    said, say = os.pipe()
    child = process.clone_child()
    if child is None:
        sibling = process.clone_sibling(nstypes.BY_NAME[name].flag if name else 0)
        if sibling:
            os.write(say, b"%d" % sibling)
            os._exit(0)
        while True:
            signal.pause()
    os.close(say)
    with closing(said), closing(child.pidfd):
        assert os.waitpid(child.pid, 0) == (child.pid, 0)
        sibling = int(os.read(said, 32))
        status = Path(f"/proc/{sibling}/status").read_text()
        same = support.identity(sibling, name or "uts") == support.own_identity(name or "uts")
        os.kill(sibling, signal.SIGTERM)
        assert process.exit_code(os.waitpid(sibling, 0)[1]) == -signal.SIGTERM
    assert f"PPid:\t{os.getpid()}\n" in status
    assert same is not bool(name)


# ---- what a process gives up


@pytest.mark.parametrize("kept", [(), (3,), (4,), (60,), (500,), (500, 3), (60, 61), (3, 4, 500)])
def test_close_from(tmp_path: Path, kept: tuple[int, ...]) -> None:
    child = process.clone_child()
    if child is None:
        for number in (3, 4, 60, 61, 500):
            os.dup2(2, number)
        process.close_from(3, *kept)
        found = {number for number in range(1024) if is_open(number)}
        (tmp_path / "open").write_text(repr(found))
        os._exit(0)
    os.close(child.pidfd)
    assert os.waitpid(child.pid, 0)[1] == 0
    assert (tmp_path / "open").read_text() == repr({0, 1, 2, *kept})


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("closed", [(0,), (1, 2), (0, 1, 2), ()], ids=str)
def test_open_standard_streams(closed: tuple[int, ...]) -> None:
    def work() -> list[tuple[bool, bool]]:
        before = {number for number in range(100) if is_open(number)}
        for number in closed:
            os.close(number)
        process.open_standard_streams()
        assert {number for number in range(100) if is_open(number)} == before
        return [
            (os.readlink(f"/proc/self/fd/{number}") == "/dev/null", os.get_inheritable(number)) for number in closed
        ]

    assert support.forked(work) == [(True, True)] * len(closed)


def test_an_undumpable_process() -> None:
    """Its files in procfs are closed to others of the same user."""

    def work() -> tuple[int, int]:
        support.become_ordinary()
        before = Path("/proc/self/stat").stat().st_uid
        process.become_undumpable()
        return before, Path("/proc/self/stat").stat().st_uid

    assert support.forked(work) == (support.ORDINARY, 0)


@pytest.mark.parametrize("number", [0, signal.SIGTERM])
def test_the_end_of_a_parent(number: int) -> None:
    said, say = os.pipe()

    def tell(_number: int, _frame: object) -> None:
        os.write(say, b"signal")
        os._exit(0)

    parent = os.fork()
    if parent == 0:
        if os.fork() == 0:
            process.die_with_parent(signal.SIGKILL)
            process.die_with_parent(number)
            signal.signal(signal.SIGTERM, tell)
            os.write(say, b"ready")
            time.sleep(0.1)
            os._exit(0)
        signal.pause()
    os.close(say)
    with closing(said):
        assert os.read(said, 5) == b"ready"
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        assert os.read(said, 6) == (b"signal" if number else b"")


def test_a_subreaper_adopts_orphans() -> None:
    def work() -> int:
        process.set_subreaper(True)
        assert process.is_subreaper()
        adopter, child = os.getpid(), os.fork()
        if child == 0:
            child = os.getpid()
            assert not process.is_subreaper()
            if os.fork() == 0:
                while os.getppid() == child:
                    time.sleep(0.001)
                os._exit(9 if os.getppid() == adopter else 8)
            os._exit(0)
        os.waitpid(child, 0)
        return process.exit_code(os.wait()[1])

    assert support.forked(work) == 9


@pytest.mark.parametrize("script", ["exit 0", "exit 3", "exit 255", "kill -KILL $$", "kill -TERM $$"])
def test_exit_code(script: str) -> None:
    assert process.exit_code(os.system(script)) == subprocess.run(["sh", "-c", script], check=False).returncode
