# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Which services the files of ours are about, and which sets those are bound to: units.py, read back."""

from __future__ import annotations

import os
import typing as t

from .files import Value
from .folder import path_of
from .places import service_unit_of, unit_of
from .units import DROP_IN, FOLDER, link_of

_BINDS = "BindsTo="


def bound_to(files: t.Mapping[str, Value], names: t.Iterable[str]) -> dict[str, str]:
    """Which of these sets services are bound to, by the units that files of ours are, or are drop-ins for."""
    owners = {unit_of(name): name for name in names}
    pairs = ((_unit_at(path), owners.get(_set_unit_in(value))) for path, value in files.items())
    return {unit: name for unit, name in pairs if unit is not None and name is not None}


def is_drop_in(path: str) -> bool:
    """Whether a file of ours is a drop-in, for a unit of somebody else."""
    return os.path.basename(path) == DROP_IN


def belongs_to(name: str, path: str, value: Value) -> bool:
    """Whether a file is one of those of a set."""
    unit = unit_of(name)
    if is_drop_in(path):
        return _set_unit_in(value) == unit
    services = f"{FOLDER}/{service_unit_of(name, '')}".partition(":")[0] + ":"
    return path.startswith((services, f"{FOLDER}/{unit}.wants/")) or path in (path_of(name), link_of(unit))


def _unit_at(path: str) -> str | None:
    folder, name = os.path.split(path)
    if is_drop_in(path):
        return os.path.basename(folder)[: -len(".d")]
    return name if folder == FOLDER and ":" in name else None


def _set_unit_in(value: Value) -> str:
    lines = value.split(b"\n") if isinstance(value, bytes) else ()
    return next((os.fsdecode(line[len(_BINDS) :]) for line in lines if line.startswith(_BINDS.encode())), "")
