# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_persistent as a task calls it: what it refuses, what it returns, check mode and diff mode."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.modules import ns_persistent
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.answer import Options, answer
from ansible_collections.linux.namespaces.tests.unit.support import at_handle, everything

pytestmark = pytest.mark.usefixtures("own_run")

IDS = {"inside": 0, "outside": 0, "count": 65536}


def task(options: Options, *, check: bool = False, prepare: t.Callable[[], object] = lambda: None) -> Options:
    """What the module answers, in a process of its own that nothing but inits outlives."""

    def work() -> Options:
        prepare()
        before = set(os.listdir("/proc/self/fd"))
        result = answer(ns_persistent.main, {**options, "_ansible_diff": True}, check=check)
        # The procfs stays open for as long as the module lives.
        assert len(set(os.listdir("/proc/self/fd")) - before) <= 1
        inits = {item["init_pid"] for item in result.get("sets", ())}
        assert support.children() <= inits, (support.children(), result)
        return result

    return support.forked(work)


def refusal(options: Options, **arguments: t.Any) -> str:
    """The message of a task that is refused: nothing is changed, nothing else is said, in check mode too."""
    before = everything()
    messages = []
    for check in (False, True):
        result = task(options, check=check, **arguments)
        assert result["failed"]
        assert not {"sets", "failed_sets", "exception", "diff"} & result.keys()
        assert not result.get("changed")
        messages.append(result["msg"])
    assert everything() == before
    assert len(set(messages)) == 1
    assert "\n" not in messages[0]
    assert "Traceback" not in messages[0]
    return str(messages[0])


def cases(*lines: tuple[str, Options]) -> pytest.MarkDecorator:
    """Options, and the words that the refusal has to have."""
    ids = [json.dumps(options)[:60] for _words, options in lines]
    return pytest.mark.parametrize(("words", "options"), lines, ids=ids)


def blue(**options: t.Any) -> Options:
    return {"name": ["blue"], **options}


@cases(
    # names
    ("name", {}),
    ("option name", {"name": [""]}),
    ("option name", {"name": "a,"}),
    ("option name a/b", {"name": ["a/b"]}),
    ("option name", {"name": ["/run/netns/blue"]}),
    ("option name", {"name": [".."]}),
    ("option name", {"name": ["."]}),
    ("option name", {"name": [".hidden"]}),
    ("option name", {"name": ["-rf"]}),
    ("option name NUL", {"name": ["a\0b"]}),
    ("option name", {"name": ["a\nb"]}),
    ("option name", {"name": ["a\n"]}),
    ("option name", {"name": ["a b"]}),
    ("option name", {"name": ["*"]}),
    ("option name", {"name": ["tenant-*"]}),
    ("option name", {"name": ["bl\u00fce"]}),
    ("option name", {"name": ["\u0663"]}),
    ("option name", {"name": ["\ud800"]}),
    ("option name", {"name": ["x" * 201]}),
    ("option name", {"name": ["x" * 300]}),
    ("option name True quotes", {"name": [True]}),
    ("option name False quotes", {"name": [False]}),
    ("option name True", {"name": True}),
    ("option name twice blue", {"name": ["blue", "green", "blue"]}),
    ("option name", {"name": ["good", "b/d"]}),
    ("option name", {"name": [["a"]]}),
    ("option name", {"name": [{"a": 1}]}),
    ("option name", {"name": [None]}),
    # types and states
    ("types bogus", blue(types=["net", "bogus"])),
    ("types network", blue(types=["network"])),
    ("state", blue(state="reset")),
    ("when_busy", blue(when_busy="ask")),
    ("recreate", blue(recreate="perhaps")),
    ("option recreate absent", blue(state="absent", recreate=True)),
    ("option hostname absent", blue(state="absent", hostname="box")),
    ("option mounts absent", blue(state="absent", mounts=[])),
    ("option loopback absent", blue(state="absent", types=["net"], loopback=True)),
    ("option pid absent", blue(state="absent", pid=1)),
    # the definition
    ("option hostname", blue(hostname="")),
    ("option hostname NUL", blue(hostname="a\0")),
    ("option hostname", blue(hostname="x" * 65)),
    ("option uid_map count", blue(types=["user"], uid_map=[{**IDS, "count": 0}])),
    ("option uid_map", blue(types=["user"], uid_map=[{**IDS, "inside": "1_000"}])),
    ("option uid_map", blue(types=["user"], uid_map=[{**IDS, "outside": True}])),
    ("option gid_map", blue(types=["user"], gid_map=[{**IDS, "outside": -1}])),
    ("option time_offsets nan", blue(types=["time"], time_offsets={"boottime": "nan"})),
    ("option mounts", blue(types=["mnt"], mounts=[{"path": "mnt", "fstype": "tmpfs"}])),
    ("option mounts NUL", blue(types=["mnt"], mounts=[{"path": "/m\0nt", "fstype": "tmpfs"}])),
    ("propagation", blue(types=["mnt"], propagation="public")),
    # adoption
    ("option pid one set", {"name": ["a", "b"], "pid": 1}),
    ("option pid", blue(pid="self")),
    ("option pid", blue(pid=0)),
    ("option pid", blue(pid=-1)),
    ("option pid", blue(pid=True)),
    ("option pid", blue(pid="1_0")),
    ("process 4194999", blue(pid=4194999)),
    ("pid handles", blue(pid=1, handles={"uts": "/run/x"})),
    ("pid hostname", blue(pid=1, hostname="box")),
    ("pid uid_map", blue(pid=1, uid_map=[IDS])),
    # other places
    ("option handles one set", {"name": ["a", "b"], "handles": {"uts": "/run/x"}}),
    ("option handles.uts", blue(handles={"uts": "run/x"})),
    ("option handles.uts", blue(handles={"uts": "/"})),
    ("option handles.uts", blue(handles={"uts": "/run/../etc/x"})),
    ("option handles.uts", blue(handles={"uts": "/run//x"})),
    ("option handles.uts", blue(handles={"uts": "//run/x"})),
    ("option handles.uts", blue(handles={"uts": "/run/x/"})),
    ("option handles.uts", blue(handles={"uts": ""})),
    ("option handles.uts NUL", blue(handles={"uts": "/run/\0"})),
    ("handles bogus", blue(handles={"bogus": "/run/x"})),
    ("handles differ net", blue(handles={"uts": "/run/x", "net": "/run/y"}, types=["uts"])),
    ("handles differ uts", blue(handles={"net": "/run/y"}, types=["net", "uts"])),
    ("option handles /run/o/user", blue(handles={"net": "/run/netns/blue", "user": "/run/o/user"})),
    ("option handles /run/netns/green", blue(handles={"net": "/run/netns/green", "user": "/run/o/user"})),
    ("option handles /run/netns/green", blue(handles={"net": "/run/netns/green"})),
    ("option handles /run/utsns/blue", blue(handles={"net": "/run/utsns/blue"})),
    ("option handles /run/o/user", blue(handles={"net": "/run/netns/blue", "user": "/run/o/user"}, state="absent")),
    ("handles empty", blue(handles={})),
    ("handles empty", blue(handles={"uts": None})),
    # what Ansible itself lets pass
    ("namespace", blue(namespace="blue")),
)
def test_bad_options(words: str, options: Options) -> None:
    if not {"types", "handles"} & options.keys():
        options = {"types": ["uts"], **options}
    message = refusal(options)
    assert [word for word in words.split() if word not in message] == []


