# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the filters make of facts."""

from __future__ import annotations

import contextlib
import copy
import json
import time
import typing as t

import hypothesis
import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.linux.namespaces.plugins.filter.ns_diff import ns_diff
from ansible_collections.linux.namespaces.plugins.filter.ns_holders import ns_holders
from ansible_collections.linux.namespaces.plugins.filter.ns_tree import ns_tree
from ansible_collections.linux.namespaces.plugins.modules import ns_facts
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.answer import answer
from hypothesis import strategies

Facts = t.Dict[str, t.Any]

HOSTILE = "\x1b[31m<script>'\"\n\x00\x9b\u202e\ud800"


def namespace(kind: str = "net", inode: int = 10, **more: t.Any) -> Facts:
    empty = {"id": None, "name": None, "owner": None, "parent": None, "leader": None}
    return {"type": kind, "inode": inode, "processes": 0, "holders": [], "holder_counts": {}, **empty, **more}


def facts(*namespaces: Facts, **more: t.Any) -> Facts:
    scan = {"complete": True, "incomplete_because": [], "blind": []}
    return {"schema": 1, "boot_id": "b", "initial": {}, "scan": scan, "namespaces": [*namespaces], **more}


BLUE = namespace(
    id=77,
    name="blue",
    holders=[
        {"kind": "fd", "pid": 4711, "fd": 12, "comm": "dockerd", "unit": "docker.service"},
        {
            "kind": "bind",
            "path": "/run/netns/blue",
            "namespace": 600,
            "pid": 900,
            "comm": "sshd",
            "unit": "ssh.service",
        },
        {"kind": "socket", "pid": 5120, "fd": 7, "comm": "bird", "unit": "bird.service"},
    ],
    holder_counts={"fd": 1, "bind": 1, "socket": 1},
)


# ---- ns_holders


def test_what_holds_a_namespace() -> None:
    told = facts(BLUE, scan={"complete": True, "blind": ["credentials of open files", "fsopen contexts"]})
    assert ns_holders(told).splitlines() == [
        "net blue  id 77  [10]  0 processes, held by 3",
        "  fd      4711/12 dockerd   docker.service",
        "  bind    /run/netns/blue   in mnt [600] (pid 900, ssh.service)",
        "  socket  5120/7 bird       bird.service",
        "scan complete; not visible on this kernel: credentials of open files, fsopen contexts",
    ]


def test_the_processes_in_a_namespace_are_told_by_their_leader() -> None:
    leader = {"pid": 4711, "comm": "dockerd", "uid": 0, "unit": "docker.service", "container": None}
    one, many = (ns_holders(facts(namespace(processes=count, leader=leader))).splitlines() for count in (1, 17))
    assert one[:2] == ["net  [10]  1 process", "  process  4711 dockerd   docker.service"]
    assert many[:2] == ["net  [10]  17 processes", "  process  4711 dockerd   docker.service and 16 more"]


@pytest.mark.parametrize(
    ("holder", "line"),
    [
        ({"kind": "thread", "pid": 7, "thread": 9, "comm": "java"}, "  thread  7:9 java"),
        ({"kind": "fd", "pid": 7, "thread": 9, "fd": 3, "comm": "java"}, "  fd  7:9/3 java"),
        ({"kind": "fd", "pid": 7, "fd": 3, "path": "/a/b"}, "  fd  7/3   /a/b"),
        ({"kind": "zombie", "pid": 7}, "  zombie  7"),
        ({"kind": "owned", "namespace": 11}, "  owned  uts box  [11]"),
        ({"kind": "child", "namespace": 99}, "  child  [99]"),
        ({"kind": "kernel"}, "  kernel  by what the kernel does not show"),
        ({"kind": "bind", "path": "/x", "namespace": 5}, "  bind  /x   in mnt [5]"),
        ({"kind": "bind", "path": "/x", "namespace": 5, "pid": 1, "comm": "sh"}, "  bind  /x   in mnt [5] (pid 1, sh)"),
    ],
)
def test_a_holder(holder: Facts, line: str) -> None:
    other = namespace("uts", 11, name="box", processes=1)
    told = facts(other, namespace("net", holders=[holder], holder_counts={holder["kind"]: 1}))
    assert ns_holders(told).splitlines()[2] == line


def test_more_holders_than_are_told() -> None:
    told = {**BLUE, "holder_counts": {"fd": 91, "bind": 1, "socket": 8}}
    lines = ns_holders(facts(told)).splitlines()
    assert lines[0].endswith("held by 100")
    assert lines[4] == "  … and 97 more (fd 90, socket 7)"


