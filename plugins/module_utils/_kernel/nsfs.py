# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What the kernel says of an open namespace: its type, inode and 64-bit id."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
import typing as t

from . import libc, nstypes
from .descriptor import closing

PROC_SUPER_MAGIC = 0x9FA0
_NSFS_MAGIC = 0x6E736673
_NSIO = 0xB7


class Identity(t.NamedTuple):
    """Which namespace it is. An inode is used again at once; an id never is, but kernels before 6.18 give none."""

    inode: int
    id: int | None


def _ioctl_number(number: int, size: int) -> int:
    """_IO and _IOR of asm/ioctl.h, which three families of architectures encode in their own way."""
    if os.uname().machine.startswith(("ppc", "mips", "sparc")):
        return ((2 if size else 1) << 29) | (size << 16) | (_NSIO << 8) | number
    return ((2 if size else 0) << 30) | (size << 16) | (_NSIO << 8) | number


_MAGIC = struct.Struct("=I" if os.uname().machine.startswith("s390") else "@L")
_NS_GET_NSTYPE = _ioctl_number(3, 0)
_NS_GET_MNTNS_ID = _ioctl_number(5, 8)
_NS_GET_TGID_FROM_PIDNS = _ioctl_number(7, 4)
_NS_GET_ID = _ioctl_number(13, 8)


def filesystem_magic(fd: int) -> int:
    """The magic number of the file system that the descriptor is on. Source: fstatfs(2). Raises OSError."""
    memory = libc.buffer(bytes(256))
    libc.function("fstatfs", fd, memory)
    magic: int = _MAGIC.unpack_from(memory)[0]
    return magic


def open_handle(path: str) -> int:
    """Open a namespace by a path: a bind-mounted handle, or a link below /proc/PID.

    A last component that is a link is followed on procfs only, and what is not a namespace is never opened: a fifo
    would block, a device act. Raises OSError: ELOOP for a symbolic link, EISDIR for a directory, EINVAL for anything
    else that is no namespace.
    """
    with closing(os.open(os.path.dirname(path) or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as above:
        try:
            follow = 0 if filesystem_magic(above) == PROC_SUPER_MAGIC else os.O_NOFOLLOW
            held = os.open(os.path.basename(path) or ".", os.O_PATH | os.O_CLOEXEC | follow, dir_fd=above)
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from None
        # What Linux 5.10.262 makes of a link that may not be followed.
        denied = os.path.samestat(os.fstat(held), os.fstat(above))
    with closing(held):
        fd = open_held(held)
        if fd is None:
            mode = os.fstat(held).st_mode
            code = errno.ELOOP if stat.S_ISLNK(mode) else errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
            code = errno.EACCES if denied else code
            raise OSError(code, os.strerror(code), path)
        return fd


def open_held(held: int) -> int | None:
    """Open what is held by a descriptor of O_PATH, if it is a namespace. Raises OSError."""
    if filesystem_magic(held) != _NSFS_MAGIC:
        return None
    return os.open(f"/proc/self/fd/{held}", os.O_RDONLY | os.O_CLOEXEC)


def type_of(fd: int) -> nstypes.NsType:
    """The type of an open namespace. Source: ioctl_nsfs(2), NS_GET_NSTYPE. Raises OSError."""
    flag = fcntl.ioctl(fd, _NS_GET_NSTYPE)
    if flag not in nstypes.BY_FLAG:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return nstypes.BY_FLAG[flag]


def identity(fd: int) -> Identity:
    """Which namespace is open. Source: ioctl_nsfs(2), NS_GET_ID (6.18) and NS_GET_MNTNS_ID (6.11). Raises OSError."""
    number = _ask_id(fd, _NS_GET_ID)
    if number is None and type_of(fd) is nstypes.MNT:
        number = _ask_id(fd, _NS_GET_MNTNS_ID)
    return Identity(os.fstat(fd).st_ino, number)


def _ask_id(fd: int, request: int) -> int | None:
    try:
        answer: int = struct.unpack("=Q", fcntl.ioctl(fd, request, bytes(8)))[0]
    except OSError as error:
        if error.errno != errno.ENOTTY:
            raise
        return None
    return answer


def init_of(fd: int) -> int | None:
    """The pid that the init of an open pid namespace has for the caller; 0 where there is none, ended and reaped.

    Source: ioctl_nsfs(2), NS_GET_TGID_FROM_PIDNS (6.11). None where the kernel can't be asked. Raises OSError.
    """
    try:
        return fcntl.ioctl(fd, _NS_GET_TGID_FROM_PIDNS, 1)
    except OSError as error:
        if error.errno == errno.ESRCH:
            return 0
        if error.errno != errno.ENOTTY:
            raise
        return None
