#!/usr/bin/python
# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ns_propagation
short_description: Set and report the propagation of mounts
description:
  - Whether what is mounted below a mount point is seen in other mount namespaces, and the other way round, as
    C(mount --make-rshared) and its like set it; see L(mount_namespaces(7),https://man7.org/linux/man-pages/man7/mount_namespaces.7.html).
  - In the mount namespace of the task, or in that of a O(name), O(pid) or of O(handles).
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
extends_documentation_fragment:
  - linux.namespaces._attributes
  - linux.namespaces._target
attributes:
  check_mode:
    support: partial
    details: Where the kernel decides whether V(slave) becomes V(private), and can not be asked, RV(mounts[].after) is
      null.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - Python 3.8 or later and Linux 5.10 or later on the target, nothing else
options:
  path:
    description: Mount points, as absolute paths without symbolic links, inside the mount namespace.
    type: list
    elements: str
    required: true
  propagation:
    description:
      - V(shared) is in a peer group, mounts go both ways. V(slave) gets what is mounted in its master. V(slave_shared)
        is slave and passes it on to peers of its own. V(private) does neither, V(unbindable) can not be bind mounted
        as well.
      - A mount can become V(slave) only of the peers that it has. Without any it becomes V(private), and V(private) or
        V(unbindable) asked to be V(slave) stays what it is, with a warning; likewise V(slave_shared) then means
        V(shared).
      - If omitted, the propagation is only reported.
    type: str
    choices: [shared, private, slave, unbindable, slave_shared]
  recursive:
    description: Set and report all that is mounted below as well.
    type: bool
    default: false
  bind_self:
    description: Make the path a mount point first, by a bind mount to itself, where it is none.
    type: bool
    default: false
seealso:
  - module: linux.namespaces.ns_persistent
"""

EXAMPLES = r"""
- name: Let mounts below /srv reach other mount namespaces
  linux.namespaces.ns_propagation:
    path: /srv
    propagation: shared
    bind_self: true

- name: Let a set, made with propagation slave, see nothing any more of what the host mounts from now on
  linux.namespaces.ns_propagation:
    name: box
    path: /
    propagation: private
    recursive: true

- name: See how the root of a container is mounted
  linux.namespaces.ns_propagation:
    pid: "{{ container_pid }}"
    path: /
"""

RETURN = r"""
mounts:
  description: The mounts at the paths, with O(recursive) those below too.
  returned: always, unless the options were refused
  type: list
  elements: dict
  contains:
    path:
      description: The mount point.
      type: str
    before:
      description: Its propagation before, one of the words of O(propagation). Null where it was no mount point.
      type: str
    after:
      description: Its propagation now; in check mode what it would be, null where that is not known.
      type: str
    peer_group:
      description: The number of its peer group, null where it is in none.
      type: int
    master:
      description: The number of the peer group that it is a slave of, null where there is none.
      type: int
  sample:
    - {path: /srv, before: private, after: shared, peer_group: 42, master: null}
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._namespaces import payload

payload.start_quickly()

from ..module_utils._namespaces import host, named, propagation, target
from ..module_utils._namespaces.errors import refuse
from ..module_utils._namespaces.values import absolute_path
from ..module_utils._plugin import argspec, outcome


def main() -> t.NoReturn:
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "list", "elements": "str", "required": True},
            "propagation": {"type": "str", "choices": list(argspec.PROPAGATIONS)},
            "recursive": {"type": "bool", "default": False},
            "bind_self": {"type": "bool", "default": False},
            **argspec.TARGET,
        },
        mutually_exclusive=[("name", "pid", "handles")],
        supports_check_mode=True,
    )
    outcome.finish(module, execute)


def execute(module: AnsibleModule) -> outcome.Result:
    """Bring the mounts to what is asked, and say how they are."""
    params = module.params
    request = propagation.Request(
        paths=_parse_paths(params["path"]),
        propagation=params["propagation"],
        recursive=params["recursive"],
        bind_self=params["bind_self"],
    )
    proc = host.open_proc()
    handles = params["handles"]
    if params["name"] is not None:
        handles = named.handles_of(proc, params["name"], ["mnt"])
        if not handles and module.check_mode:
            module.warn(f"there is no set {params['name']} yet; what its mounts will be like is not known")
            return {"changed": params["propagation"] is not None or params["bind_self"], "mounts": []}
        if not handles:
            raise named.refuse_missing(params["name"])
    if params["pid"] is None and handles is None:
        for option in ("types", "expect"):
            if params[option] is not None:
                raise refuse(option, "it is about a target, and none is named", "leave it out")
        if not host.is_in_its_mounts(proc):
            module.warn("the task has another mount namespace than PID 1, and that one is what counts here; see pid: 1")
        return _describe(module, propagation.run(proc, target.NOTHING, request, module.check_mode))
    types = params["types"] or ["mnt"]
    if "mnt" not in types:
        raise refuse("types", "mounts are in a mount namespace", "name mnt among them")
    with target.of(proc, params["pid"], handles, types, params["expect"]) as existing:
        return _describe(module, propagation.run(proc, existing, request, module.check_mode))


def _parse_paths(given: t.Sequence[str]) -> tuple[str, ...]:
    if not given:
        raise refuse("path", "it names no mount point")
    return tuple(dict.fromkeys("/" + os.path.normpath(absolute_path("path", path)).lstrip("/") for path in given))


def _describe(module: AnsibleModule, results: propagation.Results) -> outcome.Result:
    for warning in results.warnings:
        module.warn(warning)
    before = "".join(f"{change.path} {change.before or 'no mount'}\n" for change in results.changes)
    after = "".join(f"{change.path} {change.after or 'not known'}\n" for change in results.changes)
    return {
        "changed": results.changed,
        "mounts": [change._asdict() for change in results.changes],
        "diff": {"before": before, "after": after},
    }


if __name__ == "__main__":
    main()
