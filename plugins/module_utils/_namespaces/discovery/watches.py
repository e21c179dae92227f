# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What holds a namespace behind one descriptor: a watch of inotify or fanotify, a file that io_uring has.

Source: proc_pid_fdinfo(5), fs/notify/fdinfo.c, io_uring/fdinfo.c.
"""

from __future__ import annotations

import re
import typing as t

from ..._kernel import nsfs, nstypes

_RING = "anon_inode:[io_uring]"
LINKS = ("anon_inode:inotify", "anon_inode:[fanotify]", _RING)
"""What the links of such descriptors say."""

_WATCH = re.compile(
    r"(?:inotify|fanotify) .*\bino:([0-9a-f]+) sdev:([0-9a-f]+) "
    r"(?:.*\bfhandle-type:([0-9a-f]+) f_handle:((?:[0-9a-f]{2})+)(?!\S))?"
)
_FILES = "UserFiles:"
_FILE = re.compile(r"\s*\d+: (.*)")
_NAMED = re.compile(rf"(?:{'|'.join(kind.name for kind in nstypes.ALL)}):\[(\d+)\]")
# What Linux 5.10 says of a file that is none of a file system with names.
_NAMELESS = ("", "/")


class Watched(t.NamedTuple):
    """A namespace by its inode, and by the handle to open it with where there is one."""

    inode: int | None
    """None where there may be one, or many: it is not said what is there."""
    handle: bytes | None


def parse(lines: t.Iterable[str], link: str, device: int) -> t.Iterator[Watched]:
    """The namespaces in the lines of the fdinfo of such a descriptor, whose link says this.

    device: the one that namespaces are on, as stat(2) has it.
    """
    return _registered(lines) if link == _RING else _marked(lines, device)


def _marked(lines: t.Iterable[str], device: int) -> t.Iterator[Watched]:
    for line in lines:
        watch = _WATCH.match(line)
        if watch and int(watch[2], 16) == device:
            usable = watch[3] and int(watch[3], 16) == nsfs.FILEID_NSFS
            yield Watched(int(watch[1], 16), bytes.fromhex(watch[4]) if usable else None)


def _registered(lines: t.Iterable[str]) -> t.Iterator[Watched]:
    """While somebody works with the ring, the kernel does not say which files it has."""
    rest = iter(lines)
    count = next((line[len(_FILES) :].strip() for line in rest if line.startswith(_FILES)), None)
    said = False
    for line in rest:
        file = _FILE.match(line)
        if not file:
            break
        said = True
        named = _NAMED.match(file[1])
        if named or file[1] in _NAMELESS:
            yield Watched(int(named[1]) if named else None, None)
    if count is None or (count != "0" and not said):
        yield Watched(None, None)
