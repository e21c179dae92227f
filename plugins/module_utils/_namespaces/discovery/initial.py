# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The namespaces that the kernel started with."""

from __future__ import annotations

import contextlib

from ..._kernel import nstypes, procfs
from .scan import Scan

_KTHREADD = 2


def inodes(scan: Scan) -> dict[nstypes.NsType, int | None]:
    """Their inodes, as far as they can be seen from here."""
    found = {kind: kind.initial_inode if kind.initial_inode in scan.namespaces else None for kind in nstypes.ALL}
    with contextlib.suppress(OSError):
        if procfs.stat(scan.proc, _KTHREADD).kernel_thread:
            for kind in nstypes.ALL:
                with contextlib.suppress(OSError):
                    found[kind] = procfs.namespace_inode(scan.proc, f"{_KTHREADD}/ns/{kind.name}")
    return found
