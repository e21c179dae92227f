# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command in namespaces: which ones they were, and what came back of it."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nsfs, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import command, target
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.credentials import Credentials
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.definition import NOTHING_NEW
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.support import arguments_of, every_shape

# ---- where it is


def test_the_namespaces_that_are_returned_are_those_of_the_command() -> None:
    script = "for name in user mnt uts ipc net cgroup time pid; do stat -L -c %i /proc/self/ns/$name; done"
    with support.inhabited("ipc") as pid:
        result = support.run("sh", "-c", script, pid=pid, unshare=["uts", "pid", "mnt", "time"])
    seen = dict(zip(support.TYPE_NAMES, map(int, result.stdout.split())))
    assert len(seen) == 8
    assert {kind.name for kind in result.namespaces} == {"ipc", "uts", "pid", "mnt", "time"}
    for name, inode in seen.items():
        found = result.namespaces.get(nstypes.BY_NAME[name])
        assert inode == (found or support.own_identity(name)).inode


def test_a_fresh_sysfs_takes_a_mount_namespace() -> None:
    script = "ls /sys/class/net; stat -L -c %i /proc/self/ns/mnt"
    result = support.run("sh", "-c", script, unshare=["net"])
    assert result.stdout.split() == [b"lo", b"%d" % result.namespaces[nstypes.MNT].inode]
    with support.inhabited("net") as pid:
        result = support.run("sh", "-c", script, pid=pid, types=["net"])
        assert result.stdout.split() == [b"lo", b"%d" % result.namespaces[nstypes.MNT].inode]
        plain = support.run("sh", "-c", script, pid=pid, types=["net"], sysfs=False)
    assert [kind.name for kind in plain.namespaces] == ["net"]
    assert int(plain.stdout.split()[-1]) == support.own_identity("mnt").inode


def test_a_mount_namespace_that_is_entered_is_left_as_it_is() -> None:
    with support.inhabited("net", "mnt") as pid:
        before = Path(f"/proc/{pid}/mountinfo").read_text()
        result = support.run("cat", "/proc/self/mountinfo", pid=pid)
        assert result.stdout.decode() == before
        assert result.namespaces[nstypes.MNT] == support.identity(pid, "mnt")


@pytest.mark.parametrize("identity", [nsfs.Identity(1, 1), None], ids=["another one", "our own"])
def test_a_child_that_is_elsewhere_runs_nothing(tmp_path: Path, identity: nsfs.Identity | None) -> None:
    """Whatever a target says, what the kernel says of the child counts."""
    path = "/proc/self/ns/uts"
    what = support.described("touch", str(tmp_path / "ran"))
    with support.own_procfs() as proc, support.inhabited("uts") as pid, closing(
        os.open(f"/proc/{pid}/ns/uts" if identity else path, os.O_RDONLY)
    ) as fd:
        existing = target.Target({nstypes.UTS: fd}, {nstypes.UTS: identity or support.own_identity("uts")})
        with pytest.raises(NamespaceError, match="the kernel says that the child is elsewhere"):
            command.run(proc, what, existing, NOTHING_NEW)
    assert not (tmp_path / "ran").exists()


def test_nothing_to_enter() -> None:
    assert "so it would run on the host" in str(support.refusal("true", unshare=[]))


def test_other_rights_in_a_pid_namespace_of_somebody_else() -> None:
    """Without its mount namespace such a process has the files of the host and can be reached from inside."""
    with support.inhabited("pid", "mnt") as pid:
        for wanted in (Credentials(user="1000", group="1000"), Credentials(capabilities=frozenset())):
            error = support.refusal("true", unshare=[], pid=pid, types=["pid"], credentials=wanted)
            assert "enter mnt too, or leave pid out of types" in str(error)
            assert support.run("true", pid=pid, credentials=wanted).code == 0


def test_contradictions() -> None:
    assert str(support.refusal("true", init=True)).startswith("cannot use the option init as given")
    for propagation in ("shared", "unchanged"):
        error = support.refusal("true", unshare=["mnt"], options={"propagation": propagation}, root="/")
        assert str(error).startswith("cannot use the option root as given")


# ---- what comes back


@pytest.mark.parametrize("size", [0, 1, 65536, 3_000_000])
def test_stdin(size: int) -> None:
    content = os.urandom(size)
    result = support.run("cat", **support.UTS, stdin=content, max_output=1 << 30)
    assert (result.code, result.stdout == content, result.cut) == (0, True, ())


def test_stdin_that_nobody_reads() -> None:
    for script in ("exit 3", "exec <&-; sleep 0.05; exit 3", "read line; exit 3"):
        assert support.run("sh", "-c", script, **support.UTS, stdin=b"line\n" * 1_000_000).code == 3


def test_the_streams_are_two() -> None:
    result = support.run("sh", "-c", "echo out; echo err >&2", **support.UTS)
    assert (result.stdout, result.stderr) == (b"out\n", b"err\n")


@pytest.mark.parametrize("content", [bytes(range(256)), b"\xff\xfe\0", b"\r\n\0\n"], ids=ascii)
def test_bytes(content: bytes) -> None:
    assert support.run("cat", **support.UTS, stdin=content).stdout == content


@pytest.mark.parametrize(("limit", "cut"), [(0, ("stdout",)), (9, ("stdout",)), (10, ()), (11, ())])
def test_output_is_cut(limit: int, cut: tuple[str, ...]) -> None:
    result = support.run("sh", "-c", "printf 0123456789", **support.UTS, max_output=limit)
    assert (result.stdout, result.cut, result.code) == (b"0123456789"[:limit], cut, 0)


def test_much_output_in_bounded_memory() -> None:
    """A hundred megabytes on each stream, of which one is kept."""

    def work() -> tuple[int, command.Result]:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result = support.run("sh", "-c", "head -c 100000000 /dev/zero; head -c 100000000 /dev/zero >&2", **support.UTS)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, result

    grown, result = support.forked(work)
    assert (result.code, result.cut, len(result.stdout), len(result.stderr)) == (
        0,
        ("stdout", "stderr"),
        1 << 20,
        1 << 20,
    )
    assert grown < 16_000  # kibibytes


@every_shape
def test_a_pipe_that_the_command_enlarged(shape: str) -> None:
    """What it wrote at last counts, more than a pipe holds by default."""
    script = "import fcntl, os; fcntl.fcntl(1, 1031, 1 << 20); os.write(1, b'x' * (1 << 20)); os._exit(0)"
    with arguments_of(shape) as arguments:
        for _round in range(5):
            assert len(support.run(*support.python(script), **arguments).stdout) == 1 << 20


def test_the_standard_streams_of_the_task_are_closed() -> None:
    def work() -> tuple[command.Result, command.Result]:
        for number in range(3):
            os.close(number)
        process.open_standard_streams()
        first = support.run("cat", **support.UTS, stdin=b"in")
        with support.inhabited("uts", "net") as pid:
            return first, support.run("sh", "-c", "echo out; echo err >&2", pid=pid)

    first, second = support.forked(work)
    assert (first.code, first.stdout, first.stderr) == (0, b"in", b"")
    assert (second.code, second.stdout, second.stderr) == (0, b"out\n", b"err\n")
