# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What is kept of a host: one JSON file, which the report reads, and the next audit as its baseline."""

from __future__ import annotations

import hashlib
import re
import typing as t

from ansible.errors import AnsibleFilterError

from .._facts import Holder, Process, Propagation
from .model import SEVERITIES, Judgement, line

if t.TYPE_CHECKING:
    from .baseline import Baseline

SCHEMA = 1
STATUSES = ("scanned", "unreachable", "failed")
OF_ALLOW_LIST = ("expired", "unused")
COUNTS = (*SEVERITIES, "allowed", *OF_ALLOW_LIST)

Result = t.Dict[str, t.Any]

_LONGEST_NAME = 200
_PLAIN = re.compile(rb"[A-Za-z0-9._-]")
_MOST_MESSAGE = 2000
_TOP = ("schema", "boot_id", "time", "machine", "scan", "initial", "own", "limits", "sysctls", "declared", "handles")
_KEPT = (
    *("type", "inode", "id", "name", "owner", "owner_uid", "parent", "depth", "processes", "leader", "holders"),
    *("holder_counts", "hostname", "domainname", "uid_map", "gid_map", "setgroups", "offsets", "propagation", "init"),
    *("netnsid", "links", "links_more", "listeners", "listeners_more"),
)
"""Of a namespace. Neither how to enter it nor its addresses are needed, nor what somebody else has made up."""
_WITHIN = {
    "leader": frozenset(Process._fields),
    "holders": frozenset({*Process._fields, *Holder._fields} - {"process"}),
    "propagation": frozenset(Propagation._fields),
    "offsets": frozenset({"monotonic", "boottime"}),
}
"""What is kept of what these have within."""
_SAME_AS_NONE = frozenset({"holders", "holder_counts", "depth"})
"""Of these nothing need not be told; of links and listeners it does: null is what could not be read."""
_OF_PROCESSES = frozenset({"pid", "comm", "unit"})
_TEXTS = ("id", "title", "evidence", "remediation", "source")


def make(
    host: str,
    status: str,
    *,
    collected: str,
    versions: t.Mapping[str, str],
    run: str | None = None,
    msg: str | None = None,
    judgement: Judgement | None = None,
    baseline: Baseline | None = None,
) -> Result:
    """The result of a host. run: which run of Ansible leaves it."""
    return {
        "schema": SCHEMA,
        "host": host,
        "status": status,
        "msg": None if msg is None else line(msg, _MOST_MESSAGE),
        "collected": collected,
        "run": run,
        "versions": dict(versions),
        "baseline": None if baseline is None else baseline.summary(),
        "findings": [] if judgement is None else [*judgement.findings],
        "counts": dict.fromkeys(COUNTS, 0) if judgement is None else dict(judgement.counts),
        "allow": None if judgement is None else dict(judgement.allow),
        "drift": None if judgement is None else judgement.drift,
        "facts": None if judgement is None else narrow(judgement.facts.told),
    }


