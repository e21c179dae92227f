# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Where it is remembered which namespaces sets were given: names alone, as the controller has to know them too."""

from __future__ import annotations

MEMORY = "/run/linux-namespaces"

SEPARATOR = ":"
"""In no name of a set, and in no name of a type."""


def link_of(kind: str, name: str) -> str:
    """The name of the link that says that a set was given a namespace of this type, or (*) of any, for sh."""
    return f"{kind}{SEPARATOR}{name}"
