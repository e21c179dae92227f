# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real modules inside, in real plays: where they ran is asked of the kernel. Nothing runs on the host instead."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.tests.unit import support

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
BLUE = {"ansible_nsenter_name": "blue"}
PORT = 4711

pytestmark = [
    pytest.mark.skipif(not PLAYBOOK.exists(), reason="needs ansible-core beside the Python that runs the tests"),
    pytest.mark.usefixtures("own_run"),
]
pipelining = pytest.mark.parametrize("pipelining", ["true", "false"])

Task = t.Dict[str, t.Any]


def play(
    folder: Path,
    tasks: t.Sequence[Task],
    variables: t.Mapping[str, t.Any] | None = None,
    options: t.Sequence[str] = (),
    keywords: t.Mapping[str, t.Any] | None = None,
    config: str = "",
    **environment: str,
) -> tuple[int, str]:
    """The status of a play with become, and what it says."""
    playbook = folder / "play.yml"
    playbook.write_text(
        json.dumps(
            [
                {
                    "hosts": "all",
                    "gather_facts": False,
                    "become": True,
                    "become_method": "linux.namespaces.nsenter",
                    "vars": BLUE if variables is None else variables,
                    "tasks": tasks,
                    **(keywords or {}),
                }
            ]
        )
    )
    (folder / "ansible.cfg").write_text(config)
    done = subprocess.run(
        [PLAYBOOK, "--inventory", "here,", "--connection", "local", *options, playbook],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "HOME": str(folder),
            "ANSIBLE_HOME": str(folder / ".ansible"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
            "ANSIBLE_ASYNC_DIR": str(folder / "async"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_NOCOLOR": "true",
            **environment,
        },
    )
    return done.returncode, done.stdout


def results(folder: Path, tasks: t.Mapping[str, Task], *arguments: t.Any, **more: t.Any) -> dict[str, t.Any]:
    """What the tasks return, by name. That is written by one that does not become anybody."""
    told = folder / "results"
    collect = {
        "ansible.builtin.copy": {"content": "{{ [%s] | to_json }}" % ", ".join(tasks), "dest": str(told)},
        "become": False,
    }
    listed = [{**task, "register": name} for name, task in tasks.items()]
    status, said = play(folder, [*listed, collect], *arguments, **more)
    assert status == 0, said
    return dict(zip(tasks, json.loads(told.read_text())))


def failures(folder: Path, tasks: t.Mapping[str, Task], *arguments: t.Any, **more: t.Any) -> dict[str, str]:
    """Why the tasks fail, by name. Each would leave a file."""
    left = folder / "left"
    listed = {name: {**command(f"touch {left}"), **task, "ignore_errors": True} for name, task in tasks.items()}
    found = results(folder, listed, *arguments, **more)
    assert not left.exists()
    assert all(found[name]["failed"] for name in tasks)
    return {name: found[name]["msg"] for name in tasks}


def command(text: str, **keywords: t.Any) -> Task:
    return {"name": "a name, and no set", "ansible.builtin.command": {"cmd": text}, **keywords}


def blue(kind: str = "net") -> str:
    return f"{kind}:[{support.at_handle(kind, 'blue').inode}]"


@contextlib.contextmanager
def serving(folder: Path) -> t.Iterator[None]:
    """A server inside, that nobody outside reaches."""
    (folder / "index.html").write_text("this is blue")
    script = f"python -m http.server --bind 127.0.0.1 --directory {folder} {PORT}".split()
    words = ["nsenter", "--net=/run/netns/blue", sys.executable, *script[1:]]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            yield
        finally:
            server.kill()


# ---- modules


@pipelining
def test_modules_in_a_network(pipelining: str, tmp_path: Path) -> None:
    support.brought("blue", types=["net", "uts"], hostname="blue")
    (tmp_path / "template").write_text("{{ ansible_nsenter_name }}")
    tasks: dict[str, Task] = {
        "facts": {"ansible.builtin.setup": {"gather_subset": ["!all", "network"]}},
        "run": command("readlink /proc/self/ns/net /proc/self/ns/uts"),
        "shell": {"ansible.builtin.shell": {"cmd": "uname -n; ls /sys/class/net | wc -l; ls /sys/fs/cgroup | wc -l"}},
        "raw": {"ansible.builtin.raw": "readlink /proc/self/ns/net"},
        "script": {"ansible.builtin.script": {"cmd": str(tmp_path / "script")}},
        "copied": {"ansible.builtin.copy": {"content": "{{ facts.changed }}", "dest": str(tmp_path / "copied")}},
        "templated": {
            "ansible.builtin.template": {"src": str(tmp_path / "template"), "dest": str(tmp_path / "templated")}
        },
        "waited": {"ansible.builtin.wait_for": {"port": PORT, "timeout": support.PATIENCE}},
        "answer": {"ansible.builtin.uri": {"url": f"http://127.0.0.1:{PORT}/", "return_content": True}},
        "later": command("readlink /proc/self/ns/net", **{"async": support.PATIENCE, "poll": 1}),
        "filter": {"ansible.builtin.iptables": {"chain": "INPUT", "policy": "DROP"}},
        "each": command(
            "readlink /proc/self/ns/net", loop=["net", "uts"], vars={"ansible_nsenter_types": "{{ item }}"}
        ),
    }
    (tmp_path / "script").write_text("#!/bin/sh\nreadlink /proc/self/ns/net\n")
    with serving(tmp_path):
        found = results(tmp_path, tasks, ANSIBLE_PIPELINING=pipelining)
    facts = found["facts"]["ansible_facts"]
    assert facts["ansible_interfaces"] == ["lo"]
    assert found["run"]["stdout_lines"] == [blue(), blue("uts")]
    name, links, cgroups = found["shell"]["stdout_lines"]
    assert (name, links, int(cgroups)) == ("blue", "1", len(os.listdir("/sys/fs/cgroup")))
    assert found["raw"]["stdout"].strip() == blue()
    assert found["script"]["stdout"].strip() == blue()
    assert (tmp_path / "copied").read_text() == "False"
    assert (tmp_path / "templated").read_text() == "blue"
    assert found["waited"]["state"] == "started"
    assert found["answer"]["content"] == "this is blue"
    assert found["later"]["stdout"] == blue()
    assert [item["stdout"] for item in found["each"]["results"]] == [blue(), os.readlink("/proc/self/ns/net")]
    inside = subprocess.run(
        ["nsenter", "--net=/run/netns/blue", "iptables", "-S", "INPUT"], check=True, stdout=subprocess.PIPE
    )
    assert inside.stdout == b"-P INPUT DROP\n"
    assert (
        subprocess.run(["iptables", "-S", "INPUT"], check=True, stdout=subprocess.PIPE).stdout == b"-P INPUT ACCEPT\n"
    )


@pipelining
def test_a_whole_set(pipelining: str, tmp_path: Path) -> None:
    types = ["mnt", "uts", "ipc", "net", "pid", "cgroup", "time"]
    support.brought("blue", types=types, hostname="blue")
    tasks: dict[str, Task] = {
        "run": command("sh -c 'for type in {}; do readlink /proc/self/ns/$type; done'".format(" ".join(types))),
        "facts": {"ansible.builtin.setup": {"gather_subset": ["!all"]}},
        "copied": {"ansible.builtin.copy": {"content": "inside", "dest": str(tmp_path / "copied")}},
        "later": command("readlink /proc/self/ns/net", **{"async": support.PATIENCE, "poll": 1}),
    }
    found = results(tmp_path, tasks, ANSIBLE_PIPELINING=pipelining)
    assert found["run"]["stdout_lines"] == [blue(kind) for kind in types]
    assert found["facts"]["ansible_facts"]["ansible_nodename"] == "blue"
    assert found["copied"]["changed"]
    assert found["later"]["stdout"] == blue()


def test_by_process_and_by_handle(tmp_path: Path) -> None:
    with support.inhabited("net", "uts") as pid:
        expected = [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("net", "uts")]
        tasks = {
            "process": command(
                "readlink /proc/self/ns/net /proc/self/ns/uts", vars={"ansible_nsenter_target_pid": pid}
            ),
            "handles": command(
                "readlink /proc/self/ns/net /proc/self/ns/uts",
                vars={"ansible_nsenter_handles": {kind: f"/proc/{pid}/ns/{kind}" for kind in ("net", "uts")}},
            ),
            "user": {
                "ansible.builtin.raw": "id -un",
                "vars": {"ansible_nsenter_target_pid": pid, "ansible_nsenter_user": "daemon"},
            },
        }
        found = results(tmp_path, tasks, {}, ANSIBLE_PIPELINING="true")
    assert found["process"]["stdout_lines"] == found["handles"]["stdout_lines"] == expected
    assert found["user"]["stdout"].strip() == "daemon"


@pipelining
def test_files_that_are_not_seen_inside(pipelining: str, tmp_path: Path) -> None:
    (tmp_path / "remote").mkdir()
    support.brought("blue", types=["mnt"], mounts=[{"path": str(tmp_path / "remote"), "fstype": "tmpfs"}])
    tasks: dict[str, Task] = {
        "copied": {"ansible.builtin.copy": {"content": "x", "dest": str(tmp_path / "copied")}},
        "later": command("true", **{"async": support.PATIENCE, "poll": 1}),
        "run": command("true"),
    }
    found = results(
        tmp_path,
        {name: {**task, "ignore_errors": True} for name, task in tasks.items()},
        ANSIBLE_PIPELINING=pipelining,
    )
    unseen = [name for name in tasks if "which can not be read inside; set ansible_pipelining" in str(found[name])]
    assert unseen == (["copied", "later"] if pipelining == "true" else list(tasks))
    assert found["run"]["failed"] == ("run" in unseen)


# ---- nowhere


NOWHERE: t.Mapping[str, tuple[Task, str]] = {
    "unnamed": ({}, "none is named"),
    "left_out": ({"name": "{{ omit }}"}, "cannot enter "),
    "two": ({"name": "blue", "target_pid": 1}, "ansible_nsenter_name and ansible_nsenter_target_pid are given"),
    "missing": ({"name": "green"}, "cannot enter the set green: there is no such set"),
    "stale": ({"name": "stale"}, "what is left of a handle whose mount is gone"),
    "lost": ({"name": "lost"}, "it has lost its net namespace: nothing is at /run/netns/lost"),
    "empty": ({"name": ""}, "it is empty; give it the name of a set"),
    "sysfs": ({"name": "blue", "sysfs": "perhaps"}, "'perhaps' is no boolean"),
    "lacking": ({"name": "blue", "types": ["net", "ipc"]}, "there is no ipc namespace at /run/ipcns/blue"),
    "no_types": ({"name": "blue", "types": []}, "it is empty, so nothing is left to enter"),
    "shared": ({"target_pid": os.getpid()}, "nothing is left to enter"),
    "ours": ({"handles": {"net": "/proc/self/ns/net"}}, "its net is the one that the task itself runs in"),
    "undefined": ({"name": "{{ nobody_says }}"}, "'nobody_says' is undefined"),
    "odd": ({"name": "$(touch left)"}, "is no name of a set"),
}


@pipelining
def test_nothing_runs_on_the_host(pipelining: str, tmp_path: Path) -> None:
    support.brought("blue", types=["net"])
    support.brought("lost", types=["net", "uts"])
    subprocess.run(["ip", "netns", "del", "lost"], check=True)
    Path("/run/netns/stale").touch()
    tasks = {
        name: {"vars": {f"ansible_nsenter_{option}": value for option, value in variables.items()}}
        for name, (variables, _expected) in NOWHERE.items()
    }
    found = failures(tmp_path, tasks, {}, ANSIBLE_PIPELINING=pipelining)
    assert {name: found[name] for name, (_variables, expected) in NOWHERE.items() if expected not in found[name]} == {}


REFUSED = "cannot use the option become_user as given: it is 'nobody'"


@pytest.mark.parametrize(
    "place",
    [
        {"keywords": {"become_user": "nobody"}},
        {"options": ["--become-user", "nobody"]},
        {"options": ["--extra-vars", "ansible_become_user=nobody"]},
        {"config": "[privilege_escalation]\nbecome_user = nobody\n"},
        {"ANSIBLE_BECOME_USER": "nobody"},
    ],
    ids=["keyword", "option", "extra", "ini", "environment"],
)
def test_become_user_is_refused(place: dict[str, t.Any], tmp_path: Path) -> None:
    support.brought("blue", types=["net"])
    assert REFUSED in failures(tmp_path, {"task": {}}, **place)["task"]


def test_become_user_of_a_task_is_refused(tmp_path: Path) -> None:
    support.brought("blue", types=["net"])
    tasks: dict[str, Task] = {
        "keyword": {"become_user": "nobody"},
        "template": {"become_user": "{{ 'nobody' }}"},
        "variable": {"vars": {"ansible_become_user": "nobody"}},
        "variable_wins": {"become_user": "root", "vars": {"ansible_become_user": "nobody"}},
    }
    for message in failures(tmp_path, tasks).values():
        assert REFUSED in message


def test_root_may_be_said(tmp_path: Path) -> None:
    """The login is root too, and core leaves out other plugins then."""
    support.brought("blue", types=["net"])
    tasks = {
        "keyword": command("readlink /proc/self/ns/net", become_user="root"),
        "variable": command("readlink /proc/self/ns/net", vars={"ansible_become_user": "root"}),
    }
    found = results(tmp_path, tasks, ANSIBLE_REMOTE_USER="root")
    assert [found[name]["stdout"] for name in tasks] == [blue(), blue()]


@pytest.mark.parametrize("inside", [True, False])
def test_the_example_tells_who_is_outside(inside: bool, tmp_path: Path) -> None:
    """As it is in the documentation, but for sudo, which may be missing here."""
    source = (ROOT / "plugins/become/nsenter.py").read_text()
    yaml = pytest.importorskip("yaml")
    examples = yaml.safe_load(source.split('EXAMPLES = r"""')[1].split('"""')[0])
    handle, here, compare = examples[0]["tasks"][:3]
    del handle["become_method"]
    handle["become"] = False
    support.brought("blue", types=["net"])
    status, said = play(tmp_path, [handle, {**here, "become": inside}, compare])
    assert status == (0 if inside else 2), said
    assert inside or "Assertion failed" in said
