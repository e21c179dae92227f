# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters for people: what they make of facts, of garbage, and of hosts that try to trick who reads."""

from __future__ import annotations

import copy
import functools
import json
import re
import sys
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.linux.namespaces.plugins.filter import ns_diff, ns_holders, ns_tree
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import host
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import facts as discovery
from ansible_collections.linux.namespaces.plugins.plugin_utils import _facts
from ansible_collections.linux.namespaces.tests.controller.telling import (
    BOOT,
    INITIAL,
    NET,
    NEXT_BOOT,
    OF_THE_HOST,
    PID,
    USER,
    Facts,
    facts,
    leader,
    namespace,
)
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import example, given
from hypothesis import strategies as st

tree: t.Callable[..., str] = ns_tree.FilterModule().filters()["ns_tree"]
holders: t.Callable[..., str] = ns_holders.FilterModule().filters()["ns_holders"]
diff: t.Callable[..., t.Any] = ns_diff.FilterModule().filters()["ns_diff"]


def with_inode(inode: t.Any) -> Facts:
    return {**namespace("net", 1), "inode": inode}


ROOT = namespace("user", USER, id=2, processes=96, leader=leader(1, "systemd", "init.scope"))
BLUE = namespace(
    "net",
    4026532503,
    id=77,
    name="blue",
    holders=[
        {"kind": "fd", "pid": 4711, "fd": 12, "comm": "dockerd", "unit": "docker.service"},
        {
            "kind": "bind",
            "path": "/run/netns/blue",
            "namespace": 4026532600,
            "pid": 900,
            "comm": "sshd",
            "unit": "sshd.service",
        },
        {"kind": "socket", "pid": 5120, "fd": 7, "comm": "bird", "unit": "bird.service"},
    ],
    holder_counts={"fd": 1, "bind": 1, "socket": 1},
)


# ---- what they are given


@pytest.mark.parametrize(
    "filtered", [tree, holders, lambda given: diff(given, facts()), lambda given: diff(facts(), given)]
)
@pytest.mark.parametrize(
    ("words", "given_facts"),
    [
        ("ansible_facts.linux_namespaces mapping nothing", None),
        ("ansible_facts.linux_namespaces mapping text", "facts"),
        ("ansible_facts.linux_namespaces mapping list", []),
        ("schema None", {}),
        ("schema None", {"ansible_facts": {"linux_namespaces": facts()}}),
        ("schema 2 gather anew", facts(schema=2)),
        ("detail: summary", {key: value for key, value in facts().items() if key != "namespaces"}),
        ("scan mapping", facts(scan=None)),
        ("complete", facts(scan={})),
        ("boot_id missing", facts(boot_id=None)),
        (r"initial \x1b number", facts(initial={"\x1b": "x"})),
        ("namespaces mapping number", facts(1)),  # type: ignore[arg-type] # that it is wrong is the point
        ("namespaces list", facts(namespaces="net")),
        ("inode missing", facts(with_inode(None))),
        ("inode number", facts(with_inode(True))),
        ("inode 64 bits", facts(with_inode(1 << 64))),
        ("id 64 bits", facts(namespace("net", 1, id=-1))),
        ("name list text", facts(namespace("net", 1, name=["blue"]))),
        ("leader mapping", facts(namespace("net", 1, leader=1))),
        ("holders kind missing", facts(namespace("net", 1, holders=[{}]))),
        ("holder_counts fd missing", facts(namespace("net", 1, holder_counts={"fd": None}))),
        ("holder_counts key text", facts(namespace("net", 1, holder_counts={1: 1}))),
        ("sysctls user.max_user_namespaces number", facts(sysctls={"user.max_user_namespaces": "many"})),
        ("sysctls mapping list", facts(sysctls=[1])),
        ("machine number text", facts(machine=1)),
        ("declared text list", facts(declared="blue")),
        ("declared else than text", facts(declared=["blue", None])),
        ("handles mapping text", facts(handles=["/run/netns/blue"])),
        ("handles problem missing", facts(handles=[{"path": "/run/netns/blue"}])),
        ("capabilities hexadecimal 64", facts(namespace("net", 1, leader={"capabilities": "f" * 17}))),
        ("capabilities hexadecimal 64", facts(namespace("net", 1, leader={"capabilities": "-1"}))),
        ("capabilities number text", facts(namespace("net", 1, leader={"capabilities": 1}))),
        ("leader initial list text", facts(namespace("net", 1, leader={"initial": "net"}))),
        ("init true text", facts(namespace("pid", 1, init=True))),
        ("propagation peers number", facts(namespace("mnt", 1, propagation={"peers": "3"}))),
        ("propagation foreign else than text", facts(namespace("mnt", 1, propagation={"foreign": [8]}))),
        ("inode twice", facts(namespace("net", 1), namespace("uts", 1))),
        ("id twice", facts(namespace("net", 1, id=7), namespace("net", 2, id=7))),
    ],
)
def test_wrong_facts(filtered: t.Callable[[t.Any], t.Any], words: str, given_facts: t.Any) -> None:
    with pytest.raises(AnsibleFilterError) as raised:
        filtered(given_facts)
    said = str(raised.value)
    assert [word for word in words.split() if word not in said] == [], said
    assert said.isprintable()


