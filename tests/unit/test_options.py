# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for is refused before anything changes, with the option and the reason, or it is what will be."""

from __future__ import annotations

import errno
import math
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import mount, nstypes
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import options
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.definition import (
    PROPAGATIONS,
    IdMaps,
    MountPoint,
    Range,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import example, given, settings
from hypothesis import strategies as st

Options = t.Mapping[str, t.Any]

ID = {"inside": 0, "outside": 1000, "count": 1}
LAST = (1 << 32) - 2

# An option with a good value, and the type that it describes.
GOOD: list[tuple[str, t.Any, str]] = [
    ("hostname", "box", "uts"),
    ("domainname", "example", "uts"),
    ("uid_map", [ID], "user"),
    ("gid_map", [ID], "user"),
    ("setgroups", "deny", "user"),
    ("time_offsets", {"boottime": "1"}, "time"),
    ("propagation", "slave", "mnt"),
    ("mounts", [{"path": "/tmp", "fstype": "tmpfs"}], "mnt"),
    ("mount_proc", True, "mnt"),
    ("mount_proc", False, "mnt"),
    ("loopback", False, "net"),
    ("loopback", True, "net"),
]
every_option = pytest.mark.parametrize(("option", "value", "name"), GOOD, ids=[f"{case[0]}-{case[1]}" for case in GOOD])


def refusal(types: t.Iterable[str], given_options: Options) -> str:
    with pytest.raises(NamespaceError) as caught:
        options.parse(types, given_options)
    assert caught.value.code is None
    return str(caught.value)


# ---- types


@every_option
def test_an_option_of_a_type_that_is_not_created(option: str, value: t.Any, name: str) -> None:
    others = set(support.TYPE_NAMES) - {name}
    expected = (
        f"cannot use the option {option} as given: it describes a {name} namespace, and there is to be none"
        f"; add {name} to unshare, or leave it out"
    )
    assert refusal(others, {option: value}) == expected
    assert refusal((), {option: value}) == expected


@every_option
def test_an_option_of_a_type_that_is_created(option: str, value: t.Any, name: str) -> None:
    assert options.parse([name], {option: value}).types == (nstypes.BY_NAME[name],)


@given(st.sets(st.sampled_from(support.TYPE_NAMES)))
@support.properties
def test_the_order_of_the_types_is_ours(names: set[str]) -> None:
    found = options.parse(names, {})
    assert [kind.name for kind in found.types] == [name for name in support.TYPE_NAMES if name in names]
    assert found.mount_proc is ({"pid", "mnt"} <= names)
    assert (found.propagation, found.loopback, found.mounts, found.offsets) == ("private", True, (), ())


@pytest.mark.parametrize("name", ["mount", "network", "NET", "", "net ", "pid_for_children"])
def test_an_unknown_type(name: str) -> None:
    text = refusal(["uts", name], {})
    assert text.startswith("cannot use the option ")
    assert repr(name) in text


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("user", "setgroups", "maybe"),
        ("mnt", "propagation", "rprivate"),
        ("mnt", "propagation", ""),
        ("time", "time_offsets", {"realtime": "1"}),
    ],
)
def test_an_unknown_word(name: str, option: str, value: t.Any) -> None:
    assert refusal([name], {option: value}).startswith(f"cannot use the option {option} as given: ")


# ---- names


@pytest.mark.parametrize("option", ["hostname", "domainname"])
@pytest.mark.parametrize("name", ["", "x" * 65, "ä" * 33, "a\nb"], ids=ascii)
def test_names_that_are_refused(option: str, name: str) -> None:
    assert refusal(["uts"], {option: name}).startswith(
        f"cannot use the option {option} as given: a name has 1 to 64 bytes"
    )


@pytest.mark.parametrize("name", ["x", "x" * 64, "ä" * 32, "\udcff"], ids=ascii)
def test_names_that_are_taken(name: str) -> None:
    found = options.parse(["uts"], {"hostname": name, "domainname": name})
    assert (found.hostname, found.domainname) == (name, name)


# ---- maps


def item(inside: t.Any, outside: t.Any, count: t.Any) -> dict[str, t.Any]:
    return {"inside": inside, "outside": outside, "count": count}


numbers = st.one_of(st.integers(0, 12), st.integers(LAST - 6, LAST + 1))
given_ranges = st.lists(
    st.fixed_dictionaries({"inside": numbers, "outside": numbers, "count": st.integers(0, 5)}), min_size=1, max_size=3
)


def test_maps() -> None:
    found = options.parse(["user"], {"uid_map": [ID, {**ID, "inside": "5", "outside": "5"}], "setgroups": "deny"}).maps
    assert found == IdMaps((Range(0, 1000, 1), Range(5, 5, 1)), (), "deny")


@pytest.mark.parametrize("option", ["uid_map", "gid_map"])
@pytest.mark.parametrize("field", ["inside", "outside", "count"])
@pytest.mark.parametrize("value", ["1_000", True, math.nan, -1, 1 << 32], ids=repr)
def test_numbers_of_maps_that_are_refused(option: str, field: str, value: t.Any) -> None:
    assert refusal(["user"], {option: [{**ID, field: value}]}).startswith(f"cannot use the option {option}")


