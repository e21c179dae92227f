# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launcher of the become plugin, as sh runs it: into real namespaces, or nowhere."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import cgroup
from ansible_collections.linux.namespaces.plugins.plugin_utils import _launcher
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import given, settings
from hypothesis import strategies as st

LINKS = "for name in user mnt uts ipc net cgroup time pid; do readlink /proc/self/ns/$name; done"
NO_IDS = ("00", "007", "-1", "4294967295", "4294967296", "8589934592", "9999999999", "18446744073709551616")
PASSWD = "root:x:0:0::/root:/bin/sh\nbob:x:1000:1001::/home/bob:/bin/bob\n1000:x:0:0::/:\n7:x:1007:1007::/:\n"
GROUP = "bob:x:1001:\nstaff:x:50:eve,bob\nother:x:51:bobby\n"


def kinds(*names: str) -> list[nstypes.NsType]:
    return [nstypes.BY_NAME[name] for name in names]


def process(pid: int, *types: str) -> _launcher.Target:
    return _launcher.of_process(pid, kinds(*types) or None)


def handles(**paths: str) -> _launcher.Target:
    return _launcher.of_handles({nstypes.BY_NAME[name]: path for name, path in paths.items()})


def launch(
    target: _launcher.Target,
    *argv: str,
    user: str = "",
    sysfs: bool = False,
    files: str = "",
    below: t.Sequence[str] = (),
    **options: t.Any,
) -> subprocess.CompletedProcess[str]:
    words = [*below, *_launcher.command(target, user, sysfs, files), *argv]
    return subprocess.run(words, check=False, capture_output=True, text=True, **options)


def said(target: _launcher.Target, script: str, **options: t.Any) -> list[str]:
    """The lines that a script in the shell writes inside."""
    done = launch(target, "sh", "-c", script, **options)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.splitlines()


def refusal(target: _launcher.Target, **options: t.Any) -> str:
    """Why it is not entered. What was to be run was not."""
    done = launch(target, "echo", "ran", **options)
    assert (done.returncode, done.stderr) == (_launcher.FAILURE, "")
    answer = json.loads(done.stdout)
    assert answer["failed"]
    return str(answer["msg"])


def links(pid: int | str = "self") -> dict[str, str]:
    return {name: os.readlink(f"/proc/{pid}/ns/{name}") for name in support.TYPE_NAMES}


# ---- inside


@pytest.mark.parametrize("kind", support.TYPE_NAMES)
def test_it_enters_one_type(kind: str) -> None:
    with support.inhabited(kind) as pid:
        expected = {**links(), kind: links(pid)[kind]}
        for target in (process(pid), process(pid, kind), handles(**{kind: f"/proc/{pid}/ns/{kind}"})):
            assert said(target, LINKS) == list(expected.values())


def test_it_enters_all_types(tmp_path: Path) -> None:
    with support.inhabited(*support.TYPE_NAMES) as pid:
        expected = list(links(pid).values())
        assert said(process(pid), LINKS) == expected
        assert said(process(pid, *support.TYPE_NAMES), LINKS) == expected
        # None of the descriptors that hold them; the last is that which ls has of the directory.
        assert said(process(pid), "ls /proc/self/fd") == ["0", "1", "2", "3"]
        paths = {name: f"/proc/{pid}/ns/{name}" for name in support.TYPE_NAMES}
        assert said(handles(**paths), LINKS) == expected
        place = tmp_path / 'it\'s a "$(odd)" `place`'
        place.touch()
        support.bind(paths["pid"], place)
        try:
            assert said(handles(**{**paths, "pid": str(place)}), LINKS) == expected
        finally:
            support.unmount(str(place))


@pytest.mark.usefixtures("own_run")
def test_it_enters_a_set() -> None:
    support.brought("blue", types=["net", "uts"], hostname="blue")
    expected = [f"{kind}:[{support.at_handle(kind, 'blue').inode}]" for kind in ("uts", "net")]
    script = "readlink /proc/self/ns/uts /proc/self/ns/net"
    assert said(_launcher.of_set("blue", None), script) == expected
    assert said(_launcher.of_set("blue", kinds("net")), script)[1] == expected[1]
    assert said(_launcher.of_set("blue", kinds("net")), script)[0] == links()["uts"]


