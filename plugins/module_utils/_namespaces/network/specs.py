# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The options of a network, as an argument spec of Ansible."""

from __future__ import annotations

from ..specs import Spec
from .link_types import LINK_TYPES
from .model import PHYSICAL, PURGEABLE, V4, V6, WAYLESS
from .parse import LOCAL, UNICAST

_STATE: Spec = {"type": "str", "choices": ["present", "absent"], "default": "present"}
_FAMILY: Spec = {"type": "str", "choices": [V4, V6]}
_TEXT: Spec = {"type": "str"}
_NEEDED: Spec = {"type": "str", "required": True}
_ADDRESSES: Spec = {"type": "list", "elements": "raw"}
_PEER: Spec = {
    "name": _NEEDED,
    "namespace": _TEXT,
    "addresses": _ADDRESSES,
    "up": {"type": "bool", "default": True},
    "master": _TEXT,
}
_LINK: Spec = {
    "name": _NEEDED,
    "type": {"type": "str", "choices": [*LINK_TYPES, PHYSICAL]},
    "state": {**_STATE, "choices": ["present", "absent", "outside"]},
    "peer": {"type": "dict", "options": _PEER},
    "addresses": _ADDRESSES,
    "mtu": _TEXT,
    "mac": _TEXT,
    "up": {"type": "bool"},
    "master": _TEXT,
    "options": {"type": "dict"},
}
_ROUTE: Spec = {
    "dst": _NEEDED,
    **dict.fromkeys(("via", "dev", "table", "metric", "src"), _TEXT),
    "type": {"type": "str", "choices": [UNICAST, *WAYLESS, LOCAL], "default": UNICAST},
    "family": _FAMILY,
    "state": _STATE,
}
_RULE: Spec = {
    "family": _FAMILY,
    **dict.fromkeys(("from", "to", "iif", "oif", "fwmark", "table", "priority"), _TEXT),
    "state": _STATE,
}
NETWORK: Spec = {
    "links": {"type": "list", "elements": "dict", "options": _LINK},
    "routes": {"type": "list", "elements": "dict", "options": _ROUTE},
    "rules": {"type": "list", "elements": "dict", "options": _RULE},
    "sysctls": {"type": "dict"},
    "purge": {"type": "list", "elements": "str", "choices": list(PURGEABLE)},
}
