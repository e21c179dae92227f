# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of a network is refused before anything changes, or has one form; it can be asked again as it was."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.link_types import (
    LINK,
    LINK_NAMESPACE,
    LINK_TYPES,
    Option,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.model import (
    LinkWish,
    Peer,
    Request,
    Route,
    RouteWish,
    Rule,
    RuleWish,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.parse import parse
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.shape import options_of
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import assume, given
from hypothesis import strategies as st

Options = t.Dict[str, t.Any]

VETH: Options = {"name": "eth0", "type": "veth"}
VLAN: Options = {"name": "v", "type": "vlan"}
NET: Options = {"dst": "10.0.0.0/8"}
ABSENT: Options = {"state": "absent"}


def link(**options: t.Any) -> LinkWish:
    (found,) = parse({"links": [{"name": "eth0", **options}]}).links
    return found


def route(**options: t.Any) -> RouteWish:
    (found,) = parse({"routes": [{"dst": "10.0.0.0/8", "dev": "eth0", **options}]}).routes
    return found


def rule(**options: t.Any) -> RuleWish:
    (found,) = parse({"rules": [{"table": "100", **options}]}).rules
    return found


def refusal(**options: t.Any) -> str:
    with pytest.raises(NamespaceError) as caught:
        parse(options)
    assert caught.value.code is None
    text = str(caught.value)
    assert text.startswith("cannot use the option ")
    return text[len("cannot use the option ") :]


# ---- links


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("a" * 16, "'aaaaaaaaaaaaaaaa' has 16 bytes, and the name of a link has 15 at most"),
        ("ä" * 8, "'ääääääää' has 16 bytes, and the name of a link has 15 at most"),
        *(
            (name, f"{name!r} is no name of a link")
            for name in (
                *("", ".", "..", "a/b", "a:b", "a b", " a", "a\n", "a\x01", "a\x7f", "à", "eth%d"),
                *("all", "default", "True", "False"),
            )
        ),
    ],
    ids=ascii,
)
def test_a_name_of_a_link_that_is_refused(name: str, cause: str) -> None:
    assert refusal(links=[VETH, {"name": name}]).startswith(f"links[1].name as given: {cause}")
    assert refusal(routes=[{**NET, "dev": name}]).startswith(f"routes[0].dev as given: {cause}")
    for option in ("iif", "oif"):
        assert refusal(rules=[{"table": "1", option: name}]).startswith(f"rules[0].{option} as given: {cause}")
    text = refusal(links=[{**VETH, "peer": {"name": name}}])
    assert text.startswith(f"links[eth0].peer.name as given: {cause}")
    text = refusal(links=[{**VLAN, "options": {"link": name}}])
    assert text.startswith(f"links[v].options.link as given: {cause}")
    if name:
        assert refusal(links=[{**VETH, "master": name}]).startswith(f"links[eth0].master as given: {cause}")


@pytest.mark.parametrize("name", ["a", "a" * 15, "eth0.100", "ä" * 7, "-", "...", "\udcff"], ids=ascii)
def test_a_name_of_a_link(name: str) -> None:
    assert link(master=name).master == name
    assert parse({"links": [{"name": name}]}).links == (LinkWish(name, up=True),)


