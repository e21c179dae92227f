# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""How many namespaces there may be, and how many there are. Source: namespaces(7), /proc/sys/user."""

from __future__ import annotations

import collections
import typing as t

from ..._kernel import nstypes, procfs
from .model import Namespace
from .scan import Scan


class Limit(t.NamedTuple):
    """What the kernel allows each user of this user namespace; None where it does not say."""

    max: int | None
    used: int
    """How many the user has who has most of them, as far as they were found."""


def limits(scan: Scan, initial: t.Container[int | None]) -> dict[nstypes.NsType, Limit]:
    """The limit of each type. initial: inodes of the namespaces that count for nobody."""
    used: dict[nstypes.NsType, collections.Counter[int | None]] = {kind: collections.Counter() for kind in nstypes.ALL}
    for namespace in scan.namespaces.values():
        if namespace.identity.inode not in initial:
            used[namespace.kind][_charged(scan, namespace)] += 1
    return {
        kind: Limit(procfs.sysctl(scan.proc, kind.limit), max(used[kind].values(), default=0)) for kind in nstypes.ALL
    }


def _charged(scan: Scan, namespace: Namespace) -> int | None:
    """The uid that it counts for in the topmost user namespace that can be seen.

    A namespace counts for who made it, and in each user namespace above for who made the next one below. Who made one
    that no user namespace below the topmost owns can't be asked; that takes privilege, so it is taken for root.
    """
    uid: int | None = 0
    below: Namespace | None = namespace if namespace.kind is nstypes.USER else scan.namespaces.get(namespace.owner or 0)
    while below is not None and below.parent is not None:
        uid = below.owner_uid
        below = scan.namespaces.get(below.parent)
    return uid
