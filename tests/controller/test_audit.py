# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is made of findings: which are asked for, which are allowed, how they count, and what is kept of a host."""

from __future__ import annotations

import copy
import datetime as dt
import functools
import itertools
import json
import time
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import blind
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit import baseline, catalogue, judge, model, result
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.host import read_host
from ansible_collections.linux.namespaces.tests.controller import telling
from ansible_collections.linux.namespaces.tests.controller.auditing import TODAY, found, judged
from ansible_collections.linux.namespaces.tests.controller.telling import Facts, facts, leader, namespace
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import given
from hypothesis import strategies as st

UNIT = {**leader(900, "sshd", "sshd.service"), "uid": 0}
VERSIONS = {"collection": "0.2.0", "ansible_core": "2.21.1", "rules": catalogue.digest()}
BIND = {"kind": "bind", "path": "/run/netns/blue", "namespace": telling.INITIAL["mnt"], "pid": 1, "comm": "systemd"}


READER = {"kind": "watch", "pid": 900, "comm": "zebra"}


def left(inode: int = 4026532503, **more: t.Any) -> Facts:
    """A network namespace that only a bind mount keeps."""
    told = {"name": "blue", "holders": [BIND], "holder_counts": {"bind": 1}, **more}
    return namespace("net", inode, **told)


def allow(**more: t.Any) -> list[dict[str, t.Any]]:
    return [{"id": "leak-bind-only", "reason": "the lab of the tests", **more}]


def refused(**options: t.Any) -> str:
    with pytest.raises(AnsibleFilterError) as raised:
        judged(facts(left()), **options)
    said = str(raised.value)
    assert said.isprintable()
    assert len(said) < 1000
    return said


# ---- which rules


def test_every_rule_is_complete_and_has_a_name_of_its_own() -> None:
    ids = [rule.id for rules in catalogue.GROUPS.values() for rule in rules]
    assert len({*ids}) == len(ids) == len(catalogue.RULES)
    for rule in catalogue.RULES.values():
        assert rule.severity in model.SEVERITIES
        assert all(text and text == text.strip() for text in rule[:-1]), rule
        assert len(rule.remedy) <= 160, rule.id
        assert len(rule.title) <= 80, rule.id
        assert rule.id not in catalogue.GROUPS
    assert len(catalogue.digest()) == 12


def test_the_digest_is_of_what_the_rules_are(monkeypatch: pytest.MonkeyPatch) -> None:
    before = catalogue.digest()
    group = [rule._replace(severity="critical") for rule in catalogue.GROUPS["capacity"]]
    monkeypatch.setattr(catalogue, "GROUPS", {**catalogue.GROUPS, "capacity": group})
    assert catalogue.digest() != before


