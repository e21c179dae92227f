# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What a scan was not let look at, in words. Source: proc(5), hidepid."""

from __future__ import annotations

import os
import re

from ..._kernel import mountinfo, nsfs, privilege, procfs
from ..._kernel.descriptor import closing
from .scan import Scan

REMEDY = "run the task as root, with all capabilities"
DENIED = {
    "processes": "processes of others may not be looked at",
    "threads": "threads of others may not be looked at",
    "fds": "open files of others may not be looked at",
    "sockets": "sockets of others may not be looked at",
    "mounts": "mount namespaces may not be looked into",
    "kernel": "namespaces that the kernel lists may not be opened",
}
_HIDDEN = re.compile(r"(?:^|,)hidepid=(invisible|ptraceable)(?:,|$)")
_GROUP = re.compile(r"(?:^|,)gid=(\d+)(?:,|$)")


def look(scan: Scan) -> None:
    """Say of each source that was denied something that the scan is not complete, and what nobody even denied."""
    for source, what in DENIED.items():
        if scan.denied[source]:
            scan.incomplete_because[f"{what}; {REMEDY}"] = None
    hidden = _hidden(scan.proc)
    if hidden is not None:
        scan.incomplete_because[f"/proc hides processes of others (hidepid={hidden}); {REMEDY}"] = None


def _hidden(proc: int) -> str | None:
    """What hidepid says, where that is for us; None where all processes are listed, if need be to be denied."""
    mount = mountinfo.mount_of(proc, proc, mountinfo.read(proc))
    found = _HIDDEN.search(mount.options) if mount else None
    if mount is None or found is None or _traces_all(proc):
        return None
    group = _GROUP.search(mount.options)
    return None if found[1] == "invisible" and _is_in_group(int(group[1]) if group else 0) else found[1]


def _traces_all(proc: int) -> bool:
    """Whether the caller may look at whoever is in its pid namespace: it may see the owner of that only if so."""
    if not privilege.has("sys_ptrace"):
        return False
    try:
        pids = procfs.open_namespace(proc, procfs.own_pid(proc), "pid")
    except FileNotFoundError:
        return True
    with closing(pids):
        owner = nsfs.open_owner(pids)
    if owner is None:
        return False
    os.close(owner)
    return True


def _is_in_group(group: int) -> bool:
    return group == os.getegid() or group in os.getgroups()
