# Copyright (c) 2026, The linux.namespaces authors
# BSD-2-Clause license (see LICENSES/BSD-2-Clause.txt or https://opensource.org/license/bsd-2-clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the linux.namespaces collection.

"""Reading what a task asks of a network namespace, and refusing it before anything changes."""

from __future__ import annotations

import ipaddress
import itertools
import typing as t

from ..errors import refuse
from . import texts, words
from .link_types import LINK, LINK_NAMESPACE, LINK_TYPES, Option
from .model import (
    ANY_TABLE,
    PHYSICAL,
    SELECTORS,
    TABLES,
    V4,
    V6,
    WAYLESS,
    LinkWish,
    Peer,
    Request,
    Route,
    RouteWish,
    Rule,
    RuleWish,
    Value,
)

Options = t.Mapping[str, t.Any]
T = t.TypeVar("T")

METRICS = {V4: 0, V6: 1024}
"""What a route has that is asked for without one."""
UNICAST, LOCAL = "unicast", "local"
TABLE_OF_TYPE = {LOCAL: TABLES["local"]}
"""Where a route is when no table is named, if that is not the table main."""

_LAST_MTU = (1 << 31) - 1
_OF_ABSENT_LINKS = ("name", "type", "state")
_OF_MOVED_LINKS = (*_OF_ABSENT_LINKS, "mtu", "mac", "up")
_STATES = ("present", "absent")
_TAKEN: t.Mapping[str, t.Callable[[str, t.Any], Value]] = {
    "flag": texts.flag,
    "address": texts.address,
    "link": texts.interface,
    "namespace": texts.namespace,
}


def parse(options: Options) -> Request:
    """What a task asks; an option that is absent or None is not given.

    Raises NamespaceError for what can't be, and for what contradicts itself.
    """
    request = Request(
        links=tuple(_parse_link(*numbered) for numbered in enumerate(options.get("links") or ())),
        routes=tuple(_parse_route(*numbered) for numbered in enumerate(options.get("routes") or ())),
        rules=tuple(_parse_rule(*numbered) for numbered in enumerate(options.get("rules") or ())),
        sysctls=_parse_sysctls(options.get("sysctls") or {}),
        purge=frozenset(options.get("purge") or ()),
    )
    if request.purge and options.get("host"):
        raise refuse("purge", "with host it would take away what others made on this host", "name what shall be absent")
    _refuse_repeated("links", (link.name for link in request.links))
    _refuse_repeated(
        "routes",
        (_told(wish.route) for wish in request.routes),
        "give one of them another metric; several next hops can not be asked for",
    )
    _refuse_repeated_rules(request.rules)
    return request


# ---- links


def _parse_link(number: int, item: Options) -> LinkWish:
    name = texts.interface(f"links[{number}].name", item["name"])
    at = f"links[{name}]"
    type_ = item.get("type")
    if item.get("state") in ("absent", "outside"):
        return _parse_absent_link(at, name, item)
    addresses, without = _parse_addresses(f"{at}.addresses", item.get("addresses") or ())
    options = _parse_link_options(f"{at}.options", type_, item.get("options") or {})
    if options.get(LINK) == name and LINK_NAMESPACE not in options:
        raise refuse(f"{at}.options.{LINK}", "no link is upon itself", "name another one, or give link_namespace")
    return LinkWish(
        name=name,
        type=type_,
        addresses=addresses,
        without=without,
        **_parse_card(at, item),
        up=item.get("up") is not False,
        master=_parse_master(at, name, item),
        options=options,
        peer=_parse_peer(f"{at}.peer", type_, item.get("peer")),
    )


def _parse_absent_link(at: str, name: str, item: Options) -> LinkWish:
    outside = item["state"] == "outside"
    known = _OF_MOVED_LINKS if outside or item.get("type") == PHYSICAL else _OF_ABSENT_LINKS
    for option, value in item.items():
        if value is not None and option not in known:
            raise refuse(f"{at}.{option}", f"the link shall be {item['state']}", "leave it out")
    return LinkWish(name, item.get("type"), absent=True, outside=outside, up=item.get("up"), **_parse_card(at, item))


def _parse_card(at: str, item: Options) -> dict[str, t.Any]:
    """What a link has wherever it is."""
    return {
        "mtu": _given(at, item, "mtu", lambda option, value: texts.number(option, value, _LAST_MTU, first=1)),
        "mac": _given(at, item, "mac", texts.mac),
    }


