# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The eight namespace types. Nothing else in the collection knows their flags, links, directories or limits."""

from __future__ import annotations

import typing as t


class NsType(t.NamedTuple):
    """One type of namespace, as namespaces(7) and linux/sched.h name it."""

    name: str
    """The short name: the link below /proc/PID/ns."""
    flag: int
    """Its CLONE_NEW* bit."""
    children_link: str
    """The link that shows where new children go; differs from the name for pid and time."""
    initial_inode: int
    """Of the one that the kernel starts with, by linux/nsfs.h; of mnt and net from Linux 6.18 on, before it varies."""

    def __reduce__(self) -> tuple[t.Callable[[str], NsType], tuple[str]]:
        """Pickled by name: there is one object of each type."""
        return _named, (self.name,)

    @property
    def directory(self) -> str:
        """Where its handles are by custom: ip-netns(8) for net, CRI-O for others."""
        return f"/run/{self.name}ns"

    @property
    def limit(self) -> str:
        """The sysctl that bounds how many there may be, per user namespace and owner."""
        return f"user.max_{self.name}_namespaces"

    @property
    def children_only(self) -> bool:
        """Whether setns and unshare move the caller's next children and not the caller."""
        return self.children_link != self.name


USER = NsType("user", 0x10000000, "user", 0xEFFFFFFD)
MNT = NsType("mnt", 0x00020000, "mnt", 0xEFFFFFF8)
UTS = NsType("uts", 0x04000000, "uts", 0xEFFFFFFE)
IPC = NsType("ipc", 0x08000000, "ipc", 0xEFFFFFFF)
NET = NsType("net", 0x40000000, "net", 0xEFFFFFF9)
CGROUP = NsType("cgroup", 0x02000000, "cgroup", 0xEFFFFFFB)
TIME = NsType("time", 0x00000080, "time_for_children", 0xEFFFFFFA)
PID = NsType("pid", 0x20000000, "pid_for_children", 0xEFFFFFFC)

ALL: tuple[NsType, ...] = (USER, MNT, UTS, IPC, NET, CGROUP, TIME, PID)
HIERARCHICAL: tuple[NsType, ...] = (USER, PID)
"""Those that have a parent each."""
BY_NAME: t.Mapping[str, NsType] = {kind.name: kind for kind in ALL}
BY_FLAG: t.Mapping[int, NsType] = {kind.flag: kind for kind in ALL}


def _named(name: str) -> NsType:
    return BY_NAME[name]