@pytest.mark.parametrize(
    ("rules", "skip_rules", "finds"),
    [
        ([], [], 1),
        (["leak-bind-only"], [], 1),
        (["leaks"], [], 1),
        (["leak-*"], ["leak-fd-only"], 1),
        (["capacity"], [], 0),
        ([], ["leaks"], 0),
        (["leaks"], ["leak-bind-*"], 0),
        (None, None, 1),
    ],
)
def test_rules_that_are_asked_for(rules: t.Any, skip_rules: t.Any, finds: int) -> None:
    assert len(judged(facts(left()), rules=rules, skip_rules=skip_rules).findings) == finds


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("rules leak-bind-onyl leak-bind-only?", {"rules": ["leak-bind-onyl"]}),
        ("skip_rules leakes leaks?", {"skip_rules": ["leakes"]}),
        ("rules x-* leaks exposure", {"rules": ["x-*"]}),
        ("rules list", {"rules": "leaks"}),
        ("rules list", {"rules": [1]}),
        ("declared list", {"declared": "blue"}),
        ("thresholds limit_precent limit_percent?", {"thresholds": {"limit_precent": 80}}),
        ("thresholds limit_percent 1 100", {"thresholds": {"limit_percent": "8_0"}}),
        ("thresholds limit_percent 1 100", {"thresholds": {"limit_percent": "0"}}),
        ("thresholds limit_percent 1 100", {"thresholds": {"limit_percent": 80.5}}),
        ("thresholds limit_percent 1 100", {"thresholds": {"limit_percent": [80]}}),
        ("thresholds limit_percent 1 100", {"thresholds": {"limit_percent": None}}),
        ("thresholds limit_percent 1 100", {"thresholds": {"limit_percent": True}}),
        ("thresholds limit_percent 1 100", {"thresholds": {"limit_percent": 0}}),
        ("thresholds nesting_depth 1 32", {"thresholds": {"nesting_depth": 33}}),
        ("thresholds user_namespaces forbidden forbid?", {"thresholds": {"user_namespaces": "forbidden"}}),
        ("thresholds host_network forbid?", {"thresholds": {"host_network": ["forbid"]}}),
        ("thresholds mapping", {"thresholds": ["limit_percent"]}),
        ("allow list", {"allow": "leaks"}),
        ("allow entry 1 mapping", {"allow": ["leaks"]}),
        ("allow entry 1 leak-bind leak-bind-only?", {"allow": allow(id="leak-bind")}),
        ("allow entry 1 id", {"allow": [{"reason": "none"}]}),
        ("allow entry 1 id", {"allow": allow(id="allow-expired")}),
        ("allow entry 2 reson reason?", {"allow": [*allow(), *allow(reson="x")]}),
        ("allow entry 1 reason", {"allow": allow(reason=" ")}),
        ("allow entry 1 reason", {"allow": allow(reason=None)}),
        ("allow entry 1 expires 2027-01-31", {"allow": allow(expires="2027-02-30")}),
        ("allow entry 1 expires 2027-01-31", {"allow": allow(expires="1.2.2027")}),
        ("allow entry 1 expires 2027-01-31", {"allow": allow(expires="2027-W01-1")}),
        ("allow entry 1 expires 2027-01-31", {"allow": allow(expires=20270101)}),
        ("allow entry 1 expires 2027-01-31", {"allow": allow(expires=dt.datetime(2027, 1, 1))}),
        ("allow entry 1 match nmae name?", {"allow": allow(match={"nmae": "blue"})}),
        ("allow entry 1 match type net?", {"allow": allow(match={"type": "ne"})}),
        ("allow entry 1 match type mnt net", {"allow": allow(match={"type": "network*"})}),
        ("allow entry 1 match name text", {"allow": allow(match={"name": 1})}),
        ("allow entry 1 match owner_uid text", {"allow": allow(match={"owner_uid": True})}),
        ("allow entry 1 match mapping", {"allow": allow(match="blue")}),
        ("allow entry 1 \\x1b", {"allow": allow(match={"\x1b[31m" * 1000: "x"})}),
    ],
)
def test_wrong_options(words: str, options: dict[str, t.Any]) -> None:
    said = refused(**options)
    assert [word for word in words.split() if word not in said] == [], said


def test_numbers_as_a_template_gives_them() -> None:
    """Text, up to ansible-core 2.18."""
    told = facts(limits={"net": {"max": 100, "used": 89}})
    said = {limit: len(found(told, "limit-near", thresholds={"limit_percent": limit})) for limit in ("89", 89, "90")}
    assert said == {"89": 1, 89: 1, "90": 0}


# ---- what is allowed


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        (None, True),
        ({}, True),
        ({"name": "bl*"}, True),
        ({"name": "BL*"}, False),
        ({"name": "bl"}, False),
        ({"name": "blue", "type": "net"}, True),
        ({"name": "blue", "type": "uts"}, False),
        ({"type": "n*"}, True),
        ({"path": "/run/netns/*"}, True),
        ({"path": "/run/*/red"}, False),
        ({"owner_uid": 0}, True),
        ({"owner_uid": "0"}, True),
        ({"owner_uid": 1000}, False),
        ({"comm": "zebra"}, True),
        ({"comm": "systemd"}, False),
        ({"unit": "*"}, False),
        ({"container": "*"}, False),
    ],
)
def test_what_an_entry_is_about(match: t.Any, matches: bool) -> None:
    found_all = judged(facts(left(holders=[BIND, READER])), allow=allow(match=match))
    (finding,) = [item for item in found_all.findings if item["id"] == "leak-bind-only"]
    assert finding["allowed"] == ({"reason": "the lab of the tests", "expires": None} if matches else None)
    assert found_all.counts == {**dict.fromkeys(result.COUNTS, 0), **(
        {"allowed": 1} if matches else {"medium": 1, "info": 1, "unused": 1}
    )}  # fmt: skip


