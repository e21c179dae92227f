#!/usr/bin/python
# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ns_persistent
short_description: Create, adopt, repair and remove persistent Linux namespaces
description:
  - Namespaces that stay when no process is in them, because each is bind mounted to a file, its handle. All namespaces
    of one name are a set. The handles are where C(ip netns) and C(nsenter) look for them, at C(/run/<type>ns/<name>),
    such as C(/run/netns/blue) and C(/run/utsns/blue).
  - A thousand sets are one task. Each set is made as a whole or not at all; where some fail, the others are made all
    the same, and the task fails and lists those that did not.
  - Sets last until the next boot.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
extends_documentation_fragment:
  - linux.namespaces._attributes
  - linux.namespaces._definition
attributes:
  check_mode:
    support: partial
    details: That the task lacks a privilege, or that somebody holds a handle open, shows when it is done.
  diff_mode:
    support: full
  idempotent:
    support: full
    details: But with O(recreate), which makes them anew each time.
requirements:
  - Python 3.8 or later and Linux 5.10 or later on the target, nothing else
options:
  name:
    description:
      - Names of the sets, of letters, digits and C(_ . @ + -), at most 200, and no C(.) or C(-) in front. An empty list
        is nothing to do.
    type: list
    elements: str
    required: true
  types:
    description:
      - The types that the sets shall have. Needed where a set is not there yet; with O(pid) it narrows what is adopted,
        with O(handles) it is what they name.
      - A set that has others as well keeps them. Those that it lacks are added to it, but C(user), which can only come
        first.
      - A set that has lost a handle, as after C(ip netns del), counts as having that type, as long as it has another
        one. Where nothing is left of it, it is not there.
      - With O(state=absent) only these are removed. By default all are.
    type: list
    elements: str
    choices: [user, mnt, uts, ipc, net, cgroup, time, pid]
  state:
    description:
      - V(present) makes what is missing, and repairs a handle that is lost or whose mount is gone or doubled, and a PID
        namespace whose init has ended. What is made anew for that is as the options of this task say.
      - V(absent) removes the handles. A namespace ends when nothing else holds it.
    type: str
    choices: [present, absent]
    default: present
  pid:
    description:
      - Make the namespaces of the process with this id the set, in place of new ones. Those that it shares with PID 1
        or with the task are left out, and refused where O(types) names them.
      - With one name, and without options that describe new namespaces.
    type: str
  handles:
    description:
      - Pin the namespaces at these paths, by type, in place of the usual ones. With one name.
      - Such a set is not found by its name. Give the same paths to O(state=absent) and to M(linux.namespaces.ns_exec).
      - A path in one of the usual directories is refused, unless all are the usual ones of the set, which would be
        entered by its name without what is elsewhere.
    type: dict
    suboptions:
      user:
        description: Path for the user namespace.
        type: path
      mnt:
        description: Path for the mount namespace.
        type: path
      uts:
        description: Path for the UTS namespace.
        type: path
      ipc:
        description: Path for the IPC namespace.
        type: path
      net:
        description: Path for the network namespace.
        type: path
      cgroup:
        description: Path for the cgroup namespace.
        type: path
      time:
        description: Path for the time namespace.
        type: path
      pid:
        description: Path for the PID namespace.
        type: path
  recreate:
    description: Remove the sets first, as O(state=absent) does, and make them anew, with all types that they had. What
      an option that is not given had set before is lost.
    type: bool
    default: false
  when_busy:
    description:
      - What to do where something is to be removed that processes, a physical network interface or an open descriptor
        are in the way of.
      - V(fail) leaves the set as it is. V(detach) removes the handles and lets the processes go on.
      - V(kill) ends the processes before. It never ends PID 1, the task or what the task runs below, and names each
        process that it ends. Where the set has a PID namespace its init takes all in there along. Who holds a handle
        open without being in the namespace goes on, and the task fails.
      - The init of a PID namespace that this module made is no process in the way.
    type: str
    choices: [fail, detach, kill]
    default: fail
notes:
  - The host name and the loopback device of existing sets are brought to what is asked, and O(mounts) that are missing
    are made; options of mounts that are there, and O(propagation), are not compared (M(linux.namespaces.ns_propagation)
    sets the latter). The maps, setgroups and the offsets of existing namespaces can not change; a difference is an
    error unless O(recreate).
  - A PID namespace lives as long as its init. The one that this module starts, C(sh) with the name of the set in its
    arguments, reaps, ends on SIGTERM and belongs to no session of the task. It is in all namespaces of the set that
    were made with it.
  - A set with a new PID and mount namespace has a C(/proc) of its own, one with a new network and mount namespace a
    C(/sys).
  - A set with C(cgroup) owns a cgroup below C(linux-namespaces) in the version 2 hierarchy.
  - The types of a set are remembered below C(/run/linux-namespaces) from before it has them until O(state=absent) has
    removed them. While one of them has no handle, or a task that was killed left the set half done, nobody enters the
    set by its name, unless types are named; the same task once more repairs it, or V(absent) forgets what is lost. A
    set that somebody else made is remembered from when it is asked for here, which is no change. One that has
    O(handles) at other places is not.
  - Handles are made in the mount namespace of PID 1, so that the host sees them, also where the connection has another.
