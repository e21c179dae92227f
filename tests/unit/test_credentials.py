# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who a command is: by the files of the inside, read as text, and by what the kernel says of the process."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import privilege
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import credentials
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.credentials import Credentials
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import given, settings
from hypothesis import strategies as st

PASSWD = """\
# a comment: with: colons
root:x:0:0:root:/root:/bin/bash
alice:x:1001:100:Alice:/home/alice:

too:short
too:x:1002:100:long:/:/bin/sh:
0:x:1234:1234::/zero:/bin/sh
1000:x:0:0::/root:/bin/sh
words:x:abc:0::/:/bin/sh
minus:x:-1:0::/:/bin/sh
under:x:1_0:0::/:/bin/sh
last:x:4294967295:0::/:/bin/sh
long:x:00000000000:0::/:/bin/sh
nogroup:x:1003:users::/:/bin/sh
twice:x:1004:100::/first:/bin/sh
twice:x:0:0::/second:/bin/sh
\udcff:x:1005:100::/\udcfe:/bin/sh
a\rb:x:1006:100::/:/bin/sh
+::::::
"""
GROUP = """\
root:x:0:
wheel:x:10:bob,alice
users:x:100:
other:x:20:alicea,al
docker:x:999:alice
77:x:88:
0:x:66:
bad:x:x:bob
"""
ALICE = {"USER": "alice", "LOGNAME": "alice", "HOME": "/home/alice", "SHELL": "/bin/sh"}


class Account(t.NamedTuple):
    """Who somebody is."""

    uid: int | None
    gid: int | None
    groups: tuple[int, ...] | None
    environment: t.Mapping[str, str]


def resolved(root: Path, wanted: Credentials, passwd: str | None = PASSWD, group: str | None = GROUP) -> Account:
    """What the files of another root say."""
    (root / "etc").mkdir(exist_ok=True)
    for name, text in (("passwd", passwd), ("group", group)):
        if text is not None:
            (root / "etc" / name).write_bytes(text.encode("utf-8", "surrogateescape"))

    def work() -> Account:
        os.chroot(root)
        found = wanted.resolve()
        return Account(found.uid, found.gid, found.groups, found.environment)

    return support.forked(work, seconds=5)


def refusal(root: Path, wanted: Credentials, **files: str | None) -> str:
    with pytest.raises(NamespaceError) as caught:
        resolved(root, wanted, **files)
    return str(caught.value)


# ---- names


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Credentials(), Account(None, None, None, {})),
        (Credentials(user="alice"), Account(1001, 100, (10, 999), ALICE)),
        (Credentials(user="1001"), Account(1001, 100, (10, 999), ALICE)),
        (Credentials(user="alice", group="wheel"), Account(1001, 10, (10, 999), ALICE)),
        (Credentials(user="alice", groups=()), Account(1001, 100, (), ALICE)),
        (Credentials(user="alice", groups=("users", "5", "77")), Account(1001, 100, (100, 5, 77), ALICE)),
        (Credentials(group="wheel"), Account(None, 10, None, {})),
        (Credentials(group="4294967294"), Account(None, 4294967294, None, {})),
        (Credentials(groups=("wheel",)), Account(None, None, (10,), {})),
        (Credentials(user="5000", group="6000"), Account(5000, 6000, (), {})),
    ],
    ids=str,
)
def test_names_and_ids(tmp_path: Path, wanted: Credentials, expected: Account) -> None:
    assert resolved(tmp_path, wanted) == expected


def test_a_user_that_is_called_like_an_id(tmp_path: Path) -> None:
    """An id is an id: nobody gets to be root, or not root, by a name."""
    assert resolved(tmp_path, Credentials(user="0")).uid == 0
    assert resolved(tmp_path, Credentials(user="0")).environment["HOME"] == "/root"
    assert resolved(tmp_path, Credentials(user="1000", group="users")) == Account(1000, 100, (), {})
    assert "1000 has no line in /etc/passwd that says its group; give group too" in refusal(
        tmp_path, Credentials(user="1000")
    )
    assert resolved(tmp_path, Credentials(group="0")).gid == 0
    assert resolved(tmp_path, Credentials(group="77")).gid == 77


