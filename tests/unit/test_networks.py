# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What network namespaces contain, told from outside."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import signal
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import facts, networks, parts
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import run as discovery_run
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import codec, decode, seen
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.parse import parse
from ansible_collections.linux.namespaces.plugins.modules import ns_facts
from ansible_collections.linux.namespaces.tests.unit import support

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 9) or codec.MISSING is not None, reason="addresses and routes need Python 3.9 and pyroute2"
)

Told = t.Dict[str, t.Any]

SOURCES = ("processes", "threads", "fds")
"""Where the namespaces of these tests are."""
ROUTER = """\
link set lo up
link add br0 type bridge
link add veth0 type veth peer name veth1
link set veth0 master br0 mtu 1400 address 02:00:00:00:00:01 up
link set br0 up
addr add 10.0.0.1/24 dev br0
addr add 10.9.9.1 peer 10.9.9.2 dev br0
addr add fd00::1/64 dev br0
route add default via 10.0.0.254 metric 7
route add 10.1.0.0/16 via 10.0.0.2 src 10.0.0.1 table 300
route add 10.2.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.3
route add blackhole 10.3.0.0/16
route add default via fd00::2
rule add from 10.0.0.0/8 to 10.1.0.0/16 iif br0 fwmark 1/3 table 300 priority 100
"""
RULES6 = "rule add from fd00::/64 table 300 priority 200\n"


def batch(lines: str, *options: str) -> None:
    subprocess.run(["ip", *options, "-batch", "-"], input=lines.encode("utf-8", "surrogateescape"), check=True)


def gather(sources: t.Sequence[str] = SOURCES, **request: t.Any) -> Told:
    """The facts, gathered by a child: this process is one of those that hold something."""

    def work() -> Told:
        with support.own_procfs() as proc:
            return facts.gather(proc, facts.Request(sources=sources, types=["net"], network=True, **request))

    return support.forked(work)


def networks_of(told: Told) -> dict[int, t.Any]:
    return {item["inode"]: item["network"] for item in told["namespaces"]}


@contextlib.contextmanager
def opened(lines: str, lines6: str = "") -> t.Iterator[int]:
    """A network namespace without a process, that an open file holds: this one."""

    def prepare() -> None:
        batch(lines)
        batch(lines6, "-6")

    with support.inhabited("net", prepare=prepare) as pid:
        fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def held(*lines: str) -> t.Iterator[int]:
    """The inode of such a one."""
    with opened(*lines) as fd:
        yield os.fstat(fd).st_ino


def asked(*words: str) -> t.Any:
    return json.loads(subprocess.run(["ip", "-json", *words], stdout=subprocess.PIPE, check=True).stdout)


def of_ip() -> Told:
    """What ip(8) says of the caller's network, in the shape of the facts, as sets."""
    whole = {"default": "0.0.0.0/0", "all": ""}
    links = {
        (item["ifname"], item["mtu"], "UP" in item["flags"], item["address"], item.get("master"))
        for item in asked("link")
    }
    addresses = {
        (item["ifname"], f"{address['local']}/{address['prefixlen']}")
        for item in asked("addr")
        for address in item["addr_info"]
    }
    routes = set()
    for family in ("-4", "-6"):
        for item in asked(family, "-details", "-N", "route", "show", "table", "all"):
            dst = item["dst"].replace("default", "0.0.0.0/0" if family == "-4" else "::/0")
            made = item["protocol"] == "2"
            routes.add((str(ipaddress.ip_network(dst)), item.get("gateway"), item.get("dev"), item["table"], made))
    rules = set()
    for family in ("-4", "-6"):
        for item in asked(family, "-details", "-N", "rule"):
            source = f"{item['src']}/{item['srclen']}" if "srclen" in item else whole.get(item["src"], item["src"])
            rules.add((family, item["priority"], source, int(item["table"]), item["protocol"] == "2"))
    return {"links": links, "addresses": addresses, "routes": routes, "rules": rules}


def of_facts(network: Told) -> Told:
    """The same of the facts."""
    return {
        "links": {
            (item["name"], item["mtu"], item["up"], item["mac"], item.get("master")) for item in network["links"]
        },
        "addresses": {(item["name"], address["address"]) for item in network["links"] for address in item["addresses"]},
        "routes": {
            (
                str(ipaddress.ip_network(item["dst"].replace("default", "0.0.0.0/0"))),
                item.get("via"),
                item.get("dev"),
                str(item["table"]),
                item.get("kernel", False),
            )
            for item in network["routes"]
        },
        "rules": {
            (
                "-4" if item["family"] == "ipv4" else "-6",
                item["priority"],
                item.get("from", ""),
                item["table"],
                item.get("kernel", False),
            )
            for item in network["rules"]
        },
    }


