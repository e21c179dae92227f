# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The systemd of the host, asked by systemctl(1)."""

from __future__ import annotations

import os
import shutil
import typing as t

from ..errors import NamespaceError, during
from .units import Tools

RUNS = "/run/systemd/system"
"""Is there where systemd is PID 1, see sd_booted(3)."""

Run = t.Callable[..., t.Tuple[int, str, str]]
"""AnsibleModule.run_command(): the exit status and the outputs."""


class Systemd:
    """What it is asked for, and told, by systemctl(1). All raise NamespaceError."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def tools(self) -> Tools:
        """What the host has to run services with. Refused where systemd is not PID 1."""
        if not os.path.isdir(RUNS):
            raise NamespaceError(
                "have namespaces from the boot on",
                f"systemd is not PID 1 here (there is no {RUNS})",
                "run ns_persistent after each boot, for example from the controller",
            )
        said = self._systemctl("--version").split()
        if len(said) < 2 or not said[1].isdigit():
            raise NamespaceError("ask for the version of systemd", f"systemctl says {' '.join(said)[:60]!r}")
        return Tools(int(said[1]), shutil.which("nsenter"))

    def do(self, verb: str, *units: str) -> None:
        """Let systemd do it, with all of the units at a time; ask states() how that went."""
        if units:
            self._systemctl(verb, *units)

    def reload(self) -> None:
        """Let systemd read its files."""
        self._systemctl("daemon-reload")

    def end(self, *units: str) -> None:
        """Stop the units, and let systemd forget those that failed."""
        self.do("stop", *units)
        self.do("reset-failed", *units)

    def states(self, units: t.Sequence[str]) -> dict[str, str]:
        """What each of the units is, as active, inactive or failed."""
        return dict(zip(units, self._systemctl("is-active", *units).split())) if units else {}

    def unknown(self, units: t.Sequence[str]) -> list[str]:
        """Those of the units that systemd has no file of."""
        states = self._systemctl("show", "--property=LoadState", "--value", *units).split() if units else []
        return [unit for unit, state in zip(units, states) if state == "not-found"]

    def _systemctl(self, *arguments: str) -> str:
        with during(f"run systemctl {arguments[0]}"):
            return self._run(["systemctl", *arguments], handle_exceptions=False)[1]
