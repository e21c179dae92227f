# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Reading what a task says of new namespaces, and refusing it before anything changes."""

from __future__ import annotations

import typing as t

from .._kernel import mount, nstypes, uts
from .definition import CLOCKS, OPEN_PROPAGATIONS, PROPAGATIONS, SETGROUPS, Definition, IdMaps, MountPoint, Range
from .errors import refuse
from .values import LAST_ID, absolute_path, nanoseconds, plain_number

_OPTIONS_OF: t.Mapping[nstypes.NsType, tuple[str, ...]] = {
    nstypes.UTS: ("hostname", "domainname"),
    nstypes.USER: ("uid_map", "gid_map", "setgroups"),
    nstypes.TIME: ("time_offsets",),
    nstypes.MNT: ("propagation", "mounts", "mount_proc"),
    nstypes.NET: ("loopback",),
}
ADJUSTABLE = frozenset(("hostname", "domainname", "mounts", "loopback"))
"""The options that an existing namespace can be brought to."""
IMMUTABLE = frozenset(("uid_map", "gid_map", "setgroups", "time_offsets"))
"""The options that an existing namespace can only be compared with."""

# The words of mount(8) that take a flag back, or ask for what is so anyway.
_OPPOSITES = {
    "defaults": "",
    "rw": "ro",
    "suid": "nosuid",
    "dev": "nodev",
    "exec": "noexec",
    "async": "sync",
    "atime": "noatime",
    "diratime": "nodiratime",
    "norelatime": "relatime",
    "nostrictatime": "strictatime",
    "symfollow": "nosymfollow",
}
# Words that mount(8) keeps to itself: when to mount, and who may.
_OWN_WORDS = frozenset(("auto", "noauto", "nofail", "user", "nouser", "users", "nousers", "owner", "group", "_netdev"))
_REFUSED_WORDS = frozenset(("remount", "move")) | frozenset(
    prefix + name for name in mount.PROPAGATION for prefix in ("", "r", "make-", "make-r")
)
_DATA_BYTES = 4095
_MOST_RANGES = 340


def parse(types: t.Iterable[str], options: t.Mapping[str, t.Any], named_in: str = "unshare") -> Definition:
    """The definition that a task gives; an option that is absent or None is not given.

    named_in: the option that names the types.

    Raises NamespaceError for an option of a type that is not being created and for a value that can't be.
    """
    wanted = frozenset(types)
    _refuse_unknown_words(wanted, options)
    kinds = tuple(kind for kind in nstypes.ALL if kind.name in wanted)
    _refuse_strangers(kinds, options, named_in)
    propagation = options.get("propagation") or "private"
    mounts = tuple(_parse_mount(item) for item in options.get("mounts") or ())
    if mounts:
        _refuse_open_propagation(propagation)
    mount_proc = options.get("mount_proc")
    return Definition(
        types=kinds,
        hostname=_name("hostname", options.get("hostname")),
        domainname=_name("domainname", options.get("domainname")),
        maps=IdMaps(
            uid=_parse_ranges("uid_map", options.get("uid_map")),
            gid=_parse_ranges("gid_map", options.get("gid_map")),
            setgroups=options.get("setgroups"),
        ),
        offsets=_parse_offsets(options.get("time_offsets") or {}),
        propagation=propagation,
        mounts=mounts,
        mount_proc={nstypes.PID, nstypes.MNT} <= set(kinds) if mount_proc is None else mount_proc,
        loopback=options.get("loopback") is not False,
    )


def gives(options: t.Mapping[str, t.Any], kind: nstypes.NsType, among: t.Container[str]) -> bool:
    """Whether a task gives one of these options that describes a namespace of this type."""
    return any(options.get(name) is not None for name in _OPTIONS_OF.get(kind, ()) if name in among)


def _refuse_unknown_words(types: frozenset[str], options: t.Mapping[str, t.Any]) -> None:
    for option, given, known in (
        ("types", types, nstypes.BY_NAME),
        ("setgroups", _given(options, "setgroups"), SETGROUPS),
        ("propagation", _given(options, "propagation"), (*PROPAGATIONS, "unchanged")),
        ("time_offsets", options.get("time_offsets") or (), CLOCKS),
    ):
        for word in given:
            if word not in known:
                raise refuse(option, f"{word!r} is none of its words", "there are " + ", ".join(known))


