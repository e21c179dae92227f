# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Mounts by descriptor: nothing here follows a symbolic link that somebody puts in the way."""

from __future__ import annotations

import errno
import os
import struct
import typing as t

from . import libc
from .descriptor import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, open_resolved

MNT_DETACH = 2
_UMOUNT_NOFOLLOW = 8
AT_RECURSIVE = 0x8000

_MS_RDONLY = 0x1
_MS_NOSUID = 0x2
_MS_NODEV = 0x4
_MS_NOEXEC = 0x8
_MS_SYNCHRONOUS = 0x10
_MS_REMOUNT = 0x20
_MS_DIRSYNC = 0x80
_MS_NOSYMFOLLOW = 0x100
_MS_NOATIME = 0x400
_MS_NODIRATIME = 0x800
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_RELATIME = 0x200000
_MS_STRICTATIME = 0x1000000

_MS_ATIMES = _MS_NOATIME | _MS_RELATIME | _MS_STRICTATIME

# mount_setattr(2) knows the flags of a mount by other numbers than mount(2); those of a file system it does not know.
_ATTRIBUTES = {
    _MS_RDONLY: 0x01,
    _MS_NOSUID: 0x02,
    _MS_NODEV: 0x04,
    _MS_NOEXEC: 0x08,
    _MS_NOATIME: 0x10,
    _MS_STRICTATIME: 0x20,
    _MS_NODIRATIME: 0x80,
    _MS_NOSYMFOLLOW: 0x200000,
}
_ATTR_ATIME_MASK = 0x70

# statvfs(3) numbers this one in its own way.
_ST_NOSYMFOLLOW = 0x2000

PROPAGATION: t.Mapping[str, int] = {
    "unbindable": 0x20000,
    "private": 0x40000,
    "slave": 0x80000,
    "shared": 0x100000,
}
"""The propagation types of mount_namespaces(7) as mount(2) and mount_setattr(2) number them."""

FLAGS: t.Mapping[str, int] = {
    "ro": _MS_RDONLY,
    "nosuid": _MS_NOSUID,
    "nodev": _MS_NODEV,
    "noexec": _MS_NOEXEC,
    "sync": _MS_SYNCHRONOUS,
    "dirsync": _MS_DIRSYNC,
    "nosymfollow": _MS_NOSYMFOLLOW,
    "noatime": _MS_NOATIME,
    "nodiratime": _MS_NODIRATIME,
    "relatime": _MS_RELATIME,
    "strictatime": _MS_STRICTATIME,
}
"""The options of mount(8) that are flags."""

ATTRIBUTE_FLAGS = frozenset(name for name, flag in FLAGS.items() if flag in _ATTRIBUTES or flag == _MS_RELATIME)
"""The flags that a bind mount has of its own."""

_OPEN_TREE_CLONE = 0x1
_MOVE_MOUNT_F_EMPTY_PATH = 0x4
_MOVE_MOUNT_T_EMPTY_PATH = 0x40


def open_path(path: str, directory: int | None = None) -> int:
    """A descriptor (O_PATH) of what is at a path without a single link in it.

    With a directory, the path starts there and can't leave it. Source: openat2(2). Raises OSError; ELOOP for a link.
    """
    resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
    if directory is None:
        return open_resolved(path, os.O_PATH, resolve)
    return open_resolved(path, os.O_PATH, resolve | RESOLVE_IN_ROOT, directory)


def mount_filesystem(fstype: str, source: str, target: int, flags: int = 0, data: str = "") -> None:
    """Mount a file system over a directory that is held open; the working directory moves there.

    Source: mount(2). Raises OSError.
    """
    os.fchdir(target)
    libc.function("mount", os.fsencode(source), b".", os.fsencode(fstype), flags, os.fsencode(data))


