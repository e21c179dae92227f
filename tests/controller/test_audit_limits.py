# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is nearly used up, and how far what was found goes."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.tests.controller import auditing
from ansible_collections.linux.namespaces.tests.controller.auditing import alone, found, severities
from ansible_collections.linux.namespaces.tests.controller.telling import facts, namespace
from ansible_collections.linux.namespaces.tests.unit import scanning, support


@contextlib.contextmanager
def three() -> t.Iterator[None]:
    """So many new namespaces."""
    with contextlib.ExitStack() as stack:
        for _each in range(3):
            stack.enter_context(scanning.child(lambda: process.unshare(nstypes.UTS.flag)))
        yield


@pytest.mark.parametrize(
    ("allowed", "percent", "severity"), [(5, 80, "medium"), (4, 80, "high"), (6, 80, None), (6, 66, "medium")]
)
def test_a_limit_that_is_near(allowed: int, percent: int, severity: str | None) -> None:
    """In a user namespace with a limit of its own. The uts namespace of that host counts too."""
    told = alone(three, "user", "pid", "mnt", uts=allowed - 1)
    assert told["limits"]["uts"] == {"max": allowed, "used": 4}
    hits = found(told, "limit-near", thresholds={"limit_percent": percent})
    assert [(item["severity"], item["evidence"]) for item in hits] == (
        [(severity, f"user.max_uts_namespaces={allowed}, and one user has 4")] if severity else []
    )


def test_no_limit_and_none_at_all() -> None:
    limits = {"uts": {"max": None, "used": 7}, "user": {"max": 0, "used": 0}, "net": {"max": 63000, "used": 0}}
    assert found(facts(limits=limits), "limit-near") == []


@contextlib.contextmanager
def nested() -> t.Iterator[None]:
    """Three user namespaces, each in the one before."""

    def work() -> None:
        for _each in range(3):
            process.unshare(nstypes.USER.flag)
            support.write("/proc/self/setgroups", "deny")
            for name in ("uid_map", "gid_map"):
                support.write(f"/proc/self/{name}", "0 0 1")

    with scanning.child(work):
        yield


@pytest.mark.parametrize(("depth", "findings"), [(3, 1), (2, 2), (4, 0), (28, 0)])
def test_namespaces_in_namespaces(depth: int, findings: int) -> None:
    hits = severities(alone(nested), "nesting-deep", thresholds={"nesting_depth": depth})
    assert hits == ["medium"] * findings


def test_a_scan_that_was_denied_something() -> None:
    told = support.as_ordinary(auditing.gather)
    hits = found(told, "scan-incomplete")
    assert [item["evidence"] for item in hits] == told["scan"]["incomplete_because"] != []
    assert {item["severity"] for item in hits} == {"medium"}


def test_a_scan_that_saw_all() -> None:
    assert found(alone(auditing.quiet), "scan-incomplete") == []


def test_a_scan_that_does_not_say_what_it_missed() -> None:
    assert severities(facts(scan={"complete": False}), "scan-incomplete") == ["medium"]


def test_a_scan_from_inside_of_something() -> None:
    assert severities(alone(auditing.quiet), "scan-inside") == ["info"]
    assert severities(facts(namespace("net", 7)), "scan-inside") == []
