# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Children that do work part by part."""

from __future__ import annotations

import os
import signal
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import libc
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.checkpoint import Gate, Message
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import parts, run
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import scan as scan_module
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery.scan import Scan
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support

FOR_EVER = 1000


class Done(t.NamedTuple):
    """What became of parts, by their numbers."""

    begun: list[int]
    ended: list[int]
    lost: bool
    left: set[int]
    """Children."""


def done(*work: t.Callable[[Gate], object]) -> Done:
    begun: list[int] = []
    ended: list[int] = []

    def do(gate: Gate, number: int) -> None:
        gate.report(into=0)
        work[number](gate)
        gate.report(into=1)

    def take(number: int, message: Message) -> None:
        (begun, ended)[message["into"]].append(number)

    before = support.children()
    with support.own_procfs() as proc:
        scan = Scan(proc, run.SOURCES)
        try:
            parts.each(scan, "lost", range(len(work)), do, take)
        finally:
            scan.close()
    return Done(begun, ended, "lost" in scan.incomplete_because, support.children() - before)


def nothing(_gate: Gate) -> None:
    pass


def last(_gate: Gate) -> None:
    time.sleep(FOR_EVER)


def test_each_part_is_done() -> None:
    assert done(nothing, nothing, nothing) == Done([0, 1, 2], [0, 1, 2], False, set())


def test_no_part_at_all() -> None:
    assert done() == Done([], [], False, set())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_part_that_is_not_done_to_the_end(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """The others are."""
    monkeypatch.setattr(parts, "SECONDS", 1)
    stuck = done(nothing, lambda _gate: os.kill(os.getpid(), number), nothing)
    assert stuck == Done([0, 1, 2], [0, 2], True, set())


def test_parts_that_do_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two nobody is asked any more."""
    monkeypatch.setattr(parts, "SECONDS", 0.1)
    assert done(last, nothing, last, nothing, nothing) == Done([0, 1, 2], [1], True, set())


def test_parts_that_take_too_long_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_module, "PATIENCE", 1)

    def take_half(_gate: Gate) -> None:
        time.sleep(0.6)

    slow = done(take_half, take_half, take_half, nothing)
    assert (slow.ended, slow.lost, slow.left) == ([0], True, set())


def test_what_is_lacking_is_no_loss() -> None:
    """Else a host without memory would be one without namespaces."""
    with pytest.raises(NamespaceError):
        done(lambda _gate: os.open("/does/not/exist", os.O_RDONLY))


def test_who_does_the_work_holds_nothing_else_open(tmp_path: Path) -> None:
    """And nobody may look at it."""
    shown: list[str] = []
    with open(tmp_path / "open", "w", encoding="utf-8") as file, support.own_procfs() as proc:
        scan = Scan(proc, run.SOURCES)
        try:
            parts.each(
                scan,
                "lost",
                [file.fileno(), file.fileno() + 1000],
                lambda gate, fd: gate.report(open=is_open(fd), dumpable=libc.prctl(3)),
                lambda _fd, message: shown.append(f"{message['open']} {message['dumpable']}"),
                kept=lambda _fd: (),
            )
        finally:
            scan.close()
    assert shown == ["False 0"] * 2


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
