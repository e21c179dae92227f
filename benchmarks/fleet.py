# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit takes of many hosts at once, against ansible.builtin.setup of the same ones, over ssh.

    .ansible/bench/bin/python benchmarks/fleet.py [ROUNDS]

As root, after `make bench` has made the environment and the root file system of the lab. Prints the tables of
README.md. The hosts are those of tests/lab, in namespaces that end with the script.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ns_exec import BIN, COLLECTIONS, describe_machine

INSIDE = "--inside"
TESTS = COLLECTIONS.parent.parent / "tests"
ROOT = COLLECTIONS.parent / "lab/root"
ROUNDS = 8
HOSTS = (20, 50)
BOOTED = 20
"""As many as the inotify instances of one kernel are enough for. Where there are to be more, each has several names."""
SETUP = "`ansible.builtin.setup`, `gather_subset: min`"
COLLECT = "the role `audit`, `collect`"
# An ordinary host has this, and there is something to find on it.
PLANTED = (
    *("containers", "bind_only", "dangling", "stacked", "shadowed", "fd_only", "socket_only", "init_dead", "hidden"),
    *("owned_by_a_user", "overlapping", "maps_root", "host_network", "shared_mounts", "listener"),
)
# As ansible-core writes it to its log.
PLAY = re.compile(r"^(\S+ \S+) p=\d+ .*\| PLAY \[(.*?)\]", re.MULTILINE)

Play = dict[str, t.Any]


def main(arguments: list[str]) -> int:
    if arguments[:1] == [INSIDE]:
        measure(int(arguments[1]), int(arguments[2]), json.loads(Path(os.environ["ANSIBLE_INVENTORY"]).read_text()))
        return 0
    rounds = arguments[0] if arguments else str(ROUNDS)
    describe_machine()
    path = f"{BIN}:{os.environ['PATH']}:/usr/sbin:/sbin"
    environment = {**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    for count in map(str, HOSTS):
        words = (TESTS / "lab/hosts.py", ROOT, str(BOOTED), sys.executable, __file__, INSIDE, count, rounds)
        subprocess.run([sys.executable, *words], env=environment, check=True)
    return 0


def measure(hosts: int, rounds: int, inventory: t.Any) -> None:
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        folder = Path(name)
        plant = {"cmd": f"{TESTS}/lab/fleet/plant.py {' '.join(PLANTED)}", "executable": "python3"}
        run(folder, hosts, [play("plant", {"ansible.builtin.script": plant}, become=True)])
        name_again(inventory, hosts)
        os.environ["ANSIBLE_INVENTORY"] = str(folder / "inventory.json")
        (folder / "inventory.json").write_text(json.dumps(inventory))
        setup = play(SETUP, {"ansible.builtin.setup": {"gather_subset": ["min"]}})
        role = {"name": "linux.namespaces.audit", "tasks_from": "collect"}
        collect = play(COLLECT, {"ansible.builtin.import_role": {**role, "rolespec_validate": False}})
        # A first one of each is for the caches.
        plays = [setup, collect, *[setup, collect, collect, setup] * rounds]
        load = os.getloadavg()[0]
        times = run(folder, hosts, plays)
        # What reads the memory takes time itself.
        most: list[float] = []
        run(folder, hosts, [collect], most)
        results = [*folder.glob("audit/hosts/*.json")]
        sizes = [path.stat().st_size / 1024 for path in results]
        result = json.loads(results[0].read_text())
    show(hosts, {label: values[1:] for label, values in times.items()})
    found = f"{len(result['facts']['namespaces'])} namespaces and {len(result['findings'])} findings"
    print(f"The load was {load:.1f} before. Ansible had {max(most):.0f} MiB on the controller. ", end="")
    print(f"{len(sizes)} results with {found} each have {min(sizes):.1f} to {max(sizes):.1f} KiB.\n", flush=True)


def name_again(inventory: t.Any, count: int) -> None:
    """Give the hosts more names, each with a connection of its own, until there are so many."""
    for number in range(BOOTED, count):
        name, same = f"host-{number}", f"host-{number % BOOTED}"
        for group in inventory.values():
            if same in group["hosts"]:
                group["hosts"][name] = dict(group["hosts"][same])
        inventory["lab"]["hosts"][name]["ansible_control_path"] = f"%(directory)s/{name}"


def play(label: str, task: Play, **more: t.Any) -> Play:
    return {"name": label, "hosts": "lab", "gather_facts": False, "tasks": [{"name": label, **task}], **more}


def run(folder: Path, hosts: int, plays: list[Play], memory: list[float] | None = None) -> dict[str, list[float]]:
    """How long each play took, by its name. memory: of Ansible, in MiB, is added to it twice a second."""
    playbook, log = folder / "play.yml", folder / "log"
    playbook.write_text(json.dumps([*plays, {"name": "", "hosts": "lab", "gather_facts": False}]))
    log.unlink(missing_ok=True)
    with subprocess.Popen(
        [BIN / "ansible-playbook", f"--forks={hosts}", f"--extra-vars=audit_report_dir={folder}/audit", playbook],
        env={**os.environ, "ANSIBLE_LOG_PATH": str(log), "HOME": str(folder)},
        stdout=subprocess.DEVNULL,
    ) as playing:
        while memory is not None and playing.poll() is None:
            memory.append(sum(shares(b"ansible-playboo")) / 1024)
            time.sleep(0.5)
    if playing.returncode:
        raise SystemExit(log.read_text()[-4000:])
    starts = [(dt.datetime.fromisoformat(moment), label) for moment, label in PLAY.findall(log.read_text())]
    times: dict[str, list[float]] = {}
    for (start, label), (end, _next) in itertools.pairwise(starts):
        times.setdefault(label, []).append((end - start).total_seconds())
    return times


def shares(comm: bytes) -> t.Iterator[int]:
    """Of the memory, what each process of this name has to itself, and its part of what it shares, in KiB."""
    for path in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if path.read_bytes().strip() == comm:
                pss = re.search(r"^Pss: +(\d+)", path.with_name("smaps_rollup").read_text(), re.MULTILINE)
                yield int(pss[1]) if pss else 0


def show(hosts: int, times: dict[str, list[float]]) -> None:
    """The factor is the median over the rounds, whose plays are neighbours in time."""
    print(f"| {hosts} hosts, median of {len(times[SETUP])} | s | factor |\n|---|---:|---:|")
    for label in (SETUP, COLLECT):
        pairs = range(0, len(times[label]), 2)
        factors = (sum(times[label][i : i + 2]) / sum(times[SETUP][i : i + 2]) for i in pairs)
        print(f"| {label} | {statistics.median(times[label]):.2f} | {statistics.median(factors):.2f} |")
    print()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