@pytest.mark.usefixtures("own_run")
def test_a_connection_with_other_mounts_finds_the_sets_of_the_host() -> None:
    support.brought("blue", types=["net"])
    expected = [f"net:[{support.at_handle('net', 'blue').inode}]"]

    def elsewhere() -> list[str]:
        support.mount_over("tmpfs", "/run")
        return said(_launcher.of_set("blue", None), "readlink /proc/self/ns/net")

    if links(1)["mnt"] != links()["mnt"]:
        pytest.skip("the tests have other mounts than PID 1")
    assert support.secluded(elsewhere) == expected


@pytest.mark.usefixtures("own_run")
def test_mounts_of_pid_1_that_are_guarded() -> None:
    """From root too. Those that are the same are recognised, and others are not taken for them."""
    support.brought("blue", types=["net"])
    target, guarded = _launcher.of_set("blue", None), ("setpriv", "--bounding-set=-sys_ptrace")
    assert launch(target, "test", "-e", "/proc/1/ns/mnt", below=guarded).returncode == 1
    expected = [f"net:[{support.at_handle('net', 'blue').inode}]"]
    assert said(target, "readlink /proc/self/ns/net", below=guarded) == expected
    message = support.secluded(lambda: refusal(target, below=guarded))
    assert message.endswith("the mounts of PID 1 are out of reach")


@pytest.mark.usefixtures("own_run")
def test_a_set_with_a_cgroup_is_entered_where_that_begins() -> None:
    support.brought("blue", types=["cgroup"])
    assert _launcher.of_set("blue", None).cgroup == cgroup.of_set("", "blue")[1:]
    assert said(_launcher.of_set("blue", None), "tail -n 1 /proc/self/cgroup") == ["0::/"]


def test_sys_is_that_of_the_network_namespace() -> None:
    places = sorted({item.path for item in support.mounts_below("/sys")} - {"/sys"})
    assert places
    kept = [f"{place} {os.stat(place).st_dev}:{os.stat(place).st_ino}" for place in places]
    script = f"ls /sys/class/net; stat --format '%n %d:%i' {shlex.join(places)}"
    before = support.read("/proc/self/mountinfo")
    with support.inhabited("net", prepare=add_link) as pid:
        inside = said(process(pid), script, sysfs=True)
        assert {"t0", *kept} <= set(inside)
        assert not set(os.listdir("/sys/class/net")) & set(inside) - {"lo"}
        assert "t0" not in said(process(pid), script, sysfs=False)
    assert support.read("/proc/self/mountinfo") == before


def add_link() -> None:
    subprocess.run(["ip", "link", "add", "t0", "type", "veth"], check=True)


def test_sys_is_left_where_the_mounts_are_entered_too() -> None:
    with support.inhabited("net", "mnt") as pid:
        before = support.read(f"/proc/{pid}/mountinfo")
        assert said(process(pid), "readlink /proc/self/ns/mnt", sysfs=True) == [links(pid)["mnt"]]
        assert support.read(f"/proc/{pid}/mountinfo") == before


def test_no_mount_gets_out() -> None:
    def among_shared() -> None:
        support.own_mounts("shared")
        before = support.read("/proc/self/mountinfo")
        assert said(process(pid, "net"), "mount -t tmpfs tmpfs /mnt; ls /sys/class/net", sysfs=True) == ["lo"]
        assert support.read("/proc/self/mountinfo") == before

    with support.inhabited("net") as pid:
        support.forked(among_shared)


def test_a_sys_that_can_not_be_mounted_is_said() -> None:
    """The network namespace is not of the user namespace that is entered with it."""
    with support.inhabited("net") as outer, support.inhabited("user") as inner:
        target = handles(net=f"/proc/{outer}/ns/net", user=f"/proc/{inner}/ns/user")
        done = launch(target, "echo", "ran", sysfs=True)
        assert done.returncode == _launcher.FAILURE
        assert "set ansible_nsenter_sysfs to false" in json.loads(done.stdout)["msg"]
        assert said(target, "readlink /proc/self/ns/net") == [links(outer)["net"]]


