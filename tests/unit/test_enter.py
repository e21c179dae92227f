# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Into existing namespaces, and where that led: asked of the kernel from outside, by /proc/PID."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import libc, nsfs, nstypes, process, uts
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.enter import join
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.target import Target
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.support import AS_ROOT, entered, identities, status_of
from ansible_collections.linux.namespaces.tests.unit.support import TYPE_NAMES as ALL

USER_LAST = [*ALL[1:], ALL[0]]

_PR_GET_DUMPABLE = 3
_PR_SET_DUMPABLE = 4
NS_GET_PARENT = 0x2000B702 if os.uname().machine.startswith(("ppc", "mips", "sparc")) else 0xB702


def refusal(*types: str, **arguments: t.Any) -> NamespaceError:
    with pytest.raises(NamespaceError) as caught, entered(unshare=types, **arguments):
        pass
    return caught.value


# ---- as root


@pytest.mark.parametrize("by", ["pid", "handles"])
@pytest.mark.parametrize("order", [ALL, USER_LAST], ids=["user owns all", "user owns nothing"])
def test_root_joins_all_types(order: list[str], by: str) -> None:
    with support.inhabited(*order) as inhabitant:
        handles = {name: f"/proc/{inhabitant}/ns/{name}" for name in ALL}
        existing: dict[str, t.Any] = {"pid": inhabitant} if by == "pid" else {"handles": handles}
        with entered(os.getuid, **existing) as (pid, seen):
            assert (identities(pid), seen) == (identities(inhabitant), 0)
            assert status_of(pid, "NSpid")[1:] == ["2"]


@pytest.mark.parametrize("by", ["pid", "handles"])
@pytest.mark.parametrize("name", ALL)
def test_root_joins_one_type(name: str, by: str) -> None:
    with support.inhabited(*ALL) as inhabitant:
        handle = {name: f"/proc/{inhabitant}/ns/{name}"}
        existing: dict[str, t.Any] = {"pid": inhabitant, "types": [name]} if by == "pid" else {"handles": handle}
        with entered(**existing) as (pid, _seen):
            found, theirs, ours = identities(pid), identities(inhabitant), identities(os.getpid())
    assert found == {**ours, name: theirs[name]}


@pytest.mark.parametrize(
    "order", [["user", "uts", "net"], ["uts", "net", "user"], ["uts", "user", "net"]], ids="-".join
)
@pytest.mark.parametrize(
    "types", [["uts"], ["uts", "net"], ["user", "uts"], ["user", "net", "uts"], ["user"]], ids="-".join
)
def test_root_joins_some_of_a_set(order: list[str], types: list[str]) -> None:
    with support.inhabited(*order) as inhabitant, entered(pid=inhabitant, types=types) as (pid, _seen):
        found, theirs, ours = identities(pid), identities(inhabitant), identities(os.getpid())
    assert found == {**ours, **{name: theirs[name] for name in types}}


def test_types_of_several_targets() -> None:
    """Handles may be of namespaces that never belonged together."""
    with support.inhabited("uts") as one, support.inhabited("net", "pid") as other:
        handles = {"uts": f"/proc/{one}/ns/uts", "net": f"/proc/{other}/ns/net", "pid": f"/proc/{other}/ns/pid"}
        with entered(handles=handles, unshare=["ipc", "mnt"]) as (pid, _seen):
            found, ours = identities(pid), identities(os.getpid())
            assert found["uts"] == support.identity(one, "uts")
            assert [found[name] for name in ("net", "pid")] == [
                support.identity(other, name) for name in ("net", "pid")
            ]
    assert {name for name in ALL if found[name] != ours[name]} == {"uts", "net", "pid", "ipc", "mnt"}


@pytest.mark.parametrize("name", ALL)
def test_one_joined_and_the_others_new(name: str) -> None:
    others = [other for other in ALL if other != name]
    options = (
        {"mount_proc": False} if name == "user" else {**AS_ROOT, **({} if name == "mnt" else {"mount_proc": False})}
    )
    with support.inhabited(name) as inhabitant, entered(
        pid=inhabitant, types=[name], unshare=others, options=options
    ) as (pid, _seen):
        found, theirs, ours = identities(pid), identities(inhabitant), identities(os.getpid())
    assert found[name] == theirs[name]
    assert all(found[other] not in (ours[other], theirs[other]) for other in others)


@pytest.mark.parametrize("name", ALL)
def test_one_new_and_the_others_joined(name: str) -> None:
    others = [other for other in ALL if other != name]
    with support.inhabited(*ALL) as inhabitant, entered(
        pid=inhabitant, types=others, unshare=[name], options=AS_ROOT if name == "user" else None
    ) as (pid, _seen):
        found, theirs, ours = identities(pid), identities(inhabitant), identities(os.getpid())
    assert found == {**theirs, name: found[name]}
    assert found[name] not in (ours[name], theirs[name])


def test_a_new_one_is_a_copy_of_the_one_that_was_joined() -> None:
    with support.inhabited("uts", prepare=lambda: uts.set_hostname("joined")) as inhabitant:
        with entered(lambda: os.uname().nodename, pid=inhabitant, unshare=["uts"]) as (pid, seen):
            assert seen == "joined"
            assert support.identity(pid, "uts") not in (
                support.identity(inhabitant, "uts"),
                support.own_identity("uts"),
            )
        options = {"hostname": "new"}
        with entered(lambda: os.uname().nodename, pid=inhabitant, unshare=["uts"], options=options) as (_pid, seen):
            assert seen == "new"
        with entered(lambda: os.uname().nodename, pid=inhabitant) as (_pid, seen):
            assert seen == "joined"


