# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Doing what was planned: each set as a whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import signal
import time
import typing as t

from ..._kernel import mountinfo, nsfs, nstypes, process, procfs
from ..._kernel.descriptor import closing
from .. import cgroup, directory, handle, maker, processes, remembered
from ..checkpoint import Child
from ..definition import Definition
from ..errors import Hint, NamespaceError, during
from ..handle import Handle
from ..target import Target
from . import adjust, busy, inits
from .model import Kinds, Outcome, Plan, Request, Results, State
from .plan import Planned

_NOT_IN_ROUNDS = frozenset((nstypes.USER, nstypes.PID, nstypes.CGROUP))
_SECONDS = 10
_CLEAN_LOOKS = 2

_MEMORY_HINTS = {
    errno.ENOSPC: Hint("the file system of /run is full (df, df -i)", "free some of it"),
    errno.EROFS: Hint("/run is on a read-only file system", "remount it read-write"),
}


def carry_out(proc: int, memory: directory.Memory, request: Request, planned: Planned) -> Results:
    """Do it all. Raises NamespaceError for what concerns all sets; what was done by then stays."""
    failed = {name: item for name, item in planned.items() if isinstance(item, NamespaceError)}
    plans = {name: item for name, item in planned.items() if isinstance(item, Plan)}
    with contextlib.ExitStack() as stack:
        work = _Work(proc, memory, request, stack)
        states = work.carry_out(plans, failed)
    cgroup.clean_up(work.hierarchy)
    with during("take away directories that have no handles any more", _MEMORY_HINTS):
        directory.clean_up(memory)
    done = {
        name: Outcome(state, frozenset(plans[name].make), {}, plans[name].changes) for name, state in states.items()
    }
    return Results(done, failed, tuple(work.warnings))


