#!/usr/bin/python
# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ns_network
short_description: Declare links, addresses, routes, rules and sysctls inside a network namespace
description:
  - Brings a network namespace to what is declared, as C(ip link), C(ip address), C(ip route), C(ip rule) and C(sysctl)
    would do it by hand. What is not declared stays as it is, unless O(purge) says otherwise.
  - In the network namespace of a O(name), O(pid) or of O(handles), or with O(host) in that where the task runs. One of
    the four is required.
  - What can not be is refused before anything changes. Where something fails half-way, what was done is taken back.
    What is in the way of a part of that does not stop the rest, and is told.
version_added: 0.1.0
author: The linux.namespaces authors (@linux-namespaces)
extends_documentation_fragment:
  - linux.namespaces._attributes
  - linux.namespaces._target
attributes:
  check_mode:
    support: full
    details: Where a set that is named, also that of a peer, is not there yet, a change is reported, with a warning.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - Python 3.9 or later and Linux 5.10 or later on the target
  - pyroute2 0.7.2 or later on the target
options:
  host:
    description: Work in the network namespace where the task runs, normally that of the host.
    type: bool
    default: false
  links:
    description: Network interfaces.
    type: list
    elements: dict
    suboptions:
      name:
        description: Its name, 1 to 15 bytes.
        type: str
        required: true
      type:
        description:
          - What it is. A link that is not there is made; V(physical) is moved here from the network namespace where the
            task runs, and goes back there when it is V(absent).
          - As V(physical) a link of any type is moved here, but for C(lo). Only a link that belongs to a device, as a
            card does, is moved back as V(physical); others take O(links[].state=outside), as who is inside can make one
            of any name. Linux before 5.14 does not tell which do, so there all take that.
          - If omitted, the link has to be there already, like C(lo).
        type: str
        choices: [veth, bridge, bond, macvlan, ipvlan, vlan, vxlan, vrf, wireguard, dummy, physical]
      state:
        description:
          - Whether it is to be there. Of one that is not, only O(links[].name) and O(links[].type) can be said.
          - One that is to be V(outside) is moved to where the task runs instead of being removed, whatever its type and
            whoever made it. Where its other end, or the link that it is upon, is inside, that stays there.
          - It goes under that name alone. Those that it has beside it (C(altname)) are taken away before it goes; where
            who is inside has given it one at the last moment, a warning tells so.
          - Of one that is moved O(links[].up), O(links[].mtu) and O(links[].mac) can be said too, as it is to be where
            it goes. By default it is down there.
        type: str
        choices: [present, absent, outside]
        default: present
      peer:
        description: The other end of a V(veth).
        type: dict
        suboptions:
          name:
            description: Its name.
            type: str
            required: true
          namespace:
            description: Where it is, a set by its name, or the path of a handle. By default, or if empty, where the
              task runs, normally on the host.
            type: str
          addresses:
            description: As O(links[].addresses).
            type: list
            elements: raw
          up:
            description: Whether it is up.
            type: bool
            default: true
          master:
            description: The bridge or VRF there that it is a port of; empty for none.
            type: str
      addresses:
        description:
          - Its addresses with the length of their prefix, as V(10.0.0.1/24) or V(fd00::1/64). Without one it is V(/32)
            or V(/128), as for C(ip address).
          - A dictionary with C(address) and C(state) (V(present) or V(absent)) is for one that shall not be there.
            Others stay, unless O(purge) has V(addresses).
        type: list
        elements: raw
      mtu:
        description: The largest packet, in bytes; of a V(veth) that of this end alone.
        type: str
      mac:
        description: >-
          Its hardware address, as V("52:54:00:12:34:56"), in quotes. An V(ipvlan) has that of the link that it is upon,
          and no other.
        type: str
      up:
        description: Whether it is up. True by default for every link that is V(present).
        type: bool
      master:
        description: >-
          The bridge, bond or VRF that it is a port of; empty for none. What joins or leaves a bond is down meanwhile,
          and keeps its addresses and routes.
        type: str
      options:
        description:
          - What its type has beyond that, with the names of C(ip-link(8)). Those of one type can not be given for
            another, and O(links[].type) is given with them.
          - V(bridge) - C(stp_state), C(vlan_filtering), C(mcast_snooping), C(forward_delay), C(hello_time), C(max_age),
            C(ageing_time), C(priority), C(vlan_default_pvid).
          - V(bond) - C(mode), C(lacp_rate), C(xmit_hash_policy), C(miimon), C(updelay), C(downdelay), C(min_links).
          - V(macvlan), V(ipvlan) - C(link) (the one that it is upon), C(link_namespace), C(mode).
          - V(vlan) - C(link), C(link_namespace), C(id), C(protocol).
          - V(vxlan) - C(link), C(id), C(local), C(remote) (also a group), C(dstport), C(learning), C(ttl), C(tos),
            C(ageing).
          - V(vrf) - C(table), a number.
          - C(forward_delay), C(hello_time), C(max_age) and C(ageing_time) are in hundredths of a second, C(miimon),
            C(updelay) and C(downdelay) in milliseconds, C(ageing) in seconds. Without C(dstport) it is 8472, as for
            C(ip link), and not 4789, the registered one.
          - C(link_namespace) says where that C(link) is, as O(links[].peer.namespace) does, empty for where the task
            runs. If omitted, it is in the same network namespace.
          - A C(link), C(link_namespace), C(id), C(protocol), C(table), the C(mode) of a bond and all of V(vxlan) are
            only for a link that is made. One that is there with another value is refused.
        type: dict
  routes:
    description:
      - Routes. There is one at a time for a destination, table and metric.
      - They are made in this order, so one that leads to the gateway of another comes before that.
    type: list
    elements: dict
    suboptions:
      dst:
        description: V(default), a network as V(10.0.0.0/8), or an address.
        type: str
        required: true
      via:
        description: The gateway, of the same family. One as V(fe80::1) takes O(routes[].dev) too.
        type: str
      dev:
        description: The link that it goes out of.
        type: str
      table:
        description: A number from 1 to 4294967295, V(main), V(local) or V(default). By default V(main), for the type
          V(local) V(local).
        type: str
      metric:
        description: Its priority, the smallest comes first. By default 0 for IPv4 and 1024 for IPv6, as the kernel has
          it.
        type: str
      src:
        description: The address that packets from here have.
        type: str
      type:
        description: What happens to the packets. V(unicast) needs O(routes[].via) or O(routes[].dev), V(local) needs
          O(routes[].dev), the others take neither.
        type: str
        choices: [unicast, blackhole, unreachable, prohibit, throw, local]
        default: unicast
      family:
        description: Whether V(default) is of V(ipv4) or V(ipv6). By default that of O(routes[].via) or
          O(routes[].src), or V(ipv4).
        type: str
        choices: [ipv4, ipv6]
      state:
        description: Whether it is to be there. One that is not is told by its destination, table and metric alone;
          where it leads is not looked at, and one of another metric stays.
        type: str
        choices: [present, absent]
        default: present
  rules:
    description:
      - Rules that say which routing table is looked into. What is not given is any.
      - One with a O(rules[].priority) takes the place of another one that has the same, and all else but the table,
        unless that is declared too.
    type: list
    elements: dict
    suboptions:
      family:
        description: The family. By default that of the addresses, or V(ipv4).
        type: str
        choices: [ipv4, ipv6]
      from:
        description: The network that packets come from.
        type: str
      to:
        description: The network that packets go to.
        type: str
      iif:
        description: The link that they came in from; C(lo) for those that are sent from here.
        type: str
      oif:
        description: The link that their socket is bound to.
        type: str
      fwmark:
        description: Their mark, as V(7), V(0x7) or V(0x7/0xff).
        type: str
      table:
        description: The table to look into, as O(routes[].table). Required for a rule that is to be V(present).
        type: str
      priority:
        description: Its place among the rules, from 0 to 4294967295. If omitted, the kernel chooses it for a new one,
          and one at any place will do.
        type: str
      state:
        description: Whether it is to be there. All that have what is given for V(absent) go, whatever else they have,
          but for those of the kernel. Of C(from), C(to), C(iif), C(oif) and C(fwmark) one that is empty is one that
          they have not.
        type: str
        choices: [present, absent]
        default: present
  sysctls:
    description:
      - Sysctls of networks with the numbers that they shall have, as V(net.ipv4.ip_forward). Those that are words can
        not be set.
      - A dot in the name of a link is written as a slash, as in V(net.ipv4.conf.eth0/100.rp_filter), or all the other
        way round, V(net/ipv4/conf/eth0.100/rp_filter).
      - One that can not be written, or is not there and comes with no link that is made, is refused before anything
        changes, in check mode too. Whether the kernel takes a value is only known when it is set.
      - Where C(disable_ipv6) takes away addresses and routes, these are in RV(before) too. What one of C(conf.all) does
        to that of each link is not.
    type: dict
  purge:
    description:
      - Take away what is there of these and not declared. C(lo), and what the kernel makes by itself, stay.
      - What could not be brought back is refused, unless it is named. So is a V(physical) link, as it would go to where
        the task runs under a name that who is inside may have chosen.
      - V(addresses) are those of the links in this network namespace. Those of a peer elsewhere stay.
      - The end of a V(veth) that another task declared as its peer is one of the V(links) here. Name it, or it goes,
        and the other end with it.
      - In the network namespace where the task runs, and in that of PID 1, it is refused, however that is named.
    type: list
    elements: str
    choices: [links, addresses, routes, rules]
  confirm:
    description:
      - Take back what was changed unless the controller comes back within so many seconds, from 5 to 3600, over a new
        connection. Then the task fails, and what was changed is as it was before. Where the target can not be reached
        any more at all, it is taken back all the same, by a process that is there until the time is over. On C(SIGTERM)
        that takes it back at once; where it is killed by C(SIGKILL), what was changed stays, and the task fails and
        says so.
      - What somebody inside is in the way of does not stop the rest. It is tried again for a minute; the journal says
        what is left. Where a task fails and could not take all back, it is tried when the time is over, too.
      - It can not be had of an C(async) task, nor where the action plugin of the same name is not found. When that
        comes back, it gives the token of the change that may stay, 32 hexadecimal digits, and nothing else.
      - While a change waits for that, other tasks on the same network namespace are refused. What others than this
        module change meanwhile under the names of what was changed is taken back with it.
    type: str
