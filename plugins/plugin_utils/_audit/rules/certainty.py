# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""How far what was found can be trusted."""

from __future__ import annotations

import typing as t

from ....module_utils._namespaces.discovery.blind import OUTSIDE
from ..look import Look
from ..model import Hit, Rule


def incomplete(look: Look) -> t.Iterator[Hit]:
    """Not everything was looked at."""
    if not look.facts.complete:
        for reason in look.facts.incomplete_because or ["it does not say why"]:
            yield Hit(reason, subject=reason)


def inside(look: Look) -> t.Iterator[Hit]:
    """Who looked is in a container."""
    for place in look.facts.blind:
        if place == OUTSIDE:
            yield Hit("not visible: " + place, subject=place)


RULES = (
    Rule(
        id="scan-incomplete",
        severity="medium",
        title="The host was not looked at completely",
        meaning="What is missing could be a finding, so that this host can't be said to have none. "
        "What is found because something else was not, such as leaks and drift, is told as info.",
        remedy="Run the task as root, with all capabilities and all sources.",
        source="linux.namespaces.ns_facts, scan.incomplete_because",
        check=incomplete,
    ),
    Rule(
        id="scan-inside",
        severity="info",
        title="The host was looked at from inside a pid namespace",
        meaning="Whoever is outside of it was not seen: the host is a container itself, or the task ran in one.",
        remedy="Audit the host that it is on too.",
        source="linux.namespaces.ns_facts, scan.blind",
        check=inside,
    ),
)
