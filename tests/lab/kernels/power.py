# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reboot an emulated machine with systemd and sets that ns_boot declared, tear definitions, and take its power away.

    power.py FOLDER ROOT [--kernel VERSION] [--kills NUMBER] [--points NUMBER] [--seed NUMBER]

FOLDER is what images.py made, ROOT the file system that root.py did. The power goes NUMBER times while ns_boot changes
what is declared, and NUMBER times while the machine boots. Beside that, at NUMBER points in what one such change wrote,
the files are looked at on the disk as it may be then. Fails when a set, a service or a file is not as it has to be.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import re
import select
import subprocess
import sys
import tarfile
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.linux.namespaces.tests.lab.kernels import booted, images, losing, run

GUEST = Path(__file__).with_name("booted.py")
# What the initrd of images.py starts.
FIRST_PROGRAM = "tests/lab/kernels/guest.py"
# What ns_boot calls a file until it is whole.
NEW = ".linux-namespaces.new"
DISK_BYTES = 1 << 30
PATIENCE_SECONDS = 300

IDS = [{"inside": "0", "outside": "100000", "count": "65536"}]
Set = dict[str, t.Any]
Seen = dict[str, t.Any]


def veth(name: str, network: int, peer: str, namespace: str | None = None) -> Set:
    other = {"name": peer, "addresses": [f"10.{network}.0.1/24", f"fd00:{network}::1/64"]}
    other.update({} if namespace is None else {"namespace": namespace})
    addresses = [f"10.{network}.0.2/24", f"fd00:{network}::2/64"]
    return {"name": name, "type": "veth", "addresses": addresses, "peer": other}


def sleeping(seconds: int) -> Set:
    return {"name": "inside", "argv": ["/bin/sleep", str(seconds)]}


EVERYTHING: Set = {
    "types": ["user", "mnt", "uts", "ipc", "net", "cgroup", "time", "pid"],
    "uid_map": IDS,
    "gid_map": IDS,
    "domainname": "lab",
    "time_offsets": {"monotonic": "86400", "boottime": "1000.5"},
    "propagation": "slave",
    "mounts": [{"path": "/media", "src": "tmpfs", "fstype": "tmpfs", "opts": "size=1m,nosuid"}],
}


def declared(generation: int) -> dict[str, Set]:
    """Two generations of the same sets, by name, so that each can follow on the other."""
    sets: dict[str, Set] = {
        # This and the next need each other.
        "blue": {
            "types": ["net", "uts"],
            "hostname": f"blue{generation}",
            "network": {
                "links": [veth("eth0", 1, "blue0"), veth("eth1", 2, "eth2", "all")],
                "routes": [
                    {"dst": "default", "via": "10.1.0.1"},
                    {"dst": f"10.{20 + generation}.0.0/16", "via": "10.2.0.1"},
                ],
                "rules": [{"from": "10.79.0.0/16", "table": "79", "priority": 79}],
                "sysctls": {"net.ipv4.ip_forward": "1"},
                "purge": ["routes"],
            },
            "services": [
                {
                    "name": "web",
                    "argv": ["/usr/bin/python3", "-m", "http.server", "--bind", "10.2.0.2", str(8080 + generation)],
                    "restart": "always",
                },
            ],
        },
        "all": {
            **EVERYTHING,
            "hostname": f"all{generation}",
            "network": {"links": [veth("eth1", 3, "eth3", "blue")]},
            "services": [sleeping(3000 + generation)],
        },
        "ipc+": {"types": ["ipc"], "services": [sleeping(4000 + generation)]},
        f"only{generation}": {"types": ["uts", "net"], "hostname": f"only{generation}", "services": [sleeping(5000)]},
    }
    return sets


