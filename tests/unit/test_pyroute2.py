# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who needs pyroute2, and what is said where it is missing or can not be used."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import networks
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import codec
from ansible_collections.linux.namespaces.tests.unit import support


def in_new_python(*lines: str) -> t.Any:
    """What a Python says that has imported nothing."""
    imports = (
        "import json, sys",
        f"sys.path[:] = {sys.path!r}",
        *lines,
    )
    code = "\n".join(imports)
    answer = subprocess.run([sys.executable, "-I", "-c", code], stdout=subprocess.PIPE, check=True)
    return json.loads(answer.stdout)


GATHER = (
    "from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import host",
    "from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import facts",
    "told = facts.gather(host.open_proc(), facts.Request(sources=['processes'], types=['net'], network={network}))",
)


@pytest.mark.skipif(sys.version_info < (3, 9), reason="with an older Python it is not even tried")
def test_no_pyroute2() -> None:
    """The kernel's own messages tell of links and listeners."""
    told = in_new_python(
        "sys.modules['pyroute2'] = None", *GATHER[:2], GATHER[2].format(network=True), "print(json.dumps(told))"
    )
    assert networks.NO_PYROUTE2 in told["scan"]["incomplete_because"]
    assert f"{sys.executable}, has no pyroute2; install it" in networks.NO_PYROUTE2
    (own,) = (item for item in told["namespaces"] if item["inode"] == support.own_identity("net").inode)
    assert own["network"] is None
    assert "lo" in [link["name"] for link in own["links"]]


def test_an_old_python() -> None:
    """It is not even tried: of newer ones pyroute2 says no word that it understands."""
    told = in_new_python(
        *GATHER[:2],
        "sys.version_info = (3, 8, 20)",
        GATHER[2].format(network=True),
        "print(json.dumps([told, [name for name in sys.modules if name.startswith('pyroute2')]]))",
    )
    assert networks.OLD_PYTHON in told[0]["scan"]["incomplete_because"]
    assert told[1] == []
    assert {item["network"] for item in told[0]["namespaces"]} == {None}


def test_a_change_with_an_old_python() -> None:
    """Before it is said that it is too old, nothing is tried that it may not even understand."""
    pytest.importorskip("ansible", reason="needs ansible-core, as a module does")
    told = in_new_python(
        "import ansible.module_utils.basic",
        "sys.version_info = (3, 8, 20)",
        "from ansible_collections.linux.namespaces.plugins.modules import ns_network",
        "print(json.dumps([name for name in sys.modules if name.startswith('pyroute2')]))",
    )
    assert told == []


def test_who_does_not_ask_does_not_pay() -> None:
    told = in_new_python(
        *GATHER[:2],
        GATHER[2].format(network=False),
        "print(json.dumps([told, [name for name in sys.modules if name.startswith('pyroute2')]]))",
    )
    assert told[1] == []
    assert all("network" not in item for item in told[0]["namespaces"])


@pytest.mark.skipif(codec.MISSING is not None, reason="there is no pyroute2")
def test_of_pyroute2_only_what_is_needed() -> None:
    """Who imports it later gets the whole of it."""
    loaded, whole = in_new_python(
        "from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import codec",
        "loaded = [name for name in sys.modules if name.startswith('pyroute2')]",
        "import pyroute2",
        "print(json.dumps([loaded, codec.MISSING is None and callable(pyroute2.IPRoute)]))",
    )
    assert "pyroute2.netlink.rtnl.rtmsg" in loaded
    assert not {"pyroute2", "pyroute2.iproute", "pyroute2.ndb"} & {*loaded}
    assert whole
