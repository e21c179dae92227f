# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only a procfs that is one, of the own pid namespace, and only files that nothing is mounted over."""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import typing as t
from pathlib import Path

import hypothesis
import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import libc, nstypes, process, procfs
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import strategies

# ---- the root


def test_the_root() -> None:
    with support.own_procfs() as proc:
        assert procfs.own_pid(proc) == os.getpid()
        assert not os.get_inheritable(proc)


@pytest.mark.parametrize("path", ["/", "/sys", "/proc/self", "/proc/sys"])
def test_what_is_no_root_of_a_procfs(path: str) -> None:
    assert support.code_of(lambda: procfs.open_root(path)) == errno.ENOTSUP


OF_WRONG_FILES = {"directory": errno.ENOTSUP, "dangling symlink": errno.ENOENT, "nothing": errno.ENOENT}


@pytest.mark.parametrize("kind", support.WRONG_FILES)
def test_what_is_no_procfs_at_all(tmp_path: Path, kind: str) -> None:
    path = support.wrong_file(kind, tmp_path / "proc")
    code = support.forked(lambda: support.code_of(lambda: procfs.open_root(str(path))), seconds=5)
    assert code == OF_WRONG_FILES.get(kind, errno.ENOTDIR)


def test_the_procfs_of_the_outer_pid_namespace() -> None:
    def work() -> int | None:
        process.unshare(nstypes.PID.flag)
        return support.forked(lambda: support.code_of(procfs.open_root))

    assert support.forked(work) == errno.ESTALE


def test_the_procfs_of_an_inner_pid_namespace(tmp_path: Path) -> None:
    def work() -> int | None:
        process.unshare(nstypes.PID.flag)
        support.forked(lambda: support.mount_over("proc", tmp_path))
        with closing(os.open(tmp_path, os.O_RDONLY)) as fd:
            assert procfs.own_pid(fd) == 0
        return support.code_of(lambda: procfs.open_root(str(tmp_path)))

    assert support.secluded(work) == errno.ESTALE


def test_the_procfs_of_the_outer_pid_namespace_where_the_pid_happens_to_be_the_same() -> None:
    """A process can choose: clone3 takes a pid for each of the nested pid namespaces."""

    def work() -> int | None:
        process.unshare(nstypes.PID.flag)
        return support.forked(init)

    def init() -> int | None:
        pids = libc.buffer(struct.pack("=2i", chosen, chosen))
        arguments = struct.pack("=11Q", 0, 0, 0, 0, 17, 0, 0, 0, libc.address(pids), 2, 0)
        if libc.syscall_twice("clone3", arguments, len(arguments)) == 0:
            try:
                assert os.getpid() == int(os.readlink("/proc/self")) == chosen
                code = support.code_of(procfs.open_root)
            except BaseException:  # noqa: BLE001 - this process must not go on in the caller's code
                code = 0
            os._exit(code or 0)
        return process.exit_code(os.waitpid(chosen, 0)[1])

    chosen = 31999
    assert support.forked(work) == errno.ESTALE


# ---- its files


def test_read_and_write_leave_every_byte_as_it_is() -> None:
    def work() -> str:
        with support.own_procfs() as proc:
            procfs.write(proc, "%d/comm" % os.getpid(), "a\rb\x0cé")
            with Path("/proc/self/comm").open("wb") as file:
                file.write(b"\xff\r\x0c\xe2\x80\xa8")
            return procfs.read(proc, "%d/comm" % os.getpid())

    assert support.forked(work) == "\udcff\r\x0c\u2028\n"


def test_a_write_is_one_write() -> None:
    """The kernel takes an id map whole: a second write fails."""
    with support.inhabited("user", id_map="") as pid, support.own_procfs() as proc:
        procfs.write(proc, f"{pid}/uid_map", "0 0 1\n1 5 2\n")
        assert procfs.read(proc, f"{pid}/uid_map").split() == ["0", "0", "1", "1", "5", "2"]
        assert support.code_of(lambda: procfs.write(proc, f"{pid}/uid_map", "0 0 1\n")) == errno.EPERM


@pytest.mark.parametrize("over", ["file", "process"])
@pytest.mark.parametrize("action", ["read", "write"])
def test_an_overmounted_file_is_refused(tmp_path: Path, over: str, action: str) -> None:
    def work() -> int | None:
        with support.own_procfs() as proc:
            pid = os.getpid()
            support.bind(*((fake / "uid_map", f"/proc/{pid}/uid_map") if over == "file" else (fake, f"/proc/{pid}")))
            assert Path(f"/proc/{pid}/uid_map").read_text() == "fake"
            if action == "read":
                return support.code_of(lambda: procfs.read(proc, f"{pid}/uid_map"))
            return support.code_of(lambda: procfs.write(proc, f"{pid}/uid_map", "0 0 1"))

    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "uid_map").write_text("fake")
    assert support.secluded(work) == errno.EXDEV
    assert (fake / "uid_map").read_text() == "fake"


