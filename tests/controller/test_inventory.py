# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin, as ansible-inventory shows what it adds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(sys.executable).with_name("ansible-inventory")

HOSTS = """
all:
  vars:
    ansible_user: operator
  children:
    routers:
      hosts:
        r1:
          ansible_host: 192.0.2.1
          ansible_become_user: somebody
        r2:
      vars:
        ansible_become_method: sudo
        site: lab
    others:
      hosts:
        h1:
"""

KEEP = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.set_fact: {cacheable: true, "{{ item.key }}": "{{ item.value }}"}
      loop: "{{ facts[inventory_hostname] | dict2items }}"
"""

Variables = t.Dict[str, t.Any]


class Inventory(t.NamedTuple):
    variables: dict[str, Variables]
    groups: dict[str, set[str]]

    @property
    def added(self) -> set[str]:
        """The hosts beside those of HOSTS."""
        return {*self.variables} - {"r1", "r2", "h1"}


def show(folder: Path, source: Variables, facts: t.Mapping[str, t.Any] | None = None) -> Inventory:
    done = run(folder, source, facts)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    variables = told.pop("_meta")["hostvars"]
    groups: dict[str, set[str]] = {}

    def members(name: str) -> set[str]:
        group = told.get(name, {})
        return {*group.get("hosts", ())}.union(*map(members, group.get("children", ())))

    for name in told:
        groups[name] = members(name)
    hosts = set().union(*groups.values())
    return Inventory({host: _plain(variables.get(host, {})) for host in hosts}, groups)


def _plain(value: t.Any) -> t.Any:
    """Without the marks that no template in a text is followed."""
    if isinstance(value, dict):
        plain = {key: _plain(item) for key, item in value.items()}
        return plain.get("__ansible_unsafe", plain)
    return [*map(_plain, value)] if isinstance(value, list) else value


def refusal(folder: Path, source: Variables, more: t.Sequence[Path] = ()) -> str:
    done = run(folder, source, None, more)
    assert done.returncode != 0, done.stdout
    return " ".join(done.stderr.split())


def run(
    folder: Path, source: Variables, facts: t.Mapping[str, t.Any] | None, more: t.Sequence[Path] = ()
) -> subprocess.CompletedProcess[str]:
    """Facts are those of the cache, by host; without, there is none that lasts."""
    (folder / "hosts.yml").write_text(HOSTS, encoding="utf-8")
    path = folder / "lab.namespaces.yml"
    path.write_text(json.dumps({"plugin": "linux.namespaces.inventory", **source}), encoding="utf-8")
    environment = {
        **os.environ,
        "HOME": str(folder),
        "ANSIBLE_HOME": str(folder / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    }
    if facts is not None:
        environment["ANSIBLE_CACHE_PLUGIN"] = "ansible.builtin.jsonfile"
        environment["ANSIBLE_CACHE_PLUGIN_CONNECTION"] = str(folder / "cache")
        keep(folder, facts, environment)
    return subprocess.run(
        [PROGRAM, "-i", folder / "hosts.yml", "-i", path, *(f"--inventory={other}" for other in more), "--list"],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )


def keep(folder: Path, facts: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> None:
    """Have them in the cache, as a play leaves them there."""
    (folder / "keep.yml").write_text(KEEP, encoding="utf-8")
    subprocess.run(
        [
            PROGRAM.with_name("ansible-playbook"),
            "-i",
            f"{','.join(facts)},",
            "keep.yml",
            "-e",
            json.dumps({"facts": facts}),
        ],
        check=True,
        capture_output=True,
        env={**environment, "ANSIBLE_INVENTORY_ENABLED": "ansible.builtin.host_list"},
        cwd=folder,
    )


def namespace(name: str | None, *types: str) -> list[Variables]:
    return [{"name": name, "type": kind} for kind in types]


def facts(*namespaces: list[Variables]) -> Variables:
    return {"linux_namespaces": {"schema": 1, "namespaces": [each for some in namespaces for each in some]}}


def test_sets_that_are_written_down(tmp_path: Path) -> None:
    shown = show(tmp_path, {"hosts": {"r1": ["blue", "green"], "routers": {"mgmt": ["net", "uts"]}}})
    assert shown.added == {"blue@r1", "green@r1", "mgmt@r1", "mgmt@r2"}
    assert shown.groups["namespaces"] == shown.added
    assert shown.groups["namespaces_net"] == shown.groups["namespaces_uts"] == {"mgmt@r1", "mgmt@r2"}
    assert shown.groups["routers"] == {"r1", "r2"}


def test_all_are_those_of_every_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Core puts into `all` what is in another group when all sources were read; sets of an earlier one stay out."""
    monkeypatch.setattr(sys.modules[__name__], "HOSTS", "routers: {hosts: {r1: , r2: }}")
    second = tmp_path / "second.namespaces.yml"
    second.write_text(json.dumps({"plugin": "linux.namespaces.inventory", "hosts": {"all": ["green"]}}))
    done = run(tmp_path, {"hosts": {"all": ["blue"]}}, None, [second])
    assert done.returncode == 0, done.stderr
    assert {*json.loads(done.stdout)["namespaces"]["hosts"]} == {"blue@r1", "blue@r2", "green@r1", "green@r2"}