OPTIONS_OF: dict[str, Options] = {
    "uts": {"hostname": "box", "domainname": "boxes"},
    "user": {"uid_map": [IDS], "gid_map": [IDS], "setgroups": "deny"},
    "time": {"time_offsets": {"boottime": "1"}},
    "mnt": {"propagation": "slave", "mounts": [{"path": "/mnt", "fstype": "tmpfs"}], "mount_proc": False},
    "net": {"loopback": False},
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, options in OPTIONS_OF.items() for name in options])
def test_options_of_a_type_that_the_set_lacks(kind: str, name: str) -> None:
    """Whether others are made, or the set is there without it. The remedy names what this module has."""
    options = {name: OPTIONS_OF[kind][name]}
    for types in (["ipc"], None):
        result = task(blue(**options, **({"types": types} if types else {})))
        assert result["failed"]
        assert f"option {name} " in result["msg"]
        assert f" {kind} " in result["msg"]
        assert "types" in result["msg"]
        assert "unshare" not in result["msg"]
        assert not result["changed"]
        assert os.listdir("/run") == [] if types else os.listdir("/run/ipcns") == ["blue"]
        task(blue(types=["ipc"]))


def test_two_types_at_one_place() -> None:
    """One would be mounted over the other."""
    places = {"uts": "/run/x/here", "net": "/run/x/here"}
    assert "handles" in refusal(blue(types=["uts", "net"], handles=places))


def test_without_root() -> None:
    for options in (blue(), blue(state="absent"), blue(types=["user"])):
        result = task({"types": ["uts"], **options}, prepare=support.become_ordinary)
        assert result["failed"]
        assert "root" in result["msg"]
        assert "Traceback" not in result["msg"]
    assert os.listdir("/run") == []


# ---- what it returns


