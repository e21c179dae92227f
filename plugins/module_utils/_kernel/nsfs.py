# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Namespaces as files: opened by path, handle or id, and what the kernel says of one: type, inode, id, relatives."""

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
_NS_GET_USERNS = _ioctl_number(1, 0)
_NS_GET_PARENT = _ioctl_number(2, 0)
_NS_GET_NSTYPE = _ioctl_number(3, 0)
_NS_GET_OWNER_UID = _ioctl_number(4, 0)
_NS_GET_MNTNS_ID = _ioctl_number(5, 8)
_NS_GET_TGID_FROM_PIDNS = _ioctl_number(7, 4)
_NS_GET_ID = _ioctl_number(13, 8)
_LISTNS_BYTES = 32
_IDS_AT_ONCE = 4096
FILEID_NSFS = 0xF1
_FD_NSFS_ROOT = -10003


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


def open_checked(path: str, proc: int, directory: int | None = None) -> int | None:
    """Open what is at a path, if it is a namespace: a fifo would block, a device act. proc: as in open_held().

    From Linux 6.18 on it keeps nobody from taking off the mount that the path leads to. Raises OSError.
    """
    with closing(os.open(path, os.O_PATH | os.O_CLOEXEC, dir_fd=directory)) as held:
        fd = open_held(held, proc)
    return None if fd is None else _off_its_mount(fd)


def _off_its_mount(fd: int) -> int:
    """The same namespace, open on the kernel's own mount; the descriptor itself where that can't be."""
    try:
        found = identity(fd)
        if found.id is None:
            return fd
        other = open_by_handle(struct.pack("=QII", found.id, type_of(fd).flag, found.inode))
    except OSError:
        return fd
    os.close(fd)
    return other


def is_namespace(fd: int) -> bool:
    """Whether what is open there, perhaps with O_PATH, is a namespace. Raises OSError."""
    return filesystem_magic(fd) == _NSFS_MAGIC


def open_held(held: int, proc: int | None = None) -> int | None:
    """Open what is held by a descriptor of O_PATH, if it is a namespace.

    proc: the root of a procfs of our own, for where /proc is not to be believed. Raises OSError.
    """
    if not is_namespace(held):
        return None
    path = f"self/fd/{held}"
    return os.open(path if proc is not None else f"/proc/{path}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)


def type_of(fd: int) -> nstypes.NsType:
    """The type of an open namespace. Source: ioctl_nsfs(2), NS_GET_NSTYPE. Raises OSError."""
    flag = fcntl.ioctl(fd, _NS_GET_NSTYPE)
    if flag not in nstypes.BY_FLAG:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return nstypes.BY_FLAG[flag]


def identity(fd: int) -> Identity:
    """Which namespace is open. Raises OSError."""
    return Identity(os.fstat(fd).st_ino, id_of(fd))


def id_of(fd: int) -> int | None:
    """The id of an open namespace. Source: ioctl_nsfs(2), NS_GET_ID (6.18), NS_GET_MNTNS_ID (6.11). Raises OSError."""
    number = _ask_id(fd, _NS_GET_ID)
    if number is None and type_of(fd) is nstypes.MNT:
        number = _ask_id(fd, _NS_GET_MNTNS_ID)
    return number


def _ask_id(fd: int, request: int) -> int | None:
    try:
        answer: int = struct.unpack("=Q", fcntl.ioctl(fd, request, bytes(8)))[0]
    except OSError as error:
        if error.errno != errno.ENOTTY:
            raise
        return None
    return answer


def all_ids() -> t.Iterator[int]:
    """The ids of all namespaces that the caller may see, also of those that nothing in /proc shows.

    Source: listns(2), Linux 6.19. Raises OSError: ENOSYS before.
    """
    last = 0
    while True:
        request = struct.pack("=IIQIIQ", _LISTNS_BYTES, 0, last, 0, 0, 0)
        memory = libc.buffer(bytes(8 * _IDS_AT_ONCE))
        count = libc.syscall("listns", request, memory, _IDS_AT_ONCE, 0)
        found = struct.unpack_from(f"={count}Q", memory.raw)
        yield from found
        if count < _IDS_AT_ONCE:
            return
        last = found[-1]


def open_id(number: int) -> int:
    """Open the namespace that has this id.

    Raises OSError: ESTALE where there is none any more, or the kernel is older than 6.19.
    """
    return open_by_handle(struct.pack("=QII", number, 0, 0))


def open_by_handle(content: bytes) -> int:
    """Open the namespace of a file handle, given as the kernel shows it: id, type and inode.

    Source: open_by_handle_at(2), linux/nsfs.h, Linux 6.18. Raises OSError: ESTALE where it is no more.
    """
    handle = struct.pack("=Ii", len(content), FILEID_NSFS) + content
    return libc.function("open_by_handle_at", _FD_NSFS_ROOT, handle, os.O_RDONLY | os.O_CLOEXEC)


def open_owner(fd: int) -> int | None:
    """Open the user namespace that owns an open namespace; of a user namespace, the one above it.

    Source: ioctl_nsfs(2), NS_GET_USERNS. None where there is none, or none that the caller may see. Raises OSError.
    """
    return _open_related(fd, _NS_GET_USERNS)


def open_parent(fd: int) -> int | None:
    """Open the namespace above an open user or pid namespace.

    Source: ioctl_nsfs(2), NS_GET_PARENT. None where there is none, or none that the caller may see. Raises OSError.
    """
    return _open_related(fd, _NS_GET_PARENT)


def _open_related(fd: int, request: int) -> int | None:
    try:
        return fcntl.ioctl(fd, request)
    except PermissionError:
        return None


def owner_uid(fd: int) -> int:
    """The uid that made an open user namespace, as the caller's own user namespace has it. Raises OSError.

    Source: ioctl_nsfs(2), NS_GET_OWNER_UID.
    """
    uid: int = struct.unpack("=I", fcntl.ioctl(fd, _NS_GET_OWNER_UID, bytes(4)))[0]
    return uid


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
