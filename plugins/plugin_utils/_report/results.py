# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The results of the hosts, one file each, as a stream: never more than one of them is in memory.

They were written on the controller, but what they say comes from hosts that are not to be trusted, and a run that was
killed or another version of the collection may have left any of them.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import typing as t

from ansible.errors import AnsibleFilterError

from ...module_utils._namespaces.values import TIME_FORMAT
from .._audit import allow, result, stored
from .._audit.model import SEVERITIES
from .._facts import Facts, Part, Told
from .._facts import read as read_facts

ALLOWED = "allowed"
BUCKETS = (*SEVERITIES, ALLOWED)
"""Where a finding is counted: open ones by severity."""

STATES = ("scanned", "incomplete", "unreachable", "failed", "not_scanned")
"""Of a host; each has one of them."""

_AHEAD_SECONDS = 300


class Namespace(t.NamedTuple):
    """What a finding is about."""

    type: str
    inode: int | None
    id: int | None
    name: str | None
    path: str | None

    @property
    def label(self) -> str:
        """In short, as it lasts longest: net blue. Empty where it has nothing to be called by."""
        known = self.name if self.name is not None else self.path
        if known is None and self.inode is not None:
            known = "[%d]" % self.inode
        return "" if known is None else "%s %s" % (self.type, known)


class Finding(t.NamedTuple):
    """One finding of a host, checked."""

    id: str
    severity: str
    title: str
    namespace: Namespace | None
    subject: str | None
    """What it is about, if that is no namespace that is there."""
    evidence: str
    remediation: str
    source: str
    reason: str | None
    """Why it is allowed; None for one that is open."""
    expires: str | None
    told: Told

    @property
    def bucket(self) -> str:
        return self.severity if self.reason is None else ALLOWED

    @property
    def where(self) -> str:
        """What it is about. A subject without a namespace need not be told beside the evidence, which has it."""
        if self.namespace is None:
            return "host"
        return self.namespace.label or self.subject or self.namespace.type

    @property
    def identity(self) -> str:
        """What tells it from what else the rule found on the host."""
        return self.where if self.namespace or self.subject is None else self.subject

    @property
    def permission(self) -> str:
        """Why it is allowed, and until when; empty for one that is open."""
        until = " (until %s)" % self.expires if self.expires else ""
        return "" if self.reason is None else self.reason + until


class Result(t.NamedTuple):
    """What one file says, checked."""

    host: str
    status: str
    msg: str | None
    collected: str
    run: str | None
    """Which run of Ansible has left it."""
    versions: t.Mapping[str, str]
    baseline: t.Mapping[str, t.Any] | None
    findings: t.Sequence[Finding]
    """The gravest first, what is allowed last."""
    allow: t.Mapping[str, t.Sequence[str]]
    """The entries of the allow-list that were used, that have expired and were missed, and that were unused."""
    drift: t.Mapping[str, t.Any] | None
    facts: Facts | None


class Entry(t.NamedTuple):
    """A host that should be there, whatever there is of it."""

    host: str
    stem: str
    """Of the names of its files."""
    state: str
    why: str | None
    """Of all but a complete scan."""
    result: Result | None

    @property
    def findings(self) -> t.Sequence[Finding]:
        return self.result.findings if self.result else ()

    @property
    def counts(self) -> dict[str, int]:
        """Of them, by bucket."""
        counts = dict.fromkeys(BUCKETS, 0)
        for finding in self.findings:
            counts[finding.bucket] += 1
        return counts


class _BrokenError(Exception):
    """The result can not be used, and why."""


class _AbsentError(Exception):
    """There is no result that counts, and why."""


class Counting(t.NamedTuple):
    """Which results count."""

    now: float
    max_age: float
    run: str | None
    """Those of this run alone; None for those of any."""


def entries(folder: str, hosts: t.Iterable[str], counting: Counting) -> t.Iterator[Entry]:
    """Each host once, in the order that people expect, r2 before r10."""
    for host in sorted({*hosts}, key=_natural):
        yield _entry(folder, host, counting)


def others(folder: str, hosts: t.Iterable[str]) -> int:
    """How many results there are of hosts that are none of these."""
    known = {*map(result.file_name, hosts)}
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry in found]
    except FileNotFoundError:
        return 0
    return sum(name.endswith(".json") and not name.startswith(".") and name not in known for name in names)


