# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Standard streams in bounded memory."""

from __future__ import annotations

import fcntl
import os
import signal

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.streams import Input, Output

F_SETPIPE_SZ = 1031


@pytest.mark.parametrize(
    ("limit", "written", "kept", "cut"),
    [
        (5, b"", b"", False),
        (5, b"1234", b"1234", False),
        (5, b"12345", b"12345", False),
        (5, b"123456", b"12345", True),
        (0, b"", b"", False),
        (0, b"1", b"", True),
        (9, b"\0\xff\n", b"\0\xff\n", False),
    ],
)
def test_what_is_kept(limit: int, written: bytes, kept: bytes, cut: bool) -> None:
    output = Output(limit)
    os.write(output.theirs, written)
    output.close_theirs()
    while output.advance():
        pass
    output.close()
    assert (bytes(output.content), output.cut) == (kept, cut)


def test_more_than_the_limit_in_pieces() -> None:
    output = Output(100)
    for _round in range(50):
        os.write(output.theirs, b"0123456")
        assert output.advance()
    output.close()
    assert (bytes(output.content), output.cut) == ((b"0123456" * 15)[:100], True)


def test_nothing_to_read_does_not_block() -> None:
    output = Output(1)
    assert output.advance()
    output.close()
    assert not output.advance()


def test_what_is_there_is_drained_and_no_more() -> None:
    """However large the pipe was made, and though somebody goes on writing."""
    output = Output(1 << 30)
    fcntl.fcntl(output.theirs, F_SETPIPE_SZ, 1 << 20)
    os.write(output.theirs, bytes(1 << 20))
    writer = os.fork()
    if writer == 0:
        while True:
            os.write(output.theirs, bytes(65536))
    try:
        output.drain()
    finally:
        os.kill(writer, signal.SIGKILL)
        os.waitpid(writer, 0)
    output.close()
    assert 1 << 20 <= len(output.content) <= (1 << 20) + 65536
    output.drain()


@pytest.mark.parametrize("size", [0, 1, 65536, 300_000])
def test_all_is_fed(size: int) -> None:
    content = os.urandom(size)
    pipe, read = Input(content), b""
    with closing(os.dup(pipe.theirs)) as reader:
        pipe.close_theirs()
        while pipe.advance():
            read += os.read(reader, 65536)
        pipe.close()
        while chunk := os.read(reader, 65536):
            read += chunk
    assert read == content


def test_nobody_reads() -> None:
    pipe = Input(b"x")
    pipe.close_theirs()
    assert not pipe.advance()
    pipe.close()


def test_a_full_pipe_does_not_block() -> None:
    pipe = Input(bytes(1 << 20))
    assert pipe.advance()
    assert pipe.advance()
    pipe.close()


def test_the_ends_are_closed_once() -> None:
    output = Output(1)
    theirs = output.theirs
    output.close()
    with closing(os.open("/dev/null", os.O_RDONLY)) as fd:
        os.dup2(fd, theirs)
        output.close()
        os.close(theirs)
