# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Which files shall be there, for all sets that are declared."""

from __future__ import annotations

import typing as t

from ..errors import NamespaceError
from . import declared, units
from .bound import belongs_to
from .declared import Declared
from .places import PROGRAM
from .units import Files


class Wanted(t.NamedTuple):
    """All that shall be there."""

    files: Files
    unclear: t.Mapping[str, str]
    """The sets of which nobody can tell what they were to be, and why: what there is of them stays."""


def compose(
    sets: t.Iterable[Declared], others: t.Iterable[str], old: Files, tools: units.Tools, program: bytes
) -> Wanted:
    """For these sets, and for the others as they are declared already. Raises NamespaceError."""
    new: Files = {}
    unclear = {}
    for name in others:
        try:
            new.update(_of_set(declared.read(name), tools))
        except NamespaceError as error:
            unclear[name] = str(error)
            new.update((path, value) for path, value in old.items() if belongs_to(name, path, value))
    for item in sets:
        new.update(_of_set(item, tools))
    return Wanted({**new, **units.of_all(), PROGRAM: program} if new else {}, unclear)


def _of_set(item: Declared, tools: units.Tools) -> Files:
    return {**units.of_set(item, tools), item.path: item.text().encode()}
