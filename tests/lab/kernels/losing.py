# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is on a disk when the power goes: all that was written before the last flush, and any part of what came after.

qemu's driver blklogwrites keeps a log of what a machine wrote to its disk, in the format of dm-log-writes.
"""

from __future__ import annotations

import glob
import os
import random
import struct
import subprocess
import typing as t
from pathlib import Path

from ansible_collections.linux.namespaces.tests.lab.kernels import booted

_SECTOR = 512
_FLUSH, _DISCARD = 1, 4
_TORN = 4096
"""What a disk writes as a whole."""


class Write(t.NamedTuple):
    """A place on the disk, in bytes, and what was written there; none for a flush."""

    offset: int
    data: bytes | None


def drive(disk: Path, log: Path) -> str:
    """The words for -drive."""
    log.write_bytes(b"")
    return f"driver=blklogwrites,file.driver=file,file.filename={disk},log.driver=file,log.filename={log}"


def written(log: Path) -> t.Iterator[Write]:
    """What the log has; the last entry may be torn."""
    with log.open("rb") as file:
        file.seek(_SECTOR)
        while len(head := file.read(_SECTOR)) == _SECTOR:
            sector, sectors, flags, _length = struct.unpack_from("<4Q", head)
            data = b"" if flags & _DISCARD else file.read(sectors * _SECTOR)
            if flags & _DISCARD or len(data) < sectors * _SECTOR:
                continue
            if data:
                yield Write(sector * _SECTOR, data)
            if flags & _FLUSH:
                yield Write(0, None)


def copy(disk: Path, to: Path) -> None:
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", disk, to], check=True)


def put(disk: Path, writes: t.Iterable[Write]) -> None:
    with disk.open("r+b") as file:
        for write in writes:
            file.seek(write.offset)
            file.write(write.data or b"")


def lose(disk: Path, writes: t.Sequence[Write], chance: random.Random) -> None:
    """Bring a disk from before these writes to what it may be when the power goes after them."""
    flushed = max((number for number, write in enumerate(writes) if write.data is None), default=0)
    put(disk, writes[:flushed])
    put(disk, (part for write in writes[flushed:] for part in _parts(write) if chance.random() < 0.5))


def _parts(write: Write) -> t.Iterator[Write]:
    data = write.data or b""
    for start in range(0, len(data), _TORN):
        yield Write(write.offset + start, data[start : start + _TORN])


def files(disk: Path, patterns: t.Iterable[str], place: Path) -> dict[str, str]:
    """What is at the paths that match, as booted.files() says it, after the journal of the disk was replayed."""
    checked = subprocess.run(["e2fsck", "-fy", disk], capture_output=True, text=True, check=False)
    if checked.returncode > 1:
        raise OSError(f"the file system is broken: {checked.stdout}")
    for folder in ("/etc", "/usr/local/lib"):
        (place / folder[1:]).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["debugfs", "-R", f"rdump {folder} {(place / folder[1:]).parent}", disk], capture_output=True, check=True
        )
    found = {path for pattern in patterns for path in glob.glob(f"{place}{pattern}")}
    return {
        path[len(str(place)) :]: booted.content(path)
        for path in sorted(found)
        if os.path.islink(path) or os.path.isfile(path)
    }
