# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lets more happen than it seems: each situation is made on this kernel, and something like it that does not."""

from __future__ import annotations

import contextlib
import functools
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import netdev, nstypes, process
from ansible_collections.linux.namespaces.tests.controller import auditing, telling
from ansible_collections.linux.namespaces.tests.controller.auditing import alone, found, judged, severities
from ansible_collections.linux.namespaces.tests.controller.telling import facts, leader, namespace
from ansible_collections.linux.namespaces.tests.unit import scanning, support

CONTAINER = "c" * 64
MAPS = ("uid_map", "gid_map")
DISTRIBUTIONS = ("kernel.unprivileged_userns_clone", "kernel.apparmor_restrict_unprivileged_userns")

# ---- user namespaces


@pytest.mark.parametrize(
    ("word", "unprivileged", "enabled"),
    [("allow", [], []), ("report", ["info"], []), ("privileged", ["medium"], []), ("forbid", [], ["medium"])],
)
def test_user_namespaces_that_anybody_may_make(word: str, unprivileged: list[str], enabled: list[str]) -> None:
    told = alone(auditing.quiet)
    # Whatever this machine has of the sysctls of Debian and Ubuntu.
    told["sysctls"] = {**told["sysctls"], **dict.fromkeys(DISTRIBUTIONS)}
    thresholds = {"user_namespaces": word}
    assert severities(told, "userns-unprivileged", thresholds=thresholds) == unprivileged
    assert severities(told, "userns-enabled", thresholds=thresholds) == enabled


@pytest.mark.parametrize("word", ["report", "privileged", "forbid"])
def test_user_namespaces_that_nobody_may_make(word: str) -> None:
    """In a user namespace of its own, as that of the machine stays as it is."""
    told = alone(auditing.quiet, "user", "pid", "mnt", user=-1)
    assert told["sysctls"]["user.max_user_namespaces"] == 0
    assert told["limits"]["user"]["max"] == 0
    assert severities(told, "userns-*", thresholds={"user_namespaces": word}) == []


@pytest.mark.parametrize(
    ("sysctls", "findings"),
    [
        ({}, 1),
        ({"kernel.unprivileged_userns_clone": 1}, 1),
        ({"kernel.unprivileged_userns_clone": 0}, 0),
        ({"kernel.apparmor_restrict_unprivileged_userns": 1}, 0),
        ({"kernel.apparmor_restrict_unprivileged_userns": 0, "kernel.unprivileged_userns_clone": None}, 1),
        ({"user.max_user_namespaces": 0}, 0),
    ],
)
def test_sysctls_of_distributions(sysctls: dict[str, int | None], findings: int) -> None:
    """Literal: this kernel has neither that of Debian nor that of Ubuntu, or they are the machine's."""
    told = facts(sysctls={"user.max_user_namespaces": 63000, **sysctls})
    assert len(found(told, "userns-unprivileged")) == findings
    assert found(facts(), "userns-unprivileged", thresholds={"user_namespaces": "privileged"}) == []


def mapping(*maps: tuple[int, str], setgroups: str = "allow", names: t.Iterable[str] = MAPS) -> auditing.Situation:
    """For each uid a process of it in a user namespace that it has made, with maps that root has written."""

    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with contextlib.ExitStack() as stack:
            for uid, id_map in maps:
                pid = stack.enter_context(scanning.child(functools.partial(_unshare_as, uid)))
                support.write(f"/proc/{pid}/setgroups", setgroups)
                for name in names:
                    support.write(f"/proc/{pid}/{name}", id_map)
            yield

    return situation


def _unshare_as(uid: int) -> None:
    if uid:
        support.become_ordinary(uid)
    process.unshare(nstypes.USER.flag)


@pytest.mark.parametrize(("uid", "report"), [(1000, ["info"]), (0, [])])
def test_who_is_not_root_has_a_user_namespace(uid: int, report: list[str]) -> None:
    told = alone(mapping((uid, "0 200000 65536")))
    assert severities(told, "userns-ordinary-owner") == report
    strict = ["medium"] * len(report)
    assert severities(told, "userns-ordinary-owner", thresholds={"user_namespaces": "privileged"}) == strict
    assert severities(told, "userns-ordinary-owner", thresholds={"user_namespaces": "allow"}) == []


