# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results as ns_audit leaves them, of hosts that never were: what the tests of the report and its benchmark read."""

from __future__ import annotations

import itertools
import json
import os
import time
import typing as t
from pathlib import Path

from ansible_collections.linux.namespaces.plugins.plugin_utils._audit import result as results

Told = t.Dict[str, t.Any]

TYPES = ("user", "mnt", "uts", "ipc", "net", "cgroup", "time", "pid")
INITIAL = {kind: 4026531834 + number for number, kind in enumerate(TYPES)}
FIRST = 4026532100
NOW = 1796108400.0
COLLECTED = "2026-12-01T07:00:00Z"

_KINDS = (
    ("exposure-physical-inside", "high", "Physical interface inside a namespace", "net"),
    ("exposure-listener", "medium", "Listener hidden inside a network namespace", "net"),
    ("leak-bind-only", "medium", "Namespace held by a bind mount alone", "net"),
    ("leak-fd-only", "medium", "Namespace held by an open file alone", "mnt"),
    ("leak-init-dead", "medium", "PID namespace whose init has ended", "pid"),
    ("exposure-user-owner", "low", "User namespace of an ordinary user, with processes", "user"),
    ("capacity-near-limit", "low", "Count of namespaces near the limit", None),
    ("drift-added", "low", "Namespace that the baseline does not have", "net"),
    ("exposure-userns-allowed", "info", "Unprivileged user namespaces are allowed", None),
    ("certainty-blind", "info", "Ways to hold a namespace that can not be seen", None),
)
_EVIDENCE = {
    "exposure-physical-inside": "physical eth3 inside; lost when the namespace ends",
    "exposure-listener": "tcp 0.0.0.0:8443 of haproxy [pid 3312]",
    "leak-bind-only": "/run/netns/{} is bound, and no process is in it",
    "leak-fd-only": "fd 12 of dockerd [pid 4711]",
    "leak-init-dead": "its init has ended: joining it works, fork fails with ENOMEM",
    "capacity-near-limit": "user 1000 has 1,802 of 2,048 net namespaces",
    "drift-added": "{} is there, and was not in the baseline of 2026-11-01",
}
_REMEDY = "See what holds it with the playbook linux.namespaces.why, then end that or declare the set."


def finding(kind: str, severity: str, title: str, namespace: Told | None = None, **more: t.Any) -> Told:
    about = namespace and {key: namespace.get(key) for key in ("type", "inode", "id", "name")}
    told: Told = {
        "id": kind,
        "severity": severity,
        "title": title,
        "namespace": {**about, "path": None} if about else None,
        "subject": None if about else kind,
        "evidence": _EVIDENCE.get(kind, title).format((about or {}).get("name") or "it"),
        "remediation": _REMEDY,
        "source": "podman#163, moby#15857",
        "allowed": None,
    }
    return {**told, **more}


def namespace(kind: str, inode: int, **more: t.Any) -> Told:
    told: Told = {
        "type": kind,
        "inode": inode,
        "id": inode - FIRST + 9007199254740993,
        "owner": INITIAL["user"],
        "owner_uid": 0,
        "depth": 0,
        "processes": 0,
    }
    return {**told, **more}


def leader(pid: int, comm: str, **more: t.Any) -> Told:
    return {"pid": pid, "comm": comm, "uid": 0, **more}


