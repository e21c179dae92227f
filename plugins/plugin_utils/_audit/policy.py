# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""From where on something is a finding: what the option thresholds says."""

from __future__ import annotations

import difflib
import typing as t

from ...module_utils._namespaces.errors import NamespaceError
from ...module_utils._namespaces.values import plain_number
from .model import refuse

WORDS: t.Mapping[str, t.Sequence[str]] = {
    "user_namespaces": ("allow", "report", "privileged", "forbid"),
    "host_network": ("allow", "report", "forbid"),
    "host_pid": ("allow", "report", "forbid"),
    "host_ipc": ("allow", "report", "forbid"),
    "host_user": ("allow", "report", "forbid"),
}
NUMBERS: t.Mapping[str, tuple[int, int]] = {"limit_percent": (1, 100), "nesting_depth": (1, 32)}
"""The smallest and the largest."""


class Policy(t.NamedTuple):
    """What a site wants."""

    limit_percent: int = 80
    """Of a user.max_*_namespaces."""
    nesting_depth: int = 28
    """The kernel ends at 32."""
    user_namespaces: str = "report"
    host_network: str = "report"
    host_pid: str = "allow"
    host_ipc: str = "allow"
    host_user: str = "allow"


def read_policy(given: t.Any) -> Policy:
    """Raises AnsibleFilterError where a key or a value is none."""
    if given is None:
        return Policy()
    if not isinstance(given, t.Mapping):
        raise refuse("thresholds", "%r is no mapping" % (given,), "give for example {limit_percent: 90}")
    for key in given:
        if key not in Policy._fields:
            raise refuse("thresholds", "there is no %r" % (key,), closest(key, Policy._fields))
    return Policy(**{key: _read(key, value) for key, value in given.items()})


def closest(given: t.Any, known: t.Collection[str]) -> str:
    """What may have been meant."""
    found = difflib.get_close_matches(str(given)[:100], known, 1)
    return "did you mean %s?" % found[0] if found else "there are " + ", ".join(known)


def _read(key: str, value: t.Any) -> t.Any:
    option = "thresholds: " + key
    if key in WORDS:
        if value not in WORDS[key]:
            raise refuse(option, "%r is none of its words" % (value,), closest(value, WORDS[key]))
        return value
    least, most = NUMBERS[key]
    try:
        # What comes out of a template is text, up to ansible-core 2.18.
        number = plain_number(option, value)
    except NamespaceError:
        number = 0
    if not least <= number <= most:
        raise refuse(option, "%r is no whole number from %d to %d" % (value, least, most), "give one")
    return number
