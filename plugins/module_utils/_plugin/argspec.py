# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The options that modules share; their documentation is in the fragments of the same names.

Numbers are taken as text: Ansible's own types let 1_000, True and NaN pass for one.
"""

from __future__ import annotations

import typing as t

from .._kernel import nstypes
from .._namespaces import definition

Spec = t.Dict[str, t.Any]

PROPAGATIONS = definition.PROPAGATIONS

TYPE_NAMES = [kind.name for kind in nstypes.ALL]

_IDS: Spec = {
    "type": "list",
    "elements": "dict",
    "options": {name: {"type": "str", "required": True} for name in ("inside", "outside", "count")},
}

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

DEFINITION: Spec = {
    "hostname": {"type": "str"},
    "domainname": {"type": "str"},
    "uid_map": _IDS,
    "gid_map": _IDS,
    "setgroups": {"type": "str", "choices": list(definition.SETGROUPS)},
    "time_offsets": {"type": "dict", "options": {clock: {"type": "str"} for clock in definition.CLOCKS}},
    "propagation": {"type": "str", "choices": [*PROPAGATIONS, "unchanged"]},
    "mounts": {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "str", "required": True},
            "src": {"type": "str"},
            "fstype": {"type": "str"},
            "opts": {"type": "str"},
        },
    },
    "mount_proc": {"type": "bool"},
    "loopback": {"type": "bool"},
}
