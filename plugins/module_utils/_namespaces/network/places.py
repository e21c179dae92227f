# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The network namespaces that a task is about: the one to change, the one where it runs, those of peers.

Each is open, with a socket for it. A child goes there to make that; the task itself stays where it is.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
import typing as t

from ..._kernel import nsfs, nstypes, procfs, rtnetlink
from ..._kernel.descriptor import closing
from .. import named
from ..checkpoint import PATIENCE, ChildLostError, Gate, spawn
from ..enter import join
from ..errors import Hint, NamespaceError, during
from ..target import HANDLE_HINTS, Target

HERE = ""
"""How the namespace where the task runs is called."""

_OPEN_HINTS = {**HANDLE_HINTS, errno.EACCES: Hint("the task may not open it", "run it as root")}


class Place(t.NamedTuple):
    """A network namespace."""

    title: str
    """As it follows "in"."""
    fd: int
    route: socket.socket
    steady: bool = True
    """Whether what is read has to be as it was at one time."""


class Places:
    """All of them."""

    def __init__(self, inside: Place, inside_name: str, others: t.Mapping[str, Place]) -> None:
        self.inside = inside
        """The one that is to be changed."""
        self.inside_name = inside_name
        self.others = others
        """By the name that a task has for each: a set, the path of a handle, empty where the task runs."""

    def __getitem__(self, name: str) -> Place:
        """That of a name."""
        return self.inside if name == self.inside_name else self.others[name]

    def at_any_time(self) -> Places:
        """The same, to be read even where somebody changes them all the time."""
        others = {name: place._replace(steady=False) for name, place in self.others.items()}
        return Places(self.inside._replace(steady=False), self.inside_name, others)

    def descriptors(self) -> t.Iterator[int]:
        """Of all that is open."""
        for place in (self.inside, *self.others.values()):
            yield from (place.fd, place.route.fileno())

    def name_of(self, name: str) -> str:
        """The same name for all that mean the same namespace."""
        place = self[name]
        if place.fd == self.inside.fd:
            return self.inside_name
        return next(other for other, item in self.others.items() if item.fd == place.fd)


@contextlib.contextmanager
def opened(proc: int, inside: int | None, inside_name: str, names: t.Mapping[str, str]) -> t.Iterator[Places]:
    """The open namespace that is to be changed (None: where the task runs), and those of these names.

    names: each with the option that it is of.

    Raises NamespaceError: no such set, no network namespace at a path.
    """
    with contextlib.ExitStack() as stack:
        with during("look at the network namespace of the task"):
            own = stack.enter_context(closing(procfs.open_namespace(proc, procfs.own_pid(proc), nstypes.NET.name)))
        wanted = {HERE: own}
        for name, option in names.items():
            if name != HERE:
                wanted[name] = stack.enter_context(closing(_open_of(proc, name, option)))
        descriptors = [own if inside is None else inside, *wanted.values()]
        unique = {_identity(fd): fd for fd in reversed(descriptors)}
        sockets = dict(zip(unique, _routes(proc, [*unique.values()])))
        for route in sockets.values():
            stack.enter_context(route)

        def place(name: str, fd: int) -> Place:
            identity = _identity(fd)
            return Place(_title(name), unique[identity], sockets[identity])

        yield Places(
            place(inside_name, descriptors[0]), inside_name, {name: place(name, fd) for name, fd in wanted.items()}
        )


def _title(name: str) -> str:
    if name == HERE:
        return "the network namespace of the task"
    return name if name.startswith("/") else f"the set {name}"


def _open_of(proc: int, name: str, option: str) -> int:
    try:
        return open_named(proc, name)
    except NamespaceError as error:
        raise NamespaceError(f"{error.operation} ({option})", error.cause, error.remedy, error.code) from error


def open_named(proc: int, name: str) -> int:
    """The namespace of a set, or at a path. Raises NamespaceError."""
    path = name
    if not name.startswith("/"):
        handles = named.handles_of(proc, name, [nstypes.NET.name])
        if not handles:
            raise named.refuse_missing(name)
        path = handles[nstypes.NET.name]
    with during(f"open the network namespace {name}", _OPEN_HINTS):
        fd = nsfs.open_handle(path)
    try:
        kind = nsfs.type_of(fd)
        if kind is not nstypes.NET:
            raise NamespaceError(f"use {name}", f"it is a namespace of type {kind.name}", "give one of type net")
    except BaseException:
        os.close(fd)
        raise
    return fd


def _identity(fd: int) -> tuple[int, int]:
    with during("look at a network namespace"):
        status = os.fstat(fd)
    return status.st_dev, status.st_ino


def _routes(proc: int, namespaces: t.Sequence[int]) -> list[socket.socket]:
    """A socket for each namespace, opened there by a child."""
    with spawn(lambda gate: _hand_over_routes(gate, namespaces), proc) as child:
        child.release()
        found = []
        for _namespace in namespaces:
            message = child.receive(time.monotonic() + PATIENCE)
            if message is None:
                raise ChildLostError(
                    "open a socket in a network namespace", "the child that does it was ended", "try again"
                )
            found.append(socket.socket(fileno=message["descriptors"][0]))
        return found


def _hand_over_routes(gate: Gate, namespaces: t.Sequence[int]) -> t.NoReturn:
    gate.wait()
    for namespace in namespaces:
        join(Target({nstypes.NET: namespace}, {}))
        with during("open a socket in a network namespace"), rtnetlink.open_route() as route:
            gate.report([route.fileno()])
    os._exit(0)
