# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The cgroup that a set owns, for a cgroup namespace to begin at and an init to outlive the caller's in.

In the hierarchy of version 2, wherever it is mounted; those of version 1 are left as they are. Source: cgroups(7).
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
import typing as t

from .._kernel import mountinfo, nsfs, nstypes
from .._kernel.descriptor import closing
from .errors import Hint, during
from .target import Target

_NAME = "linux-namespaces"
_CGROUP2_SUPER_MAGIC = 0x63677270
_SECONDS = 2
_STEP_SECONDS = 0.01

_HINTS = {
    errno.EROFS: Hint("the cgroups are mounted read-only, as in a container", "run the task outside of it"),
    errno.EBUSY: Hint("a process is still in that cgroup", "end it"),
}


def hierarchy(mounts: t.Iterable[mountinfo.Mount]) -> str | None:
    """Where the version 2 hierarchy is mounted and not hidden, of these mounts; None if it is not. Raises OSError."""
    for item in mounts:
        if item.fstype == "cgroup2":
            with contextlib.suppress(FileNotFoundError), closing(os.open(item.path, os.O_PATH | os.O_CLOEXEC)) as fd:
                if nsfs.filesystem_magic(fd) == _CGROUP2_SUPER_MAGIC:
                    return item.path
    return None


def members(directory: str) -> list[int]:
    """The pids of the processes in a cgroup, as the caller sees them. Raises OSError."""
    with open(f"{directory}/cgroup.procs", encoding="utf-8") as file:
        return [int(line) for line in file]


def names(top: str | None) -> frozenset[str]:
    """The sets that have a cgroup in the hierarchy. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        return frozenset(entry.name for entry in os.scandir(f"{top}/{_NAME}") if entry.is_dir()) if top else frozenset()
    return frozenset()


def of_set(top: str, name: str) -> str:
    """The directory of a set's cgroup."""
    return f"{top}/{_NAME}/{name}"


def to_enter(proc: int, name: str, target: Target) -> str | None:
    """The directory of the cgroup that the set's cgroup namespace begins at, if it is to be joined. Raises OSError."""
    top = hierarchy(mountinfo.read(proc)) if nstypes.CGROUP in target.descriptors else None
    return of_set(top, name) if top is not None and os.path.isdir(of_set(top, name)) else None


def make(directory: str) -> None:
    """Raises NamespaceError."""
    with during(f"make the cgroup {directory}", _HINTS):
        for path in (os.path.dirname(directory), directory):
            with contextlib.suppress(FileExistsError):
                os.mkdir(path)


def remove(directory: str) -> None:
    """Remove it and those in it. A process that has ended may take a moment to leave. Raises NamespaceError."""
    limit = time.monotonic() + _SECONDS
    with during(f"remove the cgroup {directory}", _HINTS):
        while True:
            try:
                for path, _directories, _files in os.walk(directory, topdown=False, onerror=_refuse):
                    os.rmdir(path)
            except FileNotFoundError:
                return
            except OSError as error:
                if error.errno != errno.EBUSY or time.monotonic() > limit:
                    raise
                time.sleep(_STEP_SECONDS)
            else:
                break


def _refuse(error: OSError) -> t.NoReturn:
    raise error


def clean_up(top: str | None) -> None:
    """Remove the cgroup above those of the sets, with the last of them."""
    if top is not None:
        with contextlib.suppress(OSError):
            os.rmdir(f"{top}/{_NAME}")
