# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""All that an audit looks for."""

from __future__ import annotations

import hashlib
import json
import typing as t
from fnmatch import fnmatchcase

from . import allow
from .model import Rule, refuse
from .policy import closest
from .rules import capacity, certainty, drift, exposure, leaks, users

GROUPS: t.Mapping[str, t.Sequence[Rule]] = {
    "leaks": leaks.RULES,
    "exposure": (*users.RULES, *exposure.RULES),
    "capacity": capacity.RULES,
    "drift": drift.RULES,
    "certainty": certainty.RULES,
    "allow": allow.RULES,
}
RULES: t.Mapping[str, Rule] = {rule.id: rule for rules in GROUPS.values() for rule in rules}
_GROUP_OF: t.Mapping[str, str] = {rule.id: group for group, rules in GROUPS.items() for rule in rules}


def digest() -> str:
    """What is different wherever the catalogue is, in 12 digits."""
    told = [[group, *rule[:-1]] for group, rules in GROUPS.items() for rule in rules]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]


def select(rules: t.Any, skip_rules: t.Any) -> list[Rule]:
    """The rules that are asked for, all if none is named. Raises AnsibleFilterError where there is none of a name."""
    wanted, left_out = _named("rules", rules) or RULES.keys(), _named("skip_rules", skip_rules)
    return [rule for name, rule in RULES.items() if name in wanted and name not in left_out]


def texts(option: str, given: t.Any) -> list[str]:
    """A list of text, nothing for none. Raises AnsibleFilterError."""
    if given is None:
        return []
    if isinstance(given, str) or not isinstance(given, t.Sequence) or not all(isinstance(item, str) for item in given):
        raise refuse(option, "%r is no list of text" % (given,), "give one")
    return [*given]


def _named(option: str, given: t.Any) -> frozenset[str]:
    found: set[str] = set()
    for glob in texts(option, given):
        some = {name for name, group in _GROUP_OF.items() if fnmatchcase(name, glob) or fnmatchcase(group, glob)}
        if not some:
            raise refuse(option, "there is no finding and no group %r" % glob, closest(glob, (*GROUPS, *RULES)))
        found |= some
    return frozenset(found)
