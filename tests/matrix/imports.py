# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Import every file that a target may get, with the Python that runs this: imports.py FOLDER ... to import from."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    sys.path[:0] = sys.argv[1:]
    failed = 0
    for folder in ("module_utils", "modules"):
        for path in sorted((ROOT / "plugins" / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            try:
                importlib.import_module(f"ansible_collections.linux.namespaces.{name}")
            except Exception:  # noqa: BLE001 - whatever it is, the other files are to be tried too
                traceback.print_exc()
                failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
