# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The index: the fleet in numbers, the gravest findings, what was found by rule, all hosts; the rest it loads."""

from __future__ import annotations

import typing as t

from ...module_utils._namespaces.shown import printable
from .chunks import Chunks, First
from .host_page import PER_PAGE, place_of
from .html import STATE_WORDS, counted, data, finding_row, link_to, number, page, pairs, pill, row, state, text
from .results import ALLOWED, BUCKETS, STATES
from .tally import Host, Rule, Tally

MOST_FIRST = 100
"""Findings, and hosts, that can be read without a script."""

_FOLDER = "pages/"


def index(tally: Tally, chunks: Chunks, time: str, collection: str, remarks: t.Sequence[str]) -> str:
    """The whole page."""
    worst = sorted(range(len(tally.hosts)), key=lambda place: (*_badness(tally.hosts[place]), place))
    sections = [
        _head(tally, time, collection),
        '<main id="main">',
        *('<p class="note">%s</p>' % text(remark) for remark in remarks),
        _overview(tally),
        _findings(tally, chunks),
        _rules(tally),
        *_allow(tally),
        _hosts(tally, worst),
        _about(tally, time, collection),
        "</main>",
        '<script type="application/json" id="data">%s</script>' % data(_data(tally, chunks, worst)),
    ]
    return page("Namespace audit: %s" % counted(len(tally.hosts), "host"), "", "\n".join(sections))


def _badness(host: Host) -> tuple[int, ...]:
    critical, high, *rest = (-count for count in host.counts)
    return critical, high, host.state in ("scanned", "incomplete"), *rest


def _data(tally: Tally, chunks: Chunks, worst: t.Sequence[int]) -> dict[str, t.Any]:
    """For the script. Names and numbers of findings alone; no id of a namespace is a number in it."""
    return {
        "states": [[name, STATE_WORDS[name]] for name in STATES],
        "buckets": BUCKETS,
        "hosts": [
            [printable(host.name), link_to(host.stem), STATES.index(host.state), *host.counts, host.namespaces]
            for host in tally.hosts
        ],
        "worst": worst,
        "rules": [
            [*map(printable, (rule.id, rule.title, rule.remediation, rule.source)), rule.severity]
            for rule in tally.rules.values()
        ],
        "files": [[*key, chunks.files[key]] for key in chunks.order(tally)],
        "findingsPerPage": PER_PAGE,
        "rows": MOST_FIRST,
    }


def _head(tally: Tally, time: str, collection: str) -> str:
    links = (
        ("overview", "Overview"),
        ("findings", "Findings"),
        ("rules", "Rules"),
        *([("allow", "Allow-list")] if any(tally.allow.values()) else []),
        ("hosts", "Hosts"),
        ("about", "About"),
    )
    items = "".join('<li><a href="#%s">%s</a></li>' % item for item in links)
    return (
        "<header><h1>Namespace audit</h1>"
        '<p class="soft">%s · <time datetime="%s">%s UTC</time> · linux.namespaces %s</p>'
        '<nav aria-label="On this page"><ul>%s</ul></nav></header>'
        % (counted(len(tally.hosts), "host"), time, time[:16].replace("T", " "), text(collection), items)
    )


def _overview(tally: Tally) -> str:
    cards = "".join(
        '<li class="%s"><a href="#hosts" data-state="%d"><b>%s</b> %s</a></li>'
        % (name, place, number(count), STATE_WORDS[name])
        for place, (name, count) in enumerate(tally.states.items())
        if count or name == "scanned"
    )
    most = max(*(tally.counts[bucket] for bucket in BUCKETS), 1)
    rows = "".join(
        '<li class="%s"><a href="#findings" data-severity="%s">%s</a>'
        '<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="%s" width="%.1f" height="10"/></svg><b>%s</b></li>'
        % (
            "" if count else "zero",
            bucket,
            pill(bucket),
            bucket,
            max(1000 * count / most, 4) if count else 0,
            number(count),
        )
        for bucket, count in ((bucket, tally.counts[bucket]) for bucket in BUCKETS)
    )
    return (
        '<section id="overview"><h2>Overview</h2><div class="two"><ul class="cards" aria-label="Hosts by state">%s</ul>'
        '<ul class="bars" aria-label="Findings by severity">%s</ul></div></section>' % (cards, rows)
    )


