# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of networks share: a world with the sets blue and green, requests to it, and what ip(8) says of it."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import codec, places, run
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.model import (
    LinkWish,
    Peer,
    Request,
    Route,
    RouteWish,
    Rule,
    RuleWish,
)
from ansible_collections.linux.namespaces.tests.unit import support

if codec.MISSING is not None:
    pytest.skip("without pyroute2 there is nothing to test: install it (python3-pyroute2)", allow_module_level=True)

T = t.TypeVar("T")
Test = t.TypeVar("Test", bound=t.Callable[..., None])

BLUE, GREEN, HOME = "blue", "green", ""
SETS = (BLUE, GREEN)

MODULES = {"vlan": "8021q", "bond": "bonding"}
"""Where the module that makes links of a type is called otherwise."""

_FLEETING = {
    *("ifindex", "link_index", "link_netnsid", "operstate", "promiscuity", "link_pointtopoint", "group"),
    *("expires", "hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "root_id", "bridge_id", "tentative"),
    *("designated_root", "designated_bridge", "message_age_timer", "forward_delay_timer", "hold_timer", "protocol"),
    *(
        "qdisc",
        "txqlen",
        "tso_max_size",
        "tso_max_segs",
        "num_tx_queues",
        "num_rx_queues",
        "state",
        "dynamic",
        "secondary",
        "peer_ifindex",
    ),
}
"""What ip(8) says of something that is made again as it was, and that may differ."""
_OF_LACP = ("ad_actor_oper_port_state", "ad_partner_oper_port_state", "ad_aggregator_id")
"""What a bond's ports come to by and by."""
_MADE_UP = re.compile(r"(?!02:00:00)..:..:..:..:..:..")
"""The address of a card that no test has asked for."""
_EUI64 = "ff:fe"
_FLEETING_FLAGS = {"NO-CARRIER", "LOWER_UP", "M-DOWN", "RUNNING", "linkdown", "dead"}


# ---- a world of the test's own


def in_world(work: t.Callable[[], T], duplicates: bool = False) -> T:
    """Do the work where nothing is but a loopback, and the sets blue and green.

    duplicates: whether addresses are looked for on the link before they are used (DAD), which takes a second.
    """

    def live() -> T:
        for name in SETS:
            make_set(name, duplicates)
        _forgo_detection(duplicates)
        return work()

    return support.in_own_world(live, "pid", "mnt", "net")


def make_set(name: str, duplicates: bool = False) -> None:
    ip("netns", "add", name)
    inside(name, lambda: _forgo_detection(duplicates))


def _forgo_detection(duplicates: bool) -> None:
    if not duplicates:
        support.write("/proc/sys/net/ipv6/conf/default/accept_dad", "0")


def world(test: Test) -> Test:
    """A test that is done in a world of its own."""

    @functools.wraps(test)
    def alone(*arguments: t.Any, **named: t.Any) -> None:
        in_world(lambda: test(*arguments, **named))

    return t.cast("Test", alone)


@functools.lru_cache(None)
def can_make(kind: str) -> bool:
    """Whether this kernel makes links of a type."""

    def work() -> bool:
        process.unshare(nstypes.NET.flag)
        ip("link", "add", "under", "type", "bridge")
        words = {"vlan": ("id", "5"), "vrf": ("table", "5"), "vxlan": ("id", "5", "dstport", "0")}.get(kind, ())
        upon = ("link", "under") if kind in ("vlan", "macvlan", "ipvlan") else ()
        return not ip_refuses("link", "add", "it", *upon, "type", kind, *words)

    return support.forked(work)


def need(*kinds: str) -> None:
    """Skip the test where this kernel makes no links of these types."""
    for kind in kinds:
        if not can_make(kind):
            module = MODULES.get(kind, kind)
            pytest.skip(f"the kernel makes no link of type {kind} here: modprobe {module}; make kernels has it")


def inside(name: str, work: t.Callable[[], T]) -> T:
    """Do the work in the network namespace of a set."""
    if name == HOME:
        return support.forked(work)

    def there() -> T:
        with open(f"/run/netns/{name}", "rb") as file:
            process.setns(file.fileno(), nstypes.NET.flag)
        return work()

    return support.forked(there)


def ip(*words: str, at: str = HOME) -> str:
    """What ip(8) says, in the namespace of a set."""
    where = ("-n", at) if at else ()
    done = subprocess.run(["ip", *where, *words], check=False, text=True, capture_output=True)
    assert done.returncode == 0, (words, done.stderr)
    return done.stdout


def ip_refuses(*words: str) -> bool:
    return bool(subprocess.run(["ip", *words], check=False, capture_output=True).returncode)


def sysctl(name: str, at: str = BLUE) -> str:
    path = "/proc/sys/" + name.replace(".", "/")
    return inside(at, lambda: " ".join(support.read(path).split()))


def set_sysctl(name: str, value: str, at: str = BLUE) -> None:
    inside(at, lambda: support.write("/proc/sys/" + name.replace(".", "/"), value))


# ---- what there is, as ip(8) says


Dump = t.Dict[str, t.Any]


def dump(*names: str) -> Dump:
    """All links, addresses, routes and rules of these sets (without names: of all, and of home)."""
    found = {}
    for name in names or (HOME, *SETS):
        links = _listed(name, "", "link show", "addr show", "route show table all", "rule show")
        v6 = _listed(name, "-6", "route show table all", "rule show")
        shown = dict(zip(("links", "addresses", "routes", "rules", "routes6", "rules6"), [*links, *v6]))
        for what in ("routes", "routes6"):
            # Those of the kernel come some time after their link.
            shown[what] = [item for item in shown[what] if item.get("protocol") != "2"]
        # They are shown in the order in which they were made.
        found[name] = {what: sorted(map(_lasting, items), key=repr) for what, items in shown.items()}
    return found


def _listed(name: str, family: str, *commands: str) -> list[list[t.Any]]:
    where = ["-n", name] if name else []
    words = ["ip", *where, "-j", "-d", "-N", *([family] if family else []), "-batch", "-"]
    done = subprocess.run(words, input="\n".join(commands) + "\n", check=True, text=True, stdout=subprocess.PIPE)
    lists = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert len(lists) == len(commands), done.stdout
    # An empty list of some kinds has an empty object in it.
    return [[item for item in items if item] for items in lists]


def _lasting(item: t.Any) -> t.Any:
    if isinstance(item, dict):
        lasting = (name for name in sorted(item) if name not in _FLEETING and not name.startswith(_OF_LACP))
        return {name: _lasting(item[name]) for name in lasting}
    if isinstance(item, list):
        found = [_lasting(value) for value in item if not _is_fleeting(value)]
        return sorted(found, key=repr)
    if isinstance(item, str) and _MADE_UP.fullmatch(item):
        return "made up"
    return item


def _is_fleeting(value: t.Any) -> bool:
    if isinstance(value, dict):
        # The address of a link follows the made up one of its card.
        return value.get("scope") == "253" and _EUI64 in value.get("local", "")
    return value in _FLEETING_FLAGS


def links(name: str = BLUE) -> dict[str, t.Any]:
    """The links of a set with their addresses, as ip(8) shows them, but for the loopback."""
    (shown,) = _listed(name, "", "addr show")
    return {item["ifname"]: item for item in shown if item["ifname"] != "lo"}


def addresses(link: str, at: str = BLUE) -> list[str]:
    """Those of a link that are not link-local, sorted."""
    (info,) = (item["addr_info"] for item in _listed(at, "", "addr show")[0] if item["ifname"] == link)
    shown = (f"{item['local']}/{item['prefixlen']}" for item in info)
    return sorted(text for text in shown if not text.startswith("fe80"))


def routes(at: str = BLUE, table: str = "main") -> list[str]:
    """All routes of a table, of both families, that the kernel did not make."""
    shown = [ip("-N", family, "route", "show", "table", table, at=at) for family in ("-4", "-6")]
    lines = [" ".join(line.split()) for text in shown for line in text.splitlines()]
    return sorted(line for line in lines if "proto 2 " not in line + " ")


def unchanged(before: Dump, *names: str) -> None:
    """Whether all is as it was, with what is not."""
    after = dump(*names)
    if before != after:
        old, new = ({*_told(found)} for found in (before, after))
        raise AssertionError(f"gone: {sorted(old - new)}\nnew: {sorted(new - old)}")


def _told(found: t.Any, place: str = "") -> t.Iterator[str]:
    """Each single thing with the way to it."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield from _told(value, f"{place} {found.get('ifname', '')} {name}")
    elif isinstance(found, list):
        for value in found:
            yield from _told(value, place)
    else:
        yield f"{place}={found}"


# ---- requests


def wish(name: str, kind: str | None = None, **fields: t.Any) -> LinkWish:
    return LinkWish(name, kind, **fields)


def peer(name: str, namespace: str = HOME, **fields: t.Any) -> Peer:
    return Peer(name, namespace, **fields)


def route(dst: str, absent: bool = False, **fields: t.Any) -> RouteWish:
    default = 1024 if ":" in dst else 0
    return RouteWish(Route(dst, fields.pop("table", 254), fields.pop("metric", default), **fields), absent)


def rule(
    table: int, priority: int | None = None, *, absent: bool = False, family: str = "ipv4", **fields: str
) -> RuleWish:
    src, dst, iif, oif, fwmark = (fields.get(name, "") for name in ("src", "dst", "iif", "oif", "fwmark"))
    return RuleWish(Rule(family, priority, src, dst, iif, oif, fwmark, table), absent)


def asking(*wishes: LinkWish | RouteWish | RuleWish, purge: t.Iterable[str] = (), **sysctls: str) -> Request:
    """A request for all of these; the dots in the names of sysctls are two underscores."""
    return Request(
        tuple(item for item in wishes if isinstance(item, LinkWish)),
        tuple(item for item in wishes if isinstance(item, RouteWish)),
        tuple(item for item in wishes if isinstance(item, RuleWish)),
        {name.replace("__", "."): value for name, value in sysctls.items()},
        frozenset(purge),
    )


def bring(request: Request, name: str = BLUE, *, check: bool = False) -> run.Results:
    """Do what a task of the module does; home is where this process is."""
    with support.own_procfs() as proc:
        if name == HOME:
            return run.run(proc, None, HOME, request, check)
        with closing(places.open_named(proc, name)) as fd:
            return run.run(proc, fd, name, request, check)


def _items(request: Request) -> set[str]:
    """Each thing of it, but for what the kernel decides: in which order they are, and the priority of a new rule.

    Which link a new route goes out of is not asked of one that shall be absent.
    """
    links = [
        wish._replace(addresses=tuple(sorted(wish.addresses)), without=tuple(sorted(wish.without)))
        for wish in request.links
    ]
    routes = [wish.route.key if wish.absent else wish for wish in request.routes]
    rules = [wish.rule.selector if wish.absent else wish for wish in request.rules]
    return {repr(item) for item in (*links, *routes, *rules, *request.sysctls.items())}


def brought(request: Request, name: str = BLUE, warnings: t.Sequence[str] = ()) -> run.Results:
    """The same, and check mode before foretells it without changing anything, and there is nothing to do after it."""
    before = dump()
    foretold = bring(request, name, check=True)
    unchanged(before)
    results = bring(request, name)
    assert foretold.changes == results.changes, (foretold, results)
    differs = _items(foretold.before) ^ _items(results.before)
    assert not differs, differs
    assert list(results.warnings) == list(warnings), results
    again = bring(request, name)
    assert (again.changes, again.before) == ((), Request()), again
    assert (results.changes == ()) == (dump() == before), results
    return results


def there_and_back(request: Request, name: str = BLUE, warnings: t.Sequence[str] = ()) -> tuple[str, ...]:
    """The same, and what is in before, asked for after it, makes all what it was; the words of the first run."""
    before = dump()
    results = brought(request, name, warnings)
    after = dump()
    back = brought(results.before, name)
    unchanged(before)
    brought(back.before, name)
    unchanged(after)
    return results.changes


def refusal(request: Request, name: str = BLUE) -> NamespaceError:
    """The error of a request that is refused while it is planned, in check mode too; nothing is changed by it."""
    before = dump()
    with pytest.raises(NamespaceError) as foretold:
        bring(request, name, check=True)
    with pytest.raises(NamespaceError) as caught:
        bring(request, name)
    assert str(foretold.value) == str(caught.value)
    unchanged(before)
    return caught.value


def failure(request: Request, name: str = BLUE) -> NamespaceError:
    """The error of a request that the kernel refuses; nothing is changed by it."""
    before = dump()
    with pytest.raises(NamespaceError) as caught:
        bring(request, name)
    unchanged(before)
    assert re.search("nothing is changed|what was done is taken back", str(caught.value)), caught.value
    return caught.value
