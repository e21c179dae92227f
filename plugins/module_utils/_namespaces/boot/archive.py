# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The program as one file, made of the code that makes it: a zip that Python runs, of the modules that it needs."""

from __future__ import annotations

import ast
import io
import pkgutil
import typing as t
import zipfile

# Ansible sends what is imported.
from .. import payload
from . import program

_PACKAGE = "linux_namespaces"
_ROOT = __name__.rsplit(".", 3)[0]
_PAYLOAD, _PROGRAM = (module.__name__[len(_ROOT) + 1 :] for module in (payload, program))
_MAIN = f"""\
import sys

from {_PACKAGE}.{_PAYLOAD} import start_quickly

start_quickly()

from {_PACKAGE}.{_PROGRAM} import main

sys.exit(main(sys.argv[1:]))
"""


def build() -> bytes:
    """The same bytes for the same code, whatever Python and zlib."""
    sources: dict[str, str] = {}
    for module in (_PAYLOAD, _PROGRAM):
        _collect(module.replace(".", "/"), sources)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), _MAIN)
        archive.writestr(zipfile.ZipInfo(f"{_PACKAGE}/__init__.py"), "")
        for path, source in sorted(sources.items()):
            archive.writestr(zipfile.ZipInfo(f"{_PACKAGE}/{path}"), source)
    return packed.getvalue()


def _collect(name: str, sources: dict[str, str]) -> None:
    """Add a module, if it is one, and all that it imports of ours. sources: by the path below the package."""
    for path, package in ((f"{name}.py", name.rpartition("/")[0]), (f"{name}/__init__.py", name)):
        source = _source(path) if package and path not in sources else None
        if source is not None:
            sources[path] = source
            for imported in (package, *_imports(source, package.split("/"))):
                _collect(imported, sources)


def _source(path: str) -> str | None:
    """Out of a directory, or out of the zip that Ansible sends."""
    try:
        found = pkgutil.get_data(_ROOT, path)
    except OSError:
        return None
    return None if found is None else found.decode()


def _imports(source: str, package: t.Sequence[str]) -> t.Iterator[str]:
    """What a module of this package imports of ours, wherever in it: modules, as paths, and names in modules."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            place = "/".join([*package[: len(package) - node.level + 1], *(node.module or "").split(".")]).rstrip("/")
            yield place
            yield from (f"{place}/{alias.name}" for alias in node.names)