def test_root_by_another_name(tmp_path: Path) -> None:
    """Somebody who meant an ordinary user does not get root because the files inside say so."""
    passwd, group = "toor:x:0:0::/:/bin/sh\nroot:x:0:0::/root:/bin/sh\n", "wheel:x:0:\nroot:x:0:\n"
    for wanted in (Credentials(user="toor"), Credentials(group="wheel"), Credentials(groups=("wheel",))):
        assert "is 0 inside, and so root; say root if that is meant" in refusal(
            tmp_path, wanted, passwd=passwd, group=group
        )
    for name in ("root", "0"):
        assert resolved(tmp_path, Credentials(user=name, group=name), passwd=passwd, group=group).uid == 0


def test_the_first_of_two_lines_counts(tmp_path: Path) -> None:
    found = resolved(tmp_path, Credentials(user="twice"))
    assert (found.uid, found.environment["HOME"]) == (1004, "/first")


@pytest.mark.parametrize(("name", "uid"), [("\udcff", 1005), ("a\rb", 1006)], ids=ascii)
def test_names_that_are_no_text(tmp_path: Path, name: str, uid: int) -> None:
    assert resolved(tmp_path, Credentials(user=name)).uid == uid


@pytest.mark.parametrize("field", ["user", "group"])
@pytest.mark.parametrize(
    "name",
    [
        "nobody",
        "al",
        "Alice",
        " alice",
        "alice\n",
        "too",
        "#",
        "-1",
        "1_0",
        "4294967295",
        "99999999999",
        "\u0661",
        "\xb2",
    ],
    ids=ascii,
)
def test_who_is_not_known(tmp_path: Path, field: str, name: str) -> None:
    wanted = Credentials(**{"group": "0", field: name})  # type: ignore[arg-type]
    message = refusal(tmp_path, wanted)
    assert message.startswith(f"cannot use the option {field} as given: {name!r} is ")
    assert "groups as given" in refusal(tmp_path, Credentials(groups=("0", name)))


@pytest.mark.parametrize("name", ["words", "minus", "under", "last", "long", "nogroup"])
def test_lines_that_say_nonsense(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, Credentials(user=name)).startswith("cannot use the option user as given: '")


def test_a_group_that_says_nonsense(tmp_path: Path) -> None:
    passwd = "bob:x:5:5::/:/bin/sh\n"
    assert "'x' is no id" in refusal(tmp_path, Credentials(user="bob"), passwd=passwd)


# ---- files that are none


def no_file(path: Path) -> None:
    del path


def a_directory(path: Path) -> None:
    path.mkdir()


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def an_endless_device(path: Path) -> None:
    os.mknod(path, 0o020666, os.makedev(1, 5))


@pytest.mark.parametrize("make", [no_file, os.mkfifo, a_directory, a_link_to_itself, an_endless_device])
def test_no_passwd_file(tmp_path: Path, make: t.Callable[[Path], None]) -> None:
    """A fifo does not block, a device is not read: nobody is known, ids can be used."""
    (tmp_path / "etc").mkdir()
    make(tmp_path / "etc/passwd")
    assert "'alice' is not known inside" in refusal(tmp_path, Credentials(user="alice"), passwd=None)
    assert resolved(tmp_path, Credentials(user="1001", group="100"), passwd=None) == Account(1001, 100, (), {})


@pytest.mark.parametrize(("size", "good"), [((16 << 20) - len(PASSWD) - 10, True), (17 << 20, False), (1 << 40, False)])
def test_a_huge_passwd_file(tmp_path: Path, size: int, good: bool) -> None:
    (tmp_path / "etc").mkdir()
    path = tmp_path / "etc/passwd"
    path.write_text("alice:x:1001:100:Alice:/home/alice:\n")
    os.truncate(path, size)
    if good:
        assert resolved(tmp_path, Credentials(user="alice"), passwd=None).uid == 1001
    else:
        text = refusal(tmp_path, Credentials(user="alice"), passwd=None)
        assert text == "cannot read /etc/passwd inside: it is larger than 16777216 bytes"


fields = st.text("ab0158:-_ \udcff\n", max_size=4)
lines = st.lists(st.lists(fields, min_size=5, max_size=8).map(":".join), max_size=6).map("\n".join)
asked = st.text("ab0158", min_size=1, max_size=3)


def test_who_somebody_is_stands_in_one_line(tmp_path: Path) -> None:
    """Whatever the file holds: a uid comes from the first line with that name or id, or is the id itself."""

    @settings(support.properties, max_examples=100)
    @given(lines, asked)
    def holds(text: str, user: str) -> None:
        entries = [line.split(":") for line in text.split("\n") if line.count(":") == 6]
        matching = [entry for entry in entries if entry[2 if user.isdigit() else 0] == user]
        try:
            found = resolved(tmp_path, Credentials(user=user, group="7"), passwd=text, group="")
        except NamespaceError:
            assert not user.isdigit() or matching
            return
        assert found.uid == int(matching[0][2] if matching else user)
        assert found.gid == 7

    holds()


