# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""Folders on the controller that nobody else can write to, and files there that are whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import typing as t

from ansible.errors import AnsibleActionFail

_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_DIRECTORY = "it, or what it should be in, is no directory: give another"
_REMEDIES = {
    errno.ENOSPC: "the file system is full: make room there, or give another directory",
    errno.EDQUOT: "the quota of the user is used up: make room, or give another directory",
    errno.EROFS: "the file system is read-only: give another directory",
    errno.EACCES: "the user that runs Ansible may not write there: give another directory, or this one to that user",
    errno.ENOENT: "it was removed meanwhile: try again",
    errno.ENOTDIR: _NO_DIRECTORY,
    errno.EEXIST: _NO_DIRECTORY,
}


class Folder:
    """A folder that is ours alone, held open: what its path leads to later makes no difference."""

    def __init__(self, path: str, what: str, fd: int) -> None:
        """path and what (the name of the option) are for messages."""
        self.path = path
        self._what = what
        self._fd = fd

    @contextlib.contextmanager
    def below(self, name: str) -> t.Iterator[Folder]:
        """The folder of this name in it, made where it is missing. Raises AnsibleActionFail as opened()."""
        path = os.path.join(self.path, name)
        with explained(path, self._what):
            fd = _opened(path, self._what, name, self._fd)
        try:
            yield Folder(path, self._what, fd)
        finally:
            os.close(fd)

    def write(self, name: str, data: bytes) -> str:
        """Have a file with this in it, for nobody else to read, in place of one that was there. Returns its path.

        Who reads it meanwhile gets the one or the other. Raises AnsibleActionFail; what was there stays then.
        """
        # No name of a result begins with a dot.
        temporary = ".%s.new" % secrets.token_hex(8)
        path = os.path.join(self.path, name)
        with explained(path, self._what):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            fd = os.open(temporary, flags, 0o600, dir_fd=self._fd)
            try:
                with open(fd, "wb") as file:
                    file.write(data)
                os.rename(temporary, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
            except BaseException:
                os.unlink(temporary, dir_fd=self._fd)
                raise
        return path

    def remove(self, name: str) -> None:
        """Have no file of this name. Raises AnsibleActionFail."""
        with explained(os.path.join(self.path, name), self._what), contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._fd)


@contextlib.contextmanager
def opened(path: str, what: str) -> t.Iterator[Folder]:
    """The folder at this path, made for us alone where it is missing, as is what it is in.

    what: the name of the option. Raises AnsibleActionFail where it is a link, or of somebody else, where others may
    write to it, or where it can't be made.
    """
    path = os.path.abspath(path)
    with explained(path, what):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _check_above(path, what)
        fd = _opened(path, what, path)
    try:
        yield Folder(path, what, fd)
    finally:
        os.close(fd)


def _check_above(path: str, what: str) -> None:
    """That nobody else can put another directory in its place. Raises AnsibleActionFail."""
    above = os.path.realpath(os.path.dirname(path))
    while True:
        mode = os.stat(above).st_mode
        if mode & 0o002 and not mode & stat.S_ISVTX:
            why = "is in %s, where everybody can put another in its place: chmod o-w or +t, or give another" % above
            raise _refused(path, what, why)
        if above == os.path.dirname(above):
            return
        above = os.path.dirname(above)


def _opened(path: str, what: str, name: str, parent: int | None = None) -> int:
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
    if stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        raise _refused(path, what, "is a symbolic link, which could lead elsewhere next time: give what it leads to")
    fd = os.open(name, _OPEN_FOLDER, dir_fd=parent)
    found = os.fstat(fd)
    problem = None
    if found.st_uid != os.geteuid():
        problem = "belongs to uid %d, and Ansible runs as uid %d: give another, or change its owner" % (
            found.st_uid,
            os.geteuid(),
        )
    elif found.st_mode & 0o022:
        problem = "has the mode %04o, so others could change what is in it: chmod go-w %s" % (
            stat.S_IMODE(found.st_mode),
            path,
        )
    if problem is not None:
        os.close(fd)
        raise _refused(path, what, problem)
    return fd


def _refused(path: str, what: str, why: str) -> AnsibleActionFail:
    return AnsibleActionFail("%s: %s %s" % (what, path, why))


@contextlib.contextmanager
def explained(path: str, what: str) -> t.Iterator[None]:
    """Whatever the operating system says about it, as AnsibleActionFail."""
    try:
        yield
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, "?")
        words = "%s: %s can not be written (%s, %s)" % (what, path, name, error.strerror)
        remedy = _REMEDIES.get(error.errno or 0)
        raise AnsibleActionFail("%s: %s" % (words, remedy) if remedy else words) from error
