# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The facts of one host, judged on the controller, where the result is kept, also of a host that gave none."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleFilterError
from ansible.module_utils.common.validation import check_type_path
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as ansible_core
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.values import TIME_FORMAT
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit import catalogue, folder, result, run, stored
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.baseline import Baseline, Missing, read_baseline
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.judge import judge
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.model import SEVERITIES, Judgement
from ansible_collections.linux.namespaces.plugins.plugin_utils._version import collection_version

SPEC: dict[str, t.Any] = {
    "rules": {"type": "list", "elements": "str", "default": []},
    "skip_rules": {"type": "list", "elements": "str", "default": []},
    # What is in an entry is checked where it is read, which says which entry it is.
    "allow": {"type": "list", "elements": "dict", "default": []},
    "declared": {"type": "list", "elements": "str", "default": []},
    "thresholds": {"type": "dict", "default": {}},
    "baseline": {"type": "path"},
    "write_baseline": {"type": "path"},
    "report_dir": {"type": "path"},
}
_JUDGED_BY = ("rules", "skip_rules", "allow", "declared", "thresholds")
_NOTHING = {"schema": 1, "boot_id": "", "scan": {"complete": True}, "initial": {}, "namespaces": []}
"""Facts by which nothing is found."""


class ActionModule(ActionBase):
    """What core calls for a task."""

    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Refuse what can't be meant before the target is touched; then look, judge, and keep what came of it."""
        super().run(tmp, task_vars)
        if self._task.async_val:
            raise AnsibleActionFail(
                "async: the host is judged on the controller, where nobody waits for an async task; leave it out, "
                "forks says how many hosts are looked at at once"
            )
        told: dict[str, t.Any] = task_vars or {}
        host = str(self._task.delegate_to or told["inventory_hostname"])
        with contextlib.ExitStack() as stack:
            audit = _Audit(host, _report_dir(self._task.args), run.planted(told), stack)
            audit.judge_by(self.validate_argument_spec(SPEC)[1], stack)
            try:
                answer = self._execute_module("linux.namespaces.ns_facts", module_args={}, task_vars=task_vars)
            except AnsibleConnectionFailure as error:
                audit.keep("unreachable", msg=str(error))
                raise
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 (the time limit of a task is no Exception)
                # It is returned and not raised, so that failed_when is asked.
                answer = {"failed": True, "msg": str(error) or "it was ended (%s)" % type(error).__name__}
            return audit.failed(answer) if answer.get("failed") else audit.scanned(answer)


