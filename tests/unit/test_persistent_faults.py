# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_persistent with a fault at every step, and many at once. persistent_fault_runner.py says how.

A fault is a process killed at a system call, or the call failing (ENOSPC, EPERM, ENOSYS). A run that was not killed
leaves each set as it was or as it was asked to be, and says so; the next run of the same task repairs what is left, and
after state: absent nothing is. Of the faults it is a share that is the same each time; for all of them:

    make test SESSION=units ARGS='-k persistent_faults --every-fault'
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("persistent_fault_runner.py")
SHARDS = 2
SECONDS = 180
MODULES = 50
NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc")
SEAL = ("unshare", *NAMESPACES, "--propagation", "private", "--mount-proc", "--fork", "--kill-child")


@pytest.fixture
def every_fault(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.config.getoption("--every-fault")
    return chosen


@pytest.mark.parametrize(
    ("task", "one_in"),
    [
        ("bulk", 36),
        ("box", 36),
        ("pair", 36),
        ("adopt", 12),
        ("places", 8),
        ("away", 24),
        ("heal", 12),
        ("unpile", 12),
        ("revive", 24),
        ("change", 36),
        ("remove", 24),
        ("part", 18),
        ("kill", 18),
        ("detach", 12),
        ("recreate", 36),
    ],
)
def test_the_next_run_repairs(task: str, one_in: int, every_fault: bool) -> None:
    faults = 1 if every_fault else one_in
    shards = [start(task, f"{number}/{SHARDS}", str(faults)) for number in range(SHARDS)]
    reports = finish(shards, SECONDS * one_in // faults)
    wrong = [line for report in reports for line in report["wrong"]]
    assert not wrong, "\n".join([f"{len(wrong)}, the first of them:", *wrong[:10]])
    cases, hits = (sum(report[key] for report in reports) for key in ("cases", "hits"))
    # How often a process waits, and with it the count of its calls, may differ from run to run.
    assert hits > 0.7 * cases > 5


@pytest.mark.parametrize("kind", ["one", "lists", "mixed"])
def test_many_at_once(kind: str) -> None:
    (report,) = finish([start("race", kind, str(MODULES))], SECONDS)
    assert not report["wrong"]


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SEAL, sys.executable, str(RUNNER), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / ".ansible/collections")},
        text=True,
    )


def finish(runners: t.Sequence[subprocess.Popen[str]], seconds: int) -> list[dict[str, t.Any]]:
    try:
        said = [runner.communicate(timeout=seconds)[0] for runner in runners]
    finally:
        for runner in runners:
            runner.kill()
            runner.wait()
    return [json.loads(text) for text in said]
