# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_persistent against a loop of community.general.ip_netns, and against the bare system calls.

    .ansible/bench/bin/python benchmarks/ns_persistent.py [ROUNDS]

As root, after `make bench` has made the environment. Prints the tables of README.md. Everything happens in namespaces
that end with the script, with a /run of their own.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

from ns_exec import COLLECTIONS, describe_machine, play, run_for_output

ROUNDS = 7
INSIDE = "--inside"
NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup")
# A shell is PID 1, for it reaps the inits of the sets.
SEAL = 'mount -t tmpfs -o mode=755 tmpfs /run; "$@"; exit'
PREFIX = "bench-"
# The kernel ends network namespaces in the background.
SETTLE_SECONDS = 2

LOOP = "200 by a loop of `ip_netns`"
TASK = "200 by one task of `ns_persistent`"
TASK_1000 = "1,000 by one task of `ns_persistent`"

FLAGS = {"uts": 0x04000000, "ipc": 0x08000000, "net": 0x40000000}
MS_BIND = 4096

libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> int:
    if arguments[:1] != [INSIDE]:
        return run_sealed(arguments)
    rounds = int(arguments[1]) if len(arguments) > 1 else ROUNDS
    sys.path.insert(0, str(COLLECTIONS))
    describe_machine(f"community.general {version_of_peer()}", run_for_output("ip", "-Version"))
    with tempfile.TemporaryDirectory(dir="/run") as name:
        show_tasks(Path(name))
    show_costs(rounds)
    show_thousands()
    return 0


def run_sealed(arguments: list[str]) -> int:
    sealed = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    inside = [sys.executable, __file__, INSIDE, *arguments]
    try:
        return subprocess.run([*sealed, "sh", "-ec", SEAL, "sh", *inside], check=False).returncode
    finally:
        # Where it was interrupted: cgroups belong to no namespace.
        for cgroup in cgroups():
            while "populated 1" in Path(cgroup, "cgroup.events").read_text():
                time.sleep(0.1)
            cgroup.rmdir()
            with contextlib.suppress(OSError):
                cgroup.parent.rmdir()


def cgroups() -> list[Path]:
    """What sets of this script have in the version 2 hierarchy."""
    mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines() if " - cgroup2 " in line]
    return [path for fields in mounts for path in Path(fields[4]).glob(f"linux-namespaces/{PREFIX}*")]


def names(count: int) -> list[str]:
    return [f"{PREFIX}{number:04}" for number in range(count)]


def version_of_peer() -> str:
    files = importlib.metadata.files("ansible") or ()
    (manifest,) = (file for file in files if file.match("community/general/MANIFEST.json"))
    version: str = json.loads(manifest.read_text())["collection_info"]["version"]
    return version


# ---- as tasks


def show_tasks(folder: Path) -> None:
    times = measure_tasks(folder)
    loop = statistics.median(times[LOOP])
    print("| network namespaces | s | factor |\n|---|---:|---:|")
    for label, values in times.items():
        factor = "" if label == TASK_1000 else f"{loop / statistics.median(values):.0f}"
        print(f"| {label}, median of {len(values)} | {statistics.median(values):.2f} | {factor} |")
    print()