@pytest.mark.parametrize(
    ("words", "work"),
    [
        ("option by owner, parent", lambda: tree(facts(), by="child")),
        ("option by owner, parent", lambda: tree(facts(), by=["owner"])),
        ("option type mnt", lambda: holders(facts(), type="mount")),
        ("option name text", lambda: holders(facts(), name=1)),
        ("option inode number", lambda: holders(facts(), inode="0x1")),
        ("option inode number", lambda: holders(facts(), inode="\u0661")),
        ("option id number", lambda: holders(facts(), id=True)),
        ("option id number", lambda: holders(facts(), id=-1)),
        ("option id number", lambda: holders(facts(), id="9" * 21)),
        ("links list", lambda: diff(facts(namespace("net", 1, links=[])), facts(namespace("net", 1, links="lo")))),
        ("propagation mapping", lambda: diff(*[facts(namespace("mnt", 1, propagation=[]))] * 2)),
    ],
)
def test_wrong_options(words: str, work: t.Callable[[], object]) -> None:
    with pytest.raises(AnsibleFilterError) as raised:
        work()
    assert [word for word in words.split() if word not in str(raised.value)] == [], str(raised.value)


def test_what_is_read_for_rules() -> None:
    leader = {"pid": 7, "comm": "runc", "uid": 0, "capabilities": "000001ffffffffff", "initial": ["net", "time"]}
    mounts = {"mounts": 9, "shared": 2, "slave": 1, "unbindable": 0, "peers": 2, "foreign": ["8:1"]}
    found = _facts.read(
        facts(namespace("mnt", 1, leader=leader, propagation=mounts), namespace("pid", 2, init="dead"), **OF_THE_HOST)
    )
    mnt, pid = found.namespaces
    assert mnt.leader is not None
    assert (mnt.leader.uid, mnt.leader.initial) == (0, frozenset({"net", "time"}))
    assert mnt.leader.has_all_capabilities
    assert mnt.propagation == _facts.Propagation(9, 2, 1, 0, 2, ["8:1"])
    assert (mnt.init, pid.init, pid.leader, pid.propagation) == (None, "dead", None, None)
    assert (found.machine, found.declared) == (OF_THE_HOST["machine"], ["blue"])
    assert found.sysctls == OF_THE_HOST["sysctls"]
    assert found.handles == [_facts.Handle("/run/netns/blue", "dangling")]


@pytest.mark.parametrize(
    ("capabilities", "all_of_them"),
    [("1ffffffffff", True), ("FFFFFFFFFFFFFFFF", True), ("1fffffffffe", False), ("0", False), (None, False)],
)
def test_whether_a_leader_has_all_capabilities(capabilities: str | None, all_of_them: bool) -> None:
    (found,) = _facts.read(facts(namespace("net", 1, leader={"capabilities": capabilities}))).namespaces
    assert found.leader is not None
    assert found.leader.has_all_capabilities is all_of_them


def test_facts_of_an_earlier_version() -> None:
    found = _facts.read(facts(BLUE))
    assert (found.machine, found.sysctls, found.declared, found.handles) == (None, {}, None, None)


def test_facts_among_all_others_of_a_host() -> None:
    told, all_facts = facts(ROOT, BLUE), {"linux_namespaces": facts(ROOT, BLUE), "distribution": "Debian"}
    assert (tree(all_facts), holders(all_facts), diff(all_facts, told)) == (tree(told), holders(told), diff(told, told))


# ---- ns_tree


