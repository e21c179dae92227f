# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Existing namespaces that somebody asks to enter, held open from the moment they were judged."""

from __future__ import annotations

import contextlib
import errno
import os
import typing as t

from .._kernel import nsfs, nstypes, process, procfs
from .._kernel.descriptor import closing
from .errors import Hint, NamespaceError, during, refuse
from .values import plain_number

_NAMED_ALL = ", ".join(kind.name for kind in nstypes.ALL)

# What a pid can be at most on any kernel: PID_MAX_LIMIT.
_LAST_PID = 1 << 22
_MOST_DIGITS = 20  # of a 64-bit number

_NO_THREAD = Hint("it is a thread and no process", "give the pid of its process")
_PIDFD_HINTS = {
    errno.ESRCH: Hint("there is no such process", "look it up again: it may have ended"),
    # Linux 6.9 gave a thread an answer of its own.
    errno.ENOENT: _NO_THREAD,
    errno.EINVAL: _NO_THREAD,
}
_PID_HINTS = {
    errno.ESRCH: Hint("the process ended while it was looked at", "look it up again"),
    errno.ENOENT: Hint("the process ended while it was looked at", "look it up again"),
    errno.EACCES: Hint("the task may not look at that process", "run it as root"),
}
HANDLE_HINTS = {
    errno.ENOENT: Hint(
        "there is nothing at that path", "create it first, or give the path where it is (/run/netns/blue)"
    ),
    errno.ELOOP: Hint(
        "it is a symbolic link, and somebody could point it elsewhere", "give the path of the handle itself"
    ),
    errno.EISDIR: Hint("it is a directory and no namespace", "give the path of the handle itself"),
    errno.EINVAL: Hint(
        "it is no namespace; a handle whose mount is gone is a plain file", "create the namespace again"
    ),
    errno.ENOTDIR: Hint("a part of the path is no directory", "give the path of the handle itself"),
}


class Target(t.NamedTuple):
    """Namespaces to enter, by type: an open descriptor each, and which namespace that is."""

    descriptors: t.Mapping[nstypes.NsType, int]
    identities: t.Mapping[nstypes.NsType, nsfs.Identity]


NOTHING = Target({}, {})

Expected = t.Mapping[str, t.Optional[t.Mapping[str, t.Any]]]
"""By type, the inode and the id of a namespace as a task gives them; an id of None is not compared."""


@contextlib.contextmanager
def of(
    proc: int,
    pid: t.Any,
    handles: t.Mapping[str, str | None] | None,
    types: t.Sequence[str] | None,
    expect: Expected | None = None,
) -> t.Iterator[Target]:
    """The target that a task names, if any.

    expect: which namespaces these have to be.
    Raises NamespaceError: no such process, a kernel thread, no namespace at a path or one of another type, a type that
    is named and that the target lacks or shares with us, nothing left to enter, another namespace than expected.
    """
    for name in types or ():
        if name not in nstypes.BY_NAME:
            raise refuse("types", f"{name!r} is no type of namespace", f"there are {_NAMED_ALL}")
    meant = _parse_expected(expect or {})
    with _named(proc, pid, handles, types) as found:
        _refuse_others(found, meant)
        yield found


def _named(
    proc: int, pid: t.Any, handles: t.Mapping[str, str | None] | None, types: t.Sequence[str] | None
) -> t.ContextManager[Target]:
    if pid is not None:
        return _of_process(proc, pid, types)
    if handles is not None:
        return _of_handles(proc, {kind: path for kind, path in handles.items() if path is not None}, types)
    return contextlib.nullcontext(NOTHING)


@contextlib.contextmanager
def _of_process(proc: int, given: t.Any, types: t.Sequence[str] | None) -> t.Iterator[Target]:
    """The namespaces of a process, those that differ from ours unless types are named.

    The process is held by a pidfd while its namespaces are opened: the pid can't come to mean another one.
    Raises NamespaceError: no such process, a kernel thread, a named type that it lacks or shares with us, none left.
    """
    pid = plain_number("pid", given)
    description = f"the namespaces of process {pid}"
    if not 1 <= pid <= _LAST_PID:
        raise refuse("pid", f"{pid} is no process")
    with contextlib.ExitStack() as stack:
        with during(f"enter {description}", _PIDFD_HINTS):
            pidfd = stack.enter_context(closing(process.pidfd_open(pid)))
        with during(f"enter {description}", _PID_HINTS):
            if procfs.stat(proc, pid).kernel_thread:
                raise refuse("pid", f"process {pid} is a thread of the kernel and has no namespaces of its own")
            found = {}
            for kind in _kinds(types):
                try:
                    found[kind] = stack.enter_context(closing(procfs.open_namespace(proc, pid, kind.name)))
                except FileNotFoundError:
                    if process.pidfd_ended(pidfd):
                        raise
                    if _has_kernel(proc, kind):
                        gone = f"process {pid} has no {kind.name} namespace any more: it ends, or its first thread has"
                        raise refuse("pid", gone, "name another process") from None
                    if types is not None:
                        raise refuse("types", f"this kernel has no {kind.name} namespaces") from None
            if process.pidfd_ended(pidfd):
                raise OSError(errno.ESRCH, os.strerror(errno.ESRCH))
        yield _that_differ(proc, description, found, named=types is not None)


