# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Children that go into namespaces: one for those of many handles in rounds, or one that stays to be looked at.

Who goes in rounds comes back each time, and so does not go into user and pid namespaces.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import typing as t

from .._kernel import nstypes, process, procfs
from .._kernel.descriptor import closing
from .checkpoint import PATIENCE, Gate, spawn, to_message
from .enter import join
from .errors import NamespaceError, during
from .handle import Handle, open_namespace
from .target import Target

Stop = t.Tuple[t.Sequence[Handle], t.Callable[[Gate], t.Any]]
"""Where to go, and what to do there; its answer goes through JSON."""


def visit(proc: int, stops: t.Sequence[Stop]) -> t.Generator[t.Any, None, None]:
    """The answer of each stop, or the NamespaceError that came of it. Raises NamespaceError where the child fails."""
    if not stops:
        return
    with spawn(lambda gate: _visit_all(gate, stops), proc) as child:
        child.release()
        for _stop in stops:
            message = child.receive(time.monotonic() + PATIENCE)
            if message is None:
                raise NamespaceError("look into the sets", "the child that does it was ended from outside", "try again")
            yield NamespaceError(*message["failed"]) if "failed" in message else message["answer"]


@contextlib.contextmanager
def way_back(
    gate: Gate, kinds: t.Iterable[nstypes.NsType]
) -> t.Iterator[t.Callable[[t.Iterable[nstypes.NsType]], None]]:
    """Hold the namespaces of these types that we are in; what is yielded joins those of some types again.

    A type that the kernel lacks is left out: nobody gets away from it. Raises NamespaceError.
    """
    origin: dict[nstypes.NsType, int] = {}
    us = gate.pid()
    with contextlib.ExitStack() as stack:
        for kind in kinds:
            with during("look at the namespaces of the task"), contextlib.suppress(FileNotFoundError):
                origin[kind] = stack.enter_context(closing(procfs.open_namespace(gate.proc, us, kind.name)))

        def go_back(left: t.Iterable[nstypes.NsType]) -> None:
            for kind in left:
                if kind in origin:
                    with during(f"go back to the {kind.name} namespace of the task"):
                        process.setns(origin[kind], kind.flag)

        yield go_back


@contextlib.contextmanager
def somebody_in(proc: int, joined: t.Mapping[nstypes.NsType, int], deadline: float | None = None) -> t.Iterator[int]:
    """The pid of a child that is in the namespaces that these descriptors are, until leaving.

    Of a pid namespace it is not, but its next children would be. deadline: of time.monotonic(), for it to get there.
    Raises NamespaceError, DeadlineError.
    """
    with spawn(lambda gate: _stay(gate, joined), proc) as child:
        try:
            child.expect("joined", time.monotonic() + PATIENCE if deadline is None else deadline)
            yield child.pid
        finally:
            # Who is in there may have stopped it, so that it would not hear that it should go.
            child.kill()


def _stay(gate: Gate, joined: t.Mapping[nstypes.NsType, int]) -> t.NoReturn:
    # Who is in there may keep this process for good: nothing of ours is to stay open with it.
    process.close_from(3, gate.fileno(), *joined.values())
    join(Target(joined, {}))
    # To join the user namespace of another user takes it back.
    process.die_with_parent(signal.SIGKILL)
    gate.report(joined=True)
    gate.wait()
    os._exit(0)


def _visit_all(gate: Gate, stops: t.Sequence[Stop]) -> t.NoReturn:
    gate.wait()
    with way_back(gate, {handle.kind for handles, _work in stops for handle in handles}) as go_back:
        for handles, work in stops:
            try:
                _join(handles)
                gate.report(answer=work(gate))
            except NamespaceError as error:
                gate.report(failed=to_message(error))
            go_back([handle.kind for handle in handles])
    os._exit(0)


def _join(handles: t.Sequence[Handle]) -> None:
    """All are opened before the first is joined: behind a mount namespace the paths are others."""
    with contextlib.ExitStack() as stack:
        opened = [(handle, stack.enter_context(closing(open_namespace(handle)))) for handle in handles]
        for handle, fd in opened:
            with during(f"join the {handle.kind.name} namespace at {handle.path}"):
                process.setns(fd, handle.kind.flag)
