# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_exec as a task calls it: what it refuses, what it says in check mode, and many of them at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible.modules import command as builtin_command
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import libc, nstypes
from ansible_collections.linux.namespaces.plugins.modules import ns_exec

from .answer import Options, answer
from .support import (
    ORDINARY,
    PATIENCE,
    TYPE_NAMES,
    become_ordinary,
    forked,
    identity,
    inhabited,
    own_identity,
    secluded,
)

MODULE = "ansible_collections.linux.namespaces.plugins.modules.ns_exec"
PR_SET_CHILD_SUBREAPER = 36
IDS = {"inside": 0, "outside": 0, "count": 1}


def task(options: Options, *, check: bool = False, prepare: t.Callable[[], object] = lambda: None) -> dict[str, t.Any]:
    """What the module answers, in a process of its own that adopts whatever it leaves; that has to be nothing."""

    def work() -> dict[str, t.Any]:
        libc.function("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        prepare()
        result = answer(ns_exec.main, options, check=check)
        assert children() == []
        return result

    return forked(work)


def children() -> list[str]:
    """Ours, the adopted ones and the zombies too."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    """A file that the command would make."""
    return tmp_path / "the command ran"


def refusal(options: Options, witness: Path, **arguments: t.Any) -> str:
    """The message of a task that is refused, after a look at what else a refusal has to be."""
    if not {"cmd", "argv"} & options.keys():
        options = {"argv": ["touch", str(witness)], **options}
    result = task(options, **arguments)
    assert result["failed"]
    assert not {"rc", "stdout", "exception"} & result.keys()
    assert not result.get("changed")
    assert not witness.exists()
    message: str = result["msg"]
    assert "\n" not in message
    assert "Traceback" not in message
    return message


def cases(*lines: tuple[str, Options]) -> pytest.MarkDecorator:
    """Options, and the words that the refusal has to have."""
    ids = [json.dumps(options)[:60] for _words, options in lines]
    return pytest.mark.parametrize(("words", "options"), lines, ids=ids)


def new(kind: str, **options: t.Any) -> Options:
    return {"unshare": [kind], **options}


@cases(
    # the command
    ("cmd argv", {"cmd": "id", "argv": ["id"], "unshare": ["uts"]}),
    ("option cmd", new("uts", cmd="")),
    ("option cmd", new("uts", cmd="   ")),
    ("option cmd quotation", new("uts", cmd="echo 'x")),
    ("option cmd NUL", new("uts", cmd="echo \0x")),
    ("option cmd NUL", new("uts", cmd="echo \0x", shell=True)),
    ("option argv", new("uts", argv=[])),
    ("option argv", new("uts", argv=[""])),
    ("option argv NUL", new("uts", argv=["echo", "\0"])),
    ("option shell cmd", new("uts", argv=["id"], shell=True)),
    ("option executable shell", new("uts", executable="/bin/bash")),
    ("option cmd", new("uts", cmd="", shell=True)),
    ("option stdin", new("uts", stdin="\ud800")),
    ("option argv", new("uts", argv=["echo", "\ud800"])),
    # the environment
    ("option env FIRST quotes", new("uts", env={"FIRST": 1})),
    ("option env FIRST", new("uts", env={"FIRST": None})),
    ("option env FIRST", new("uts", env={"FIRST": True})),
    ("option env FIRST", new("uts", env={"FIRST": ["a"]})),
    ("option env FIRST", new("uts", env={"FIRST": "a\0b"})),
    ("option env", new("uts", env={"FIRST": "\ud800"})),
    ("option env FIRST=SECOND", new("uts", env={"FIRST=SECOND": "a"})),
    ("option env", new("uts", env={"": "a"})),
    ("option env", new("uts", env={"FIRST\0": "a"})),
    # numbers
    ("option timeout", new("uts", timeout=0)),
    ("option timeout", new("uts", timeout=-1)),
    ("option timeout", new("uts", timeout="nan")),
    ("option timeout", new("uts", timeout="inf")),
    ("option timeout", new("uts", timeout="1e3")),
    ("option timeout", new("uts", timeout="1_000")),
    ("option timeout", new("uts", timeout=True)),
    ("option timeout", new("uts", timeout="")),
    ("option timeout", new("uts", timeout="0.0000000001")),
    ("option timeout", new("uts", timeout="\u0663")),
    ("option max_output", new("uts", max_output=True)),
    ("option max_output", new("uts", max_output=-1)),
    ("option max_output", new("uts", max_output=1.5)),
    ("option max_output", new("uts", max_output="10M")),
    ("option max_output", new("uts", max_output="1_000")),
    # paths and names inside
    ("option chdir", new("uts", chdir="tmp")),
    ("option chdir", new("uts", chdir="/tmp\0")),
    ("option chdir", new("uts", chdir="/\ud800")),
    ("option root", new("uts", root="tmp")),
    ("option root", new("uts", root="/tmp\0")),
    ("option root propagation", new("mnt", root="/", propagation="shared")),
    ("option root propagation", new("mnt", root="/", propagation="unchanged")),
    ("option creates", new("uts", creates="/a\0b")),
    ("option removes", new("uts", removes="/a\0b")),
    ("option user", new("uts", user="nobody knows")),
    ("option user", new("uts", user="")),
    ("option user", new("uts", user="-1")),
    ("option user", new("uts", user="\u00b2")),
    ("option user", new("uts", user="4294967295")),
    ("option user", new("uts", user="12345678901")),
    ("option user group", new("uts", user="3999999999")),
    ("option group", new("uts", group="nobody knows")),
    ("option group", new("uts", group="4294967295")),
    ("option groups", new("uts", groups=["12345678901"])),
    ("option groups", new("uts", groups=["0", "nobody knows"])),
    ("option capabilities cap_bogus", new("uts", capabilities=["chown", "cap_bogus"])),
    # what is to be created
    ("unshare bogus", new("bogus")),
    ("unshare", {"unshare": []}),
    ("option init pid", new("uts", init=True)),
    ("option hostname", new("uts", hostname="")),
    ("option hostname", new("uts", hostname="x" * 65)),
    ("option hostname", new("uts", hostname="a\0")),
    ("option hostname", new("uts", hostname="\ud800")),
    ("option hostname", new("uts", hostname="a\nb")),
    ("option domainname", new("uts", domainname="é" * 33)),
    ("uid_map count", new("user", uid_map=[{"inside": 0, "outside": 0}])),
    ("option uid_map", new("user", uid_map=[{**IDS, "count": 0}])),
    ("option uid_map", new("user", uid_map=[{**IDS, "count": "1_000"}])),
    ("option uid_map", new("user", uid_map=[{**IDS, "inside": True}])),
    ("option uid_map", new("user", uid_map=[{**IDS, "outside": -1}])),
    ("option uid_map", new("user", uid_map=[{**IDS, "outside": "nan"}])),
    ("option uid_map", new("user", uid_map=[{**IDS, "inside": 1.0}])),
    ("option uid_map", new("user", uid_map=[{"inside": 0, "outside": 4294967294, "count": 2}])),
    ("option uid_map overlap", new("user", uid_map=[{**IDS, "count": 5}, {"inside": 4, "outside": 9, "count": 1}])),
    ("option gid_map overlap", new("user", gid_map=[{**IDS, "count": 5}, {"inside": 9, "outside": 4, "count": 1}])),
    ("setgroups", new("user", setgroups="perhaps")),
    ("option time_offsets boottime", new("time", time_offsets={"boottime": "nan"})),
    ("option time_offsets boottime", new("time", time_offsets={"boottime": "1e3"})),
    ("option time_offsets monotonic", new("time", time_offsets={"monotonic": True})),
    ("option time_offsets monotonic", new("time", time_offsets={"monotonic": "0.1234567891"})),
    ("time_offsets realtime", new("time", time_offsets={"realtime": "1"})),
    ("propagation", new("mnt", propagation="public")),
    ("option mounts", new("mnt", mounts=[{"path": "mnt", "fstype": "tmpfs"}])),
    ("option mounts", new("mnt", mounts=[{"path": "/mnt"}])),
    ("option mounts src", new("mnt", mounts=[{"path": "/mnt", "opts": "bind"}])),
    ("option mounts", new("mnt", mounts=[{"path": "/mnt", "src": "tmp", "opts": "bind"}])),
    ("option mounts remount", new("mnt", mounts=[{"path": "/mnt", "fstype": "tmpfs", "opts": "ro,remount"}])),
    ("option mounts rshared", new("mnt", mounts=[{"path": "/mnt", "fstype": "tmpfs", "opts": "rshared"}])),
    ("option mounts NUL", new("mnt", mounts=[{"path": "/mnt", "fstype": "tmp\0fs"}])),
    ("option mounts NUL", new("mnt", mounts=[{"path": "/mnt", "src": "no\0ne", "fstype": "tmpfs"}])),
    ("option mounts", new("mnt", mounts=[{"path": "/mnt", "src": "/m\0nt", "opts": "bind"}])),
    ("option mounts", new("mnt", mounts=[{"path": "/mnt", "fstype": "tmpfs", "opts": "size=1\0"}])),
    ("option mounts propagation", new("mnt", mounts=[{"path": "/mnt", "fstype": "tmpfs"}], propagation="shared")),
    ("option mounts propagation", new("mnt", mounts=[{"path": "/mnt", "fstype": "tmpfs"}], propagation="unchanged")),
    # the target
    ("option types unshare", new("uts", types=["uts"])),
    ("types bogus", {"pid": 1, "types": ["bogus"]}),
    ("option types unshare", new("uts", types=["uts"])),
    ("option expect unshare", new("uts", expect={"uts": {"inode": 1}})),
    ("inode found in expect", {"pid": 1, "expect": {"uts": {"id": 1}}}),
    ("Unsupported mount", {"pid": 1, "expect": {"mount": {"inode": 1}}}),
    ("option expect.uts.inode", {"pid": 1, "expect": {"uts": {"inode": "uts:[1]"}}}),
    ("pid handles", {"pid": 1, "handles": {"uts": "/proc/1/ns/uts"}}),
    ("pid handles unshare", {}),
    ("handles.bogus", {"handles": {"bogus": "/proc/1/ns/uts"}}),
    ("option pid", {"pid": 0}),
    ("option pid", {"pid": -1}),
    ("option pid", {"pid": True}),
    ("option pid", {"pid": ""}),
    ("option pid", {"pid": "self"}),
    ("option pid", {"pid": "1_000"}),
    ("option pid", {"pid": "1.0"}),
    ("option pid", {"pid": " 1"}),
    ("option pid", {"pid": "1\n"}),
    ("option pid", {"pid": "\u0661"}),
    ("option pid", {"pid": "1" * 30}),
    ("process 4294967297", {"pid": "4294967297"}),
    ("process 4194999", {"pid": "4194999"}),
    # what Ansible itself lets pass
    ("namespace", new("uts", namespace="blue")),
    ("no_log", new("uts", no_log=True)),
)
def test_bad_options(words: str, options: Options, witness: Path) -> None:
    message = refusal(options, witness)
    assert [word for word in words.split() if word not in message] == []


OPTIONS_OF: dict[str, Options] = {
    "uts": {"hostname": "box", "domainname": "boxes"},
    "user": {"uid_map": [IDS], "gid_map": [IDS], "setgroups": "deny"},
    "time": {"time_offsets": {"boottime": "1"}},
    "mnt": {
        "propagation": "slave",
        "mounts": [{"path": "/mnt", "fstype": "tmpfs"}],
        "mount_proc": False,
    },
    "net": {"loopback": False},
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, options in OPTIONS_OF.items() for name in options])
def test_option_of_a_type_that_is_not_created(kind: str, name: str, witness: Path) -> None:
    """Whether the other types are created, or the type itself is joined."""
    given = {name: OPTIONS_OF[kind][name]}
    others = [other for other in TYPE_NAMES if other != kind]
    with inhabited(kind) as pid:
        for target in ({"unshare": others}, {"pid": pid}, {"handles": {kind: f"/proc/{pid}/ns/{kind}"}}):
            message = refusal({**target, **given}, witness)
            assert f"option {name} " in message
            assert f"describes a {kind} namespace" in message


def test_pid_that_is_no_process(witness: Path) -> None:
    gone = subprocess.Popen(["true"])
    with contextlib.ExitStack() as stack:
        # Dead, but not reaped.
        os.waitid(os.P_PID, gone.pid, os.WEXITED | os.WNOWAIT)
        assert f"process {gone.pid}" in refusal({"pid": gone.pid}, witness)
        gone.wait()
        assert "there is no such process" in refusal({"pid": gone.pid}, witness)

        done = threading.Event()
        thread = threading.Thread(target=done.wait)
        thread.start()
        stack.callback(thread.join)
        stack.callback(done.set)
        assert "it is a thread" in refusal({"pid": thread.native_id}, witness)


def test_kernel_thread(witness: Path) -> None:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if int(path.read_text().rpartition(")")[2].split()[6]) & 0x00200000:
                message = refusal({"pid": path.parent.name}, witness)
                assert "option pid" in message
                assert "thread of the kernel" in message
                return
    pytest.skip("this pid namespace shows no thread of the kernel: run pytest outside of it")


def test_nothing_to_enter(witness: Path) -> None:
    """Our own namespaces: the command would run on the host."""
    assert "nothing is left to enter" in refusal({"pid": os.getpid()}, witness)
    with inhabited("uts") as pid:
        assert "nothing is left to enter" in refusal({"pid": pid, "types": []}, witness)
        assert "net is the one" in refusal({"pid": pid, "types": ["uts", "net"]}, witness)
        handle = f"/proc/{pid}/ns/uts"
        assert "nothing is left to enter" in refusal({"handles": {"uts": handle}, "types": []}, witness)
        assert "option types" in refusal({"handles": {"uts": handle}, "types": ["uts", "net"]}, witness)


def test_another_namespace_than_expected(witness: Path) -> None:
    """What a task returns of its namespaces is what the next one can expect."""
    with inhabited("uts") as pid, inhabited("uts") as other:
        options: Options = {"pid": pid, "types": ["uts"], "argv": ["true"]}
        first = task(options)["namespaces"]
        assert task({**options, "expect": first})["namespaces"] == first
        for target in ({"pid": other}, {"handles": {"uts": f"/proc/{other}/ns/uts"}}):
            text = refusal({**target, "types": ["uts"], "expect": first}, witness)
            assert f"leads to by now is uts:[{identity(other, 'uts').inode}]" in text
    assert "ipc is the one" in refusal({"handles": {"ipc": "/proc/self/ns/ipc"}}, witness)
    assert "nothing is left to enter" in refusal({"handles": {}}, witness)
    assert "nothing is left to enter" in refusal({"handles": {"net": None}}, witness)


def test_handle_that_is_none(tmp_path: Path, witness: Path) -> None:
    with inhabited("uts", "net") as pid, contextlib.ExitStack() as stack:
        handle = f"/proc/{pid}/ns/uts"
        (tmp_path / "file").touch()
        (tmp_path / "directory").mkdir()
        (tmp_path / "link").symlink_to(handle)
        (tmp_path / "dangling").symlink_to(tmp_path / "missing")
        os.mkfifo(tmp_path / "fifo")
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(os.path.relpath(tmp_path / "socket"))
        memory = os.memfd_create("memory")
        stack.callback(os.close, memory)
        expected = {
            str(tmp_path / "missing"): "there is nothing at that path",
            str(tmp_path / "file"): "it is no namespace",
            str(tmp_path / "directory"): "it is a directory",
            str(tmp_path / "link"): "it is a symbolic link",
            str(tmp_path / "dangling"): "it is a symbolic link",
            str(tmp_path / "fifo"): "it is no namespace",
            str(tmp_path / "socket"): "it is no namespace",
            str(tmp_path / "file/below"): "no directory",
            "/dev/null": "it is no namespace",
            f"/proc/self/fd/{memory}": "it is no namespace",
            f"/proc/{pid}/ns/net": "a namespace of type net",
            f"/proc/{pid}/exe": "it is no namespace",
            "": "uts handle",
            "/proc/self/ns\0/uts": "option handles",
        }
        # One that waits for somebody at the fifo gets no answer at all.
        for path, words in expected.items():
            message = refusal({"handles": {"uts": path}}, witness)
            assert words in message
            assert "uts" in message


def test_handle_that_lost_its_mount(tmp_path: Path, witness: Path) -> None:
    """What `umount` alone leaves of a handle."""
    handle = tmp_path / "handle"
    handle.touch()

    def message() -> str:
        with inhabited("uts") as pid:
            subprocess.run(["mount", "--bind", f"/proc/{pid}/ns/uts", str(handle)], check=True)
        assert task({"handles": {"uts": str(handle)}, "argv": ["true"]})["rc"] == 0
        subprocess.run(["umount", str(handle)], check=True)
        return refusal({"handles": {"uts": str(handle)}}, witness)

    assert "a handle whose mount is gone is a plain file" in secluded(message)


def test_without_root(witness: Path) -> None:
    """One clear message each; what needs no privilege works."""
    with inhabited("uts") as pid:
        for options, words in (
            ({"unshare": ["uts"]}, ("uts", "EPERM", "root")),
            ({"pid": pid}, (str(pid), "EACCES", "root")),
            ({"handles": {"uts": f"/proc/{pid}/ns/uts"}}, ("uts", "EACCES", "root")),
            ({"unshare": ["user"], "uid_map": [{"inside": 0, "outside": 0, "count": 5}]}, ("map", "root", "subuid")),
        ):
            message = refusal(options, witness, prepare=become_ordinary)
            assert [word for word in words if word not in message] == []
    options = {
        "unshare": ["user", "uts"],
        "uid_map": [{"inside": 0, "outside": ORDINARY, "count": 1}],
        "hostname": "box",
        "argv": ["uname", "-n"],
    }
    assert task(options, prepare=become_ordinary)["stdout"] == "box"


def test_timeout_of_many_years() -> None:
    assert task({"unshare": ["uts"], "argv": ["true"], "timeout": "999999999999"})["rc"] == 0


# ---- a pid that comes to mean another process


def test_pid_reused_while_it_is_looked_at(tmp_path: Path, witness: Path) -> None:
    """The module has got hold of the process and is stopped there; meanwhile another one gets that pid."""
    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        pid = first.enter_context(inhabited("uts"))
        options = {"pid": pid, "types": ["uts"], "argv": ["touch", str(witness)]}
        log = tmp_path / "log"
        module = start(
            options, "strace", "-o", str(log), "-e", "trace=pidfd_open", "-e", "inject=pidfd_open:delay_exit=1s:when=1"
        )
        deadline = time.monotonic() + PATIENCE
        while not holds(module.pid, pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        first.close()
        second.enter_context(born_as(pid))
        result = finish(module)
    assert "(DELAYED)" in log.read_text()
    assert result["failed"]
    assert "ended while it was looked at" in result["msg"]
    assert not witness.exists()


def holds(parent: int, pid: int) -> bool:
    """Whether the child of a process has a pidfd of another one. Source: proc_pid_fdinfo(5)."""
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        for path in Path(f"/proc/{child}/fdinfo").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if f"\nPid:\t{pid}\n" in path.read_text():
                    return True
    return False


@contextlib.contextmanager
def born_as(pid: int) -> t.Iterator[None]:
    """A process with that pid, in a UTS namespace of its own. Source: clone(2), set_tid."""
    wanted = libc.buffer(struct.pack("=i", pid))
    arguments = struct.pack("=11Q", nstypes.UTS.flag, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, libc.address(wanted), 1, 0)
    child = libc.syscall_twice("clone3", arguments, len(arguments))
    if child == 0:
        signal.pause()
        os._exit(0)
    try:
        assert child == pid
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


# ---- check mode


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize(
    ("option", "pattern"),
    [
        (None, ""),
        ("creates", "there"),
        ("creates", "th?r*"),
        ("creates", "missing"),
        ("removes", "there"),
        ("removes", "th?r*"),
        ("removes", "missing"),
    ],
)
def test_result_is_that_of_the_builtin_command(
    option: str | None, pattern: str, check: bool, tmp_path: Path, witness: Path
) -> None:
    (tmp_path / "there").touch()
    options: Options = {"argv": ["touch", str(witness)]}
    if option:
        options[option] = str(tmp_path / pattern)
    ours = task({**options, "unshare": ["uts"]}, check=check)
    ran = witness.exists()
    witness.unlink(missing_ok=True)
    theirs = forked(lambda: answer(builtin_command.main, options, check=check))
    assert ran == witness.exists()
    keys = ("rc", "msg", "changed", "skipped", "failed", "stdout", "stderr")
    # Where there is nothing to say, the builtin has an empty text.
    assert {key: ours.get(key) or None for key in keys} == {key: theirs.get(key) or None for key in keys}
    assert ours["changed"] is theirs["changed"]
    assert ours.get("rc") == theirs.get("rc")


def test_check_mode_looks_inside(tmp_path: Path, witness: Path) -> None:
    """creates and removes are paths in the mount namespace, not on the host."""
    (tmp_path / "outside").touch()
    inside: Options = {"unshare": ["mnt"], "mounts": [{"path": str(tmp_path), "fstype": "tmpfs"}]}
    options: Options = {**inside, "argv": ["touch", str(witness)]}
    for path in ("outside", str(tmp_path / "outside")):
        result = task({**options, "creates": path, "chdir": str(tmp_path)}, check=True)
        assert (result["changed"], result["msg"]) == (True, "Command would have run if not in check mode")
        assert not task({**options, "removes": path, "chdir": str(tmp_path)}, check=True)["changed"]


def test_check_mode_refuses_too(witness: Path) -> None:
    assert "option hostname" in refusal({"unshare": ["net"], "hostname": "box"}, witness, check=True)
    assert "there is no such process" in refusal({"pid": "4194303"}, witness, check=True)


# ---- many at once


def test_ten_at_once(tmp_path: Path) -> None:
    """Five make namespaces of their own, five enter the same ones; all of them are there at the same time."""
    meeting = tmp_path / "meeting"
    mounted = tmp_path / "mounted"
    meeting.mkdir()
    mounted.mkdir()
    script = """
        touch "$1/$2"; until [ "$(ls "$1" | wc -l)" = 10 ]; do sleep 0.01; done
        cat /proc/sys/kernel/hostname; readlink /proc/self/ns/uts /proc/self/ns/mnt; cat "$3"/* 2>&1
    """

    def options(number: int) -> Options:
        return {"argv": ["sh", "-c", script, "sh", str(meeting), str(number), str(mounted)], "timeout": PATIENCE}

    with inhabited("uts", prepare=lambda: socket.sethostname("shared")) as pid:
        (mounted / "file").write_text("host")
        created = [
            start(
                {
                    **options(number),
                    "unshare": TYPE_NAMES,
                    "hostname": f"box{number}",
                    "uid_map": [{**IDS, "count": 65536}],
                    "gid_map": [{**IDS, "count": 65536}],
                    "mounts": [{"path": str(mounted), "fstype": "tmpfs"}],
                }
            )
            for number in range(5)
        ]
        joined = [start({**options(number), "pid": pid}) for number in range(5, 10)]
        own = [finish(module) for module in created]
        others = [finish(module) for module in joined]
        shared = f"uts:[{identity(pid, 'uts').inode}]"
    lines = [result["stdout"].splitlines() for result in own]
    assert [line[0] for line in lines] == [f"box{number}" for number in range(5)]
    for index, name in ((1, "uts"), (2, "mnt")):
        seen = [line[index] for line in lines]
        assert len({*seen, f"{name}:[{own_identity(name).inode}]"}) == 6
        assert seen == [f"{name}:[{result['namespaces'][name]['inode']}]" for result in own]
    assert all("No such file" in line[3] for line in lines)
    here = f"mnt:[{own_identity('mnt').inode}]"
    assert [result["stdout"].splitlines() for result in others] == [["shared", shared, here, "host"]] * 5
    assert not list(mounted.glob("[!f]*"))


def start(options: Options, *before: str) -> subprocess.Popen[str]:
    """Start the module in a process of its own, as on a target."""
    module = subprocess.Popen(
        [*before, sys.executable, "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    assert module.stdin is not None
    module.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
    module.stdin.close()
    module.stdin = None
    return module


def finish(module: subprocess.Popen[str]) -> dict[str, t.Any]:
    """What it answers."""
    try:
        stdout, stderr = module.communicate(timeout=PATIENCE)
    finally:
        module.kill()
        module.wait()
    assert stderr == ""
    result: dict[str, t.Any] = json.loads(stdout)
    return result
