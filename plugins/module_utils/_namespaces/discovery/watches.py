# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What holds a namespace behind one descriptor: an inotify watch, a file that is registered with io_uring.

Source: proc_pid_fdinfo(5), fs/notify/fdinfo.c, io_uring/fdinfo.c.
"""

from __future__ import annotations

import re
import typing as t

from ..._kernel import nsfs, nstypes

LINKS = ("anon_inode:inotify", "anon_inode:[io_uring]")
"""What the links of such descriptors say."""

_WATCH = re.compile(
    r"inotify .*\bino:([0-9a-f]+) sdev:([0-9a-f]+) "
    r"(?:.*\bfhandle-type:([0-9a-f]+) f_handle:((?:[0-9a-f]{2})+)(?!\S))?"
)
_REGISTERED = re.compile(rf"\s*\d+: (?:{'|'.join(kind.name for kind in nstypes.ALL)}):\[(\d+)\]")
# What Linux 5.10 says of a file that is none of a file system with names.
_NAMELESS = re.compile(r"\s*\d+: /?$")


class Watched(t.NamedTuple):
    """A namespace by its inode, and by the handle to open it with where there is one."""

    inode: int | None
    """None for a file of an io_uring that may be one or not: it is not said what it is."""
    handle: bytes | None


def parse(lines: t.Iterable[str], device: int) -> t.Iterator[Watched]:
    """The namespaces in the lines of the fdinfo of such a descriptor.

    device: the one that namespaces are on, as stat(2) has it.
    """
    for line in lines:
        watch, registered = _WATCH.match(line), _REGISTERED.match(line)
        if watch and int(watch[2], 16) == device:
            usable = watch[3] and int(watch[3], 16) == nsfs.FILEID_NSFS
            yield Watched(int(watch[1], 16), bytes.fromhex(watch[4]) if usable else None)
        elif registered:
            yield Watched(int(registered[1]), None)
        elif _NAMELESS.match(line):
            yield Watched(None, None)
