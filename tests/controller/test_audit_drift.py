# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is not as it was: two looks at this kernel, and what changes between them."""

from __future__ import annotations

import contextlib
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._kernel.descriptor import closing
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import run
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit.baseline import read_baseline
from ansible_collections.linux.namespaces.tests.controller import auditing, telling
from ansible_collections.linux.namespaces.tests.controller.auditing import found, judged
from ansible_collections.linux.namespaces.tests.controller.telling import Facts, facts, leader, namespace
from ansible_collections.linux.namespaces.tests.unit import scanning, support

BLUE_MAY_GO = [{"id": "drift-missing", "match": {"name": "blue"}, "reason": "moved"}]
CONTAINER, OTHER = "c" * 64, "d" * 64


def between(work: t.Callable[[contextlib.ExitStack], object], before: auditing.Situation = auditing.quiet) -> t.Any:
    """The facts of a host before and after something was done there."""

    def look() -> t.Any:
        with contextlib.ExitStack() as stack:
            stack.enter_context(before())
            earlier = support.forked(auditing.gather)
            work(stack)
            return earlier, support.forked(auditing.gather)

    return scanning.alone(look)


def drift(earlier: Facts, later: Facts, **options: t.Any) -> list[tuple[str, str, str | None]]:
    """Which rule found what, and of which namespace."""
    given = judged(later, baseline=read_baseline(earlier), rules=["drift"], **options)
    return [
        (item["id"], item["severity"], item["namespace"] and (item["namespace"]["name"] or item["namespace"]["type"]))
        for item in given.findings
    ]


def pin(kind: str, name: str) -> t.Callable[[contextlib.ExitStack], object]:
    return lambda stack: stack.enter_context(auditing.pinned(kind, f"/run/{kind}ns/{name}")())


def hold(path: str) -> t.Callable[[contextlib.ExitStack], object]:
    return lambda stack: stack.enter_context(closing(os.open(path, os.O_RDONLY)))


# ---- new, and gone


def test_a_namespace_that_is_new() -> None:
    earlier, later = between(pin("net", "blue"))
    assert drift(earlier, later) == [("drift-added", "low", "blue")]
    assert drift(earlier, later, declared=["bl*"]) == []
    assert drift(later, later) == []


def test_a_namespace_that_is_gone() -> None:
    earlier, later = between(
        lambda _stack: support.unmount("/run/netns/blue"), auditing.pinned("net", "/run/netns/blue")
    )
    assert drift(earlier, later) == [("drift-missing", "low", "blue")]
    assert drift(earlier, later, declared=["blue"]) == [("drift-missing", "medium", "blue")]


def test_another_one_under_the_same_name() -> None:
    def replace(stack: contextlib.ExitStack) -> None:
        support.unmount("/run/netns/blue")
        pin("net", "blue")(stack)

    earlier, later = between(replace, auditing.pinned("net", "/run/netns/blue"))
    assert drift(earlier, later) == [("drift-added", "low", "blue"), ("drift-missing", "low", "blue")]


def test_a_process_with_namespaces_of_its_own() -> None:
    """Without systemd it has no unit: it comes and goes where there was one of its name."""
    start = scanning.child(lambda: process.unshare(nstypes.UTS.flag))
    earlier, later = between(lambda stack: stack.enter_context(start))
    assert drift(earlier, later) == [("drift-added", "low", "uts")]
    again = [scanning.child(lambda: process.unshare(nstypes.UTS.flag)) for _each in range(2)]
    earlier, later = between(lambda stack: stack.enter_context(again[1]), lambda: again[0])
    assert drift(earlier, later) == []
    assert judged(later, baseline=read_baseline(earlier)).drift == {
        "added": 1,
        "removed": 0,
        "changed": 0,
        "not_compared": {"before": 0, "after": 0},
    }


