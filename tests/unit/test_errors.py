# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An error says what was tried, the name of the errno, the likely cause and the remedy."""

from __future__ import annotations

import errno
import os
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import (
    Hint,
    NamespaceError,
    during,
    errno_name,
    refuse,
)

HINTS = {errno.ENOSPC: Hint("a limit, and not a disk", "raise it")}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NamespaceError("go", "it rains"), "cannot go: it rains"),
        (NamespaceError("go", "it rains", "take a coat"), "cannot go: it rains; take a coat"),
        (NamespaceError("go", "c", "r", errno.EPERM), "cannot go: EPERM (Operation not permitted): c; r"),
        (refuse("uid_map", "c", "r"), "cannot use the option uid_map as given: c; r"),
    ],
)
def test_text(error: NamespaceError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            OSError(errno.ENOSPC, "x"),
            "cannot do it: ENOSPC (No space left on device): a limit, and not a disk; raise it",
        ),
        (OSError(errno.ENOSPC, "x", "/a/b"), "cannot do it (/a/b): ENOSPC (No space left on device): a limit, and not"),
        (OSError(errno.ENOSPC, "x", b"/\xff"), "cannot do it (/\udcff): ENOSPC"),
        (OSError(errno.EPERM, "x"), "cannot do it: EPERM (Operation not permitted): the task lacks the privilege"),
        (OSError(errno.ENOSYS, "x"), "cannot do it: ENOSYS (Function not implemented): this kernel, or a seccomp"),
        (OSError(errno.EXDEV, "x"), "cannot do it: EXDEV (Invalid cross-device link): the kernel refused it"),
        (OSError("no number"), "cannot do it: EIO (Input/output error): the kernel refused it"),
        (OSError(5000, "x"), f"cannot do it: errno 5000 ({os.strerror(5000)}): the kernel refused it"),
    ],
    ids=["own", "path", "bytes", "general", "missing", "unknown", "none", "number"],
)
def test_an_errno_is_explained(given: OSError, text: str) -> None:
    for hints in (HINTS, lambda: HINTS):
        with pytest.raises(NamespaceError) as caught, during("do it", hints):
            raise given
        assert str(caught.value).startswith(text)
        assert caught.value.__cause__ is given


def test_own_hints_come_first() -> None:
    with pytest.raises(NamespaceError, match="privilege of a king"), during(
        "do it", {errno.EPERM: Hint("privilege of a king", "")}
    ):
        raise PermissionError(errno.EPERM, "x")


def test_hints_are_not_computed_for_nothing() -> None:
    def fail() -> t.NoReturn:
        raise AssertionError

    with during("do it", fail):
        pass


@pytest.mark.parametrize("error", [NamespaceError("a", "b"), ValueError("x"), KeyboardInterrupt()], ids=repr)
def test_other_errors_pass(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, during("do it"):
        raise error
    assert caught.value is error


def test_names() -> None:
    assert (errno_name(errno.ENOSPC), errno_name(5000)) == ("ENOSPC", "errno 5000")
