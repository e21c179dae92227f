# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of what outlives a boot share: a host of their own, and the program as systemd runs it there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot import archive, declared, folder
from ansible_collections.linux.namespaces.tests.unit import support

T = t.TypeVar("T")

HOST = ("mnt", "pid", "net", "uts", "ipc")
BUILT = "/run/boot.pyz"
"""The program, of this code; another one may be installed."""


def on_host(work: t.Callable[[], T], size: str = "50%") -> T:
    """Do the work as PID 1 of a host with an empty /etc and /usr/local/lib, for which there is so much space."""

    def prepared() -> T:
        for place in ("/etc", "/usr/local/lib"):
            support.mount_over("tmpfs", place, f"mode=755,size={size}")
        os.umask(0o077)
        Path(BUILT).write_bytes(archive.build())
        return work()

    return support.in_own_world(prepared, *HOST)


def declare(name: str, **options: t.Any) -> declared.Declared:
    """Write the definition of a set."""
    item = declared.parse(name, options)
    write(name, item.text())
    return item


def write(name: str, text: str) -> Path:
    """Write something where the definition of a set is."""
    path = Path(folder.path_of(name))
    path.parent.mkdir(exist_ok=True)
    path.parent.chmod(0o755)
    path.write_text(text)
    path.chmod(0o644)
    return path


class Told(t.NamedTuple):
    """What the program told, line by line."""

    code: int
    done: list[str]
    failed: list[str]


def boot(*arguments: str, given: object = None, python: str = sys.executable) -> Told:
    """Run the program."""
    done = subprocess.run(
        [python, "-I", BUILT, *arguments],
        check=False,
        input=json.dumps(given),
        capture_output=True,
        encoding="utf-8",
        cwd="/",
        env={},
    )
    return Told(done.returncode, done.stdout.splitlines(), done.stderr.splitlines())


def left() -> list[str]:
    """All that is in the directories of the host that are empty before."""
    return sorted(
        f"{place}/{name}"
        for top in ("/etc", "/usr/local/lib")
        for place, folders, files in os.walk(top)
        for name in (*folders, *files)
    )
