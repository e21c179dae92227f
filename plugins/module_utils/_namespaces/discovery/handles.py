# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What is wrong with handles in the directories where they are by custom."""

from __future__ import annotations

import os
import typing as t

from ..._kernel import mountinfo
from .files import DIRECTORIES

MOST = 100
MORE = "more handles have a problem than are told of"
DANGLING, STACKED, SHADOWED = "dangling", "stacked", "shadowed"

Problem = t.Tuple[str, str]
"""A path, and one of these."""


def problems(
    dangling: t.Iterable[str],
    mounts: t.Iterable[mountinfo.Mount],
    at: t.Callable[[str], mountinfo.Mount | None],
) -> list[Problem]:
    """All of them, sorted.

    dangling: the paths of what is no namespace. mounts, at: all mounts there, and which one a path comes out on.
    """
    handles = {item.id: item for item in mounts if item.fstype == "nsfs" and os.path.split(item.path)[0] in DIRECTORIES}
    found = {(path, DANGLING) for path in {*dangling}.difference(item.path for item in handles.values())}
    below = {item.parent for item in handles.values() if _is_upon(item, handles.get(item.parent))}
    found.update((handles[number].path, STACKED) for number in below)
    # As ip-netns(8) makes its directory, each handle is also mounted below that, where the same path leads to the same.
    found.update(
        (item.path, SHADOWED)
        for number, item in handles.items()
        if number not in below and not _is_same(item, at(item.path))
    )
    return sorted(found)


def _is_upon(item: mountinfo.Mount, under: mountinfo.Mount | None) -> bool:
    return under is not None and under.path == item.path


def _is_same(item: mountinfo.Mount, seen: mountinfo.Mount | None) -> bool:
    return seen is not None and (seen.fstype, seen.root) == (item.fstype, item.root)
