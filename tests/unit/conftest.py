# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No test leaves anything: no open file, no process (a zombie is one), no mount, no namespace that we ended up in."""

from __future__ import annotations

import gc
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.tests.unit import support


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-fault", action="store_true", help="inject every fault, and not a share of them")


def held() -> set[str]:
    """What this process has and a test could leave, readable."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"fd {number} -> {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:
            continue  # the one that listed them
    for task in os.listdir("/proc/self/task"):
        found.update(f"child {pid}" for pid in Path(f"/proc/self/task/{task}/children").read_text().split())
    found.update(f"mount {line}" for line in Path("/proc/self/mountinfo").read_text().splitlines())
    found.update(f"namespace {os.readlink(f'/proc/self/ns/{name}')} {name}" for name in os.listdir("/proc/self/ns"))
    return found


@pytest.fixture(autouse=True, scope="session")
def quick_collections() -> None:
    """What was imported is never garbage: without it, a collection after each test takes a millisecond."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def leaves_nothing() -> t.Iterator[None]:
    before = held()
    yield
    gc.collect()
    assert sorted(held() ^ before) == []


@pytest.fixture
def own_run() -> t.Iterator[None]:
    """An empty /run and an empty hierarchy of cgroups, for sets that the test makes."""
    with support.own_run():
        yield