def test_an_entry_is_about_nothing_that_a_stranger_adds() -> None:
    """Neither a path in mounts of his own, nor that he has the namespace open as well."""

    def allowed(match: t.Any, **more: t.Any) -> int:
        return judged(facts(left(**more)), rules=["leak-*"], allow=allow(match=match)).counts["allowed"]

    elsewhere = {**BIND, "namespace": 4026539999}
    assert allowed({"path": "/run/netns/*"}, holders=[elsewhere]) == 0
    assert allowed({"path": "/run/netns/*"}, holders=[elsewhere, BIND], holder_counts={"bind": 2}) == 1
    other = {**READER, "comm": "other"}
    assert allowed({"comm": "zebra"}, holders=[READER, other], holder_counts={"bind": 1, "watch": 2}) == 0
    assert allowed({"comm": "zebra"}, holders=[READER], holder_counts={"bind": 1, "watch": 2}) == 0
    assert allowed({"comm": "zebra"}, holders=[READER, BIND], holder_counts={"bind": 1, "watch": 1, "owned": 3}) == 1


def test_a_path_that_is_no_namespace_can_be_allowed() -> None:
    told = facts(handles=[{"path": "/run/netns/gone", "problem": "dangling"}])
    about = {"id": "handle-dangling", "reason": "kolla"}
    for match in ({"path": "/run/netns/g*"}, {"name": "g*"}, {"type": "net", "name": "gone"}):
        assert judged(told, allow=[{**about, "match": match}]).counts["allowed"] == 1
    for match in ({"name": "/run*"}, {"type": "uts"}, {"comm": "*"}):
        assert judged(told, allow=[{**about, "match": match}]).counts["medium"] == 1
    elsewhere = facts(handles=[{"path": "/run/elsewhere/gone", "problem": "dangling"}])
    assert judged(elsewhere, allow=[{**about, "match": {"name": "*"}}]).counts["medium"] == 1


def test_an_entry_that_ends_today_is_good_today() -> None:
    entry = allow(expires=TODAY.isoformat())
    assert judged(facts(left()), allow=entry).counts["allowed"] == 1
    assert judged(facts(left()), allow=allow(expires=TODAY)).counts["allowed"] == 1
    found_all = judged(facts(left()), allow=entry, today=TODAY + dt.timedelta(1))
    assert [(item["id"], item["severity"]) for item in found_all.findings] == [
        ("leak-bind-only", "medium"),
        ("allow-expired", "medium"),
    ]
    over = "allowed until 2026-11-29 (the lab of the tests), which is over: leak-bind-only"
    assert found_all.findings[1]["evidence"] == over
    assert found_all.counts == {**dict.fromkeys(result.COUNTS, 0), "medium": 2, "expired": 1}


def test_an_entry_that_nothing_needs() -> None:
    entries = [*allow(match={"name": "blue"}), *allow(match={"name": "red"}, reason="gone")]
    found_all = judged(facts(left()), allow=entries)
    assert [(item["id"], item["severity"], item["evidence"]) for item in found_all.findings][1:] == [
        ("allow-unused", "info", "leak-bind-only name=red (gone)")
    ]
    assert (found_all.counts["unused"], found_all.counts["info"]) == (1, 1)


