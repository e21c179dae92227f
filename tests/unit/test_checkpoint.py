# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checkpoint: a child goes on when its parent lets it, and only then, whatever becomes of the two."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import select
import signal
import sys
import time
import typing as t
from pathlib import Path
from unittest import mock

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process, procfs
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import checkpoint
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.checkpoint import Child, DeadlineError, Gate
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support

Work = t.Callable[[Gate], None]


@contextlib.contextmanager
def spawned(work: Work) -> t.Iterator[Child]:
    def then_end(gate: Gate) -> t.NoReturn:
        work(gate)
        os._exit(0)

    with support.own_procfs() as proc, checkpoint.spawn(then_end, proc) as child:
        yield child


def soon() -> float:
    return time.monotonic() + support.PATIENCE


def is_quiet(fd: int, seconds: float) -> bool:
    return not select.select([fd], [], [], seconds)[0]


def read_all(fd: int) -> bytes:
    """What comes until nobody can write any more."""
    found = b""
    while True:
        assert not is_quiet(fd, support.PATIENCE)
        chunk = os.read(fd, 4096)
        if not chunk:
            return found
        found += chunk


# ---- how far a child got when it waits


def at_once(gate: Gate) -> None:
    gate.report(ready=gate.pid())


def after_a_move(gate: Gate) -> None:
    process.unshare(nstypes.PID.flag)
    gate.move()
    gate.report(ready=gate.pid())


def after_two_moves(gate: Gate) -> None:
    process.unshare(nstypes.TIME.flag)
    gate.move()
    process.unshare(nstypes.PID.flag)
    gate.move()
    gate.report(ready=gate.pid())


def map_root(pid: int) -> None:
    support.write(f"/proc/{pid}/uid_map", "0 0 1\n")


def after_a_user_namespace(gate: Gate) -> None:
    """It has other credentials now, and with them the kernel forgets the signal for its parent's end."""
    gate.move(nstypes.USER.flag, map_root)
    os.setresuid(0, 0, 0)
    gate.report(ready=gate.pid())


every_way = pytest.mark.parametrize("way", [at_once, after_a_move, after_two_moves, after_a_user_namespace])


# ---- the go byte


@every_way
def test_the_child_waits_for_a_slow_parent(way: Work) -> None:
    reader, writer = os.pipe()

    def work(gate: Gate) -> None:
        way(gate)
        gate.wait()
        os.write(writer, b"released")

    with closing(reader), spawned(work) as child:
        os.close(writer)
        assert child.expect("ready", soon()) == child.pid
        assert is_quiet(reader, 0.1)
        child.release()
        assert read_all(reader) == b"released"


def end_parent_of(work: Work, *, waiting: bool = True) -> bytes:
    """What a child with this work writes, given a descriptor, when its parent is killed once it is ready."""
    reader, writer = os.pipe()
    said, say = os.pipe()
    parent = os.fork()
    if parent == 0:

        def then_write(gate: Gate) -> None:
            work(gate)
            gate.wait()
            os.write(writer, b"released")

        with spawned(then_write) as child:
            child.expect("ready", soon())
            os.write(say, b"ready")
            while waiting:
                signal.pause()
        os._exit(0)
    os.close(writer)
    os.close(say)
    with closing(reader), closing(said):
        assert os.read(said, 5) == b"ready"
        if waiting:
            os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        return read_all(reader)


@every_way
def test_a_parent_that_dies_releases_nobody(way: Work) -> None:
    assert end_parent_of(way) == b""


@every_way
def test_a_parent_that_leaves_releases_nobody(way: Work) -> None:
    assert end_parent_of(way, waiting=False) == b""


def test_a_parent_that_dies_while_maps_are_written() -> None:
    """Both processes that the child is then end: the one that writes and the one that waits for it."""

    def work(gate: Gate) -> None:
        gate.report(ready=True)
        gate.move(nstypes.USER.flag, lambda _pid: signal.pause())

    assert end_parent_of(work) == b""


def test_a_parent_that_dies_while_the_child_works() -> None:
    def work(gate: Gate) -> None:
        gate.report(ready=True)
        signal.pause()

    assert end_parent_of(work) == b""


def test_a_released_child_outlives_its_parent() -> None:
    """A command may leave something behind when it ends, also when the module ends before it."""
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        parent = os.getpid()

        def work(gate: Gate) -> None:
            gate.wait()
            gate.outlive_parent()
            gate.report(ready=True)
            while os.getppid() == parent:
                time.sleep(0.001)
            os.write(writer, b"alive")

        with spawned(work) as child:
            child.release()
            child.expect("ready", soon())
            os.kill(parent, signal.SIGKILL)
    os.close(writer)
    with closing(reader):
        os.waitpid(parent, 0)
        assert read_all(reader) == b"alive"


