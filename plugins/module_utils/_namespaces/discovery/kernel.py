# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What the kernel itself lists, whatever holds it, from Linux 6.19 on. Source: listns(2)."""

from __future__ import annotations

import errno

from ..._kernel import nsfs
from .model import Holder
from .scan import Scan

BLIND = "what the kernel lists by itself from Linux 6.19 on"


def look(scan: Scan) -> None:
    """Find the namespaces that nothing else showed; the list has none that only credentials hold."""
    known = {namespace.identity.id for namespace in scan.namespaces.values()}
    try:
        for number in nsfs.all_ids():
            if number not in known:
                _keep(scan, number)
    except OSError as error:
        # A filter over a container may say the latter.
        if error.errno not in (errno.ENOSYS, errno.EPERM):
            raise
        scan.blind[BLIND] = None


def hold(scan: Scan) -> None:
    """Say of those for which no other holder was found that the kernel lists them."""
    if BLIND not in scan.blind:
        for namespace in scan.namespaces.values():
            if not namespace.processes and not namespace.counts:
                namespace.hold(Holder("kernel"))


def _keep(scan: Scan, number: int) -> None:
    try:
        scan.keep(nsfs.open_id(number))
    except PermissionError:
        scan.denied["kernel"] += 1
    except OSError as error:
        if error.errno != errno.ESTALE:
            raise
        scan.vanished += 1