notes:
  - In O(types) C(net) has to be named, if anything; what else the target has is not entered.
  - What is taken back, after a failure or unconfirmed, is what the options tell of. What they do not tell is lost with
    a link that is made again or set down, as its alias, neighbours, what it is as a port of a bridge, what is dynamic
    of addresses and routes, and the mac and mtu of its other end with the routes that lead over that in other network
    namespaces.
  - A network namespace with more than 100000 links, addresses, routes or rules is not changed. To read them would keep
    the tasks waiting that want to change others.
  - A V(physical) link that was moved in is taken back under its old names alone, whatever it is called inside by then.
    One that who is inside has moved to another network namespace is told as left.
seealso:
  - module: linux.namespaces.ns_persistent
  - module: linux.namespaces.ns_exec
"""

EXAMPLES = r"""
- name: Connect a set with the host, and send all through it
  linux.namespaces.ns_network:
    name: blue
    links:
      - name: lo
      - name: eth0
        type: veth
        addresses: [10.1.0.2/24, "fd00:1::2/64"]
        peer:
          name: blue0
          addresses: [10.1.0.1/24, "fd00:1::1/64"]
    routes:
      - {dst: default, via: 10.1.0.1}
      - {dst: default, via: "fd00:1::1"}
    sysctls:
      net.ipv4.ip_forward: 1

