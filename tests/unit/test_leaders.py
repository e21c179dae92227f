# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes to name a namespace by."""

from __future__ import annotations

import os
import typing as t

import hypothesis
import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import leaders
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import strategies

_ID = "0123456789abcdef" * 4
_OTHER = _ID[::-1]


def test_a_process() -> None:
    def work() -> leaders.Leader:
        support.become_ordinary()
        with support.own_procfs() as proc:
            return leaders.describe(proc, os.getpid())

    found = support.forked(work)
    assert (found.comm, found.uid) == (support.read("/proc/self/comm").rstrip("\n"), support.ORDINARY)
    assert found.capabilities == "0" * 16


def test_a_process_that_is_not_there() -> None:
    with support.own_procfs() as proc:
        pid = support.forked(os.getpid)
        assert leaders.describe(proc, pid) == leaders.Leader(pid, None, None, None, None, None)


@pytest.mark.parametrize(
    ("path", "unit", "container"),
    [
        ("/", None, None),
        ("/init.scope", "init.scope", None),
        ("/system.slice/ssh.service", "ssh.service", None),
        ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope", None),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/a.service", "user@1000.service", None),
        (f"/system.slice/docker-{_ID}.scope", f"docker-{_ID}.scope", _ID),
        (f"/docker/{_ID}", None, _ID),
        (f"/machine.slice/libpod-{_ID}.scope/container", f"libpod-{_ID}.scope", _ID),
        (f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{_ID}.scope", f"cri-containerd-{_ID}.scope", _ID),
        (f"/kubepods/burstable/pod1/{_ID}", None, _ID),
        (f"/{_ID}0", None, None),
        # What lives in a container can name the cgroups below as it likes.
        (f"/system.slice/docker-{_ID}.scope/docker-{_OTHER}.scope", f"docker-{_ID}.scope", _ID),
        (f"/docker/{_ID}/{_OTHER}", None, _ID),
    ],
)
def test_what_started_it(path: str, unit: str | None, container: str | None) -> None:
    assert (leaders.unit_in(path), leaders.container_in(path)) == (unit, container)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0::/system.slice/a.service\n", "/system.slice/a.service"),
        ("1:name=systemd:/system.slice/a.service\n0::/\n", "/system.slice/a.service"),
        # As in a container of systemd's own on a host that has both.
        ("1:name=systemd:/\n0::/system.slice/a.service\n", "/system.slice/a.service"),
        ("12:cpu,cpuacct:/x\n0::/a:b\n", "/a:b"),
        ("", ""),
    ],
)
def test_the_hierarchy_of_systemd(text: str, path: str) -> None:
    assert leaders.parse_cgroup(text) == path


@pytest.mark.parametrize(
    ("parse", "nothing"),
    [
        (leaders.parse_status, (None, None, None)),
        (leaders.parse_cgroup, ""),
        (leaders.unit_in, None),
        (leaders.container_in, None),
    ],
)
@support.properties
@hypothesis.given(
    strategies.sampled_from(["", "Name:", "Uid:", "\nUid:\t", "0:", "/system.slice/", "/docker/", "docker-"]),
    # Without what all that means something has in it; an id has 64 digits.
    strategies.text(strategies.characters(exclude_characters="\t:."), max_size=60),
)
def test_garbage_is_nothing(parse: t.Callable[[str], t.Any], nothing: object, start: str, text: str) -> None:
    assert parse(start + text) == nothing
