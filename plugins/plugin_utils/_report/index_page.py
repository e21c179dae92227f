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
from .html import STATE_WORDS, counted, data, filled, finding_row, link_to, number, page, pairs, pill, row, state, text
from .results import ALLOWED, BUCKETS, STATES
from .tally import Host, Rule, Tally

MOST_FIRST = 100
"""Findings, and hosts, that can be read without a script."""

_FOLDER = "pages/"


def index(tally: Tally, chunks: Chunks, time: str, collection: str, remarks: t.Sequence[str]) -> str:
    """The whole page."""
    worst = sorted(range(len(tally.hosts)), key=lambda place: (*_badness(tally.hosts[place]), place))
    body = filled(
        "index.html",
        **_head(tally, time, collection, remarks),
        **_overview(tally),
        **_findings(tally, chunks),
        rules=_rules(tally),
        **_allow(tally),
        **_hosts(tally, worst),
        about=_about(tally, time, collection),
        data=data(_data(tally, chunks, worst)),
    )
    return page("Namespace audit: %s" % counted(len(tally.hosts), "host"), "", body)


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


def _head(tally: Tally, time: str, collection: str, remarks: t.Sequence[str]) -> dict[str, str]:
    return {
        "hosts_counted": counted(len(tally.hosts), "host"),
        "time": time,
        "time_shown": time[:16].replace("T", " "),
        "collection": text(collection),
        "remarks": "".join('<p class="note">%s</p>' % text(remark) for remark in remarks),
    }


def _overview(tally: Tally) -> dict[str, str]:
    most = max(*(tally.counts[bucket] for bucket in BUCKETS), 1)
    return {
        "states": "".join(
            '<li class="%s"><a href="#hosts" data-state="%d"><b>%s</b> %s</a></li>'
            % (name, place, number(count), STATE_WORDS[name])
            for place, (name, count) in enumerate(tally.states.items())
            if count or name == "scanned"
        ),
        "severities": "".join(_severity(bucket, tally.counts[bucket], most) for bucket in BUCKETS),
    }


def _severity(bucket: str, count: int, most: int) -> str:
    return (
        '<li class="%(kind)s"><a href="#findings" data-severity="%(bucket)s">%(pill)s</a>'
        '<svg class="bar" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="%(bucket)s" width="%(width).1f" height="10"/></svg><b>%(count)s</b></li>'
    ) % {
        "kind": "" if count else "zero",
        "bucket": bucket,
        "pill": pill(bucket),
        "width": max(1000 * count / most, 4) if count else 0,
        "count": number(count),
    }


def _rules(tally: Tally) -> str:
    rules = sorted(tally.rules.values(), key=lambda rule: rule.order)
    if not rules:
        return '<p class="none">No rule found anything.</p>'
    return (
        '<div class="wide"><table class="narrow rules"><thead><tr><th scope="col">Severity</th>'
        '<th scope="col">Rule</th><th scope="col" class="count">Open</th><th scope="col" class="count">Allowed</th>'
        '<th scope="col" class="count">Hosts</th></tr></thead><tbody>%s</tbody></table></div>'
    ) % "\n".join(map(_rule, rules))


def _rule(rule: Rule) -> str:
    allowed = rule.counts[ALLOWED]
    return (
        "<tr><td>%(pill)s</td>"
        '<th scope="row"><a href="#findings" data-rule="%(number)d">%(title)s</a> <code>%(id)s</code></th>'
        '<td class="count" data-label="open">%(open)s</td><td class="count" data-label="allowed">%(allowed)s</td>'
        '<td class="count" data-label="hosts">%(hosts)s</td></tr>'
    ) % {
        "pill": pill(rule.severity),
        "number": rule.number,
        "title": text(rule.title),
        "id": text(rule.id),
        "open": number(sum(rule.counts.values()) - allowed),
        "allowed": number(allowed),
        "hosts": number(rule.hosts),
    }


def _allow(tally: Tally) -> dict[str, str]:
    """What to do about the allow-list, once for the fleet."""
    parts = [
        "<h3>%s <small>%s</small></h3>%s" % (words, number(len(entries)), _entries(entries))
        for words, entries in (
            ("Expired, and missed on a host", tally.allow["expired"]),
            ("Needed on no host", tally.allow["unused"]),
        )
        if entries
    ]
    if not parts:
        return {"allow": "", "allow_place": ""}
    return {
        "allow": '<section id="allow"><h2>Entries of the allow-list</h2>%s</section>' % "".join(parts),
        "allow_place": '<li><a href="#allow">Allow-list</a></li>',
    }


def _entries(entries: t.Collection[str]) -> str:
    items = ["<li>%s</li>" % text(entry) for entry in sorted(entries)[:MOST_FIRST]]
    if len(entries) > MOST_FIRST:
        items.append("<li>and %s more, which report.json has</li>" % number(len(entries) - MOST_FIRST))
    return '<ul class="plain">%s</ul>' % "".join(items)


def _findings(tally: Tally, chunks: Chunks) -> dict[str, str]:
    first = chunks.gravest(tally)
    total = sum(tally.counts[bucket] for bucket in BUCKETS)
    rules = sorted(tally.rules.values(), key=lambda rule: rule.order)
    return {
        "findings_total": number(total),
        "severity_choices": "".join(
            '<label class="chip %s"><input type="checkbox" name="severity" value="%s"> %s <span>%s</span></label>'
            % (bucket, bucket, bucket, number(tally.counts[bucket]))
            for bucket in BUCKETS
        ),
        "rule_choices": "".join('<option value="%d">%s</option>' % (rule.number, text(rule.title)) for rule in rules),
        "findings_shown": "" if len(first) == total else "The %d gravest of %s." % (len(first), number(total)),
        "findings": "\n".join(_finding(tally, item) for item in first),
        "empty_finding": _EMPTY_FINDING,
    }


_WHERE = '<a href="%s">%s</a> <span class="ns">%s</span>'
_EMPTY_FINDING = row("", '<span class="pill"></span>', ("", ""), "<dl></dl>", _WHERE % ("", "", ""))


def _finding(tally: Tally, first: First) -> str:
    host = tally.hosts[first.host]
    place = place_of(host.stem, first.number, _FOLDER)
    return finding_row(first.finding, _WHERE % (place, text(host.name), text(first.finding.where)))


def _hosts(tally: Tally, worst: t.Sequence[int]) -> dict[str, str]:
    shown = "The %d worst of %s; each has a page in the folder pages." % (MOST_FIRST, number(len(tally.hosts)))
    return {
        "hosts_total": number(len(tally.hosts)),
        "state_choices": "".join(
            '<option value="%d">%s</option>' % (place, STATE_WORDS[name])
            for place, name in enumerate(STATES)
            if tally.states[name]
        ),
        "hosts_shown": shown if len(tally.hosts) > MOST_FIRST else "",
        "host_columns": "".join('<th scope="col" class="count">%s</th>' % label for label in _LABELS),
        "hosts": "\n".join(_host(tally.hosts[place]) for place in worst[:MOST_FIRST]),
        "empty_host": _EMPTY_HOST,
    }


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
    return pairs(rows)
