# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""This run of Ansible on the controller: which one it is, and whether a host has a say in its variables."""

from __future__ import annotations

import os
import typing as t

from ansible import constants

from .model import line

_PREFIX = "audit_"


def current() -> str:
    """What all tasks of one run have in common, and those of no other.

    That is the name of the run's temporary directory, which its first process makes and the forks only know of.
    """
    return os.path.basename(str(vars(constants)["DEFAULT_LOCAL_TMP"]))


def planted(task_vars: t.Mapping[str, t.Any]) -> list[str]:
    """The names of the role's variables that are facts of the host.

    Ansible takes facts for variables (INJECT_FACTS_AS_VARS), also out of a cache, before those of the inventory.
    """
    facts = task_vars.get("ansible_facts") or {}
    return sorted(key for key in facts if str(key).startswith(_PREFIX))


def refusal(host: str, keys: t.Sequence[str]) -> str:
    """What is said of such a host."""
    return (
        "%s sets %s among its facts, and would so decide how it is judged. Nothing of Ansible's does that: find out "
        "what did, then clear its facts from the cache (ansible.builtin.meta: clear_facts, or --flush-cache)"
        % (line(host, 100), ", ".join(line(key, 60) for key in keys[:5]))
    )
