# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""What the kernel tells in messages of rtnetlink(7), taken apart."""

from __future__ import annotations

import ipaddress
import typing as t

from ..._kernel import netdev, rtnetlink
from . import codec
from .link_types import LINK_TYPES, Option
from .model import PHYSICAL, UNKNOWN, WAYLESS, Link, Route, Rule, Value

_IFINFOMSG_BYTES = 16
_IFLA_PARENT_DEV_NAME = 56
_IFA_F_PERMANENT = 0x80
_IFA_F_TENTATIVE = 0x40
_IFA_F_DADFAILED = 0x8
_IFA_F_NOPREFIXROUTE = 0x200
_RTM_F_CLONED = 0x200
_RTNH_F_ONLINK = 0x4
_FAMILY = 0
_RTM_PROTOCOL = 5
"""Where it is in a message: most routes are the kernel's own, and to take them apart takes long."""
_OF_THE_KERNEL = (1, 2, 9)
"""Who made a route or a rule: a redirect, the kernel, a router's advertisement."""
_SCOPE_NAMES = {0: "global", 200: "site", 253: "link", 254: "host"}
_TYPE_NAMES = {number: name for name, number in codec.TYPES.items()}
_OTHER_TYPES = {3: "broadcast", 4: "anycast", 5: "multicast"}
"""Those that no task asks for."""
_NO_SUPPRESSION = (None, -1, 0xFFFFFFFF)
_LINK_LOCAL = ipaddress.ip_network("fe80::/64")
_LOOPBACK_INDEX = 1
OF_LOOPBACK = ("127.0.0.1/8", "::1/128")
"""What the kernel gives the loopback when it is set up."""
_IFA_F_STABLE_PRIVACY = 0x800
_EUI64_MIDDLE = b"\xff\xfe"
"""What the kernel puts into the middle of the address of a card, to make one of a link of it."""
_FAMILY_NAMES = {number: name for name, number in codec.FAMILIES.items()}
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


def link_in(message: rtnetlink.Message) -> Raw:
    """The link in a message, without its addresses, and with the names of others still missing."""
    found = codec.decoded(message)
    attributes = codec.Attributes(found)
    info = dict(attributes["IFLA_LINKINFO"]["attrs"]) if "IFLA_LINKINFO" in attributes else {}
    type_ = info.get("IFLA_INFO_KIND") or (PHYSICAL if _has_device(message) else UNKNOWN)
    data = dict(info["IFLA_INFO_DATA"]["attrs"]) if isinstance(info.get("IFLA_INFO_DATA"), dict) else {}
    if found["ifi_type"] == netdev.ARPHRD_LOOPBACK:
        type_ = netdev.LOOPBACK
    link = Link(
        name=_text(attributes["IFLA_IFNAME"]),
        number=found["index"],
        type=type_,
        up=bool(found["flags"] & netdev.IFF_UP),
        mtu=attributes.get("IFLA_MTU", 0),
        mac=attributes.get("IFLA_ADDRESS", ""),
        master="",
        addresses=(),
        options=dict(_told(LINK_TYPES.get(type_, {}), data)),
        altnames=tuple(alternative_names_in(message)) if "IFLA_PROP_LIST" in attributes else (),
    )
    other = data.get("IFLA_VXLAN_LINK", 0) if type_ == "vxlan" else attributes.get("IFLA_LINK", 0)
    return Raw(link, attributes.get("IFLA_MASTER", 0), other, attributes.get("IFLA_LINK_NETNSID"))


def alternative_names_in(message: rtnetlink.Message) -> list[str]:
    """Those of the link in a message."""
    attributes = codec.Attributes(codec.decoded(message))
    found = attributes["IFLA_PROP_LIST"]["attrs"] if "IFLA_PROP_LIST" in attributes else []
    return [_text(value) for _name, value in found]