def measure_tasks(folder: Path) -> dict[str, list[float]]:
    """How long each task took, as the callback of ansible-core that writes JUnit saw it."""
    tasks: dict[str, dict[str, t.Any]] = {
        LOOP: {"community.general.ip_netns": {"name": "{{ item }}"}, "loop": names(200)},
        TASK: {"linux.namespaces.ns_persistent": {"name": names(200), "types": ["net"]}},
        TASK_1000: {"linux.namespaces.ns_persistent": {"name": names(1000), "types": ["net"]}},
    }
    absent = {"linux.namespaces.ns_persistent": {"name": names(1000), "state": "absent"}}
    settle = {"ansible.builtin.command": {"argv": ["sleep", str(SETTLE_SECONDS)]}}
    order = [TASK, TASK_1000, TASK, TASK_1000, TASK, LOOP, TASK_1000, TASK, TASK_1000, TASK]
    listed = [step for label in order for step in ((label, tasks[label]), ("remove", absent), ("settle", settle))]
    reports = folder / "junit"
    play(folder, listed, ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.junit", JUNIT_OUTPUT_DIR=str(reports))
    times: dict[str, list[float]] = {label: [] for label in tasks}
    (report,) = reports.iterdir()
    for case in ET.parse(report).iter("testcase"):
        for label, values in times.items():
            if f": {label}" in case.attrib["name"]:
                values.append(float(case.attrib["time"]))
    return times


# ---- in the module, which the tasks spend little of their time in


def show_costs(rounds: int) -> None:
    print(f"| microseconds each, median of {rounds} | bare calls | `ns_persistent` | factor |\n|---|---:|---:|---:|")
    rows: tuple[tuple[str, int, str, dict[str, t.Any]], ...] = (
        ("uts", 1000, "uts", {}),
        ("ipc", 1000, "ipc", {}),
        ("net", 500, "net, loopback down", {"loopback": False}),
        ("net", 500, "net, loopback up (default)", {}),
    )
    for kind, count, label, options in rows:
        bare, ours = measure_costs(kind, count, rounds, options)
        factor = statistics.median(theirs / bare for theirs, bare in zip(ours, bare, strict=True))
        each = [statistics.median(values) * 1e6 / count for values in (bare, ours)]
        print(f"| {count:,} {label} | {each[0]:.0f} | {each[1]:.0f} | {factor:.2f} |")
    print()


def measure_costs(kind: str, count: int, rounds: int, options: dict[str, t.Any]) -> tuple[list[float], list[float]]:
    """Seconds in turns, of which the first comes first in every other round; before them, one for the caches."""
    bare: list[float] = []
    ours: list[float] = []
    for number in range(rounds + 1):
        for ours_now in (number % 2 == 0, number % 2 == 1):
            if ours_now:
                ours.append(run_module([kind], count, **options)[0])
                run_module([kind], count, state="absent")
            else:
                bare.append(make_bare(kind, count))
            time.sleep(SETTLE_SECONDS)
    return bare[1:], ours[1:]


def make_bare(kind: str, count: int) -> float:
    """Unshare, create a file and bind the namespace to it, in a process of its own: the least that it takes."""
    folder = Path("/run/bare")
    folder.mkdir()
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        start = time.perf_counter()
        for name in names(count):
            path = f"{folder}/{name}"
            call("unshare", FLAGS[kind])
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0))
            call("mount", f"/proc/self/ns/{kind}".encode(), path.encode(), None, ctypes.c_ulong(MS_BIND), None)
        os.write(theirs, str(time.perf_counter() - start).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as result:
        seconds = float(result.read())
    os.waitpid(pid, 0)
    for file in folder.iterdir():
        call("umount2", os.fsencode(file), 0)
        file.unlink()
    folder.rmdir()
    return seconds


def call(name: str, *arguments: t.Any) -> None:
    if getattr(libc, name)(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)


def run_module(
    types: list[str], count: int, state: str = "present", **options: t.Any
) -> tuple[float, dict[str, t.Any]]:
    """How long the module takes without Ansible and without the start of Python, and what it returns."""
    ns_persistent = importlib.import_module("ansible_collections.linux.namespaces.plugins.modules.ns_persistent")
    unset = dict.fromkeys(("pid", "handles", *ns_persistent.argspec.DEFINITION))
    params = {"name": names(count), "types": types, "state": state, "recreate": False, "when_busy": "fail"}
    module = SimpleNamespace(params={**unset, **params, **options}, check_mode=False, warn=print)
    start = time.perf_counter()
    result = ns_persistent.execute(module)
    seconds = time.perf_counter() - start
    if result["failed_sets"]:
        raise RuntimeError(result["msg"])
    return seconds, result


def show_thousands() -> None:
    print("| 1,000 sets of | first run, s | second run, s |\n|---|---:|---:|")
    memory = ""
    for types in (["uts"], ["ipc"], ["net"], ["uts", "ipc", "net"], ["pid"], ["mnt", "uts", "ipc", "net", "pid"]):
        first, result = run_module(types, 1000)
        again = [run_module(types, 1000)[0] for _round in range(5)]
        print(f"| {', '.join(types)} | {first:.2f} | {statistics.median(again):.2f} |", flush=True)
        if types == ["pid"]:
            memory = describe_memory([item["init_pid"] for item in result["sets"]])
        run_module(types, 1000, state="absent")
        time.sleep(SETTLE_SECONDS)
    print(f"\n{memory}")


def describe_memory(inits: list[int]) -> str:
    ours = os.readlink("/proc/self/ns/pid")
    pids = list(map(int, filter(str.isdigit, os.listdir("/proc"))))
    inside = [pid for pid in pids if os.readlink(f"/proc/{pid}/ns/pid") != ours]
    alone, together = (sum(map(private_kib, listed)) / 1024 for listed in (inits, inside))
    return f"{len(inits):,} inits have {alone:.0f} MiB of private memory, with what they started {together:.0f} MiB."


def private_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
