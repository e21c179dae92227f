# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Messages of rtnetlink(7), put together and taken apart by pyroute2: the only place that imports it.

Of pyroute2 these are the classes of messages alone, which are the same in 0.7.2 and in the newest. How it sends
and receives is not: to carry a request to the kernel is the business of the kernel floor.
"""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import socket
import sys
import traceback
import typing as t

from ..._kernel import rtnetlink
from .link_types import LINK_TYPES, Option
from .model import PHYSICAL, V4, V6, WAYLESS, Link, Route, Rule, Value

MISSING: str | None = None
"""Why there is no pyroute2, as Python tells it."""


@contextlib.contextmanager
def _not_executed(package: str) -> t.Iterator[None]:
    """Import modules of a package without all that the package imports itself, which takes a fifth of a second."""
    spec = None if package in sys.modules else importlib.util.find_spec(package)
    if spec is None:
        yield
        return
    sys.modules[package] = importlib.util.module_from_spec(spec)
    try:
        yield
    finally:
        # Who imports the package later gets the whole of it.
        del sys.modules[package]


try:
    if sys.version_info < (3, 9):
        raise ImportError("pyroute2 is not tried with a Python before 3.9")
    with _not_executed("pyroute2"):
        from pyroute2.netlink.rtnl.fibmsg import fibmsg
        from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
        from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
        from pyroute2.netlink.rtnl.rtmsg import rtmsg
except ImportError:
    MISSING = traceback.format_exc()

Request = rtnetlink.Request

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34

_NEW = rtnetlink.CREATE | rtnetlink.EXCL

_HEADER_BYTES = 16
_IFF_UP = 0x1
_ARPHRD_LOOPBACK = 772
_IFA_F_PERMANENT = 0x80
_IFA_F_TENTATIVE = 0x40
_IFA_F_DADFAILED = 0x8
_IFA_F_NOPREFIXROUTE = 0x200
_RTM_F_CLONED = 0x200
_RTNH_F_ONLINK = 0x4
_RTPROT_STATIC = 4
_RTM_PROTOCOL = 5
"""Where it is in a message: most routes are the kernel's own, and to take them apart takes long."""
_OF_THE_KERNEL = (1, 2, 9)
"""Who made a route or a rule: a redirect, the kernel, a router's advertisement."""
_SCOPES = {"local": 254, "unicast": 253}
"""Of routes without a gateway; the first is that of addresses of the loopback too."""
_SCOPE_NAMES = {0: "global", 200: "site", 253: "link", 254: "host"}
_TYPES = {"unicast": 1, "local": 2, "blackhole": 6, "unreachable": 7, "prohibit": 8, "throw": 9}
_TYPE_NAMES = {number: name for name, number in _TYPES.items()}
_OTHER_TYPES = {3: "broadcast", 4: "anycast", 5: "multicast"}
"""Those that no task asks for."""
_FR_ACT_TO_TBL = 1
_NO_SUPPRESSION = (None, -1, 0xFFFFFFFF)
_WHOLE_MARK = 0xFFFFFFFF
_LINK_LOCAL = ipaddress.ip_network("fe80::/64")
_LOOPBACK_INDEX = 1
OF_LOOPBACK = ("127.0.0.1/8", "::1/128")
"""What the kernel gives the loopback when it is set up."""
_IFA_F_STABLE_PRIVACY = 0x800
_EUI64_MIDDLE = b"\xff\xfe"
"""What the kernel puts into the middle of the address of a card, to make one of a link of it."""
_FAMILIES = {V4: socket.AF_INET, V6: socket.AF_INET6}
_FAMILY_NAMES = {number: name for name, number in _FAMILIES.items()}
_ANY = {V4: "default", V6: "::/0"}

_BEYOND_ROUTE = {
    "RTA_MULTIPATH": "several next hops",
    "RTA_NH_ID": "a next hop object",
    "RTA_ENCAP": "an encapsulation",
    "RTA_METRICS": "metrics like an mtu",
    "RTA_VIA": "a gateway of another family",
    "RTA_SRC": "a source",
    "RTA_FLOW": "realms",
    "UNKNOWN": "what is not known here",
}
_BEYOND_RULE = {
    "FRA_L3MDEV": "l3mdev",
    "FRA_UID_RANGE": "uidrange",
    "FRA_IP_PROTO": "ipproto",
    "FRA_SPORT_RANGE": "sport",
    "FRA_DPORT_RANGE": "dport",
    "FRA_GOTO": "goto",
    "FRA_TUN_ID": "tun_id",
    "FRA_FLOW": "realms",
    "FRA_SUPPRESS_IFGROUP": "suppress",
    "UNKNOWN": "what is not known here",
}


