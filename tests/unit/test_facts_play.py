# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_facts where Ansible gathers facts by itself, and keeps them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.tests.unit import support

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")

pytestmark = pytest.mark.skipif(
    not PLAYBOOK.exists(), reason="needs ansible-core beside the Python that runs the tests"
)

# With a second play that gathers nothing: what is known then comes from where facts are kept.
PLAY = """
- hosts: all
  gather_facts: {gather}
  tasks:
    - ansible.builtin.debug:
        msg: "{{{{ [ansible_facts.linux_namespaces.own.uts, ansible_facts.linux_namespaces.schema] | to_json }}}}"
"""


def play(folder: Path, gather: bool, **environment: str) -> str:
    """What a play with gathered facts knows of the namespaces."""
    playbook = folder / "play.yml"
    playbook.write_text(PLAY.format(gather=str(gather).lower()))
    done = subprocess.run(
        [PLAYBOOK, "--inventory", "here,", "--connection", "local", playbook],
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "HOME": str(folder),
            "ANSIBLE_HOME": str(folder / ".ansible"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
            "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            **environment,
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def known(said: str) -> t.Any:
    (line,) = (line for line in said.splitlines() if '"msg":' in line)
    return json.loads(json.loads("{" + line + "}")["msg"])


@pytest.mark.parametrize("modules", ["linux.namespaces.ns_facts", "smart,linux.namespaces.ns_facts"])
def test_it_is_gathered_and_kept(modules: str, tmp_path: Path) -> None:
    own = [support.own_identity("uts").inode, 1]
    kept = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(tmp_path / "kept")}
    said = play(tmp_path, True, ANSIBLE_FACTS_MODULES=modules, **kept)
    assert known(said) == own
    assert "WARNING" not in said
    assert known(play(tmp_path, False, **kept)) == own
    shutil.rmtree(tmp_path / "kept")
    with pytest.raises(AssertionError, match="linux_namespaces"):
        play(tmp_path, False, **kept)
