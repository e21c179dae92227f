# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices without netlink."""

from __future__ import annotations

import errno
import re
import socket
import subprocess
import typing as t

from ansible_collections.linux.namespaces.plugins.module_utils._kernel import netdev, nstypes, process
from ansible_collections.linux.namespaces.tests.unit import support

T = t.TypeVar("T")


def in_new_network(work: t.Callable[[], T]) -> T:
    def inside() -> T:
        process.unshare(nstypes.NET.flag)
        return work()

    return support.forked(inside)


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, text=True, stdout=subprocess.PIPE).stdout


def flags_of_all() -> dict[str, set[str]]:
    """By device, as rtnetlink has them; without those that tell what became of the others."""
    found = re.findall(r"^\d+: ([^:@]+).*<(.*)>", ip("-oneline", "link", "show"), re.MULTILINE)
    return {name: set(flags.split(",")) - {"NO-CARRIER", "LOWER_UP", "M-DOWN"} for name, flags in found}


def test_the_loopback_works() -> None:
    def work() -> tuple[int | None, int]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            code = support.code_of(lambda: sender.sendto(b"x", ("127.0.0.1", 9)))
            netdev.set_up("lo")
            netdev.set_up("lo")
            return code, sender.sendto(b"x", ("127.0.0.1", 9))

    assert in_new_network(work) == (errno.ENETUNREACH, 1)


def test_up_is_all_that_changes() -> None:
    """Of the device that is named, which has been given other flags before, and of no other one."""

    def work() -> tuple[dict[str, set[str]], ...]:
        ip("link", "add", name, "type", "veth", "peer", "name", "fifteen-lett")
        ip("link", "set", name, "arp", "off", "dynamic", "on")
        before = flags_of_all()
        netdev.set_up(name)
        return before, flags_of_all()

    name = "fifteen-letters"
    before, after = in_new_network(work)
    assert before[name] == {"BROADCAST", "MULTICAST", "NOARP", "DYNAMIC"}
    assert before.keys() >= {"lo", name, "fifteen-lett"}
    assert after == {**before, name: before[name] | {"UP"}}


def test_a_device_that_is_not_there() -> None:
    assert support.code_of(lambda: netdev.set_up("nothing0")) == errno.ENODEV


def test_without_privilege() -> None:
    def work() -> int | None:
        support.become_ordinary()
        return support.code_of(lambda: netdev.set_up("lo"))

    assert in_new_network(work) == errno.EPERM
