# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Where things are that outlive a boot, and how systemd calls them."""

from __future__ import annotations

import re

DEFINITIONS = "/etc/linux-namespaces"
PROGRAM = "/usr/local/lib/linux-namespaces/boot.pyz"
PYTHON = "/usr/bin/python3"
APPLIED = "/run/linux-namespaces-boot"
"""Has a file for each set that was applied and whose unit has not taken that up yet."""
LOCK = "/run/linux-namespaces-boot.lock"

ALL_UNIT = "linux-namespaces.service"


def unit_of(name: str) -> str:
    """The unit of a set."""
    return f"linux-namespaces@{escaped(name)}.service"


def service_unit_of(name: str, service: str) -> str:
    """The unit of a service in a set."""
    return f"linux-namespaces-{escaped(name)}:{service}.service"


def escaped(name: str) -> str:
    """The name of a set in the name of a unit: of what it may have, systemd.unit(5) does not take the plus alone."""
    return name.replace("+", r"\x2b")


def unescaped(text: str) -> str:
    """The name of a set from that of a unit, also as systemd-escape(1) writes it."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found.group(1), 16)), text)


TEMPLATE = unit_of("")
"""What the units of all sets are made of."""