class _Audit:
    """By what a host is judged, and where what comes of it goes."""

    def __init__(
        self, host: str, report_dir: str | None, planted: t.Sequence[str], stack: contextlib.ExitStack
    ) -> None:
        """Have no result of an earlier run. Raises AnsibleActionFail, also where the host has planted variables."""
        self._host = host
        self._file = result.file_name(host)
        self._by: dict[str, t.Any] = {}
        self._baseline: Baseline | Missing | None = None
        self._warnings: list[str] = []
        self._results: folder.Folder | None = None
        self._baselines: folder.Folder | None = None
        if report_dir is not None and "audit_report_dir" not in planted:
            report = stack.enter_context(folder.opened(report_dir, "report_dir"))
            self._results = stack.enter_context(report.below("hosts"))
            # Whatever ends us, what an earlier run found is not taken for what this one did.
            self._results.remove(self._file)
        if planted:
            why = run.refusal(host, planted)
            self.keep("failed", msg=why)
            raise AnsibleActionFail(why)

    def judge_by(self, options: t.Mapping[str, t.Any], stack: contextlib.ExitStack) -> None:
        """Raises AnsibleActionFail where an option can't be meant."""
        self._by = {option: options[option] for option in _JUDGED_BY}
        try:
            self._judge(_NOTHING)
            if options["write_baseline"] is not None:
                self._baselines = stack.enter_context(folder.opened(options["write_baseline"], "write_baseline"))
            # The same directory may be for both, and is made by the first run.
            if options["baseline"] is not None:
                self._baseline = self._read_baseline(os.path.abspath(options["baseline"]))
        except AnsibleFilterError as error:
            raise AnsibleActionFail(str(error)) from error

    def scanned(self, answer: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """What the task returns for these facts, which are judged and kept."""
        try:
            judgement = self._judge(answer.get("ansible_facts"), self._baseline)
            before = self._baseline if isinstance(self._baseline, Baseline) else None
            path = self.keep("scanned", judgement=judgement, baseline=before)
        except (AnsibleFilterError, ValueError, RecursionError, MemoryError) as error:
            return self.failed({"failed": True, "msg": "what the host says can not be judged: %s" % error})
        facts = judgement.facts
        if self._baselines is not None and not facts.complete:
            self._warnings.append(
                "some hosts were not looked at completely, and that is their baseline now: what was not seen will be "
                "new in the next comparison; run the task as root, with all capabilities"
            )
        told: dict[str, t.Any] = {
            "changed": False,
            "status": "scanned",
            "msg": _summary(judgement.counts),
            "counts": judgement.counts,
            "complete": facts.complete,
            "incomplete_because": facts.incomplete_because,
            "drift": judgement.drift,
            "warnings": [*answer.get("warnings", ()), *self._warnings],
        }
        return {**told, "findings": judgement.findings} if path is None else {**told, "path": path}

    def failed(self, answer: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """What the task returns where the module failed, which is kept."""
        path = self.keep("failed", msg=_why(answer))
        told = {key: value for key, value in answer.items() if key != "ansible_facts"}
        return {**told, "changed": False, "status": "failed", **({} if path is None else {"path": path})}

    def keep(self, status: str, **more: t.Any) -> str | None:
        """Write the result where results go, and return the path; None where they go nowhere.

        It becomes the baseline once what it says of the last one is kept. Raises AnsibleActionFail where it can't be
        written, ValueError where it is no JSON, or too much.
        """
        made = result.make(
            self._host,
            status,
            collected=_now().strftime(TIME_FORMAT),
            versions={"collection": collection_version(), "ansible_core": ansible_core, "rules": catalogue.digest()},
            run=run.current(),
            **more,
        )
        data = json.dumps(made, separators=(",", ":"), allow_nan=False).encode()
        if len(data) > stored.MOST_BYTES:
            raise ValueError("its result has %d bytes, and %d are kept at most" % (len(data), stored.MOST_BYTES))
        path = None if self._results is None else self._results.write(self._file, data)
        if self._baselines is not None and status == "scanned":
            self._baselines.write(self._file, data)
        return path

    def _judge(self, facts: t.Any, baseline: Baseline | Missing | None = None) -> Judgement:
        return judge(facts, today=_now().date(), baseline=baseline, **self._by)

    def _read_baseline(self, path: str) -> Baseline | Missing:
        """Raises AnsibleActionFail and AnsibleFilterError."""
        remedy = "give another, or have a new one written by write_baseline"
        try:
            if os.path.isdir(path):
                found = os.path.join(path, self._file)
                if not os.path.lexists(found):
                    # The same words for all, so that they are shown once.
                    self._warnings.append(
                        "some hosts have no baseline in %s, and were not compared: those with the finding "
                        "drift-not-compared" % path
                    )
                    return Missing(path)
                path = found
            return read_baseline(stored.load(path), self._host)
        except OSError as error:
            # With its cause core would say the same once more.
            raise AnsibleActionFail("baseline: %s can not be read: %s; %s" % (path, error.strerror, remedy)) from None
        except stored.UnusableError as error:
            raise AnsibleActionFail("baseline: %s; %s" % (error, remedy)) from None


def _report_dir(args: t.Mapping[str, t.Any]) -> str | None:
    """What the option says, before any other option can be wrong."""
    given = args.get("report_dir")
    return t.cast("str", check_type_path(given)) if isinstance(given, str) else None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _summary(counts: t.Mapping[str, int]) -> str:
    """3 medium, 1 info."""
    told = ["%d %s" % (counts[what], what) for what in (*SEVERITIES, "allowed") if counts[what]]
    return ", ".join(told) or "nothing was found"


def _why(answer: t.Mapping[str, t.Any]) -> str:
    """Why the module failed, with the last thing that it, or what should have run it, said."""
    said = [str(answer.get("msg") or "the module said nothing")]
    # With a terminal both streams are in the first, and ssh's own words in the second.
    for stream in ("module_stdout", "module_stderr"):
        lines = str(answer.get(stream) or "").strip().splitlines()
        if lines:
            said.append(lines[-1])
            break
    if answer.get("rc"):
        said.append("(rc %s)" % answer["rc"])
    return " ".join(said)
