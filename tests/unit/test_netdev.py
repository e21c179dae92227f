# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Devices without netlink."""

from __future__ import annotations

import errno
import os
import re
import socket
import struct
import subprocess
import typing as t

import hypothesis
import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import netdev, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import strategies

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


def test_up_and_down() -> None:
    def work() -> list[bool]:
        found = [netdev.is_up("lo")]
        for up in (True, False):
            netdev.set_up("lo", up)
            found += [netdev.is_up("lo"), "UP" in flags_of_all()["lo"]]
        return found

    assert in_new_network(work) == [False, True, True, False, False]
    assert support.code_of(lambda: netdev.is_up("nothing0")) == errno.ENODEV


# ---- physical devices


def test_what_software_made_is_not_physical() -> None:
    """More of it than fits in one message of the kernel."""

    def work() -> tuple[list[str], int]:
        ip("link", "add", "bridge0", "type", "bridge")
        ip("tuntap", "add", "tap0", "mode", "tap")
        for number in range(60):
            ip("link", "add", f"a{number}", "type", "veth", "peer", "name", f"b{number}")
        return netdev.physical(), len(flags_of_all())

    physical, count = in_new_network(work)
    assert physical == []
    assert count >= 123


RTM_NEWLINK, NLMSG_ERROR, NLMSG_DONE = 16, 2, 3


def message(kind: int, content: bytes) -> bytes:
    """As netlink(7) has it."""
    length = 16 + len(content)
    return struct.pack("=IHHII", length, kind, 2, 1, 0) + content + bytes(-length % 4)


def link(name: str, arphrd: int, info: bytes | None = None) -> bytes:
    attributes = [(3, name.encode() + b"\0"), (4, struct.pack("=I", 1500))]
    if info is not None:
        # Nested attributes may be marked as such.
        attributes.append((18 | 0x8000, info))
    content = struct.pack("=BBHiII", 0, 0, arphrd, 7, 0, 0)
    for number, value in attributes:
        content += struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)
    return message(RTM_NEWLINK, content)


VETH = b"\x09\x00\x01\x00veth\0\0\0\0"


class Route(socket.socket):
    """A kernel with other devices than a test can have: none is without software in a new network namespace."""

    answers: t.ClassVar[list[bytes]] = []

    def __init__(self, *_arguments: object) -> None:
        super().__init__(socket.AF_UNIX, socket.SOCK_DGRAM)

    def setsockopt(self, *_arguments: t.Any) -> None:
        pass

    def sendto(self, request: t.Any, *_address: t.Any) -> int:
        return len(request)

    def recv(self, *_arguments: t.Any) -> bytes:
        return self.answers.pop(0)


@pytest.mark.parametrize("together", [False, True])
def test_physical_devices(monkeypatch: pytest.MonkeyPatch, together: bool) -> None:
    """Those without a kind: not the loopback, and not what software made."""
    messages = [
        link("lo", 772),
        link("eth0", 1),
        link("veth0", 1, VETH),
        link("wlp0s20f3", 1),
        link("ib0", 32),
        # A port of a bridge: IFLA_INFO_SLAVE_KIND, and no kind of its own.
        link("eth1", 1, b"\x0b\x00\x04\x00bridge\0\0"),
        message(NLMSG_DONE, bytes(4)),
    ]
    Route.answers = [b"".join(messages)] if together else list(messages)
    monkeypatch.setattr(socket, "socket", Route)
    assert netdev.physical() == ["eth0", "wlp0s20f3", "ib0", "eth1"]
    assert Route.answers == []


def test_an_answer_that_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    Route.answers = [message(NLMSG_ERROR, struct.pack("=i", -errno.EPERM) + bytes(16))]
    monkeypatch.setattr(socket, "socket", Route)
    assert support.code_of(netdev.physical) == errno.EPERM


# ---- all devices, and what a namespace is called


def test_links() -> None:
    def work() -> list[netdev.Link]:
        netdev.set_up("lo")
        ip("link", "add", "bridge0", "type", "bridge")
        ip("link", "add", "veth1", "type", "veth", "peer", "name", "veth2")
        ip("link", "set", "veth1", "up", "master", "bridge0")
        return sorted(netdev.links())

    assert set(in_new_network(work)) >= {
        netdev.Link("lo", "loopback", True),
        netdev.Link("bridge0", "bridge", False),
        netdev.Link("veth1", "veth", True),
        netdev.Link("veth2", "veth", False),
    }


@pytest.mark.parametrize("kind", ["dummy", "vrf", "wireguard", "ifb"])
def test_links_that_not_every_kernel_has(kind: str) -> None:
    def work() -> list[netdev.Link] | None:
        words = ("table", "10") if kind == "vrf" else ()
        try:
            ip("link", "add", "it", "type", kind, *words)
        except subprocess.CalledProcessError:
            return None
        return [found for found in netdev.links() if found.name == "it"]

    found = in_new_network(work)
    if found is None:
        pytest.skip(f"the kernel makes no device of this kind here; load the module {kind}")
    assert found == [netdev.Link("it", kind, False)]


def test_a_name_that_is_no_text() -> None:
    def work() -> list[str]:
        subprocess.run([b"ip", b"link", b"add", b"a\xff", b"type", b"bridge"], check=True)
        return [found.name for found in netdev.links() if found.kind == "bridge"]

    assert in_new_network(work) == ["a\udcff"]


def test_the_ids_of_network_namespaces() -> None:
    """A namespace gets one where something of it is told."""

    def work() -> tuple[int | None, int | None, int, int | None]:
        with support.inhabited("net") as pid, closing(os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)) as other:
            before = netdev.netnsid(other)
            ip("link", "add", "veth1", "type", "veth", "peer", "name", "veth2", "netns", str(pid))
            (told,) = re.findall(r"link-netnsid (\d+)", ip("link", "show", "veth1"))
            with closing(os.open("/proc/self/ns/net", os.O_RDONLY)) as own:
                return before, netdev.netnsid(other), int(told), netdev.netnsid(own)

    before, after, told, own = in_new_network(work)
    assert (before, after, own) == (None, told, None)


def test_what_is_no_network_namespace() -> None:
    with closing(os.open("/proc/self/ns/uts", os.O_RDONLY)) as other:
        assert support.code_of(lambda: netdev.netnsid(other)) == errno.EINVAL


def test_to_ask_for_an_id_takes_no_privilege() -> None:
    def work() -> int | None:
        support.become_ordinary()
        with closing(os.open("/proc/self/ns/net", os.O_RDONLY)) as own:
            return netdev.netnsid(own)

    assert in_new_network(work) is None


def test_a_device() -> None:
    content = link("eth0", 1)[16:]
    assert netdev.parse_link(content) == netdev.Link("eth0", "physical", False)
    assert netdev.parse_link(content[:16]) is None


@support.properties
@hypothesis.given(strategies.binary(max_size=64), strategies.booleans())
def test_garbage_is_no_device_and_no_id(content: bytes, behind_something_good: bool) -> None:
    start = link("eth0", 1)[16:] if behind_something_good else b""
    found = netdev.parse_link(start + content)
    assert found is None or found.name
    number = netdev.parse_netnsid(content)
    assert number is None or number != -1
