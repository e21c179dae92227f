# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Trees of mounts that are mounted nowhere: made by open_tree(2) with OPEN_TREE_CLONE, or detached since.

Who has a folder of one open, or as its working directory or root, holds it. No mountinfo shows them, so a child walks
through their folders; the file system of one may never answer.
"""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

from ..._kernel import nsfs
from ..._kernel.descriptor import closing, status
from ..._kernel.procfs import open_text
from ..checkpoint import Gate, Message
from . import parts
from .folders import Place, Places
from .scan import Scan

_MOST_ENTRIES = 10000
_MOST_DEEP = 16
_MOST_UP = 100
_MOST_CHARACTERS = 4096
LOST = "a tree of mounts that is mounted nowhere could not be looked into to the end"
SILENT = "a file system in a tree of mounts that is mounted nowhere did not answer"


class _TooLargeError(Exception):
    """There is more in the tree than is looked at."""


def look(scan: Scan, shares: t.Iterable[Places]) -> None:
    """Find the namespaces that are mounted there. Raises NamespaceError."""
    alike: dict[int, list[Place]] = {}
    for share in shares:
        for mount, places in share.firsts.items():
            alike.setdefault(mount, []).extend(places)

    steps: list[int | None] = []

    def take(places: t.Sequence[Place], message: Message) -> None:
        if "steps" in message:
            steps[:] = message["steps"]
        for namespace in scan.keep_all(message.get("descriptors", ())):
            for place, up in zip(places, steps):
                if up is not None:
                    namespace.hold(place.holder._replace(path="/.." * up + message["path"]))
        if "lost" in message:
            scan.incomplete_because[LOST] = None

    parts.each(scan, SILENT, alike.values(), lambda gate, places: _report(gate, places, scan.device), take)


def _report(gate: Gate, places: t.Sequence[Place], device: int) -> None:
    """Where each place is in the tree, and what is mounted there."""
    lost = False
    steps: list[int | None] = []
    for place in places:
        steps.append(None)
        try:
            steps[-1] = _steps_up(gate.proc, place)
        except (FileNotFoundError, ProcessLookupError):
            continue
        except (OSError, _TooLargeError):
            lost = True
    gate.report(steps=steps)
    place, up = next(((place, up) for place, up in zip(places, steps) if up is not None), (places[0], None))
    if up is not None and not _is_mounted(gate.proc, place):
        try:
            _report_tree(gate, place, up, device)
        except (OSError, _TooLargeError):
            lost = True
    if lost:
        gate.report(lost=True)


def _steps_up(proc: int, place: Place) -> int | None:
    """How many folders are above it; None where it is no folder, and leads nowhere, or is elsewhere by now."""
    found = status(proc, place.path)
    if found.mount != place.mount or not stat.S_ISDIR(found.mode):
        return None
    for up in range(_MOST_UP):
        above = status(proc, place.path + "/.." * (up + 1))
        if above == found:
            return up
        found = above
    raise _TooLargeError


def _is_mounted(proc: int, place: Place) -> bool:
    """Whether it is in a mount namespace that is younger than the look at those. False where the task has ended."""
    with contextlib.suppress(OSError), open_text(proc, f"{place.task.place}/mountinfo") as lines:
        return any(line.startswith(f"{place.mount} ") for line in lines)
    return False


def _report_tree(gate: Gate, place: Place, up: int, device: int) -> None:
    with closing(_open(place.path + "/.." * up, gate.proc)) as top:
        for number, (path, found) in enumerate(_walk(top, "", 0)):
            if number == _MOST_ENTRIES:
                raise _TooLargeError
            # The file system of another one is not asked.
            namespace = nsfs.open_held(found, gate.proc) if status(found).device == device else None
            if namespace is not None:
                with closing(namespace):
                    gate.report([namespace], path=path[:_MOST_CHARACTERS])


def _walk(above: int, path: str, depth: int) -> t.Iterator[tuple[str, int]]:
    """Every file below a folder, open with O_PATH while it is the current one."""
    with closing(os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)) as folder, os.scandir(
        folder
    ) as entries:
        for entry in entries:
            place = f"{path}/{entry.name}"
            with contextlib.suppress(FileNotFoundError), closing(_open(entry.name, folder, os.O_NOFOLLOW)) as held:
                yield place, held
                if stat.S_ISDIR(status(held).mode):
                    if depth == _MOST_DEEP:
                        raise _TooLargeError
                    yield from _walk(held, place, depth + 1)


def _open(path: str, directory: int, flags: int = 0) -> int:
    return os.open(path, os.O_PATH | os.O_CLOEXEC | flags, dir_fd=directory)
