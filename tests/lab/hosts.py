# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boot hosts with systemd and sshd, run a command with their inventory, and take them away.

    hosts.py ROOT COUNT COMMAND ...

As root, with Ansible on the PATH; ROOT is what root.py made. All happens in namespaces that end with the script,
however it ends. The hosts reach nobody but each other, but are no prison: who is root there can be root here. The
command finds the inventory by ANSIBLE_INVENTORY. Its groups are `root` and `ordinary` (by the user of the login, where
an ordinary one becomes root by sudo), `pipelining` and `copying`; the hosts take turns in each of the four
combinations. There is one more user, `asked`, whom sudo asks for a password; it is another one in each lab, and
`lab_password` in the inventory.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import typing as t
import uuid
from pathlib import Path

HERE = Path(__file__).parent
INSIDE = "--inside"
NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup")
# PID 1 reaps; the hosts end with it.
SEAL = 'mount -t tmpfs -o mode=755 tmpfs /run; "$@"; exit'
CGROUPS = Path("/sys/fs/cgroup")
CGROUP = "linux-namespaces-lab-"
# The scenarios use the other two networks that are for documentation.
NETWORK = "203.0.113"
MOST_HOSTS = 100
WATCHERS = Path("/proc/sys/fs/inotify/max_user_instances")
WATCHERS_EACH = 5
"""Of a host that has booted. Where there are no more its systemd says nothing, and stops."""
FIRST_ADDRESS = 100
REBOOT = 133
BOOT_SECONDS = 60
USERS = ("root", "ops")
ASKED_USER = "asked"
PIPELINING = (True, False)