- name: Have a router with a bridge of two sets, and nothing else
  linux.namespaces.ns_network:
    name: router
    links:
      - {name: br0, type: bridge, addresses: [10.2.0.1/24], options: {stp_state: false}}
      - {name: red, type: veth, master: br0, peer: {name: eth0, namespace: red, addresses: [10.2.0.2/24]}}
      - {name: green, type: veth, master: br0, peer: {name: eth0, namespace: green, addresses: [10.2.0.3/24]}}
    purge: [links, addresses, routes, rules]

- name: Give a tenant a VLAN of the host's card
  linux.namespaces.ns_network:
    name: tenant
    links:
      - name: vlan100
        type: vlan
        options: {link: eth1, link_namespace: "", id: 100}

- name: Connect a tenant with a bridge of the host
  linux.namespaces.ns_network:
    name: tenant
    links:
      - name: eth0
        type: veth
        addresses: [10.3.0.2/24]
        peer: {name: tenant0, master: br0}
    routes:
      - {dst: default, via: 10.3.0.1}

- name: Send what one network sends through a table of its own
  linux.namespaces.ns_network:
    name: router
    rules:
      - {from: 10.2.0.0/24, table: 100, priority: 1000}
    routes:
      - {dst: default, via: 10.9.0.1, table: 100}
      - {dst: 192.168.0.0/16, type: unreachable, table: 100}
  register: network