@pytest.mark.parametrize("path", ["self/stat", "{pid}/exe", "{pid}/root/etc/passwd", "{pid}/cwd/x"])
def test_a_link_is_refused(path: str) -> None:
    with support.own_procfs() as proc:
        assert support.code_of(lambda: procfs.read(proc, path.format(pid=os.getpid()))) == errno.ELOOP


def test_a_namespace_that_the_kernel_lacks() -> None:
    with support.own_procfs() as proc:
        assert support.code_of(lambda: procfs.open_namespace(proc, os.getpid(), "dream")) == errno.ENOENT
        with closing(procfs.open_namespace(proc, os.getpid(), "net")) as fd:
            assert os.fstat(fd).st_ino == Path("/proc/self/ns/net").stat().st_ino


# ---- id maps


@pytest.mark.parametrize(("number", "found"), [(0, True), (10, True), (11, False), (50, True), ((1 << 32) - 2, False)])
def test_maps_id(number: int, found: bool) -> None:
    def work() -> bool:
        with support.inhabited("user", id_map="0 1000 11\n50 0 1\n") as pid, support.own_procfs() as proc:
            with closing(os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)) as fd:
                process.setns(fd, nstypes.USER.flag)
            return procfs.maps_id(proc, "uid_map", number)

    assert support.forked(work) is found


def test_an_id_map() -> None:
    ranges = "0 1000 11\n50 0 1\n"
    with support.inhabited("user", id_map=ranges) as pid, support.own_procfs() as proc:
        assert procfs.id_map(proc, pid, "gid_map") == [(0, 1000, 11), (50, 0, 1)]


def test_the_offsets_of_the_clocks() -> None:
    def work() -> dict[str, int]:
        process.unshare(nstypes.TIME.flag)
        with support.own_procfs() as proc:
            procfs.write(proc, f"{os.getpid()}/timens_offsets", "monotonic 5 7\nboottime -2 500000000\n")
            return procfs.time_offsets(proc, os.getpid())

    assert support.forked(work) == {"monotonic": 5_000_000_007, "boottime": -1_500_000_000}


def test_a_zombie_has_no_clocks() -> None:
    with support.zombie() as pid, support.own_procfs() as proc:
        assert procfs.time_offsets(proc, pid) == {}


@pytest.mark.parametrize("parse", [procfs.parse_id_map, procfs.parse_time_offsets])
@support.properties
@hypothesis.given(strategies.text() | strategies.from_regex(r"\A(\w+ +-?\d+ +\d+\n){1,3}\Z"))
def test_garbage_is_a_value_error_at_most(parse: t.Callable[[str], t.Any], text: str) -> None:
    with contextlib.suppress(ValueError):
        assert len(parse(text)) <= len(text.splitlines())


# ---- processes


@pytest.mark.parametrize("name", ["", ") S 1 (", "a b", "\n) R 0", "(((", ")"], ids=repr)
def test_a_name_can_not_fake_a_state(name: str) -> None:
    def work() -> procfs.Stat:
        libc.function("prctl", 15, name.encode() + b"\0", 0, 0, 0)
        with support.own_procfs() as proc:
            return procfs.stat(proc, os.getpid())

    found = support.forked(work)
    assert (found.state, found.parent, found.kernel_thread) == ("R", os.getpid(), False)


def test_a_kernel_thread(tmp_path: Path) -> None:
    """None is seen from inside a pid namespace, so this is what the kernel writes of one elsewhere."""
    (tmp_path / "2").mkdir()
    line = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 4 0 0 20 0 1 0 6 0 0 18446744073709551615"
    (tmp_path / "2/stat").write_text(line)
    with closing(os.open(tmp_path, os.O_RDONLY)) as fake:
        assert procfs.stat(fake, 2) == procfs.Stat("S", 0, 0, 2129984, 6)
        assert procfs.stat(fake, 2).kernel_thread


def test_processes() -> None:
    with support.zombie() as ended, support.own_procfs() as proc:
        found = dict(procfs.processes(proc))
    assert (found[os.getpid()].parent, found[os.getpid()].state) == (os.getppid(), "R")
    assert (found[ended].parent, found[ended].state) == (os.getpid(), "Z")
    assert {1, os.getpid(), ended} <= set(found)