LOST = "/srv/lost"
# LOST is no more at the next boot: this one fails then.
LOSING: Set = {"name": "lost", "types": ["mnt"], "mounts": [{"path": "/etc/passwd", "src": LOST, "opts": "bind"}]}
SPOILT = {
    "torn": ('{"version": 1, "types": ["u', "it is torn, or no JSON"),
    "empty": ("", "it is torn, or no JSON"),
    "newer": ('{"version": 2, "types": ["uts"]}', "it is of version 2, and this program reads version 1"),
    "nonsense": ('["uts"]', "it is no definition of a set"),
    "unknown": ('{"version": 1, "types": ["uts"], "color": "blue"}', "color"),
}
"""What is written where the definitions of sets are, and words that their units say then."""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("root", type=Path)
    parser.add_argument("--kernel", help="that of the release of Debian, if omitted")
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--points", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kernel = options.kernel or kernel_of(options.root)
    lab = Lab(options.folder, options.root, kernel, options.seed)
    try:
        told = lab.boot()
        lab.note(f"{told['release']}, {told['systemd']}")
        install(lab)
        reboot(lab)
        look_at_points(lab, options.points)
        lose_while_changing(lab, options.kills)
        lose_while_booting(lab, options.kills)
    finally:
        lab.end()
    print(f"{len(lab.problems)} things were not as they have to be.")
    return 1 if lab.problems else 0


def kernel_of(root: Path) -> str:
    suite = re.findall(r"^VERSION_CODENAME=(\w+)", (root / "etc/os-release").read_text(), re.MULTILINE)
    return next(kernel for kernel, its in images.KERNELS.items() if [its] == suite)


# ---- the machine


