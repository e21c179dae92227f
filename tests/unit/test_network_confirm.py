# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that waits to be confirmed, and goes back by itself."""

from __future__ import annotations

import os
import resource
import signal
import socket
import syslog
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import mountinfo, nstypes, process, procfs
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import cgroup, directory, host
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.memory import MEMORY
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import carry_out, codec, confirm
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.model import (
    LinkWish,
    Peer,
    Request,
    Route,
    RouteWish,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.run import Results, run
from ansible_collections.linux.namespaces.tests.unit import networks, support

pytestmark = pytest.mark.skipif(codec.MISSING is not None, reason="needs pyroute2: install it (python3-pyroute2)")

SOON = 1
REQUEST = Request(
    links=(
        LinkWish("br0", "bridge", addresses=("10.0.0.1/24",), up=True),
        LinkWish("v0", "veth", peer=Peer("v1", ""), master="br0", up=True),
    ),
    sysctls={"net.ipv4.ip_forward": "1"},
)
WITHOUT_WAY = REQUEST._replace(routes=(RouteWish(Route("10.9.0.0/16", 254, 0, via="172.31.0.1")),))


def change(request: Request = REQUEST, seconds: int | None = SOON) -> Results:
    with closing(host.open_proc()) as proc:
        return run(proc, None, "", request, check=False, seconds=seconds)


def links() -> list[str]:
    return sorted(os.listdir("/sys/class/net"))


def waiting() -> list[str]:
    return os.listdir(MEMORY) if os.path.isdir(MEMORY) else []


def kill_who_waits() -> None:
    (pid,) = support.children()
    os.kill(pid, signal.SIGKILL)
    support.wait_for(lambda: support.has_ended(pid))


def in_own_network(work: t.Callable[[], None]) -> None:
    support.in_own_world(work, "mnt", "net", "pid")


def told(results: Results) -> str:
    assert results.token is not None
    return results.token


def test_what_is_confirmed_stays() -> None:
    def work() -> None:
        confirm.confirm(told(change()))
        time.sleep(2 * SOON)
        assert links() == ["br0", "lo", "v0", "v1"]
        assert waiting() == []

    in_own_network(work)


def test_what_is_not_confirmed_goes_back() -> None:
    def work() -> None:
        token = told(change())
        assert links() == ["br0", "lo", "v0", "v1"]
        assert waiting() == [f"confirm-{token}"]
        support.wait_for(lambda: support.read("/proc/sys/net/ipv4/ip_forward") == "0\n")
        assert links() == ["lo"]
        support.wait_for(lambda: not os.path.exists(MEMORY))
        with pytest.raises(NamespaceError, match="cannot keep the change: the time is over"):
            confirm.confirm(token)

    in_own_network(work)


def test_the_time_counts_from_the_end_of_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody takes back what is still being done."""

    def slowly(work: carry_out.Work, steps: t.Any, done: t.Any) -> None:
        time.sleep(2 * SOON)
        quickly(work, steps, done)

    quickly = carry_out._do  # noqa: SLF001 - nothing but a slow kernel could do it otherwise
    monkeypatch.setattr(carry_out, "_do", slowly)

    def work() -> None:
        confirm.confirm(told(change()))
        time.sleep(2 * SOON)
        assert "br0" in links()

    in_own_network(work)


def test_a_task_that_is_killed_half_way_is_taken_back() -> None:
    whole = carry_out._do  # noqa: SLF001 - it is where a task spends its time

    def killed() -> None:
        us = os.getpid()

        def half(work: carry_out.Work, steps: t.Any, done: t.Any) -> None:
            if os.getpid() == us:
                whole(work, steps[:1], done)
                os.kill(us, signal.SIGKILL)
            whole(work, steps, done)

        carry_out._do = half  # noqa: SLF001 - in a process that ends here
        change()

    def work() -> None:
        with pytest.raises(support.EndedError):
            support.forked(killed)
        assert links() == ["br0", "lo"]
        support.wait_for(lambda: links() == ["lo"])

    in_own_network(work)


class Other(BaseException):
    """What is no error of ours."""


@pytest.mark.parametrize(
    ("error", "on_the_way_back_too"), [(NamespaceError("do it", "no"), True), (Other(), False)], ids=["ours", "other"]
)
def test_what_a_task_has_left_is_taken_back_by_who_waits(error: BaseException, on_the_way_back_too: bool) -> None:
    whole = carry_out._do  # noqa: SLF001 - it is where a task spends its time

    def work() -> None:
        us = os.getpid()

        def half(work: carry_out.Work, steps: t.Any, done: t.Any) -> None:
            if os.getpid() != us:
                whole(work, steps, done)
            elif not done:
                whole(work, steps[: 0 if "br0" in links() else 1], done)
                raise error

        carry_out._do = half  # noqa: SLF001 - in a process that ends here
        with pytest.raises(type(error)) as caught:
            change()
        assert ("could not all be taken back" in str(caught.value)) is on_the_way_back_too
        assert links() == ["br0", "lo"]
        support.wait_for(lambda: links() == ["lo"])
        support.wait_for(lambda: not os.path.exists(MEMORY))

    in_own_network(work)


def test_what_is_in_the_way_at_first_may_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = tmp_path / "journal"

    def write(_priority: int, text: str) -> None:
        with journal.open("ab") as file:
            file.write(f"{text}\n".encode())

    monkeypatch.setattr(syslog, "syslog", write)

    def work() -> None:
        networks.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1")
        change(Request(links=(LinkWish("v0", "veth", absent=True),)))
        networks.ip("link", "add", "v1", "type", "bridge")
        support.wait_for(journal.exists)
        assert links() == ["lo", "v1"]
        networks.ip("link", "del", "v1")
        support.wait_for(lambda: not os.path.exists(MEMORY))
        assert links() == ["lo", "v0", "v1"]
        first, last = journal.read_text().splitlines()
        assert "what was done could not all be taken back: cannot make the link v0" in first
        assert last.endswith("goes back: what was done is taken back")

    in_own_network(work)


def test_who_waits_outlives_the_session() -> None:
    def work() -> None:
        def leader() -> str:
            os.setsid()
            token = told(change())
            for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
                os.killpg(0, number)
            return token

        support.forked(leader)
        assert "br0" in links()
        support.wait_for(lambda: links() == ["lo"])

    in_own_network(work)


def test_it_leaves_the_cgroup_of_the_task() -> None:
    """With which systemd ends all that a unit has started."""

    def work() -> None:
        with support.own_run():
            top = cgroup.hierarchy(mountinfo.read(procfs.open_root()))
            assert top is not None
            os.mkdir(f"{top}/task")

            def task() -> tuple[str, bool]:
                support.enter_cgroup(f"{top}/task")
                return told(change(seconds=3)), cgroup.members(f"{top}/task") == [os.getpid()]

            token, alone = support.forked(task)
            confirm.confirm(token)
            support.wait_for(lambda: cgroup.members(str(top)) == [])
            os.rmdir(f"{top}/task")
            assert alone

    support.in_own_world(work)


def test_it_holds_nothing_of_the_task() -> None:
    """Ansible waits for all that have its standard output."""

    def work() -> None:
        ours, theirs = os.pipe()
        os.dup2(theirs, 1)
        os.close(theirs)
        token = told(change(seconds=30))
        os.dup2(2, 1)
        assert os.read(ours, 1) == b""
        confirm.confirm(token)

    in_own_network(work)


def test_a_change_that_fails_leaves_nobody_waiting() -> None:
    def work() -> None:
        before = support.children()
        with pytest.raises(NamespaceError, match="what was done is taken back"):
            change(WITHOUT_WAY, seconds=30)
        assert (links(), waiting(), support.children()) == (["lo"], [], before)

    in_own_network(work)


def test_without_a_change_nobody_waits() -> None:
    def work() -> None:
        assert change(Request()).token is None
        assert waiting() == []

    in_own_network(work)


def test_who_did_not_hear_the_answer_comes_again() -> None:
    def work() -> None:
        token = told(change(seconds=3))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as way:
            way.connect(f"{MEMORY}/confirm-{token}")
            way.sendall(b"may it stay")
        for _time in range(2):
            confirm.confirm(token)
        support.wait_for(lambda: not os.path.exists(MEMORY))
        assert "br0" in links()
        with pytest.raises(NamespaceError, match="the time is over"):
            confirm.confirm(token)

    in_own_network(work)


def test_who_only_looks_confirms_nothing() -> None:
    def work() -> None:
        token = told(change())
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as way:
            way.connect(f"{MEMORY}/confirm-{token}")
        support.wait_for(lambda: links() == ["lo"])

    in_own_network(work)


def test_nothing_else_is_done_meanwhile() -> None:
    """It would be taken back too, or be what is taken back to."""

    def work() -> None:
        token = told(change(seconds=30))
        for request in (REQUEST, Request(links=(LinkWish("br0", up=True),))):
            with pytest.raises(NamespaceError, match="a change of it waits to be confirmed"):
                change(request)
        with closing(host.open_proc()) as proc:
            assert run(proc, None, "", REQUEST, check=True).changes == ()
        confirm.confirm(token)
        assert told(change(REQUEST._replace(links=(LinkWish("br1", "bridge"),))))

    in_own_network(work)


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("state", ["confirm", "confirmed"])
def test_who_was_killed_is_in_nobodys_way(state: str, elsewhere: bool) -> None:
    """Nor is there anything left of them after the next task, wherever that is."""

    def work() -> None:
        token = told(change(seconds=30))
        if state == "confirmed":
            confirm.confirm(token)
        kill_who_waits()
        assert waiting() == [f"{state}-{token}"]
        if elsewhere:
            process.unshare(nstypes.NET.flag)
            change(Request(links=(LinkWish("lo", up=True),)), seconds=None)
        else:
            assert change().changes == ()
        assert not os.path.exists(MEMORY)

    in_own_network(work)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_who_shall_end_takes_it_back(number: signal.Signals) -> None:
    def work() -> None:
        token = told(change(seconds=30))
        (pid,) = support.children()
        os.kill(pid, number)
        support.wait_for(lambda: support.has_ended(pid))
        assert (links(), waiting()) == (["lo"], [])
        with pytest.raises(NamespaceError, match="the time is over, and it is taken back"):
            confirm.confirm(token)

    in_own_network(work)


def test_who_shall_end_does_so_when_the_change_is_done() -> None:
    whole = carry_out._do  # noqa: SLF001 - it is where a task spends its time

    def work() -> None:
        us = os.getpid()

        def ending(work: carry_out.Work, steps: t.Any, done: t.Any) -> None:
            if os.getpid() == us:
                (pid,) = support.children()
                os.kill(pid, signal.SIGTERM)
                time.sleep(SOON / 2)
            whole(work, steps, done)

        carry_out._do = ending  # noqa: SLF001 - in a process that ends here
        change(seconds=30)
        support.wait_for(lambda: waiting() == [])
        support.wait_for(lambda: links() == ["lo"])

    in_own_network(work)


@pytest.mark.parametrize("confirmed", [False, True])
def test_what_stays_when_who_waited_is_killed(confirmed: bool) -> None:
    def work() -> None:
        token = told(change(seconds=30))
        if confirmed:
            confirm.confirm(token)
        kill_who_waits()
        assert confirm.confirm(token) is confirmed
        assert "br0" in links()
        assert not os.path.exists(MEMORY)

    in_own_network(work)


def test_who_can_not_be_made_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirm, "_outermost", lambda _proc: "/proc/no/cgroup")

    def work() -> None:
        with pytest.raises(NamespaceError, match="clone a child"):
            change()
        assert (waiting(), links()) == ([], ["lo"])

    in_own_network(work)


def test_without_a_descriptor_left_it_rests_until_there_is_one() -> None:
    def work() -> None:
        token = told(change(seconds=30))
        (pid,) = support.children()
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as way:
            way.connect(f"{MEMORY}/confirm-{token}")
            before = ticks(pid)
            time.sleep(SOON)
            assert ticks(pid) - before < os.sysconf("SC_CLK_TCK") / 4
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        assert confirm.confirm(token)

    in_own_network(work)


def ticks(pid: int) -> int:
    """Of a processor, that a process has had."""
    return sum(map(int, support.read(f"/proc/{pid}/stat").rpartition(")")[2].split()[11:13]))


def test_who_answers_again_holds_no_network() -> None:
    def work() -> None:
        confirm.confirm(told(change(seconds=30)))
        (pid,) = support.children()
        # The standard streams, and the socket where it answers.
        support.wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) == 4)

    in_own_network(work)


def test_who_has_the_lock_keeps_it() -> None:
    """Others would come in beside it where its directory is taken away."""

    def work() -> None:
        change()
        with directory.locked():
            support.wait_for(lambda: waiting() == [])
            time.sleep(SOON / 2)
            assert (os.path.isdir(MEMORY), "br0" in links()) == (True, True)
        support.wait_for(lambda: links() == ["lo"])

    in_own_network(work)


def test_the_journal_hears_of_whatever_goes_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> str:
        raise RecursionError("too deep")

    journal = tmp_path / "journal"
    monkeypatch.setattr(confirm, "take_back", fail)
    monkeypatch.setattr(confirm, "_AGAIN_SECONDS", (SOON,))
    monkeypatch.setattr(syslog, "syslog", lambda _priority, text: journal.write_bytes(text.encode()))

    def work() -> None:
        change()
        support.wait_for(lambda: not os.path.exists(MEMORY))
        said = journal.read_text()
        assert (
            "was not confirmed, and goes back: what was done could not all be taken back: RecursionError: too" in said
        )

    in_own_network(work)


def test_only_root_gets_there() -> None:
    def work() -> None:
        token = told(change(seconds=30))
        with pytest.raises(NamespaceError, match="the time is over"):
            support.as_ordinary(lambda: confirm.confirm(token))
        assert waiting() == [f"confirm-{token}"]
        confirm.confirm(token)

    in_own_network(work)


@pytest.mark.parametrize("value", ["", "../directory-0", "0" * 31, "G" * 32, "0" * 33, "0" * 32 + "\n", 5, None])
def test_no_token(value: t.Any) -> None:
    assert not confirm.is_token(value)


@pytest.mark.parametrize("given", ["4", "3601", "1_0", "ten", "True", "-5", "5.5", ""])
def test_seconds_that_are_refused(given: str) -> None:
    with pytest.raises(NamespaceError, match="confirm"):
        confirm.parse_seconds(given)


@pytest.mark.parametrize("given", ["5", 3600])
def test_seconds(given: t.Any) -> None:
    assert confirm.parse_seconds(given) == int(given)
