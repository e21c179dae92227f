# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_exec with a fault at every step: a process killed at a system call, or the call failing (ENOSPC, EPERM, ENOSYS).

fault_runner.py says how. After each fault the machine has to be as before, with no process left; the command has run in
its namespaces, set up in full, or not at all; and the module has succeeded, or failed with one message that names the
operation and the errno. Every fault at every call is met by the children of one task, and by the sealed copy of the
interpreter in two that enter a foreign mount namespace; for the rest it is a share that is the same each time, and a
small one for what only starts that interpreter and changes nothing outside of it.
"""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNNER = Path(__file__).with_name("fault_runner.py")
# Each shard spends half of its time waiting.
SHARDS = 4
SECONDS = 300


@pytest.mark.parametrize(
    ("task", "one_in"),
    [
        ("all", [4, 4, 64, 1]),
        ("joined", [8, 4]),
        ("sealed", [12, 4, 32, 1]),
        ("foreign", [12, 8, 32, 1]),
        ("nested", [16, 8, 64, 6]),
        ("net", [8, 4]),
        ("init", [8, 4]),
        ("timeout", [8, 8]),
    ],
)
def test_faults_leave_nothing(task: str, one_in: list[int]) -> None:
    # A sealed copy of the interpreter writes no bytecode: it would compile in each run.
    compileall.compile_dir(ROOT / "plugins/module_utils", quiet=1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".ansible/collections")}
    shards = [
        subprocess.Popen(
            [sys.executable, str(RUNNER), task, f"{number}/{SHARDS}", *map(str, one_in)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        for number in range(SHARDS)
    ]
    try:
        said = [shard.communicate(timeout=SECONDS)[0] for shard in shards]
    finally:
        for shard in shards:
            shard.kill()
            shard.wait()
    reports = [json.loads(text) for text in said]
    wrong = [line for report in reports for line in report["wrong"]]
    assert not wrong, "\n".join([f"{len(wrong)}, the first of them:", *wrong[:10]])
    cases, hits = (sum(report[key] for report in reports) for key in ("cases", "hits"))
    # How often a process waits, and with it the count of its calls, may differ from run to run.
    assert hits > 0.8 * cases > 50
