# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Bind mounts of namespaces, in every mount namespace, also in those that only such a mount holds.

A process shows the mounts below its own root only, so one child goes into each mount namespace and looks from there.
Source: proc_pid_mountinfo(5), setns(2).
"""

from __future__ import annotations

import contextlib
import os
import re
import time
import typing as t

from ..._kernel import mount, nsfs, nstypes, process, procfs
from ..._kernel.descriptor import EXHAUSTED, closing, status
from ..._kernel.mountinfo import Mount, parse_line
from ..checkpoint import PATIENCE, Gate, Message, spawn
from ..errors import NamespaceError
from .model import Holder, Namespace, Propagation
from .scan import Scan

_MARK = " - nsfs "
_ROOT = re.compile(r"^(\d+) \d+ \S+ \S+ / ", re.MULTILINE)
_MOST_IN_A_MESSAGE = 100
_MOST_CHARACTERS = 4096
"""Of paths in a message, but for one that is longer, and is cut: nothing can be opened by it anyway (PATH_MAX)."""
_MOST_COVERS = 10
_PATIENCE = 10
"""Seconds for one mount namespace, where a file system may never answer."""
LOST = "a mount namespace could not be looked into to the end"
COVERED = "a bind mount of a namespace could not be reached, as what another mount covers"


def look(scan: Scan) -> None:
    """Look into all mount namespaces that were found and not looked into, and into those that are found by it."""
    own = f"{procfs.own_pid(scan.proc)}/ns/mnt"
    scan.keep_named(os.readlink(own, dir_fd=scan.proc), [own])
    deadline = time.monotonic() + PATIENCE
    while True:
        todo = [
            namespace
            for namespace in scan.namespaces.values()
            if namespace.kind is nstypes.MNT and not namespace.looked_into
        ]
        if not todo:
            return
        for namespace in todo:
            namespace.looked_into = True
        while todo and time.monotonic() < deadline:
            _look_into(scan, todo, deadline)
        if todo:
            scan.incomplete_because[LOST] = None


def _look_into(scan: Scan, todo: list[Namespace], deadline: float) -> None:
    """Look into these until one does not let us: what is left is still to do. Raises NamespaceError."""
    known = frozenset(scan.namespaces)
    try:
        with spawn(lambda gate: _visit(gate, todo, known), scan.proc) as child:
            child.release()
            while todo:
                namespace = todo.pop(0)
                while _take(scan, namespace, child.receive(min(time.monotonic() + _PATIENCE, deadline))):
                    pass
    except NamespaceError as error:
        if error.code is not None:
            raise
        scan.incomplete_because[LOST] = None


def _take(scan: Scan, namespace: Namespace, message: Message | None) -> bool:
    """Take what the child found in a mount namespace; whether there is more to come. Raises NamespaceError."""
    if message is None:
        raise NamespaceError("look into a mount namespace", "the child that does it was ended from outside")
    if "denied" in message:
        scan.denied["mounts"] += 1
        return False
    if "lost" in message:
        scan.incomplete_because[LOST] = None
        return False
    scan.keep_all(message.get("descriptors", ()))
    for path, inode in message["binds"]:
        scan.mounted_at.add(path)
        held = scan.namespaces.get(inode)
        if held is None:
            scan.incomplete_because[COVERED] = None
        else:
            held.hold(Holder("bind", path=path, namespace=namespace.identity.inode))
    if "propagation" in message:
        namespace.propagation = Propagation(*message["propagation"])
        scan.roots.update(message["roots"])
    return "propagation" not in message


def _visit(gate: Gate, todo: t.Sequence[Namespace], known: frozenset[int]) -> t.NoReturn:
    gate.wait()
    process.become_undumpable()
    us = gate.pid()
    for namespace in todo:
        try:
            if not _enter(gate, namespace):
                gate.report(denied=True)
                continue
            text = procfs.read(gate.proc, f"{us}/mountinfo")
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise
            gate.report(lost=True)
        else:
            _report_binds(gate, text, known, namespace.fd)
            gate.report(binds=[], propagation=_propagation(text), roots=[*map(int, _ROOT.findall(text))])
    os._exit(0)


def _enter(gate: Gate, namespace: Namespace) -> bool:
    """Go into a mount namespace; False where we may not. Who may not go anywhere is in the own one. Raises OSError."""
    try:
        process.setns(namespace.fd, nstypes.MNT.flag)
    except PermissionError:
        return procfs.namespace_inode(gate.proc, f"{gate.pid()}/ns/mnt") == namespace.identity.inode
    return True


def _report_binds(gate: Gate, text: str, known: frozenset[int], mounts: int) -> None:
    for some in _messages(parse_line(line) for line in text.split("\n") if _MARK in line):
        with contextlib.ExitStack() as stack:
            opened = []
            for path, inode in some:
                fd = _open(gate.proc, path, inode, mounts) if inode not in known else None
                if fd is not None:
                    opened.append(stack.enter_context(closing(fd)))
            gate.report(opened, binds=some)


def _messages(mounts: t.Iterable[Mount]) -> t.Iterator[list[tuple[str, int]]]:
    """Paths and the inodes that are mounted there, in parts that a message can carry."""
    some: list[tuple[str, int]] = []
    characters = 0
    for item in mounts:
        path = item.path[:_MOST_CHARACTERS]
        characters += len(path)
        if some and (len(some) == _MOST_IN_A_MESSAGE or characters > _MOST_CHARACTERS):
            yield some
            some, characters = [], len(path)
        some.append((path, procfs.inode_of(item.root)))
    if some:
        yield some


def _open(proc: int, path: str, inode: int, mounts: int) -> int | None:
    """Open a namespace where it is mounted; None where that can't be reached. Raises OSError: EMFILE and the like.

    mounts: the mount namespace that this process is in.
    """
    try:
        fd = _open_if(proc, path, inode)
        return fd if fd is not None else _open_covered(proc, path, inode, mounts)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        return None


def _open_covered(proc: int, path: str, inode: int, mounts: int) -> int | None:
    """In a copy of all mounts, what covers it can be taken off; those of mount namespaces are not copied.

    Raises OSError.
    """
    process.unshare(nstypes.MNT.flag)
    try:
        with closing(os.open("/", os.O_PATH | os.O_CLOEXEC)) as root:
            mount.set_propagation(root, "private", recursive=True)
        for _cover in range(_MOST_COVERS):
            _take_off(path)
            fd = _open_if(proc, path, inode)
            if fd is not None:
                return fd
        return None
    finally:
        # Who may not go anywhere stays in the copy.
        with contextlib.suppress(PermissionError):
            process.setns(mounts, nstypes.MNT.flag)


def _open_if(proc: int, path: str, inode: int) -> int | None:
    with closing(os.open(path, os.O_PATH | os.O_CLOEXEC)) as held:
        if status(held).inode != inode:
            return None
    fd = nsfs.open_checked(path, proc)
    if fd is not None and os.fstat(fd).st_ino != inode:
        os.close(fd)
        return None
    return fd


def _take_off(path: str) -> None:
    with closing(os.open(os.path.dirname(path), os.O_PATH | os.O_CLOEXEC)) as directory:
        mount.unmount(directory, os.path.basename(path), detach=True)


def _propagation(text: str) -> Propagation:
    """Spaces in names are escaped, so that these are the optional fields."""
    return Propagation(text.count("\n"), text.count(" shared:"), text.count(" master:"), text.count(" unbindable - "))
