# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program that the role boot installs, run as systemd runs it, on hosts that declare nothing and many sets.

    .ansible/bench/bin/python benchmarks/boot.py [ROUNDS]

As root, after `make bench` has made the environment, of which its pyroute2 is. Prints the tables of README.md.
Everything happens in namespaces that end with the script, with an /etc and a /run of their own.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from ns_exec import COLLECTIONS, describe_machine
from ns_persistent import INSIDE, NAMESPACES, SETTLE_SECONDS, names
from ns_persistent import SEAL as OWN_RUN

ROUNDS = 5
SEAL = f"mount -t tmpfs tmpfs /mnt; cp -a /etc/. /mnt; mount --move /mnt /etc; {OWN_RUN}"
PROGRAM = "/run/boot.pyz"
BOOT = "ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot"

APPLY = "apply, nothing is there"
STARTS = "starts of their units after that, one after the other"
AGAIN = "apply once more"
REMOVE = "remove"

# The memory of a child counts with that of its parent until it is another program, so that is to be a small one. What
# is measured is all of one process, with what it waited for.
MEASURE = """
import json, os, sys, time
start, seconds, used, most = time.perf_counter(), 0, 0, 0
for command in json.load(sys.stdin):
    pid = os.posix_spawn(command[0], command, {"PATH": os.environ["PATH"]}, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _pid, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{command} ended with {status}")
    used, most = used + usage.ru_utime + usage.ru_stime, max(most, usage.ru_maxrss)
print(json.dumps([used, time.perf_counter() - start, most]))
"""


class Used(t.NamedTuple):
    """What it took."""

    processors: float
    """Seconds, of it and of all that it waited for."""
    seconds: float
    peak: int
    """The memory of the largest process, in KiB."""


class Host(t.NamedTuple):
    """What a host declares."""

    sets: int
    networks: bool

    def __str__(self) -> str:
        return f"{self.sets} sets{' with a network each' if self.networks else ''}"


HOSTS = (Host(200, False), Host(50, True), Host(200, True))


def main(arguments: list[str]) -> int:
    if arguments[:1] != [INSIDE]:
        return run_sealed(arguments)
    rounds = int(arguments[1]) if len(arguments) > 1 else ROUNDS
    sys.path.insert(0, str(COLLECTIONS))
    describe_machine(f"pyroute2 {importlib.metadata.version('pyroute2')}")
    prepare()
    print(f"| median of {rounds} | s of processors | s | MiB |\n|---|---:|---:|---:|")
    show("nothing declared", [run("apply") for _round in range(rounds)])
    left = [f"{measure_host(host, rounds)} after {host}" for host in HOSTS]
    print(f"\nProcesses that went on: {', '.join(left)}.")
    return 0


def run_sealed(arguments: list[str]) -> int:
    sealed = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    inside = [sys.executable, __file__, INSIDE, *arguments]
    return subprocess.run([*sealed, "sh", "-ec", SEAL, "sh", *inside], check=False).returncode


def prepare() -> None:
    """What the role and systemd see to before the program runs."""
    for folder in (of_boot("places").DEFINITIONS, of_boot("places").APPLIED):
        Path(folder).mkdir(mode=0o755)
    Path(PROGRAM).write_bytes(of_boot("archive").build())


def of_boot(module: str) -> t.Any:
    return importlib.import_module(f"{BOOT}.{module}")


# ---- what is run


def run(*arguments: str) -> Used:
    return measure([[sys.executable, "-I", PROGRAM, *arguments]])


def start_of(name: str) -> list[str]:
    """What the unit of a set runs."""
    unit = of_boot("units").of_all()[f"{of_boot('units').FOLDER}/{of_boot('places').TEMPLATE}"].decode()
    (command,) = (line.partition("=:")[2] for line in unit.splitlines() if line.startswith("ExecStart="))
    return shlex.split(command.replace("%i", name))


def measure(commands: list[list[str]]) -> Used:
    """One after the other: the time of all, and the memory of the largest."""
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MEASURE],
        check=True,
        input=json.dumps(commands),
        stdout=subprocess.PIPE,
        text=True,
    )
    return Used(*json.loads(told.stdout))


# ---- hosts that declare something


def measure_host(host: Host, rounds: int) -> int:
    """How many processes went on once all was there."""
    definitions = [definition(number, host.networks) for number in range(host.sets)]
    for item in definitions:
        Path(item.path).write_text(item.text())
    taken: dict[str, list[Used]] = {APPLY: [], STARTS: [], AGAIN: [], REMOVE: []}
    before = processes()
    for _round in range(rounds):
        taken[APPLY].append(run("apply"))
        left = processes() - before
        taken[STARTS].append(measure([start_of(item.name) for item in definitions]))
        taken[AGAIN].append(run("apply"))
        taken[REMOVE].append(run("remove"))
        time.sleep(SETTLE_SECONDS)
    for item in definitions:
        Path(item.path).unlink()
    for label, values in taken.items():
        show(f"{host}: {label}", values)
    return left


def definition(number: int, network: bool) -> t.Any:
    """A set; its network has a link to the host and a route through it."""
    given: dict[str, t.Any] = {"types": ["net", "uts", "ipc", "mnt"]}
    name = names(number + 1)[-1]
    if network:
        peer = {"name": name, "addresses": [f"10.1.{number}.1/24"]}
        link = {"name": "eth0", "type": "veth", "addresses": [f"10.1.{number}.2/24"], "peer": peer}
        given["network"] = {"links": [link], "routes": [{"dst": "default", "via": f"10.1.{number}.1"}]}
    return of_boot("declared").parse(name, given)


def processes() -> int:
    return sum(name.isdigit() for name in os.listdir("/proc"))


def show(label: str, values: list[Used]) -> None:
    processors, seconds, peak = (statistics.median(each) for each in zip(*values, strict=True))
    print(f"| {label} | {processors:.3f} | {seconds:.3f} | {peak / 1024:.1f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
