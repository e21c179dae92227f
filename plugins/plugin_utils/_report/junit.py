# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The report as JUnit's XML, for what shows tests: a suite for each host, and what is open there as failures.

What is allowed or only information is skipped, so that it is seen and nothing is red for it. A host that there is
nothing of is an error.
"""

from __future__ import annotations

import typing as t
from xml.sax.saxutils import escape, quoteattr

from ...module_utils._namespaces.shown import printable
from .results import Entry, Finding
from .tally import Tally


class Junit:
    """Written suite by suite."""

    def __init__(self, file: t.TextIO) -> None:
        self._file = file
        self._file.write('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="linux.namespaces">\n')

    def add(self, entry: Entry, tally: Tally) -> None:
        del tally
        failures = sum(_is_failure(finding) for finding in entry.findings)
        error = entry.state not in ("scanned", "incomplete")
        head = {
            "name": entry.host,
            "tests": "%d" % (len(entry.findings) + 1),
            "failures": "%d" % failures,
            "errors": "%d" % error,
            "skipped": "%d" % (len(entry.findings) - failures),
        }
        if entry.result:
            head["timestamp"] = entry.result.collected.rstrip("Z")
        self._file.write("<testsuite%s>\n" % _attributes(head))
        self._case(entry, "scan", *_scan(entry, error=error))
        for finding in entry.findings:
            self._case(entry, "%s: %s" % (finding.id, finding.identity), *_outcome(finding))
        self._file.write("</testsuite>\n")

    def _case(self, entry: Entry, name: str, *inside: str) -> None:
        head = _attributes({"classname": entry.host, "name": name})
        self._file.write("<testcase%s>%s</testcase>\n" % (head, "".join(inside)))

    def close(self, tally: Tally) -> None:
        del tally
        self._file.write("</testsuites>\n")


def _is_failure(finding: Finding) -> bool:
    return finding.reason is None and finding.severity != "info"


def _scan(entry: Entry, *, error: bool) -> t.Iterator[str]:
    if error:
        yield "<error%s/>" % _attributes({"type": entry.state, "message": entry.why or entry.state})
    elif entry.why is not None:
        yield "<system-out>%s</system-out>" % _text("incomplete: %s" % entry.why)


def _outcome(finding: Finding) -> t.Iterator[str]:
    words = finding.evidence or finding.title
    if not _is_failure(finding):
        reason = "information" if finding.reason is None else "allowed: %s" % finding.reason
        yield "<skipped%s/>" % _attributes({"message": "%s (%s)" % (words, reason)})
        return
    body = "%s\n%s\n%s" % tuple(map(_text, (finding.title, finding.remediation, finding.source)))
    yield "<failure%s>%s</failure>" % (_attributes({"type": finding.severity, "message": words}), body)


def _attributes(values: t.Mapping[str, str]) -> str:
    return "".join(" %s=%s" % (name, quoteattr(printable(value))) for name, value in values.items())


def _text(value: str) -> str:
    """XML 1.0 has no control characters, not even escaped ones; printable leaves none."""
    return escape(printable(value))
