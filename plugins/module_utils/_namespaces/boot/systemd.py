# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The systemd of the host, asked by systemctl(1)."""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t

from ..errors import NamespaceError, during
from .units import Tools

_RUNS = "/run/systemd/system"
"""Is there where systemd is PID 1, see sd_booted(3)."""


def tools() -> Tools:
    """What the host has to run services with. Raises NamespaceError where systemd is not PID 1."""
    if not os.path.isdir(_RUNS):
        raise NamespaceError(
            "have namespaces from the boot on",
            f"systemd is not PID 1 here (there is no {_RUNS})",
            "use ns_persistent at each boot by what this host starts services with",
        )
    said = _run("--version").stdout.split()
    if len(said) < 2 or not said[1].isdigit():
        raise NamespaceError("ask for the version of systemd", f"systemctl says {' '.join(said)[:60]!r}")
    return Tools(int(said[1]), shutil.which("nsenter"))


def do(verb: str, *units: str) -> None:
    """Let systemd do it, with all of the units at a time; ask states() how that went. Raises NamespaceError."""
    if units or verb == "daemon-reload":
        _run(verb, *units)


def end(*units: str) -> None:
    """Stop the units, and let systemd forget those that failed. Raises NamespaceError."""
    do("stop", *units)
    do("reset-failed", *units)


def states(units: t.Sequence[str]) -> dict[str, str]:
    """What each of the units is, as active, inactive or failed. Raises NamespaceError."""
    return dict(zip(units, _run("is-active", *units).stdout.split())) if units else {}


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    with during(f"run systemctl {arguments[0]}"):
        return subprocess.run(
            ("systemctl", *arguments),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
