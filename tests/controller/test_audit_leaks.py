# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left over: each situation is made on this kernel, and something like it that is no leak."""

from __future__ import annotations

import contextlib
import os
import socket
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.tests.controller import auditing
from ansible_collections.linux.namespaces.tests.controller.auditing import alone, found
from ansible_collections.linux.namespaces.tests.controller.telling import INITIAL, facts, leader, namespace
from ansible_collections.linux.namespaces.tests.unit import scanning, support

UUID = "0f1e2d3c-4b5a-4678-9abc-def012345678"


def said(findings: t.Sequence[t.Mapping[str, t.Any]]) -> list[tuple[t.Any, ...]]:
    return [
        (item["severity"], item["namespace"] and item["namespace"]["type"], item["evidence"].split(" (")[0])
        for item in findings
    ]


# ---- without processes


@pytest.mark.parametrize("kind", ["uts", "net", "ipc", "cgroup", "mnt"])
def test_only_a_bind_mount(kind: str) -> None:
    told = alone(auditing.pinned(kind, f"/run/{kind}ns/left"))
    (finding,) = found(told, "leak-bind-only")
    assert finding["namespace"]["name"] == "left"
    assert (finding["namespace"]["type"], finding["namespace"]["path"]) == (kind, f"/run/{kind}ns/left")
    assert said([finding]) == [("medium", kind, f"no process, kept by 1 bind mount at /run/{kind}ns/left")]
    assert found(told, "leak-bind-only", declared=["l*t"]) == []
    assert found({**told, "declared": ["left"]}, "leak-bind-only") == []
    assert [found(told, rule) for rule in ("leak-fd-only", "leak-socket-only", "leak-unseen")] == [[], [], []]


def test_what_was_not_seen_to_be_used_is_no_leak() -> None:
    """Processes of root are in the first, and may not be looked at by an ordinary user."""

    def look() -> tuple[t.Any, ...]:
        with support.inhabited("net") as pid, scanning.child(auditing.pinned("uts", "/run/utsns/left")):
            Path("/run/netns").mkdir(parents=True)
            Path("/run/netns/used").touch()
            support.bind(f"/proc/{pid}/ns/net", "/run/netns/used")
            return support.forked(auditing.gather), support.as_ordinary(auditing.gather)

    whole, partial = scanning.alone(look)
    assert [partial["scan"]["complete"], whole["scan"]["complete"]] == [False, True]
    assert [(item["severity"], item["namespace"]["name"]) for item in found(whole, "leak-bind-only")] == []
    (finding,) = found(partial, "leak-bind-only")
    seen = "as far as was seen: no process, kept by 1 bind mount at /run/netns/used"
    assert (finding["severity"], finding["evidence"]) == ("info", seen)


@pytest.mark.parametrize("kinds", [["bind"], ["fd"], ["socket"], ["bind", "fd"], ["kernel"]])
def test_no_leak_is_claimed_after_an_incomplete_scan(kinds: list[str]) -> None:
    told = facts(namespace("net", 7, holder_counts=dict.fromkeys(kinds, 1)))
    (claimed,) = found(told, "leak-*")
    told["scan"]["complete"] = False
    (finding,) = found(told, "leak-*")
    assert (claimed["severity"] == "info", finding["severity"]) == (False, "info")
    assert finding["evidence"] == "as far as was seen: " + claimed["evidence"]


@pytest.mark.parametrize(
    ("kind", "path", "severity"),
    [
        ("net", f"/run/netns/{UUID}", "info"),
        ("ipc", f"/run/ipcns/{UUID}", "info"),
        ("net", f"/run/netns/cni-{UUID}", "medium"),
        ("mnt", "/run/snapd/ns/hello.mnt", "info"),
        ("uts", "/run/elsewhere/hello", "medium"),
    ],
)
def test_what_is_kept_by_design(kind: str, path: str, severity: str) -> None:
    (finding,) = found(alone(auditing.pinned(kind, path)), "leak-bind-only")
    assert (finding["severity"], finding["namespace"]["path"]) == (severity, path)


