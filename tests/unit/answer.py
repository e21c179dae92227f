# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module called as a task calls it, in this process. Only this part of the tests needs ansible-core."""

from __future__ import annotations

import contextlib
import io
import json
import typing as t
from unittest import mock

import pytest
from ansible.module_utils import basic

Options = t.Dict[str, t.Any]


def answer(main: t.Callable[[], object], options: Options, *, check: bool) -> Options:
    """What the module prints before it ends."""
    said = io.StringIO()
    # Without its log, which itself fails for a NUL in an option.
    arguments = {**options, "_ansible_check_mode": check, "_ansible_no_log": True}
    given = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    # ansible.module_utils.testing does the same; ansible-core 2.18 has neither it nor profiles.
    sent = mock.patch.multiple(basic, create=True, _ANSIBLE_ARGS=given, _ANSIBLE_PROFILE="legacy")
    with sent, contextlib.redirect_stdout(said), pytest.raises(SystemExit):
        main()
    result: Options = json.loads(said.getvalue())
    return result