@pytest.mark.parametrize(
    ("maps", "findings"),
    [
        ([(1000, "0 200000 65536"), (1001, "0 265535 65536")], 1),
        ([(1000, "0 200000 65536"), (1001, "0 265536 65536")], 0),
        ([(1000, "0 200000 65536"), (1000, "0 200000 65536")], 0),
        ([(0, "0 200000 65536"), (1001, "0 200000 10\n10 300000 10")], 1),
        ([(1000, "0 1000 1\n1 200000 10"), (1001, "0 1001 1\n1 300000 10")], 0),
        ([(0, "0 0 4294967295"), (1000, "0 200000 65536")], 0),
        ([(1000, "200000 200000 65536"), (1001, "0 200000 10")], 1),
    ],
)
def test_uids_of_two_owners(maps: list[tuple[int, str]], findings: int) -> None:
    hits = found(alone(mapping(*maps)), "userns-overlap")
    assert [item["severity"] for item in hits] == ["medium"] * findings
    for item in hits:
        assert "mapped by namespaces of uid" in item["evidence"]
        assert "uid 1001" in item["evidence"]


@pytest.mark.parametrize(("uid", "setgroups", "findings"), [(1000, "allow", 1), (1000, "deny", 0), (0, "allow", 0)])
def test_who_may_drop_groups(uid: int, setgroups: str, findings: int) -> None:
    told = alone(mapping((uid, "0 200000 65536"), setgroups=setgroups))
    assert severities(told, "userns-setgroups") == ["info"] * findings
    without = alone(mapping((uid, "0 200000 65536"), setgroups=setgroups, names=("uid_map",)))
    assert severities(without, "userns-setgroups") == []


@pytest.mark.parametrize(("id_map", "findings"), [("0 0 65536", 1), ("0 200000 65536", 0), ("0 1 65536", 0)])
def test_root_of_the_host_in_a_user_namespace(id_map: str, findings: int) -> None:
    assert severities(alone(mapping((0, id_map))), "userns-maps-root") == ["medium"] * findings


@pytest.mark.parametrize(
    ("more", "severity"),
    [
        ({"unit": "upower.service"}, ["info"]),
        ({"unit": "docker-c.scope"}, ["medium"]),
        ({"unit": "crio.service", "container": CONTAINER}, ["medium"]),
        ({"uid": 65534, "capabilities": "1fffffffffe"}, []),
        ({"uid": 65534, "capabilities": "1ffffffffff"}, ["medium"]),
    ],
)
def test_who_is_in_there_with_root_of_the_host(more: dict[str, t.Any], severity: list[str]) -> None:
    """Literal: there is no systemd here, and no engine."""
    maps = [{"inside": 0, "outside": 0, "count": 1}]
    user = namespace("user", 7, parent=telling.USER, processes=1, leader={**leader(9), **more}, uid_map=maps)
    assert severities(facts(user), "userns-maps-root") == severity


# ---- what is of the host


def apart(*kinds: str) -> auditing.Situation:
    """A process in namespaces of its own of these types."""

    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with support.inhabited(*kinds):
            yield

    return situation


CONTAINED = ["mnt", "uts", "ipc", "net", "cgroup", "pid"]


@pytest.mark.parametrize("missing", ["net", "ipc", "pid", "user"])
def test_a_container_that_lacks_a_namespace_of_its_own(missing: str) -> None:
    told = alone(apart(*(kind for kind in ("user", *CONTAINED) if kind != missing)))
    if missing == "pid":
        # There is no engine here, by whose cgroups one knows it.
        for item in told["namespaces"]:
            if item["leader"] and "net" not in item["leader"]["initial"]:
                item["leader"]["container"] = CONTAINER
    word = "network" if missing == "net" else missing
    rule, threshold = f"host-{word}", f"host_{word}"
    # The process that has made the pid namespace is outside of it, and counts where it is in a network of its own.
    assert {*severities(told, rule)} == ({"info"} if missing == "net" else set())
    assert {*severities(told, rule, thresholds={threshold: "report"})} == {"info"}
    assert severities(told, rule, thresholds={threshold: "allow"}) == []
    hits = found(told, rule, thresholds={threshold: "forbid"})
    assert {item["severity"] for item in hits} == {"medium"}
    assert {item["evidence"].split(", and ")[1] for item in hits} == {f"the {missing} of the host"}
    others = [name for name in ("host-network", "host-ipc", "host-user") if name != rule]
    everything = {"host_network": "forbid", "host_pid": "forbid", "host_ipc": "forbid", "host_user": "forbid"}
    assert judged(told, rules=others, thresholds=everything).findings == []


