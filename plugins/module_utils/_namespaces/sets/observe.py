# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Reading what sets are, by asking the kernel at the paths of their handles."""

from __future__ import annotations

import collections
import contextlib
import os
import typing as t

from ..._kernel import mountinfo, nsfs, nstypes, procfs
from ..._kernel.descriptor import closing
from .. import cgroup, directory, init
from ..discovery import processes
from ..errors import NamespaceError, during
from ..handle import Handle, Pinned, look
from .model import Request, State

_Place = t.Tuple[int, t.FrozenSet[str]]
_UNKNOWN: _Place = (-1, frozenset())

Observed = t.Dict[str, t.Union[State, NamespaceError]]


def observe(proc: int, request: Request) -> Observed:
    """What each set is, or why that can't be said. Raises NamespaceError for what concerns all."""
    with contextlib.ExitStack() as stack:
        mounts = mountinfo.read(proc)
        top = cgroup.hierarchy(mounts)
        places = _Places(mounts, stack, cgroup.names(top))
        found: Observed = {}
        for name in request.names:
            try:
                with during(f"look at the set {name}"):
                    found[name] = _observe_one(proc, places, name, request, top)
            except NamespaceError as error:
                found[name] = error
        return found


class _Places:
    """The directories that handles are in, each looked at once."""

    def __init__(
        self, mounts: t.Sequence[mountinfo.Mount], stack: contextlib.ExitStack, cgroups: frozenset[str]
    ) -> None:
        self._stack = stack
        self._open: dict[str, _Place | None] = {}
        self.cgroups = cgroups
        self.mounts = collections.Counter(item.path for item in mounts)

    def look(self, request: Request, name: str, kind: nstypes.NsType) -> tuple[Handle, Pinned] | None:
        """The handle of a set, if there is something."""
        handle = request.handle(name, kind)
        place = self._open.get(handle.directory, _UNKNOWN)
        if place is _UNKNOWN:
            place = self._open_place(handle.directory)
        if place is None or handle.file not in place[1]:
            return None
        pinned = look(handle, place[0])
        return (handle, pinned) if pinned else None

    def _open_place(self, path: str) -> _Place | None:
        fd = directory.open_directory(path)
        if fd is not None:
            self._stack.enter_context(closing(fd))
        self._open[path] = None if fd is None else (fd, frozenset(os.listdir(fd)))
        return self._open[path]


def _observe_one(proc: int, places: _Places, name: str, request: Request, top: str | None) -> State:
    found = dict(filter(None, (places.look(request, name, kind) for kind in request.kinds())))
    init_pid = None
    for handle, pinned in found.items():
        if handle.kind is nstypes.PID and pinned.identity:
            init_pid = find_init(proc, handle.path)
    own_cgroup = cgroup.of_set(top, name) if top and name in places.cgroups else None
    return State(
        name,
        found,
        frozenset(handle for handle in found if places.mounts[handle.path] > 1),
        init_pid,
        own_cgroup,
        _find_strays(proc, name, own_cgroup, init_pid) if own_cgroup else (),
    )


def _find_strays(proc: int, name: str, own_cgroup: str, init_pid: int | None) -> tuple[int, ...]:
    found = []
    for pid in cgroup.members(own_cgroup):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            is_init = init.is_persistent(name, processes.arguments(proc, pid)) and procfs.innermost_pid(proc, pid) == 1
            if is_init and pid != init_pid and procfs.stat(proc, pid).state not in "ZX":
                found.append(pid)
    return tuple(found)


def find_init(proc: int, path: str) -> int:
    """The pid of the init of the pid namespace at a path, 0 where it has ended. Raises OSError."""
    with closing(nsfs.open_handle(path)) as fd:
        pid = nsfs.init_of(fd)
        if pid is None:
            pid = _search_init(proc, nsfs.identity(fd).inode)
    try:
        return 0 if pid == 0 or procfs.stat(proc, pid).state in "ZX" else pid
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _search_init(proc: int, inode: int) -> int:
    """For kernels before 6.11: the process that is 1 in there."""
    for pid in processes.inside(proc, (inode,)).get(inode, ()):
        with contextlib.suppress(OSError):
            if procfs.innermost_pid(proc, pid) == 1:
                return pid
    return 0
