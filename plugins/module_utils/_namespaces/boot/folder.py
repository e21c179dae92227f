# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The folder that has a file for each set that is declared."""

from __future__ import annotations

import itertools
import os

from ..._kernel.descriptor import closing
from ..directory import open_directory
from ..errors import NamespaceError, during
from .places import DEFINITIONS

_END = ".json"


def path_of(name: str) -> str:
    """The file of a set."""
    return f"{DEFINITIONS}/{name}{_END}"


def names(most: int | None = None) -> list[str]:
    """The sets that have a file.

    Raises NamespaceError for a directory that others may change, or that has more entries than `most`.
    """
    fd = open_directory(DEFINITIONS)
    if fd is None:
        return []
    with closing(fd), during(f"list {DEFINITIONS}"), os.scandir(fd) as entries:
        found = [entry.name for entry in itertools.islice(entries, None if most is None else most + 1)]
    if most is not None and len(found) > most:
        raise NamespaceError(f"list {DEFINITIONS}", f"it has more than {most} entries", "see what they are")
    return sorted(name[: -len(_END)] for name in found if name.endswith(_END) and name[0] != ".")
