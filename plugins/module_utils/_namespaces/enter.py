# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Into existing namespaces and into new ones. Runs in a child behind the checkpoint."""

from __future__ import annotations

import contextlib
import errno
import os

from .._kernel import nstypes, process, procfs
from .checkpoint import Gate
from .definition import Definition
from .errors import Hint, NamespaceError, during, explained
from .target import Target

_JOIN_HINTS = {
    errno.EPERM: Hint(
        "it takes CAP_SYS_ADMIN in the user namespace that owns it", "run it as root, or enter its user namespace too"
    ),
    errno.EINVAL: Hint("it is not below the namespace that the task runs in", "run the task from further up"),
}
_MOVE_HINTS = {
    errno.ENOMEM: Hint(
        "the pid namespace has lost its init, and nothing can be started in it",
        "create it again, or repair the set with ns_persistent",
    ),
}


def enter(gate: Gate, target: Target, definition: Definition) -> None:
    """Go into the target's namespaces, and from there into the defined ones, which are made. Raises NamespaceError."""
    joined, created = frozenset(target.descriptors), frozenset(definition.types)
    join(target)
    arrive(gate, joined)
    if created:
        # Most tasks create nothing; who spawns the child imports it where it does.
        from .create import create  # noqa: PLC0415 - see above

        create(gate, definition, nstypes.USER in joined)
    if nstypes.USER in joined | created:
        # Not earlier: with other ids the process can't open its own timens_offsets any more.
        become_inner_root(gate.proc, joined=nstypes.USER in joined - created)
    arrive(gate, created)


def meets_foreign_files(target: Target, definition: Definition) -> bool:
    """Whether who goes in there may execute files that are not of the host's own root."""
    return nstypes.MNT in target.descriptors or any(item.bind for item in definition.mounts)


def join(target: Target) -> None:
    """Join all of the target's namespaces: all but user, then user, then what was left.

    Root may lose its rights by user, and others only get them so. Raises NamespaceError.
    """
    if nstypes.USER in target.descriptors:
        drop_groups()
    if not target.descriptors.keys().isdisjoint((nstypes.USER, nstypes.PID)):
        process.become_undumpable()
    left: list[nstypes.NsType] = []
    for kind in target.descriptors:
        if kind is not nstypes.USER:
            try:
                process.setns(target.descriptors[kind], kind.flag)
            except PermissionError:
                left.append(kind)
            except OSError as error:
                raise explained(error, f"join the {kind.name} namespace", _JOIN_HINTS) from error
    if nstypes.USER in target.descriptors:
        left.insert(0, nstypes.USER)
    for kind in left:
        with during(f"join the {kind.name} namespace", _JOIN_HINTS):
            process.setns(target.descriptors[kind], kind.flag)
        if kind is nstypes.USER:
            # To join it changed our credentials, and that opens us again where fs.suid_dumpable is 1.
            process.become_undumpable()


def arrive(gate: Gate, kinds: frozenset[nstypes.NsType]) -> None:
    """Go on as a child where only children get into namespaces of these types. Raises NamespaceError."""
    if any(kind.children_only for kind in kinds):
        with during("start a child in the pid and time namespaces", _MOVE_HINTS):
            gate.move()


def drop_groups() -> None:
    """Groups from outside mean nothing good inside; without privilege they can't be dropped, and give nothing."""
    with contextlib.suppress(PermissionError):
        os.setgroups([])


def become_inner_root(proc: int, joined: bool) -> None:
    """Be uid and gid 0 of the user namespace. A new one may have no 0: then stay who we are.

    joined: it was there before. Without a 0 that is an error: who is inside could take over a process that is still who
    we are outside, root perhaps. Raises NamespaceError.
    """
    with during("become root of the user namespace"):
        for name, become in (("gid_map", os.setresgid), ("uid_map", os.setresuid)):
            if procfs.maps_id(proc, name, 0):
                become(0, 0, 0)
            elif joined:
                raise NamespaceError(
                    "enter the user namespace",
                    f"its {name} has no 0, so the command would go on with the ids of the task, host's root perhaps",
                    "make it with a 0 in both maps (recreate), or leave user out of types, and mnt with it",
                )
        if joined:
            # The change of ids may have opened it again (fs.suid_dumpable).
            process.become_undumpable()
