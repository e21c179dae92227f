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
from ..checkpoint import PATIENCE, DeadlineError, Gate, spawn
from .model import Holder
from .scan import Scan

_MOST_ENTRIES = 10000
_MOST_DEEP = 16


class Tree(t.NamedTuple):
    """A descriptor that may be the root of such a tree."""

    pid: int
    thread: int | None
    fd: int
    path: str
    """Where it is below /proc."""


def look(scan: Scan, trees: t.Sequence[Tree]) -> None:
    """Find the namespaces that are mounted there."""
    if not trees:
        return
    try:
        with spawn(lambda gate: _visit(gate, trees), scan.proc) as child:
            child.release()
            for tree in trees:
                while True:
                    message = child.receive(time.monotonic() + PATIENCE) or {"lost": True}
                    for fd in message.get("descriptors", ()):
                        namespace = scan.keep(fd)
                        namespace.hold(Holder("fd", pid=tree.pid, thread=tree.thread, fd=tree.fd, path=message["path"]))
                    if message.get("lost"):
                        scan.incomplete_because["a tree of mounts that an open file holds is too large"] = None
                    if "path" not in message:
                        break
    except DeadlineError:
        scan.incomplete_because["a file system in a tree of mounts that an open file holds did not answer"] = None


def _visit(gate: Gate, trees: t.Sequence[Tree]) -> t.NoReturn:
    gate.wait()
    process.become_undumpable()
    for tree in trees:
        left = _MOST_ENTRIES
        with contextlib.suppress(OSError), closing(_open(tree.path, gate.proc)) as root:
            for path, held in _walk(root, "", 0):
                left -= 1
                namespace = nsfs.open_held(held, gate.proc)
                if namespace is not None:
                    with closing(namespace):
                        gate.report([namespace], path=path)
                if not left:
                    break
        gate.report(lost=not left)
    os._exit(0)


def _walk(above: int, path: str, depth: int) -> t.Iterator[tuple[str, int]]:
    """Every file below a folder, open with O_PATH while it is the current one."""
    with closing(os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=above)) as folder:
        for name in os.listdir(folder):
            with contextlib.suppress(OSError), closing(_open(name, folder, os.O_NOFOLLOW)) as held:
                yield f"{path}/{name}", held
                if depth < _MOST_DEEP and stat.S_ISDIR(os.fstat(held).st_mode):
                    yield from _walk(held, f"{path}/{name}", depth + 1)


def _open(path: str, directory: int, flags: int = 0) -> int:
    return os.open(path, os.O_PATH | os.O_CLOEXEC | flags, dir_fd=directory)
