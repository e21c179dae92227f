# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""The directory of the report: looked at before anything is written, and whole at any time.

All is written to a directory beside what is there. Then the index is taken away, the rest is put in its place, and the
index comes last: who is killed half-way leaves the report of before, or none, and the next run clears up.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import typing as t

from ansible.errors import AnsibleActionFail

from .._audit.folder import explained, opened

HOSTS = "hosts"
INDEX = "index.html"
PAGES = "pages"
FILES = ("report.json", "junit.xml", "report.sarif")

_OPTION = "report_dir"
_MARK = ".linux-namespaces-report"
_NEW = ".report.new"
_OLD = ".report.old"


class Draft:
    """A report that is being written."""

    def __init__(self, path: str) -> None:
        self.path = path

    def create(self, *names: str) -> t.TextIO:
        """A new file of the report."""
        return open(os.path.join(self.path, *names), "x", encoding="utf-8", newline="\n", opener=_private)

    def scratch(self) -> t.TextIO:
        """A file without a name, which goes with the process."""
        return tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n", dir=self.path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def check(path: str) -> None:
    """That it and the folder of the results are ours alone, as far as they are there. Raises AnsibleActionFail."""
    if os.path.lexists(path):
        with opened(path, _OPTION) as folder, contextlib.ExitStack() as stack:
            if os.path.lexists(os.path.join(path, HOSTS)):
                stack.enter_context(folder.below(HOSTS))


@contextlib.contextmanager
def drafted(path: str) -> t.Iterator[Draft]:
    """The report to be, which takes the place of the one of before when nothing fails. Raises AnsibleActionFail."""
    with opened(path, _OPTION), explained(path, _OPTION), _alone(path):
        _claim(path)
        _clear(path)
        new = os.path.join(path, _NEW)
        try:
            os.makedirs(os.path.join(new, PAGES), mode=0o700)
            yield Draft(new)
            _put_in_place(path, new)
        finally:
            _clear(path)


@contextlib.contextmanager
def _alone(path: str) -> t.Iterator[None]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AnsibleActionFail(
            "%s: %s is being written to by another run; wait for its end" % (_OPTION, path)
        ) from None
    else:
        yield
    finally:
        os.close(descriptor)


def _claim(path: str) -> None:
    """What has the names of our files shall be ours, for it will be replaced."""
    mark = os.path.join(path, _MARK)
    if os.path.lexists(mark):
        return
    for name in (INDEX, PAGES, *FILES):
        if os.path.lexists(os.path.join(path, name)):
            words = "has a %s that no report has left; move that away, or give another directory" % name
            raise AnsibleActionFail("%s: %s %s" % (_OPTION, path, words))
    os.close(_private(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL))


def _clear(path: str) -> None:
    for name in (_NEW, _OLD):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(os.path.join(path, name))


def _put_in_place(path: str, new: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(path, INDEX))
    with contextlib.suppress(FileNotFoundError):
        os.rename(os.path.join(path, PAGES), os.path.join(path, _OLD))
    for name in (PAGES, *FILES, INDEX):
        os.rename(os.path.join(new, name), os.path.join(path, name))