@pytest.mark.parametrize("option", ["uid_map", "gid_map"])
def test_overlapping_ranges(option: str) -> None:
    text = refusal(["user"], {option: [ID, {**ID, "inside": 1}]})
    assert text == f"cannot use the option {option} as given: the ids outside overlap from 1000 on"


@settings(support.properties, max_examples=150)
@given(given_ranges)
@example([item(0, 0, LAST + 1)])
@example([item(0, 0, LAST + 2)])
@example([item(0, 100, 10), item(10, 110, 10)])
@example([item(0, 100, 10), item(9, 110, 10)])
@example([item(0, 100, 10), item(10, 109, 10)])
@example([item(0, 100, 10), item(5, 200, 1)])
def test_what_is_taken_is_what_the_kernel_takes(ranges: list[dict[str, t.Any]]) -> None:
    text = "".join("{inside} {outside} {count}\n".format_map(line) for line in ranges)
    with support.inhabited("user", id_map="") as pid:
        code = written(Path(f"/proc/{pid}/uid_map"), text)
    if not code:
        expected = tuple(Range(line["inside"], line["outside"], line["count"]) for line in ranges)
        assert options.parse(["user"], {"uid_map": ranges}).maps.uid == expected
    else:
        assert code == errno.EINVAL
        assert refusal(["user"], {"uid_map": ranges}).startswith("cannot use the option uid_map")


def written(path: Path, text: str) -> int | None:
    """The errno of the kernel, if it does not take the text."""
    try:
        path.write_text(text)
    except OSError as error:
        return error.errno
    return 0


