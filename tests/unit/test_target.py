# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be entered: judged by asking the kernel, and held open from then on."""

from __future__ import annotations

import os
import re
import threading
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import descriptor, nsfs, nstypes, process, procfs
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import host, target
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support

Found = t.Dict[str, nsfs.Identity]


def entered_by(
    pid: t.Any = None,
    handles: t.Mapping[str, str | None] | None = None,
    types: t.Sequence[str] | None = None,
    expect: target.Expected | None = None,
) -> Found:
    """The identities of a target; that its descriptors are of the same namespaces is asked of the kernel."""
    with support.own_procfs() as proc, target.of(proc, pid, handles, types, expect) as found:
        for kind, fd in found.descriptors.items():
            assert nsfs.identity(fd) == found.identities[kind]
            assert nsfs.type_of(fd) is kind
            assert not os.get_inheritable(fd)
        assert list(found.descriptors) == list(found.identities)
        return {kind.name: identity for kind, identity in found.identities.items()}


def refusal(**arguments: t.Any) -> str:
    with pytest.raises(NamespaceError) as caught:
        entered_by(**arguments)
    return str(caught.value)


# ---- a process


def test_no_target() -> None:
    assert entered_by() == {}


def test_by_default_the_types_that_differ() -> None:
    with support.inhabited("uts", "net") as pid:
        assert entered_by(pid) == {name: support.identity(pid, name) for name in ("uts", "net")}


def test_all_types() -> None:
    with support.inhabited("user", "mnt", "uts", "ipc", "net", "cgroup", "time", "pid") as pid:
        assert entered_by(str(pid)) == {name: support.identity(pid, name) for name in support.TYPE_NAMES}


@pytest.mark.parametrize("name", support.TYPE_NAMES)
def test_narrowed_to_a_type(name: str) -> None:
    with support.inhabited(*support.TYPE_NAMES) as pid:
        assert entered_by(pid, types=[name]) == {name: support.identity(pid, name)}


def test_a_named_type_that_is_shared_with_us() -> None:
    with support.inhabited("uts") as pid:
        text = refusal(pid=pid, types=["uts", "net", "ipc"])
    assert text.startswith(
        f"cannot enter the namespaces of process {pid}: its ipc, net is the one that the task itself"
    )


def test_a_process_that_shares_all() -> None:
    assert "nothing is left to enter" in refusal(pid=os.getpid())


def test_no_type_at_all() -> None:
    with support.inhabited("uts") as pid:
        assert "nothing is left to enter" in refusal(pid=pid, types=[])
        assert "nothing is left to enter" in refusal(handles={"uts": f"/proc/{pid}/ns/uts"}, types=[])
    assert "nothing is left to enter" in refusal(handles={})
    assert "nothing is left to enter" in refusal(handles={"uts": None})


@pytest.mark.parametrize("name", ["mount", "NET", ""])
def test_an_unknown_type(name: str) -> None:
    with support.inhabited("uts") as pid:
        assert refusal(pid=pid, types=["uts", name]).startswith(f"cannot use the option types as given: {name!r} is no")


@pytest.mark.parametrize("pid", [0, "0", 4194305, 3000000000, 4294967297, "1_0", True, "self", "-1", 1.0, float("nan")])
def test_no_pid(pid: t.Any) -> None:
    assert re.fullmatch(r"cannot use the option pid as given: '?(\S+) is no .*", refusal(pid=pid))


def test_a_process_that_is_gone() -> None:
    with support.inhabited("uts") as pid:
        pass
    assert refusal(pid=pid).startswith(
        f"cannot enter the namespaces of process {pid}: ESRCH (No such process): there is no"
    )


def test_a_process_that_has_ended() -> None:
    with support.zombie() as pid:
        for types in (None, ["net"]):
            assert "ended while it was looked at" in refusal(pid=pid, types=types)


def test_a_process_whose_first_thread_has_ended() -> None:
    """Of the rest of its namespaces the task would be on the host."""
    with support.headless() as pid:
        for types in (None, ["uts"]):
            assert "namespace any more: it ends, or its first thread has" in refusal(pid=pid, types=types)


def test_a_thread() -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert "it is a thread and no process" in refusal(pid=thread.native_id)
    finally:
        end.set()
        thread.join()


def test_a_thread_of_the_kernel(tmp_path: Path) -> None:
    """None is seen from inside a pid namespace, so procfs is a folder here that says so of this process."""
    (tmp_path / str(os.getpid())).mkdir()
    line = f"{os.getpid()} (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 4 0 0 20 0 1 0 6 0"
    (tmp_path / str(os.getpid()) / "stat").write_text(line)
    with descriptor.closing(os.open(tmp_path, os.O_RDONLY)) as fake, pytest.raises(
        NamespaceError, match=f"option pid as given: process {os.getpid()} is a thread of the kernel"
    ), target.of(fake, os.getpid(), None, None):
        pass


def test_a_process_of_somebody_else() -> None:
    def work() -> str:
        support.become_ordinary()
        return refusal(pid=os.getppid())

    assert "EACCES (Permission denied): the task may not look at that process" in support.forked(work)


def test_a_target_survives_its_process() -> None:
    """What was judged is held: the namespace cannot become another one."""
    with support.own_procfs() as proc:
        with support.inhabited("uts") as pid:
            expected = support.identity(pid, "uts")
            context = target.of(proc, pid, None, None)
            found = context.__enter__()
        assert nsfs.identity(found.descriptors[nstypes.UTS]) == expected
        context.__exit__(None, None, None)


# ---- handles


