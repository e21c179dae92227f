# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces that can not be brought to what is asked: all is as before, or it is said what is left."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import signal
import socket
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import netdev, rtnetlink
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.errors import NamespaceError
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network import (
    carry_out,
    encode,
    places,
    sysctls,
)
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.network.model import PHYSICAL, Request
from ansible_collections.linux.namespaces.tests.unit import networks, support
from ansible_collections.linux.namespaces.tests.unit.networks import (
    BLUE,
    GREEN,
    asking,
    bring,
    brought,
    failure,
    ip,
    links,
    peer,
    route,
    routes,
    rule,
    wish,
    world,
)

ETH0 = wish(
    "eth0",
    "veth",
    peer=peer("blue0", addresses=("10.9.0.1/24",), up=True),
    addresses=("10.9.0.2/24", "10.9.0.3/24", "fd00::2/64"),
    up=True,
)
THERE = asking(
    ETH0,
    wish("br0", "bridge", up=True),
    wish("p1", "veth", peer=peer("p2", BLUE, up=True), master="br0", up=True),
    wish("old", "veth", peer=peer("old0", GREEN, up=True), mtu=1400),
    route("default", via="10.9.0.1"),
    route("10.1.0.0/16", dev="eth0", src="10.9.0.3"),
    route("fd01::/64", via="fd00::1"),
    rule(100, 5),
)
ASKED = asking(
    wish("eth0", up=False, mtu=1400, without=("10.9.0.2/24",), peer=peer("blue0", absent=("10.9.0.1/24",))),
    wish("br0", absent=True),
    wish("old", absent=True),
    wish("p1", addresses=("10.2.0.1/24",), up=True),
    wish("new", "veth", peer=peer("new0", GREEN, up=True, addresses=("10.3.0.2/24",)), up=True),
    wish("port0", PHYSICAL, up=True, addresses=("10.4.0.1/24",)),
    wish("mv0", "macvlan", options={"link": "new"}),
    route("fd01::/64", absent=True),
    route("default", type="unreachable"),
    route("10.6.0.0/16", dev="p1", metric=5),
    rule(100, 5, absent=True),
    rule(101, 6),
    net__ipv4__conf__p1__rp_filter="2",
    net__ipv4__ip_forward="1",
)
"""One that takes steps of all kinds."""


def prepare() -> None:
    bring(THERE)
    ip("link", "add", "port0", "type", "veth", "peer", "name", "wire0")


class Refused:
    """A kernel that refuses one request of all, by its number, and with it more of the same kind.

    then: what somebody does at that moment.
    """

    def __init__(self, number: int, also_back: bool = False, then: t.Callable[[], None] = lambda: None) -> None:
        self.number = number
        self.count = 0
        self.also_back = also_back
        self._then = then
        self._really = rtnetlink.change
        self._really_write = sysctls.write

    def __enter__(self) -> None:
        rtnetlink.change = self.change
        sysctls.write = self.write

    def __exit__(self, *_error: object) -> None:
        rtnetlink.change = self._really
        sysctls.write = self._really_write

    def is_next(self) -> bool:
        self.count += 1
        if self.count == self.number:
            self._then()
        return self.count == self.number or (self.also_back and self.count > self.number)

    def change(self, route: socket.socket, requests: t.Sequence[rtnetlink.Request]) -> list[OSError | None]:
        """Also in the middle of many: the others are carried out."""
        found: list[OSError | None] = []
        for request in requests:
            refused = self.is_next()
            found += [OSError(errno.EIO, "no")] if refused else self._really(route, [request])
        return found

    def write(self, proc: int, place: places.Place, values: t.Mapping[str, str]) -> None:
        for name, value in values.items():
            if self.is_next():
                raise NamespaceError("set a sysctl", "no", code=errno.EIO)
            self._really_write(proc, place, {name: value})


@world
def test_a_failure_at_any_step() -> None:
    prepare()
    before = networks.dump()
    values = {name: networks.sysctl(name) for name in ASKED.sysctls}
    steps = len(bring(ASKED, check=True).changes)
    assert steps > 20
    for number in range(1, steps + 1):
        with Refused(number), pytest.raises(NamespaceError) as caught:
            bring(ASKED)
        assert re.search("nothing is changed|what was done is taken back", str(caught.value)), number
        networks.unchanged(before)
        assert values == {name: networks.sysctl(name) for name in ASKED.sysctls}, number
    brought(ASKED)


