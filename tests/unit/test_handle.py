# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Namespaces pinned to files, and what must never be taken for such a file."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nsfs, nstypes
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import handle
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.handle import Handle, Pinned
from ansible_collections.linux.namespaces.tests.unit import support

Work = t.Callable[[Handle, int], t.Any]


@contextlib.contextmanager
def opened(path: Path, name: str = "uts") -> t.Iterator[tuple[Handle, int]]:
    """A handle of that type at the path, and its directory open."""
    with closing(os.open(path.parent, os.O_RDONLY)) as directory:
        yield Handle(nstypes.BY_NAME[name], str(path.parent), path.name), directory


def at(path: Path, work: Work, name: str = "uts") -> t.Any:
    """What the work does with a handle there, in a mount namespace of its own."""

    def with_handle() -> t.Any:
        with opened(path, name) as (it, directory):
            return work(it, directory)

    return support.secluded(with_handle)


def pin(it: Handle, directory: int) -> nsfs.Identity:
    """Pin a new namespace; nothing else holds it then."""
    with support.inhabited(it.kind.name) as pid:
        with closing(nsfs.open_handle(f"/proc/{pid}/ns/{it.kind.name}")) as fd:
            handle.pin(it, directory, fd)
        return support.identity(pid, it.kind.name)


def unstack(it: Handle, directory: int) -> None:
    with support.own_procfs() as proc:
        handle.unstack(proc, it, directory)


def entered(path: str) -> nsfs.Identity:
    with closing(nsfs.open_handle(path)) as fd:
        return nsfs.identity(fd)


def count(path: str) -> int:
    return sum(item.path == path for item in support.mounts_below(path))


def refusal(work: t.Callable[[], object]) -> NamespaceError:
    with pytest.raises(NamespaceError) as caught:
        work()
    return caught.value


@pytest.mark.parametrize("name", support.TYPE_NAMES)
def test_a_namespace_stays_pinned_without_processes(tmp_path: Path, name: str) -> None:
    def work(it: Handle, directory: int) -> None:
        assert handle.look(it, directory) is None
        identity = pin(it, directory)
        assert entered(it.path) == identity
        assert handle.look(it, directory) == Pinned(identity)
        assert count(it.path) == 1
        handle.unpin(it, directory)
        assert handle.look(it, directory) is None
        assert (os.listdir(directory), count(it.path)) == ([], 0)

    at(tmp_path / "blue", work, name)


def test_the_file_below_is_empty_and_of_no_use(tmp_path: Path) -> None:
    def work(it: Handle, directory: int) -> tuple[int, int, handle.Pinned | None]:
        os.umask(0)
        pin(it, directory)
        support.unmount(it.path)
        status = os.stat(it.path)
        return stat.S_IMODE(status.st_mode), status.st_size, handle.look(it, directory)

    assert at(tmp_path / "blue", work) == (0, 0, Pinned(None))


def test_an_empty_file_is_used_again(tmp_path: Path) -> None:
    (tmp_path / "blue").touch()

    def work(it: Handle, directory: int) -> bool:
        assert handle.look(it, directory) == Pinned(None)
        return pin(it, directory) == entered(it.path)

    assert at(tmp_path / "blue", work)


def link(path: Path) -> None:
    path.symlink_to("/proc/self/ns/uts")


def dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def content(path: Path) -> None:
    path.write_text("x")


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))


def device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 7))


STRANGERS: dict[str, tuple[t.Callable[[Path], object], str]] = {
    "link": (link, "a symbolic link"),
    "dangling link": (dangling_link, "a symbolic link"),
    "directory": (Path.mkdir, "a directory"),
    "content": (content, "a file with something in it"),
    "fifo": (os.mkfifo, "a device, a socket or a fifo"),
    "socket": (unix_socket, "a device, a socket or a fifo"),
    "device": (device, "a device, a socket or a fifo"),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_is_no_handle_is_refused(tmp_path: Path, stranger: str) -> None:
    make, words = STRANGERS[stranger]
    path = tmp_path / "blue"
    make(path)

    def look() -> NamespaceError:
        with opened(path) as (it, directory):
            return refusal(lambda: handle.look(it, directory))

    error = support.forked(look, seconds=5)
    assert str(error).startswith(f"cannot use {path} as the handle of a uts namespace: it is no handle but {words}; ")
    assert os.path.lexists(path)


def test_a_namespace_of_another_type_is_refused(tmp_path: Path) -> None:
    def work(it: Handle, directory: int) -> str:
        pin(it, directory)
        return str(refusal(lambda: handle.look(it._replace(kind=nstypes.NET), directory)))

    message = at(tmp_path / "blue", work)
    assert "as the handle of a net namespace: it is a namespace of type uts" in message


def test_a_mount_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "blue").touch()

    def work(it: Handle, directory: int) -> str:
        support.bind("/proc/self/status", it.path)
        support.bind("/etc/passwd", it.path)
        return str(refusal(lambda: handle.look(it, directory)))

    assert "a file with something in it" in at(tmp_path / "blue", work)


def test_a_link_is_not_followed_when_pinning(tmp_path: Path) -> None:
    """Somebody puts it there after the look. Whether the kernel mounts on the link itself is its own business."""
    (tmp_path / "elsewhere").touch()
    (tmp_path / "blue").symlink_to("elsewhere")

    def work(it: Handle, directory: int) -> int:
        with contextlib.suppress(NamespaceError):
            pin(it, directory)
        return count(str(tmp_path / "elsewhere"))

    assert at(tmp_path / "blue", work) == 0


