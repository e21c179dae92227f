# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The program that brings a host to what it declares, at boot and later, with the host's own Python.

    boot.pyz apply [UNIT ...]
    boot.pyz start UNIT
    boot.pyz remove [UNIT ...]
    boot.pyz check < DEFINITIONS

UNIT is the name of a set as the name of its unit has it. Without any it is about all sets, and does not fail for one of
them. check takes definitions as JSON, by the names of the sets, and tells what apply would do.

What is done is told on the standard output, what could not be done on the standard error, a line for each set after its
name. The exit status is 1 where that is so for a set that is named, 2 where it is about all.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import typing as t

from .. import host
from ..errors import NamespaceError, during
from ..sets import run
from ..sets.model import Asked, Request
from ..values import set_name
from . import declared, folder
from .answers import EVERY, tell
from .declared import Declared
from .places import APPLIED, escaped, unescaped

_PATIENCE, _STEP = 30, 0.2

T = t.TypeVar("T")
Failed = t.Dict[str, NamespaceError]


class Answers(t.NamedTuple):
    """What was done for sets, in words, and why it could not be for others."""

    done: dict[str, list[str]]
    failed: Failed

    def lack(self, names: t.Iterable[str]) -> bool:
        """Whether one of these could not be done."""
        return not self.failed.keys().isdisjoint(names)


def main(arguments: t.Sequence[str]) -> int:
    """The exit status."""
    try:
        asked = [set_name("UNIT", unescaped(unit)) for unit in arguments[1:]]
        with during("bring the host to what it declares"):
            answers = _COMMANDS[arguments[0]](asked)
    except NamespaceError as error:
        tell(sys.stderr, EVERY, str(error))
        return 2
    for name, words in answers.done.items():
        if words:
            tell(sys.stdout, name, *words)
    for name, refused in answers.failed.items():
        tell(sys.stderr, name, str(refused))
    return int(answers.lack(asked))


def _start(asked: t.Sequence[str]) -> Answers:
    deadline = time.monotonic() + _PATIENCE
    while True:
        # A link may come while this is done without it.
        lacking = _lacks_links_of_the_host(asked)
        answers = _apply(asked)
        if not (answers.lack(asked) and lacking) or time.monotonic() > deadline:
            return answers
        time.sleep(_STEP)


def _lacks_links_of_the_host(names: t.Iterable[str]) -> bool:
    """Whether a link of the host is not there that one of these sets needs. What can't be read needs none."""
    with contextlib.suppress(NamespaceError):
        return any(item.network and _networks().lacks_links_of_the_host(item) for item in _read(names)[0])
    return False


def _apply(asked: t.Sequence[str]) -> Answers:
    found, unread = _read(asked or folder.names())
    done, failed = _bring(found, dry=False)
    for name in done:
        _note(name)
    again = _reconnect(asked) if any(done.get(name) for name in asked) else Answers({}, {})
    return Answers({**done, **again.done}, {**unread, **failed, **again.failed})


def _remove(asked: t.Sequence[str]) -> Answers:
    names = asked or folder.names()
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_note_of(name))
    proc = host.open_proc()
    for item in _read(asked)[0]:
        # What can't be given back, and would be lost, is in the way of removing the set.
        with contextlib.suppress(NamespaceError):
            _give_back(proc, item)
    # At the end of a boot nobody asks any more.
    when_busy = "fail" if asked else "detach"
    return _run(proc, {name: Asked(None, {}) for name in names}, present=False, when_busy=when_busy)


def _check(_asked: t.Sequence[str]) -> Answers:
    given = json.load(sys.stdin)
    good, bad = _each(given, lambda name: declared.parse(name, given[name]))
    done, failed = _bring([*good.values()], dry=True)
    return Answers(done, {**bad, **failed})


_COMMANDS = {"apply": _apply, "start": _start, "remove": _remove, "check": _check}


def _read(names: t.Iterable[str]) -> tuple[list[Declared], Failed]:
    found, unread = _each(names, declared.read)
    return [*found.values()], unread


def _each(names: t.Iterable[str], work: t.Callable[[str], T]) -> tuple[dict[str, T], Failed]:
    """What comes of the work for each of the sets, and why nothing does for others."""
    done: dict[str, T] = {}
    failed: Failed = {}
    for name in names:
        try:
            done[name] = work(name)
        except NamespaceError as error:
            failed[name] = error
    return done, failed


def _bring(wanted: t.Sequence[Declared], *, dry: bool) -> Answers:
    """The sets, and then their networks, which may need others of the sets."""
    proc = host.open_proc()
    made = _run(proc, {item.name: item.asked for item in wanted}, present=True, dry=dry)
    connected = _bring_networks(proc, [item for item in wanted if item.name in made.done], dry=dry)
    done = {
        name: [*words, *connected.done.get(name, ())]
        for name, words in made.done.items()
        if name not in connected.failed
    }
    return Answers(done, {**made.failed, **connected.failed})


def _bring_networks(proc: int, sets: t.Iterable[Declared], *, dry: bool) -> Answers:
    connected = {item.name: item for item in sets if item.network}
    return Answers(*_each(connected, lambda name: _networks().bring(proc, connected[name], dry)))


def _reconnect(names: t.Collection[str]) -> Answers:
    """Bring the networks of the sets that have links with their other ends in these, which may be new."""
    others, _unread = _read(set(folder.names()).difference(names))
    return _bring_networks(host.open_proc(), [item for item in others if _is_connected(item, names)], dry=False)


def _is_connected(item: Declared, names: t.Collection[str]) -> bool:
    # What can't be read tells so when it is applied itself.
    with contextlib.suppress(NamespaceError):
        return item.network is not None and not _networks().peers(item).isdisjoint(names)
    return False


def _give_back(proc: int, item: Declared) -> None:
    if item.network and os.path.lexists(item.handles()["net"]):
        _networks().give_back(proc, item)


def _run(
    proc: int, sets: t.Mapping[str, Asked], *, present: bool, when_busy: str = "fail", dry: bool = False
) -> Answers:
    request = Request(sets, present, recreate=False, when_busy=when_busy, adopted=None, places=None)
    results = run.run(proc, request, dry)
    for warning in results.warnings:
        tell(sys.stderr, EVERY, warning)
    return Answers({name: list(outcome.changes) for name, outcome in results.done.items()}, dict(results.failed))


def _networks() -> t.Any:
    from . import networks  # noqa: PLC0415 - it takes as long to import as all the rest, and few hosts need it

    return networks


def _note(name: str) -> None:
    """For the unit of the set, which has nothing more to do. Without the note it does it once more."""
    with contextlib.suppress(OSError), open(_note_of(name), "w") as file:
        file.write("applied\n")


def _note_of(name: str) -> str:
    return f"{APPLIED}/{escaped(name)}"