@pytest.mark.parametrize(
    ("item", "option", "cause"),
    [
        ({"mtu": "0"}, "mtu", "0 is not in the range from 1 to 2147483647"),
        ({"mtu": "2147483648"}, "mtu", "2147483648 is not in the range from 1 to 2147483647"),
        ({"mtu": "1_500"}, "mtu", "'1_500' is no number of plain decimal digits"),
        ({"mtu": "True"}, "mtu", "'True' is no number of plain decimal digits"),
        ({"mtu": "0x600"}, "mtu", "'0x600' is no number of plain decimal digits"),
        ({"mac": "52:54:00:12:34"}, "mac", "'52:54:00:12:34' is not six pairs of hexadecimal digits"),
        ({"mac": "52-54-00-12-34-56"}, "mac", "'52-54-00-12-34-56' is not six pairs of hexadecimal digits"),
        ({"mac": "52:54:00:12:34:5g"}, "mac", "'52:54:00:12:34:5g' is not six pairs of hexadecimal digits"),
        ({"mac": "52:54:00:12:34:56\n"}, "mac", "'52:54:00:12:34:56\\n' is not six pairs of hexadecimal digits"),
        ({"mac": "41135280"}, "mac", "'41135280' is not six pairs of hexadecimal digits"),
        ({"mac": ""}, "mac", "'' is not six pairs of hexadecimal digits"),
        ({"mac": "53:54:00:12:34:56"}, "mac", "53:54:00:12:34:56 is the address of no single card"),
        ({"mac": "00:00:00:00:00:00"}, "mac", "00:00:00:00:00:00 is the address of no single card"),
        ({"master": "eth0"}, "master", "no link is a port of itself"),
        ({"peer": {"name": "x", "master": "x"}, "type": "veth"}, "peer.master", "no link is a port of itself"),
        ({"options": {"link": "eth0"}, "type": "vlan"}, "options.link", "no link is upon itself"),
        ({"peer": {"name": "x"}}, "peer", "only a veth has one"),
        ({"peer": {"name": "x"}, "type": "bridge"}, "peer", "only a veth has one"),
        ({"options": {"id": 1}}, "options", "each type of link has its own, and no type is given"),
        *(
            ({**ABSENT, option: value}, option, "the link shall be absent")
            for option, value in (
                ("up", False),
                ("mtu", "1500"),
                ("mac", "52:54:00:12:34:56"),
                ("addresses", []),
                ("master", ""),
                ("options", {}),
                ("peer", {"name": "x"}),
            )
        ),
    ],
)
def test_a_link_that_is_refused(item: Options, option: str, cause: str) -> None:
    assert refusal(links=[{"name": "eth0", **item}]).startswith(f"links[eth0].{option} as given: {cause}")


@pytest.mark.parametrize("other", [VETH, {"name": "eth0"}, {"name": "eth0", **ABSENT}])
def test_a_link_twice(other: Options) -> None:
    assert refusal(links=[VETH, VLAN, other]) == "links as given: it has eth0 twice"


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("10.0.0.1/33", "'33' is no length of a prefix of 10.0.0.1, which is from 0 to 32; write it as 10.0.0.1/24"),
        ("fd00::1/129", "'129' is no length of a prefix of fd00::1, which is from 0 to 128; write it as fd00::1/64"),
        ("10.0.0.1/", "'' is no length of a prefix of 10.0.0.1"),
        ("10.0.0.1/255.255.255.0", "'255.255.255.0' is no length of a prefix of 10.0.0.1"),
        ("10.0.0.1/+8", "'+8' is no length of a prefix of 10.0.0.1"),
        *(
            (f"{text}/24", f"{text!r} is no address")
            for text in (
                *("10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", "0x0a.0.0.1", "\u0661.0.0.1", "1\x00", "\ud800"),
                *("fd00:::1", "fe80::1%eth0", "fd00", "", "eth0"),
            )
        ),
        *((text, "is the address of no single host") for text in ("0.0.0.0/8", "::/64", "224.0.0.1/32", "ff02::1/128")),
        *((item, f"{item!r} is no address") for item in (None, 10, 1.5, True, {}, {"address": 7}, {"state": "absent"})),
        ({"address": "10.0.0.1/24", "state": "gone"}, "no address"),
        ({"address": "10.0.0.1/24", "label": "x"}, "no address"),
    ],
    ids=ascii,
)
def test_an_address_that_is_refused(value: t.Any, cause: str) -> None:
    text = refusal(links=[{"name": "eth0", "addresses": ["10.9.9.9/24", value]}])
    assert text.startswith("links[eth0].addresses as given: ")
    assert cause in text
    text = refusal(links=[{**VETH, "peer": {"name": "x", "addresses": [value]}}])
    assert text.startswith("links[eth0].peer.addresses as given: ")
    assert cause in text


@pytest.mark.parametrize(
    ("addresses", "cause"),
    [
        (["10.0.0.1", {"address": "10.0.0.1/32", **ABSENT}], "10.0.0.1/32 shall be there, and shall not"),
        ([{"address": "FD00::1/64", **ABSENT}, "fd00::0:1/64"], "fd00::1/64 shall be there, and shall not"),
        (["fd00::1/64", "fd00::1/128"], "it has fd00::1 twice"),
    ],
)
def test_addresses_that_contradict_each_other(addresses: list[t.Any], cause: str) -> None:
    assert refusal(links=[{"name": "eth0", "addresses": addresses}]) == f"links[eth0].addresses as given: {cause}"


def test_addresses_have_one_form() -> None:
    found = link(
        addresses=[
            "10.0.0.2",
            "10.0.0.1/024",
            "FD00:0:0:0::1/64",
            {"address": "10.0.0.1/32", "state": None},
            {"address": "fd00::1", **ABSENT},
            {"address": "192.168.0.0/24", **ABSENT},
            "10.0.0.2/32",
        ]
    )
    assert found.addresses == ("10.0.0.2/32", "10.0.0.1/24", "fd00::1/64", "10.0.0.1/32")
    assert found.without == ("fd00::1/128", "192.168.0.0/24")


