# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Requests of rtnetlink(7), put together."""

from __future__ import annotations

import ipaddress
import socket
import typing as t

from ..._kernel import netdev, rtnetlink
from . import codec
from .link_types import LINK_TYPES
from .model import V4, Route, Rule, Value

_NEW = rtnetlink.CREATE | rtnetlink.EXCL
_RTPROT_STATIC = 4
_IFLA_PROP_LIST, _IFLA_ALT_IFNAME = 52, 53
_NLA_F_NESTED = 0x8000
"""Which pyroute2 leaves out."""


def everything(kind: int) -> bytes:
    """The question for all links (RTM_GETLINK), addresses, routes or rules."""
    message = codec.blank(kind)
    message["family"] = socket.AF_UNSPEC
    return codec.encoded(message)


def addresses_at(index: int) -> bytes:
    """The question for the addresses of one link, with 0 of all."""
    message = codec.blank(rtnetlink.RTM_GETADDR)
    message["index"] = index
    return codec.encoded(message)


def link_added(
    name: str,
    type_: str,
    options: t.Mapping[str, Value],
    other: int,
    namespace: int | None,
    peer: tuple[str, int] | None,
) -> rtnetlink.Request:
    """A new link. other: the index of the one that it is upon. namespace: an open one to make it in.

    peer: the name of the other end and an open namespace for it.
    """
    data = _data(type_, options, other)
    if peer is not None:
        data = [("VETH_INFO_PEER", {"attrs": [("IFLA_IFNAME", _bytes(peer[0])), ("IFLA_NET_NS_FD", peer[1])]})]
    message = codec.blank(rtnetlink.RTM_NEWLINK)
    message["attrs"] = [("IFLA_IFNAME", _bytes(name)), ("IFLA_LINKINFO", _info(type_, data))]
    if other and type_ != "vxlan":
        message["attrs"].append(("IFLA_LINK", other))
    if namespace is not None:
        message["attrs"].append(("IFLA_NET_NS_FD", namespace))
    return rtnetlink.Request(rtnetlink.RTM_NEWLINK, _NEW, codec.encoded(message))


def link_changed(
    index: int,
    *,
    up: bool | None = None,
    type_: str = "",
    options: t.Mapping[str, Value] | None = None,
    **attributes: int | str,
) -> rtnetlink.Request:
    """attributes: mtu, address, master (an index, 0 for none), net_ns_fd (an open namespace to move it to), ifname.

    new_ifindex: what it is to have there; a kernel before 5.13 does not look at it.
    """
    message = codec.blank(rtnetlink.RTM_NEWLINK)
    message["index"] = index
    if up is not None:
        message["flags"], message["change"] = int(up), netdev.IFF_UP
    message["attrs"] = [
        (f"IFLA_{name.upper()}", _bytes(str(value)) if name == "ifname" else value)
        for name, value in attributes.items()
    ]
    if options:
        message["attrs"].append(("IFLA_LINKINFO", _info(type_, _data(type_, options, 0))))
    return rtnetlink.Request(rtnetlink.RTM_NEWLINK, 0, codec.encoded(message))


def link_at(index: int, **attributes: str) -> bytes:
    """The question for one link: by its index, or where that is 0 by ifname or alt_ifname."""
    message = codec.blank(rtnetlink.RTM_GETLINK)
    message["index"] = index
    message["attrs"] = [(f"IFLA_{name.upper()}", _bytes(value)) for name, value in attributes.items()]
    return codec.encoded(message)


def alternative_name_removed(index: int, name: str) -> rtnetlink.Request:
    """From a link."""
    names = rtnetlink.attribute(_IFLA_ALT_IFNAME, _bytes(name) + b"\0")
    content = link_at(index) + rtnetlink.attribute(_IFLA_PROP_LIST | _NLA_F_NESTED, names)
    return rtnetlink.Request(rtnetlink.RTM_DELLINKPROP, 0, content)


def link_removed(index: int) -> rtnetlink.Request:
    """With all that it carries."""
    message = codec.blank(rtnetlink.RTM_NEWLINK)
    message["index"] = index
    return rtnetlink.Request(rtnetlink.RTM_DELLINK, 0, codec.encoded(message))


def address_added(index: int, address: str) -> rtnetlink.Request:
    """To a link."""
    return rtnetlink.Request(rtnetlink.RTM_NEWADDR, _NEW, _address(index, address))


def address_kept(index: int, address: str) -> rtnetlink.Request:
    """To a link that may still have it."""
    return rtnetlink.Request(rtnetlink.RTM_NEWADDR, rtnetlink.CREATE | rtnetlink.REPLACE, _address(index, address))


def address_removed(index: int, address: str) -> rtnetlink.Request:
    """From a link."""
    return rtnetlink.Request(rtnetlink.RTM_DELADDR, 0, _address(index, address))


