# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.
"""A change that takes itself back unless somebody says in time that it may stay.

A process waits for that at a socket, and outlives the task and its session: the change may have cut them off. It is
there before anything is changed.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import syslog
import time
import typing as t

from ..._kernel import mountinfo, process
from ..._kernel.descriptor import closing
from .. import cgroup, directory
from ..checkpoint import PATIENCE, Gate, spawn
from ..errors import NamespaceError, during, refuse
from ..memory import MEMORY
from ..values import plain_number
from .carry_out import Work, take_back
from .draft import Step
from .model import State

_ANSWER = b"stays"
_FIRST_SECONDS, _LAST_SECONDS = 5, 3600


def parse_seconds(value: t.Any) -> int:
    """How long to wait. Raises NamespaceError."""
    number = plain_number("confirm", value)
    if not _FIRST_SECONDS <= number <= _LAST_SECONDS:
        raise refuse("confirm", f"{number} is not from {_FIRST_SECONDS} to {_LAST_SECONDS} seconds")
    return number


def is_token(value: t.Any) -> bool:
    """Whether it is what armed() gives, and no number of seconds."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None


@contextlib.contextmanager
def armed(work: Work, before: State, planned: t.Sequence[Step], seconds: int) -> t.Iterator[str]:
    """The token to confirm() with what is done meanwhile; where that fails, nobody waits for it any more.

    planned: what is done meanwhile. Who calls it holds the lock of the directory. Raises NamespaceError.
    """
    token = os.urandom(16).hex()
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        going_on, done = os.pipe()
        for end in (going_on, done):
            stack.enter_context(closing(end))
        with during(f"make the socket {_path(token)}"):
            listener.bind(_path(token))
            listener.listen()
        waiting = _Waiting(listener, going_on, token, seconds)
        with spawn(lambda gate: _wait(gate, waiting, work, before, planned), work.proc, _outermost(work.proc)) as child:
            try:
                child.expect("waiting", time.monotonic() + PATIENCE)
                yield token
            except BaseException:
                child.kill()
                _forget(token)
                raise
            child.let_go()


def confirm(token: str) -> None:
    """What was done under this token (see is_token) may stay. Raises NamespaceError where that is too late.

    Until the time is over it can be said again, by one who did not hear the answer.
    """
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as way:
        way.settimeout(PATIENCE)
        way.connect(_path(token))
        if way.recv(len(_ANSWER)) == _ANSWER:
            return
    raise NamespaceError(
        "keep the change", "the time is over", "give more seconds; the journal of the target says how it went back"
    )


def _path(token: str) -> str:
    return f"{MEMORY}/confirm-{token}"


def _outermost(proc: int) -> str | None:
    """The cgroup where a process outlives the session and the unit of the task, if it can be found."""
    with during("look for the cgroups"):
        return cgroup.hierarchy(mountinfo.read(proc))


def _forget(token: str) -> None:
    """Who has the lock of the directory takes that away."""
    with contextlib.suppress(OSError):
        os.unlink(_path(token))


class _Waiting(t.NamedTuple):
    """What there is to wait for."""

    listener: socket.socket
    going_on: int
    """It comes to its end with the change, or with the task."""
    token: str
    seconds: int


def _wait(gate: Gate, waiting: _Waiting, work: Work, before: State, planned: t.Sequence[Step]) -> t.NoReturn:
    """Until the time is over; then take back what nobody has confirmed."""
    os.setsid()
    os.chdir("/")
    kept = (gate.fileno(), waiting.listener.fileno(), waiting.going_on, work.proc, *work.places.descriptors())
    process.close_from(3, *kept)
    gate.outlive_parent()
    gate.report(waiting=True)
    os.close(gate.fileno())
    os.read(waiting.going_on, 1)
    stays = _is_confirmed(waiting.listener, time.monotonic() + waiting.seconds)
    waiting.listener.close()
    _forget(waiting.token)
    with _locked_if_it_can_be():
        if not stays:
            _take_back(work, before, planned)
    os._exit(0)


def _take_back(work: Work, before: State, planned: t.Sequence[Step]) -> None:
    """Nobody but the journal hears how it went."""
    try:
        told = take_back(work, before, planned)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be said
        told = f"what was done could not be taken back: {type(error).__name__}: {error}"
    syslog.openlog("linux.namespaces")
    syslog.syslog(
        syslog.LOG_WARNING, f"ns_network in {work.places.inside.title} was not confirmed, and goes back: {told}"
    )


@contextlib.contextmanager
def _locked_if_it_can_be() -> t.Iterator[None]:
    """The lock is for the time being; to go back is more than that."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(NamespaceError):
            stack.enter_context(directory.locked())
        yield


def _is_confirmed(listener: socket.socket, deadline: float) -> bool:
    """Whether somebody came until then; who did not hear the answer may come again."""
    stays = False
    while (left := deadline - time.monotonic()) > 0:
        listener.settimeout(left)
        with contextlib.suppress(OSError):
            way, _address = listener.accept()
            with way:
                way.sendall(_ANSWER)
                stays = True
                # The namespaces may go meanwhile.
                process.close_from(3, listener.fileno(), way.fileno())
    return stays
