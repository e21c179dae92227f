# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The process above a command: it reaps, passes signals on, and says how the command ended."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import threading
import time
import types
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import privilege, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import checkpoint, command, init
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.support import SHAPES, Background, Roll, arguments_of, every_shape

SUPERVISED = ["below an init", "in a joined pid namespace", "in a container"]
supervised = pytest.mark.parametrize("shape", SUPERVISED)


@contextlib.contextmanager
def running(shape: str, script: str, tmp_path: Path) -> t.Iterator[tuple[Background[command.Result], Roll]]:
    """A shell with a roll as descriptor 3, that has said something on it."""
    # pylint: disable-next=contextmanager-generator-missing-cleanup # whoever uses it with "with" exits these too
    with support.roll_at(tmp_path / "roll") as roll, arguments_of(shape) as arguments:
        task = Background(lambda: support.run("sh", "-c", f"exec 3>{roll.path}; {script}", **arguments))
        assert roll.heard(1)
        yield task, roll


def child_of(pid: int) -> int:
    return support.live_children(pid)[-1]


# ---- what can be taken of it


def test_nothing_is_left_to_take_when_the_command_begins() -> None:
    """Its descriptors could be copied by who has its user id and its capabilities. Source: pidfd_getfd(2)."""

    def look(gate: checkpoint.Gate, above: int) -> t.NoReturn:
        opened = os.listdir(f"/proc/{above}/fd")
        privilege.hold_only([privilege.CAPABILITIES["kill"]])
        gate.report(opened=opened, code=support.code_of(lambda: os.readlink(f"/proc/{above}/fd/0")))
        os._exit(0)

    def work(gate: checkpoint.Gate) -> t.NoReturn:
        gate.wait()
        init.supervise(gate, False, lambda above: look(gate, above))

    with support.own_procfs() as proc, checkpoint.spawn(work, proc) as child:
        child.release()
        seen = child.receive()
    assert seen
    # The channel, and where it says that it is ready.
    assert len(seen["opened"]) <= 5
    assert seen["code"] == errno.EACCES


# ---- how it ended


@every_shape
@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("exit 255", 255)])
def test_exit_codes(shape: str, script: str, code: int) -> None:
    with arguments_of(shape) as arguments:
        assert support.run("sh", "-c", script, **arguments).code == code


@every_shape
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1])
def test_signals_of_its_own(shape: str, number: signal.Signals) -> None:
    """PID 1 does not hear what it has no handler for, not even SIGKILL."""
    with arguments_of(shape) as arguments:
        result = support.run("sh", "-c", f"kill -{number:d} $$; exit 5", **arguments)
    assert result.code == (5 if shape == "PID 1" else -number)


def test_which_pid_it_has() -> None:
    for shape, pid in (("PID 1", "1"), ("below an init", "2")):
        assert support.output("sh", "-c", "echo $$", **SHAPES[shape]).strip() == pid
        assert support.output("cat", "/proc/1/comm", **SHAPES[shape]).startswith("cat") is (pid == "1")


# ---- signals from outside


@every_shape
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_task_reaches_the_command(tmp_path: Path, shape: str, number: signal.Signals) -> None:
    script = f"trap 'echo heard; exit 7' {number:d}; echo >&3; while :; do sleep 0.01; done"
    with running(shape, script, tmp_path) as (task, roll):
        os.kill(task.pid, number)
        result = task.result()
        assert (result.code, result.stdout) == (7, b"heard\n")
        assert roll.is_empty(5)


def test_a_signal_that_interrupts_nothing_reaches_the_command(tmp_path: Path) -> None:
    """One that comes just before the task starts to wait does not. That is a matter of luck, so a thread gets it."""

    def work() -> command.Result:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        return support.run("sh", "-c", f"exec 3>{roll.path}; echo >&3; exec sleep 100", **support.UTS, timeout=10)

    with support.roll_at(tmp_path / "roll") as roll:
        task = Background(work)
        assert roll.heard(1)
        os.kill(task.pid, signal.SIGTERM)
        assert task.result().code == -signal.SIGTERM


