# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""A scan of the host from one source to the next, until nothing new is found."""

from __future__ import annotations

import contextlib
import typing as t

from ..._kernel import nstypes, procfs
from ..errors import during
from . import fds, hierarchy, kernel, links, losses, mounts
from .blind import BLIND, OUTSIDE
from .scan import Scan

SOURCES = ("processes", "threads", "fds", "sockets", "mounts", "hierarchy", "kernel")
"""Where namespaces are looked for. Mounts begin at the own ones and those of the mount namespaces that others found."""

_STEPS: tuple[tuple[t.Callable[[Scan], None], frozenset[str]], ...] = (
    (links.look, frozenset({"processes", "threads"})),
    (mounts.look, frozenset({"mounts"})),
    # What is opened by its path is recognised by the paths that are mounted.
    (fds.look, frozenset({"fds", "sockets"})),
    (mounts.look, frozenset({"mounts"})),
    (hierarchy.look, frozenset({"hierarchy"})),
    (kernel.look, frozenset({"kernel"})),
    (mounts.look, frozenset({"mounts"})),
    (hierarchy.look, frozenset({"hierarchy"})),
    (kernel.hold, frozenset({"kernel"})),
    (losses.look, frozenset(SOURCES)),
)
"""What looks for namespaces, in this order, and the sources that it is for."""


@contextlib.contextmanager
def scanned(proc: int, sources: t.Collection[str] = SOURCES) -> t.Iterator[Scan]:
    """All namespaces that these sources show from here, held open meanwhile. Raises NamespaceError.

    proc: a procfs of the caller's own pid namespace; what is outside of that is not seen.
    """
    with during("look for namespaces"):
        scan = Scan(proc, sources)
    try:
        with during("look for namespaces"):
            _look(scan)
        yield scan
    finally:
        scan.close()


def _look(scan: Scan) -> None:
    left_out = [name for name in SOURCES if name not in scan.sources]
    scan.incomplete_because.update({f"the source {name} was left out": None for name in left_out})
    scan.blind.update(dict.fromkeys(BLIND))
    with contextlib.suppress(FileNotFoundError):
        if procfs.namespace_inode(scan.proc, f"{procfs.own_pid(scan.proc)}/ns/pid") != nstypes.PID.initial_inode:
            scan.blind[OUTSIDE] = None
    for look, needed_for in _STEPS:
        if needed_for & scan.sources:
            look(scan)