def test_result() -> None:
    options = {"name": ["green", "blue"], "types": ["net", "pid"]}
    result = task(options)
    assert result["changed"]
    assert result["failed_sets"] == []
    assert [item["name"] for item in result["sets"]] == ["green", "blue"]
    for item in result["sets"]:
        name = item["name"]
        assert set(item) == {"name", "types", "init_pid", "still_held_by", "changes"}
        for kind, described in item["types"].items():
            identity = at_handle(kind, name)
            path = f"/run/{kind}ns/{name}"
            assert described == {"path": path, "inode": identity.inode, "id": identity.id, "created": True}
            assert os.stat(path).st_ino == described["inode"]
        assert set(item["types"]) == {"net", "pid"}
        assert support.identity(item["init_pid"], "pid") == at_handle("pid", name)
        assert item["still_held_by"] == {}
        assert item["changes"] == ["create the net namespace", "create the pid namespace"]
    again = task(options)
    assert not again["changed"]
    assert again["diff"] == {"prepared": ""}
    assert len(again["sets"]) == len(result["sets"])
    for item, former in zip(again["sets"], result["sets"]):
        former["changes"] = []
        for described in former["types"].values():
            described["created"] = False
        assert item == former


def test_result_of_an_addition() -> None:
    task(blue(types=["net"]))
    result = task(blue(types=["uts"]))
    types = result["sets"][0]["types"]
    assert {kind: types[kind]["created"] for kind in types} == {"net": False, "uts": True}
    assert result["sets"][0]["init_pid"] is None


def test_result_of_a_removal() -> None:
    task(blue(types=["net", "uts"]))
    with support.inhabited("ipc"):
        result = task(blue(types=["net"], state="absent"))
        assert result["sets"][0]["changes"] == ["remove the net namespace"]
        assert set(result["sets"][0]["types"]) == {"uts"}
        assert task(blue(state="absent"))["sets"][0]["types"] == {}
    assert not task(blue(state="absent"))["changed"]


def test_result_where_some_fail() -> None:
    """The others are made, and are told with it."""
    os.mkdir("/run/utsns")
    for name in ("b", "d"):
        Path(f"/run/utsns/{name}").mkdir()
    for check in (True, False):
        result = task({"name": ["a", "b", "c", "d"], "types": ["uts"]}, check=check)
        assert result["failed"]
        assert result["changed"]
        assert [item["name"] for item in result["sets"]] == ["a", "c"]
        assert [item["name"] for item in result["failed_sets"]] == ["b", "d"]
        first = result["failed_sets"][0]["msg"]
        assert "/run/utsns/b" in first
        assert "a directory" in first
        assert result["msg"] == f"2 of 4 sets failed: {first}"
        assert "Traceback" not in json.dumps(result)
    assert not task({"name": ["a", "b"], "types": ["uts"]})["changed"]


def test_names_given_as_one_text() -> None:
    """As Ansible reads a list."""
    task({"name": "blue,green", "types": "net,uts"})
    assert sorted(os.listdir("/run/netns")) == sorted(os.listdir("/run/utsns")) == ["blue", "green"]


def test_handles_of_its_own() -> None:
    result = task(blue(handles={"mnt": "/run/kubens/mnt"}, propagation="slave_shared"))
    assert result["sets"][0]["types"]["mnt"]["path"] == "/run/kubens/mnt"
    assert os.stat("/run/kubens/mnt").st_ino == result["sets"][0]["types"]["mnt"]["inode"]
    assert not task(blue(handles={"mnt": "/run/kubens/mnt"}, types=["mnt"]))["changed"]
    assert task(blue(handles={"mnt": "/run/kubens/mnt"}, state="absent"))["changed"]
    assert os.listdir("/run") == []


def test_usual_handles_are_those_of_the_name() -> None:
    """Some of them, or all."""
    usual = {"uts": "/run/utsns/blue", "ipc": "/run/ipcns/blue"}
    assert task(blue(handles=usual))["changed"]
    assert not task(blue(types=["uts", "ipc"]))["changed"]
    assert not task(blue(handles={"uts": usual["uts"]}))["changed"]


def test_adoption() -> None:
    with support.inhabited("net", "uts") as pid:
        result = task(blue(pid=str(pid), types=["net"]))
        assert result["sets"][0]["changes"] == ["adopt the net namespace"]
        described = result["sets"][0]["types"]["net"]
        assert described["inode"] == support.identity(pid, "net").inode
        assert described["created"]
        assert not task(blue(pid=pid, types=["net"]))["changed"]


# ---- check mode and diff mode


def nothing() -> None:
    pass


def made(**options: t.Any) -> t.Callable[[], None]:
    def make() -> None:
        assert not task(blue(**options)).get("failed")

    return make


def stale() -> None:
    made(types=["net", "uts"])()
    support.unmount("/run/netns/blue")


def dead() -> None:
    made(types=["uts", "pid"])()
    _end_inits()


