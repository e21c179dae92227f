# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that outlive a boot: exchanged as a whole, whatever stops that; and what systemd reads of them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot import (
    bound,
    declared,
    files,
    units,
    wanted,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot.places import (
    ALL_UNIT,
    DEFINITIONS,
    service_unit_of,
    unit_of,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.booting import left, on_host

FOLDER = units.FOLDER
TOOLS = units.Tools(252, "/usr/bin/nsenter")
WEB = {"name": "web", "argv": ["/bin/sleep", "1000"]}
STEPS = ("open", "fchmod", "fsync", "mkdir", "rename", "rmdir", "symlink", "unlink")
"""The calls that change something."""


def item(name: str, *services: dict[str, t.Any], types: t.Sequence[str] = ("net",)) -> declared.Declared:
    return declared.parse(name, {"types": list(types), "services": list(services)})


def files_of(*sets: declared.Declared) -> units.Files:
    return wanted.compose(sets, (), {}, TOOLS, b"program\n").files


def bring(new: units.Files) -> list[files.Change]:
    changes = files.plan(files.found(), new)
    files.carry_out(changes)
    return changes


FIRST = (item("blue", WEB), item("a+b", {"unit": "nginx.service"}))
SECOND = (item("blue"), item("green", WEB, types=("net", "uts")))


def failure(new: units.Files) -> NamespaceError:
    """Why it fails; then all is as before."""
    before = files.found(), left()
    with pytest.raises(NamespaceError) as caught:
        bring(new)
    assert (files.found(), left()) == before
    return caught.value


# ---- how they are exchanged


def test_there_and_back() -> None:
    def work() -> None:
        nothing = left()
        for sets in (FIRST, SECOND, FIRST):
            new = files_of(*sets)
            assert bring(new)
            assert files.found() == new
            assert files.plan(files.found(), new) == []
            for path, value in new.items():
                status = os.lstat(path)
                assert isinstance(value, str) or (status.st_mode & 0o7777, status.st_uid) == (0o644, 0)
                assert os.stat(os.path.dirname(path)).st_mode & 0o7777 == 0o755
        bring({})
        made = (FOLDER, os.path.dirname(FOLDER), f"{FOLDER}/multi-user.target.wants")
        assert left() == sorted({*nothing, *made})

    on_host(work)


def test_nobody_else_may_write_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        os.umask(0)
        seen = []

        def look(call: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
            def looking(place: t.Any, *arguments: t.Any) -> t.Any:
                seen.append(os.stat(place).st_mode & 0o022)
                return call(place, *arguments)

            return looking

        for name in ("chmod", "fchmod"):
            monkeypatch.setattr(os, name, look(getattr(os, name)))
        bring(files_of(*FIRST))
        assert set(seen) == {0}

    on_host(work)


def test_links_lead_to_what_is_there() -> None:
    def work() -> None:
        bring(files_of(*FIRST))
        for path, value in files.found().items():
            assert isinstance(value, bytes) or os.path.isfile(path)

    on_host(work)


def test_what_others_have_there_stays() -> None:
    def work() -> None:
        bring(files_of(*FIRST))
        theirs = [
            f"{DEFINITIONS}/README",
            f"{FOLDER}/other.service",
            f"{FOLDER}/linux-namespaces-exporter.service",
            f"{FOLDER}/linux-namespaces-theirs:web.service",
            f"{FOLDER}/apache.service.d/{units.DROP_IN}",
            f"{FOLDER}/linux-namespaces@.service.d/more.conf",
            f"{FOLDER}/nginx.service.d/more.conf",
            f"{FOLDER}/{ALL_UNIT}.wants/other.service",
        ]
        for path in theirs:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Path(path).write_text("theirs")
        link = f"{FOLDER}/{unit_of('blue')}.wants/linux-namespaces-exporter.service"
        os.symlink(theirs[2], link)
        os.chmod(theirs[3], 0o600)
        bring({})
        assert [path for path in (*theirs, link) if not os.path.exists(path)] == []
        assert not any("json" in path or path.endswith("pyz") for path in left())

    on_host(work)


def test_what_is_not_as_it_shall_be_is_written_again() -> None:
    def work() -> None:
        new = files_of(*FIRST)
        bring(new)
        path = FIRST[0].path
        spoilers: tuple[t.Callable[[], object], ...] = (
            lambda: os.chmod(path, 0o666),
            lambda: os.chown(path, 1000, 1000),
            lambda: Path(path).write_text("{"),
            lambda: os.rename(path, "/etc/torn"),
            lambda: os.symlink("/etc/torn", f"{path}.new"),
        )
        for spoil in spoilers:
            spoil()
            if os.path.lexists(f"{path}.new"):
                os.rename(f"{path}.new", path)
            assert [change.path for change in bring(new)] == [path]
            assert files.found() == new

    on_host(work)


def test_who_is_killed_leaves_what_the_next_run_repairs() -> None:
    """At each call that changes something, on the way there, to something else, and back."""

    def work() -> int:
        killed = 0
        for before, after in (({}, files_of(*FIRST)), (files_of(*FIRST), files_of(*SECOND)), (files_of(*SECOND), {})):
            bring(before)
            number = 0
            while is_killed_at(number, after):
                for path in (one.path for one in (*FIRST, *SECOND)):
                    # Old or new, and never half of one.
                    there = Path(path).read_bytes() if os.path.exists(path) else None
                    assert there in (before.get(path), after.get(path))
                bring(after)
                files.clean_up()
                assert files.found() == after
                assert not [path for path in left() if "new" in path]
                assert after or not [path for path in left() if "linux-namespaces" in path]
                bring(before)
                number += 1
            killed += number
        return killed

    assert on_host(work) > 100


def test_what_is_changed_is_on_the_disk_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what is gone, and which directories there are: each directory is synced after the last change in it."""

    def work() -> None:
        steps: list[tuple[str, str]] = []

        def note(name: str, place: t.Callable[..., str]) -> None:
            call = getattr(os, name)

            def noting(*arguments: t.Any, **more: t.Any) -> t.Any:
                steps.append((name, place(*arguments)))
                return call(*arguments, **more)

            monkeypatch.setattr(os, name, noting)

        note("fsync", lambda fd: os.readlink(f"/proc/self/fd/{fd}"))
        for name in ("mkdir", "unlink"):
            note(name, lambda path, *_mode: os.path.dirname(path))
        note("rename", lambda _old, new: os.path.dirname(new))
        for new in (files_of(*FIRST), files_of(*SECOND), files_of(item("green", WEB, types=("net", "uts"))), {}):
            del steps[:]
            bring(new)
            for folder in {place for name, place in steps if name != "fsync"}:
                assert [name for name, place in steps if place == folder][-1] == "fsync", folder

    on_host(work)


def is_killed_at(number: int, new: units.Files) -> bool:
    """Whether it makes so many calls that change something, and is killed at that one."""

    def work() -> None:
        left_over = [number]

        def counted(call: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
            def counting(*arguments: t.Any, **more: t.Any) -> t.Any:
                if not left_over[0]:
                    os._exit(1)
                left_over[0] -= 1
                return call(*arguments, **more)

            return counting

        for name in STEPS:
            setattr(os, name, counted(getattr(os, name)))
        bring(new)

    try:
        support.forked(work)
    except support.EndedError:
        return True
    return False


def test_a_full_file_system() -> None:
    def work() -> None:
        bring(files_of(item("old")))
        with contextlib.suppress(OSError), open("/etc/filler", "wb") as file:
            while True:
                file.write(b"x" * 4096)
                file.flush()
        error = failure(files_of(*(item(f"s{number}", WEB) for number in range(9))))
        assert "ENOSPC (No space left on device): the file system is full (df, df -i); free some of it" in str(error)
        assert str(error).startswith("cannot write /etc/")
        os.unlink("/etc/filler")
        bring(files_of(*FIRST))

    on_host(work, "128k")


def test_a_read_only_etc() -> None:
    def work() -> None:
        bring(files_of(item("old")))
        support.remount("/etc", "ro")
        for new in (files_of(*FIRST), {}):
            assert "EROFS (Read-only file system): the file system is read-only; remount it" in str(failure(new))

    on_host(work)


# ---- what systemd reads


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze(1) is not there")
def test_systemd_takes_the_units() -> None:
    def work() -> str:
        more = {"environment": {"A": 'b "c" %n $d'}, "user": "root", "restart": "always"}
        sets = (item("blue", {**WEB, **more}), item("a+b", WEB, types=("net", "uts", "pid", "mnt")), item("c-d@e"))
        bring(files_of(*sets))
        names = [
            ALL_UNIT,
            *(unit_of(one.name) for one in sets),
            *(service_unit_of(one.name, "web") for one in sets[:2]),
        ]
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *names],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return "\n".join(line for line in done.stdout.splitlines() if "linux-namespaces" in line)

    assert on_host(work) == ""


def text_of(one: declared.Declared, tools: units.Tools = TOOLS) -> str:
    value = units.of_set(one, tools)[f"{FOLDER}/{service_unit_of(one.name, 'web')}"]
    assert isinstance(value, bytes)
    return value.decode()


def test_systemd_joins_what_it_can() -> None:
    text = text_of(item("blue", {**WEB, "user": "nobody"}, types=("net", "ipc")))
    assert "User=nobody\n" in text
    assert 'ExecStart=:"/bin/sleep" "1000"\n' in text
    assert "NetworkNamespacePath=/run/netns/blue\n" in text
    assert "PrivateIPC=yes\nIPCNamespacePath=/run/ipcns/blue\n" in text
    assert "BindsTo=linux-namespaces@blue.service\nAfter=linux-namespaces@blue.service\n" in text


@pytest.mark.parametrize(
    ("version", "types", "joined"),
    [
        (241, ("net",), False),
        (242, ("net",), True),
        (247, ("net", "ipc"), False),
        (248, ("net", "ipc"), True),
        (258, ("user", "net"), False),
        (259, ("user", "net"), True),
        (999, ("net", "uts"), False),
    ],
)
def test_nsenter_joins_the_rest(version: int, types: tuple[str, ...], joined: bool) -> None:
    text = text_of(item("blue", WEB, types=types), units.Tools(version, "/sbin/nsenter"))
    assert ("NamespacePath=" in text) == joined
    assert ("/sbin/nsenter" in text) != joined
    if not joined:
        for name in types:
            assert f'"--{support.NSENTER[name]}=/run/{name}ns/blue"' in text


def test_services_that_can_not_be() -> None:
    unit, user = {"unit": "nginx.service"}, {**WEB, "user": "nobody"}
    for service, tools, words in (
        (unit, TOOLS, "systemd 252 has no directive for its uts namespace; give name and argv in place of unit"),
        (user, TOOLS, "nsenter(1) takes root; leave it out"),
        (WEB, units.Tools(252, None), "there is no nsenter(1); install util-linux"),
    ):
        with pytest.raises(NamespaceError, match=re.escape(words)):
            units.of_set(item("blue", service, types=("net", "uts")), tools)


def test_a_service_that_has_a_unit() -> None:
    path = f"{FOLDER}/nginx.service.d/{units.DROP_IN}"
    found = units.of_set(item("a+b", {"unit": "nginx.service"}), TOOLS)
    text = found[path]
    assert isinstance(text, bytes)
    assert b"BindsTo=linux-namespaces@a\\x2bb.service\n" in text
    assert bound.bound_to(found, ["blue", "a+b"]) == {"nginx.service": "a+b"}
    assert bound.bound_to({f"{FOLDER}/nginx.service": text}, ["a+b"]) == {}


@pytest.mark.parametrize("word", ["", "a b", 'a"b', "a\\b", "a'b", "50%n", "$HOME", ";", "a\nb\t", "ü€", "\udcff"])
def test_words_reach_the_service_as_they_are(word: str) -> None:
    """Read back as systemd.syntax(7) says, and without variables, as for the colon."""
    text = text_of(item("blue", {**WEB, "argv": ["/bin/echo", word]}))
    line = next(line for line in text.split("\n") if line.startswith("ExecStart="))
    assert line.startswith('ExecStart=:"/bin/echo" "')
    quoted = line[len('ExecStart=:"/bin/echo" "') : -1].replace("%%", "\0")
    assert "%" not in quoted
    assert '"' not in quoted
    read = re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found.group(1), 16)]), quoted.encode())
    assert os.fsdecode(read.replace(b"\0", b"%")) == word
