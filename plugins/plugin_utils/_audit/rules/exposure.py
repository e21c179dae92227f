# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the linux.namespaces collection.

"""What shares more with the host than it seems to, and what the host does not see."""

from __future__ import annotations

import ipaddress
import typing as t

from ..._facts import Namespace, Part, Process, title
from ..look import Look, binds
from ..model import Hit, Rule
from ..said import some, who

_LOOP = "7:"
"""How the numbers of loop devices begin: images that somebody mounts for himself alone."""


def host(kind: str) -> t.Callable[[Look], t.Iterator[Hit]]:
    """Who is apart from the host, and in its namespace of this type all the same."""

    def check(look: Look) -> t.Iterator[Hit]:
        wanted = getattr(look.policy, "host_" + _WORDS.get(kind, kind))
        seen: set[int | None] = set()
        for namespace in () if wanted == "allow" else look.guests:
            leader = namespace.leader
            if leader is None or leader.pid in seen or not _is_apart(namespace, leader, kind):
                continue
            if kind not in (leader.initial or ()) or (wanted == "report" and look.is_declared(namespace.name)):
                continue
            seen.add(leader.pid)
            evidence = "%s has its own %s, and the %s of the host" % (who(leader), namespace.type, kind)
            yield Hit(evidence, namespace, "info" if wanted == "report" else None)

    return check


def shared_mounts(look: Look) -> t.Iterator[Hit]:
    """What is mounted inside appears on the host."""
    for namespace in look.guests:
        peers = namespace.propagation.peers if namespace.propagation else None
        if peers and not look.is_declared(namespace.name):
            evidence = "%d of its mounts are peers of mounts of the host; %s is in it" % (peers, who(namespace.leader))
            yield Hit(evidence, namespace)


def leaked_mounts(look: Look) -> t.Iterator[Hit]:
    """A device is mounted inside, and no longer on the host."""
    known: set[str] = set()
    for namespace in look.guests:
        # A mount namespace with a handle is where others mount for many, as kubelet can be made to.
        is_handled = any(look.is_home("mnt", holder.namespace) for holder in binds(namespace))
        if namespace.type == "mnt" and (is_handled or look.is_declared(namespace.name)):
            known.update(_foreign(namespace))
    for namespace in look.guests:
        devices = [device for device in _foreign(namespace) if device not in known and not device.startswith(_LOOP)]
        if devices:
            evidence = "mounted there and not on the host: %s; %s is in it" % (some(devices), who(namespace.leader))
            yield Hit(evidence, namespace)


def listeners(look: Look) -> t.Iterator[Hit]:
    """Something waits for connections, and ss on the host does not show it."""
    for namespace in look.guests:
        if namespace.type == "net":
            found = [told for told in map(_listener, _parts(namespace, "listeners")) if told is not None]
            more = _more(namespace, "listeners", "sockets")
            if found or more:
                words = some(found) or "nothing of what was told"
                yield Hit("%s%s; %s is in it" % (words, more, who(namespace.leader)), namespace)


def physical(look: Look) -> t.Iterator[Hit]:
    """An interface of the hardware is in there."""
    for namespace in look.guests:
        if namespace.type == "net":
            names = [link.needed_text("name") for link in _parts(namespace, "links") if link.text("kind") == "physical"]
            more = _more(namespace, "links", "interfaces")
            if names or more:
                severity = "info" if look.is_declared(namespace.name) or not names else None
                words = "physical %s inside" % some(names) if names else "none of what was told is physical"
                yield Hit("%s%s; lost when the namespace ends" % (words, more), namespace, severity)


def _is_apart(namespace: Namespace, leader: Process, kind: str) -> bool:
    """Whether who leads there is meant to be apart from the host; a unit with a few mounts of its own is not."""
    if namespace.type == kind:
        return False
    if leader.container is not None or namespace.type == "pid":
        return True
    return kind != "net" and namespace.type == "net"


