# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of the eight types against the kernel that runs."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes

NS_GET_NSTYPE = 0x2000B703 if os.uname().machine.startswith(("ppc", "mips", "sparc")) else 0xB703

every_type = pytest.mark.parametrize("kind", nstypes.ALL, ids=lambda kind: kind.name)


@every_type
def test_flag(kind: nstypes.NsType) -> None:
    with Path(f"/proc/self/ns/{kind.name}").open("rb") as file:
        assert fcntl.ioctl(file, NS_GET_NSTYPE) == kind.flag


@every_type
def test_limit(kind: nstypes.NsType) -> None:
    assert Path("/proc/sys", kind.limit.replace(".", "/", 1)).is_file()


def test_links() -> None:
    """No type and no link is missing, and those with a link for children of its own are the types that need a child."""
    links = {kind.name for kind in nstypes.ALL} | {kind.children_link for kind in nstypes.ALL}
    assert links == set(os.listdir("/proc/self/ns"))
    assert [kind.name for kind in nstypes.ALL if kind.children_only] == ["time", "pid"]
