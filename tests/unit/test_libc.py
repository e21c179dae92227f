# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Functions and system calls that raise OSError."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import libc
from ansible_collections.linux.namespaces.tests.unit import support


def test_a_function_that_the_library_lacks() -> None:
    with pytest.raises(OSError, match="no_such_function") as caught:
        libc.function("no_such_function")
    assert caught.value.errno == errno.ENOSYS


def test_errno_and_path() -> None:
    with pytest.raises(OSError, match="/some/path") as caught:
        libc.function("chdir", b"/does/not/exist", path="/some/path")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, "/some/path")


def test_arguments_keep_their_64_bits() -> None:
    """An offset beyond 4 GiB would become another one as a C int."""
    with open(os.memfd_create("sparse"), "wb") as file:
        libc.function("ftruncate", file.fileno(), 5 << 32)
        assert os.fstat(file.fileno()).st_size == 5 << 32


def test_a_system_call_that_the_kernel_lacks() -> None:
    def work() -> int | None:
        support.without(434)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSYS)) as caught:
            libc.syscall("pidfd_open", os.getpid(), 0)
        return caught.value.errno

    assert support.forked(work) == errno.ENOSYS


def test_a_failing_clone_leaves_the_interpreter_working() -> None:
    def work() -> int | None:
        support.without(435)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSYS)) as caught:
            libc.syscall_twice("clone3", bytes(88), 88)
        return caught.value.errno

    assert support.forked(work) == errno.ENOSYS
