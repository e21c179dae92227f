# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""New namespaces, and what they are like: asked of the kernel from outside, by /proc/PID."""

from __future__ import annotations

import errno
import itertools
import os
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.support import AS_ROOT, entered, id_maps, identities, status_of
from ansible_collections.linux.namespaces.tests.unit.support import TYPE_NAMES as ALL


def refusal(*types: str, **arguments: t.Any) -> NamespaceError:
    with pytest.raises(NamespaceError) as caught, entered(unshare=types, **arguments):
        pass
    return caught.value


# ---- new namespaces


def test_all_types_at_once() -> None:
    options = {**id_maps(1000), "time_offsets": {"monotonic": "5", "boottime": "86400"}, "hostname": "box"}
    ours = identities(os.getpid())
    with entered(lambda: (os.getpid(), os.getuid(), os.getgid()), unshare=ALL, options=options) as (pid, seen):
        theirs = identities(pid)
        assert seen == [1, 0, 0]
        assert (status_of(pid, "Uid"), status_of(pid, "Gid"), status_of(pid, "NSpid")) == (
            ["1000"] * 4,
            ["1000"] * 4,
            [str(pid), "1"],
        )
        assert support.read(f"/proc/{pid}/uid_map").split() == ["0", "1000", "1"]
        assert support.read(f"/proc/{pid}/timens_offsets").split() == [
            "monotonic",
            "5",
            "0",
            "boottime",
            "86400",
            "0",
        ]
        assert all(theirs[name] != ours[name] for name in ALL)
        for kind in nstypes.ALL:  # its children go where it is
            link = os.readlink(f"/proc/{pid}/ns/{kind.children_link}")
            assert link == os.readlink(f"/proc/{pid}/ns/{kind.name}")
    assert identities(os.getpid()) == ours


@pytest.mark.parametrize("name", ALL)
def test_one_type(name: str) -> None:
    with entered(unshare=[name], options=AS_ROOT if name == "user" else None) as (pid, _seen):
        found, ours = identities(pid), identities(os.getpid())
    assert [other for other in ALL if found[other] != ours[other]] == [name]


def test_a_cgroup_namespace_starts_at_the_own_cgroup() -> None:
    """In each hierarchy: v1 hosts have many."""
    with entered(lambda: support.read("/proc/self/cgroup"), unshare=["cgroup"]) as (_pid, seen):
        assert {line.split(":", 2)[2] for line in seen.splitlines()} == {"/"}


@pytest.mark.parametrize(
    ("monotonic", "boottime"),
    [("86400", None), (None, "0.000000001"), ("-0.000000001", "123456789.987654321"), ("-0.5", "-1.25"), ("0", "-0")],
)
def test_offsets_are_exact_to_the_nanosecond(monotonic: str | None, boottime: str | None) -> None:
    """Seen by a program that was executed: both in the kernel's numbers and on its clocks."""
    given = {"monotonic": monotonic, "boottime": boottime}
    expected = {name: round(float(value or 0) * 10**9) for name, value in given.items()}
    if boottime == "123456789.987654321":
        expected["boottime"] = 123456789987654321
    clocks = {"monotonic": time.CLOCK_MONOTONIC, "boottime": time.CLOCK_BOOTTIME}
    script = (
        "import time; print(open('/proc/self/timens_offsets').read(),"
        " *map(time.clock_gettime_ns, (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)))"
    )
    before = {name: time.clock_gettime_ns(clock) for name, clock in clocks.items()}
    seen = support.output(*support.python(script), unshare=["time"], options={"time_offsets": given}).split()
    after = {name: time.clock_gettime_ns(clock) for name, clock in clocks.items()}
    for index, name in enumerate(clocks):
        assert seen[3 * index] == name
        assert int(seen[3 * index + 1]) * 10**9 + int(seen[3 * index + 2]) == expected[name]
        assert before[name] <= int(seen[6 + index]) - expected[name] <= after[name]


@pytest.mark.parametrize("offset", ["-99999999999", "99999999999"])
def test_offsets_out_of_range(offset: str) -> None:
    error = refusal("time", options={"time_offsets": {"boottime": offset}})
    assert str(error).startswith("cannot set the offsets of the clocks")
    assert (error.code, "a time before 0 or more than 146 years ahead" in error.cause) == (errno.ERANGE, True)


def test_a_user_namespace_without_maps() -> None:
    with entered(lambda: (os.getuid(), os.getgid()), unshare=["user", "uts"], options={"hostname": "x"}) as (pid, seen):
        assert seen == [65534, 65534]
        assert status_of(pid, "Uid") == [str(os.getuid())] * 4


def test_a_user_namespace_without_root() -> None:
    """Nobody is 0 there, so the process stays who it is."""
    ids = [{"inside": 5, "outside": 0, "count": 1}]
    with entered(os.getuid, unshare=["user"], options={"uid_map": ids}) as (_pid, seen):
        assert seen == 5


@pytest.mark.parametrize(("types", "kept"), [(["user"], []), (["uts"], [5, 6])], ids=["user", "uts"])
def test_supplementary_groups(types: list[str], kept: list[int]) -> None:
    """Those from outside mean nothing in a user namespace."""

    def work() -> object:
        os.setgroups([5, 6])
        with entered(os.getgroups, unshare=types, options=AS_ROOT if types == ["user"] else None) as (pid, seen):
            return seen, status_of(pid, "Groups")

    assert support.forked(work) == (kept, list(map(str, kept)))


