# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_audit in real plays: what it refuses, what it returns, and what is kept of each host, whatever becomes of it."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.linux.namespaces.plugins.action import ns_audit as action
from ansible_collections.linux.namespaces.plugins.modules import ns_audit as documented
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit import result, stored
from ansible_collections.linux.namespaces.tests.controller import telling
from ansible_collections.linux.namespaces.tests.controller.auditing import judged
from ansible_collections.linux.namespaces.tests.controller.plays import ROOT, Fleet, answering, unreachable
from ansible_collections.linux.namespaces.tests.controller.test_role_boot import without_texts
from ansible_collections.linux.namespaces.tests.unit import scanning, support

AUDIT = "linux.namespaces.ns_audit"
KEPT = {"report_dir": "audit"}
PINNED = telling.namespace("net", 4026532503, id=77, name="blue", holder_counts={"bind": 1})


def told_by(*namespaces: telling.Facts, **more: t.Any) -> dict[str, t.Any]:
    """What ns_facts returns."""
    return {"ansible_facts": {"linux_namespaces": telling.facts(*namespaces, **more)}}


def audit(**options: t.Any) -> dict[str, t.Any]:
    return {AUDIT: options, "register": "audit"}


def saying(*expressions: str) -> dict[str, t.Any]:
    """A task that keeps what these are."""
    return {"ansible.builtin.debug": {"msg": "{{ [%s] | to_json }}" % ", ".join(expressions)}}


# ---- what can't be meant


MISTAKES: dict[str, tuple[dict[str, t.Any], str]] = {
    "option": ({"alow": []}, "module: alow. Supported parameters include: allow, baseline"),
    "allow": ({"allow": "leak-bind-only"}, "dictionary requested, could not parse"),
    "allow key": (
        {"allow": [{"id": "leak-bind-only", "reason": "x"}, {"id": "leak-bind-only", "reson": "x"}]},
        "allow, entry 2: there is no key 'reson'; did you mean reason?",
    ),
    "allow id": ({"allow": [{"id": "leak-bind-onyl", "reason": "x"}]}, "did you mean leak-bind-only?"),
    "no reason": ({"allow": [{"id": "leak-bind-only"}]}, "allow, entry 1: it has no reason"),
    "empty reason": ({"allow": [{"id": "leak-bind-only", "reason": " "}]}, "say why this may be"),
    "match": ({"allow": [{"id": "leak-bind-only", "reason": "x", "match": {"nmae": "y"}}]}, "did you mean name?"),
    "expires": ({"allow": [{"id": "leak-bind-only", "reason": "x", "expires": "soon"}]}, "give it as 2027-01-31"),
    "thresholds": ({"thresholds": {"limit_precent": 90}}, "did you mean limit_percent?"),
    "threshold": ({"thresholds": {"limit_percent": 900}}, "no whole number from 1 to 100"),
    "rules": ({"rules": ["leak-bind-onyl"]}, "did you mean leak-bind-only?"),
    "skip_rules": ({"skip_rules": ["x"]}, "skip_rules: there is no finding and no group 'x'"),
    "declared": ({"declared": {"a": 1}}, "declared"),
    "no baseline": (
        {"baseline": "nowhere.json"},
        "nowhere.json can not be read: No such file or directory; give",
    ),
    "torn": ({"baseline": "torn.json"}, "torn.json is torn, or no JSON ("),
    "binary": ({"baseline": "binary.json"}, "binary.json is torn, or no JSON ("),
    "writable": ({"baseline": "writable.json"}, "writable.json belongs to somebody else, or others can write to it"),
    "pipe": ({"baseline": "pipe.json"}, "pipe.json is no plain file"),
    "number": ({"baseline": "number.json"}, "baseline: it is no mapping"),
    "other schema": ({"baseline": "schema.json"}, "it has the schema 2, and this version of the collection reads 1"),
    "of another": (
        {"baseline": "other.json"},
        "baseline: it is of the host r18, and this is here; give",
    ),
    "unreachable": ({"baseline": "unreachable.json"}, "here was unreachable then, so there is nothing to compare with"),
    "wrong facts": ({"baseline": "facts.json"}, "they have the schema 9"),
    "link": ({"report_dir": "link"}, "is a symbolic link"),
    "open to all": ({"report_dir": "open"}, "has the mode 0777, so others could change what is in it: chmod go-w"),
    "file": ({"report_dir": "torn.json"}, "is no directory"),
    "link for baselines": ({"write_baseline": "link"}, "write_baseline: "),
}


