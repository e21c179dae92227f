# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make test` runs, the session `units` beside the others; `make test SESSION=units ARGS='-k name'` runs one.

Everything runs in the one environment that `make fetch` made, so no session has an environment of its own.
"""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import nox
from nox.command import CommandFailed

ROOT = Path(__file__).parent
COLLECTIONS = ROOT / ".ansible/collections"
PAIRS = ("host-0,host-3", "host-1,host-2")
"""Of the lab: in each the users and the pipelining differ."""

nox.options.default_venv_backend = "none"
nox.options.error_on_external_run = False

os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
if not sys.stdout.isatty():
    os.environ.setdefault("NO_COLOR", "1")
os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(COLLECTIONS)
os.environ.setdefault("HOSTS_INVENTORY", str(ROOT / "extensions/molecule/inventory.yml"))
os.environ.setdefault("HOSTS_LIMIT", "all")
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(ROOT / ".ansible/hypothesis")


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff, ansible-lint, the documentation, the changelog fragments, the licences."""
    commands = (
        ("ruff", "check"),
        ("ruff", "format", "--check", "--diff"),
        ("ansible-lint",),
        ("antsibull-docs", "lint-collection-docs", "--plugin-docs", "."),
        ("antsibull-changelog", "lint"),
        ("reuse", "lint", "--lines"),
    )
    failed = []
    for command in commands:
        try:
            session.run(*command)
        except CommandFailed:
            failed.append(" ".join(command))
    if failed:
        session.error(", ".join(failed))


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strictly, of the plugins and the tests."""
    session.run("mypy", *session.posargs, env={"MYPYPATH": str(COLLECTIONS)})


@nox.session
def sanity(session: nox.Session) -> None:
    """ansible-test, which wants the checkout to be in a folder of its name, not behind a link."""
    place = ROOT / ".ansible/sanity/ansible_collections/linux/namespaces"
    place.mkdir(parents=True, exist_ok=True)
    script = 'mount --bind "$1" "$2"; cd "$2"; shift 2; exec ansible-test sanity --color no "$@"'
    session.run(
        *("unshare", "--mount", "--propagation", "private", "sh", "-ec", script, "sanity"),
        *(str(ROOT), str(place), *session.posargs),
        env={"PATH": ":".join(without_shims(os.environ["PATH"].split(":")))},
    )


def without_shims(folders: list[str]) -> t.Iterator[str]:
    """What pyenv has instead of its shims: ansible-test tries every Python, and the shim of an unused one fails."""
    for folder in map(Path, folders):
        versions = folder.parent / "versions"
        if folder.name == "shims" and versions.is_dir():
            yield from map(str, sorted(versions.glob("3.*/bin")))
        else:
            yield str(folder)


@nox.session
def units(session: nox.Session) -> None:
    """Pytest. Apart from it what runs on the controller, whose part of ansible-core changes what modules do.

    Then with the oldest pyroute2 what it is for: the messages, a network that is made of them, one that is looked at.
    """
    session.run("pytest", *session.posargs)
    if not session.posargs:
        session.run("pytest", "tests/controller")
        files = [f"tests/unit/test_{name}.py" for name in ("network_codec", "network", "networks")]
        oldest = {"PYTHONPATH": str(ROOT / ".ansible/pyroute2"), "PYROUTE2_VERSION": "0.7.2"}
        session.run("pytest", *files, env=oldest)


@nox.session
def molecule(session: nox.Session) -> None:
    """The scenarios below extensions/molecule, on this machine."""
    session.run("molecule", "test", *(session.posargs or ["--all"]))


@nox.session(default=False)
def hosts(session: nox.Session) -> None:
    """The same over ssh on hosts that are booted for it, as root and by sudo, with pipelining and without."""
    if not session.posargs:
        session.run("pytest", "tests/lab")
    root = ROOT / os.environ.get("LAB_ROOT", ".ansible/lab/root")
    lab = ("python", "tests/lab/hosts.py", str(root), "4")
    session.run(*lab, "nox", "--non-interactive", "--session", "on_hosts", "--", *session.posargs)


@nox.session(default=False)
def on_hosts(session: nox.Session) -> None:
    """What `hosts` runs with their inventory: the scenarios take turns with the pairs, one that is named has all."""
    os.environ["HOSTS_INVENTORY"] = os.environ["ANSIBLE_INVENTORY"]
    adhoc = ("ansible", "all", "--module-name", "linux.namespaces.ns_exec", "--args")
    said = str(session.run(*adhoc, "unshare=uts hostname=inside cmd='uname -n'", silent=True))
    if said.count("stdout: inside") != 4:
        session.error(f"ns_exec did not run ad hoc on all hosts: {said}")
    if session.posargs:
        molecule(session)
        return
    scenarios = sorted({path.parent.name for path in ROOT.glob("extensions/molecule/*/molecule.yml")} - {"default"})
    for number, pair in enumerate(PAIRS):
        names = (f"--scenario-name={name}" for name in scenarios[number :: len(PAIRS)])
        session.run("molecule", "test", *names, env={"HOSTS_LIMIT": pair})
