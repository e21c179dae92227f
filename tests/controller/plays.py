# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several hosts, as far as Ansible can tell: most are this one, some answer what they are told to, some never do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent

Host = t.Dict[str, t.Any]
Task = t.Dict[str, t.Any]

# What every host returned, by task, as one line of JSON each: no callback of core's own says it all.
TELLER = """
import json, os
from ansible.plugins.callback import CallbackBase
DOCUMENTATION = "{name: teller, type: aggregate, short_description: what tasks return, options: {}}"
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME, CALLBACK_NEEDS_ENABLED = 2.0, "aggregate", "teller", True
    def tell(self, result, **more):
        told = [result._task.get_name(), result._host.get_name(), result._result]
        with open(os.environ["TOLD"], "a") as file:
            file.write(json.dumps(told, default=str) + "\\n")
    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_unreachable = tell
    def v2_playbook_on_stats(self, stats):
        recap = {host: stats.summarize(host) for host in stats.processed}
        with open(os.environ["TOLD"], "a") as file:
            file.write(json.dumps(["", "", recap]) + "\\n")
"""


def unreachable() -> Host:
    """One where nobody listens."""
    return {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
        "ansible_ssh_args": "-o ControlMaster=no",
    }


def answering(folder: Path, answer: t.Any = None, script: str | None = None) -> Host:
    """One whose Python says this whatever it is given, or does that."""
    kept = folder / "answers"
    kept.mkdir(exist_ok=True)
    number = len(os.listdir(kept))
    if script is None:
        (kept / f"{number}.json").write_text(json.dumps(answer))
        script = f"cat {kept}/{number}.json"
    program = kept / f"{number}.sh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"ansible_python_interpreter": str(program), "ansible_pipelining": True}


class Fleet:
    """An inventory, and what came of the last play with it."""

    def __init__(self, folder: Path, hosts: t.Mapping[str, Host]) -> None:
        self.folder = folder
        self.status = 0
        self.said = ""
        self._told = folder / "told"
        defaults = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        listed = {name: {**defaults, **host} for name, host in hosts.items()}
        self.inventory = folder / "hosts.json"
        self.inventory.write_text(json.dumps({"all": {"hosts": listed}}))
        (folder / "teller.py").write_text(TELLER)
        (folder / "ansible.cfg").touch()
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "ANSIBLE_HOME": str(folder / ".ansible"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
            "ANSIBLE_CALLBACK_PLUGINS": str(folder),
            "ANSIBLE_CALLBACKS_ENABLED": "teller",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_ENABLED": "ansible.builtin.yaml",
            "TOLD": str(self._told),
        }

    def play(self, tasks: t.Sequence[Task], *options: str, **keywords: t.Any) -> None:
        """Run the tasks on all hosts."""
        playbook = self.folder / "play.yml"
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks, **keywords}]))
        self.run(str(playbook), *options)

    def run(self, playbook: str, *options: str) -> None:
        """Run a playbook, from the folder."""
        self._told.unlink(missing_ok=True)
        done = subprocess.run(
            [BIN / "ansible-playbook", "--inventory", self.inventory, "--forks", "20", playbook, *options],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=self.environment,
        )
        self.status, self.said = done.returncode, done.stdout

    def results(self) -> dict[str, dict[str, t.Any]]:
        """What the tasks of the last play returned, by their name and the host's."""
        found: dict[str, dict[str, t.Any]] = {}
        for task, host, told in self._lines():
            if task:
                found.setdefault(task, {})[host] = told
        return found

    def recap(self) -> dict[str, str]:
        """As what Ansible counts each host."""
        recap = [*self._lines()][-1][-1]
        return {
            host: next((state for state in ("unreachable", "failures") if counts[state]), "ok").replace(
                "failures", "failed"
            )
            for host, counts in recap.items()
        }

    def kept(self, report_dir: str = "audit") -> dict[str, t.Any]:
        """The results on disk, by host."""
        files = (self.folder / report_dir / "hosts").iterdir()
        return {found["host"]: found for found in (json.loads(file.read_text()) for file in files)}

    def _lines(self) -> list[t.Any]:
        return [json.loads(line) for line in self._told.read_text().splitlines()]
