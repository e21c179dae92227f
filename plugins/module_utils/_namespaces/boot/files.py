# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The files of the host that outlive a boot: which of them are ours, and how they are brought to what they shall be.

Each is exchanged as a whole. Who is killed meanwhile leaves some old and some new, and the next run does the rest.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import stat
import typing as t

from ..._kernel.descriptor import closing
from ..errors import Hint, during
from .places import ALL_UNIT, DEFINITIONS, PROGRAM, TEMPLATE, service_unit_of
from .units import DROP_IN, FOLDER, MARK, Files

_NEW = ".linux-namespaces.new"
"""What a file is called until it is whole."""
_WANTED = f"{FOLDER}/multi-user.target.wants"
_OURS = (
    PROGRAM,
    f"{DEFINITIONS}/*.json",
    f"{FOLDER}/{ALL_UNIT}",
    f"{FOLDER}/{TEMPLATE}",
    f"{FOLDER}/{service_unit_of('*', '*')}",
    f"{FOLDER}/linux-namespaces*.wants/linux-namespaces*",
    f"{_WANTED}/{ALL_UNIT}",
    f"{FOLDER}/*.service.d/{DROP_IN}",
)
_FOLDERS = (os.path.dirname(PROGRAM), DEFINITIONS, f"{FOLDER}/linux-namespaces*.wants")
"""The directories that nothing of others is in."""
_FOLDER_MODE, _FILE_MODE = 0o755, 0o644

_HINTS = {
    errno.ENOSPC: Hint("the file system is full (df, df -i)", "free some of it"),
    errno.EDQUOT: Hint("the quota is used up", "raise it"),
    errno.EROFS: Hint("the file system is read-only", "remount it read-write"),
    errno.EPERM: Hint("it is immutable (lsattr), or its directory is", "chattr -i"),
}

Value = t.Union[str, bytes, None]


class Change(t.NamedTuple):
    """What is at a path, and what shall be; None for nothing."""

    path: str
    before: Value
    after: Value

    @property
    def last(self) -> Value:
        """What it is about: what shall be there, or what goes."""
        return self.before if self.after is None else self.after


def found() -> Files:
    """Those that are there. What others may have written, or is no file, counts as empty. Raises NamespaceError."""
    folders = {os.path.dirname(pattern) for pattern in _OURS}
    patterns = (*_OURS, *(f"{folder}/{_NEW}" for folder in folders))
    with during("look for the files of what is declared"):
        return {path: _read(path) for pattern in patterns for path in glob.glob(pattern)}


def _read(path: str) -> str | bytes:
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o7777 != _FILE_MODE:
        return b""
    with open(path, "rb") as file:
        return file.read()


def plan(old: Files, new: Files) -> list[Change]:
    """From one to the other: what goes goes first, and what leads to another file comes last.

    What has the name of one of ours, and is somebody else's, does not go. Raises NamespaceError.
    """
    gone = [Change(path, old[path], None) for path in old if path not in new and not _is_others(path)]
    changed = [Change(path, old.get(path), new[path]) for path in new if old.get(path) != new[path]]
    return [
        *sorted(gone, key=lambda item: (not isinstance(item.before, str), item.path)),
        *sorted(changed, key=lambda item: (isinstance(item.after, str), item.path)),
    ]


def _is_others(path: str) -> bool:
    """Whether it is a unit, a drop-in or a link that an administrator made: systemctl(1) makes links to whole paths."""
    folder, name = os.path.split(path)
    if name == _NEW or folder == _WANTED or not path.startswith(FOLDER):
        return False
    if os.path.islink(path):
        return os.readlink(path).startswith("/")
    if not os.path.isfile(path):
        return True
    with during(f"read {path}"), open(path, "rb") as file:
        return file.read(len(MARK)) != MARK


def carry_out(changes: t.Sequence[Change]) -> None:
    """Do all of it or, where one fails, nothing. Raises NamespaceError."""
    done: list[Change] = []
    try:
        for change in changes:
            with during(f"{'remove' if change.after is None else 'write'} {change.path}", _HINTS):
                done.append(change)
                _put(change.path, change.after)
        with during("have the files on the disk", _HINTS):
            for folder in filter(os.path.isdir, {os.path.dirname(change.path) for change in changes}):
                _sync(folder)
    except BaseException:
        for change in reversed(done):
            with contextlib.suppress(OSError):
                _put(change.path, change.before)
        raise
    finally:
        clean_up(changes)


def clean_up(changes: t.Iterable[Change] = ()) -> None:
    """Take away the directories that are empty, also those that these changes left so."""
    emptied = {os.path.dirname(change.path) for change in changes}.difference((FOLDER, _WANTED))
    for folder in {*emptied, *(path for pattern in _FOLDERS for path in glob.glob(pattern))}:
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _put(path: str, value: Value) -> None:
    """Raises OSError."""
    if value is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return
    folder = os.path.dirname(path)
    _make_folder(folder)
    new = f"{folder}/{_NEW}"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new)
    try:
        if isinstance(value, str):
            os.symlink(value, new)
        else:
            _write(new, value)
        os.rename(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _write(path: str, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb") as file:
        os.fchmod(file.fileno(), _FILE_MODE)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _make_folder(folder: str) -> None:
    if not os.path.isdir(folder):
        _make_folder(os.path.dirname(folder))
        os.mkdir(folder, _FOLDER_MODE)
        os.chmod(folder, _FOLDER_MODE)
        _sync(os.path.dirname(folder))


def _sync(folder: str) -> None:
    """Have on the disk which files are in it."""
    with closing(os.open(folder, os.O_RDONLY | os.O_DIRECTORY)) as fd:
        os.fsync(fd)
