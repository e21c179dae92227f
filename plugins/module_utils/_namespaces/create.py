# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""New namespaces, made from where the process is. Runs in a child behind the checkpoint."""

from __future__ import annotations

import errno
import functools
import os
import signal
import socket
import typing as t

from .._kernel import nstypes, process, procfs
from . import idmap
from .checkpoint import Gate
from .definition import Definition
from .enter import become_inner_root, drop_groups
from .errors import Hint, during
from .policy import creation_hints

_BILLION = 10**9
_PID_BYTES = 16

_MapWriter = t.Callable[[int], None]

_OFFSET_HINTS = {
    errno.EACCES: Hint("it can't be done in a user namespace inside one that was entered", "leave one of them out"),
    errno.ERANGE: Hint("a clock would show a time before 0 or more than 146 years ahead", "choose offsets nearer to 0"),
}


def create(gate: Gate, definition: Definition, joined_user: bool) -> None:
    """Create the defined namespaces, user first because it owns the rest, and one by one: an error names its type.

    joined_user: the process has joined a user namespace and is not yet root of it. Raises NamespaceError.
    """
    if nstypes.USER in definition.types:
        _create_user(gate, definition, joined_user)
    for kind in definition.types:
        if kind is not nstypes.USER:
            with during(f"create a {kind.name} namespace", functools.partial(creation_hints, gate.proc, kind)):
                process.unshare(kind.flag)
    if definition.offsets:
        _set_offsets(gate, definition)


def _create_user(gate: Gate, definition: Definition, joined_user: bool) -> None:
    write_maps: _MapWriter = functools.partial(idmap.write, gate.proc, maps=definition.maps)
    if joined_user:
        write_maps = _by_another_process(write_maps)
        become_inner_root(gate.proc, joined=True)
    drop_groups()
    with during("create a user namespace", functools.partial(creation_hints, gate.proc, nstypes.USER)):
        gate.move(nstypes.USER.flag, write_maps)


def _by_another_process(write_maps: _MapWriter) -> _MapWriter:
    """Let a process write the maps that stays who we are: the kernel wants two things of us that exclude each other.

    Only a user who is mapped may create a user namespace, so we shall be root of the one that we joined. But as we are
    closed to it (undumpable), the map files of our children belong to root of the host.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with during("start a process that writes the id maps"):
        writer = os.fork()
    if writer == 0:
        ours.close()
        process.die_with_parent(signal.SIGKILL)
        sibling = theirs.recv(_PID_BYTES)
        if sibling:
            write_maps(int(sibling))
        os._exit(0)
    theirs.close()

    def ask(pid: int) -> None:
        ours.send(b"%d" % pid)
        if os.waitpid(writer, 0)[1]:
            # It has reported why.
            os._exit(1)

    return ask


def _set_offsets(gate: Gate, definition: Definition) -> None:
    text = "".join(
        " ".join(map(str, (clock, *divmod(offset, _BILLION)))) + "\n" for clock, offset in definition.offsets
    )
    with during("set the offsets of the clocks", _OFFSET_HINTS):
        procfs.write(gate.proc, f"{gate.pid()}/timens_offsets", text)
