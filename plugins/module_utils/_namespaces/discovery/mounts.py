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
import typing as t

from ..._kernel import mount, mountinfo, nsfs, nstypes, process, procfs
from ..._kernel.descriptor import EXHAUSTED, closing, status
from ..checkpoint import Gate, Message
from . import files, initial, parts
from .model import Holder, Namespace, Propagation
from .scan import Scan

_MARK = b" - nsfs "
_NUMBERS = re.compile(rb"^(\d+) \d+ ([1-9]\d*:\d+)?", re.MULTILINE)
"""Of a mount and its block device; what has none has a number that begins with 0, as btrfs and overlay have."""
_GROUP = re.compile(rb" shared:(\d+)")
_COUNTED = (b"\n", b" shared:", b" master:", b" unbindable - ")
"""What Propagation is made of. Spaces in names are escaped, so that these are the optional fields."""
_MOST_BYTES = 32 << 20
"""Of the mountinfo of a mount namespace: 300 for each of the 100,000 mounts that fs.mount-max allows by default."""
_MOST_IN_A_MESSAGE = 100
_MOST_CHARACTERS = 4096
"""Of paths in a message, but for one that is longer, and is cut: nothing can be opened by it anyway (PATH_MAX)."""
_MOST_COVERS = 10
_MOST_DEVICES = 1000
_MOST_FOREIGN = 100
_MOST_LEVELS = 10
_NOTHING_THERE = frozenset({errno.EINVAL, errno.ENOENT, errno.ENOTDIR})
"""Of unmounting what is not mounted, or not there."""
LOST = "a mount namespace could not be looked into to the end"
FULL = "a directory of handles has too many entries to look at all of them"
COVERED = "a bind mount of a namespace could not be reached, as what another mount covers"


def look(scan: Scan) -> None:
    """Look into all mount namespaces that were found and not looked into, and into those that are found by it.

    Raises NamespaceError.
    """
    own = f"{procfs.own_pid(scan.proc)}/ns/mnt"
    here = scan.keep_named(os.readlink(own, dir_fd=scan.proc), [own])
    if scan.reference is None:
        scan.reference = initial.inodes(scan)[nstypes.MNT]
    if scan.reference is None and here is not None:
        scan.reference = here.identity.inode
    while True:
        todo = [
            namespace
            for namespace in scan.namespaces.values()
            if namespace.kind is nstypes.MNT and not namespace.looked_into
        ]
        if not todo:
            return
        todo.sort(key=lambda namespace: namespace.identity.inode != scan.reference)
        for namespace in todo:
            namespace.looked_into = True
        parts.each(
            scan,
            LOST,
            todo,
            lambda gate, namespace: _report(gate, namespace, scan),
            lambda namespace, message: _take(scan, namespace, message),
            kept=lambda namespace: (namespace.fd,),
        )


def _take(scan: Scan, namespace: Namespace, message: Message) -> None:
    """Take what the child found in a mount namespace."""
    if "denied" in message:
        scan.denied["mounts"] += 1
    elif "lost" in message:
        scan.incomplete_because[LOST] = None
    elif "propagation" in message:
        _take_propagation(scan, namespace, message)
    elif "files" in message:
        scan.files.take(message)
    elif "full" in message:
        scan.incomplete_because[FULL] = None
    else:
        scan.keep_all(message.get("descriptors", ()))
        for path, inode in message["binds"]:
            scan.mounted_at.add(path)
            held = scan.namespaces.get(inode)
            if held is None:
                scan.incomplete_because[COVERED] = None
            else:
                held.hold(Holder("bind", path=path, namespace=namespace.identity.inode))


def _take_propagation(scan: Scan, namespace: Namespace, message: Message) -> None:
    devices, foreign = message["devices"], None
    if namespace.identity.inode == scan.reference:
        scan.devices = None if devices is None else frozenset(devices)
    elif devices is not None and scan.devices is not None:
        foreign = sorted({*devices} - scan.devices)[:_MOST_FOREIGN]
    namespace.propagation = Propagation._make([*message["propagation"], message["peers"], foreign])


