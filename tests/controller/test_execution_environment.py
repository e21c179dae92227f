# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-builder makes of the definition of an image, and what it installs for the collection in another's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
pytest.importorskip("ansible_builder", reason="there is no ansible-builder for this Python")


def run(*argv: str | Path, cwd: Path) -> str:
    program, *arguments = argv
    there = Path(sys.executable).with_name(str(program))
    done = subprocess.run([there, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_our_own_image(tmp_path: Path) -> None:
    """As it would be built, but for the packages of others."""
    for name in ("execution-environment.yml", "bindep.txt"):
        shutil.copy(ROOT / name, tmp_path)
    run("ansible-galaxy", "collection", "build", ROOT, "--output-path", tmp_path, cwd=tmp_path)
    said = run("ansible-builder", "create", "--output-filename", "Containerfile", cwd=tmp_path)
    assert "No matches" not in said
    context = tmp_path / "context"
    assert (context / "_build/bindep.txt").read_text() == (ROOT / "bindep.txt").read_text()
    steps = (context / "Containerfile").read_text().splitlines()
    copy, install = (step for step in steps if "/tmp/collection" in step)
    source, folder = copy.split()[1:]
    installed = tmp_path / "installed"
    command = install.partition("RUN ")[2].replace(folder, str(context / source))
    command = command.replace("/usr/share/ansible/collections", str(installed))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(installed)}
    subprocess.run(["sh", "-ec", command], cwd=tmp_path, env=environment, check=True)
    there = installed / "ansible_collections/linux/namespaces"
    assert (there / "plugins/modules/ns_facts.py").is_file()
    assert not (there / "noxfile.py").exists()


def test_images_of_others(tmp_path: Path) -> None:
    there = tmp_path / "ansible_collections/linux/namespaces"
    shutil.copytree(ROOT / "meta", there / "meta")
    for name in ("bindep.txt", "galaxy.yml"):
        shutil.copy(ROOT / name, there)
    said = yaml.safe_load(run("ansible-builder", "introspect", tmp_path, cwd=tmp_path))
    assert [line.split()[0] for line in said["system"]] == ["openssh-clients", "openssh-client", "sshpass"]
    assert said.get("python", {}) in ({}, [])