def _natural(name: str) -> list[tuple[int, str]]:
    """What names are sorted by, with numbers in them as numbers, however long."""
    parts = re.split("([0-9]+)", name)
    digits = [part.lstrip("0") if number % 2 else part for number, part in enumerate(parts)]
    return [(len(part) if number % 2 else 0, part) for number, part in enumerate(digits)] + [(0, name)]


def _entry(folder: str, host: str, counting: Counting) -> Entry:
    name = result.file_name(host)
    stem = name[: -len(".json")]
    try:
        found = _checked(result.read(_load(os.path.join(folder, name)), "it"))
        if found.host != host:
            raise _BrokenError("it is of another host, %s" % found.host)
        _check_age(found.collected, counting.now, counting.max_age)
        if counting.run not in (None, found.run):
            raise _AbsentError("its result is of %s, of another run than this one" % found.collected)
    except _AbsentError as absent:
        return Entry(host, stem, "not_scanned", str(absent), None)
    except (_BrokenError, AnsibleFilterError, RecursionError, MemoryError) as broken:
        why = str(broken) or type(broken).__name__
        return Entry(host, stem, "failed", "its result can not be used: %s" % why, None)
    if found.status != "scanned":
        return Entry(host, stem, found.status, found.msg or "the result does not say why", found)
    if found.facts is None:
        return Entry(host, stem, "incomplete", "the facts were not kept", found)
    if not found.facts.complete:
        because = "; ".join(found.facts.incomplete_because) or "the scan does not say why"
        return Entry(host, stem, "incomplete", because, found)
    return Entry(host, stem, "scanned", None, found)


def _load(path: str) -> t.Any:
    try:
        return stored.load(path, os.O_NOFOLLOW)
    except FileNotFoundError:
        raise _AbsentError("there is no result of it") from None
    except stored.UnusableError as error:
        raise _BrokenError(str(error)) from None


def _check_age(collected: str, now: float, max_age: float) -> None:
    try:
        parsed = dt.datetime.strptime(collected, TIME_FORMAT)
    except ValueError:
        raise _BrokenError("collected: %r is no time as 2026-11-29T07:00:00Z" % collected) from None
    age = now - parsed.replace(tzinfo=dt.timezone.utc).timestamp()
    if age > max_age:
        raise _AbsentError("its result is of %s, which is longer ago than max_age (%d seconds)" % (collected, max_age))
    if age < -_AHEAD_SECONDS:
        raise _AbsentError("its result is of %s, which is yet to come: the clock here was or is wrong" % collected)


def _checked(told: result.Result) -> Result:
    """Raises AnsibleFilterError."""
    facts = told["facts"]
    # Whether nothing needs an entry is a matter of the fleet, and told there.
    findings = (_finding(item) for item in told["findings"] if item["id"] != allow.UNUSED.id)
    return Result(
        host=told["host"],
        status=told["status"],
        msg=told["msg"],
        collected=told["collected"],
        run=told["run"],
        versions=told["versions"],
        baseline=told["baseline"],
        findings=sorted(findings, key=lambda finding: BUCKETS.index(finding.bucket)),
        allow=told["allow"] or dict.fromkeys(("used", *result.OF_ALLOW_LIST), ()),
        drift=told["drift"],
        facts=None if facts is None else read_facts(facts),
    )


def _finding(told: Told) -> Finding:
    namespace, allowed = told.get("namespace"), told.get("allowed")
    permission = None if allowed is None else Part(allowed, "what is allowed")
    return Finding(
        id=told["id"],
        severity=told["severity"],
        title=told["title"],
        namespace=None if namespace is None else _namespace(Part(namespace, "the namespace of a finding")),
        subject=told["subject"],
        evidence=told["evidence"],
        remediation=told["remediation"],
        source=told["source"],
        reason=None if permission is None else permission.text("reason") or "no reason is given",
        expires=None if permission is None else permission.text("expires"),
        told=told,
    )


def _namespace(part: Part) -> Namespace:
    return Namespace(
        part.needed_text("type"), part.number("inode"), part.number("id"), part.text("name"), part.text("path")
    )