def test_an_entry_is_expired_where_it_is_missed_and_unused_elsewhere() -> None:
    """One list is for many hosts, and an entry has the same words on each."""
    entry = allow(match={"name": "blue"}, expires="2026-01-01")
    said = "leak-bind-only name=blue until 2026-01-01 (the lab of the tests)"
    told = {name: judged(facts(left(name=name)), allow=entry) for name in ("blue", "red")}
    assert {name: item.allow for name, item in told.items()} == {
        "blue": {"used": [], "expired": [said], "unused": []},
        "red": {"used": [], "expired": [], "unused": [said]},
    }
    assert {name: (item.counts["expired"], item.counts["unused"]) for name, item in told.items()} == {
        "blue": (1, 0),
        "red": (0, 1),
    }
    assert [found["id"] for found in told["red"].findings] == ["leak-bind-only", "allow-unused"]
    renewed = judged(facts(left()), allow=[*entry, *allow(expires="2027-01-01")])
    renewed_said = "leak-bind-only until 2027-01-01 (the lab of the tests)"
    assert renewed.allow == {"used": [renewed_said], "expired": [], "unused": [said]}


def test_an_entry_for_a_rule_that_did_not_run_is_not_unused() -> None:
    found_all = judged(facts(left()), allow=allow(match={"name": "red"}), skip_rules=["leaks"])
    assert (found_all.findings, found_all.counts["unused"]) == ([], 0)


def test_two_entries_for_the_same_are_both_needed() -> None:
    found_all = judged(facts(left()), allow=[*allow(), *allow(match={"name": "blue"}, reason="second")])
    assert [item["allowed"]["reason"] for item in found_all.findings] == ["the lab of the tests"]
    assert found_all.counts["unused"] == 0


# ---- what is told


def test_the_shape_of_a_finding() -> None:
    (finding,) = found(facts(left(id=77)), "leak-bind-only")
    rule = catalogue.RULES["leak-bind-only"]
    assert finding == {
        "id": rule.id,
        "severity": "medium",
        "title": rule.title,
        "namespace": {"type": "net", "inode": 4026532503, "id": 77, "name": "blue", "path": "/run/netns/blue"},
        "subject": None,
        "evidence": "no process, kept by 1 bind mount at /run/netns/blue",
        "remediation": rule.remedy,
        "source": rule.source,
        "allowed": None,
    }


def test_what_is_about_no_namespace_has_a_subject() -> None:
    both = ["/run/netns/a", "/run/netns/b"]
    told = facts(
        left(),
        limits={kind: {"max": 10, "used": 9} for kind in ("net", "uts")},
        sysctls={"user.max_user_namespaces": 9},
        handles=[{"path": path, "problem": "dangling"} for path in both],
        scan={"complete": False, "incomplete_because": ["no root", "no mounts"], "blind": [blind.OUTSIDE]},
    )
    found_all = judged(told, allow=[*allow(match={"name": "red"}), *allow(match={"name": "green"})]).findings
    subjects: dict[str, list[t.Any]] = {}
    for item in found_all:
        assert (item["subject"] is None) == (item["namespace"] is not None), item
        subjects.setdefault(item["id"], []).append(item["subject"])
    assert subjects == {
        "leak-bind-only": [None],
        "limit-near": ["net", "uts"],
        "userns-unprivileged": ["user.max_user_namespaces"],
        "handle-dangling": both,
        "scan-incomplete": ["no root", "no mounts"],
        "scan-inside": [blind.OUTSIDE],
        "allow-unused": [f"leak-bind-only name={name} (the lab of the tests)" for name in ("red", "green")],
    }


def test_the_worst_comes_first() -> None:
    told = facts(
        left(),
        namespace("net", 7, links=[{"name": "eth3", "kind": "physical", "up": True}], processes=1, leader=UNIT),
        limits={"net": {"max": 10, "used": 9}, "uts": {"max": 10, "used": 10}},
        sysctls={"user.max_user_namespaces": 9},
    )
    ranks = [model.SEVERITIES.index(item["severity"]) for item in judged(told).findings]
    assert ranks == sorted(ranks)
    assert (ranks[0], ranks[-1]) == (1, 4)


EVIL = "</script><script>alert(1)</script>{{ 7*7 }}\x1b[31m\n\u2028\u202e" * 50