def test_what_a_link_is_by_default() -> None:
    assert link() == LinkWish("eth0", up=True)
    assert link(up=None, addresses=None, options=None, peer=None, state="present") == LinkWish("eth0", up=True)
    assert link(up=False) == LinkWish("eth0", up=False)
    assert link(type="veth", state="absent", up=None) == LinkWish("eth0", "veth", absent=True)
    outside = {"up": True, "mtu": "1400", "mac": "02:00:00:00:00:05"}
    assert link(type="physical", state="absent", **outside) == LinkWish(
        "eth0", "physical", absent=True, mtu=1400, mac="02:00:00:00:00:05", up=True
    )
    assert link(state="outside", **outside) == LinkWish(
        "eth0", absent=True, outside=True, mtu=1400, mac="02:00:00:00:00:05", up=True
    )
    assert link(type="veth", peer={"name": "x"}).peer == Peer("x", "", up=True)
    assert link(type="veth", peer={"name": "x", "namespace": "", "up": False}).peer == Peer("x", "", up=False)
    assert link(type="veth", peer={"name": "x", "master": "br0"}).peer == Peer("x", "", up=True, master="br0")


def test_what_a_link_is_asked_to_be() -> None:
    found = link(
        type="veth",
        mtu="01400",
        mac="52:54:00:AB:CD:EF",
        master="",
        peer={"name": "x", "namespace": "blue", "addresses": ["10.0.0.1", {"address": "10.0.0.2", **ABSENT}]},
    )
    peer = Peer("x", "blue", ("10.0.0.1/32",), ("10.0.0.2/32",), up=True)
    assert found == LinkWish("eth0", "veth", mtu=1400, mac="52:54:00:ab:cd:ef", up=True, master="", peer=peer)


@pytest.mark.parametrize("name", ["-x", "a/b", ".", "True", "a b"])
def test_a_namespace_that_is_refused(name: str) -> None:
    text = refusal(links=[{**VETH, "peer": {"name": "x", "namespace": name}}])
    assert text.startswith(f"links[eth0].peer.namespace as given: {name!r} is no name of a set")
    text = refusal(links=[{**VLAN, "options": {"link": "x", "link_namespace": name}}])
    assert text.startswith(f"links[v].options.link_namespace as given: {name!r} is no name of a set")


@pytest.mark.parametrize("name", ["", "blue", "/run/netns/blue"])
def test_a_namespace(name: str) -> None:
    peer = link(type="veth", peer={"name": "x", "namespace": name}).peer
    assert peer is not None
    assert peer.namespace == name
    options = {"link": "x", "link_namespace": name}
    assert link(type="vlan", options=options).options == options


# ---- options of links


@pytest.mark.parametrize(
    ("type_", "option", "value", "cause"),
    [
        ("vlan", "id", 4095, "4095 is not in the range from 0 to 4094"),
        ("vlan", "id", "-1", "'-1' is no number of plain decimal digits"),
        ("vlan", "id", True, "'True' is no number of plain decimal digits"),
        ("vlan", "id", 1.0, "'1.0' is no number of plain decimal digits"),
        ("vlan", "id", "1_0", "'1_0' is no number of plain decimal digits"),
        ("vlan", "id", [1], "'[1]' is no number of plain decimal digits"),
        ("vlan", "protocol", "802.1q", "'802.1q' is none of its words; there are 802.1Q, 802.1ad"),
        ("bond", "mode", 1, "'1' is none of its words"),
        ("bridge", "stp_state", 2, "'2' is neither true nor false; write true or false"),
        ("bridge", "stp_state", "maybe", "'maybe' is neither true nor false"),
        ("vxlan", "local", "10.0.0.1/24", "'10.0.0.1/24' is no address"),
        ("vxlan", "remote", "0.0.0.0", "0.0.0.0 is any address and no certain one"),
        ("vlan", "link_namespace", "blue", "it says where a link is, and none is named"),
    ],
)
def test_an_option_of_a_link_that_is_refused(type_: str, option: str, value: t.Any, cause: str) -> None:
    text = refusal(links=[{"name": "x", "type": type_, "options": {option: value}}])
    assert text.startswith(f"links[x].options.{option} as given: {cause}")