def test_tree_by_owner() -> None:
    box, inner = 4026532510, 4026532511
    given_facts = facts(
        ROOT,
        namespace("user", box, id=80, owner=USER, parent=USER, name="box", processes=3, leader=leader(50)),
        namespace("user", inner, owner=box, parent=box, processes=1, leader=leader(60, None)),
        namespace("uts", 4026532513, owner=box, processes=3, leader=leader(50)),
        namespace("uts", 4026532514, owner=inner),
        namespace("net", NET, id=1, processes=96, leader=leader(1, "systemd")),
        BLUE,
        namespace("pid", 4026532520, owner=box, parent=PID),
    )
    assert tree(given_facts).splitlines() == [
        f"user  id 2  [{USER}]  96 processes, systemd",
        "├─ net blue  id 77  [4026532503]  0 processes",
        f"├─ net  id 1  [{NET}]  96 processes, systemd",
        "└─ user box  id 80  [4026532510]  3 processes, sh",
        "   ├─ uts  [4026532513]  3 processes, sh",
        "   ├─ pid  [4026532520]  0 processes",
        "   └─ user  [4026532511]  1 process",
        "      └─ uts  [4026532514]  0 processes",
    ]
    assert tree(given_facts, by="owner") == tree(given_facts)


def test_tree_by_parent() -> None:
    given_facts = facts(
        ROOT,
        BLUE,
        namespace("user", 7, owner=USER, parent=USER),
        namespace("pid", PID, processes=90),
        namespace("pid", 8, parent=PID),
        namespace("pid", 9, parent=8),
        namespace("pid", 6, parent=PID),
    )
    assert tree(given_facts, by="parent").splitlines() == [
        f"user  id 2  [{USER}]  96 processes, systemd",
        "└─ user  [7]  0 processes",
        f"pid  [{PID}]  90 processes",
        "├─ pid  [6]  0 processes",
        "└─ pid  [8]  0 processes",
        "   └─ pid  [9]  0 processes",
    ]


def test_tree_of_what_has_nothing_above_it() -> None:
    given_facts = facts(
        namespace("user", 7, owner=None, processes=1),
        namespace("net", 8, owner=7),
        namespace("uts", 9, owner=3),
        namespace("uts", 10, owner=2),
        namespace("net", 11, owner=None),
        initial=dict.fromkeys(INITIAL),
    )
    assert tree(given_facts).splitlines() == [
        "owner [2], which these facts do not have:",
        "└─ uts  [10]  0 processes",
        "owner [3], which these facts do not have:",
        "└─ uts  [9]  0 processes",
        "owner not visible:",
        "├─ net  [11]  0 processes",
        "└─ user  [7]  1 process",
        "   └─ net  [8]  0 processes",
    ]
    assert tree(given_facts, by="parent").splitlines() == ["parent not visible:", "└─ user  [7]  1 process"]


def test_tree_of_circles() -> None:
    given_facts = facts(
        ROOT,
        namespace("user", 7, owner=7),
        namespace("user", 8, owner=9),
        namespace("user", 9, owner=8),
        namespace("uts", 10, owner=9),
    )
    lines = tree(given_facts).splitlines()
    assert lines[1] == "owner only each other:"
    assert sorted(line.split("[")[1].split("]")[0] for line in lines if "[" in line) == ["10", str(USER), "7", "8", "9"]


def test_tree_of_nothing() -> None:
    assert tree(facts()) == ""


# ---- ns_holders


def test_holders_as_people_want_them() -> None:
    assert (
        holders(facts(ROOT, BLUE), name="blue")
        == """\
net blue  id 77  [4026532503]  0 processes, held by 3
  fd      4711/12 dockerd   docker.service
  bind    /run/netns/blue   in mnt [4026532600] (pid 900, sshd.service)
  socket  5120/7  bird      bird.service
scan complete; not visible from here: credentials of open files, fsopen contexts"""
    )