@pytest.mark.parametrize("shape", ["no pid namespace", "below an init", "in a joined pid namespace"])
def test_a_signal_without_a_handler_ends_the_command(tmp_path: Path, shape: str) -> None:
    with running(shape, "echo >&3; exec sleep 100", tmp_path) as (task, _roll):
        os.kill(task.pid, signal.SIGTERM)
        assert task.result().code == -signal.SIGTERM


def test_the_handlers_of_the_task_come_back() -> None:
    def handlers() -> list[t.Any]:
        return [signal.getsignal(number) for number in signal.valid_signals()]

    before = handlers()
    support.run("true", unshare=["uts"])
    assert handlers() == before
    with pytest.raises(NamespaceError):
        support.run("/nowhere", unshare=["uts"])
    assert handlers() == before
    wakeup = signal.set_wakeup_fd(-1)
    assert wakeup == -1


# ---- what it looks after


# The pipe is closed when all of them have ended, however busy the machine is.
ORPHANS = "for i in 1 2 3; do (true &) ; done | cat; sleep 0.1; cat /proc/[0-9]*/stat"


def test_an_init_reaps_orphans() -> None:
    """A command that never waits for what it did not start would have them as zombies."""
    found = support.output("sh", "-c", ORPHANS, **SHAPES["below an init"])
    assert re.findall(r"\) Z", found) == []
    assert len(found.splitlines()) >= 2


def test_a_command_that_is_pid_1_has_the_orphans() -> None:
    """Here the init would be missing: Python does not reap them."""
    script = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    if os.fork(): os._exit(0)\n"
        "    os._exit(0)\n"
        "time.sleep(0.1); print(*[open(f'/proc/{pid}/stat').read() for pid in os.listdir('/proc') if pid.isdigit()])"
    )
    assert len(re.findall(r"\) Z", support.output(*support.python(script), **SHAPES["PID 1"]))) == 2
    assert len(re.findall(r"\) Z", support.output(*support.python(script), **SHAPES["below an init"]))) == 1


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "PID 1"])
def test_orphans_are_reaped_while_the_command_goes_on(tmp_path: Path, shape: str) -> None:
    """Without a process of ours above the command the task does it."""
    script = "for i in 1 2 3; do (sh -c 'exit 1' &); done; echo >&3; sleep 0.1; echo x >&3; exec sleep 100"
    with running(shape, script, tmp_path) as (task, roll):
        assert roll.heard(3)
        above = child_of(task.pid) if shape in SUPERVISED else task.pid
        deadline = time.monotonic() + support.PATIENCE
        while len(left := children_of(above)) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(task.pid, signal.SIGTERM)
        assert task.result().code == -signal.SIGTERM
    assert len(left) == 1


