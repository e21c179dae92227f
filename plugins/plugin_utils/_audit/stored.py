# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""Reading a result or a baseline on the controller: a plain file that nobody but who audits can have written."""

from __future__ import annotations

import json
import os
import stat
import typing as t

MOST_BYTES = 128 << 20
"""Of a file, written or read: 100,000 findings take half of it."""


class UnusableError(Exception):
    """The file can not be used, and why."""


def load(path: str, flags: int = 0) -> t.Any:
    """The JSON in it. flags: more of them for open(2).

    Raises FileNotFoundError where it is not there, and UnusableError.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        hint = ", it is a symbolic link" if flags & os.O_NOFOLLOW and os.path.islink(path) else ""
        raise UnusableError("%s can not be opened%s (%s)" % (path, hint, error.strerror)) from None
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise UnusableError("%s is no plain file" % path)
        if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
            raise UnusableError("%s belongs to somebody else, or others can write to it" % path)
        if found.st_size > MOST_BYTES:
            raise UnusableError("%s has %d bytes, and %d are read at most" % (path, found.st_size, MOST_BYTES))
        try:
            return json.loads(file.read(MOST_BYTES + 1), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise UnusableError("%s is torn, or no JSON (%s)" % (path, error)) from None
        except MemoryError:
            raise UnusableError("%s takes more memory than there is" % path) from None


def _refuse_constant(name: str) -> t.NoReturn:
    raise ValueError("JSON has no %s" % name)