# ---- without root


def test_an_ordinary_user_makes_all_types() -> None:
    def work() -> tuple[t.Any, ...]:
        options = {**id_maps(support.ORDINARY), "time_offsets": {"boottime": "1000000.5"}, "hostname": "box"}
        ours = identities(os.getpid())
        with entered(lambda: (os.getuid(), os.getgid(), os.getpid()), unshare=ALL, options=options) as (pid, seen):
            offsets = support.read(f"/proc/{pid}/timens_offsets").split()
            theirs = {name: os.stat(f"/proc/{pid}/ns/{name}").st_ino for name in ALL}
            return seen, offsets[3:], [name for name in ALL if theirs[name] == ours[name].inode], status_of(pid, "Uid")

    assert support.as_ordinary(work) == (
        [0, 0, 1],
        ["boottime", "1000000", "500000000"],
        [],
        [str(support.ORDINARY)] * 4,
    )


def test_an_ordinary_user_with_subordinate_ids(tmp_path: Path) -> None:
    ranges = [
        {"inside": 0, "outside": support.ORDINARY, "count": 1},
        {"inside": 1, "outside": 100000, "count": 10},
        {"inside": 50, "outside": 200000, "count": 5},
    ]

    def with_group() -> tuple[int, list[int]]:
        os.setgroups([54])
        return os.getuid(), os.getgroups()

    def work() -> tuple[t.Any, list[str]]:
        support.become_ordinary()
        options = {"uid_map": ranges, "gid_map": ranges}
        with entered(with_group, unshare=["user", "uts"], options=options) as (pid, seen):
            return seen, support.read(f"/proc/{pid}/uid_map").split()

    subordinate = "somebody:100000:10\nsomebody:200000:5\n"
    seen, found = support.with_subordinate_ids(tmp_path, work, subordinate)
    assert seen == [0, [54]]
    assert found == [str(number) for line in ranges for number in line.values()]


def test_an_ordinary_user_has_setgroups_denied_for_a_gid_map() -> None:
    def work() -> tuple[str, str]:
        with entered(unshare=["user"], options=id_maps(support.ORDINARY)) as (pid, _seen):
            return support.read(f"/proc/{pid}/setgroups"), support.read(f"/proc/{pid}/gid_map")

    setgroups, gid_map = support.as_ordinary(work)
    assert (setgroups, gid_map.split()) == ("deny\n", ["0", str(support.ORDINARY), "1"])


@pytest.mark.parametrize("name", ALL[1:])
def test_an_ordinary_user_needs_a_user_namespace(name: str) -> None:
    error = support.as_ordinary(lambda: refusal(name))
    assert str(error).startswith(
        f"cannot create a {name} namespace: EPERM (Operation not permitted): it takes CAP_SYS_ADMIN"
    )
    assert error.remedy == "run it as root, or create a user namespace with it"


# ---- limits


@pytest.mark.parametrize("name", ALL)
def test_a_limit_that_is_used_up(name: str) -> None:
    """In a user namespace of the test's own; its limit is not the one of the host."""

    def work() -> NamespaceError:
        process.unshare(nstypes.USER.flag)
        assert support.own_identity("user") != before
        support.write(f"/proc/sys/user/max_{name}_namespaces", "0\n")
        return refusal(name)

    before, limit = support.own_identity("user"), support.read(f"/proc/sys/user/max_{name}_namespaces")
    error = support.forked(work)
    assert support.read(f"/proc/sys/user/max_{name}_namespaces") == limit
    assert str(error).startswith(
        f"cannot create a {name} namespace: ENOSPC (No space left on device): user.max_{name}_namespaces is 0 in this"
    )
    assert error.remedy == "raise the limit (ansible.posix.sysctl), or remove namespaces that nobody needs"


def test_user_namespaces_are_nested_too_deep() -> None:
    def work() -> NamespaceError:
        for level in itertools.count():
            try:
                process.unshare(nstypes.USER.flag)
            except OSError:
                assert level > 30
                return refusal("user")
            for name, text in (("setgroups", "deny"), ("uid_map", "0 0 1"), ("gid_map", "0 0 1")):
                support.write(f"/proc/self/{name}", text)
        raise AssertionError

    error = support.forked(work)
    assert (error.code, "or 32 are nested already" in error.cause) == (errno.ENOSPC, True)


def test_a_user_namespace_from_a_chroot(tmp_path: Path) -> None:
    def work() -> NamespaceError:
        (tmp_path / "proc").mkdir()
        (tmp_path / "dev").mkdir()
        support.bind("/proc", tmp_path / "proc")
        support.bind("/dev", tmp_path / "dev")
        os.chroot(tmp_path)
        return refusal("user")

    error = support.secluded(work)
    assert str(error).startswith("cannot create a user namespace: EPERM")
    assert "a process in a chroot" in error.cause


def test_a_system_call_that_is_missing() -> None:
    def work() -> NamespaceError:
        support.without(272 if os.uname().machine == "x86_64" else 97)
        return refusal("uts")

    error = support.forked(work)
    assert str(error).startswith(
        "cannot create a uts namespace: ENOSYS (Function not implemented): this kernel, or a seccomp"
    )