def children_of(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@pytest.mark.parametrize("shape", ["no pid namespace", "in a joined mount namespace"])
def test_children_of_the_task_are_not_reaped(shape: str) -> None:
    with arguments_of(shape) as arguments, support.zombie() as pid:
        support.run("sh", "-c", "{ (true &); (true &); } | cat; sleep 0.1", **arguments)
        assert support.status_of(pid, "State")[0] == "Z"


@supervised
def test_it_holds_nothing_open(tmp_path: Path, shape: str) -> None:
    """Nothing of the task but the channel on which it reports; and it is closed to those inside."""
    with running(shape, "echo >&3; exec sleep 100", tmp_path) as (task, _roll):
        child = child_of(task.pid)
        found = [os.readlink(f"/proc/{child}/fd/{number}") for number in os.listdir(f"/proc/{child}/fd")]
        os.kill(task.pid, signal.SIGTERM)
        task.result()
    assert sorted(re.sub(r"\d+", "", name) for name in found) == ["/dev/null"] * 3 + ["socket:[]"]


def capabilities(pid: int) -> set[str]:
    return {support.status_of(pid, name)[0] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}


@supervised
def test_those_inside_have_no_say(tmp_path: Path, shape: str) -> None:
    """What they send to the process above the command changes nothing; and they gain nothing by it.

    Its capabilities are cut when the command starts, not later: they are looked at before it gets the first signal.
    """
    os.mkfifo(tmp_path / "go")
    with closing(os.open(tmp_path / "go", os.O_RDWR)) as go:
        signals = "for name in HUP INT TERM USR1 CHLD; do kill -$name $PPID; done"
        script = f"echo >&3; read line <{tmp_path}/go; {signals}; sleep 0.1; exit 4"
        with running(shape, script, tmp_path) as (task, _roll):
            sets = capabilities(child_of(task.pid))
            os.write(go, b"\n")
            assert task.result().code == 4
    assert sets == {f"{1 << 5:016x}"}


@pytest.mark.parametrize("shape", ["PID 1", "below an init"])
def test_the_end_of_pid_1_ends_the_rest(tmp_path: Path, shape: str) -> None:
    script = "trap '' TERM HUP; setsid sh -c 'echo >&3; exec sleep 100' & while :; do sleep 100; done"
    with running(shape, script, tmp_path) as (task, roll):
        os.kill(child_of(task.pid), signal.SIGKILL)
        if shape == "PID 1":
            assert task.result().code == -signal.SIGKILL
        else:
            with pytest.raises(NamespaceError, match="the process that watched over it was ended from outside"):
                task.result()
        assert roll.is_empty(5)


def test_a_command_ends_with_its_supervisor(tmp_path: Path) -> None:
    """In a joined pid namespace nothing else would end it. What it has sent away there belongs to the init there."""
    with running("in a joined pid namespace", "trap '' TERM HUP; echo >&3; exec sleep 100", tmp_path) as (task, roll):
        os.kill(child_of(task.pid), signal.SIGKILL)
        with pytest.raises(NamespaceError, match="the process that watched over it was ended from outside"):
            task.result()
        assert roll.is_empty(5)


def end_supervisor_before_the_cut(*_kept: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end_supervisor_before_exec() -> None:
    above = os.getppid()
    os.kill(above, signal.SIGKILL)
    while os.getppid() == above:
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("module", "name", "end"),
    [
        (init, "_give_up_all_but_killing", end_supervisor_before_the_cut),
        (privilege, "clear_inherited", end_supervisor_before_exec),
    ],
    ids=["before the cut", "before exec"],
)
def test_a_command_does_not_start_without_its_supervisor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: types.ModuleType, name: str, end: t.Callable[[], None]
) -> None:
    """The steps that are replaced are only the moments in which it ends."""
    monkeypatch.setattr(module, name, end)
    with support.roll_at(tmp_path / "roll") as roll, arguments_of("in a joined pid namespace") as arguments:
        with pytest.raises(NamespaceError, match="ended from outside"):
            support.run("sh", "-c", f"exec 3>{roll.path}; echo >&3; exec sleep 100", **arguments)
        time.sleep(0.2)
        assert (roll.heard(), roll.is_empty()) == (b"", True)


@every_shape
def test_more_signals_than_one(tmp_path: Path, shape: str) -> None:
    """Those that come while the first one is handled, or when the command has ended already, confuse nobody."""
    with running(shape, "trap 'exit 9' TERM; echo >&3; while :; do sleep 0.01; done", tmp_path) as (task, _roll):
        child = child_of(task.pid)
        with contextlib.suppress(ProcessLookupError):
            for _round in range(20):
                os.kill(child, signal.SIGTERM)
        assert task.result().code == 9


def test_the_task_adopts_nobody_afterwards() -> None:
    assert not process.is_subreaper()
    support.run("true", unshare=["uts"])
    assert not process.is_subreaper()