def _has_kernel(proc: int, kind: nstypes.NsType) -> bool:
    try:
        procfs.namespace_inode(proc, f"{procfs.own_pid(proc)}/ns/{kind.name}")
    except FileNotFoundError:
        return False
    return True


@contextlib.contextmanager
def _of_handles(proc: int, handles: t.Mapping[str, str], types: t.Sequence[str] | None) -> t.Iterator[Target]:
    """The namespaces at these paths by type, narrowed to some types.

    Raises NamespaceError: nothing there, no namespace, one of another type, one that we are in already.
    """
    lacking = sorted(set(types or ()) - set(handles))
    if lacking:
        raise refuse("types", f"handles names no {lacking[0]} namespace")
    with contextlib.ExitStack() as stack:
        found = {}
        for kind in _kinds(types if types is not None else list(handles)):
            path = handles[kind.name]
            with during(f"open the {kind.name} handle {path}", HANDLE_HINTS):
                fd = found[kind] = stack.enter_context(closing(nsfs.open_handle(path)))
                actual = nsfs.type_of(fd)
            if actual is not kind:
                raise refuse(f"handles.{kind.name}", f"{path} is a namespace of type {actual.name}")
        yield _that_differ(proc, "the namespaces at the handles", found, named=True)


def _parse_expected(given: Expected) -> dict[nstypes.NsType, nsfs.Identity]:
    return {
        nstypes.BY_NAME[name]: nsfs.Identity(
            plain_number(f"expect.{name}.inode", wanted["inode"], _MOST_DIGITS),
            None if wanted["id"] is None else plain_number(f"expect.{name}.id", wanted["id"], _MOST_DIGITS),
        )
        for name, wanted in given.items()
        if wanted is not None
    }


def _refuse_others(found: Target, meant: t.Mapping[nstypes.NsType, nsfs.Identity]) -> None:
    for kind, wanted in meant.items():
        actual = found.identities.get(kind)
        if actual is None:
            raise NamespaceError(
                f"enter {_told(kind, wanted)}",
                f"the target leads to no {kind.name} namespace but the one that the task itself runs in",
                "look for it again, and name its type in types if others are named there",
            )
        if actual.inode != wanted.inode or (None not in (actual.id, wanted.id) and actual.id != wanted.id):
            raise NamespaceError(
                f"enter {_told(kind, wanted)}",
                f"what the target leads to by now is {_told(kind, actual)}",
                "look for it again, with linux.namespaces.ns_facts",
            )


def _told(kind: nstypes.NsType, identity: nsfs.Identity) -> str:
    number = "" if identity.id is None else f" with the id {identity.id}"
    return f"{kind.name}:[{identity.inode}]{number}"


def _kinds(types: t.Sequence[str] | None) -> list[nstypes.NsType]:
    return [kind for kind in nstypes.ALL if types is None or kind.name in types]


def _that_differ(proc: int, description: str, found: t.Mapping[nstypes.NsType, int], named: bool) -> Target:
    ours = procfs.namespaces(proc, os.getpid())
    identities = {kind: nsfs.identity(fd) for kind, fd in found.items()}
    same = [kind for kind, identity in identities.items() if identity == ours.get(kind)]
    if same and named:
        raise refuse_same(description, same)
    left = {kind: fd for kind, fd in found.items() if kind not in same}
    if not left:
        raise NamespaceError(
            f"enter {description}",
            f"nothing is left to enter: no type is named, or all of {_NAMED_ALL} are those that the task runs in",
            "name a target that has namespaces of its own",
        )
    return Target(left, {kind: identities[kind] for kind in left})


def refuse_same(description: str, same: t.Iterable[nstypes.NsType]) -> NamespaceError:
    """The error for a type that was asked for by name and is the one that the task runs in."""
    names = ", ".join(kind.name for kind in same)
    return NamespaceError(
        f"enter {description}",
        f"its {names} is the one that the task itself runs in, so the work would be done on the host",
        "leave that type out, or name another target",
    )
