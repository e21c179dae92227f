# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What is known of the fleet after all hosts: counts, how it is for each rule, and whether that is a failure."""

from __future__ import annotations

import collections
import typing as t

from ...module_utils._namespaces.shown import printable
from .._audit.model import SEVERITIES
from .._audit.result import OF_ALLOW_LIST
from .results import ALLOWED, BUCKETS, STATES, Entry, Finding

MOST_LINES = 20
"""Of findings on the terminal."""
MOST_ALIKE = 3
"""Of them of one rule on one host, so that no host keeps others out."""

_MOST_NAMES = 10
_WIDTH = 200


class Rule:
    """What was found by one of them."""

    def __init__(self, number: int, first: Finding) -> None:
        self.number = number
        self.id = first.id
        self.severity = first.severity
        self.title = first.title
        self.remediation = first.remediation
        self.source = first.source
        self.counts = dict.fromkeys(BUCKETS, 0)
        self.hosts = 0
        self._last = ""

    def add(self, host: str, finding: Finding) -> None:
        self.counts[finding.bucket] += 1
        self.severity = min(self.severity, finding.severity, key=SEVERITIES.index)
        if host != self._last:
            self.hosts += 1
            self._last = host

    @property
    def order(self) -> tuple[int, str]:
        """The gravest first."""
        return SEVERITIES.index(self.severity), self.id


class Host(t.NamedTuple):
    """What an index says of a host."""

    name: str
    stem: str
    state: str
    counts: t.Sequence[int]
    """By bucket."""
    namespaces: int
    collected: str


class Tally:
    """Of all hosts that were added."""

    def __init__(self) -> None:
        self.hosts: list[Host] = []
        self.states = dict.fromkeys(STATES, 0)
        self.counts = dict.fromkeys((*BUCKETS, *OF_ALLOW_LIST), 0)
        self.rules: dict[str, Rule] = {}
        self.allow: dict[str, set[str]] = {name: set() for name in OF_ALLOW_LIST}
        """The entries of the allow-lists of all hosts that any of them misses, and that none of them needs."""
        self.versions: t.Counter[tuple[tuple[str, str], ...]] = collections.Counter()
        self.lines: list[str] = []
        """Of the gravest findings."""
        self._needed: set[str] = set()
        self._absent: dict[str, list[str]] = {state: [] for state in STATES[2:]}
        self._gravest: dict[str, list[str]] = {severity: [] for severity in SEVERITIES}

    def add(self, entry: Entry) -> None:
        self.states[entry.state] += 1
        if entry.state in self._absent and len(self._absent[entry.state]) < _MOST_NAMES:
            self._absent[entry.state].append(printable(entry.host))
        alike: t.Counter[str] = collections.Counter()
        for finding in entry.findings:
            alike[finding.id] += finding.bucket != ALLOWED
            self._add_finding(entry.host, finding, alike[finding.id] > MOST_ALIKE)
        counts = entry.counts
        for bucket, count in counts.items():
            self.counts[bucket] += count
        result = entry.result
        facts = result.facts if result else None
        if result:
            self.versions[tuple(sorted(result.versions.items()))] += 1
            self._add_allow(result.allow)
        self.hosts.append(
            Host(
                entry.host,
                entry.stem,
                entry.state,
                [*counts.values()],
                len(facts.namespaces) if facts else 0,
                result.collected if result else "",
            )
        )

    def _add_allow(self, told: t.Mapping[str, t.Sequence[str]]) -> None:
        needed = {*told["used"], *told["expired"]}
        self._needed |= needed
        self.allow["expired"].update(told["expired"])
        self.allow["unused"].update(entry for entry in told["unused"] if entry not in self._needed)
        self.allow["unused"] -= needed
        self.counts.update({name: len(entries) for name, entries in self.allow.items()})

    def _add_finding(self, host: str, finding: Finding, is_enough: bool) -> None:
        rule = self.rules.get(finding.id)
        if rule is None:
            rule = self.rules[finding.id] = Rule(len(self.rules), finding)
        rule.add(host, finding)
        if finding.bucket != ALLOWED and not is_enough and len(self._gravest[finding.severity]) < MOST_LINES:
            words = finding.evidence or finding.title
            line = "%-8s  %s  %s: %s" % (finding.severity.upper(), host, finding.where, words)
            kind = " (%s)" % printable(finding.id)
            self._gravest[finding.severity].append(_shortened(printable(line), len(kind)) + kind)

    # ---- what is said of them

    def closing_lines(self, index: str, remarks: t.Sequence[str] = ()) -> list[str]:
        """For a terminal: nothing in them comes through that it acts upon."""
        states = ["%s %s" % (count, state.replace("_", " ")) for state, count in self.states.items() if count]
        lines = ["%d %s: %s" % (len(self.hosts), "host" if len(self.hosts) == 1 else "hosts", ", ".join(states))]
        lines.append("%s    %s" % (self._found(), printable(index)))
        grave = [line for severity in SEVERITIES[:-1] for line in self._gravest[severity]][:MOST_LINES]
        lines += grave
        more = sum(self.counts[severity] for severity in SEVERITIES[:-1]) - len(grave)
        if more:
            lines.append("and %d more" % more)
        return [*lines, *self._unneeded(), *map(printable, remarks)]

    def _unneeded(self) -> t.Iterator[str]:
        entries = sorted(self.allow["unused"])
        if entries:
            more = "" if len(entries) == 1 else ", and %d more" % (len(entries) - 1)
            yield _shortened("no host needs of the allow-list: %s%s" % (printable(entries[0]), more))

    def _found(self) -> str:
        counts = ["%d %s" % (self.counts[name], name) for name in SEVERITIES if self.counts[name]]
        of_list = ["%d %s" % (self.counts[name], name) for name in OF_ALLOW_LIST if self.counts[name]]
        if self.counts[ALLOWED] or of_list:
            counts.append("%d allowed%s" % (self.counts[ALLOWED], " (%s)" % ", ".join(of_list) if of_list else ""))
        return ", ".join(counts) or "no findings"

    def failures(self, fail_on: str, unreachable: str) -> list[str]:
        """Why the task fails, if it does."""
        reasons = []
        if fail_on != "never":
            grave = SEVERITIES[: SEVERITIES.index(fail_on) + 1]
            count = sum(self.counts[severity] for severity in grave)
            if count:
                words = "1 finding is" if count == 1 else "%d findings are" % count
                reasons.append("%s of the severity %s or above (fail_on)" % (words, fail_on))
        if unreachable == "fail":
            for state, names in self._absent.items():
                if names:
                    more = self.states[state] - len(names)
                    listed = [*names, "%d more" % more] if more else names
                    reasons.append("%s: %s" % (state.replace("_", " "), ", ".join(listed)))
        return reasons


def _shortened(line: str, more: int = 0) -> str:
    """more: how many characters come after it."""
    width = _WIDTH - more
    return line if len(line) <= width else "%s…" % line[: width - 1]
