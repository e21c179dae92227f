# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""All findings of the fleet for the index, in files that it loads when a filter needs them, also without a server.

Each file has findings of one rule and one bucket, in the order of the hosts, so that few of them are needed at a time.
"""

from __future__ import annotations

import typing as t

from ...module_utils._namespaces.shown import printable
from .draft import PAGES, Draft
from .html import data
from .results import BUCKETS, Entry, Finding
from .tally import MOST_ALIKE, Tally

PER_FILE = 1000

Record = t.List[t.Any]
"""The number of the host, that of the finding there, the namespace, the evidence, and what differs from the rule."""


class First(t.NamedTuple):
    """A finding that the index has itself."""

    host: int
    number: int
    finding: Finding


class Chunks:
    """The files, and what the index has to know of them."""

    def __init__(self, draft: Draft, most_first: int) -> None:
        self._draft = draft
        self._most_first = most_first
        self._waiting: dict[tuple[str, int], list[Record]] = {}
        self._first: dict[tuple[str, int], list[First]] = {}
        self._alike: dict[tuple[str, int], list[First]] = {}
        """More of one rule on one host, where there is room for it."""
        self.files: dict[tuple[str, int], list[tuple[int, int, int]]] = {}
        """By bucket and rule: how many findings each has, and the numbers of the first and the last host."""

    def add(self, entry: Entry, tally: Tally) -> None:
        host = len(tally.hosts) - 1
        for number, finding in enumerate(entry.findings, 1):
            rule = tally.rules[finding.id]
            key = (finding.bucket, rule.number)
            first = self._first.setdefault(key, [])
            if sum(item.host == host for item in first[-MOST_ALIKE:]) == MOST_ALIKE:
                first = self._alike.setdefault(key, [])
            if len(first) < self._most_first:
                first.append(First(host, number, finding))
            record: Record = [host, number, printable(finding.where), printable(finding.evidence)]
            extra = {}
            if finding.title != rule.title:
                extra["title"] = printable(finding.title)
            if finding.remediation != rule.remediation:
                extra["remediation"] = printable(finding.remediation)
            if finding.reason is not None:
                extra["allowed"] = printable(finding.permission)
                extra["severity"] = finding.severity
            if extra:
                record.append(extra)
            waiting = self._waiting.setdefault(key, [])
            waiting.append(record)
            if len(waiting) == PER_FILE:
                self._write(key)

    def close(self) -> None:
        for key in [*self._waiting]:
            if self._waiting[key]:
                self._write(key)

    def _write(self, key: tuple[str, int]) -> None:
        records = self._waiting[key]
        files = self.files.setdefault(key, [])
        name = "%s-%d-%d" % (*key, len(files))
        with self._draft.create(PAGES, "%s.js" % name) as file:
            file.write('namespaceReport("%s",%s);\n' % (name, data(records)))
        files.append((len(records), records[0][0], records[-1][0]))
        self._waiting[key] = []

    def order(self, tally: Tally) -> list[tuple[str, int]]:
        """Of the keys: the gravest first, then by rule."""
        ranks = {rule.number: rule.order for rule in tally.rules.values()}
        return sorted(self.files, key=lambda key: (BUCKETS.index(key[0]), ranks[key[1]]))

    def gravest(self, tally: Tally) -> list[First]:
        """What the index shows first, by rule."""
        order = self.order(tally)
        room = self._most_first
        taken: dict[tuple[str, int], list[First]] = {key: [] for key in order}
        for some in (self._first, self._alike):
            for key in order:
                more = some.get(key, [])[:room]
                taken[key] += more
                room -= len(more)
        return [first for key in order for first in sorted(taken[key], key=lambda item: (item.host, item.number))]