@pytest.mark.parametrize(
    ("type_", "remedy"),
    [
        ("vlan", "there are link, link_namespace, id, protocol"),
        ("vrf", "there are table"),
        ("veth", "it has none"),
        ("physical", "it has none"),
    ],
)
def test_an_option_that_a_type_does_not_have(type_: str, remedy: str) -> None:
    text = refusal(links=[{"name": "x", "type": type_, "options": {"stp_state": True}}])
    assert text == f"links[x].options as given: 'stp_state' is no option of the type {type_}; {remedy}"


def test_options_of_a_link_have_one_form() -> None:
    words = {"1": True, "0": False, "true": True, "Yes": True, "ON": True, "false": False, "No": False, "off": False}
    for word, value in words.items():
        assert link(type="bridge", options={"stp_state": word}).options == {"stp_state": value}
    given_options: Options = {"link": "x", "id": "0100", "protocol": "802.1ad", "link_namespace": None}
    assert link(type="vlan", options=given_options).options == {"link": "x", "id": 100, "protocol": "802.1ad"}
    given_options = {"remote": "FF02:0::1", "local": "10.0.0.1", "ttl": 64}
    assert link(type="vxlan", options=given_options).options == {"remote": "ff02::1", "local": "10.0.0.1", "ttl": 64}


# ---- routes


@pytest.mark.parametrize(
    ("item", "option", "cause"),
    [
        ({"dst": "10.0.0.1/24"}, ".dst", "10.0.0.1/24 has bits beyond its prefix; write 10.0.0.0/24"),
        ({"dst": "fd00::1/64"}, ".dst", "fd00::1/64 has bits beyond its prefix; write fd00::/64"),
        ({"dst": "any"}, ".dst", "'any' is no address"),
        ({"dst": ""}, ".dst", "'' is no address"),
        ({"dst": "10.0.0.0/40"}, ".dst", "'40' is no length of a prefix of 10.0.0.0"),
        ({"via": "10.0.0.1/32"}, ".via", "'10.0.0.1/32' is no address"),
        ({"via": "0.0.0.0"}, ".via", "0.0.0.0 is the address of no single host"),
        ({"src": "ff02::1"}, ".src", "ff02::1 is the address of no single host"),
        ({"table": "0"}, ".table", "0 is not in the range from 1 to 4294967295"),
        ({"table": "4294967296"}, ".table", "4294967296 is not in the range from 1 to 4294967295"),
        *(
            (
                {"table": name},
                ".table",
                f"{name!r} is no table; write main, local, default or a decimal number; the names in rt_tables are not",
            )
            for name in ("blue", "0x64", "")
        ),
        ({"metric": "4294967296"}, ".metric", "4294967296 is not in the range from 0 to 4294967295"),
        ({"metric": "-1"}, ".metric", "'-1' is no number of plain decimal digits"),
        ({"via": "fd00::1"}, "", "it has both IPv4 and IPv6"),
        ({"dst": "fd00::/64", "via": "10.0.0.1"}, "", "it has both IPv4 and IPv6"),
        ({"dst": "fd00::/64", "src": "10.0.0.1"}, "", "it has both IPv4 and IPv6"),
        ({"dst": "default", "via": "10.0.0.1", "src": "fd00::1"}, "", "it has both IPv4 and IPv6"),
        ({"dst": "default", "via": "10.0.0.1", "family": "ipv6"}, "", "it has both IPv4 and IPv6"),
        ({"dst": "0.0.0.0/0", "family": "ipv6"}, "", "it has both IPv4 and IPv6"),
        ({"dev": None}, "", "it is a route without a way"),
        ({"dev": None, "src": "10.0.0.1"}, "", "it is a route without a way"),
        (
            {"dst": "default", "dev": None, "via": "fe80::1"},
            "",
            "the gateway fe80::1 could be on any link; give dev too",
        ),
        ({"type": "local", "dev": None}, "", "what is local is on a link and behind no gateway"),
        ({"type": "local", "via": "10.0.0.1"}, "", "what is local is on a link and behind no gateway"),
        *(
            ({"type": type_, **way}, "", f"a route of the type {type_} leads nowhere")
            for type_ in ("blackhole", "unreachable", "prohibit", "throw")
            for way in ({"dev": "eth0"}, {"dev": None, "via": "10.0.0.1"})
        ),
    ],
)
def test_a_route_that_is_refused(item: Options, option: str, cause: str) -> None:
    text = refusal(routes=[{"dst": "10.9.0.0/16", "dev": "eth0"}, {**NET, "dev": "eth0", **item}])
    assert text.startswith(f"routes[1]{option} as given: {cause}")