class Lab:
    """The machine, its disk, and what was not as it has to be."""

    def __init__(self, folder: Path, root: Path, kernel: str, seed: int) -> None:
        self._kernels = folder
        self._place = folder / kernel
        self.disk, self.before, self.log = (self._place / name for name in ("power", "power.before", "power.log"))
        self.chance = random.Random(seed)
        self.problems: list[str] = []
        self.files: dict[int, dict[str, str]] = {}
        self.boot_seconds = 0.0
        self._started = time.monotonic()
        self._machine: subprocess.Popen[bytes] | None = None
        self.looks: dict[int, Seen] = {}
        """By generation, what was seen when all was well."""
        self.change_seconds = 0.0
        self._said = b""
        self._checkout = self._place / "checkout"
        run.pack(self._checkout, {})
        with tarfile.open(self._checkout, "a") as archive:
            archive.add(GUEST, FIRST_PROGRAM)
        self.disk.unlink(missing_ok=True)
        with self.disk.open("wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-d", root, self.disk], check=True)

    def start(self) -> None:
        """With a log of what it writes."""
        losing.copy(self.disk, self.before)
        drives = (
            losing.drive(self.disk, self.log),
            f"format=raw,file={self._checkout},read-only=on",
            f"format=raw,file={self._kernels / 'disk'},read-only=on",
        )
        command = [*run.emulator(self._place, self._place / "console", drives), "-serial", "stdio"]
        self._said = b""
        self._machine = subprocess.Popen(
            ["nice", "-n", "5", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def boot(self) -> Seen:
        """What it says when the boot is over."""
        started = time.monotonic()
        self.start()
        told: Seen = self.hear()
        self.boot_seconds = time.monotonic() - started
        return told

    def ask(self, name: str, argument: object = None) -> t.Any:
        self.tell(name, argument)
        return self.hear()

    def tell(self, name: str, argument: object = None) -> None:
        stdin = self._running().stdin
        assert stdin is not None
        stdin.write(json.dumps([name, argument]).encode() + b"\n")
        stdin.flush()

    def hear(self) -> t.Any:
        """A line that it says. Raises TimeoutError."""
        machine, deadline = self._running(), time.monotonic() + PATIENCE_SECONDS
        stdout = machine.stdout
        assert stdout is not None
        while b"\n" not in self._said:
            ready = select.select([stdout], [], [], max(deadline - time.monotonic(), 0))[0]
            more = os.read(stdout.fileno(), 1 << 16) if ready else b""
            if not more:
                console = (self._place / "console").read_text(errors="replace")
                raise TimeoutError(f"the machine says no more; on its console:\n{console[-4000:]}")
            self._said += more
        line, _newline, self._said = self._said.partition(b"\n")
        return json.loads(line)

    def reboot(self) -> None:
        self.power_off()
        self.boot()

    def lose_power(self) -> None:
        """The disk is then as it may be."""
        machine = self._running()
        machine.kill()
        machine.wait()
        losing.copy(self.before, self.disk)
        losing.lose(self.disk, list(losing.written(self.log)), self.chance)

    def power_off(self) -> None:
        """As an administrator does."""
        self.tell("restart")
        self._running().wait(PATIENCE_SECONDS)

    def files_after(self, writes: t.Sequence[losing.Write]) -> dict[str, str]:
        """What is installed on the disk when the power goes after these writes."""
        with tempfile.TemporaryDirectory(dir=self._place) as folder:
            disk = Path(folder, "disk")
            losing.copy(self.before, disk)
            losing.lose(disk, writes, self.chance)
            return losing.files(disk, booted.FILES, Path(folder))

    def generation_of(self, item: tuple[str, str]) -> str:
        """Which generations have such a file, as words."""
        found = [str(number) for number, files in self.files.items() if files.get(item[0]) == item[1]]
        return " and ".join(found) or "none"

    def note(self, what: str) -> None:
        """Say how far it is."""
        print(f"{time.monotonic() - self._started:.0f} s: {what}", flush=True)

    def expect(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            self.problems.append(what)
            print(f"Not as it has to be: {what}", *differences(found, wanted), sep="\n", flush=True)

    def end(self) -> None:
        if self._machine:
            self._machine.kill()
            self._machine.wait()
        for path in (self.disk, self.before, self.log):
            path.unlink(missing_ok=True)

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._machine is not None
        return self._machine


def differences(found: object, wanted: object, at: str = "") -> list[str]:
    """Line by line, with where."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        keys = sorted({*found, *wanted})
        return [line for key in keys for line in differences(found.get(key), wanted.get(key), f"{at}/{key}")]
    return [] if found == wanted else [f"  {at}: found {found!r:.3000}", f"  {at}: wanted {wanted!r:.3000}"]


# ---- what happens to it


def change(generation: int, *others: Set) -> list[Set]:
    """The sets as a task declares them: those of a generation, and no more what only the other one has."""
    sets = [{"name": name, **options} for name, options in declared(generation).items()]
    return [*sets, {"name": f"only{3 - generation}", "state": "absent"}, *others]


def apply(lab: Lab, what: str, sets: list[Set]) -> None:
    """Declare, which works for all of them."""
    started = time.monotonic()
    answer = lab.ask("declare", sets)
    lab.change_seconds = max(time.monotonic() - started, lab.change_seconds)
    lab.expect(f"{what}: ns_boot", answer.get("failed_sets", answer), [])
    lab.note(what)


def expect_no_change(lab: Lab, what: str, sets: list[Set]) -> None:
    answer = lab.ask("declare", sets)
    found = [answer.get(key, answer) for key in ("changed", "failed_sets", "files")]
    lab.expect(f"{what}: ns_boot once more", found, [False, [], []])


def install(lab: Lab) -> None:
    """Have both generations, and keep how they are."""
    for generation in (2, 1):
        apply(lab, f"generation {generation}", change(generation))
        lab.looks[generation], lab.files[generation] = lab.ask("look"), lab.ask("files")
        lab.expect(f"generation {generation}: what failed", lab.looks[generation]["failed"], {})
    expect_no_change(lab, "generation 1", change(1))


def reboot(lab: Lab) -> None:
    """All is as before. What can not be any more, or nobody can read, fails alone, and says why."""
    sets: list[Set] = [{"name": name, "types": ["uts"]} for name in SPOILT]
    lab.ask("write", {LOST: "lost"})
    apply(lab, "before a reboot", change(1, LOSING, *sets))
    lab.reboot()
    failing = {"lost": LOST}
    expect_failures(lab, "after a reboot", failing, SPOILT)
    lab.ask("write", {f"/etc/linux-namespaces/{name}.json": text for name, (text, _words) in SPOILT.items()})
    lab.reboot()
    expect_failures(lab, "with what is spoilt", {**failing, **{name: words for name, (_t, words) in SPOILT.items()}})
    apply(lab, "after what was spoilt", change(1, *sets))
    expect_failures(lab, "after what was spoilt", failing, SPOILT)
    apply(lab, "without what was spoilt", change(1, *({"name": name, "state": "absent"} for name in ("lost", *SPOILT))))
    lab.expect("without what was spoilt", lab.ask("look"), lab.looks[1])
    lab.expect("the files without what was spoilt", lab.ask("files"), lab.files[1])


def expect_failures(lab: Lab, what: str, failing: t.Mapping[str, str], more: t.Collection[str] = ()) -> None:
    """The units of these sets fail, and say these words; all others are as they were, but for more."""
    seen = lab.ask("look")
    units = {unit_of(name): words for name, words in failing.items()}
    said = {unit: "\n".join(lines) for unit, lines in seen.pop("failed").items()}
    found = {unit: words if (words := units.get(unit)) and words in text else text for unit, text in said.items()}
    lab.expect(f"{what}: what failed", found, units)
    for name in (*failing, *more):
        seen["units"].pop(unit_of(name), None)
    for name in more:
        seen["sets"].pop(name, None)
    lab.expect(what, {**seen, "failed": {}}, lab.looks[1])


def unit_of(name: str) -> str:
    return f"linux-namespaces@{name}.service"


# ---- without power


def look_at_points(lab: Lab, number: int) -> None:
    """The files on the disk as it may be when the power goes during a change, and after it."""
    before = len(list(losing.written(lab.log)))
    lab.ask("declare", change(2))
    writes = list(losing.written(lab.log))
    places = [*(round(before + (len(writes) - before) * part / number) for part in range(number)), len(writes)]
    mixed = 0
    for place in places:
        found = lab.files_after(writes[:place])
        expect_whole(lab, f"the power goes after {place} writes", found)
        mixed += found not in lab.files.values()
    lab.expect("the power goes when ns_boot has ended", found, lab.files[2])
    lab.note(f"{len(places)} points in {len(writes) - before} writes, {mixed} of them with some files old and some new")
    lab.ask("declare", [{"name": "only2", "state": "absent"}])
    found = lab.files_after(list(losing.written(lab.log)))
    lab.expect("the power goes when a set has been removed", [path for path in found if "only2" in path], [])
    apply(lab, "after that", change(2))


def expect_whole(lab: Lab, what: str, found: t.Mapping[str, str]) -> None:
    """Each file is that of one of the generations, or none where one has none."""
    torn = [
        path
        for path in {*found, *lab.files[1], *lab.files[2]}
        if os.path.basename(path) != NEW and found.get(path) not in {files.get(path) for files in lab.files.values()}
    ]
    lab.expect(f"{what}: torn files", torn, [])


def lose_while_changing(lab: Lab, kills: int) -> None:
    """Each set is as its file says after it, and the next run does the rest."""
    for number in range(kills):
        target = 1 + number % 2
        delay = lab.change_seconds * (number + lab.chance.random()) / kills
        what = f"the power goes {delay:.1f} s after the start of ns_boot"
        lab.tell("declare", change(target))
        time.sleep(delay)
        lab.lose_power()
        lab.boot()
        files, seen = lab.ask("files"), lab.ask("look")
        expect_whole(lab, what, files)
        lab.expect(f"{what}: what failed", [seen["failed"], seen["multi-user"]], [{}, "active"])
        for name in {*lab.looks[1]["sets"], *lab.looks[2]["sets"]}:
            expect_as_declared(lab, what, name, files, seen["sets"].get(name))
        lab.note(f"{what}: files by generation {dict(collections.Counter(map(lab.generation_of, files.items())))}")
        apply(lab, what, change(target))
        expect_no_change(lab, what, change(target))
        lab.expect(f"{what}, and ns_boot ran again", lab.ask("look"), lab.looks[target])
        lab.expect(f"{what}, and ns_boot ran again: the files", lab.ask("files"), lab.files[target])


def expect_as_declared(lab: Lab, what: str, name: str, files: t.Mapping[str, str], seen: Seen | None) -> None:
    """As the generation that its file is of; its services too, where their units are of the same one."""
    path = f"/etc/linux-namespaces/{name}.json"
    generation = next(number for number in lab.files if lab.files[number].get(path) == files.get(path))
    wanted = lab.looks[generation]["sets"].get(name)
    if seen and wanted and files != lab.files[generation]:
        seen, wanted = {**seen, "services": None}, {**wanted, "services": None}
    lab.expect(f"{what}: the set {name}", seen, wanted)


def lose_while_booting(lab: Lab, kills: int) -> None:
    """The next boot brings all, and there is nothing left to do."""
    generation = 1 + (kills + 1) % 2
    lab.power_off()
    for number in range(kills):
        delay = lab.boot_seconds * (1 + number + lab.chance.random()) / (kills + 1)
        what = f"the power goes {delay:.1f} s after the start of the machine"
        lab.start()
        time.sleep(delay)
        lab.lose_power()
        lab.boot()
        lab.expect(what, lab.ask("look"), lab.looks[generation])
        lab.expect(f"{what}: the files", lab.ask("files"), lab.files[generation])
        expect_no_change(lab, what, change(generation))
        lab.note(what)
        lab.power_off()


if __name__ == "__main__":
    sys.exit(main())
