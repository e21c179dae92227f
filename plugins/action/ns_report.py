# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a fleet, written on the controller out of what ns_audit left there. No host is contacted."""

from __future__ import annotations

import os
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit import run
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.model import SEVERITIES
from ansible_collections.linux.namespaces.plugins.plugin_utils._report import draft, write
from ansible_collections.linux.namespaces.plugins.plugin_utils._version import collection_version

_OPTIONS: dict[str, dict[str, t.Any]] = {
    "report_dir": {"type": "path", "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
    "fail_on": {"type": "str", "choices": ["never", *reversed(SEVERITIES)], "default": "never"},
    "unreachable": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
    "max_age": {"type": "int", "default": 86400},
    "this_run": {"type": "bool", "default": False},
}


class ActionModule(ActionBase):
    """What core calls for a task, once for all hosts of the play."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Read the results, write the report, and say on the terminal how it is."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        told: dict[str, t.Any] = task_vars or {}
        keys = run.planted(told)
        if keys:
            raise AnsibleActionFail(run.refusal(str(told["inventory_hostname"]), keys))
        _checked, options = self.validate_argument_spec(_OPTIONS)
        if options["max_age"] < 0:
            raise AnsibleActionFail("max_age: %d is less than none; it is a number of seconds" % options["max_age"])
        path = os.path.abspath(options["report_dir"])
        this = run.current() if options["this_run"] else None
        request = write.Request(path, options["hosts"], options["max_age"], time.time(), collection_version(), this)
        tally, remarks = write.report(request)
        index = os.path.join(path, draft.INDEX)
        lines = tally.closing_lines(_shown(index), [*remarks, _fails_from(options["fail_on"])])
        for line in lines:
            self._display.display(line)
        result.update(
            changed=False,
            counts=tally.counts,
            hosts=tally.states,
            lines=lines,
            files=[index, *(os.path.join(path, name) for name in draft.FILES)],
        )
        reasons = tally.failures(options["fail_on"], options["unreachable"])
        if reasons:
            result.update(failed=True, msg="; ".join(reasons))
        return result


def _fails_from(fail_on: str) -> str:
    """Said, as nobody else notices that the variable which should say so is misspelt."""
    if fail_on == "never":
        return "no finding makes this fail (fail_on: never)"
    return "findings of %s or above make this fail (fail_on)" % fail_on


def _shown(path: str) -> str:
    """As it is typed from here: relative where it is below the working directory."""
    relative = os.path.relpath(path)
    return path if relative.split(os.sep, 1)[0] == os.pardir else relative