@pytest.mark.parametrize(
    ("item", "dst", "metric"),
    [
        ({"dst": "default"}, "default", 0),
        ({"dst": "0.0.0.0/0"}, "default", 0),
        ({"dst": "default", "family": "ipv4"}, "default", 0),
        ({"dst": "default", "via": "10.0.0.1"}, "default", 0),
        ({"dst": "default", "family": "ipv6"}, "::/0", 1024),
        ({"dst": "default", "via": "fd00::1"}, "::/0", 1024),
        ({"dst": "default", "src": "fd00::1"}, "::/0", 1024),
        ({"dst": "::/0"}, "::/0", 1024),
        ({"dst": "0::0/0", "metric": "0"}, "::/0", 1024),
        ({"dst": "FD00::/64"}, "fd00::/64", 1024),
        ({"dst": "fd00::1", "metric": "1"}, "fd00::1/128", 1),
        ({"dst": "10.0.0.1", "metric": "007"}, "10.0.0.1/32", 7),
        ({"dst": "10.0.0.0/08", "metric": "0"}, "10.0.0.0/8", 0),
    ],
)
def test_the_key_of_a_route_has_one_form(item: Options, dst: str, metric: int) -> None:
    assert route(**item).route.key == (dst, 254, metric)
    assert route(**item, state="absent") == RouteWish(Route(dst, 254, metric), absent=True)


@pytest.mark.parametrize(
    ("item", "table"),
    [
        ({"table": "main"}, 254),
        ({"table": "254"}, 254),
        ({"table": "local"}, 255),
        ({"table": "default"}, 253),
        ({"table": "4294967295"}, 4294967295),
        ({"type": "local"}, 255),
        ({"type": "local", "table": "main"}, 254),
    ],
)
def test_the_table_of_a_route(item: Options, table: int) -> None:
    assert route(**item).route.table == table


def test_what_a_route_is_asked_to_be() -> None:
    found = route(dst="default", via="FD00::0:1", src="fd00::02", table="7", metric="5").route
    assert found == Route("::/0", 7, 5, via="fd00::1", dev="eth0", src="fd00::2")
    assert route(dev=None, type="throw").route == Route("10.0.0.0/8", 254, 0, type="throw")


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({**NET, "dev": "a"}, {**NET, "dev": "b", "table": "main"}, "10.0.0.0/8 in table main with metric 0"),
        ({**NET, "dev": "a"}, {**NET, **ABSENT}, "10.0.0.0/8 in table main with metric 0"),
        ({"dst": "::/0", "dev": "a"}, {"dst": "default", "via": "fd00::1"}, "::/0 in table main with metric 1024"),
    ],
)
def test_a_route_twice(one: Options, other: Options, told: str) -> None:
    remedy = "give one of them another metric; several next hops can not be asked for"
    assert (
        refusal(routes=[one, {"dst": "10.1.0.0/16", "dev": "a"}, other])
        == f"routes as given: it has {told} twice; {remedy}"
    )


def test_routes_that_differ() -> None:
    items = [{**NET, "dev": "a"}, {**NET, "dev": "a", "metric": "1"}, {**NET, "dev": "a", "table": "1"}]
    assert len(parse({"routes": [*items, {"dst": "10.0.0.0/9", "dev": "a"}]}).routes) == 4


# ---- rules


@pytest.mark.parametrize(
    ("item", "option", "cause"),
    [
        ({"from": "10.0.0.1/24"}, ".from", "10.0.0.1/24 has bits beyond its prefix; write 10.0.0.0/24"),
        ({"to": "all"}, ".to", "'all' is no address"),
        ({"table": None}, ".table", "a rule leads to a table, and none is given"),
        ({"table": "0"}, ".table", "0 is not in the range from 1 to 4294967295"),
        ({"priority": "4294967296"}, ".priority", "4294967296 is not in the range from 0 to 4294967295"),
        ({"priority": "-1"}, ".priority", "'-1' is no number of plain decimal digits"),
        *(
            ({"fwmark": text}, ".fwmark", f"{text!r} is no mark")
            for text in ("", "x", "-1", "4294967296", "0x100000000", "1/", "/1", "1/2/3", "1_0", "0x", "1/4294967296")
        ),
        ({"fwmark": "0/0"}, ".fwmark", "a mask of 0 is any mark"),
        ({"from": "10.0.0.0/8", "to": "fd00::/64"}, "", "it has both IPv4 and IPv6"),
        ({"from": "0.0.0.0/0", "to": "::/0"}, "", "it has both IPv4 and IPv6"),
        ({"from": "10.0.0.0/8", "family": "ipv6"}, "", "it has both IPv4 and IPv6"),
        ({"table": None, **ABSENT}, "", "it says nothing of the rule that shall be absent"),
        ({"table": None, "to": "::/0", **ABSENT}, "", "it says nothing of the rule that shall be absent"),
    ],
)
def test_a_rule_that_is_refused(item: Options, option: str, cause: str) -> None:
    assert refusal(rules=[{"table": "100", **item}]).startswith(f"rules[0]{option} as given: {cause}")