def namespaces(count: int = 60) -> list[Told]:
    """What a host with units, containers, tenants and an ordinary user's sandbox has; more tenants where more."""
    init = leader(1, "systemd", unit="init.scope")
    found = [
        namespace(kind, inode, id=number + 1, processes=212, leader=init)
        for number, (kind, inode) in enumerate(INITIAL.items())
    ]
    found[0].pop("owner")
    numbers = itertools.count(FIRST)
    for unit in ("systemd-udevd", "systemd-logind", "chronyd", "systemd-resolved", "bird", "haproxy"):
        inside = leader(400 + len(found), unit[:15], unit="%s.service" % unit)
        found.append(
            namespace("mnt", next(numbers), processes=1, leader=inside, propagation={"mounts": 41, "slave": 40})
        )
    for container in ("9f3c2a", "77ab01"):
        inside = leader(3300 + len(found), "nginx", container=container * 10 + "beef")
        kinds = ("mnt", "uts", "ipc", "net", "cgroup", "pid")
        found += [namespace(kind, next(numbers), processes=5, leader=inside) for kind in kinds]
        found[-1]["parent"] = INITIAL["pid"]
    found += _sandbox(numbers)
    while len(found) < count:
        name = "tenant-%d" % (len(found) // 2)
        kind = "net" if len(found) % 2 else "uts"
        bind = {"kind": "bind", "path": "/run/%sns/%s" % (kind, name), "namespace": INITIAL["mnt"], "pid": 1}
        more: Told = (
            {"hostname": name}
            if kind == "uts"
            else {
                "links": [
                    {"name": "lo", "kind": "loopback", "up": True},
                    {"name": "eth3", "kind": "physical", "up": True},
                ]
            }
        )
        found.append(namespace(kind, next(numbers), name=name, holders=[bind], holder_counts={"bind": 1}, **more))
    return found


def _sandbox(numbers: t.Iterator[int]) -> t.Iterator[Told]:
    """Of an ordinary user, three deep."""
    above, pid = INITIAL["user"], INITIAL["pid"]
    for depth, comm in enumerate(("podman", "chromium", "bwrap"), 1):
        inside = leader(20000 + depth, comm, unit="user@1000.service")
        user, *others = itertools.islice(numbers, 4)
        ids = [{"inside": 0, "outside": 1000, "count": 1}, {"inside": 1, "outside": 100000, "count": 65536}]
        yield namespace(
            "user",
            user,
            owner=above,
            parent=above,
            owner_uid=1000,
            depth=depth,
            processes=7 - depth,
            leader=inside,
            uid_map=ids,
            gid_map=ids,
            setgroups="deny",
        )
        for kind, inode in zip(("mnt", "net", "pid"), others):
            more = {"parent": pid, "depth": depth} if kind == "pid" else {}
            pid = inode if kind == "pid" else pid
            yield namespace(kind, inode, owner=user, owner_uid=1000, processes=3, leader=inside, **more)
        above = user


def facts(found: t.Sequence[Told], **scan: t.Any) -> Told:
    return {
        "schema": 1,
        "boot_id": "9769f8e9-a3df-4454-9dd0-5d89d0ddf692",
        "time": COLLECTED,
        "scan": {
            "complete": True,
            "blind": ["credentials of open files", "fsopen contexts"],
            "sources": ["processes", "threads", "fds", "sockets", "mounts", "hierarchy", "kernel"],
            "vanished": 2,
            "duration_ms": 212,
            **scan,
        },
        "initial": INITIAL,
        "limits": {kind: {"max": 63000, "used": 40} for kind in TYPES},
        "namespaces": [*found],
    }


def findings(found: t.Sequence[Told], count: int = 20, seed: int = 0) -> list[Told]:
    """Of all kinds, most of them of little weight, as it is on a fleet."""
    by_type = {kind: [item for item in found[8:] if item["type"] == kind] for kind in TYPES}
    told = []
    for number in range(count):
        kind, severity, title, about = _KINDS[(number * 3 + seed) % len(_KINDS)]
        if severity == "high" and seed % 7:
            kind, severity, title, about = _KINDS[8]
        if about and not by_type[about]:
            about = None
        item = by_type[about][number % len(by_type[about])] if about else None
        told.append(finding(kind, severity, title, item))
        if number == 5 and seed % 3 == 0:
            told[-1]["allowed"] = {"reason": "the telco's own net, see CHG0042", "expires": "2027-01-31"}
    return told


def result(host: str, told: t.Sequence[Told] | None = None, **more: t.Any) -> Told:
    found = namespaces()
    some = findings(found) if told is None else [*told]
    counts = dict.fromkeys(("critical", "high", "medium", "low", "info", "allowed", "expired", "unused"), 0)
    for item in some:
        counts["allowed" if item["allowed"] else item["severity"]] += 1
    whole: Told = {
        "schema": 1,
        "host": host,
        "status": "scanned",
        "msg": None,
        "collected": COLLECTED,
        "run": None,
        "versions": {"collection": "0.2.0", "ansible_core": "2.21.5", "rules": "0a1b2c3d4e5f"},
        "baseline": None,
        "findings": some,
        "counts": counts,
        "allow": {"used": [], "expired": [], "unused": []},
        "drift": None,
        "facts": facts(found),
    }
    return {**whole, **more}


def put(folder: Path, told: t.Any, host: str | None = None) -> Path:
    """As ns_audit leaves it."""
    inbox = folder / "hosts"
    inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = inbox / (results.file_name(told["host"] if host is None else host))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w") as file:
        json.dump(told, file, separators=(",", ":"))
    return path


def fleet(folder: Path, count: int, **more: t.Any) -> list[str]:
    """A fleet in which not all is well: its hosts, of which the last has no result."""
    hosts = ["r%d" % number for number in range(1, count + 1)]
    found = namespaces(60)
    for number, host in enumerate(hosts[:-1], 1):
        told = result(host, findings(found, 20, number), facts=facts(found), **more)
        if number % 50 == 0:
            told.update(status="unreachable", msg="Failed to connect to the host via ssh", facts=None, findings=[])
        elif number % 31 == 0:
            told["facts"] = facts(found, complete=False, incomplete_because=["hidepid hides the processes of others"])
        elif number % 3 == 0:
            told["baseline"] = {"host": host, "time": "2026-11-01T07:00:00Z", "boot_id": told["facts"]["boot_id"]}
            told["drift"] = {"added": 2, "removed": 1, "changed": 3}
        put(folder, told)
    return hosts


def stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
