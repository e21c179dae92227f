# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The one checkpoint: a child that does nothing before its parent has looked at it and lets it go.

Parent and child hold one end each of a socket pair that keeps message boundaries. The child reports what it did, its
failure included, and waits for the go byte. The end of the channel without that byte means that the parent is gone:
the child ends. Nobody but the parent holds the parent's end.
"""

from __future__ import annotations

import array
import contextlib
import errno
import json
import locale
import os
import pickle
import select
import signal
import socket
import sys
import time
import typing as t

from .._kernel import process, procfs
from .._kernel.descriptor import closing
from .errors import NamespaceError, during

_GO = b"!"
_TEXT_CHARACTERS = 4000
_MESSAGE_BYTES = 65536
MOST_DESCRIPTORS = 253
"""What one message can carry: SCM_MAX_FD of the kernel."""

_DESCRIPTOR_BYTES = socket.CMSG_SPACE(MOST_DESCRIPTORS * array.array("i").itemsize)
_FAREWELL_SECONDS = 1
_FAREWELLS = 10
_LONGEST_POLL = 2**31 - 1

Message = t.Dict[str, t.Any]
T = t.TypeVar("T")

# A child is born with a copy of each, and closes them: else it would keep its siblings waiting for a dead parent.
_parents_ends: set[socket.socket] = set()


PATIENCE = 60
"""Seconds that a child has that does a little work on namespaces: who is in there may be able to stop it."""


class ChildLostError(NamespaceError):
    """A child was ended from outside, or does not answer, or does not end."""


class DeadlineError(ChildLostError):
    """The time that a child was given is over."""

    def __init__(self) -> None:
        super().__init__("wait for the child", "it did not answer in time", "see whether somebody inside stopped it")


def milliseconds_left(deadline: float | None) -> float | None:
    """How long to poll until a deadline of time.monotonic(): at most as long as poll(2) can, so look again then."""
    return None if deadline is None else min(max(0.0, (deadline - time.monotonic()) * 1000), _LONGEST_POLL)


class Gate:
    """The child's end."""

    def __init__(self, channel: socket.socket, proc: int) -> None:
        self._channel = channel
        self.proc = proc
        """The parent's procfs, which shows this process wherever it goes."""

    def fileno(self) -> int:
        """The descriptor of the channel, which closes on exec."""
        return self._channel.fileno()

    def report(self, descriptors: t.Sequence[int] = (), **message: t.Any) -> None:
        """Tell the parent, and hand it copies of some descriptors.

        Whether it is still there is for wait() to find out. Raises OSError.
        """
        _send(self._channel, json.dumps(message).encode(), descriptors)

    def fail(self, error: NamespaceError) -> None:
        """Tell the parent why this child ends."""
        with contextlib.suppress(OSError):
            self.report(error=to_message(error))

    def wait(self) -> None:
        """Block until the parent gives the go byte; without it, end."""
        _await_go(self._channel)

    def outlive_parent(self) -> None:
        """Go on when the parent ends. Raises OSError."""
        process.die_with_parent(0)

    def pid(self) -> int:
        """This process as its parent sees it."""
        return procfs.own_pid(self.proc)

    def move(self, flag: int = 0, prepare: t.Callable[[int], None] | None = None) -> None:
        """Go on as a sibling, born where the children of this process belong; this process ends.

        setns and unshare for pid and time move only children. A new user namespace (the flag) gets its maps from
        outside: prepare writes them, given the sibling's pid, before the sibling goes on. Raises OSError.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        sibling = process.clone_sibling(flag)
        if sibling:
            theirs.close()
            pid = int(ours.recv(_MESSAGE_BYTES) or 0)
            if not pid:
                # It was ended before it could say so itself, and is there to be reaped.
                self.report(moved=sibling)
            elif prepare:
                prepare(pid)
            _send(ours, _GO)
            os._exit(0)
        ours.close()
        process.die_with_parent(signal.SIGKILL)
        pid = self.pid()
        # First of all: a sibling that the parent does not know is one that nobody reaps.
        self.report(moved=pid)
        theirs.send(b"%d" % pid)
        _await_go(theirs)
        theirs.close()


class Child:
    """The parent's end."""

    def __init__(self, cloned: process.Cloned, channel: socket.socket) -> None:
        self.pid, self.pidfd = cloned
        self._channel = channel
        # What the child was before it went on as a sibling; each ends once it has prepared the next.
        self._former: list[process.Cloned] = []
        self.is_let_go = False

    def fileno(self) -> int:
        """The descriptor that becomes readable when the child reports, or when nobody is left who could report."""
        return self._channel.fileno()

    def receive(self, deadline: float | None = None) -> Message | None:
        """The next report; None when all who could have reported have ended. The deadline is of time.monotonic().

        The descriptors that came with it are there as "descriptors", and the caller's to close.
        Raises NamespaceError for the child's failure, DeadlineError.
        """
        message = self._next(deadline)
        if message is not None and "error" in message:
            raise NamespaceError(*message["error"])
        return message

    def expect(self, key: str, deadline: float | None = None) -> t.Any:
        """What the child reports next under this key. Raises NamespaceError also for the child's end, DeadlineError."""
        message = self.receive(deadline)
        if message is None:
            raise ChildLostError("run the child", "it was ended from outside before it was ready")
        return message[key]

    def release(self) -> None:
        """Give the go byte. A child that is gone is found by the next receive(). Raises OSError."""
        _send(self._channel, _GO)

    def signal(self, number: int) -> None:
        """Send the child a signal, whatever state it is in."""
        if self.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                process.pidfd_send_signal(self.pidfd, number)

    def kill(self) -> None:
        """End the child, and what it was before."""
        self.signal(signal.SIGKILL)
        for _pid, pidfd in self._former:
            with contextlib.suppress(ProcessLookupError):
                process.pidfd_send_signal(pidfd, signal.SIGKILL)

    def let_go(self) -> None:
        """Leave alone a child that has closed its end of the channel: it outlives this process."""
        self._reap_former(0)
        os.close(self.pidfd)
        self.pidfd = -1
        self.is_let_go = True

    def reap(self) -> int:
        """Wait for the child and return its wait status. No more can be done with it then."""
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.pidfd)
        self.pidfd = -1
        return status

    def close(self) -> None:
        """End the child, if it is there still, and reap it and whatever it went on as.

        Raises NamespaceError where SIGKILL does not end it.
        """
        # Who waits for the go byte ends by itself, and has reaped its own children then.
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_WR)
        for _attempt in range(_FAREWELLS):
            try:
                while (message := self._next(time.monotonic() + _FAREWELL_SECONDS)) is not None:
                    for fd in message.get("descriptors", ()):
                        os.close(fd)
            except DeadlineError:
                self.kill()
            else:
                break
        else:
            self._channel.close()
            for _pid, pidfd in (*self._former, (self.pid, self.pidfd)):
                if pidfd >= 0:
                    os.close(pidfd)
            raise ChildLostError(
                "end the child", f"process {self.pid} goes on after SIGKILL", "look at what it waits for"
            )
        self._reap_former(0)
        if self.pidfd >= 0:
            self.reap()
        self._channel.close()

    def _reap_former(self, flags: int) -> None:
        """Reap what the child was before; with WNOHANG as far as it has ended."""
        for former in tuple(self._former):
            try:
                ended = os.waitpid(former.pid, flags)[0]
            except ChildProcessError:
                ended = former.pid
            if ended:
                os.close(former.pidfd)
                self._former.remove(former)

    def _next(self, deadline: float | None) -> Message | None:
        while True:
            if deadline is not None and not self._is_readable(deadline):
                raise DeadlineError
            try:
                content, ancillary, flags, _address = self._channel.recvmsg(
                    _MESSAGE_BYTES, _DESCRIPTOR_BYTES, socket.MSG_CMSG_CLOEXEC
                )
            except ConnectionResetError:
                # Said once, where the child ended without reading the go byte; what it reported comes next.
                continue
            if not content:
                return None
            with during("read what the child says"):
                message: Message = json.loads(content)
            for _level, _kind, data in ancillary:
                message["descriptors"] = array.array("i", data).tolist()
            if flags & socket.MSG_CTRUNC:
                for fd in message.get("descriptors", ()):
                    os.close(fd)
                with during("take over the descriptors of a child"):
                    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            self._reap_former(os.WNOHANG)
            if "moved" not in message:
                return message
            self._follow(message["moved"])

    def _is_readable(self, deadline: float) -> bool:
        """Whether it becomes so until then."""
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        while not poll.poll(milliseconds_left(deadline)):
            if time.monotonic() >= deadline:
                return False
        return True

    def _follow(self, sibling: int) -> None:
        """Hold the sibling that the child went on as, unless it is no child of ours: then it was ended and reaped.

        While it is a child of ours its pid can't come to mean another process.
        """
        try:
            pidfd = process.pidfd_open(sibling)
        except ProcessLookupError:
            return
        try:
            os.waitid(os.P_PID, sibling, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            os.close(pidfd)
            return
        self._former.append(process.Cloned(self.pid, self.pidfd))
        self.pid, self.pidfd = sibling, pidfd


@contextlib.contextmanager
def spawn(work: t.Callable[[Gate], t.NoReturn], proc: int, cgroup: str | None = None) -> t.Iterator[Child]:
    """Clone a child that does the work; a NamespaceError there is raised here by Child.receive().

    The child never returns into the caller's code. On leaving it is ended and reaped. proc is the caller's procfs,
    cgroup the directory of the version 2 cgroup to start the child in, if not the caller's. Raises NamespaceError.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        cloned = _clone(cgroup)
    except BaseException:
        ours.close()
        theirs.close()
        raise
    _parents_ends.add(ours)
    if cloned is None:
        live(work, Gate(theirs, proc))
    theirs.close()
    child = Child(cloned, ours)
    try:
        yield child
    finally:
        _parents_ends.discard(ours)
        child.close()


def _clone(cgroup: str | None) -> process.Cloned | None:
    if cgroup is None:
        with during("clone a child"):
            return process.clone_child()
    operation = f"clone a child in the cgroup {cgroup}"
    with during(operation), closing(os.open(cgroup, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as directory:
        return process.clone_child(directory)


def answer_of(work: t.Callable[[Gate], T], proc: int) -> T:
    """What the work comes to in a child, however large; it is pickled. Raises NamespaceError."""
    with answering(work, proc) as answer:
        return answer(None)


@contextlib.contextmanager
def answering(work: t.Callable[[Gate], T], proc: int) -> t.Iterator[t.Callable[[float | None], T]]:
    """Begin the work in a child; what is yielded waits for what it comes to, as answer_of() has it, until a deadline.

    That is of time.monotonic(), and raises DeadlineError.
    """
    memory = os.memfd_create("answer")
    with os.fdopen(memory, "rb") as file:

        def write(gate: Gate) -> t.NoReturn:
            content = pickle.dumps(work(gate))
            with os.fdopen(os.dup(memory), "wb") as writer:
                writer.write(content)
            gate.report(answered=True)
            os._exit(0)

        with spawn(write, proc) as child:

            def answer(deadline: float | None) -> T:
                child.expect("answered", deadline)
                file.seek(0)
                content: T = pickle.load(file)
                return content

            yield answer


def live(work: t.Callable[[Gate], t.NoReturn], gate: Gate) -> t.NoReturn:
    """The child's whole life: it does the work, or says why it can't."""
    try:
        with during("prepare the child"):
            process.die_with_parent(signal.SIGKILL)
            while _parents_ends:
                _parents_ends.pop().close()
            _leave_standard_streams()
            # Whatever is imported from here on would come from a root that may be foreign (CVE-2019-5736), and so
            # would the converters that the C library loads to translate the texts of errors (CVE-2019-14271).
            sys.meta_path.clear()
            locale.setlocale(locale.LC_ALL, "C")
        with during("run the child"):
            work(gate)
    except NamespaceError as error:
        gate.fail(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to hear of it
        gate.fail(NamespaceError("run the child", f"{type(error).__name__}: {error}"))
    finally:
        os._exit(1)


def _leave_standard_streams() -> None:
    """Hold nothing open of the parent's: who reads its output would wait for us too."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for number in range(3):
        os.dup2(null, number)
    os.close(null)


def to_message(error: NamespaceError) -> list[t.Any]:
    """What NamespaceError can be made of again after it went through JSON; its texts may be cut."""
    return [*(text[:_TEXT_CHARACTERS] for text in (error.operation, error.cause, error.remedy)), error.code]


def _send(channel: socket.socket, content: bytes, descriptors: t.Sequence[int] = ()) -> None:
    """Send a message, if somebody is at the other end."""
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        channel.sendmsg([content], rights)


def _await_go(channel: socket.socket) -> None:
    if channel.recv(len(_GO)) != _GO:
        os._exit(1)