@world
def test_what_could_not_be_taken_back_is_said() -> None:
    prepare()
    request = asking(wish("new", "bridge", up=True), route("10.5.0.0/16", dev="new"))
    with Refused(3, also_back=True), pytest.raises(NamespaceError) as caught:
        bring(request)
    assert "what was done could not all be taken back" in str(caught.value)
    assert 'cannot do "link del new"' in str(caught.value)
    assert "new" in links()
    brought(request)


UPLINK = asking(wish("uplink", addresses=("192.0.2.2/24",), without=("192.0.2.1/24",)), wish("v0", absent=True))
CARD = asking(wish("card", PHYSICAL, up=True), net__ipv4__conf__eth0__rp_filter="1")


def prepare_uplink() -> None:
    ip("link", "add", "uplink", "type", "bridge")
    ip("addr", "add", "192.0.2.1/24", "dev", "uplink")
    ip("link", "set", "uplink", "up")
    ip("route", "add", "default", "via", "192.0.2.254")
    ip("link", "add", "v0", "type", "veth", "peer", "name", "eth0", "netns", BLUE)


def prepare_card() -> None:
    ip("link", "add", "card", "mtu", "1400", "type", "veth", "peer", "name", "wire")
    ip("link", "set", "card", "up")
    ip("link", "property", "add", "dev", "card", "altname", "own")
    ip("link", "add", "br0", "type", "bridge")
    ip("link", "add", "eth0", "type", "bridge", at=BLUE)


def inside_does(*commands: str) -> t.Callable[[], None]:
    def work() -> None:
        for command in commands:
            ip(*command.split(), at=BLUE)

    return work


def not_brought(request: Request, number: int, then: t.Callable[[], None], name: str = BLUE) -> str:
    """What is said where the kernel refuses the request of that number, and somebody does something then."""
    with Refused(number, then=then), pytest.raises(NamespaceError) as caught:
        bring(request, name)
    return str(caught.value)


@world
def test_who_holds_a_peer_does_not_stop_the_rest_on_its_way_back() -> None:
    prepare_uplink()
    said = not_brought(UPLINK, 3, inside_does("link add eth0 type bridge"), networks.HOME)
    assert "what was done could not all be taken back: cannot make the link v0: there is a link eth0 in " in said
    assert networks.addresses("uplink", networks.HOME) == ["192.0.2.1/24"]
    assert routes(networks.HOME) == ["default via 192.0.2.254 dev uplink proto 4"]
    assert "v0" not in links(networks.HOME)


@world
def test_who_takes_a_sysctl_away_does_not_stop_the_rest_on_its_way_back() -> None:
    prepare_card()
    request = asking(CARD.links[0], wish("new", "bridge"), **CARD.sysctls, net__ipv4__ip_forward="1")
    said = not_brought(request, 5, inside_does("link set eth0 name other"))
    assert "could not all be taken back: cannot set the sysctl net.ipv4.conf.eth0.rp_filter to 0: there is no" in said
    assert "card" in links(networks.HOME)
    assert set(links()) == {"other"}
    assert networks.sysctl("net.ipv4.ip_forward") == "0"


@world
def test_who_changes_all_the_time_does_not_stop_what_is_on_its_way_back() -> None:
    prepare_uplink()
    many = "".join(f"addr add 10.{number // 250}.{number % 250}.1/32 dev eth0\n" for number in range(6000))
    subprocess.run(["ip", "-n", BLUE, "-batch", "-"], input=many, check=True, text=True)
    request = asking(UPLINK.links[0], wish("v0", "veth", mtu=1400, peer=peer("eth0", BLUE)))

    def start() -> None:
        support.Background(lambda: networks.inside(BLUE, flap))
        support.wait_for(lambda: networks.inside(BLUE, is_unsteady))

    said = not_brought(request, 3, start, networks.HOME)
    assert "what was done is taken back" in said
    assert networks.addresses("uplink", networks.HOME) == ["192.0.2.1/24"]
    with pytest.raises(NamespaceError) as caught:
        bring(request, networks.HOME)
    assert "EAGAIN (Resource temporarily unavailable): somebody changes it all the time" in str(caught.value)