def test_handles() -> None:
    with support.inhabited("uts", "net", "pid") as pid:
        handles = {name: f"/proc/{pid}/ns/{name}" for name in ("uts", "pid", "net")}
        expected = {name: support.identity(pid, name) for name in handles}
        assert entered_by(handles={**handles, "mnt": None}) == expected
        assert entered_by(handles=handles, types=["net"]) == {"net": expected["net"]}
        text = refusal(handles=handles, types=["net", "mnt"])
    assert text == "cannot use the option types as given: handles names no mnt namespace"


def test_a_handle_of_another_type() -> None:
    with support.inhabited("uts") as pid:
        path = f"/proc/{pid}/ns/uts"
        wrong = refusal(handles={"net": path})
    assert wrong.startswith(f"cannot use the option handles.net as given: {path} is a namespace of type uts")
    assert "there is nothing at that path" in refusal(handles={"net": path})


OF_WRONG_FILES = {
    "directory": "it is a directory and no namespace",
    "symlink": "it is a symbolic link",
    "dangling symlink": "it is a symbolic link",
    "nothing": "there is nothing at that path",
}


@pytest.mark.parametrize("kind", support.WRONG_FILES)
def test_what_is_no_handle(tmp_path: Path, kind: str) -> None:
    path = support.wrong_file(kind, tmp_path / "handle")
    text = support.forked(lambda: refusal(handles={"net": str(path)}), seconds=5)
    assert text.startswith(f"cannot open the net handle {path}: ")
    assert OF_WRONG_FILES.get(kind, "it is no namespace; a handle whose mount is gone is a plain file") in text


@pytest.mark.parametrize("name", support.TYPE_NAMES)
def test_a_handle_of_a_namespace_that_we_are_in(name: str) -> None:
    text = refusal(handles={name: f"/proc/self/ns/{name}"})
    assert f"its {name} is the one that the task itself runs in, so the work would be done on the host" in text


def test_what_we_are_in() -> None:
    with support.own_procfs() as proc:
        found = procfs.namespaces(proc, os.getpid())
    assert list(found) == list(nstypes.ALL)
    assert found == {kind: support.own_identity(kind.name) for kind in nstypes.ALL}


def test_nothing_stays_open() -> None:
    """A hundred times, with two errors in between."""
    before = len(os.listdir("/proc/self/fd"))
    with support.inhabited("uts") as pid:
        for _round in range(100):
            entered_by(pid)
            refusal(handles={"uts": f"/proc/{pid}/ns/uts", "net": "/nowhere"})
            refusal(handles={"uts": f"/proc/{pid}/ns/uts", "net": "/proc/self/ns/net"})
    assert len(os.listdir("/proc/self/fd")) == before


# ---- which namespaces are expected there


def test_those_that_are_expected() -> None:
    with support.inhabited("uts", "net") as pid:
        uts = support.identity(pid, "uts")
        for wanted in (uts._asdict(), {"inode": str(uts.inode), "id": None}):
            expect = {"uts": wanted, "net": None}
            assert entered_by(pid, expect=expect)["uts"] == uts
            assert entered_by(handles={"uts": f"/proc/{pid}/ns/uts"}, expect=expect) == {"uts": uts}


@pytest.mark.parametrize("way", ["pid", "handles"])
def test_another_one_than_expected(way: str) -> None:
    with support.inhabited("uts", "net") as pid:
        arguments = {"pid": pid} if way == "pid" else {"handles": {"uts": f"/proc/{pid}/ns/uts"}}
        actual = support.identity(pid, "uts")
        text = refusal(**arguments, expect={"uts": {"inode": actual.inode + 1, "id": actual.id}})
    assert text.startswith(f"cannot enter uts:[{actual.inode + 1}]")
    assert f"what the target leads to by now is uts:[{actual.inode}]" in text


@support.needs_ids
def test_an_inode_that_is_that_of_another_one_by_now() -> None:
    with support.inhabited("uts") as pid:
        inode, number = support.identity(pid, "uts")
        assert number is not None
        text = refusal(pid=pid, expect={"uts": {"inode": inode, "id": number + 1}})
    assert f"by now is uts:[{inode}] with the id {number}" in text


def test_an_expected_one_that_is_not_entered() -> None:
    with support.inhabited("uts", "net") as pid:
        expect = {name: {**support.identity(pid, name)._asdict()} for name in ("net", "ipc")}
        for types in (["uts"], None):
            assert "leads to no" in refusal(pid=pid, types=types, expect=expect)
        own = {"ipc": {**support.own_identity("ipc")._asdict()}}
        assert "leads to no ipc namespace but the one that the task itself" in refusal(pid=pid, expect=own)


@pytest.mark.parametrize("number", ["net:[1]", "1_0", True, -1, "9" * 21])
@pytest.mark.parametrize("key", ["inode", "id"])
def test_no_number_to_expect(key: str, number: t.Any) -> None:
    wanted = {"inode": 1, "id": None, key: number}
    assert refusal(handles={"uts": "/nowhere"}, expect={"uts": wanted}).startswith(
        f"cannot use the option expect.uts.{key} as given"
    )


# ---- the procfs that is asked


def test_no_procfs() -> None:
    def work() -> None:
        support.mount_over("tmpfs", "/proc")
        host.open_proc()

    with pytest.raises(NamespaceError, match=r"through /proc: (ENOTSUP|EOPNOTSUPP) .*is no procfs; mount one"):
        support.secluded(work)


def test_the_procfs_of_another_pid_namespace() -> None:
    def work() -> None:
        process.unshare(nstypes.PID.flag)
        support.forked(host.open_proc)

    with pytest.raises(NamespaceError, match=r"ESTALE.*another pid namespace than the task's; mount a fresh one"):
        support.forked(work)