@every_way
def test_nobody_else_holds_the_parents_end(way: Work) -> None:
    def work(gate: Gate) -> None:
        way(gate)
        gate.wait()

    with spawned(work) as child:
        child.expect("ready", soon())
        assert holders(os.readlink(f"/proc/self/fd/{child.fileno()}")) == [os.getpid()]


def test_nor_does_a_second_child() -> None:
    def work(gate: Gate) -> None:
        gate.report(ready=True)
        gate.wait()

    with spawned(work) as first, spawned(work) as second:
        children = (first, second)
        for child in children:
            child.expect("ready", soon())
        for child in children:
            assert holders(os.readlink(f"/proc/self/fd/{child.fileno()}")) == [os.getpid()]


def holders(link: str) -> list[int]:
    """The processes that have a descriptor of that kernel object."""
    found = []
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(path) == link:
                found.append(int(path.parts[2]))
    return found


# ---- what the parent hears


def test_reports_arrive_in_order() -> None:
    def work(gate: Gate) -> None:
        gate.report(one=1, more=[None, "ä\udcff"])
        gate.move()
        gate.report(two=2)

    with spawned(work) as child:
        assert child.receive(soon()) == {"one": 1, "more": [None, "ä\udcff"]}
        assert child.expect("two", soon()) == 2
        assert child.receive(soon()) is None


FAILURES: list[tuple[BaseException, tuple[t.Any, ...]]] = [
    (NamespaceError("go", "it rains", "take a coat", errno.ENOSPC), ("go", "it rains", "take a coat", errno.ENOSPC)),
    (NamespaceError("öffnen", "\udcff", ""), ("öffnen", "\udcff", "", None)),
    (NamespaceError("x" * 9000, "ä" * 9000, "\U0001f600" * 900), ("x" * 4000, "ä" * 4000, "\U0001f600" * 900, None)),
    (KeyError("x"), ("run the child", "KeyError: 'x'", "", None)),
]


