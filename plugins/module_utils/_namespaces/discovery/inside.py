# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""A child that goes from one namespace to the next and tells what it is like in there."""

from __future__ import annotations

import typing as t

from ..._kernel import process, procfs
from ..checkpoint import Gate, Message
from . import parts
from .model import Namespace
from .scan import Scan

Properties = t.Dict[str, t.Any]
Look = t.Callable[[int, int], Properties]
"""At a process, given a procfs and the pid. Raises OSError."""

_MOST_IN_A_MESSAGE = 100
_DENIED = "denied"


def look(
    scan: Scan,
    namespaces: t.Sequence[Namespace],
    looks: t.Sequence[Look],
    found: t.Mapping[int, Properties],
    source: str,
    lost: str,
) -> None:
    """Have a child go into each of these namespaces, which are of one type, and look; what it tells is put in found.

    found: by inode. source: what is refused is counted in scan.denied so. lost: why the scan is not complete where
    the child does not come to its end. Items of lists have to be of 600 bytes at most.
    """
    if not namespaces:
        return
    kind = namespaces[0].kind
    own = procfs.namespace_inode(scan.proc, f"{procfs.own_pid(scan.proc)}/ns/{kind.name}")
    # Where the child is at first, it needs no privilege to be.
    ordered = sorted(namespaces, key=lambda namespace: namespace.identity.inode != own)
    seen: dict[int, Properties] = {namespace.identity.inode: {} for namespace in ordered}

    def take(namespace: Namespace, message: Message) -> None:
        properties = seen[namespace.identity.inode]
        if "part" in message:
            key, value = message["part"]
            properties[key] = properties[key] + value if key in properties else value
        else:
            scan.denied[source] += properties.pop(_DENIED, 0)
            found[namespace.identity.inode].update(properties)

    parts.each(
        scan,
        lost,
        ordered,
        lambda gate, namespace: _report(gate, namespace, own, looks),
        take,
        kept=lambda namespace: (namespace.fd,),
    )


def _report(gate: Gate, namespace: Namespace, own: int, looks: t.Sequence[Look]) -> None:
    for part in _in_parts(_seen_in(gate, namespace, own, looks)):
        gate.report(part=part)
    gate.report(whole=True)


def _seen_in(gate: Gate, namespace: Namespace, own: int, looks: t.Sequence[Look]) -> Properties:
    seen: Properties = {}
    try:
        if namespace.identity.inode != own:
            process.setns(namespace.fd, namespace.kind.flag)
    except OSError as error:
        return _refusal(error)
    for look_at in looks:
        try:
            seen.update(look_at(gate.proc, gate.pid()))
        except OSError as error:
            seen.update(_refusal(error))
    return seen


def _refusal(error: OSError) -> Properties:
    return {_DENIED: 1} if isinstance(error, PermissionError) else {}


def _in_parts(properties: Properties) -> t.Iterator[tuple[str, t.Any]]:
    """What fits into a message each."""
    for key, value in properties.items():
        if isinstance(value, list):
            for start in range(0, len(value) or 1, _MOST_IN_A_MESSAGE):
                yield key, value[start : start + _MOST_IN_A_MESSAGE]
        else:
            yield key, value