def test_nothing_of_a_stranger_gets_out_as_it_is() -> None:
    holder = {**BIND, "path": EVIL, "comm": EVIL}
    told = facts(
        left(name=EVIL, holders=[holder]),
        namespace("uts", 5, holders=[{"kind": "fd", "pid": 7, "comm": EVIL, "unit": EVIL}], holder_counts={"fd": 1}),
        namespace("net", 6, links=[{"name": EVIL, "kind": "physical", "up": True}]),
        handles=[{"path": EVIL, "problem": "dangling"}],
        scan={"complete": False, "incomplete_because": [EVIL], "blind": []},
    )
    findings = judged(told, allow=allow(reason=EVIL, match={"type": "net"})).findings
    assert len(findings) >= 5
    assert [text for text in texts(findings) if not text.isprintable()] == []
    assert max(len(item["evidence"]) for item in findings) <= 300
    assert max(map(len, texts(findings))) <= 400


def texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


# ---- a baseline


def kept(told: Facts | None = None, **more: t.Any) -> result.Result:
    """The result of a host, as it comes back from its file."""
    told = facts(left()) if told is None else told
    made = result.make(
        "r17",
        "scanned",
        collected="2026-11-29T07:00:00Z",
        versions=VERSIONS,
        judgement=judged(told),
    )
    return t.cast("result.Result", json.loads(json.dumps({**made, **more})))


@pytest.mark.parametrize(
    ("words", "given_baseline"),
    [
        ("no mapping whole", "torn"),
        ("no mapping", None),
        ("no facts", {"hosts": []}),
        ("schema 2 reads 1", {**kept(), "schema": 2}),
        ("schema number", facts(schema="x")),
        ("damaged counts", {**kept(), "counts": {}}),
        ("damaged host", {**kept(), "host": ""}),
        ("damaged allow", {**kept(), "allow": {"used": [], "expired": [], "unused": [1]}}),
        ("damaged allow", {**kept(), "allow": {"used": [], "unused": []}}),
        ("damaged findings", {**kept(), "findings": [{**kept()["findings"][0], "subject": 1}]}),
        ("r18 r17", {**kept(), "host": "r18"}),
        ("unreachable nothing to compare", {**kept(), "status": "unreachable", "facts": None}),
        ("boot_id missing", {**kept(), "facts": {**kept()["facts"], "boot_id": None}}),
        ("only count", {key: value for key, value in facts().items() if key != "namespaces"}),
    ],
)
def test_a_baseline_that_is_none(words: str, given_baseline: t.Any) -> None:
    with pytest.raises(AnsibleFilterError) as raised:
        baseline.read_baseline(given_baseline, "r17")
    said = str(raised.value)
    assert said.startswith("baseline: ")
    assert [word for word in words.split() if word not in said] == [], said


def test_a_baseline_of_another_machine() -> None:
    before = baseline.read_baseline(facts(machine="a" * 32))
    with pytest.raises(AnsibleFilterError, match=r"another machine.*machine-id"):
        judged(facts(machine="b" * 32), baseline=before)
    for told in (facts(machine="a" * 32), facts()):
        assert judged(told, baseline=before).drift == {
            "added": 0,
            "removed": 0,
            "changed": 0,
            "not_compared": {"before": 0, "after": 0},
        }


def test_what_was_kept_of_a_host_is_its_next_baseline() -> None:
    told = facts(left(links=[], listeners=[], hostname=None), machine="a" * 32)
    before = baseline.read_baseline(kept(told), "r17")
    assert before.summary() == {"host": "r17", "time": "2026-11-28T11:20:00Z", "boot_id": telling.BOOT}
    assert judged(told, baseline=before, rules=["drift"]).findings == []
    later = copy.deepcopy(told)
    later["namespaces"][0]["listeners"] = [{"protocol": "tcp", "address": "::", "port": 22}]
    drift = judged(later, baseline=before).drift
    assert drift is not None
    assert drift["changed"] == 1


# ---- what is kept


