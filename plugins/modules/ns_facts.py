#!/usr/bin/python
# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ns_facts
short_description: Report the namespaces of a host, and what holds each of them
description:
  - Finds the namespaces of all eight types, also those without a process, and what keeps each of them there. Processes
    and their threads, what only their children will be in, open files, sockets, descriptors on their way through a
    socket, inotify watches, bind mounts in every mount namespace, trees of mounts that an open file holds, and other
    namespaces below or owned.
  - RV(ansible_facts.linux_namespaces.scan) says whether the answer is complete, and if not, why.
  - Changes nothing. Works without privilege, for what the user may see.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
extends_documentation_fragment:
  - linux.namespaces._attributes
attributes:
  check_mode:
    support: full
    details: The same as without.
  diff_mode:
    support: N/A
    details: It changes nothing.
  facts:
    description: Returns ansible_facts.
    support: full
  idempotent:
    support: full
requirements:
  - Python 3.8 or later and Linux 5.10 or later on the target, nothing else
  - For O(network), Python 3.9 or later and C(pyroute2) 0.7.2 or later on the target
options:
  sources:
    description:
      - Where to look. Without some of them it takes less time and finds less, and the scan is said to be incomplete.
      - V(processes) are the namespaces that processes are in. V(threads) are those that only some threads are in, or
        that children will be in. V(fds) are open files, V(sockets) are sockets, with what is on its way through them.
        V(mounts) are bind mounts. V(hierarchy) are owners and parents. V(kernel) is what Linux itself lists from 6.19
        on.
    type: list
    elements: str
    choices: [processes, threads, fds, sockets, mounts, hierarchy, kernel]
    default: [processes, threads, fds, sockets, mounts, hierarchy, kernel]
  types:
    description: Tell of namespaces of these types alone.
    type: list
    elements: str
    choices: [user, mnt, uts, ipc, net, cgroup, time, pid]
  name:
    description: Tell of the set of this name alone, as M(linux.namespaces.ns_persistent) or C(ip netns) made it. To
      find none is no error.
    type: str
  pid:
    description: Tell of the namespaces that the process with this id is in.
    type: str
  path:
    description: Tell of the namespace at this path alone, a handle or a link like C(/proc/1234/ns/net).
    type: str
  inode:
    description: Tell of the namespace with this inode number alone, as C(lsns) and the links in C(/proc) show it,
      V(4026532503) as well as V([4026532503]) and V(net:[4026532503]). To find none is no error.
    type: str
  id:
    description: Tell of the namespace with this 64-bit id alone. To find none is no error.
    type: str
  detail:
    description:
      - V(summary) only counts. V(normal) tells of each namespace, with three of what holds it, and counts all.
        V(full) tells of 100 of what holds it, the processes in it among them.
    type: str
    choices: [summary, normal, full]
    default: normal
  network:
    description:
      - Tell of each network namespace the addresses, routes and rules too, also of those without a process. Unless
        O(detail=summary), which looks into none.
      - Without C(pyroute2) they are missing, and the scan is said to be incomplete. Links and listeners are told
        anyway.
    type: bool
    default: false
notes:
  - What no kernel shows, or not this one, or what is not looked at, is listed in
    RV(ansible_facts.linux_namespaces.scan.blind).
  - It is no snapshot. Who hands a namespace on, from one process or mount to another, while the host is looked at may
    keep it out of sight.
  - It takes a minute at most, and as much again to end children that do not end. A file system in user space that never
    answers can keep a few of them, with what they held, until it ends.
  - While it looks, before Linux 6.18, C(umount) without C(--lazy) may say of a handle that it is busy.
  - From inside a container, or of a PID namespace, what is outside can't be seen, and that is said.
  - All of it at the beginning of a play, beside what M(ansible.builtin.setup) finds, by the variable
    C(ansible_facts_modules) with the value C([smart, linux.namespaces.ns_facts]), or the same in the environment as
    C(ANSIBLE_FACTS_MODULES=smart,linux.namespaces.ns_facts).
