# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_network as a task calls it: which namespace is meant, what Ansible makes of the options."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest
from ansible.module_utils.common import arg_spec
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import codec
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.model import PURGEABLE
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.parse import parse
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.shape import options_of
from ansible_collections.linux.namespaces.plugins.modules import ns_network
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.answer import Options, answer
from ansible_collections.linux.namespaces.tests.unit.support import bring, in_own_world

ADDRESSES = ["10.0.0.1/24", {"address": "fd00::1/64", "state": "absent"}]
ALL: Options = {
    "links": [
        {
            "name": "eth0",
            "type": "veth",
            "peer": {"name": "x", "namespace": "blue", "addresses": ADDRESSES, "up": False, "master": ""},
            "addresses": ADDRESSES,
            "mtu": 1400,
            "mac": "52:54:00:12:34:56",
            "up": False,
            "master": "",
        },
        {"name": "br0", "type": "bridge", "up": True, "options": {"stp_state": False, "priority": 7}},
        {"name": "old", "type": "vlan", "state": "absent"},
        {"name": "card", "state": "outside", "mtu": 1400},
    ],
    "routes": [
        {"dst": "::/0", "via": "fd00::1", "dev": "eth0", "src": "fd00::2", "table": 7, "metric": 5},
        {"dst": "10.0.0.0/8", "type": "throw"},
        {"dst": "10.1.0.0/16", "state": "absent"},
    ],
    "rules": [
        {
            "family": "ipv6",
            "priority": 5,
            "from": "fd00::/64",
            "to": "fd01::/64",
            "iif": "lo",
            "oif": "eth0",
            "fwmark": "7/255",
            "table": 7,
        },
        {"priority": 0, "state": "absent"},
    ],
    "sysctls": {"net.ipv4.tcp_rmem": "4096 131072 6291456"},
    "purge": ["links", "routes"],
}

changes_networks = pytest.mark.skipif(
    sys.version_info < (3, 9) or codec.MISSING is not None, reason="networks need Python 3.9 and pyroute2"
)


def refusal(**options: t.Any) -> str:
    result = answer(ns_network.main, options, check=False)
    assert result["failed"]
    return str(result["msg"])


def test_what_is_returned_can_be_given() -> None:
    found = arg_spec.ArgumentSpecValidator(ns_network.ARGUMENTS).validate(ALL)
    assert found.error_messages == []
    request = parse(found.validated_parameters)
    assert request == parse(ALL)
    assert options_of(request) == ALL


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"host": True, "name": "blue"}, "name and host"),
        ({"pid": "1", "name": "blue"}, "name and pid"),
        ({"handles": {"net": "/run/netns/blue"}, "pid": "1"}, "pid and handles"),
    ],
)
def test_exactly_one_namespace(options: Options, option: str) -> None:
    expected = f"cannot use the option {option} as given: there has to be exactly one network namespace"
    assert refusal(**options).startswith(expected)


@pytest.mark.parametrize("options", [{}, {"host": False}])
def test_without_a_namespace(options: Options) -> None:
    """No option was given that could be wrong."""
    expected = "cannot change a network: nothing says in which network namespace; give one of name, pid,"
    assert refusal(**options).startswith(expected)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"host": True, "types": ["net"]}, "types as given: it is about a target, and with host there is none"),
        ({"host": True, "expect": {}}, "expect as given: it is about a target, and with host there is none"),
        ({"name": "blue", "types": ["mnt"]}, "types as given: a network is in a net namespace"),
        ({"name": "blue", "types": []}, "types as given: a network is in a net namespace"),
        ({"host": True, "purge": ["links"]}, "purge as given: with host it would take away what others made"),
    ],
)
def test_options_that_do_not_fit_the_target(options: Options, text: str) -> None:
    assert refusal(**options).startswith(f"cannot use the option {text}")


