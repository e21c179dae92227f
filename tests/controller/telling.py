# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Facts as ns_facts tells them, for the tests of what reads them."""

from __future__ import annotations

import typing as t

from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes

Facts = t.Dict[str, t.Any]

INITIAL = {kind.name: 4026531830 + number for number, kind in enumerate(nstypes.ALL)}
USER, NET, PID = INITIAL["user"], INITIAL["net"], INITIAL["pid"]
BOOT, NEXT_BOOT = "9769f8e9-a3df-4454-9dd0-5d89d0ddf692", "b5c4ff66-1bd0-4a3e-9fd2-1e25a8e4a7b5"


def namespace(kind: str, inode: int, **more: t.Any) -> Facts:
    """As ns_facts tells of one; owned by the initial user namespace, without processes."""
    told: Facts = {
        "type": kind,
        "inode": inode,
        "device": 4,
        "id": None,
        "name": None,
        "reference": None,
        "owner": None if inode == USER else USER,
        "owner_uid": 0,
        "parent": None,
        "depth": 0,
        "processes": 0,
        "leader": None,
        "holders": [],
        "holder_counts": {},
    }
    return {**told, **more}


OF_THE_HOST: Facts = {
    "machine": "0123456789abcdef" * 2,
    "sysctls": {"user.max_user_namespaces": 0, "kernel.unprivileged_userns_clone": None},
    "declared": ["blue"],
    "handles": [{"path": "/run/netns/blue", "problem": "dangling"}],
}


def facts(*namespaces: Facts, **more: t.Any) -> Facts:
    """As ns_facts returns them, after a complete scan."""
    told: Facts = {
        "schema": 1,
        "boot_id": BOOT,
        "time": "2026-11-28T11:20:00Z",
        "scan": {
            "complete": True,
            "incomplete_because": [],
            "blind": ["credentials of open files", "fsopen contexts"],
            "sources": ["processes"],
            "denied": {},
            "vanished": 0,
            "duration_ms": 5,
        },
        "initial": dict(INITIAL),
        "own": dict(INITIAL),
        "limits": {},
        "counts": {},
        "namespaces": [*namespaces],
    }
    return {**told, **more}


def leader(pid: int, comm: str | None = "sh", unit: str | None = None, container: str | None = None) -> Facts:
    return {"pid": pid, "comm": comm, "uid": 0, "unit": unit, "container": container}
