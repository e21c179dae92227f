# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Who leads in a namespace, and what started it: a unit of systemd, a container. Source: cgroups(7)."""

from __future__ import annotations

import contextlib
import re
import typing as t

from ..._kernel import procfs
from .model import Namespace

_UNIT = re.compile(r"\.(?:service|scope|mount|socket|swap)$")
# As Docker, Podman, CRI-O and containerd name them in a path of cgroups: 64 digits, perhaps behind a prefix.
_CONTAINER = re.compile(r"(?:^|[/:-])([0-9a-f]{64})(?:\.scope)?(?:/|$)")


class Leader(t.NamedTuple):
    """A process to name a namespace by; what can't be read, or there is none of, is None."""

    pid: int
    comm: str | None
    uid: int | None
    unit: str | None
    container: str | None
    capabilities: str | None
    """The effective ones, as hexadecimal digits."""


class Leaders:
    """Each process that has to be named is looked at once."""

    def __init__(self, proc: int) -> None:
        self._proc = proc
        self._known: dict[int, Leader] = {}
        self._leads: dict[int, Leader | None] = {}
        """By the inode of a namespace."""

    def describe(self, pid: int) -> Leader:
        """Who the process is."""
        found = self._known.get(pid)
        if found is None:
            found = self._known[pid] = describe(self._proc, pid)
        return found

    def of(self, namespace: Namespace) -> Leader | None:
        """Who leads in a namespace: the process there whose parent is not there. None where there is none."""
        inode = namespace.identity.inode
        if inode not in self._leads:
            self._leads[inode] = self._find(namespace.processes) if namespace.processes else None
        return self._leads[inode]

    def _find(self, processes: t.Iterable[int]) -> Leader:
        members = set(processes)
        pid = min(members)
        with contextlib.suppress(OSError):
            while pid in members:
                members.discard(pid)
                above = procfs.stat(self._proc, pid).parent
                if above not in members:
                    break
                pid = above
        return self.describe(pid)


def describe(proc: int, pid: int) -> Leader:
    """Who the process is. One that has ended, or may not be looked at, is its pid."""
    comm = uid = capabilities = None
    path = ""
    with contextlib.suppress(OSError):
        status = procfs.read(proc, f"{pid}/status")
        comm, uid, capabilities = parse_status(status)
        path = parse_cgroup(procfs.read(proc, f"{pid}/cgroup"))
    return Leader(pid, comm, uid, unit_in(path), container_in(path), capabilities)


def parse_status(text: str) -> tuple[str | None, int | None, str | None]:
    """The name, the effective uid, and the effective capabilities. Source: proc_pid_status(5)."""
    name = re.search(r"^Name:\t(.*)$", text, re.MULTILINE)
    uid = re.search(r"^Uid:\t\d+\t(\d+)", text, re.MULTILINE)
    capabilities = re.search(r"\nCapEff:\t([0-9a-f]{1,16})\n", text)
    return name and name[1], uid and int(uid[1]), capabilities and capabilities[1]


def parse_cgroup(text: str) -> str:
    """The path in the hierarchy that systemd keeps: its own of version 1 where that is used, or version 2."""
    found = {"name=systemd": "", "": ""}
    for line in text.split("\n"):
        _number, _colon, rest = line.partition(":")
        controllers, colon, path = rest.partition(":")
        if colon and controllers in found:
            found[controllers] = path
    return found["name=systemd"].rstrip("/") or found[""]


def unit_in(path: str) -> str | None:
    """The unit that a path of cgroups is in: the first that is no slice."""
    return next((part for part in path.split("/") if _UNIT.search(part)), None)


def container_in(path: str) -> str | None:
    """The id of the outermost container that a path of cgroups is in.

    What is below may have been named by whoever lives there: it is allowed to make cgroups of its own.
    """
    found = _CONTAINER.search(path)
    return found and found[1]
