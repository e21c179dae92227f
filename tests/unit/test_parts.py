# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Children that do work part by part."""

from __future__ import annotations

import os
import signal
import time
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.checkpoint import Gate, Message
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import parts
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support

FOR_EVER = 1000


def done(*work: t.Callable[[Gate], object]) -> tuple[list[int], list[int], set[int]]:
    """The parts that reported, those that were not done, and the children that are left."""
    reported: list[int] = []

    def do(gate: Gate, number: int) -> None:
        gate.report(number=number)
        work[number](gate)

    def take(number: int, message: Message) -> None:
        assert message["number"] == number
        reported.append(number)

    before = support.children()
    with support.own_procfs() as proc:
        lost = parts.each(proc, range(len(work)), do, take)
    return reported, lost, support.children() - before


def nothing(_gate: Gate) -> None:
    pass


def last(_gate: Gate) -> None:
    time.sleep(FOR_EVER)


def test_each_part_is_done() -> None:
    assert done(nothing, nothing, nothing) == ([0, 1, 2], [], set())


def test_no_part_at_all() -> None:
    assert done() == ([], [], set())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_part_that_is_not_done_to_the_end(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """The others are."""
    monkeypatch.setattr(parts, "SECONDS", 1)
    assert done(nothing, lambda _gate: os.kill(os.getpid(), number), nothing) == ([0, 1, 2], [1], set())


def test_parts_that_do_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two nobody is asked any more."""
    monkeypatch.setattr(parts, "SECONDS", 0.1)
    assert done(last, nothing, last, nothing, nothing) == ([0, 1, 2], [0, 2, 3, 4], set())


def test_parts_that_take_too_long_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PATIENCE", 1)

    def take_half(_gate: Gate) -> None:
        time.sleep(0.6)

    assert done(take_half, take_half, nothing)[1:] == ([1, 2], set())


def test_what_is_lacking_is_no_loss() -> None:
    """Else a host without memory would be one without namespaces."""

    def fail(_gate: Gate) -> None:
        os.close(os.open("/does/not/exist", os.O_RDONLY))

    with pytest.raises(NamespaceError):
        done(fail)