@pytest.mark.parametrize(
    ("given_mark", "mark"),
    [
        ("7", "7"),
        ("0x7", "7"),
        ("0XFF", "255"),
        ("007", "7"),
        ("0", "0"),
        ("0x1ff/0xff", "511/255"),
        ("1/4294967295", "1"),
        ("1/0xFFFFFFFF", "1"),
        ("4294967295", "4294967295"),
    ],
)
def test_a_mark_has_one_form(given_mark: str, mark: str) -> None:
    assert rule(fwmark=given_mark).rule.fwmark == mark


@pytest.mark.parametrize(
    ("item", "family", "source", "destination"),
    [
        ({}, "ipv4", "", ""),
        ({"family": "ipv6"}, "ipv6", "", ""),
        ({"from": "0.0.0.0/0"}, "ipv4", "", ""),
        ({"to": "::/0"}, "ipv6", "", ""),
        ({"from": "10.0.0.1"}, "ipv4", "10.0.0.1/32", ""),
        ({"to": "FD00::/64", "family": "ipv6"}, "ipv6", "", "fd00::/64"),
    ],
)
def test_where_a_rule_is_about_has_one_form(item: Options, family: str, source: str, destination: str) -> None:
    assert rule(**item).rule == Rule(family, None, source, destination, "", "", "", 100)


def test_what_a_rule_is_asked_to_be() -> None:
    found = rule(iif="lo", oif="eth0", priority="010", table="local")
    assert found == RuleWish(Rule("ipv4", 10, "", "", "lo", "eth0", "", 255))
    anything = RuleWish(
        Rule("ipv4", 0, "", "", "", "", "", 0), absent=True, open=("src", "dst", "iif", "oif", "fwmark")
    )
    assert rule(priority="0", table=None, state="absent") == anything
    nothing = {"from": "", "to": "0.0.0.0/0", "iif": "", "oif": ""}
    assert rule(priority="0", table=None, state="absent", **nothing) == anything._replace(open=("fwmark",))


@pytest.mark.parametrize(
    "other",
    [
        {"from": "10.0.0.0/8", "table": "100"},
        {"from": "10.0.0.0/8", "table": "100", "priority": "5"},
        {"from": "10.0.0.0/8", **ABSENT},
        {"from": "10.0.0.0/8", "priority": "5", **ABSENT},
        {"table": "100", "to": "", **ABSENT},
    ],
)
def test_a_rule_twice(other: Options) -> None:
    one = {"from": "10.0.0.0/8", "table": "100"}
    expected = "rules[2] as given: rules[0] may be the same rule; tell them apart by priority"
    assert refusal(rules=[one, {"table": "1"}, other]) == expected
    assert refusal(rules=[other, {"table": "1"}, one]) == expected


def test_rules_that_differ() -> None:
    one = {"from": "10.0.0.0/8", "table": "100"}
    others = [{**one, "table": "101"}, {**one, "fwmark": "1"}, {**one, "to": "10.0.0.0/8"}, {"to": "10.0.0.0/8"}]
    found = parse({"rules": [one, *others[:3], {**one, "table": "9", "priority": "1"}]})
    assert len(found.rules) == 5
    found = parse({"rules": [{**one, "priority": "1"}, {**one, "priority": "2"}, {**one, "priority": "3", **ABSENT}]})
    assert len(found.rules) == 3
    apart = [{"priority": "5", **ABSENT}, {"table": "101", **ABSENT}, {"table": "100", "from": "", **ABSENT}]
    assert len(parse({"rules": [{**one, "priority": "1"}, *apart]}).rules) == 4


# ---- sysctls


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        *(
            (name, f"{name!r} is no sysctl of networks")
            for name in ("kernel.pid_max", "net", "", "network.x", "/net/x")
        ),
        *(
            (name, f"{name!r} is no name of a sysctl")
            for name in (
                *("net.", "net..x", "net.x.", "net/../kernel/x", "net/./x", "net.//.x", "net./.x", "net//x"),
                *("net.x y", "net.x\n", "net.\x7f"),
            )
        ),
    ],
    ids=ascii,
)
def test_a_name_of_a_sysctl_that_is_refused(name: str, cause: str) -> None:
    assert refusal(sysctls={name: 1}).startswith(f"sysctls as given: {cause}")


