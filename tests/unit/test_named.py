# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_exec in sets of persistent namespaces: by name, in many at once, with the files of the set in /etc."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nsfs
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import named
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.handle import Handle, Pinned, look
from ansible_collections.linux.namespaces.plugins.modules import ns_exec
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.answer import Options, answer
from ansible_collections.linux.namespaces.tests.unit.support import at_handle, bring, read, write

in_own_run = pytest.mark.usefixtures("own_run")


def task(name: str | None, cmd: str, *, check: bool = False, **options: t.Any) -> Options:
    """What the module answers, in a process of its own that leaves nothing."""

    def work() -> Options:
        given = {"name": name, "cmd": cmd, **options}
        arguments = {option: value for option, value in given.items() if value is not None}
        result = answer(ns_exec.main, arguments, check=check)
        assert support.children() == set()
        assert "exception" not in result
        return result

    return support.forked(work)


def output(name: str, cmd: str, **options: t.Any) -> str:
    """What a command that succeeds writes."""
    result = task(name, cmd, **options)
    assert (result.get("rc"), result.get("stderr")) == (0, ""), result
    return str(result["stdout"])


def identities(name: str, kinds: t.Iterable[str]) -> dict[str, dict[str, int | None]]:
    """The namespaces of a set, asked of the kernel, as the module describes them."""
    return {kind: at_handle(kind, name)._asdict() for kind in kinds}


def links(*kinds: str) -> str:
    """A command that says in which namespaces it is."""
    return "readlink " + " ".join(f"/proc/self/ns/{kind}" for kind in kinds)


# ---- a set


@in_own_run
def test_in_a_set() -> None:
    """The command is in all namespaces of the set, and in those of the host otherwise."""
    kinds = ("net", "uts", "ipc", "mnt", "pid", "cgroup")
    bring("blue", types=kinds)
    result = task("blue", links("user", *kinds))
    expected = [f"{kind}:[{at_handle(kind, 'blue').inode}]" for kind in kinds]
    assert result["stdout"].splitlines() == [os.readlink("/proc/self/ns/user"), *expected]
    assert result["namespaces"] == identities("blue", kinds)
    assert result["changed"]


@in_own_run
def test_types_narrow() -> None:
    bring("blue", types=["net", "uts"])
    result = task("blue", links("net", "uts"), types=["net"], sysfs=False)
    assert result["stdout"].splitlines() == [
        f"net:[{at_handle('net', 'blue').inode}]",
        os.readlink("/proc/self/ns/uts"),
    ]
    assert result["namespaces"] == identities("blue", ["net"])
    lacking = task("blue", "true", types=["ipc"])
    assert lacking["failed"]
    assert "ipc" in lacking["msg"]


@in_own_run
def test_set_that_was_made_anew_is_not_the_one_that_is_expected() -> None:
    bring("blue", types=["uts"])
    expect = task("blue", "true")["namespaces"]
    assert task("blue", "true", expect=expect)["namespaces"] == expect
    bring("blue", recreate=True)
    result = task("blue", "true", expect=expect)
    assert result["failed"]
    assert "the target leads to by now is uts:" in result["msg"]


@in_own_run
def test_set_of_somebody_else() -> None:
    """What `ip netns add` makes is a set of one type."""
    Path("/run/netns").mkdir()
    with support.inhabited("net") as pid:
        write("/run/netns/blue", "")
        support.bind(f"/proc/{pid}/ns/net", "/run/netns/blue")
    assert output("blue", links("net")) == f"net:[{at_handle('net', 'blue').inode}]"


@in_own_run
def test_set_that_is_missing(tmp_path: Path) -> None:
    """An error, and in check mode skipped: the task before may have made it only in the real run."""
    bring("green", types=["net"])
    result = task("blue", f"touch {tmp_path}/ran")
    assert result["failed"]
    assert "no such set" in result["msg"]
    assert "blue" in result["msg"]
    assert "ns_persistent" in result["msg"]
    assert "rc" not in result
    checked = task("blue", f"touch {tmp_path}/ran", check=True)
    assert checked["skipped"]
    assert not checked["changed"]
    assert "blue" in checked["msg"]
    assert os.listdir(tmp_path) == []