def test_what_the_kernel_did_not_make_can_be_asked_for() -> None:
    with held(ROUTER, RULES6) as inode:
        network = networks_of(gather())[inode]
    kept = {
        name: [item for item in network[name] if not {"kernel", "beyond"} & {*item}] for name in ("routes", "rules")
    }
    assert len(kept["routes"]) == 4
    assert len(kept["rules"]) == 2
    request = parse(kept)
    assert (len(request.routes), len(request.rules)) == (4, 2)


def test_a_namespace_without_a_process_as_ip_sees_it() -> None:
    with opened(ROUTER, RULES6) as fd:
        told = gather()
        network = networks_of(told)[os.fstat(fd).st_ino]

        def inside() -> Told:
            process.setns(fd, nstypes.NET.flag)
            return of_ip()

        expected = support.forked(inside)
    assert of_facts(network) == expected
    assert len(expected["routes"]) > 10
    assert len(expected["rules"]) == 7
    assert not told["scan"]["denied"]
    assert {*told["scan"]["incomplete_because"]} == {
        f"the source {name} was left out" for name in discovery_run.SOURCES if name not in SOURCES
    }


def test_in_the_shape_of_the_options() -> None:
    with held(ROUTER, RULES6) as inode:
        network = networks_of(gather())[inode]
    own = {
        key: [item for item in network[key] if not item.get("kernel") and "beyond" not in item]
        for key in ("routes", "rules")
    }
    assert sorted(own["routes"], key=lambda route: (":" in route["dst"], route["metric"], route["dst"])) == [
        {
            "dst": "10.1.0.0/16",
            "table": 300,
            "metric": 0,
            "type": "unicast",
            "via": "10.0.0.2",
            "dev": "br0",
            "src": "10.0.0.1",
        },
        {"dst": "10.3.0.0/16", "table": 254, "metric": 0, "type": "blackhole"},
        {"dst": "default", "table": 254, "metric": 7, "type": "unicast", "via": "10.0.0.254", "dev": "br0"},
        {"dst": "::/0", "table": 254, "metric": 1024, "type": "unicast", "via": "fd00::2", "dev": "br0"},
    ]
    assert own["rules"] == [
        {
            "family": "ipv4",
            "priority": 100,
            "table": 300,
            "from": "10.0.0.0/8",
            "to": "10.1.0.0/16",
            "iif": "br0",
            "fwmark": "1/3",
        },
        {"family": "ipv6", "priority": 200, "table": 300, "from": "fd00::/64"},
    ]
    bridge, port = (next(link for link in network["links"] if link["name"] == name) for name in ("br0", "veth0"))
    assert bridge["options"]["stp_state"] is False
    assert [item for item in bridge["addresses"] if not item.get("kernel")] == [
        {"address": "10.0.0.1/24"},
        {"address": "10.9.9.1/32", "beyond": "peer 10.9.9.2"},
        {"address": "fd00::1/64"},
    ]
    assert {key: port[key] for key in ("type", "up", "mtu", "mac", "master")} == {
        "type": "veth",
        "up": True,
        "mtu": 1400,
        "mac": "02:00:00:00:00:01",
        "master": "br0",
    }


def test_what_the_kernel_made_and_what_no_task_can_ask_for() -> None:
    with held(ROUTER, RULES6) as inode:
        network = networks_of(gather())[inode]
    loopback = next(link for link in network["links"] if link["name"] == "lo")
    assert loopback["addresses"] == [{"address": address, "kernel": True} for address in ("127.0.0.1/8", "::1/128")]
    assert [rule["priority"] for rule in network["rules"] if rule.get("kernel")] == [0, 32766, 32767, 0, 32766]
    routes = {route["dst"]: route for route in network["routes"]}
    assert routes["10.2.0.0/16"]["beyond"] == "several next hops"
    assert (routes["10.0.0.0/24"]["kernel"], routes["10.0.0.255/32"]["type"]) == (True, "broadcast")


