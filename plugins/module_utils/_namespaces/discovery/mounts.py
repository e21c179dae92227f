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
import errno
import mmap
import os
import re
import time
import typing as t

from ..._kernel import mount, mountinfo, nsfs, nstypes, process, procfs
from ..._kernel.descriptor import EXHAUSTED, closing, status
from ..checkpoint import PATIENCE, Gate, Message, spawn
from ..errors import NamespaceError
from .model import Holder, Namespace, Propagation
from .scan import Scan

_MARK = b" - nsfs "
_NUMBER = re.compile(rb"^(\d+) ", re.MULTILINE)
_COUNTED = (b"\n", b" shared:", b" master:", b" unbindable - ")
"""What Propagation is made of. Spaces in names are escaped, so that these are the optional fields."""
_MOST_BYTES = 32 << 20
"""Of the mountinfo of a mount namespace: 300 for each of the 100,000 mounts that fs.mount-max allows by default."""
_MOST_IN_A_MESSAGE = 100
_MOST_CHARACTERS = 4096
"""Of paths in a message, but for one that is longer, and is cut: nothing can be opened by it anyway (PATH_MAX)."""
_MOST_COVERS = 10
_PATIENCE = 10
"""Seconds for one mount namespace, where a file system may never answer."""
_MOST_STUCK = 2
"""Children that do not come to their end: each takes its time, and may stay for good, with all that it holds."""
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
        while todo and scan.stuck < _MOST_STUCK and time.monotonic() < deadline:
            _look_into(scan, todo, deadline)
        if todo:
            scan.incomplete_because[LOST] = None


def _look_into(scan: Scan, todo: list[Namespace], deadline: float) -> None:
    """Look into these until one does not let us: what is left is still to do. Raises NamespaceError."""
    known = frozenset(scan.namespaces)
    try:
        with spawn(lambda gate: _visit(gate, todo, known, scan.mounts), scan.proc) as child:
            child.release()
            while todo:
                namespace = todo.pop(0)
                while _take(scan, namespace, child.receive(min(time.monotonic() + _PATIENCE, deadline))):
                    pass
    except NamespaceError as error:
        if error.code is not None:
            raise
        scan.stuck += 1
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
    if "propagation" not in message:
        return True
    if message["propagation"] is None:
        scan.incomplete_because[LOST] = None
    else:
        namespace.propagation = Propagation(*message["propagation"])
    return False


def _visit(gate: Gate, todo: t.Sequence[Namespace], known: frozenset[int], marks: mmap.mmap) -> t.NoReturn:
    gate.wait()
    process.become_undumpable()
    # A file system that never answers keeps this process for good, and what it holds open.
    process.close_from(3, gate.proc, gate.fileno(), *(namespace.fd for namespace in todo))
    for namespace in todo:
        with closing(namespace.fd):
            _tell(gate, namespace, known, marks)
    os._exit(0)


def _tell(gate: Gate, namespace: Namespace, known: frozenset[int], marks: mmap.mmap) -> None:
    try:
        if not _enter(gate, namespace):
            gate.report(denied=True)
            return
        table = _Table.of_own(gate.proc, marks)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        gate.report(lost=True)
    else:
        _report_binds(gate, table.handles, known, namespace.fd)
        gate.report(binds=[], propagation=table.propagation)


def _enter(gate: Gate, namespace: Namespace) -> bool:
    """Go into a mount namespace; False where we may not. Who may not go anywhere is in the own one. Raises OSError."""
    try:
        process.setns(namespace.fd, nstypes.MNT.flag)
    except PermissionError:
        return procfs.namespace_inode(gate.proc, f"{gate.pid()}/ns/mnt") == namespace.identity.inode
    return True


class _Table(t.NamedTuple):
    """What is told of the mounts of a mount namespace."""

    handles: list[bytes]
    """The lines of the namespaces that are mounted there."""
    propagation: list[int] | None
    """None where there are too many mounts to read them all."""

    @classmethod
    def of_own(cls, proc: int, marks: mmap.mmap) -> _Table:
        """That of the caller's mount namespace; the numbers of its mounts are marked. Raises OSError."""
        handles: list[bytes] = []
        counts = dict.fromkeys(_COUNTED, 0)
        whole = True
        try:
            for lines in mountinfo.lines_of(proc, _MOST_BYTES):
                counts = {mark: count + lines.count(mark) for mark, count in counts.items()}
                for number in map(int, _NUMBER.findall(lines)):
                    if number < len(marks):
                        marks[number] = 1
                if _MARK in lines:
                    handles += (line for line in lines.split(b"\n") if _MARK in line)
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            whole = False
        return cls(handles, [*counts.values()] if whole else None)


def _report_binds(gate: Gate, handles: t.Iterable[bytes], known: frozenset[int], mounts: int) -> None:
    for some in _messages(mountinfo.parse_line(line.decode("utf-8", "surrogateescape")) for line in handles):
        with contextlib.ExitStack() as stack:
            opened = []
            for path, inode in some:
                fd = _open(gate.proc, path, inode, mounts) if inode not in known else None
                if fd is not None:
                    opened.append(stack.enter_context(closing(fd)))
            gate.report(opened, binds=some)


def _messages(mounts: t.Iterable[mountinfo.Mount]) -> t.Iterator[list[tuple[str, int]]]:
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
