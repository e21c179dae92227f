# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the tests on each kernel that images.py fetched, and compare what works with docs/kernels.md.

    run.py FOLDER [--write] [--kernel VERSION]... [--pytest 'ARGUMENT ...'] [--topics 'TOPIC ...' | --topics all]

The machines are emulated, as many at a time as there are processors. What one says on its console is in
FOLDER/VERSION/console. Fails when a test fails on a kernel, or when the document says something else than what was
found; --write has it say that. With other kernels or tests than usual, the document is left alone. The walkthrough has
a choice of its topics, or these.
"""

from __future__ import annotations

import argparse
import collections
import concurrent.futures
import difflib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
import time
import typing as t
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs/kernels.md"
LIMIT_SECONDS = 4 * 3600
RESULTS_BYTES = 64 << 20
# Of the checkout, what the tests need.
PARTS = ("ansible.cfg", "extensions", "galaxy.yml", "meta", "plugins", "pyproject.toml", "tests")
# What asks the kernel for something that not every kernel answers in the same way, and takes little time.
FILES = (
    *("libc", "listeners", "mount", "netdev", "nsfs", "process", "processes", "procfs", "uts"),
    *("cgroup", "discovery", "handle", "host", "propagation", "properties", "target", "visit"),
    "network_codec",
)
SETS = (
    "one_type",
    "a_doubled_mount_is_taken_off",
    "a_mount_namespace_made_on_any_cpu",
    "a_pid_namespace_gets_a_new_init",
    "a_real_physical_interface_is_in_the_way",
    "an_init_that_no_handle_is_of",
    "the_init_is_not_in_the_way",
)
NETWORK = (
    "a_veth_to_another_set_asked_from_both",
    "a_bridge_with_options_and_ports",
    "a_link_upon_another_one",
    "an_ipvlan_takes_no_mac",
    "a_vxlan",
    "a_link_without_options",
    "a_vrf_with_a_port",
    "options_of_a_bond_that_do_not_go_together",
    "a_bond_with_ports",
    "an_address_that_the_kernel_made_may_be_asked_for",
    "one_link_is_as_it_is_among_all",
    "what_else_is_where_a_task_runs_is_not_read",
    "secondary_addresses_stay_when_the_primary_one_goes",
    "what_an_mtu_takes_away_is_in_before",
    "all_types_of_routes",
    "a_route_is_replaced_and_removed",
    "a_route_with_what_could_not_be_brought_back",
    "rules",
    "a_rule_with_what_could_not_be_brought_back",
    "purge_takes_all_away_and_before_brings_it_back",
    "a_link_from_outside_is_moved_in_and_out",
)
NETWORKS = (
    "a_namespace_without_a_process_as_ip_sees_it",
    "in_the_shape_of_the_options",
    "what_the_kernel_made_and_what_no_task_can_ask_for",
    "the_other_ends",
    "the_link_that_one_is_upon",
)
TESTS = [
    *(f"tests/unit/test_{name}.py" for name in FILES),
    *(f"tests/unit/test_sets.py::test_{name}" for name in SETS),
    *(f"tests/unit/test_network.py::test_{name}" for name in NETWORK),
    *(f"tests/unit/test_networks.py::test_{name}" for name in NETWORKS),
]
WALKTHROUGH = "extensions/molecule/walkthrough/converge.yml"
# What goes different ways on different kernels. All of it takes hours: a task takes seconds here.
TOPICS = ("propagation", "time")
INVENTORY = {
    "all": {
        "hosts": {
            "guest": {
                "ansible_connection": "local",
                "ansible_pipelining": True,
                "ansible_python_interpreter": "/usr/bin/python3",
            }
        }
    }
}

LINK = "link "
WITHOUT = {
    "clone3": "Nothing works.",
    "openat2": "Nothing works.",
    "close_range": "Nothing works.",
    "CLONE_INTO_CGROUP": "A set with a cgroup namespace fails.",
    "time namespaces": "`time` fails, the other types work.",
    "user namespaces for ordinary users": "Only root makes namespaces.",
    "nosymfollow": "That mount option fails.",
    "overlay in a user namespace": "That mount fails, and says so.",
    "mount_setattr": "mount(2). It reaches one mount after the other, and flags do not reach what is mounted below.",
    "NS_GET_MNTNS_ID": "A namespace is recognised by its inode, which the kernel uses again.",
    "NS_GET_TGID_FROM_PIDNS": "The init of a set is looked for in /proc.",
    "NS_GET_ID": "A namespace is recognised by its inode, which the kernel uses again.",
    "file handles of namespaces": "A namespace that only an inotify watch holds is not found.",
    "listns": "What is held in a way that nothing shows is not found.",
}
"""What the collection does without it."""
NOT_USED = {
    "setns of a pidfd",
    "cgroup.kill",
    "statmount, listmount",
    "PIDFD_GET_NET_NAMESPACE",
    "NS_MNT_GET_INFO",
    "PIDFD_GET_INFO",
}
INTRODUCTION = """\
# Kernels