class Raw(t.NamedTuple):
    """A link with the numbers that it has for others."""

    link: Link
    master: int
    """The index of the link that it is a port of, 0 for none."""
    other: int
    """The index of the link that it is upon, or of its peer, 0 for none."""
    namespace: int | None
    """The id of the network namespace where that is, None for the same one."""


class Address(t.NamedTuple):
    """An address of a link."""

    number: int
    """The index of the link."""
    text: str
    automatic: bool
    """Whether the kernel made it, or what a router told it, or whether it goes away by itself."""
    beyond: str
    """What it has that no task can ask for, in words."""
    has_peer: bool = False
    """Whether it is another one than that of the same text alone."""


def everything(kind: int) -> bytes:
    """The question for all links (RTM_GETLINK), addresses, routes or rules."""
    kinds: dict[int, t.Any] = {
        RTM_GETLINK: ifinfmsg,
        RTM_GETADDR: ifaddrmsg,
        RTM_GETROUTE: rtmsg,
        RTM_GETRULE: fibmsg,
    }
    message = kinds[kind]()
    message["family"] = socket.AF_UNSPEC
    return _encoded(message)


def link_added(
    name: str,
    type_: str,
    options: t.Mapping[str, Value],
    other: int,
    namespace: int | None,
    peer: tuple[str, int] | None,
) -> Request:
    """A new link. other: the index of the one that it is upon. namespace: an open one to make it in.

    peer: the name of the other end and an open namespace for it.
    """
    data = _data(type_, options, other)
    if peer is not None:
        data = [("VETH_INFO_PEER", {"attrs": [("IFLA_IFNAME", _bytes(peer[0])), ("IFLA_NET_NS_FD", peer[1])]})]
    message = ifinfmsg()
    message["attrs"] = [("IFLA_IFNAME", _bytes(name)), ("IFLA_LINKINFO", _info(type_, data))]
    if other and type_ != "vxlan":
        message["attrs"].append(("IFLA_LINK", other))
    if namespace is not None:
        message["attrs"].append(("IFLA_NET_NS_FD", namespace))
    return Request(RTM_NEWLINK, _NEW, _encoded(message))


def link_changed(
    index: int,
    *,
    up: bool | None = None,
    type_: str = "",
    options: t.Mapping[str, Value] | None = None,
    **attributes: int | str,
) -> Request:
    """attributes: mtu, address, master (an index, 0 for none), net_ns_fd (an open namespace to move it to)."""
    message = ifinfmsg()
    message["index"] = index
    if up is not None:
        message["flags"], message["change"] = int(up), _IFF_UP
    message["attrs"] = [(f"IFLA_{name.upper()}", value) for name, value in attributes.items()]
    if options:
        message["attrs"].append(("IFLA_LINKINFO", _info(type_, _data(type_, options, 0))))
    return Request(RTM_NEWLINK, 0, _encoded(message))


def link_removed(index: int) -> Request:
    """With all that it carries."""
    message = ifinfmsg()
    message["index"] = index
    return Request(RTM_DELLINK, 0, _encoded(message))


def address_added(index: int, address: str) -> Request:
    """To a link."""
    return Request(RTM_NEWADDR, _NEW, _address(index, address))


def address_kept(index: int, address: str) -> Request:
    """To a link that may still have it."""
    return Request(RTM_NEWADDR, rtnetlink.CREATE | rtnetlink.REPLACE, _address(index, address))


def address_removed(index: int, address: str) -> Request:
    """From a link."""
    return Request(RTM_DELADDR, 0, _address(index, address))


