# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The report, written while the results are read one after the other."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from pathlib import Path

from ...module_utils._namespaces.values import TIME_FORMAT
from . import draft, host_page, results
from .chunks import Chunks
from .index_page import MOST_FIRST, index
from .json_file import Json
from .junit import Junit
from .sarif import Sarif
from .tally import Tally

_STYLE = ("report.css", "report.js")


class Request(t.NamedTuple):
    """What the report is about."""

    path: str
    hosts: t.Sequence[str]
    max_age: float
    now: float
    collection: str
    """The version of it."""
    run: str | None = None
    """Which alone counts, None for any."""

    @property
    def time(self) -> str:
        return time.strftime(TIME_FORMAT, time.gmtime(self.now))


class _File(t.Protocol):
    def add(self, entry: results.Entry, tally: Tally) -> None: ...

    def close(self, tally: Tally) -> None: ...


class _Pages:
    """The pages of hosts as they come, then the index."""

    def __init__(self, to: draft.Draft, request: Request, remarks: t.Sequence[str]) -> None:
        self._draft = to
        self._request = request
        self._remarks = remarks
        self._chunks = Chunks(to, MOST_FIRST)
        for name in _STYLE:
            with to.create(draft.PAGES, name) as file:
                file.write(Path(__file__).with_name(name).read_text(encoding="utf-8"))

    def add(self, entry: results.Entry, tally: Tally) -> None:
        host_page.write(self._draft, entry)
        self._chunks.add(entry, tally)

    def close(self, tally: Tally) -> None:
        self._chunks.close()
        text = index(tally, self._chunks, self._request.time, self._request.collection, self._remarks)
        with self._draft.create(draft.INDEX) as file:
            file.write(text)


def report(request: Request) -> tuple[Tally, list[str]]:
    """Write it; what it says, and remarks. Raises AnsibleActionFail."""
    inbox = os.path.join(request.path, draft.HOSTS)
    draft.check(request.path)
    extra = results.others(inbox, request.hosts)
    remarks = (
        []
        if not extra
        else [
            "%d result%s of hosts that are not asked about %s left alone"
            % (extra, "" if extra == 1 else "s", "was" if extra == 1 else "were")
        ]
    )
    tally = Tally()
    with contextlib.ExitStack() as stack:
        new = stack.enter_context(draft.drafted(request.path))
        # They are closed before the report is put in place, which can fail too where there is no room.
        told, junit, sarif = (stack.enter_context(new.create(name)) for name in draft.FILES)
        files: list[_File] = [
            _Pages(new, request, remarks),
            Json(told, stack.enter_context(new.scratch()), request.time, request.collection),
            Junit(junit),
            Sarif(sarif, request.time, request.collection),
        ]
        counting = results.Counting(request.now, request.max_age, request.run)
        for entry in results.entries(inbox, request.hosts, counting):
            tally.add(entry)
            for file in files:
                file.add(entry, tally)
        for file in files:
            file.close(tally)
    return tally, remarks
