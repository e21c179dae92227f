# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces brought to what is asked, and back."""

from __future__ import annotations

import contextlib
import errno
import functools
import gc
import os
import socket
import struct
import subprocess
import typing as t

import hypothesis
import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import netdev, nstypes, process, rtnetlink
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import (
    carry_out,
    decode,
    places,
    read,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.difference import difference
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.draft import Touched
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.model import (
    PHYSICAL,
    Link,
    Request,
    State,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.parse import parse
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.plan import plan
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.shape import options_of
from ansible_collections.linux.namespaces.tests.unit import networks, support
from ansible_collections.linux.namespaces.tests.unit.networks import (
    BLUE,
    GREEN,
    HOME,
    addresses,
    asking,
    bring,
    brought,
    failure,
    ip,
    links,
    peer,
    refusal,
    route,
    routes,
    rule,
    there_and_back,
    wish,
    world,
)
from hypothesis import strategies

_MRT_INIT, _MRT_ADD_VIF, _VIFF_REGISTER = 200, 202, 4

ETH0 = wish(
    "eth0",
    "veth",
    peer=peer("blue0", addresses=("10.9.0.1/24",), up=True),
    addresses=("10.9.0.2/24", "fd00::2/64"),
    up=True,
)


# ---- links


@world
def test_a_veth_to_where_the_task_runs() -> None:
    words = there_and_back(asking(ETH0))
    assert words == (
        "link add eth0 type veth peer name blue0",
        "link set eth0 up",
        "link set blue0 up (in the network namespace of the task)",
        "addr add 10.9.0.2/24 dev eth0",
        "addr add fd00::2/64 dev eth0",
        "addr add 10.9.0.1/24 dev blue0 (in the network namespace of the task)",
    )
    assert addresses("eth0") == ["10.9.0.2/24", "fd00::2/64"]
    assert addresses("blue0", HOME) == ["10.9.0.1/24"]
    assert {"UP", "LOWER_UP"} <= set(links()["eth0"]["flags"])


@world
def test_a_veth_to_another_set_asked_from_both() -> None:
    brought(asking(wish("to-green", "veth", peer=peer("to-blue", GREEN), up=True, addresses=("10.8.0.1/24",))))
    other = asking(wish("to-blue", "veth", peer=peer("to-green", BLUE, up=True), up=True, addresses=("10.8.0.2/24",)))
    assert there_and_back(other, GREEN) == ("link set to-blue up", "addr add 10.8.0.2/24 dev to-blue")
    assert addresses("to-blue", GREEN) == ["10.8.0.2/24"]


@world
@pytest.mark.parametrize("order", [1, -1])
def test_a_veth_with_both_ends_inside(order: int) -> None:
    """Asked as two links that are each other's peer, in both orders."""
    wishes = [
        wish("p1", "veth", peer=peer("p2", BLUE), up=True, addresses=("10.1.0.1/24",)),
        wish("p2", "veth", peer=peer("p1", BLUE), up=True, addresses=("10.1.0.2/24",)),
    ]
    words = there_and_back(asking(*wishes[::order]))
    assert len([text for text in words if text.startswith("link add")]) == 1
    assert (addresses("p1"), addresses("p2")) == (["10.1.0.1/24"], ["10.1.0.2/24"])


@world
def test_a_veth_with_both_ends_inside_as_one_link() -> None:
    it = wish("p1", "veth", peer=peer("p2", BLUE, up=True, addresses=("10.1.0.2/24",)), up=True)
    there_and_back(asking(it))
    assert addresses("p2") == ["10.1.0.2/24"]
    there_and_back(asking(it._replace(peer=peer("p2", BLUE, up=False, absent=("10.1.0.2/24",)))))


@world
def test_a_peer_is_a_port_where_it_is() -> None:
    """As of a container: the bridge is on the host."""
    for name in ("br0", "br1"):
        ip("link", "add", name, "type", "bridge")
    it = wish("eth0", "veth", peer=peer("blue0", up=True, master="br0"), up=True)
    brought(asking(it))
    assert links(HOME)["blue0"]["master"] == "br0"
    there_and_back(asking(it._replace(peer=peer("blue0", master="br1"))))
    there_and_back(asking(it._replace(peer=peer("blue0", master=""))))
    there_and_back(asking(wish("eth0", absent=True)))
    with pytest.raises(NamespaceError, match="make blue0 in the namespace where the task runs a port of nowhere"):
        bring(asking(it._replace(peer=peer("blue0", master="nowhere"))))


@world
def test_what_is_asked_of_a_peer_inside_is_asked_of_that_link_too() -> None:
    brought(
        asking(
            wish("p1", "veth", peer=peer("p2", BLUE, up=True, addresses=("10.1.0.2/24",))),
            wish("p2", mtu=1400, addresses=("10.1.0.3/24",)),
        )
    )
    assert addresses("p2") == ["10.1.0.2/24", "10.1.0.3/24"]
    assert "UP" in links()["p2"]["flags"]


@world
def test_a_link_is_removed_with_its_peer_named() -> None:
    brought(asking(wish("p1", "veth", peer=peer("p2", BLUE))))
    there_and_back(asking(wish("p1", "veth", absent=True, peer=peer("p2", BLUE))))
    assert links() == {}
    assert bring(asking(wish("p1", absent=True))).changes == ()


@world
def test_all_that_a_link_can_be_changed_to() -> None:
    brought(asking(ETH0, wish("br0", "bridge"), wish("br1", "bridge")))
    changed = wish(
        "eth0", mtu=1400, mac="02:00:00:00:00:05", master="br0", up=False, addresses=("10.9.0.3/24",),
        without=("10.9.0.2/24",), peer=peer("blue0", up=False, addresses=("10.9.0.9/24",), absent=("10.9.0.1/24",)),
    )  # fmt: skip
    there_and_back(asking(changed))
    shown = links()["eth0"]
    assert (shown["mtu"], shown["address"], shown["master"]) == (1400, "02:00:00:00:00:05", "br0")
    there_and_back(asking(wish("eth0", master="br1")))
    there_and_back(asking(wish("eth0", master="")))


@world
def test_a_bridge_with_options_and_ports() -> None:
    options = {"stp_state": True, "priority": 4096, "max_age": 1000}
    request = asking(
        wish("p1", "veth", peer=peer("h1"), master="br0", up=True),
        wish("br0", "bridge", options=options, up=True, mtu=1400),
    )
    there_and_back(request)
    info = links()["br0"]["linkinfo"]["info_data"]
    assert [info[name] for name in options] == [1, 4096, 1000]
    there_and_back(asking(wish("br0", options={"stp_state": False, "ageing_time": 1000})))
    there_and_back(asking(wish("br0", absent=True)))
    assert "master" not in links()["p1"]


UPON: dict[str, dict[str, t.Any]] = {
    "macvlan": {"mode": "bridge"},
    "ipvlan": {"mode": "l2"},
    "vlan": {"id": 100},
}


@pytest.mark.parametrize("kind", UPON)
@pytest.mark.parametrize("where", [BLUE, GREEN, HOME])
def test_a_link_upon_another_one(kind: str, where: str) -> None:
    """Also of the same name, in another namespace."""
    networks.need(kind)

    def work() -> None:
        ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0p", at=where)
        ip("link", "set", "eth0", "up", at=where)
        name = "it" if where == BLUE else "eth0"
        there = {} if where == BLUE else {"link_namespace": where}
        options = {"link": "eth0", **there, **UPON[kind]}
        told = there_and_back(asking(wish(name, kind, options=options, addresses=("10.3.0.1/24",), mtu=1300)))
        where_made = "" if where == BLUE else f" netns {BLUE}"
        made = name if where == BLUE else "new0"
        assert told[0].startswith(f"link add {made} link eth0{where_made} type {kind}")
        assert "namespace  " not in told[0]
        brought(asking(wish(name, kind, options=options)))
        error = refusal(asking(wish(name, kind, options={**options, "link": "lo"})))
        assert "its link is eth0 and can not become lo" in str(error)
        there_and_back(asking(wish(name, absent=True)))

    networks.in_world(work)


def test_an_ipvlan_takes_no_mac() -> None:
    networks.need("ipvlan")

    def work() -> None:
        ip("link", "add", "br0", "type", "bridge", at=BLUE)
        error = refusal(asking(wish("it", "ipvlan", options={"link": "br0"}, mac="02:00:00:00:00:05")))
        assert "has the mac of the link that it is upon" in str(error)

    networks.in_world(work)


@world
def test_links_upon_one_another_in_any_order() -> None:
    request = asking(
        wish("mv2", "macvlan", options={"link": "p2"}),
        wish("mv1", "macvlan", options={"link": "br0"}, master="br1"),
        wish("p1", "veth", peer=peer("p2", BLUE)),
        wish("br1", "bridge"),
        wish("br0", "bridge"),
    )
    there_and_back(request)
    there_and_back(asking(wish("br0", absent=True), wish("p2", absent=True)))
    assert set(links()) == {"br1"}


@world
def test_a_link_is_set_up_after_the_one_that_it_is_upon() -> None:
    """The kernel refuses it for a vlan otherwise (ENETDOWN)."""
    upper, lower = wish("mv0", "macvlan", options={"link": "br0"}, up=True), wish("br0", "bridge", up=True)
    words = there_and_back(asking(upper, lower))
    assert words.index("link set br0 up") < words.index("link set mv0 up")
    brought(asking(wish("mv0", up=False), wish("br0", up=False)))
    words = there_and_back(asking(wish("mv0", up=True), lower))
    assert words.index("link set br0 up") < words.index("link set mv0 up")


def test_links_that_are_upon_each_other() -> None:
    """As the kernel tells of the two ends of a netkit, which no task can make."""
    links = {
        name: Link(name, number, "netkit", False, 1500, "", "", (), {"link": other})
        for number, (name, other) in enumerate((("eth0", "eth1"), ("eth1", "eth0")), 2)
    }
    request = asking(wish("eth0", up=True), wish("eth1", up=True))
    planned = plan(State(links, {}, [], {}), request, BLUE, lambda _namespace, _name: None)
    assert [step.words for step in planned.steps] == ["link set eth0 up", "link set eth1 up"]


@world
def test_links_upon_one_another_in_a_circle() -> None:
    error = refusal(asking(wish("a", "macvlan", options={"link": "b"}), wish("b", "macvlan", options={"link": "a"})))
    assert "go in a circle" in str(error)


@world
def test_a_vxlan() -> None:
    options = {"id": 7, "local": "10.5.0.1", "remote": "10.5.0.2", "dstport": 4789, "ttl": 9, "learning": False}
    there_and_back(asking(wish("vx", "vxlan", options=options, up=True)))
    there_and_back(
        asking(wish("under", "bridge"), wish("vx6", "vxlan", options={"id": 8, "local": "fd00::1", "link": "under"}))
    )
    there_and_back(asking(purge=["links"]))
    assert links() == {}


@pytest.mark.parametrize("kind", ["dummy", "wireguard"])
def test_a_link_without_options(kind: str) -> None:
    networks.need(kind)
    networks.in_world(lambda: there_and_back(asking(wish("it", kind, up=True, addresses=("10.0.0.1/24",)))))


def test_a_vrf_with_a_port() -> None:
    networks.need("vrf")

    def work() -> None:
        brought(asking(ETH0, route("10.77.0.0/16", via="10.9.0.1"), route("fd77::/64", via="fd00::1")))
        brought(asking(wish("red", "vrf", options={"table": 77}, up=True)))
        there_and_back(asking(wish("eth0", master="red")))

    networks.in_world(work)


def test_options_of_a_bond_that_do_not_go_together() -> None:
    networks.need("bond")
    for options in ({"updelay": 100}, {"mode": "balance-rr", "lacp_rate": "fast"}):
        request = asking(wish("bond0", "bond", options=options))
        error = networks.in_world(functools.partial(failure, request))
        assert "does not take these options together" in str(error) or "not supported in mode" in str(error)


def test_a_bond_with_ports() -> None:
    networks.need("bond")

    def work() -> None:
        brought(asking(ETH0, route("10.77.0.0/16", via="10.9.0.1")))
        options = {"mode": "802.3ad", "miimon": 100, "lacp_rate": "fast", "xmit_hash_policy": "layer3+4"}
        brought(asking(wish("bond0", "bond", options=options, up=True)))
        there_and_back(asking(wish("eth0", master="bond0", up=True)))
        brought(asking(wish("eth0", master="bond0")))
        brought(asking(route("10.77.0.0/16", via="10.9.0.1")))
        for left in (wish("eth0", master=""), wish("bond0", absent=True)):
            there_and_back(asking(left))
            assert routes() == ["10.77.0.0/16 via 10.9.0.1 dev eth0 proto 4"]
            assert "UP" in links()["eth0"]["flags"]
            bring(asking(wish("bond0", "bond", options=options, up=True), wish("eth0", master="bond0")))
            brought(asking(route("10.77.0.0/16", via="10.9.0.1")))

    networks.in_world(work)


# ---- addresses


@world
def test_addresses_of_the_loopback() -> None:
    """Those that the kernel gives it may be asked for too."""
    asked = ("127.0.0.1/8", "127.0.0.2/8", "10.0.0.1/32", "::1/128", "fd00::1/128")
    assert "addr add 127.0.0.1/8 dev lo" not in brought(asking(wish("lo", up=True, addresses=asked))).changes
    bring(asking(purge=["addresses"]))
    there_and_back(asking(wish("lo", up=True, addresses=asked)))
    assert addresses("lo") == sorted(asked)
    words = there_and_back(asking(purge=["addresses"]))
    assert addresses("lo") == ["127.0.0.1/8", "::1/128"]
    assert not {"addr del 127.0.0.1/8 dev lo", "addr del ::1/128 dev lo"} & {*words}


@world
def test_an_address_that_is_link_local() -> None:
    """What a router is called by its hosts is asked for, others come from the kernel."""
    ip("link", "add", "br0", "type", "bridge", at=BLUE)
    there_and_back(asking(wish("br0", up=True, addresses=("fe80::1/64", "169.254.1.1/16"))))
    before = ip("-6", "addr", "show", "dev", "br0", at=BLUE)
    assert "fe80::1/64" in before
    brought(asking(purge=["addresses"]))
    left = ip("-6", "addr", "show", "dev", "br0", at=BLUE)
    assert "fe80::1/64" not in left


@world
def test_an_address_that_the_kernel_made_may_be_asked_for() -> None:
    brought(asking(wish("eth0", "veth", peer=peer("blue0", up=True), up=True, mac="02:00:00:00:00:05")))
    support.wait_for(lambda: "fe80::ff:fe00:5" in ip("addr", at=BLUE))
    assert bring(asking(wish("eth0", addresses=("fe80::ff:fe00:5/64",)), purge=["addresses"])).changes == ()


@world
def test_secondary_addresses_stay_when_the_primary_one_goes() -> None:
    three = ("10.9.0.2/24", "10.9.0.3/24", "10.9.0.4/24")
    brought(asking(wish("eth0", "veth", peer=peer("blue0", addresses=three, up=True), addresses=three, up=True)))
    brought(asking(route("10.77.0.0/16", via="10.9.0.9"), route("10.78.0.0/16", dev="eth0", src="10.9.0.3")))
    there_and_back(asking(wish("eth0", without=("10.9.0.2/24",))))
    there_and_back(asking(wish("eth0", peer=peer("blue0", absent=("10.9.0.2/24",)))))
    brought(asking(wish("eth0", peer=peer("blue0", absent=("10.9.0.2/24",)))))
    assert addresses("blue0", HOME) == ["10.9.0.3/24", "10.9.0.4/24"]
    there_and_back(asking(wish("eth0", addresses=("10.9.0.4/24",)), purge=["addresses"]))
    assert addresses("eth0") == ["10.9.0.4/24"]


@world
def test_what_an_mtu_takes_away_is_in_before() -> None:
    """Check mode does not know of that."""
    brought(asking(ETH0, route("fd01::/64", via="fd00::1")))
    before = networks.dump()
    results = bring(asking(wish("eth0", mtu=1000)))
    assert addresses("eth0") == ["10.9.0.2/24"]
    brought(results.before)
    networks.unchanged(before)


@world
def test_addresses_that_could_not_be_brought_back() -> None:
    brought(asking(ETH0))
    link = ("dev", "eth0")
    for words, address, beyond in (
        (("10.88.0.1", "peer", "10.88.0.2/32"), "10.88.0.1/32", "peer 10.88.0.2"),
        (("10.88.0.1/24", "scope", "link"), "10.88.0.1/24", "scope link"),
        (("fd88::1/64", "noprefixroute"), "fd88::1/64", "noprefixroute"),
    ):
        ip("addr", "add", *words, *link, at=BLUE)
        assert f"{address} of eth0: it has {beyond}" in str(refusal(asking(purge=["addresses"])))
        with_peer = asking(wish("eth0", without=("10.88.0.1/32",)))
        assert ("it has peer" in str(refusal(with_peer))) if "peer" in words else not bring(with_peer).changes
        brought(asking(wish("br0", "bridge")))
        ip("addr", "del", *words[:3], *link, at=BLUE)
    ip("addr", "add", "10.88.0.1/24", "scope", "link", *link, at=BLUE)
    kept = wish("eth0", addresses=("10.88.0.1/24",))
    assert "addr del 10.88.0.1/24 dev eth0" not in bring(asking(kept, purge=["addresses"])).changes


@world
@pytest.mark.parametrize("keep", ["0", "1"])
def test_both_ends_keep_their_addresses_when_they_are_set_down(keep: str) -> None:
    for at in (BLUE, HOME):
        networks.set_sysctl("net.ipv6.conf.all.keep_addr_on_down", keep, at)
    it = ETH0._replace(peer=peer("blue0", addresses=("10.9.0.1/24", "fd00::1/64"), up=True))
    brought(asking(it))
    words = there_and_back(asking(wish("eth0", up=False, peer=peer("blue0", up=False))))
    assert {"addr add fd00::2/64 dev eth0", "addr add fd00::1/64 dev blue0 (in the network namespace of the task)"} <= {
        *words
    }
    assert (addresses("eth0"), addresses("blue0", HOME)) == (
        ["10.9.0.2/24", "fd00::2/64"],
        ["10.9.0.1/24", "fd00::1/64"],
    )


# ---- routes


@world
def test_all_types_of_routes() -> None:
    brought(asking(ETH0, wish("lo", up=True)))
    request = asking(
        route("default", via="10.9.0.1"),
        route("::/0", via="fd00::1"),
        route("10.1.0.0/16", via="10.9.0.1", dev="eth0", src="10.9.0.2", metric=7),
        route("10.1.0.0/16", via="10.9.0.3", metric=8),
        route("10.2.0.0/16", dev="eth0", table=1000),
        route("fd02::/64", dev="eth0", table=1000, src="fd00::2"),
        route("fd03::/64", via="fe80::1", dev="eth0"),
        *(
            route(dst.format(number), type=kind, table=table)
            for number, kind in enumerate(("blackhole", "unreachable", "prohibit", "throw"), 4)
            for dst in ("10.{}.0.0/16", "fd0{}::/64")
            for table in (254, 100)
        ),
        route("10.8.0.0/16", type="local", dev="lo", table=100),
        route("fd08::/64", type="local", dev="lo", table=100),
        route("10.9.9.9/32", dev="eth0", table=255),
    )
    words = there_and_back(request)
    assert words[0] == "route add default via 10.9.0.1"
    assert words[2] == "route add 10.1.0.0/16 via 10.9.0.1 dev eth0 src 10.9.0.2 metric 7"
    assert "route add throw fd07::/64 table 100 metric 1024" in words


@world
def test_a_route_is_replaced_and_removed() -> None:
    brought(
        asking(ETH0, route("default", via="10.9.0.1"), route("::/0", via="fd00::1"), route("10.1.0.0/16", dev="eth0"))
    )
    assert there_and_back(asking(route("default", via="10.9.0.3"))) == ("route replace default via 10.9.0.3",)
    there_and_back(asking(route("::/0", type="unreachable"), route("10.1.0.0/16", type="blackhole")))
    there_and_back(asking(route("10.1.0.0/16", dev="eth0", src="10.9.0.2")))
    there_and_back(asking(route("default", absent=True), route("::/0", absent=True)))
    assert not [text for text in routes() if text.startswith("default")]
    assert bring(asking(route("default", absent=True))).changes == ()


RENUMBERED = {
    "default": route("::/0", via="fd00:2::2"),
    "another way": route("fd00:8::/64", via="fd00:2::2"),
    "another link": route("fd00:8::/64", dev="br0"),
    "no way": route("fd00:8::/64", type="prohibit"),
    "another way of IPv4": route("10.8.0.0/24", via="10.2.0.2"),
    "another link of IPv4": route("10.8.0.0/24", dev="br0"),
    "no way of IPv4": route("10.8.0.0/24", type="blackhole"),
}


@world
@pytest.mark.parametrize("case", RENUMBERED)
@pytest.mark.parametrize("purge", [False, True])
def test_an_address_and_a_route_over_it_are_changed_at_once(case: str, purge: bool) -> None:
    """Which routes the kernel takes away with an address depends on the family and on what else the link has."""
    old = ("10.1.0.1/24", "fd00:1::1/64")
    e0 = wish("e0", "veth", peer=peer("blue0", up=True), addresses=old, up=True)
    brought(asking(e0, wish("br0", "bridge", addresses=("10.3.0.1/24",), up=True)))
    over = {"10.1.0.2": ("10.7.0.0/24", "10.8.0.0/24"), "fd00:1::2": ("::/0", "fd00:8::/64")}
    brought(asking(*(route(dst, via=via) for via, dsts in over.items() for dst in dsts)))
    for new in (("10.1.0.9/24", "fd00:1::9/64"), ("10.2.0.1/24", "fd00:2::1/64"), ()):
        wanted = RENUMBERED[case]
        if wanted.route.via and "2.0.1" not in "".join(new):
            continue
        changed = wish("e0", addresses=new, without=() if purge else old)
        request = asking(changed, wish("br0", addresses=("10.3.0.1/24",)), wanted)
        there_and_back(request._replace(purge=frozenset(["addresses"] if purge else [])))


@world
def test_a_route_of_the_kernel_is_not_taken_over() -> None:
    """It is as asked already, or is in the way."""
    brought(asking(ETH0))
    before = networks.dump()
    for asked in (
        route("10.9.0.0/24", dev="eth0"),
        route("10.9.0.0/24", via="10.9.0.1"),
        route("10.9.0.0/24", type="blackhole"),
    ):
        networks.failure(asking(asked))
    networks.unchanged(before)


@world
def test_routes_that_go_when_a_link_is_set_down_come_back() -> None:
    brought(
        asking(ETH0, route("default", via="10.9.0.1"), route("::/0", via="fd00::1"), route("fd02::/64", dev="eth0"))
    )
    there_and_back(asking(wish("eth0", up=False)))
    assert routes() == []


@world
def test_a_route_over_a_link_that_is_down() -> None:
    bring(asking(ETH0))
    error = failure(asking(wish("eth0", up=False), route("10.5.0.0/24", dev="eth0")))
    assert "ENETDOWN" in str(error)
    assert error.remedy == "set it up first, with up true"


@world
def test_a_gateway_that_nothing_leads_to() -> None:
    request = asking(route("default", via="10.77.0.1"))
    (warning,) = bring(request, check=True).warnings
    assert "leads to 10.77.0.1" in warning
    error = networks.failure(request)
    assert "ENETUNREACH" in str(error)
    assert "give a link an address of its network first" in str(error)


def test_a_route_from_an_address_that_is_just_added() -> None:
    """The kernel takes it only when it has made sure that nobody else has that address."""
    # Nothing is done elsewhere between the address and the route.
    eth0 = wish("eth0", "veth", peer=peer("blue0", up=True), addresses=("fd00::2/64",), up=True)

    def work() -> None:
        bring(asking(eth0, route("fd02::/64", dev="eth0", src="fd00::2")))
        assert "src fd00::2" in ip("-6", "route", "show", "fd02::/64", at=BLUE)

    networks.in_world(work, duplicates=True)


# ---- rules


@world
def test_rules() -> None:
    request = asking(
        rule(100, 1000, src="10.0.0.0/8"),
        rule(100, 1001, dst="10.0.0.0/8", fwmark="5"),
        rule(1000, 1002, iif="eth0", oif="lo", fwmark="5/255"),
        rule(254, 1003, family="ipv6", src="fd00::/64"),
        rule(100),
    )
    words = there_and_back(request)
    assert words[0] == "rule add priority 1000 from 10.0.0.0/8 lookup 100"
    brought(request)
    there_and_back(
        asking(
            rule(100, 1000, src="10.0.0.0/8", absent=True),
            rule(1000, absent=True, iif="eth0", oif="lo", fwmark="5/255"),
        )
    )
    there_and_back(asking(rule(254, 1003, family="ipv6", src="fd00::/64"), purge=["rules"]))
    kept = ip("rule", at=BLUE) + ip("-6", "rule", at=BLUE)
    assert [line.split(":")[0] for line in kept.splitlines()] == ["0", "32766", "32767", "0", "1003", "32766"]


@world
def test_a_rule_that_somebody_else_made() -> None:
    ip("rule", "add", "from", "10.0.0.0/8", "lookup", "100", "priority", "5", at=BLUE)
    assert bring(asking(rule(100, 5, src="10.0.0.0/8"))).changes == ()
    there_and_back(asking(rule(100, 5, src="10.0.0.0/8", absent=True)))


@world
def test_all_rules_that_have_what_is_told_of_one_that_is_absent() -> None:
    one, other, same = rule(100, 10, src="10.0.0.0/8"), rule(101, 10, iif="eth0"), rule(100, 11)
    brought(asking(one, other, same))
    for options, left in (
        ({"priority": 10}, [11]),
        ({"table": "100"}, [10]),
        ({"table": "100", "from": ""}, [10, 10]),
        ({"table": "100", "iif": "eth0"}, [10, 10, 11]),
    ):
        there_and_back(parse({"rules": [{**options, "state": "absent"}]}))
        assert [int(line.split(":")[0]) for line in ip("rule", at=BLUE).splitlines()[1:-2]] == left
        bring(asking(one, other, same))
    ip("rule", "add", "uidrange", "5-6", "lookup", "100", "priority", "10", at=BLUE)
    assert "it has uidrange" in str(refusal(parse({"rules": [{"priority": 10, "state": "absent"}]})))


@world
def test_a_rule_that_was_added_is_told_from_others_in_before() -> None:
    """As options, in which nothing is what a rule has not."""
    back = parse(options_of(bring(asking(rule(100, 10))).before))
    ip("rule", "add", "from", "10.0.0.0/8", "lookup", "100", "priority", "10", at=BLUE)
    assert bring(back).changes == ("rule del priority 10 from all lookup 100",)


@world
def test_a_rule_that_leads_to_another_table_takes_the_place() -> None:
    brought(asking(rule(100, 10), rule(100, 10, src="10.0.0.0/8"), rule(100, 11)))
    assert there_and_back(asking(rule(101, 10, src="10.0.0.0/8"))) == (
        "rule del priority 10 from 10.0.0.0/8 lookup 100",
        "rule add priority 10 from 10.0.0.0/8 lookup 101",
    )
    both = asking(rule(101, 11), rule(100, 11))
    assert there_and_back(both) == ("rule add priority 11 from all lookup 101",)


@world
def test_another_rule_of_the_same_priority_is_not_removed_instead() -> None:
    ip("rule", "add", "uidrange", "5-6", "lookup", "100", "priority", "5", at=BLUE)
    ip("rule", "add", "lookup", "100", "priority", "5", at=BLUE)
    error = refusal(asking(rule(100, 5, absent=True)))
    assert "the kernel would remove priority 5 from all lookup 100, with uidrange, instead" in str(error)


# ---- sysctls


@world
def test_sysctls() -> None:
    brought(asking(ETH0))
    request = asking(
        net__ipv4__ip_forward="1",
        net__ipv4__conf__eth0__rp_filter="2",
        net__ipv4__ip_local_port_range="20000 30000",
    )
    foretold = bring(request, check=True)
    assert networks.sysctl("net.ipv4.ip_forward") == "0"
    results = bring(request)
    assert (
        foretold.changes
        == results.changes
        == (
            "sysctl net.ipv4.ip_forward=1",
            "sysctl net.ipv4.conf.eth0.rp_filter=2",
            "sysctl net.ipv4.ip_local_port_range=20000 30000",
        )
    )
    assert networks.sysctl("net.ipv4.ip_local_port_range") == "20000 30000"
    assert networks.sysctl("net.ipv4.ip_local_port_range", HOME) == "32768 60999"
    assert bring(request).changes == ()
    bring(results.before)
    assert networks.sysctl("net.ipv4.ip_local_port_range") == "32768 60999"
    assert networks.sysctl("net.ipv4.conf.eth0.rp_filter") == "0"


@world
def test_a_sysctl_of_a_link_that_is_made() -> None:
    """Whose name has a dot, which is a slash then, as for sysctl(8)."""
    request = Request((wish("br0.5", "bridge"),), sysctls={"net.ipv4.conf.br0/5.rp_filter": "2"})
    results = bring(request)
    assert networks.inside(BLUE, lambda: support.read("/proc/sys/net/ipv4/conf/br0.5/rp_filter")) == "2\n"
    assert bring(request).changes == ()
    bring(results.before)
    assert links() == {}


@world
@pytest.mark.parametrize("name", ["all", "eth0/5"])
def test_what_goes_with_ipv6_is_in_before(name: str) -> None:
    it = ETH0._replace(name="eth0.5")
    brought(
        asking(it, wish("other", "bridge", addresses=("fd02::1/64",)), route("fd01::/64", via="fd00::1")),
    )
    request = Request(sysctls={f"net.ipv6.conf.{name}.disable_ipv6": "1"})
    before = networks.dump()
    results = bring(request)
    assert addresses("eth0.5") == ["10.9.0.2/24"]
    assert addresses("other") == ([] if name == "all" else ["fd02::1/64"])
    bring(results.before)
    networks.unchanged(before)
    networks.failure(request._replace(routes=(route("10.9.0.0/24", type="blackhole"),)))


# ---- purge


@world
def test_purge_takes_all_away_and_before_brings_it_back() -> None:
    brought(
        asking(
            ETH0,
            wish("br0", "bridge", up=True, options={"priority": 8192}),
            wish("p1", "veth", peer=peer("p2", BLUE, up=True), master="br0", up=True),
            wish("to-green", "veth", peer=peer("to-blue", GREEN, up=True, addresses=("10.8.0.2/24",)), up=True),
            wish("mv0", "macvlan", options={"link": "br0", "mode": "private"}),
            wish("lo", up=True, addresses=("10.0.0.1/32",)),
            route("default", via="10.9.0.1"),
            route("10.66.0.0/16", type="blackhole"),
            rule(100, 5),
        )
    )
    everything = ["links", "addresses", "routes", "rules"]
    kept = (wish("eth0", addresses=("10.9.0.2/24",)), route("default", via="10.9.0.1"), rule(100))
    before = networks.dump()
    for request in (*(asking(purge=[what]) for what in everything), asking(purge=everything)):
        assert request.purge
        brought(brought(request).before)
        networks.unchanged(before)
    assert bring(asking(purge=["rules"]), check=True).changes == ("rule del priority 5 from all lookup 100",)
    there_and_back(asking(*kept, purge=everything))
    assert set(links()) == {"eth0"}
    assert addresses("eth0") == ["10.9.0.2/24"]


@world
def test_a_veth_to_a_set_that_nobody_named_comes_back() -> None:
    brought(asking(wish("to-green", "veth", peer=peer("to-blue", GREEN, up=True, addresses=("10.8.0.2/24",)), up=True)))
    there_and_back(asking(purge=["links"]))
    there_and_back(asking(wish("to-green", absent=True)))


@world
def test_a_link_comes_back_with_the_address_of_its_card() -> None:
    brought(asking(ETH0, wish("br0", "bridge", mac="02:00:00:00:00:07")))
    given = {name: link["address"] for name, link in links().items()}
    for name in given:
        bring(bring(asking(wish(name, absent=True))).before)
    assert {name: link["address"] for name, link in links().items()} == given


@world
def test_a_veth_to_where_no_name_leads_can_not_come_back() -> None:
    with support.inhabited("net") as pid:
        ip("link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", str(pid), at=BLUE)
        request = asking(wish("v0", absent=True))
        for check in (True, False):
            results = bring(request, check=check)
            assert results.warnings == ("v0, of type veth, is not in before: it could not be made again",)
            assert results.before == Request()
        assert links() == {}


@world
@pytest.mark.parametrize("upon", [("dev", "under"), ()])
def test_a_link_that_could_not_be_made_again_is_not_purged(upon: tuple[str, ...]) -> None:
    """As a vxlan that was made elsewhere and moved here; named, it goes."""
    networks.need("vxlan")
    ip("link", "add", "under", "type", "bridge")
    ip("link", "add", "vx", "type", "vxlan", "id", "7", "dstport", "4789", *upon)
    ip("link", "set", "vx", "netns", BLUE)
    assert "it is of type vxlan, and what it is connected with" in str(refusal(asking(purge=["links"])))
    there_and_back(asking(wish("vx", "vxlan", absent=True, outside=True), purge=["links"]))
    ip("link", "set", "vx", "netns", BLUE)
    (warning,) = bring(asking(wish("vx", absent=True))).warnings
    assert warning == "vx, of type vxlan, is not in before: it could not be made again"


@world
def test_links_of_unknown_types() -> None:
    """They are only removed where they are named."""
    ip("link", "add", "it", "type", "ifb", at=BLUE)
    ip("tuntap", "add", "tap0", "mode", "tap", at=BLUE)
    error = refusal(asking(purge=["links"]))
    assert "could not be brought back" in str(error)
    there_and_back(asking(wish("it", up=True, mtu=1400, addresses=("10.0.0.1/24",))))
    warned = ["it, of type ifb, is not in before: it could not be made again"]
    results = bring(asking(wish("it", absent=True), wish("tap0"), purge=["links"]))
    assert (list(results.warnings), set(links())) == (warned, {"tap0"})


# ---- what no task can ask for


BEYOND_ROUTES = {
    "several next hops": "10.1.0.0/16 nexthop via 10.9.0.1 nexthop via 10.9.0.3",
    "metrics like an mtu": "10.1.0.0/16 via 10.9.0.1 mtu 1300",
    "an encapsulation": "10.1.0.0/16 encap ip id 5 dst 10.9.0.3 via 10.9.0.1 dev eth0",
    "onlink": "10.1.0.0/16 via 10.88.0.1 dev eth0 onlink",
    "tos 16": "10.1.0.0/16 tos 0x10 via 10.9.0.1",
    "realms": "10.1.0.0/16 via 10.9.0.1 realms 5",
    "a gateway of another family": "10.1.0.0/16 via inet6 fd00::1 dev eth0",
    "a preference": "fd01::/64 via fd00::1 pref high",
    "an expiry": "fd01::/64 via fd00::1 expires 1000",
    "a source": "fd01::/64 from fd05::/64 via fd00::1",
}


@pytest.mark.parametrize("beyond", BEYOND_ROUTES)
def test_a_route_with_what_could_not_be_brought_back(beyond: str) -> None:
    def work() -> None:
        brought(asking(ETH0))
        words = BEYOND_ROUTES[beyond].split()
        family = "-6" if ":" in words[0] else "-4"
        if networks.ip_refuses("-n", BLUE, family, "route", "add", *words):
            raise Unknown
        for request, said in (
            (asking(purge=["routes"]), f"it has {beyond}"),
            (asking(route(words[0], type="blackhole")), f"there is one already, with {beyond}"),
        ):
            assert said in str(refusal(request))
        absent = asking(route(words[0], absent=True))
        if beyond in ("tos 16", "a source"):
            assert f"it has {beyond}" in str(refusal(absent))
        else:
            bring(absent)
            assert words[0] not in ip(family, "route", at=BLUE)
            ip(family, "route", "add", *words, at=BLUE)
        results = bring(asking(wish("eth0", up=False)))
        assert any(words[0] in text and "not in before" in text for text in results.warnings), results

    try:
        networks.in_world(work)
    except Unknown:
        pytest.skip("the kernel makes no such route here; make kernels may")


class Unknown(Exception):  # noqa: N818 - no error of the code
    """The kernel does not know it."""


BEYOND_RULES = {
    "uidrange": "uidrange 5-6",
    "ipproto": "ipproto tcp",
    "sport": "sport 5",
    "dport": "dport 5-6",
    "suppress": "suppress_prefixlength 5",
    "suppress group": "suppress_ifgroup 5",
    "not": "not from 10.0.0.0/8",
    "tos 16": "tos 0x10",
    "goto": "goto 32766",
    "action 6": "blackhole",
    "l3mdev": "l3mdev",
    "realms": "realms 5",
}


@pytest.mark.parametrize("beyond", BEYOND_RULES)
def test_a_rule_with_what_could_not_be_brought_back(beyond: str) -> None:
    def work() -> None:
        words = BEYOND_RULES[beyond].split()
        table = () if words[0] in ("goto", "blackhole", "l3mdev") else ("lookup", "100")
        words = ["-n", BLUE, "rule", "add", *words, *table, "priority", "7"]
        if networks.ip_refuses(*words):
            raise Unknown
        assert beyond.split(maxsplit=1)[0] in str(refusal(asking(purge=["rules"])))
        # It is no other one.
        there_and_back(asking(rule(100, 8)))

    try:
        networks.in_world(work)
    except Unknown:
        pytest.skip("the kernel makes no such rule here; make kernels may")


@world
def test_two_routes_that_a_task_can_not_tell_apart() -> None:
    brought(asking(ETH0))
    for via in ("10.9.0.1", "10.9.0.3"):
        ip("route", "append", "10.1.0.0/16", "via", via, at=BLUE)
    for request in (
        asking(purge=["routes"]),
        asking(route("10.1.0.0/16", via="10.9.0.1")),
    ):
        assert "another one beside it" in str(refusal(request))


# ---- physical


@world
def test_a_link_from_outside_is_moved_in_and_out() -> None:
    ip("link", "add", "port0", "type", "veth", "peer", "name", "wire0")
    there_and_back(asking(wish("port0", PHYSICAL, up=True, addresses=("10.4.0.1/24",))))
    assert set(links()) == {"port0"}
    there_and_back(asking(wish("port0", "veth", absent=True, outside=True)))
    assert set(links(HOME)) == {"wire0", "port0"}


@world
def test_what_stays_inside_when_a_link_is_moved_out() -> None:
    """Its other end, and what is upon it: the kernel moves none of them, and takes none away."""
    inner = wish("p2", addresses=("10.1.0.2/24",), up=True)
    brought(
        asking(
            wish("p1", "veth", peer=peer("p2", BLUE), up=True), inner, wish("mv0", "macvlan", options={"link": "p1"})
        )
    )
    brought(asking(wish("p1", absent=True, outside=True), inner._replace(mtu=1400), wish("mv0", up=False)))
    assert (set(links()), set(links(HOME))) == ({"p2", "mv0"}, {"p1"})
    brought(asking(wish("p2", peer=peer("p1")), wish("mv0", options={"link": "p1", "link_namespace": HOME})))


@world
def test_a_link_from_outside_is_there_again_as_it_was() -> None:
    ip("link", "add", "port0", "type", "veth", "peer", "name", "wire0")
    ip("link", "set", "port0", "mtu", "1450", "up")
    request = asking(wish("port0", PHYSICAL, up=True, mtu=1400, mac="02:00:00:00:00:05"))
    there_and_back(request)
    networks.failure(request._replace(routes=(route("10.9.0.0/24", via="10.88.0.1"),)))


@world
def test_what_is_not_physical_is_not_moved_out_as_such() -> None:
    """Who is inside can name a link like a card of the host, and have the host use theirs."""
    for kind in ("bridge", "ifb"):
        ip("link", "add", f"{kind}0", "type", kind, at=BLUE)
        error = str(refusal(asking(wish(f"{kind}0", PHYSICAL, absent=True))))
        assert f"there is no physical one of that name inside, but one of type {kind}" in error
        assert "it is of type" in str(refusal(asking(wish(f"{kind}0", "dummy", absent=True, outside=True))))


@world
@pytest.mark.parametrize("kind", [None, "veth"])
def test_a_link_goes_out_under_one_name_alone(kind: str | None) -> None:
    """With others that who is inside gave it, commands on the host would be about it."""
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "wire0", at=BLUE)
    ip("link", "property", "add", "dev", "eth0", "altname", "wg0", "altname", "br-mgmt", at=BLUE)
    results = brought(asking(wish("eth0", kind, absent=True, outside=True)))
    assert results.changes[:2] == (
        "link property del dev eth0 altname wg0",
        "link property del dev eth0 altname br-mgmt",
    )
    assert "altnames" not in links(HOME)["eth0"]


@world
def test_a_name_that_was_given_on_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "wire0", at=BLUE)
    ip("link", "property", "add", "dev", "eth0", "altname", "wg0", at=BLUE)
    really = carry_out._do  # noqa: SLF001 - who is inside does so between the look and the move

    def late(work: carry_out.Work, steps: t.Any, done: t.Any) -> None:
        if steps:
            ip("link", "property", "add", "dev", "eth0", "altname", "br-mgmt", at=BLUE)
        really(work, steps, done)

    monkeypatch.setattr(carry_out, "_do", late)
    results = bring(asking(wish("eth0", absent=True, outside=True)))
    remedy = "ip link property del dev eth0 altname br-mgmt"
    assert results.warnings == (f"eth0 has come with the name br-mgmt too, which {remedy} takes away",)
    ip(*remedy.split()[1:])


