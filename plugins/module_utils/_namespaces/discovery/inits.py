# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Whether the init of a pid namespace lives: without it nobody can start a process there any more."""

from __future__ import annotations

import contextlib

from ..._kernel import nsfs, nstypes, procfs
from .model import Namespace
from .scan import Scan

ALIVE, DEAD = "alive", "dead"


def state(scan: Scan, namespace: Namespace) -> str | None:
    """One of these; None where it can't be told. Source: pid_namespaces(7)."""
    with contextlib.suppress(OSError):
        pid = nsfs.init_of(namespace.fd)
        known = pid is not None or not scan.incomplete_because
        pid = pid or _search(scan, namespace)
        if pid:
            return ALIVE if pid in namespace.processes or not procfs.stat(scan.proc, pid).ended else DEAD
        if known and not namespace.processes and _is_seen(scan, namespace):
            return DEAD
    return None


def _search(scan: Scan, namespace: Namespace) -> int | None:
    """For kernels before 6.11: the process that is 1 in there."""
    for pid in sorted(namespace.processes):
        with contextlib.suppress(OSError):
            if procfs.innermost_pid(scan.proc, pid) == 1:
                return pid
    return None


def _is_seen(scan: Scan, namespace: Namespace) -> bool:
    """Whether a process in it would have a pid here: it is the caller's own namespace, or below that.

    One that only the kernel lists may be so new that it has had no init yet.
    """
    own = procfs.namespace_inode(scan.proc, f"{procfs.own_pid(scan.proc)}/ns/{nstypes.PID.name}")
    above: Namespace | None = namespace
    while above is not None and above.identity.inode != own:
        above = scan.namespaces.get(above.parent or 0)
    return above is not None and namespace.counts.keys() != {"kernel"}
