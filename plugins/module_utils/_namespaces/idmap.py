# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Writing the id maps of a new user namespace, by whoever may."""

from __future__ import annotations

import errno
import functools
import os
import subprocess

from .._kernel import privilege, procfs
from .definition import IdMaps, Range
from .errors import Hint, Hints, NamespaceError, during, refuse
from .policy import forbidden

# A fixed search path: the helpers are setuid root, and the caller's PATH may be anybody's.
_HELPER_DIRECTORIES = ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin")


def write(proc: int, pid: int, maps: IdMaps) -> None:
    """Write the maps of a process in a new user namespace, from its parent user namespace.

    Without the capability the kernel takes a caller's own id alone, and that only after setgroups is denied:
    user_namespaces(7). Anything else goes through newuidmap(1) and newgidmap(1). Raises NamespaceError.
    """
    own_gid = not privilege.has("setgid") and _is_own(maps.gid, os.getegid())
    direct_uid = privilege.has("setuid") or _is_own(maps.uid, os.geteuid())
    direct_gid = privilege.has("setgid") or own_gid
    setgroups = maps.setgroups
    if own_gid:
        if setgroups == "allow":
            raise refuse("setgroups", "without root a group can only be mapped with setgroups denied", "say deny")
        setgroups = "deny"
    if setgroups == "deny":
        with during("deny setgroups in the user namespace"):
            procfs.write(proc, f"{pid}/setgroups", "deny")
    for name, ranges, direct in (("uid_map", maps.uid, direct_uid), ("gid_map", maps.gid, direct_gid)):
        if ranges and direct:
            with during(f"write the {name}", functools.partial(_hints, proc)):
                procfs.write(proc, f"{pid}/{name}", "".join(" ".join(map(str, item)) + "\n" for item in ranges))
        elif ranges:
            _run_helper("new" + name.replace("_", ""), pid, ranges)


def _hints(proc: int) -> Hints:
    own = Hint(
        "only root may map ids other than its own, and no id that is itself not mapped where the task runs",
        "run it as root, or list the ids in /etc/subuid and /etc/subgid and install newuidmap (package uidmap)",
    )
    return {
        errno.EPERM: forbidden(proc) or own,
        errno.EACCES: Hint("the user namespace is out of the task's reach", "run it as root"),
    }


def _is_own(ranges: tuple[Range, ...], own: int) -> bool:
    return len(ranges) == 1 and ranges[0].outside == own and ranges[0].length == 1


def _run_helper(name: str, pid: int, ranges: tuple[Range, ...]) -> None:
    for directory in _HELPER_DIRECTORIES:
        path = os.path.join(directory, name)
        if os.access(path, os.X_OK):
            break
    else:
        raise NamespaceError("map ids without root", f"{name} is not installed", "install it (package uidmap)")
    numbers = [str(number) for item in ranges for number in item]
    done = subprocess.run(  # pylint: disable=ansible-bad-function  # this floor knows no AnsibleModule
        [path, str(pid), *numbers],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip()
        raise NamespaceError(
            "map ids without root", f"{name} said: {said}", "list the ids in /etc/subuid and /etc/subgid"
        )