def _end_inits() -> None:
    for pid in support.children():
        if support.read(f"/proc/{pid}/cmdline").endswith("\0blue\0"):
            os.kill(pid, 9)
            os.waitpid(pid, 0)


STEPS: dict[str, tuple[t.Callable[[], None], Options]] = {
    "create": (nothing, blue(types=support.TYPE_NAMES, hostname="box", uid_map=[IDS], gid_map=[IDS])),
    "create many": (nothing, {"name": [f"s{number}" for number in range(20)], "types": ["net"]}),
    "add": (made(types=["net"]), blue(types=["net", "uts", "mnt"])),
    "heal a handle": (stale, blue()),
    "heal an init": (dead, blue()),
    "adjust": (made(types=["uts", "net"]), blue(hostname="box", loopback=False)),
    "recreate": (made(types=["uts", "pid"]), blue(recreate=True)),
    "remove": (made(types=["uts", "pid", "cgroup"]), blue(state="absent")),
    "remove some": (made(types=["uts", "net"]), blue(state="absent", types=["net"])),
    "pin": (nothing, blue(handles={"mnt": "/run/kubens/mnt"})),
    "nothing": (made(types=["uts", "pid"]), blue(types=["uts"])),
    "nothing to remove": (nothing, blue(state="absent")),
}


@pytest.mark.parametrize("step", STEPS)
def test_check_mode_changes_nothing_and_tells_all(step: str) -> None:
    """The same words as afterwards, when it is done; and then nothing more is left to do."""
    prepare, options = STEPS[step]
    prepare()
    before = everything()
    checked = task(options, check=True)
    assert everything() == before
    real = task(options)
    assert not real.get("failed")
    assert checked["changed"] == real["changed"] == (not step.startswith("nothing"))
    assert checked["diff"] == real["diff"]
    assert len(checked["sets"]) == len(real["sets"])
    for planned, done in zip(checked["sets"], real["sets"]):
        assert planned["name"] == done["name"]
        assert planned["changes"] == done["changes"]
        assert set(planned["types"]) == set(done["types"])
        for kind, described in planned["types"].items():
            if described["created"]:
                assert described["inode"] is described["id"] is None
                assert done["types"][kind]["inode"]
    if "recreate" not in options:
        again = everything()
        assert not task(options)["changed"]
        # The lock comes and goes in there.
        assert [line for line in everything() if "/run/. " not in line] == [
            line for line in again if "/run/. " not in line
        ]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_no_set_at_all(state: str) -> None:
    """As a list that comes out of a variable may be."""
    result = task({"name": [], "state": state})
    assert (result.get("failed"), result["changed"], result["sets"]) == (None, False, [])
    assert os.listdir("/run") == []


@pytest.mark.parametrize(
    ("maps", "warned"), [((), True), (("uid_map",), True), (("gid_map",), True), (("uid_map", "gid_map"), False)]
)
def test_user_namespaces_that_ns_exec_can_not_enter(maps: tuple[str, ...], warned: bool) -> None:
    given = {option: [{"inside": 0, "outside": 100000, "count": 10}] for option in maps}
    result = task(blue(types=["user"], **given))
    assert ("can't enter them" in str(result.get("warnings"))) is warned
    assert "warnings" not in task(blue(types=["user"], **given))


def test_difference() -> None:
    result = task({"name": ["a", "b"], "types": ["uts", "net"]}, check=True)
    lines = [f"{name}: create the {kind} namespace" for name in "ab" for kind in ("uts", "net")]
    assert result["diff"]["prepared"].splitlines() == lines
    assert result["diff"]["prepared"].endswith("\n")


def test_check_mode_says_what_fails() -> None:
    task(blue(types=["net"]))
    for check in (True, False):
        result = task(blue(types=["net", "user"]), check=check)
        assert result["failed"]
        assert result["msg"].startswith("1 of 1 sets failed: cannot add a user namespace to the set blue")
        assert not result["changed"]


def test_check_mode_names_who_would_be_ended() -> None:
    task(blue(types=["uts"]))
    with support.occupied("blue", "uts") as pid:
        result = task(blue(state="absent", when_busy="kill"), check=True)
        assert result["sets"][0]["changes"] == [f"end process {pid} (sleep)", "remove the uts namespace"]
        assert support.status_of(pid, "State")[0] != "Z"
        for check in (True, False):
            result = task(blue(state="absent"), check=check)
            assert f"{pid} (sleep)" in result["msg"]
            assert "when_busy" in result["msg"]
        done = task(blue(state="absent", when_busy="detach"))
        (holder,) = done["sets"][0]["still_held_by"]["uts"]
        assert (holder["kind"], holder["pid"], holder["comm"]) == ("process", pid, "sleep")