def test_a_bind_mount_with_a_process() -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        Path("/run/utsns").mkdir()
        Path("/run/utsns/used").touch()
        with support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", "/run/utsns/used")
            yield

    assert found(alone(situation), "leak*") == []


def test_a_bind_mount_whose_namespace_owns_one_with_a_process() -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        Path("/run/userns").mkdir()
        Path("/run/userns/above").touch()
        with support.inhabited("user", "uts") as pid:
            support.bind(f"/proc/{pid}/ns/user", "/run/userns/above")
            with scanning.child(lambda: _enter(pid, "uts")):
                os.kill(pid, 9)
                support.wait_for(lambda: not os.path.exists(f"/proc/{pid}") or support.has_ended(pid))
                yield

    told = alone(situation)
    (above,) = [item for item in told["namespaces"] if item["name"] == "above"]
    assert (above["processes"], above["holder_counts"]["owned"]) == (0, 1)
    assert found(told, "leak*") == []


def _enter(pid: int, kind: str) -> None:
    with open(f"/proc/{pid}/ns/{kind}") as file:
        process.setns(file.fileno(), nstypes.BY_NAME[kind].flag)


def _enter_path(path: str) -> None:
    with open(path) as file:
        process.setns(file.fileno(), nstypes.NET.flag)


def test_only_an_open_file() -> None:
    told = alone(auditing.opened)
    (finding,) = found(told, "leak-fd-only")
    assert said([finding])[0][:2] == ("medium", "uts")
    assert "no process and no handle, kept by open files of" in finding["evidence"]
    assert [found(told, rule) for rule in ("leak-bind-only", "leak-socket-only", "leak-unseen")] == [[], [], []]


@contextlib.contextmanager
def kept_twice(path: str, held: str) -> t.Iterator[None]:
    """A network namespace that nobody is in, with a handle, and open as well."""
    with auditing.pinned("net", path)(), contextlib.ExitStack() as stack, open("/proc/self/ns/net") as here:
        there = stack.enter_context(open(path))
        if held == "socket":
            process.setns(there.fileno(), nstypes.NET.flag)
            stack.enter_context(socket.socket())
            process.setns(here.fileno(), nstypes.NET.flag)
            there.close()
        yield


@pytest.mark.parametrize("held", ["fd", "socket"])
def test_a_handle_and_something_open(held: str) -> None:
    path = "/run/netns/left"
    told = alone(lambda: kept_twice(path, held))
    (finding,) = found(told, "leak-*")
    assert (finding["id"], finding["severity"], finding["namespace"]["name"]) == ("leak-bind-only", "medium", "left")
    assert finding["evidence"].startswith(f"no process, kept by 1 bind mount at {path}, and open as well in ")
    assert finding["evidence"].endswith(f"(1 bind, 1 {held})")
    assert found(told, "leak-*", declared=["left"]) == []


def test_a_handle_and_something_open_of_what_has_a_process() -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with kept_twice("/run/netns/used", "fd"), scanning.child(lambda: _enter_path("/run/netns/used")):
            yield

    told = alone(situation)
    (used,) = [item for item in told["namespaces"] if item["name"] == "used"]
    assert (used["processes"], used["holder_counts"]["bind"]) == (1, 1)
    assert found(told, "leak-*") == []


def test_what_somebody_has_open_who_keeps_it_by_design() -> None:
    assert auditing.severities(alone(lambda: kept_twice(f"/run/netns/{UUID}", "fd")), "leak-bind-only") == ["info"]


def test_mounts_of_ones_own_are_nobodys_design() -> None:
    """The paths that CRI-O has are there for everybody who has mounts of his own."""
    bind = {"kind": "bind", "path": f"/run/netns/{UUID}"}
    for home, severity in ((INITIAL["mnt"], "info"), (4026539999, "medium")):
        left = namespace("net", 4026532503, holder_counts={"bind": 1}, holders=[{**bind, "namespace": home}])
        assert auditing.severities(facts(left), "leak-bind-only") == [severity]


