# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What namespaces are like inside: names, devices, listeners, clocks, id maps.

Of uts, net and time one child each goes from one namespace to the next, and is in no other foreign one meanwhile. What
processes show of user and time namespaces is read from outside; a user namespace that has none gets a child of its own.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import time
import typing as t

from ..._kernel import listeners, netdev, nstypes, procfs, uts
from ..checkpoint import DeadlineError
from ..errors import NamespaceError
from ..values import seconds
from ..visit import somebody_in
from . import inside
from .inside import Look, Properties
from .model import Namespace
from .scan import Scan

MOST = 1000
"""Of each list of a namespace so many are kept."""
SOURCE = "properties"
"""What Scan.denied calls it."""
UNSAFE = (
    "user namespaces that no process shows were not looked into: "
    "where fs.suid_dumpable is 1, who made one could take over who goes there; set it to 0 or 2"
)

_STAY_SECONDS = 10
"""For all user namespaces that somebody has to go to: a few milliseconds each, where nobody in there stops him."""
_MOST_LINKS = 10000
_KEYS = {
    nstypes.UTS: ("hostname", "domainname"),
    nstypes.NET: ("netnsid", "links", "listeners"),
    nstypes.TIME: ("offsets",),
    nstypes.USER: ("uid_map", "gid_map", "setgroups"),
}
_FOR_CHILDREN = ("for_children", "thread")
_SHOWING = (*_FOR_CHILDREN, "zombie")
# Who holds a time namespace like this may be about to set its offsets, which nobody can once somebody has joined it.
# One that only the kernel lists may have such a holder that is out of sight.
_UNSETTLED = (*_FOR_CHILDREN, "kernel")


def look(scan: Scan, namespaces: t.Iterable[Namespace]) -> dict[int, Properties]:
    """The properties of namespaces that the scan holds, by inode; those of types that have none are left out.

    uts: hostname, domainname. net: netnsid (int, None where there is none), links [{name, kind, up}], listeners
    [{protocol, address, port}]. time: offsets {monotonic, boottime}, decimal seconds as text. user: uid_map, gid_map
    [{inside, outside, count}], with the outside as the caller has it, setgroups. links_more, listeners_more: how many
    more than MOST were seen; only where there are more, and 0 of listeners where some sockets were not looked at.

    What can't be read is None. One that the privilege is lacking for is counted in scan.denied; that a child did not
    answer is noted in scan.incomplete_because.
    """
    found: dict[int, Properties] = {}
    todo: dict[nstypes.NsType, list[Namespace]] = {kind: [] for kind in _KEYS}
    for namespace in namespaces:
        if namespace.kind in _KEYS:
            found[namespace.identity.inode] = dict.fromkeys(_KEYS[namespace.kind])
            todo[namespace.kind].append(namespace)
    for namespace in todo[nstypes.NET]:
        with contextlib.suppress(OSError):
            found[namespace.identity.inode]["netnsid"] = netdev.netnsid(namespace.fd)
    for kind, show in ((nstypes.USER, _maps), (nstypes.TIME, _offsets)):
        todo[kind] = [namespace for namespace in todo[kind] if not _is_shown(scan, namespace, show, found)]
    todo[nstypes.TIME] = [namespace for namespace in todo[nstypes.TIME] if _is_settled(scan, namespace)]
    if todo[nstypes.USER]:
        if _is_safe_to_stay(scan.proc):
            _stay_in_each(scan, todo[nstypes.USER], found)
        else:
            scan.incomplete_because[UNSAFE] = None
    for kind, looks in ((nstypes.UTS, (_names,)), (nstypes.NET, (_links, _listeners)), (nstypes.TIME, (_offsets,))):
        inside.look(scan, todo[kind], looks, found, SOURCE, _lost(kind))
    return found


# What is seen by a look at a process, or of a process at itself.


def _names(_proc: int, _pid: int) -> Properties:
    return {"hostname": uts.hostname(), "domainname": uts.domainname()}


def _links(_proc: int, _pid: int) -> Properties:
    with contextlib.closing(netdev.links()) as links:
        return _bounded("links", [link._asdict() for link in itertools.islice(links, _MOST_LINKS)])


def _listeners(proc: int, pid: int) -> Properties:
    found, cut = listeners.read(proc, pid)
    return _bounded("listeners", [listener._asdict() for listener in found], cut)


def _bounded(key: str, items: list[dict[str, t.Any]], cut: bool = False) -> Properties:
    properties: Properties = {key: items[:MOST]}
    if cut or len(items) > MOST:
        properties[f"{key}_more"] = max(0, len(items) - MOST)
    return properties


def _offsets(proc: int, pid: int) -> Properties:
    return {"offsets": {clock: seconds(offset) for clock, offset in procfs.time_offsets(proc, pid).items()}}


def _maps(proc: int, pid: int) -> Properties:
    maps = {
        name: [dict(zip(("inside", "outside", "count"), item)) for item in procfs.id_map(proc, pid, name)]
        for name in ("uid_map", "gid_map")
    }
    return {**maps, "setgroups": procfs.read(proc, f"{pid}/setgroups").strip()}


# From outside.


def _is_shown(scan: Scan, namespace: Namespace, show: Look, found: t.Mapping[int, Properties]) -> bool:
    """Whether a process that is in there still, or whose children will be, shows what it is like."""
    elsewhere = (holder.thread or holder.pid for holder in namespace.holders if holder.kind in _SHOWING)
    for pid in filter(None, (*namespace.processes, *elsewhere, procfs.own_pid(scan.proc))):
        with contextlib.suppress(OSError):
            shown = show(scan.proc, pid)
            link = f"{pid}/ns/{namespace.kind.children_link}"
            if procfs.namespace_inode(scan.proc, link) == namespace.identity.inode:
                found[namespace.identity.inode].update(shown)
                return True
    return False


def _is_settled(scan: Scan, namespace: Namespace) -> bool:
    """Whether it changes nothing about a time namespace to join it."""
    if namespace.processes:
        return True
    return "threads" in scan.sources and namespace.counts.keys().isdisjoint(_UNSETTLED)


def _is_safe_to_stay(proc: int) -> bool:
    """Whether who joins a user namespace stays closed to it: else there is a moment until it can close itself again.

    Source: proc_sys_fs(5), suid_dumpable. Raises OSError.
    """
    return procfs.read(proc, "sys/fs/suid_dumpable").strip() != "1"


def _stay_in_each(scan: Scan, namespaces: t.Iterable[Namespace], found: t.Mapping[int, Properties]) -> None:
    """Have a child in each user namespace, whose maps are then read from here, as the caller sees the ids outside."""
    deadline = time.monotonic() + _STAY_SECONDS
    for namespace in namespaces:
        try:
            with somebody_in(scan.proc, {namespace.kind: namespace.fd}, deadline) as pid, contextlib.suppress(OSError):
                found[namespace.identity.inode].update(_maps(scan.proc, pid))
        except NamespaceError as error:
            if error.code in (errno.EPERM, errno.EACCES):
                scan.denied[SOURCE] += 1
            else:
                scan.incomplete_because[_lost(namespace.kind)] = None
            if isinstance(error, DeadlineError):
                return


def _lost(kind: nstypes.NsType) -> str:
    return f"{kind.name} namespaces could not be looked into to the end"
