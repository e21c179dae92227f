# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_facts where Ansible gathers facts by itself, and keeps them."""

from __future__ import annotations

import json
import os
import re
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


# What the filters say is kept as a fact, and used once more.
FILTERED = """
- hosts: all
  gather_facts: false
  tasks:
    - linux.namespaces.ns_facts:
        inode: {inode}
    - ansible.builtin.set_fact:
        holders: "{{{{ facts | linux.namespaces.ns_holders }}}}"
        tree: "{{{{ facts | linux.namespaces.ns_tree }}}}"
        drift: "{{{{ facts | combine(dict(namespaces=[])) | linux.namespaces.ns_diff(facts) }}}}"
      vars:
        facts: "{{{{ ansible_facts.linux_namespaces }}}}"
    - ansible.builtin.debug:
        msg: "{{{{ [holders, tree, drift.added[0].hostname, drift.added[0].leader.comm] | to_json }}}}"
"""


def play(folder: Path, gather: bool, **environment: str) -> str:
    """What a play with gathered facts knows of the namespaces."""
    return said_by(folder, PLAY.format(gather=str(gather).lower()), **environment)


def said_by(folder: Path, text: str, **environment: str) -> str:
    """What a playbook says that succeeds."""
    playbook = folder / "play.yml"
    playbook.write_text(text)
    done = run(folder, playbook, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run(folder: Path, playbook: str | Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PLAYBOOK, "--inventory", "here,", "--connection", "local", playbook, *options],
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


def test_what_the_host_says_is_no_template(tmp_path: Path) -> None:
    """A process is called as its owner likes, and so is the host in a namespace of his."""
    evil = "{{ 6 * 7 }}"

    def prepare() -> None:
        Path("/proc/sys/kernel/hostname").write_text(evil)
        Path("/proc/self/comm").write_text(evil)

    with support.inhabited("uts", prepare=prepare) as pid:
        inode = support.identity(pid, "uts").inode
        holders, tree, hostname, comm = known(said_by(tmp_path, FILTERED.format(inode=inode)))
    assert (hostname, comm) == (evil, evil)
    assert evil in holders
    assert evil in tree


# ---- the playbook why


def why(folder: Path, **variables: object) -> subprocess.CompletedProcess[str]:
    options = (f"--extra-vars={json.dumps({name: value})}" for name, value in variables.items())
    return run(folder, "linux.namespaces.why", *options)


@pytest.mark.parametrize("narrowed", ["pid", "inode", "path"])
def test_why_a_namespace_is_there(narrowed: str, tmp_path: Path) -> None:
    with support.inhabited("uts") as pid:
        inode = support.identity(pid, "uts").inode
        value = {"pid": pid, "inode": f"uts:[{inode}]", "path": f"/proc/{pid}/ns/uts"}[narrowed]
        done = why(tmp_path, types="uts", **{narrowed: value})
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"(\w+) .*\[(\d+)\]  1 process", done.stdout) == [("uts", str(inode))]
    assert "scan complete" in done.stdout


def test_why_all_of_some_types_are_there(tmp_path: Path) -> None:
    done = why(tmp_path, types="uts,ipc")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {*re.findall(r"\"(\w+) .*\[\d+\]  ", done.stdout)} == {"uts", "ipc"}


@pytest.mark.parametrize("variables", [{}, {"nmae": "blue"}, {"pid": 1, "inode": 1}])
def test_why_what_is_not_said(variables: dict[str, object], tmp_path: Path) -> None:
    done = why(tmp_path, **variables)
    assert done.returncode != 0
    assert "one of the variables name, pid, path, inode and id" in done.stdout
    assert "Look at the host" not in done.stdout
