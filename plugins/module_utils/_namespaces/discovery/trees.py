# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Trees of mounts that nothing but an open file has: open_tree(2) with OPEN_TREE_CLONE, or what was detached since.

No mountinfo shows them, so one child walks through their folders; the file system of one may never answer.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
import typing as t

from ..._kernel import nsfs, process
from ..._kernel.descriptor import closing
from ..checkpoint import PATIENCE, Gate, Message, spawn
from ..errors import NamespaceError
from .model import Holder
from .scan import Scan

_MOST_ENTRIES = 10000
_MOST_DEEP = 16
TOO_LARGE = "a tree of mounts that an open file holds is too large"
SILENT = "a file system in a tree of mounts that an open file holds did not answer"


class Tree(t.NamedTuple):
    """A descriptor that may be the root of such a tree."""

    pid: int
    thread: int | None
    fd: int
    path: str
    """Where it is below /proc."""
    mount: int | None
    """The number of its mount: what has the same one is the same tree."""


class _TooLargeError(Exception):
    """There is more in the tree than is looked at."""


def look(scan: Scan, trees: t.Sequence[Tree]) -> None:
    """Find the namespaces that are mounted there."""
    if not trees:
        return
    alike: dict[int | None, list[Tree]] = {}
    for tree in trees:
        alike.setdefault(tree.mount, []).append(tree)
    deadline = time.monotonic() + PATIENCE
    try:
        with spawn(lambda gate: _visit(gate, [same[0] for same in alike.values()]), scan.proc) as child:
            child.release()
            for same in alike.values():
                while _take(scan, same, child.receive(deadline)):
                    pass
    except NamespaceError as error:
        if error.code is not None:
            raise
        scan.incomplete_because[SILENT] = None


def _take(scan: Scan, same: t.Sequence[Tree], message: Message | None) -> bool:
    """Take what the child found in a tree; whether there is more to come. Raises NamespaceError."""
    if message is None:
        raise NamespaceError("look into a tree of mounts", "the child that does it was ended from outside")
    for namespace in scan.keep_all(message.get("descriptors", ())):
        for tree in same:
            namespace.hold(Holder("fd", pid=tree.pid, thread=tree.thread, fd=tree.fd, path=message["path"]))
    if message.get("lost"):
        scan.incomplete_because[TOO_LARGE] = None
    return "path" in message


def _visit(gate: Gate, trees: t.Sequence[Tree]) -> t.NoReturn:
    gate.wait()
    process.become_undumpable()
    for tree in trees:
        try:
            _search(gate, tree)
        except _TooLargeError:
            gate.report(lost=True)
        else:
            gate.report()
    os._exit(0)


def _search(gate: Gate, tree: Tree) -> None:
    with contextlib.suppress(OSError), closing(_open(tree.path, gate.proc)) as root:
        for number, (path, held) in enumerate(_walk(root, "", 0)):
            if number == _MOST_ENTRIES:
                raise _TooLargeError
            namespace = nsfs.open_held(held, gate.proc)
            if namespace is not None:
                with closing(namespace):
                    gate.report([namespace], path=path)


def _walk(above: int, path: str, depth: int) -> t.Iterator[tuple[str, int]]:
    """Every file below a folder, open with O_PATH while it is the current one."""
    with closing(os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)) as folder, os.scandir(
        folder
    ) as entries:
        for entry in entries:
            place = f"{path}/{entry.name}"
            with contextlib.suppress(OSError), closing(_open(entry.name, folder, os.O_NOFOLLOW)) as held:
                yield place, held
                if stat.S_ISDIR(os.fstat(held).st_mode):
                    if depth == _MOST_DEEP:
                        raise _TooLargeError
                    yield from _walk(held, place, depth + 1)


def _open(path: str, directory: int, flags: int = 0) -> int:
    return os.open(path, os.O_PATH | os.O_CLOEXEC | flags, dir_fd=directory)