def _rules(tally: Tally) -> str:
    rules = sorted(tally.rules.values(), key=lambda rule: rule.order)
    if not rules:
        return '<section id="rules"><h2>By rule</h2><p class="none">No rule found anything.</p></section>'
    return (
        '<section id="rules"><h2>By rule</h2><div class="wide">'
        '<table class="narrow rules"><thead><tr><th scope="col">Severity</th>'
        '<th scope="col">Rule</th><th scope="col" class="count">Open</th><th scope="col" class="count">Allowed</th>'
        '<th scope="col" class="count">Hosts</th></tr></thead><tbody>%s</tbody></table></div></section>'
        % "\n".join(map(_rule, rules))
    )


def _rule(rule: Rule) -> str:
    allowed = rule.counts[ALLOWED]
    opened = sum(rule.counts.values()) - allowed
    return (
        '<tr><td>%s</td><th scope="row"><a href="#findings" data-rule="%d">%s</a> <code>%s</code></th>'
        '<td class="count" data-label="open">%s</td><td class="count" data-label="allowed">%s</td>'
        '<td class="count" data-label="hosts">%s</td></tr>'
        % (
            pill(rule.severity),
            rule.number,
            text(rule.title),
            text(rule.id),
            number(opened),
            number(allowed),
            number(rule.hosts),
        )
    )


def _allow(tally: Tally) -> t.Iterator[str]:
    """What to do about the allow-list, once for the fleet."""
    parts = [
        "<h3>%s <small>%s</small></h3>%s" % (words, number(len(entries)), _entries(entries))
        for words, entries in (
            ("Expired, and missed on a host", tally.allow["expired"]),
            ("Needed on no host", tally.allow["unused"]),
        )
        if entries
    ]
    if parts:
        yield '<section id="allow"><h2>Entries of the allow-list</h2>%s</section>' % "".join(parts)


def _entries(entries: t.Collection[str]) -> str:
    items = ["<li>%s</li>" % text(entry) for entry in sorted(entries)[:MOST_FIRST]]
    if len(entries) > MOST_FIRST:
        items.append("<li>and %s more, which report.json has</li>" % number(len(entries) - MOST_FIRST))
    return '<ul class="plain">%s</ul>' % "".join(items)


def _findings(tally: Tally, chunks: Chunks) -> str:
    first = chunks.gravest(tally)
    total = sum(tally.counts[bucket] for bucket in BUCKETS)
    rows = "\n".join(_finding(tally, item) for item in first)
    shown = "" if len(first) == total else "The %d gravest of %s." % (len(first), number(total))
    options = "".join(
        '<option value="%d">%s</option>' % (rule.number, text(rule.title))
        for rule in sorted(tally.rules.values(), key=lambda rule: rule.order)
    )
    chips = "".join(
        '<label class="chip %s"><input type="checkbox" name="severity" value="%s"> %s <span>%s</span></label>'
        % (bucket, bucket, bucket, number(tally.counts[bucket]))
        for bucket in BUCKETS
    )
    return """\
<section id="findings" tabindex="-1"><h2>Findings <small>%s</small></h2>
<form class="filters" id="filter-findings" role="search" aria-label="Filter the findings" hidden>
<fieldset><legend>Severity</legend>%s</fieldset>
<label>Rule <select name="rule"><option value="">all</option>%s</select></label>
<label>Host <input type="search" name="host" autocomplete="off" spellcheck="false" placeholder="part of a name"></label>
<button type="reset">Clear</button></form>
<p class="status" id="count-findings" role="status" aria-live="polite">%s</p>
<ol class="findings" id="list-findings">%s</ol>
<nav class="pager" id="pager-findings" aria-label="Pages of findings" hidden>%s</nav>
<template id="row-finding">%s</template></section>""" % (
        number(total),
        chips,
        options,
        shown,
        rows,
        _PAGER,
        _EMPTY_FINDING,
    )