def route_set(route: Route, index: int, replace: bool) -> rtnetlink.Request:
    """Added where there is none with its key. index: of its link, 0 where the kernel finds it.

    replace: put in the place of the one that there is, or added.
    """
    message = codec.blank(rtnetlink.RTM_NEWROUTE)
    message["proto"], message["type"] = _RTPROT_STATIC, codec.TYPES[route.type]
    if not route.via and route.family == V4:
        message["scope"] = codec.SCOPES.get(route.type, 0)
    attributes: list[tuple[str, t.Any]] = [("RTA_GATEWAY", route.via)] if route.via else []
    if index:
        attributes.append(("RTA_OIF", index))
    if route.src:
        attributes.append(("RTA_PREFSRC", route.src))
    flags = rtnetlink.CREATE | rtnetlink.REPLACE if replace else _NEW
    return rtnetlink.Request(rtnetlink.RTM_NEWROUTE, flags, _route(message, route, attributes))


def route_removed(route: Route) -> rtnetlink.Request:
    """The one with this key."""
    message = codec.blank(rtnetlink.RTM_NEWROUTE)
    message["scope"] = 255  # RT_SCOPE_NOWHERE: of whatever scope
    return rtnetlink.Request(rtnetlink.RTM_DELROUTE, 0, _route(message, route, []))


def rule_added(rule: Rule) -> rtnetlink.Request:
    """A rule for a table."""
    return rtnetlink.Request(rtnetlink.RTM_NEWRULE, _NEW, _rule(rule, [("FRA_PROTOCOL", _RTPROT_STATIC)]))


def rule_removed(rule: Rule) -> rtnetlink.Request:
    """The first one that is so, whoever made it and whatever else it is."""
    return rtnetlink.Request(rtnetlink.RTM_DELRULE, 0, _rule(rule, []))


def _info(type_: str, data: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
    info: list[tuple[str, t.Any]] = [("IFLA_INFO_KIND", type_)]
    if data:
        info.append(("IFLA_INFO_DATA", {"attrs": data}))
    return {"attrs": info}


def _data(type_: str, options: t.Mapping[str, Value], other: int) -> list[tuple[str, t.Any]]:
    """The options as attributes of the type."""
    data: list[tuple[str, t.Any]] = []
    for name, value in options.items():
        option = LINK_TYPES[type_][name]
        if not option.attribute:
            continue
        if option.kind == "link":
            data.append((option.attribute, other))
        elif option.kind == "choice":
            data.append((option.attribute, option.choices[str(value)]))
        elif option.kind == "address":
            data.append((_of_family(option.attribute, str(value)), value))
        else:
            data.append((option.attribute, int(value)))
    return data


def _of_family(attribute: str, address: str) -> str:
    return attribute + "6" if ":" in address else attribute


def _address(index: int, text: str) -> bytes:
    address = ipaddress.ip_interface(text)
    message = codec.blank(rtnetlink.RTM_NEWADDR)
    message["family"] = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    message["index"], message["prefixlen"] = index, address.network.prefixlen
    message["scope"] = codec.scope_of(address)
    message["attrs"] = [("IFA_LOCAL", str(address.ip)), ("IFA_ADDRESS", str(address.ip))]
    return codec.encoded(message)


def _route(message: t.Any, route: Route, attributes: list[tuple[str, t.Any]]) -> bytes:
    """The message with the key of the route in it."""
    message["family"] = codec.FAMILIES[route.family]
    if route.dst not in codec.ANY.values():
        address, _slash, length = route.dst.partition("/")
        message["dst_len"] = int(length)
        attributes.append(("RTA_DST", address))
    message["table"] = route.table if route.table < 256 else 0
    attributes.append(("RTA_TABLE", route.table))
    if route.metric:
        attributes.append(("RTA_PRIORITY", route.metric))
    message["attrs"] = attributes
    return codec.encoded(message)


def _rule(rule: Rule, more: list[tuple[str, t.Any]]) -> bytes:
    message = codec.blank(rtnetlink.RTM_NEWRULE)
    message["family"], message["action"] = codec.FAMILIES[rule.family], codec.FR_ACT_TO_TBL
    message["table"] = rule.table if rule.table < 256 else 0
    attributes: list[tuple[str, t.Any]] = [("FRA_TABLE", rule.table), *more]
    if rule.priority is not None:
        attributes.append(("FRA_PRIORITY", rule.priority))
    for name, prefix in (("src", rule.src), ("dst", rule.dst)):
        if prefix:
            address, _slash, length = prefix.partition("/")
            message[f"{name}_len"] = int(length)
            attributes.append((f"FRA_{name.upper()}", address))
    for attribute, link in (("FRA_IIFNAME", rule.iif), ("FRA_OIFNAME", rule.oif)):
        if link:
            attributes.append((attribute, _bytes(link)))
    if rule.fwmark:
        mark, _slash, mask = rule.fwmark.partition("/")
        attributes += [("FRA_FWMARK", int(mark)), ("FRA_FWMASK", int(mask or codec.WHOLE_MARK))]
    message["attrs"] = attributes
    return codec.encoded(message)


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