@world
def test_who_has_more_than_can_be_read_does_not_stop_what_is_on_its_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_uplink()
    many = "".join(f"addr add 10.0.{number}.1/32 dev eth0\n" for number in range(60))

    def add() -> None:
        monkeypatch.setattr(rtnetlink, "MOST", 50)
        subprocess.run(["ip", "-n", BLUE, "-batch", "-"], input=many, check=True, text=True)

    request = asking(UPLINK.links[0], wish("v0", "veth", mtu=1400, peer=peer("eth0", BLUE)))
    assert "what was done is taken back" in not_brought(request, 3, add, networks.HOME)
    assert networks.addresses("uplink", networks.HOME) == ["192.0.2.1/24"]
    # They came under the name of a peer of what was changed, and went with that.
    add()
    with pytest.raises(NamespaceError, match="E2BIG"):
        bring(request, networks.HOME)


def flap() -> None:
    """Give eth0 an address and take it away, until the world ends."""
    os.nice(-10)  # whoever lists them would else come to the end on a busy machine
    with rtnetlink.open_route() as route_:
        index = netdev.indices_at(route_)["eth0"]
        ways = [encode.address_added(index, "10.200.0.1/32"), encode.address_removed(index, "10.200.0.1/32")]
        while True:
            rtnetlink.change(route_, ways * 32)


def is_unsteady() -> bool:
    """Whether the addresses are never the same for long enough to list them."""
    with rtnetlink.open_route() as route_:
        try:
            rtnetlink.list_at(route_, rtnetlink.RTM_GETADDR, encode.everything(rtnetlink.RTM_GETADDR))
        except BlockingIOError:
            return True
    return False


@world
@pytest.mark.parametrize(
    "done_inside",
    [
        ["link set card down", "link set card name stolen"],
        ["link set card down", "link set card name stolen", "link add card type bridge"],
        ["link set card down", "link set card name br0", "link set br0 mtu 1300 address 02:00:00:00:00:01"],
        ["link property add dev card altname br0", "link property add dev card altname mine"],
    ],
)
def test_a_card_comes_back_whatever_is_done_to_it_inside(done_inside: list[str]) -> None:
    prepare_card()
    before = networks.dump(networks.HOME)
    said = not_brought(CARD, 3, inside_does(*done_inside))
    assert "what was done is taken back" in said
    networks.unchanged(before, networks.HOME)


@world
def test_a_card_whose_number_is_taken_inside_comes_back() -> None:
    prepare_card()
    number = ip("-o", "link", "show", "card").partition(":")[0]
    ip("link", "add", "other", "index", number, "type", "bridge", at=BLUE)
    ip("link", "add", "far", "index", "1000", "type", "bridge", at=BLUE)
    not_brought(CARD, 3, inside_does("link set card down", "link set card name stolen"))
    assert "card" in links(networks.HOME)
    assert set(links()) == {"eth0", "other", "far"}


@world
def test_a_card_that_can_not_come_back_is_said_to_be_left() -> None:
    prepare_card()
    said = not_brought(CARD, 3, inside_does("link set card netns /run/netns/green"))
    assert "could not all be taken back: cannot move the link card out of the set blue: it is not there any" in said
    assert "card" in links(GREEN)


@world
def test_what_is_made_in_the_place_of_a_card_stays_inside() -> None:
    prepare_card()
    said = not_brought(CARD, 3, inside_does("link del card", "link add card type bridge"))
    assert "could not all be taken back: cannot move the link card out of the set blue: it is not there any" in said
    assert set(links()) == {"eth0", "card"}


@world
def test_a_link_that_was_moved_out_goes_back_in() -> None:
    ip("link", "add", "card", "type", "veth", "peer", "name", "wire", at=BLUE)
    before = networks.dump()
    request = asking(wish("card", "veth", absent=True, outside=True), wish("new", "bridge"))
    assert "what was done is taken back" in not_brought(request, 2, lambda: None)
    networks.unchanged(before)


@world
def test_what_nobody_foresaw_is_taken_back_too() -> None:
    prepare_card()
    before = networks.dump()

    def fail() -> None:
        raise ValueError("odd")

    said = not_brought(CARD, 3, fail)
    assert said.startswith("cannot bring the set blue to what is asked: ValueError: odd (what was done is taken back);")
    networks.unchanged(before)