seealso:
  - module: linux.namespaces.ns_exec
  - module: linux.namespaces.ns_persistent
"""

EXAMPLES = r"""
- name: See all namespaces
  linux.namespaces.ns_facts:

- name: Run something in every network namespace but the task's own that can be entered
  linux.namespaces.ns_exec:
    name: "{{ item.reference.name | default(omit) }}"
    pid: "{{ item.reference.pid | default(omit) }}"
    handles: "{{ item.reference.handles | default(omit) }}"
    types: "{{ item.reference.types }}"
    expect: "{{ item.reference.expect | default(omit) }}"
    cmd: ip -brief address
  loop: "{{ ansible_facts.linux_namespaces.namespaces | selectattr('type', '==', 'net') | selectattr('reference') }}"
  loop_control:
    label: "{{ item.name or item.inode }}"
  changed_when: false

- name: See what keeps a network namespace alive
  linux.namespaces.ns_facts:
    name: blue
    types: [net]
    detail: full

- name: See which network namespaces have a default route, and where it leads
  linux.namespaces.ns_facts:
    types: [net]
    network: true

- name: Say it
  ansible.builtin.debug:
    msg: "{{ item.name or item.inode }}: {{ item.network.routes | selectattr('dst', 'in', ['default', '::/0']) }}"
  loop: "{{ ansible_facts.linux_namespaces.namespaces | selectattr('network', 'defined') }}"
  loop_control:
    label: "{{ item.inode }}"

- name: Have the routes and rules of red in blue too
  linux.namespaces.ns_network:
    name: blue
    routes: "{{ red.routes | rejectattr('kernel', 'defined') | rejectattr('beyond', 'defined') }}"
    rules: "{{ red.rules | rejectattr('kernel', 'defined') | rejectattr('beyond', 'defined') }}"
  vars:
    red: "{{ (ansible_facts.linux_namespaces.namespaces | selectattr('network', 'defined')
      | selectattr('name', '==', 'red') | first).network }}"

- name: Only count
  linux.namespaces.ns_facts:
    detail: summary
