# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of the capabilities, and which the caller has."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, privilege, process
from ansible_collections.linux.namespaces.tests.unit import support


def test_names_and_numbers() -> None:
    """As another program that knows them lists them, in the order of their values."""
    done = subprocess.run(["setpriv", "--list-caps"], check=True, capture_output=True, text=True)
    known = done.stdout.split()
    ours = sorted(privilege.CAPABILITIES, key=lambda name: privilege.CAPABILITIES[name])
    assert sorted(privilege.CAPABILITIES.values()) == list(range(len(ours)))
    assert ours[: len(known)] == known


@pytest.mark.parametrize("capability", ["setuid", "setgid", "sys_admin", "checkpoint_restore"])
def test_has(capability: str) -> None:
    """As root, as somebody else, and as somebody else who has a user namespace."""

    def work() -> tuple[bool, bool, bool]:
        root = privilege.has(capability)
        support.become_ordinary()
        ordinary = privilege.has(capability)
        process.unshare(nstypes.USER.flag)
        return root, ordinary, privilege.has(capability)

    assert support.forked(work) == (True, False, True)