def _foreign(namespace: Namespace) -> t.Sequence[str]:
    return (namespace.propagation and namespace.propagation.foreign) or ()


def _parts(namespace: Namespace, key: str) -> t.Sequence[Part]:
    return Part(namespace.told, title(namespace)).parts(key)


def _more(namespace: Namespace, key: str, what: str) -> str:
    """What there is to say where not all were told."""
    more = Part(namespace.told, title(namespace)).number(key + "_more")
    return "" if not more else ", and at least %d more %s that were not told" % (more, what)


def _listener(part: Part) -> str | None:
    """None where nobody outside of the namespace can reach it."""
    protocol, address, port = part.needed_text("protocol"), part.needed_text("address"), part.needed_number("port")
    try:
        parsed = ipaddress.ip_address(address)
        # ::ffff:127.0.0.1 is none itself for a Python before 3.13.
        if parsed.is_loopback or getattr(getattr(parsed, "ipv4_mapped", None), "is_loopback", False):
            return None
    except ValueError:
        pass
    return "%s %s port %d" % (protocol, address, port)


_WORDS = {"net": "network"}

_HOST = (
    ("net", "network", "CVE-2020-15257, CIS Docker 5.10", "abstract sockets and services that trust localhost"),
    ("pid", "process", "CIS Docker 5.16", "the processes of the host, with their environment and memory"),
    ("ipc", "IPC", "CIS Docker 5.17", "shared memory and semaphores of the host"),
    ("user", "user", "CIS Docker 5.31", "the uids of the host: root inside is root outside"),
)

RULES = (
    *(
        Rule(
            id="host-" + _WORDS.get(kind, kind),
            severity="medium",
            title="Something isolated shares the %s namespace of the host" % word,
            meaning="It is apart from the host otherwise, and reaches %s. The threshold host_%s says whether that may "
            "be; with report it is told as info, and no sets that are declared." % (reached, _WORDS.get(kind, kind)),
            remedy="Give it a namespace of its own, or allow the container or unit.",
            source=source,
            check=host(kind),
        )
        for kind, word, source, reached in _HOST
    ),
    Rule(
        id="mounts-shared",
        severity="low",
        title="Mounts get from a mount namespace to the host",
        meaning="Mounts of it are in one peer group with mounts of the host: what is mounted below them appears on "
        "the host, and what is unmounted goes away there. Volume plugins want it so (Bidirectional).",
        remedy="Make them slave or private (ns_propagation), or allow whoever needs it.",
        source="CIS Docker 5.20, kubernetes#61058, mount_namespaces(7)",
        check=shared_mounts,
    ),
    Rule(
        id="mounts-leaked",
        severity="low",
        title="A mount namespace has a device that the host has not mounted",
        meaning="It was copied before the host unmounted the device, which stays busy (EBUSY) as long as the "
        "namespace lives; or somebody mounts for himself alone. Loop devices are left out.",
        remedy="Restart whoever is in it, or unmount it there; make the mounts of services slave and not private.",
        source="moby#10991, moby#27381",
        check=leaked_mounts,
    ),
    Rule(
        id="listener-hidden",
        severity="info",
        title="Something listens inside a network namespace",
        meaning="On the host neither ss nor a firewall of the host for local services knows of it. What listens on "
        "localhost alone is left out.",
        remedy="See whether it should be reachable from where its links lead.",
        source="osquery#8516, osquery#3055",
        check=listeners,
    ),
    Rule(
        id="physical-inside",
        severity="high",
        title="An interface of the hardware is inside a namespace",
        meaning="When the namespace ends it drops back into the initial one, without addresses and perhaps with "
        "another name, or is lost for whoever counts on it. In a declared set it is told as info.",
        remedy="Declare the set, so that it comes back after a reboot, or move the interface out before it ends.",
        source="sriov-cni#349, network_namespaces(7)",
        check=physical,
    ),
)
