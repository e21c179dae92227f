# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The two names of a UTS namespace."""

from __future__ import annotations

import os
import socket

from . import libc

NAME_BYTES = 64
"""The longest name that sethostname(2) takes."""


def hostname() -> str:
    """Source: uname(2)."""
    return os.uname().nodename


def domainname() -> str:
    """The NIS domain name; "(none)" where it was never set. Source: getdomainname(2). Raises OSError."""
    memory = libc.buffer(bytes(NAME_BYTES + 1))
    libc.function("getdomainname", memory, len(memory.raw))
    return os.fsdecode(memory.raw.partition(b"\0")[0])


def set_hostname(name: str) -> None:
    """Source: sethostname(2). Raises OSError."""
    socket.sethostname(name)


def set_domainname(name: str) -> None:
    """Set the NIS domain name. Source: setdomainname(2). Raises OSError."""
    content = os.fsencode(name)
    libc.function("setdomainname", content, len(content))
