# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""A scan of the host from one source to the next, until nothing new is found."""

from __future__ import annotations

import contextlib
import typing as t

from ..._kernel import procfs
from . import fds, hierarchy, kernel, links, mounts
from .model import Holder
from .scan import Scan

BLIND = ("credentials of open files", "fsopen contexts", "the procfs of a pid namespace that has ended")
"""What no kernel gives a view of."""
BLIND_OUTSIDE = "processes outside of this pid namespace"
_INITIAL_PID = 0xEFFFFFFC  # linux/nsfs.h, PID_NS_INIT_INO


@contextlib.contextmanager
def scanned(proc: int) -> t.Iterator[Scan]:
    """All namespaces that can be found from here, held open meanwhile. Raises NamespaceError.

    proc: a procfs of the caller's own pid namespace; what is outside of that is not seen.
    """
    scan = Scan(proc)
    scan.blind.update(dict.fromkeys(BLIND))
    if procfs.namespace_inode(proc, f"{procfs.own_pid(proc)}/ns/pid") != _INITIAL_PID:
        scan.blind[BLIND_OUTSIDE] = None
    try:
        links.look(scan)
        mounts.look(scan)
        # What is opened by its path is recognised by the paths that are mounted.
        fds.look(scan)
        mounts.look(scan)
        hierarchy.look(scan)
        kernel.look(scan)
        mounts.look(scan)
        hierarchy.look(scan)
        for namespace in scan.namespaces.values():
            if not namespace.processes and not namespace.counts:
                namespace.hold(Holder("kernel"))
        yield scan
    finally:
        scan.close()
