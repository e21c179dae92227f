# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Id maps of user namespaces: as given, checked, and written by whoever may write them."""

from __future__ import annotations

import errno
import os
import subprocess
import typing as t

from .._kernel import privilege, procfs
from .errors import Hint, NamespaceError, during, refuse
from .numbers import plain_number

# 4294967295 is no id: to setresuid(2) it means "unchanged".
_LAST_ID = (1 << 32) - 2
_MOST_RANGES = 340

# A fixed search path: the helpers are setuid root, and the caller's PATH may be anybody's.
_HELPER_DIRECTORIES = ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin")

_MAP_HINTS = {
    errno.EPERM: Hint(
        "only root may map ids other than its own, and nobody a map twice",
        "run it as root, or list the ids in /etc/subuid and /etc/subgid and install newuidmap (package uidmap)",
    ),
    errno.EACCES: Hint("the user namespace is out of the task's reach", "run it as root"),
    errno.EINVAL: Hint(
        "an id outside has no counterpart in the user namespace that the task runs in", "map ids that exist there"
    ),
}


class Range(t.NamedTuple):
    """A run of ids: inside it counts from one number, outside from another."""

    inside: int
    outside: int
    length: int


class IdMaps(t.NamedTuple):
    """What a new user namespace is given. An empty map is left unwritten, as by unshare(1) without options."""

    uid: tuple[Range, ...] = ()
    gid: tuple[Range, ...] = ()
    setgroups: str | None = None


def parse(option: str, given: t.Sequence[t.Mapping[str, t.Any]] | None) -> tuple[Range, ...]:
    """The ranges of uid_map or gid_map. Raises NamespaceError."""
    ranges = tuple(_parse_range(option, item) for item in given or ())
    if len(ranges) > _MOST_RANGES:
        raise refuse(option, f"the kernel takes {_MOST_RANGES} ranges at most")
    for side in ("inside", "outside"):
        ordered = sorted(ranges, key=lambda item: int(getattr(item, side)))
        for first, second in zip(ordered, ordered[1:]):
            if getattr(first, side) + first.length > getattr(second, side):
                raise refuse(option, f"the ids {side} overlap from {getattr(second, side)} on")
    return ranges


def write(proc: int, pid: int, maps: IdMaps) -> None:
    """Write the maps of a process in a new user namespace, from its parent user namespace.

    Without the capability the kernel takes a caller's own id alone, and that only after setgroups is denied:
    user_namespaces(7). Anything else goes through newuidmap(1) and newgidmap(1). Raises NamespaceError.
    """
    direct_uid = privilege.has("setuid") or _is_own(maps.uid, os.geteuid())
    direct_gid = privilege.has("setgid") or _is_own(maps.gid, os.getegid())
    setgroups = maps.setgroups
    if maps.gid and not privilege.has("setgid") and direct_gid:
        if setgroups == "allow":
            raise refuse("setgroups", "without root a group can only be mapped with setgroups denied", "say deny")
        setgroups = "deny"
    if setgroups == "deny":
        with during("deny setgroups in the user namespace"):
            procfs.write(proc, f"{pid}/setgroups", "deny")
    for name, ranges, direct in (("uid_map", maps.uid, direct_uid), ("gid_map", maps.gid, direct_gid)):
        if ranges and direct:
            with during(f"write the {name}", _MAP_HINTS):
                procfs.write(proc, f"{pid}/{name}", "".join(" ".join(map(str, item)) + "\n" for item in ranges))
        elif ranges:
            _run_helper("new" + name.replace("_", ""), pid, ranges)


def maps_id(proc: int, name: str, number: int) -> bool:
    """Whether the caller's user namespace has this id inside. name is uid_map or gid_map. Raises OSError."""
    for line in procfs.read(proc, f"{procfs.own_pid(proc)}/{name}").splitlines():
        inside, _outside, count = map(int, line.split())
        if inside <= number < inside + count:
            return True
    return False


def _parse_range(option: str, item: t.Mapping[str, t.Any]) -> Range:
    numbers = Range(
        plain_number(option + ".inside", item["inside"]),
        plain_number(option + ".outside", item["outside"]),
        plain_number(option + ".count", item["count"]),
    )
    if numbers.length == 0:
        raise refuse(option, "a count is at least 1")
    if max(numbers.inside, numbers.outside) + numbers.length > _LAST_ID + 1:
        raise refuse(option, f"ids end at {_LAST_ID}")
    return numbers


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
