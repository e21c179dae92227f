# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages of rtnetlink, in both directions."""

from __future__ import annotations

import errno
import struct
import typing as t

import hypothesis
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import rtnetlink
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import strategies

RTM_GETLINK, RTM_NEWLINK, RTM_GETADDR = 18, 16, 22


def test_a_question_with_one_answer() -> None:
    """Device 1 of a network namespace is the loopback."""
    (message,) = rtnetlink.ask(RTM_GETLINK, struct.pack("=BBHiII", 0, 0, 0, 1, 0, 0))
    assert message.kind == RTM_NEWLINK
    assert dict(rtnetlink.attributes(message.content[16:]))[3] == b"lo\0"


def test_a_question_with_many_answers() -> None:
    kinds = {message.kind for message in rtnetlink.ask(RTM_GETLINK, bytes(16), dump=True)}
    assert kinds == {RTM_NEWLINK}


def test_a_question_that_is_refused() -> None:
    nothing = struct.pack("=BBHiII", 0, 0, 0, 0x7FFFFFFF, 0, 0)
    assert support.code_of(lambda: list(rtnetlink.ask(RTM_GETLINK, nothing))) == errno.ENODEV


@support.properties
@hypothesis.given(strategies.lists(strategies.tuples(strategies.integers(0, 0x3FFF), strategies.binary(max_size=40))))
def test_every_attribute_comes_back(items: list[tuple[int, bytes]]) -> None:
    content = b"".join(rtnetlink.attribute(kind, value) for kind, value in items)
    assert list(rtnetlink.attributes(content)) == items


@support.properties
@hypothesis.given(strategies.lists(strategies.tuples(strategies.integers(0, 0xFFFF), strategies.binary(max_size=40))))
def test_every_message_is_found(items: list[tuple[int, bytes]]) -> None:
    answer = b"".join(
        struct.pack("=IHHII", 16 + len(content), kind, 0, 0, 0) + content + bytes(-len(content) % 4)
        for kind, content in items
    )
    assert [(message.kind, message.content) for message in rtnetlink.messages(answer)] == items


@support.properties
@hypothesis.given(strategies.binary(max_size=200), strategies.sampled_from([rtnetlink.messages, rtnetlink.attributes]))
def test_garbage_ends_it(content: bytes, parse: t.Callable[[bytes], t.Iterator[tuple[t.Any, ...]]]) -> None:
    assert sum(len(item[1]) for item in parse(content)) <= len(content)
