# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes to the kernel as one thing comes back from it as the same."""

from __future__ import annotations

import importlib.metadata
import ipaddress
import os
import socket
import struct
import typing as t

import hypothesis
import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import netdev, rtnetlink
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import codec, decode, encode
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.link_types import LINK, LINK_TYPES
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.model import (
    V4,
    V6,
    Route,
    Rule,
    Value,
)
from ansible_collections.linux.namespaces.tests.unit import networks, support
from hypothesis import strategies

T = t.TypeVar("T")

_IFLA_LINKINFO, _IFLA_PARENT_DEV_NAME = 18, 56

in_the_kernel = hypothesis.settings(support.properties, max_examples=150)


def test_the_version_that_is_meant() -> None:
    found = importlib.metadata.version("pyroute2")
    assert codec.MISSING is None
    assert found == os.environ.get("PYROUTE2_VERSION", found)


# ---- a kernel to ask


class Kernel:
    """A network namespace with the link under, which is up and has the addresses 10.0.0.1/8 and fd00::1/16."""

    def __init__(self, route: socket.socket) -> None:
        self._route = route
        networks.ip("link", "add", "under", "type", "veth", "peer", "name", "far")
        netdev.set_up("lo")
        for name in ("under", "far"):
            support.write(f"/proc/sys/net/ipv6/conf/{name}/accept_dad", "0")
            netdev.set_up(name)
        self.index = netdev.indices_at(route)["under"]
        for address in ("10.0.0.1/8", "fd00::1/16"):
            self.do(encode.address_added(self.index, address))

    def do(self, request: rtnetlink.Request) -> None:
        (error,) = rtnetlink.change(self._route, [request])
        if error is not None:
            raise error

    def listed(self, asked: int, told: int) -> list[rtnetlink.Message]:
        found = rtnetlink.list_at(self._route, asked, encode.everything(asked))
        return [item for item in found if item.kind == told]

    def raws(self) -> dict[str, decode.Raw]:
        found = [decode.link_in(item) for item in self.listed(rtnetlink.RTM_GETLINK, rtnetlink.RTM_NEWLINK)]
        return {raw.link.name: raw for raw in found}

    def addresses(self) -> list[decode.Address]:
        found = [decode.address_in(item) for item in self.listed(rtnetlink.RTM_GETADDR, rtnetlink.RTM_NEWADDR)]
        return [item for item in found if item is not None]

    def routes(self) -> list[Route]:
        names = {index: name for name, index in netdev.indices_at(self._route).items()}
        found = [decode.route_in(item, names) for item in self.listed(rtnetlink.RTM_GETROUTE, rtnetlink.RTM_NEWROUTE)]
        return [item for item in found if item is not None]

    def rules(self) -> list[Rule]:
        found = [decode.rule_in(item) for item in self.listed(rtnetlink.RTM_GETRULE, rtnetlink.RTM_NEWRULE)]
        return [item for item in found if item is not None]


def in_kernel(work: t.Callable[[Kernel], T]) -> T:
    def live() -> T:
        with rtnetlink.open_route() as route:
            return work(Kernel(route))

    return support.in_own_world(live, "mnt", "net", "pid")


# ---- links


class Case(t.NamedTuple):
    kind: str
    options: t.Mapping[str, Value]


def cases() -> t.Iterator[Case]:
    """Each type with each of its options, in two values."""
    for kind, known in LINK_TYPES.items():
        needed: dict[str, Value] = {"id": 5} if "id" in known else {"table": 5} if "table" in known else {}
        if LINK in known and known[LINK].needed:
            needed[LINK] = "under"
        yield Case(kind, needed)
        for name, option in known.items():
            for value in SOME.get((kind, name)) or some_values(option.kind, list(option.choices)):
                yield Case(kind, {**needed, **WITH.get((kind, name), {}), name: value})


SOME: t.Mapping[tuple[str, str], list[Value]] = {
    ("bridge", "forward_delay"): [400, 3000],
    ("bridge", "hello_time"): [100, 1000],
    ("bridge", "max_age"): [600, 4000],
    ("bridge", "ageing_time"): [0, 100000],
    ("bridge", "vlan_default_pvid"): [7, 4094],
    ("bond", "updelay"): [100, 200],
    ("bond", "downdelay"): [100, 200],
    # The others take more, and are a choice like these.
    ("bond", "mode"): ["balance-rr", "active-backup", "802.3ad"],
    ("vxlan", LINK): ["under"],
    ("vxlan", "remote"): ["10.0.0.9", "fd00::9"],
    ("vxlan", "local"): ["10.0.0.1", "fd00::1"],
}


