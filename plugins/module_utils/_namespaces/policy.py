# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What the host's own settings say of a refusal: limits, and policies on user namespaces."""

from __future__ import annotations

import errno

from .._kernel import nstypes, procfs
from .errors import Hint, Hints

# Each is 0 or 1; the value is the one with which an ordinary user can do little or nothing with user namespaces.
_POLICIES = {"kernel/unprivileged_userns_clone": "0", "kernel/apparmor_restrict_unprivileged_userns": "1"}


def creation_hints(proc: int, kind: nstypes.NsType) -> Hints:
    """Why a namespace of this type could not be created, as far as the sysctls tell."""
    limit = _sysctl(proc, kind.limit.replace(".", "/")) or "unknown"
    spent = f"{kind.limit} is {limit} in this user namespace, and used up here or in one above it"
    if kind in nstypes.HIERARCHICAL:
        spent += ", or 32 are nested already"
    hints = {
        errno.ENOSPC: Hint(spent, "raise the limit (ansible.posix.sysctl), or remove namespaces that nobody needs"),
        errno.EINVAL: Hint(f"this kernel has no {kind.name} namespaces", "leave the type out"),
        errno.EPERM: Hint("it takes CAP_SYS_ADMIN", "run it as root, or create a user namespace with it"),
    }
    if kind is nstypes.USER:
        chroot = Hint(
            "a process in a chroot, or whose own ids are not mapped, may not create one", "run it from outside"
        )
        hints[errno.EPERM] = forbidden(proc) or chroot
    return hints


def forbidden(proc: int) -> Hint | None:
    """The policy of the host that keeps ordinary users from using user namespaces, if there is one."""
    for path, forbidding in _POLICIES.items():
        if _sysctl(proc, path) == forbidding:
            name = path.replace("/", ".")
            return Hint(f"{name} is {forbidding} on this host", "run it as root, or have the policy changed")
    return None


def _sysctl(proc: int, path: str) -> str:
    try:
        return procfs.read(proc, f"sys/{path}").strip()
    except OSError:
        return ""
