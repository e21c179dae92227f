# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Options that more than one place takes, as argument specs of Ansible; and the same check of what is in a file.

Numbers are taken as text: Ansible's own types let 1_000, True and NaN pass for one.
"""

from __future__ import annotations

import typing as t

from .._kernel import nstypes
from .definition import CLOCKS, PROPAGATIONS, SETGROUPS
from .errors import refuse

Spec = t.Dict[str, t.Any]

TYPE_NAMES = [kind.name for kind in nstypes.ALL]

_IDS: Spec = {
    "type": "list",
    "elements": "dict",
    "options": {name: {"type": "str", "required": True} for name in ("inside", "outside", "count")},
}

DEFINITION: Spec = {
    "hostname": {"type": "str"},
    "domainname": {"type": "str"},
    "uid_map": _IDS,
    "gid_map": _IDS,
    "setgroups": {"type": "str", "choices": list(SETGROUPS)},
    "time_offsets": {"type": "dict", "options": {clock: {"type": "str"} for clock in CLOCKS}},
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

_TYPES: t.Mapping[str, tuple[t.Any, str]] = {
    "str": (str, "text"),
    "bool": (bool, "true or false"),
    "list": (list, "list"),
    "dict": (dict, "dictionary"),
}


def check(known: Spec, given: t.Mapping[str, t.Any], at: str = "") -> None:
    """Raise NamespaceError for options that Ansible would refuse, or would make others of.

    at: what they are in, as links[0].
    """
    for name in given:
        if name not in known:
            raise refuse(at + name, "there is no such option")
    for name, spec in known.items():
        value = given.get(name)
        if value is not None:
            _check_value(at + name, spec, spec["type"], value)
        elif spec.get("required"):
            raise refuse(at + name, "it is missing")


def _check_value(option: str, spec: Spec, kind: str, value: t.Any) -> None:
    if kind == "raw":
        return
    expected, words = _TYPES[kind]
    if not isinstance(value, expected):
        raise refuse(option, f"{value!r:.60} is no {words}")
    if kind == "list":
        for number, item in enumerate(value):
            _check_value(f"{option}[{number}]", spec, spec["elements"], item)
    elif "choices" in spec and value not in spec["choices"]:
        raise refuse(option, f"{value!r:.60} is none of its words", "there are " + ", ".join(spec["choices"]))
    elif "options" in spec:
        check(spec["options"], value, option + ".")


def plain(known: Spec, given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The options without those that are not given, or are as by default."""
    found = {}
    for name, spec in known.items():
        value = given.get(name)
        if value is None or value == spec.get("default"):
            continue
        inside = spec.get("options")
        if inside is not None:
            value = [plain(inside, item) for item in value] if isinstance(value, list) else plain(inside, value)
        found[name] = value
    return found
