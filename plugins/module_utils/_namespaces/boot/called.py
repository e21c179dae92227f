# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The program, called by the host's own Python as systemd calls it, and what it told."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..errors import NamespaceError, during
from . import answers
from .places import LOCK, PYTHON, escaped
from .systemd import Run

_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class Told(t.NamedTuple):
    """What it told of each set."""

    changes: t.Mapping[str, t.Sequence[str]]
    failed: t.Mapping[str, str]
    """Why a set is not as declared."""
    warnings: t.Sequence[str]


@contextlib.contextmanager
def kept(program: bytes) -> t.Iterator[str]:
    """A path where the program is meanwhile, whatever is installed: where the lock is, which is to be held.

    Nobody else can be there, as in the directory for temporary files. Raises NamespaceError.
    """
    path = f"{LOCK}/boot.pyz"
    try:
        with during(f"write {path}"), open(path, "wb") as file:
            file.write(program)
        yield path
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)


def call(run: Run, path: str, command: str, names: t.Iterable[str] = (), given: str = "") -> Told:
    """Raises NamespaceError where the program itself fails."""
    with during(f"run {PYTHON}, with which the sets come back at boot"):
        status, done, errors = run(
            [PYTHON, "-I", path, command, *map(escaped, names)],
            data=given,
            binary_data=True,
            environ_update=_ENVIRONMENT,
            handle_exceptions=False,
        )
    told = answers.read(errors)
    failed = {name: cause for name, cause in told if name != answers.EVERY}
    of_all = [words for name, words in told if name == answers.EVERY]
    # Python itself ends with 1.
    if status not in (0, 1) or "Traceback (most recent call last)" in failed:
        cause = (of_all or errors.strip().splitlines() or [f"it ended with {status}"])[-1]
        raise NamespaceError(f"{command} what is declared, with {PYTHON}", cause)
    return Told({name: answers.words_in(words) for name, words in answers.read(done)}, failed, of_all)