def narrow(facts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What a report and the next audit need of facts, which read the same way; somebody has read them."""
    kept = {key: facts[key] for key in _TOP if facts.get(key) is not None}
    namespaces = [*map(_narrow_namespace, facts["namespaces"])]
    _shorten_leaders(namespaces)
    return {**kept, "namespaces": namespaces}


def _shorten_leaders(namespaces: t.Iterable[dict[str, t.Any]]) -> None:
    """Who leads several namespaces is described once, and then is a pid."""
    first: dict[int, t.Any] = {}
    for namespace in namespaces:
        leader = namespace.get("leader", {})
        if leader.keys() > {"pid"}:
            described = first.setdefault(leader["pid"], leader)
            if described is not leader and described == leader:
                namespace["leader"] = {"pid": leader["pid"]}


def _narrow_namespace(told: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    kept = {
        key: _without_nulls(told[key], _WITHIN.get(key))
        for key in _KEPT
        if told.get(key) is not None and (told[key] or key not in _SAME_AS_NONE)
    }
    if "holders" in kept:
        kept["holders"] = [*map(_narrow_holder, kept["holders"])]
    return kept


def _narrow_holder(told: t.Mapping[str, t.Any]) -> t.Mapping[str, t.Any]:
    """Who lives where a bind mount is, is told with that mount namespace."""
    return {key: value for key, value in told.items() if told["kind"] != "bind" or key not in _OF_PROCESSES}


def _without_nulls(value: t.Any, known: t.Container[str] | None) -> t.Any:
    """known: which keys are kept; None for all."""
    if isinstance(value, t.Mapping):
        return {key: item for key, item in value.items() if item is not None and (known is None or key in known)}
    if isinstance(value, list):
        return [_without_nulls(item, known) for item in value]
    return value


def file_name(host: str) -> str:
    """The name of its file: that of the host, as far as it is good for one."""
    name = "".join(
        chr(byte) if _PLAIN.match(bytes([byte])) and (position or byte != ord(".")) else "%%%02X" % byte
        for position, byte in enumerate(host.encode("utf-8", "surrogatepass"))
    )
    ending = ".json"
    if len(name) + len(ending) > _LONGEST_NAME:
        digest = "~" + hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        name = name[: _LONGEST_NAME - len(ending) - len(digest)] + digest
    return name + ending


def read(given: t.Any, what: str = "the result") -> Result:
    """The result, checked but for what the facts have within. Raises AnsibleFilterError."""
    wrong = _wrong(given)
    if wrong is None:
        found: Result = given
        return found
    raise AnsibleFilterError("%s: %s; it was not written by linux.namespaces.ns_audit, or is damaged" % (what, wrong))


def facts_of(result: Result, what: str, use: str) -> t.Any:
    """The facts of a host. Raises AnsibleFilterError where it could not be looked at."""
    if result["facts"] is None:
        raise AnsibleFilterError(
            "%s: %s was %s then, so there is nothing to %s" % (what, line(result["host"], 100), result["status"], use)
        )
    return result["facts"]


def _wrong(given: t.Any) -> str | None:
    """What is wrong with it, None for nothing."""
    if not isinstance(given, dict):
        return "it is no mapping"
    if given.get("schema") != SCHEMA or isinstance(given.get("schema"), bool):
        return "it has the schema %s, and this version of the collection reads %d" % (
            line(repr(given.get("schema")), 40),
            SCHEMA,
        )
    checks: t.Sequence[tuple[str, t.Callable[[t.Any], bool]]] = (
        ("host", _is_name),
        ("status", lambda value: value in STATUSES),
        ("msg", lambda value: value is None or isinstance(value, str)),
        ("collected", lambda value: isinstance(value, str)),
        ("run", lambda value: value is None or isinstance(value, str)),
        ("versions", _is_texts),
        ("baseline", _is_mapping_or_none),
        ("findings", lambda value: isinstance(value, list) and all(map(_is_finding, value))),
        ("counts", _is_counts),
        ("allow", lambda value: value is None or _is_of_allow_list(value)),
        ("drift", _is_mapping_or_none),
        ("facts", lambda value: value is None or (isinstance(value, dict) and _has_namespaces(value))),
    )
    return next(
        ("%s is missing or wrong" % key for key, fits in checks if key not in given or not fits(given[key])), None
    )


def _is_name(value: t.Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_texts(value: t.Any) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for pair in value.items() for item in pair)


def _is_mapping_or_none(value: t.Any) -> bool:
    return value is None or isinstance(value, dict)


def _is_counts(value: t.Any) -> bool:
    return isinstance(value, dict) and value.keys() == {*COUNTS} and all(map(_is_count, value.values()))


def _is_count(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_of_allow_list(value: t.Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"used", *OF_ALLOW_LIST}
        and all(isinstance(some, list) and all(isinstance(item, str) for item in some) for some in value.values())
    )


def _is_finding(value: t.Any) -> bool:
    return (
        isinstance(value, dict)
        and all(isinstance(value.get(key), str) for key in _TEXTS)
        and value.get("severity") in SEVERITIES
        and _is_mapping_or_none(value.get("namespace"))
        and isinstance(value.get("subject"), (str, type(None)))
        and _is_mapping_or_none(value.get("allowed"))
    )


def _has_namespaces(value: t.Mapping[str, t.Any]) -> bool:
    return isinstance(value.get("namespaces"), list) and all(isinstance(item, dict) for item in value["namespaces"])
