# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let ansible-test fetch now what its sanity tests need later, when there is no network.

ansible-test passes nothing of pip's configuration on but HOME, and fetches pip itself from a place of its own.
Here pip comes from the same index as everything else.
"""

from __future__ import annotations

import ast
import configparser
import os
import subprocess
import sys
import types
import typing as t
from pathlib import Path

from ansible_test._internal.python_requirements import get_venv_packages

if t.TYPE_CHECKING:
    from ansible_test._internal.host_configs import PythonConfig

HOME = Path(__file__).resolve().parent.parent / ".ansible/home"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]

GET_PIP = """\
import runpy, sys
sys.path.insert(0, {wheel!r})
sys.argv[1:] = ["install", "--no-index", {wheel!r}]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def keep_pip_configuration() -> None:
    """Write down what pip uses here, wherever it comes from, as the configuration of the tests' own home."""
    listed = subprocess.run([*PIP, "config", "list"], check=True, text=True, stdout=subprocess.PIPE)
    config = configparser.RawConfigParser()
    config["global"] = {}
    for line in listed.stdout.splitlines():
        name, value = line.split("=", 1)
        option = name.split(".", 1)[1]
        if option not in ("cache-dir", "config-file"):
            config["global"][option] = ast.literal_eval(value)
    target = HOME / ".config/pip/pip.conf"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w") as stream:
        config.write(stream)


def provide_pip() -> None:
    """Put a script that installs a wheel of pip where ansible-test keeps the one it would download."""
    python = types.SimpleNamespace(version="{}.{}".format(*sys.version_info))
    version = get_venv_packages(t.cast("PythonConfig", python))["pip"]
    cache = HOME / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    subprocess.run([*PIP, "download", "-qq", "--no-deps", "--dest", cache, f"pip=={version}"], check=True)
    script = GET_PIP.format(wheel=str(cache / f"pip-{version}-py3-none-any.whl"))
    (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(script)


def main() -> None:
    keep_pip_configuration()
    provide_pip()
    nox = Path(sys.executable).with_name("nox")
    primed = subprocess.run(
        [nox, "--session", "sanity", "--", "--prime-venvs"],
        env={**os.environ, "HOME": str(HOME)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if primed.returncode:
        sys.exit(primed.stdout)


if __name__ == "__main__":
    main()
