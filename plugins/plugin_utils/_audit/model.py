# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The words of an audit: what a rule is, what it finds, what comes of it."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

from ansible.errors import AnsibleFilterError

from .._facts import Facts, Namespace, visible

if t.TYPE_CHECKING:
    from .look import Look

SEVERITIES = ("critical", "high", "medium", "low", "info")
"""The gravest first."""

MOST_EVIDENCE = 300
"""Characters."""

Finding = t.Dict[str, t.Any]
"""As plain values, as they are in files too."""
Counts = t.Dict[str, int]


class Hit(t.NamedTuple):
    """One thing that a rule has found."""

    evidence: str
    namespace: Namespace | None = None
    severity: str | None = None
    """Where it is not the one of the rule."""
    path: str | None = None
    """Where it is, if that is no namespace."""
    subject: str | None = None
    """What tells it from what else the rule finds, if that is no namespace that is there."""
    is_past: bool = False
    """Whether the namespace is one of the baseline, whose inode and id are perhaps those of another one now."""


class Rule(t.NamedTuple):
    """What an audit looks for."""

    id: str
    severity: str
    title: str
    meaning: str
    remedy: str
    source: str
    check: t.Callable[[Look], t.Iterable[Hit]] | None
    """None where the allow-list is what it is about."""


class Judgement(t.NamedTuple):
    """What comes of an audit of one host."""

    facts: Facts
    findings: t.Sequence[Finding]
    """The worst first."""
    counts: Counts
    """Open findings by severity; allowed ones; entries of the allow-list that have expired, and that nothing needs."""
    allow: t.Mapping[str, t.Sequence[str]]
    """These entries, and those that are used. One has the same words wherever the same list is given."""
    drift: t.Mapping[str, t.Any] | None
    """How many namespaces were added, removed, changed since the baseline, and could not be compared."""


def line(text: str, most: int = MOST_EVIDENCE) -> str:
    """The text of a stranger in one line, not longer than this."""
    shown = visible(text[:most])
    return shown if len(shown) <= most and len(text) <= most else shown[: most - 1] + "…"


def day(given: t.Any) -> dt.date | None:
    """A date as YAML has it, or as text; None where it is neither."""
    if isinstance(given, dt.datetime):
        return None
    if isinstance(given, dt.date):
        return given
    if not isinstance(given, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", given):
        return None
    try:
        return dt.date.fromisoformat(given)
    except ValueError:
        return None


def refuse(option: str, what: str, remedy: str) -> AnsibleFilterError:
    """The error for an option that can't be meant."""
    return AnsibleFilterError("%s: %s; %s" % (line(option, 200), line(what), remedy))