def test_mistakes(tmp_path: Path) -> None:
    """All are told before the host is touched, which has no Python."""
    there = tmp_path / "open"
    there.mkdir()
    there.chmod(0o777)
    (tmp_path / "link").symlink_to(there)

    def made(host: str, status: str, **more: t.Any) -> result.Result:
        return result.make(host, status, collected="", versions={}, **more)

    files: dict[str, t.Any] = {
        "number": 1,
        "schema": {**made("here", "failed"), "schema": 2},
        "other": made("r18", "scanned", judgement=judged(telling.facts())),
        "unreachable": made("here", "unreachable"),
        "facts": telling.facts(schema=9),
    }
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "torn.json").write_text(json.dumps(files["other"])[:-9])
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    (tmp_path / "writable.json").write_text(json.dumps(files["other"]))
    (tmp_path / "writable.json").chmod(0o666)
    os.mkfifo(tmp_path / "pipe.json", 0o600)
    tasks = [{"name": name, AUDIT: options, "ignore_errors": True} for name, (options, _words) in MISTAKES.items()]
    fleet = Fleet(tmp_path, {"here": {"ansible_python_interpreter": "/nonexistent"}})
    fleet.play(tasks)
    assert fleet.status == 0, fleet.said
    told = fleet.results()
    wrong = {
        name: told[name]["here"]["msg"]
        for name, (_options, words) in MISTAKES.items()
        if words not in told[name]["here"]["msg"]
    }
    assert wrong == {}
    assert told["no baseline"]["here"]["msg"].count("No such file") == 1
    assert os.listdir(there) == []


def test_async(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {"here": {}})
    fleet.play([{**audit(), "async": 10}])
    assert fleet.status == 2
    assert "async: the host is judged on the controller, where nobody waits" in fleet.said


def test_a_mistake_leaves_no_old_result(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {"here": answering(tmp_path, told_by())})
    fleet.play([{AUDIT: KEPT}])
    assert fleet.kept().keys() == {"here"}, fleet.said
    mistakes: tuple[dict[str, t.Any], ...] = (
        {"baseline": "nowhere.json"},
        {"thresholds": {"x": 1}},
        {"alow": []},
        {"write_baseline": "play.yml"},
    )
    for wrong in mistakes:
        fleet.play([{AUDIT: KEPT}, {AUDIT: {**KEPT, **wrong}}])
        assert (fleet.status, fleet.kept()) == (2, {}), fleet.said


def test_a_host_that_wants_to_decide(tmp_path: Path) -> None:
    """What it is judged by is no matter of its facts; it is a host that failed then, whatever was before."""
    planted = {"audit_allow": [{"id": "leak-bind-only", "reason": "x"}], "audit_report_dir": "elsewhere"}
    fleet = Fleet(tmp_path, {"here": answering(tmp_path, {"ansible_facts": planted})})
    fleet.play([{"ansible.builtin.ping": {}}, {AUDIT: {"report_dir": "{{ audit_report_dir }}"}}])
    assert fleet.status == 2
    assert "here sets audit_allow, audit_report_dir among its facts" in fleet.said
    assert not (tmp_path / "elsewhere").exists()
    del planted["audit_report_dir"]
    fleet = Fleet(tmp_path, {"here": answering(tmp_path, {"ansible_facts": planted})})
    fleet.play([{"ansible.builtin.ping": {}}, {AUDIT: {**KEPT, "allow": "{{ audit_allow }}"}}], "--flush-cache")
    assert fleet.status == 2
    assert "--flush-cache" in fleet.kept()["here"]["msg"]
    assert fleet.kept()["here"]["status"] == "failed"


def test_a_result_is_no_larger_than_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "MOST_BYTES", 1000)
    (tmp_path / "audit").mkdir(mode=0o700)
    with contextlib.ExitStack() as stack:
        audit = action._Audit("here", str(tmp_path / "audit"), [], stack)  # noqa: SLF001 (a play would take 128 MiB)
        path = audit.keep("failed", msg="x" * 500)
        assert path is not None
        assert stored.load(path)["msg"] == "x" * 500
        with pytest.raises(ValueError, match="and 1000 are kept at most"):
            audit.keep("failed", msg="x" * 1000)


# ---- what is returned, and kept


