# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""By which name, and by what else, a namespace that was found can be entered."""

from __future__ import annotations

import os
import typing as t

from ..._kernel import mountinfo, nstypes, procfs
from ..errors import NamespaceError
from ..host import is_in_its_mounts
from ..values import is_set_name
from .model import Holder, Namespace

Reference = t.Dict[str, t.Any]
"""Options of ns_exec."""


class Place(t.NamedTuple):
    """A mount namespace that the caller has paths into."""

    prefix: str
    """How the caller has to begin them."""
    mounts: t.Sequence[mountinfo.Mount]
    at: t.Callable[[str], mountinfo.Mount | None]
    """On which of these a path comes out."""

    @classmethod
    def of(cls, proc: int, pid: int, prefix: str) -> Place:
        """That of a process. Raises OSError."""
        mounts = mountinfo.parse(procfs.read(proc, f"{pid}/mountinfo"))
        return cls(prefix, mounts, mountinfo.uppermost(mounts))


class Names:
    """What is mounted where the host sees it, and how a task gets there."""

    def __init__(self, proc: int) -> None:
        self._proc = proc
        self._known: dict[int, str | None] = {}
        self.own = _own_inodes(proc)
        """The namespaces that the caller is in, by type."""
        self._host: int | None = self.own[nstypes.MNT]
        # By the inode of the mount namespace.
        self._places = {self.own[nstypes.MNT]: Place.of(proc, procfs.own_pid(proc), "")}
        if not _is_host_here(proc):
            self._host = _mounts_of_first(proc)
            if self._host is not None:
                self._places[self._host] = Place.of(proc, 1, "/proc/1/root")

    def place_of(self, mounts: int | None) -> Place | None:
        """A mount namespace by its inode; None where the caller has no paths into it."""
        return self._places.get(mounts or 0)

    def name_of(self, namespace: Namespace) -> str | None:
        """The first name by which ip-netns(8), or a set, has it; None for none."""
        inode = namespace.identity.inode
        if inode not in self._known:
            paths = (os.path.split(path) for mounts, path in self._handles(namespace) if mounts == self._host)
            names = (name for directory, name in paths if directory == namespace.kind.directory)
            self._known[inode] = min(names, default=None)
        return self._known[inode]

    def reference_of(self, namespace: Namespace, leader: int | None) -> Reference | None:
        """What ns_exec can enter it by: what lasts longest. None where there is nothing, or the caller is in it.

        What is mounted in a mount namespace of somebody else is nothing to go by: who lives there may exchange it.
        Whatever is no name says which one is expected there: processes end, and go elsewhere.
        leader: a process that is in it.
        """
        kind = namespace.kind.name
        expected = {"types": [kind], "expect": {kind: namespace.identity._asdict()}}
        if namespace.identity.inode == self.own.get(namespace.kind):
            return None
        name = self.name_of(namespace)
        if name is not None and is_set_name(name):
            return {"name": name, "types": [kind]}
        path = self._handle_of(namespace)
        if path is None and leader is not None and self._can_be_entered(leader):
            return {"pid": leader, **expected}
        path = path or next(filter(None, (_link_of(holder, namespace.kind) for holder in namespace.holders)), None)
        return None if path is None else {"handles": {kind: path}, **expected}

    def _handle_of(self, namespace: Namespace) -> str | None:
        paths = (self._places[mounts].prefix + path for mounts, path in self._handles(namespace) if _is_text(path))
        return next(paths, None)

    def _handles(self, namespace: Namespace) -> t.Iterator[tuple[int, str]]:
        """The mount namespaces and paths where the caller comes out at it: not those that something else covers."""
        link = f"{namespace.kind.name}:[{namespace.identity.inode}]"
        for holder in namespace.holders:
            place = self.place_of(holder.namespace) if holder.kind == "bind" else None
            if place and holder.namespace and holder.path:
                mount = place.at(holder.path)
                if mount and (mount.fstype, mount.root) == ("nsfs", link):
                    yield holder.namespace, holder.path

    def _can_be_entered(self, pid: int) -> bool:
        """A thread of the kernel can't."""
        try:
            return not procfs.stat(self._proc, pid).kernel_thread
        except OSError:
            return False


def _own_inodes(proc: int) -> dict[nstypes.NsType, int]:
    """The inodes of the namespaces that the caller is in. Raises OSError."""
    us = procfs.own_pid(proc)
    found = {}
    for kind in nstypes.ALL:
        try:
            found[kind] = procfs.namespace_inode(proc, f"{us}/ns/{kind.name}")
        except FileNotFoundError:
            continue
    return found


def _is_host_here(proc: int) -> bool:
    """Whether the caller has the mounts of PID 1; also where it may not know."""
    try:
        return is_in_its_mounts(proc)
    except NamespaceError:
        return True


def _mounts_of_first(proc: int) -> int | None:
    try:
        return procfs.namespace_inode(proc, f"1/ns/{nstypes.MNT.name}")
    except OSError:
        return None


def _link_of(holder: Holder, kind: nstypes.NsType) -> str | None:
    """The path below /proc that leads to what is held; None where there is none."""
    place = f"/proc/{holder.pid}" + ("" if holder.thread is None else f"/task/{holder.thread}")
    if holder.kind == "fd":
        path = f"{place}/fd/{holder.fd}{holder.path or ''}"
        return path if _is_text(path) else None
    if holder.kind == "thread":
        return f"{place}/ns/{kind.name}"
    if holder.kind == "for_children":
        return f"{place}/ns/{kind.children_link}"
    return None


def _is_text(path: str) -> bool:
    """Whether JSON can carry it."""
    return path.isprintable() and not any("\ud800" <= character <= "\udfff" for character in path)
