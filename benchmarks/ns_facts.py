# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scan of ns_facts against lsns, on hosts that get larger.

    .ansible/bench/bin/python benchmarks/ns_facts.py [PROCESSES ...]
    .ansible/bench/bin/python benchmarks/ns_facts.py --fetch FOLDER

As root, after `make bench` has made the environment and fetched lsns, which is that of Debian trixie. Prints the tables
of README.md, all of them or those of some hosts. Each host is in namespaces that end with it.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from ns_exec import COLLECTIONS, describe_machine, measure_tasks, show_tasks
from ns_persistent import INSIDE, MS_BIND, NAMESPACES, SEAL, SETTLE_SECONDS, call

FETCH = "--fetch"
SIZES = "--sizes"
TRIXIE = COLLECTIONS.parent / "bench/trixie"
COLLECTION = "ansible_collections.linux.namespaces"

LSNS = "`lsns -J`"
FEW = "processes, mounts, hierarchy"
ALL = "all sources"
SOURCES = {FEW: ("processes", "mounts", "hierarchy"), ALL: None}
EACH = ("user", "mnt", "uts", "ipc", "cgroup", "time", "pid")

SETUP = "`ansible.builtin.setup`, `gather_subset: min`"
TASKS: dict[str, dict[str, t.Any]] = {
    SETUP: {"ansible.builtin.setup": {"gather_subset": "min"}},
    "`ns_facts`": {"linux.namespaces.ns_facts": {}},
    "`ns_facts`, `detail: full`": {"linux.namespaces.ns_facts": {"detail": "full"}},
}
TASK_ROUNDS = 12

# What a module answers.
ANSWERS = f"""\
import json, sys
sys.path.insert(0, {str(COLLECTIONS)!r})
from {COLLECTION}.plugins.module_utils._kernel import procfs
from {COLLECTION}.plugins.module_utils._namespaces.discovery import facts
sizes = {{}}
for detail in facts.DETAILS:
    told = facts.gather(procfs.open_root(), facts.Request(detail=detail))
    sizes[detail] = len(json.dumps({{"changed": False, "ansible_facts": {{"linux_namespaces": told}}}}))
print(json.dumps([sum(item["total"] for item in told["counts"].values()), sizes]))
"""

# A process like that of a module, which has imported all that it needs. The peak is its own, not that of its children.
SCAN = f"""\
import json, os, pathlib, re, sys, time
sys.path.insert(0, {str(COLLECTIONS)!r})
from {COLLECTION}.plugins.module_utils._kernel import procfs
from {COLLECTION}.plugins.module_utils._namespaces.discovery import run
proc = procfs.open_root()
sources = json.loads(sys.argv[1]) or run.SOURCES
used, start = sum(os.times()[:4]), time.perf_counter()
with run.scanned(proc, sources) as scan:
    seconds, cpu = time.perf_counter() - start, sum(os.times()[:4]) - used
    found = len(scan.namespaces)
peak = re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1]
print(json.dumps([seconds, cpu, found, int(peak)]))
"""


class Host(t.NamedTuple):
    """What a host has, how often it is measured, the factors that are wanted, and whether it has containers."""

    processes: int
    namespaces: int
    rounds: int
    wanted: dict[str, float]
    contained: bool = False

    def __str__(self) -> str:
        return f"{self.processes:,}, {self.namespaces:,}{' of containers' if self.contained else ''}"


HOSTS = (
    Host(2_000, 800, 9, {FEW: 4, ALL: 2.5}),
    Host(5_000, 2_000, 7, {FEW: 12, ALL: 7.5}),
    Host(10_000, 4_000, 3, {FEW: 35, ALL: 21}),
    Host(5_000, 2_000, 3, {}, contained=True),
)


SMALL = Host(500, 50, 0, {})
"""What the size of a result is wanted for."""


class Run(t.NamedTuple):
    """One run: seconds, with those of processors, how many namespaces it found, and the peak of its memory."""

    seconds: float
    cpu: float
    found: int
    peak_kib: int = 0
    start: float = 0
    """Seconds until Python had started and imported."""


