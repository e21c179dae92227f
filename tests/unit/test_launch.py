# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a command starts, what it is given, and when it does not have to run."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import re
import signal
import termios
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.support import arguments_of, every_shape

# ---- how it starts


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    for name, text, mode in (
        ("good", "#!/bin/sh\necho good", 0o755),
        ("plain", "#!/bin/sh\necho plain", 0o644),
        ("without", "echo without", 0o755),
        ("interpreter", "#!/nowhere/sh\n", 0o755),
        ("empty", "", 0o755),
        ("foreign", "\x7fELF\x02\x01\x01" + "\0" * 9 + "\x02\0\xff\x7f", 0o755),
    ):
        (tmp_path / name).write_bytes(text.encode("latin-1"))
        (tmp_path / name).chmod(mode)
    (tmp_path / "directory").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("nowhere", errno.ENOENT, "there is no such file inside, or the interpreter in its first line is missing"),
        ("interpreter", errno.ENOENT, "there is no such file inside, or the interpreter in its first line is missing"),
        ("directory", errno.EACCES, "it is a directory or not executable"),
        ("plain", errno.EACCES, "it is a directory or not executable"),
        ("without", errno.ENOEXEC, "it is neither a program for this machine nor a script with #! in its first line"),
        ("empty", errno.ENOEXEC, "it is neither a program for this machine nor a script"),
        ("foreign", errno.ENOEXEC, "it is neither a program for this machine nor a script"),
        ("good/x", None, "there is no such file inside"),
    ],
)
@every_shape
def test_what_can_not_be_started(programs: Path, shape: str, name: str, code: int | None, text: str) -> None:
    with arguments_of(shape) as arguments:
        error = support.refusal(str(programs / name), **arguments)
    assert str(error).startswith(f"cannot start the command {programs / name}")
    assert text in error.cause
    assert code is None or error.code == code


@pytest.mark.parametrize(
    ("name", "path", "found"),
    [
        ("good", "{0}", True),
        ("good", "/nowhere:{0}/plain:{0}/directory:{0}", True),
        ("directory", "{0}", False),
        ("plain", "{0}", False),
        ("good", "", False),
        ("good", ".", False),
        ("good", "::", False),
        ("good", "directory/..", False),
        ("./good", "/nowhere", True),
        ("directory/../good", "/nowhere", True),
    ],
)
def test_the_search_path(programs: Path, name: str, path: str, found: bool) -> None:
    """Of the command's own environment; what is not absolute there depends on where one is."""
    arguments = {"chdir": str(programs), "environment": {"PATH": path.format(programs)}}
    if found:
        assert support.output(name, **support.UTS, **arguments) == "good\n"
    else:
        assert str(support.refusal(name, **arguments)).startswith(f"cannot start the command {name}")


def test_a_program_that_is_found_later(programs: Path) -> None:
    """The search goes on after a file that may not be executed."""
    (programs / "directory/plain").write_text("#!/bin/sh\necho later\n")
    (programs / "directory/plain").chmod(0o755)
    path = f"{programs}:{programs}/directory"
    assert support.output("plain", **support.UTS, environment={"PATH": path}) == "later\n"


def test_no_search_path_at_all() -> None:
    assert support.output("sh", "-c", "echo $HOME-", **support.UTS, clear_environment=True) == "-\n"


def test_too_many_arguments() -> None:
    error = support.refusal("true", "x" * 200_000)
    assert (error.code, error.remedy) == (errno.E2BIG, "hand the data over on stdin")


def test_a_program_on_a_file_system_without_programs(programs: Path, tmp_path: Path) -> None:
    place = tmp_path / "directory"
    options = {"mounts": [{"path": str(place), "src": str(programs), "opts": "bind,noexec"}]}
    error = support.refusal(str(place / "good"), unshare=["mnt"], options=options)
    assert (error.code, "its file system is mounted noexec" in error.cause) == (errno.EACCES, True)


def test_a_failure_is_no_exit_code() -> None:
    """What could not start is an error, and what did not find its program may say 127 itself."""
    assert support.run("sh", "-c", "nowhere", **support.UTS).code == 127


# ---- what it is given


