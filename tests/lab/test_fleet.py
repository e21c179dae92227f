# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An audit of a fleet finds all that fleet/plant.py has planted, and nothing else. As test_hosts.py.

The hosts are audited twice: the first time a baseline is written, and one of them loses its power meanwhile.
"""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit import catalogue

from tests.lab.test_hosts import COMMAND

FLEET = Path(__file__).parent / "fleet"
HOSTS = 12
INVENTORY = f'-i "$ANSIBLE_INVENTORY" -i {FLEET}/hosts.yml --forks {HOSTS + 1}'
SCRIPT = f"""
cd "$0"
moment() {{
    ansible-playbook {INVENTORY} {FLEET}/plant.yml -e moment="$1" -e planted_to="$0/$1.json"
    result=0
    ansible-playbook {INVENTORY} linux.namespaces.audit -e audit_report_dir="$0/$1" -e "audit_$2=$0/baseline" \\
        >"$1.out" 2>&1 || result=$?
    echo "$result" >"$1.rc"
}}
moment first write_baseline
moment later baseline
"""

ELSEWHERE = {
    "leak-unseen": "only Linux 6.19 tells, and nothing makes it stay",
    "mounts-leaked": "these hosts have no disks",
    "physical-inside": "nor interfaces of the hardware",
    "drift-owner": "only a reboot lets another namespace have the place of one",
    "drift-not-compared": "the same",
    "scan-inside": "all of these hosts are",
    "allow-expired": "nothing is allowed",
    "allow-unused": "the same",
}
"""What is looked for in other tests alone."""

Known = tuple[str, str, int | str]
"""What is found: its host, its id, and what plant.py says of what it is about."""


class Audit(t.NamedTuple):
    """One audit of all hosts, and what it should have found."""

    results: t.Mapping[str, t.Any]
    """By host."""
    planted: t.AbstractSet[Known]
    gone: t.AbstractSet[Known]
    report: t.Any
    said: str
    status: int

    def found(self, *severities: str) -> set[Known]:
        return {
            (host, finding["id"], self._what(host, finding))
            for host, result in self.results.items()
            for finding in result["findings"]
            if finding["severity"] in severities
        }

    def _what(self, host: str, finding: t.Any) -> int | str:
        if finding["namespace"] is not None:
            inode, name = (finding["namespace"][key] for key in ("inode", "name"))
            return str(name) if inode is None else int(inode)
        evidence = str(finding["evidence"])
        begun = (str(what) for where, rule, what in self.planted if (where, rule) == (host, finding["id"]))
        return next(filter(evidence.startswith, begun), evidence)


@pytest.fixture(scope="module")
def audits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, Audit]:
    """Before and after something has happened to the hosts."""
    place = tmp_path_factory.mktemp("fleet")
    subprocess.run([*COMMAND, str(HOSTS), "sh", "-ec", SCRIPT, str(place)], check=True)
    first = read(place, "first", frozenset())
    return first, read(place, "later", first.planted)


def read(place: Path, moment: str, before: t.AbstractSet[Known]) -> Audit:
    planted, gone = {*before}, set()
    for host, findings in json.loads((place / f"{moment}.json").read_text()).items():
        for rule, _kind, what in findings:
            if rule.startswith("not "):
                gone.add((host, rule.removeprefix("not "), what))
            else:
                planted.add((host, rule, what))
    results = [json.loads(path.read_text()) for path in (place / moment / "hosts").iterdir()]
    return Audit(
        results={result["host"]: result for result in results},
        planted=planted - gone,
        gone=gone,
        report=json.loads((place / moment / "report.json").read_text()),
        said=(place / f"{moment}.out").read_text(),
        status=int((place / f"{moment}.rc").read_text()),
    )


@pytest.mark.parametrize("number", [0, 1])
def test_all_is_found_and_nothing_else(audits: tuple[Audit, Audit], number: int) -> None:
    """Of what is told as info there may be more: what stock hosts have, and what a policy does not forbid."""
    audit = audits[number]
    severe = audit.found("low", "medium", "high", "critical")
    found = severe | audit.found("info")
    assert audit.planted - found == set()
    assert severe - audit.planted == set()
    assert audit.gone & found == set()


def test_every_rule_is_tried_here_or_elsewhere(audits: tuple[Audit, Audit]) -> None:
    tried = {rule for audit in audits for _host, rule, _what in audit.planted}
    assert tried | {*ELSEWHERE} == {*catalogue.RULES}
    assert tried & {*ELSEWHERE} == set()


def test_what_a_stranger_has_named(audits: tuple[Audit, Audit]) -> None:
    """Nothing comes of it, neither on the terminal nor on the way there."""
    (evidence,) = (finding["evidence"] for finding in audits[0].results["host-8"]["findings"] if finding["namespace"])
    assert evidence.endswith("/run/utsns/\"'>{{ 7 * 7 }}<script>\\x0a\\x1b[31m")
    assert "\x1b" not in audits[0].said


@pytest.mark.parametrize("number", [0, 1])
def test_hosts_that_can_not_be_looked_at(audits: tuple[Audit, Audit], number: int) -> None:
    """Without Python; that loses its power, and later has none; that is not there. All are reported on nevertheless."""
    audit = audits[number]
    assert {host: result["status"] for host, result in audit.results.items() if result["status"] != "scanned"} == {
        "host-10": "failed",
        "host-11": "unreachable",
        "host-12": "unreachable",
    }
    assert "/usr/bin/python3: not found" in audit.results["host-10"]["msg"]
    assert audit.status == 2
    states = {"scanned": 9, "incomplete": 1, "unreachable": 2, "failed": 1, "not_scanned": 0}
    assert audit.report["states"] == states
    assert "13 hosts: 9 scanned, 1 incomplete, 2 unreachable, 1 failed" in audit.said


@pytest.mark.parametrize("number", [0, 1])
def test_the_report_has_what_the_results_have(audits: tuple[Audit, Audit], number: int) -> None:
    audit = audits[number]
    told = [{"host": host, **finding} for host, result in audit.results.items() for finding in result["findings"]]
    assert sorted(map(json.dumps, audit.report["findings"])) == sorted(map(json.dumps, told))