def test_a_user_namespace_in_one_that_was_joined() -> None:
    """Ids outside are those of the outer one; its 5 is our 1005."""
    options = {"uid_map": [{"inside": 0, "outside": 5, "count": 1}]}
    with contextlib.ExitStack() as stack:
        inhabitant = stack.enter_context(support.inhabited("user", id_map="0 1000 100\n"))
        inside = entered(os.getuid, pid=inhabitant, unshare=["user"], options=options)
        pid, seen = stack.enter_context(inside)
        fd = stack.enter_context(closing(os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)))
        parent = stack.enter_context(closing(fcntl.ioctl(fd, NS_GET_PARENT)))
        assert seen == 0
        assert status_of(pid, "Uid") == ["1005"] * 4
        assert nsfs.identity(parent) == support.identity(inhabitant, "user")


@pytest.mark.parametrize("id_map", ["", "5 0 1\n", "1 1000 100\n"])
def test_a_user_namespace_without_root_is_not_entered(id_map: str) -> None:
    """Whoever is in there would meet a process that has the ids of the task outside, root's perhaps."""
    with support.inhabited("user", id_map=id_map) as inhabitant:
        error = refusal(pid=inhabitant)
    assert str(error).startswith(
        "cannot enter the user namespace: its gid_map has no 0, so the command would go on with"
    )


def test_who_joins_a_user_namespace_stays_closed_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where fs.suid_dumpable is 1 the kernel opens him as he joins. That is a setting of the whole host: done here."""
    setns = process.setns

    def open_up(fd: int, flag: int) -> None:
        setns(fd, flag)
        if flag == nstypes.USER.flag:
            libc.prctl(_PR_SET_DUMPABLE, 1)

    def work(descriptors: t.Mapping[nstypes.NsType, int]) -> int:
        monkeypatch.setattr(process, "setns", open_up)
        join(Target(descriptors, {}))
        return libc.prctl(_PR_GET_DUMPABLE)

    with support.inhabited("user") as pid, closing(os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)) as fd:
        assert support.forked(lambda: work({nstypes.USER: fd})) == 0


def test_a_target_whose_init_has_ended() -> None:
    with support.inhabited("pid") as pid:
        kept = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
    with closing(kept):
        error = refusal(handles={"pid": f"/proc/self/fd/{kept}"})
    assert (error.code, "the pid namespace has lost its init" in error.cause) == (errno.ENOMEM, True)


def test_a_pid_namespace_that_is_not_below() -> None:
    def inside() -> NamespaceError:
        support.mount_over("proc", "/proc")
        return refusal(handles={"pid": f"/proc/self/fd/{kept}"})

    def work() -> NamespaceError:
        process.unshare(nstypes.PID.flag)
        return support.forked(inside)

    with support.inhabited("pid") as pid, closing(os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)) as kept:
        error = support.secluded(work)
    assert str(error).startswith("cannot join the pid namespace: EINVAL")
    assert "it is not below the namespace that the task runs in" in error.cause


# ---- without root


def test_an_ordinary_user_joins_what_it_owns() -> None:
    def work() -> tuple[int, tuple[int, int]]:
        with unprivileged_set(f"0 {support.ORDINARY} 1\n") as inhabitant:
            expected = support.identity(inhabitant, "uts").inode
            with entered(lambda: (os.stat("/proc/self/ns/uts").st_ino, os.getuid()), pid=inhabitant) as (_pid, seen):
                return expected, tuple(seen)

    expected, (joined, uid) = support.as_ordinary(work)
    assert joined == expected != support.own_identity("uts").inode
    assert uid == 0


@contextlib.contextmanager
def unprivileged_set(ids: str) -> t.Iterator[int]:
    """A user namespace and what it owns, made by somebody who may map nothing but the own uid."""
    with support.inhabited("user", "uts", "net", id_map=ids, deny_setgroups=True) as pid:
        yield pid


def test_an_ordinary_user_can_not_join_without_the_owner() -> None:
    def work() -> NamespaceError:
        with unprivileged_set(f"0 {support.ORDINARY} 1\n") as inhabitant:
            return refusal(pid=inhabitant, types=["uts"])

    error = support.as_ordinary(work)
    assert str(error).startswith("cannot join the uts namespace: EPERM")
    assert error.remedy == "run it as root, or enter its user namespace too"


# ---- every pair of types


@pytest.mark.parametrize(("joined", "new"), list(itertools.permutations(ALL, 2)))
def test_every_pair(joined: str, new: str) -> None:
    with support.inhabited(joined) as inhabitant, entered(
        pid=inhabitant, types=[joined], unshare=[new], options=AS_ROOT if new == "user" else None
    ) as (pid, _seen):
        found, theirs, ours = identities(pid), identities(inhabitant), identities(os.getpid())
    assert found == {**ours, joined: theirs[joined], new: found[new]}
    assert found[new] not in (ours[new], theirs[new])
