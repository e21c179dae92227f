# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role and the playbook that audit a fleet: who is in the report, and what ansible-playbook ends with."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.linux.namespaces.plugins.modules import ns_audit, ns_report
from ansible_collections.linux.namespaces.tests.controller import telling
from ansible_collections.linux.namespaces.tests.controller.plays import BIN, ROOT, Fleet, answering, unreachable
from ansible_collections.linux.namespaces.tests.controller.test_role_boot import without_texts

ROLE = ROOT / "roles/audit"
AUDIT = "linux.namespaces.audit"
LEAK = telling.namespace("net", 4026532503, id=77, name="blue", holder_counts={"bind": 1})
NO_PYTHON = {"ansible_python_interpreter": "/nonexistent"}


def host(folder: Path, *namespaces: telling.Facts) -> dict[str, t.Any]:
    return answering(folder, {"ansible_facts": {"linux_namespaces": telling.facts(*namespaces)}})


def states(fleet: Fleet) -> dict[str, int]:
    """How many hosts are in which state, by the report."""
    told: dict[str, int] = report(fleet)["hosts"]
    return {state: count for state, count in told.items() if count}


def report(fleet: Fleet) -> dict[str, t.Any]:
    """What the task that reports returned."""
    (told,) = (next(iter(hosts.values())) for task, hosts in fleet.results().items() if "Write the report" in task)
    return t.cast("dict[str, t.Any]", told)


# ---- the playbook


def test_a_fleet(tmp_path: Path) -> None:
    """Everybody is in the report, whatever he is called, and who could not be looked at fails it."""
    names = ["r17", "r18", "a b", "../x", "ü", "2001:db8::1"]
    fleet = Fleet(
        tmp_path,
        {name: host(tmp_path, LEAK) for name in names} | {"nobody": unreachable(), "bare": NO_PYTHON},
    )
    fleet.run(AUDIT)
    assert fleet.status == 2, fleet.said
    assert states(fleet) == {"scanned": 6, "unreachable": 1, "failed": 1}
    assert report(fleet)["counts"]["medium"] == 6
    assert "8 hosts: 6 scanned, 1 unreachable, 1 failed" in fleet.said
    assert fleet.kept().keys() == {*names, "nobody", "bare"}
    assert (tmp_path / "audit/index.html").is_file()
    fleet.run(AUDIT, "-e", "audit_unreachable=report")
    assert fleet.status == 0, fleet.said


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 0),
        ({"audit_fail_on": "high"}, 0),
        ({"audit_fail_on": "medium"}, 2),
        (
            {
                "audit_fail_on": "medium",
                "audit_allow": [{"id": "leak-bind-only", "reason": "{{ inventory_hostname }}"}],
            },
            0,
        ),
        ({"audit_fail_on": "medium", "audit_allow": [{"id": "leak-fd-only", "reason": "other"}]}, 2),
        ({"audit_fail_on": "medium", "audit_declared": ["bl*"]}, 0),
        ({"audit_fail_on": "info", "audit_declared": ["bl*"], "audit_thresholds": {"host_network": "allow"}}, 0),
    ],
)
def test_the_status(given: dict[str, t.Any], status: int, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {"r17": host(tmp_path, LEAK), "r18": host(tmp_path)})
    fleet.run(AUDIT, "-e", json.dumps(given))
    assert fleet.status == status, fleet.said
    assert states(fleet) == {"scanned": 2}


def test_a_playbook_of_a_project(tmp_path: Path) -> None:
    """As AWX needs it."""
    fleet = Fleet(tmp_path, {"r17": host(tmp_path, LEAK)})
    (tmp_path / "audit.yml").write_text(json.dumps([{"name": "Audit", "ansible.builtin.import_playbook": AUDIT}]))
    fleet.run("audit.yml", "-e", "audit_fail_on=medium")
    assert fleet.status == 2, fleet.said
    assert states(fleet) == {"scanned": 1}


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_another_strategy(strategy: str, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {"r17": host(tmp_path, LEAK), "r18": host(tmp_path), "bare": NO_PYTHON})
    fleet.environment["ANSIBLE_STRATEGY"] = strategy
    fleet.run(AUDIT, "-e", "audit_unreachable=report")
    assert fleet.status == 0, fleet.said
    assert states(fleet) == {"scanned": 2, "failed": 1}


@pytest.mark.parametrize("lost", [unreachable(), NO_PYTHON])
def test_nobody_could_be_looked_at(lost: dict[str, t.Any], tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {"r17": lost, "r18": lost})
    fleet.run(AUDIT)
    assert fleet.status == 2, fleet.said
    assert sum(states(fleet).values()) == 2
    assert "scanned" not in states(fleet)
    assert (tmp_path / "audit/index.html").is_file()


def test_a_host_that_ansible_gives_up_on(tmp_path: Path) -> None:
    """By an error of its own and not of the module's: it is in the report as others are."""
    lost = {**host(tmp_path), "ansible_become": True, "ansible_become_method": "linux.namespaces.nsenter"}
    fleet = Fleet(tmp_path, {"r17": host(tmp_path), "lost": lost})
    fleet.run(AUDIT, "-e", "audit_unreachable=report")
    assert fleet.status == 0, fleet.said
    assert states(fleet) == {"scanned": 1, "failed": 1}
    assert "ansible_nsenter_name" in fleet.kept()["lost"]["msg"]


