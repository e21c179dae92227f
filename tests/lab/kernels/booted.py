# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Inside a machine of power.py: make way for systemd as PID 1, and as a service of it do what the serial line asks.

The disk is not changed for that: what belongs to this is in /run and /srv, which are empty at the next boot.
"""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys
import time
import tty
import typing as t
from pathlib import Path

PROGRAMS = "/mnt"
"""Where the disk of the kernels is, which has their modules and ansible-core."""
LINE = "/dev/ttyS1"
PATHS = "/srv/.ansible/collections:/run/lab"
UNITS = Path("/run/systemd/system")
UNIT = f"""\
[Service]
Environment=PYTHONPATH={PATHS} PYTHONPYCACHEPREFIX=/run/lab/compiled
ExecStart=/usr/bin/python3 {__file__}
"""
# Nobody logs in, without udev the device of the console never comes, there is no kmod, and show-proc.service, which is
# for systemd-nspawn, takes the mount of this automount away.
MASKED = (
    "serial-getty@ttyS0.service",
    "ssh.service",
    "kmod-static-nodes.service",
    "proc-sys-fs-binfmt_misc.automount",
)
MODULE = """\
import sys
from ansible.module_utils import basic
from ansible_collections.linux.namespaces.plugins.modules import ns_boot
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.stdin.buffer.read(), "legacy"
ns_boot.main()
"""
TYPES = {"cgroup": "cgroup", "ipc": "ipc", "mnt": "mount", "net": "net", "pid": "pid"}
TYPES.update({"time": "time", "user": "user", "uts": "uts"})
"""By the name of a type, its option of nsenter(1)."""
FILES = (
    "/etc/linux-namespaces/*",
    "/usr/local/lib/linux-namespaces/*",
    "/etc/systemd/system/linux-namespaces*",
    "/etc/systemd/system/linux-namespaces*/*",
    "/etc/systemd/system/multi-user.target.wants/linux-namespaces*",
    # What a file is called until it is whole.
    "/etc/linux-namespaces/.*",
    "/usr/local/lib/linux-namespaces/.*",
    "/etc/systemd/system/.*",
    "/etc/systemd/system/linux-namespaces*/.*",
)
INSIDE = (
    "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups /proc/self/timens_offsets /proc/1/comm; uname -n;"
    " cat /proc/sys/kernel/domainname; exec cat /proc/self/mountinfo"
)
MOUNTS = ("/", "/proc", "/media")
"""The mounts that are looked at: the host has others early in its boot than later."""


def main() -> None:
    if os.getpid() == 1:
        prepare()
        os.execv("/sbin/init", ["/sbin/init"])
    serve()


def prepare() -> None:
    for fstype, place in (("proc", "/proc"), ("devtmpfs", "/dev"), ("tmpfs", "/run")):
        run("/bin/mount", "-t", fstype, fstype, place)
    run("/bin/mount", "-t", "ext4", "-o", "ro", "/dev/vdc", PROGRAMS)
    Path("/usr/lib/modules").mkdir(exist_ok=True)
    run("/bin/mount", "--bind", f"{PROGRAMS}/usr/lib/modules", "/usr/lib/modules")
    write("/run/modules-load.d/lab.conf", "veth\n")
    write(f"{UNITS}/lab.service", UNIT)
    link(f"{UNITS}/multi-user.target.wants/lab.service", "../lab.service")
    for unit in MASKED:
        link(f"{UNITS}/{unit}", "/dev/null")
    link("/run/lab/ansible", f"{PROGRAMS}/usr/lib/python3/dist-packages/ansible")
    link("/srv/.ansible/collections/ansible_collections/linux/namespaces", "../../../..")


def write(path: str, text: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_text(text)


def link(path: str, target: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(target, path)


def run(*words: str, given: str | None = None) -> str:
    """What a command says, whatever it ends with."""
    return subprocess.run(words, input=given, stdout=subprocess.PIPE, text=True, check=False).stdout


# ---- what is asked


def serve() -> None:
    """Answer line by line, from when the boot is over."""
    with open(LINE, "rb") as questions, open(LINE, "wb") as answers:
        tty.setraw(answers.fileno())
        run("systemctl", "is-system-running", "--wait")
        said: object = {"release": os.uname().release, "systemd": run("systemctl", "--version").split("\n")[0]}
        while True:
            answers.write(json.dumps(said).encode() + b"\n")
            answers.flush()
            name, argument = json.loads(questions.readline())
            said = DO[name](argument)


def declare(sets: object) -> object:
    """Run the module ns_boot as a task does; what it answers."""
    given = json.dumps({"ANSIBLE_MODULE_ARGS": {"sets": sets}})
    said = run(sys.executable, "-c", MODULE, given=given)
    return json.loads(said) if said else {"failed": True, "msg": "it said nothing"}


def write_files(contents: t.Mapping[str, str]) -> None:
    """What others than the module leave there, on the disk for sure."""
    for path, text in contents.items():
        Path(path).write_text(text)
    os.sync()


def restart(_nothing: object) -> None:
    run("systemctl", "reboot")


def files(_nothing: object) -> dict[str, str]:
    """What is installed, by path: where a link leads, or the bytes, each as a character."""
    found = {path for pattern in FILES for path in glob.glob(pattern)}
    return {path: content(path) for path in sorted(found) if os.path.islink(path) or os.path.isfile(path)}


def content(path: str) -> str:
    return os.readlink(path) if os.path.islink(path) else Path(path).read_bytes().decode("latin1")


def look(_nothing: object) -> dict[str, object]:
    """What the kernel and systemd say, without identities, when systemd has no more to do."""
    while run("systemctl", "list-jobs", "--no-legend").strip():
        time.sleep(0.5)
    names = {os.path.basename(path) for kind in TYPES for path in glob.glob(f"/run/{kind}ns/*")}
    units = dict(line.split()[0::2][:2] for line in listed("linux-namespaces*"))
    failed = [line.split()[0] for line in listed("--state=failed")]
    return {
        "sets": {name: look_at(name) for name in sorted(names)},
        "host": network([]),
        "units": units,
        "failed": {unit: run("journalctl", "--boot", "--output=cat", f"--unit={unit}").splitlines() for unit in failed},
        "multi-user": run("systemctl", "is-active", "multi-user.target").strip(),
    }


def listed(*words: str) -> list[str]:
    return run("systemctl", "list-units", "--all", "--plain", "--no-legend", *words).splitlines()


def look_at(name: str) -> dict[str, object]:
    handles = {kind: f"/run/{kind}ns/{name}" for kind in TYPES if os.path.lexists(f"/run/{kind}ns/{name}")}
    options = [f"--{TYPES[kind]}={path}" for kind, path in handles.items()]
    lines = run("nsenter", *options, "sh", "-c", INSIDE).splitlines()
    return {
        "types": run("stat", "--file-system", "--format=%n %T", *handles.values()).splitlines(),
        "inside": [line for line in lines if " - " not in line],
        "mounts": [mount for mount in map(mount_of, lines) if mount and mount[1] in MOUNTS],
        "network": network(["nsenter", f"--net={handles['net']}"]) if "net" in handles else None,
        "services": {unit: service(unit, handles) for unit in units_of(name)},
    }


def mount_of(line: str) -> list[str] | None:
    """Root, place, options, propagation without the numbers of the groups, type."""
    fields = line.split()
    if "-" not in fields:
        return None
    end = fields.index("-")
    return [*fields[3:6], *(field.partition(":")[0] for field in fields[6:end]), fields[end + 1]]


def network(enter: list[str]) -> dict[str, object]:
    def ip(*words: str) -> list[dict[str, t.Any]]:
        found: list[dict[str, t.Any]] = json.loads(run(*enter, "ip", "-json", "-details", *words) or "[]")
        return found

    links = ip("address")
    return {
        "links": {
            item["ifname"]: {
                "kind": item.get("linkinfo", {}).get("info_kind"),
                "state": item["operstate"],
                "mtu": item["mtu"],
                "peer": item.get("link"),
                "addresses": sorted(
                    f"{address['local']}/{address['prefixlen']}"
                    for address in item["addr_info"]
                    if not address["local"].startswith("fe80:")
                ),
            }
            for item in links
        },
        "routes": sorted(json.dumps(item) for family in ("-4", "-6") for item in ip(family, "route")),
        "rules": sorted(json.dumps(item) for family in ("-4", "-6") for item in ip(family, "rule")),
        "forwards": run(*enter, "cat", "/proc/sys/net/ipv4/ip_forward").strip(),
    }


def units_of(name: str) -> list[str]:
    units = [line.split()[0] for line in listed("linux-namespaces-*")]
    return [unit for unit in units if unit.replace(r"\x2b", "+").startswith(f"linux-namespaces-{name}:")]


def service(unit: str, handles: t.Mapping[str, str]) -> dict[str, object]:
    """What runs, and which of the namespaces of the set it is in."""
    pid = run("systemctl", "show", "--property=MainPID", "--value", unit).strip()
    if pid == "0":
        return {}
    # Where nsenter(1) has to start it in a PID namespace, the command is its child.
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    process = Path("/proc", *children[:1] or [pid])
    return {
        "command": (process / "cmdline").read_text().split("\0")[:-1],
        "inside": [kind for kind, path in handles.items() if os.path.samefile(process / "ns" / kind, path)],
        "maps": [(process / name).read_text() for name in ("uid_map", "gid_map", "timens_offsets")],
    }


DO: dict[str, t.Callable[[t.Any], object]] = {
    "declare": declare,
    "files": files,
    "look": look,
    "restart": restart,
    "write": write_files,
}

if __name__ == "__main__":
    main()