def _parse_addresses(option: str, given: t.Iterable[t.Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The addresses that shall be there, and those that shall not."""
    states: dict[str, str] = {}
    for item in given:
        address, state = _parse_address(option, item)
        if states.setdefault(address, state) != state:
            raise refuse(option, f"{address} shall be there, and shall not")
    present, absent = (tuple(address for address in states if states[address] == state) for state in _STATES)
    # Other than those of IPv4, the kernel has each only once on a link.
    _refuse_repeated(option, (address.partition("/")[0] for address in present if ":" in address))
    return present, absent


def _parse_address(option: str, item: t.Any) -> tuple[str, str]:
    """An address and its state."""
    fields = item if isinstance(item, dict) else {"address": item}
    state = fields.get("state") or _STATES[0]
    if not isinstance(fields.get("address"), str) or set(fields) - {"address", "state"} or state not in _STATES:
        raise refuse(option, f"{item!r} is no address", "write 10.0.0.1/24, or address: 10.0.0.1/24 with state: absent")
    return texts.host_and_length(option, fields["address"]), state


def _parse_link_options(option: str, type_: str | None, given: Options) -> dict[str, Value]:
    if given and type_ is None:
        raise refuse(option, "each type of link has its own, and no type is given", "give the type")
    known = LINK_TYPES.get(type_ or "", {})
    found = {}
    for name, value in given.items():
        if name not in known:
            remedy = "there are " + ", ".join(known) if known else "it has none"
            raise refuse(option, f"{name!r} is no option of the type {type_}", remedy)
        if value is not None:
            found[name] = _parse_link_option(f"{option}.{name}", known[name], value)
    if LINK_NAMESPACE in found and LINK not in found:
        raise refuse(f"{option}.{LINK_NAMESPACE}", "it says where a link is, and none is named", f"give {LINK} too")
    return found


def _parse_link_option(option: str, known: Option, value: t.Any) -> Value:
    if known.kind == "number":
        return texts.number(option, value, known.last)
    if known.kind == "choice":
        word = str(value)
        if word not in known.choices:
            raise refuse(option, f"{word!r} is none of its words", "there are " + ", ".join(known.choices))
        return word
    return _TAKEN[known.kind](option, value)


def _parse_peer(at: str, type_: str | None, item: Options | None) -> Peer | None:
    if item is None:
        return None
    if type_ != "veth":
        raise refuse(at, "only a veth has one", "give the type veth, or leave it out")
    addresses, without = _parse_addresses(f"{at}.addresses", item.get("addresses") or ())
    name = texts.interface(f"{at}.name", item["name"])
    return Peer(
        name=name,
        namespace=_given(at, item, "namespace", texts.namespace) or "",
        addresses=addresses,
        absent=without,
        up=item.get("up") is not False,
        master=_parse_master(at, name, item),
    )


def _parse_master(at: str, name: str, item: Options) -> str | None:
    """Empty for none, None where it is not given."""
    master = _given(at, item, "master", texts.master)
    if master == name:
        raise refuse(f"{at}.master", "no link is a port of itself", "name a bridge, bond or VRF")
    return master


# ---- routes


def _parse_route(number: int, item: Options) -> RouteWish:
    at = f"routes[{number}]"
    absent = item.get("state") == "absent"
    type_ = item.get("type") or UNICAST
    dst = "" if item["dst"] == "default" else texts.network(f"{at}.dst", item["dst"])
    via = _given(at, item, "via", texts.host) or ""
    dev = _given(at, item, "dev", texts.interface) or ""
    src = _given(at, item, "src", texts.host) or ""
    family = _family(at, item.get("family"), dst, via, src)
    table = _given(at, item, "table", texts.table) or TABLE_OF_TYPE.get(type_) or TABLES["main"]
    metric = _given(at, item, "metric", lambda option, value: texts.number(option, value, texts.LAST_U32))
    # The kernel takes a metric of 0 for none.
    key = Route(_destination(dst, family), table, metric or METRICS[family])
    if absent:
        return RouteWish(key, absent=True)
    _refuse_impossible_way(at, type_, via, dev)
    return RouteWish(key._replace(via=via, dev=dev, src=src, type=type_))


def _destination(dst: str, family: str) -> str:
    if dst in ("", "0.0.0.0/0"):
        return "default" if family == V4 else "::/0"
    return dst


def _refuse_impossible_way(at: str, type_: str, via: str, dev: str) -> None:
    if type_ == UNICAST and not via and not dev:
        raise refuse(at, "it is a route without a way", "give via, dev or both, or another type")
    if not dev and ":" in via and ipaddress.ip_address(via).is_link_local:
        raise refuse(at, f"the gateway {via} could be on any link", "give dev too")
    if type_ == LOCAL and (via or not dev):
        raise refuse(at, "what is local is on a link and behind no gateway", "give dev, as lo, and no via")
    if type_ in WAYLESS and (via or dev):
        raise refuse(at, f"a route of the type {type_} leads nowhere", "give neither via nor dev")


def _told(route: Route) -> str:
    return f"{route.dst} in table {words.table(route.table)} with metric {route.metric}"


# ---- rules


def _parse_rule(number: int, item: Options) -> RuleWish:
    at = f"rules[{number}]"
    absent = item.get("state") == "absent"
    given = {name: value for name, value in item.items() if not (absent and name in SELECTORS and value == "")}
    source = _given(at, given, "from", texts.network) or ""
    destination = _given(at, given, "to", texts.network) or ""
    table = _given(at, given, "table", texts.table)
    if table is None and not absent:
        raise refuse(f"{at}.table", "a rule leads to a table, and none is given")
    rule = Rule(
        family=_family(at, given.get("family"), source, destination),
        priority=_given(at, given, "priority", lambda option, value: texts.number(option, value, texts.LAST_U32)),
        src=_unless_any(source),
        dst=_unless_any(destination),
        iif=_given(at, given, "iif", texts.interface) or "",
        oif=_given(at, given, "oif", texts.interface) or "",
        fwmark=_given(at, given, "fwmark", texts.mark) or "",
        table=table or ANY_TABLE,
    )
    if rule == Rule(rule.family, None, "", "", "", "", "", ANY_TABLE):
        raise refuse(at, "it says nothing of the rule that shall be absent")
    anything = (field for option, field in SELECTORS.items() if absent and item.get(option) is None)
    return RuleWish(rule, absent, tuple(anything))


def _unless_any(network: str) -> str:
    return "" if network in ("0.0.0.0/0", "::/0") else network


def _refuse_repeated_rules(wishes: t.Sequence[RuleWish]) -> None:
    """Refuse two wishes that one rule could be meant by; that none shall be there can be said twice."""
    for first, second in sorted(_pairs(wishes)):
        if _meet(wishes[first], wishes[second]):
            raise refuse(f"rules[{second}]", f"rules[{first}] may be the same rule", "tell them apart by priority")


def _pairs(wishes: t.Sequence[RuleWish]) -> t.Iterator[tuple[int, int]]:
    """Those that may meet."""
    alike: dict[Rule, list[int]] = {}
    for number, wish in enumerate(wishes):
        if not wish.open:
            alike.setdefault(wish.rule._replace(priority=None, table=ANY_TABLE), []).append(number)
            continue
        yield from ((min(number, other), max(number, other)) for other, it in enumerate(wishes) if not it.absent)
    for group in alike.values():
        yield from itertools.combinations(group, 2)


def _meet(one: RuleWish, other: RuleWish) -> bool:
    """Whether there can be a rule that both mean."""
    told = {"family", *SELECTORS.values()} - {*one.open, *other.open}
    priorities, tables = {one.rule.priority, other.rule.priority}, {one.rule.table, other.rule.table}
    return (
        all(getattr(one.rule, name) == getattr(other.rule, name) for name in told)
        and len(priorities - {None}) < 2
        and len(tables - {ANY_TABLE}) < 2
    )


# ---- sysctls


def _parse_sysctls(given: Options) -> dict[str, str]:
    names = [texts.sysctl("sysctls", name) for name in given]
    _refuse_repeated("sysctls", names)
    return {name: texts.sysctl_value(f"sysctls[{name}]", value) for name, value in zip(names, given.values())}


# ---- what several have


def _given(at: str, item: Options, name: str, take: t.Callable[[str, t.Any], T]) -> T | None:
    value = item.get(name)
    return None if value is None else take(f"{at}.{name}", value)


def _family(at: str, named: str | None, *addresses: str) -> str:
    """The family that all of them are of; empty ones are of any, and IPv4 is the default."""
    found = {V6 if ":" in address else V4 for address in addresses if address}
    if named is not None:
        found.add(named)
    if len(found) > 1:
        raise refuse(at, "it has both IPv4 and IPv6, which can not go together here", "make one of each")
    return found.pop() if found else V4


def _refuse_repeated(option: str, names: t.Iterable[str], remedy: str = "") -> None:
    seen = set()
    for name in names:
        if name in seen:
            raise refuse(option, f"it has {name} twice", remedy)
        seen.add(name)
