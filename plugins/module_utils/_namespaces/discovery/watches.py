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
    r"^inotify .*\bino:([0-9a-f]+) sdev:([0-9a-f]+) "
    r"(?:.*\bfhandle-type:([0-9a-f]+) f_handle:((?:[0-9a-f]{2})+)(?!\S))?",
    re.MULTILINE,
)
_REGISTERED = re.compile(rf"^\s*\d+: (?:{'|'.join(kind.name for kind in nstypes.ALL)}):\[(\d+)\]", re.MULTILINE)
# What Linux 5.10 says of a file that is none of a file system with names.
_NAMELESS = re.compile(r"^\s*\d+: /?$", re.MULTILINE)


class Watched(t.NamedTuple):
    """A namespace by its inode, and by the handle to open it with where there is one."""

    inode: int
    handle: bytes | None


def parse(text: str, device: int) -> t.Iterator[Watched]:
    """The namespaces in the fdinfo of such a descriptor.

    device: the one that namespaces are on, as stat(2) has it.
    """
    for inode, on, kind, handle in _WATCH.findall(text):
        if int(on, 16) == device:
            usable = kind and int(kind, 16) == nsfs.FILEID_NSFS
            yield Watched(int(inode, 16), bytes.fromhex(handle) if usable else None)
    for inode in _REGISTERED.findall(text):
        yield Watched(int(inode), None)


def has_nameless(text: str) -> bool:
    """Whether the fdinfo has files of an io_uring of which it does not say what they are."""
    return bool(_NAMELESS.search(text))