def test_who_says_that_he_is_systemd() -> None:
    """A user has no say in what somebody else keeps open, or keeps by a handle."""
    forged = {"kind": "fd", "pid": 700, "comm": "systemd", "unit": "user@1000.service", "fd": 3}
    other = {"kind": "fd", "pid": 701, "comm": "leaky", "unit": "leaky.service", "fd": 3}

    def judged_by(*holders: t.Any, **counts: int) -> list[str]:
        left = namespace("net", 4026532503, holder_counts={"fd": len(holders), **counts}, holders=list(holders))
        return auditing.severities(facts(left), "leak-*")

    assert judged_by(forged) == ["info"]
    assert judged_by({**forged, "uid": 1001}) == ["medium"]
    assert judged_by(forged, other) == ["medium"]
    assert judged_by({**forged, "pid": 1}, other) == ["info"]
    assert judged_by({**forged, "pid": 1}, bind=1) == ["medium"]


def test_on_its_way_through_a_socket() -> None:
    """As systemd keeps what the units of PrivateNetwork= share."""

    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            with auditing.opened("net") as fd:
                scanning.send(ours, fd)
            yield

    (finding,) = found(alone(situation), "leak-fd-only")
    assert (finding["severity"], "1 in_flight" in finding["evidence"]) == ("medium", True)


def test_what_the_first_process_keeps_is_no_leak() -> None:
    def look() -> t.Any:
        with auditing.opened():
            return support.forked(auditing.gather)

    assert [item["severity"] for item in found(scanning.alone(look), "leak-fd-only")] == ["info"]


@pytest.mark.parametrize(
    ("comm", "unit", "severity"),
    [
        ("systemd", "user@1000.service", "info"),
        ("systemd", "user@.service", "medium"),
        ("systemd", "evil.service", "medium"),
        ("agent", "user@1000.service", "medium"),
    ],
)
def test_the_manager_of_a_user(comm: str, unit: str, severity: str) -> None:
    """Literal: there is no systemd here."""
    holder = {"kind": "fd", "pid": 700, "fd": 12, "comm": comm, "unit": unit}
    told = facts(namespace("net", 5, holders=[holder], holder_counts={"fd": 1}))
    assert [item["severity"] for item in found(told, "leak-fd-only")] == [severity]


def test_only_a_socket() -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with contextlib.ExitStack() as stack:
            auditing.leave_network(lambda: stack.enter_context(socket.socket()))
            yield

    told = alone(situation)
    (finding,) = found(told, "leak-socket-only")
    assert said([finding])[0][:2] == ("medium", "net")
    assert [found(told, rule) for rule in ("leak-bind-only", "leak-fd-only", "leak-unseen")] == [[], [], []]


def test_a_socket_and_a_process() -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with scanning.child(lambda: process.unshare(nstypes.NET.flag)) as pid, contextlib.ExitStack() as stack:
            with open("/proc/self/ns/net") as here:
                _enter(pid, "net")
                stack.enter_context(socket.socket())
                process.setns(here.fileno(), nstypes.NET.flag)
            yield

    assert found(alone(situation), "leak*") == []


def test_nobody_is_seen() -> None:
    """Literal: only Linux 6.19 lists what nobody is seen to hold, and that is no state that can be made to stay."""
    told = facts(namespace("net", 5, holder_counts={"kernel": 1}))
    assert said(found(told, "leak-unseen")) == [
        ("low", "net", "the kernel lists it, and no process, file, socket or mount that holds it was found")
    ]
    assert found(facts(namespace("net", 5, holder_counts={"kernel": 1, "bind": 1})), "leak-unseen") == []


def test_nothing_is_left_over_on_a_host_without_anything() -> None:
    assert auditing.judged(alone(auditing.quiet), rules=["leaks"]).findings == []


# ---- handles


