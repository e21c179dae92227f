# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The options that modules share; their documentation is in the fragments of the same names."""

from __future__ import annotations

from .._namespaces import definition, specs

Spec = specs.Spec

PROPAGATIONS = definition.PROPAGATIONS

TYPE_NAMES = specs.TYPE_NAMES

DEFINITION = specs.DEFINITION

TARGET: Spec = {
    "name": {"type": "str"},
    "pid": {"type": "str"},
    "handles": {"type": "dict", "options": {name: {"type": "path"} for name in TYPE_NAMES}},
    "types": {"type": "list", "elements": "str", "choices": TYPE_NAMES},
    "expect": {
        "type": "dict",
        "options": {
            name: {"type": "dict", "options": {"inode": {"type": "str", "required": True}, "id": {"type": "str"}}}
            for name in TYPE_NAMES
        },
    },
}