def test_the_other_ends() -> None:
    """In the same namespace, in one beside it, where the task is; and where nobody looks."""

    def work() -> None:
        with contextlib.ExitStack() as stack:
            pids = [stack.enter_context(support.inhabited("net")) for _each in range(3)]
            first, second, third = pids
            batch(
                f"link add here type veth peer name up netns {first}\n"
                f"link add twin1 type veth peer name twin2\n"
                f"link add side type veth peer name side netns {second}\n"
                f"link set side netns {first}\n"
                f"link add hidden type veth peer name hidden netns {third}\n"
                f"link set hidden netns {first}\n"
            )
            one, two, three = (support.identity(pid, "net").inode for pid in pids)
            own = support.own_identity("net").inode
            told = {
                (inode, link["name"]): link.get("peer")
                for inode, network in networks_of(gather()).items()
                for link in network["links"]
            }
            assert told[one, "up"] == {"name": "here", "namespace": "", "inode": own}
            assert told[own, "here"] == {"name": "up", "namespace": None, "inode": one}
            assert told[own, "twin1"] == {"name": "twin2", "namespace": "", "inode": own}
            assert told[one, "side"] == {"name": "side", "namespace": None, "inode": two}
            assert told[two, "side"]["inode"] == one
            assert (told[one, "hidden"]["inode"], told[one, "lo"]) == (three, None)
            (only,) = gather(inode=one)["namespaces"]
            peers = {link["name"]: link.get("peer") for link in only["network"]["links"]}
            assert peers["up"] == {"name": "here", "namespace": "", "inode": own}
            assert peers["side"] == {"name": None, "namespace": None, "inode": None}

    support.in_own_world(work, "mnt", "net", "pid")


def test_the_link_that_one_is_upon() -> None:
    def work() -> t.Any:
        with support.inhabited("net") as pid:
            try:
                batch(f"link add base type veth peer name other\nlink add above link base netns {pid} type macvtap\n")
            except subprocess.CalledProcessError:
                return None
            network = networks_of(gather())[support.identity(pid, "net").inode]
        return [link["options"] for link in network["links"] if link["name"] == "above"]

    found = support.in_own_world(work, "mnt", "net", "pid")
    if found is None:
        pytest.skip("this kernel has no macvtap: make kernels has it")
    assert found == [{"link": "base", "link_namespace": ""}]


@pytest.mark.usefixtures("own_run")
def test_the_set_of_the_other_end() -> None:
    support.brought("blue", "red", types=["net"])
    try:
        batch("link add end1 type veth peer name end2 netns red\n", "-netns", "blue")
        with support.own_procfs() as proc:
            told = facts.gather(proc, facts.Request(types=["net"], network=True))
        by_name = {item["name"]: item["network"] for item in told["namespaces"]}
    finally:
        support.brought("blue", "red", present=False)
    peers = {name: [link["peer"] for link in by_name[name]["links"] if "peer" in link] for name in ("blue", "red")}
    assert [(peer["name"], peer["namespace"]) for peer in (*peers["blue"], *peers["red"])] == [
        ("end2", "red"),
        ("end1", "blue"),
    ]


def test_everything_that_is_documented() -> None:
    """And nothing else, but for what only many links, or other types of rules, would have."""
    yaml = pytest.importorskip(
        "yaml", reason="the documentation is YAML: install PyYAML, which comes with ansible-core"
    )
    facts_documented = yaml.safe_load(ns_facts.RETURN)["ansible_facts"]["contains"]["linux_namespaces"]["contains"]
    documented = facts_documented["namespaces"]["contains"]["network"]["contains"]
    with held(f"{ROUTER}rule add oif br0 uidrange 1-2 table 9\n", RULES6) as inode:
        network = networks_of(gather())[inode]
    assert network.keys() == {key for key in documented if not key.endswith("_more")}
    for key, items in network.items():
        told = {name for item in items for name in item}
        assert told == documented[key]["contains"].keys()
    in_links = documented["links"]["contains"]
    for key in ("addresses", "peer"):
        values = [link[key] for link in network["links"] if key in link]
        dicts = values if key == "peer" else [address for some in values for address in some]
        assert {name for item in dicts for name in item} == in_links[key]["contains"].keys()


def test_names_that_are_no_text() -> None:
    with held("link add b\udcffx type bridge\nrule add iif b\udcffx table 9\n") as inode:
        network = networks_of(gather())[inode]
    json.dumps(network).encode()
    assert "b\ufffdx" in [link["name"] for link in network["links"]]
    assert [rule["iif"] for rule in network["rules"] if "iif" in rule] == ["b\ufffdx"]


# ---- how much