def test_nothing_else_goes_in() -> None:
    environment = {
        **os.environ,
        **dict.fromkeys(("PYTHONPATH", "LD_x", "ANSIBLE_CONFIG", "MY_PYTHON", "TWO"), "a\nANSIBLE_X=b"),
    }
    with support.inhabited("uts") as pid:
        names = said(process(pid), "env | sed -n 's/=a$//p'", env=environment)
        assert sorted(names) == ["MY_PYTHON", "TWO"]


def test_no_inheritable_capabilities_go_in() -> None:
    with support.inhabited("uts") as pid:
        for below in (
            ("setpriv", "--inh-caps=+net_raw"),
            ("setpriv", "--inh-caps=+net_raw", "--ambient-caps=+net_raw"),
        ):
            shown = said(process(pid), "grep -E '^Cap(Inh|Amb)' /proc/self/status; id -u", below=below)
            assert shown == ["CapInh:\t0000000000000000", "CapAmb:\t0000000000000000", "0"]


def test_the_working_directory(tmp_path: Path) -> None:
    with support.inhabited("uts") as pid:
        assert said(process(pid), "pwd", cwd=tmp_path) == [str(tmp_path)]
    with support.inhabited("mnt") as pid:
        assert said(process(pid), "pwd", cwd=tmp_path) == ["/"]


