# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What can be changed inside existing namespaces: names, loopback, mounts. Compared and set by a child in rounds."""

from __future__ import annotations

import contextlib
import functools
import os
import typing as t

from ..._kernel import mount, mountinfo, netdev, nstypes, procfs, uts
from ..._kernel.descriptor import closing
from ..checkpoint import Gate
from ..definition import Definition, MountPoint
from ..errors import NamespaceError, during
from ..handle import Handle
from ..inside import mount_item
from ..visit import visit
from .model import ANEW

_Step = t.Tuple[str, t.Callable[[], None], t.Callable[[], None]]
"""In words, what does it, and what takes it back."""


class Wish(t.NamedTuple):
    """What existing namespaces at these handles shall be like."""

    handles: tuple[Handle, ...]
    definition: Definition


def bring(proc: int, wishes: t.Sequence[Wish], check: bool) -> t.Generator[t.Any, None, None]:
    """What has to be done for each, in words, and is done but in check mode; or the NamespaceError that came of it.

    Raises NamespaceError.
    """
    return visit(proc, [(wish.handles, functools.partial(_bring, wish=wish, check=check)) for wish in wishes])


def _bring(gate: Gate, wish: Wish, check: bool) -> list[str]:
    done = []
    with contextlib.ExitStack() as undo:
        for handle in wish.handles:
            for text, step, back in _differences(gate, handle.kind, wish.definition):
                if not check:
                    with during(text):
                        step()
                    undo.callback(back)
                done.append(text)
        undo.pop_all()
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
                    lambda: netdev.set_up("lo", not definition.loopback),
                )
        elif kind is nstypes.MNT:
            for item in definition.mounts:
                if not _is_mounted(gate, item):
                    _refuse_mount(gate, item)
                    text = f"mount {item.source} at {item.path}"
                    yield text, functools.partial(mount_item, item), functools.partial(_unmount, item)


def _names(gate: Gate, definition: Definition) -> t.Iterator[_Step]:
    for what, wanted, found, set_name in (
        ("hostname", definition.hostname, os.uname().nodename, uts.set_hostname),
        ("NIS domain name", definition.domainname, _domainname(gate), uts.set_domainname),
    ):
        if wanted is not None and wanted != found:
            yield f"set the {what} to {wanted}", functools.partial(set_name, wanted), functools.partial(set_name, found)


def _domainname(gate: Gate) -> str:
    return procfs.read(gate.proc, "sys/kernel/domainname").rstrip("\n")


def _refuse_mount(gate: Gate, item: MountPoint) -> None:
    """Refuse a mount that would show the set something of the task, or show the host what is mounted in the set.

    The child has not joined all of the set: a proc, say, would show the pid namespace of the task.
    Raises NamespaceError.
    """
    operation = f"mount {item.source} at {item.path} in a set that is there"
    if not item.bind and item.fstype != "tmpfs":
        raise NamespaceError(operation, f"{item.fstype} may show what is outside of the set", ANEW)
    with closing(mount.open_path(item.path)) as place:
        on = mountinfo.mount_of(gate.proc, place, mountinfo.read(gate.proc))
    if on is not None and "shared" in on.propagation:
        raise NamespaceError(
            operation, "it could appear in other mount namespaces", "make the mount there private with ns_propagation"
        )


def _is_mounted(gate: Gate, item: MountPoint) -> bool:
    """Whether the uppermost mount at the path is such a one: of the same file system, or for a bind the same file."""
    here = [found for found in mountinfo.read(gate.proc) if found.path == os.path.normpath(item.path)]
    if not here:
        return False
    if item.bind:
        return os.path.samestat(os.stat(item.path), os.stat(item.source))
    return here[-1].fstype == item.fstype


def _unmount(item: MountPoint) -> None:
    above, name = os.path.split(os.path.normpath(item.path))
    with closing(mount.open_path(above)) as directory:
        mount.unmount(directory, name)
