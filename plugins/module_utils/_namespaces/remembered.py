# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Which namespaces a set was given, whatever became of them: who enters it without one would be on the host for that.

Each is a symbolic link net:blue in the memory, to the handle. It is there before the handle, and for longer. A handle
at another place has none: who enters that names it.
"""

from __future__ import annotations

import contextlib
import os

from .._kernel import libc, nstypes
from .._kernel.descriptor import closing
from .directory import Memory, open_directory
from .errors import NamespaceError, during
from .handle import Handle
from .memory import MEMORY, SEPARATOR, link_of


def all_kinds(root: int = libc.AT_FDCWD) -> dict[str, list[nstypes.NsType]]:
    """The types of each set that is remembered. root: as for kinds_of(). Raises NamespaceError."""
    found: dict[str, list[nstypes.NsType]] = {}
    fd = open_directory(MEMORY, root)
    if fd is None:
        return found
    with closing(fd), during(f"read {MEMORY}"):
        names = os.listdir(fd)
    for entry in names:
        kind, separator, name = entry.partition(SEPARATOR)
        if separator and kind in nstypes.BY_NAME:
            found.setdefault(name, []).append(nstypes.BY_NAME[kind])
    return found


def kinds_of(name: str, root: int = libc.AT_FDCWD) -> frozenset[nstypes.NsType]:
    """The types of one set. root: where the path of the memory begins, if not at our own root.

    Raises NamespaceError.
    """
    fd = open_directory(MEMORY, root)
    if fd is None:
        return frozenset()
    with closing(fd), during(f"read {MEMORY}"):
        return frozenset(kind for kind in nstypes.ALL if _has(fd, link_of(kind.name, name)))


def add(memory: Memory, handle: Handle) -> None:
    """Raises OSError."""
    with contextlib.suppress(FileExistsError):
        os.symlink(handle.path, _entry(handle), dir_fd=memory.directory)


def forget(memory: Memory, handle: Handle) -> None:
    """Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_entry(handle), dir_fd=memory.directory)


def refuse_lost(handle: Handle) -> NamespaceError:
    """The error for a set that was given a namespace of which there is no handle any more."""
    return NamespaceError(
        f"enter the set {handle.file}",
        f"it has lost its {handle.kind.name} namespace: nothing is at {handle.path}",
        "repair the set with linux.namespaces.ns_persistent",
    )


def _entry(handle: Handle) -> str:
    return link_of(handle.kind.name, handle.file)


def _has(directory: int, entry: str) -> bool:
    try:
        os.stat(entry, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
