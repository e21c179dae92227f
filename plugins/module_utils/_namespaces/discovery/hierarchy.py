# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Owners and parents, up to the initial namespaces, also where nobody is in the middle. Source: ioctl_nsfs(2)."""

from __future__ import annotations

from ..._kernel import nsfs, nstypes
from .model import Holder, Namespace
from .scan import Scan

_HIERARCHICAL = (nstypes.USER, nstypes.PID)


def look(scan: Scan) -> None:
    """Find what owns each namespace that was found, and what is above it; they are held by what is below."""
    todo = [namespace for namespace in scan.namespaces.values() if not namespace.related]
    while todo:
        namespace = todo.pop()
        if not namespace.related:
            namespace.related = True
            todo += _relate(scan, namespace)


def _relate(scan: Scan, namespace: Namespace) -> list[Namespace]:
    inode = namespace.identity.inode
    found = []
    if namespace.kind in _HIERARCHICAL:
        fd = nsfs.open_parent(namespace.fd)
        if fd is not None:
            above = scan.keep(fd)
            above.hold(Holder("child", namespace=inode))
            namespace.parent = above.identity.inode
            found.append(above)
    if namespace.kind is nstypes.USER:
        namespace.owner = namespace.parent
        namespace.owner_uid = nsfs.owner_uid(namespace.fd)
        return found
    fd = nsfs.open_owner(namespace.fd)
    if fd is not None:
        owner = scan.keep(fd)
        owner.hold(Holder("owned", namespace=inode))
        namespace.owner = owner.identity.inode
        found.append(owner)
    return found