def _report(gate: Gate, namespace: Namespace, scan: Scan) -> None:
    with closing(namespace.fd):
        try:
            if not _enter(gate, namespace):
                gate.report(denied=True)
                return
            table = _Table.of_own(gate.proc, scan.mounts)
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise
            gate.report(lost=True)
            return
        _report_binds(gate, table.handles, scan.namespaces, namespace.fd)
        is_reference = namespace.identity.inode == scan.reference
        if table.propagation is None:
            gate.report(lost=True)
        else:
            _report_propagation(gate, table, scan, is_reference)
        if is_reference and not files.report(gate, scan.device):
            gate.report(full=True)


def _report_propagation(gate: Gate, table: _Table, scan: Scan, is_reference: bool) -> None:
    peers = None
    if is_reference:
        _mark(scan.groups, [0, *table.groups])
    elif scan.groups[0]:
        peers = sum(group < len(scan.groups) and scan.groups[group] for group in table.groups)
    devices = table.devices if len(table.devices) <= _MOST_DEVICES else None
    gate.report(propagation=table.propagation, peers=peers, devices=devices)


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
    groups: list[int]
    """The peer groups of the mounts that are shared."""
    devices: list[str]
    """The numbers of the block devices that are mounted."""

    @classmethod
    def of_own(cls, proc: int, marks: mmap.mmap) -> _Table:
        """That of the caller's mount namespace; the numbers of its mounts are marked. Raises OSError."""
        handles: list[bytes] = []
        counts = dict.fromkeys(_COUNTED, 0)
        groups: list[int] = []
        devices: set[bytes] = set()
        whole = True
        try:
            for lines in mountinfo.lines_of(proc, _MOST_BYTES):
                counts = {mark: count + lines.count(mark) for mark, count in counts.items()}
                numbers = _NUMBERS.findall(lines)
                _mark(marks, [int(number) for number, _device in numbers])
                devices.update(device for _number, device in numbers if device)
                groups += map(int, _GROUP.findall(lines))
                if _MARK in lines:
                    handles += (line for line in lines.split(b"\n") if _MARK in line)
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            whole = False
        return cls(handles, [*counts.values()] if whole else None, groups, [device.decode() for device in devices])


def _mark(marks: mmap.mmap, numbers: t.Iterable[int]) -> None:
    for number in numbers:
        if number < len(marks):
            marks[number] = 1


def _report_binds(gate: Gate, handles: t.Iterable[bytes], known: t.Container[int], mounts: int) -> None:
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
            if not _take_off(path):
                return None
            fd = _open_if(proc, path, inode)
            if fd is not None:
                return fd
        return None
    finally:
        # Who may not go anywhere stays in the copy.
        with contextlib.suppress(PermissionError):
            process.setns(mounts, nstypes.MNT.flag)


def _open_if(proc: int, path: str, inode: int) -> int | None:
    """None where something else is there, or nothing at all, as below what covers a directory. Raises OSError."""
    try:
        held = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with closing(held):
        if status(held).inode != inode:
            return None
    fd = nsfs.open_checked(path, proc)
    if fd is not None and os.fstat(fd).st_ino != inode:
        os.close(fd)
        return None
    return fd


def _take_off(path: str) -> bool:
    """Take off what is mounted there, or at the nearest directory above; False where nothing is. Raises OSError."""
    for _level in range(_MOST_LEVELS):
        try:
            with closing(os.open(os.path.dirname(path), os.O_PATH | os.O_CLOEXEC)) as directory:
                mount.unmount(directory, os.path.basename(path), detach=True)
        except OSError as error:
            if error.errno not in _NOTHING_THERE:
                raise
            path = os.path.dirname(path)
        else:
            return True
    return False
