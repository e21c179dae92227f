# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What is in the way of removing namespaces, and what still holds them afterwards.

In the way are processes and physical network interfaces in them.
"""

from __future__ import annotations

import contextlib
import typing as t

from ..._kernel import netdev, nsfs, nstypes, procfs
from .. import processes
from ..checkpoint import Gate
from ..discovery import holders, run
from ..discovery.leaders import Leaders
from ..discovery.model import MOST_HOLDERS, Namespace
from ..errors import NamespaceError, during
from ..shown import printable
from ..visit import visit
from . import inits
from .model import Plan, Request

_SHOWN = 5


def look(proc: int, request: Request, planned: t.MutableMapping[str, Plan | NamespaceError]) -> None:
    """Change the plans that remove what is busy: to an error or, with when_busy: kill, to end who is in there first."""
    removing = {name: item for name, item in planned.items() if isinstance(item, Plan) and item.remove}
    if not removing or request.when_busy == "detach":
        return
    with during("look for processes in the sets"):
        inside = processes.inside(proc, {inode for item in removing.values() for inode in inodes(item)})
        untouchable = processes.ancestors(proc, procfs.own_pid(proc)) | {1}
    devices = _physical(proc, removing) if request.when_busy == "fail" else {}
    for name, item in removing.items():
        found = in_the_way(proc, item, inside)
        try:
            if request.when_busy == "fail":
                _refuse_busy(proc, item, found)
                _refuse_physical(item, devices.get(name, ()))
            elif untouchable.intersection(found):
                raise NamespaceError(
                    f"end what is in the set {name}", "PID 1 or the task itself runs in there", "say detach"
                )
            else:
                named = [f"end process {pid} ({_command(proc, pid)})" for pid in found]
                planned[name] = item._replace(kill=tuple(found), changes=(*named, *item.changes))
        except NamespaceError as error:
            planned[name] = error


def inodes(plan: Plan) -> list[int]:
    """The inodes of the namespaces that are to be removed."""
    found = (plan.state.found[handle].identity for handle in plan.remove)
    return [identity.inode for identity in found if identity is not None]


def in_the_way(proc: int, plan: Plan, inside: t.Mapping[int, t.Sequence[int]]) -> list[int]:
    """The pids in what is to be removed, without the inits that the collection made and the sleep they wait for.

    inside: processes by the inode of a namespace.
    """
    members = sorted({pid for inode in inodes(plan) for pid in inside.get(inode, ())})
    name, own = plan.state.name, plan.state.init_pid
    spared = {*plan.state.strays, *((own,) if members and inits.is_made(proc, name, own) else ())}
    return [pid for pid in members if pid not in spared and not inits.is_waiting(proc, name, spared, pid)]


def still_held(
    proc: int, plans: t.Sequence[Plan], used_again: t.Container[nsfs.Identity]
) -> dict[str, dict[str, list[holders.Told]]]:
    """What still holds what was removed, by set and type. Raises NamespaceError.

    used_again: the namespaces that sets have now; what holds those does not hold what was removed.
    """
    removed = {plan.state.name: [*_removed(plan, used_again)] for plan in plans}
    if not any(removed.values()):
        return {name: {} for name in removed}
    with during("look for what holds what was removed"), run.scanned(proc) as scan:
        who = Leaders(proc)
        found = {namespace.identity: namespace for namespace in scan.namespaces.values()}
        return {
            name: {
                kind.name: holders.tell(scan, who, found[identity], MOST_HOLDERS, True)
                for kind, identity in gone
                if identity in found and not _ends(found[identity])
            }
            for name, gone in removed.items()
        }


def _ends(namespace: Namespace) -> bool:
    """Whether nothing holds it but processes that have ended and will be reaped."""
    return not namespace.processes and namespace.counts.keys() <= {"zombie"}


def _removed(plan: Plan, used_again: t.Container[nsfs.Identity]) -> t.Iterator[tuple[nstypes.NsType, nsfs.Identity]]:
    for handle in plan.remove:
        identity = plan.state.found[handle].identity
        if identity is not None and identity not in used_again:
            yield handle.kind, identity


def _refuse_busy(proc: int, plan: Plan, found: t.Sequence[int]) -> None:
    if found:
        shown = ", ".join(f"{pid} ({_command(proc, pid)})" for pid in found[:_SHOWN])
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise NamespaceError(
            f"remove the set {plan.state.name}",
            f"processes are in it: {shown}{more}",
            "end them, or have ns_persistent remove it with when_busy: detach (they go on) or kill",
        )


def _physical(proc: int, plans: t.Mapping[str, Plan]) -> dict[str, list[str]]:
    """The physical interfaces in the network namespaces to be removed, by set. Raises NamespaceError."""
    handles = {
        name: handle
        for name, item in plans.items()
        for handle in item.remove
        if handle.kind is nstypes.NET and item.state.lives(handle)
    }
    found: dict[str, list[str]] = {}
    with contextlib.closing(visit(proc, [((handle,), _devices) for handle in handles.values()])) as answers:
        for name, answer in zip(handles, answers):
            if isinstance(answer, NamespaceError):
                raise answer
            found[name] = answer
    return found


def _devices(_gate: Gate) -> list[str]:
    with during("look for physical interfaces"):
        return netdev.physical()


def _refuse_physical(plan: Plan, devices: t.Sequence[str]) -> None:
    if devices:
        raise NamespaceError(
            f"remove the set {plan.state.name}",
            f"it has physical interfaces, which would go to the host, perhaps renamed: {', '.join(devices)}",
            "move them out, or have ns_persistent remove it with when_busy: detach",
        )


def _command(proc: int, pid: int) -> str:
    try:
        return printable(procfs.read(proc, f"{pid}/comm")[:-1])
    except OSError:
        return "ended"
