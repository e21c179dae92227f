# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One child that looks into many sets, each from where it started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import checkpoint, visit
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.checkpoint import Gate
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.handle import Handle
from ansible_collections.linux.namespaces.tests.unit import support

NAMES = ("uts", "ipc", "net", "cgroup", "mnt", "time")


def handle_of(pid: int, name: str) -> Handle:
    return Handle(nstypes.BY_NAME[name], f"/proc/{pid}/ns", name)


def answers(*stops: visit.Stop) -> list[t.Any]:
    with support.own_procfs() as proc:
        return list(visit.visit(proc, stops))


def links(gate: Gate) -> dict[str, str]:
    """The namespaces that the visitor is in."""
    return {kind.name: os.readlink(f"{gate.pid()}/ns/{kind.children_link}", dir_fd=gate.proc) for kind in nstypes.ALL}


def links_of(pid: int) -> dict[str, str]:
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in support.TYPE_NAMES}


def hostname(_gate: Gate) -> str:
    return os.uname().nodename


@pytest.mark.parametrize("name", NAMES)
def test_it_is_inside_and_comes_back(name: str) -> None:
    with support.inhabited(name) as pid:
        first, second = answers(((handle_of(pid, name),), links), ((), links))
        own = links_of(os.getpid())
        assert first == {**own, name: links_of(pid)[name]}
        assert second == own


def test_several_at_once() -> None:
    """All handles are opened before the first is joined: behind a mount namespace there may be no such path."""
    with support.inhabited(*NAMES[:-1]) as pid:
        (found,) = answers(([handle_of(pid, name) for name in reversed(NAMES[:-1])], links))
        assert found == {**links_of(os.getpid()), **{name: links_of(pid)[name] for name in NAMES[:-1]}}


def test_what_fails_is_that_stop_alone() -> None:
    def fail(_gate: Gate) -> t.NoReturn:
        raise NamespaceError("look", "a cause", "a remedy", 5)

    with support.inhabited("uts", prepare=lambda: socket.sethostname("inside")) as pid:
        there = (handle_of(pid, "uts"),)
        missing = (Handle(nstypes.UTS, "/run", "nothing here"), *there)
        wrong = (Handle(nstypes.UTS, f"/proc/{pid}/ns", "net"),)
        found = answers((there, hostname), (there, fail), (missing, hostname), (wrong, hostname), ((), hostname))
    assert (found[0], found[4]) == ("inside", socket.gethostname())
    assert [type(item) for item in found[1:4]] == [NamespaceError] * 3
    assert str(found[1]) == "cannot look: EIO (Input/output error): a cause; a remedy"
    assert "open the uts handle /run/nothing here" in str(found[2])
    assert "join the uts namespace" in str(found[3])


def test_a_failure_in_the_middle_of_joining_leaves_it_nowhere() -> None:
    """The next stop starts from home all the same."""
    with support.inhabited("uts", "ipc") as pid:
        half = (handle_of(pid, "uts"), Handle(nstypes.IPC, f"/proc/{pid}/ns", "net"))
        first, second = answers((half, links), ((), links))
    assert isinstance(first, NamespaceError)
    assert second == links_of(os.getpid())


def test_nowhere_to_go() -> None:
    """Not even a child."""
    before = support.children()
    assert answers() == []
    assert support.children() == before


def test_a_child_that_is_ended() -> None:
    def end(_gate: Gate) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(NamespaceError, match="the child that does it was ended from outside"):
        answers(((), hostname), ((), end), ((), hostname))


def test_somebody_stops_listening() -> None:
    """No child is left."""
    before = support.children()
    with support.own_procfs() as proc:
        with contextlib.closing(visit.visit(proc, [((), hostname)] * 3)) as found:
            assert next(found) == socket.gethostname()
        assert support.children() == before


# ---- who stays


@pytest.mark.parametrize("name", ["user", "pid", *NAMES])
def test_it_stays_inside(name: str) -> None:
    kind = nstypes.BY_NAME[name]
    with support.inhabited(name) as pid, closing(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY)) as fd:
        with support.own_procfs() as proc, visit.somebody_in(proc, {kind: fd}) as inside:
            link = f"{inside}/ns/{kind.children_link}"
            assert os.readlink(link, dir_fd=proc) == links_of(pid)[name]
        assert support.has_ended(inside)


def test_it_can_not_get_there() -> None:
    with closing(os.open("/proc/self/ns/user", os.O_RDONLY)) as fd, support.own_procfs() as proc, pytest.raises(
        NamespaceError, match="cannot join the user namespace: EINVAL"
    ), visit.somebody_in(proc, {nstypes.USER: fd}):
        pytest.fail("nobody joins the user namespace that he is in")


def test_it_holds_nothing_but_what_it_joins() -> None:
    """Who is in there may keep it, and could come to have what it holds."""
    with contextlib.ExitStack() as stack:
        pid = stack.enter_context(support.inhabited("user"))
        user, _other = (
            stack.enter_context(closing(os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY))) for name in ("user", "net")
        )
        proc = stack.enter_context(support.own_procfs())
        inside = stack.enter_context(visit.somebody_in(proc, {nstypes.USER: user}))
        assert support.held_namespaces(inside) == [links_of(pid)["user"]]
        assert "/proc" not in [os.readlink(entry.path) for entry in os.scandir(f"/proc/{inside}/fd")]


def test_it_ends_at_once_though_somebody_stopped_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_FAREWELL_SECONDS", support.PATIENCE)
    with support.own_procfs() as proc:
        with visit.somebody_in(proc, {}) as inside:
            os.kill(inside, signal.SIGSTOP)
            began = time.monotonic()
        assert time.monotonic() - began < support.PATIENCE / 2


def test_it_ends_with_its_parent_though_somebody_stopped_it() -> None:
    """Whose namespace it is may do that."""

    def become_another() -> None:
        support.become_ordinary()
        process.unshare(nstypes.USER.flag)

    def stay(user: int) -> t.NoReturn:
        with support.own_procfs() as proc, visit.somebody_in(proc, {nstypes.USER: user}) as inside:
            os.write(say, b"%d" % inside)
            while True:
                signal.pause()

    said, say = os.pipe()
    with closing(said), closing(say), support.inhabited(prepare=become_another) as owner:
        with closing(os.open(f"/proc/{owner}/ns/user", os.O_RDONLY)) as user:
            parent = os.fork()
            if parent == 0:
                try:
                    stay(user)
                finally:
                    os._exit(1)
        inside = int(os.read(said, 32))
        try:
            os.kill(inside, signal.SIGSTOP)
            os.kill(parent, signal.SIGKILL)
            os.waitpid(parent, 0)
            support.wait_for(lambda: support.has_ended(inside))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(inside, signal.SIGKILL)
