# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The sysctls of a network namespace: /proc/sys/net shows those of who looks, so a child goes there.

Source: sysctl(8), proc_sys_net(5).
"""

from __future__ import annotations

import errno
import os
import typing as t

from ..._kernel import nstypes, procfs
from ..checkpoint import Gate, answer_of
from ..enter import join
from ..errors import Hint, during
from ..target import Target
from .places import Place

MISSING = Hint(
    "there is no such sysctl in a network namespace: its link or module is not there, or it is of the whole host",
    "look into /proc/sys/net inside",
)
_HINTS = {
    errno.ENOENT: MISSING,
    errno.EINVAL: Hint("the kernel does not take that value", "see the documentation of the sysctl"),
    errno.EROFS: Hint("/proc/sys is read-only here", "run the task outside of a container"),
}
_READ_HINTS = {
    **_HINTS,
    errno.EACCES: Hint("it can only be written, so nobody can see whether it is so", "write it with ns_exec"),
}
_WRITE_HINTS = {
    **_HINTS,
    errno.EACCES: Hint(
        "it can only be read there: it is a count, or belongs to the whole host", "set it on the host, if at all"
    ),
}


def read(proc: int, place: Place, wanted: t.Mapping[str, str]) -> dict[str, str]:
    """The values of these sysctls; those that are not there are left out.

    Raises NamespaceError, also for one that has another value than is wanted and can not be written.
    """

    def work(gate: Gate) -> dict[str, str]:
        join(Target({nstypes.NET: place.fd}, {}))
        found = {}
        for name, value in wanted.items():
            with during(f"read the sysctl {name} in {place.title}", _READ_HINTS):
                try:
                    found[name] = " ".join(procfs.read(gate.proc, _path(name)).split())
                except FileNotFoundError:
                    continue
            if found[name] != value:
                with during(f"set the sysctl {name} in {place.title} to {value}", _WRITE_HINTS):
                    os.close(procfs.open_file(gate.proc, _path(name), os.O_WRONLY))
        return found

    return answer_of(work, proc) if wanted else {}


def write(proc: int, place: Place, values: t.Mapping[str, str]) -> None:
    """Set them, in this order. Raises NamespaceError."""

    def work(gate: Gate) -> None:
        join(Target({nstypes.NET: place.fd}, {}))
        for name, value in values.items():
            with during(f"set the sysctl {name} in {place.title} to {value}", _WRITE_HINTS):
                procfs.write(gate.proc, _path(name), value + "\n")

    answer_of(work, proc)


def without_ipv6(name: str, links: t.Iterable[str]) -> set[str]:
    """Those of the links that lose all of IPv6 where this sysctl is set to other than 0."""
    parts = name.split(".")
    if parts[:3] != ["net", "ipv6", "conf"] or parts[4:] != ["disable_ipv6"]:
        return set()
    return {link for link in links if parts[3] in ("all", link.replace(".", "/"))}


def _path(name: str) -> str:
    """Dots are slashes, and the slashes of a name are the dots of a link's name."""
    return "sys/" + name.translate({ord("."): "/", ord("/"): "."})