- name: Give a link another address and the default route another gateway, and go back if that cuts the host off
  linux.namespaces.ns_network:
    host: true
    links:
      - name: eth0
        addresses: [192.0.2.7/24, {address: 192.0.2.6/24, state: absent}]
    routes:
      - {dst: default, via: 192.0.2.1}
    confirm: 30

- name: Move a card of the host into a set
  linux.namespaces.ns_network:
    name: blue
    links:
      - {name: eth2, type: physical, addresses: [198.51.100.2/24]}

- name: Move it back, and take away a link, a route and a rule
  linux.namespaces.ns_network:
    name: blue
    links:
      - {name: eth2, type: physical, state: absent}
      - {name: eth0, state: absent}
    routes:
      - {dst: 10.8.0.0/16, state: absent}
    rules:
      - {from: 10.2.0.0/24, table: 100, state: absent}

- name: Undo what was done to the router
  linux.namespaces.ns_network:
    name: router
    links: "{{ network.before.links | default(omit) }}"
    routes: "{{ network.before.routes | default(omit) }}"
    rules: "{{ network.before.rules | default(omit) }}"
    sysctls: "{{ network.before.sysctls | default(omit) }}"
"""

RETURN = r"""
changes:
  description:
    - What was done, in check mode what would be, in the words of C(ip(8)) and C(sysctl(8)) and in this order.
    - What the kernel takes away beyond that although it was to stay, as an address or a route of a link that becomes a
      port, is made again afterwards, and that is not in it.
  returned: success
  type: list
  elements: str
  sample:
    - link set eth0 mtu 1400
before:
  description:
    - What the task changed, as it was, in the shape of the options. Given as these, it takes the network namespace
      back.
    - The first run has it. One that finds nothing to change has an empty one, so keep that of the first.
    - Has O(links), O(routes), O(rules) and O(sysctls), those alone where something changed. What a link that was
      removed had beyond the options is not in it, nor what has a name that is not UTF-8, which a warning tells.
    - A route that another program made, as a DHCP client or a routing daemon, comes back as a static one, and an IPv4
      address that was to go away by itself as one that stays.
  returned: success
  type: dict
  sample:
    links: [{name: eth0, mtu: 1500, up: true}]