def route_set(route: Route, index: int, replace: bool) -> Request:
    """Added, or put in the place of the one with the same key. index: of its link, 0 where the kernel finds it."""
    message = rtmsg()
    message["proto"], message["type"] = _RTPROT_STATIC, _TYPES[route.type]
    if not route.via and route.family == V4:
        message["scope"] = _SCOPES.get(route.type, 0)
    attributes: list[tuple[str, t.Any]] = [("RTA_GATEWAY", route.via)] if route.via else []
    if index:
        attributes.append(("RTA_OIF", index))
    if route.src:
        attributes.append(("RTA_PREFSRC", route.src))
    return Request(RTM_NEWROUTE, rtnetlink.REPLACE if replace else _NEW, _route(message, route, attributes))


def route_removed(route: Route) -> Request:
    """The one with this key."""
    message = rtmsg()
    message["scope"] = 255  # RT_SCOPE_NOWHERE: of whatever scope
    return Request(RTM_DELROUTE, 0, _route(message, route, []))


def rule_added(rule: Rule) -> Request:
    """A rule for a table."""
    return Request(RTM_NEWRULE, _NEW, _rule(rule, [("FRA_PROTOCOL", _RTPROT_STATIC)]))


def rule_removed(rule: Rule) -> Request:
    """The first one that is so, whoever made it and whatever else it is."""
    return Request(RTM_DELRULE, 0, _rule(rule, []))


def link_in(message: rtnetlink.Message) -> Raw:
    """The link in a message, without its addresses, and with the names of others still missing."""
    found = _decoded(ifinfmsg, message)
    attributes = _Attributes(found)
    info = dict(attributes["IFLA_LINKINFO"]["attrs"]) if "IFLA_LINKINFO" in attributes else {}
    type_ = info.get("IFLA_INFO_KIND", PHYSICAL)
    data = dict(info["IFLA_INFO_DATA"]["attrs"]) if isinstance(info.get("IFLA_INFO_DATA"), dict) else {}
    if found["ifi_type"] == _ARPHRD_LOOPBACK:
        type_ = "loopback"
    link = Link(
        name=_text(attributes["IFLA_IFNAME"]),
        number=found["index"],
        type=type_,
        up=bool(found["flags"] & _IFF_UP),
        mtu=attributes.get("IFLA_MTU", 0),
        mac=attributes.get("IFLA_ADDRESS", ""),
        master="",
        addresses=(),
        options=dict(_told(LINK_TYPES.get(type_, {}), data)),
    )
    other = data.get("IFLA_VXLAN_LINK", 0) if type_ == "vxlan" else attributes.get("IFLA_LINK", 0)
    return Raw(link, attributes.get("IFLA_MASTER", 0), other, attributes.get("IFLA_LINK_NETNSID"))


def address_in(message: rtnetlink.Message) -> Address | None:
    """The address in a message; None where there is none."""
    found = _decoded(ifaddrmsg, message)
    attributes = _Attributes(found)
    local = attributes.get("IFA_LOCAL", attributes.get("IFA_ADDRESS"))
    if local is None:
        return None
    far = attributes.get("IFA_ADDRESS", local)
    address = ipaddress.ip_interface(f"{local}/{found['prefixlen']}")
    flags = attributes.get("IFA_FLAGS", found["flags"])
    automatic = found["index"] == _LOOPBACK_INDEX and str(address) in OF_LOOPBACK
    if address.version == 6:
        automatic = automatic or not flags & _IFA_F_PERMANENT or _is_made_of_the_link(address.ip, flags)
    beyond = [f"peer {_address_text(far)}"] if far != local else []
    # Of IPv6 it follows from the address.
    if address.version == 4 and found["scope"] != _scope(address):
        beyond.append(f"scope {_SCOPE_NAMES.get(found['scope'], found['scope'])}")
    beyond += ["noprefixroute"] if flags & _IFA_F_NOPREFIXROUTE else []
    return Address(found["index"], str(address), automatic, ", ".join(beyond), far != local)


def tentative_in(message: rtnetlink.Message) -> str | None:
    """The address in a message, without its length, where the kernel still looks for others that have it (DAD)."""
    found = _decoded(ifaddrmsg, message)
    attributes = _Attributes(found)
    flags = attributes.get("IFA_FLAGS", found["flags"])
    if not flags & _IFA_F_TENTATIVE or flags & _IFA_F_DADFAILED:
        return None
    return _address_text(attributes.get("IFA_ADDRESS"))