<!-- Written by: make kernels ARGS=--write -->

The collection runs on Linux 5.10 and newer. It looks for nothing in advance: it calls what it needs, and where the
kernel has no such thing it goes another way or says so. `make kernels` boots kernels of Debian in emulated machines and
runs on each the unit tests whose outcome depends on the kernel, and some of the walkthrough. What is there is asked
of each kernel, not taken from its version. A kernel that has something may still refuse it: a seccomp filter, as
containers have it, makes a system call fail as if it were not there.
"""


class Test(t.NamedTuple):
    """What became of a test."""

    name: str
    outcome: str
    text: str
    """The reason to skip it, or how it failed."""


class Results(t.NamedTuple):
    """What a machine found."""

    kernel: str
    release: str
    features: t.Mapping[str, bool]
    tests: t.Sequence[Test]
    ended: t.Mapping[str, t.Mapping[str, float]]
    """By command, what it ended with and how long it took."""
    console: str

    def failures(self) -> list[str]:
        found = [f"{test.name}\n{test.text}" for test in self.tests if test.outcome == "failed"]
        if not self.ended:
            found.append(f"the machine did not come to the end of its commands:\n{self.console[-4000:]}")
        for name, ended in self.ended.items():
            if ended["code"] and (name != "tests" or not found):
                start = max(self.console.find("fatal: "), 0) if name == "walkthrough" else -4000
                found.append(f"{name} ended with {ended['code']}:\n{self.console[start:][:4000]}")
        return [f"{self.kernel}: {text}" for text in found]

    def skips(self) -> set[str]:
        return {test.text for test in self.tests if test.outcome == "skipped"}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--kernel", action="append")
    parser.add_argument("--pytest", type=shlex.split, default=TESTS)
    parser.add_argument("--topics", type=str.split, default=TOPICS)
    options = parser.parse_args()
    folder: Path = options.folder
    kernels = options.kernel or sorted((path.parent.name for path in folder.glob("*/vmlinuz")), key=as_numbers)
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        machines = [pool.submit(run, folder, kernel, commands(options.pytest, options.topics)) for kernel in kernels]
        found = [machine.result() for machine in machines]
    failures = [line for results in found for line in results.failures()]
    if failures:
        print("\n".join(failures))
    if failures or options.kernel or options.pytest != TESTS:
        return 1 if failures else 0
    return compare(document(found), write=options.write)


def as_numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


# ---- the machines


def commands(tests: t.Sequence[str], topics: t.Sequence[str]) -> dict[str, list[str]]:
    """What a machine does."""
    found = {
        "features": ["python3", "tests/lab/kernels/features.py", "RESULTS/features.json"],
        "tests": ["python3", "-m", "pytest", "--junitxml=RESULTS/tests.xml", "-v", *tests],
    }
    if topics:
        chosen = [] if topics == ["all"] else ["--extra-vars", json.dumps({"topics": topics})]
        found["walkthrough"] = ["ansible-playbook", "--inventory=inventory.json", *chosen, WALKTHROUGH]
    return found


def run(folder: Path, kernel: str, todo: t.Mapping[str, list[str]]) -> Results:
    """Boot a machine, and wait until it has switched itself off."""
    place = folder / kernel
    checkout, console, disk = place / "checkout", place / "console", place / "results"
    pack(checkout, {"commands.json": todo, "inventory.json": INVENTORY})
    console.write_text("")
    with disk.open("wb") as file:
        file.truncate(RESULTS_BYTES)
    drives = (f"format=raw,file={folder / 'disk'},snapshot=on", f"format=raw,file={checkout},read-only=on")
    command = emulator(place, console, (*drives, f"format=raw,file={disk}"))
    # A physical interface, with nothing at its other end.
    command += ["-netdev", "hubport,hubid=0,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
    started = time.monotonic()
    try:
        environment = {**os.environ, "TMPDIR": str(folder)}
        ended = subprocess.run(command, env=environment, capture_output=True, timeout=LIMIT_SECONDS, check=False)
        said = ended.stderr.decode(errors="replace") if ended.returncode else ""
    except subprocess.TimeoutExpired:
        said = f"It did not end within {LIMIT_SECONDS} seconds."
    print(f"{kernel}: {time.monotonic() - started:.0f} s {said}", flush=True)
    results = read(kernel, disk, console.read_text(errors="replace"))
    print(f"{kernel}:", summary(results), flush=True)
    return results


def emulator(kernel: Path, console: Path, drives: t.Iterable[str]) -> list[str]:
    """The command for a machine with the kernel that is in a folder."""
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,la57=off", "-m", "1024"]
    command += ["-nodefaults", "-display", "none", "-no-reboot", "-serial", f"file:{console}"]
    command += ["-kernel", str(kernel / "vmlinuz"), "-initrd", str(kernel / "initrd")]
    command += ["-append", "console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off"]
    return command + [word for drive in drives for word in ("-drive", f"if=virtio,{drive}")]


def pack(path: Path, contents: t.Mapping[str, t.Any]) -> None:
    """Put the checkout and these contents, as JSON, into an archive, the second disk of the machines."""
    with tarfile.open(path, "w") as archive:
        for part in PARTS:
            archive.add(ROOT / part, part, filter=without_compiled)
        for name, content in contents.items():
            data = json.dumps(content).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def without_compiled(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(entry.name).name in ("__pycache__", "output") else entry


# ---- what they found


def read(kernel: str, disk: Path, console: str) -> Results:
    """The results as the disk of the machine has them."""
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(disk) as content:
            for entry in content:
                file = content.extractfile(entry)
                if file is not None:
                    files[Path(entry.name).name] = file.read()
    except tarfile.TarError:
        files = {}
    features = json.loads(files.get("features.json", b'{"release": "", "has": {}}'))
    tests = list(tests_of(files["tests.xml"])) if "tests.xml" in files else []
    ended = json.loads(files.get("ended.json", b"{}"))
    return Results(kernel, features["release"], features["has"], tests, ended, console)


def tests_of(xml: bytes) -> t.Iterator[Test]:
    for case in ET.parse(io.BytesIO(xml)).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        outcome, text = "passed", ""
        for kind in ("skipped", "failure", "error"):
            found = case.find(kind)
            if found is not None:
                outcome = "skipped" if kind == "skipped" else "failed"
                text = (found.get("message") or "") if kind == "skipped" else (found.text or "")
        yield Test(name, outcome, text)


def summary(results: Results) -> str:
    """For people, in one line."""
    counts = collections.Counter(test.outcome for test in results.tests)
    parts = [f"{counts[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped") if counts[outcome]]
    parts += re.findall(r"^guest +: (ok=.*?)\s*$", results.console, re.MULTILINE)
    parts += [f"{name} {ended['seconds']:.0f} s" for name, ended in results.ended.items()]
    return ", ".join(parts)


# ---- the document


def compare(wanted: str, *, write: bool) -> int:
    there = DOCUMENT.read_text()
    if wanted == there:
        return 0
    print("".join(difflib.unified_diff(there.splitlines(True), wanted.splitlines(True), "docs/kernels.md", "found")))
    if write:
        DOCUMENT.write_text(wanted)
        return 0
    print("docs/kernels.md does not say what was found. If what was found is right: make kernels ARGS=--write")
    return 1


def document(found: t.Sequence[Results]) -> str:
    versions = [version_of(results.release) for results in found]
    names = dict.fromkeys(name for results in found for name in results.features)
    links = [name for name in names if name.startswith(LINK)]
    lines = table(["What the kernel has", *versions, "Without it"])
    others = [name for name in names if name not in links]
    lines += [row([name, *has(found, name), "Not used." if name in NOT_USED else WITHOUT[name]]) for name in others]
    lines += ["", *table(["Kinds of links of Debian's kernels", *versions])]
    lines += [row([name[len(LINK) :], *has(found, name)]) for name in links]
    lines += ["", *table(["Why tests are skipped", *versions])]
    reasons = sorted({reason for results in found for reason in results.skips()})
    lines += [row([reason, *(word(reason in results.skips()) for results in found)]) for reason in reasons]
    return "\n".join([INTRODUCTION, *lines, ""])


def has(found: t.Sequence[Results], name: str) -> list[str]:
    return [word(results.features[name]) for results in found]


def version_of(release: str) -> str:
    return ".".join(release.split(".")[:2])


def word(value: bool) -> str:
    return "yes" if value else "no"


def table(heads: list[str]) -> list[str]:
    return [row(heads), row(["---"] * len(heads))]


def row(cells: t.Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