def test_what_was_not_seen_is_neither_gone_nor_new() -> None:
    """Once as root, once as an ordinary user."""

    def look() -> t.Any:
        with support.inhabited("net"), auditing.opened("uts"):
            return support.forked(auditing.gather), support.as_ordinary(auditing.gather)

    whole, partial = scanning.alone(look)
    for rule, earlier, later in (("missing", whole, partial), ("added", partial, whole)):
        told = found(later, "drift-" + rule, baseline=read_baseline(earlier))
        assert {item["severity"] for item in told} == {"info"}
        assert "net" in {item["namespace"]["type"] for item in told}
        assert all(item["evidence"].startswith("as far as was seen: ") for item in told)


def test_what_holds_a_namespace_was_not_seen() -> None:
    def look() -> t.Any:
        with auditing.pinned("net", "/run/netns/blue")(), closing(os.open("/run/netns/blue", os.O_RDONLY)):
            some = [source for source in run.SOURCES if source != "fds"]
            return support.forked(auditing.gather), support.forked(lambda: auditing.gather(some))

    whole, partial = scanning.alone(look)
    for earlier, later in ((whole, partial), (partial, whole)):
        (finding,) = found(later, "drift-holders", baseline=read_baseline(earlier))
        assert (finding["severity"], finding["evidence"][:19]) == ("info", "as far as was seen:")


def test_what_is_missing_is_no_namespace_of_the_host() -> None:
    """Its inode may be that of another one by now."""
    blue = namespace("net", 7, id=70, name="blue", holder_counts={"bind": 1})
    earlier = facts(blue, namespace("uts", 8, id=80, processes=1, leader=leader(9, "sh", "x.service")))
    missing = found(facts(), "drift-missing", baseline=read_baseline(earlier))
    assert [(item["namespace"], item["subject"]) for item in missing] == [
        ({"type": "uts", "inode": None, "id": None, "name": None, "path": None}, "uts [8]"),
        ({"type": "net", "inode": None, "id": None, "name": "blue", "path": None}, "net blue [7]"),
    ]
    allowed = found(facts(), "drift-missing", baseline=read_baseline(earlier), allow=BLUE_MAY_GO)
    assert [item["allowed"] is None for item in allowed] == [True, False]


@pytest.mark.parametrize(
    ("was", "now", "findings"),
    [
        (leader(9, "sh", "sshd.service"), leader(8, "sh", "sshd.service"), 0),
        (leader(9, "sh", "sshd.service"), leader(8, "sh", "evil.service"), 2),
        (leader(9, "sh", "sshd.service"), leader(8, "nc", "sshd.service"), 2),
        (leader(9, "sh", f"docker-{CONTAINER}.scope"), leader(8, "sh", f"docker-{OTHER}.scope"), 0),
        (leader(9, "sh", "x.scope", CONTAINER), leader(8, "sh", "x.scope", OTHER), 0),
        (leader(9, "sh", "docker.service", CONTAINER), leader(8, "sh", "user@1000.service", OTHER), 2),
        (leader(9, "sh", "session-1.scope"), leader(8, "nc", "session-2.scope"), 0),
        (leader(9, "sh", "run-u1.service"), leader(8, "nc", "run-u2.service"), 0),
        (leader(9, "sh", "user@1000.service"), leader(8, "sh", "user@1001.service"), 2),
    ],
)
def test_what_comes_and_goes_by_itself(was: Facts, now: Facts, findings: int) -> None:
    """Literal: there are no units here."""
    earlier = facts(namespace("mnt", 7, processes=1, leader=was))
    later = facts(namespace("mnt", 8, processes=1, leader=now))
    assert len(drift(earlier, later)) == findings


@pytest.mark.parametrize(
    ("before", "after", "findings"),
    [
        ("netns-1b4e28ba-2fa1-11d2-883f-0016d3cca427", "netns-6fa459ea-ee8a-3ca4-894e-db77e160355e", 0),
        ("blue", "green", 2),
    ],
)
def test_a_container_that_is_started_again(before: str, after: str, findings: int) -> None:
    """Literal: nobody here knows a container from other processes. An engine made up the name of its network."""
    was, now = (leader(9, "nginx", f"libpod-{each}.scope", each) for each in (CONTAINER, OTHER))
    earlier = facts(namespace("net", 7, name=before, processes=1, leader=was))
    later = facts(namespace("net", 8, name=after, processes=1, leader=now))
    assert len(drift(earlier, later)) == findings
    assert len(drift(earlier, facts(namespace("net", 8, name=after)))) == 2