@world
@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (asking(route("10.5.0.0/16", dev="eth0", src="10.77.0.1")), "as its src, see ip-route(8)"),
        (asking(wish("eth0", mtu=10)), "; see ip-link(8)"),
    ],
)
def test_what_the_kernel_refuses_has_the_remedy_of_its_kind(request_: Request, said: str) -> None:
    prepare()
    assert str(failure(request_)).endswith(said)


@world
def test_a_link_that_vanishes_meanwhile() -> None:
    prepare()

    def vanish(_steps: object) -> None:
        ip("link", "del", "p1", at=BLUE)

    request = asking(wish("br0", mtu=1400), wish("p1", mtu=1400))
    with meanwhile(vanish), pytest.raises(NamespaceError) as caught:
        bring(request)
    assert "change the link p1 in the set blue: it is gone meanwhile (nothing is changed)" in str(caught.value)
    assert links()["br0"]["mtu"] == 1500


@world
def test_a_link_that_is_renamed_meanwhile_goes_out_under_its_name() -> None:
    """Who is inside does not choose what a link is called outside."""
    ip("link", "add", "port0", "type", "veth", "peer", "name", "wire0", at=BLUE)

    def rename(_steps: object) -> None:
        ip("link", "set", "port0", "name", "evil", at=BLUE)

    with meanwhile(rename):
        bring(asking(wish("port0", "veth", absent=True, outside=True)))
    assert set(links(networks.HOME)) == {"port0"}


class meanwhile:  # noqa: N801 - it reads as a word
    """Something that somebody else does when all is planned, once."""

    def __init__(self, work: t.Callable[[t.Any], None]) -> None:
        self._work = work
        self._really = carry_out._do  # noqa: SLF001 - there is no other moment between both
        self._done = False

    def __enter__(self) -> None:
        carry_out._do = self._first  # noqa: SLF001 - see above

    def __exit__(self, *_error: object) -> None:
        carry_out._do = self._really  # noqa: SLF001 - see above

    def _first(self, work: t.Any, steps: t.Any, done: t.Any) -> None:
        if not self._done:
            self._done = True
            self._work(steps)
        self._really(work, steps, done)


@world
def test_what_somebody_else_makes_meanwhile_stays() -> None:
    """It is not purged, not in before, and not taken back."""
    prepare()

    def make(_steps: object) -> None:
        ip("link", "add", "theirs", "type", "bridge", at=BLUE)
        ip("link", "set", "theirs", "up", at=BLUE)
        ip("route", "add", "10.200.0.0/16", "dev", "theirs", at=BLUE)
        ip("rule", "add", "lookup", "200", "priority", "200", at=BLUE)

    def there() -> bool:
        return "theirs" in links() and "lookup 200" in ip("rule", at=BLUE) and "10.200.0.0/16 dev theirs" in text()

    def text() -> str:
        return "\n".join(routes())

    everything = ["links", "addresses", "routes", "rules"]
    with meanwhile(make):
        results = bring(asking(ETH0, purge=everything))
    assert there()
    bring(results.before)
    assert there()
    unmake = (("link", "del", "theirs"), ("rule", "del", "priority", "200"))
    for words in unmake:
        ip(*words, at=BLUE)
    before = networks.dump()
    with meanwhile(make), Refused(5), pytest.raises(NamespaceError):
        bring(asking(purge=everything))
    assert there()
    for words in unmake:
        ip(*words, at=BLUE)
    networks.unchanged(before)


@world
def test_what_somebody_else_makes_meanwhile_under_that_name_stays() -> None:
    request = asking(wish("new", "bridge"), wish("newer", "bridge"), route("10.5.0.0/16", type="blackhole"))

    def make_link(_steps: object) -> None:
        ip("link", "add", "newer", "type", "bridge", at=BLUE)

    def make_route(_steps: object) -> None:
        ip("route", "add", "10.5.0.0/16", "dev", "lo", at=BLUE)

    with meanwhile(make_link), pytest.raises(NamespaceError) as caught:
        bring(request)
    assert "EEXIST" in str(caught.value)
    assert "look at ip link inside" in str(caught.value)
    assert set(links()) == {"newer"}
    ip("link", "set", "lo", "up", at=BLUE)
    with meanwhile(make_route), pytest.raises(NamespaceError) as caught:
        bring(request)
    assert "EEXIST" in str(caught.value)
    assert (set(links()), routes()) == ({"newer"}, ["10.5.0.0/16 dev lo scope 253"])


