# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What the program tells, for the journal and for the module: lines, each with the name of a set and words."""

from __future__ import annotations

import typing as t

from ..shown import printable

EVERY = "*"
"""In place of the name of a set, where it is about none or all."""
_SEPARATOR = "; "


def tell(stream: t.TextIO, name: str, *words: str) -> None:
    """Write a line."""
    # No name of a set has a colon.
    stream.write(f"{name}: {printable(_SEPARATOR.join(words))}\n")


def read(text: str) -> list[tuple[str, str]]:
    """What was told, line by line: the names and what comes after them."""
    lines = (line.partition(":") for line in text.splitlines())
    return [(name, told.strip()) for name, _colon, told in lines]


def words_in(told: str) -> list[str]:
    """What comes after a name, as it was given to tell()."""
    return told.split(_SEPARATOR)
