# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_exec tasks against one of ansible.builtin.command with nsenter, side by side in one play.

    .ansible/demo/bin/python benchmarks/ns_exec.py [ROUNDS]

As root, after `make demo` has made the environment. Prints the tables of README.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path

COLLECTIONS = Path(__file__).resolve().parent.parent / ".ansible/collections"
BIN = Path(sys.executable).parent
ROUNDS = 20
NSENTER = "`nsenter`"
SAME = "`ns_exec`, the same"

Times = dict[str, list[float]]


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    if not (COLLECTIONS / "ansible_collections/linux/namespaces").exists():
        print("Run `make demo` first: it makes the environment.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="ns_exec-") as name, target() as pid:
        folder = Path(name)
        describe_machine(run_for_output("nsenter", "--version"))
        show_tasks(measure_tasks(folder, make_tasks(pid), rounds))
        show_modules(*measure_modules(folder, pid, rounds))
    return 0


@contextlib.contextmanager
def target() -> t.Iterator[int]:
    """A process in namespaces of its own; it ends with its stdin, and so with this process at the latest."""
    command = ["unshare", "--mount", "--uts", "--ipc", "--net", "cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        comm = Path(f"/proc/{process.pid}/comm")
        while comm.read_text().strip() != "cat":
            time.sleep(0.01)
        yield process.pid


def make_tasks(pid: int) -> dict[str, dict[str, t.Any]]:
    """What is compared, by its label."""
    nsenter = ["nsenter", f"--target={pid}", "--uts", "--ipc", "--net", "true"]
    ns_exec = {"pid": str(pid), "argv": ["true"]}
    types = ["uts", "ipc", "net"]
    return {
        NSENTER: {"ansible.builtin.command": {"argv": nsenter}},
        SAME: {"linux.namespaces.ns_exec": {**ns_exec, "types": types, "sysfs": False}},
        "`ns_exec`, `/sys` too (default)": {"linux.namespaces.ns_exec": {**ns_exec, "types": types}},
        "`ns_exec`, `mnt` too": {"linux.namespaces.ns_exec": ns_exec},
    }


def play(folder: Path, tasks: t.Iterable[tuple[str, dict[str, t.Any]]], **environment: str) -> None:
    playbook = folder / "play.yml"
    listed = [{"name": label, **task} for label, task in tasks]
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": listed}]))
    subprocess.run(
        [BIN / "ansible-playbook", "--inventory", "localhost,", "--connection", "local", playbook],
        env={
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "ANSIBLE_REMOTE_TEMP": str(folder),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            **environment,
        },
        stdout=subprocess.DEVNULL,
        check=True,
    )


def measure_tasks(folder: Path, tasks: dict[str, dict[str, t.Any]], rounds: int, **environment: str) -> Times:
    """How long each task took, by its label, as the callback of ansible-core that writes JUnit saw it.

    Each round runs all tasks there and back, so that none has a better place; a first one is for the caches.
    """
    there = list(tasks.items())
    reports = folder / "junit"
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit", "JUNIT_OUTPUT_DIR": str(reports)}
    play(folder, there + (there + there[::-1]) * rounds, **enabled, **environment)
    times: Times = {label: [] for label, _task in there}
    (report,) = reports.iterdir()
    for case in ET.parse(report).iter("testcase"):
        label = next(label for label in sorted(times, key=len, reverse=True) if f": {label}" in case.attrib["name"])
        times[label].append(float(case.attrib["time"]))
    return {label: values[1:] for label, values in times.items()}


def measure_modules(folder: Path, pid: int, rounds: int) -> tuple[Times, dict[str, Times]]:
    """How long the modules take as Ansible sends them, without Ansible; and what of it is for which imports."""
    tasks = make_tasks(pid)
    sent: dict[str, str] = {}
    for label in (NSENTER, SAME):
        play(folder, [(label, tasks[label])], ANSIBLE_KEEP_REMOTE_FILES="1")
        (path,) = set(map(str, folder.glob("ansible-tmp-*/AnsiballZ_*.py"))) - set(sent.values())
        sent[label] = path
    times: Times = {label: [] for label in sent}
    imports: dict[str, Times] = {label: {} for label in sent}
    for _round in range(rounds):
        for label, path in sent.items():
            start = time.perf_counter()
            run_module(folder, [path])
            times[label].append(time.perf_counter() - start)
            for origin, seconds in import_times(run_module(folder, ["-X", "importtime", path])).items():
                imports[label].setdefault(origin, []).append(seconds)
    return times, imports


def run_module(folder: Path, arguments: list[str]) -> str:
    """Run a module, and return what Python says on stderr."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, env=environment)
    if json.loads(done.stdout)["rc"] != 0:
        raise RuntimeError(done.stdout)
    return done.stderr


def import_times(report: str) -> dict[str, float]:
    """Seconds by origin, from lines such as "import time:  self [us] |  cumulative | imported package"."""
    seconds = {"linux.namespaces": 0.0, "ansible.module_utils": 0.0, "the standard library": 0.0}
    for line in report.splitlines():
        columns = line.partition(":")[2].split("|")
        own = columns[0].strip()
        if line.startswith("import time:") and own.isdigit():
            name = columns[-1].strip()
            if name.startswith("ansible_collections"):
                seconds["linux.namespaces"] += int(own) / 1e6
            elif name.startswith("ansible"):
                seconds["ansible.module_utils"] += int(own) / 1e6
            else:
                seconds["the standard library"] += int(own) / 1e6
    return seconds


def describe_machine(*peers: str) -> None:
    core = run_for_output(BIN / "ansible", "--version").split()[2].rstrip("]")
    print(f"Linux {platform.release()} on {platform.machine()}, {os.cpu_count()} cores;", end=" ")
    print(f"Python {platform.python_version()}, {', '.join([f'ansible-core {core}', *peers])}.\n", flush=True)


def run_for_output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def show_tasks(times: Times, peer: str = NSENTER) -> None:
    """The factor is the median over the rounds, whose tasks are neighbours in time."""
    print(f"| task, median of {len(times[peer])} | ms | factor |\n|---|---:|---:|")
    for label, values in times.items():
        factors = (sum(values[i : i + 2]) / sum(times[peer][i : i + 2]) for i in range(0, len(values), 2))
        print(f"| {label} | {statistics.median(values) * 1000:.0f} | {statistics.median(factors):.2f} |")
    print()


def show_modules(times: Times, imports: dict[str, Times]) -> None:
    print(f"| module without Ansible, median of {len(times[SAME])}, ms | {NSENTER} | {SAME} |\n|---|---:|---:|")
    rows = {"all": times}
    for origin in imports[SAME]:
        rows[f"importing {origin}"] = {label: values[origin] for label, values in imports.items()}
    for name, values in rows.items():
        theirs, ours = (statistics.median(values[label]) * 1000 for label in (NSENTER, SAME))
        print(f"| {name} | {theirs:.0f} | {ours:.0f} |")


if __name__ == "__main__":
    sys.exit(main())