seealso:
  - module: linux.namespaces.ns_exec
  - module: linux.namespaces.ns_propagation
"""

EXAMPLES = r"""
- name: Have two network namespaces, as ip netns add makes them
  linux.namespaces.ns_persistent:
    name: [blue, green]
    types: [net]

- name: Have a small container to work in
  linux.namespaces.ns_persistent:
    name: box
    types: [user, mnt, uts, ipc, net, pid]
    hostname: box
    uid_map: [{inside: 0, outside: 100000, count: 65536}]
    gid_map: [{inside: 0, outside: 100000, count: 65536}]

- name: Keep mounts of the container runtime out of the host, which may still mount into it
  linux.namespaces.ns_persistent:
    name: kubens
    handles:
      mnt: /run/kubens/mnt
    propagation: slave_shared

- name: Keep the namespaces of a running process
  linux.namespaces.ns_persistent:
    name: app
    pid: "{{ app_pid }}"
    types: [net, uts]

- name: Have no tenant blue any more, whatever still runs there
  linux.namespaces.ns_persistent:
    name: blue
    state: absent
    when_busy: kill
"""

RETURN = r"""
sets:
  description: The sets that are as they were asked to be, in the order of O(name). In check mode as they would be.
  returned: always, unless the options were refused
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
    types:
      description: The namespaces that the set has now, by type.
      type: dict
      contains:
        path:
          description: The handle.
          type: str
        inode:
          description: Inode number, used again after the namespace ends. Null for one that check mode does not make.
          type: int
        id:
          description: 64-bit id that the kernel never uses again. Null where the kernel gives none.
          type: int
        created:
          description: Whether this task made or adopted it.
          type: bool
    init_pid:
      description: The init of the PID namespace, as the host sees it. Null where there is none.
      type: int
    still_held_by:
      description: What still holds namespaces that this task removed, by type, each as M(linux.namespaces.ns_facts)
        tells its holders. Empty in check mode, and the next time, when there is nothing to remove any more; the
        playbook C(linux.namespaces.why) looks again, by the C(inode) or C(id) that the set had.
      type: dict
      sample:
        net:
          - {kind: process, pid: 4711, comm: sshd, unit: ssh.service}
          - {kind: fd, pid: 5120, fd: 7, comm: bird, unit: bird.service}
    changes:
      description: What was done, or would be in check mode, in words.
      type: list
      elements: str
  sample:
    - name: blue
      types: {net: {path: /run/netns/blue, inode: 4026532177, id: 44, created: true}}
      init_pid: null
      still_held_by: {}
      changes: [create the net namespace]
