# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The one error type: what was tried, what the kernel answered, the likely cause and the remedy."""

from __future__ import annotations

import errno
import os
import typing as t


class Hint(t.NamedTuple):
    """What an errno most likely means for one operation."""

    cause: str
    remedy: str


Hints = t.Mapping[int, Hint]
LazyHints = t.Callable[[], Hints]

_GENERAL: Hints = {
    errno.EPERM: Hint("the task lacks the privilege for this", "run it as root"),
    errno.EACCES: Hint("the task may not touch this", "run it as root"),
    errno.ENOSYS: Hint(
        "this kernel, or a seccomp filter over the task, does not offer the system call",
        "use a kernel of 5.10 or later, outside a container that filters it",
    ),
    errno.ENOMEM: Hint("the host has no memory left for it", "free memory or raise the memory limit of the cgroup"),
    errno.EMFILE: Hint("the process has no file descriptor left", "raise its limit of open files (ulimit -n)"),
    errno.ENFILE: Hint("the host has no file descriptor left", "raise fs.file-max"),
    errno.EAGAIN: Hint(
        "a limit on processes is reached", "raise ulimit -u, kernel.pid_max or the pids limit of the cgroup"
    ),
}


class NamespaceError(Exception):
    """Something could not be done, or should not be.

    operation: what was tried, as it follows "cannot".
    code: the errno, None where our own check refused.
    """

    def __init__(self, operation: str, cause: str, remedy: str = "", code: int | None = None) -> None:
        super().__init__(operation, cause, remedy, code)
        self.operation = operation
        self.cause = cause
        self.remedy = remedy
        self.code = code

    def __str__(self) -> str:
        answer = "" if self.code is None else f"{errno_name(self.code)} ({os.strerror(self.code)}): "
        remedy = f"; {self.remedy}" if self.remedy else ""
        return f"cannot {self.operation}: {answer}{self.cause}{remedy}"


def errno_name(code: int) -> str:
    """ENOSPC for 28."""
    return errno.errorcode.get(code, f"errno {code}")


def refuse(option: str, cause: str, remedy: str = "") -> NamespaceError:
    """The error for an option that can't be as it is given."""
    return NamespaceError(f"use the option {option} as given", cause, remedy)


class during:  # noqa: N801 - it reads as a word; a generator would take as long as what it is around
    """Turn an OSError of the kernel floor into the NamespaceError of this operation, as explained() does."""

    def __init__(self, operation: str, hints: Hints | LazyHints | None = None) -> None:
        self._operation = operation
        self._hints = hints

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, OSError):
            raise explained(error, self._operation, self._hints) from error


def explained(error: OSError, operation: str, hints: Hints | LazyHints | None = None) -> NamespaceError:
    """The NamespaceError for what the kernel answered. Hints, computed if callable, come before the general ones."""
    code = error.errno or errno.EIO
    own = hints() if callable(hints) else hints or {}
    hint = own.get(code) or _GENERAL.get(code) or Hint("the kernel refused it", "")
    path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
    where = f" ({path})" if path and path not in operation else ""
    return NamespaceError(operation + where, hint.cause, hint.remedy, code)
