# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Texts that a stranger chose, such as the name of his process, as they can be shown. For the controller too."""

from __future__ import annotations

# Letters and a sign that show as a gap or as nothing: the fillers of Hangul, the empty pattern of Braille.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"


def printable(text: str) -> str:
    """The text of a stranger in one line, to be shown: what a terminal acts upon, and what is blank, as \\x1b."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character.isprintable() and character not in _BLANK else _escaped(character) for character in text
    )


def _escaped(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