def clone_tree(source: int, recursive: bool) -> int:
    """A detached copy of the mount at a place that is held open, with what is mounted below if recursive.

    Source: open_tree(2), OPEN_TREE_CLONE. Raises OSError.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | libc.AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    return libc.syscall("open_tree", source, b"", flags)


def attach_tree(tree: int, target: int, name: str = "") -> None:
    """Mount a detached tree over what is held open, or over an entry of that directory; a link there is not followed.

    Source: move_mount(2). Raises OSError.
    """
    flags = _MOVE_MOUNT_F_EMPTY_PATH | (0 if name else _MOVE_MOUNT_T_EMPTY_PATH)
    libc.syscall("move_mount", tree, b"", target, os.fsencode(name), flags)


def unmount(directory: int, name: str, detach: bool = False) -> None:
    """Take off what is mounted over a file of an open directory; the working directory moves there.

    It is busy while anybody holds something of it open. detach: at once, and who holds it keeps it.
    Source: umount2(2). Raises OSError; EINVAL where nothing is mounted there, EBUSY.
    """
    flags = _UMOUNT_NOFOLLOW | (MNT_DETACH if detach else 0)
    os.fchdir(directory)
    libc.function("umount2", os.fsencode(name), flags, path=name)


def set_propagation(mounted: int, propagation: str, recursive: bool) -> None:
    """Set the propagation of a mount point that is held open.

    Source: mount_setattr(2), which is all or nothing; mount(2) before Linux 5.12, where the working directory moves.
    Raises OSError; EINVAL where the descriptor is no mount point.
    """
    flag = PROPAGATION[propagation]
    try:
        _mount_setattr(mounted, recursive, propagation=flag)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        libc.function("mount", None, _path_of(mounted), None, flag | (_MS_REC if recursive else 0), None)


def set_flags(mounted: int, flags: int, recursive: bool = False) -> None:
    """Give a mount that is held open these flags of mount(2), of those that a mount has of its own.

    Source: mount_setattr(2); mount(2) before Linux 5.12, where the working directory moves and what is below it stays
    as it is. Raises OSError.
    """
    attributes = sum(attribute for flag, attribute in _ATTRIBUTES.items() if flags & flag)
    clear = _ATTR_ATIME_MASK if flags & _MS_ATIMES else 0
    try:
        _mount_setattr(mounted, recursive, attributes, clear)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        kept = _added(os.fstatvfs(mounted).f_flag, flags)
        libc.function("mount", None, _path_of(mounted), None, kept | _MS_REMOUNT | _MS_BIND, None)


def _path_of(mounted: int) -> bytes:
    """A path for mount(2) to what is held open. The working directory moves there, if it is a directory."""
    try:
        os.fchdir(mounted)
    except NotADirectoryError:
        return b"/proc/self/fd/%d" % mounted
    return b"."


def _added(present: int, flags: int) -> int:
    """The flags of a mount as statvfs(3) has them, with others added: a remount takes away what it does not name."""
    kept = present & sum(_ATTRIBUTES) & ~_MS_ATIMES
    if present & _ST_NOSYMFOLLOW:
        kept |= _MS_NOSYMFOLLOW
    # What has neither of the two there is strictatime.
    atime = _MS_NOATIME if present & os.ST_NOATIME else _MS_RELATIME if present & os.ST_RELATIME else _MS_STRICTATIME
    return kept | flags | (0 if flags & _MS_ATIMES else atime)


def pivot_root_here() -> None:
    """Make the working directory, a mount point, the root, with the old root mounted over it for now.

    Source: pivot_root(2), where both paths may be ".". Raises OSError.
    """
    libc.function("pivot_root", b".", b".")


def detach_here() -> None:
    """Take off what is mounted over the working directory, at once and with all below it. Source: umount2(2)."""
    libc.function("umount2", b".", MNT_DETACH)


def _mount_setattr(
    mounted: int, recursive: bool = False, attributes: int = 0, clear: int = 0, propagation: int = 0
) -> None:
    argument = struct.pack("=QQQQ", attributes, clear, propagation, 0)
    flags = libc.AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    libc.syscall("mount_setattr", mounted, b"", flags, argument, len(argument))
