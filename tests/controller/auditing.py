# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the audit share: situations that are made on this kernel, gathered and judged."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import typing as t
from pathlib import Path

from ansible_collections.linux.namespaces.plugins.module_utils._kernel import mount, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import facts, run
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.judge import judge
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.model import Finding, Judgement
from ansible_collections.linux.namespaces.tests.controller.telling import Facts
from ansible_collections.linux.namespaces.tests.unit import scanning, support

TODAY = dt.date(2026, 11, 29)

Situation = t.Callable[[], t.ContextManager[object]]


def judged(told: t.Any, **options: t.Any) -> Judgement:
    return judge(told, **{"today": TODAY, **options})


def severities(told: t.Any, rule: str, **options: t.Any) -> list[str]:
    """How bad what a rule finds is."""
    return [item["severity"] for item in found(told, rule, **options)]


def found(told: t.Any, rule: str, **options: t.Any) -> list[Finding]:
    """What a rule finds, and no other rule has a say."""
    return [*judged(told, rules=[rule], **options).findings]


def gather(sources: t.Sequence[str] = run.SOURCES) -> Facts:
    with support.own_procfs() as proc:
        return facts.gather(proc, facts.Request(sources))


def alone(situation: Situation, *types: str, **more: int) -> Facts:
    """The facts of a host that has nobody but who makes the situation.

    That is neither who looks, whose own files are left out, nor PID 1, whose files are taken for systemd's.
    types, more: those of support.in_own_world().
    """

    def look() -> Facts:
        with contextlib.ExitStack() as stack, scanning.child(lambda: stack.enter_context(situation())):
            return gather()

    return support.in_own_world(look, *(types or ("pid", "mnt")), **more)


# ---- situations


def quiet() -> t.ContextManager[None]:
    return contextlib.nullcontext()


def pinned(kind: str, path: str) -> Situation:
    """A namespace without processes, with a handle."""

    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if kind == "mnt":
            _private(str(Path(path).parent))
        scanning.bound(Path(path), kind)
        yield

    return situation


@contextlib.contextmanager
def opened(kind: str = "uts") -> t.Iterator[int]:
    """A namespace that a process has open, and is not in."""
    with support.inhabited(kind) as pid:
        fd = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
    with closing(fd):
        yield fd


def _private(path: str) -> None:
    """What a mount namespace can be bound in."""
    support.bind(path, path)
    set_propagation(path, "private")


def leave_network(work: t.Callable[[], object]) -> None:
    """Do something in a new network namespace and come back."""
    with closing(os.open("/proc/self/ns/net", os.O_RDONLY)) as here:
        process.unshare(nstypes.NET.flag)
        work()
        process.setns(here, nstypes.NET.flag)


def copy_mounts(path: str, propagation: str) -> None:
    """A mount namespace of its own, in which one mount propagates like this."""
    process.unshare(nstypes.MNT.flag)
    set_propagation(path, propagation)


def set_propagation(path: str, propagation: str) -> None:
    with closing(os.open(path, os.O_PATH)) as place:
        mount.set_propagation(place, propagation, recursive=False)
