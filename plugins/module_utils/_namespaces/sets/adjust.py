# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What can be changed inside existing namespaces: names, loopback, mounts. Compared and set by a child in rounds."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..._kernel import mountinfo, netdev, nsfs, nstypes, process, procfs, uts
from ..._kernel.descriptor import closing
from ..checkpoint import Gate, spawn, to_message
from ..definition import Definition, MountPoint
from ..errors import NamespaceError, during
from ..handle import Handle
from ..inside import mount_item

_Step = t.Tuple[str, t.Callable[[], None]]


class Wish(t.NamedTuple):
    """What existing namespaces at these handles shall be like."""

    handles: tuple[Handle, ...]
    definition: Definition


def compare(proc: int, wishes: t.Sequence[Wish]) -> t.Iterator[list[str] | NamespaceError]:
    """What would have to be done for each, in words. Raises NamespaceError."""
    return _rounds(proc, wishes, apply=False)


def apply(proc: int, wishes: t.Sequence[Wish]) -> t.Iterator[list[str] | NamespaceError]:
    """Do it. Raises NamespaceError."""
    return _rounds(proc, wishes, apply=True)


def _rounds(proc: int, wishes: t.Sequence[Wish], apply: bool) -> t.Iterator[list[str] | NamespaceError]:
    if not wishes:
        return
    with spawn(lambda gate: _visit_all(gate, wishes, apply), proc) as child:
        child.release()
        for _wish in wishes:
            message = child.receive()
            if message is None:
                raise NamespaceError("look into the sets", "the child that does it was ended from outside", "try again")
            yield NamespaceError(*message["failed"]) if "failed" in message else message["changes"]


def _visit_all(gate: Gate, wishes: t.Sequence[Wish], apply: bool) -> t.NoReturn:
    gate.wait()
    us = gate.pid()
    kinds = {handle.kind for wish in wishes for handle in wish.handles}
    with contextlib.ExitStack() as stack, during("look at the namespaces of the task"):
        origin = {kind: stack.enter_context(closing(procfs.open_namespace(gate.proc, us, kind.name))) for kind in kinds}
        for wish in wishes:
            try:
                gate.report(changes=_visit(gate, wish, apply))
            except NamespaceError as error:
                gate.report(failed=to_message(error))
            for handle in wish.handles:
                process.setns(origin[handle.kind], handle.kind.flag)
    os._exit(0)


def _visit(gate: Gate, wish: Wish, apply: bool) -> list[str]:
    with contextlib.ExitStack() as stack:
        joined = []
        for handle in wish.handles:
            with during(f"open the {handle.kind.name} handle {handle.path}"):
                joined.append((handle, stack.enter_context(closing(nsfs.open_handle(handle.path)))))
        for handle, fd in joined:
            with during(f"join the {handle.kind.name} namespace at {handle.path}"):
                process.setns(fd, handle.kind.flag)
    done = []
    for handle in wish.handles:
        for text, step in _differences(gate, handle.kind, wish.definition):
            if apply:
                with during(text):
                    step()
            done.append(text)
    return done


def _differences(gate: Gate, kind: nstypes.NsType, definition: Definition) -> t.Iterator[_Step]:
    with during(f"look into the {kind.name} namespace"):
        if kind is nstypes.UTS:
            yield from _names(gate, definition)
        elif kind is nstypes.NET:
            if netdev.is_up("lo") != definition.loopback:
                yield (
                    f"set the loopback device {'up' if definition.loopback else 'down'}",
                    lambda: netdev.set_up("lo", definition.loopback),
                )
        elif kind is nstypes.MNT:
            for item in definition.mounts:
                if not _is_mounted(gate, item):
                    yield f"mount {item.source} at {item.path}", _mounting(item)


def _names(gate: Gate, definition: Definition) -> t.Iterator[_Step]:
    hostname, domainname = definition.hostname, definition.domainname
    if hostname is not None and hostname != os.uname().nodename:
        yield f"set the hostname to {hostname}", lambda: uts.set_hostname(hostname)
    if domainname is not None and domainname != procfs.read(gate.proc, "sys/kernel/domainname").rstrip("\n"):
        yield f"set the NIS domain name to {domainname}", lambda: uts.set_domainname(domainname)


def _is_mounted(gate: Gate, item: MountPoint) -> bool:
    """Whether the uppermost mount at the path is such a one: of the same file system, or for a bind the same file."""
    here = [found for found in mountinfo.read(gate.proc) if found.path == os.path.normpath(item.path)]
    if not here:
        return False
    if item.bind:
        return os.path.samestat(os.stat(item.path), os.stat(item.source))
    return here[-1].fstype == item.fstype


def _mounting(item: MountPoint) -> t.Callable[[], None]:
    return lambda: mount_item(item)