class _Work:
    """What is open while sets are changed."""

    def __init__(self, proc: int, memory: directory.Memory, request: Request, stack: contextlib.ExitStack) -> None:
        self._proc = proc
        self._memory = memory
        self._request = request
        self._stack = stack
        self._directories: dict[str, int] = {}
        self._prepared: set[str] = set()
        self.hierarchy = cgroup.hierarchy(mountinfo.read(proc))
        self._ours = procfs.namespaces(proc, procfs.own_pid(proc))
        self.warnings: list[str] = []

    def carry_out(self, plans: t.Mapping[str, Plan], failed: dict[str, NamespaceError]) -> dict[str, State]:
        """Do all plans, and say what the sets are then; those that fail are added to failed instead."""
        in_rounds = {name: item for name, item in plans.items() if self._goes_in_rounds(item)}
        states: dict[str, State] = {}
        settled = {name: item for name, item in plans.items() if not item.changes}
        adjusted = {name: item for name, item in plans.items() if item.adjust and _only_adjusts(item)}
        wishes = [adjust.Wish(item.adjust, item.definition) for item in adjusted.values()]
        with contextlib.closing(adjust.bring(self._proc, wishes, check=False)) as answers:
            for name, answer in zip(adjusted, answers):
                if isinstance(answer, NamespaceError):
                    failed[name] = answer
                else:
                    settled[name] = adjusted[name]
        self._do(settled, self._leave, states, failed)
        with contextlib.closing(maker.in_rounds(self._proc, [_to_make(item) for item in in_rounds.values()])) as rounds:
            for name, made in zip(in_rounds, rounds):
                try:
                    states[name] = self._change_in_round(in_rounds[name], made)
                except NamespaceError as error:
                    failed[name] = error
        left = {name: item for name, item in plans.items() if name not in states and name not in failed}
        self._do(left, self._change_alone, states, failed)
        return states

    def _do(
        self,
        plans: t.Mapping[str, Plan],
        work: t.Callable[[Plan], State],
        states: dict[str, State],
        failed: dict[str, NamespaceError],
    ) -> None:
        for name, item in plans.items():
            try:
                states[name] = work(item)
            except NamespaceError as error:
                failed[name] = error

    def _leave(self, plan: Plan) -> State:
        """The set is as it is to be, but may not be remembered. Raises NamespaceError."""
        with self._remembering(plan):
            return plan.state

    def _change_in_round(self, plan: Plan, made: maker.Made | NamespaceError) -> State:
        if isinstance(made, NamespaceError):
            raise made
        with self._remembering(plan):
            if plan.state.is_absent:
                return self._fill(plan, made)
            self._unstack(plan)
            return self._change(plan, made)

    def _fill(self, plan: Plan, made: maker.Made) -> State:
        """Pin what was made for a set that has nothing: what _change() comes to, for a thousand sets in a row.

        Raises NamespaceError.
        """
        found: dict[Handle, handle.Pinned] = {}
        try:
            for item in plan.make:
                found[item] = self._pin(item, made[item.kind])
        except BaseException:
            for item in found:
                _quietly(handle.unpin, item, self._directory(item))
            raise
        return plan.state._replace(found=found)

    @contextlib.contextmanager
    def _remembering(self, plan: Plan) -> t.Iterator[None]:
        """Remember what the set is given before it is, so that nobody enters it half done; or as it was, if that fails.

        Raises NamespaceError.
        """
        new = [item for item in plan.keep - plan.state.remembered if item == handle.of_set(plan.state.name, item.kind)]
        old = plan.state.remembered - plan.keep
        try:
            with during(f"remember the set {plan.state.name}", _MEMORY_HINTS):
                # Of a set with handles what it had is forgotten after they are gone.
                self._exchange(() if plan.state.found else old, new)
            yield
        except BaseException:
            # What could not be taken back can't be entered either.
            if not any(os.path.lexists(item.path) for item in plan.make if item not in plan.state.found):
                with contextlib.suppress(OSError):
                    self._exchange(old=new, new=old)
            raise

    def _forget(self, plan: Plan) -> None:
        """What is gone is gone: a warning."""
        try:
            with during(f"forget what the set {plan.state.name} had", _MEMORY_HINTS):
                self._exchange(plan.state.remembered - plan.keep, ())
        except NamespaceError as error:
            self.warnings.append(f"{error}; until then nobody can enter it")

    def _exchange(self, old: t.Iterable[Handle], new: t.Iterable[Handle]) -> None:
        """Forget these and remember those. Raises OSError."""
        for item in old:
            remembered.forget(self._memory, item)
        for item in new:
            remembered.add(self._memory, item)

    def _goes_in_rounds(self, plan: Plan) -> bool:
        if not plan.make or self._request.adopted is not None:
            return False
        return _NOT_IN_ROUNDS.isdisjoint([item.kind for item in (*plan.make, *_kept(plan))])

    def _unstack(self, plan: Plan) -> None:
        """To be done before a handle of the set is opened: an open one keeps its mount busy. Raises NamespaceError."""
        for item in plan.unstack:
            handle.unstack(self._proc, item, self._directory(item))

    def _change_alone(self, plan: Plan) -> State:
        with self._remembering(plan):
            return self._change_unmade(plan)

    def _change_unmade(self, plan: Plan) -> State:
        """What there is to make is made now. Raises NamespaceError."""
        self._unstack(plan)
        if not plan.make:
            return self._change(plan, {})
        if self._request.adopted is not None:
            return self._change(plan, self._request.adopted.descriptors)
        with contextlib.ExitStack() as undo, contextlib.ExitStack() as stack:
            order = maker.Alone(
                plan.state.name, self._open_kept(plan, stack), _to_make(plan), self._make_cgroup(plan, undo)
            )
            child, made = stack.enter_context(maker.alone(self._proc, order))
            state = self._change(plan, made, child)
            undo.pop_all()
            return state

    def _change(self, plan: Plan, made: t.Mapping[nstypes.NsType, int], child: Child | None = None) -> State:
        """Put what was made in its place, or take back what was done of it; what the set is then.

        Raises NamespaceError.
        """
        gone = _to_remove(plan)
        found = {item: plan.state.found[item] for item in _kept(plan)}
        ends_init = any(item.kind is nstypes.PID and not self._is_needed(plan, item) for item in gone)
        with contextlib.ExitStack() as held, contextlib.ExitStack() as undo:
            self._take_away(plan, gone, ends_init, held, undo)
            for item in plan.make:
                found[item] = self._pin(item, made[item.kind])
                undo.callback(_quietly, handle.unpin, item, self._directory(item))
            if plan.adjust:
                self._adjust(plan)
            if child:
                maker.release(self._proc, child, plan.state.name if nstypes.PID in made else None)
            undo.pop_all()
        self._forget(plan)
        if ends_init and plan.make:
            # Not earlier: up to here all could be taken back. The next run finds it if it goes on.
            try:
                self._end_init(plan)
            except NamespaceError as error:
                self.warnings.append(str(error))
        if not found and (ends_init or nstypes.PID not in {item.kind for item in gone}):
            self._remove_cgroup(plan)
        return plan.state._replace(found=found, stacked=frozenset(), strays=(), init_pid=self._find_init(found, child))

    def _take_away(
        self,
        plan: Plan,
        gone: t.Sequence[Handle],
        ends_init: bool,
        held: contextlib.ExitStack,
        undo: contextlib.ExitStack,
    ) -> None:
        """End what has to end, and remove the handles. Raises NamespaceError."""
        for item in gone:
            # Open them all before anything is ended: a process can't be brought back, should this fail.
            self._directory(item)
        if plan.kill:
            self._end_processes(plan)
        self._end_strays(plan)
        for item in gone:
            if item.kind is nstypes.PID and ends_init and not plan.make:
                # Before its handle: without one nobody would find it again.
                self._end_init(plan)
            self._remove(plan, item, held, undo)

    def _find_init(self, found: t.Mapping[Handle, handle.Pinned], child: Child | None) -> int | None:
        """The child if it is the set's new init; else whoever is, if there is a pid namespace."""
        place = next((item for item in found if item.kind is nstypes.PID), None)
        if place is None:
            return None
        if child is not None and child.is_let_go:
            return child.pid
        with during(f"look for the init of {place.path}"):
            return inits.find(self._proc, place.path)

    def _adjust(self, plan: Plan) -> None:
        with contextlib.closing(
            adjust.bring(self._proc, [adjust.Wish(plan.adjust, plan.definition)], check=False)
        ) as answers:
            for answer in answers:
                if isinstance(answer, NamespaceError):
                    raise answer

    def _remove(self, plan: Plan, item: Handle, held: contextlib.ExitStack, undo: contextlib.ExitStack) -> None:
        place = self._directory(item)
        if plan.state.found[item].identity is not None:
            with during(f"hold the {item.kind.name} namespace at {item.path}"):
                tree = held.enter_context(closing(handle.hold(item, place)))
            undo.callback(handle.restore, item, place, tree)
        handle.unpin(item, place, detach=self._request.when_busy == "detach", keep_file=item in plan.make)

    def _pin(self, item: Handle, namespace: int) -> handle.Pinned:
        return handle.Pinned(handle.pin(item, self._prepare(item), namespace, self._ours.get(item.kind)))

    def _directory(self, item: Handle) -> int:
        path = item.directory
        if path not in self._directories:
            fd = directory.open_directory(path)
            if fd is None:
                raise NamespaceError(f"open the directory {path}", "somebody removed it meanwhile", "try again")
            self._directories[path] = self._stack.enter_context(closing(fd))
        return self._directories[path]

    def _prepare(self, item: Handle) -> int:
        path = item.directory
        if path not in self._prepared:
            private = nstypes.MNT in self._request.kinds() and self._request.directory(nstypes.MNT) == path
            fd = directory.prepare(self._proc, self._memory, path, private)
            self._directories[path] = self._stack.enter_context(closing(fd))
            self._prepared.add(path)
        return self._directories[path]

    def _open_kept(self, plan: Plan, stack: contextlib.ExitStack) -> Target:
        """What to join before the rest is made: the owner, and more only where that has to see it.

        An init is to be in all of the set, and a /proc shows the pid namespace that it is mounted from.
        """
        made = {item.kind for item in plan.make}
        needed = {nstypes.USER}
        if nstypes.PID in made:
            needed.update(nstypes.ALL)
        elif nstypes.MNT in made and plan.definition.mount_proc:
            needed.add(nstypes.PID)
        descriptors = {
            item.kind: stack.enter_context(closing(handle.open_namespace(item)))
            for item in _kept(plan)
            if item.kind in needed
        }
        return Target(descriptors, {kind: nsfs.identity(fd) for kind, fd in descriptors.items()})

    def _make_cgroup(self, plan: Plan, undo: contextlib.ExitStack) -> str | None:
        """A cgroup for a set that shall have one, and for an init that must not end with the caller's."""
        kinds = {item.kind for item in plan.make}
        if kinds.isdisjoint((nstypes.CGROUP, nstypes.PID)):
            return plan.state.cgroup
        top = self.hierarchy
        if top is None:
            if nstypes.CGROUP in kinds:
                raise NamespaceError("make a cgroup for the set", "no version 2 hierarchy is mounted", "mount cgroup2")
            self._warn_of_cgroup(plan, "no version 2 hierarchy of cgroups is mounted")
            return None
        path = cgroup.of_set(top, plan.state.name)
        try:
            cgroup.make(path)
        except NamespaceError as error:
            if nstypes.CGROUP in kinds:
                raise
            self._warn_of_cgroup(plan, str(error))
            return None
        if plan.state.cgroup is None:
            undo.callback(_quietly, cgroup.remove, path)
        return path

    def _warn_of_cgroup(self, plan: Plan, cause: str) -> None:
        self.warnings.append(
            f"the init of {plan.state.name} stays in the cgroup of the task and may end with it: {cause}"
        )

    def _remove_cgroup(self, plan: Plan) -> None:
        if plan.state.cgroup is not None:
            try:
                cgroup.remove(plan.state.cgroup)
            except NamespaceError as error:
                self.warnings.append(str(error))

    def _is_needed(self, plan: Plan, item: Handle) -> bool:
        """Whether the init of the pid namespace has to go on, for processes that are to go on."""
        identity = plan.state.found[item].identity
        if self._request.when_busy != "detach" or identity is None:
            return False
        return bool(busy.in_the_way(self._proc, plan, processes.inside(self._proc, (identity.inode,))))

    def _end_init(self, plan: Plan) -> None:
        """End the init that the collection gave the set; any other one was in the way, or is not ours to end."""
        pid, name = plan.state.init_pid, plan.state.name
        if pid and inits.is_made(self._proc, name, pid):
            with during(f"end the init of the set {plan.state.name}"):
                _kill(pid, lambda pid: inits.is_made(self._proc, name, pid))

    def _end_strays(self, plan: Plan) -> None:
        name = plan.state.name
        with during(f"end the inits of the set {name} that no handle is of"):
            for pid in plan.state.strays:
                _kill(pid, lambda pid: inits.is_made(self._proc, name, pid))

    def _end_processes(self, plan: Plan) -> None:
        """End what is in the set, and what that starts meanwhile. Raises NamespaceError."""
        inodes = frozenset(busy.inodes(plan))
        limit = time.monotonic() + _SECONDS
        # Twice: one reading of /proc can miss a process that is born meanwhile to a parent that ends meanwhile.
        clean = 0
        while clean < _CLEAN_LOOKS:
            clean += 1
            for pid, found in processes.find(self._proc, inodes):
                with during(f"end what is in the set {plan.state.name}"):
                    if busy.in_the_way(self._proc, plan, dict.fromkeys(found, (pid,))):
                        clean = 0
                        _kill(pid, lambda pid: bool(inodes & processes.namespaces_of(self._proc, pid)))
                if time.monotonic() > limit:
                    raise NamespaceError(
                        f"end what is in the set {plan.state.name}", "it goes on after SIGKILL", "look at it"
                    )