@pytest.mark.parametrize("option", ["audit_report_dir", "audit_write_baseline"])
def test_no_room_left(option: str, tmp_path: Path) -> None:
    """That is no matter of the hosts, and never passed over."""
    (tmp_path / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=0700", "small", tmp_path / "small"], check=True)
    try:
        (tmp_path / "small/full").write_bytes(b"x" * 4096)
        fleet = Fleet(tmp_path, {"r17": host(tmp_path, LEAK)})
        fleet.run(AUDIT, "-e", f"{option}=small", "-e", "audit_unreachable=report")
        assert fleet.status == 2, fleet.said
        assert "the file system is full" in fleet.said
    finally:
        subprocess.run(["umount", tmp_path / "small"], check=True)


def test_a_limit(tmp_path: Path) -> None:
    """Who is not meant is not missed."""
    fleet = Fleet(tmp_path, {"r17": host(tmp_path), "r18": host(tmp_path), "nobody": unreachable()})
    fleet.run(AUDIT, "--limit", "r1*")
    assert fleet.status == 0, fleet.said
    assert states(fleet) == {"scanned": 2}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"audit_allow": [{"id": "leak-bind-onyl", "reason": "x"}]}, "did you mean leak-bind-only?"),
        (
            {"audit_allow": [{"id": "leak-bind-only", "reson": "x"}]},
            "allow, entry 1: there is no key 'reson'; did you mean reason?",
        ),
        ({"audit_thresholds": {"limit_precent": 90}}, "did you mean limit_percent?"),
        ({"audit_baseline": "nowhere"}, "nowhere can not be read: No such file or directory"),
        ({"audit_fail_on": "hihg"}, "hihg"),
        ({"audit_report_dir": "link"}, "is a symbolic link"),
    ],
)
def test_a_mistake(given: dict[str, t.Any], words: str, tmp_path: Path) -> None:
    """It fails, also where hosts that could not be looked at would not."""
    (tmp_path / "link").symlink_to(tmp_path)
    fleet = Fleet(tmp_path, {"r17": host(tmp_path), "r18": host(tmp_path)})
    fleet.run(AUDIT, "-e", json.dumps({**given, "audit_unreachable": "report"}))
    assert fleet.status == 2, fleet.said
    assert words in fleet.said
    told = [line for line in fleet.said.splitlines() if line.startswith("fatal: ")]
    assert len(told) == (1 if "audit_fail_on" in given else 2), fleet.said


def test_a_host_with_a_mistake(tmp_path: Path) -> None:
    """The others are looked at; it is missed."""
    fleet = Fleet(tmp_path, {"r17": host(tmp_path), "r18": {**host(tmp_path), "audit_thresholds": {"x": 1}}})
    fleet.run(AUDIT, "-e", "audit_unreachable=report")
    assert fleet.status == 2, fleet.said
    assert states(fleet) == {"scanned": 1, "not_scanned": 1}


def test_baselines(tmp_path: Path) -> None:
    Fleet(tmp_path, {"r17": host(tmp_path), "r18": host(tmp_path)}).run(AUDIT, "-e", "audit_write_baseline=baselines")
    fleet = Fleet(tmp_path, {"r17": host(tmp_path, LEAK), "r18": host(tmp_path)})
    fleet.run(AUDIT, "-e", "audit_baseline=baselines")
    assert fleet.status == 0, fleet.said
    drift = {name: result["drift"] for name, result in fleet.kept().items()}
    assert (drift["r17"]["added"], drift["r18"]["added"]) == (1, 0)


def planting(folder: Path, **facts: t.Any) -> dict[str, t.Any]:
    """A host whose every answer has these facts too."""
    return answering(folder, {"ansible_facts": {"linux_namespaces": telling.facts(LEAK), **facts}})


