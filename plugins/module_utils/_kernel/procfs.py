# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""A procfs that is really one, and what is read and written through it.

A process that joins a foreign mount namespace must not believe the /proc it finds there (CVE-2019-19921,
CVE-2025-52881). So the directory is opened and proven before, and everything later goes through that descriptor.
"""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t
from stat import S_ISDIR

from . import nsfs, nstypes
from .descriptor import RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV, closing, open_resolved

_ROOT_INODE = 1
_PF_KTHREAD = 0x00200000
# Numbers come before what may be long.
_FDINFO_BYTES = 4096


class Stat(t.NamedTuple):
    """The fields of proc_pid_stat(5) that are used here. The start is in clock ticks since boot."""

    state: str
    parent: int
    group: int
    flags: int
    start: int

    @property
    def kernel_thread(self) -> bool:
        """Whether it is a thread of the kernel's own."""
        return bool(self.flags & _PF_KTHREAD)

    @property
    def ended(self) -> bool:
        """Whether it only waits to be reaped, or is gone."""
        return self.state in "ZX"


def open_root(path: str = "/proc") -> int:
    """A descriptor of the root of a procfs that shows the caller's own pid namespace.

    Raises OSError: ENOTSUP where the path is no procfs, ESTALE where it belongs to another pid namespace.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    if nsfs.filesystem_magic(fd) != nsfs.PROC_SUPER_MAGIC or os.fstat(fd).st_ino != _ROOT_INODE:
        code = errno.ENOTSUP
    elif not _shows_own_namespace(fd):
        code = errno.ESTALE
    else:
        return fd
    os.close(fd)
    raise OSError(code, os.strerror(code), path)


def _shows_own_namespace(proc: int) -> bool:
    """Whether the caller has one pid there, and not another one in a pid namespace further down."""
    pid = own_pid(proc)
    return bool(pid) and _pids(proc, pid) == [pid]


def innermost_pid(proc: int, pid: int) -> int:
    """The pid that a process has in its own pid namespace. Raises OSError."""
    return _pids(proc, pid)[-1]


def _pids(proc: int, pid: int) -> list[int]:
    """The pids of a process from this procfs's namespace down to its own: NSpid in proc_pid_status(5)."""
    lines = read(proc, f"{pid}/status").split("\n")
    return next(([int(word) for word in line.split()[1:]] for line in lines if line.startswith("NSpid:")), [pid])


def own_pid(proc: int) -> int:
    """The caller's pid as this procfs shows it, from any pid namespace below it; 0 where it shows none."""
    try:
        return int(os.readlink("self", dir_fd=proc))
    except FileNotFoundError:
        return 0


def open_file(proc: int, path: str, flags: int = os.O_RDONLY) -> int:
    """Open a file of this procfs by a path without links, refusing anything mounted over it.

    Source: openat2(2), RESOLVE_NO_XDEV and RESOLVE_NO_SYMLINKS. Raises OSError; EXDEV where something is mounted there.
    """
    return open_resolved(path, flags, RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS, proc, shown="/proc/" + path)


def open_namespace(proc: int, pid: int, link: str) -> int:
    """Open the namespace that /proc/PID/ns/LINK shows. Raises OSError; ENOENT where the kernel lacks the type."""
    with closing(open_file(proc, f"{pid}/ns", os.O_PATH | os.O_DIRECTORY)) as directory:
        fd = os.open(link, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    if S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise _denied(f"{pid}/ns/{link}")
    return fd


def namespace_inode(proc: int, path: str) -> int:
    """The inode that a link of /proc/PID/ns names, which takes no opening: net:[4026531840]. Raises OSError."""
    text = os.readlink(path, dir_fd=proc)
    if not text:
        raise _denied(path)
    return inode_of(text)


def inode_of(text: str) -> int:
    """The inode that the text of a link names: net:[4026531840]. Raises ValueError for another text."""
    return int(text[text.index("[") + 1 : -1])


def _denied(path: str) -> PermissionError:
    """What Linux 5.10.262 forgets to say: the link is empty there, and leads to its own directory."""
    return PermissionError(errno.EACCES, os.strerror(errno.EACCES), f"/proc/{path}")


def namespaces(proc: int, pid: int) -> dict[nstypes.NsType, nsfs.Identity]:
    """Which namespaces a process is in; a type that the kernel lacks is left out. Raises OSError."""
    found = {}
    for kind in nstypes.ALL:
        try:
            fd = open_namespace(proc, pid, kind.name)
        except FileNotFoundError:
            continue
        with closing(fd):
            found[kind] = nsfs.identity(fd)
    return found


def read(proc: int, path: str, most: int = -1) -> str:
    """The text of a file of this procfs; bytes that are not UTF-8 stay as surrogates. Raises OSError.

    most: so many characters of it at most, where a process itself decides how long it is.
    """
    with open_text(proc, path) as file:
        return file.read(most)


def open_text(proc: int, path: str) -> t.TextIO:
    """A file of this procfs to be read as read() has it, line by line. Raises OSError."""
    return open(open_file(proc, path), encoding="utf-8", errors="surrogateescape", newline="\n")


def fdinfo(proc: int, path: str, field: str) -> int | None:
    """A number that the file of a descriptor below fdinfo says; None where it has no such field.

    Source: proc_pid_fdinfo(5). Raises OSError.
    """
    # Of every descriptor of the host that is asked, so that it has to be quick.
    with closing(os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=proc)) as file:
        content = b"\n" + os.read(file, _FDINFO_BYTES)
    _before, found, rest = content.partition(f"\n{field}:".encode())
    return int(rest.partition(b"\n")[0]) if found else None