def route_in(message: rtnetlink.Message, names: t.Mapping[int, str]) -> Route | None:
    """The route in a message; None for one that the kernel made. names: of the links, by index."""
    return None if message.content[_RTM_PROTOCOL] in _OF_THE_KERNEL else any_route_in(message, names)


def any_route_in(message: rtnetlink.Message, names: t.Mapping[int, str]) -> Route | None:
    """The route in a message, whoever made it; None for what is none, or not of IP."""
    found = _decoded(rtmsg, message)
    attributes = _Attributes(found)
    family = _FAMILY_NAMES.get(found["family"])
    if family is None or found["flags"] & _RTM_F_CLONED:
        return None
    beyond = [words for name, words in _BEYOND_ROUTE.items() if name in attributes]
    beyond += [f"tos {found['tos']}"] if found["tos"] else []
    beyond += ["onlink"] if found["flags"] & _RTNH_F_ONLINK else []
    beyond += ["a preference"] if attributes.get("RTA_PREF") else []
    beyond += ["an expiry"] if attributes.get("RTA_CACHEINFO", {}).get("rta_expires") else []
    type_ = _TYPE_NAMES.get(found["type"])
    if type_ is None:
        type_ = _OTHER_TYPES.get(found["type"], str(found["type"]))
        beyond.append(f"type {type_}")
    beyond += ["via"] if type_ == "local" and "RTA_GATEWAY" in attributes else []
    return Route(
        dst=_prefix(attributes.get("RTA_DST"), found["dst_len"]) or _ANY[family],
        table=attributes.get("RTA_TABLE", found["table"]),
        metric=attributes.get("RTA_PRIORITY", 0),
        via=_address_text(attributes.get("RTA_GATEWAY")),
        dev="" if type_ in WAYLESS else names.get(attributes.get("RTA_OIF", 0), ""),
        src=_address_text(attributes.get("RTA_PREFSRC")),
        type=type_,
        beyond=", ".join(beyond),
        needs_more=bool(found["tos"]) or "RTA_SRC" in attributes,
        automatic=found["proto"] in _OF_THE_KERNEL,
    )


def rule_in(message: rtnetlink.Message) -> Rule | None:
    """The rule in a message; None for one that the kernel made."""
    found = any_rule_in(message)
    return None if found is None or found.automatic else found


def any_rule_in(message: rtnetlink.Message) -> Rule | None:
    """The rule in a message, whoever made it; None for what is not of IP."""
    found = _decoded(fibmsg, message)
    attributes = _Attributes(found)
    family = _FAMILY_NAMES.get(found["family"])
    if family is None:
        return None
    beyond = [words for name, words in _BEYOND_RULE.items() if name in attributes]
    beyond += ["suppress"] if attributes.get("FRA_SUPPRESS_PREFIXLEN") not in _NO_SUPPRESSION else []
    beyond += ["not"] if found["flags"] & 2 else []
    beyond += [f"tos {found['tos']}"] if found["tos"] else []
    beyond += [f"action {found['action']}"] if found["action"] != _FR_ACT_TO_TBL else []
    src, dst = (
        _prefix(attributes.get("FRA_SRC"), found["src_len"]),
        _prefix(attributes.get("FRA_DST"), found["dst_len"]),
    )
    beyond += ["a network with bits of a host"] if _has_host_bits(src) or _has_host_bits(dst) else []
    mark, mask = attributes.get("FRA_FWMARK", 0), attributes.get("FRA_FWMASK", _WHOLE_MARK)
    marked = "FRA_FWMARK" in attributes or "FRA_FWMASK" in attributes
    return Rule(
        family=family,
        priority=attributes.get("FRA_PRIORITY", 0),
        src=src,
        dst=dst,
        iif=_text(attributes.get("FRA_IIFNAME", "")),
        oif=_text(attributes.get("FRA_OIFNAME", "")),
        fwmark="" if not marked else str(mark) if mask == _WHOLE_MARK else f"{mark}/{mask}",
        table=attributes.get("FRA_TABLE", found["table"]),
        beyond=", ".join(beyond),
        automatic=attributes.get("FRA_PROTOCOL") in _OF_THE_KERNEL,
    )


