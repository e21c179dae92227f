# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_network in real plays: who comes back to confirm what it changed, and what becomes of it where nobody does."""

from __future__ import annotations

import os
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.memory import MEMORY
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.test_become_play import PLAYBOOK, Task, play

pytestmark = [
    pytest.mark.skipif(not PLAYBOOK.exists(), reason="needs ansible-core beside the Python that runs the tests"),
    pytest.mark.usefixtures("own_run"),
]

LOST = """
import os
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local
DOCUMENTATION = "{name: lost, short_description: a host that is lost with a link, options: {}}"
class Connection(Local):
    transport = "lost"
    def exec_command(self, *arguments, **more):
        if os.path.exists("/run/netns/blue") and b"br0" in __import__("subprocess").run(
            ["ip", "-n", "blue", "-br", "link"], stdout=-1
        ).stdout:
            raise AnsibleConnectionFailure("no way to get there")
        return super().exec_command(*arguments, **more)
"""
UNHEARD = """
import os
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection.local import Connection as Local
DOCUMENTATION = "{name: unheard, short_description: a host whose first answer is lost, options: {}}"
LOST = os.path.dirname(__file__) + "/lost"
class Connection(Local):
    transport = "unheard"
    def exec_command(self, *arguments, **more):
        answer = super().exec_command(*arguments, **more)
        # What changes something is not yet confirmed.
        if b'"changed": false' in answer[1] and not os.path.exists(LOST):
            open(LOST, "w").close()
            raise AnsibleConnectionFailure("no way back")
        return answer
"""
BRIDGE = {"name": "blue", "links": [{"name": "br0", "type": "bridge"}]}


@pytest.fixture(autouse=True)
def blue(own_run: None) -> None:
    """A set with a network namespace."""
    assert own_run is None
    support.brought("blue", types=["net"])


def run(folder: Path, *tasks: Task, connection: str = "local", **environment: str) -> tuple[int, str]:
    keywords = {"become": False, "connection": connection}
    return play(folder, tasks, {}, keywords=keywords, **environment)


def network(**options: t.Any) -> Task:
    return {"linux.namespaces.ns_network": {**BRIDGE, **options}}


def waiting() -> list[str]:
    """The sockets of those who wait."""
    return [name for name in os.listdir(MEMORY) if name.startswith("confirm")] if os.path.isdir(MEMORY) else []


def links() -> str:
    return subprocess.check_output(["ip", "-n", "blue", "-br", "link"], text=True)


def test_the_controller_comes_back(tmp_path: Path) -> None:
    status, said = run(tmp_path, network(confirm=5))
    assert status == 0, said
    assert "confirm" not in said
    time.sleep(6)
    assert "br0" in links()
    assert waiting() == []


def test_a_host_whose_answer_is_lost_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "unheard.py").write_text(UNHEARD)
    status, said = run(tmp_path, network(confirm=9), connection="unheard", ANSIBLE_CONNECTION_PLUGINS=str(tmp_path))
    assert (tmp_path / "lost").exists()
    assert status == 0, said
    assert "br0" in links()


def test_a_host_that_is_lost_comes_back(tmp_path: Path) -> None:
    (tmp_path / "lost.py").write_text(LOST)
    status, said = run(tmp_path, network(confirm=5), connection="lost", ANSIBLE_CONNECTION_PLUGINS=str(tmp_path))
    assert status == 2, said
    assert (
        "the change was not confirmed: cannot keep the change: the time is over, and it is taken back; see whether"
        in said
    )
    assert "br0" not in links()


def test_check_mode_waits_for_nobody(tmp_path: Path) -> None:
    status, said = run(tmp_path, {**network(confirm=5), "check_mode": True})
    assert status == 0, said
    assert "br0" not in links()
    assert waiting() == []


def test_nothing_to_do_waits_for_nobody(tmp_path: Path) -> None:
    status, said = run(tmp_path, network(), network(confirm=5))
    assert (status, said.count("changed: [here]")) == (0, 1), said
    assert waiting() == []


def test_an_async_task_can_not_be_confirmed(tmp_path: Path) -> None:
    status, said = run(tmp_path, {**network(confirm=5), "async": 30, "poll": 1})
    assert status == 2, said
    assert "nobody comes back to confirm an async task" in said
    assert "br0" not in links()


def test_async_without_that(tmp_path: Path) -> None:
    status, said = run(tmp_path, {**network(), "async": 30, "poll": 1})
    assert status == 0, said
    assert "br0" in links()