# ---- capabilities


@pytest.mark.parametrize(
    "name", ["net_bind_service", "NET_BIND_SERVICE", "cap_net_bind_service", "CAP_Net_Bind_Service"]
)
def test_names_of_capabilities(name: str) -> None:
    assert credentials.parse_capabilities([name, "chown"]) == frozenset((10, 0))


def test_no_capabilities() -> None:
    assert credentials.parse_capabilities(None) is None
    assert credentials.parse_capabilities([]) == frozenset()


@pytest.mark.parametrize("name", ["", "cap_", "cap_cap_chown", "all", "10", " chown", "net-admin"])
def test_unknown_capabilities(name: str) -> None:
    with pytest.raises(NamespaceError) as caught:
        credentials.parse_capabilities(["chown", name])
    assert str(caught.value).startswith(f"cannot use the option capabilities as given: {name!r} is no capability")


SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def status(**arguments: t.Any) -> dict[str, list[str]]:
    """What procfs says of a command, by the name of the line."""
    wanted = Credentials(**{name: arguments.pop(name) for name in Credentials._fields if name in arguments})
    text = support.output("cat", "/proc/self/status", credentials=wanted, **{"unshare": ["uts"], **arguments})
    return {name: value.split() for name, _colon, value in (line.partition(":") for line in text.splitlines())}


def sets(found: dict[str, list[str]]) -> dict[str, int]:
    return {name: int(found[name][0], 16) for name in SETS}


def own_sets() -> dict[str, int]:
    lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
    return {line[0][:-1]: int(line[1], 16) for line in lines if line[0][:-1] in SETS}


IDS = {"user": str(support.ORDINARY), "group": str(support.ORDINARY)}
both = pytest.mark.parametrize("who", [{}, IDS], ids=["root", "ordinary"])
CHOSEN = {"net_bind_service", "chown", "kill"}


@both
@pytest.mark.parametrize("names", [CHOSEN, {"setuid"}, set()], ids=["some", "one", "none"])
@pytest.mark.parametrize("unshare", [["uts"], ["user"]], ids=["here", "in a user namespace"])
def test_all_five_sets_are_cut(who: dict[str, str], names: set[str], unshare: list[str]) -> None:
    """And stay so over the exec, for root as well as for somebody else."""
    ids = [{"inside": 0, "outside": 0, "count": 65536}]
    options = {"uid_map": ids, "gid_map": ids} if "user" in unshare else {}
    found = status(capabilities=credentials.parse_capabilities(names), unshare=unshare, options=options, **who)
    assert sets(found) == dict.fromkeys(SETS, sum(1 << privilege.CAPABILITIES[name] for name in names))
    assert found["Uid"] == [who.get("user", "0")] * 4


def test_all_capabilities_of_the_task() -> None:
    """As many as it has; that is no cut."""
    held = own_sets()["CapPrm"]
    names = frozenset(number for number in range(64) if held >> number & 1)
    assert sets(status(capabilities=names)) == dict.fromkeys(SETS, held)


def test_omitted_capabilities_of_root() -> None:
    own = own_sets()
    assert sets(status()) == {
        "CapInh": 0,
        "CapPrm": own["CapBnd"],
        "CapEff": own["CapBnd"],
        "CapBnd": own["CapBnd"],
        "CapAmb": 0,
    }


def test_omitted_capabilities_of_somebody_else() -> None:
    assert sets(status(**IDS)) == {**dict.fromkeys(SETS, 0), "CapBnd": own_sets()["CapBnd"]}


@both
def test_what_the_task_inherited_goes_no_further(who: dict[str, str]) -> None:
    def work() -> tuple[dict[str, int], dict[str, int]]:
        held = own_sets()["CapPrm"]
        privilege.hold_only(number for number in range(64) if held >> number & 1)
        return own_sets(), sets(status(**who))

    own, found = support.forked(work)
    assert own["CapAmb"] == own["CapInh"] != 0
    assert (found["CapInh"], found["CapAmb"]) == (0, 0)


def test_a_capability_that_the_task_does_not_hold() -> None:
    def work() -> dict[str, list[str]]:
        held = own_sets()["CapPrm"] & ~(1 << privilege.CAPABILITIES["net_raw"])
        privilege.hold_only(number for number in range(64) if held >> number & 1)
        return status(capabilities=credentials.parse_capabilities(["net_raw"]))

    with pytest.raises(NamespaceError, match=r"hold these capabilities alone: EPERM .*the task does not hold them"):
        support.forked(work)


