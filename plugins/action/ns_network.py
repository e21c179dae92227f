# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module of the same name, and where it shall be confirmed, the proof that the target can still be reached."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

_PAUSE_SECONDS = 1
_TAKING_BACK_SECONDS = 10
"""Within which a target that was lost by the change is there again, after the time is over."""


class ActionModule(ActionBase):
    """What core calls for a task."""

    _supports_async = True
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module; then come back over a new connection to say that what it changed may stay."""
        super().run(tmp, task_vars)
        if self._task.async_val and self._task.args.get("confirm") is not None:
            raise AnsibleActionFail("confirm: nobody comes back to confirm an async task; leave out one of the two")
        result: dict[str, t.Any] = self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val)
        waiting = result.pop("confirm", None)
        if waiting is not None:
            deadline = time.monotonic() + waiting["seconds"] + _TAKING_BACK_SECONDS
            self._confirm(result, waiting["token"], deadline, task_vars)
        return result

    def _confirm(
        self, result: dict[str, t.Any], token: str, deadline: float, task_vars: dict[str, t.Any] | None
    ) -> None:
        """Say so in the result where it is not confirmed."""
        while True:
            try:
                self._connection.reset()
                answer = self._execute_module(module_args={"confirm": token}, task_vars=task_vars)
            except AnsibleConnectionFailure as error:
                # It may have heard us nevertheless, and says so again until then.
                if time.monotonic() < deadline:
                    time.sleep(_PAUSE_SECONDS)
                    continue
                answer = {"failed": True, "msg": f"the target can not be reached any more, and takes it back: {error}"}
            if answer.get("failed"):
                told = f"the change was not confirmed: {answer.get('msg')}"
                result.update(failed=True, changed=answer.get("changed", False), msg=told)
            return
