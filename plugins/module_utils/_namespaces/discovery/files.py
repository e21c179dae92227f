# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What files of the host say: which machine it is, which sets are declared, and what lies where handles are by custom.

Who makes a file system decides whether it ever answers, so a child asks.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
import typing as t

from ..._kernel import libc, nstypes
from ..._kernel.descriptor import RESOLVE_NO_SYMLINKS, closing, open_resolved, status
from ..boot import folder
from ..checkpoint import Gate, Message
from ..errors import NamespaceError
from ..values import is_set_name
from . import machine

MACHINE_ID = "/etc/machine-id"
MOST_DECLARED = 10000
"""Of entries of the folder of what is declared."""
MOST_ENTRIES = 10000
"""Of a directory of handles."""
DIRECTORIES = tuple(kind.directory for kind in nstypes.ALL)

_MACHINE_ID_BYTES = 64
_AT_ONCE = 20
"""Names in a message, however they have to be escaped."""
_PAUSE = 0.02
"""Seconds in which who makes a handle, or takes one away, is done with it."""


class Files:
    """What they say; None where that can't be read."""

    def __init__(self) -> None:
        self.machine: str | None = None
        self.declared: list[str] | None = None
        self.dangling: list[str] | None = None
        """The paths of what is no namespace, and where handles are."""

    def take(self, message: Message) -> None:
        """Take what the child says."""
        if message["files"] == "machine":
            self.machine = machine.id_from(message["text"])
        elif message["files"] == "declared":
            self.declared = (self.declared or []) + message["names"]
        else:
            self.dangling = (self.dangling or []) + message["paths"]


def report(gate: Gate, device: int) -> bool:
    """Tell the parent what they say where this process is; False where not all could be looked at.

    device: of the file system that namespaces are files on.
    """
    _report_machine(gate)
    _report_declared(gate)
    return _report_handles(gate, device)


def _report_machine(gate: Gate) -> None:
    with contextlib.suppress(OSError), closing(os.open(MACHINE_ID, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)) as fd:
        gate.report(files="machine", text=os.read(fd, _MACHINE_ID_BYTES).decode("latin-1"))


def _report_declared(gate: Gate) -> None:
    with contextlib.suppress(NamespaceError):
        for some in _some([name for name in folder.names(MOST_DECLARED) if is_set_name(name)]):
            gate.report(files="declared", names=some)


def _report_handles(gate: Gate, device: int) -> bool:
    whole = True
    suspects = []
    for path in DIRECTORIES:
        with contextlib.suppress(OSError), closing(_open(path)) as directory, os.scandir(directory) as entries:
            names = [entry.name for entry in itertools.islice(entries, MOST_ENTRIES + 1)]
            whole = whole and len(names) <= MOST_ENTRIES
            suspects += [f"{path}/{name}" for name in names if not _is_handle(f"{path}/{name}", device)]
    if suspects:
        time.sleep(_PAUSE)
    for some in _some([path for path in sorted(suspects) if not _is_handle(path, device)]):
        gate.report(files="dangling", paths=some)
    return whole


def _open(path: str) -> int:
    return open_resolved(path, os.O_RDONLY | os.O_DIRECTORY, RESOLVE_NO_SYMLINKS)


def _is_handle(path: str, device: int) -> bool:
    """Whether it leads to a namespace, as far as may be known, or is not there any more.

    A link to a namespace of a process does.
    """
    try:
        return status(libc.AT_FDCWD, path).device == device
    except PermissionError:
        return True
    except OSError:
        return not os.path.lexists(path)


def _some(items: t.Sequence[str]) -> t.Iterator[t.Sequence[str]]:
    """In parts that a message can carry, and one that is empty where there are none."""
    for start in range(0, len(items) or 1, _AT_ONCE):
        yield items[start : start + _AT_ONCE]