@pytest.mark.parametrize("value", [True, False, None, "", " ", "cubic", "1.5", 1.5, "1,2", "+1", "0x1", "1_0", [1, 2]])
def test_a_sysctl_that_is_no_number(value: t.Any) -> None:
    text = refusal(sysctls={"net.core.somaxconn": value})
    assert text.startswith(
        f"sysctls[net.core.somaxconn] as given: {str(value)!r} is no whole number, and no list of them; write 1"
    )


def test_a_sysctl_twice() -> None:
    given_sysctls = {"net.ipv4.conf.eth0/100.rp_filter": 1, "net/ipv4/conf/eth0.100/rp_filter": 1}
    assert refusal(sysctls=given_sysctls) == "sysctls as given: it has net.ipv4.conf.eth0/100.rp_filter twice"


def test_sysctls_have_one_form() -> None:
    found = parse(
        {
            "sysctls": {
                "net/ipv4/conf/eth0.1/rp_filter": 1,
                "net.ipv6.conf.a/b.mtu": "01280",
                "net.ipv4.tcp_rmem": " 4096\t131072 6291456\n",
                "net.ipv4.x": -1,
            }
        }
    )
    assert found.sysctls == {
        "net.ipv4.conf.eth0/1.rp_filter": "1",
        "net.ipv6.conf.a/b.mtu": "1280",
        "net.ipv4.tcp_rmem": "4096 131072 6291456",
        "net.ipv4.x": "-1",
    }


# ---- all of it


def test_purge() -> None:
    assert parse({"purge": ["links", "rules"], "host": False}).purge == {"links", "rules"}
    assert parse({"purge": [], "host": True}).purge == frozenset()
    assert refusal(purge=["rules"], host=True).startswith("purge as given: with host it would take away what others")


def test_nothing() -> None:
    nothing = dict.fromkeys(("links", "routes", "rules", "sysctls", "purge"))
    assert parse({}) == parse(nothing) == Request()
    assert options_of(Request()) == {}


def test_only_what_is_not_by_default_is_said() -> None:
    request = parse(
        {
            "links": [{"name": "lo"}, {**VETH, "peer": {"name": "x"}, "master": ""}, {"name": "old", **ABSENT}],
            "routes": [{"dst": "default", "via": "fd00::1"}, {**NET, "dev": "lo", "type": "local"}, {**NET, **ABSENT}],
            "rules": [{"table": "main"}, {"family": "ipv6", "table": "7"}],
        }
    )
    assert options_of(request) == {
        "links": [
            {"name": "lo", "up": True},
            {"name": "eth0", "type": "veth", "up": True, "master": "", "peer": {"name": "x", "up": True}},
            {"name": "old", "state": "absent"},
        ],
        "routes": [
            {"dst": "::/0", "via": "fd00::1"},
            {"dst": "10.0.0.0/8", "dev": "lo", "type": "local"},
            {"dst": "10.0.0.0/8", "state": "absent"},
        ],
        "rules": [{"table": 254}, {"family": "ipv6", "table": 7}],
    }


names = st.from_regex(r"[a-z]{1,8}[0-9]?", fullmatch=True).filter(lambda name: name not in ("all", "default"))
namespaces = st.none() | st.just("") | st.from_regex(r"/?[a-z]{1,8}", fullmatch=True)
U32 = st.integers(0, 0xFFFFFFFF)
tables = st.sampled_from(["main", "local", "default"]) | st.integers(1, 0xFFFFFFFF)
hosts = {
    "ipv4": st.ip_addresses(v=4).filter(lambda address: not address.is_unspecified and not address.is_multicast),
    "ipv6": st.ip_addresses(v=6).filter(lambda address: not address.is_unspecified and not address.is_multicast),
}
any_host = st.one_of(*hosts.values()).map(str)


def given_or_not(**strategies: st.SearchStrategy[t.Any]) -> st.SearchStrategy[Options]:
    return st.fixed_dictionaries({}, optional=strategies)


def value_of(option: Option) -> st.SearchStrategy[t.Any]:
    return {
        "flag": st.booleans() | st.sampled_from(["yes", "off"]),
        "number": st.integers(0, option.last),
        "choice": st.sampled_from(sorted(option.choices) or [""]),
        "address": any_host,
        "link": names,
        "namespace": namespaces,
    }[option.kind]