@pytest.mark.parametrize("status", [0, 1, 125, 126, 127, 254])
def test_the_status_is_that_of_the_command(status: int) -> None:
    with support.inhabited("uts", "pid") as pid:
        assert launch(process(pid), "sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize(("end", "status"), [("exit 255", 254), ("kill -9 $$", 128 + 9)])
def test_no_status_says_that_the_host_is_lost(end: str, status: int) -> None:
    """As 255 does to ssh, and the end by a signal."""
    with support.inhabited("uts") as pid:
        assert launch(process(pid), "sh", "-c", end).returncode == status


def test_who_waits_for_the_command_holds_nothing() -> None:
    """A handle that somebody holds open could not be removed."""
    script = "read -r stat </proc/$$/stat; set -- $stat; ls -l /proc/$4/fd"
    with support.inhabited("uts", "net") as pid:
        shown = said(process(pid), script)
        assert "pipe" in str(shown)
        assert not [line for line in shown if "net:[" in line or "uts:[" in line]


@settings(support.properties, max_examples=40)
@given(st.lists(st.text(max_size=8).map(lambda text: text.replace("\0", ""))))
def test_words_stay_what_they_are(words: list[str]) -> None:
    with support.inhabited("uts") as pid:
        done = subprocess.run(
            [*_launcher.command(process(pid), "", True, ""), "printf", "%s\\0", *words, ""],
            check=True,
            stdout=subprocess.PIPE,
        )
    assert done.stdout.decode().split("\0")[:-1] == [*words, ""]


def test_a_handle_that_is_replaced_meanwhile_is_still_the_one_that_was_looked_at(tmp_path: Path) -> None:
    place = tmp_path / "handle"
    place.touch()
    program = tmp_path / "nsenter"
    program.write_text(f'#!/bin/sh\nmount --bind /proc/$$/ns/uts {place}\nexec {shutil.which("nsenter")} "$@"\n')
    program.chmod(0o755)
    with support.inhabited("uts") as pid:
        expected = [links(pid)["uts"]]

        def replaced() -> list[str]:
            support.bind(f"/proc/{pid}/ns/uts", place)
            path = f"{tmp_path}:{os.environ['PATH']}"
            return said(handles(uts=str(place)), "readlink /proc/self/ns/uts", env={"PATH": path})

        assert support.secluded(replaced) == expected


# ---- nowhere


@pytest.mark.usefixtures("own_run")
def test_a_set_that_is_not_there_or_not_whole() -> None:
    assert "there is no such set; create it" in refusal(_launcher.of_set("blue", None))
    support.brought("blue", types=["net", "uts"])
    missing = refusal(_launcher.of_set("blue", kinds("net", "ipc")))
    assert missing.endswith("there is no ipc namespace at /run/ipcns/blue; create it first, or leave ipc out")
    support.unmount("/run/netns/blue")
    stale = refusal(_launcher.of_set("blue", None))
    assert "cannot enter the set blue: nsenter: reassociate to namespace /run/netns/blue failed" in stale
    assert "what is left of a handle whose mount is gone" in stale
    assert "ns_persistent repairs" in stale


@pytest.mark.usefixtures("own_run")
@pytest.mark.parametrize("kind", support.TYPE_NAMES)
def test_a_set_that_lost_a_namespace(kind: str) -> None:
    """What is done would be done on the host for that type. Who names the types does not ask for it."""
    other = "uts" if kind != "uts" else "net"
    support.brought("blue", types=[kind, other], **support.AS_ROOT if kind == "user" else {})
    support.brought("green", "blue2", types=[other])
    support.unmount(f"/run/{kind}ns/blue")
    os.unlink(f"/run/{kind}ns/blue")
    expected = f"it has lost its {kind} namespace: nothing is at /run/{kind}ns/blue; repair the set with linux."
    assert expected in refusal(_launcher.of_set("blue", None))
    script = f"readlink /proc/self/ns/{other}"
    for name, named in (("blue", kinds(other)), ("green", None), ("blue2", None)):
        assert said(_launcher.of_set(name, named), script) == [f"{other}:[{support.at_handle(other, name).inode}]"]
    os.unlink(f"/run/linux-namespaces/{kind}:blue")
    assert said(_launcher.of_set("blue", None), script) == [f"{other}:[{support.at_handle(other, 'blue').inode}]"]


@pytest.mark.usefixtures("own_run")
@pytest.mark.parametrize("made", [True, False])
def test_a_set_that_is_made_or_removed_meanwhile(made: bool, tmp_path: Path) -> None:
    """After the first of its handles was looked at, and before the second was: that one alone is not the set."""
    support.brought("blue", types=["net"])
    support.unmount("/run/netns/blue")
    os.unlink("/run/netns/blue")
    link = Path("/run/linux-namespaces/net:blue")
    if made:
        link.unlink()
    change = f"ln -s /run/netns/blue {link}" if made else f"rm {link}"
    program = tmp_path / "readlink"
    program.write_text(f'#!/bin/sh\n{change}\nexec {shutil.which("readlink")} "$@"\n')
    program.chmod(0o755)
    with support.inhabited("uts") as pid:
        paths = {nstypes.UTS: f"/proc/{pid}/ns/uts", nstypes.NET: "run/netns/blue"}
        target = _launcher.of_set("blue", None)._replace(paths=paths)
        message = refusal(target, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert "it has lost its net namespace" in message
    assert os.path.lexists(link) == made


@pytest.mark.usefixtures("own_run")
def test_who_may_not_read_what_a_set_has_to_have() -> None:
    support.brought("blue", types=["uts"])
    target = _launcher.of_set("blue", None)
    message = support.as_ordinary(lambda: refusal(target._replace(place="/")))
    assert "what the set has to have can not be read; run the task as root" in message


@pytest.mark.usefixtures("own_run")
@pytest.mark.parametrize("kind", ["plain file", "directory", "fifo"])
def test_an_odd_memory_is_one(kind: str) -> None:
    """Whatever is there, as for ns_exec."""
    support.brought("blue", types=["uts"])
    support.wrong_file(kind, Path("/run/linux-namespaces/net:blue"))
    assert "it has lost its net namespace" in refusal(_launcher.of_set("blue", None))


@pytest.mark.usefixtures("own_run")
@pytest.mark.parametrize("kind", ["plain file", "symlink", "dangling symlink"])
def test_a_memory_that_is_no_directory(kind: str) -> None:
    support.brought("blue", types=["uts"])
    memory = Path("/run/linux-namespaces")
    shutil.rmtree(memory)
    support.wrong_file(kind, memory)
    assert "/run/linux-namespaces, which tells what it has to have, is no dir" in refusal(
        _launcher.of_set("blue", None)
    )
    memory.unlink()


@pytest.mark.usefixtures("own_run")
def test_a_set_that_is_ours() -> None:
    Path("/run/utsns").mkdir()
    Path("/run/utsns/blue").touch()
    support.bind("/proc/self/ns/uts", "/run/utsns/blue")
    try:
        assert "its uts is the one that the task itself runs in" in refusal(_launcher.of_set("blue", None))
    finally:
        support.unmount("/run/utsns/blue")


def test_a_process_that_shares_what_is_asked_for() -> None:
    with support.inhabited("uts") as pid:
        assert "its net is the one that the task itself runs in" in refusal(process(pid, "uts", "net"))
    assert "nothing is left to enter" in refusal(process(os.getpid()))


def test_a_process_that_has_ended() -> None:
    """Or its first thread: of the rest of its namespaces the task would be on the host."""
    with support.zombie() as pid, support.headless() as other:
        for gone in (pid, other):
            assert "namespace any more: it ends, or its first thread has" in refusal(process(gone))
            assert "there is no uts namespace" in refusal(process(gone, "uts"))
    assert "there is no such process" in refusal(process(pid))


@pytest.mark.parametrize("kind", support.WRONG_FILES)
def test_what_is_no_handle(kind: str, tmp_path: Path) -> None:
    path = support.wrong_file(kind, tmp_path / "handle")
    expected = {
        "plain file": "what is left of a handle whose mount is gone",
        "symlink": "is a symbolic link",
        "dangling symlink": "there is no net namespace at",
        "nothing": "there is no net namespace at",
    }.get(kind, "is no namespace")
    assert expected in refusal(handles(net=str(path)))


def test_a_namespace_of_another_type(tmp_path: Path) -> None:
    with support.inhabited("net") as pid:
        place = tmp_path / "handle"
        place.touch()
        support.bind(f"/proc/{pid}/ns/net", place)
        try:
            assert f"namespace {place} failed: Invalid argument" in refusal(handles(uts=str(place)))
        finally:
            support.unmount(str(place))
        assert "none to a uts namespace" in refusal(handles(uts=f"/proc/{pid}/ns/net"))


def test_who_joins_a_user_namespace_is_nobody_meanwhile(tmp_path: Path) -> None:
    """Root there may trace him before he has become root there (CVE-2016-9962)."""
    real = shutil.which("nsenter")
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    (tmp_path / "nsenter").write_text(f'#!/bin/sh\nid -ru >&2; id -rg >&2; id -G >&2; exec {real} "$@"\n')
    (tmp_path / "nsenter").chmod(0o755)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with support.inhabited("user", "uts") as pid:
        done = launch(process(pid), "id", "-u", env=path)
        assert (done.stdout, set(done.stderr.split())) == ("0\n", {"4294967294"})
        assert set(launch(process(pid, "uts"), "id", "-u", env=path).stderr.split()) == {"0"}


def test_a_user_namespace_without_root() -> None:
    with support.inhabited("user", id_map="5 1000 1\n") as pid:
        assert "its user namespace has no 0 in its maps" in refusal(process(pid))


@pytest.mark.usefixtures("own_run")
def test_a_pid_namespace_without_init() -> None:
    Path("/run/pidns").mkdir()
    Path("/run/pidns/blue").touch()
    with support.inhabited("pid") as pid:
        support.bind(f"/proc/{pid}/ns/pid", "/run/pidns/blue")
    try:
        assert "the pid namespace at /run/pidns/blue has lost its init" in refusal(_launcher.of_set("blue", None))
    finally:
        support.unmount("/run/pidns/blue")


def test_an_ordinary_user_gets_nowhere() -> None:
    with support.inhabited("uts") as pid:
        target = process(pid)
        message = support.as_ordinary(lambda: refusal(target))
        assert "ended" in message or "cannot" in message


def test_a_target_without_nsenter(tmp_path: Path) -> None:
    for name in ("env", "sed", "head", "readlink"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    with support.inhabited("uts") as pid:
        assert "install util-linux" in refusal(process(pid), env={"PATH": str(tmp_path)})


def test_an_old_nsenter(tmp_path: Path) -> None:
    program = tmp_path / "nsenter"
    program.write_text(f'#!/bin/sh\nexec {shutil.which("nsenter")} --tomorrow "$@"\n')
    program.chmod(0o755)
    with support.inhabited("uts") as pid:
        message = refusal(process(pid), env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert message.endswith("install a newer util-linux, cgroup takes 2.28 and time 2.36")


def test_a_message_is_json_whatever_is_in_it() -> None:
    odd = "/no\\such \"path\" with 'quotes' and %s and $(id)"
    assert f"no net namespace at {odd};" in refusal(handles(net=odd))


# ---- another user


def as_known(tmp_path: Path, work: t.Callable[[], t.Any]) -> t.Any:
    """Do the work where /etc has the users and groups of the tests."""

    def equipped() -> t.Any:
        for name, text in (("passwd", PASSWD + os.environ.get("MORE_PASSWD", "")), ("group", GROUP)):
            (tmp_path / name).write_text(text)
            support.bind(tmp_path / name, f"/etc/{name}")
        return work()

    return support.secluded(equipped)


@pytest.mark.parametrize(
    ("user", "ids"),
    [("bob", "1000 1001 1001 50 bob /home/bob /bin/bob"), ("1000", "1000 1001 1001 50 bob /home/bob /bin/bob")],
)
def test_a_user(user: str, ids: str, tmp_path: Path) -> None:
    script = "id -u; id -g; id -G; echo $USER $HOME $SHELL; grep ^Cap /proc/self/status"
    with support.inhabited("uts") as pid:
        target, below = process(pid, "uts"), ("setpriv", "--inh-caps=+net_raw")
        lines = as_known(tmp_path, lambda: said(target, script, user=user, below=below))
    assert " ".join(lines[:4]) == ids
    assert {line.split()[1].strip("0") for line in lines[4:] if not line.startswith("CapBnd")} == {""}


@pytest.mark.parametrize("number", [*NO_IDS, ""])
def test_a_group_that_is_refused(number: str, tmp_path: Path) -> None:
    group = tmp_path / "odd"
    group.write_text(f"staff:x:{number}:eve,bob\n")
    with support.inhabited("uts") as pid:

        def refused() -> str:
            support.bind(group, "/etc/group")
            return refusal(process(pid, "uts"), user="bob")

        assert "its /etc/group has no id for a group of the user bob" in as_known(tmp_path, refused)


def test_the_last_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MORE_PASSWD", "last:x:4294967294:4294967294::/:\n")
    with support.inhabited("uts") as pid:
        target = process(pid, "uts")
        assert as_known(tmp_path, lambda: said(target, "id -u; id -g", user="last")) == ["4294967294"] * 2


@pytest.mark.parametrize("user", ["root", "0"])
def test_root_may_be_asked_for(user: str, tmp_path: Path) -> None:
    with support.inhabited("uts") as pid:
        assert as_known(tmp_path, lambda: said(process(pid, "uts"), "id -u; id -G", user=user)) == ["0", "0"]


@pytest.mark.parametrize(
    ("user", "more", "expected"),
    [
        ("eve", "", "has no user eve"),
        ("7", "", "has no user 7"),
        ("eve", "eve:x:0:0::/:\n", "the user eve is 0 inside, and so root"),
        *(("eve", f"eve:x:{number}:5::/:\n", "has no ids for the user eve") for number in NO_IDS),
        *(("eve", f"eve:x:5:{number}::/:\n", "has no ids for the user eve") for number in NO_IDS),
        ("eve", "eve:x:bob:0::/:\n", "has no ids for the user eve"),
        ("eve", "eve:x::0::/:\n", "has no ids for the user eve"),
        ("eve", "eve\n", "has no ids for the user eve"),
        ("$(id)", "", "has no user $(id)"),
        ("*", "", "has no user *"),
    ],
)
def test_a_user_that_is_refused(
    user: str, more: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MORE_PASSWD", more)
    with support.inhabited("uts") as pid:
        assert expected in as_known(tmp_path, lambda: refusal(process(pid, "uts"), user=user))


def test_a_user_where_groups_are_denied(tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.write_text("bob:x:1001:\n")
    with support.inhabited("user", id_map="0 1000 2000\n", deny_setgroups=True) as pid:
        target = process(pid, "user")

        def without_groups() -> list[str]:
            support.bind(alone, "/etc/group")
            return said(target, "id -u; id -G", user="bob")

        assert as_known(tmp_path, without_groups) == ["1000", "1001"]
        message = as_known(tmp_path, lambda: refusal(target, user="bob"))
    assert message.endswith("what runs inside can not be bob: setpriv: setgroups failed: Operation not permitted")


def test_a_place_without_a_shell() -> None:
    with support.inhabited("mnt", prepare=lambda: support.mount_over("tmpfs", "/usr")) as pid:
        assert refusal(process(pid)).endswith("what is run inside takes a shell there")


# ---- files that the task has sent


def test_files_have_to_be_readable(tmp_path: Path) -> None:
    sent = tmp_path / "it's sent"
    sent.mkdir(mode=0o700)
    tmp_path.chmod(0o755)
    with support.inhabited("mnt", prepare=lambda: support.mount_over("tmpfs", tmp_path)) as pid:
        assert said(process(pid), "echo ran", files=str(sent)) == ["ran"]
        (sent / "file").touch()
        message = refusal(process(pid), files=str(sent))
        assert f"has put files into {sent}, which can not be read inside; set ansible_pipelining to true" in message
        assert "set ansible_remote_tmp to a directory" in message
    with support.inhabited("mnt") as pid:
        assert said(process(pid), "echo ran", files=str(sent)) == ["ran"]
        assert "can not be read inside" in as_known(
            tmp_path, lambda: refusal(process(pid, "mnt"), files=str(sent), user="daemon")
        )


# ---- sudo


@pytest.fixture
def sudo() -> t.Iterator[str]:
    """A program that says how it is called, where everybody may call it."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "sudo")
        program.write_text('#!/bin/sh\nprintf "%s|" sudo "$@"\n')
        program.chmod(0o755)
        Path(folder).chmod(0o755)
        yield str(program)


def below(sudo: str, how: str, in_home: bool = False) -> subprocess.CompletedProcess[str]:
    """The words of a launcher that says that it is called, below sudo."""
    launcher = ["printf", "%s|", "launcher"]
    words = _launcher.as_root(how, [sudo, "-p", "it's $(odd)"], process(1), in_home, launcher)
    return subprocess.run(words, check=False, stdout=subprocess.PIPE, text=True)


CALLED = "sudo|-p|it's $(odd)|printf|%s||launcher|"


@pytest.mark.parametrize(("how", "for_root"), [("auto", "launcher|"), ("always", CALLED)])
def test_sudo_is_called(how: str, for_root: str, sudo: str) -> None:
    assert below(sudo, how).stdout == for_root
    assert support.as_ordinary(lambda: below(sudo, how).stdout) == CALLED


@pytest.mark.parametrize("how", ["auto", "always"])
def test_an_async_job_is_not_lost(how: str, sudo: str) -> None:
    done = support.as_ordinary(lambda: below(sudo, how, in_home=True))
    assert done.returncode == _launcher.FAILURE
    assert "set ansible_async_dir to an absolute path" in json.loads(done.stdout)["msg"]
    assert below(sudo, how, in_home=True).returncode == 0


def test_a_target_without_sudo(tmp_path: Path) -> None:
    done = below(str(tmp_path / "sudo"), "always")
    assert done.returncode == _launcher.FAILURE
    assert json.loads(done.stdout)["msg"].endswith("to become root by; install it, or log in as root")
