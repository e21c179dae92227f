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
import signal
import socket
import syslog
import time
import typing as t

from ..._kernel import mountinfo, process
from ..._kernel.descriptor import closing
from .. import cgroup, directory
from ..checkpoint import PATIENCE, Child, Gate, spawn
from ..errors import NamespaceError, during, refuse
from ..memory import MEMORY
from ..shown import printable
from ..values import plain_number
from .carry_out import Left, LeftError, Work, take_back, told_of
from .draft import Step
from .model import State
from .places import Place

_QUESTION, _ANSWER = b"may it stay", b"stays"
_WAITS, _STAYS = "confirm", "confirmed"
"""What the sockets of those that wait are called, and of those that have heard that it may stay."""
_QUESTION_SECONDS = 1
_LOOK_SECONDS = 1
"""After which it is seen that a signal has come."""
_PAUSE_SECONDS = 0.1
_AGAIN_SECONDS = (1, 3, 6, 10, 15, 25)
"""After which what could not be taken back is tried again: what was in its way may have gone."""
_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
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
    """The token to confirm() with what is done meanwhile.

    Where that fails, and all is taken back, nobody waits for it any more. Where something is left, or whatever else
    went wrong, it is taken back when the time is over.

    planned: what is done meanwhile. Who calls it holds the lock of the directory. Raises NamespaceError.
    """
    token = _network_of(work.places.inside) + os.urandom(8).hex()
    with contextlib.ExitStack() as stack, contextlib.ExitStack() as unneeded:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        going_on, done = os.pipe()
        for end in (going_on, done):
            stack.enter_context(closing(end))
        waiting = _Waiting(listener, going_on, token, seconds)
        unneeded.callback(_forget, token)
        with during(f"make the socket {_path(_WAITS, token)}"):
            listener.bind(_path(_WAITS, token))
            listener.listen()
        with _spawned(waiting, work, before, planned) as child:
            child.expect("waiting", time.monotonic() + PATIENCE)
            is_needed = True
            try:
                yield token
            except NamespaceError as error:
                is_needed = isinstance(error, LeftError)
                raise
            finally:
                if is_needed:
                    child.let_go()
                    unneeded.pop_all()


@contextlib.contextmanager
def _spawned(waiting: _Waiting, work: Work, before: State, planned: t.Sequence[Step]) -> t.Iterator[Child]:
    with spawn(lambda gate: _wait(gate, waiting, work, before, planned), work.proc, _outermost(work.proc)) as child:
        try:
            yield child
        except BaseException:
            child.kill()
            raise


def confirm(token: str) -> bool:
    """What was done under this token (see is_token) may stay. Raises NamespaceError where that is too late.

    Until the time is over it can be said again, by one who did not hear the answer. False where who waited for it was
    killed, so that it stays whatever is said.
    """
    for state in (_WAITS, _STAYS):
        try:
            with _connected(_path(state, token)) as way:
                way.sendall(_QUESTION)
                if way.recv(len(_ANSWER)) == _ANSWER:
                    return True
        except ConnectionRefusedError:
            with _locked_if_it_can_be():
                _forget(token)
            return state == _STAYS
        except OSError:
            continue
    raise NamespaceError(
        "keep the change",
        "the time is over, and it is taken back",
        "see whether it cuts the controller off, or give more seconds; the journal of the target says how it went back",
    )


def refuse_while_waiting(place: Place) -> None:
    """What is done meanwhile would be taken back too. Who calls it holds the lock of the directory.

    Raises NamespaceError where somebody waits for a change of this network namespace to be confirmed.
    """
    with during(f"read {MEMORY}"):
        names = [name for name in os.listdir(MEMORY) if name.startswith((f"{_WAITS}-", f"{_STAYS}-"))]
    for name in names:
        if _is_heard(f"{MEMORY}/{name}") and name.startswith(f"{_WAITS}-{_network_of(place)}"):
            raise NamespaceError(
                f"change {place.title}",
                "a change of it waits to be confirmed, and would take back with it what is done meanwhile",
                "run the task again when that is over",
            )


def _is_heard(path: str) -> bool:
    """Whether there is somebody at the socket; that of one who was killed is taken away."""
    try:
        with _connected(path):
            return True
    except ConnectionRefusedError:
        os.unlink(path)
    except FileNotFoundError:
        pass
    return False