@st.composite
def address_lists(draw: st.DrawFn) -> list[t.Any]:
    found = draw(st.lists(any_host, max_size=3, unique=True))
    lengths = st.integers(0, 32)
    texts = [draw(st.sampled_from([text, f"{text}/{draw(lengths)}"])) for text in found]
    return [draw(st.sampled_from([text, {"address": text, "state": "absent"}])) for text in texts]


@st.composite
def links(draw: st.DrawFn) -> Options:
    item: Options = {"name": draw(names), "type": draw(st.sampled_from([None, "physical", *LINK_TYPES]))}
    if draw(st.booleans()):
        return {**item, "state": draw(st.sampled_from(["absent", "outside"]))}
    mac = st.binary(min_size=5, max_size=5).map(lambda rest: "02:" + ":".join(f"{byte:02X}" for byte in rest))
    item.update(
        draw(
            given_or_not(
                addresses=address_lists(),
                mtu=st.integers(1, 65536),
                mac=mac,
                up=st.booleans(),
                master=names | st.just(""),
            )
        )
    )
    known = LINK_TYPES.get(item["type"] or "", {})
    options = draw(given_or_not(**{name: value_of(option) for name, option in known.items()}))
    if LINK not in options:
        options.pop(LINK_NAMESPACE, None)
    peer = given_or_not(namespace=namespaces, addresses=address_lists(), up=st.booleans(), master=names | st.just(""))
    if item["type"] == "veth" and draw(st.booleans()):
        item["peer"] = {"name": draw(names), **draw(peer)}
    return {**item, "options": options}


@st.composite
def networks(draw: st.DrawFn, family: str) -> str:
    address = draw(hosts[family])
    length = draw(st.integers(0, address.max_prefixlen))
    shift = address.max_prefixlen - length
    return f"{type(address)(int(address) >> shift << shift)}/{length}"


@st.composite
def routes(draw: st.DrawFn) -> Options:
    family = draw(st.sampled_from(sorted(hosts)))
    item = {"dst": draw(networks(family) | st.just("default")), "family": family}
    item.update(draw(given_or_not(table=tables, metric=U32, src=hosts[family].map(str))))
    if draw(st.booleans()):
        return {**item, "state": "absent"}
    type_ = draw(st.sampled_from(["unicast", "local", "throw", "blackhole"]))
    ways: dict[str, st.SearchStrategy[Options]] = {
        "unicast": st.fixed_dictionaries({"via": hosts[family].map(str)}, optional={"dev": names}),
        "local": st.fixed_dictionaries({"dev": names}),
    }
    return {**item, "type": type_, **draw(ways.get(type_, st.just({})))}


@st.composite
def rules(draw: st.DrawFn) -> Options:
    family = draw(st.sampled_from(sorted(hosts)))
    mark = st.tuples(U32, st.integers(1, 0xFFFFFFFF)).map(lambda pair: f"{pair[0]:#x}/{pair[1]}")
    item = draw(
        given_or_not(
            **{"from": networks(family), "to": networks(family)},
            iif=names,
            oif=names,
            fwmark=mark | U32.map(str),
            priority=U32,
        )
    )
    absent = draw(st.booleans())
    if absent:
        item.update(draw(given_or_not(**dict.fromkeys(("from", "iif", "fwmark"), st.just("")))))
    if not absent or draw(st.booleans()):
        item["table"] = draw(tables)
    return {**item, "family": family, **(ABSENT if absent else {})}


sysctls = st.dictionaries(
    st.from_regex(r"net(\.[a-z/]{0,3}[a-z]){1,4}|net(/[a-z.]{0,3}[a-z]){1,4}", fullmatch=True),
    st.integers(-(10**19), 10**19)
    | st.lists(st.integers(-9, 9), min_size=1, max_size=3).map(lambda x: " ".join(map(str, x))),
    max_size=3,
)
tasks = given_or_not(
    links=st.lists(links(), max_size=3),
    routes=st.lists(routes(), max_size=3),
    rules=st.lists(rules(), max_size=3),
    sysctls=sysctls,
    purge=st.lists(st.sampled_from(["links", "addresses", "routes", "rules"]), unique=True),
)


@given(tasks)
@support.properties
def test_what_is_asked_can_be_asked_again(options: Options) -> None:
    try:
        request = parse(options)
    except NamespaceError as error:
        # By chance; nothing else of what is drawn is refused.
        assume(not re.search("twice|may be the same rule|says nothing|itself|could be on any link", str(error)))
        raise
    again = options_of(request)
    assert parse(again) == request
    assert options_of(parse(again)) == again
