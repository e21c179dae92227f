# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What namespaces that are being created shall be like: checked before anything changes."""

from __future__ import annotations

import typing as t

from .._kernel import mount, nstypes, uts
from . import idmap
from .errors import refuse
from .numbers import nanoseconds

PROPAGATIONS = ("shared", "private", "slave", "unbindable", "slave_shared", "unchanged")
SETGROUPS = ("allow", "deny")
CLOCKS = ("monotonic", "boottime")

_OPTIONS_OF: t.Mapping[nstypes.NsType, tuple[str, ...]] = {
    nstypes.UTS: ("hostname", "domainname"),
    nstypes.USER: ("uid_map", "gid_map", "setgroups"),
    nstypes.TIME: ("time_offsets",),
    nstypes.MNT: ("propagation", "mounts", "mount_proc"),
    nstypes.NET: ("loopback",),
}

OPEN_PROPAGATIONS = ("shared", "unchanged")
"""With these the new mount namespace still shares mounts with the host, and one made inside may appear there."""

# The words of mount(8) that say the opposite of a flag; nothing has to be done for them on a new mount.
_DEFAULT_WORDS = frozenset(
    ("defaults", "rw", "suid", "dev", "exec", "async", "atime", "diratime", "norelatime", "nostrictatime")
)
_REFUSED_WORDS = frozenset(("remount", "move")) | frozenset(
    prefix + name for name in mount.PROPAGATION for prefix in ("", "r", "make-", "make-r")
)
_DATA_BYTES = 4095


class MountPoint(t.NamedTuple):
    """A mount to make inside: of a file system, or of a file or directory that is there (bind)."""

    path: str
    source: str
    fstype: str
    bind: bool
    recursive: bool
    flags: int
    data: str


class Definition(t.NamedTuple):
    """New namespaces of these types, and what they are like. Offsets are nanoseconds by clock."""

    types: tuple[nstypes.NsType, ...] = ()
    hostname: str | None = None
    domainname: str | None = None
    maps: idmap.IdMaps = idmap.IdMaps()
    offsets: tuple[tuple[str, int], ...] = ()
    propagation: str = "private"
    mounts: tuple[MountPoint, ...] = ()
    mount_proc: bool = False
    loopback: bool = True


def parse(types: t.Iterable[str], options: t.Mapping[str, t.Any]) -> Definition:
    """The definition that a task gives; an option that is absent or None is not given.

    Raises NamespaceError for an option of a type that is not being created and for a value that can't be.
    """
    wanted = frozenset(types)
    for option, given, known in (
        ("types", wanted, nstypes.BY_NAME),
        ("setgroups", _given(options, "setgroups"), SETGROUPS),
        ("propagation", _given(options, "propagation"), PROPAGATIONS),
        ("time_offsets", options.get("time_offsets") or (), CLOCKS),
    ):
        for word in given:
            if word not in known:
                raise refuse(option, f"{word!r} is none of its words", "there are " + ", ".join(known))
    kinds = tuple(kind for kind in nstypes.ALL if kind.name in wanted)
    for kind, names in _OPTIONS_OF.items():
        for name in names:
            if options.get(name) is not None and kind not in kinds:
                raise refuse(name, f"it describes a new {kind.name} namespace, and none is being created")
    propagation = options.get("propagation") or "private"
    mounts = tuple(_parse_mount(item) for item in options.get("mounts") or ())
    if mounts:
        refuse_open_propagation(propagation, "mounts")
    mount_proc = options.get("mount_proc")
    return Definition(
        types=kinds,
        hostname=_name("hostname", options.get("hostname")),
        domainname=_name("domainname", options.get("domainname")),
        maps=idmap.IdMaps(
            uid=idmap.parse("uid_map", options.get("uid_map")),
            gid=idmap.parse("gid_map", options.get("gid_map")),
            setgroups=options.get("setgroups"),
        ),
        offsets=_parse_offsets(options.get("time_offsets") or {}),
        propagation=propagation,
        mounts=mounts,
        mount_proc={nstypes.PID, nstypes.MNT} <= set(kinds) if mount_proc is None else mount_proc,
        loopback=options.get("loopback") is not False,
    )


def refuse_open_propagation(propagation: str, option: str) -> None:
    """Raise NamespaceError where what the option mounts could appear on the host."""
    if propagation in OPEN_PROPAGATIONS:
        raise refuse(
            option,
            f"with propagation {propagation} what is mounted inside could appear on the host",
            "choose private, slave or slave_shared",
        )


def absolute_path(option: str, path: str) -> str:
    """The path, if it is one from the root. Raises NamespaceError."""
    if not path.startswith("/") or "\0" in path:
        raise refuse(option, f"{path!r} is no absolute path")
    return path


def _given(options: t.Mapping[str, t.Any], name: str) -> tuple[t.Any, ...]:
    return () if options.get(name) is None else (options[name],)


def _name(option: str, name: str | None) -> str | None:
    if name is not None:
        size = len(name.encode("utf-8", "surrogateescape"))
        if not 1 <= size <= uts.NAME_BYTES or "\0" in name or "\n" in name:
            raise refuse(option, f"a name has 1 to {uts.NAME_BYTES} bytes on one line")
    return name


def _parse_offsets(given: t.Mapping[str, t.Any]) -> tuple[tuple[str, int], ...]:
    return tuple(
        (clock, nanoseconds(f"time_offsets.{clock}", given[clock])) for clock in CLOCKS if given.get(clock) is not None
    )


def _parse_mount(item: t.Mapping[str, t.Any]) -> MountPoint:
    path = absolute_path("mounts.path", item["path"])
    words = [word for word in (item.get("opts") or "").split(",") if word]
    refused = sorted(_REFUSED_WORDS.intersection(words))
    if refused:
        raise refuse("mounts.opts", f"{refused[0]} makes no new mount", "use propagation for the whole namespace")
    bind = "bind" in words or "rbind" in words
    own = [word for word in words if word not in _DEFAULT_WORDS and word not in ("bind", "rbind")]
    data = ",".join(word for word in own if word not in mount.FLAGS)
    fstype, source = item.get("fstype"), item.get("src")
    if bind:
        if source is None:
            raise refuse("mounts", f"the bind mount at {path} has no src")
        absolute_path("mounts.src", source)
        foreign = [word for word in own if word not in mount.ATTRIBUTE_FLAGS]
        if foreign:
            raise refuse("mounts.opts", f"{foreign[0]} is nothing that a bind mount has of its own")
    elif fstype is None:
        raise refuse("mounts", f"the mount at {path} has neither an fstype nor the option bind")
    if len(data.encode()) > _DATA_BYTES or "\0" in data:
        raise refuse("mounts.opts", f"the kernel takes {_DATA_BYTES} bytes at most")
    flags = 0
    for word in own:
        flags |= mount.FLAGS.get(word, 0)
    return MountPoint(path, source or fstype or "", fstype or "", bind, "rbind" in words, flags, data)