@every_shape
def test_descriptors(shape: str) -> None:
    """Nothing but the three, whatever the task has open, even what it would hand down."""
    script = (
        "import json, os\n"
        "paths = [f'/proc/self/fd/{number}' for number in range(64)]\n"
        "print(json.dumps([os.readlink(path) for path in paths if os.path.lexists(path)]))"
    )

    def work(arguments: dict[str, t.Any]) -> list[str]:
        with Path("/etc/passwd").open() as file:
            os.set_inheritable(file.fileno(), True)
            for number in (50, 63):
                os.dup2(file.fileno(), number)
            found: list[str] = json.loads(support.output(*support.python(script), **arguments))
        return [re.sub(r"\d+", "", name) for name in found]

    with arguments_of(shape) as arguments:
        assert support.forked(lambda: work(arguments)) == ["pipe:[]"] * 3


@every_shape
def test_session(shape: str) -> None:
    """Of its own, and without the terminal that the task may have: who has it could type into it."""

    def work(arguments: dict[str, t.Any]) -> list[str]:
        os.setsid()
        _ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
        with open("/dev/tty") as terminal:
            assert terminal.isatty()
        script = "(: </dev/tty) 2>/dev/null || echo none; exec cat /proc/self/stat"
        return support.output("sh", "-c", script, **arguments).splitlines()

    with arguments_of(shape) as arguments:
        answer, stat = support.forked(lambda: work(arguments))
    pid, fields = stat.split()[0], stat.rpartition(")")[2].split()
    _state, _parent, group, session, terminal = fields[:5]
    assert (answer, terminal, session, group) == ("none", "0", pid, pid)


def test_signals_are_as_for_any_program() -> None:
    """Whatever the task ignores or blocks."""

    def work() -> str:
        for number in (signal.SIGUSR2, signal.SIGQUIT, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGALRM])
        return support.output("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", **support.UTS)

    of_the_library = 1 << 31 | 1 << 32  # numbers 32 and 33; the C library lets nobody touch them
    masks = [int(line.split()[1], 16) for line in support.forked(work).splitlines()]
    assert [mask & ~of_the_library for mask in masks] == [0, 0]


ENVIRONMENT = {
    "PYTHONPATH": "/p",
    "PYTHONHOME": "/p",
    "LD_PRELOAD": "/p",
    "LD_LIBRARY_PATH": "/p",
    "ANSIBLE_CONFIG": "/p",
}


def environment_of(**arguments: t.Any) -> dict[str, str]:
    def work() -> str:
        os.environ.update(ENVIRONMENT, KEPT="kept", MYPYTHON="kept")
        os.environ["BYTES"] = "\udcff"
        return support.run("env", "-0", **support.UTS, **arguments).stdout.decode("utf-8", "surrogateescape")

    lines = support.forked(work).split("\0")
    return dict(line.split("=", 1) for line in lines if line)


def test_environment() -> None:
    """What steers the Python, the linker or the Ansible of the task is none of the command's business."""
    found = environment_of()
    assert not set(ENVIRONMENT) & set(found)
    assert {name: found[name] for name in ("KEPT", "MYPYTHON", "BYTES", "PATH")} == {
        **dict.fromkeys(("KEPT", "MYPYTHON"), "kept"),
        "BYTES": "\udcff",
        "PATH": os.environ["PATH"],
    }


def test_environment_that_is_given_comes_last() -> None:
    found = environment_of(environment={"PYTHONPATH": "/mine", "KEPT": "", "NEW": "a=b\nc"})
    assert (found["PYTHONPATH"], found["KEPT"], found["NEW"]) == ("/mine", "", "a=b\nc")
    assert "LD_PRELOAD" not in found


