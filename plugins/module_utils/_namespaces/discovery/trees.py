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

    def take(places: t.Sequence[Place], message: Message) -> None:
        for namespace in scan.keep_all(message.get("descriptors", ())):
            for place in places:
                namespace.hold(place.holder._replace(path=message["path"]))
        if message.get("lost"):
            scan.incomplete_because[LOST] = None

    parts.each(scan, SILENT, alike.values(), _report, take)


def _report(gate: Gate, places: t.Sequence[Place]) -> None:
    for place in places:
        try:
            if not _is_folder(gate.proc, place):
                continue
            if _is_mounted(gate.proc, place):
                return
            with closing(_open(place.path, gate.proc)) as held:
                if status(held).mount == place.mount:
                    _report_tree(gate, held)
                    return
        except (FileNotFoundError, ProcessLookupError):
            continue
        except (OSError, _TooLargeError):
            gate.report(lost=True)
            return


def _is_folder(proc: int, place: Place) -> bool:
    """Whether it is a folder of that mount still: a file leads nowhere."""
    found = status(proc, place.path)
    return found.mount == place.mount and stat.S_ISDIR(found.mode)


def _is_mounted(proc: int, place: Place) -> bool:
    """Whether it is in a mount namespace that is younger than the look at those."""
    with open_text(proc, f"{place.task.place}/mountinfo") as lines:
        return any(line.startswith(f"{place.mount} ") for line in lines)


def _report_tree(gate: Gate, held: int) -> None:
    with closing(_open_top(held)) as top:
        for number, (path, found) in enumerate(_walk(top, "", 0)):
            if number == _MOST_ENTRIES:
                raise _TooLargeError
            namespace = nsfs.open_held(found, gate.proc)
            if namespace is not None:
                with closing(namespace):
                    gate.report([namespace], path=path[:_MOST_CHARACTERS])


def _open_top(held: int) -> int:
    """The uppermost folder of the tree that a folder is in. Raises OSError: ENOTDIR where it is no folder."""
    top = _open("..", held)
    for _step in range(_MOST_UP):
        above = _open("..", top)
        is_top = status(above) == status(top)
        os.close(top)
        top = above
        if is_top:
            return top
    os.close(top)
    raise _TooLargeError


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
