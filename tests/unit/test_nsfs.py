# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a path or a descriptor is: asked of the kernel, and never opened before it is known to be a namespace."""

from __future__ import annotations

import errno
import os
import socket
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nsfs, nstypes
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


def plain_file(path: Path) -> Path:
    path.write_text("net:[4026531833]")
    return path


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def device(path: Path) -> Path:
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 7))
    return path


def unix_socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))  # the name of a socket has to be short
    return path


def directory(path: Path) -> Path:
    path.mkdir()
    return path


def symlink(path: Path) -> Path:
    path.symlink_to(f"/proc/{os.getppid()}/ns/net")
    return path


def dangling_symlink(path: Path) -> Path:
    path.symlink_to("nowhere")
    return path


def below_a_file(path: Path) -> Path:
    return plain_file(path) / "net"


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (plain_file, errno.EINVAL),
        (fifo, errno.EINVAL),
        (device, errno.EINVAL),
        (unix_socket, errno.EINVAL),
        (directory, errno.EISDIR),
        (symlink, errno.ELOOP),
        (dangling_symlink, errno.ELOOP),
        (lambda path: path, errno.ENOENT),
        (below_a_file, errno.ENOTDIR),
        (lambda _path: Path("/proc/self/exe"), errno.EINVAL),
        (lambda _path: Path("/proc/self/root"), errno.EISDIR),
        (lambda _path: Path("/proc/self"), errno.EISDIR),
        (lambda _path: Path("/proc/self/ns/net2"), errno.ENOENT),
    ],
    ids=[
        *("plain", "fifo", "device", "socket", "directory", "symlink", "dangling", "gone", "below a file"),
        *("exe", "root", "self", "unknown"),
    ],
)
def test_what_is_no_handle_is_told_apart(tmp_path: Path, make: t.Callable[[Path], Path], code: int) -> None:
    path = make(tmp_path / "handle")
    assert support.forked(lambda: refused(path), seconds=5) == code


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
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        assert refused(Path(f"/proc/{pid}/ns/net")) == errno.ENOENT
    finally:
        os.waitpid(pid, 0)


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

    path = plain_file(tmp_path / "handle")
    found, expected = support.secluded(work)
    assert found == expected
    assert refused(path) == errno.EINVAL
