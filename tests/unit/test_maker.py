# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Namespaces made to be pinned, many sets by one child, and the init of a set."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nsfs, nstypes, process, procfs
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import init, maker
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import options as option_parser
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.definition import Definition
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.support import brought

T = t.TypeVar("T")

TMPFS = {"mounts": [{"path": "/mnt", "fstype": "tmpfs"}]}
OFFSET = {"time_offsets": {"boottime": "5000"}}


def definition(*types: str, **options: t.Any) -> Definition:
    return option_parser.parse(types, options)


def within(made: maker.Made, look: t.Callable[[], T]) -> T:
    """What a process sees in what was made."""

    def work() -> T:
        for kind, fd in made.items():
            process.setns(fd, kind.flag)
        return support.forked(look)

    return support.forked(work)


def seen() -> tuple[str, bool, str]:
    """Hostname, whether there is a tmpfs at /mnt, the offset of the clock since boot."""
    mounts = [line.split()[4] for line in support.read("/proc/thread-self/mountinfo").splitlines()]
    offsets = support.read("/proc/self/timens_offsets").split()
    return os.uname().nodename, "/mnt" in mounts, offsets[offsets.index("boottime") + 1]


def test_no_set_has_anything_of_the_one_before() -> None:
    """Not its names, mounts or clocks: each is made from where the first one was."""
    plain, rich = definition("mnt", "uts", "time"), definition("mnt", "uts", "time", hostname="rich", **TMPFS, **OFFSET)
    host = seen()
    with support.own_procfs() as proc:
        rounds = maker.in_rounds(proc, [rich, plain, definition("uts"), rich])
        found = []
        for made in rounds:
            assert not isinstance(made, NamespaceError)
            found.append(within(made, seen))
    assert found == [("rich", True, "5000"), host, host, ("rich", True, "5000")]
    assert seen() == host


@support.needs_ids
def test_each_set_has_its_own() -> None:
    names = ("mnt", "uts", "ipc", "net", "time")
    with support.own_procfs() as proc:
        found: list[nsfs.Identity] = []
        for made in maker.in_rounds(proc, [definition(*names)] * 3):
            assert not isinstance(made, NamespaceError)
            assert [nsfs.type_of(fd).name for fd in made.values()] == [kind.name for kind in made] == list(names)
            found += map(nsfs.identity, made.values())
    assert len({item.id for item in found}) == 3 * len(names)
    assert not {item.id for item in found} & {item.id for item in support.identities(os.getpid()).values()}


def test_descriptors_are_closed_when_the_next_is_asked_for() -> None:
    with support.own_procfs() as proc:
        before = len(os.listdir("/proc/self/fd"))
        counts = [len(os.listdir("/proc/self/fd")) for _made in maker.in_rounds(proc, [definition("uts", "net")] * 5)]
        assert len(set(counts)) == 1
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_set_that_fails_fails_alone() -> None:
    bad = definition("uts", "mnt", hostname="bad", mounts=[{"path": "/nothing here", "fstype": "tmpfs"}])
    with support.own_procfs() as proc:
        rounds = maker.in_rounds(proc, [definition("uts", "mnt"), bad, definition("uts", "mnt")])
        found = [str(made) if isinstance(made, NamespaceError) else within(made, seen)[0] for made in rounds]
    assert found[0] == found[2] == socket.gethostname()
    assert "/nothing here" in found[1]


def test_what_is_made_in_rounds_ends_with_the_task() -> None:
    """Nobody holds it but by its descriptor."""
    before = support.children()
    with support.own_procfs() as proc, contextlib.closing(maker.in_rounds(proc, [definition("uts")] * 2)) as rounds:
        next(rounds)
        (child,) = support.children() - before
    assert support.children() == before
    assert not Path(f"/proc/{child}").exists()


# ---- the init of a set


@pytest.fixture
def shell(own_run: None) -> int:
    """The init of a set."""
    del own_run
    done = support.bring("blue", types=["pid", "uts", "net"]).done["blue"]
    assert done.state.init_pid
    settle(done.state.init_pid)
    return done.state.init_pid


@pytest.fixture
def staying(shell: int) -> int:
    """The init that a set with mounts of its own got in place of the first."""
    support.bring("blue", types=["mnt"])
    os.kill(shell, signal.SIGKILL)
    os.waitpid(shell, 0)
    pid = support.bring("blue").done["blue"].state.init_pid
    assert pid
    return pid


@pytest.fixture(params=["shell", "staying"])
def initial(request: pytest.FixtureRequest) -> int:
    """Either."""
    pid: int = request.getfixturevalue(request.param)
    return pid


def settle(pid: int) -> None:
    """Wait until it waits."""
    deadline = time.monotonic() + support.PATIENCE
    while not [child for child in support.live_children(pid) if comm(child) == "sleep"]:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def comm(pid: int) -> str:
    return support.read(f"/proc/{pid}/comm").strip()