def test_each_kind_of_holder() -> None:
    kept = namespace(
        "user",
        7,
        name="box",
        processes=17,
        leader=leader(4711, "dockerd", "docker.service", "0123456789abcdef"),
        holders=[
            {"kind": "process", "pid": 4712, "comm": "not told"},
            {"kind": "thread", "pid": 30, "thread": 31, "comm": "java"},
            {"kind": "fd", "pid": 30, "thread": 31, "fd": 4, "comm": "java"},
            {"kind": "fd", "pid": 30, "fd": 4, "comm": "java", "path": "/run/netns/x"},
            {"kind": "for_children", "pid": 32, "comm": "sh", "unit": "a.service"},
            {"kind": "zombie", "pid": 33},
            {"kind": "child", "namespace": 8},
            {"kind": "child", "namespace": 9},
            {"kind": "owned", "namespace": 4026532503},
            {"kind": "owned", "namespace": 10},
            {"kind": "bind", "path": "/a", "namespace": 11},
            {"kind": "bind", "path": "/b", "namespace": 12, "pid": 1, "comm": "systemd"},
            {"kind": "kernel"},
            {"kind": "new"},
        ],
        holder_counts={
            "thread": 1,
            "fd": 92,
            "for_children": 1,
            "zombie": 1,
            "child": 2,
            "owned": 9,
            "bind": 2,
            "kernel": 1,
        },
    )
    told = holders(
        facts(kept, BLUE, namespace("user", 8, name="in box", owner=7), namespace("mnt", 12, id=3)), inode="7"
    )
    assert told.splitlines()[:-1] == [
        "user box  [7]  17 processes, held by 109",
        "  process       4711    dockerd   docker.service, container 0123456789ab and 16 more",
        "  thread        30:31   java",
        "  fd            30:31/4 java",
        "  fd            30/4    java      at /run/netns/x in a detached mount tree",
        "  for_children  32      sh        a.service",
        "  zombie        33",
        "  child         user in box [8]",
        "  child         user [9]",
        "  owned         net blue [4026532503]",
        "  owned         [10]",
        "  bind          /a                in mnt [11]",
        "  bind          /b                in mnt [12] (pid 1, systemd)",
        "  kernel        listed by the kernel alone",
        "  new",
        "  … and 97 more (fd 90, owned 7)",
    ]


def test_holders_of_initial_namespaces() -> None:
    root = {**ROOT, "holders": [{"kind": "owned", "namespace": NET}], "holder_counts": {"owned": 400, "child": 2}}
    net = namespace("net", NET, processes=96)
    assert holders(facts(root, net)).splitlines()[:-1] == [
        f"user  id 2  [{USER}]  initial, 96 processes, held by 402 (owned 400, child 2)",
        f"net  [{NET}]  initial, 96 processes",
    ]
    assert holders(facts(root, net), type="user").splitlines()[:-1] == [
        f"user  id 2  [{USER}]  initial, 96 processes, held by 402",
        "  process  1 systemd   init.scope and 95 more",
        f"  owned    net [{NET}]",
        "  … and 401 more (owned 399, child 2)",
    ]


def test_holders_of_those_without_any() -> None:
    given_facts = facts(
        namespace("net", 1), namespace("net", 2, processes=2), namespace("uts", 3, processes=1, leader=leader(5))
    )
    assert holders(given_facts).splitlines()[:-1] == [
        "uts  [3]  1 process",
        "  process  5 sh",
        "net  [1]  0 processes, nothing found that holds it",
        "net  [2]  2 processes",
        "  process  2",
    ]


def test_holders_that_are_wide_do_not_widen_the_others() -> None:
    paths = ["/" + "x" * 200, "/y"]
    binds = [{"kind": "bind", "path": path, "namespace": 5} for path in paths]
    lines = holders(facts(namespace("net", 1, holders=binds, holder_counts={"bind": 2}))).splitlines()
    assert lines[1:3] == [f"  bind  {paths[0]}   in mnt [5]", "  bind  /y   in mnt [5]"]


@pytest.mark.parametrize(
    ("narrowed", "inodes"),
    [
        ({}, [USER, 4026532503, 5]),
        ({"name": "blue"}, [4026532503, 5]),
        ({"name": "blue", "type": "net"}, [4026532503]),
        ({"inode": 5}, [5]),
        ({"inode": "5"}, [5]),
        ({"id": 77}, [4026532503]),
        ({"id": "77", "type": "net"}, [4026532503]),
        ({"type": "user"}, [USER]),
    ],
)
def test_narrowed(narrowed: Facts, inodes: list[int]) -> None:
    lines = holders(facts(ROOT, BLUE, namespace("pid", 5, name="blue")), **narrowed).splitlines()
    assert [int(line.split("[")[1].split("]")[0]) for line in lines[:-1] if not line.startswith(" ")] == inodes


@pytest.mark.parametrize(
    ("narrowed", "said"),
    [
        ({}, "No such namespace was found."),
        ({"name": "gr\x1ben"}, r"No namespace with the name gr\x1ben was found."),
        ({"type": "net", "id": 7}, "No namespace with the id 7 and the type net was found."),
    ],
)
def test_nothing_found(narrowed: Facts, said: str) -> None:
    lines = holders(facts(), **narrowed).splitlines()
    assert lines[0] == said
    assert lines[1].startswith("scan complete")