def test_a_leak_is_found_and_kept(tmp_path: Path) -> None:
    options = {"rules": ["leak-bind-only"]}
    with support.own_run():
        Path("/run/netns").mkdir()
        inode = scanning.bound(Path("/run/netns/blue"), "net")
        fleet = Fleet(tmp_path, {"here": {}})
        fleet.play(
            [
                {"name": "alone", AUDIT: options},
                {"name": "checked", AUDIT: options, "check_mode": True},
                {"name": "kept", AUDIT: {**options, "report_dir": "audit"}},
                {"name": "known", **saying("hostvars.here.ansible_facts | default({}) | list")},
            ]
        )
        assert fleet.status == 0, fleet.said
    told = {name: results["here"] for name, results in fleet.results().items()}
    alone, kept = told["alone"], told["kept"]
    assert [(found["id"], found["namespace"]["inode"]) for found in alone["findings"]] == [("leak-bind-only", inode)]
    assert (alone["counts"]["medium"], alone["status"], alone["changed"], "path" in alone) == (
        1,
        "scanned",
        False,
        False,
    )
    assert alone["msg"] == "1 medium"
    assert (alone["complete"], alone["incomplete_because"], alone["drift"]) == (True, [], None)
    assert [told["checked"][key] for key in ("findings", "counts")] == [alone[key] for key in ("findings", "counts")]
    assert "findings" not in kept
    assert kept["counts"] == alone["counts"]
    assert kept["path"] == str(tmp_path / "audit/hosts/here.json")
    written = fleet.kept()["here"]
    assert (written["findings"], written["counts"]) == (alone["findings"], alone["counts"])
    assert written["versions"]["collection"] == yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert written["facts"]["boot_id"] == support.read("/proc/sys/kernel/random/boot_id").strip()
    modes = [
        stat.S_IMODE((tmp_path / path).stat().st_mode) for path in ("audit", "audit/hosts", "audit/hosts/here.json")
    ]
    assert modes == [0o700, 0o700, 0o600]
    assert not [path for path in (tmp_path / "facts").glob("*") if "linux_namespaces" in path.read_text()]
    assert json.loads(told["known"]["msg"]) == [[]]


def test_whatever_becomes_of_a_host(tmp_path: Path) -> None:
    """With all of them at once, and names that nobody would give."""
    slow = tmp_path / "slow"
    slow.touch()
    lost = {"failed": "nonsense", "killed": "kill -9 $$", "slow": f"while [ -e {slow} ]; do sleep 0.1; done"}
    wrong: dict[str, t.Any] = {
        "another version": told_by(schema=2),
        "no facts": {"ansible_facts": {}},
        "no number": told_by(limits={"net": {"max": float("nan"), "used": 1}}),
        "no namespaces": told_by(namespaces=None),
        "facts in facts": {"ansible_facts": {"linux_namespaces": told_by()["ansible_facts"]}},
        "no fact": {"failed": True, "msg": "it {{ 1 + 1 }} \x1b[31m failed"},
    }
    fine = ["r17", "a b", "../x", "ü", "2001:db8::1", "n" * 250, "n" * 249 + "m"]
    hosts: dict[str, t.Any] = {
        "nobody": unreachable(),
        "without Python": {"ansible_python_interpreter": "/nonexistent"},
        **{name: {**answering(tmp_path, script=script), "seconds": 5} for name, script in lost.items()},
        **{name: answering(tmp_path, answer) for name, answer in wrong.items()},
        **{name: answering(tmp_path, told_by(PINNED)) for name in fine},
    }
    fleet = Fleet(tmp_path, hosts)
    (tmp_path / "audit/hosts").mkdir(parents=True, mode=0o700)
    (tmp_path / "audit").chmod(0o700)
    (tmp_path / "audit/hosts/slow.json").write_text("of an earlier run")
    fleet.play([{**audit(report_dir="audit"), "timeout": "{{ seconds | default(0) }}"}])
    slow.unlink()
    assert fleet.status & 4, fleet.said
    kept = fleet.kept()
    assert kept.keys() == hosts.keys()
    statuses = {name: result["status"] for name, result in kept.items()}
    assert statuses == {**dict.fromkeys(hosts, "failed"), **dict.fromkeys(fine, "scanned"), "nobody": "unreachable"}
    for name, words in {
        "nobody": "Connection refused",
        "without Python": "/nonexistent",
        "failed": "nonsense",
        "killed": "(rc 137)",
        "slow": "Time",
        "another version": "what the host says can not be judged: ",
        "no facts": "what the host says can not be judged: ",
        "no number": "what the host says can not be judged: ",
        "no namespaces": "what the host says can not be judged: ",
        "facts in facts": "what the host says can not be judged: ",
        "no fact": "it {{ 1 + 1 }} \\x1b[31m failed",
    }.items():
        assert words in kept[name]["msg"], (name, kept[name]["msg"])
    assert [kept[name]["counts"]["medium"] for name in fine] == [1] * len(fine)
    assert sorted(os.listdir(tmp_path / "audit/hosts")) == sorted(map(result.file_name, hosts))
    assert os.listdir(tmp_path / "audit") == ["hosts"]
    # Ansible counts them as it counts every host.
    assert fleet.recap() == {
        name: {"scanned": "ok", "unreachable": "unreachable", "failed": "failed"}[status]
        for name, status in statuses.items()
    }


