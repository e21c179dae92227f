# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Sets of persistent namespaces by name, as something to enter."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
import typing as t

from .._kernel import nsfs, nstypes
from .._kernel.descriptor import closing
from . import remembered
from .definition import MountPoint
from .directory import open_directory
from .errors import NamespaceError, during, refuse
from .handle import look, of_set
from .host import is_in_its_mounts
from .target import Target
from .values import set_name

_ETC = "/etc"
_OVERLAYS = "/etc/netns"


def is_pattern(name: str) -> bool:
    """Whether it stands for several sets; no name has such a character. Raises NamespaceError for what is neither."""
    if not any(character in name for character in "*?["):
        set_name("name", name)
        return False
    if not re.fullmatch(r"[A-Za-z0-9_.@+*?\[\]!-]+", name):
        raise refuse(
            "name", f"{name!r} is no name of a set and no pattern", "take a pattern or a loop for several sets"
        )
    return True


def matching(proc: int, pattern: str) -> list[str]:
    """The names of the sets, of lost ones too, that a pattern as of fnmatch(3) is about. Raises NamespaceError."""
    with _places(proc) as (root, _prefix):
        found = set(remembered.all_kinds(root))
        for kind in nstypes.ALL:
            fd = open_directory(kind.directory, root)
            if fd is not None:
                with closing(fd), during(f"list the {kind.name} namespaces"):
                    found.update(os.listdir(fd))
    return sorted(fnmatch.filter(found, pattern))


def handles_of(proc: int, name: str, types: t.Sequence[str] | None) -> dict[str, str]:
    """The paths of a set's handles, by type; empty where there is no such set.

    Raises NamespaceError for a handle that is none (any more) and, unless types are asked for, for one that is missing
    though the set was given it, as the command would be on the host for that type; and for one of the types that are
    asked for which the set does not have.
    """
    return {kind.name: path for kind, (path, _identity) in _look(proc, name, types).items()}


def refuse_replaced(proc: int, name: str, types: t.Sequence[str] | None, held: Target) -> None:
    """Raises NamespaceError unless the set is what is held of it, opened after handles_of() had told where."""
    found = _look(proc, name, types)
    now = {kind: identity for kind, (_path, identity) in found.items() if types is None or kind.name in types}
    if now != held.identities:
        raise NamespaceError(f"enter the set {name}", "somebody removed or replaced it meanwhile", "try again")


def _look(proc: int, name: str, types: t.Sequence[str] | None) -> dict[nstypes.NsType, tuple[str, nsfs.Identity]]:
    """The paths of a set's handles, and which namespaces are there. Raises NamespaceError as handles_of() does."""
    set_name("name", name)
    found = {}
    with _places(proc) as (root, prefix):
        # Read before and after, for who removes the set meanwhile and who makes it.
        known = remembered.kinds_of(name, root) if types is None else frozenset()
        for kind in nstypes.ALL:
            handle = of_set(name, kind)
            fd = open_directory(handle.directory, root)
            if fd is None:
                continue
            with closing(fd), during(f"look at {handle.path}"):
                pinned = look(handle, fd)
            if pinned is None:
                continue
            if pinned.identity is None:
                raise NamespaceError(
                    f"enter the set {name}",
                    f"its handle {handle.path} is an empty file, which has lost its namespace",
                    "repair the set with linux.namespaces.ns_persistent",
                )
            found[kind] = prefix + handle.path, pinned.identity
        if types is None:
            known |= remembered.kinds_of(name, root)
    for kind in nstypes.ALL:
        if kind in known and kind not in found:
            raise remembered.refuse_lost(of_set(name, kind))
    names = [kind.name for kind in found]
    lacking = sorted(set(types or ()).difference(names))
    if found and lacking:
        raise NamespaceError(
            f"enter the {lacking[0]} namespace of the set {name}",
            f"the set has only {', '.join(names)}",
            "add it, or leave it out",
        )
    return found


def refuse_missing(name: str) -> NamespaceError:
    """The error for a set that is not there."""
    return NamespaceError(
        f"enter the set {name}",
        "there is no such set",
        "create it with linux.namespaces.ns_persistent; one with paths of its own is entered by handles",
    )


@contextlib.contextmanager
def _places(proc: int) -> t.Iterator[tuple[int, str]]:
    """The root of PID 1, where handles are, open and as a path: a connection may have another mount namespace."""
    elsewhere = not is_in_its_mounts(proc)
    with during("open the root of PID 1"):
        root = os.open("1/root" if elsewhere else "self/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=proc)
    with closing(root):
        yield root, "/proc/1/root" if elsewhere else ""


def etc_overlay(name: str, existing: Target) -> tuple[list[MountPoint], list[str]]:
    """The files of the set over those in /etc, as ip-netns(8) binds them; and those that /etc has no place for.

    Raises NamespaceError.
    """
    if nstypes.MNT in existing.descriptors:
        raise refuse("etc_overlay", "the mount namespace of the set has its own /etc", "leave mnt out of types")
    source = f"{_OVERLAYS}/{name}"
    mounts, missing = [], []
    with during(f"list the files in {source}"):
        names = sorted(os.listdir(source)) if os.path.isdir(source) else []
    for file in names:
        # Often a link, as resolv.conf is; this is the host's own /etc.
        place = os.path.realpath(f"{_ETC}/{file}")
        if os.path.lexists(place):
            mounts.append(MountPoint(place, os.path.realpath(f"{source}/{file}"), "", True, False, 0, ""))
        else:
            missing.append(f"{_ETC}/{file}")
    return mounts, missing
