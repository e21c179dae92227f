# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same ten tasks with the become plugin nsenter and without it, in one play.

    .ansible/bench/bin/python benchmarks/nsenter.py [ROUNDS]

As root, after `make bench` has made the environment. Prints the tables of README.md.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import typing as t
from pathlib import Path

from ns_exec import Times, describe_machine, measure_tasks, run_for_output, target

ROUNDS = 10
INSIDE = ", inside"
PIPELINING = {"copied": "false", "through a pipe": "true"}

Tasks = dict[str, dict[str, t.Any]]


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    describe_machine(run_for_output("nsenter", "--version"))
    for way, pipelining in PIPELINING.items():
        with tempfile.TemporaryDirectory(prefix="nsenter-") as name, target() as pid:
            folder = Path(name)
            tasks = make_tasks(folder)
            both = {**tasks, **{f"{label}{INSIDE}": inside(task, pid) for label, task in tasks.items()}}
            show(way, [*tasks], measure_tasks(folder, both, rounds, ANSIBLE_PIPELINING=pipelining))
    return 0


def make_tasks(folder: Path) -> Tasks:
    """Modules that many playbooks have, by their label; each can be run again and again."""
    made, file = folder / "made", folder / "made/file"
    return {
        "file": {"ansible.builtin.file": {"path": str(made), "state": "directory", "mode": "0755"}},
        "copy": {"ansible.builtin.copy": {"content": "one\n", "dest": str(file), "mode": "0644"}},
        "lineinfile": {"ansible.builtin.lineinfile": {"path": str(file), "line": "two"}},
        "stat": {"ansible.builtin.stat": {"path": str(file)}},
        "slurp": {"ansible.builtin.slurp": {"src": str(file)}},
        "find": {"ansible.builtin.find": {"paths": str(made)}},
        "command": {"ansible.builtin.command": {"argv": ["true"]}},
        "shell": {"ansible.builtin.shell": {"cmd": "true"}},
        "wait_for": {"ansible.builtin.wait_for": {"path": str(file)}},
        "setup": {"ansible.builtin.setup": {"gather_subset": ["min"]}},
    }


def inside(task: dict[str, t.Any], pid: int) -> dict[str, t.Any]:
    """The same in the namespaces of a process, with a /sys of their own."""
    return {
        **task,
        "become": True,
        "become_method": "linux.namespaces.nsenter",
        "vars": {"ansible_nsenter_target_pid": str(pid), "ansible_nsenter_types": ["uts", "ipc", "net"]},
    }


def show(way: str, labels: list[str], times: Times) -> None:
    """The last line has the median of the rounds' factors, each of all ten tasks."""
    print(
        f"| modules are {way}, median of {len(times[labels[0]])}, ms | without | with | factor |\n|---|---:|---:|---:|"
    )
    for label in labels:
        without, with_it = (statistics.median(times[name]) * 1000 for name in (label, label + INSIDE))
        print(f"| `{label}` | {without:.0f} | {with_it:.0f} | {with_it / without:.2f} |")
    without, with_it = (
        [*map(sum, zip(*(times[label + end] for label in labels), strict=True))] for end in ("", INSIDE)
    )
    factor = statistics.median(one / other for one, other in zip(with_it, without, strict=True))
    medians = f"{statistics.median(without) * 1000:.0f} | {statistics.median(with_it) * 1000:.0f}"
    print(f"| all ten | {medians} | {factor:.2f} |\n")


if __name__ == "__main__":
    sys.exit(main())
