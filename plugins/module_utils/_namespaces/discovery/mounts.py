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
import time
import typing as t

from ..._kernel import mount, nsfs, nstypes, process, procfs
from ..._kernel.descriptor import closing
from ..._kernel.mountinfo import parse_line
from ..checkpoint import PATIENCE, Gate, spawn
from .model import Holder, Namespace, Propagation
from .scan import Scan, inode_of

_MARK = " - nsfs "
_MOST_IN_A_MESSAGE = 100
_MOST_COVERS = 10


def look(scan: Scan) -> None:
    """Look into all mount namespaces that were found and not looked into, and into those that are found by it."""
    own = f"{procfs.own_pid(scan.proc)}/ns/mnt"
    scan.keep_named(os.readlink(own, dir_fd=scan.proc), [own])
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
        _look_into(scan, todo)


def _look_into(scan: Scan, todo: t.Sequence[Namespace]) -> None:
    known = frozenset(scan.namespaces)
    with spawn(lambda gate: _visit(gate, todo, known), scan.proc) as child:
        child.release()
        for namespace in todo:
            while True:
                message = child.receive(time.monotonic() + PATIENCE)
                if message is None:
                    scan.incomplete_because["a mount namespace could not be looked into to the end"] = None
                    return
                if "denied" in message:
                    scan.denied["mounts"] += 1
                    break
                for fd in message.get("descriptors", ()):
                    scan.keep(fd)
                for path, inode in message["binds"]:
                    scan.mounted_at.add(path)
                    held = scan.namespaces.get(inode)
                    if held is None:
                        scan.incomplete_because["a bind mount of a namespace is covered by another mount"] = None
                    else:
                        held.hold(Holder("bind", path=path, namespace=namespace.identity.inode))
                if "propagation" in message:
                    namespace.propagation = Propagation(*message["propagation"])
                    break


def _visit(gate: Gate, todo: t.Sequence[Namespace], known: frozenset[int]) -> t.NoReturn:
    gate.wait()
    process.become_undumpable()
    mountinfo = f"{gate.pid()}/mountinfo"
    for namespace in todo:
        try:
            process.setns(namespace.fd, nstypes.MNT.flag)
            text = procfs.read(gate.proc, mountinfo)
        except PermissionError:
            gate.report(denied=True)
        else:
            _report_binds(gate, text, known)
            gate.report(binds=[], propagation=_propagation(text))
    os._exit(0)


def _report_binds(gate: Gate, text: str, known: frozenset[int]) -> None:
    mounts = [parse_line(line) for line in text.split("\n") if _MARK in line]
    for start in range(0, len(mounts), _MOST_IN_A_MESSAGE):
        some = [(item.path, inode_of(item.root)) for item in mounts[start : start + _MOST_IN_A_MESSAGE]]
        with contextlib.ExitStack() as stack:
            opened = []
            for path, inode in some:
                fd = _open(gate.proc, path, inode) if inode not in known else None
                if fd is not None:
                    opened.append(stack.enter_context(closing(fd)))
            gate.report(opened, binds=some)


def _open(proc: int, path: str, inode: int) -> int | None:
    """Open a namespace where it is mounted; None where that can't be reached."""
    with contextlib.suppress(OSError):
        fd = _open_if(proc, path, inode)
        if fd is None:
            # In a copy of all mounts, what covers it can be taken off.
            process.unshare(nstypes.MNT.flag)
            with closing(os.open("/", os.O_PATH | os.O_CLOEXEC)) as root:
                mount.set_propagation(root, "private", recursive=True)
            for _cover in range(_MOST_COVERS):
                _take_off(path)
                fd = _open_if(proc, path, inode)
                if fd is not None:
                    break
        return fd
    return None


def _open_if(proc: int, path: str, inode: int) -> int | None:
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