@world
def test_where_a_link_went_may_change_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done is no failure for that."""
    ip("link", "add", "eth0", "type", "veth", "peer", "name", "wire0", "netns", GREEN, at=BLUE)
    really = rtnetlink.list_at

    def list_at(route: socket.socket, kind: int, content: bytes, steady: bool = True) -> list[rtnetlink.Message]:
        with closing(netdev.open_network_of(route.fileno())) as network:
            is_here = os.path.sameopenfile(network, own.fileno())
        if steady and is_here and "eth0" in os.listdir("/sys/class/net"):
            raise BlockingIOError(errno.EAGAIN, "it changed")
        return really(route, kind, content, steady)

    monkeypatch.setattr(rtnetlink, "list_at", list_at)
    with open("/proc/self/ns/net", "rb") as own:
        results = bring(asking(wish("eth0", absent=True, outside=True)))
    assert len(results.changes) == 1


def test_a_physical_link_is_not_purged() -> None:
    """It would go to the host under a name that who is inside may have chosen."""
    card = State({"br-mgmt": Link("br-mgmt", 5, PHYSICAL, True, 1500, "", "", (), {})}, {}, [], {})
    with pytest.raises(NamespaceError, match="purge the link br-mgmt: it is a physical one, and would go to where"):
        plan(card, asking(purge=["links"]), BLUE, lambda _namespace, _name: None)
    named = asking(wish("br-mgmt", PHYSICAL, absent=True), purge=["links"])
    (step,) = plan(card, named, BLUE, lambda _namespace, _name: None).steps
    assert step.words.startswith("link set br-mgmt netns ")


@world
def test_a_link_without_a_kind_is_not_physical_for_that() -> None:
    """One that the routing of multicast makes for itself has none; one of l2tp can be moved, and have any name."""

    with contextlib.ExitStack() as stack:
        own, blue = (stack.enter_context(open(path, "rb")) for path in ("/proc/self/ns/net", "/run/netns/blue"))
        process.setns(blue.fileno(), nstypes.NET.flag)
        control = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP))
        process.setns(own.fileno(), nstypes.NET.flag)
        try:
            control.setsockopt(socket.IPPROTO_IP, _MRT_INIT, 1)
            control.setsockopt(socket.IPPROTO_IP, _MRT_ADD_VIF, struct.pack("=HBBI8x", 0, _VIFF_REGISTER, 1, 0))
        except OSError as error:
            pytest.skip(f"the kernel routes no multicast here: {error}")
        assert "linkinfo" not in links()["pimreg"]
        as_physical = str(refusal(asking(wish("pimreg", PHYSICAL, absent=True))))
        assert "no physical one of that name inside, but one of type unknown" in as_physical
        assert "nor that it is a physical one" in str(refusal(asking(wish("pimreg", absent=True))))
        assert "it is of type unknown, and could not be" in str(refusal(asking(purge=["links"])))


def test_what_takes_a_physical_link_back_takes_no_other() -> None:
    """Whatever has its name by then."""
    card = Link("eth1", 5, PHYSICAL, True, 1500, "52:54:00:00:00:01", "", (), {})
    taken = card._replace(number=9, type="veth")
    before, now = State({}, {}, [], {}, {"eth1": card}), State({"eth1": taken}, {}, [], {})
    touched = Touched(frozenset({"eth1"}))
    (back,) = difference(before, now, asking(wish("eth1", PHYSICAL, up=True)), touched, BLUE).links
    assert back == wish("eth1", PHYSICAL, absent=True, up=True, mtu=1500, mac=card.mac)
    for inside, error in ((taken, "no physical one of that name inside"), (card, "")):
        with pytest.raises(NamespaceError, match=error) if error else contextlib.nullcontext():
            plan(State({"eth1": inside}, {}, [], {}), asking(back), BLUE, lambda _namespace, _name: None)
    for inside, error in ((taken, "the physical one is where the task runs"), (card, "")):
        with pytest.raises(NamespaceError, match=error) if error else contextlib.nullcontext():
            plan(
                State({"eth1": inside}, {}, [], {}),
                asking(wish("eth1", PHYSICAL)),
                BLUE,
                lambda _namespace, name: {"eth1": card}.get(name),
            )


@world
def test_what_is_not_moved() -> None:
    for name in ("port0", "port1", "port2"):
        ip("link", "add", name, "type", "bridge")
    ip("addr", "add", "10.4.0.1/24", "dev", "port0")
    ip("link", "add", "wire0", "type", "veth", "peer", "name", "wire1")
    ip("link", "set", "wire0", "master", "port1")
    assert "has the addresses 10.4.0.1/24" in str(refusal(asking(wish("port0", PHYSICAL))))
    assert "is a port of port1" in str(refusal(asking(wish("wire0", PHYSICAL))))
    assert "none of that name" in str(refusal(asking(wish("port9", PHYSICAL))))
    assert "none of that name" in str(refusal(asking(wish("port9", PHYSICAL)), HOME))
    ip("link", "add", "port2", "type", "bridge", at=BLUE)
    assert "already where the task runs" in str(refusal(asking(wish("port2", absent=True, outside=True))))
    assert "where the task runs it stays" in str(refusal(asking(wish("port2", absent=True, outside=True)), HOME))


@world
@pytest.mark.parametrize(
    ("made", "use"),
    [
        (("addr add 10.1.0.1 peer 10.1.0.2 dev wire0",), "has the addresses 10.1.0.1"),
        (("addr add fd00::9/64 dev wire0 valid_lft 600 preferred_lft 600",), "has the addresses fd00::9/64"),
        (("link set wire0 up", "link set wire1 up", "route add default dev wire0"), "has the route default dev wire0"),
        (("link add upon link wire0 type macvlan",), "has upon upon it"),
    ],
)
def test_what_is_needed_outside_is_not_moved(made: t.Sequence[str], use: str) -> None:
    """Nobody loses the only way to their host."""
    ip("link", "add", "wire0", "type", "veth", "peer", "name", "wire1")
    for command in made:
        ip(*command.split())
    assert use in str(refusal(asking(wish("wire0", PHYSICAL))))


# ---- what is refused


@world
def test_what_is_refused() -> None:
    brought(asking(ETH0))
    cases: list[tuple[Request, str]] = [
        (asking(wish("lo", absent=True)), "no network namespace can be without"),
        (asking(wish("lo", PHYSICAL)), "each network namespace has its own"),
        (asking(wish("new")), "give the type"),
        (asking(wish("new", "veth")), "a veth has two ends"),
        (asking(wish("new", "veth", peer=peer("eth0", BLUE))), "eth0 in blue already, which is not its other end"),
        (asking(wish("new", "veth", peer=peer("new", BLUE))), "new in blue already, which is not its other end"),
        (
            asking(wish("new", "veth", peer=peer("blue0"))),
            "blue0 in the namespace where the task runs already, which is not its other end; remove that one, or",
        ),
        (asking(*(wish(name, "veth", peer=peer("same")) for name in ("a", "b"))), "which is not its other end"),
        (asking(wish("eth0", "bridge")), "not bridge; remove that one first, or leave type out, or give its own"),
        (
            asking(wish("eth0", "bridge", absent=True)),
            "it is of type veth, not bridge; leave type out, or give its own",
        ),
        (asking(wish("lo", "bridge")), "it is of type loopback, not bridge; leave type out"),
        (
            asking(wish("eth0", master="lo")),
            "lo is of type loopback, which has no ports; give a bridge, a bond or a vrf",
        ),
        (asking(wish("new", "bridge", master="eth0")), "eth0 is of type veth, which has no ports"),
        (asking(wish("eth0", peer=peer("blue0", master="lo"))), "lo is of type loopback, which has no ports"),
        (asking(wish("eth0", peer=peer("other"))), "its peer is blue0 in the namespace where the task runs, not other"),
        (asking(wish("eth0", peer=peer("blue0", GREEN))), "not blue0 in green"),
        (asking(wish("new", "macvlan")), "takes the option link"),
        (asking(wish("new", "macvlan", options={"link": "gone"})), "there is no link gone for it to be upon"),
        (asking(wish("new", "bridge", master="gone")), "there is no link gone"),
        (asking(route("10.0.0.0/8", dev="gone")), "there is no link gone"),
        (
            asking(wish("new", "veth", peer=peer("x", "nowhere"))),
            "the set nowhere (links[new].peer.namespace): there is",
        ),
        (
            asking(wish("new", "macvlan", options={"link": "x", "link_namespace": "nowhere"})),
            "the set nowhere (links[new].options.link_namespace): there is",
        ),
        (asking(wish("new", "veth", peer=peer("x", "/nowhere"))), "/nowhere"),
        (asking(wish("new", "veth", peer=peer("x", "/proc/self/ns/uts"))), "type uts"),
    ]
    for request, said in cases:
        assert said in str(refusal(request)), said


@world
@pytest.mark.parametrize(
    ("there", "asked", "said"),
    [
        (wish("d", "veth", peer=peer("dend", BLUE)), wish("d", "bridge"), "of type veth, not bridge"),
        (wish("d", "veth", peer=peer("dend", BLUE)), wish("d", "veth", peer=peer("dend", GREEN)), "dend in blue, not "),
        (wish("d", "macvlan", options={"link": "x"}), wish("d", "macvlan", options={"link": "y"}), "its link is x"),
    ],
)
def test_what_would_go_with_another_one_is_not_made_as_something_else(there: t.Any, asked: t.Any, said: str) -> None:
    """It could not be made again as it was: a purge takes the other end of a veth, or what it is upon."""
    bring(asking(wish("x", "bridge"), wish("y", "bridge"), there))
    assert said in str(refusal(asking(wish("y"), asked, purge=["links"])))


@world
def test_a_set_by_its_path_is_the_same_one() -> None:
    brought(asking(wish("p1", "veth", peer=peer("p2", GREEN))))
    assert bring(asking(wish("p1", "veth", peer=peer("p2", "/run/netns/green")))).changes == ()
    brought(asking(wish("q1", "veth", peer=peer("q2", "/run/netns/blue", up=True))))
    assert {"q1", "q2"} <= set(links())
    assert "UP" in links()["q2"]["flags"]


@world
def test_where_the_task_runs_itself() -> None:
    there_and_back(
        asking(wish("h0", "veth", peer=peer("b0", BLUE, up=True), up=True, addresses=("10.2.0.1/24",))), HOME
    )
    there_and_back(asking(wish("br0", "bridge"), wish("h0", master="br0"), route("10.4.0.0/16", dev="h0")), HOME)


# ---- whatever there is, and whatever is asked


EVERYTHING = ("links", "addresses", "routes", "rules")
NAMES = ("a", "b", "c", "d")
KINDS = ("bridge", "veth inside", "veth out", "macvlan")
_choice = strategies.sampled_from


@strategies.composite
def requests(draw: t.Any) -> Request:
    """Links that stand on one another, with addresses, routes and rules; some absent, some purged."""
    wishes: list[t.Any] = []
    for name in draw(strategies.lists(_choice(NAMES), unique=True)):
        if draw(strategies.integers(0, 3)) == 0:
            wishes.append(wish(name, absent=True))
            continue
        kind = draw(_choice(KINDS))
        fields: dict[str, t.Any] = {
            "addresses": tuple(draw(strategies.lists(_choice(ADDRESSES[name]), unique=True))),
            "up": draw(_choice([None, True, False])),
            "mtu": draw(_choice([None, 1400, 1500])),
        }
        if kind.startswith("veth"):
            where = BLUE if kind == "veth inside" else draw(_choice([HOME, GREEN]))
            fields["peer"] = peer(f"{name}end", where, up=draw(_choice([None, True])))
        elif kind == "macvlan":
            fields["options"] = {"link": draw(_choice(NAMES))}
        else:
            fields["options"] = {"priority": draw(_choice([4096, 8192]))}
        if kind != "macvlan" and draw(strategies.booleans()):
            fields["master"] = draw(_choice([*NAMES, ""]))
        wishes.append(wish(name, kind.split()[0], **fields))
    for dst in draw(strategies.lists(_choice(["default", "::/0", "10.1.0.0/16", "fd01::/64"]), unique=True)):
        gateway = "fd00:{}::9" if ":" in dst else "10.{}.0.9"
        name = draw(_choice(NAMES))
        way = draw(_choice([{"type": "blackhole"}, {"dev": name}, {"via": gateway.format(10 + NAMES.index(name))}]))
        wishes.append(route(dst, **way))
    wishes += [rule(table, 7 + table) for table in draw(strategies.lists(strategies.integers(100, 102), unique=True))]
    return asking(
        *wishes, purge=draw(strategies.lists(_choice(["links", "addresses", "routes", "rules"]), unique=True))
    )


ADDRESSES = {
    name: [*(f"10.{number}.0.{last}/24" for last in (1, 2, 3)), f"fd00:{number}::1/64"]
    for number, name in enumerate(NAMES, 10)
}


def test_whatever_is_asked_can_be_taken_back() -> None:
    """From one random state to another and back; what is refused or fails changes nothing."""

    def work() -> None:
        done = []

        @hypothesis.settings(support.properties, max_examples=25)
        @hypothesis.given(requests(), requests())
        def check(first: Request, second: Request) -> None:
            with contextlib.suppress(NamespaceError):
                bring(first._replace(purge=frozenset()))
            before = networks.dump()
            results = None
            with contextlib.suppress(NamespaceError):
                results = bring(second)
            if results is not None:
                done.append(second)
                assert bring(second._replace(purge=frozenset())).changes == ()
                bring(results.before)
            networks.unchanged(before)
            bring(asking(purge=EVERYTHING))

        check()
        assert len(done) > 3

    networks.in_world(work)


@world
def test_what_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a link goes, and whether the name of a new peer is free, is seen in what was read for the state."""
    bring(asking(ETH0))
    asked: list[tuple[int, int]] = []
    really = rtnetlink.list_at

    def list_at(route: socket.socket, kind: int, content: bytes, steady: bool) -> list[rtnetlink.Message]:
        asked.append((route.fileno(), kind))
        return really(route, kind, content, steady)

    monkeypatch.setattr(rtnetlink, "list_at", list_at)
    bring(asking(wish("eth0", absent=True), wish("eth1", "veth", peer=peer("blue1"))), check=True)
    assert len({place for place, _kind in asked}) == 2
    assert len(asked) == len({*asked})


