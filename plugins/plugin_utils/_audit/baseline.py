# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What a host was like earlier: the result of an audit of it, or facts."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from .host import Host, read_host
from .model import line
from .result import facts_of, read

_REMEDY = "give the one of this host, or have a new one written"


class Baseline(t.NamedTuple):
    """What is compared with."""

    host: Host
    name: str | None
    """Of the host in the inventory, where the baseline says that."""

    def summary(self) -> dict[str, t.Any]:
        """As results tell of it."""
        return {"host": self.name, "time": self.host.time, "boot_id": self.host.facts.boot_id}


class Missing(t.NamedTuple):
    """There are baselines, and none of this host."""

    directory: str


def read_baseline(given: t.Any, name: str | None = None) -> Baseline:
    """The baseline of the host that has this name in the inventory.

    Raises AnsibleFilterError where it is none, is of another schema, or of another host.
    """
    if not isinstance(given, t.Mapping):
        raise AnsibleFilterError("baseline: it is no mapping, so perhaps no longer whole; %s" % _REMEDY)
    host = None
    if "findings" in given:
        result = read(given, "baseline")
        host = result["host"]
        if name is not None and host != name:
            raise AnsibleFilterError(
                "baseline: it is of the host %s, and this is %s; %s" % (line(host, 100), line(name, 100), _REMEDY)
            )
        given = facts_of(result, "baseline", "compare with; %s" % _REMEDY)
    try:
        return Baseline(read_host(given), host)
    except AnsibleFilterError as error:
        raise AnsibleFilterError("baseline: %s" % error) from error


def check_machine(baseline: Baseline, host: Host) -> None:
    """Raises AnsibleFilterError where the baseline is of another machine."""
    machines = baseline.host.facts.machine, host.facts.machine
    if None not in machines and machines[0] != machines[1]:
        raise AnsibleFilterError(
            "baseline: it is of another machine, or this one was installed anew (/etc/machine-id); %s" % _REMEDY
        )
