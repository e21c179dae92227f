# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left of a command that ended, and of one that was ended: nothing, of that."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import signal
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import command
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.support import Roll, arguments_of, every_shape


@pytest.mark.parametrize("shape", ["no pid namespace", "in a joined pid namespace"])
@pytest.mark.parametrize("quiet", [True, False], ids=["quiet", "holding stdout"])
def test_a_daemon_may_be_left(tmp_path: Path, shape: str, quiet: bool) -> None:
    """And the call does not wait for it, though it has the streams open."""
    where = ">/dev/null 2>&1 </dev/null" if quiet else ""
    daemon = f"setsid sh -c 'exec 3>{tmp_path}/roll; echo x >&3; exec sleep 100' {where}"
    script = f"({daemon} &); sleep 0.1; echo done"
    with support.roll_at(tmp_path / "roll") as roll, arguments_of(shape) as arguments:
        start = time.monotonic()
        result = support.run("sh", "-c", script, **arguments)
        assert time.monotonic() - start < 10
        assert (result.code, result.stdout) == (0, b"done\n")
        assert roll.heard(1)
        assert not roll.is_empty()
        end_holders(roll)


def end_holders(roll: Roll) -> None:
    """End those that have the roll open, and wait for those that have come to us."""
    for link in Path("/proc").glob("[0-9]*/fd/3"):
        try:
            found = os.readlink(link)
        except OSError:
            continue
        if found == str(roll.path):
            pid = int(link.parts[2])
            ours = f"PPid:\t{os.getpid()}\n" in Path(f"/proc/{pid}/status").read_text()
            os.kill(pid, signal.SIGKILL)
            if ours:
                os.waitpid(pid, 0)
    assert roll.is_empty(5)


STUBBORN = """
trap '' TERM HUP INT USR1
exec 3>{roll}
(setsid sh -c 'trap "" TERM HUP INT; echo a >&3; exec sleep 100' &)
(setsid sh -c '(setsid sh -c "echo b >&3; while :; do sleep 100; done" &)' &)
setsid sh -c 'echo c >&3; exec sleep 100' &
echo d >&3
echo partial
while :; do sleep 100; done
"""


SECONDS = (0.3, 2, 10)
"""A busy machine needs longer until all have started. Whenever the time is over, nothing may be left."""


@every_shape
def test_a_timeout_leaves_nothing(tmp_path: Path, shape: str) -> None:
    """Double-forked, in sessions of their own, deaf to every signal that can be refused."""
    for seconds in SECONDS:
        with support.roll_at(tmp_path / f"roll {seconds}") as roll, arguments_of(shape) as arguments:
            script = STUBBORN.format(roll=shlex.quote(str(roll.path)))
            start = time.monotonic()
            result = support.run("sh", "-c", script, **{**arguments, "timeout": seconds})
            assert seconds <= time.monotonic() - start < seconds + 9
            assert roll.is_empty()
            assert (result.timed_out, result.code) == (True, None)
            if "pid" in arguments:
                assert Path(f"/proc/{arguments['pid']}").exists()
            started = sorted(roll.heard().decode().split())
        if started == ["a", "b", "c", "d"]:
            break
    assert started == ["a", "b", "c", "d"]
    assert result.stdout == b"partial\n"


def in_sessions_of_their_own(path: Path) -> tuple[str, ...]:
    return support.python(
        "import os, time\n"
        f"os.write(os.open({str(path)!r}, os.O_WRONLY), b'x')\n"
        "if os.fork() == 0:\n"
        "    while True:\n"
        "        if os.fork() == 0: os.setsid()\n"
        "        else: time.sleep(0.003); os._exit(0)\n"
        "time.sleep(100)"
    )


def as_fast_as_it_can(path: Path) -> tuple[str, ...]:
    script = path.with_name("chain")
    script.write_text('#!/bin/sh\n"$0" &\n')
    script.chmod(0o755)
    return ("sh", "-c", f"exec 3>{path}; echo x >&3; {script}; sleep 100")


@pytest.mark.parametrize("shape", ["no pid namespace", "in a joined pid namespace", "in a container"])
@pytest.mark.parametrize("chain", [in_sessions_of_their_own, as_fast_as_it_can])
def test_a_timeout_against_one_that_multiplies(
    tmp_path: Path, shape: str, chain: t.Callable[[Path], tuple[str, ...]]
) -> None:
    """Each of them has gone on as another one by the time that it is found."""
    for seconds in SECONDS:
        with support.roll_at(tmp_path / f"roll-{seconds}") as roll, arguments_of(shape) as arguments:
            given = {**arguments, "timeout": seconds}
            # As a task has it: whoever lives in the namespaces is no child of its own.
            result = support.forked(functools.partial(support.run, *chain(roll.path), **given))
            assert result.timed_out
            assert roll.is_empty()
            started = roll.heard()
        if started:
            break
    assert started


@pytest.mark.parametrize(
    ("shape", "has_children"),
    [("no pid namespace", False), ("no pid namespace", True), ("in a joined pid namespace", False)],
)
def test_a_timeout_in_a_crowd(tmp_path: Path, shape: str, has_children: bool) -> None:
    """Nobody escapes on a machine full of processes, nor is overlooked as the task has had a child before."""

    def work() -> command.Result:
        with support.zombie() if has_children else contextlib.nullcontext():
            return support.run(*in_sessions_of_their_own(roll.path), **{**arguments, "timeout": seconds})

    for seconds in SECONDS:
        with support.roll_at(tmp_path / f"roll-{seconds}") as roll, arguments_of(shape) as arguments, support.crowd():
            assert support.forked(work).timed_out
            assert roll.is_empty()
            started = roll.heard()
        if started:
            break
    assert started == b"x"


@every_shape
def test_a_timeout_spares_what_was_there_before(shape: str) -> None:
    """A child of the task's own, started in the same moment as the command."""
    with arguments_of(shape) as arguments:
        older = os.fork()
        if older == 0:
            while True:
                signal.pause()
        try:
            assert support.run("sleep", "100", **{**arguments, "timeout": 0.05}).timed_out
            assert os.waitpid(older, os.WNOHANG) == (0, 0)
        finally:
            os.kill(older, signal.SIGKILL)
            os.waitpid(older, 0)


@every_shape
@pytest.mark.parametrize("milliseconds", [0.001, 1, 3, 5, 8, 12, 18])
def test_a_timeout_at_any_moment(shape: str, milliseconds: float) -> None:
    """Before the command was started, or in the middle of that; nothing of the child is left either."""
    with arguments_of(shape) as arguments:
        result = support.run("sleep", "100", **{**arguments, "timeout": milliseconds / 1000})
    assert (result.timed_out, result.code) == (True, None)


def test_a_command_that_ends_in_time() -> None:
    for timeout in (20, 10**9, 1e12, None):  # beyond what poll(2) can wait for at once
        result = support.run("true", **support.UTS, timeout=timeout)
        assert (result.timed_out, result.code) == (False, 0)


@every_shape
def test_a_failing_start_leaves_nothing(shape: str) -> None:
    """No process, no descriptor, no mount: the fixture looks."""
    with arguments_of(shape) as arguments:
        for fields in ({"chdir": "/nowhere"}, {"root": "/nowhere"}):
            assert isinstance(support.refusal("true", **{**arguments, **fields}), NamespaceError)
