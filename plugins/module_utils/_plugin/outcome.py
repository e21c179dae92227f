# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""How a module ends: the only place that calls exit_json and fail_json."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._kernel import process
from .._namespaces.errors import NamespaceError, during
from .._namespaces.shown import printable
from .._namespaces.values import refuse_unusable_text

Result = t.Dict[str, t.Any]


def finish(
    module: AnsibleModule, work: t.Callable[[AnsibleModule], Result], free_text: t.Container[str] = ()
) -> t.NoReturn:
    """Do the module's work and leave with its result, which says failed itself where it has more to tell.

    free_text: the options that may hold any text.
    """
    try:
        with during("do what the task asks for"):
            process.open_standard_streams()
            refuse_unusable_text(module.params, free_text)
            result = work(module)
    except NamespaceError as error:
        # It may tell names that somebody inside chose.
        module.fail_json(msg=printable(str(error)))
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
