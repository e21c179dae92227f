# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write docs/findings.md, which says what an audit looks for: python tests/findings.py"""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.linux.namespaces.plugins.plugin_utils._audit import catalogue
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.model import Rule
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.policy import NUMBERS, WORDS, Policy

PAGE = Path(__file__).resolve().parent.parent / "docs/findings.md"

BEGINNING = """\
# What an audit looks for

`make findings` writes this page out of the rules. `ns_audit` and the filter `ns_findings` go by them; `rules` and
`skip_rules` take the ids and the groups, with globs.

What every host has as it comes is `info`, or nothing, unless a threshold says otherwise. What `/etc/linux-namespaces`
(role `boot`) or the option `declared` names is no leak and no news. An entry of `allow` lets a finding be, for a reason
and until a day.

"""

GROUPS: t.Mapping[str, str] = {
    "leaks": "What nobody uses any more, and handles that don't lead where they should.",
    "exposure": "What lets more happen than one may think, and what the host does not see.",
    "capacity": "What is nearly used up.",
    "drift": "What is not as it was in the baseline. Listeners, links and leaders are in the figures alone, as they "
    "change whenever a service or container starts; so are containers and units that were started again.",
    "certainty": "How far what was found can be trusted.",
    "allow": "What has become of the allow-list.",
}

MEANINGS: t.Mapping[str, str] = {
    "limit_percent": "From how much of a `user.max_*_namespaces` on `limit-near` is found",
    "nesting_depth": "From how many above a namespace on `nesting-deep` is found",
    "user_namespaces": "Who may make user namespaces: anybody (`allow`); anybody, but tell it as `info` (`report`); "
    "root alone (`privileged`); nobody (`forbid`)",
    "host_network": "Whether something isolated may be in the network namespace of the host; `report` tells it as "
    "`info`",
    "host_pid": "The same of pid namespaces",
    "host_ipc": "The same of IPC namespaces",
    "host_user": "The same of user namespaces",
}


def page() -> str:
    """The page as it should be."""
    lines = [BEGINNING + "| threshold | values | default | meaning |", "|---|---|---|---|"]
    for key, default in Policy()._asdict().items():
        values = "%d to %d" % NUMBERS[key] if key in NUMBERS else ", ".join("`%s`" % word for word in WORDS[key])
        lines.append("| `%s` | %s | `%s` | %s |" % (key, values, default, MEANINGS[key]))
    lines += ["", "| id | group | severity | |", "|---|---|---|---|"]
    for group, rules in catalogue.GROUPS.items():
        lines += [f"| [`{rule.id}`](#{rule.id}) | {group} | {rule.severity} | {rule.title} |" for rule in rules]
    for group, rules in catalogue.GROUPS.items():
        lines += ["", "## %s" % group.capitalize(), "", GROUPS[group]]
        for rule in rules:
            lines += _section(rule)
    return "\n".join(lines) + "\n"


def _section(rule: Rule) -> t.Iterator[str]:
    yield from ("", "### %s" % rule.id, "")
    yield from ("%s. Severity: %s." % (rule.title, rule.severity), "", rule.meaning, "")
    yield from ("- What to do: %s" % rule.remedy, "- Source: %s" % rule.source)


if __name__ == "__main__":
    PAGE.write_text(page())