def test_an_incomplete_scan() -> None:
    scan = {**facts()["scan"], "complete": False, "incomplete_because": ["one reason", "an\nother"]}
    assert holders(facts(scan=scan)).splitlines()[1:] == [
        r"scan INCOMPLETE: one reason; an\x0aother",
        "not visible from here: credentials of open files, fsopen contexts",
    ]
    silent = {"complete": False, "incomplete_because": [], "blind": []}
    assert holders(facts(scan=silent)).splitlines()[1:] == ["scan INCOMPLETE: no reason is given"]
    assert holders(facts(scan={**silent, "complete": True})).splitlines()[1:] == ["scan complete"]


# ---- ns_diff


def changes(before: Facts, after: Facts) -> t.Any:
    """Of a namespace that is the same but for this."""
    told = diff(facts(ROOT, namespace("net", 5, **before)), facts(ROOT, namespace("net", 5, **after)))
    assert (told["added"], told["removed"], told["not_compared"]) == ([], [], {"before": 0, "after": 0})
    if not told["changed"]:
        return {}
    (changed,) = told["changed"]
    assert (changed["type"], changed["inode"], changed["id"]) == ("net", 5, None)
    return {what: (values["before"], values["after"]) for what, values in changed["changes"].items()}


LO, VETH = {"name": "lo", "kind": "loopback", "up": True}, {"name": "veth0", "kind": "veth", "up": False}
IDS = [{"inside": 0, "outside": 100000, "count": 65536}]


@pytest.mark.parametrize(
    ("what", "before", "after"),
    [
        ("name", None, "blue"),
        ("name", "blue", "green"),
        ("owner_uid", 0, 1000),
        ("uid_map", [], IDS),
        ("gid_map", IDS, []),
        ("setgroups", "allow", "deny"),
        ("hostname", "a", "b"),
        ("domainname", "(none)", "b"),
        ("offsets", {"monotonic": "0", "boottime": "0"}, {"monotonic": "1", "boottime": "0"}),
        ("processes", 0, 5),
        ("processes", 5, 0),
    ],
)
def test_what_changes(what: str, before: t.Any, after: t.Any) -> None:
    assert changes({what: before}, {what: after}) == {what: (before, after)}
    assert changes({what: before}, {what: copy.deepcopy(before)}) == {}


@pytest.mark.parametrize(
    ("what", "before", "after", "only_before", "only_after"),
    [
        ("links", [LO], [VETH, LO], [], [VETH]),
        ("links", [LO, VETH], [LO, {**VETH, "up": True}], [VETH], [{**VETH, "up": True}]),
        (
            "listeners",
            [{"protocol": "tcp", "address": "::", "port": 22}],
            [],
            [{"protocol": "tcp", "address": "::", "port": 22}],
            [],
        ),
        (
            "propagation",
            {"mounts": 9, "shared": 1, "slave": 0},
            {"mounts": 9, "shared": 0, "slave": 2},
            ["shared"],
            ["slave"],
        ),
    ],
)
def test_of_lists_only_what_differs(
    what: str, before: t.Any, after: t.Any, only_before: t.Any, only_after: t.Any
) -> None:
    assert changes({what: before}, {what: after}) == {what: (only_before, only_after)}


def test_holders_change_by_kind() -> None:
    before = {"holder_counts": {"fd": 1, "bind": 1, "zombie": 1, "socket": 0}}
    assert changes(before, {"holder_counts": {"bind": 7, "socket": 1, "in_flight": 1}}) == {
        "holders": (["fd"], ["socket"])
    }


