# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What is nearly used up. Source: namespaces(7), /proc/sys/user."""

from __future__ import annotations

import typing as t

from ..look import Look
from ..model import Hit, Rule


def limit(look: Look) -> t.Iterator[Hit]:
    """A user has nearly as many namespaces as he may have."""
    for kind, told in look.host.limits.items():
        if told.max and told.used * 100 >= told.max * look.policy.limit_percent:
            evidence = "user.max_%s_namespaces=%d, and one user has %d" % (kind, told.max, told.used)
            yield Hit(evidence, severity="high" if told.used >= told.max else None, subject=kind)


def nesting(look: Look) -> t.Iterator[Hit]:
    """One more below another one than the kernel likes."""
    for namespace in look.guests:
        depth = namespace.told.get("depth")
        if isinstance(depth, int) and depth >= look.policy.nesting_depth:
            yield Hit("%d are above it, of 32 at most" % depth, namespace)


RULES = (
    Rule(
        id="limit-near",
        severity="medium",
        title="Namespaces of a type are nearly used up",
        meaning="Who makes one too many gets ENOSPC, which reads as if a disk were full. The threshold limit_percent "
        "(80) says from where on; at the limit it is high.",
        remedy="Look for leaks first, then raise user.max_<type>_namespaces.",
        source="apptainer#1686, pyxis#93, namespaces(7)",
        check=limit,
    ),
    Rule(
        id="nesting-deep",
        severity="medium",
        title="Namespaces are nested deeply",
        meaning="The kernel nests user and pid namespaces 32 deep; then it says EUSERS or ENOSPC. The threshold "
        "nesting_depth (28) says from where on.",
        remedy="See what makes one in the other; a sandbox that starts itself is likely.",
        source="bubblewrap#465, user_namespaces(7)",
        check=nesting,
    ),
)