WITH: t.Mapping[tuple[str, str], t.Mapping[str, Value]] = {
    ("bond", "lacp_rate"): {"mode": "802.3ad"},
    ("bond", "updelay"): {"miimon": 100},
    ("bond", "downdelay"): {"miimon": 100},
}
"""What an option can not be without."""


def some_values(kind: str, choices: list[str]) -> list[Value]:
    if kind == "flag":
        return [True, False]
    if kind == "choice":
        return [*choices]
    return [1, 2] if kind == "number" else []


@pytest.mark.parametrize("case", [*cases()], ids=lambda case: " ".join(map(str, [case.kind, *case.options.items()])))
def test_every_option_of_every_type_of_link(case: Case) -> None:
    networks.need(case.kind)

    def work(kernel: Kernel) -> tuple[t.Any, ...]:
        upon = kernel.index if LINK in case.options else 0
        with open("/proc/self/ns/net", "rb") as here:
            peer = ("itsend", here.fileno()) if case.kind == "veth" else None
            try:
                kernel.do(encode.link_added("it", case.kind, case.options, upon, None, peer))
            except OSError as error:
                # Linux 5.10 has not all of the choices.
                if error.strerror != os.strerror(95) and case.options.get("xmit_hash_policy") != "vlan+srcmac":
                    raise
                return (None,)
        raw = kernel.raws()["it"]
        return raw.link.type, raw.link.name, dict(raw.link.options), raw.other, kernel.index

    kind, *found = in_kernel(work)
    if kind is None:
        pytest.skip(f"the kernel has no such option of {case.kind} here; make kernels has one that does")
    name, options, other, index = found
    assert (kind, name) == (case.kind, "it")
    if "vlan_default_pvid" in case.options and "vlan_default_pvid" not in options:
        pytest.skip("bridges have no VLANs here (CONFIG_BRIDGE_VLAN_FILTERING): make kernels has some that do")
    given = {word: value for word, value in case.options.items() if word != LINK}
    assert {word: options.get(word) for word in given} == given
    assert (other == index) == (LINK in case.options)


def test_the_values_that_new_links_have() -> None:
    """They are not asked for when a link is made again."""

    def work(kernel: Kernel) -> None:
        for kind, known in LINK_TYPES.items():
            if kind == "veth" or not can_make[kind]:
                continue
            needed: dict[str, Value] = {"id": 5} if "id" in known else {"table": 5} if "table" in known else {}
            upon = kernel.index if LINK in known and known[LINK].needed else 0
            kernel.do(
                encode.link_added(f"a{kind}", kind, {**needed, **({LINK: "under"} if upon else {})}, upon, None, None)
            )
            made = kernel.raws()[f"a{kind}"].link
            told = made.options
            for name, option in known.items():
                if option.default is not None and name in told:
                    assert told[name] == option.default, (kind, name)
            # A macvlan and an ipvlan can not be upon the same one.
            kernel.do(encode.link_removed(made.number))

    can_make = {kind: networks.can_make(kind) for kind in LINK_TYPES}
    in_kernel(work)


def test_what_a_link_is_changed_to() -> None:
    def work(kernel: Kernel) -> None:
        kernel.do(encode.link_added("br0", "bridge", {}, 0, None, None))
        bridge = kernel.raws()["br0"].link.number
        change = encode.link_changed(kernel.index, up=False, mtu=1400, address="02:00:00:00:00:07", master=bridge)
        kernel.do(change)
        raw = kernel.raws()["under"]
        assert (raw.link.up, raw.link.mtu, raw.link.mac, raw.master) == (False, 1400, "02:00:00:00:00:07", bridge)
        kernel.do(encode.link_changed(bridge, type_="bridge", options={"priority": 5, "stp_state": True}))
        options = kernel.raws()["br0"].link.options
        assert (options["priority"], options["stp_state"]) == (5, True)
        kernel.do(encode.link_changed(kernel.index, master=0))
        assert kernel.raws()["under"].master == 0
        kernel.do(encode.link_removed(bridge))
        assert "br0" not in kernel.raws()
        assert kernel.raws()["lo"].link.type == "loopback"

    in_kernel(work)


# ---- addresses


