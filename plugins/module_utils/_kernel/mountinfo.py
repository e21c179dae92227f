# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The mounts of a mount namespace as proc_pid_mountinfo(5) lists them."""

from __future__ import annotations

import errno
import os
import re
import typing as t

from . import procfs

_BLOCK_BYTES = 1 << 20


class Mount(t.NamedTuple):
    """One line of mountinfo."""

    id: int
    parent: int
    root: str
    path: str
    propagation: t.Mapping[str, int]
    """The optional fields: shared, master, propagate_from with their peer group, unbindable with 0."""
    fstype: str
    source: str
    options: str
    """Those of its file system, separated by commas, as they are written there."""


def read(proc: int) -> list[Mount]:
    """The mounts of the caller's mount namespace. Raises OSError."""
    return parse(procfs.read(proc, f"{procfs.own_pid(proc)}/mountinfo"))


def lines_of(proc: int, most: int) -> t.Iterator[bytes]:
    """The file of the caller's mount namespace, some whole lines at a time.

    most: bytes of it in all, where somebody else decides how long it is. Raises OSError: EFBIG where there are more, or
    where a single line takes a MiB or more.
    """
    rest = b""
    with open(procfs.open_file(proc, f"{procfs.own_pid(proc)}/mountinfo"), "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            most -= len(block)
            lines, newline, rest = (rest + block).rpartition(b"\n")
            if most < 0 or not newline:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
            yield lines + newline


def mount_at(proc: int, fd: int, mounts: t.Iterable[Mount]) -> Mount | None:
    """The mount that has what the descriptor is open on as its root, of those given; None where it is no mount point.

    Raises OSError.
    """
    item = mount_of(proc, fd, mounts)
    return item if item and item.path == os.readlink(f"self/fd/{fd}", dir_fd=proc) else None


def mount_of(proc: int, fd: int, mounts: t.Iterable[Mount]) -> Mount | None:
    """The mount that the descriptor is on, of those given. Raises OSError."""
    number = mount_id(proc, fd)
    return next((item for item in mounts if item.id == number), None)


def mount_id(proc: int, fd: int) -> int | None:
    """The number of the mount that a descriptor of ours is on. Source: proc_pid_fdinfo(5), mnt_id. Raises OSError."""
    return procfs.fdinfo(proc, f"self/fdinfo/{fd}", "mnt_id")


def uppermost(mounts: t.Collection[Mount]) -> t.Callable[[str], Mount | None]:
    """What tells on which of these mounts, all of a mount namespace, an absolute path without links comes out.

    It asks no file system. None where there is no root.
    """
    below = {(item.parent, item.path): item for item in mounts if item.parent != item.id}
    ids = {item.id for item in mounts}
    root = next(
        (item for item in mounts if item.path == "/" and (item.parent == item.id or item.parent not in ids)), None
    )

    def find(path: str) -> Mount | None:
        found = root
        parts = path.strip("/").split("/")
        for length in range(len(parts) + 1):
            while found and (found.id, "/" + "/".join(parts[:length])) in below:
                found = below[found.id, "/" + "/".join(parts[:length])]
        return found

    return find


def parse(text: str) -> list[Mount]:
    """The mounts in the order of the file, that of their making. Raises ValueError for garbage."""
    return [parse_line(line) for line in text.split("\n") if line]


def parse_line(line: str) -> Mount:
    """The mount that one line is about. Raises ValueError for garbage."""
    before, separator, after = line.partition(" - ")
    fields, rest = before.split(" "), after.split(" ")
    if not separator or len(fields) < 6 or len(rest) < 3:
        raise ValueError(f"no line of mountinfo: {line!r}")
    propagation = {name: int(group or 0) for name, _colon, group in (field.partition(":") for field in fields[6:])}
    return Mount(
        id=int(fields[0]),
        parent=int(fields[1]),
        root=_unescape(fields[3]),
        path=_unescape(fields[4]),
        propagation=propagation,
        fstype=_unescape(rest[0]),
        source=_unescape(rest[1]),
        options=rest[2],
    )


def _unescape(text: str) -> str:
    """Undo the octal escapes of seq_file: space, tab, newline, backslash and number sign."""
    return text if "\\" not in text else re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), text)