_PAGER = (
    '<button type="button" value="-1">Previous</button> <button type="button" value="1">Next</button> <span></span>'
)
_WHERE = '<a href="%s">%s</a> <span class="ns">%s</span>'
_EMPTY_FINDING = row("", '<span class="pill"></span>', ("", ""), "<dl></dl>", _WHERE % ("", "", ""))


def _finding(tally: Tally, first: First) -> str:
    host = tally.hosts[first.host]
    place = place_of(host.stem, first.number, _FOLDER)
    return finding_row(first.finding, _WHERE % (place, text(host.name), text(first.finding.where)))


def _hosts(tally: Tally, worst: t.Sequence[int]) -> str:
    rows = "\n".join(_host(tally.hosts[place]) for place in worst[:MOST_FIRST])
    left = len(tally.hosts) - MOST_FIRST
    shown = (
        "The %d worst of %s; each has a page in the folder pages." % (MOST_FIRST, number(len(tally.hosts)))
        if left > 0
        else ""
    )
    states = "".join(
        '<option value="%d">%s</option>' % (place, STATE_WORDS[name])
        for place, name in enumerate(STATES)
        if tally.states[name]
    )
    head = "".join('<th scope="col" class="count">%s</th>' % bucket for bucket in BUCKETS)
    return """\
<section id="hosts"><h2>Hosts <small>%s</small></h2>
<form class="filters" id="filter-hosts" role="search" aria-label="Filter the hosts" hidden>
<label>State <select name="state"><option value="">all</option>%s</select></label>
<label>Host <input type="search" name="host" autocomplete="off" spellcheck="false" placeholder="part of a name"></label>
<label>Order <select name="order"><option value="worst">worst first</option><option value="name">by name</option>\
</select></label>
<button type="reset">Clear</button></form>
<p class="status" id="count-hosts" role="status" aria-live="polite">%s</p>
<div class="wide"><table class="narrow"><thead><tr><th scope="col">Host</th><th scope="col">State</th>%s\
<th scope="col" class="count">namespaces</th></tr></thead>
<tbody id="list-hosts">%s</tbody></table></div>
<nav class="pager" id="pager-hosts" aria-label="Pages of hosts" hidden>%s</nav>
<template id="row-host">%s</template></section>""" % (
        number(len(tally.hosts)),
        states,
        shown,
        head,
        rows,
        _PAGER,
        _EMPTY_HOST,
    )


_HOST = '<tr><th scope="row"><a href="%s">%s</a></th><td>%s</td>%s</tr>'
_LABELS = (*BUCKETS, "namespaces")
_EMPTY_HOST = _HOST % (
    "",
    "",
    '<span class="state"></span>',
    "".join('<td class="count" data-label="%s"></td>' % label for label in _LABELS),
)


def _host(host: Host) -> str:
    cells = "".join(
        '<td class="count%s" data-label="%s">%s</td>' % ("" if count else " zero", label, number(count))
        for label, count in zip(_LABELS, [*host.counts, host.namespaces])
    )
    return _HOST % (link_to(host.stem, _FOLDER), text(host.name), state(host.state), cells)


def _about(tally: Tally, time: str, collection: str) -> str:
    rows = [("Written", time), ("By", "linux.namespaces %s" % collection)]
    for versions, count in tally.versions.most_common(10):
        told = dict(versions)
        words = "linux.namespaces %s, ansible-core %s, rule set %s" % tuple(
            told.get(key, "unknown") for key in ("collection", "ansible_core", "rules")
        )
        rows.append((counted(count, "host"), words))
    return (
        '<section id="about"><h2>About this report</h2>%s'
        '<p>The same for programs: <a href="report.json">report.json</a>, '
        '<a href="junit.xml">junit.xml</a>, <a href="report.sarif">report.sarif</a>.</p></section>' % pairs(rows)
    )