@in_own_run
@pytest.mark.parametrize("types", [None, ["net"]])
def test_set_that_lost_a_namespace(tmp_path: Path, types: list[str] | None) -> None:
    """The command would be on the host for that type: nothing is run."""
    bring("blue", types=["net", "uts"])
    support.unmount("/run/utsns/blue")
    for check in (True, False):
        result = task("blue", f"touch {tmp_path}/ran", types=types, check=check)
        assert result["failed"]
        assert "/run/utsns/blue" in result["msg"]
        assert "ns_persistent" in result["msg"]
        assert "rc" not in result
    assert os.listdir(tmp_path) == []
    bring("blue")
    assert output("blue", links("uts")) == f"uts:[{at_handle('uts', 'blue').inode}]"


@in_own_run
def test_set_that_lost_a_handle(tmp_path: Path) -> None:
    """As ip netns del leaves it. What is named is all that is asked for."""
    bring("blue", "green", types=["net", "uts"])
    support.unmount("/run/netns/blue")
    os.unlink("/run/netns/blue")
    for check in (True, False):
        result = task("blue", f"touch {tmp_path}/ran", check=check)
        assert result["failed"]
        assert (
            "cannot enter the set blue: it has lost its net namespace: nothing is at /run/netns/blue" in result["msg"]
        )
        assert "ns_persistent" in result["msg"]
        assert "rc" not in result
    assert os.listdir(tmp_path) == []
    assert output("blue", links("uts"), types=["uts"]) == f"uts:[{at_handle('uts', 'blue').inode}]"
    several = task("*", links("net"))
    assert [run["rc"] for run in several["runs"]] == [None, 0]
    assert "it has lost its net namespace" in several["runs"][0]["msg"]
    bring("blue")
    assert output("blue", links("net")) == f"net:[{at_handle('net', 'blue').inode}]"


@in_own_run
def test_set_that_lost_all_handles() -> None:
    bring("blue", types=["uts"])
    support.unmount("/run/utsns/blue")
    os.unlink("/run/utsns/blue")
    for check in (True, False):
        for name in ("blue", "blu[e]"):
            result = task(name, "true", check=check)
            assert result["failed"]
            assert "it has lost its uts namespace" in result["msg"]
    bring("blue", present=False)
    assert "there is no such set" in task("blue", "true")["msg"]
    assert task("blu[e]", "true")["skipped"]