BLUE: Options = {"name": "blue"}
ASKED: Options = {
    "links": [
        {"name": "lo"},
        {"name": "br0", "type": "bridge", "addresses": ["10.0.0.1/24", "fd00::1/64"], "options": {"ageing_time": 100}},
        {"name": "eth0", "type": "veth", "master": "br0", "peer": {"name": "x", "addresses": ["10.0.0.2/24"]}},
    ],
    "routes": [{"dst": "10.9.0.0/16", "via": "10.0.0.9"}, {"dst": "default", "via": "fd00::9", "table": 7}],
    "rules": [{"from": "10.0.0.0/24", "table": 7, "priority": 9}, {"fwmark": "0x1/0xff", "table": 7}],
    "sysctls": {"net.ipv4.ip_forward": 1, "net.ipv4.tcp_rmem": "4096 131072 6291457"},
}
OTHER: Options = {
    "links": [
        {"name": "br0", "type": "bridge", "mtu": 1400, "up": False, "options": {"ageing_time": 200}},
        {
            "name": "eth0",
            "master": "",
            "type": "veth",
            "peer": {"name": "x", "addresses": ["10.0.0.3/24"], "up": False},
        },
    ],
    "rules": [{"priority": 9, "from": "10.0.0.0/24", "state": "absent"}],
    "sysctls": {"net.ipv4.ip_forward": 0},
    "purge": ["addresses", "routes"],
}


def task(options: Options, *, check: bool = False) -> Options:
    result = support.forked(lambda: answer(ns_network.main, options, check=check))
    assert not result.get("failed"), result
    return result


def ip_json(*words: str) -> list[Options]:
    done = subprocess.run(["ip", "-json", "-details", *words], check=True, capture_output=True)
    found: list[Options] = json.loads(done.stdout or b"[]")
    return found


def looks() -> list[t.Any]:
    """What the kernel has, but for what it makes by itself."""
    found: list[t.Any] = [
        support.output("cat", "/proc/sys/net/ipv4/ip_forward", handles={"net": "/run/netns/blue"}, types=["net"])
    ]
    for place in ([], ["-n", "blue"]):
        for link in ip_json(*place, "address"):
            addresses = {item["local"] for item in link["addr_info"] if item["scope"] == "global"}
            ageing = link.get("linkinfo", {}).get("info_data", {}).get("ageing_time")
            found.append((link["ifname"], link["mtu"], "UP" in link["flags"], link.get("master"), addresses, ageing))
        for family in ("-4", "-6"):
            routes = ip_json(*place, family, "route", "show", "table", "all")
            found.append([route for route in routes if route["protocol"] != "kernel"])
            found.append(sorted(ip_json(*place, family, "rule"), key=str))
    return found


@changes_networks
def test_what_was_changed_can_be_taken_back() -> None:
    def work() -> None:
        bring("blue", types=["net"])
        first = task({**BLUE, **ASKED})
        assert first["changed"]
        assert task({**BLUE, **ASKED})["changes"] == []
        before = looks()
        would = task({**BLUE, **OTHER}, check=True)
        assert looks() == before
        second = task({**BLUE, **OTHER})
        assert (would["changes"], would["before"]) == (second["changes"], second["before"])
        assert second["diff"]["prepared"].splitlines() == second["changes"]
        assert any(change.startswith("rule del ") for change in second["changes"])
        assert task({**BLUE, **OTHER})["changes"] == []
        assert looks() != before
        task({**BLUE, **second["before"]})
        assert looks() == before
        task({**BLUE, **first["before"]})
        assert "br0" not in str(looks())

    in_own_world(work, "mnt", "pid", "net")


