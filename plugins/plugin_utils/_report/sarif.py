# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The report as SARIF 2.1.0, for what collects findings of many tools.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from ...module_utils._namespaces.shown import printable
from .._audit import catalogue, model
from .results import Entry, Finding
from .tally import Rule, Tally

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "info": "0.0"}
"""What GitHub makes critical, high, medium and low of again."""

_FINGERPRINT = "linuxNamespaces/v1"
_NO_LEVELS = ("unreachable", "failed", "not_scanned")


class Sarif:
    """Written result by result; the rules come last, for by then it is known which there are."""

    def __init__(self, file: t.TextIO, time: str, collection: str) -> None:
        self._file = file
        self._time = time
        self._collection = collection
        self._notes: list[dict[str, t.Any]] = []
        self._before = "\n"
        self._rules = {rule.id: number for number, rule in enumerate(catalogue.RULES.values())}
        """The place of each among all that are told of; those of another version of the catalogue come behind."""
        self._file.write('{"$schema": %s, "version": "2.1.0", "runs": [{"results": [' % json.dumps(_SCHEMA))

    def add(self, entry: Entry, tally: Tally) -> None:
        del tally
        for finding in entry.findings:
            number = self._rules.setdefault(finding.id, len(self._rules))
            self._file.write(self._before + json.dumps(_result(entry.host, finding, number)))
            self._before = ",\n"
        if entry.why is not None:
            level = "error" if entry.state in _NO_LEVELS else "warning"
            words = "%s: %s: %s" % (entry.host, entry.state.replace("_", " "), entry.why)
            self._notes.append({"level": level, "message": {"text": _plain(words)}})

    def close(self, tally: Tally) -> None:
        driver = {
            "name": "linux.namespaces",
            "semanticVersion": self._collection,
            "rules": [
                _known(catalogue.RULES[name]) if name in catalogue.RULES else _found(tally.rules[name])
                for name in self._rules
            ],
        }
        invocation = {
            "executionSuccessful": not any(tally.states[state] for state in _NO_LEVELS),
            "endTimeUtc": self._time,
            "toolExecutionNotifications": self._notes,
        }
        self._file.write('\n], "tool": %s,\n"invocations": [' % json.dumps({"driver": driver}))
        self._file.write("%s]}]}\n" % json.dumps(invocation))


def _known(rule: model.Rule) -> dict[str, t.Any]:
    return {
        **_rule(rule.id, rule.severity, rule.title, "%s (%s)" % (rule.remedy, rule.source)),
        "fullDescription": {"text": rule.meaning},
    }


def _found(rule: Rule) -> dict[str, t.Any]:
    return _rule(rule.id, rule.severity, rule.title, "%s (%s)" % (rule.remediation, rule.source))


def _rule(name: str, severity: str, title: str, remedy: str) -> dict[str, t.Any]:
    return {
        "id": printable(name),
        "shortDescription": {"text": printable(title)},
        "help": {"text": printable(remedy)},
        "defaultConfiguration": {"level": _LEVELS[severity]},
        "properties": {"security-severity": _SCORES[severity], "severity": severity, "tags": ["security"]},
    }


def _result(host: str, finding: Finding, rule: int) -> dict[str, t.Any]:
    shown = printable(host)
    places = [{"name": shown, "fullyQualifiedName": shown, "kind": "host"}]
    namespace = finding.namespace
    if namespace:
        label = printable(finding.where)
        places = [{"name": label, "fullyQualifiedName": "%s/%s" % (shown, label), "kind": "namespace"}]
    properties = {"host": shown, "severity": finding.severity}
    if namespace:
        # As text: no number of JavaScript has 64 bits.
        numbers = {"inode": namespace.inode, "id": namespace.id}
        properties.update({key: "%d" % value for key, value in numbers.items() if value is not None})
    if finding.subject is not None:
        properties["subject"] = printable(finding.subject)
    told = {
        "ruleId": printable(finding.id),
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": _plain(finding.evidence or finding.title)},
        "locations": [{"logicalLocations": places}],
        "partialFingerprints": {_FINGERPRINT: _fingerprint(host, finding)},
        "properties": properties,
    }
    if finding.reason is not None:
        justification = printable(finding.permission)
        told["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    return told


def _plain(text: str) -> str:
    """As the text of a message in which nothing is a link, or is filled in. Source: SARIF 2.1.0, 3.11.5 and 3.11.6."""
    shown = re.sub(r"([\\\[\]])", r"\\\1", printable(text))
    return shown.replace("{", "{{").replace("}", "}}")


def _fingerprint(host: str, finding: Finding) -> str:
    """The same for the same finding at the next run: by name where there is one, for numbers change with each boot."""
    parts = json.dumps([host, finding.id, finding.identity])
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
