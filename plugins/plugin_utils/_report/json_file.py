# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The report as JSON, for programs: what the results say, without their facts."""

from __future__ import annotations

import json
import shutil
import typing as t

from .._audit.result import OF_ALLOW_LIST
from .results import Entry
from .tally import Tally

SCHEMA = 1


class Json:
    """Written host by host; their findings wait in a file until the hosts are through."""

    def __init__(self, file: t.TextIO, scratch: t.TextIO, time: str, collection: str) -> None:
        self._file = file
        self._findings = scratch
        self._before_host = self._before_finding = "\n"
        head = json.dumps({"schema": SCHEMA, "time": time, "collection": collection})
        self._file.write('%s,\n"hosts": [' % head[:-1])

    def add(self, entry: Entry, tally: Tally) -> None:
        del tally
        result = entry.result
        facts = result.facts if result else None
        told = {
            "host": entry.host,
            "state": entry.state,
            "why": entry.why,
            "collected": result.collected if result else None,
            "versions": result.versions if result else {},
            "counts": {**entry.counts, **{name: len(result.allow[name]) for name in OF_ALLOW_LIST}} if result else {},
            "baseline": result.baseline if result else None,
            "drift": result.drift if result else None,
            "boot_id": facts.boot_id if facts else None,
            "namespaces": len(facts.namespaces) if facts else None,
            "blind": facts.blind if facts else [],
        }
        self._file.write(self._before_host + json.dumps(told))
        self._before_host = ",\n"
        for finding in entry.findings:
            self._findings.write(self._before_finding + json.dumps({"host": entry.host, **finding.told}))
            self._before_finding = ",\n"

    def close(self, tally: Tally) -> None:
        self._file.write('\n],\n"findings": [')
        self._findings.seek(0)
        shutil.copyfileobj(self._findings, self._file)
        last = {"states": tally.states, "counts": tally.counts, "allow": {k: sorted(v) for k, v in tally.allow.items()}}
        self._file.write("\n],\n%s\n" % json.dumps(last)[1:])
