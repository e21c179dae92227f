# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The directories that handles are in: made and self-bound when needed, taken away with the last handle.

What the collection made is remembered in a directory of its own, as symbolic links to it. Whoever changes sets holds
the lock of that directory. remembered.py has the links for the sets.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
import typing as t

from .._kernel import libc, mount, mountinfo
from .._kernel.descriptor import RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, closing, open_resolved
from .errors import Hint, NamespaceError, during
from .memory import MEMORY

_DIRECTORY = "directory"
_BIND = "bind"
_MODE = 0o755
_OTHERS_WRITE = 0o022
_STAYS = (errno.ENOTEMPTY, errno.EBUSY, errno.EROFS)
_NOT_OURS_ANY_MORE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL)
_LOCK_SECONDS = 300
_LOCK_STEP_SECONDS = 0.05

_HINTS = {
    errno.EROFS: Hint("it is on a read-only file system", "remount it read-write"),
    errno.ENOSPC: Hint("its file system is full (df, df -i), or fs.mount-max is reached", "free some of it"),
    errno.ELOOP: Hint(
        "a part of the path is a symbolic link, and somebody could point it elsewhere", "give the real path"
    ),
    errno.ENOTDIR: Hint("a part of the path is no directory", "remove what is there"),
    errno.ENOENT: Hint("the directory above it is missing", "create it"),
}


class Memory:
    """What the collection made, as it remembers it: of each kind of thing where they are."""

    def __init__(self, directory: int) -> None:
        self.directory = directory

    def add(self, kind: str, path: str) -> None:
        """Remember, before it is made. Raises OSError."""
        if path in self.find(kind):
            return
        number = len(os.listdir(self.directory))
        while True:
            try:
                os.symlink(path, f"{kind}-{number}", dir_fd=self.directory)
            except FileExistsError:
                number += 1
            else:
                return

    def find(self, kind: str) -> dict[str, str]:
        """The entries of a kind, by path. Raises OSError."""
        names = [name for name in os.listdir(self.directory) if name.startswith(kind + "-")]
        return {os.readlink(name, dir_fd=self.directory): name for name in names}

    def forget(self, kind: str, path: str) -> None:
        """Raises OSError."""
        name = self.find(kind).get(path)
        if name is not None:
            os.unlink(name, dir_fd=self.directory)


@contextlib.contextmanager
def locked() -> t.Iterator[Memory]:
    """Be the only one who changes sets on this host; the working directory is / in the end.

    Raises NamespaceError, also where another one goes on for long.
    """
    with holding(MEMORY) as lock:
        try:
            yield Memory(lock)
        finally:
            # Where handles were removed: nobody could take that directory away while we are in it.
            os.chdir("/")


@contextlib.contextmanager
def holding(path: str) -> t.Iterator[int]:
    """Have the lock of a directory, which is made for it, open; it goes when nothing is in it.

    Nobody else may so much as open it, for whoever can may have the lock. Raises NamespaceError where another one has
    it for long.
    """
    with during(f"lock {path}", _HINTS):
        lock = _lock(path)
    with closing(lock):
        try:
            yield lock
        finally:
            with contextlib.suppress(OSError):
                os.rmdir(path)


def _lock(path: str) -> int:
    while True:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        fd = open_directory(path)
        if fd is None:
            continue
        try:
            _hold(fd, path)
            # Whoever had the lock may have removed the directory.
            if os.path.lexists(path) and os.path.samestat(os.stat(path), os.fstat(fd)):
                return fd
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


def _hold(fd: int, path: str) -> None:
    """flock(2), until it is closed. Raises NamespaceError."""
    limit = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > limit:
                cause = f"another task has held the lock of {path} for {_LOCK_SECONDS} seconds"
                raise NamespaceError("change namespaces", cause, "look at what it waits for") from None
            time.sleep(_LOCK_STEP_SECONDS)
        else:
            return


def open_directory(path: str, root: int = libc.AT_FDCWD) -> int | None:
    """A directory of handles; None where it is missing. root: where the path begins, if not at our own root.

    Raises NamespaceError for one that others could change or exchange: a symbolic link on the way, owners, modes.
    """
    return _open_step_by_step(path, root, holds_handles=True)


