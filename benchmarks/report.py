# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a fleet: the time and memory that it takes to write, and the time until its first page can be used.

    .ansible/bench/bin/python benchmarks/report.py [HOSTS ...]

As root, which chromium is told. Prints the table of README.md. The results are made up, 20 findings and 60 namespaces
each, and no host is asked.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ns_exec import COLLECTIONS, describe_machine, run_for_output

COLUMNS = (
    *("hosts", "written, s", "of a processor, s", "peak, MiB", "opened, s", "a host found, s"),
    *("index, KiB", "report, MiB", "a result, KiB"),
)
SIZES = (100, 1_000, 10_000)
ROUNDS = 3
OPENINGS = 5
COLLECTION = "ansible_collections.linux.namespaces"

# As the task does it, in a process of its own; the peak is that of the process.
WRITE = f"""\
import json, resource, sys, time
sys.path.insert(0, {str(COLLECTIONS)!r})
from {COLLECTION}.plugins.plugin_utils._report import write
folder, hosts, now = json.loads(sys.stdin.read())
began = time.perf_counter()
write.report(write.Request(folder, hosts, 86400, now, "0"))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
READY = "return document.getElementById('count-findings').textContent.endsWith(' findings')"
FOUND = "return [...document.querySelectorAll('#list-findings .where a')].every((link) => link.text === arguments[0])"


def main(arguments: list[str]) -> int:
    sys.path.insert(0, str(COLLECTIONS))
    describe_machine(run_for_output("chromium", "--version", "--no-sandbox"))
    print(f"The load was {os.getloadavg()[0]:.1f}.\n")
    print("|", " | ".join(COLUMNS), "|")
    print(f"|{'---:|' * len(COLUMNS)}")
    for size in [*map(int, arguments)] or SIZES:
        with tempfile.TemporaryDirectory(prefix="report-", dir=COLLECTIONS.parent) as name:
            print("|", " | ".join(measure(Path(name), size)), "|", flush=True)
    return 0


def measure(folder: Path, size: int) -> t.Iterator[str]:
    fleet = importlib.import_module(f"{COLLECTION}.tests.controller.fleet")
    hosts = fleet.fleet(folder, size)
    largest = max(path.stat().st_size for path in folder.glob("hosts/*.json"))
    told = json.dumps([str(folder), hosts, fleet.NOW])
    runs = [json.loads(run(told)) for _round in range(ROUNDS)]
    yield f"{size:,}"
    seconds, used, peaks = zip(*runs, strict=True)
    yield f"{statistics.median(seconds):.1f}"
    yield f"{statistics.median(used):.1f}"
    yield f"{max(peaks) / 1024:.0f}"
    opening, finding = browse(folder, hosts[size // 2])
    yield f"{opening:.2f}"
    yield f"{finding:.2f}"
    yield f"{(folder / 'index.html').stat().st_size / 1024:.0f}"
    shutil.rmtree(folder / "hosts")
    yield f"{sum(path.stat().st_size for path in folder.rglob('*') if path.is_file()) / (1 << 20):.0f}"
    yield f"{largest / 1024:.1f}"


def run(told: str) -> str:
    done = subprocess.run([sys.executable, "-c", WRITE], input=told, check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout


def browse(folder: Path, host: str) -> tuple[float, float]:
    """Medians of new browsers: until the page says how many findings there are, until those of one host are shown."""
    browser = importlib.import_module(f"{COLLECTION}.tests.controller.browser").browser
    openings, searches = [], []
    for _opening in range(OPENINGS):
        with browser() as window:
            began = time.perf_counter()
            window.open(folder / "index.html")
            window.until(READY)
            opened = time.perf_counter()
            window.write("#filter-findings [name=host]", host)
            window.until(FOUND, host)
            openings.append(opened - began)
            searches.append(time.perf_counter() - opened)
    return statistics.median(openings), statistics.median(searches)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