@pytest.mark.parametrize(
    ("container", "own_run", "rules"),
    [
        (None, True, ["handle-hidden"]),
        (None, False, ["handle-dangling", "handle-hidden"]),
        ("c" * 64, True, []),
        # The host's /run, as agents of networks have it.
        ("c" * 64, False, ["handle-dangling", "handle-hidden"]),
    ],
)
def test_a_handle_that_only_a_service_has(container: str | None, own_run: bool, rules: list[str]) -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with scanning.child(lambda: pin_in_own_mounts(own_run)):
            yield

    told = alone(situation)
    for item in told["namespaces"]:
        if item["leader"]:
            item["leader"]["container"] = container
    hits = [item for item in found(told, "handle-*") if item["severity"] == "medium"]
    assert [item["id"] for item in hits] == rules
    assert {item["namespace"]["path"] for item in hits if item["namespace"]} <= {"/run/netns/mine"}


def pin_in_own_mounts(own_run: bool) -> None:
    support.own_mounts()
    if own_run:
        support.mount_over("tmpfs", "/run")
    Path("/run/netns").mkdir()
    scanning.bound(Path("/run/netns/mine"), "net")


@pytest.mark.parametrize("where", ["host", "both", "user namespace"])
def test_a_handle_that_others_have_too(where: str) -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        if where == "user namespace":
            with support.inhabited("user", "mnt", prepare=lambda: pin_in_own_mounts(True)):
                yield
        else:
            with auditing.pinned("net", "/run/netns/ours")(), contextlib.ExitStack() as stack:
                if where == "both":
                    stack.enter_context(scanning.child(support.own_mounts))
                yield

    told = alone(situation)
    assert [item["type"] for item in told["namespaces"] if "bind" in item["holder_counts"]] == ["net"]
    assert found(told, "handle-*") == []


@pytest.mark.parametrize("kind", support.WRONG_FILES)
def test_what_is_no_namespace_where_one_should_be(kind: str) -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        Path("/run/netns").mkdir()
        support.wrong_file(kind, Path("/run/netns/blue"))
        yield

    hits = found(alone(situation), "handle-dangling")
    findings = kind not in ("nothing", "symlink")
    assert [item["evidence"] for item in hits] == ["/run/netns/blue leads to no namespace"] * findings


def test_one_handle_upon_another() -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with auditing.pinned("uts", "/run/utsns/blue")(), support.inhabited("uts") as pid:
            support.bind(f"/proc/{pid}/ns/uts", "/run/utsns/blue")
            yield

    told = alone(situation)
    assert [item["evidence"] for item in found(told, "handle-stacked")] == [
        "/run/utsns/blue has another mount upon the first"
    ]
    assert found(told, "handle-shadowed") == found(told, "handle-dangling") == []


def test_a_mount_upon_the_handles() -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with auditing.pinned("uts", "/run/utsns/blue")():
            support.mount_over("tmpfs", "/run/utsns")
            yield

    told = alone(situation)
    assert [item["evidence"] for item in found(told, "handle-shadowed")] == [
        "/run/utsns/blue is a handle that another mount hides"
    ]
    assert found(told, "handle-stacked") == []


@pytest.mark.parametrize("alive", [True, False])
def test_a_pid_namespace_without_its_init(alive: bool) -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        Path("/run/pidns").mkdir()
        Path("/run/pidns/blue").touch()
        with support.inhabited("pid") as pid:
            support.bind(f"/proc/{pid}/ns/pid", "/run/pidns/blue")
            if alive:
                yield
        if not alive:
            yield

    hits = found(alone(situation), "pid-init-dead")
    assert [(item["severity"], item["namespace"]["name"]) for item in hits] == [("medium", "blue")] * (not alive)


def test_a_handle_that_a_machine_has_for_itself() -> None:
    """Literal, as long as the facts say nothing of where else the leader is."""
    mounts = namespace("mnt", 6, processes=1, leader={**leader(40, "systemd"), "initial": ["user"]})
    holder = {"kind": "bind", "path": "/run/netns/inner", "namespace": 6}
    net = namespace("net", 5, holders=[holder], holder_counts={"bind": 1})
    assert found(facts(mounts, net), "handle-hidden") == []
    mounts["leader"]["initial"] = ["pid", "user"]
    assert len(found(facts(mounts, net), "handle-hidden")) == 1