def many(count: int) -> str:
    routes = "".join(f"route add 10.{number >> 8}.{number & 255}.0/24 dev br0\n" for number in range(count))
    return f"link add br0 type bridge\nlink set br0 up\n{routes}"


def test_more_than_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with held(many(300)) as inode, held(many(1)) as other:
        whole = networks_of(gather(inode=inode))[inode]["routes"]
        monkeypatch.setattr(seen, "MOST", 250)
        told = gather(inode=inode)
        network = networks_of(told)[inode]
        assert networks.CUT not in gather(inode=other)["scan"]["incomplete_because"]
    assert (len(network["routes"]), network["routes_more"]) == (250, len(whole) - 250)
    assert network["routes"] == whole[:250]
    assert {*network} == {"links", "routes", "rules", "routes_more"}
    assert networks.CUT in told["scan"]["incomplete_because"]


def test_more_than_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next question is answered all the same."""
    monkeypatch.setattr(seen, "MOST", 10)
    monkeypatch.setattr(seen, "MOST_COUNTED", 3000)
    with held(many(5000)) as inode:
        network = networks_of(gather(inode=inode))[inode]
    assert (len(network["routes"]), network["routes_more"]) == (10, 2990)
    assert len(network["rules"]) == 5


def test_more_than_there_is_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seen, "_SECONDS", 0)
    with held(ROUTER, RULES6) as inode:
        told = gather(inode=inode)
    network = networks_of(told)[inode]
    assert (network["links"], network["routes"], network["rules"]) == ([], [], [])
    assert (network["rules_more"], network["addresses_more"] >= 5) == (7, True)
    assert networks.CUT in told["scan"]["incomplete_because"]


def test_how_many_are_documented() -> None:
    assert seen.MOST == 1000
    assert "A thousand each of links, addresses, routes and rules are told." in ns_facts.RETURN


def test_the_largest_that_there_is() -> None:
    """It fits into messages, and in the time that there is."""
    name = "n" * 15
    address = "fd00:1111:2222:3333:4444:5555:6666:{:04x}"
    lines = [f"link add {name} type bridge\nlink set {name} up\naddr add fd00::1/16 dev {name} nodad\n"]
    lines += [
        f"rule add from {address.format(number)} to {address.format(number)} iif {name} oif {name} "
        f"fwmark {0xFFFF0000 + number}/{0xFFFFFFFE} table {4000000000 + number} "
        "tun_id 1 ipproto tcp sport 1-2 dport 3-4\n"
        for number in range(400)
    ]
    with held("", "".join(lines)) as inode:
        network = networks_of(gather(inode=inode))[inode]
    assert len(network["rules"]) == 405


# ---- what can't be read


def test_without_privilege() -> None:
    """The own one can be read."""

    def work() -> Told:
        process.unshare(nstypes.NET.flag)
        support.become_ordinary()
        # Who may open a namespace need not be let into it.
        return gather()

    with held(ROUTER) as inode:
        told = support.forked(work)
    networks = networks_of(told)
    assert networks.pop(inode) is None
    assert [network["links"][0]["name"] for network in networks.values()] == ["lo"]
    assert told["scan"]["denied"]["network"] == 1


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_child_that_is_stopped_or_ended(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(parts, "SECONDS", 1)
    monkeypatch.setattr(seen, "everything", lambda: os.kill(os.getpid(), number))
    with held(ROUTER, RULES6) as inode:
        began = time.monotonic()
        told = gather(inode=inode)
    (namespace,) = told["namespaces"]
    assert namespace["network"] is None
    assert "br0" in [link["name"] for link in namespace["links"]]
    assert networks.LOST in told["scan"]["incomplete_because"]
    assert time.monotonic() - began < 30


def test_what_is_not_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    """One route that pyroute2 fails at leaves the others."""
    any_route_in = decode.any_route_in

    def fail(*arguments: t.Any) -> t.Any:
        route = any_route_in(*arguments)
        if route is not None and route.type == "blackhole":
            raise KeyError("what")
        return route

    monkeypatch.setattr(decode, "any_route_in", fail)
    with held(ROUTER, RULES6) as inode:
        told = gather(inode=inode)
    routes = networks_of(told)[inode]["routes"]
    assert networks.UNCLEAR in told["scan"]["incomplete_because"]
    assert [route["dst"] for route in routes if route["type"] == "blackhole"] == []
    assert "10.1.0.0/16" in [route["dst"] for route in routes]


# ---- without pyroute2


def test_not_in_a_summary() -> None:
    told = gather(detail="summary")
    assert "namespaces" not in told