@world
def test_a_peer_whose_name_is_taken_meanwhile() -> None:
    def take(_steps: object) -> None:
        ip("link", "add", "new0", "type", "bridge", at=GREEN)

    with meanwhile(take), pytest.raises(NamespaceError) as caught:
        bring(asking(wish("new", "veth", peer=peer("new0", GREEN))))
    assert "EEXIST" in str(caught.value)
    assert (links(), set(links(GREEN))) == ({}, {"new0"})


@world
def test_a_task_that_is_killed_is_repaired_by_the_next() -> None:
    prepare()
    steps = len(bring(ASKED, check=True).changes)
    before = networks.dump()

    def killed(number: int) -> None:
        really = rtnetlink.change
        counter = itertools.count(1)

        def change(route: socket.socket, requests: t.Sequence[rtnetlink.Request]) -> list[OSError | None]:
            found: list[OSError | None] = []
            for request in requests:
                if next(counter) == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                found += really(route, [request])
            return found

        rtnetlink.change = change
        bring(ASKED)

    for number in range(1, steps - 2, 4):
        with pytest.raises(support.EndedError):
            support.forked(lambda number=number: killed(number))  # type: ignore[misc]
        bring(ASKED)
        assert bring(ASKED).changes == ()
        assert not os.path.exists("/run/linux-namespaces")
        reset()
        networks.unchanged(before)


def reset() -> None:
    for name in networks.SETS:
        ip("netns", "del", name)
        networks.make_set(name)
    for name in links(networks.HOME):
        # What had its other end in one of these goes by itself, soon.
        with contextlib.suppress(AssertionError):
            ip("link", "del", name)
    prepare()


@world
def test_two_tasks_at_once() -> None:
    """One waits for the other, and has nothing to do any more."""
    for _turn in range(5):
        tasks = [support.Background(lambda: bring(THERE)) for _task in range(2)]
        done = sorted(len(task.result().changes) for task in tasks)
        assert (done[0], done[1] > 5) == (0, True)
        assert bring(THERE).changes == ()
        bring(asking(purge=["links", "routes", "rules"]))


@world
@pytest.mark.parametrize(
    ("made", "asked", "gone"),
    [
        ("link add it type ifb", wish("it", absent=True), "it, of type ifb"),
        (
            "route add 10.9.0.0/16 dev br0 mtu 1300",
            route("10.9.0.0/16", absent=True),
            "the route 10.9.0.0/16 dev br0, with",
        ),
        ("route add 10.9.0.0/16 dev br0 mtu 1300", wish("br0", up=False), "the route 10.9.0.0/16 dev br0, with"),
        ("rule add priority 7 from 10.0.0.0/8 ipproto tcp lookup 5", None, None),
    ],
)
def test_what_is_gone_for_good_is_said(made: str, asked: t.Any, gone: str | None) -> None:
    """Nobody is told that all is as it was."""
    brought(asking(wish("br0", "bridge", up=True, addresses=("10.0.0.1/24",))))
    ip(*made.split(), at=BLUE)
    wishes = [] if asked is None else [asked]
    with pytest.raises(NamespaceError) as caught:
        bring(asking(*wishes, wish("new", "bridge", up=True), route("10.99.0.0/16", via="172.31.0.1")))
    told = str(caught.value)
    assert ("gone for good" in told) is (gone is not None), told
    assert (gone or "what was done is taken back") in told


@world
def test_many_links() -> None:
    """More than one message to the kernel holds; a failure at the end takes all back."""
    many = [wish(f"b{number}", "bridge", up=True, addresses=(f"10.0.{number % 256}.1/24",)) for number in range(300)]
    many_routes = [route(f"10.{number // 256 + 100}.{number % 256}.0/24", dev=f"b{number}") for number in range(300)]
    before = networks.dump(BLUE)
    with pytest.raises(NamespaceError) as caught:
        bring(asking(*many, *many_routes, route("10.99.0.0/16", via="172.31.0.1")))
    assert "what was done is taken back" in str(caught.value)
    networks.unchanged(before, BLUE)
    results = bring(asking(*many, *many_routes))
    assert len(routes()) == 300
    assert bring(asking(*many, *many_routes)).changes == ()
    bring(results.before)
    networks.unchanged(before, BLUE)