@pytest.mark.parametrize(
    ("ranges", "text"),
    [
        ([item(0, 0, 0)], "gid_map as given: a count is at least 1"),
        ([item(0, 0, 1 << 32)], "gid_map as given: ids end at 4294967294"),
        ([item(LAST + 1, 0, 1)], "gid_map as given: ids end at 4294967294"),
        ([item(0, LAST, 2)], "gid_map as given: ids end at 4294967294"),
        ([item(0, 100, 10), item(9, 200, 1)], "gid_map as given: the ids inside overlap from 9 on"),
        ([item(0, 100, 10), item(10, 105, 1)], "gid_map as given: the ids outside overlap from 105 on"),
        ([item(5, 0, 1), item(5, 1, 1)], "gid_map as given: the ids inside overlap from 5 on"),
        ([item(n, n, 1) for n in range(341)], "gid_map as given: the kernel takes 340 ranges at most"),
        ([item("1_000", 0, 1)], "gid_map.inside as given: '1_000' is no number"),
        ([item(0, True, 1)], "gid_map.outside as given: 'True' is no number"),
        ([item(0, 0, float("nan"))], "gid_map.count as given: 'nan' is no number"),
        ([item(-1, 0, 1)], "gid_map.inside as given: '-1' is no number"),
        ([item(0, "root", 1)], "gid_map.outside as given: 'root' is no number"),
        ([item(0, 0, 99999999999)], "gid_map.count as given: '99999999999' is no number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ranges_that_are_refused(ranges: list[dict[str, t.Any]], text: str) -> None:
    assert refusal(["user"], {"gid_map": ranges}).startswith(f"cannot use the option {text}")


# ---- offsets


@pytest.mark.parametrize("clock", ["monotonic", "boottime"])
@pytest.mark.parametrize("value", ["1_000", True, math.nan, "1.0000000001", "1e3", "a day"], ids=repr)
def test_offsets_that_are_refused(clock: str, value: t.Any) -> None:
    text = refusal(["time"], {"time_offsets": {clock: value}})
    assert text.startswith(f"cannot use the option time_offsets.{clock} as given: {str(value)!r} is no decimal number")


@pytest.mark.parametrize(
    ("offsets", "expected"),
    [
        ({"boottime": "86400", "monotonic": "-0.000000001"}, (("monotonic", -1), ("boottime", 86400 * 10**9))),
        ({"boottime": 1.5, "monotonic": None}, (("boottime", 1_500_000_000),)),
        ({}, ()),
    ],
    ids=str,
)
def test_offsets(offsets: Options, expected: t.Any) -> None:
    assert options.parse(["time"], {"time_offsets": offsets}).offsets == expected


# ---- mounts


def parse_mount(**item: t.Any) -> MountPoint:
    (found,) = options.parse(["mnt"], {"mounts": [item]}).mounts
    return found


def flags(*names: str) -> int:
    return sum(mount.FLAGS[name] for name in names)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"path": "/t", "fstype": "tmpfs"}, ("/t", "tmpfs", "tmpfs", False, False, 0, "")),
        ({"path": "/t", "fstype": "tmpfs", "src": "x", "opts": ""}, ("/t", "x", "tmpfs", False, False, 0, "")),
        (
            {"path": "/t", "fstype": "tmpfs", "opts": "nosuid,size=1m,ro,mode=700"},
            ("/t", "tmpfs", "tmpfs", False, False, flags("nosuid", "ro"), "size=1m,mode=700"),
        ),
        ({"path": "/t", "fstype": "tmpfs", "opts": "defaults,rw"}, ("/t", "tmpfs", "tmpfs", False, False, 0, "")),
        ({"path": "/t", "src": "/s", "opts": "bind"}, ("/t", "/s", "", True, False, 0, "")),
        ({"path": "/t", "src": "/s", "opts": "rbind,ro"}, ("/t", "/s", "", True, True, flags("ro"), "")),
        ({"path": "/t", "src": "/s", "fstype": "none", "opts": "bind"}, ("/t", "/s", "none", True, False, 0, "")),
    ],
    ids=str,
)
def test_mounts(item: t.Any, expected: tuple[t.Any, ...]) -> None:
    assert parse_mount(**item) == MountPoint(*expected)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"path": "t", "fstype": "tmpfs"}, "mounts.path as given: 't' is no absolute path"),
        ({"path": "", "fstype": "tmpfs"}, "mounts.path as given: '' is no absolute path"),
        ({"path": "/t"}, "mounts as given: the mount at /t has neither an fstype nor the option bind"),
        ({"path": "/t", "src": "/s"}, "mounts as given: the mount at /t has neither an fstype nor the option bind"),
        ({"path": "/t", "opts": "bind"}, "mounts as given: the bind mount at /t has no src"),
        ({"path": "/t", "src": "s", "opts": "rbind"}, "mounts.src as given: 's' is no absolute path"),
        ({"path": "/t", "src": "/s", "opts": "bind,size=1m"}, "mounts.opts as given: size=1m is nothing that a bind"),
        ({"path": "/t", "src": "/s", "opts": "bind,sync"}, "mounts.opts as given: sync is nothing that a bind"),
        ({"path": "/t", "fstype": "tmpfs", "opts": "x=" + "y" * 4094}, "mounts.opts as given: the kernel takes 4095"),
        *(
            (
                {"path": "/t", "fstype": "tmpfs", "src": "/s", "opts": f"ro,{word}"},
                f"mounts.opts as given: {word} makes no",
            )
            for word in ("remount", "move", "shared", "rshared", "make-private", "make-rslave", "unbindable", "slave")
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_mounts_that_are_refused(item: t.Any, text: str) -> None:
    assert refusal(["mnt"], {"mounts": [item]}).startswith(f"cannot use the option {text}")


@pytest.mark.parametrize(
    ("opts", "left"),
    [
        ("ro,rw", []),
        ("rw,ro", ["ro"]),
        ("nosuid,suid,nosuid", ["nosuid"]),
        ("nosuid,nodev,dev,exec", ["nosuid"]),
        ("noatime,relatime,atime", ["relatime"]),
        ("strictatime,nostrictatime,sync,async,noexec", ["noexec"]),
    ],
)
def test_the_last_word_counts(opts: str, left: list[str]) -> None:
    """As with mount(8)."""
    for item in ({"fstype": "tmpfs", "opts": opts}, {"src": "/s", "opts": f"bind,{opts}"}):
        if "sync" not in opts or "fstype" in item:
            assert parse_mount(path="/t", **item).flags == flags(*left)


@pytest.mark.parametrize("propagation", PROPAGATIONS)
def test_mounts_that_could_appear_on_the_host(propagation: str) -> None:
    given_options = {"propagation": propagation, "mounts": [{"path": "/t", "fstype": "tmpfs"}]}
    if propagation in ("shared", "unchanged"):
        assert refusal(["mnt"], given_options).startswith(
            f"cannot use the option mounts as given: with propagation {propagation}"
        )
    else:
        assert options.parse(["mnt"], given_options).propagation == propagation


words = st.lists(
    st.one_of(st.sampled_from([*mount.FLAGS, "bind", "rbind", "defaults"]), st.text("ab=,é\udcff", max_size=5))
)
texts = st.one_of(st.none(), st.text("/ab.", max_size=5))


@support.properties
@given(st.text("/ab.", max_size=5), texts, texts, words)
def test_no_mount_is_taken_half(path: str, src: str | None, fstype: str | None, given_words: list[str]) -> None:
    """Every word of the options is a flag, reaches the file system, says what is the case anyhow, or is refused."""
    try:
        found = parse_mount(path=path, src=src, fstype=fstype, opts=",".join(given_words))
    except NamespaceError:
        return
    asked = [word for word in ",".join(given_words).split(",") if word]
    assert found.path.startswith("/")
    assert found.bind is bool({"bind", "rbind"} & set(asked))
    assert found.source == (src or fstype or "")
    left = [word for word in asked if word not in ("bind", "rbind", "defaults")]
    assert found.flags == sum(mount.FLAGS[word] for word in {word for word in left if word in mount.FLAGS})
    assert found.data == ",".join(word for word in left if word not in mount.FLAGS)