def _kill(pid: int, is_still_meant: t.Callable[[int], bool]) -> None:
    """SIGKILL for a process that is held while it is looked at once more, and wait for its end. Raises OSError."""
    try:
        pidfd = process.pidfd_open(pid)
    except ProcessLookupError:
        return
    with closing(pidfd):
        if is_still_meant(pid):
            with contextlib.suppress(ProcessLookupError):
                process.pidfd_send_signal(pidfd, signal.SIGKILL)
            if not process.pidfd_ended(pidfd, _SECONDS * 1000):
                raise OSError(errno.EBUSY, f"process {pid} goes on after SIGKILL")


def _only_adjusts(plan: Plan) -> bool:
    return not (plan.make or plan.remove or plan.unstack)


def _kept(plan: Plan) -> list[Handle]:
    """The handles of namespaces that live and stay."""
    return [item for item in plan.state.found if item not in plan.remove and plan.state.lives(item)]


def _to_remove(plan: Plan) -> list[Handle]:
    """What has to go: what is asked for, and a namespace without use that is to be made again."""
    broken = [item for item in plan.make if item in plan.state.found and item not in plan.remove]
    return [*plan.remove, *(item for item in broken if plan.state.found[item].identity is not None)]


def _to_make(plan: Plan) -> Definition:
    return _only(plan.definition, tuple(item.kind for item in plan.make))


@functools.lru_cache(maxsize=None)
def _only(definition: Definition, kinds: Kinds) -> Definition:
    """Mostly the same for many sets in a row."""
    return definition.only(kinds)


def _quietly(undo: t.Callable[..., object], *arguments: t.Any) -> None:
    """The error that led to the undoing is the one to tell."""
    with contextlib.suppress(NamespaceError):
        undo(*arguments)
