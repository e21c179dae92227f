# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Numbers as a careful person writes them: Ansible's own checks take 1_000, True and NaN for one."""

from __future__ import annotations

import re
import typing as t

from .errors import refuse

_NANOSECONDS = 10**9


def plain_number(option: str, value: t.Any) -> int:
    """Zero or more, in decimal digits alone. Raises NamespaceError."""
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise refuse(option, f"{text!r} is no number of plain decimal digits", "write it as 600")
    return int(text)


def nanoseconds(option: str, value: t.Any) -> int:
    """Seconds, decimal to the nanosecond and perhaps negative, as nanoseconds. Raises NamespaceError."""
    match = re.fullmatch(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?", str(value))
    if not match:
        raise refuse(
            option,
            f"{str(value)!r} is no decimal number of seconds, to the nanosecond at most",
            "write it as 600 or 1.5",
        )
    sign, whole, fraction = match.groups()
    total = int(whole) * _NANOSECONDS + int((fraction or "").ljust(9, "0"))
    return -total if sign else total