def test_what_is_broken_off_leaves_no_old_result(tmp_path: Path) -> None:
    """The worker is killed while the host is looked at."""
    up = "p=$(awk '/^PPid/ { print $2 }' /proc/$p/status)"
    killer = f"p=$PPID; until grep -q ansible /proc/$p/comm; do {up}; done; kill -9 $p"
    Fleet(tmp_path, {"r17": answering(tmp_path, told_by(PINNED))}).play([audit(report_dir="audit")])
    assert (tmp_path / "audit/hosts/r17.json").exists()
    fleet = Fleet(tmp_path, {"r17": answering(tmp_path, script=killer)})
    fleet.play([audit(report_dir="audit")])
    assert fleet.status, fleet.said
    assert os.listdir(tmp_path / "audit/hosts") == []


def test_fifty_at_once(tmp_path: Path) -> None:
    hosts = {f"r{number}": answering(tmp_path, told_by(PINNED)) for number in range(60)}
    fleet = Fleet(tmp_path, hosts)
    fleet.play([audit(report_dir="2026/audit")], "--forks", "50")
    assert fleet.status == 0, fleet.said
    kept = fleet.kept("2026/audit")
    assert {name: result["status"] for name, result in kept.items()} == dict.fromkeys(hosts, "scanned")
    assert all(path.name.endswith(".json") for path in (tmp_path / "2026/audit/hosts").iterdir())