def test_the_shape_of_a_result() -> None:
    told = facts(left(), **telling.OF_THE_HOST)
    before = baseline.read_baseline(kept(facts(left(), machine=told["machine"])), "r17")
    judgement = judged({"linux_namespaces": told}, baseline=before)
    made = result.make(
        "r17",
        "scanned",
        collected="2026-11-29T07:00:00Z",
        versions=VERSIONS,
        judgement=judgement,
        baseline=before,
    )
    assert [*made] == [
        "schema", "host", "status", "msg", "collected", "run", "versions", "baseline", "findings", "counts", "allow",
        "drift", "facts",
    ]  # fmt: skip
    assert result.read(made) is made
    assert (made["counts"], made["allow"]) == (judgement.counts, judgement.allow)
    assert judged(made["facts"]).findings == judged(told).findings
    assert "reference" not in made["facts"]["namespaces"][0]


def test_who_leads_several_namespaces_is_described_once() -> None:
    """Another description of the same pid, as of another moment, is kept."""
    was, later = who(9, "nginx", "a.scope", "a" * 64), who(9, "sh", "a.scope")
    told = facts(*(namespace("net", number, processes=1, leader=each) for number, each in enumerate([was, was, later])))
    short = result.narrow(told)
    leaders = [[item.leader for item in read_host(each).facts.namespaces] for each in (told, short)]
    assert [{*item["leader"]} > {"pid"} for item in short["namespaces"]] == [True, False, True]
    assert leaders[0] == leaders[1]


def test_the_result_of_a_host_that_nobody_reached() -> None:
    made = result.make("r17", "unreachable", msg="ssh:\x1b no\nroute", collected="now", versions=VERSIONS)
    assert result.read(made)["msg"] == "ssh:\\x1b no\\x0aroute"
    assert (made["facts"], made["findings"], made["drift"], {*made["counts"].values()}) == (None, [], None, {0})
    assert made["allow"] is None


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("r17", "r17.json"),
        ("r17.example.com", "r17.example.com.json"),
        (".", "%2E.json"),
        ("..", "%2E..json"),
        (".hidden", "%2Ehidden.json"),
        ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd.json"),
        ("a b~%\x00\n", "a%20b%7E%25%00%0A.json"),
        ("h\u00f6st", "h%C3%B6st.json"),
        ("\udc80", "%ED%B2%80.json"),
    ],
)
def test_the_file_of_a_host(host: str, name: str) -> None:
    assert result.file_name(host) == name


def test_the_files_of_hosts_with_long_names_differ() -> None:
    names = {result.file_name("h" * count) for count in range(150, 300)} | {result.file_name("h" * 299 + "x")}
    assert len(names) == 151
    assert max(map(len, names)) == 200


def ordinary_host() -> Facts:
    """60 namespaces, as a host with units in sandboxes and some containers has them, and something to find in 20."""
    mounts = {"mounts": 41, "shared": 38, "slave": 38, "unbindable": 0, "peers": 0, "foreign": []}
    links = [{"name": "lo", "kind": "loopback", "up": True}, {"name": "eth0", "kind": "veth", "up": True}]
    inside: dict[str, dict[str, t.Any]] = {
        "net": {"links": links, "listeners": [{"protocol": "tcp", "address": "0.0.0.0", "port": 80}], "netnsid": 0},
        "mnt": {"propagation": mounts},
        "uts": {"hostname": "0123456789ab", "domainname": "(none)"},
        "pid": {"init": "alive", "parent": telling.PID, "depth": 1},
    }
    numbers = iter(range(4026532500, 4026532600))
    told = [
        namespace(kind, inode, id=inode, processes=150, leader=who(1, "systemd", "init.scope"), **inside.get(kind, {}))
        for kind, inode in telling.INITIAL.items()
    ]
    for inode in itertools.islice(numbers, 22):
        unit = who(inode % 1000, "daemon", "systemd-something.service")
        told.append(namespace("mnt", inode, id=inode, processes=1, leader=unit, propagation=mounts))
    for container in ("a" * 64, "b" * 64):
        process = who(900, "nginx", f"libpod-{container}.scope", container)
        for kind, inode in zip(("mnt", "uts", "ipc", "pid", "net", "cgroup"), numbers):
            told.append(namespace(kind, inode, id=inode, processes=2, leader=process, **inside.get(kind, {})))
    tenant: dict[str, t.Any] = {"links": links[:1], "listeners": [], "netnsid": 1}
    for inode in itertools.islice(numbers, 18):
        path = {**BIND, "path": f"/run/netns/tenant-{inode}", "unit": "init.scope"}
        told.append(left(inode, id=inode, name=f"tenant-{inode}", holders=[path], **tenant))
    return facts(*told, limits={kind: {"max": 63000, "used": 20} for kind in telling.INITIAL}, **telling.OF_THE_HOST)


