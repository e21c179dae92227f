# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Numbers and texts as a careful person writes them: Ansible's own checks take 1_000, True and NaN for a number."""

from __future__ import annotations

import re
import typing as t

from .errors import NamespaceError, refuse

LAST_ID = (1 << 32) - 2
"""The largest user or group id: the one above means "unchanged" to setresuid(2)."""

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
"""How a moment is written in UTC, for strftime(3): 2026-11-29T07:00:00Z."""

_NANOSECONDS = 10**9


def plain_number(option: str, value: t.Any, digits: int = 10) -> int:
    """Zero or more, in so many decimal digits at most and nothing else. Raises NamespaceError."""
    text = str(value)
    if len(text) > digits or not re.fullmatch(r"[0-9]+", text):
        raise refuse(option, f"{text!r} is no number of plain decimal digits", "write digits alone, as 600")
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


def seconds(number: int) -> str:
    """Nanoseconds as nanoseconds() takes them: decimal seconds, in as few digits as can be."""
    whole, rest = divmod(abs(number), _NANOSECONDS)
    text = f"{whole}.{rest:09}".rstrip("0").rstrip(".")
    return "-" + text if number < 0 else text


def set_name(option: str, name: str) -> str:
    """The name of a set of namespaces. Raises NamespaceError.

    True and False are refused as well: that is what an unquoted yes or no in YAML comes to.
    """
    if name in ("True", "False") or not re.fullmatch(r"[A-Za-z0-9_@+][A-Za-z0-9_.@+-]{0,199}", name):
        raise refuse(
            option,
            f"{name!r} is no name of a set",
            "take letters, digits and _ . @ + -, at most 200, no . or - in front; put yes and no in quotes; several "
            "sets are a list in ns_persistent and a pattern in ns_exec",
        )
    return name


def is_set_name(name: str) -> bool:
    """Whether it can be the name of a set: ip-netns(8), and whoever makes a file, takes others too."""
    try:
        set_name("name", name)
    except NamespaceError:
        return False
    return True


def plain_id(option: str, value: t.Any) -> int:
    """A user or group id in decimal digits alone. Raises NamespaceError."""
    text = str(value)
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > LAST_ID:
        raise refuse(option, f"{text!r} is no id")
    return int(text)


def refuse_unusable_text(options: t.Any, free: t.Container[str] = (), name: str = "") -> None:
    """Raise NamespaceError for a text, however deep in the options, that can't reach the kernel as it is.

    It has half of a surrogate pair, or a NUL, which is allowed in the options that are free. name: the option that is
    looked at, as mounts.path.
    """
    if isinstance(options, dict):
        for key, value in options.items():
            refuse_unusable_text(key, free, name or repr(key))
            refuse_unusable_text(value, free, f"{name}.{key}" if name else str(key))
    elif isinstance(options, (list, tuple)):
        for value in options:
            refuse_unusable_text(value, free, name)
    elif isinstance(options, str):
        try:
            options.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise refuse(name, "it has half of a surrogate pair, which is no character") from None
        if "\0" in options and name not in free:
            raise refuse(name, "it has a NUL, where the kernel would cut it")


def absolute_path(option: str, path: str) -> str:
    """The path, if it is one from the root. Raises NamespaceError."""
    if not path.startswith("/"):
        raise refuse(option, f"{path!r} is no absolute path")
    return path
