# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What a scan of the host finds: namespaces, and what holds each of them."""

from __future__ import annotations

import collections
import typing as t

from ..._kernel import nsfs, nstypes

MOST_HOLDERS = 100
"""Of each kind, so many holders of a namespace are kept; all are counted."""


class Holder(t.NamedTuple):
    """One thing that keeps a namespace alive, and where it is; what does not apply is None."""

    kind: str
    """process, zombie, thread, for_children, fd, cwd, root, socket, watch, bind, in_flight, child, owned or kernel."""
    pid: int | None = None
    thread: int | None = None
    fd: int | None = None
    path: str | None = None
    """Of a bind mount: where it is in its mount namespace; in a tree that is mounted nowhere, from what is held."""
    namespace: int | None = None
    """The inode of the mount namespace of a bind mount, of the child, or of the namespace that is owned."""


class Propagation(t.NamedTuple):
    """How many of the mounts of a mount namespace are what; one that is a slave may be shared too.

    It is compared with the initial mount namespace, or the caller's where that can't be seen; None where there is
    nothing to compare.
    """

    mounts: int
    shared: int
    slave: int
    unbindable: int
    peers: int | None
    """Those that are in a peer group with a mount there: what is mounted below appears there, and the other way."""
    foreign: list[str] | None
    """The numbers of the block devices that are mounted here, and not there, as 8:1."""


class Namespace:
    """A namespace, held open by its descriptor until the scan ends, so that its inode means no other one meanwhile."""

    __slots__ = (
        "counts",
        "device",
        "fd",
        "holders",
        "identity",
        "kind",
        "looked_into",
        "owner",
        "owner_uid",
        "parent",
        "processes",
        "propagation",
        "related",
    )

    def __init__(self, fd: int, kind: nstypes.NsType, device: int, identity: nsfs.Identity) -> None:
        self.fd = fd
        self.kind = kind
        self.device = device
        self.identity = identity
        self.owner: int | None = None
        """The inode of the user namespace that owns it; None where that can't be seen, or there is none."""
        self.owner_uid: int | None = None
        """Of a user namespace: who made it, as the caller sees that uid."""
        self.parent: int | None = None
        """Of a user or pid namespace: the inode of the one above it."""
        self.looked_into = False
        """Of a mount namespace: whether its mounts were looked for."""
        self.related = False
        """Whether its owner and parent were looked for."""
        self.propagation: Propagation | None = None
        """Of a mount namespace that could be looked into."""
        self.processes: list[int] = []
        self.holders: list[Holder] = []
        self.counts: collections.Counter[str] = collections.Counter()

    def hold(self, holder: Holder) -> None:
        """Note one more holder."""
        self.counts[holder.kind] += 1
        if self.counts[holder.kind] <= MOST_HOLDERS:
            self.holders.append(holder)
