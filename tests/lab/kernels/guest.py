# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PID 1 of a machine of run.py: set it up, run its commands, write the results to the last disk, and switch off."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import stat
import subprocess
import sys
import tarfile
import time
import traceback
from pathlib import Path

CHECKOUT = Path("/srv")
RESULTS = Path("/results")
RESULTS_DISK = "/dev/vdc"
RESTART = 0x1234567  # with -no-reboot, the end of the machine

MOUNTS = (
    ("proc", "/proc", "nosuid,nodev,noexec"),
    ("sysfs", "/sys", "nosuid,nodev,noexec"),
    ("devtmpfs", "/dev", "nosuid"),
    ("devpts", "/dev/pts", "nosuid,noexec,gid=5,mode=620,ptmxmode=666"),
    ("tmpfs", "/dev/shm", "nosuid,nodev"),
    ("mqueue", "/dev/mqueue", "nosuid,nodev,noexec"),
    ("cgroup2", "/sys/fs/cgroup", "nosuid,nodev,noexec"),
    ("tmpfs", "/run", "nosuid,nodev,mode=755"),
    ("tmpfs", "/tmp", "nosuid,nodev"),
    ("tmpfs", str(RESULTS), "nosuid,nodev"),
)
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "USER": "root",
    "NO_COLOR": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "TESTS_PATIENCE_SECONDS": "600",
    "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
    "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ansible/collections"),
}


def main() -> None:
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    for fstype, place, options in MOUNTS:
        Path(place).mkdir(exist_ok=True)
        run("mount", "-t", fstype, "-o", options, fstype, place)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        Path("/dev", name).symlink_to(f"/proc/self/fd/{number}")
    Path("/dev/fd").symlink_to("/proc/self/fd")
    Path("/dev/net").mkdir()
    os.mknod("/dev/net/tun", stat.S_IFCHR | 0o666, os.makedev(10, 200))  # what opens it loads the module
    Path("/run/mount").mkdir(exist_ok=True)  # mount(8) keeps it
    socket.sethostname("guest")
    run("mount", "--make-rshared", "/")
    run("modprobe", "virtio_net")
    run("ip", "link", "set", "lo", "up")
    link = CHECKOUT / ".ansible/collections/ansible_collections/linux/namespaces"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../../..")
    os.chdir(CHECKOUT)
    ended = {}
    for name, command in json.loads(Path("commands.json").read_text()).items():
        started = time.monotonic()
        code = run_and_reap([word.replace("RESULTS", str(RESULTS)) for word in command])
        ended[name] = {"code": code, "seconds": time.monotonic() - started}
    (RESULTS / "ended.json").write_text(json.dumps(ended))
    with tarfile.open(RESULTS_DISK, "w") as results:
        results.add(RESULTS, "")
    os.sync()


def run(*words: str) -> None:
    subprocess.run(words, check=True)


def run_and_reap(command: list[str]) -> int:
    child = subprocess.Popen(command)
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # noqa: BLE001 - whatever it is, the machine must end
        traceback.print_exc()
    sys.stdout.flush()
    ctypes.CDLL(None).reboot(RESTART)