@in_own_run
@pytest.mark.parametrize("made", [True, False])
def test_set_that_is_made_or_removed_meanwhile(made: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first of its handles was looked at, and before the second was: that one alone is not the set."""
    bring("blue", types=["net", "uts"])
    support.unmount("/run/netns/blue")
    os.unlink("/run/netns/blue")
    link = Path("/run/linux-namespaces/net:blue")
    if made:
        link.unlink()

    def then(handle: Handle, directory: int) -> Pinned | None:
        if handle.kind.name == "uts":
            link.symlink_to("/run/netns/blue") if made else link.unlink()
        return look(handle, directory)

    monkeypatch.setattr(named, "look", then)
    assert "it has lost its net namespace" in task("blue", "true")["msg"]


@in_own_run
@pytest.mark.parametrize("types", [["uts"], ["net", "uts"]])
def test_set_that_is_replaced_meanwhile(types: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the opening of one of its handles and that of another; or by one that has more types."""
    bring("blue", types=types)
    real = nsfs.open_handle

    def then(path: str) -> int:
        monkeypatch.undo()
        fd = real(path)
        bring("blue", present=False, when_busy="detach")
        bring("blue", types=["net", "uts"])
        return fd

    monkeypatch.setattr(nsfs, "open_handle", then)
    assert "cannot enter the set blue: somebody removed or replaced it meanwhile" in task("blue", "true")["msg"]


@in_own_run
def test_memory_in_another_mount_namespace() -> None:
    """That of PID 1 counts, as its handles do."""
    bring("blue", types=["net", "uts"])
    support.unmount("/run/netns/blue")
    os.unlink("/run/netns/blue")

    def work() -> None:
        support.mount_over("tmpfs", "/run")
        assert "it has lost its net namespace" in task("blue", "true")["msg"]

    support.secluded(work)


@in_own_run
@pytest.mark.parametrize("kind", ["directory", "symlink", "fifo", "plain file"])
def test_something_else_at_a_handle(tmp_path: Path, kind: str) -> None:
    bring("green", types=["uts"])
    support.wrong_file(kind, Path("/run/utsns/blue"))
    result = task("blue", f"touch {tmp_path}/ran")
    assert result["failed"]
    assert "/run/utsns/blue" in result["msg"]
    assert os.listdir(tmp_path) == []


@in_own_run
@pytest.mark.parametrize(
    "name", ["", ".", "..", ".blue", "-blue", "a/b", "/run/netns/blue", "a b", "blue\n", "True", "bl\u00fce", "x" * 201]
)
def test_bad_name(tmp_path: Path, name: str) -> None:
    for check in (True, False):
        result = task(name, f"touch {tmp_path}/ran", check=check)
        assert result["failed"]
        assert "option name" in result["msg"]
        assert "\n" not in result["msg"]
    assert os.listdir(tmp_path) == []


@in_own_run
def test_name_is_the_only_target() -> None:
    bring("blue", types=["net"])
    assert "mutually exclusive" in task("blue", "true", pid=1)["msg"]
    assert "mutually exclusive" in task("blue", "true", handles={"net": "/run/netns/blue"})["msg"]


@in_own_run
def test_connection_in_another_mount_namespace() -> None:
    """Sets are those that PID 1 sees."""
    bring("blue", types=["uts"])
    inode = at_handle("uts", "blue").inode

    def work() -> None:
        support.mount_over("tmpfs", "/run")
        assert output("blue", links("uts")) == f"uts:[{inode}]"
        assert output("bl*", links("uts")) == f"blue | uts:[{inode}]"

    support.secluded(work)


# ---- its cgroup


@in_own_run
@pytest.mark.parametrize(("types", "inside"), [(["cgroup"], True), (["cgroup", "net"], True), (["net"], False)])
def test_cgroup(types: list[str], inside: bool) -> None:
    """The command is where the cgroup namespace begins; without one it stays where the task is."""
    if not any(line.startswith("0::") for line in read("/proc/self/cgroup").splitlines()):
        pytest.skip("needs cgroups of version 2: boot with systemd.unified_cgroup_hierarchy=1")
    bring("blue", types=types)
    shown = next(line for line in output("blue", "cat /proc/self/cgroup").splitlines() if line.startswith("0::"))
    ours = next(line for line in read("/proc/self/cgroup").splitlines() if line.startswith("0::"))
    assert shown == ("0::/" if inside else ours)


# ---- many sets


def test_patterns() -> None:
    assert [name for name in ("blue", "*", "a?", "[ab]", "a.b-c@d+e_f") if named.is_pattern(name)] == [
        "*",
        "a?",
        "[ab]",
    ]


@in_own_run
def test_matching() -> None:
    """Each set once, in order, whatever types it has."""
    bring("tenant-b", types=["net", "uts"])
    bring("tenant-a", types=["ipc"])
    bring("Tenant-c", "other", types=["uts"])
    expected = {
        "tenant-*": ["tenant-a", "tenant-b"],
        "*": ["Tenant-c", "other", "tenant-a", "tenant-b"],
        "tenant-[!a]": ["tenant-b"],
        "?ther": ["other"],
        "other*": ["other"],
        "tenant": [],
        "x*": [],
    }

    def work() -> dict[str, list[str]]:
        with support.own_procfs() as proc:
            return {pattern: named.matching(proc, pattern) for pattern in expected}

    assert support.forked(work) == expected


@in_own_run
def test_in_several_sets() -> None:
    bring("tenant-a", "tenant-b", "other", types=["net", "uts"])
    result = task("tenant-*", f"sh -c '{links('net')}; {links('uts')}; echo problem >&2'", sysfs=False)
    names = ["tenant-a", "tenant-b"]
    lines = {name: [f"{kind}:[{at_handle(kind, name).inode}]" for kind in ("net", "uts")] for name in names}
    assert [run["name"] for run in result["runs"]] == names
    for run in result["runs"]:
        assert (run["rc"], run["stdout"], run["stderr"]) == (0, "\n".join(lines[run["name"]]), "problem")
        assert run["namespaces"] == identities(run["name"], ["net", "uts"])
    assert result["stdout"].splitlines() == [f"{name} | {line}" for name in names for line in lines[name]]
    assert result["stderr"].splitlines() == [f"{name} | problem" for name in names]
    assert (result["rc"], result["changed"], result.get("failed", False)) == (0, True, False)


@in_own_run
def test_one_of_several_fails(tmp_path: Path) -> None:
    """The others are run in; the worst code is that of the task."""
    for name, hostname in (("a", "0"), ("b", "3"), ("c", "2")):
        bring(name, types=["uts"], hostname=hostname)
    result = task("[abc]", f"sh -c 'touch {tmp_path}/$(hostname); exit $(hostname)'")
    assert result["failed"]
    assert [run["rc"] for run in result["runs"]] == [0, 3, 2]
    assert result["rc"] == 3
    assert result["changed"]
    assert "2 of 3 sets: b: " in result["msg"]
    assert sorted(os.listdir(tmp_path)) == ["0", "2", "3"]


@in_own_run
def test_one_of_several_cannot_be_entered(tmp_path: Path) -> None:
    bring("a", "b", "c", types=["uts"])
    support.unmount("/run/utsns/b")
    result = task("*", f"sh -c 'echo x >> {tmp_path}/ran; echo done'")
    assert result["failed"]
    assert [run["rc"] for run in result["runs"]] == [0, None, 0]
    assert "/run/utsns/b" in result["runs"][1]["msg"]
    assert "1 of 3 sets: b: " in result["msg"]
    assert "/run/utsns/b" in result["msg"]
    assert result["stdout"] == "a | done\nc | done"
    assert read(tmp_path / "ran") == "x\n" * 2


@in_own_run
def test_command_killed_in_one_of_several() -> None:
    """A signal is worse than any code below it."""
    for name in ("a", "b"):
        bring(name, types=["uts"], hostname=name)
    result = task("?", "sh -c 'test $(hostname) = a && kill -9 $$; exit 1'")
    assert [run["rc"] for run in result["runs"]] == [-9, 1]
    assert result["rc"] == -9


@in_own_run
def test_output_as_it_is() -> None:
    """Only a newline ends a line."""
    bring("a", "b", types=["uts"])
    result = task("?", r"printf '1\f2\r3\n4\n'")
    assert result["stdout"] == "a | 1\f2\r3\na | 4\nb | 1\f2\r3\nb | 4"


@in_own_run
def test_nothing_matches() -> None:
    bring("blue", types=["uts"])
    for check in (True, False):
        result = task("tenant-*", "true", check=check)
        assert result["skipped"]
        assert result["runs"] == []
        assert not result.get("changed")
        assert "tenant-*" in result["msg"]


@in_own_run
def test_check_mode_in_several(tmp_path: Path) -> None:
    bring("a", "b", types=["uts"])
    result = task("*", f"touch {tmp_path}/ran", check=True)
    assert result["skipped"]
    assert [run["name"] for run in result["runs"]] == ["a", "b"]
    assert not result["changed"]
    foreseen = task("*", f"touch {tmp_path}/ran", check=True, creates=f"{tmp_path}/ran")
    assert foreseen["changed"]
    assert not foreseen.get("skipped")
    assert os.listdir(tmp_path) == []


# ---- the files of a set in /etc


def with_etc(work: t.Callable[[], None]) -> None:
    """Do the work where /etc is our own, with a set that has files for it."""

    def equipped() -> None:
        support.mount_over("tmpfs", "/etc")
        os.makedirs("/etc/netns/blue")
        os.makedirs("/run/resolver")
        write("/run/resolver/resolv.conf", "of the host")
        os.symlink("../run/resolver/resolv.conf", "/etc/resolv.conf")
        write("/etc/hosts", "of the host")
        write("/etc/other", "of the host")
        for name in ("resolv.conf", "hosts"):
            write(f"/etc/netns/blue/{name}", f"{name} of blue")
        bring("blue", "green", types=["net", "uts"])
        work()

    support.in_own_world(equipped, "mnt", "pid")


SHOW = "cat /etc/resolv.conf /run/resolver/resolv.conf /etc/hosts /etc/other"
SHOWN = "resolv.conf of blueresolv.conf of bluehosts of blueof the host"


def test_etc_overlay() -> None:
    """They are where a link leads too; only the command sees them, and only where it is asked for."""

    def work() -> None:
        before = read("/proc/self/mountinfo")
        result = task("blue", SHOW, etc_overlay=True)
        assert result["stdout"] == SHOWN
        assert "warnings" not in result
        assert result["namespaces"]["net"] == at_handle("net", "blue")._asdict()
        assert output("blue", SHOW) == "of the host" * 4
        assert output("green", SHOW, etc_overlay=True) == "of the host" * 4
        assert output("blue", SHOW, etc_overlay=True, types=["uts"]) == SHOWN
        assert read("/proc/self/mountinfo") == before
        assert read("/etc/hosts") == "of the host"

    with_etc(work)


def test_etc_overlay_of_a_folder_and_of_a_link() -> None:
    def work() -> None:
        os.mkdir("/etc/folder")
        os.mkdir("/etc/netns/blue/folder")
        write("/etc/netns/blue/folder/file", "in the folder")
        write("/run/elsewhere", "at the end of a link")
        os.unlink("/etc/netns/blue/hosts")
        os.symlink("/run/elsewhere", "/etc/netns/blue/hosts")
        assert (
            output("blue", "cat /etc/folder/file /etc/hosts", etc_overlay=True) == "in the folderat the end of a link"
        )

    with_etc(work)


@pytest.mark.parametrize("place", ["nothing", "a link to nowhere"])
def test_etc_overlay_without_a_place(place: str) -> None:
    """A warning names the file; the others are shown, and nothing is made on the host."""

    def work() -> None:
        if place == "a link to nowhere":
            os.symlink("/run/nowhere", "/etc/new.conf")
        write("/etc/netns/blue/new.conf", "new")
        listed = sorted(os.listdir("/etc"))
        result = task("blue", SHOW, etc_overlay=True)
        assert result["stdout"] == SHOWN
        assert len(result["warnings"]) == 1
        assert "/etc/new.conf" in str(result["warnings"])
        assert sorted(os.listdir("/etc")) == listed
        assert not os.path.lexists("/run/nowhere")

    with_etc(work)


def test_etc_overlay_in_new_mounts() -> None:
    """The command's own new mount namespace has them as well."""

    def work() -> None:
        mounts = [{"path": "/mnt", "fstype": "tmpfs"}]
        assert output("blue", SHOW, etc_overlay=True, unshare=["mnt"], mounts=mounts) == SHOWN

    with_etc(work)


def test_etc_overlay_that_is_refused() -> None:
    def work() -> None:
        bring("red", types=["net", "mnt"])
        os.makedirs("/etc/netns/red")
        write("/etc/netns/red/hosts", "hosts of red")
        result = task("red", "touch /run/ran", etc_overlay=True)
        assert result["failed"]
        assert "option etc_overlay" in result["msg"]
        assert not os.path.exists("/run/ran")
        assert output("red", "cat /etc/hosts", etc_overlay=True, types=["net"]) == "hosts of red"
        several = task("*", "cat /etc/hosts", etc_overlay=True)
        assert [run["rc"] for run in several["runs"]] == [0, 0, None]
        assert several["stdout"] == "blue | hosts of blue\ngreen | of the host"

    with_etc(work)


def test_etc_overlay_without_a_set() -> None:
    with support.inhabited("net") as pid:
        result = task(None, "true", etc_overlay=True, pid=pid)
        assert result["failed"]
        assert "option etc_overlay" in result["msg"]