def test_hosts_that_want_to_decide(tmp_path: Path) -> None:
    """What one says does not decide on itself or on the fleet; the report has it as failed, and has all others."""
    allowed = [{"id": "leak-bind-only", "reason": "x"}]
    bad = {"a1": planting(tmp_path, audit_fail_on="never"), "a2": planting(tmp_path, audit_allow=allowed)}
    fleet = Fleet(tmp_path, {**bad, "r18": host(tmp_path, LEAK)})
    playbook = [
        {"hosts": "all", "tasks": [{"ansible.builtin.ping": {}}], "gather_facts": False},
        {"ansible.builtin.import_playbook": AUDIT},
    ]
    (tmp_path / "site.yml").write_text(json.dumps(playbook))
    fleet.run("site.yml", "-e", "audit_unreachable=report")
    assert states(fleet) == {"scanned": 1, "failed": 2}, fleet.said
    assert report(fleet)["counts"]["medium"] == 1
    # Out of a cache, where only the report is written.
    task = {"ansible.builtin.include_role": {"name": AUDIT, "tasks_from": "report"}}
    (tmp_path / "half.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    fleet.run("half.yml")
    assert fleet.status == 2
    assert "a1 sets audit_fail_on among its facts" in fleet.said


# ---- the role


def test_the_role_in_a_play_of_ones_own(tmp_path: Path) -> None:
    """Hosts that can't be reached are in the report, where nobody else is in the play too."""
    for hosts in ({"r17": host(tmp_path)}, {}):
        fleet = Fleet(tmp_path, {**hosts, "nobody": unreachable()})
        fleet.play([], roles=[{"role": AUDIT, "audit_report_dir": str(tmp_path / "here")}])
        assert fleet.status == 2, fleet.said
        assert states(fleet) == {**dict.fromkeys(["scanned"] if hosts else [], 1), "unreachable": 1}


def test_batches(tmp_path: Path) -> None:
    """With serial, as the role says it is to be done."""
    fleet = Fleet(tmp_path, {f"r{number}": host(tmp_path) for number in range(5)})
    halves = [
        {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [{"ansible.builtin.include_role": {"name": AUDIT, "tasks_from": half}}],
            **more,
        }
        for half, more in (("collect", {"serial": 2}), ("report", {}))
    ]
    (tmp_path / "batches.yml").write_text(json.dumps(halves))
    fleet.run("batches.yml")
    assert fleet.status == 0, fleet.said
    assert states(fleet) == {"scanned": 5}


def test_a_host_that_fails_before_it_is_looked_at(tmp_path: Path) -> None:
    """What an earlier run has found there is not what this one has, however short ago it was."""
    fleet = Fleet(tmp_path, {"r17": host(tmp_path), "r18": host(tmp_path)})
    fails = {"ansible.builtin.fail": {}, "when": "inventory_hostname == 'r18' and lost | default(false)"}
    for before in ("pre_tasks", "own"):
        for given, expected in (({}, {"scanned": 2}), ({"lost": True}, {"scanned": 1, "not_scanned": 1})):
            if before == "pre_tasks":
                fleet.play([], "-e", json.dumps(given), pre_tasks=[fails], roles=[AUDIT])
            else:
                playbook = [
                    {"hosts": "all", "tasks": [fails], "gather_facts": False},
                    {"ansible.builtin.import_playbook": AUDIT},
                ]
                (tmp_path / "site.yml").write_text(json.dumps(playbook))
                fleet.run("site.yml", "-e", json.dumps(given))
            assert states(fleet) == expected, fleet.said


def test_two_runs(tmp_path: Path) -> None:
    """Jobs of their own, where it is said that they are that."""
    fleet = Fleet(tmp_path, {"r17": host(tmp_path)})
    for half in ("collect", "report"):
        task = {"ansible.builtin.include_role": {"name": AUDIT, "tasks_from": half}}
        (tmp_path / f"{half}.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
        fleet.run(f"{half}.yml")
    assert (fleet.status, states(fleet)) == (2, {"not_scanned": 1}), fleet.said
    fleet.run("report.yml", "-e", "audit_this_run=false")
    assert (fleet.status, states(fleet)) == (0, {"scanned": 1}), fleet.said


def test_the_options_are_those_of_the_modules() -> None:
    documented = {
        **yaml.safe_load(ns_report.DOCUMENTATION)["options"],
        **yaml.safe_load(ns_audit.DOCUMENTATION)["options"],
    }
    specified = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]
    options = {name: spec["options"] for name, spec in specified.items()}
    assert options["main"] == options["collect"] | options["report"]
    found = {name: without_texts(option) for name, option in options["main"].items()}
    assert found.pop("audit_report_dir") == {"type": "path", "default": "audit"}
    assert found.pop("audit_this_run") == {"type": "bool", "default": True}
    # What is in an entry of the list is checked by the module, which says which entry it is.
    assert documented["allow"].pop("suboptions").keys() == {"id", "match", "reason", "expires"}
    assert found == {name: without_texts(documented[name[len("audit_") :]]) for name in found}
    assert yaml.safe_load((ROLE / "defaults/main.yml").read_text()) == {
        "audit_report_dir": "audit",
        "audit_this_run": True,
    }


# ---- elsewhere


def test_ansible_runner(tmp_path: Path) -> None:
    """As AWX runs it."""
    pytest.importorskip("ansible_runner", reason="there is no ansible-runner for this Python")
    fleet = Fleet(tmp_path, {"r17": host(tmp_path, LEAK)})
    (tmp_path / "private/inventory").mkdir(parents=True)
    (tmp_path / "private/inventory/hosts.json").write_text(fleet.inventory.read_text())
    given = f"-e audit_report_dir={tmp_path}/private/report -e audit_fail_on=medium"
    words = [str(BIN / "ansible-runner"), "run", str(tmp_path / "private"), "-p", AUDIT, "--cmdline", given]
    path = f"{BIN}:{os.environ['PATH']}"
    environment = {**fleet.environment, "PATH": path}
    done = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "1 host: 1 scanned" in done.stdout
    assert (tmp_path / "private/report/index.html").is_file()
