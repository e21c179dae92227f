# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The id of a machine that is of this collection alone."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import machine
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import given
from hypothesis import strategies as st

ID = "5a2bd34ffb2a4d5aa7bcb24c6da2bc1a"


@pytest.mark.skipif(shutil.which("systemd-id128") is None, reason="needs systemd-id128")
def test_what_systemd_makes_of_the_same(tmp_path: Path) -> None:
    (tmp_path / "id").write_text(f"{ID}\n")
    command = ["systemd-id128", "machine-id", f"--app-specific={machine.APPLICATION.hex()}"]

    def work() -> str:
        support.bind(tmp_path / "id", "/etc/machine-id")
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()

    assert machine.id_from(f"{ID}\n") == support.secluded(work).strip()


def test_it_is_always_the_same_and_says_nothing() -> None:
    found = machine.id_from(ID)
    assert found == machine.id_from(f"{ID}\n") == "fbf385851b2844d197e687387dfc8333"
    assert uuid.UUID(found).version == 4
    assert found != machine.id_from(ID.replace("5a", "5b"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "uninitialized\n",
        "0" * 32,
        ID[1:],
        ID + "0",
        ID + "\n\n",
        ID + "\nx",
        ID.upper(),
        " " + ID,
        "\u0661" * 32,
    ],
)
def test_what_is_no_id(text: str) -> None:
    assert machine.id_from(text) is None


@given(st.text())
def test_garbage(text: str) -> None:
    assert machine.id_from(text) is None
