# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two names of a UTS namespace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process, uts
from ansible_collections.linux.namespaces.tests.unit import support


def names() -> tuple[str, str]:
    domain = Path("/proc/sys/kernel/domainname").read_bytes().decode("utf-8", "surrogateescape")
    return os.uname().nodename, domain.rstrip("\n")


@pytest.mark.parametrize("name", ["a", "x" * 64, "Ä", "a b", "\udcff"], ids=ascii)
def test_names(name: str) -> None:
    def work() -> tuple[str, str]:
        process.unshare(nstypes.UTS.flag)
        uts.set_hostname(name)
        uts.set_domainname(name[::-1])
        assert (uts.hostname(), uts.domainname()) == names()
        return names()

    before = names()
    assert support.forked(work) == (name, name[::-1])
    assert names() == before


def test_a_name_that_is_too_long() -> None:
    def work() -> int:
        process.unshare(nstypes.UTS.flag)
        for set_name in (uts.set_hostname, uts.set_domainname):
            with pytest.raises(OSError, match="Invalid argument"):
                set_name("x" * (uts.NAME_BYTES + 1))
        return uts.NAME_BYTES

    assert support.forked(work) == 64