def _connected(path: str) -> socket.socket:
    """Raises OSError."""
    way = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        way.settimeout(PATIENCE)
        way.connect(path)
    except BaseException:
        way.close()
        raise
    return way


def _network_of(place: Place) -> str:
    """How the tokens of a network namespace begin."""
    with during(f"look at {place.title}"):
        return f"{os.fstat(place.fd).st_ino:016x}"


def _path(state: str, token: str) -> str:
    return f"{MEMORY}/{state}-{token}"


def _outermost(proc: int) -> str | None:
    """The cgroup where a process outlives the session and the unit of the task, if it can be found."""
    with during("look for the cgroups"):
        return cgroup.hierarchy(mountinfo.read(proc))


def _forget(token: str) -> None:
    """Who has the lock of the directory takes that away."""
    for state in (_WAITS, _STAYS):
        with contextlib.suppress(OSError):
            os.unlink(_path(state, token))


class _Waiting(t.NamedTuple):
    """What there is to wait for."""

    listener: socket.socket
    going_on: int
    """It comes to its end with the change, or with the task."""
    token: str
    seconds: int


def _wait(gate: Gate, waiting: _Waiting, work: Work, before: State, planned: t.Sequence[Step]) -> t.NoReturn:
    """Until the time is over, or a signal says to end; then take back what nobody has confirmed."""
    ended: list[int] = []
    for number in _ENDING:
        signal.signal(number, lambda number, _frame: ended.append(number))
    os.setsid()
    os.chdir("/")
    kept = (gate.fileno(), waiting.listener.fileno(), waiting.going_on, work.proc, *work.places.descriptors())
    process.close_from(3, *kept)
    gate.outlive_parent()
    gate.report(waiting=True)
    os.close(gate.fileno())
    os.read(waiting.going_on, 1)
    stays = _is_confirmed(waiting, time.monotonic() + waiting.seconds, ended)
    # A socket where nobody listens says that its process was killed.
    _forget(waiting.token)
    waiting.listener.close()
    with _locked_if_it_can_be():
        if not stays:
            _take_back(work, before, planned)
    os._exit(0)


def _take_back(work: Work, before: State, planned: t.Sequence[Step]) -> None:
    """More than once where something is left. Nobody but the journal hears how it went."""
    told = ""
    for pause in (0, *_AGAIN_SECONDS):
        time.sleep(pause)
        left = _tried(work, before, planned)
        if left.words != told:
            told = left.words
            _say(f"ns_network in {work.places.inside.title} was not confirmed, and goes back: {told}")
        if not left.refused:
            break


def _tried(work: Work, before: State, planned: t.Sequence[Step]) -> Left:
    try:
        return take_back(work, before, planned)
    except Exception as error:  # noqa: BLE001 - whatever it is, it has to be said
        return Left((told_of(error),), ())


def _say(text: str) -> None:
    syslog.openlog("linux.namespaces")
    syslog.syslog(syslog.LOG_WARNING, printable(text))


@contextlib.contextmanager
def _locked_if_it_can_be() -> t.Iterator[None]:
    """The lock is for the time being; to go back is more than that."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(NamespaceError):
            stack.enter_context(directory.locked())
        yield


def _is_confirmed(waiting: _Waiting, deadline: float, ended: t.Sequence[int]) -> bool:
    """Whether somebody came until then; who did not hear the answer may come again. ended: what ends it before."""
    stays = False
    while not ended and (left := deadline - time.monotonic()) > 0:
        waiting.listener.settimeout(min(left, _LOOK_SECONDS))
        try:
            way, _address = waiting.listener.accept()
            with way:
                way.settimeout(_QUESTION_SECONDS)
                # Others only see whether somebody waits.
                if way.recv(len(_QUESTION)) == _QUESTION:
                    stays = True
                    # The namespaces may go meanwhile, and other changes come.
                    process.close_from(3, waiting.listener.fileno(), way.fileno())
                    with contextlib.suppress(FileNotFoundError):
                        os.rename(_path(_WAITS, waiting.token), _path(_STAYS, waiting.token))
                    way.sendall(_ANSWER)
        except OSError:
            # Nobody came, or went again; or there is no descriptor left for who comes, and may be one later.
            time.sleep(_PAUSE_SECONDS)
    return stays