"""

RETURN = r"""
ansible_facts:
  description: The facts.
  returned: success
  type: dict
  contains:
    linux_namespaces:
      description: What was found.
      type: dict
      contains:
        schema:
          description: The version of this shape.
          type: int
          sample: 1
        boot_id:
          description: Which boot of the host it was; 64-bit ids of namespaces are never used twice within one.
          type: str
        time:
          description: When it was, in UTC.
          type: str
          sample: '2026-11-28T11:20:00Z'
        scan:
          description: How far the answer goes.
          type: dict
          contains:
            complete:
              description: Whether every place that this kernel lets one look at from here was looked at, without loss.
                What is outside of the PID namespace that the task runs in (a container) can't be seen, which is no loss
                but in RV(ansible_facts.linux_namespaces.scan.blind).
              type: bool
            incomplete_because:
              description: Why it is not complete.
              type: list
              elements: str
            blind:
              description: Ways to hold a namespace that this kernel gives no view of, at least not from here.
              type: list
              elements: str
            sources:
              description: Where was looked.
              type: list
              elements: str
            denied:
              description: What could not be looked at for lack of privilege, counted by source, with C(properties) for
                what namespaces are like inside, and C(network) for addresses, routes and rules.
              type: dict
            vanished:
              description: How many processes and namespaces were not there any more when they were looked at. That is
                no loss.
              type: int
            duration_ms:
              description: How long it took to find them and their holders, without the start of Python and without a
                look at what they are like inside.
              type: int
        initial:
          description: By type, the inode of the namespace that the kernel started with. Null where that can't be seen.
          type: dict
        own:
          description: By type, the inode of the namespace that the task ran in.
          type: dict
        limits:
          description: By type, how many namespaces a user may have. Of the whole host, whatever is asked about.
          type: dict
          contains:
            max:
              description: The sysctl C(user.max_<type>_namespaces), here. Null where there is none.
              type: int
            used:
              description: How many the user has who has most of them. Those that no user namespace below the initial
                one owns count for root.
              type: int
        machine:
          description: Which machine it is, by an id made of C(/etc/machine-id) that is of this collection alone, as
            machine-id(5) asks. Null where there is none. That, C(declared) and C(handles) are looked for in the initial
            mount namespace, or in the task's where that can't be seen, and only with V(mounts) among O(sources).
          type: str
          sample: 2f9a1c5be3d84f0a9c7b6e5d4c3b2a19
        sysctls:
          description: What says who may make user namespaces, V(kernel.unprivileged_userns_clone),
            V(kernel.apparmor_restrict_unprivileged_userns) and V(user.max_user_namespaces), by name. Null for what this
            kernel has not.
          type: dict
          sample: {kernel.unprivileged_userns_clone: null, kernel.apparmor_restrict_unprivileged_userns: 1,
            user.max_user_namespaces: 63432}
        declared:
          description: The names of the sets that C(/etc/linux-namespaces) declares (M(linux.namespaces.ns_boot)), also
            of those that can't be read. Null where that can't be told, such as for more than 10,000.
          type: list
          elements: str
          sample: [blue]
        handles:
          description: What is wrong in the directories where handles are by custom, C(/run/netns) and so on. A hundred
            are told. Null where that can't be told.
          type: list
          elements: dict
          sample: [{path: /run/netns/blue, problem: dangling}]
          contains:
            path:
              description: Where it is.
              type: str
            problem:
              description:
                - V(dangling) is a file, or anything else, where a namespace should be mounted, or a link that leads
                  to none.
                - V(stacked) is a handle with another one mounted upon it.
                - V(shadowed) is a handle that can't be reached, as something else is mounted upon it or its directory.
              type: str
        counts:
          description: By type, how many namespaces were found, of those that are asked about.
          type: dict
          contains:
            total:
              description: All of them.
              type: int
            without_processes:
              description: Those that no process is in.
              type: int
            named:
              description: Those with a name.
              type: int
        namespaces:
          description: The namespaces, by type and inode.
          returned: unless O(detail=summary)
          type: list
          elements: dict
          contains:
            type:
              description: Its type, a word of O(types).
              type: str
            inode:
              description: Its inode number, used again after it ends.
              type: int
            device:
              description: The device number of the file system that namespaces are files on.
              type: int
            id:
              description: Its 64-bit id, from Linux 6.18 on (of mount namespaces from 6.11). Null before.
              type: int
            name:
              description: The name of its set, null where it has no handle in the directory for its type. Of several,
                the first.
              type: str
            reference:
              description:
                - Options for M(linux.namespaces.ns_exec) to enter it. Those that are no name have C(expect) too, since
                  a process, or a descriptor of one, may be gone or lead elsewhere a moment later, also because
                  somebody wants it to. With C(expect) the task fails then; pass it on.
                - Null where only a path in the mounts of somebody else leads there, and for those that the task runs
                  in.
              type: dict
              sample: {pid: 4711, types: [net], expect: {net: {inode: 4026532503, id: 77}}}
            owner:
              description: The inode of the user namespace that owns it; of a user namespace, of the one above it. Null
                where there is none to see.
              type: int
            owner_uid:
              description: Who made that user namespace; of a user namespace, who made it.
              type: int
            parent:
              description: Of a user or PID namespace, the inode of the one above it. Null where there is none to see.
              type: int
            depth:
              description: Of a user or PID namespace, how many are above it that can be seen; 0 of others.
              type: int
            processes:
              description: How many processes are in it, of those that may be looked at.
              type: int
            leader:
              description: The process in it whose parent is elsewhere, by the lowest id. Null where there is none.
              type: dict
              contains:
                pid:
                  description: Its id.
                  type: int
                comm:
                  description: Its name. Null where it can't be told, as all but the pid may be.
                  type: str
                uid:
                  description: Its effective user id.
                  type: int
                unit:
                  description: The unit of systemd that it belongs to.
                  type: str
                container:
                  description: The id of the container that it is in, as Docker, Podman, CRI-O and containerd name its
                    cgroup; of several the outermost. A user who may make cgroups (of C(user@1000.service), such as
                    rootless Podman) names those as he likes.
                  type: str
                capabilities:
                  description: What it may do in its own user namespace, its effective capabilities in hexadecimal
                    digits, as C(capsh --decode) takes them.
                  type: str
                  sample: 000001ffffffffff
                initial:
                  description: The types of which it is in the initial namespace, or in the one of the task where
                    RV(ansible_facts.linux_namespaces.initial) is not known, as in a container.
                  type: list
                  elements: str
                  sample: [user, net, time]
            holders:
              description: What holds it but that processes are in it, as many as O(detail) says, of as many kinds as
                there are places. Sockets and open files are told of whoever has them, also of processes that are in
                it.
              type: list
              elements: dict
              contains:
                kind:
                  description:
                    - The keys beside it are there where they apply.
                    - V(thread), V(for_children), V(fd), V(socket), V(watch) (inotify, fanotify, io_uring), V(bind),
                      V(in_flight), V(cwd) and V(root) (in a tree of mounts that is mounted nowhere), V(child),
                      V(owned), V(zombie) (a process that has ended and was not reaped), V(kernel) (what that is, is not
                      known), and with O(detail=full) V(process).
                  type: str
                pid:
                  description: The process. Of V(bind), the leader of the mount namespace.
                  type: int
                comm:
                  description: The name of the process.
                  type: str
                unit:
                  description: The unit of systemd that the process belongs to.
                  type: str
                thread:
                  description: The thread, where it is in or has what its process is not in or has not.
                  type: int
                fd:
                  description: The number of the descriptor.
                  type: int
                path:
                  description: Of V(bind), the path in its mount namespace. Of V(fd), V(cwd) and V(root), the path in a
                    tree of mounts that is mounted nowhere, from what is held of it.
                  type: str
                namespace:
                  description: The inode of the mount namespace of a bind mount, of the child, or of what is owned.
                  type: int
            holder_counts:
              description: How many there are of each kind.
              type: dict
              sample: {fd: 1, bind: 2}
            hostname:
              description: Of a UTS namespace. Null where it can't be read, as all may be that is inside of namespaces.
              type: str
            domainname:
              description: Of a UTS namespace, the NIS domain name.
              type: str
            uid_map:
              description: Of a user namespace, in the shape of the option of M(linux.namespaces.ns_persistent), as the
                user namespace of the task sees the outside.
              type: list
              elements: dict
            gid_map:
              description: As uid_map, for groups.
              type: list
              elements: dict
            setgroups:
              description: Of a user namespace, V(allow) or V(deny).
              type: str
            offsets:
              description: Of a time namespace, C(monotonic) and C(boottime) in seconds, as text.
              type: dict
            init:
              description: Of a PID namespace, whether its first process, the init, is V(alive). Where it is V(dead)
                nothing can be started in there any more. Null where that can't be told.
              type: str
            propagation:
              description: Of a mount namespace, what its mounts are. Null where it could not be looked into. It is
                compared with the initial mount namespace, or with the task's where that can't be seen; what comes of
                that is null of that one itself.
              type: dict
              contains:
                mounts:
                  description: How many it has.
                  type: int
                shared:
                  description: How many of them are shared.
                  type: int
                slave:
                  description: How many are slaves; one may be shared too.
                  type: int
                unbindable:
                  description: How many are unbindable.
                  type: int
                peers:
                  description: How many are in a peer group with a mount of the initial mount namespace, so that what is
                    mounted below them appears there too.
                  type: int
                foreign:
                  description: The block devices, by their numbers as C(lsblk) shows them, that are mounted here and not
                    in the initial mount namespace. They are busy, though nothing there shows it. Whether they were
                    mounted there before no kernel tells. Without file systems that have no device of their own, such
                    as btrfs, overlay and NFS. A hundred are told.
                  type: list
                  elements: str
                  sample: ['8:17']
            netnsid:
              description: Of a network namespace, the id that the task's own has for it. Null for none.
              type: int
            links:
              description: Of a network namespace, its devices.
              type: list
              elements: dict
              contains:
                name:
                  description: The name.
                  type: str
                kind:
                  description: What made it, such as V(veth) or V(bridge); V(loopback), V(physical).
                  type: str
                up:
                  description: Whether it is set up.
                  type: bool
            links_more:
              description: How many more devices there are at least, where these are not all. A thousand are told.
              returned: when there are more
              type: int
            listeners:
              description: Of a network namespace, what waits for connections or datagrams there.
              type: list
              elements: dict
              contains:
                protocol:
                  description: V(tcp) or V(udp).
                  type: str
                address:
                  description: The address, V(0.0.0.0) or V(::) for all.
                  type: str
                port:
                  description: The port.
                  type: int
            listeners_more:
              description: How many more of them there are at least, where these are not all; 0 where some sockets were
                not looked at. A thousand are told.
              returned: when there are more
              type: int
            network:
              description:
                - Of a network namespace, its links with their addresses, its routes and rules, in the shape of the
                  options of M(linux.namespaces.ns_network). Keys are there where they apply. Null where it could not be
                  read.
                - C(kernel) is true of what the kernel made by itself, or what a router told it. C(beyond) says in words
                  what no option asks for. Routes and rules with neither can be given to
                  M(linux.namespaces.ns_network) as they are.
                - A thousand each of links, addresses, routes and rules are told. Where there are more,
                  RV(ansible_facts.linux_namespaces.scan.incomplete_because) says that.
              returned: with O(network)
              type: dict
              contains:
                links:
                  description: The devices.
                  type: list
                  elements: dict
                  contains:
                    name:
                      description: The name.
                      type: str
                    type:
                      description: What made it, as C(kind) of RV(ansible_facts.linux_namespaces.namespaces[].links);
                        V(unknown) where the kernel tells neither that nor to which device it belongs, as before 5.14.
                      type: str
                    up:
                      description: Whether it is set up.
                      type: bool
                    mtu:
                      description: The largest packet that it sends, in bytes.
                      type: int
                    mac:
                      description: Its address as a card; of a tunnel, its own end.
                      type: str
                    master:
                      description: The link that it is a port of.
                      type: str
                    addresses:
                      description: The addresses.
                      type: list
                      elements: dict
                      contains:
                        address:
                          description: The address and the length of its network.
                          type: str
                        kernel:
                          description: Whether the kernel, or a router, made it, or it goes away by itself.
                          type: bool
                        beyond:
                          description: The other end that it is for.
                          type: str
                    options:
                      description: Options of its type. C(link), and C(link_namespace) where that is elsewhere, are the
                        link that it is upon.
                      type: dict
                    peer:
                      description: Of a veth, the other end.
                      type: dict
                      contains:
                        name:
                          description: Its name. Null where it is not known, like the others. It is looked for in the
                            network namespaces that are told of, and in the one of the task.
                          type: str
                        namespace:
                          description: The name of the set that it is in, empty for where the task ran.
                          type: str
                        inode:
                          description: The inode of the network namespace that it is in.
                          type: int
                routes:
                  description: The routes of IPv4 and IPv6, of all tables.
                  type: list
                  elements: dict
                  contains:
                    dst:
                      description: Where it leads; V(default), of IPv6 V(::/0), for everything.
                      type: str
                    via:
                      description: The gateway.
                      type: str
                    dev:
                      description: The link.
                      type: str
                    src:
                      description: The address to send from.
                      type: str
                    table:
                      description: The number of the table; 254 is main, 255 local, 253 default.
                      type: int
                    metric:
                      description: The smallest of several wins.
                      type: int
                    type:
                      description: V(unicast), V(blackhole) and so on, also V(broadcast), V(anycast) and V(multicast).
                      type: str
                    kernel:
                      description: Whether the kernel, or a router, made it.
                      type: bool
                    beyond:
                      description: What else it has, such as several next hops.
                      type: str
                rules:
                  description: The rules of IPv4 and IPv6.
                  type: list
                  elements: dict
                  contains:
                    family:
                      description: V(ipv4) or V(ipv6).
                      type: str
                    priority:
                      description: The smallest is looked at first.
                      type: int
                    from:
                      description: What it is about.
                      type: str
                    to:
                      description: As C(from), for where packets go.
                      type: str
                    iif:
                      description: The link that they come by.
                      type: str
                    oif:
                      description: The link that the socket is bound to.
                      type: str
                    fwmark:
                      description: Their mark, a number or C(number/mask).
                      type: str
                    table:
                      description: The number of the table to look into.
                      type: int
                    kernel:
                      description: Whether it was there from the beginning.
                      type: bool
                    beyond:
                      description: What else it has.
                      type: str
                links_more:
                  description: How many more links there are at least, where these are not all.
                  returned: when there are more
                  type: int
                addresses_more:
                  description: The same of addresses.
                  returned: when there are more
                  type: int
                routes_more:
                  description: The same of routes.
                  returned: when there are more
                  type: int
                rules_more:
                  description: The same of rules.
                  returned: when there are more
                  type: int
  sample:
    linux_namespaces:
      namespaces:
        - type: net
          inode: 4026532503
          device: 4
          id: 77
          name: blue
          reference: {name: blue, types: [net]}
          owner: 4026531837
          owner_uid: 0
          parent: null
          depth: 0
          processes: 0
          leader: null
          holders:
            - {kind: bind, path: /run/netns/blue, namespace: 4026531832, pid: 1, comm: systemd, unit: init.scope}
            - {kind: fd, pid: 4711, fd: 12, comm: dockerd, unit: docker.service}
          holder_counts: {bind: 1, fd: 1}
