# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What a scan found, as plain values that JSON can carry."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..._kernel import nsfs, nstypes, procfs
from ..._kernel.descriptor import closing
from ..errors import during, refuse
from ..target import HANDLE_HINTS
from ..values import TIME_FORMAT
from . import capacity, handles, holders, initial, inits, networks, properties, run
from .leaders import Leader, Leaders
from .model import MOST_HOLDERS, Namespace
from .names import Names
from .scan import Scan, is_there

SCHEMA = 1
DETAILS: t.Mapping[str, int] = {"summary": 0, "normal": 3, "full": MOST_HOLDERS}
"""How much is told, and of how many holders of each namespace."""

_SYSCTLS = (
    "kernel.unprivileged_userns_clone",
    "kernel.apparmor_restrict_unprivileged_userns",
    nstypes.USER.limit,
)
"""What says who may make user namespaces."""

Facts = t.Dict[str, t.Any]


class Request(t.NamedTuple):
    """What is asked about: all namespaces where nothing narrows it."""

    sources: t.Sequence[str] = run.SOURCES
    types: t.Sequence[str] | None = None
    name: str | None = None
    pid: int | None = None
    path: str | None = None
    inode: int | None = None
    id: int | None = None
    detail: str = "normal"
    network: bool = False
    """Whether to look for addresses, routes and rules too."""


def gather(proc: int, request: Request) -> Facts:
    """Scan the host and tell what is asked about. Raises NamespaceError."""
    with contextlib.ExitStack() as stack:
        inode = request.inode
        if request.path is not None:
            # While it is open its inode means no other one.
            with during(f"open the handle {request.path}", HANDLE_HINTS):
                handle = stack.enter_context(closing(nsfs.open_handle(request.path)))
                inode = nsfs.identity(handle).inode
        began = time.monotonic()
        scan = stack.enter_context(run.scanned(proc, request.sources))
        duration = time.monotonic() - began
        with during("tell what was found"):
            told: Facts = _as_text(_Telling(scan, request._replace(inode=inode)).tell(round(duration * 1000)))
            return told