def test_an_incomplete_scan() -> None:
    told = facts(scan={"complete": False, "incomplete_because": ["no privilege", "hidepid"], "blind": []})
    assert ns_holders(told).splitlines() == ["there is no such namespace", "scan INCOMPLETE: no privilege; hidepid"]


# ---- ns_tree


def test_a_tree_of_owners() -> None:
    leader = {"comm": "systemd"}
    told = facts(
        namespace("user", 1, processes=9, leader=leader),
        namespace("user", 2, owner=1, processes=1),
        namespace("uts", 3, owner=2),
        namespace("net", 4, owner=1, name="blue", id=77),
        namespace("net", 5, owner=1),
    )
    assert ns_tree(told).splitlines() == [
        "user  [1]  9 processes, systemd",
        "├─ user  [2]  1 process",
        "│  └─ uts  [3]  0 processes",
        "├─ net blue  id 77  [4]  0 processes",
        "└─ net  [5]  0 processes",
    ]


def test_a_tree_of_parents() -> None:
    told = facts(namespace("pid", 1), namespace("pid", 2, parent=1), namespace("net", 3, owner=9))
    assert ns_tree(told, by="parent").splitlines() == ["pid  [1]  0 processes", "└─ pid  [2]  0 processes"]


def test_owners_that_are_not_told_of() -> None:
    told = facts(namespace("net", 4, owner=9), namespace("net", 5, owner=8), namespace("net", 6, owner=9))
    assert ns_tree(told).splitlines() == [
        "[8]  not among these facts",
        "└─ net  [5]  0 processes",
        "[9]  not among these facts",
        "├─ net  [4]  0 processes",
        "└─ net  [6]  0 processes",
    ]


def test_a_namespace_above_itself() -> None:
    with pytest.raises(AnsibleFilterError, match="above itself"):
        ns_tree(facts(namespace("user", 1, owner=2), namespace("user", 2, owner=1)))


def test_another_kind_of_tree() -> None:
    with pytest.raises(AnsibleFilterError, match="owner or parent"):
        ns_tree(facts(), by="child")


# ---- ns_diff


def test_what_came_and_went() -> None:
    old, kept, new = (namespace(inode=number, id=number) for number in (1, 2, 3))
    found = ns_diff(facts(old, kept), facts(kept, new))
    assert found == {"added": [new], "removed": [old], "changed": [], "not_compared": {"before": 0, "after": 0}}


def test_an_inode_that_means_another_one() -> None:
    found = ns_diff(facts(namespace(id=1)), facts(namespace(id=2)))
    assert [found[key][0]["id"] for key in ("removed", "added")] == [1, 2]


def test_without_ids_an_inode_is_what_there_is() -> None:
    assert ns_diff(facts(namespace()), facts(namespace(name="blue")))["changed"] == [
        {"type": "net", "inode": 10, "id": None, "name": "blue", "changes": {"name": {"before": None, "after": "blue"}}}
    ]


@pytest.mark.parametrize(
    ("key", "before", "after", "change"),
    [
        ("owner_uid", 0, 1000, (0, 1000)),
        ("owner", 1, 2, (1, 2)),
        ("parent", 1, 2, (1, 2)),
        ("hostname", "a", "b", ("a", "b")),
        ("uid_map", [{"inside": 0}], [], ([{"inside": 0}], [])),
        ("setgroups", "deny", "allow", ("deny", "allow")),
        ("offsets", {"boottime": "0"}, {"boottime": "1"}, ({"boottime": "0"}, {"boottime": "1"})),
        ("links", [{"name": "lo"}], [{"name": "eth0"}], ([{"name": "lo"}], [{"name": "eth0"}])),
        ("listeners", [], [{"port": 22}], ([], [{"port": 22}])),
        ("propagation", {"mounts": 9, "shared": 0}, {"mounts": 9, "shared": 2}, ([], ["shared"])),
    ],
)
def test_a_change(key: str, before: t.Any, after: t.Any, change: tuple[t.Any, t.Any]) -> None:
    (found,) = ns_diff(facts(namespace(**{key: before})), facts(namespace(**{key: after})))["changed"]
    assert found["changes"] == {key: {"before": change[0], "after": change[1]}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"processes": 1}, {"processes": 5}),
        ({"leader": {"pid": 1, "comm": "a"}}, {"leader": {"pid": 2, "comm": "a"}}),
        ({"holder_counts": {"fd": 1}}, {"holder_counts": {"fd": 9, "bind": 0}}),
        ({"links": [{"name": "a"}, {"name": "b"}]}, {"links": [{"name": "b"}, {"name": "a"}]}),
        ({"propagation": {"mounts": 9, "shared": 1}}, {"propagation": {"mounts": 20, "shared": 5}}),
    ],
)
def test_what_is_no_change(before: Facts, after: Facts) -> None:
    assert ns_diff(facts(namespace(**before)), facts(namespace(**after)))["changed"] == []


