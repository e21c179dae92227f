# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The pages of one host: what was found, the namespaces as a picture, drift, what was not seen, where it comes from."""

from __future__ import annotations

import itertools
import typing as t

from .._facts import Facts
from . import tree
from .draft import PAGES, Draft
from .html import bars, file_of, filled, finding_row, link_to, number, page, pairs, pill, state, text
from .results import Entry, Finding, Result

PER_PAGE = 200
"""Findings. Of 100,000 on one host each page opens."""


def place_of(stem: str, finding_number: int, folder: str = "") -> str:
    """The address of a finding, which are numbered from 1."""
    return "%s#f%d" % (link_to(stem, folder, _page_of(finding_number)), finding_number)


def write(draft: Draft, entry: Entry) -> None:
    """All of them."""
    last = _page_of(max(1, len(entry.findings)))
    drawing = _drawing(entry)
    for page_number in range(1, last + 1):
        with draft.create(PAGES, file_of(entry.stem, page_number)) as file:
            file.write(_page(entry, drawing, page_number, last))


def _page_of(finding_number: int) -> int:
    return (finding_number - 1) // PER_PAGE + 1


def _page(entry: Entry, drawing: tree.Drawing | None, page_number: int, last: int) -> str:
    result = entry.result if page_number == 1 else None
    facts = result.facts if result else None
    body = filled(
        "host.html",
        host=text(entry.host),
        which="" if page_number == 1 else " <small>findings, page %d</small>" % page_number,
        state=state(entry.state),
        places="".join('<li><a href="#%s">%s</a></li>' % place for place in _places(result)),
        overview="".join(_overview(entry)) if page_number == 1 else "",
        total="<small>%s</small>" % number(len(entry.findings)) if entry.findings else "",
        findings=_findings(entry, drawing, page_number, last),
        more="\n".join([_drift(result), _picture(facts, drawing), _unseen(facts), _provenance(result)])
        if result
        else "",
    )
    return page("%s: namespace audit" % entry.host, "../", body)


def _places(result: Result | None) -> t.Iterator[tuple[str, str]]:
    yield "findings", "Findings"
    if result:
        yield "drift", "Drift"
        yield "namespaces", "Namespaces"
        if result.facts:
            yield "unseen", "Not seen"
        yield "about", "About"


def _overview(entry: Entry) -> t.Iterator[str]:
    if entry.why is not None:
        yield '<p class="note %s"><b>%s.</b> %s</p>' % (
            entry.state,
            {"incomplete": "Not everything was seen"}.get(entry.state, "Nothing is known of this host"),
            text(entry.why),
        )
    if entry.result and entry.result.status == "scanned":
        counts = entry.counts
        legend = "".join(
            '<li class="%s"><b>%s</b> %s</li>' % ("" if count else "zero", number(count), pill(bucket))
            for bucket, count in counts.items()
        )
        yield '<section class="summary" aria-label="Summary">%s<ul class="legend">%s</ul></section>' % (
            bars([*counts.values()]),
            legend,
        )


def _findings(entry: Entry, drawing: tree.Drawing | None, page_number: int, last: int) -> str:
    first = (page_number - 1) * PER_PAGE
    boxes = drawing.boxes if drawing else frozenset()
    picture = "" if page_number == 1 else link_to(entry.stem)
    rows = "\n".join(
        _row(finding, first + place, boxes, picture)
        for place, finding in enumerate(entry.findings[first : first + PER_PAGE], 1)
    )
    if not rows:
        none = "Nothing was found." if entry.state in ("scanned", "incomplete") else "Nothing could be looked for."
        return '<p class="none">%s</p>' % none
    pager = "" if last == 1 else _pager(entry, page_number, last)
    return '%(pager)s<ol class="findings" start="%(start)d">%(rows)s</ol>%(pager)s' % {
        "pager": pager,
        "start": first + 1,
        "rows": rows,
    }


def _row(finding: Finding, place: int, boxes: t.Container[int], picture: str) -> str:
    """picture: the page that it is on, empty for this one."""
    inode = finding.namespace.inode if finding.namespace else None
    where = text(finding.where)
    if inode is not None and inode in boxes:
        where = '<a href="%s#n%d">%s</a>' % (picture, inode, where)
    return finding_row(finding, '<span class="ns">%s</span>' % where, ' id="f%d"' % place)


