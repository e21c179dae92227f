# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""HTML, of which nothing is markup but what stands in this package, mostly in the templates beside this file."""

from __future__ import annotations

import functools
import html
import json
import string
import typing as t
import urllib.parse
from pathlib import Path

from ...module_utils._namespaces.shown import printable
from .results import ALLOWED, BUCKETS, Finding

STATE_WORDS = {
    "scanned": "scanned",
    "incomplete": "incomplete",
    "unreachable": "unreachable",
    "failed": "failed",
    "not_scanned": "not scanned",
}


def page(title: str, root: str, body: str) -> str:
    """A whole page. root: the way from it to the index."""
    return filled("page.html", title=text(title), root=root, body=body)


def filled(name: str, **parts: str) -> str:
    """The template of this name with these parts, which are markup."""
    return _template(name).substitute(parts)


@functools.lru_cache(maxsize=None)
def _template(name: str) -> string.Template:
    """Without the comment that it begins with."""
    return string.Template(Path(__file__).with_name(name).read_text(encoding="utf-8").split("-->\n", 1)[1])


@functools.lru_cache(maxsize=4096)
def text(value: str) -> str:
    """What a stranger wrote, as text or in an attribute that has quotes."""
    return html.escape(printable(value))


def number(count: int) -> str:
    """As people read it: 10,000."""
    return format(count, ",")


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what it is of: 1 host, 2 hosts."""
    return "%s %s" % (number(count), one if count == 1 else many or one + "s")


def link_to(stem: str, folder: str = "", page_number: int = 1) -> str:
    """The address of a page of a host."""
    return folder + urllib.parse.quote(file_of(stem, page_number))


def file_of(stem: str, page_number: int = 1) -> str:
    """Its file. No name of a host has a plus."""
    return "%s.html" % stem if page_number == 1 else "%s+%d.html" % (stem, page_number)


def data(value: t.Any) -> str:
    """JSON that neither ends a script nor is anything else than JSON to JavaScript."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def pill(bucket: str, words: str = "") -> str:
    """A severity, or what is allowed."""
    return '<span class="pill %s">%s</span>' % (bucket, words or bucket)


def state(name: str) -> str:
    """The state of a host."""
    return '<span class="state %s">%s</span>' % (name, STATE_WORDS[name])


def details_of(finding: Finding) -> str:
    """What is behind the line of a finding."""
    rows = [("What to do", finding.remediation), ("Rule", finding.id), ("Source", finding.source)]
    if finding.reason is not None:
        rows.insert(0, ("Allowed", finding.permission))
        rows.append(("Severity", finding.severity))
    return pairs(rows)


def pairs(rows: t.Iterable[tuple[str, str]]) -> str:
    """A list of names and values; what has no value is left out."""
    return "<dl>%s</dl>" % "".join(
        "<dt>%s</dt><dd>%s</dd>" % (text(name), text(value)) for name, value in rows if value
    )


def bars(counts: t.Sequence[int]) -> str:
    """How many of each severity, as one bar; what it shows stands beside it in numbers."""
    total = sum(counts)
    if not total:
        return ""
    parts, left = [], 0.0
    for bucket, count in zip(BUCKETS, counts):
        width = 1000 * count / total
        if count:
            parts.append('<rect class="%s" x="%.1f" width="%.1f" height="10"/>' % (bucket, left, max(width, 2)))
        left += width
    return '<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">%s</svg>' % "".join(
        parts
    )


def finding_row(finding: Finding, where: str, attributes: str = "") -> str:
    """A finding in a list, which tells more when it is unfolded. where: markup."""
    allowed = finding.reason is not None
    return row(
        "%s was-%s" % (ALLOWED, finding.severity) if allowed else finding.severity,
        pill(finding.bucket),
        (text(finding.title), text(finding.evidence)),
        details_of(finding),
        where,
        attributes,
    )


def row(kind: str, label: str, words: tuple[str, str], details: str, where: str, attributes: str = "") -> str:
    """The markup of that."""
    return (
        '<li class="%s"%s><details><summary>%s <span class="what"><b>%s</b> <span class="evidence">%s</span></span>'
        '</summary>%s</details><p class="where">%s</p></li>' % (kind, attributes, label, *words, details, where)
    )