@pytest.mark.parametrize(
    ("kind", "unit", "initial", "threshold", "severity"),
    [
        # PrivateTmp= and the like.
        ("mnt", "sshd.service", ["net", "pid", "ipc", "user"], "host_network", []),
        # PrivateNetwork=
        ("net", "foo.service", ["pid", "ipc", "user"], "host_pid", ["medium"]),
        ("net", "foo.service", ["pid", "ipc", "user"], "host_network", []),
        # A thread of the kernel.
        ("mnt", None, ["net", "pid", "ipc", "user"], "host_network", []),
        ("pid", "session-1.scope", ["net", "ipc", "user"], "host_network", ["medium"]),
        ("pid", "session-1.scope", None, "host_network", []),
    ],
)
def test_who_is_meant_to_be_apart(
    kind: str, unit: str | None, initial: list[str] | None, threshold: str, severity: list[str]
) -> None:
    """Literal: there are no units here."""
    told = facts(namespace(kind, 7, processes=1, leader={**leader(9, "x", unit), "initial": initial}))
    assert severities(told, "host-*", thresholds={threshold: "forbid"}) == severity


def test_a_set_that_is_declared_may_be_partly_of_the_host() -> None:
    there = namespace("pid", 7, name="blue", processes=1, leader={**leader(9), "initial": ["net"]})
    assert severities(facts(there), "host-network") == ["info"]
    assert severities(facts(there, declared=["blue"]), "host-network") == []
    assert severities(facts(there, declared=["blue"]), "host-network", thresholds={"host_network": "forbid"}) == [
        "medium"
    ]


# ---- mounts


@pytest.mark.parametrize(("propagation", "findings"), [("shared", 1), ("private", 0), ("slave", 0)])
def test_mounts_that_get_out(propagation: str, findings: int) -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        support.mount_over("tmpfs", "/run")
        auditing.set_propagation("/run", "shared")
        with scanning.child(lambda: auditing.copy_mounts("/run", propagation)):
            yield

    told = alone(situation)
    assert severities(told, "mounts-shared") == ["low"] * findings
    assert severities(told, "mounts-leaked") == []


@pytest.mark.parametrize(
    ("devices", "pinned", "findings"),
    [([], False, 0), (["8:1"], False, 1), (["253:7", "7:3"], False, 1), (["7:3"], False, 0), (["8:1"], True, 0)],
)
def test_a_device_that_the_host_has_not_mounted(devices: list[str], pinned: bool, findings: int) -> None:
    """Literal: a block device to mount is nothing that this machine has to spare."""
    kubens = namespace(
        "mnt",
        6,
        processes=1,
        propagation={"foreign": ["8:1"]},
        holders=[{"kind": "bind", "path": "/run/kubens/mnt", "namespace": telling.INITIAL["mnt"]}],
        holder_counts={"bind": 1},
    )
    inside = namespace("mnt", 7, processes=1, leader=leader(9), propagation={"peers": 0, "foreign": devices})
    assert severities(facts(*([kubens] if pinned else []), inside), "mounts-leaked") == ["low"] * findings


# ---- networks


@pytest.mark.parametrize(("address", "findings"), [("0.0.0.0", 1), ("127.0.0.1", 0)])
def test_something_that_listens_where_nobody_looks(address: str, findings: int) -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with contextlib.ExitStack() as stack:

            def listen() -> None:
                process.unshare(nstypes.NET.flag)
                netdev.set_up("lo")
                listener = stack.enter_context(socket.socket())
                listener.bind((address, 4711))
                listener.listen()

            with scanning.child(listen):
                yield

    hits = found(alone(situation), "listener-hidden")
    assert [(item["severity"], item["evidence"].split(";")[0]) for item in hits] == [
        ("info", "tcp 0.0.0.0 port 4711")
    ] * findings


