#!/usr/bin/python
# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ns_boot
short_description: Declare sets of namespaces that come back after a reboot
description:
  - Brings sets of namespaces, their networks and the services in them to what is declared, now and at each boot. The
    role P(linux.namespaces.boot#role) is made of it.
  - What is declared of a set is in C(/etc/linux-namespaces/<set>.json). At boot the Python of the host applies it, as
    M(linux.namespaces.ns_persistent) and M(linux.namespaces.ns_network) do, with a program that is made of their code.
    Neither Ansible nor the controller is needed for it.
  - Each set has a unit of systemd, C(linux-namespaces@<set>.service); a C(+) in its name is C(\x2b) there. Others say
    C(BindsTo=) and C(After=) of it, and perhaps C(NetworkNamespacePath=/run/netns/<set>). A set that fails fails its
    own unit, with the reason in the journal, and no other.
  - Sets that are not named stay as they are declared.
  - What is no longer declared of a set (types, links, addresses, a host name) stays until the set is made anew, by
    C(systemctl restart linux-namespaces@<set>) or at the next boot; O(sets[].network) with C(purge) takes parts of a
    network away at once. Services that are no longer declared are stopped.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
extends_documentation_fragment:
  - linux.namespaces._attributes
attributes:
  check_mode:
    support: partial
    details: As that of M(linux.namespaces.ns_persistent). Of the network of a set that is not there yet, a change is
      reported. Whether services start, and whether somebody is in a set that shall be V(absent), is not known.
  diff_mode:
    support: full
    details: The files, but for the program.
  idempotent:
    support: full
requirements:
  - systemd 244 or later as PID 1 of the target
  - Python 3.8 or later as C(/usr/bin/python3) of the target, whatever Python Ansible takes
  - for networks that Python 3.9 or later, with its distribution's package of pyroute2; those of Debian 11 (0.5.14), 12
    (0.7.2) and 13 (0.7.7) were tried
options:
  sets:
    description: The sets.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name.
        type: str
        required: true
      state:
        description:
          - V(absent) stops the services in the set, removes it, and no longer declares it. Of a set that is V(absent)
            only the name can be said. One that other processes are in stays, and its services are started again.
          - With the last set all that this module installed is removed.
        type: str
        choices: [present, absent]
        default: present
      types:
        description: The types of namespaces that the set has. Required for one that is V(present).
        type: list
        elements: str
        choices: [user, mnt, uts, ipc, net, cgroup, time, pid]
      network:
        description: The network of the set, with the options O(linux.namespaces.ns_network#module:links),
          O(linux.namespaces.ns_network#module:routes), O(linux.namespaces.ns_network#module:rules),
          O(linux.namespaces.ns_network#module:sysctls) and O(linux.namespaces.ns_network#module:purge) of
          M(linux.namespaces.ns_network).
        type: dict
      services:
        description: What runs in the set from when it is there, and is stopped before it goes.
        type: list
        elements: dict
        suboptions:
          name:
            description: The name of a service, of letters, digits and C(_.-); its unit is
              C(linux-namespaces-<set>:<name>.service). It is joined to the namespaces by systemd where that can join
              all, else by C(nsenter).
            type: str
          argv:
            description: The command and its arguments; the first is an absolute path. Needed with
              O(sets[].services[].name).
            type: list
            elements: str
          environment:
            description: Environment variables, as texts. No place for secrets, as every user of the host can read them.
            type: dict
          user:
            description: The user. Only where systemd itself can join all namespaces of the set.
            type: str
          restart:
            description: When it is started again after it ended, as C(Restart=) in C(systemd.service(5)).
            type: str
            choices: ["no", on-failure, always]
            default: on-failure
          unit:
            description: In place of all that, a service that has a unit. It is given a drop-in that binds and joins it
              to the set, for which systemd has to be able to join all namespaces of the set. Where it runs, it is
              restarted in the set. It is not enabled; C(systemctl add-wants linux-namespaces@<set> <unit>) makes it
              start with the set. No other set can have it then.
            type: str
      hostname:
        description: As in M(linux.namespaces.ns_persistent), like all that follow.
        type: str
      domainname:
        description: NIS domain name.
        type: str
      uid_map:
        description: The user ids of the user namespace.
        type: list
        elements: dict
        suboptions: &ids
          inside:
            description: First id inside.
            type: str
            required: true
          outside:
            description: First id outside.
            type: str
            required: true
          count:
            description: How many ids.
            type: str
            required: true
      gid_map:
        description: The same for group ids.
        type: list
        elements: dict
        suboptions: *ids
      setgroups:
        description: Whether processes in it may change their supplementary groups.
        type: str
        choices: [allow, deny]
      time_offsets:
        description: The offsets of the clocks of the time namespace, in seconds.
        type: dict
        suboptions:
          monotonic:
            description: Offset of C(CLOCK_MONOTONIC).
            type: str
          boottime:
            description: Offset of C(CLOCK_BOOTTIME).
            type: str
      propagation:
        description: Whether mounts in the mount namespace are seen outside and the other way round.
        type: str
        choices: [shared, private, slave, unbindable, slave_shared, unchanged]
      mounts:
        description: What to mount in the mount namespace.
        type: list
        elements: dict
        suboptions:
          path:
            description: The mount point, from the root.
            type: str
            required: true
          src:
            description: What to mount.
            type: str
          fstype:
            description: Type of the file system.
            type: str
          opts:
            description: Options as in C(mount -o).
            type: str
      mount_proc:
        description: Mount a fresh C(/proc) in the mount namespace.
        type: bool
      loopback:
        description: Set the loopback device of the network namespace up.
        type: bool
notes:
  - C(systemctl reload linux-namespaces@<set>) applies what is declared once more, C(restart) makes the set anew; where
    other processes are in it, it stays as it is, which only the journal says. A namespace that is lost comes back by
    C(reload) too, but what runs in the lost one is restarted by this module alone.
  - systemd joins a service to net namespaces, from 248 on to those of ipc, from 259 on to those of users.
  - When it starts, at boot or by the task, a set waits up to 30 seconds for the links of the host that its network
    names, and no other set for it.
  - A set that is removed takes the other ends of its C(veth) links along. When it is there again, the networks of the
    declared sets that have links with their other ends in it are applied once more.
  - O(sets[].services[].unit) and C(nsenter) leave C(/sys) as the host has it.
seealso:
  - module: linux.namespaces.ns_persistent
  - module: linux.namespaces.ns_network
"""

EXAMPLES = r"""
- name: Have a network with a web server in it, from the boot on
  linux.namespaces.ns_boot:
    sets:
      - name: blue
        types: [net, uts]
        hostname: blue
        network:
          links:
            - name: eth0
              type: veth
              addresses: [10.1.0.2/24]
              peer: {name: blue0, addresses: [10.1.0.1/24]}
          routes:
            - {dst: default, via: 10.1.0.1}
        services:
          - name: web
            argv: [/usr/sbin/nginx, -g, daemon off;]
            restart: always

- name: Have it no more
  linux.namespaces.ns_boot:
    sets:
      - {name: blue, state: absent}
"""

RETURN = r"""
sets:
  description: The sets that are as they were asked to be, in the order of O(sets). In check mode as they would be.
  returned: always, unless the options were refused
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
    unit:
      description: Its unit of systemd.
      type: str
    changes:
      description: What was done, or would be in check mode, in words.
      type: list
      elements: str
  sample:
    - name: blue
      unit: linux-namespaces@blue.service
      changes: [create the net namespace, start linux-namespaces@blue.service]
failed_sets:
  description:
    - The sets that could not be brought there. What was refused beforehand is not declared.
    - Perhaps others after them, whose networks have links with their other ends in these.
  returned: always, unless the options were refused
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
    msg:
      description: What failed, the cause and the remedy.
      type: str
files:
  description: The files that were written, made links, or removed, or would be.
  returned: always, unless the options were refused
  type: list
  elements: str
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ..module_utils._namespaces import payload

payload.start_quickly()

from ..module_utils._namespaces import specs
from ..module_utils._namespaces.boot import declared, files, install
from ..module_utils._namespaces.boot.places import PROGRAM, unit_of
from ..module_utils._namespaces.errors import NamespaceError, refuse
from ..module_utils._namespaces.network.specs import NETWORK
from ..module_utils._namespaces.values import set_name
from ..module_utils._plugin import argspec, outcome


def main() -> t.NoReturn:
    item: argspec.Spec = {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **declared.SET,
    }
    module = AnsibleModule(
        argument_spec={"sets": {"type": "list", "elements": "dict", "required": True, "options": item}},
        supports_check_mode=True,
    )
    outcome.finish(module, execute)


def execute(module: AnsibleModule) -> outcome.Result:
    """Bring the host to what is declared, now and for the next boot."""
    items = module.params["sets"]
    names = [set_name("sets.name", item["name"]) for item in items]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise refuse("sets", f"{twice[0]} is named twice", "name it once")
    absent = [item["name"] for item in items if item["state"] == "absent"]
    for item in items:
        if item["state"] == "absent":
            _refuse_details(item)
    wanted = [_parse(item) for item in items if item["state"] == "present"]
    results = install.run(module.run_command, wanted, absent, module.check_mode)
    for warning in results.warnings:
        module.warn(warning)
    return _describe(names, results)


def _refuse_details(item: t.Mapping[str, t.Any]) -> None:
    for option in declared.SET:
        if item[option] is not None:
            raise refuse(f"sets[{item['name']}].{option}", "the set shall be absent", "leave it out")


def _parse(item: t.Mapping[str, t.Any]) -> declared.Declared:
    given = specs.plain(declared.SET, item)
    try:
        for service in given.get("services", ()):
            _refuse_line(service.get("argv") or ())
        if "network" in given:
            given["network"] = _parse_network(given["network"])
        return declared.parse(item["name"], given)
    except NamespaceError as error:
        raise NamespaceError(f"declare the set {item['name']}", str(error)) from error


def _refuse_line(argv: t.Sequence[str]) -> None:
    """Ansible makes a list of a text, too."""
    if len(argv) == 1 and " " in argv[0] and not os.path.exists(argv[0]):
        raise refuse("argv", f"there is no program {argv[0]!r}", "give its arguments as items of the list")


def _parse_network(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """As Ansible makes them of what a task gives for ns_network. Raises NamespaceError."""
    found = ArgumentSpecValidator(NETWORK).validate(given)
    if found.error_messages:
        raise refuse("network", found.error_messages[0], "see ns_network")
    return specs.plain(NETWORK, found.validated_parameters)


def _describe(names: t.Sequence[str], results: install.Results) -> outcome.Result:
    sets = [
        {"name": name, "unit": unit_of(name), "changes": list(results.changes[name])}
        for name in names
        if name in results.changes
    ]
    # Also of others that have links with their other ends in these.
    failing = sorted(results.failed, key=lambda name: names.index(name) if name in names else len(names))
    failed = [{"name": name, "msg": results.failed[name]} for name in failing]
    described: outcome.Result = {
        "changed": bool(results.files) or any(item["changes"] for item in sets),
        "sets": sets,
        "failed_sets": failed,
        "files": [change.path for change in results.files],
        "diff": [_describe_difference(change) for change in results.files if change.path != PROGRAM],
    }
    if failed:
        described.update(failed=True, msg=f"{len(failed)} of {len(names)} sets failed: {failed[0]['msg']}")
    return described


def _describe_difference(change: files.Change) -> dict[str, str]:
    return {
        "before_header": change.path,
        "after_header": change.path,
        "before": _shown(change.before),
        "after": _shown(change.after),
    }


def _shown(value: files.Value) -> str:
    if isinstance(value, str):
        return f"a link to {value}\n"
    return (value or b"").decode(errors="replace")


if __name__ == "__main__":
    main()
