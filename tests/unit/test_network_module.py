# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_network as a task calls it: which namespace is meant, what Ansible makes of the options."""

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.common import arg_spec
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.parse import parse
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.shape import options_of
from ansible_collections.linux.namespaces.plugins.modules import ns_network
from ansible_collections.linux.namespaces.tests.unit.answer import Options, answer

ADDRESSES = ["10.0.0.1/24", {"address": "fd00::1/64", "state": "absent"}]
ALL: Options = {
    "links": [
        {
            "name": "eth0",
            "type": "veth",
            "peer": {"name": "x", "namespace": "blue", "addresses": ADDRESSES, "up": False},
            "addresses": ADDRESSES,
            "mtu": 1400,
            "mac": "52:54:00:12:34:56",
            "up": False,
            "master": "",
        },
        {"name": "br0", "type": "bridge", "up": True, "options": {"stp_state": False, "priority": 7}},
        {"name": "old", "type": "vlan", "state": "absent"},
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
        ({}, "name"),
        ({"host": False}, "name"),
        ({"host": True, "name": "blue"}, "name and host"),
        ({"pid": "1", "name": "blue"}, "name and pid"),
        ({"handles": {"net": "/run/netns/blue"}, "pid": "1"}, "pid and handles"),
    ],
)
def test_exactly_one_namespace(options: Options, option: str) -> None:
    expected = f"cannot use the option {option} as given: there has to be exactly one network namespace"
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
