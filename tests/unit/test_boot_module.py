# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_boot as a task calls it: what it refuses, what it writes, what it says where systemd does not do its part."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot import files
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot.places import LOCK, PROGRAM, PYTHON
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot.systemd import RUNS
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.directory import holding
from ansible_collections.linux.namespaces.plugins.modules import ns_boot
from ansible_collections.linux.namespaces.tests.unit.answer import Options, answer
from ansible_collections.linux.namespaces.tests.unit.booting import left, on_host, write
from ansible_collections.linux.namespaces.tests.unit.support import Background, at_handle, occupied, remount

pytestmark = pytest.mark.skipif(
    not os.path.exists(PYTHON) or shutil.which("systemctl") is None, reason="it takes systemctl(1) and a system Python"
)

BLUE: Options = {"name": "blue", "types": ["net"]}


def task(*sets: Options, check: bool = False, systemd: bool = True) -> Options:
    """What the module answers on a host where systemd is not, though it seems so: no unit ever starts."""
    if systemd:
        os.makedirs("/run/systemd/system", exist_ok=True)
    return answer(ns_boot.main, {"sets": list(sets), "_ansible_diff": True}, check=check)


def refusal(*sets: Options, **arguments: t.Any) -> str:
    def work() -> str:
        before = left()
        result = task(*sets, **arguments)
        assert result["failed"]
        assert not {"sets", "failed_sets", "exception"} & result.keys(), result
        assert left() == before
        return str(result["msg"])

    return on_host(work)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("name", {"types": ["net"]}),
        ("sets.name", {"name": "a/b"}),
        ("sets.name", {"name": "."}),
        ("declare set blue option types", {"name": "blue"}),
        ("types", {**BLUE, "types": ["bogus"]}),
        ("color", {**BLUE, "color": "blue"}),
        ("state", {**BLUE, "state": "reset"}),
        ("sets[blue].types absent", {**BLUE, "state": "absent"}),
        ("sets[blue].services absent", {"name": "blue", "state": "absent", "services": []}),
        ("declare set blue network links", {**BLUE, "network": {"links": 5}}),
        ("declare set blue network color", {**BLUE, "network": {"color": 5}}),
        ("declare set blue network name", {**BLUE, "network": {"links": [{}]}}),
        ("declare set blue network net", {"name": "blue", "types": ["uts"], "network": {"links": []}}),
        ("declare set blue services[0].argv", {**BLUE, "services": [{"name": "web"}]}),
        ("restart", {**BLUE, "services": [{"name": "web", "argv": ["/bin/true"], "restart": "perhaps"}]}),
        ("argv '/bin/sleep 1' items", {**BLUE, "services": [{"name": "web", "argv": "/bin/sleep 1"}]}),
        ("NUL", {**BLUE, "services": [{"name": "web", "argv": ["/bin/echo", "a\0"]}]}),
    ],
)
def test_bad_options(words: str, options: Options) -> None:
    for check in (False, True):
        message = refusal(options, check=check)
        assert [word for word in words.split() if word not in message] == []


def test_a_set_that_is_named_twice() -> None:
    assert "blue is named twice" in refusal(BLUE, {"name": "blue", "state": "absent"})


def test_a_host_without_systemd() -> None:
    assert "systemd is not PID 1 here (there is no /run/systemd/system)" in refusal(BLUE, systemd=False)


def test_check_mode_changes_nothing_and_tells_all() -> None:
    def work() -> None:
        before = left()
        result = task(BLUE, check=True)
        assert (result["changed"], result["failed_sets"]) == (True, [])
        unit = "linux-namespaces@blue.service"
        assert result["sets"] == [
            {"name": "blue", "unit": unit, "changes": ["create the net namespace", f"start {unit}"]}
        ]
        assert "/etc/linux-namespaces/blue.json" in result["files"]
        (shown,) = (item for item in result["diff"] if item["after_header"] == "/etc/linux-namespaces/blue.json")
        assert (shown["before"], json.loads(shown["after"])["types"]) == ("", ["net"])
        assert not any(item["after_header"] == PROGRAM for item in result["diff"])
        assert left() == before
        assert not os.path.exists("/run/netns")

    on_host(work)


