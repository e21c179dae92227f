# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What no scan sees."""

from __future__ import annotations

BLIND = (
    "credentials of open files",
    "fsopen contexts",
    "files of /proc that show mounts, networks and id maps",
    "the procfs of a pid namespace that has ended",
    "trees of mounts that are mounted nowhere and held by a file in them, and what is covered in such trees",
    "what the root of a mount namespace covers",
    "sockets that wait to be accepted",
    "sockets, folders and polls of an io_uring",
    "devices of tun that are not called tun",
    "what is handed on from one holder to another meanwhile",
)
"""What no kernel gives a view of, or none that is looked at."""
OUTSIDE = "processes outside of this pid namespace"
