# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_network against ip(8), in a loop and as a batch, and a run with nothing to do against one with nothing asked.

    .ansible/bench/bin/python benchmarks/ns_network.py [ROUNDS [PYROUTE2]]

PYROUTE2 is a folder with another version of it than the newest, as `pip install --target` makes one.

As root, after `make bench` has made the environment. Prints the tables of README.md. Everything happens in namespaces
that end with the script, with a /run of their own.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import itertools
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
import xml.etree.ElementTree as ET
from pathlib import Path
from types import SimpleNamespace

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ns_exec import COLLECTIONS, describe_machine, play, run_for_output

ROUNDS = 7
INSIDE = "--inside"
NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup")
SEAL = 'mount -t tmpfs -o mode=755 tmpfs /run; "$@"; exit'

LINKS = 100
ROUTES = 500
SET, EMPTY_SET = "blue", "green"
# The kernel ends network namespaces in the background.
NEW_SET = f"ip netns del {SET}; sleep 2; ip netns add {SET}"

LOOP = "all by a loop of `ip`"
BATCH = "all by `ip -batch`"
TASK = "all by `ns_network`"
AGAIN = "the same once more"
NOTHING = "nothing declared, in the same set"
NOTHING_IN_EMPTY = "nothing declared, in an empty set"

# What codec.py takes to be there, beside what it imports of the standard library.
IMPORT = """
import sys, time
sys.path[:0] = sys.argv[1:]
import socket, traceback
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import model
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import rtnetlink
start = time.perf_counter()
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import codec
print(time.perf_counter() - start)
"""

Tasks = dict[str, dict[str, t.Any]]
Times = dict[str, list[float]]


def main(arguments: list[str]) -> int:
    if arguments[:1] != [INSIDE]:
        return run_sealed(arguments)
    rounds = int(arguments[1]) if len(arguments) > 1 else ROUNDS
    search = arguments[2:]
    sys.path[:0] = [str(COLLECTIONS), *search]
    describe_machine(f"pyroute2 {importlib.metadata.version('pyroute2')}", run_for_output("ip", "-Version"))
    subprocess.run(["ip", "netns", "add", SET], check=True)
    subprocess.run(["ip", "netns", "add", EMPTY_SET], check=True)
    with tempfile.TemporaryDirectory(dir="/run") as name:
        folder = Path(name)
        show_tasks(measure_tasks(folder, rounds, PYTHONPATH=":".join(search)))
    show_parts(rounds, search)
    return 0


def run_sealed(arguments: list[str]) -> int:
    sealed = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", "--propagation", "private"]
    inside = [sys.executable, __file__, INSIDE, *arguments]
    return subprocess.run([*sealed, "sh", "-ec", SEAL, "sh", *inside], check=False).returncode


# ---- what is made


class Network(t.NamedTuple):
    """The same as options of ns_network and as commands of ip(8)."""

    options: dict[str, t.Any]
    commands: list[str]


def network() -> Network:
    """Pairs of veth with both ends inside, each with an address of both families, and routes through them."""
    names = [f"eth{number}" for number in range(LINKS)]
    pairs = list(itertools.batched(names, 2))
    addresses = {name: [f"10.1.{number}.1/24", f"fd00:{number}::1/64"] for number, name in enumerate(names)}
    links: list[dict[str, t.Any]] = []
    commands = [f"link add {name} type veth peer name {other}" for name, other in pairs]
    for name, other in pairs:
        peer = {"name": other, "namespace": SET}
        links.append({"name": name, "type": "veth", "peer": peer, "addresses": addresses[name]})
        links.append({"name": other, "addresses": addresses[other]})
    for name in names:
        commands += [f"link set {name} up", *(f"addr add {address} dev {name}" for address in addresses[name])]
    routes = [route(number) for number in range(ROUTES)]
    commands += ["route add {dst} via {via} dev {dev}".format(**item) for item in routes]
    return Network({"name": SET, "links": links, "routes": routes}, commands)


def route(number: int) -> dict[str, str]:
    """Of both families in turns."""
    link = number % LINKS
    if number % 2:
        return {"dst": f"fd01:{number}::/64", "via": f"fd00:{link}::2", "dev": f"eth{link}"}
    return {"dst": f"172.16.{number % 250}.{number // 250}/32", "via": f"10.1.{link}.2", "dev": f"eth{link}"}


# ---- as tasks