def _is_made_of_the_link(address: t.Any, flags: int) -> bool:
    """Whether an IPv6 address is what the kernel calls a link that is up. Before Linux 5.18 it does not say so."""
    made = bool(flags & _IFA_F_STABLE_PRIVACY) or address.packed[11:13] == _EUI64_MIDDLE
    return address in _LINK_LOCAL and made


def _prefix(address: str | None, length: int) -> str:
    return f"{_address_text(address)}/{length}" if address else ""


def _address_text(address: str | None) -> str:
    """As a task gives it: what is told of an address with an IPv4 one in it depends on the library."""
    return str(ipaddress.ip_address(address)) if address else ""


def _has_host_bits(prefix: str) -> bool:
    return bool(prefix) and str(ipaddress.ip_interface(prefix).network) != prefix


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


def _told(known: t.Mapping[str, Option], data: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, Value]]:
    """The options that the kernel tells of a link."""
    for name, option in known.items():
        if option.kind == "address":
            value = data.get(option.attribute) or data.get(option.attribute + "6")
            if value:
                yield name, _address_text(value)
        elif option.attribute and option.attribute in data and option.kind != "link":
            value = data[option.attribute]
            if option.kind == "choice":
                # One that is not known can not be asked for.
                words = {number: word for word, number in option.choices.items()}
                if value in words:
                    yield name, words[value]
            else:
                yield name, bool(value) if option.kind == "flag" else value


def _of_family(attribute: str, address: str) -> str:
    return attribute + "6" if ":" in address else attribute


def _address(index: int, text: str) -> bytes:
    address = ipaddress.ip_interface(text)
    message = ifaddrmsg()
    message["family"] = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    message["index"], message["prefixlen"] = index, address.network.prefixlen
    message["scope"] = _scope(address)
    message["attrs"] = [("IFA_LOCAL", str(address.ip)), ("IFA_ADDRESS", str(address.ip))]
    return _encoded(message)


def _scope(address: t.Any) -> int:
    """What a task gives an address."""
    return _SCOPES["local"] if address.is_loopback else 0


def _route(message: t.Any, route: Route, attributes: list[tuple[str, t.Any]]) -> bytes:
    """The message with the key of the route in it."""
    message["family"] = _FAMILIES[route.family]
    if route.dst not in _ANY.values():
        address, _slash, length = route.dst.partition("/")
        message["dst_len"] = int(length)
        attributes.append(("RTA_DST", address))
    message["table"] = route.table if route.table < 256 else 0
    attributes.append(("RTA_TABLE", route.table))
    if route.metric:
        attributes.append(("RTA_PRIORITY", route.metric))
    message["attrs"] = attributes
    return _encoded(message)


def _rule(rule: Rule, more: list[tuple[str, t.Any]]) -> bytes:
    message = fibmsg()
    message["family"], message["action"] = _FAMILIES[rule.family], _FR_ACT_TO_TBL
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
        attributes += [("FRA_FWMARK", int(mark)), ("FRA_FWMASK", int(mask or _WHOLE_MARK))]
    message["attrs"] = attributes
    return _encoded(message)


def _text(name: str | bytes) -> str:
    """The name of a link; of one that is not UTF-8 pyroute2 tells the bytes, which stay as surrogates."""
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _encoded(message: t.Any) -> bytes:
    message.encode()
    return bytes(message.data)[_HEADER_BYTES:]


def _decoded(kind: t.Any, message: rtnetlink.Message) -> t.Any:
    length = _HEADER_BYTES + len(message.content)
    found = kind(length.to_bytes(4, sys.byteorder) + bytes(_HEADER_BYTES - 4) + message.content)
    found.decode()
    return found


class _Attributes:
    """Of a message: each is taken apart when it is looked at, and most of a link, as statistics, never is."""

    def __init__(self, message: t.Any) -> None:
        self._items = {item[0]: item for item in message["attrs"]}

    def __contains__(self, name: str) -> bool:
        return name in self._items

    def __getitem__(self, name: str) -> t.Any:
        return self._items[name][1]

    def get(self, name: str, default: t.Any = None) -> t.Any:
        """Its value; the default where there is none."""
        return self._items[name][1] if name in self._items else default
