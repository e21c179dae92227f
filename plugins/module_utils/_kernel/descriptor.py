# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Descriptors: opened without being led astray, and closed in any case."""

from __future__ import annotations

import errno
import os
import struct
import typing as t

from . import libc

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_IN_ROOT = 0x10

EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What is wrong with us, or the host, and not with what was looked at."""

_STATX_FLAGS = 0x4000 | libc.AT_EMPTY_PATH  # AT_STATX_DONT_SYNC
_STATX_MASK = 0x1 | 0x100 | 0x1000  # STATX_TYPE, STATX_INO, STATX_MNT_ID
_STATX = struct.Struct("=28xH2xQ96xIIQ104x")


class Status(t.NamedTuple):
    """Of stat(2), what every file system knows by itself."""

    device: int
    inode: int
    mode: int
    """Its type alone."""
    mount: int
    """The number of the mount it is on."""


def open_resolved(path: str, flags: int, resolve: int, directory: int = libc.AT_FDCWD, shown: str | None = None) -> int:
    """Open a path from a directory, with the RESOLVE_* bits that say what must not be on the way.

    Source: openat2(2). Raises OSError with the path as it is shown: ELOOP for a link, EXDEV for a mount on the way.
    """
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, resolve)
    return libc.syscall("openat2", directory, os.fsencode(path), how, len(how), path=shown or path)


def status(fd: int, path: str = "") -> Status:
    """What is open there, or at a path from there, as the kernel has it.

    No file system is asked, but by a path some are that want to be, as NFS, and may never answer.
    Source: statx(2), AT_STATX_DONT_SYNC, STATX_MNT_ID. Raises OSError.
    """
    memory = libc.buffer(bytes(_STATX.size))
    libc.syscall("statx", fd, os.fsencode(path), _STATX_FLAGS, _STATX_MASK, memory)
    mode, inode, major, minor, mount = _STATX.unpack(memory.raw)
    return Status(os.makedev(major, minor), inode, mode, mount)


class closing:  # noqa: N801 - as contextlib.closing; a generator would take as long as what it is around
    """Close a descriptor on leaving."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __enter__(self) -> int:
        return self._fd

    def __exit__(self, *_error: object) -> None:
        os.close(self._fd)
