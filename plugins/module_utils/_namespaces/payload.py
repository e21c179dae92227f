# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What Ansible sends to the target is a zip of source code, compiled anew for every task."""

from __future__ import annotations

import gc
import os
import sys
import zipimport


class _Importer(zipimport.zipimporter):
    """Tells the file of a module without compiling it. That of Python 3.10 and later compiles it, for nothing."""

    def get_filename(self, fullname: str) -> str:
        name = fullname.rpartition(".")[2]
        return os.path.join(self.archive, self.prefix, name + ("/__init__.py" if self.is_package(fullname) else ".py"))


def start_quickly() -> None:
    """Compile what is imported from here on once, and never look for garbage: to be called first of all.

    What was imported by then is never garbage, and to look at it would copy its memory in every child (see gc.freeze).
    """
    sys.path_hooks.insert(0, _Importer)
    sys.path_importer_cache.clear()
    gc.disable()
    gc.freeze()
