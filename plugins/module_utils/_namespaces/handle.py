# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""A handle: the file that a namespace is bind mounted on, so that it stays without processes. Source: ip-netns(8)."""

from __future__ import annotations

import errno
import os
import stat
import typing as t

from .._kernel import mount, mountinfo, nsfs, nstypes
from .._kernel.descriptor import closing
from .errors import Hint, NamespaceError, during, explained

_PIN_HINTS = {
    errno.EINVAL: Hint(
        "a mount namespace can't be pinned where its own mounts would show the handle: below a shared mount",
        "make the mount of that directory private (linux.namespaces.ns_propagation)",
    ),
    errno.ELOOP: Hint(
        "the kernel counts the mount namespace as older than the one that its handle is to be seen in",
        "start what lives in it anew, or let this collection make it",
    ),
    errno.ENOSPC: Hint(
        "the file system of the directory is full, or fs.mount-max is reached", "free some of it, or raise the limit"
    ),
    errno.EROFS: Hint("the directory is on a read-only file system", "remount it, or pin the namespace elsewhere"),
}
_UNPIN_HINTS = {
    errno.EBUSY: Hint(
        "somebody holds the handle open",
        "end that process (the playbook linux.namespaces.why names it), or have ns_persistent remove it with "
        "when_busy: detach",
    ),
    errno.EROFS: Hint("the directory is on a read-only file system", "remount it"),
}


class Handle(t.NamedTuple):
    """Where a namespace of this type is pinned, or is to be."""

    kind: nstypes.NsType
    directory: str
    file: str

    @property
    def path(self) -> str:
        """All of it."""
        return f"{self.directory}/{self.file}"


class Pinned(t.NamedTuple):
    """What is at the path of a handle: a namespace, or (None) an empty file that has lost it."""

    identity: nsfs.Identity | None


def of_set(name: str, kind: nstypes.NsType) -> Handle:
    """The handle of a set's namespace at its usual place."""
    return Handle(kind, kind.directory, name)


def look(handle: Handle, directory: int) -> Pinned | None:
    """What is there, in the directory that is open; None for nothing.

    Raises NamespaceError for what is neither a namespace of the handle's type nor an empty file, OSError.
    """
    try:
        held = os.open(handle.file, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    except FileNotFoundError:
        return None
    with closing(held):
        fd = nsfs.open_held(held)
        if fd is None:
            status = os.fstat(held)
            if not stat.S_ISREG(status.st_mode) or status.st_size:
                raise _refused(handle, "it is no handle but " + _describe(status))
            return Pinned(None)
        with closing(fd):
            kind = nsfs.type_of(fd)
            if kind is not handle.kind:
                raise _refused(handle, f"it is a namespace of type {kind.name}")
            return Pinned(nsfs.identity(fd))


def open_namespace(handle: Handle) -> int:
    """Open the namespace that is pinned there. Raises NamespaceError."""
    with during(f"open the {handle.kind.name} handle {handle.path}"):
        return nsfs.open_handle(handle.path)


def pin(handle: Handle, directory: int, namespace: int, ours: nsfs.Identity | None = None) -> nsfs.Identity:
    """Bind mount the open namespace to the file of the handle, made if it is missing; which namespace it is.

    ours: the one that it must not be. Raises NamespaceError.
    """
    try:
        identity = nsfs.identity(namespace)
        if nsfs.type_of(namespace) is not handle.kind or identity == ours:
            raise NamespaceError(f"create a {handle.kind.name} namespace", "the kernel says that it is another one")
        is_new = _make_file(handle, directory)
        try:
            tree = mount.clone_tree(namespace, False)
            try:
                mount.attach_tree(tree, directory, handle.file)
            finally:
                os.close(tree)
        except BaseException:
            if is_new:
                os.unlink(handle.file, dir_fd=directory)
            raise
    except OSError as error:
        raise explained(error, f"pin the {handle.kind.name} namespace at {handle.path}", _PIN_HINTS) from error
    return identity


def unpin(handle: Handle, directory: int, detach: bool = False, keep_file: bool = False) -> None:
    """Take off the namespace, however often it is mounted there, and the file.

    The file that is kept says that the set has a namespace of this type, until another one is pinned there.
    Raises NamespaceError.
    """
    with during(f"remove the handle {handle.path}", _UNPIN_HINTS):
        while True:
            try:
                mount.unmount(directory, handle.file, detach)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                break
        if not keep_file:
            os.unlink(handle.file, dir_fd=directory)


def is_stacked(proc: int, handle: Handle, directory: int, mounts: t.Sequence[mountinfo.Mount]) -> bool:
    """Whether several of these mounts lie upon each other at the handle.

    One more may be hidden below the mount of the directory: where that is a peer of the mount that it covers, as
    ip-netns(8) makes it, the kernel mounts each handle on both. Raises OSError.
    """
    count = 0
    top = mountinfo.mount_of(proc, directory, mounts)
    while top is not None:
        parent = top.id
        top = next((item for item in mounts if item.parent == parent and item.path == handle.path), None)
        count += top is not None
    return count > 1


def unstack(proc: int, handle: Handle, directory: int) -> None:
    """Leave one of several mounts, of the namespace of the uppermost, which is what everybody enters.

    Raises NamespaceError.
    """
    with during(f"take off the doubled mounts of {handle.path}", _UNPIN_HINTS):
        entered = look(handle, directory)
        with closing(hold(handle, directory)) as kept:
            # What is put back shall be nobody's peer.
            mount.set_propagation(kept, "private", recursive=False)
            try:
                # One that is taken off may take along others, where they are peers.
                while is_stacked(proc, handle, directory, mountinfo.read(proc)):
                    mount.unmount(directory, handle.file)
                if look(handle, directory) != entered:
                    mount.unmount(directory, handle.file)
                    mount.attach_tree(kept, directory, handle.file)
            except BaseException:
                if look(handle, directory) != entered:
                    mount.attach_tree(kept, directory, handle.file)
                raise


def hold(handle: Handle, directory: int) -> int:
    """A mount of the namespace that is nowhere: it holds the namespace, but not the handle. Raises OSError."""
    with closing(_open_file(handle, directory)) as file:
        return mount.clone_tree(file, False)


def restore(handle: Handle, directory: int, held: int) -> None:
    """Put what hold() gave back in its place, if it is not there. Raises NamespaceError."""
    with during(f"restore the handle {handle.path}", _PIN_HINTS):
        _make_file(handle, directory)
        with closing(_open_file(handle, directory)) as file:
            fd = nsfs.open_held(file)
            if fd is None:
                mount.attach_tree(held, file)
            else:
                os.close(fd)


def _make_file(handle: Handle, directory: int) -> bool:
    """Whether it was missing."""
    try:
        os.mknod(handle.file, stat.S_IFREG, dir_fd=directory)
    except FileExistsError:
        return False
    return True


def _open_file(handle: Handle, directory: int) -> int:
    return os.open(handle.file, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)


def _refused(handle: Handle, cause: str) -> NamespaceError:
    return NamespaceError(
        f"use {handle.path} as the handle of a {handle.kind.name} namespace",
        cause,
        "remove it if nobody needs it, or take another name",
    )


def _describe(status: os.stat_result) -> str:
    for test, name in (
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISREG, "a file with something in it"),
    ):
        if test(status.st_mode):
            return name
    return "a device, a socket or a fifo"