def test_a_leak_that_has_ended_is_no_news() -> None:
    assert drift(facts(namespace("net", 7, holder_counts={"fd": 1})), facts()) == []
    assert drift(facts(), facts(namespace("net", 7, holder_counts={"fd": 1}))) == [("drift-added", "low", "net")]


# ---- changed


def test_other_maps() -> None:
    def with_map(text: str) -> auditing.Situation:
        @contextlib.contextmanager
        def situation() -> t.Iterator[None]:
            Path("/run/userns").mkdir(exist_ok=True)
            Path("/run/userns/box").touch()
            with support.inhabited("user", id_map=text) as pid:
                support.bind(f"/proc/{pid}/ns/user", "/run/userns/box")
            yield

        return situation

    earlier, later = (auditing.alone(with_map(text)) for text in ("0 100000 65536\n", "0 200000 65536\n"))
    # Two hosts that were made for it: as if it had been booted between.
    later["boot_id"] = telling.NEXT_BOOT
    found_all = [item for item in drift(earlier, later) if item[0] != "drift-not-compared"]
    assert found_all == [("drift-map", "medium", "box")]
    (finding,) = found(later, "drift-map", baseline=read_baseline(earlier))
    assert "uid_map was inside 0 outside 100000 count 65536, is inside 0 outside 200000" in finding["evidence"]


def test_another_owner() -> None:
    """Literal: a namespace never changes its owner, but a set that is made again across a boot may have another."""
    box, net = namespace("user", 7, name="box"), {"name": "blue", "owner": 7}
    earlier = facts(namespace("user", telling.USER), namespace("net", 8, name="blue"), box)
    later = facts(namespace("user", telling.USER), namespace("net", 9, **net), box, boot_id=telling.NEXT_BOOT)
    assert drift(earlier, later) == [("drift-owner", "medium", "blue")]


def test_another_holder() -> None:
    earlier, later = between(hold("/run/netns/blue"), auditing.pinned("net", "/run/netns/blue"))
    assert drift(earlier, later) == [("drift-holders", "low", "blue")]
    (finding,) = found(later, "drift-holders", baseline=read_baseline(earlier))
    assert finding["evidence"] == "held by nothing before, by fd now"


def test_another_holder_of_what_is_in_use() -> None:
    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with support.inhabited("net") as pid:
            numbers.append(pid)
            yield

    numbers: list[int] = []
    earlier, later = between(
        lambda stack: stack.enter_context(closing(os.open(f"/proc/{numbers[0]}/ns/net", os.O_RDONLY))),
        situation,
    )
    assert judged(later, baseline=read_baseline(earlier)).drift["changed"] == 1  # type: ignore[index]
    assert drift(earlier, later) == []


def test_another_propagation() -> None:
    def mount_apart() -> None:
        support.own_mounts()

    @contextlib.contextmanager
    def situation() -> t.Iterator[None]:
        with scanning.child(mount_apart) as pid:
            numbers.append(pid)
            yield

    def share(_stack: contextlib.ExitStack) -> None:
        support.forked(lambda: _share_in(numbers[0]))

    numbers: list[int] = []
    earlier, later = between(share, situation)
    assert drift(earlier, later) == [("drift-propagation", "low", "mnt")]


def _share_in(pid: int) -> None:
    with open(f"/proc/{pid}/ns/mnt") as file:
        process.setns(file.fileno(), nstypes.MNT.flag)
    auditing.set_propagation("/run", "shared")


def test_across_a_boot() -> None:
    earlier, later = facts(namespace("uts", 7)), facts(namespace("uts", 8), boot_id=telling.NEXT_BOOT)
    assert drift(earlier, later) == [("drift-not-compared", "info", None)]
    assert drift(facts(), facts(boot_id=telling.NEXT_BOOT)) == []
