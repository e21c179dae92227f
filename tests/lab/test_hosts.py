# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab leaves nothing, however it ends. Below tests/sealed.py, with the root file system of `make hosts`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LAB = Path(__file__).parent
ROOT = LAB.parent.parent / ".ansible/lab/root"
COMMAND = (sys.executable, str(LAB / "hosts.py"), str(ROOT))
SECONDS = 60


def cgroups() -> set[str]:
    """Those of labs. One that was killed may have left some, which the next one removes."""
    script = "mount -t cgroup2 cgroup2 /sys/fs/cgroup && ls -d /sys/fs/cgroup/linux-namespaces-lab-*"
    words = ["unshare", "--mount", "--cgroup", "sh", "-c", script]
    listed = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return set(listed.stdout.split())


def processes() -> set[str]:
    return {name for name in os.listdir("/proc") if name.isdigit()}


def test_what_the_command_says_is_passed_on() -> None:
    before, groups = processes(), cgroups()
    script = 'ansible-inventory --list | grep -c "\\"ansible_host\\""; exit 3'
    ended = subprocess.run([*COMMAND, "2", "sh", "-c", script], stdout=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stdout.strip()) == (3, "2")
    assert processes() == before
    assert cgroups() <= groups


def test_ten_hosts_at_once() -> None:
    ended = subprocess.run(
        [*COMMAND, "10", "ansible", "all", "--forks", "10", "--module-name", "ping"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert ended.stdout.count("ping: pong") == 10


def test_a_lab_that_is_killed(tmp_path: Path) -> None:
    """Its hosts end with it, and the next one removes what outlives processes."""
    before, groups = processes(), cgroups()
    booted = tmp_path / "booted"
    with subprocess.Popen([*COMMAND, "1", "sh", "-c", f"touch {booted}; exec sleep {SECONDS}"]) as lab:
        limit = time.monotonic() + SECONDS
        while not booted.exists():
            assert time.monotonic() < limit
            time.sleep(0.1)
        assert len(cgroups() - groups) == 1
        lab.send_signal(signal.SIGKILL)
    while processes() != before:
        assert time.monotonic() < limit
        time.sleep(0.1)
    subprocess.run([*COMMAND, "1", "true"], check=True)
    assert cgroups() <= groups


def test_more_hosts_than_can_boot() -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_user_instances").read_text())
    if limit >= 500:
        pytest.skip("here all that it boots can boot")
    ended = subprocess.run([*COMMAND, "100", "true"], stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert f"fs.inotify.max_user_instances={limit}" in ended.stderr


@pytest.mark.parametrize("count", ["0", "101", "some"])
def test_a_count_that_is_none(count: str) -> None:
    ended = subprocess.run([*COMMAND, count, "true"], stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 2
    assert "COUNT is 1 to 100" in ended.stderr
