# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a path or a descriptor is: asked of the kernel, and never opened before it is known to be a namespace."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nsfs, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.tests.unit import support


@support.needs_ids
def test_an_id_is_never_used_again_though_the_inode_is() -> None:
    found: list[nsfs.Identity] = []
    while len(found) < 6 or len({item.inode for item in found}) == len(found):
        with support.inhabited("uts") as pid:
            found.append(support.identity(pid, "uts"))
        assert len(found) < 1000
    assert None not in {item.id for item in found}
    assert len({item.id for item in found}) == len(found)


@pytest.mark.parametrize("name", support.TYPE_NAMES)
def test_two_descriptors_of_one_namespace(name: str) -> None:
    with support.inhabited(name) as pid, closing(nsfs.open_handle(f"/proc/{pid}/ns/{name}")) as fd:
        assert nsfs.identity(fd) == support.identity(pid, name) != support.own_identity(name)
        assert nsfs.identity(fd).inode == Path(f"/proc/{pid}/ns/{name}").stat().st_ino
        assert nsfs.type_of(fd) is nstypes.BY_NAME[name]


def test_no_type_of_what_is_no_namespace(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with (tmp_path / "plain").open("rb") as file, pytest.raises(OSError, match=os.strerror(errno.ENOTTY)):
        nsfs.type_of(file.fileno())


def test_filesystem_magic(tmp_path: Path) -> None:
    found = []
    for path in ("/proc", "/proc/self/ns/net", tmp_path):
        with closing(os.open(path, os.O_RDONLY)) as fd:
            found.append(nsfs.filesystem_magic(fd))
    assert found[:2] == [0x9FA0, 0x6E736673]
    assert found[2] not in found[:2]


# ---- what is no handle


OF_WRONG_FILES = {
    "directory": errno.EISDIR,
    "symlink": errno.ELOOP,
    "dangling symlink": errno.ELOOP,
    "nothing": errno.ENOENT,
}


@pytest.mark.parametrize("kind", support.WRONG_FILES)
def test_what_is_no_handle_is_told_apart(tmp_path: Path, kind: str) -> None:
    """And not opened: a fifo would block."""
    path = support.wrong_file(kind, tmp_path / "handle")
    assert support.forked(lambda: refused(path), seconds=5) == OF_WRONG_FILES.get(kind, errno.EINVAL)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/proc/self/exe", errno.EINVAL),
        ("/proc/self/root", errno.EISDIR),
        ("/proc/self", errno.EISDIR),
        ("/proc/self/ns/net2", errno.ENOENT),
        ("/proc/self/exe/net", errno.ENOTDIR),
    ],
)
def test_what_is_no_handle_on_procfs(path: str, code: int) -> None:
    assert refused(Path(path)) == code


def refused(path: Path) -> int | None:
    return support.code_of(lambda: os.close(nsfs.open_handle(str(path))))


def test_a_memfd_is_no_handle() -> None:
    with closing(os.memfd_create("handle")) as fd:
        assert refused(Path(f"/proc/self/fd/{fd}")) == errno.EINVAL


def test_a_namespace_that_is_only_held_by_a_descriptor() -> None:
    with support.inhabited("uts") as pid:
        fd, expected = os.open(f"/proc/{pid}/ns/uts", os.O_RDONLY), support.identity(pid, "uts")
    with closing(fd), closing(nsfs.open_handle(f"/proc/self/fd/{fd}")) as again:
        assert nsfs.identity(again) == expected


def test_a_process_that_has_ended() -> None:
    """It has the links still, but they lead nowhere."""
    with support.zombie() as pid:
        assert refused(Path(f"/proc/{pid}/ns/net")) == errno.ENOENT


def test_a_process_of_somebody_else() -> None:
    def work() -> int | None:
        support.become_ordinary()
        return refused(Path(f"/proc/{os.getppid()}/ns/net"))

    assert support.forked(work) == errno.EACCES


def test_a_bound_handle_and_what_its_mount_leaves(tmp_path: Path) -> None:
    def work() -> tuple[nsfs.Identity, nsfs.Identity]:
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", path)
            expected = support.identity(pid, "uts")
        with closing(nsfs.open_handle(str(path))) as fd:
            return nsfs.identity(fd), expected

    path = support.wrong_file("plain file", tmp_path / "handle")
    found, expected = support.secluded(work)
    assert found == expected
    assert refused(path) == errno.EINVAL


# ---- what is held, and who is init


def test_what_is_held_is_opened_only_if_it_is_a_namespace(tmp_path: Path) -> None:
    """A fifo would wait for somebody."""
    os.mkfifo(tmp_path / "fifo")

    def look() -> list[nsfs.Identity | None]:
        found = []
        for path in ("/proc/self/ns/uts", str(tmp_path / "fifo"), str(tmp_path), "/dev/null", "/proc/self/status"):
            with closing(os.open(path, os.O_PATH)) as held:
                fd = nsfs.open_held(held)
                found.append(None if fd is None else nsfs.identity(fd))
        return found

    assert support.forked(look, seconds=5) == [support.own_identity("uts"), None, None, None, None]


def test_the_init_of_a_pid_namespace() -> None:
    with support.inhabited("pid") as pid:
        with closing(os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)) as fd:
            if nsfs.init_of(fd) is None:
                pytest.skip("Linux 6.11 is the first that says who is the init: run it there")
            assert nsfs.init_of(fd) == pid
        with closing(os.open("/proc/self/ns/pid", os.O_RDONLY)) as fd:
            assert nsfs.init_of(fd) == 1


@pytest.mark.parametrize("reaped", [False, True])
def test_a_pid_namespace_whose_init_has_ended(reaped: bool) -> None:
    """As long as it is not reaped it has a pid, and whoever asks has to look at its state."""

    def work() -> tuple[int | None, int]:
        process.unshare(nstypes.PID.flag)
        pid = os.fork()
        if pid == 0:
            signal.pause()
        with closing(os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)) as fd:
            os.kill(pid, signal.SIGKILL)
            os.waitid(os.P_PID, pid, os.WEXITED | (0 if reaped else os.WNOWAIT))
            return nsfs.init_of(fd), pid

    found, pid = support.forked(work)
    if found is None:
        pytest.skip("Linux 6.11 is the first that says who is the init: run it there")
    assert found == (0 if reaped else pid)


def test_the_init_of_what_is_no_pid_namespace() -> None:
    with closing(os.open("/proc/self/ns/uts", os.O_RDONLY)) as fd:
        if support.kernel_release() < (6, 11):
            pytest.skip("Linux 6.11 is the first that says who is the init: run it there")
        assert support.code_of(lambda: nsfs.init_of(fd)) == errno.EINVAL