v4 = strategies.integers(0x0B000000, 0x7EFFFFFF).map(ipaddress.IPv4Address)
v6 = strategies.one_of(
    strategies.integers(0xFD01 << 112, (0xFD02 << 112) - 1),
    strategies.integers(0x0064FF9B << 96, (0x0064FF9B << 96) + 0xFFFFFFFF),
    strategies.integers(0x2001 << 112, (0x2002 << 112) - 1),
).map(ipaddress.IPv6Address)


def interfaces(addresses: t.Any, longest: int, shortest: int = 9) -> t.Any:
    return strategies.builds(
        lambda address, length: f"{address}/{length}", addresses, strategies.integers(shortest, longest)
    )


def test_every_address_comes_back() -> None:
    def work(kernel: Kernel) -> None:
        @in_the_kernel
        @hypothesis.given(interfaces(v4, 32) | interfaces(v6, 128, 17))
        def check(address: str) -> None:
            before = kernel.addresses()
            kernel.do(encode.address_added(kernel.index, address))
            found = [item for item in kernel.addresses() if item not in before]
            assert found == [decode.Address(kernel.index, address, False, "")]
            kernel.do(encode.address_removed(kernel.index, address))
            assert kernel.addresses() == before

        check()

    in_kernel(work)


def test_the_addresses_that_the_kernel_made() -> None:
    def work(kernel: Kernel) -> None:
        for address in ("fe80::1/64", "fe80::2/10", "127.0.0.9/8"):
            kernel.do(encode.address_added(kernel.index, address))
        kernel.do(encode.address_added(1, "127.0.0.2/8"))
        networks.ip("addr", "add", "10.7.0.1", "peer", "10.7.0.2", "dev", "under")
        networks.ip("addr", "add", "fd07::1/64", "dev", "under", "valid_lft", "1000", "preferred_lft", "1000")
        found = {item.text: (item.automatic, item.beyond) for item in kernel.addresses() if item.number == kernel.index}
        made = [text for text, (automatic, _beyond) in found.items() if automatic]
        assert all((text.startswith("fe80::") and "ff:fe" in text) or text == "fd07::1/64" for text in made), made
        assert len(made) == 2
        assert {"fe80::1/64", "fe80::2/10", "127.0.0.9/8"} <= {*found} - {*made}
        assert found["10.7.0.1/32"] == (False, "peer 10.7.0.2")
        loopback = {item.text: item.automatic for item in kernel.addresses() if item.number == 1}
        assert loopback == {"127.0.0.1/8": True, "127.0.0.2/8": False, "::1/128": True}

    in_kernel(work)


# ---- routes


def networks_of(addresses: t.Any, longest: int, shortest: int = 1) -> t.Any:
    return interfaces(addresses, longest, shortest).map(lambda text: str(ipaddress.ip_interface(text).network))


tables = strategies.integers(1, 0xFFFFFFFF).filter(lambda number: number not in (253, 255))
no_way = strategies.sampled_from(["blackhole", "unreachable", "prohibit", "throw"])


def _route(**fields: t.Any) -> Route:
    """Hypothesis would make up also the fields that have a value of their own."""
    return Route(**fields)


routes4 = strategies.builds(
    _route,
    dst=networks_of(v4, 32) | strategies.just("default"),
    table=tables | strategies.just(254),
    metric=strategies.integers(0, 0xFFFFFFFF),
)
routes6 = strategies.builds(
    _route,
    dst=networks_of(v6, 128) | strategies.just("::/0"),
    table=tables | strategies.just(254),
    metric=strategies.integers(1, 0xFFFFFFFF).filter(lambda number: number != 256),
)
ways4 = strategies.fixed_dictionaries(
    {}, optional={"via": strategies.just("10.3.4.5"), "src": strategies.just("10.0.0.1")}
).map(lambda way: {"dev": "under", **way})
ways6 = strategies.fixed_dictionaries(
    {}, optional={"via": strategies.sampled_from(["fd00::5", "fe80::5"]), "src": strategies.just("fd00::1")}
).map(lambda way: {"dev": "under", **way})


def with_way(routes: t.Any, ways: t.Any) -> t.Any:
    return strategies.builds(
        lambda route, way: route._replace(**way), routes, ways | strategies.builds(dict, type=no_way)
    )


def test_every_route_comes_back() -> None:
    def work(kernel: Kernel) -> None:
        @in_the_kernel
        @hypothesis.given(with_way(routes4, ways4) | with_way(routes6, ways6))
        def check(route: Route) -> None:
            for other in kernel.routes():
                kernel.do(encode.route_removed(other))
            index = kernel.index if route.dev else 0
            kernel.do(encode.route_set(route, index, False))
            assert kernel.routes() == [route], kernel.routes()
            other = route._replace(type="blackhole", dev="", via="", src="")
            kernel.do(encode.route_set(other, 0, True))
            assert kernel.routes() == [other]
            kernel.do(encode.route_removed(route))
            assert kernel.routes() == []

        check()

    in_kernel(work)