class Host(t.NamedTuple):
    """A host by its number, from 0."""

    number: int

    @property
    def name(self) -> str:
        """It is the name of the set of its network namespace, too."""
        return f"host-{self.number}"

    @property
    def address(self) -> str:
        """Where its sshd listens."""
        return f"{NETWORK}.{FIRST_ADDRESS + self.number}"

    @property
    def user(self) -> str:
        """Who logs in."""
        return USERS[self.number % 2]

    @property
    def pipelining(self) -> bool:
        """Whether modules go through the connection, and not by a file."""
        return PIPELINING[self.number // 2 % 2]


def main(arguments: list[str]) -> int:
    if arguments[:1] != [INSIDE]:
        return run_sealed(arguments)
    root, count, *command = arguments[1:]
    hosts = [Host(number) for number in range(int(count))]
    check_watchers(len(hosts))
    start = time.monotonic()
    # In a /run that nobody else has.
    place = Path("/run/lab")
    place.mkdir()
    make_networks(hosts)
    mount("-t", "cgroup2", "cgroup2", str(CGROUPS))
    key, password = make_key(place / "login"), secrets.token_hex()
    threads = []
    for host in hosts:
        prepare(host, Path(root), place, key, password)
        threads.append(threading.Thread(target=run, args=(host, place), daemon=True))
        threads[-1].start()
    for host, thread in zip(hosts, threads, strict=True):
        wait_for_sshd(host, place, thread)
    print(f"{len(hosts)} hosts answer after {time.monotonic() - start:.1f} s", file=sys.stderr)
    inventory = place / "inventory.json"
    inventory.write_text(json.dumps(describe(hosts, place, password), indent=2))
    return subprocess.run(command, env={**os.environ, "ANSIBLE_INVENTORY": str(inventory)}, check=False).returncode


def run_sealed(arguments: list[str]) -> int:
    if len(arguments) < 3 or not arguments[1].isdigit() or not 0 < int(arguments[1]) <= MOST_HOSTS:
        print(f"{__doc__}\nCOUNT is 1 to {MOST_HOSTS}.", file=sys.stderr)
        return 2
    sealed = ["setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc"]
    sealed += ["--propagation", "private", "sh", "-ec", SEAL, "sh", sys.executable, __file__, INSIDE, *arguments]
    remove_cgroups()
    try:
        return subprocess.run(sealed, check=False).returncode
    finally:
        remove_cgroups()


def remove_cgroups() -> None:
    """Those of hosts that have ended: they belong to no namespace, and one run may have been killed."""
    script = (
        f'mount -t cgroup2 cgroup2 "$0"; for top in "$0"/{CGROUP}*; do '
        '! grep -qs "^populated 0" "$top/cgroup.events" || find "$top" -depth -type d -exec rmdir {} +; done'
    )
    subprocess.run(["unshare", "--mount", "--cgroup", "sh", "-c", script, CGROUPS], check=False)


# ---- before they boot


def check_watchers(count: int) -> None:
    limit = int(WATCHERS.read_text())
    if count * WATCHERS_EACH > limit:
        raise SystemExit(
            f"{count} hosts do not boot with fs.inotify.max_user_instances={limit}: they take {WATCHERS_EACH} each, of "
            "root's of this machine. Boot fewer, or raise it"
        )


def make_networks(hosts: list[Host]) -> None:
    """A network namespace for each host, all at one bridge."""
    names = json.dumps({"name": [host.name for host in hosts], "types": ["net"]})
    words = ["ansible", "localhost", "--module-name", "linux.namespaces.ns_persistent", "--args", names]
    said = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if said.returncode:
        raise SystemExit(f"The network namespaces of the hosts could not be made:\n{said.stdout}")
    lines = ["link set lo up", "link add lab type bridge", f"address add {NETWORK}.1/24 dev lab", "link set lab up"]
    for host in hosts:
        near = f"lab{host.number}"
        lines.append(f"link add {near} master lab up type veth peer name host0 netns {host.name}")
    ip(lines)
    for host in hosts:
        ip([f"address add {host.address}/24 dev host0", "link set host0 up"], "-netns", host.name)


def ip(lines: t.Iterable[str], *options: str) -> None:
    subprocess.run(["ip", *options, "-batch", "-"], input="\n".join(lines), text=True, check=True)


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def make_key(path: Path) -> str:
    """Make a key for ssh; its public part."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path], check=True)
    return path.with_suffix(".pub").read_text()


def prepare(host: Host, root: Path, place: Path, key: str, password: str) -> None:
    """The file system of a host, over the common one, with keys of its own, and the password of who is asked for it."""
    for folder in ("upper", "work", "root"):
        (place / host.name / folder).mkdir(parents=True)
    top = place / host.name
    layers = f"lowerdir={root.resolve()},upperdir={top / 'upper'},workdir={top / 'work'}"
    mount("-t", "overlay", "-o", layers, host.name, str(top / "root"))
    make_key(top / "root/etc/ssh/ssh_host_ed25519_key")
    for home in ("root", "home/ops", f"home/{ASKED_USER}"):
        keys = top / "root" / home / ".ssh/authorized_keys"
        keys.parent.mkdir(mode=0o700, exist_ok=True)
        keys.write_text(key)
        owner = keys.parent.parent.stat()
        for path in (keys.parent, keys):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    subprocess.run(["chroot", top / "root", "chpasswd"], input=f"{ASKED_USER}:{password}\n", text=True, check=True)
    (top / "root/etc/hostname").write_text(f"{host.name}\n")


# ---- while they run


def run(host: Host, place: Path) -> None:
    """Boot the host, and again whenever it reboots, until it is switched off."""
    top = place / host.name
    cgroup = CGROUPS / f"{CGROUP}{uuid.uuid4()}"
    command = [
        *("sh", "-ec", 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"', "sh", str(cgroup)),
        # Already there, or its /sys would show the network that the lab itself has.
        *("nsenter", f"--net=/run/netns/{host.name}", "--"),
        *("systemd-nspawn", "--quiet", f"--directory={top / 'root'}", f"--machine={host.name}", "--boot"),
        *("--register=no", "--keep-unit", "--capability=all", "--console=pipe"),
        # What a machine lets its root do, beside the capabilities.
        "--system-call-filter=pidfd_getfd open_by_handle_at",
    ]
    with (top / "console").open("ab") as console:
        ended = REBOOT
        while ended == REBOOT:
            cgroup.mkdir(exist_ok=True)
            ended = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, check=False
            ).returncode


def wait_for_sshd(host: Host, place: Path, thread: threading.Thread) -> None:
    limit = time.monotonic() + BOOT_SECONDS
    while not answers(host):
        if time.monotonic() > limit or not thread.is_alive():
            said = (place / host.name / "console").read_text(errors="replace")[-4000:]
            raise SystemExit(f"{host.name} did not boot (within {BOOT_SECONDS} seconds):\n{said}")
        time.sleep(0.02)


def answers(host: Host) -> bool:
    try:
        with socket.create_connection((host.address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def describe(hosts: list[Host], place: Path, password: str) -> dict[str, t.Any]:
    """The inventory."""
    known = place / "known_hosts"
    lines = []
    for host in hosts:
        public = place / host.name / "root/etc/ssh/ssh_host_ed25519_key.pub"
        lines.append(f"{host.address} {public.read_text()}")
    known.write_text("".join(lines))
    common = {
        "ansible_ssh_private_key_file": str(place / "login"),
        "ansible_ssh_common_args": f"-F none -o UserKnownHostsFile={known}",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_remote_tmp": "~/.ansible/tmp",
        "lab_password": password,
    }
    groups: dict[str, t.Any] = {
        "lab": {"hosts": {host.name: {"ansible_host": host.address} for host in hosts}, "vars": common},
        "root": {"hosts": {}, "vars": {"ansible_user": "root"}},
        "ordinary": {"hosts": {}, "vars": {"ansible_user": "ops", "ansible_become": True}},
        "pipelining": {"hosts": {}, "vars": {"ansible_pipelining": True}},
        "copying": {"hosts": {}, "vars": {"ansible_pipelining": False}},
    }
    for host in hosts:
        groups["root" if host.user == "root" else "ordinary"]["hosts"][host.name] = {}
        groups["pipelining" if host.pipelining else "copying"]["hosts"][host.name] = {}
    return groups


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