def test_the_leader_changes_by_name_and_unit() -> None:
    before = {"processes": 2, "leader": leader(5, "sh", "a.service")}
    assert changes(before, {"processes": 9, "leader": leader(6, "sh", "a.service")}) == {}
    assert changes(before, {"processes": 9, "leader": leader(6, None, None)}) == {}
    assert changes(before, {"processes": 2, "leader": leader(5, "sh", "b.service")}) == {
        "leader": ({"comm": "sh", "unit": "a.service"}, {"comm": "sh", "unit": "b.service"})
    }
    assert changes(before, {}) == {"processes": (2, 0)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"processes": 3}, {"processes": 4}),
        ({"links": [LO, VETH]}, {"links": [VETH, LO]}),
        ({"propagation": {"mounts": 30, "shared": 9}}, {"propagation": {"mounts": 31, "shared": 7, "slave": 0}}),
        ({"propagation": {"peers": 9, "foreign": []}}, {"propagation": {"peers": None, "foreign": ["8:1"]}}),
        ({"leader": {"capabilities": "0", "initial": []}}, {"leader": {"capabilities": "1", "initial": ["net"]}}),
        ({"holders": [{"kind": "fd", "pid": 1}]}, {"holders": [{"kind": "fd", "pid": 2}]}),
        ({"links": [LO], "links_more": 1}, {"links": [LO, VETH]}),
        ({"listeners": [], "listeners_more": 0}, {"listeners": [{"protocol": "udp", "address": "::", "port": 53}]}),
        ({}, {"network": {"links": [], "routes": [{"dst": "default", "via": "10.0.0.1"}], "rules": []}}),
        ({"network": None}, {"network": {"links": [], "routes": [], "rules": [], "routes_more": 9}}),
        ({"device": 4, "netnsid": 1, "depth": 1}, {"device": 5, "netnsid": None, "depth": 2}),
        *(
            ({what: None}, {what: value})
            for what, value in (("hostname", "a"), ("uid_map", IDS), ("links", [LO]), ("owner_uid", 0), ("owner", 7))
        ),
    ],
)
def test_what_is_no_change(before: Facts, after: Facts) -> None:
    assert changes(before, after) == {}
    assert changes(before=after, after=before) == {}


def test_another_owner_is_named() -> None:
    box = namespace("user", 7, id=80, name="box", owner=USER, parent=USER)
    told = diff(facts(ROOT, box, namespace("net", 5)), facts(ROOT, box, namespace("net", 5, owner=7)))
    assert told["changed"] == [
        {
            "type": "net",
            "inode": 5,
            "id": None,
            "name": None,
            "changes": {"owner": {"before": f"user [{USER}]", "after": "user box [7]"}},
        }
    ]


def test_an_owner_that_the_facts_do_not_have() -> None:
    """They were narrowed to one namespace."""
    alone = facts(namespace("net", 5))
    assert diff(alone, facts(ROOT, namespace("net", 5)))["changed"] == []
    (changed,) = diff(alone, facts(namespace("net", 5, owner=7)))["changed"]
    assert changed["changes"] == {"owner": {"before": f"user [{USER}]", "after": "user [7]"}}


def test_an_inode_used_again_is_another_namespace() -> None:
    old, new = namespace("uts", 5, id=90), namespace("uts", 5, id=91)
    told = diff(facts(old), facts(new))
    assert (told["added"], told["removed"], told["changed"]) == ([new], [old], [])
    told = diff(facts(namespace("uts", 5)), facts(namespace("net", 5)))
    assert [item["type"] for item in told["added"] + told["removed"]] == ["net", "uts"]


def test_one_id_is_the_same_namespace_by_whatever_inode() -> None:
    """As an owner too."""
    before = facts(namespace("user", 7, id=80), namespace("uts", 5, id=90, owner=7))
    after = facts(namespace("user", 8, id=80), namespace("uts", 6, id=90, owner=8))
    assert diff(before, after) == {
        "added": [],
        "removed": [],
        "changed": [],
        "not_compared": {"before": 0, "after": 0},
        "complete": True,
    }


def test_across_a_reboot() -> None:
    before = facts(
        ROOT,
        namespace("net", NET),
        {**BLUE, "processes": 1},
        namespace("net", 20, name="gone"),
        namespace("net", 21),
        namespace("uts", 22, id=5, hostname="a"),
        namespace("uts", 23, owner=22),
    )
    after = facts(
        namespace("user", 4, id=1, processes=3),
        namespace("net", 8, hostname="b"),
        namespace("net", 9, id=77, owner=4),
        namespace("net", 4026532503, name="blue", owner=4),
        namespace("net", 11, name="came", owner=4),
        boot_id=NEXT_BOOT,
        initial={**INITIAL, "user": 4, "net": 8},
    )
    told = diff(before, after)
    assert [item["name"] for item in told["added"]] == ["came"]
    assert [item["name"] for item in told["removed"]] == ["gone"]
    assert told["not_compared"] == {"before": 3, "after": 1}
    (changed,) = told["changed"]
    assert (changed["name"], changed["inode"]) == ("blue", 4026532503)
    assert changed["changes"] == {
        "holders": {"before": ["bind", "fd", "socket"], "after": []},
        "processes": {"before": 1, "after": 0},
    }


