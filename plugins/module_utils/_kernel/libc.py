# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The only place that imports ctypes: C functions and system calls that raise OSError.

The numbers are those of the system calls that came after Linux 5.1, which are common to all architectures but alpha;
kcmp and statx are older. An unknown number is ENOSYS.
"""

from __future__ import annotations

import ctypes
import errno
import os
import typing as t

AT_EMPTY_PATH = 0x1000
AT_FDCWD = -100

_NUMBERS = {
    "pidfd_send_signal": 424,
    "open_tree": 428,
    "move_mount": 429,
    "pidfd_open": 434,
    "clone3": 435,
    "close_range": 436,
    "openat2": 437,
    "pidfd_getfd": 438,
    "mount_setattr": 442,
    "listns": 470,
}

# asm/unistd.h of each, by what uname(2) calls the machine.
_KCMP = {"x86_64": 312, "aarch64": 272, "riscv64": 272, "loongarch64": 272, "ppc64le": 354, "s390x": 343, "armv7l": 378}
_NUMBERS["kcmp"] = _KCMP.get(os.uname().machine, -1)
_STATX = {"x86_64": 332, "ppc64le": 383, "s390x": 379, "armv7l": 397}
_NUMBERS["statx"] = _STATX.get(os.uname().machine, 291)

# CDLL(None) is the running process: ctypes.util.find_library would start helpers.
_LIBC = ctypes.CDLL(None, use_errno=True)
# PyDLL keeps the interpreter's lock, which a child must find held when a call returns twice.
_LOCKED = ctypes.PyDLL(None, use_errno=True)

if t.TYPE_CHECKING:
    Buffer = ctypes.Array[ctypes.c_char]
    Argument = t.Union[int, bytes, Buffer, None]


def buffer(content: bytes) -> Buffer:
    """Memory that the kernel may write to; C(.raw) reads it back."""
    return ctypes.create_string_buffer(content, len(content))


def address(memory: Buffer) -> int:
    """Where the memory is, for a structure that points to it."""
    return ctypes.addressof(memory)


def function(name: str, *arguments: Argument, path: str | None = None) -> int:
    """Call a function of the C library that answers -1 and errno; a missing one is ENOSYS.

    Raises OSError with the path as its file name.
    """
    try:
        target = getattr(_LIBC, name)
    except AttributeError:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), name) from None
    return _checked(target(*_as_c(arguments)), path)


def prctl(option: int, *arguments: Argument) -> int:
    """Source: prctl(2), whose unused arguments are zeros. Raises OSError."""
    return function("prctl", option, *(arguments + (0,) * (4 - len(arguments))))


def syscall(name: str, *arguments: Argument, path: str | None = None) -> int:
    """Make a system call that this module has the number of. Raises OSError with the path as its file name."""
    return _checked(_LIBC.syscall(*_as_c((_NUMBERS[name], *arguments))), path)


def syscall_twice(name: str, *arguments: Argument) -> int:
    """Make a system call that returns in a child too (0 there), with what the interpreter does around fork(2).

    Raises OSError in the parent.
    """
    ctypes.pythonapi.PyOS_BeforeFork()
    result = int(_LOCKED.syscall(*_as_c((_NUMBERS[name], *arguments))))
    if result == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
        return 0
    code = ctypes.get_errno()
    ctypes.pythonapi.PyOS_AfterFork_Parent()
    if result < 0:
        raise OSError(code, os.strerror(code))
    return result


def _as_c(arguments: t.Iterable[Argument]) -> list[ctypes.c_long | bytes | Buffer | None]:
    """Integers as long: ctypes would pass them as 32 bits."""
    return [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]


def _checked(result: int, path: str | None) -> int:
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path)
    return result
