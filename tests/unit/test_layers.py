# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The floors: kernel, namespaces, plugin. Imports point downward only."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import typing as t
import zipfile
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.boot import archive as boot_archive

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
COLLECTION = ("ansible_collections", "linux", "namespaces", "plugins")
FLOORS = ("_kernel", "_namespaces", "_plugin")
LOWER_FLOORS = FLOORS[:2]
CONTROLLER = ("action", "become", "filter", "plugin_utils")
"""What never runs on a target: it knows the types, what is pure, and nothing else of what does."""
PURE = ("discovery.blind", "errors", "memory", "shown", "values")
IN_ONE_PLACE = {
    "ctypes": ("module_utils", "_kernel", "libc"),
    "pyroute2": ("module_utils", "_namespaces", "network", "codec"),
}


def imports(source: str, path: tuple[str, ...]) -> t.Iterator[str]:
    """The full names that the module at path (as seen from plugins) imports, wherever in it; ours start at plugins."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield relative_to_plugins(alias.name)
        elif isinstance(node, ast.ImportFrom):
            package = path[: len(path) - node.level] if node.level else ()
            parts = [*package, *(node.module or "").split(".")] if node.module else list(package)
            for alias in node.names:
                yield relative_to_plugins(".".join([*parts, alias.name]))
        elif isinstance(node, ast.Call) and called(node) in ("__import__", "import_module"):
            yield "an import by call"


def called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def relative_to_plugins(name: str) -> str:
    prefix = ".".join(COLLECTION) + "."
    return name[len(prefix) :] if name.startswith(prefix) else name


def is_allowed(name: str, path: tuple[str, ...]) -> bool:
    """Whether the module at path may import name."""
    top = name.split(".", 1)[0]
    if name == "an import by call":
        return False
    if top in IN_ONE_PLACE:
        return path == IN_ONE_PLACE[top]
    if path[0] == "modules":
        ours = tuple(f"module_utils.{floor}" for floor in ("_namespaces", "_plugin"))
        theirs = ("ansible.module_utils.basic", "ansible.module_utils.common.arg_spec")
        return is_standard(top) or in_packages(name, *ours, *theirs)
    if path[0] in CONTROLLER:
        return (
            is_standard(top)
            or name.startswith("ansible.")
            or in_packages(name, "plugin_utils", "module_utils._kernel.nstypes")
            or in_packages(name, *(f"module_utils._namespaces.{pure}" for pure in PURE))
        )
    floor = path[1] if len(path) > 1 else ""
    if floor in LOWER_FLOORS:
        below = LOWER_FLOORS[: LOWER_FLOORS.index(floor) + 1]
        return is_standard(top) or in_packages(name, *(f"module_utils.{item}" for item in below))
    return True


def is_standard(top: str) -> bool:
    return top in sys.stdlib_module_names


def in_packages(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def sources() -> list[Path]:
    return sorted(
        path for folder in ("module_utils", "modules", *CONTROLLER) for path in (PLUGINS / folder).rglob("*.py")
    )


def test_every_floor_is_there() -> None:
    for floor in FLOORS:
        assert list((PLUGINS / "module_utils" / floor).glob("*.py"))
    paths = (path.relative_to(PLUGINS / "module_utils") for path in (PLUGINS / "module_utils").rglob("*.py"))
    assert {path.parts[0] for path in paths} == {"__init__.py", *FLOORS}


knows_the_library = pytest.mark.skipif(
    sys.version_info < (3, 10), reason="reads the sources alone, for which it takes the module names of Python 3.10"
)


@knows_the_library
@pytest.mark.parametrize("source", sources(), ids=lambda path: str(path.relative_to(PLUGINS)))
def test_imports_point_downward(source: Path) -> None:
    path = source.relative_to(PLUGINS).with_suffix("").parts
    forbidden = [name for name in imports(source.read_text(), path) if not is_allowed(name, path)]
    assert forbidden == []


@knows_the_library
@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("module_utils/_kernel/mount", "import ctypes"),
        ("module_utils/_kernel/mount", "from .._namespaces import plan"),
        ("module_utils/_kernel/mount", "from ansible.module_utils.common.text.converters import to_text"),
        ("module_utils/_kernel/mount", "def late():\n    import yaml"),
        ("module_utils/_kernel/mount", "import importlib\nimportlib.import_module('yaml')"),
        ("module_utils/_namespaces/plan", "from .._plugin import outcome"),
        ("module_utils/_namespaces/plan", f"from {'.'.join(COLLECTION)}.module_utils import _plugin"),
        ("module_utils/_namespaces/network/plan", "from ..._plugin import outcome"),
        ("module_utils/_namespaces/network/read", "from pyroute2.netlink.rtnl.rtmsg import rtmsg"),
        ("module_utils/_plugin/outcome", "import ctypes"),
        ("modules/ns_exec", "from ..module_utils._kernel import mount"),
        ("modules/ns_exec", "from ansible.module_utils.urls import open_url"),
        ("modules/ns_exec", f"from {'.'.join(COLLECTION)}.plugin_utils import _facts"),
        ("filter/ns_tree", f"from {'.'.join(COLLECTION)}.module_utils._namespaces import named"),
        ("become/nsenter", "from ..module_utils._namespaces.handle import look"),
    ],
)
def test_the_rule_finds(path: str, source: str) -> None:
    parts = tuple(path.split("/"))
    assert not all(is_allowed(name, parts) for name in imports(source, parts))


def test_what_the_program_is_made_of_is_sent() -> None:
    """Ansible sends what is imported on the way from a module, and ns_boot makes the program out of that."""
    asked, sent = ["modules.ns_boot"], set()
    while asked:
        name = asked.pop()
        path = PLUGINS / f"{name.replace('.', '/')}.py"
        if name not in sent and path.exists():
            sent.add(name)
            found = [*imports(path.read_text(), tuple(name.split(".")))]
            asked += [*found, *(other.rpartition(".")[0] for other in found)]
    with zipfile.ZipFile(io.BytesIO(boot_archive.build())) as packed:
        needed = {name[: -len(".py")].partition("/")[2].replace("/", ".") for name in packed.namelist()}
    modules = {f"module_utils.{name}" for name in needed if name and not name.endswith("__init__")}
    assert modules - sent == set()


def test_lower_floors_work_from_a_zip(tmp_path: Path) -> None:
    """As the boot role runs them: no Ansible, no site-packages."""
    archive = tmp_path / "floors.zip"
    names = []
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("floors/__init__.py", "")
        for floor in LOWER_FLOORS:
            for path in sorted((PLUGINS / "module_utils" / floor).rglob("*.py")):
                inside = "floors" / path.relative_to(PLUGINS / "module_utils")
                target.write(path, inside)
                parts = inside.with_suffix("").parts
                names.append(".".join(parts[:-1] if path.name == "__init__.py" else parts))
    script = f"import sys; sys.path.insert(0, {str(archive)!r}); import {', '.join(names)}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
