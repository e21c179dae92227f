# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Owners and parents, up to the initial namespaces, also where nobody is in the middle. Source: ioctl_nsfs(2)."""

from __future__ import annotations

from ..._kernel import nsfs, nstypes
from .model import Holder, Namespace
from .scan import Scan


def look(scan: Scan) -> None:
    """Find what owns each namespace that was found, and what is above it; they are held by what is below."""
    todo = [namespace for namespace in scan.namespaces.values() if not namespace.related]
    while todo:
        namespace = todo.pop()
        if not namespace.related:
            namespace.related = True
            todo += _relate(scan, namespace)


def _relate(scan: Scan, namespace: Namespace) -> list[Namespace]:
    parent = owner = None
    if namespace.kind in nstypes.HIERARCHICAL:
        parent = _keep(scan, nsfs.open_parent(namespace.fd), Holder("child", namespace=namespace.identity.inode))
        namespace.parent = parent.identity.inode if parent else None
    if namespace.kind is nstypes.USER:
        namespace.owner = namespace.parent
        namespace.owner_uid = nsfs.owner_uid(namespace.fd)
    else:
        owner = _keep(scan, nsfs.open_owner(namespace.fd), Holder("owned", namespace=namespace.identity.inode))
        namespace.owner = owner.identity.inode if owner else None
    return [found for found in (parent, owner) if found]


def _keep(scan: Scan, fd: int | None, holder: Holder) -> Namespace | None:
    """The namespace that is open there, which has this holder; None where there is none to see."""
    if fd is None:
        return None
    found = scan.keep(fd)
    found.hold(holder)
    return found
