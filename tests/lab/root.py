# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the root file system that the lab's hosts have in common: Debian with systemd, sshd, Python and sudo.

    root.py FOLDER [SUITE]

As root. SUITE is a release of Debian, bookworm if omitted. The packages come from where the machine's own Debian
packages come from; where it is no Debian, from where mmdebstrap takes them.
"""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

SUITE = "bookworm"
PACKAGES = (
    "dbus",
    "iproute2",
    "iptables",
    "kmod",
    "libpam-systemd",
    "openssh-server",
    "procps",
    "psmisc",
    "python3",
    "python3-pyroute2",
    "strace",
    "sudo",
    "systemd-sysv",
    "uidmap",
)
# The ordinary users, with what sudo lets them do: one without a password, one with it, each time anew.
SUDOERS = {
    "ops": "ops ALL=(ALL) NOPASSWD: ALL\n",
    "asked": "asked ALL=(ALL) ALL\nDefaults:asked timestamp_timeout=0\n",
}
# Theirs are such that no user of the machine has: the hosts have no user namespace of their own.
FIRST_ID = 59998
# By this file the scenarios know that they may do what they like.
MARK = "etc/linux-namespaces-lab"

# systemd-nspawn hides parts of /proc, so that no fresh one can be mounted in a user namespace, and has /sys read-only.
SHOW_PROC = """\
[Unit]
Description=Show all of /proc, and have /sys as a machine has it
DefaultDependencies=no
Before=sysinit.target systemd-sysctl.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'while place=$(findmnt -nlRo TARGET /proc | sed 1d | tail -n1 | grep .); do umount -l $place; done'
ExecStart=/bin/mount -o remount,rw /sys

[Install]
WantedBy=sysinit.target
"""


def main(folder: str, suite: str = SUITE) -> int:
    root = Path(folder).resolve()
    bootstrap(root, suite, PACKAGES)
    for key in root.glob("etc/ssh/ssh_host_*"):
        key.unlink()
    (root / "etc/systemd/system/show-proc.service").write_text(SHOW_PROC)
    subprocess.run(["systemctl", f"--root={root}", "enable", "--quiet", "show-proc.service"], check=True)
    (root / MARK).touch()
    for number, (user, rules) in enumerate(SUDOERS.items(), FIRST_ID):
        words = ["useradd", f"--root={root}", f"--uid={number}", "--create-home", "--shell=/bin/bash", user]
        subprocess.run(words, check=True)
        sudoers = root / "etc/sudoers.d" / user
        sudoers.write_text(rules)
        sudoers.chmod(0o440)
    return 0


def bootstrap(folder: Path, suite: str, packages: t.Iterable[str], *options: str) -> None:
    """Make a root file system of Debian. Ends the program where that fails."""
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(packages)}", *options]
    lines = sources(suite)
    command += [suite, str(folder), *(["-"] if lines else [])]
    if subprocess.run(command, input="\n".join(lines), text=True, check=False).returncode:
        sys.exit(f"The file system of {suite} could not be made: mmdebstrap says why above.")


def sources(suite: str) -> list[str]:
    """The lines of sources.list for a suite of Debian, from the archives that this machine uses; none elsewhere."""
    command = [
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI) $(CODENAME)",
        "Created-By: Packages",
        "Origin: Debian",
    ]
    known = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.split()
    archives = dict(zip(known[1::2], known[::2], strict=True))
    base = [uri for name, uri in archives.items() if "-" not in name]
    security = [uri for name, uri in archives.items() if name.endswith("-security")]
    lines = [f"deb {uri} {suite} main" for uri in base[:1]]
    return lines + [f"deb {uri} {suite}-security main" for uri in security[:1]]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