def without_root(wanted: Credentials) -> dict[str, list[str]]:
    """What somebody becomes who has no privilege; in a new user namespace everybody has."""

    def work() -> dict[str, list[str]]:
        support.become_ordinary()
        wanted.resolve().become()
        lines = Path("/proc/self/status").read_text().splitlines()
        return {name: value.split() for name, _colon, value in (line.partition(":") for line in lines)}

    return support.forked(work)


def test_capabilities_without_root() -> None:
    with pytest.raises(NamespaceError, match=r"cut the capabilities: EPERM .*may not give any up; run it as root"):
        without_root(Credentials(capabilities=frozenset()))


@both
@pytest.mark.parametrize("asked", [False, True])
def test_no_new_privs(who: dict[str, str], asked: bool) -> None:
    assert status(no_new_privs=asked, **who)["NoNewPrivs"] == [str(int(asked))]


def test_no_new_privs_without_root() -> None:
    assert without_root(Credentials(no_new_privs=True))["NoNewPrivs"] == ["1"]


# ---- ids


def with_groups(**arguments: t.Any) -> dict[str, list[str]]:
    def work() -> dict[str, list[str]]:
        os.setgroups([5, 6])
        return status(**arguments)

    return support.forked(work)


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({}, ("0", "0", ["5", "6"])),
        (IDS, ("1000", "1000", [])),
        ({"group": "7"}, ("0", "7", ["5", "6"])),
        ({"groups": ()}, ("0", "0", [])),
        ({"groups": ("8", "9")}, ("0", "0", ["8", "9"])),
        ({**IDS, "groups": ("9", "8", "9")}, ("1000", "1000", ["8", "9"])),
    ],
    ids=str,
)
@pytest.mark.parametrize("cut", [None, frozenset({0})], ids=["", "capabilities"])
def test_ids(wanted: dict[str, t.Any], ids: tuple[str, str, list[str]], cut: frozenset[int] | None) -> None:
    """All four of each, and no group from outside when it is somebody else."""
    found = with_groups(capabilities=cut, **wanted)
    assert (found["Uid"], found["Gid"]) == ([ids[0]] * 4, [ids[1]] * 4)
    assert list(dict.fromkeys(found["Groups"])) == ids[2]


def test_the_files_of_the_inside_decide(tmp_path: Path) -> None:
    """The mount namespace has another passwd file than the host."""
    for name, text in (("passwd", PASSWD), ("group", GROUP)):
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    mounts = [{"path": f"/etc/{name}", "src": str(tmp_path / name), "opts": "bind"} for name in ("passwd", "group")]
    found = support.output(
        *("sh", "-c", "echo $USER $LOGNAME $HOME $SHELL; id -u; id -g; id -G"),
        unshare=["mnt"],
        options={"mounts": mounts},
        credentials=Credentials(user="alice"),
    )
    assert found.splitlines() == ["alice alice /home/alice /bin/sh", "1001", "100", "100 10 999"]


def test_an_id_that_the_user_namespace_lacks() -> None:
    ids = [{"inside": 0, "outside": 0, "count": 10}]
    for wanted in ({"user": "10", "group": "0"}, {"group": "10"}, {"groups": ("10",)}):
        with pytest.raises(NamespaceError, match=r"become the user: EINVAL .*the user namespace does not map that id"):
            status(unshare=["user"], options={"uid_map": ids, "gid_map": ids}, **wanted)


@pytest.mark.parametrize("wanted", [{**IDS, "user": "0"}, {"group": "0"}, {"groups": ("0",)}], ids=str)
def test_another_user_without_root(wanted: dict[str, t.Any]) -> None:
    with pytest.raises(NamespaceError, match=r"become the user: EPERM .*it takes privilege"):
        without_root(Credentials(**wanted))


def test_root_where_setgroups_is_denied() -> None:
    """There are no groups to drop then, and the kernel is not asked."""

    def work() -> dict[str, list[str]]:
        support.become_ordinary()
        ids = [{"inside": 0, "outside": support.ORDINARY, "count": 1}]
        return status(unshare=["user"], options={"uid_map": ids, "gid_map": ids}, user="0", group="0")

    found = support.forked(work)
    assert (found["Uid"], found["Gid"], found["Groups"]) == (["0"] * 4, ["0"] * 4, [])