def test_what_it_installs_works_by_itself() -> None:
    """The sets are there, the program brings them back, and it is said that systemd did not start their units."""

    def work() -> None:
        result = task(BLUE, {"name": "a+b", "types": ["uts"], "hostname": "box"})
        assert result["changed"]
        assert [item["name"] for item in result["failed_sets"]] == ["blue", "a+b"]
        assert "linux-namespaces@blue.service did not start" in result["msg"]
        first = at_handle("net", "blue")
        again = task(BLUE)
        assert again["files"] == []
        assert at_handle("net", "blue") == first
        run = [PYTHON, "-I", PROGRAM]
        subprocess.run([*run, "remove"], check=True, stdout=subprocess.DEVNULL)
        assert not os.path.exists("/run/netns")
        subprocess.run([*run, "apply"], check=True, stdout=subprocess.DEVNULL)
        assert os.listdir("/run/netns") == ["blue"]
        assert os.listdir("/run/utsns") == ["a+b"]
        gone = task({"name": "blue", "state": "absent"})
        assert (gone["failed_sets"], gone["changed"]) == ([], True)
        assert os.listdir("/run/utsns") == ["a+b"]
        assert not os.path.exists("/run/netns")
        assert "blue" not in "".join(left())
        assert not task({"name": "a+b", "state": "absent"}).get("failed")
        assert files.found() == {}
        assert not [path for path in left() if "linux-namespaces" in path]
        assert task({"name": "a+b", "state": "absent"})["changed"] is False

    on_host(work)


def test_a_set_that_can_not_be_is_not_declared_and_stays_as_it_was() -> None:
    def work() -> None:
        good: Options = {"name": "blue", "types": ["uts"], "hostname": "one"}
        task(good)
        text = Path("/etc/linux-namespaces/blue.json").read_text()
        bad = {**good, "hostname": "x" * 65}
        late: Options = {"name": "late", "types": ["uts"], "services": [{"unit": "web.service"}]}
        result = task(bad, {"name": "new", "types": ["uts"], "hostname": ""}, late)
        messages = {item["name"]: item["msg"] for item in result["failed_sets"]}
        assert "hostname" in messages["blue"]
        assert "hostname" in messages["new"]
        assert "has no directive for its uts namespace" in messages["late"]
        assert Path("/etc/linux-namespaces/blue.json").read_text() == text
        assert os.listdir("/run/utsns") == ["blue"]

    on_host(work)


def test_one_in_use_stays_declared() -> None:
    def work() -> None:
        task(BLUE, {"name": "green", "types": ["net"]})
        with occupied("blue", "net"):
            result = task({"name": "blue", "state": "absent"}, {"name": "green", "state": "absent"})
        assert [item["name"] for item in result["failed_sets"]] == ["blue"]
        assert "processes are in it" in result["msg"]
        assert os.listdir("/etc/linux-namespaces") == ["blue.json"]
        assert os.listdir("/run/netns") == ["blue"]

    on_host(work)


def test_what_nobody_can_read_stays_and_is_told() -> None:
    """Of another set; of the one that is asked for it is written again."""

    def work() -> None:
        task(BLUE, {"name": "green", "types": ["net"]})
        before = files.found()
        write("green", "{")
        result = task(BLUE)
        assert result["files"] == []
        assert len(result["warnings"]) == 1
        assert "cannot read /etc/linux-namespaces/green.json: it is torn" in str(result["warnings"])
        result = task({"name": "green", "types": ["net"]})
        assert result["files"] == ["/etc/linux-namespaces/green.json"]
        assert files.found() == before

    on_host(work)


def test_all_that_somebody_should_know_is_told() -> None:
    """The program tells it of each set under the same name."""

    def work() -> None:
        warnings = task({"name": "blue", "types": ["pid"]}, {"name": "green", "types": ["pid"]})["warnings"]
        expected = [f"the init of {name} stays in the cgroup of the task" for name in ("blue", "green")]
        assert [words for words, told in zip(expected, warnings) if words in str(told)] == expected
        task({"name": "blue", "state": "absent"}, {"name": "green", "state": "absent"})

    on_host(work)