def test_a_route_is_added_only_where_there_is_none_and_replaced_or_added() -> None:
    def work(kernel: Kernel) -> None:
        for dst in ("10.77.0.0/16", "fd77::/64"):
            it = Route(dst, 254, 7, type="blackhole")
            kernel.do(encode.route_set(it, 0, True))
            with pytest.raises(FileExistsError):
                kernel.do(encode.route_set(it, 0, False))
            kernel.do(encode.route_set(it._replace(type="prohibit"), 0, True))
            assert [route.type for route in kernel.routes()] == ["prohibit"]
            kernel.do(encode.route_removed(it))

    in_kernel(work)


# ---- rules


def _rule(**fields: t.Any) -> Rule:
    """The same of rules."""
    return Rule(**fields)


def rules_of(family: str, addresses: t.Any, longest: int) -> t.Any:
    prefixes = networks_of(addresses, longest) | strategies.just("")
    links = strategies.sampled_from(["", "lo", "under", "gone"])
    marks = strategies.one_of(
        strategies.just(""),
        strategies.integers(1, 0xFFFFFFFF).map(str),
        strategies.builds("{}/{}".format, strategies.integers(1, 0xFFFFFFFF), strategies.integers(0, 0xFFFFFFFE)),
    )
    return strategies.builds(
        _rule,
        family=strategies.just(family),
        priority=strategies.integers(1, 0xFFFFFFFF),
        src=prefixes,
        dst=prefixes,
        iif=links,
        oif=links,
        fwmark=marks,
        table=strategies.integers(1, 0xFFFFFFFF),
    )


def test_every_rule_comes_back() -> None:
    def work(kernel: Kernel) -> None:
        @in_the_kernel
        @hypothesis.given(rules_of(V4, v4, 32) | rules_of(V6, v6, 128))
        def check(rule: Rule) -> None:
            for other in kernel.rules():
                kernel.do(encode.rule_removed(other))
            kernel.do(encode.rule_added(rule))
            assert kernel.rules() == [rule], kernel.rules()
            kernel.do(encode.rule_removed(rule))
            assert kernel.rules() == []

        check()

    in_kernel(work)


def test_what_a_link_is_without_a_kind() -> None:
    """A card belongs to a device, here one that was put into what the kernel tells of another link."""

    def work(kernel: Kernel) -> None:
        raw = next(
            item
            for item in kernel.listed(rtnetlink.RTM_GETLINK, rtnetlink.RTM_NEWLINK)
            if decode.link_in(item).link.name == "under"
        )
        header, attributes = raw.content[:16], [*rtnetlink.attributes(raw.content[16:])]

        def told(*left_out: int, more: bytes = b"") -> str:
            rest = (rtnetlink.attribute(kind, value) for kind, value in attributes if kind not in left_out)
            return decode.link_in(raw._replace(content=header + b"".join(rest) + more)).link.type

        device = rtnetlink.attribute(_IFLA_PARENT_DEV_NAME, b"0000:00:03.0\0")
        assert (told(), told(more=device)) == ("veth", "veth")
        assert (told(_IFLA_LINKINFO), told(_IFLA_LINKINFO, more=device)) == ("unknown", "physical")

    in_kernel(work)


# ---- what nobody sent


@support.properties
@hypothesis.given(strategies.binary(min_size=12, max_size=12), strategies.integers(0, 0xFF))
def test_messages_of_other_families(header: bytes, family: int) -> None:
    """As of bridges, of MPLS and of MCTP."""
    hypothesis.assume(family not in (socket.AF_INET, socket.AF_INET6))
    content = bytes([family]) + header[1:]
    assert decode.any_route_in(rtnetlink.Message(rtnetlink.RTM_NEWROUTE, content), {}) is None
    assert decode.any_rule_in(rtnetlink.Message(rtnetlink.RTM_NEWRULE, content)) is None
    local = struct.pack("=BBBBI", family, 0, 0, 0, 1) + rtnetlink.attribute(2, b"\x09")
    message = rtnetlink.Message(rtnetlink.RTM_NEWADDR, local)
    assert decode.address_in(message) is None
    assert decode.tentative_in(message) is None