def test_variables_of_the_host(tmp_path: Path) -> None:
    """Those of its groups, and those that lie beside the inventory, as well."""
    for folder, name in (("group_vars", "routers"), ("host_vars", "r1")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.yml").write_text(f"beside_{name}: true\n", encoding="utf-8")
    shown = show(tmp_path, {"hosts": {"routers": {"blue": ["net"]}}})
    of_set = {
        "ansible_become": True,
        "ansible_become_method": "linux.namespaces.nsenter",
        "ansible_nsenter_name": "blue",
        "ansible_nsenter_types": ["net"],
        "namespace_name": "blue",
        "namespace_types": ["net"],
    }
    of_group = {"ansible_user": "operator", "site": "lab", "beside_routers": True}
    assert shown.variables["blue@r1"] == {
        **of_set,
        **of_group,
        "ansible_host": "192.0.2.1",
        "ansible_become_user": "somebody",
        "beside_r1": True,
        "namespace_host": "r1",
    }
    assert shown.variables["blue@r2"] == {**of_set, **of_group, "ansible_host": "r2", "namespace_host": "r2"}


def test_types_for_all(tmp_path: Path) -> None:
    shown = show(tmp_path, {"hosts": {"r1": ["blue"], "r2": {"green": None, "red": ["uts"]}}, "types": ["net"]})
    assert {name: shown.variables[name]["ansible_nsenter_types"] for name in shown.added} == {
        "blue@r1": ["net"],
        "green@r2": ["net"],
        "red@r2": ["uts"],
    }


def test_sets_in_cached_facts(tmp_path: Path) -> None:
    """All that have a name; what is entered is all that they have."""
    found = {
        "r1": facts(namespace("blue", "net", "uts"), namespace(None, "net", "mnt")),
        "r2": facts(namespace("blue", "mnt")),
        "elsewhere": facts(namespace("blue", "net")),
    }
    shown = show(tmp_path, {"facts": True}, found)
    assert shown.added == {"blue@r1", "blue@r2"}
    assert shown.groups["namespaces_net"] == {"blue@r1"}
    assert shown.variables["blue@r1"]["namespace_types"] == ["net", "uts"]
    assert "ansible_nsenter_types" not in shown.variables["blue@r1"]


def test_some_of_the_sets_in_cached_facts(tmp_path: Path) -> None:
    found = {"r1": facts(*(namespace(name, "net") for name in ("tenant-a", "tenant-b", "Tenant-c", "other")))}
    found["r2"] = facts(namespace("tenant-d", "uts"), namespace("tenant-e", "net", "uts"))
    shown = show(tmp_path, {"facts": True, "names": ["tenant-*"], "types": ["net"]}, found)
    assert shown.added == {"tenant-a@r1", "tenant-b@r1", "tenant-e@r2"}
    assert shown.variables["tenant-e@r2"]["ansible_nsenter_types"] == ["net"]


def test_a_set_that_is_written_down_and_in_facts(tmp_path: Path) -> None:
    """What is written down is what is entered, and the facts know what there is."""
    source = {"facts": True, "hosts": {"r1": {"blue": ["net"], "green": None}}}
    found = {"r1": facts(namespace("blue", "net", "uts"), namespace("green", "uts"))}
    shown = show(tmp_path, source, found)
    assert shown.variables["blue@r1"]["ansible_nsenter_types"] == ["net"]
    assert shown.variables["green@r1"]["namespace_types"] == ["uts"]
    assert shown.groups["namespaces_uts"] == {"green@r1"}


def test_hosts_without_facts_of_namespaces(tmp_path: Path) -> None:
    found = {"r1": {"ansible_distribution": "Debian"}, "r2": {"linux_namespaces": {"schema": 1}}}
    assert show(tmp_path, {"facts": True}, found).added == set()
    assert "the fact cache knows no sets" in run(tmp_path, {"facts": True}, found).stderr


def test_groups_and_variables_of_ones_own(tmp_path: Path) -> None:
    shown = show(
        tmp_path,
        {
            "hosts": {"r1": ["tenant-a", "other"]},
            "groups": {"tenants": "namespace_name is match('tenant-')"},
            "keyed_groups": [{"key": "namespace_host", "prefix": "on"}],
            "compose": {"place": "namespace_name ~ ' on ' ~ namespace_host"},
        },
    )
    assert shown.groups["tenants"] == {"tenant-a@r1"}
    assert shown.groups["on_r1"] == {"tenant-a@r1", "other@r1"}
    assert shown.variables["tenant-a@r1"]["place"] == "tenant-a on r1"


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ({"hosts": {"nowhere": ["blue"]}}, "hosts.nowhere"),
        ({"hosts": {"r1": "blue"}}, "hosts.r1"),
        ({"hosts": {"r1": ["../blue"]}}, "no name of a set"),
        ({"hosts": {"r1": [True]}}, "no name of a set"),
        ({"hosts": {"r1": {"blue": ["network"]}}}, "'network' is no type of namespace"),
        ({"hosts": {"r1": {"blue": "net"}}}, "'net' is no type of namespace"),
        ({"hosts": {"r1": {"blue": [["net"]]}}}, "no type of namespace"),
        ({"types": ["network"]}, "'network' is no type of namespace"),
        ({}, "no set is named"),
        ({"names": ["tenant-*"]}, "no set is named"),
        ({"facts": True}, "fact_caching"),
        ({"hostz": {}}, "hostz"),
    ],
)
def test_what_is_refused(tmp_path: Path, source: Variables, cause: str) -> None:
    assert cause in refusal(tmp_path, source)


def test_a_host_that_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "host_vars").mkdir()
    source = {"hosts": {"r1": ["blue"]}}
    show(tmp_path, source)
    path = tmp_path / "again.namespaces.yml"
    path.write_text((tmp_path / "lab.namespaces.yml").read_text(encoding="utf-8"), encoding="utf-8")
    assert "add the host blue@r1" in refusal(tmp_path, source, more=[path])


def test_a_source_of_another_name(tmp_path: Path) -> None:
    """It is left to others."""
    path = tmp_path / "lab.yml"
    path.write_text("plugin: linux.namespaces.inventory\nhosts: {r1: [blue]}\n", encoding="utf-8")
    assert "Failed to parse inventory with 'auto' plugin" in refusal(tmp_path, {"hosts": {"r1": ["blue"]}}, more=[path])