def who(pid: int, comm: str, unit: str, container: str | None = None) -> Facts:
    return {**leader(pid, comm, unit, container), "capabilities": "000001ffffffffff", "initial": ["user", "time"]}


def test_an_ordinary_host_is_a_small_file() -> None:
    told = ordinary_host()
    made = kept(told)
    assert len(told["namespaces"]) == 60
    assert len(made["findings"]) >= 20
    assert len(json.dumps(made, separators=(",", ":")).encode()) <= 32 << 10


def test_a_hundred_thousand_findings_take_seconds() -> None:
    ways: list[Facts] = [
        {"holders": [BIND], "holder_counts": {"bind": 1}, "name": "n"},
        {"holders": [{"kind": "fd", "pid": 9, "comm": "x"}], "holder_counts": {"fd": 1}},
        {"holders": [{"kind": "socket", "pid": 9, "comm": "x"}], "holder_counts": {"socket": 1}},
        {"links": [{"name": "eth0", "kind": "physical", "up": True}]},
    ]
    told = facts(*(namespace("net", 1000 + number, **ways[number % 4]) for number in range(100_000)))
    told["namespaces"] += [
        namespace(
            "user",
            200_000 + number,
            parent=telling.USER,
            owner_uid=number + 1,
            uid_map=[{"inside": 0, "outside": 500_000 + number, "count": 65536}],
        )
        for number in range(10_000)
    ]
    before = baseline.read_baseline(facts())
    began = time.process_time()
    found_all = judged(told, baseline=before, allow=allow(match={"name": "m*"}))
    seconds = time.process_time() - began
    assert 5000 < len(found_all.findings) < 10_000
    assert seconds < 30


def test_of_too_much_the_worst_is_told() -> None:
    """What a host makes up by the thousand does not hide the rest of it, and it is said how much it is."""
    bind = {"kind": "bind", "namespace": telling.INITIAL["mnt"]}
    by_design = [
        namespace(
            "net",
            1000 + number,
            holders=[{**bind, "path": "/run/netns/%08x-0000-0000-0000-000000000000" % number}],
            holder_counts={"bind": 1},
        )
        for number in range(1500)
    ]
    leak = namespace("net", 9000, name="last", holders=[{**bind, "path": "/run/netns/x"}], holder_counts={"bind": 1})
    found_all = judged(facts(*by_design, leak), rules=["leak-bind-only"])
    first, last = found_all.findings[0], found_all.findings[-1]
    assert (first["severity"], first["namespace"]["name"]) == ("medium", "last")
    assert (last["severity"], last["evidence"]) == ("info", "and 501 more, which are not told one by one")
    assert (len(found_all.findings), found_all.counts["info"], found_all.counts["medium"]) == (1001, 1000, 1)


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ("name is longer than 8192 characters", {"name": "x" * 8193}),
        ("foreign is longer than 8192 characters", {"propagation": {"foreign": ["x" * 8193]}}),
        ("a key is longer than 8192 characters", {"holder_counts": {"x" * 8193: 1}}),
        ("holders has more than 262144 items", {"holders": [{"kind": "fd"}] * 262_145}),
        ("it has more than 262144 keys", {"holder_counts": {str(number): 1 for number in range(262_145)}}),
    ],
)
def test_too_much_is_refused(words: str, more: dict[str, t.Any]) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        judged(facts(namespace("net", 1000, **more)))
    assert words in str(caught.value)
    assert len(str(caught.value)) < 10_000