@pytest.mark.parametrize("where", ["report_dir", "write_baseline"])
def test_no_room_left(where: str, tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=0700", "small", tmp_path / "small"], check=True)
    try:
        fleet = Fleet(tmp_path, {"r17": answering(tmp_path, told_by(PINNED))})
        (tmp_path / "small/full").write_bytes(b"x" * 4096)
        fleet.play([audit(**{where: "small"})])
        assert fleet.status == 2
        assert "ENOSPC" in fleet.said
        assert "the file system is full: make room there, or give another directory" in fleet.said
    finally:
        subprocess.run(["umount", tmp_path / "small"], check=True)


# ---- baselines


def test_a_baseline(tmp_path: Path) -> None:
    """It is written of hosts that answer, and compared with: the one of a directory, a file, facts."""
    answers = {name: answering(tmp_path, told_by()) for name in ("r17", "ü")}
    before = Fleet(tmp_path, {**answers, "nobody": unreachable()})
    before.play([audit(write_baseline="baselines")])
    assert sorted(os.listdir(tmp_path / "baselines")) == ["%C3%BC.json", "r17.json"]
    (tmp_path / "facts.json").write_text(json.dumps(telling.facts()))
    answers = {name: answering(tmp_path, told_by(PINNED)) for name in ("r17", "ü", "new")}
    after = Fleet(tmp_path, answers)
    after.play(
        [
            {
                "name": "directory",
                AUDIT: {"baseline": "baselines", "report_dir": "audit", "write_baseline": "baselines"},
            },
            {"name": "facts", AUDIT: {"baseline": "facts.json"}},
            {"name": "file", AUDIT: {"baseline": "baselines/r17.json"}, "when": "inventory_hostname == 'r17'"},
        ]
    )
    assert after.status == 0, after.said
    told = after.results()
    added = {name: (result["drift"] or {}).get("added") for name, result in told["directory"].items()}
    assert added == {"r17": 1, "ü": 1, "new": None}
    assert after.said.count("some hosts have no baseline in") == 1
    assert {name: result["drift"]["added"] for name, result in told["facts"].items()} == {"r17": 1, "ü": 1, "new": 1}
    # The new one took its place, after it was compared with.
    assert told["file"]["r17"]["drift"]["added"] == 0
    quiet = telling.facts()
    assert after.kept()["ü"]["baseline"] == {"host": "ü", "time": quiet["time"], "boot_id": quiet["boot_id"]}
    assert after.kept()["new"]["baseline"] is None
    uncompared = {
        name: [found["evidence"] for found in result["findings"] if found["id"] == "drift-not-compared"]
        for name, result in after.kept().items()
    }
    nothing = f"nothing was compared: there is no baseline of this host in {tmp_path}/baselines"
    assert uncompared == {"r17": [], "ü": [], "new": [nothing]}


def test_a_rolling_baseline(tmp_path: Path) -> None:
    """One directory for both, which the first run makes. Who fails, or is not fully kept, has the old one still."""
    rolling = {"baseline": "baselines", "write_baseline": "baselines"}
    kept = tmp_path / "baselines/r17.json"
    first = Fleet(tmp_path, {"r17": answering(tmp_path, told_by())})
    first.play([audit(**rolling)])
    assert first.status == 0, first.said
    assert first.said.count("some hosts have no baseline in") == 1
    before = kept.read_text()
    failing = Fleet(tmp_path, {"r17": answering(tmp_path, {"failed": True, "msg": "no"})})
    failing.play([audit(**rolling)])
    wrong = Fleet(tmp_path, {"r17": answering(tmp_path, told_by(namespaces=None))})
    wrong.play([audit(**rolling)])
    full = Fleet(tmp_path, {"r17": answering(tmp_path, told_by(PINNED))})
    (tmp_path / "full").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=0700", "full", tmp_path / "full"], check=True)
    try:
        (tmp_path / "full/full").write_bytes(b"x" * 4096)
        full.play([audit(**rolling, report_dir="full")])
    finally:
        subprocess.run(["umount", tmp_path / "full"], check=True)
    assert [failing.status, wrong.status, full.status] == [2, 2, 2]
    assert kept.read_text() == before
    second = Fleet(tmp_path, {"r17": answering(tmp_path, told_by(PINNED))})
    second.play([{"name": "look", **audit(**rolling)}])
    assert second.results()["look"]["r17"]["drift"]["added"] == 1
    assert kept.read_text() != before


def test_what_is_nested_too_deeply_to_be_compared(tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text(json.dumps(telling.facts(telling.namespace("net", 7, links=[]))))
    link: dict[str, t.Any] = {}
    for _level in range(800):
        link = {"link": link}
    fleet = Fleet(tmp_path, {"r17": answering(tmp_path, told_by(telling.namespace("net", 7, links=[link])))})
    fleet.play([audit(baseline="facts.json", report_dir="audit", rules=["drift"])])
    assert fleet.status == 2
    kept = fleet.kept()["r17"]
    assert (kept["status"], kept["msg"][:37]) == ("failed", "what the host says can not be judged:")


def test_an_incomplete_baseline(tmp_path: Path) -> None:
    partial = {"complete": False, "incomplete_because": ["no root"]}
    fleet = Fleet(tmp_path, {"r17": answering(tmp_path, told_by(scan=partial)), "r18": answering(tmp_path, told_by())})
    fleet.play([{"name": "look", **audit()}, {"name": "keep", **audit(write_baseline="baselines")}])
    told = {
        name: {host: item.get("warnings", []) for host, item in hosts.items()}
        for name, hosts in fleet.results().items()
    }
    assert (told["look"], told["keep"]["r18"]) == ({"r17": [], "r18": []}, [])
    (warning,) = told["keep"]["r17"]
    assert "not looked at completely, and that is their baseline now" in warning
    assert fleet.results()["look"]["r17"]["incomplete_because"] == ["no root"]


def test_a_delegated_task_is_about_the_other_host(tmp_path: Path) -> None:
    fleet = Fleet(
        tmp_path,
        {"r17": answering(tmp_path, told_by(PINNED)), "r18": unreachable()},
    )
    fleet.play([{**audit(report_dir="audit"), "delegate_to": "r17"}], "--limit", "r18")
    assert fleet.status == 0, fleet.said
    assert {name: result["status"] for name, result in fleet.kept().items()} == {"r17": "scanned"}


# ---- what is said of it elsewhere


def test_the_options_are_as_documented() -> None:
    options = without_texts(yaml.safe_load(documented.DOCUMENTATION)["options"])
    assert options["allow"].pop("options").keys() == {"id", "match", "reason", "expires"}
    assert options == without_texts(action.SPEC)


@pytest.mark.parametrize(
    ("module", "options", "answer"),
    [
        ("ns_audit", "rules=leaks", "findings:"),
        ("ns_report", "report_dir={folder}/audit hosts=r1 unreachable=report", "not_scanned: 1"),
    ],
)
def test_by_its_short_name(tmp_path: Path, module: str, options: str, answer: str) -> None:
    """As in the checkout, whose ansible.cfg knows no more than where plugins are."""
    environment = {**Fleet(tmp_path, {}).environment, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    words: list[str | Path] = [
        Path(sys.executable).with_name("ansible"),
        "localhost",
        "-m",
        module,
        "-a",
        options.format(folder=tmp_path),
    ]
    done = subprocess.run(words, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert answer in done.stdout