def measure_tasks(folder: Path, rounds: int, **environment: str) -> Times:
    """How long each task took, as the callback of ansible-core that writes JUnit saw it.

    What makes things comes in turns, each in a new set. So does what finds them, there and back. The loop runs once.
    """
    declared, commands = network()
    batch = folder / "batch"
    batch.write_text("".join(command + "\n" for command in commands))
    ip = ["ip", "-netns", SET]
    tasks: Tasks = {
        LOOP: {"ansible.builtin.command": {"cmd": f"{' '.join(ip)} {{{{ item }}}}"}, "loop": commands},
        BATCH: {"ansible.builtin.command": {"argv": [*ip, "-batch", str(batch)]}},
        TASK: {"linux.namespaces.ns_network": declared},
        AGAIN: {"linux.namespaces.ns_network": declared, "register": "again", "failed_when": "again is changed"},
        NOTHING: {"linux.namespaces.ns_network": {"name": SET}},
        NOTHING_IN_EMPTY: {"linux.namespaces.ns_network": {"name": EMPTY_SET}},
    }
    anew = ("have a new set", {"ansible.builtin.shell": {"cmd": NEW_SET}})
    found = [(label, tasks[label]) for label in (AGAIN, NOTHING, NOTHING_IN_EMPTY)]
    made = [step for label in (BATCH, TASK) for step in (anew, (label, tasks[label]))]
    listed = [anew, (LOOP, tasks[LOOP]), *([*made, *found, *found[::-1]] * (rounds + 1))]
    reports = folder / "junit"
    enabled = {"ANSIBLE_CALLBACKS_ENABLED": "ansible.builtin.junit", "JUNIT_OUTPUT_DIR": str(reports)}
    play(folder, listed, **enabled, **environment)
    times: Times = {label: [] for label in tasks}
    (report,) = reports.iterdir()
    for case in ET.parse(report).iter("testcase"):
        for label, values in times.items():
            if f": {label} " in case.attrib["name"]:
                values.append(float(case.attrib["time"]))
    # The first round was for the caches.
    return {label: values[-rounds * (1 if label in (BATCH, TASK) else 2) :] for label, values in times.items()}


def show_tasks(times: Times) -> None:
    """The factors are the medians of those of the rounds."""
    task = times[TASK]
    print(f"| {LINKS} links, {2 * LINKS} addresses, {ROUTES} routes | s | factor | wanted |\n|---|---:|---:|---:|")
    print(f"| {LOOP}, once | {times[LOOP][0]:.1f} | {times[LOOP][0] / statistics.median(task):.0f} | 20 |")
    print(f"| {BATCH}, median of {len(task)} | {statistics.median(times[BATCH]):.2f} | 1 | |")
    print(f"| {TASK}, median of {len(task)} | {statistics.median(task):.2f} | {factor(task, times[BATCH]):.2f} | 2 |")
    print(f"\n| nothing to do, median of {len(times[AGAIN])} | ms | first to it | wanted |\n|---|---:|---:|---:|")
    print(f"| {AGAIN} | {statistics.median(times[AGAIN]) * 1000:.0f} | | |")
    for label in (NOTHING, NOTHING_IN_EMPTY):
        milliseconds = statistics.median(times[label]) * 1000
        print(f"| {label} | {milliseconds:.0f} | {factor(times[AGAIN], times[label]):.2f} | 1.2 |")
    print(flush=True)


def factor(ones: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


# ---- in the module


def show_parts(rounds: int, search: list[str]) -> None:
    """What the module does, without Ansible and the start of Python."""
    print(f"| in the module, median of {rounds} | ms |\n|---|---:|")
    for label, values in measure_parts(rounds, search).items():
        print(f"| {label} | {statistics.median(values) * 1000:.0f} |")


def measure_parts(rounds: int, search: list[str]) -> Times:
    importing = [sys.executable, "-c", IMPORT, str(COLLECTIONS), *search]
    module = importlib.import_module("ansible_collections.linux.namespaces.plugins.modules.ns_network")
    declared, _commands = network()
    parts = {TASK: declared, AGAIN: declared, NOTHING: {"name": SET}, NOTHING_IN_EMPTY: {"name": EMPTY_SET}}
    times: Times = {label: [] for label in ("importing pyroute2", *parts)}
    for _round in range(rounds):
        subprocess.run(NEW_SET, shell=True, check=True)
        times["importing pyroute2"].append(float(run_for_output(*importing)))
        for label, options in parts.items():
            params = ArgumentSpecValidator(module.ARGUMENTS).validate(options).validated_parameters
            start = time.perf_counter()
            module.execute(SimpleNamespace(params=params, check_mode=False, warn=print))
            times[label].append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