class _Telling:
    def __init__(self, scan: Scan, request: Request) -> None:
        self._scan = scan
        self._request = request
        self._names = Names(scan.proc)
        self._leaders = Leaders(scan.proc)
        self._initial = initial.inodes(scan)
        host = {kind: inode or self._names.own.get(kind, 0) for kind, inode in self._initial.items()}
        found = {kind: scan.namespaces.get(inode) for kind, inode in host.items()}
        self._there = {kind: frozenset(namespace.processes) for kind, namespace in found.items() if namespace}
        """The processes in the initial namespaces, or in the caller's own where these can't be seen, by type."""

    def tell(self, duration: int) -> Facts:
        scan = self._scan
        found = sorted(filter(self._is_asked_for, scan.namespaces.values()), key=_order)
        if self._request.pid is not None and not found:
            self._check_process(self._request.pid)
        facts: Facts = {
            "schema": SCHEMA,
            "boot_id": procfs.read(scan.proc, "sys/kernel/random/boot_id").strip(),
            "time": time.strftime(TIME_FORMAT, time.gmtime()),
            "initial": {kind.name: inode for kind, inode in self._initial.items()},
            "own": {kind.name: inode for kind, inode in self._names.own.items()},
            "limits": {
                kind.name: limit._asdict() for kind, limit in capacity.limits(scan, [*self._initial.values()]).items()
            },
            "machine": scan.files.machine,
            "sysctls": {name: procfs.sysctl(scan.proc, name) for name in _SYSCTLS},
            "declared": scan.files.declared,
            "handles": self._handles(),
            "counts": {kind.name: self._count(kind, found) for kind in nstypes.ALL},
        }
        if self._request.detail != "summary":
            inside = properties.look(scan, found)
            more = networks.look(scan, found, self._names) if self._request.network else {}
            facts["namespaces"] = [
                {**self._describe(item), **inside.get(item.identity.inode, {}), **more.get(item.identity.inode, {})}
                for item in found
            ]
        # Last of all: what was looked at until now counts as well.
        facts["scan"] = {
            "complete": not scan.incomplete_because,
            "incomplete_because": list(scan.incomplete_because),
            "blind": list(scan.blind),
            "sources": list(self._request.sources),
            "denied": {source: count for source, count in scan.denied.items() if count},
            "vanished": scan.vanished,
            "duration_ms": duration,
        }
        return facts

    def _check_process(self, pid: int) -> None:
        """Raises NamespaceError where nothing can be said of a process."""
        if "processes" not in self._request.sources:
            raise refuse("pid", "the source processes is left out, which finds what a process is in", "add it")
        if not is_there(self._scan.proc, f"{pid}"):
            raise refuse("pid", f"there is no process {pid}")
        try:
            procfs.namespace_inode(self._scan.proc, f"{pid}/ns/user")
        except OSError:
            raise refuse("pid", f"process {pid} may not be looked at, or ends") from None

    def _is_asked_for(self, namespace: Namespace) -> bool:
        request = self._request
        return (
            (request.types is None or namespace.kind.name in request.types)
            and (request.name is None or request.name == self._names.name_of(namespace))
            and (request.pid is None or request.pid in namespace.processes)
            and (request.inode is None or request.inode == namespace.identity.inode)
            and (request.id is None or request.id == namespace.identity.id)
        )

    def _count(self, kind: nstypes.NsType, found: t.Iterable[Namespace]) -> dict[str, int]:
        some = [namespace for namespace in found if namespace.kind is kind]
        return {
            "total": len(some),
            "without_processes": sum(not namespace.processes for namespace in some),
            "named": sum(self._names.name_of(namespace) is not None for namespace in some),
        }

    def _handles(self) -> list[Facts] | None:
        place, dangling = self._names.place_of(self._scan.reference), self._scan.files.dangling
        if place is None or dangling is None:
            return None
        found = handles.problems(dangling, place.mounts, place.at)
        if len(found) > handles.MOST:
            self._scan.incomplete_because[handles.MORE] = None
        return [{"path": path, "problem": problem} for path, problem in found[: handles.MOST]]

    def _leader(self, leader: Leader) -> Facts:
        there = [kind.name for kind, pids in self._there.items() if leader.pid in pids]
        return {**leader._asdict(), "initial": there}

    def _describe(self, namespace: Namespace) -> Facts:
        leader = self._leaders.of(namespace)
        detail = self._request.detail
        mounts = namespace.propagation
        return {
            "type": namespace.kind.name,
            "inode": namespace.identity.inode,
            "device": namespace.device,
            "id": namespace.identity.id,
            "name": self._names.name_of(namespace),
            "reference": self._names.reference_of(namespace, leader.pid if leader else None),
            "owner": namespace.owner,
            "owner_uid": self._owner_uid(namespace),
            "parent": namespace.parent,
            "depth": self._depth(namespace),
            "processes": len(namespace.processes),
            "leader": self._leader(leader) if leader else None,
            "holders": holders.tell(self._scan, self._leaders, namespace, DETAILS[detail], detail == "full"),
            "holder_counts": dict(namespace.counts),
            **({"propagation": mounts._asdict() if mounts else None} if namespace.kind is nstypes.MNT else {}),
            **({"init": inits.state(self._scan, namespace)} if namespace.kind is nstypes.PID else {}),
        }

    def _owner_uid(self, namespace: Namespace) -> int | None:
        if namespace.kind is nstypes.USER:
            return namespace.owner_uid
        owner = self._scan.namespaces.get(namespace.owner or 0)
        return owner.owner_uid if owner else None

    def _depth(self, namespace: Namespace) -> int:
        depth = 0
        while namespace.parent is not None:
            namespace = self._scan.namespaces[namespace.parent]
            depth += 1
        return depth


def _order(namespace: Namespace) -> tuple[int, int]:
    return nstypes.ALL.index(namespace.kind), namespace.identity.inode


def _as_text(value: t.Any) -> t.Any:
    """The same with bytes that are not UTF-8 replaced by U+FFFD."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value