"""

import re
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._namespaces import payload

payload.start_quickly()

from ..module_utils._namespaces import host
from ..module_utils._namespaces.discovery import facts, run
from ..module_utils._namespaces.errors import refuse
from ..module_utils._namespaces.values import absolute_path, plain_number, set_name
from ..module_utils._plugin import argspec, outcome

_MOST_DIGITS = 20  # of a 64-bit number
_LINK = re.compile(r"(?:[a-z]+:)?\[([0-9]+)\]")  # net:[4026532503] in /proc, [4026532503] in ns_holders


def main() -> t.NoReturn:
    module = AnsibleModule(
        argument_spec={
            "sources": {"type": "list", "elements": "str", "choices": list(run.SOURCES), "default": list(run.SOURCES)},
            "types": {"type": "list", "elements": "str", "choices": argspec.TYPE_NAMES},
            **{option: {"type": "str"} for option in ("name", "pid", "path", "inode", "id")},
            "detail": {"type": "str", "choices": list(facts.DETAILS), "default": "normal"},
            "network": {"type": "bool", "default": False},
        },
        mutually_exclusive=[("name", "pid", "path", "inode", "id")],
        supports_check_mode=True,
    )
    outcome.finish(module, execute)


def execute(module: AnsibleModule) -> outcome.Result:
    """Look at the host."""
    params = module.params
    request = facts.Request(
        sources=_some("sources", params["sources"]),
        types=None if params["types"] is None else _some("types", params["types"]),
        name=None if params["name"] is None else set_name("name", params["name"]),
        path=None if params["path"] is None else absolute_path("path", params["path"]),
        pid=_number("pid", params["pid"]),
        inode=_number("inode", _without_brackets(params["inode"])),
        id=_number("id", params["id"]),
        detail=params["detail"],
        network=params["network"],
    )
    return {"changed": False, "ansible_facts": {"linux_namespaces": facts.gather(host.open_proc(), request)}}


def _some(option: str, given: t.Sequence[str]) -> t.Sequence[str]:
    if not given:
        raise refuse(option, "it is empty", "leave it out")
    return given


def _without_brackets(given: str | None) -> str | None:
    link = _LINK.fullmatch(given or "")
    return link[1] if link else given


def _number(option: str, given: t.Any) -> int | None:
    return None if given is None else plain_number(option, given, _MOST_DIGITS)


if __name__ == "__main__":
    main()