@changes_networks
@pytest.mark.parametrize("way", ["absent", "purge"])
def test_rules_and_routes_that_somebody_else_made_go_and_come_back(way: str) -> None:
    rule: Options = {"iif": "lo", "fwmark": "7", "table": 100, "priority": 9}
    route: Options = {"dst": "10.7.0.0/16", "dev": "lo", "table": 100}
    asked: Options = {"purge": ["rules", "routes"]}
    if way == "absent":
        asked = {"rules": [{**rule, "state": "absent"}], "routes": [{**route, "state": "absent"}]}

    def work() -> None:
        bring("blue", types=["net"])
        subprocess.run(
            ["ip", "-n", "blue", "-batch", "-"],
            input="rule add iif lo fwmark 7 lookup 100 priority 9\nroute add 10.7.0.0/16 dev lo table 100\n",
            text=True,
            check=True,
        )
        result = task({**BLUE, **asked})
        assert result["changes"] == [
            "rule del priority 9 from all fwmark 7 iif lo lookup 100",
            "route del 10.7.0.0/16 dev lo table 100",
        ]
        assert "100" not in str([ip_json("-n", "blue", "rule"), ip_json("-n", "blue", "route", "show", "table", "all")])
        assert len(task({**BLUE, **result["before"]})["changes"]) == len(result["changes"])
        assert task({**BLUE, "rules": [rule], "routes": [route]})["changes"] == []

    in_own_world(work, "mnt", "pid", "net")


@changes_networks
def test_who_loses_the_bridge_is_a_port_again_when_that_is_taken_back() -> None:
    def work() -> None:
        bring("blue", types=["net"])
        port: Options = {"name": "port", "type": "veth", "master": "br0", "peer": {"name": "end", "namespace": "blue"}}
        task({**BLUE, "links": [{"name": "br0", "type": "bridge"}, port]})
        before = looks()
        result = task({**BLUE, "links": [{"name": "br0", "state": "absent"}]})
        assert "br0" not in str(looks())
        task({**BLUE, **result["before"]})
        # Links come in the order in which they were made.
        assert sorted(map(str, looks())) == sorted(map(str, before))

    in_own_world(work, "mnt", "pid", "net")


@changes_networks
@pytest.mark.parametrize("kind", ["ifb", "veth"])
def test_a_link_of_any_type_is_moved_in_and_out_and_back(kind: str) -> None:
    def places() -> list[bool]:
        return ["card" in str(ip_json(*place, "link")) for place in ([], ["-n", "blue"])]

    def work() -> None:
        bring("blue", types=["net"])
        peer = ["peer", "name", "x"] if kind == "veth" else []
        subprocess.run(["ip", "link", "add", "card", "type", kind, *peer], check=True)
        moved_in = task({**BLUE, "links": [{"name": "card", "type": "physical", "addresses": ["10.0.0.1/24"]}]})
        assert places() == [False, True]
        before = looks()
        result = task({**BLUE, "links": [{"name": "card", "state": "outside"}]})
        assert (places(), result.get("warnings")) == ([True, False], None)
        task({**BLUE, **result["before"]})
        assert looks() == before
        task({**BLUE, **moved_in["before"]})
        assert places() == [True, False]

    in_own_world(work, "mnt", "pid", "net")


@changes_networks
def test_a_set_that_is_not_there_yet() -> None:
    def work() -> None:
        for options, changed in ((ASKED, True), ({}, False), ({"links": [{"name": "x", "state": "absent"}]}, False)):
            result = task({**BLUE, **options}, check=True)
            assert (result["changed"], result["changes"], result["before"]) == (changed, [], {})
            assert "there is no set blue yet" in str(result["warnings"])
        bring("green", types=["net"])
        veth: Options = {"name": "x", "type": "veth", "peer": {"name": "y", "namespace": "blue"}}
        result = task({"name": "green", "links": [veth]}, check=True)
        assert (result["changed"], result["changes"]) == (True, [])
        assert "there is no set blue yet" in str(result["warnings"])
        assert "there is no such set" in refusal(name="green", links=[veth])
        assert refusal(**BLUE).startswith("cannot enter the set blue: there is no such set")

    in_own_world(work, "mnt", "pid", "net")