def test_a_clear_environment() -> None:
    assert environment_of(clear_environment=True) == {}
    assert environment_of(clear_environment=True, environment={"ONE": "1"}) == {"ONE": "1"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"unshare": ["uts"]}, "{0}"),
        ({"unshare": ["mnt", "pid"]}, "{0}"),
        ({"unshare": ["net"]}, "{0}"),
        ({"unshare": ["mnt"], "options": {"mounts": [{"path": "/tmp", "fstype": "tmpfs"}]}, "chdir": "/tmp"}, "/tmp"),
        ({"unshare": ["uts"], "chdir": "/"}, "/"),
        ({"unshare": ["uts"], "chdir": "below"}, "{0}/below"),
        ({"unshare": ["mnt"], "root": "/"}, "/"),
        ({"unshare": ["uts"], "root": "/"}, "/"),
        ({"unshare": ["uts"], "root": "/", "chdir": "/etc"}, "/etc"),
        ({"joined": ["mnt"]}, "/"),
        ({"joined": ["uts"]}, "{0}"),
        ({"joined": ["mnt"], "chdir": "/etc"}, "/etc"),
    ],
    ids=str,
)
def test_directory(tmp_path: Path, arguments: dict[str, t.Any], expected: str) -> None:
    """Where the task is, or the root where that is another one."""
    arguments = dict(arguments)
    joined = arguments.pop("joined", [])

    def work(pid: int | None) -> str:
        os.chdir(tmp_path)
        return support.output("pwd", **arguments, **({"pid": pid, "types": joined} if joined else {}))

    (tmp_path / "below").mkdir()
    with support.inhabited(*joined) as pid:
        assert support.forked(lambda: work(pid)) == expected.format(tmp_path) + "\n"


@pytest.mark.parametrize(
    ("path", "text"), [("/nowhere", "there is no such directory inside"), ("/etc/passwd", "it is no directory")]
)
def test_a_directory_that_is_none(path: str, text: str) -> None:
    error = support.refusal("true", chdir=path)
    assert str(error).startswith(f"cannot change to the directory {path}")
    assert text in error.cause


def test_a_directory_that_the_task_lost(tmp_path: Path) -> None:
    def work() -> str:
        (tmp_path / "gone").mkdir()
        os.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        return support.output("pwd", **support.UTS)

    assert support.forked(work) == "/\n"


def test_no_way_out_through_a_descriptor(tmp_path: Path) -> None:
    """All are closed before the first path inside is looked up."""

    def work() -> str:
        with closing(os.open("/etc", os.O_RDONLY)) as fd:
            return str(support.refusal("pwd", unshare=["mnt", "pid"], root=str(tmp_path), chdir=f"/proc/self/fd/{fd}"))

    (tmp_path / "proc").mkdir()
    assert support.forked(work).startswith("cannot change to the directory /proc/self/fd/")


# ---- creates, removes, probe


@pytest.mark.parametrize(
    ("option", "pattern", "skips"),
    [
        ("creates", "found", True),
        ("creates", "f*d", True),
        ("creates", "[g-z]*", False),
        ("creates", "nothing", False),
        ("removes", "found", False),
        ("removes", "fou??", False),
        ("removes", "nothing", True),
        ("removes", "x*", True),
    ],
)
@every_shape
def test_creates_and_removes(tmp_path: Path, shape: str, option: str, pattern: str, skips: bool) -> None:
    (tmp_path / "found").touch()
    fields: dict[str, t.Any] = {option: str(tmp_path / pattern)}
    with arguments_of(shape) as arguments:
        result = support.run("touch", str(tmp_path / "ran"), **arguments, **fields)
    assert (result.skipped, result.code) == ((option, None) if skips else (None, 0))
    assert (tmp_path / "ran").exists() is not skips


def test_creates_is_meant_inside(tmp_path: Path) -> None:
    """A file of the host that is not there inside does not count, and the other way round."""
    (tmp_path / "found").touch()
    options = {"mounts": [{"path": str(tmp_path), "fstype": "tmpfs"}]}
    path = str(tmp_path / "found")
    assert support.run("true", unshare=["mnt"], options=options, creates=path).code == 0
    assert support.run("true", unshare=["mnt"], options=options, removes=path).skipped == "removes"
    assert support.run("true", unshare=["mnt"], root=str(tmp_path), creates="/found").skipped == "creates"
    assert support.run("true", unshare=["uts"], chdir=str(tmp_path), creates="found").skipped == "creates"


@every_shape
def test_a_probe_starts_nothing(tmp_path: Path, shape: str) -> None:
    with arguments_of(shape) as arguments:
        for fields, skipped in (({}, "probe"), ({"creates": "/etc"}, "creates"), ({"removes": "/etc"}, "probe")):
            given: dict[str, t.Any] = {**arguments, **fields, "probe": True}
            result = support.run("touch", str(tmp_path / "ran"), **given)
            assert (result.skipped, result.code) == (skipped, None)
    assert not (tmp_path / "ran").exists()