def test_what_a_message_says_of_a_key_is_visible() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        judged(facts(limits={"a\x1b[31m\nb": 1}))
    assert "a\\x1b[31m\\x0ab" in str(caught.value)


def test_what_nobody_reads_is_not_kept() -> None:
    junk = {"junk": ["x"] * 1000}
    told = facts(
        namespace(
            "mnt",
            1000,
            leader={**telling.leader(7), "initial": ["user", "bogus"], **junk},
            holders=[{**BIND, **junk}],
            propagation={"mounts": 3, **junk},
            offsets={"monotonic": "1", **junk},
        )
    )
    made = result.narrow(told)
    assert "junk" not in json.dumps(made)
    (kept_one,) = made["namespaces"]
    assert (kept_one["leader"]["comm"], kept_one["propagation"], kept_one["offsets"]) == (
        "sh",
        {"mounts": 3},
        {"monotonic": "1"},
    )
    leader = read_host(told).facts.namespaces[0].leader
    assert leader is not None
    assert leader.initial == frozenset({"user"})


# ---- anything else


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 1 << 70) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def whole() -> Facts:
    return facts(
        left(listeners=[{"protocol": "tcp", "address": "::", "port": 1}], links=[{"name": "e", "kind": "physical"}]),
        namespace("user", 7, parent=telling.USER, owner_uid=1000, setgroups="allow", leader=who(9, "a", "b"),
                  processes=1, uid_map=[{"inside": 0, "outside": 0, "count": 1}], gid_map=[{"outside": 1, "count": 1}]),
        namespace("mnt", 8, leader=who(9, "a", "b"), propagation={"peers": 1, "foreign": ["8:1"]}),
        namespace("pid", 9, init="dead", depth=31),
        **telling.OF_THE_HOST,
        limits={"net": {"max": 1, "used": 1}},
    )  # fmt: skip


def places(value: t.Any) -> t.Iterator[tuple[t.Any, t.Any]]:
    """Everything in it, as what it is in and where in there."""
    for key in [*value] if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


@st.composite
def damaged(draw: st.DrawFn, base: t.Callable[[], t.Any]) -> t.Any:
    """Something of which some parts are anything else."""
    told = json.loads(json.dumps(base()))
    for _time in range(draw(st.integers(0, 3))):
        where, key = draw(st.sampled_from([*places(told)]))
        where[key] = draw(anything)
    return told


entries = functools.partial(allow, match={"name": "blue"}, expires="2027-01-01")
options = st.fixed_dictionaries(
    {},
    optional={
        "allow": anything | damaged(entries),
        "declared": anything,
        "thresholds": anything | st.fixed_dictionaries({"user_namespaces": st.just("privileged")}),
        "rules": anything | st.just(["leak*"]),
        "skip_rules": anything,
    },
)


@support.properties
@given(told=damaged(whole) | anything, more=options, before=st.none() | damaged(kept) | damaged(whole) | anything)
def test_whatever_comes_it_is_judged_or_refused(told: t.Any, more: dict[str, t.Any], before: t.Any) -> None:
    try:
        earlier = None if before is None else baseline.read_baseline(before)
        found_all = judge.judge(told, today=TODAY, baseline=earlier, **more)
    except AnsibleFilterError:
        return
    open_ones = [item["severity"] for item in found_all.findings if item["allowed"] is None]
    assert {severity: open_ones.count(severity) for severity in model.SEVERITIES} == {
        severity: found_all.counts[severity] for severity in model.SEVERITIES
    }
    assert found_all.counts["allowed"] == len(found_all.findings) - len(open_ones)
    made = result.make("h", "scanned", collected="now", versions=VERSIONS, judgement=found_all, baseline=earlier)
    again = json.loads(json.dumps(made))
    assert result.read(again) == again
    # What was kept says the same, and can be the next baseline.
    kept_before = baseline.read_baseline(again, "h")
    assert read_host(again["facts"]).facts.by_inode.keys() == kept_before.host.facts.by_inode.keys()
    assert judge.judge(again["facts"], today=TODAY, baseline=earlier, **more).counts == found_all.counts