def test_a_unit_that_two_sets_ask_for() -> None:
    """It stays where it is, until that set lets go of it."""

    def work() -> None:
        green, web = {**BLUE, "name": "green"}, {"services": [{"unit": "web.service"}]}
        drop_in = Path("/etc/systemd/system/web.service.d/linux-namespaces.conf")

        def owner() -> str:
            return drop_in.read_text().partition("BindsTo=linux-namespaces@")[2].partition(".service")[0]

        def taken(*sets: Options) -> list[str]:
            return [item["name"] for item in task(*sets)["failed_sets"] if "runs in the set" in item["msg"]]

        for check in (True, False):
            (bad,) = (item for item in task({**BLUE, **web}, {**green, **web}, check=check)["failed_sets"][-1:])
            assert bad["name"] == "green"
            assert bad["msg"] == "cannot run web.service in the set green: it runs in the set blue"
        assert os.listdir("/etc/linux-namespaces") == ["blue.json"]
        assert taken({**green, **web}) == ["green"]
        assert owner() == "blue"
        assert taken({**BLUE, **web}, green) == []
        assert taken({**green, **web}, BLUE) == []
        assert owner() == "green"
        assert taken({**BLUE, **web}, {"name": "green", "state": "absent"}) == []
        assert owner() == "blue"
        write("blue", "{")
        assert taken({**green, **web}) == ["green"]
        os.unlink("/etc/linux-namespaces/blue.json")
        assert taken({**green, **web}) == []
        assert owner() == "green"

    on_host(work)


@pytest.mark.parametrize("text", ["{", '{"version": 2}'])
def test_what_is_bound_to_a_set_that_nobody_can_read_stays_so(text: str) -> None:
    """It would else run on the host."""

    def work() -> None:
        task({**BLUE, "services": [{"unit": "web.service"}]}, {"name": "green", "types": ["net"]})
        before = files.found()
        assert "/etc/systemd/system/web.service.d/linux-namespaces.conf" in before
        write("blue", text)
        assert task({"name": "green", "types": ["net"]})["files"] == []
        assert task({"name": "green", "state": "absent"})["files"] == [
            "/etc/systemd/system/linux-namespaces.service.wants/linux-namespaces@green.service",
            "/etc/linux-namespaces/green.json",
        ]
        task({"name": "blue", "state": "absent"})
        assert files.found() == {}

    on_host(work)


def test_two_tasks_come_one_after_the_other() -> None:
    """Where one takes the last set away, and with it what is shared, the other one must not have looked yet."""

    def work() -> None:
        with holding(LOCK) as lock:

            def other() -> Options:
                os.close(lock)  # as a child it would have the lock itself
                return task(BLUE)

            waiting = Background(other)
            time.sleep(1)
            assert left() == []
        assert "/etc/linux-namespaces/blue.json" in waiting.result()["files"]
        assert not os.path.exists(LOCK)

    on_host(work)


def test_nobody_else_can_exchange_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Wherever the directory for temporary files is, in which others may do so where it is not sticky."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = tmp_path.stat().st_mtime_ns
    assert not on_host(lambda: task(BLUE, check=True)["failed_sets"])
    assert tmp_path.stat().st_mtime_ns == before


def test_nobody_else_can_make_a_task_wait() -> None:
    """Whoever can open something can have a lock of it."""

    def work() -> None:
        os.makedirs(RUNS)
        for folder, _folders, _files in os.walk("/run"):
            os.chmod(folder, 0o755)
        os.umask(0)
        with holding(LOCK):
            Path(LOCK, "left").touch()  # for it to stay as it was made

        def lock_all() -> None:
            os.setgroups([])
            os.setresgid(1, 1, 1)
            os.setresuid(1, 1, 1)
            for folder, _folders, _files in os.walk("/run"):
                with contextlib.suppress(PermissionError):
                    fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_EX)
            os.write(ready, b".")
            signal.pause()

        told, ready = os.pipe()
        stranger = Background(lock_all)
        assert os.read(told, 1)
        assert "/etc/linux-namespaces/blue.json" in Background(lambda: task(BLUE), 30).result()["files"]
        os.kill(stranger.pid, signal.SIGKILL)
        os.waitpid(stranger.pid, 0)

    on_host(work)


def test_an_etc_that_can_not_be_written() -> None:
    def work() -> None:
        remount("/etc", "ro")
        result = task(BLUE)
        assert "EROFS" in result["msg"]
        assert "remount it read-write" in result["msg"]
        assert not os.path.exists("/run/netns")
        assert not os.path.exists(PROGRAM)

    on_host(work)
