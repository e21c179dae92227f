# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices without netlink."""

from __future__ import annotations

import errno
import socket

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import netdev, nstypes, process
from ansible_collections.linux.namespaces.tests.unit import support


def test_set_up() -> None:
    def work() -> tuple[int | None, int]:
        process.unshare(nstypes.NET.flag)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            with pytest.raises(OSError, match="unreachable") as caught:
                sender.sendto(b"x", ("127.0.0.1", 9))
            netdev.set_up("lo")
            netdev.set_up("lo")
            return caught.value.errno, sender.sendto(b"x", ("127.0.0.1", 9))

    assert support.forked(work) == (errno.ENETUNREACH, 1)


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(OSError, match="No such device") as caught:
        netdev.set_up("nothing0")
    assert caught.value.errno == errno.ENODEV