"""

import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._namespaces import payload

payload.start_quickly()

from ..module_utils._namespaces import host, named, target
from ..module_utils._namespaces.errors import NamespaceError, refuse
from ..module_utils._namespaces.network import codec, confirm, run
from ..module_utils._namespaces.network.parse import parse
from ..module_utils._namespaces.network.places import HERE
from ..module_utils._namespaces.network.shape import options_of, sayable
from ..module_utils._namespaces.network.specs import NETWORK
from ..module_utils._namespaces.shown import printable
from ..module_utils._plugin import argspec, outcome

_NET = "net"
ARGUMENTS: argspec.Spec = {
    "host": {"type": "bool", "default": False},
    **NETWORK,
    "confirm": {"type": "str"},
    **argspec.TARGET,
}


def main() -> t.NoReturn:
    outcome.finish(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), execute)


def execute(module: AnsibleModule) -> outcome.Result:
    """Bring the network namespace to what is asked, and say what that took."""
    params = module.params
    if confirm.is_token(params["confirm"]):
        if confirm.confirm(params["confirm"]):
            return {"changed": False}
        told = "the process that waited for this was killed, and has not taken the change back; before says how to"
        return {"failed": True, "changed": True, "msg": told}
    request = parse(params)
    seconds = None if params["confirm"] is None else confirm.parse_seconds(params["confirm"])
    _refuse_impossible_target(params)
    if sys.version_info < (3, 9):
        raise NamespaceError("change a network", f"this is Python {sys.version.split()[0]}", "use 3.9 or later")
    if codec.MISSING is not None:
        return {"failed": True, "msg": missing_required_lib("pyroute2"), "exception": codec.MISSING}
    proc = host.open_proc()
    missing = run.set_to_come(proc, params["name"], request) if module.check_mode else None
    if missing is not None:
        module.warn(f"there is no set {missing} yet; what would have to be changed is not known")
        return {"changed": run.adds(request), "changes": [], "before": {}}
    if params["host"]:
        return _describe(module, run.run(proc, None, HERE, request, module.check_mode, seconds))
    types = params["types"] or [_NET]
    handles = params["handles"]
    if params["name"] is not None:
        handles = named.handles_of(proc, params["name"], types)
        if not handles:
            raise named.refuse_missing(params["name"])
    with target.of(proc, params["pid"], handles, types, params["expect"]) as existing:
        inside = next(fd for kind, fd in existing.descriptors.items() if kind.name == _NET)
        return _describe(module, run.run(proc, inside, _name(params), request, module.check_mode, seconds))


def _refuse_impossible_target(params: t.Mapping[str, t.Any]) -> None:
    given = [option for option in ("name", "pid", "handles", "host") if params[option] not in (None, False)]
    remedy = "give one of name, pid, handles and host"
    if not given:
        raise NamespaceError("change a network", "nothing says in which network namespace", remedy)
    if len(given) > 1:
        raise refuse(" and ".join(given), "there has to be exactly one network namespace", remedy)
    for option in ("types", "expect"):
        if params["host"] and params[option] is not None:
            raise refuse(option, "it is about a target, and with host there is none", "leave it out")
    if params["types"] is not None and _NET not in params["types"]:
        raise refuse("types", "a network is in a net namespace", "name net among them")


def _name(params: t.Mapping[str, t.Any]) -> str:
    """What the task calls the namespace: a set, or a path."""
    if params["name"] is not None:
        return str(params["name"])
    return f"/proc/{int(params['pid'])}/ns/net" if params["pid"] is not None else str(params["handles"][_NET])


def _describe(module: AnsibleModule, results: run.Results) -> outcome.Result:
    before, unsaid = sayable(options_of(results.before))
    for item in unsaid:
        module.warn(f"{item} is not in before: a name in it is not UTF-8, and no task can give that")
    for warning in results.warnings:
        module.warn(printable(warning))
    told = {
        "changed": bool(results.changes),
        "changes": results.changes,
        "before": before,
        "diff": {"prepared": "".join(change + "\n" for change in results.changes)},
    }
    if results.token is not None:
        # For the action plugin, which comes back with it.
        told["confirm"] = {"token": results.token, "seconds": int(module.params["confirm"])}
    return told


if __name__ == "__main__":
    main()