def test_an_init_is_recognised(initial: int) -> None:
    words = support.read(f"/proc/{initial}/cmdline").split("\0")[:-1]
    assert words[-2].startswith("linux-namespaces")
    assert init.is_persistent("blue", words)
    assert not init.is_persistent("green", words)
    assert not init.is_persistent("blue", words[:-1])
    assert not init.is_persistent("blue", [*words, "more"])
    assert not init.is_persistent("blue", [])


def test_what_an_init_waits_for_is_recognised(shell: int) -> None:
    (waiting,) = support.live_children(shell)
    assert init.is_waiting(support.read(f"/proc/{waiting}/cmdline").split("\0")[:-1])
    assert not init.is_waiting(["sleep", "100"])


def test_an_init_has_nothing_of_the_task(initial: int) -> None:
    """No privilege, no descriptor, no session, no directory, no environment."""
    assert {name: support.status_of(initial, name) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {
        name: ["0000000000000000"] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
    }
    opened = {name: os.readlink(f"/proc/{initial}/fd/{name}") for name in os.listdir(f"/proc/{initial}/fd")}
    assert {name: path for name, path in opened.items() if int(name) < 3} == dict.fromkeys("012", "/dev/null")
    # The shell may have its script open.
    assert all(path == "/dev/null" for path in opened.values())
    assert os.readlink(f"/proc/{initial}/cwd") == "/"
    assert os.getsid(initial) == os.getpgid(initial) == initial
    environment = support.read(f"/proc/{initial}/environ").split("\0")[:-1]
    assert {line.split("=")[0] for line in environment} <= {"PATH"}


def test_an_init_leaves_no_signal_blocked_to_what_it_starts(shell: int) -> None:
    assert support.status_of(shell, "SigBlk") == ["0000000000000000"]


def test_an_init_executes_nothing_of_mounts_that_were_there(staying: int) -> None:
    """Nor can anybody write to what it executes, or look into it from inside."""
    program = f"/proc/{staying}/exe"
    assert os.readlink(program).startswith("/memfd:")
    with pytest.raises(OSError, match=r"Text file busy|Operation not permitted"):
        os.close(os.open(program, os.O_WRONLY))
    assert support.live_children(staying) == []


def test_an_init_costs_little(shell: int) -> None:
    """With what it waits for."""
    kilobytes = 0
    for pid in (shell, *support.live_children(shell)):
        lines = support.read(f"/proc/{pid}/smaps_rollup").splitlines()
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    assert kilobytes <= 1024


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_init_ends_when_it_is_told_to(initial: int, number: int) -> None:
    os.kill(initial, number)
    with closing(process.pidfd_open(initial)) as pidfd:
        assert process.pidfd_ended(pidfd, support.PATIENCE * 1000)
    assert process.exit_code(os.waitpid(initial, 0)[1]) == 0


def test_an_init_reaps_and_goes_on(initial: int) -> None:
    left = len(support.live_children(initial))
    with closing(nsfs.open_handle("/run/pidns/blue")) as fd:

        def orphans() -> list[int]:
            process.setns(fd, nstypes.PID.flag)
            return support.forked(leave_orphans)

        support.forked(orphans)
    support.wait_for(lambda: len(all_children(initial)) == left)


def test_an_init_waits_again(shell: int) -> None:
    """When somebody ends what it waits for."""
    (waiting,) = support.live_children(shell)
    with closing(process.pidfd_open(waiting)) as pidfd:
        os.kill(waiting, signal.SIGKILL)
        assert process.pidfd_ended(pidfd, support.PATIENCE * 1000)
    settle(shell)
    support.wait_for(lambda: len(all_children(shell)) == 1)


def leave_orphans() -> list[int]:
    return [orphan() for _time in range(5)]


def orphan() -> int:
    pid = os.fork()
    if pid == 0:
        if os.fork() == 0:
            time.sleep(0.05)
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def all_children(pid: int) -> list[int]:
    """Ended ones too."""
    return list(map(int, support.read(f"/proc/{pid}/task/{pid}/children").split()))


def test_an_init_outlives_the_task_and_its_session(initial: int) -> None:
    """The task has ended by now; the end of a session reaches nobody but its own."""

    def work() -> None:
        os.setsid()
        # As under nohup(1) it would be ignored.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        brought("green", types=["pid"])
        os.killpg(0, signal.SIGHUP)

    with pytest.raises(support.EndedError):
        support.forked(work)
    with support.own_procfs() as proc:
        found = support.bring("green").done["green"].state.init_pid
        assert found
        for pid in (initial, found):
            assert not procfs.stat(proc, pid).ended


def test_an_init_that_can_not_start() -> None:
    """There is no shell: the set is not made, and nothing of it is left."""

    def work() -> tuple[NamespaceError, list[str]]:
        Path("/run/empty").touch()
        support.bind("/run/empty", os.path.realpath("/bin/sh"))
        os.unlink("/run/empty")
        return support.failure("blue", types=["pid", "uts"]), os.listdir("/run")

    error, left = support.in_own_world(work, "mnt", "pid")
    assert error.operation == "start the init of the set (/bin/sh)"
    assert left == []