@world
def test_what_else_is_where_a_task_runs_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be very much of it, and as many networks are brought to what is asked one after the other."""
    for number in range(3):
        ip("link", "add", f"other{number}", "type", "bridge")
        ip("addr", "add", f"10.9.{number}.1/24", "dev", f"other{number}")
    told: list[rtnetlink.Message] = []
    really = rtnetlink.list_at

    def list_at(route: socket.socket, kind: int, content: bytes, steady: bool) -> list[rtnetlink.Message]:
        found = really(route, kind, content, steady)
        with closing(netdev.open_network_of(route.fileno())) as network:
            told.extend(found if os.path.sameopenfile(network, own.fileno()) else ())
        return found

    monkeypatch.setattr(rtnetlink, "list_at", list_at)
    request = asking(wish("eth0", "veth", peer=peer("blue0", addresses=("10.1.0.1/24",))))
    with open("/proc/self/ns/net", "rb") as own:
        bring(request)
        assert bring(request).changes == ()
    assert {item.kind for item in told} == {rtnetlink.RTM_NEWADDR}
    assert {address.number for address in map(decode.address_in, told) if address} == {
        links(networks.HOME)["blue0"]["ifindex"]
    }


@world
def test_one_link_is_as_it_is_among_all() -> None:
    ip("link", "add", "br0", "type", "bridge")
    ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
    ip("link", "set", "v0", "master", "br0", "mtu", "1400", "up")
    ip("link", "property", "add", "dev", "v1", "altname", "second")
    for address in (
        ("10.1.0.1/24",),
        ("10.1.0.2/24", "noprefixroute"),
        ("10.2.0.1", "peer", "10.2.0.2"),
        ("fd00::1/64",),
    ):
        ip("addr", "add", *address, "dev", "v1")
    with support.own_procfs() as proc, places.opened(proc, None, networks.HOME, {}) as found:
        everything = read.links_of(found.inside).by_name
        assert {"lo", "br0", "v0", "v1"} <= {*everything}
        assert everything["v1"].beyond
        for name, link in everything.items():
            assert read.link_at(found.inside, name=name) == link
            assert read.link_at(found.inside, link.number) == link
            assert netdev.index_at(found.inside.route, name) == link.number
        # A task means what is called so, not what is also called so.
        for name in ("second", "none"):
            assert read.link_at(found.inside, name=name) is None
            assert netdev.index_at(found.inside.route, name) is None
        assert read.link_at(found.inside, 0x7FFFFFFF) is None


def make_routes(count: int) -> None:
    lines = "".join(f"route add blackhole 10.{number >> 8}.{number & 255}.0/24\n" for number in range(count))
    subprocess.run(["ip", "-n", BLUE, "-batch", "-"], input=lines, check=True, text=True)


@world
def test_where_there_is_too_much_nothing_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is inside could have a task that has the lock of all read for as long as they like."""
    bring(asking(ETH0))
    monkeypatch.setattr(rtnetlink, "MOST", 1000)
    make_routes(1001)
    error = str(refusal(asking(wish("eth0", mtu=1400))))
    assert "cannot read the routes in the set blue: E2BIG" in error
    assert "there are more than 100000; see who inside makes so many" in error


@world
def test_what_is_read_leaves_no_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task looks for none, and who is inside can make many routes."""
    monkeypatch.setattr(read, "_GARBAGE_AFTER", 100)
    make_routes(950)
    with contextlib.ExitStack() as stack:
        proc = stack.enter_context(support.own_procfs())
        fd = stack.enter_context(closing(places.open_named(proc, BLUE)))
        place = stack.enter_context(places.opened(proc, fd, BLUE, {})).inside
        links_there = read.links_of(place)
        stack.callback(gc.enable)
        gc.disable()
        gc.collect()
        assert len(read.routes_of(place, links_there)) == 950
        assert gc.collect() < 100 * 50
