# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Id maps: what is written is read back from the kernel."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import idmap
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.definition import IdMaps, Range
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support

LAST = (1 << 32) - 2
Ranges = t.Tuple[Range, ...]

# ---- as written


def written(maps: IdMaps) -> tuple[Ranges, Ranges, str]:
    """What the kernel has of maps that were written for a new user namespace of the caller's."""
    with support.inhabited("user", id_map="") as pid, support.own_procfs() as proc:
        idmap.write(proc, pid, maps)
        return read(pid, "uid_map"), read(pid, "gid_map"), Path(f"/proc/{pid}/setgroups").read_text().strip()


def read(pid: int, name: str) -> Ranges:
    lines = Path(f"/proc/{pid}/{name}").read_text().splitlines()
    return tuple(Range(*map(int, line.split())) for line in lines)


SEVERAL = (Range(0, 1000, 1), Range(1, 100000, 10), Range(50, 200000, 65536))
ONE = (Range(0, 0, 1),)


@pytest.mark.parametrize("setgroups", [None, "allow", "deny"])
@pytest.mark.parametrize(("uid", "gid"), [(SEVERAL, ONE), (ONE, SEVERAL), ((), ONE), (ONE, ()), ((), ())], ids=str)
def test_root_writes_any_map(uid: Ranges, gid: Ranges, setgroups: str | None) -> None:
    assert written(IdMaps(uid, gid, setgroups)) == (uid, gid, setgroups or "allow")


def test_a_second_map() -> None:
    refused = pytest.raises(NamespaceError, match="cannot write the uid_map: EPERM ")
    with refused, support.inhabited("user") as pid, support.own_procfs() as proc:
        idmap.write(proc, pid, IdMaps(uid=ONE))


def test_setgroups_denied_too_late() -> None:
    refused = pytest.raises(NamespaceError, match="cannot deny setgroups in the user namespace: EPERM")
    with refused, support.inhabited("user") as pid, support.own_procfs() as proc:
        idmap.write(proc, pid, IdMaps(setgroups="deny"))


def test_an_id_that_the_own_user_namespace_lacks() -> None:
    """The kernel says EPERM to that too, so the message must not blame privilege alone."""

    def work() -> None:
        with support.inhabited("user") as outer, support.own_procfs() as proc:
            join_user(outer)
            with support.inhabited("user", id_map="") as pid:
                idmap.write(proc, pid, IdMaps(uid=(Range(0, 70000, 1),)))

    with pytest.raises(NamespaceError, match=r"EPERM .*no id that is itself not mapped where the task runs"):
        support.forked(work)


def join_user(pid: int) -> None:
    with closing(os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)) as fd:
        process.setns(fd, nstypes.USER.flag)


# ---- without root


def as_ordinary(maps: IdMaps, uid: int = support.ORDINARY) -> tuple[Ranges, Ranges, str]:
    def work() -> tuple[Ranges, Ranges, str]:
        support.become_ordinary(uid)
        return written(maps)

    return support.forked(work)


OWN = (Range(0, support.ORDINARY, 1),)
OWN_ELSEWHERE = (Range(77, support.ORDINARY, 1),)
TWO = (*OWN, Range(1, 100000, 10), Range(20, 200000, 5))


@pytest.mark.parametrize("ranges", [OWN, OWN_ELSEWHERE], ids=str)
@pytest.mark.parametrize("setgroups", [None, "deny"])
def test_the_own_ids(ranges: Ranges, setgroups: str | None) -> None:
    """With a gid map, which the kernel takes only after setgroups is denied."""
    assert as_ordinary(IdMaps(ranges, ranges, setgroups)) == (ranges, ranges, "deny")


def test_the_own_uid_alone_denies_nothing() -> None:
    assert as_ordinary(IdMaps(uid=OWN)) == (OWN, (), "allow")


def test_the_own_gid_with_setgroups_allowed() -> None:
    with pytest.raises(NamespaceError, match="option setgroups as given: without root a group can only be mapped"):
        as_ordinary(IdMaps(gid=OWN, setgroups="allow"))


def test_several_ranges_through_the_helpers(tmp_path: Path) -> None:
    subordinate = "somebody:100000:10\nsomebody:200000:5\n"
    maps = IdMaps(TWO, TWO)
    assert support.with_subordinate_ids(tmp_path, lambda: as_ordinary(maps), subordinate) == (TWO, TWO, "allow")


def test_ids_that_are_not_given_to_the_user(tmp_path: Path) -> None:
    with pytest.raises(NamespaceError) as caught:
        support.with_subordinate_ids(tmp_path, lambda: as_ordinary(IdMaps(uid=TWO)), "somebody:100000:9\n")
    assert "newuidmap said: newuidmap: uid range" in caught.value.cause
    assert caught.value.remedy == "list the ids in /etc/subuid and /etc/subgid"


@pytest.mark.parametrize(("field", "name"), [("uid", "newuidmap"), ("gid", "newgidmap")])
def test_no_helper(field: str, name: str) -> None:
    def work() -> object:
        for directory in ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"):
            if os.path.lexists(f"{directory}/{name}"):
                support.bind("/dev/null", os.path.realpath(f"{directory}/{name}"))
        os.environ["PATH"] = "/usr/bin"
        return as_ordinary(IdMaps(TWO, ()) if field == "uid" else IdMaps((), TWO))

    with pytest.raises(NamespaceError) as caught:
        support.secluded(work)
    assert str(caught.value) == f"cannot map ids without root: {name} is not installed; install it (package uidmap)"


def test_a_helper_on_the_search_path_of_the_caller_is_not_run(tmp_path: Path) -> None:
    def work() -> object:
        os.environ["PATH"] = str(tmp_path)
        return as_ordinary(IdMaps(uid=TWO))

    tmp_path.chmod(0o755)
    (tmp_path / "newuidmap").write_text(f"#!/bin/sh\necho run >{tmp_path}/ran\n")
    (tmp_path / "newuidmap").chmod(0o755)
    with pytest.raises(NamespaceError, match="newuidmap said: newuidmap: "):
        support.with_subordinate_ids(tmp_path, work, "")
    assert not (tmp_path / "ran").exists()