def _pager(entry: Entry, page_number: int, last: int) -> str:
    places = [("First", 1), ("Previous", page_number - 1), ("Next", page_number + 1), ("Last", last)]
    links = "".join(
        '<a href="%s#findings">%s</a>' % (link_to(entry.stem, "", number_), words)
        if 1 <= number_ <= last and number_ != page_number
        else '<span class="soft">%s</span>' % words
        for words, number_ in places
    )
    return '<nav class="pager" aria-label="Pages of findings">%s<span>Page %s of %s</span></nav>' % (
        links,
        number(page_number),
        number(last),
    )


def _drift(result: Result) -> str:
    if result.drift is None:
        return '<section id="drift"><h2>Drift</h2><p class="none">There was no baseline to compare with.</p></section>'
    numbers = [(key, result.drift.get(key)) for key in ("added", "removed", "changed")]
    cells = "".join("<li><b>%s</b> %s</li>" % (number(count), key) for key, count in numbers if isinstance(count, int))
    drifted = (finding for finding in result.findings if finding.id.startswith("drift-"))
    items = "".join(
        "<li>%s %s: %s</li>" % (pill(finding.bucket), text(finding.where), text(finding.evidence or finding.title))
        for finding in itertools.islice(drifted, PER_PAGE)
    )
    baseline = pairs(
        (key.replace("_", " ").capitalize(), tree.shown(value))
        for key, value in (result.baseline or {}).items()
        if value is not None
    )
    skipped = result.drift.get("not_compared")
    return (
        '<section id="drift"><h2>Drift <small>since the baseline</small></h2><ul class="numbers">%(numbers)s</ul>'
        "%(changes)s%(left)s<h3>The baseline</h3>%(baseline)s</section>"
    ) % {
        "numbers": cells,
        "changes": '<ul class="plain">%s</ul>' % items if items else "",
        "left": pairs([("Not compared", tree.shown(skipped))]) if skipped else "",
        "baseline": baseline,
    }


def _drawing(entry: Entry) -> tree.Drawing | None:
    facts = entry.result.facts if entry.result else None
    if facts is None:
        return None
    marks = tree.marks_of(
        (finding, "#f%d" % place if place <= PER_PAGE else place_of(entry.stem, place))
        for place, finding in enumerate(entry.findings, 1)
    )
    return tree.draw(facts, marks)


def _picture(facts: Facts | None, drawing: tree.Drawing | None) -> str:
    if facts is None or drawing is None:
        return '<section id="namespaces"><h2>Namespaces</h2><p class="none">The result has none of them.</p></section>'
    return (
        '<section id="namespaces"><h2>Namespaces <small>%s</small></h2>'
        '<p class="tools"><button type="button" data-fold="open">Unfold all</button> '
        '<button type="button" data-fold="close">Fold all</button></p>%s</section>'
        % (number(len(facts.namespaces)), drawing.markup)
    )


def _unseen(facts: Facts | None) -> str:
    if facts is None:
        return ""
    lists = []
    for words, values in (
        ("Incomplete, because", facts.incomplete_because),
        ("What this kernel gives no view of, at least not from there", facts.blind),
    ):
        if values:
            items = "".join("<li>%s</li>" % text(value) for value in values)
            lists.append('<h3>%s</h3><ul class="plain">%s</ul>' % (words, items))
    if not facts.incomplete_because:
        lists.insert(0, "<p>Every place that this kernel lets one look at was looked at without loss.</p>")
    return '<section id="unseen"><h2>What was not seen</h2>%s</section>' % "".join(lists)


def _provenance(result: Result) -> str:
    versions = result.versions
    rows = [
        ("Collected", result.collected),
        ("Boot id", result.facts.boot_id if result.facts else ""),
        ("linux.namespaces", versions.get("collection", "")),
        ("ansible-core", versions.get("ansible_core", "")),
        ("Rule set", versions.get("rules", "")),
    ]
    return '<section id="about"><h2>About this scan</h2>%s</section>' % pairs(rows)