def test_a_mount_namespace_below_a_shared_mount(tmp_path: Path) -> None:
    """Its own mounts would show the handle. No file is left."""

    def work() -> NamespaceError:
        support.own_mounts("shared")
        with opened(tmp_path / "blue", "mnt") as (it, directory):
            return refusal(lambda: pin(it, directory))

    error = support.forked(work)
    assert error.code == errno.EINVAL
    assert "below a shared mount" in str(error)
    assert "ns_propagation" in str(error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("option", "code"), [("ro", errno.EROFS), ("nr_inodes=1", errno.ENOSPC)])
def test_a_file_system_that_takes_no_file(tmp_path: Path, option: str, code: int) -> None:
    def work() -> NamespaceError:
        support.mount_over("tmpfs", tmp_path, option)
        with opened(tmp_path / "blue") as (it, directory):
            return refusal(lambda: pin(it, directory))

    error = support.secluded(work)
    assert error.code == code
    assert {errno.EROFS: "read-only file system", errno.ENOSPC: "is full, or fs.mount-max"}[code] in error.cause


def test_all_mounts_of_a_handle_are_taken_off(tmp_path: Path) -> None:
    def work(it: Handle, directory: int) -> list[str]:
        pin(it, directory)
        for _time in range(3):
            support.bind(it.path, it.path)
        assert count(it.path) == 4
        handle.unpin(it, directory)
        return os.listdir(directory)

    assert at(tmp_path / "blue", work) == []


def test_a_handle_that_is_held_open(tmp_path: Path) -> None:
    """It can't be removed, but detached; who holds it can still enter."""

    def work(it: Handle, directory: int) -> None:
        identity = pin(it, directory)
        with closing(nsfs.open_handle(it.path)) as held:
            error = refusal(lambda: handle.unpin(it, directory))
            assert error.code == errno.EBUSY
            assert "holds the handle open" in error.cause
            assert "when_busy: detach" in error.remedy
            assert entered(it.path) == identity
            handle.unpin(it, directory, detach=True)
            assert os.listdir(directory) == []
            assert nsfs.identity(held) == identity

    at(tmp_path / "blue", work)


def test_a_handle_with_copies_in_other_mount_namespaces(tmp_path: Path) -> None:
    """Only removing the file takes them away too."""

    def work(it: Handle, directory: int) -> tuple[list[str], list[str]]:
        pin(it, directory)
        with support.inhabited("mnt") as pid:
            before = [line for line in support.read(f"/proc/{pid}/mountinfo").splitlines() if it.path in line]
            handle.unpin(it, directory)
            after = [line for line in support.read(f"/proc/{pid}/mountinfo").splitlines() if it.path in line]
        return before, after

    before, after = at(tmp_path / "blue", work)
    assert len(before) == 1
    assert after == []


@pytest.mark.parametrize("same", [False, True])
def test_of_doubled_mounts_the_uppermost_stays(tmp_path: Path, same: bool) -> None:
    def work(it: Handle, directory: int) -> None:
        pin(it, directory)
        for _time in range(2):
            if same:
                support.bind(it.path, it.path)
            else:
                with support.inhabited("uts") as pid:
                    support.bind(f"/proc/{pid}/ns/uts", it.path)
        expected = entered(it.path)
        assert count(it.path) == 3
        unstack(it, directory)
        assert (count(it.path), entered(it.path)) == (1, expected)

    at(tmp_path / "blue", work)


def test_a_doubled_mount_that_is_held_open(tmp_path: Path) -> None:
    """It goes on to be the one that everybody enters."""

    def work(it: Handle, directory: int) -> None:
        pin(it, directory)
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", it.path)
        expected = entered(it.path)
        with closing(nsfs.open_handle(it.path)):
            assert refusal(lambda: unstack(it, directory)).code == errno.EBUSY
        assert entered(it.path) == expected
        unstack(it, directory)
        assert (count(it.path), entered(it.path)) == (1, expected)

    at(tmp_path / "blue", work)


def test_what_was_removed_can_be_restored(tmp_path: Path) -> None:
    """It is held meanwhile, and no handle then: a new one can be made in its place."""

    def work(it: Handle, directory: int) -> None:
        identity = pin(it, directory)
        with closing(handle.hold(it, directory)) as held:
            handle.unpin(it, directory)
            handle.restore(it, directory, held)
        assert (entered(it.path), count(it.path)) == (identity, 1)
        with closing(handle.hold(it, directory)) as held:
            handle.restore(it, directory, held)
        assert (entered(it.path), count(it.path)) == (identity, 1)

    at(tmp_path / "blue", work)


def test_where_the_handles_of_a_set_are() -> None:
    paths = [handle.of_set("blue", kind).path for kind in nstypes.ALL]
    assert paths == [f"/run/{name}ns/blue" for name in ("user", "mnt", "uts", "ipc", "net", "cgroup", "time", "pid")]
    assert (handle.of_set("blue", nstypes.NET).directory, handle.of_set("blue", nstypes.NET).file) == (
        "/run/netns",
        "blue",
    )