@changes_networks
def test_every_way_to_name_the_namespace() -> None:
    def work() -> None:
        bring("blue", types=["net"])
        wanted: Options = {"links": [{"name": "lo"}], "sysctls": {"net.ipv4.ip_forward": 1}}
        assert task({**BLUE, **wanted})["changed"]
        assert not task({"handles": {"net": "/run/netns/blue"}, **wanted})["changed"]
        assert task({"host": True, **wanted}, check=True)["changes"] == [
            "sysctl net.ipv4.ip_forward=1",
            "link set lo up",
        ]
        with support.inhabited("net") as pid:
            assert task({"pid": f"0{pid}", **wanted})["changed"]
            assert task({"pid": str(pid), "types": ["net"], **wanted})["changes"] == []

    in_own_world(work, "mnt", "pid", "net")


@changes_networks
def test_names_that_somebody_inside_chose() -> None:
    """They get through JSON, and act upon no terminal; one that is not UTF-8 comes back after a failure."""
    names = [b"b\xff\xfe", b"\x1b[31mred", "b\u202e".encode()]

    def there() -> list[bytes]:
        done = subprocess.run(["ip", "-n", "blue", "-o", "link"], check=True, capture_output=True)
        return sorted(name for name in names if name in done.stdout)

    def work() -> None:
        bring("blue", types=["net"])
        for name in names:
            subprocess.run([b"ip", b"-n", b"blue", b"link", b"add", name, b"type", b"bridge"], check=True)
        subprocess.run([b"ip", b"-n", b"blue", b"rule", b"add", b"iif", names[0], b"table", b"7"], check=True)
        purge: Options = {**BLUE, "purge": ["links", "rules"]}
        asked = {**purge, "routes": [{"dst": "10.9.0.0/16", "via": "10.88.0.1"}]}
        assert "what was done is taken back" in support.forked(lambda: refusal(**asked))
        assert there() == sorted(names)
        foretold, result = task(purge, check=True), task(purge)
        assert there() == []
        assert foretold["changes"] == result["changes"]
        assert {*result["changes"]} == {
            "rule del priority 32765 from all iif b\\udcff\\udcfe lookup 7",
            "link del b\\udcff\\udcfe",
            "link del \\x1b[31mred",
            "link del b\\u202e",
        }
        json.dumps(result, ensure_ascii=False).encode()
        assert [link["name"] for link in result["before"]["links"]] == ["\x1b[31mred", "b\u202e"]
        assert str(result["warnings"]).count("is not in before: a name in it is not UTF-8") == 2

    in_own_world(work, "mnt", "pid", "net")


@changes_networks
def test_a_name_in_a_message() -> None:
    def work() -> None:
        bring("blue", types=["net"])
        subprocess.run(["ip", "-n", "blue", "link", "add", "\x1b[2J", "type", "ifb"], check=True)
        text = support.forked(lambda: refusal(**BLUE, purge=["links"]))
        assert "purge the link \\x1b[2J" in text
        assert text.isprintable()

    in_own_world(work, "mnt", "pid", "net")


@changes_networks
def test_neither_the_host_nor_the_task_itself_is_purged() -> None:
    """However it is named."""

    def elsewhere() -> None:
        process.unshare(nstypes.NET.flag)
        pid = str(os.getpid())
        subprocess.run(["ip", "netns", "attach", "own", pid], check=True)
        subprocess.run(["ip", "link", "add", "br0", "type", "bridge"], check=True)
        for what in PURGEABLE:
            for target in ({"name": "own"}, {"handles": {"net": "/run/netns/own"}}, {"pid": pid}):
                assert "its net is the one that the task itself runs in" in refusal(**target, purge=[what])
            assert "it is about the network of the host" in refusal(pid="1", purge=[what])
        bring("blue", types=["net"])
        subprocess.run(["ip", "-n", "blue", "link", "add", "br0", "type", "bridge"], check=True)
        assert answer(ns_network.main, {**BLUE, "purge": ["links"]}, check=False)["changes"] == ["link del br0"]

    in_own_world(lambda: support.forked(elsewhere), "mnt", "pid", "net")