@pytest.mark.parametrize(
    ("address", "findings"),
    [("::1", 0), ("::ffff:127.0.0.1", 0), ("::ffff:10.0.0.1", 1), ("::", 1), ("10.0.0.1", 1), ("fe80::1%eth0", 1)],
)
def test_addresses_that_are_local(address: str, findings: int) -> None:
    told = namespace("net", 7, listeners=[{"protocol": "tcp", "address": address, "port": 22}])
    assert len(found(facts(told), "listener-hidden")) == findings


def test_something_that_listens_on_the_host() -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with socket.socket() as listener:
            listener.bind(("0.0.0.0", 0))
            listener.listen()
            yield

    assert found(alone(situation), "listener-hidden") == []


@pytest.mark.parametrize(
    ("kind", "declared", "severity"),
    [("physical", [], ["high"]), ("physical", ["blue"], ["info"]), ("veth", [], []), ("loopback", [], [])],
)
def test_an_interface_of_the_hardware(kind: str, declared: list[str], severity: list[str]) -> None:
    """Literal: this machine has one, which it needs. In make kernels the facts are asked for one that is real."""
    net = namespace("net", 7, name="blue", links=[{"name": "eth3", "kind": kind, "up": True}])
    assert severities(facts(net, declared=declared), "physical-inside") == severity
    home = namespace("net", telling.NET, links=[{"name": "eth0", "kind": "physical", "up": True}])
    assert severities(facts(home), "physical-inside") == []


# ---- a host that nothing is wrong with


def test_a_quiet_host() -> None:
    """With two containers and three sets that are declared, some of it made by hand: there is no engine here."""

    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with contextlib.ExitStack() as stack:
            for number in range(2):
                pid = stack.enter_context(support.inhabited(*CONTAINED))
                path = Path(f"/run/netns/netns-{number}")
                path.parent.mkdir(exist_ok=True)
                path.touch()
                support.bind(f"/proc/{pid}/ns/net", path)
            for kind in ("net", "uts", "ipc"):
                stack.enter_context(auditing.pinned(kind, f"/run/{kind}ns/tenant-{kind}")())
            for _unit in range(3):
                stack.enter_context(scanning.child(support.own_mounts))
            yield

    told = alone(situation)
    assert {item["name"] for item in told["namespaces"]} >= {"tenant-net", "tenant-uts", "netns-0", "netns-1"}
    for more in ({"declared": ["tenant-net", "tenant-uts", "tenant-ipc"]}, {}):
        findings = judged({**told, **more}, declared=[] if more else ["tenant-*"]).findings
        assert [item for item in findings if item["severity"] != "info"] == []
    assert len([item for item in judged(told).findings if item["severity"] != "info"]) == 3


@pytest.mark.parametrize(
    ("rule", "more", "words"),
    [
        (
            "listener-hidden",
            {"listeners": [], "listeners_more": 3},
            "nothing of what was told, and at least 3 more sockets",
        ),
        ("physical-inside", {"links": [], "links_more": 2}, "none of what was told is physical, and at least 2 more"),
        (
            "physical-inside",
            {"links": [{"name": "eth0", "kind": "physical"}], "links_more": 2},
            "physical eth0 inside, and at least 2 more interfaces that were not told",
        ),
    ],
)
def test_what_was_not_told_is_said(rule: str, more: dict[str, t.Any], words: str) -> None:
    (finding,) = found(telling.facts(telling.namespace("net", 4026532503, **more)), rule)
    assert finding["evidence"].startswith(words)


def test_a_handle_in_mounts_of_ones_own_excuses_no_device() -> None:
    def told(home: int) -> telling.Facts:
        bind = {"kind": "bind", "path": "/x", "namespace": home}
        more = {"propagation": {"foreign": ["8:1"]}, "holder_counts": {"bind": 1}}
        return telling.facts(telling.namespace("mnt", 4026532503, holders=[bind], **more))

    assert severities(told(telling.INITIAL["mnt"]), "mounts-leaked") == []
    assert severities(told(4026539999), "mounts-leaked") == ["low"]
