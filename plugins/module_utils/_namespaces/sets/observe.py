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

from ..._kernel import mountinfo, nstypes
from ..._kernel.descriptor import closing
from .. import cgroup, directory, remembered
from ..errors import NamespaceError, during
from ..handle import Handle, Pinned, is_stacked, look, of_set
from . import inits
from .model import Request, State

Observed = t.Dict[str, t.Union[State, NamespaceError]]


def observe(proc: int, request: Request) -> Observed:
    """What each set is, or why that can't be said. Raises NamespaceError for what concerns all."""
    with contextlib.ExitStack() as stack:
        mounts = mountinfo.read(proc)
        top = cgroup.hierarchy(mounts)
        places = _Places(proc, mounts, stack, cgroup.names(top))
        found: Observed = {}
        for name in request.sets:
            try:
                with during(f"look at the set {name}"):
                    found[name] = _observe_one(proc, places, name, request, top)
            except NamespaceError as error:
                found[name] = error
        return found


class _Places:
    """The directories that handles are in, each looked at once."""

    def __init__(
        self, proc: int, mounts: t.Sequence[mountinfo.Mount], stack: contextlib.ExitStack, cgroups: frozenset[str]
    ) -> None:
        self._proc = proc
        self._stack = stack
        self._directories: dict[str, tuple[int, frozenset[str]] | None] = {}
        self._listings: list[tuple[nstypes.NsType, int, frozenset[str]]] | None = None
        self._remembered = remembered.all_kinds()
        self.cgroups = cgroups
        self._mounts = mounts
        self._counts = collections.Counter(item.path for item in mounts)

    def look(self, request: Request, name: str) -> dict[Handle, Pinned]:
        """What there is at the handles of a set. Raises NamespaceError, OSError."""
        if self._listings is None:
            self._listings = [(kind, *place) for kind in request.kinds() if (place := self._list(request, kind))]
        found = {}
        for kind, fd, files in self._listings:
            if request.places is not None or name in files:
                handle = request.handle(name, kind)
                pinned = look(handle, fd) if handle.file in files else None
                if pinned:
                    found[handle] = pinned
        return found

    def recall(self, request: Request, name: str) -> frozenset[Handle]:
        """What the set was given of the handles that are looked at."""
        handles = [of_set(name, kind) for kind in self._remembered.get(name, ())]
        return frozenset(
            handle
            for handle in handles
            if request.places is None or request.places.get(handle.kind.name) == handle.path
        )

    def is_stacked(self, handle: Handle) -> bool:
        """Whether more than one mount is at a handle that was looked at. Raises OSError."""
        place = self._directories[handle.directory] if self._counts[handle.path] > 1 else None
        return place is not None and is_stacked(self._proc, handle, place[0], self._mounts)

    def _list(self, request: Request, kind: nstypes.NsType) -> tuple[int, frozenset[str]] | None:
        path = request.directory(kind)
        if path not in self._directories:
            fd = directory.open_directory(path)
            if fd is not None:
                self._stack.enter_context(closing(fd))
            self._directories[path] = None if fd is None else (fd, frozenset(os.listdir(fd)))
        return self._directories[path]


def _observe_one(proc: int, places: _Places, name: str, request: Request, top: str | None) -> State:
    found = places.look(request, name)
    init_pid = None
    for handle, pinned in found.items():
        if handle.kind is nstypes.PID and pinned.identity:
            init_pid = inits.find(proc, handle.path)
    own_cgroup = cgroup.of_set(top, name) if top and name in places.cgroups else None
    return State(
        name,
        found,
        frozenset(filter(places.is_stacked, found)),
        init_pid,
        own_cgroup,
        inits.find_strays(proc, name, own_cgroup, init_pid) if own_cgroup else (),
        places.recall(request, name),
    )
