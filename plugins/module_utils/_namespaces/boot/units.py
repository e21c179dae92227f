# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The units of systemd that apply what is declared, and those of services inside, as text. Source: systemd.unit(5).

One process applies all sets at boot; the unit of each set takes note of that, or applies it once more and fails with
what is in the way. So a set that fails fails its own unit alone.
"""

from __future__ import annotations

import os
import typing as t

from ..errors import NamespaceError, refuse
from .declared import Declared
from .places import ALL_UNIT, APPLIED, DEFINITIONS, PROGRAM, PYTHON, TEMPLATE, service_unit_of, unit_of

FOLDER = "/etc/systemd/system"
DROP_IN = "linux-namespaces.conf"

Files = t.Dict[str, t.Union[str, bytes]]
"""By path: what a file has, or (text) where a symbolic link leads."""

MARK = b"# Written by linux.namespaces.ns_boot"
"""What units and drop-ins of ours begin with."""
_HEAD = f"{MARK.decode()}, which writes it anew: change it by a drop-in.\n"
_RUN = f"{PYTHON} -I {PROGRAM}"

# Without the default dependencies, as with cloud-init sysinit.target waits for the network. The colon leaves $ alone.
_ALL = f"""\
{_HEAD}[Unit]
Description=Declared Linux namespaces
DefaultDependencies=no
ConditionDirectoryNotEmpty={DEFINITIONS}
RequiresMountsFor={DEFINITIONS} {PROGRAM}
After=local-fs.target systemd-modules-load.service systemd-sysctl.service
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
RuntimeDirectory={APPLIED.rpartition("/")[2]}
ExecStart={_RUN} apply
ExecStop={_RUN} remove

[Install]
WantedBy=multi-user.target
"""

# With a job of its own the unit of all is about to remove all, in one process, as when the host shuts down.
_ONE = f"""\
{_HEAD}[Unit]
Description=Linux namespaces %i
DefaultDependencies=no
Wants={ALL_UNIT}
PartOf={ALL_UNIT}
After={ALL_UNIT}
Before=shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=:/bin/sh -c 'if [ -s "$0" ]; then : >"$0"; else exec "$@"; fi' {APPLIED}/%i \
{_RUN} start %i
ExecReload={_RUN} apply %i
ExecStop=:/bin/sh -c 'case $(systemctl show --property=Job --value {ALL_UNIT}) in ""|0) exec "$@" ;; esac' sh \
{_RUN} remove %i
"""

_DIRECTIVES: t.Mapping[str, tuple[str, int]] = {
    "net": ("NetworkNamespacePath", 242),
    # By itself it is ignored by systemd 252.
    "ipc": ("PrivateIPC=yes\nIPCNamespacePath", 248),
    "user": ("UserNamespacePath", 259),
}
"""What systemd itself can join a service to, and since when."""


class Tools(t.NamedTuple):
    """What the host has to run services inside with."""

    systemd: int
    """The version."""
    nsenter: str | None
    """Where nsenter(1) is."""


def of_all() -> Files:
    """What systemd needs to know where any set is declared."""
    return {
        f"{FOLDER}/{ALL_UNIT}": _ALL.encode(),
        f"{FOLDER}/{TEMPLATE}": _ONE.encode(),
        f"{FOLDER}/multi-user.target.wants/{ALL_UNIT}": f"../{ALL_UNIT}",
    }


def of_set(item: Declared, tools: Tools) -> Files:
    """What systemd needs to know of one set. Raises NamespaceError for a service that this host can not run so."""
    unit = unit_of(item.name)
    found: Files = {link_of(unit): f"../{TEMPLATE}"}
    for service in item.services:
        if service.get("unit") is not None:
            found[f"{FOLDER}/{service['unit']}.d/{DROP_IN}"] = _drop_in(item, service["unit"], tools).encode()
        else:
            name = service_unit_of(item.name, service["name"])
            found[f"{FOLDER}/{name}"] = _service(item, service, tools).encode()
            found[f"{FOLDER}/{unit}.wants/{name}"] = f"../{name}"
    return found


def link_of(unit: str) -> str:
    """What makes the unit of a set start with all of them."""
    return f"{FOLDER}/{ALL_UNIT}.wants/{unit}"


def _drop_in(item: Declared, unit: str, tools: Tools) -> str:
    lines = _joined(item, tools)
    if lines is None:
        raise NamespaceError(
            f"run {unit} in the set {item.name}",
            f"systemd {tools.systemd} has no directive for its {', '.join(_without_directive(item, tools))} namespace",
            "give name and argv in place of unit",
        )
    return f"{_HEAD}[Unit]\n{_bound(item)}\n[Service]\n{lines}"


def _service(item: Declared, service: t.Mapping[str, t.Any], tools: Tools) -> str:
    lines, argv = _joined(item, tools), list(service["argv"])
    if lines is None:
        argv = [*_nsenter(item, service, tools), *argv]
    command = " ".join(map(_quoted, argv))
    environment = sorted((service.get("environment") or {}).items())
    return "".join(
        (
            f"{_HEAD}[Unit]\nDescription={service['name']} in the Linux namespaces {item.name}\n{_bound(item)}",
            f"\n[Service]\nType=exec\nExecStart=:{command}\n{lines or ''}",
            *(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in environment),
            f"User={service['user']}\n" if service.get("user") else "",
            f"Restart={service.get('restart') or 'on-failure'}\nRestartSec=1\n",
        )
    )


def _bound(item: Declared) -> str:
    unit = unit_of(item.name)
    return f"BindsTo={unit}\nAfter={unit}\n"


def _without_directive(item: Declared, tools: Tools) -> list[str]:
    return [kind for kind in item.handles() if kind not in _DIRECTIVES or tools.systemd < _DIRECTIVES[kind][1]]


def _joined(item: Declared, tools: Tools) -> str | None:
    """The lines that make systemd join all namespaces of the set; None where it can not."""
    if _without_directive(item, tools):
        return None
    return "".join(f"{_DIRECTIVES[kind][0]}={path}\n" for kind, path in item.handles().items())


def _nsenter(item: Declared, service: t.Mapping[str, t.Any], tools: Tools) -> list[str]:
    where = ", ".join(_without_directive(item, tools))
    if service.get("user"):
        raise refuse(
            f"services[{service['name']}].user",
            f"systemd {tools.systemd} has no directive for the {where} namespace of {item.name}, and nsenter(1) "
            "takes root",
            "leave it out, and let argv change the user, as with setpriv(1)",
        )
    if tools.nsenter is None:
        raise NamespaceError(
            f"run {service['name']} in the set {item.name}",
            f"systemd {tools.systemd} has no directive for its {where} namespace, and there is no nsenter(1)",
            "install util-linux",
        )
    options = [f"--{'mount' if kind == 'mnt' else kind}={path}" for kind, path in item.handles().items()]
    return [tools.nsenter, *options, "--"]


def _quoted(word: str) -> str:
    """A word as systemd.syntax(7) reads it back, without specifiers."""
    plain = (character.isprintable() and character not in '"\\' for character in word)
    escaped = (character if is_plain else _escaped(character) for character, is_plain in zip(word, plain))
    return '"' + "".join(escaped).replace("%", "%%") + '"'


def _escaped(character: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
