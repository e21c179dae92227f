# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What new namespaces shall be like, as checked data. options.py makes it of what a task gives."""

from __future__ import annotations

import typing as t

from .._kernel import nstypes

PROPAGATIONS = ("shared", "private", "slave", "unbindable", "slave_shared")
SETGROUPS = ("allow", "deny")
CLOCKS = ("monotonic", "boottime")

OPEN_PROPAGATIONS = ("shared", "unchanged")
"""With these a new mount namespace still shares mounts with the host, and one made inside may appear there."""


class Range(t.NamedTuple):
    """A run of ids: inside it counts from one number, outside from another."""

    inside: int
    outside: int
    length: int


class IdMaps(t.NamedTuple):
    """What a new user namespace is given. An empty map is left unwritten, as by unshare(1) without options."""

    uid: tuple[Range, ...] = ()
    gid: tuple[Range, ...] = ()
    setgroups: str | None = None


class MountPoint(t.NamedTuple):
    """A mount to make inside: of a file system, or of a file or directory that is there (bind)."""

    path: str
    source: str
    fstype: str
    bind: bool
    recursive: bool
    flags: int
    data: str


class Definition(t.NamedTuple):
    """New namespaces of these types, and what they are like. Offsets are nanoseconds by clock."""

    types: tuple[nstypes.NsType, ...] = ()
    hostname: str | None = None
    domainname: str | None = None
    maps: IdMaps = IdMaps()
    offsets: tuple[tuple[str, int], ...] = ()
    propagation: str = "private"
    mounts: tuple[MountPoint, ...] = ()
    mount_proc: bool = False
    mount_sysfs: bool = False
    loopback: bool = True

    def only(self, kinds: tuple[nstypes.NsType, ...]) -> Definition:
        """What of it is about namespaces of these types; one for mnt and net has a /sys of the network namespace."""
        return Definition(
            types=kinds,
            hostname=self.hostname if nstypes.UTS in kinds else None,
            domainname=self.domainname if nstypes.UTS in kinds else None,
            maps=self.maps if nstypes.USER in kinds else IdMaps(),
            offsets=self.offsets if nstypes.TIME in kinds else (),
            propagation=self.propagation,
            mounts=self.mounts if nstypes.MNT in kinds else (),
            mount_proc=self.mount_proc,
            mount_sysfs={nstypes.MNT, nstypes.NET} <= set(kinds),
            loopback=self.loopback,
        )


NOTHING_NEW = Definition()


def showing_network(definition: Definition, joined: t.Iterable[nstypes.NsType]) -> Definition:
    """The definition with a /sys that shows the network namespace, in a mount namespace of its own if need be.

    Nothing is added where a mount namespace is joined, and a new user namespace may not show a network namespace that
    was there before it.
    """
    created = definition.types
    if nstypes.MNT in joined or nstypes.NET not in {*joined, *created}:
        return definition
    if nstypes.NET not in created and nstypes.USER in created:
        return definition
    return _in_own_mounts(definition)._replace(mount_sysfs=True)


def overlaid(definition: Definition, mounts: t.Sequence[MountPoint]) -> Definition:
    """The definition with more mounts, in a mount namespace of its own if need be."""
    inside = _in_own_mounts(definition)
    return inside._replace(mounts=(*inside.mounts, *mounts))


def _in_own_mounts(definition: Definition) -> Definition:
    """With a mount namespace; one that nobody asked for goes on seeing what is mounted on the host."""
    if nstypes.MNT in definition.types:
        return definition
    kinds = tuple(kind for kind in nstypes.ALL if kind in definition.types or kind is nstypes.MNT)
    return definition._replace(types=kinds, propagation="slave")