def test_holders_and_processes() -> None:
    before = namespace(processes=1, holder_counts={"bind": 1}, leader={"comm": "a", "unit": "a.service"})
    after = namespace(holder_counts={"fd": 1, "bind": 1})
    (found,) = ns_diff(facts(before), facts(after))["changed"]
    assert found["changes"]["has_processes"] == {"before": True, "after": False}
    assert found["changes"]["holders"] == {"before": ["bind"], "after": ["bind", "fd"]}
    assert found["changes"]["leader"]["before"]["unit"] == "a.service"


def test_after_a_reboot() -> None:
    before = facts(namespace(inode=1, owner=5), namespace(inode=2, name="blue"), namespace(inode=3), initial={"net": 1})
    after = facts(
        namespace(inode=7, name="blue", setgroups="x"), namespace(inode=1, owner=6), initial={"net": 1}, boot_id="c"
    )
    found = ns_diff(before, after)
    assert [(item["name"], item["inode"]) for item in found["changed"]] == [("blue", 7)]
    assert (found["added"], found["removed"]) == ([], [])
    assert found["not_compared"] == {"before": 1, "after": 0}


# ---- all of them


@pytest.mark.parametrize("show", [ns_holders, ns_tree])
def test_nothing_that_a_terminal_acts_upon(show: t.Callable[[t.Any], str]) -> None:
    holders = [
        {"kind": "fd", "pid": 1, "fd": 2, "comm": HOSTILE, "unit": HOSTILE, "path": HOSTILE},
        {"kind": "bind", "namespace": 1, "pid": 1, "comm": HOSTILE, "path": HOSTILE},
    ]
    told = facts(namespace(name=HOSTILE, processes=1, leader={"pid": 1, "comm": HOSTILE}, holders=holders))
    told["scan"]["blind"] = [HOSTILE]
    shown = show(told)
    assert all(line.isprintable() for line in shown.split("\n"))
    assert "\\x1b[31m" in shown


FILTERS: list[t.Callable[[t.Any], t.Any]] = [ns_holders, ns_tree, lambda given: ns_diff(given, given)]

JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=5),
    lambda inner: strategies.lists(inner, max_size=4) | strategies.dictionaries(strategies.text(max_size=5), inner),
    max_leaves=10,
)


@pytest.mark.parametrize("apply", FILTERS)
@hypothesis.given(given=JSON)
@support.properties
def test_what_are_no_facts(apply: t.Callable[[t.Any], t.Any], given: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"linux\.namespaces\.ns_facts"):
        apply(given)


@pytest.mark.parametrize("apply", FILTERS)
@hypothesis.given(data=strategies.data())
@support.properties
def test_damaged_facts(apply: t.Callable[[t.Any], t.Any], data: strategies.DataObject) -> None:
    """They are shown, or refused."""
    told = copy.deepcopy(facts(BLUE, namespace("user", 3, processes=2, leader={"pid": 1, "comm": "a"})))
    places: list[tuple[t.Any, t.Any]] = [(told, key) for key in told]
    places += [(item, key) for item in told["namespaces"] for key in item]
    places += [(holder, key) for holder in told["namespaces"][0]["holders"] for key in holder]
    place, key = data.draw(strategies.sampled_from(places))
    place[key] = data.draw(JSON)
    with contextlib.suppress(AnsibleFilterError):
        apply(told)


@pytest.mark.parametrize("apply", FILTERS)
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"schema": 2, "namespaces": []}, "schema 2"),
        ({"schema": 1, "scan": {}}, "detail: summary"),
        ({"schema": 1, "namespaces": {}, "scan": {}}, "damaged"),
        ({"schema": 1, "namespaces": [{}], "scan": {}}, "damaged"),
    ],
)
def test_facts_that_are_refused(apply: t.Callable[[t.Any], t.Any], given: Facts, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        apply(given)


@pytest.mark.parametrize("apply", FILTERS)
def test_real_facts(apply: t.Callable[[t.Any], t.Any]) -> None:
    """As they are, or with all others of the host."""
    told = support.forked(lambda: answer(ns_facts.main, {"detail": "full"}, check=False))["ansible_facts"]
    told = json.loads(json.dumps(told))
    assert apply(told) == apply(told["linux_namespaces"])


@pytest.mark.parametrize("apply", FILTERS)
def test_many_namespaces(apply: t.Callable[[t.Any], t.Any]) -> None:
    """Not with the square of their number: that would take minutes."""
    many = [namespace("user", 1), *(namespace("net", number, id=number, owner=1) for number in range(2, 20000))]
    began = time.monotonic()
    apply(facts(*many))
    assert time.monotonic() - began < 20