def test_owners_across_a_reboot() -> None:
    """They are compared where both last: inodes mean nothing any more."""

    def told(boot: str, box: int, owner: int, **more: t.Any) -> Facts:
        return facts(ROOT, namespace("user", box, **more), namespace("net", 5, name="blue", owner=owner), boot_id=boot)

    before = told(BOOT, 7, 7, name="box")
    assert diff(before, told(NEXT_BOOT, 8, 8, name="box"))["changed"] == []
    assert diff(before, told(NEXT_BOOT, 8, 8))["changed"] == []
    (changed,) = diff(before, told(NEXT_BOOT, 7, USER, name="box"))["changed"]
    assert changed["changes"] == {"owner": {"before": "user box [7]", "after": f"user [{USER}]"}}


def test_two_of_one_name_are_two_across_a_reboot() -> None:
    """One handle upon another."""
    twice = facts(namespace("net", 5, name="blue"), namespace("net", 6, name="blue"))
    once = facts(namespace("net", 5, name="blue"), boot_id=NEXT_BOOT)
    told = diff(twice, once)
    assert ([item["inode"] for item in told["removed"]], told["added"], told["changed"]) == ([6], [], [])


def test_what_is_not_complete_is_said() -> None:
    scan = {"complete": False, "incomplete_because": ["a"], "blind": []}
    assert not diff(facts(scan=scan), facts())["complete"]
    assert not diff(facts(), facts(scan=scan))["complete"]


# ---- garbage, tricks, many, and a host


def test_text_of_the_host_is_shown_and_not_obeyed() -> None:
    evil = "a\x1b]0;b\x07\n\t\x7f\x9b\u202e\u2028\u200b\ud800\u3164\u115f\u1160\uffa0\u2800  <script>\"'"
    shown = r"""a\x1b]0;b\x07\x0a\x09\x7f\x9b\u202e\u2028\u200b\ud800\u3164\u115f\u1160\uffa0\u2800 \x20<script>"'"""
    who = {"pid": 1, "comm": evil, "unit": evil}
    held = [
        {"kind": evil, **who},
        {"kind": "bind", "path": evil, "namespace": 1, **who},
        {"kind": "fd", "fd": 1, "path": evil, **who},
    ]
    here = namespace(
        evil, 1, name=evil, leader=leader(1, evil, evil, "1\x1b2"), processes=2, holders=held, holder_counts={evil: 9}
    )
    scan = {"complete": True, "incomplete_because": [], "blind": [evil]}
    for text in (tree(facts(here)), holders(facts(here, scan=scan))):
        assert all(line.isprintable() for line in text.split("\n"))
        assert evil not in text
        assert shown in text
    assert holders(facts(here, scan=scan)).count(shown) == 16
    assert r"container 1\x1b2" in holders(facts(here))


texts = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\n\0\u202e\ud800 <\"'\\")), max_size=6)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts, st.sampled_from([USER, 4026532503, 1])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