def _refuse_strangers(kinds: t.Container[nstypes.NsType], options: t.Mapping[str, t.Any], named_in: str) -> None:
    for kind, names in _OPTIONS_OF.items():
        for name in names:
            if options.get(name) is not None and kind not in kinds:
                raise refuse(
                    name,
                    f"it describes a {kind.name} namespace, and there is to be none",
                    f"add {kind.name} to {named_in}, or leave it out",
                )


def _refuse_open_propagation(propagation: str) -> None:
    if propagation in OPEN_PROPAGATIONS:
        raise refuse(
            "mounts",
            f"with propagation {propagation} what is mounted inside could appear on the host",
            "choose private, slave or slave_shared",
        )


def _given(options: t.Mapping[str, t.Any], name: str) -> tuple[t.Any, ...]:
    return () if options.get(name) is None else (options[name],)


def _name(option: str, name: str | None) -> str | None:
    if name is not None:
        size = len(name.encode("utf-8", "surrogateescape"))
        if not 1 <= size <= uts.NAME_BYTES or "\n" in name:
            raise refuse(option, f"a name has 1 to {uts.NAME_BYTES} bytes on one line")
    return name


def _parse_offsets(given: t.Mapping[str, t.Any]) -> tuple[tuple[str, int], ...]:
    return tuple(
        (clock, nanoseconds(f"time_offsets.{clock}", given[clock])) for clock in CLOCKS if given.get(clock) is not None
    )


def _parse_ranges(option: str, given: t.Sequence[t.Mapping[str, t.Any]] | None) -> tuple[Range, ...]:
    ranges = tuple(_parse_range(option, item) for item in given or ())
    if len(ranges) > _MOST_RANGES:
        raise refuse(option, f"the kernel takes {_MOST_RANGES} ranges at most")
    for side in ("inside", "outside"):
        ordered = sorted(ranges, key=lambda item: int(getattr(item, side)))
        for first, second in zip(ordered, ordered[1:]):
            if getattr(first, side) + first.length > getattr(second, side):
                raise refuse(option, f"the ids {side} overlap from {getattr(second, side)} on")
    return ranges


def _parse_range(option: str, item: t.Mapping[str, t.Any]) -> Range:
    numbers = Range(
        plain_number(option + ".inside", item["inside"]),
        plain_number(option + ".outside", item["outside"]),
        plain_number(option + ".count", item["count"]),
    )
    if numbers.length == 0:
        raise refuse(option, "a count is at least 1")
    if max(numbers.inside, numbers.outside) + numbers.length > LAST_ID + 1:
        raise refuse(option, f"ids end at {LAST_ID}")
    return numbers


def _parse_mount(item: t.Mapping[str, t.Any]) -> MountPoint:
    path = absolute_path("mounts.path", item["path"])
    words = [word for word in (item.get("opts") or "").split(",") if word]
    refused = sorted(_REFUSED_WORDS.intersection(words))
    if refused:
        raise refuse("mounts.opts", f"{refused[0]} makes no new mount", "use propagation for the whole namespace")
    bind = "bind" in words or "rbind" in words
    own = _effective([word for word in words if word not in ("bind", "rbind")])
    data = ",".join(word for word in own if word not in mount.FLAGS)
    if len(data.encode("utf-8", "surrogateescape")) > _DATA_BYTES:
        raise refuse("mounts.opts", f"the kernel takes {_DATA_BYTES} bytes at most")
    fstype, source = item.get("fstype"), item.get("src")
    if bind:
        _refuse_impossible_bind(path, source, own)
    elif fstype is None:
        raise refuse("mounts", f"the mount at {path} has neither an fstype nor the option bind")
    flags = 0
    for word in own:
        flags |= mount.FLAGS.get(word, 0)
    return MountPoint(path, source or fstype or "", fstype or "", bind, "rbind" in words, flags, data)


def _refuse_impossible_bind(path: str, source: str | None, words: t.Iterable[str]) -> None:
    if source is None:
        raise refuse("mounts", f"the bind mount at {path} has no src")
    absolute_path("mounts.src", source)
    foreign = [word for word in words if word not in mount.ATTRIBUTE_FLAGS]
    if foreign:
        raise refuse("mounts.opts", f"{foreign[0]} is nothing that a bind mount has of its own")


def _effective(words: t.Iterable[str]) -> list[str]:
    """The words for the kernel, where the last of two that contradict each other counts, as in mount(8)."""
    left: list[str] = []
    for word in words:
        if word in _OWN_WORDS or word.lower().startswith("x-"):
            continue
        if word in _OPPOSITES:
            left = [other for other in left if other != _OPPOSITES[word]]
        else:
            left.append(word)
    return left