@pytest.mark.parametrize(("error", "fields"), FAILURES, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("moved", [False, True])
def test_a_childs_failure_is_raised_here(error: BaseException, fields: tuple[t.Any, ...], moved: bool) -> None:
    def work(gate: Gate) -> None:
        if moved:
            gate.move()
        raise error

    with spawned(work) as child, pytest.raises(NamespaceError) as caught:
        child.expect("ready", soon())
    assert (caught.value.operation, caught.value.cause, caught.value.remedy, caught.value.code) == fields


def test_an_errno_of_the_child_is_raised_here() -> None:
    def work(_gate: Gate) -> None:
        os.listdir("/does/not/exist")

    with spawned(work) as child, pytest.raises(NamespaceError, match=r"ENOENT.*No such file") as caught:
        child.expect("ready", soon())
    assert caught.value.code == errno.ENOENT
    assert "/does/not/exist" in str(caught.value)


@every_way
def test_a_child_that_is_killed_from_outside(way: Work) -> None:
    def work(gate: Gate) -> None:
        way(gate)
        signal.pause()

    with spawned(work) as child:
        os.kill(child.expect("ready", soon()), signal.SIGKILL)
        with pytest.raises(NamespaceError, match="cannot run the child: it was ended from outside before it was ready"):
            child.expect("more", soon())


def test_a_child_that_is_killed_as_soon_as_it_has_moved() -> None:
    """As by the end of a pid namespace. The parent has not heard of the sibling, and reaps it all the same."""

    def die_at_once(_number: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def work(gate: Gate) -> None:
        with mock.patch.object(process, "die_with_parent", die_at_once):
            gate.move()

    with spawned(work) as child:
        child.release()
        assert child.receive(soon()) is None
        former = child.pid
    assert support.has_ended(former)


def test_a_child_that_is_killed_while_it_moves() -> None:
    """The one that waits for its maps does not go on without them, and is reaped."""

    def work(gate: Gate) -> None:
        gate.move(nstypes.USER.flag, lambda _pid: os.kill(os.getpid(), signal.SIGKILL))
        gate.report(ready=True)

    with spawned(work) as child, pytest.raises(NamespaceError, match="ended from outside"):
        child.expect("ready", soon())


def test_maps_that_can_not_be_written() -> None:
    def prepare(_pid: int) -> None:
        raise NamespaceError("write the map", "no")

    def work(gate: Gate) -> None:
        gate.move(nstypes.USER.flag, prepare)
        gate.report(ready=True)

    with spawned(work) as child, pytest.raises(NamespaceError, match="cannot write the map: no"):
        child.expect("ready", soon())


def test_a_deadline() -> None:
    def work(gate: Gate) -> None:
        gate.report(ready=True)
        signal.pause()

    with spawned(work) as child:
        child.expect("ready", soon())
        start = time.monotonic()
        with pytest.raises(DeadlineError):
            child.expect("more", start + 0.1)
        assert 0.09 < time.monotonic() - start < 5
        with pytest.raises(DeadlineError):
            child.receive(start - 1)
        child.kill()
        assert process.exit_code(child.reap()) == -signal.SIGKILL


@every_way
def test_a_deadline_that_is_over_before_it_began(way: Work) -> None:
    """Wherever the child is by then, ready or not, nothing of it is left."""
    with contextlib.suppress(DeadlineError), spawned(way) as child:
        child.expect("ready", time.monotonic())


def test_a_child_that_does_not_end_by_itself_is_ended() -> None:
    def work(gate: Gate) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        gate.report(ready=True)
        while True:
            time.sleep(100)

    start = time.monotonic()
    with spawned(work) as child:
        child.expect("ready", soon())
    assert time.monotonic() - start < 10


def test_what_comes_too_late_is_no_error() -> None:
    with spawned(lambda _gate: None) as child:
        assert child.receive(soon()) is None
        child.release()
        child.signal(signal.SIGTERM)
        assert child.reap() == 0
        child.signal(signal.SIGTERM)
        child.kill()


def test_a_clone_that_fails() -> None:
    def refused() -> str:
        with pytest.raises(NamespaceError) as caught, spawned(at_once):
            pass
        return str(caught.value)

    def work() -> tuple[str, int]:
        support.without(435)
        before = len(os.listdir("/proc/self/fd"))
        text = refused()
        gc.collect()
        return text, len(os.listdir("/proc/self/fd")) - before

    text, left = support.forked(work)
    assert text.startswith("cannot clone a child: ENOSYS (Function not implemented): this kernel, or a seccomp filter")
    assert left == 0


# ---- what the child is


def test_a_move_leaves_one_process() -> None:
    """A child of ours, reaped by us; those that it was before have ended."""

    def work(gate: Gate) -> None:
        after_two_moves(gate)
        gate.wait()
        os._exit(7)

    deadline = soon()
    with spawned(work) as child:
        first = child.pid
        assert child.expect("ready", deadline) == child.pid != first
        while len(support.live_children(os.getpid())) > 1 and time.monotonic() < deadline:
            time.sleep(0.001)
        assert support.live_children(os.getpid()) == [child.pid]
        with support.own_procfs() as proc:
            assert procfs.stat(proc, child.pid).parent == os.getpid()
        child.release()
        assert child.receive(soon()) is None
        assert process.exit_code(child.reap()) == 7


def test_a_child_holds_nothing_of_its_parents_streams() -> None:
    def work(gate: Gate) -> None:
        gate.report(streams=[os.readlink(f"/proc/self/fd/{number}") for number in range(3)])

    with spawned(work) as child:
        assert child.expect("streams", soon()) == ["/dev/null"] * 3


@pytest.mark.filterwarnings("ignore:sys.meta_path is empty")
def test_a_child_imports_nothing_more() -> None:
    """What it would find may be a foreign root's."""

    def work(gate: Gate) -> None:
        try:
            import this  # noqa: F401, PLC0415
        except ImportError:
            gate.report(imported=False)
        else:
            gate.report(imported=True)

    assert "this" not in sys.modules
    with spawned(work) as child:
        assert child.expect("imported", soon()) is False
    assert sys.meta_path


def test_a_child_never_returns_into_its_caller() -> None:
    def work(_gate: Gate) -> t.NoReturn:
        return None  # type: ignore[misc]

    with support.own_procfs() as proc, checkpoint.spawn(work, proc) as child:
        assert child.receive(soon()) is None
        assert process.exit_code(child.reap()) == 1


def test_descriptors_that_there_is_no_place_for() -> None:
    """None of them is taken over in part."""

    def work() -> tuple[NamespaceError, set[str]]:
        with spawned(lambda gate: gate.report([0] * 9)) as child:
            before = os.listdir("/proc/self/fd")
            support.leave_descriptors(4)
            with pytest.raises(NamespaceError) as caught:
                child.receive(soon())
            return caught.value, set(os.listdir("/proc/self/fd")) ^ set(before)

    error, left = support.forked(work)
    assert (error.code, left) == (errno.EMFILE, set())
