# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The host that a task runs on, as it is looked at from outside of all the namespaces that are entered."""

from __future__ import annotations

import errno

from .._kernel import procfs
from .errors import Hint, during

_PROC_HINTS = {
    errno.ENOTSUP: Hint("what is mounted there is no procfs", "mount one"),
    errno.ESTALE: Hint("it shows another pid namespace than the task's", "mount a fresh one"),
}


def open_proc() -> int:
    """The procfs through which the host is looked at, as procfs.open_root() gives it. Raises NamespaceError."""
    with during("look at the host through /proc", _PROC_HINTS):
        return procfs.open_root()
