# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """What modules can do. Private to the collection."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and tell what would change without changing it.
  diff_mode:
    description: Tells what changed or would change, in diff mode.
  idempotent:
    description: When run twice in a row, the second run changes nothing.
  platform:
    description: Where it works.
    platforms: linux
    support: full
"""