def _open_step_by_step(path: str, root: int = libc.AT_FDCWD, *, holds_handles: bool) -> int | None:
    """A directory that nobody could exchange meanwhile: each is looked at before the next. None where it is missing.

    holds_handles: others may not even make entries of their own in there. Raises NamespaceError.
    """
    with during(f"open the directory {path}", _HINTS):
        names = [name for name in path.split("/") if name]
        fd, place = _open_entry("/" if root == libc.AT_FDCWD else ".", root), "/"
        try:
            _refuse_others(place, fd, sticky_suffices=True)
            while names:
                opened = _open_entry(names[0], fd)
                os.close(fd)
                fd, place = opened, os.path.join(place, names.pop(0))
                _refuse_others(place, fd, sticky_suffices=bool(names) or not holds_handles)
        except FileNotFoundError:
            os.close(fd)
            return None
        except BaseException:
            os.close(fd)
            raise
        return fd


def _open_entry(name: str, directory: int) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY
    return open_resolved(name, flags, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS, directory)


def _refuse_others(place: str, fd: int, sticky_suffices: bool) -> None:
    """Raises NamespaceError where others than root could change, or exchange, what is in a directory."""
    status = os.fstat(fd)
    owners = (0, os.geteuid(), os.stat("/").st_uid)
    others_write = status.st_mode & _OTHERS_WRITE and not (sticky_suffices and status.st_mode & stat.S_ISVTX)
    if status.st_uid not in owners or others_write:
        raise NamespaceError(
            f"keep handles in {place}" if not sticky_suffices else f"keep handles below {place}",
            f"others than its owner, or another user than root, may change it (uid {status.st_uid}, mode "
            f"{stat.S_IMODE(status.st_mode):o})",
            "chown it to root and take away the right to write",
        )


def prepare(proc: int, memory: Memory, path: str, private: bool) -> int:
    """Open a directory of handles, made and self-bound if it is not yet.

    private: it is for handles of mount namespaces, which the kernel mounts only where they appear in no other mount
    namespace. Other handles shall appear there, as ip-netns(8) expects. A mount that is there already stays as it is.
    Raises NamespaceError.
    """
    with during(f"make the directory {path}", _HINTS):
        above, name = os.path.split(path)
        fd = _open_step_by_step(above, holds_handles=False)
        if fd is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), above)
        with closing(fd):
            if name not in os.listdir(fd):
                memory.add(_DIRECTORY, path)
                mask = os.umask(0)
                try:
                    os.mkdir(name, _MODE, dir_fd=fd)
                finally:
                    os.umask(mask)
    with closing(_open(path)) as fd, during(f"bind {path} to itself", _HINTS):
        mounts = mountinfo.read(proc)
        present = mountinfo.mount_at(proc, fd, mounts)
        if any(item.path.startswith(path + "/") for item in mounts):
            # Somebody's handles, which would be mounted twice.
            pass
        elif present is None:
            memory.add(_BIND, path)
            _bind_self(fd, private)
        elif path in memory.find(_BIND):
            # It may have been left half done.
            mount.set_propagation(fd, "private" if private else "shared", recursive=False)
    return _open(path)


def _open(path: str) -> int:
    fd = open_directory(path)
    if fd is None:
        raise NamespaceError(f"keep handles in {path}", "somebody removed it meanwhile", "try again")
    return fd


def _bind_self(directory: int, private: bool) -> None:
    """Private first: a copy of a shared mount is its peer, and each handle would be mounted on both."""
    with closing(mount.clone_tree(directory, recursive=False)) as tree:
        mount.set_propagation(tree, "private", recursive=False)
        mount.attach_tree(tree, directory)
        # Below a shared mount it has become shared.
        mount.set_propagation(tree, "private" if private else "shared", recursive=False)


def clean_up(memory: Memory) -> None:
    """Take away what was made for handles and has none any more. Raises OSError."""
    for kind, take_away in ((_BIND, _unbind), (_DIRECTORY, os.rmdir)):
        for path in memory.find(kind):
            try:
                take_away(path)
            except OSError as error:
                if error.errno in _STAYS:
                    continue
                if error.errno not in _NOT_OURS_ANY_MORE:
                    raise
            memory.forget(kind, path)


def _unbind(path: str) -> None:
    """Raises OSError: ENOTEMPTY for a directory with handles, EINVAL for one where nothing is mounted."""
    if os.listdir(path):
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)
    with closing(mount.open_path(os.path.dirname(path))) as above:
        mount.unmount(above, os.path.basename(path))