Runs = dict[str, list[Run]]


def main(arguments: list[str]) -> int:
    sys.path.insert(0, str(COLLECTIONS))
    if arguments[:1] == [FETCH]:
        root = importlib.import_module(f"{COLLECTION}.tests.lab.root")
        root.bootstrap(Path(arguments[1]), "trixie", ["util-linux"], "--variant=extract")
    elif arguments[:1] == [INSIDE]:
        host = HOSTS[int(arguments[1])]
        populate(host)
        print(json.dumps(measure(host.rounds)))
    elif arguments[:1] == [SIZES]:
        populate(SMALL)
        print(run_python(ANSWERS))
    else:
        describe_machine(lsns("--version").decode().strip())
        chosen = [number for number, host in enumerate(HOSTS) if not arguments or str(host.processes) in arguments]
        show([(HOSTS[number], measure_sealed(number)) for number in chosen])
        found, sizes = json.loads(run_sealed(SIZES))
        print(f"{SMALL.processes} processes and {found} namespaces, KiB of the result:", end=" ")
        print(", ".join(f"{detail} {size / 1024:.1f}" for detail, size in sizes.items()) + ".\n")
        with tempfile.TemporaryDirectory() as folder:
            show_tasks(measure_tasks(Path(folder), TASKS, TASK_ROUNDS), SETUP)
    return 0


