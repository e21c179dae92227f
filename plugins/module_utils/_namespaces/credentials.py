# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Who a command is inside: user, groups, capabilities. Names are looked up in the files of the inside, as text.

NSS is never asked: it would load libraries from a root that may be foreign (CVE-2019-14271).
"""

from __future__ import annotations

import errno
import os
import stat
import typing as t

from .._kernel import privilege
from .errors import Hint, NamespaceError, during, refuse
from .values import plain_id

_FILE_BYTES = 16 << 20

_ID_HINTS = {
    errno.EINVAL: Hint("the user namespace does not map that id", "add it to uid_map or gid_map"),
    errno.EPERM: Hint("it takes privilege, and a user namespace may deny setgroups", "run it as root"),
}
_CAPABILITY_HINTS = {errno.EPERM: Hint("the task does not hold them, or may not give any up", "run it as root")}


class Account(t.NamedTuple):
    """Who to be, as the files inside resolve it; None leaves what is."""

    uid: int | None
    gid: int | None
    groups: tuple[int, ...] | None
    environment: t.Mapping[str, str]
    capabilities: frozenset[int] | None
    no_new_privs: bool

    def become(self) -> None:
        """Be that user with those capabilities, in the order that leaves nothing behind. Raises NamespaceError."""
        if self.capabilities is not None:
            with during("cut the capabilities", _CAPABILITY_HINTS):
                privilege.bound(self.capabilities)
                privilege.keep_over_setuid()
        with during("become the user", _ID_HINTS):
            if self.groups is not None and set(self.groups) != set(os.getgroups()):
                os.setgroups(self.groups)
            if self.gid is not None:
                os.setresgid(self.gid, self.gid, self.gid)
            if self.uid is not None:
                os.setresuid(self.uid, self.uid, self.uid)
        if self.capabilities is not None:
            with during("hold these capabilities alone", _CAPABILITY_HINTS):
                privilege.hold_only(self.capabilities)
        if self.no_new_privs:
            with during("set no_new_privs"):
                privilege.no_new_privileges()


class Credentials(t.NamedTuple):
    """Who to be, as the task gives it: names or ids as text, capabilities as bits; None leaves what is."""

    user: str | None = None
    group: str | None = None
    groups: tuple[str, ...] | None = None
    capabilities: frozenset[int] | None = None
    no_new_privs: bool = False

    def resolve(self) -> Account:
        """Look the names up in /etc/passwd and /etc/group of the root that the caller is in. Raises NamespaceError."""
        uid = gid = None
        groups: tuple[int, ...] | None = None
        environment: dict[str, str] = {}
        if self.user is not None:
            entry = _find("/etc/passwd", self.user, 7)
            uid = _entry_id("user", self.user, entry)
            if entry:
                gid = plain_id("user", entry[3])
                environment = {"USER": entry[0], "LOGNAME": entry[0], "HOME": entry[5], "SHELL": entry[6] or "/bin/sh"}
                members = [line for line in _lines("/etc/group", 4) if entry[0] in line[3].split(",")]
                groups = tuple(plain_id("groups", line[2]) for line in members)
            elif self.group is None:
                raise refuse("user", f"{self.user} has no line in /etc/passwd that says its group", "give group too")
            else:
                groups = ()
        if self.group is not None:
            gid = _entry_id("group", self.group, _find("/etc/group", self.group, 4))
        if self.groups is not None:
            groups = tuple(_entry_id("groups", name, _find("/etc/group", name, 4)) for name in self.groups)
        return Account(uid, gid, groups, environment, self.capabilities, self.no_new_privs)


def parse_capabilities(names: t.Iterable[str] | None) -> frozenset[int] | None:
    """The bits of capabilities named in either case, with or without cap_. Raises NamespaceError."""
    if names is None:
        return None
    bits = set()
    for name in names:
        plain = name.lower()[4:] if name.lower().startswith("cap_") else name.lower()
        if plain not in privilege.CAPABILITIES:
            raise refuse("capabilities", f"{name!r} is no capability", "see capabilities(7)")
        bits.add(privilege.CAPABILITIES[plain])
    return frozenset(bits)


def _find(path: str, name: str, fields: int) -> list[str] | None:
    """The line of a name or, if it is all digits, of an id: a user called 0 must not stand in for root."""
    column = 2 if name.isdigit() else 0
    return next((line for line in _lines(path, fields) if line[column] == name), None)


def _entry_id(option: str, name: str, entry: list[str] | None) -> int:
    if entry is not None:
        number = plain_id(option, entry[2])
        if number == 0 and name not in ("0", "root"):
            raise refuse(option, f"{name!r} is 0 inside, and so root", "say root if that is meant")
        return number
    if not name.isdigit():
        raise refuse(
            option, f"{name!r} is not known inside", "the files of the namespace decide, not those of the host"
        )
    return plain_id(option, name)


def _lines(path: str, fields: int) -> t.Iterator[list[str]]:
    """The well-formed lines of a file of that many fields; none where there is no such regular file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        return
    with os.fdopen(fd, "rb") as file:
        if status.st_size > _FILE_BYTES:
            raise NamespaceError(f"read {path} inside", f"it is larger than {_FILE_BYTES} bytes")
        for line in file.read(_FILE_BYTES).decode("utf-8", "surrogateescape").split("\n"):
            columns = line.split(":")
            if len(columns) == fields:
                yield columns