def write(proc: int, path: str, text: str) -> None:
    """Write a file of this procfs in the single write(2) that id maps and offsets ask for. Raises OSError."""
    with closing(open_file(proc, path, os.O_WRONLY)) as fd:
        os.write(fd, text.encode())


def sysctl(proc: int, name: str) -> int | None:
    """The number of a sysctl, as user.max_net_namespaces; None where there is none to read, or it is no number."""
    with contextlib.suppress(OSError, ValueError):
        return int(read(proc, f"sys/{name.replace('.', '/')}"))
    return None


def stat(proc: int, pid: int, thread: str | None = None) -> Stat:
    """What the stat file of a process, or of one of its threads, says. Raises OSError."""
    path = f"{pid}/stat" if thread is None else f"{pid}/task/{thread}/stat"
    # The command's name may hold spaces and brackets.
    fields = read(proc, path).rpartition(")")[2].split()
    return Stat(fields[0], int(fields[1]), int(fields[2]), int(fields[6]), int(fields[19]))


def children(proc: int, pid: int) -> list[int]:
    """The children of a process with one thread, in the order in which they came to it. Raises OSError.

    Source: proc_tid_children(5); where the kernel was built without it, what processes() shows.
    """
    try:
        return list(map(int, read(proc, f"{pid}/task/{pid}/children").split()))
    except FileNotFoundError:
        return [found for found, status in processes(proc) if status.parent == pid]


def pids(proc: int) -> list[int]:
    """Every pid that this procfs shows, those of ended processes too. Raises OSError."""
    return [int(name) for name in os.listdir(proc) if name.isdigit()]


def processes(proc: int) -> t.Iterator[tuple[int, Stat]]:
    """Every process that this procfs lets us look at; one that ends meanwhile is left out. Raises OSError."""
    for pid in pids(proc):
        with contextlib.suppress(OSError):
            yield pid, stat(proc, pid)


def maps_id(proc: int, name: str, number: int) -> bool:
    """Whether the caller's user namespace has this id inside. name is uid_map or gid_map. Raises OSError."""
    return any(inside <= number < inside + count for inside, _outside, count in id_map(proc, own_pid(proc), name))


def id_map(proc: int, pid: int, name: str) -> list[tuple[int, int, int]]:
    """The ranges of ids of a process's user namespace: first inside, first outside as the caller has it, and count.

    name is uid_map or gid_map. Source: user_namespaces(7). Raises OSError.
    """
    return parse_id_map(read(proc, f"{pid}/{name}"))


def parse_id_map(text: str) -> list[tuple[int, int, int]]:
    """As id_map() has it. Raises ValueError for another text."""
    ranges = []
    for line in text.splitlines():
        inside, outside, count = map(int, line.split())
        ranges.append((inside, outside, count))
    return ranges


def time_offsets(proc: int, pid: int) -> dict[str, int]:
    """The offsets of the clocks in the time namespace of a process's next children: nanoseconds by clock.

    Nothing of one that has ended and was not reaped. Source: time_namespaces(7). Raises OSError.
    """
    return parse_time_offsets(read(proc, f"{pid}/timens_offsets"))


def parse_time_offsets(text: str) -> dict[str, int]:
    """As time_offsets() has it. Raises ValueError for another text."""
    offsets = {}
    for line in text.splitlines():
        clock, seconds, nanoseconds = line.split()
        offsets[clock] = int(seconds) * 10**9 + int(nanoseconds)
    return offsets