def places(value: t.Any) -> t.Iterator[tuple[t.Any, t.Any]]:
    """Every mapping or list in there, with each of its keys or indexes."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


@st.composite
def damaged(draw: st.DrawFn) -> Facts:
    """Facts in which some things are anything else."""
    there = namespace("net", NET, links=[LO], propagation={"shared": 1, "foreign": ["8:1"]})
    told = json.loads(json.dumps(facts(ROOT, there, BLUE, **OF_THE_HOST)))
    for _time in range(draw(st.integers(1, 3))):
        where, key = draw(st.sampled_from([*places(told)]))
        where[key] = draw(anything)
    return t.cast("Facts", told)


def result_of(filtered: t.Callable[[], t.Any]) -> t.Any:
    """None where it says in one line what is wrong."""
    try:
        return filtered()
    except AnsibleFilterError as error:
        said = str(error)
    assert said.isprintable()
    return None


@support.properties
@given(st.one_of(anything, damaged()), st.one_of(anything, damaged()))
@example(facts(namespace("user", 5, owner=6), namespace("user", 6, owner=5)), facts(boot_id=NEXT_BOOT))
def test_garbage_is_an_error_or_text(one: t.Any, other: t.Any) -> None:
    untouched = repr(one)
    texts = [result_of(lambda: tree(one)), result_of(lambda: tree(one, by="parent")), result_of(lambda: holders(one))]
    lines = [line for text in texts if text for line in text.split("\n")]
    assert all(line and line.isprintable() for line in lines)
    for pair in ((one, other), (one, facts(ROOT, BLUE)), (one, facts(ROOT, BLUE, boot_id=NEXT_BOOT))):
        told = result_of(functools.partial(diff, *pair))
        assert told is None or told.keys() == {"added", "removed", "changed", "not_compared", "complete"}
    assert repr(one) == untouched


@support.properties
@given(st.lists(st.integers(0, 12), max_size=12), st.sampled_from(["owner", "parent"]))
def test_the_tree_has_everything_once(above: list[int], by: str) -> None:
    """Whatever is above what: inodes are 1 and up, 0 is none."""
    items = [
        namespace(
            ("user", "pid", "net")[inode % (3 if by == "owner" else 2)], inode, **{"owner": None, by: number or None}
        )
        for inode, number in enumerate(above, 1)
    ]
    lines = tree(facts(*items), by=by).splitlines()
    drawn = [int(line.split("[")[1].split("]")[0]) for line in lines if line.endswith("processes")]
    assert sorted(drawn) == [item["inode"] for item in items]


def many(count: int) -> Facts:
    """A host with so many namespaces, a tenth of them user namespaces, each held in four ways."""
    users = [namespace("user", 1000 + number, id=number, owner=USER, parent=USER) for number in range(count // 10)]
    others = [
        namespace(
            "net",
            1000 + number,
            id=number,
            name=f"n{number}",
            owner=1000 + number % len(users),
            links=[LO, {**VETH, "name": f"veth{number}"}],
            holders=[*BLUE["holders"], {"kind": "owned", "namespace": 1000 + number % 7}],
            holder_counts={"fd": 100, "bind": 1, "socket": 1, "owned": 1},
        )
        for number in range(len(users), count)
    ]
    return facts(namespace("user", USER, id=count), *users, *others)


@pytest.mark.parametrize(
    "work",
    [
        tree,
        holders,
        lambda given_facts: diff(given_facts, facts(*reversed(given_facts["namespaces"]))),
        lambda given_facts: diff(given_facts, {**given_facts, "boot_id": NEXT_BOOT}),
    ],
    ids=["tree", "holders", "diff", "diff across a reboot"],
)
def test_many(work: t.Callable[[Facts], object]) -> None:
    """Twice as many cost about twice as much, whether it is done in Python or below, as by a search in a list."""
    fewer, more = (cost(work, many(count)) for count in (500, 1000))
    assert more < 3 * fewer


def cost(work: t.Callable[[Facts], object], given_facts: Facts) -> int:
    """How many lines of Python are run, and how often two inodes are compared."""
    steps = 0

    class Inode(int):
        def __eq__(self, other: object) -> bool:
            nonlocal steps
            steps += 1
            return int.__eq__(self, t.cast("int", other))

        __hash__ = int.__hash__

    def trace(_frame: object, _event: str, _argument: object) -> t.Any:
        nonlocal steps
        steps += 1
        return trace

    def counted(value: t.Any) -> t.Any:
        if isinstance(value, dict):
            return {key: counted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [counted(item) for item in value]
        return Inode(value) if isinstance(value, int) and not isinstance(value, bool) else value

    given_facts = counted(given_facts)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work(given_facts)
    finally:
        sys.settrace(before)
    return steps


def test_a_chain_that_no_kernel_allows() -> None:
    chain = [namespace("user", inode, owner=inode - 1) for inode in range(USER + 1, USER + 3000)]
    assert len(tree(facts(ROOT, *chain)).splitlines()) == 3000


def test_a_host() -> None:
    """The facts of a small one, as JSON carries them."""

    def look() -> list[str]:
        proc = host.open_proc()
        requests = [discovery.Request(detail=detail) for detail in ("normal", "full")]
        with support.inhabited("net", "uts"):
            return [json.dumps(discovery.gather(proc, request)) for request in requests]

    before, after = map(json.loads, support.in_own_world(look, "mnt", "pid"))
    assert len(before["namespaces"]) >= 10
    for told in (before, after):
        for text in (tree(told), holders(told)):
            shown = re.findall(r"  \[(\d+)\]  ", text)
            assert sorted(map(int, shown)) == sorted(item["inode"] for item in told["namespaces"])
    assert diff(before, copy.deepcopy(before)) == {
        "added": [],
        "removed": [],
        "changed": [],
        "not_compared": {"before": 0, "after": 0},
        "complete": before["scan"]["complete"],
    }
    assert diff(before, after).keys() == {"added", "removed", "changed", "not_compared", "complete"}
