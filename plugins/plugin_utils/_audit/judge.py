# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What the facts of a host say of it, by the catalogue. Nothing here looks at anything but what it is given."""

from __future__ import annotations

import datetime as dt
import typing as t

from .._facts import Namespace
from . import allow as allow_list
from . import catalogue
from .baseline import Baseline, Missing, check_machine
from .host import read_host
from .look import Look, path_of
from .model import SEVERITIES, Finding, Hit, Judgement, Rule, line
from .policy import read_policy
from .result import COUNTS, OF_ALLOW_LIST

MOST_OF_A_RULE = 1000
"""What one rule finds on a host is told so often; one more says how many there are besides."""

_WORST_FIRST = {severity: rank for rank, severity in enumerate(SEVERITIES)}


def judge(
    facts: t.Any,
    *,
    today: dt.date,
    allow: t.Any = (),
    declared: t.Any = (),
    thresholds: t.Any = None,
    rules: t.Any = (),
    skip_rules: t.Any = (),
    baseline: Baseline | Missing | None = None,
) -> Judgement:
    """What there is to find. The options are checked here. Raises AnsibleFilterError."""
    selected = catalogue.select(rules, skip_rules)
    host = read_host(facts)
    if isinstance(baseline, Baseline):
        check_machine(baseline, host)
    look = Look(host, read_policy(thresholds), catalogue.texts("declared", declared), baseline)
    can_be_allowed = [rule.id for rule in catalogue.RULES.values() if rule.check is not None]
    allowed = allow_list.AllowList(allow_list.read_allow(allow, can_be_allowed), today, look)
    findings = [finding for rule in selected for finding in _findings(rule, look, allowed)]
    unused = allowed.unused([rule.id for rule in selected])
    entries = {"used": allowed.used(), "expired": allowed.expired(), "unused": unused}
    said = {what: [line(entry.said()) for entry in some] for what, some in entries.items()}
    for rule, what in ((allow_list.EXPIRED, "expired"), (allow_list.UNUSED, "unused")):
        if rule in selected:
            findings += [_finding(rule, entry.hit(today), None) for entry in entries[what]]
    findings.sort(key=lambda finding: _WORST_FIRST[finding["severity"]])
    counts = dict.fromkeys(COUNTS, 0)
    for finding in findings:
        counts["allowed" if finding["allowed"] else finding["severity"]] += 1
    counts.update({what: len(said[what]) for what in OF_ALLOW_LIST})
    return Judgement(host.facts, findings, counts, said, _drift(look))


def _findings(rule: Rule, look: Look, allowed: allow_list.AllowList) -> list[Finding]:
    """What it finds. Of too much the worst is told: a host shall not hide something behind what it makes up."""
    found = [(hit, allowed.allows(rule.id, hit)) for hit in (rule.check(look) if rule.check is not None else ())]
    if len(found) > MOST_OF_A_RULE:
        found.sort(key=lambda item: (item[1] is not None, _WORST_FIRST[item[0].severity or rule.severity]))
        (worst, entry), more = found[MOST_OF_A_RULE], len(found) - MOST_OF_A_RULE
        words = "and %d more, which are not told one by one" % more
        found[MOST_OF_A_RULE:] = [(Hit(words, severity=worst.severity, subject="and more"), entry)]
    return [_finding(rule, *item) for item in found]


def _finding(rule: Rule, hit: Hit, entry: allow_list.Entry | None) -> Finding:
    return {
        "id": rule.id,
        "severity": hit.severity or rule.severity,
        "title": rule.title,
        "namespace": None if hit.namespace is None else _which(hit.namespace, hit.is_past),
        "subject": None if hit.subject is None else line(hit.subject),
        "evidence": line(hit.evidence),
        "remediation": rule.remedy,
        "source": rule.source,
        "allowed": None if entry is None else entry.told(),
    }


def _which(namespace: Namespace, is_past: bool) -> dict[str, t.Any]:
    path = path_of(namespace)
    return {
        "type": line(namespace.type),
        "inode": None if is_past else namespace.inode,
        "id": None if is_past else namespace.id,
        "name": None if namespace.name is None else line(namespace.name),
        "path": None if path is None else line(path),
    }


def _drift(look: Look) -> dict[str, t.Any] | None:
    found = look.difference
    if found is None:
        return None
    return {
        "added": len(found.added),
        "removed": len(found.removed),
        "changed": len(found.changed),
        "not_compared": dict(zip(("before", "after"), found.not_compared)),
    }