def lsns(*arguments: str) -> bytes:
    """Run it with the libraries that it came with."""
    (loader,) = TRIXIE.glob("usr/lib/*/ld-linux*.so.*")
    command = [loader, "--library-path", loader.parent, TRIXIE / "usr/bin/lsns", *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def measure_sealed(number: int) -> Runs:
    answer = run_sealed(INSIDE, str(number))
    time.sleep(SETTLE_SECONDS)
    return {label: [Run(*run) for run in runs] for label, runs in json.loads(answer).items()}


def run_sealed(*arguments: str) -> bytes:
    """What this script prints in namespaces that end with it."""
    sealed = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    inside = [sys.executable, __file__, *arguments]
    return subprocess.run([*sealed, "sh", "-ec", SEAL, "sh", *inside], stdout=subprocess.PIPE, check=True).stdout


def run_python(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip()


def measure(rounds: int) -> Runs:
    """Each round runs all there or back, so that none has a better place; a first one is for the caches."""
    runs: Runs = {label: [] for label in (LSNS, *SOURCES)}
    for number in range(rounds + 1):
        for label in sorted(runs, reverse=number % 2 == 0):
            runs[label].append(run_lsns() if label == LSNS else run_scan(SOURCES[label]))
    return {label: values[1:] for label, values in runs.items()}


def run_lsns() -> Run:
    used, start = sum(os.times()[2:4]), time.perf_counter()
    answer = lsns("--json")
    seconds, cpu = time.perf_counter() - start, sum(os.times()[2:4]) - used
    return Run(seconds, cpu, answer.count(b'"ns":'))


def run_scan(sources: tuple[str, ...] | None) -> Run:
    start = time.perf_counter()
    run = Run(*json.loads(run_python(SCAN, json.dumps(sources))))
    return run._replace(start=time.perf_counter() - start - run.seconds)


def show(measured: list[tuple[Host, Runs]]) -> None:
    """A factor is the median over the rounds, whose runs are neighbours in time."""
    print("| processes, namespaces | | rounds | found | ms | factor | wanted | ms of processors | factor |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for host, runs in measured:
        for label, ours in runs.items():
            columns = [str(host), label, str(len(ours)), f"{ours[-1].found:,}"]
            wall, cpu = (compare(runs[LSNS], ours, field) for field in ("seconds", "cpu"))
            columns += [*wall, f"{host.wanted.get(label, '')}", *cpu]
            print(f"| {' | '.join(columns)} |")
    print()
    for host, runs in measured:
        peak, start = max(run.peak_kib for run in runs[ALL]), statistics.median(run.start for run in runs[ALL])
        print(
            f"{host}: at most {peak / 1024:.0f} MiB; {start * 1000:.0f} ms before the scan, to start Python and import."
        )
    sizes = [
        (host, statistics.median(run.seconds for run in runs[ALL])) for host, runs in measured if not host.contained
    ]
    (small, least), (large, most) = sizes[0], sizes[-1]
    print(f"{most / least:.1f} times as long, for {large} against {small}.")


def compare(theirs: list[Run], ours: list[Run], field: str) -> tuple[str, str]:
    """The median of milliseconds, and of how much longer theirs takes; nothing beside theirs itself."""
    pairs = [(getattr(other, field), getattr(run, field)) for other, run in zip(theirs, ours, strict=True)]
    median = f"{statistics.median(run for _other, run in pairs) * 1000:,.0f}"
    return median, "" if theirs is ours else f"{statistics.median(other / run for other, run in pairs):.1f}"


# ---- the host


def populate(host: Host) -> None:
    """Containers, other processes, and namespaces that mounts alone hold; all of them end with the world around."""
    pinned = host.namespaces // 10
    kinds = list(groups(host.namespaces - pinned, host.contained))
    contained = host.processes * 9 // 10
    # Imported once.
    flags()
    ready, say = os.pipe()
    makers = []
    for number, names in enumerate(kinds):
        first, after = (contained * index // len(kinds) for index in (number, number + 1))
        makers.append(start(contain, names, range(first, after), say))
    for number in range(host.processes - contained):
        start(live, number, say)
    left = host.processes
    while left:
        left -= len(os.read(ready, left))
    # After the mount namespaces of the containers, which have no copy of these mounts so.
    for pid in [*makers, start(pin, pinned)]:
        if os.waitpid(pid, 0)[1]:
            raise RuntimeError("the host could not be made")


def groups(namespaces: int, contained: bool) -> t.Iterator[list[str]]:
    """The types of namespaces that processes have to themselves, group after group. Those of net end slowly: few."""
    number = 0
    while namespaces > 0:
        if contained:
            some = {"user": number % 2 == 0, "cgroup": number % 2 == 1, "time": number % 4 == 0, "net": number % 5 == 0}
            names = [*(name for name, wanted in some.items() if wanted), "mnt", "uts", "ipc", "pid"][:namespaces]
        else:
            names = ["net" if number % 40 == 0 else EACH[number % len(EACH)]]
        yield names
        namespaces -= len(names)
        number += 1


def start(work: t.Callable[..., object], *arguments: t.Any) -> int:
    """The pid of a process that does the work, and ends."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work(*arguments)
            code = 0
        finally:
            os._exit(code)
    return pid


def contain(names: list[str], numbers: range, say: int) -> None:
    """Processes in namespaces of their own, of which the first starts the others."""
    unshare(*names)
    start(lead, numbers, say)


def lead(numbers: range, say: int) -> None:
    for number in numbers[1:]:
        start(live, number, say)
    live(numbers[0], say)


def live(number: int, say: int) -> None:
    """A process with three open files and a pipe. Every fourth has a socket, every twentieth four threads."""
    held = [socket.socket()] if number % 4 == 0 else []
    for _thread in range(3 if number % 20 == 0 else 0):
        threading.Thread(target=signal.pause, daemon=True).start()
    os.write(say, b"!")
    while True:
        signal.pause()
        held.clear()


@functools.cache
def flags() -> dict[str, int]:
    nstypes = importlib.import_module(f"{COLLECTION}.plugins.module_utils._kernel.nstypes")
    return {kind.name: kind.flag for kind in nstypes.ALL}


def unshare(*names: str) -> None:
    for name in names:
        call("unshare", flags()[name])
        if name == "user":
            for file, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
                Path("/proc/self", file).write_text(text)


def pin(count: int) -> None:
    """Namespaces that nothing but mounts holds."""
    folder = Path("/run/pinned")
    folder.mkdir()
    for number in range(count):
        name = "net" if number % 20 == 0 else ("uts", "ipc", "cgroup")[number % 3]
        unshare(name)
        path = folder / str(number)
        path.touch()
        call("mount", f"/proc/self/ns/{name}".encode(), bytes(path), None, ctypes.c_ulong(MS_BIND), None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