failed_sets:
  description: The sets that could not be brought there; each is as it was before.
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
"""

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._namespaces import payload

payload.start_quickly()

from ..module_utils._namespaces import host, options, target
from ..module_utils._namespaces.definition import IdMaps
from ..module_utils._namespaces.errors import refuse
from ..module_utils._namespaces.sets import run
from ..module_utils._namespaces.sets.model import Asked, Outcome, Request, Results, kinds_of
from ..module_utils._namespaces.values import absolute_path, set_name
from ..module_utils._plugin import argspec, outcome


def main() -> t.NoReturn:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "list", "elements": "str", "required": True},
            "types": {"type": "list", "elements": "str", "choices": argspec.TYPE_NAMES},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "pid": {"type": "str"},
            "handles": argspec.TARGET["handles"],
            "recreate": {"type": "bool", "default": False},
            "when_busy": {"type": "str", "choices": ["fail", "detach", "kill"], "default": "fail"},
            **argspec.DEFINITION,
        },
        mutually_exclusive=[("pid", option) for option in ("handles", *argspec.DEFINITION)],
        supports_check_mode=True,
    )
    outcome.finish(module, execute)


def execute(module: AnsibleModule) -> outcome.Result:
    """Bring the sets to what is asked, and say how they are."""
    params = module.params
    names = _parse_names(params["name"])
    places = _parse_places(params, names)
    _refuse_contradictions(params, names)
    given = {option: params[option] for option in argspec.DEFINITION}
    # Whatever types the sets come to have: a value that can't be is refused before any is looked at.
    maps = options.parse(argspec.TYPE_NAMES, given).maps
    proc = host.open_proc()
    types = kinds_of(places if params["types"] is None else params["types"])
    with target.of(proc, params["pid"], None, params["types"] if params["pid"] is not None else None) as found:
        request = Request(
            sets=dict.fromkeys(names, Asked(types, given)),
            present=params["state"] == "present",
            recreate=params["recreate"],
            when_busy=params["when_busy"],
            adopted=run.adoptable(proc, found, params["types"] is not None) if params["pid"] is not None else None,
            places=places,
        )
        results = run.run(proc, request, module.check_mode)
    for warning in results.warnings:
        module.warn(warning)
    if _lack_root(results, maps) and request.adopted is None:
        module.warn("the new user namespaces have no user or group 0 (uid_map, gid_map), so ns_exec can't enter them")
    return _describe(results, request)


def _lack_root(results: Results, maps: IdMaps) -> bool:
    """Whether user namespaces were made that nobody can enter as their root."""
    made = any(handle.kind.name == "user" for done in results.done.values() for handle in done.created)
    return made and not all(any(item.inside == 0 for item in ranges) for ranges in (maps.uid, maps.gid))


def _parse_names(given: t.Sequence[str]) -> tuple[str, ...]:
    names = tuple(set_name("name", name) for name in given)
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise refuse("name", f"{twice[0]} is named twice")
    return names


def _parse_places(params: t.Mapping[str, t.Any], names: t.Sequence[str]) -> dict[str, str] | None:
    if params["handles"] is None:
        return None
    places = {name: path for name, path in params["handles"].items() if path is not None}
    if len(names) != 1:
        raise refuse("handles", "its paths are those of one set", "name one set")
    for name, path in places.items():
        # normpath() leaves two slashes in front.
        if os.path.normpath(absolute_path(f"handles.{name}", path)) != path or path == "/" or path.startswith("//"):
            raise refuse(
                f"handles.{name}", f"{path!r} is not the plain path of a file", "leave out . and .. and doubled /"
            )
    if len(set(places.values())) < len(places):
        raise refuse("handles", "two types have one path", "give each its own")
    run.refuse_half_named(names[0], places)
    lacking = sorted(set(params["types"] or ()) ^ set(places)) if params["types"] is not None else []
    if lacking or not places:
        raise refuse("handles", f"types and handles differ in {', '.join(lacking) or 'that handles is empty'}")
    return places


def _refuse_contradictions(params: t.Mapping[str, t.Any], names: t.Sequence[str]) -> None:
    if params["pid"] is not None and len(names) != 1:
        raise refuse("pid", "a process is in one namespace of each type", "name one set")
    if params["state"] == "absent":
        for option in ("pid", *argspec.DEFINITION):
            if params[option] is not None:
                raise refuse(option, "it describes what is to be there, and state is absent", "leave it out")
        if params["recreate"]:
            raise refuse("recreate", "state is absent", "leave one of them out")


def _describe(results: Results, request: Request) -> outcome.Result:
    sets = [_describe_set(name, results.done[name]) for name in request.sets if name in results.done]
    failed = [{"name": name, "msg": str(results.failed[name])} for name in request.sets if name in results.failed]
    changes = {item["name"]: item["changes"] for item in sets if item["changes"]}
    described: outcome.Result = {
        "changed": bool(changes),
        "sets": sets,
        "failed_sets": failed,
        "diff": _describe_difference(changes),
    }
    if failed:
        described.update(failed=True, msg=f"{len(failed)} of {len(request.sets)} sets failed: {failed[0]['msg']}")
    return described


def _describe_set(name: str, done: Outcome) -> dict[str, t.Any]:
    types: dict[str, t.Any] = {}
    identities = {handle: pinned.identity for handle, pinned in done.state.found.items() if pinned.identity}
    for handle in sorted({*identities, *done.created}):
        inode, number = identities.get(handle, (None, None))
        created = handle in done.created
        types[handle.kind.name] = {"path": handle.path, "inode": inode, "id": number, "created": created}
    return {
        "name": name,
        "types": types,
        "init_pid": done.state.init_pid or None,
        "still_held_by": done.still_held_by,
        "changes": list(done.changes),
    }


def _describe_difference(changes: t.Mapping[str, t.Sequence[str]]) -> dict[str, str]:
    """What changes, in words; that is all there is to show, as what was before is told by them too."""
    lines = [f"{name}: {change}" for name, listed in changes.items() for change in listed]
    return {"prepared": "".join(line + "\n" for line in lines)}


if __name__ == "__main__":
    main()