def address_in(message: rtnetlink.Message) -> Address | None:
    """The address in a message; None where there is none of IP."""
    if not _is_of_ip(message):
        return None
    found = codec.decoded(message)
    attributes = codec.Attributes(found)
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
    if address.version == 4 and found["scope"] != codec.scope_of(address):
        beyond.append(f"scope {_SCOPE_NAMES.get(found['scope'], found['scope'])}")
    beyond += ["noprefixroute"] if flags & _IFA_F_NOPREFIXROUTE else []
    return Address(found["index"], str(address), automatic, ", ".join(beyond), far != local)


def _is_of_ip(message: rtnetlink.Message) -> bool:
    """Whether an address is of IP: the loopback has one of MCTP where the kernel knows that."""
    return message.content[_FAMILY] in codec.FAMILIES.values()


def tentative_in(message: rtnetlink.Message) -> str | None:
    """The address in a message, without its length, where the kernel still looks for others that have it (DAD)."""
    if not _is_of_ip(message):
        return None
    found = codec.decoded(message)
    attributes = codec.Attributes(found)
    flags = attributes.get("IFA_FLAGS", found["flags"])
    if not flags & _IFA_F_TENTATIVE or flags & _IFA_F_DADFAILED:
        return None
    return _address_text(attributes.get("IFA_ADDRESS"))


def route_in(message: rtnetlink.Message, names: t.Mapping[int, str]) -> Route | None:
    """The route in a message; None for one that the kernel made. names: of the links, by index."""
    return None if message.content[_RTM_PROTOCOL] in _OF_THE_KERNEL else any_route_in(message, names)


def any_route_in(message: rtnetlink.Message, names: t.Mapping[int, str]) -> Route | None:
    """The route in a message, whoever made it; None for what is none, or not of IP."""
    found = codec.decoded(message)
    attributes = codec.Attributes(found)
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
        dst=_prefix(attributes.get("RTA_DST"), found["dst_len"]) or codec.ANY[family],
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


def _has_device(message: rtnetlink.Message) -> bool:
    """Whether a link belongs to a device of a bus. Not each that software made has a kind: one of l2tp has none."""
    return _IFLA_PARENT_DEV_NAME in dict(rtnetlink.attributes(message.content[_IFINFOMSG_BYTES:]))


def rule_in(message: rtnetlink.Message) -> Rule | None:
    """The rule in a message; None for one that the kernel made."""
    found = any_rule_in(message)
    return None if found is None or found.automatic else found


def any_rule_in(message: rtnetlink.Message) -> Rule | None:
    """The rule in a message, whoever made it; None for what is not of IP."""
    found = codec.decoded(message)
    attributes = codec.Attributes(found)
    family = _FAMILY_NAMES.get(found["family"])
    if family is None:
        return None
    beyond = [words for name, words in _BEYOND_RULE.items() if name in attributes]
    beyond += ["suppress"] if attributes.get("FRA_SUPPRESS_PREFIXLEN") not in _NO_SUPPRESSION else []
    beyond += ["not"] if found["flags"] & 2 else []
    beyond += [f"tos {found['tos']}"] if found["tos"] else []
    beyond += [f"action {found['action']}"] if found["action"] != codec.FR_ACT_TO_TBL else []
    src, dst = (
        _prefix(attributes.get("FRA_SRC"), found["src_len"]),
        _prefix(attributes.get("FRA_DST"), found["dst_len"]),
    )
    beyond += ["a network with bits of a host"] if _has_host_bits(src) or _has_host_bits(dst) else []
    mark, mask = attributes.get("FRA_FWMARK", 0), attributes.get("FRA_FWMASK", codec.WHOLE_MARK)
    marked = "FRA_FWMARK" in attributes or "FRA_FWMASK" in attributes
    return Rule(
        family=family,
        priority=attributes.get("FRA_PRIORITY", 0),
        src=src,
        dst=dst,
        iif=_text(attributes.get("FRA_IIFNAME", "")),
        oif=_text(attributes.get("FRA_OIFNAME", "")),
        fwmark="" if not marked else str(mark) if mask == codec.WHOLE_MARK else f"{mark}/{mask}",
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


def _text(name: str | bytes) -> str:
    """The name of a link; of one that is not UTF-8 pyroute2 tells the bytes, which stay as surrogates."""
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
