# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""The types of links that can be made, and what each has beyond the others. Source: ip-link(8), linux/if_link.h.

Options are called as ip-link(8) calls them.
"""

from __future__ import annotations

import typing as t

LINK = "link"
"""The link that another one is upon; not an attribute of the type, except of vxlan."""
LINK_NAMESPACE = "link_namespace"
"""Where that link is, as a peer's namespace; empty for the namespace where the task runs."""

BORROWED_MAC = ("ipvlan",)
"""Types whose links have the mac of the link that they are upon, and take no other."""


class Option(t.NamedTuple):
    """One option of a type of links."""

    attribute: str
    """As pyroute2 calls it; empty for IFLA_LINK, which is no attribute of the type."""
    kind: str
    """flag, number, choice, address, link or namespace."""
    last: int = 0
    """The largest number."""
    choices: t.Mapping[str, int | str] = {}
    """The words and what pyroute2 takes for them."""
    fixed: bool = False
    """Whether it is only for a link that is made."""
    needed: bool = False
    default: bool | int | str | None = None
    """What a new link has, where that is not asked."""


def _numbers(**options: tuple[str, int, int]) -> dict[str, Option]:
    return {
        name: Option(attribute, "number", last, default=default) for name, (attribute, last, default) in options.items()
    }


_U8, _U16, _U32 = 0xFF, 0xFFFF, 0xFFFFFFFF
_ON_LINK = {
    LINK: Option("", "link", fixed=True, needed=True),
    LINK_NAMESPACE: Option("", "namespace", fixed=True),
}
_BOND_MODES = ("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
_HASH_POLICIES = ("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac")

LINK_TYPES: t.Mapping[str, t.Mapping[str, Option]] = {
    "veth": {},
    "dummy": {},
    "wireguard": {},
    "bridge": {
        "stp_state": Option("IFLA_BR_STP_STATE", "flag", default=False),
        "vlan_filtering": Option("IFLA_BR_VLAN_FILTERING", "flag", default=False),
        "mcast_snooping": Option("IFLA_BR_MCAST_SNOOPING", "flag", default=True),
        **_numbers(
            forward_delay=("IFLA_BR_FORWARD_DELAY", _U32, 1500),
            hello_time=("IFLA_BR_HELLO_TIME", _U32, 200),
            max_age=("IFLA_BR_MAX_AGE", _U32, 2000),
            ageing_time=("IFLA_BR_AGEING_TIME", _U32, 30000),
            priority=("IFLA_BR_PRIORITY", _U16, 0x8000),
            vlan_default_pvid=("IFLA_BR_VLAN_DEFAULT_PVID", 4094, 1),
        ),
    },
    "bond": {
        "mode": Option("IFLA_BOND_MODE", "choice", choices={word: n for n, word in enumerate(_BOND_MODES)}, fixed=True),
        "lacp_rate": Option("IFLA_BOND_AD_LACP_RATE", "choice", choices={"slow": 0, "fast": 1}, default="slow"),
        "xmit_hash_policy": Option(
            "IFLA_BOND_XMIT_HASH_POLICY",
            "choice",
            choices={word: n for n, word in enumerate(_HASH_POLICIES)},
            default="layer2",
        ),
        **_numbers(
            miimon=("IFLA_BOND_MIIMON", _U32 >> 1, 0),
            updelay=("IFLA_BOND_UPDELAY", _U32 >> 1, 0),
            downdelay=("IFLA_BOND_DOWNDELAY", _U32 >> 1, 0),
            min_links=("IFLA_BOND_MIN_LINKS", _U32 >> 1, 0),
        ),
    },
    "macvlan": {
        **_ON_LINK,
        "mode": Option(
            "IFLA_MACVLAN_MODE",
            "choice",
            choices={word: word for word in ("private", "vepa", "bridge", "passthru", "source")},
        ),
    },
    "ipvlan": {
        **_ON_LINK,
        "mode": Option("IFLA_IPVLAN_MODE", "choice", choices={"l2": 0, "l3": 1, "l3s": 2}),
    },
    "vlan": {
        **_ON_LINK,
        "id": Option("IFLA_VLAN_ID", "number", 4094, fixed=True, needed=True),
        "protocol": Option(
            "IFLA_VLAN_PROTOCOL", "choice", choices={"802.1Q": 0x8100, "802.1ad": 0x88A8}, fixed=True, default="802.1Q"
        ),
    },
    "vxlan": {
        LINK: Option("IFLA_VXLAN_LINK", "link", fixed=True),
        "id": Option("IFLA_VXLAN_ID", "number", (1 << 24) - 1, fixed=True, needed=True),
        "local": Option("IFLA_VXLAN_LOCAL", "address", fixed=True),
        "remote": Option("IFLA_VXLAN_GROUP", "address", fixed=True),
        "dstport": Option("IFLA_VXLAN_PORT", "number", _U16, fixed=True, default=8472),
        "learning": Option("IFLA_VXLAN_LEARNING", "flag", fixed=True, default=True),
        "ttl": Option("IFLA_VXLAN_TTL", "number", _U8, fixed=True, default=0),
        "tos": Option("IFLA_VXLAN_TOS", "number", _U8, fixed=True, default=0),
        "ageing": Option("IFLA_VXLAN_AGEING", "number", _U32, fixed=True, default=300),
    },
    "vrf": {"table": Option("IFLA_VRF_TABLE", "number", _U32, fixed=True, needed=True)},
}