@world
def test_answers_that_are_lost() -> None:
    """As when there is no memory for them: what was done is not known, and taken back."""
    prepare()
    before = networks.dump()
    really = rtnetlink.open_route

    def open_route() -> socket.socket:
        found = really()
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        return found

    rtnetlink.open_route = open_route
    try:
        with pytest.raises(NamespaceError) as caught:
            bring(asking(*(route(f"10.100.{number}.0/24", type="blackhole") for number in range(60)), ETH0))
    finally:
        rtnetlink.open_route = really
    assert "ENOBUFS" in str(caught.value)
    # How it is taken back may be lost as well: all requests are carried out, heard of or not.
    networks.unchanged(before)


# ---- sysctls


@world
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("net.ipv4.nothing", "1", "there is no such sysctl"),
        ("net.ipv4.conf.gone.rp_filter", "1", "there is no such sysctl"),
        ("net.ipv4.ip_local_port_range", "5 4", "does not take that value"),
        ("net.ipv4.ip_forward", "many", "does not take that value"),
    ],
)
def test_a_sysctl_that_can_not_be_set(name: str, value: str, said: str) -> None:
    request = Request((wish("br0", "bridge"),), sysctls={"net.ipv4.ip_default_ttl": "9", name: value})
    error = failure(request)
    assert said in str(error)
    assert networks.sysctl("net.ipv4.ip_default_ttl") == "64"


@world
@pytest.mark.parametrize(
    ("name", "said"), [("net.ipv4.nothing", "there is no such sysctl"), ("net.core.rmem_max", "the whole host")]
)
def test_a_sysctl_that_check_mode_refuses(name: str, said: str) -> None:
    assert said in str(networks.refusal(Request(sysctls={"net.ipv4.ip_default_ttl": "9", name: "12345"})))


@world
def test_a_sysctl_that_can_only_be_read_may_be_so() -> None:
    assert bring(Request(sysctls={"net.core.rmem_max": networks.sysctl("net.core.rmem_max")})).changes == ()


@world
def test_a_sysctl_that_can_not_be_read() -> None:
    assert "it can only be written" in str(networks.refusal(asking(net__ipv4__route__flush="1")))


@world
def test_a_sysctl_that_the_kernel_takes_otherwise() -> None:
    """It would never stay so."""
    ip("link", "add", "br0", "type", "bridge", at=BLUE)
    name = "net.ipv4.ip_local_reserved_ports"
    error = failure(Request((wish("br0", mtu=1400),), sysctls={name: "5,6,7"}))
    assert f"it does not stay so, there would be left to do: sysctl {name}=5,6,7" in str(error)


# ---- who may not


def test_a_kernel_without_that_type() -> None:
    kinds = [kind for kind in ("dummy", "wireguard", "vrf") if not networks.can_make(kind)]
    if not kinds:
        pytest.skip("the kernel makes links of all types here; make kernels has some that do not")

    def work() -> None:
        options = {"table": 5} if kinds[0] == "vrf" else {}
        error = failure(asking(wish("br0", "bridge"), wish("new", kinds[0], options=options)))
        assert "load its module, or take another type" in str(error)

    networks.in_world(work)


@world
def test_without_privilege() -> None:
    prepare()
    before = networks.dump()

    def work() -> str:
        with pytest.raises(NamespaceError) as caught:
            bring(asking(wish("eth0", mtu=1400)))
        return str(caught.value)

    said = support.as_ordinary(work)
    assert "the task may not touch this; run it as root" in said
    networks.unchanged(before)


@world
def test_stale_handles_and_sets_without_a_network() -> None:
    Path("/run/netns/stale").touch()
    subprocess.run(["mkdir", "/run/utsns"], check=True)
    support.brought("named", types=["uts"])
    for name in ("stale", "/run/netns/stale", "named"):
        for check in (True, False):
            with pytest.raises(NamespaceError) as caught:
                bring(asking(wish("new", "veth", peer=peer("new0", name))), check=check)
            assert name in str(caught.value)
    assert links() == {}
