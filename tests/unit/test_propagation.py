# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_propagation as a task calls it: what the mounts become, what it says about them, check mode."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import subprocess
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._kernel import descriptor, mount, nstypes, process
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces import propagation
from ansible_collections.linux.namespaces.plugins.modules import ns_propagation
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.answer import Options, answer
from ansible_collections.linux.namespaces.tests.unit.support import bring, in_own_world, mount_over, read

T = t.TypeVar("T")

PLACE = "/run/place"

WORDS = ("shared", "private", "slave", "unbindable", "slave_shared")

# What a mount is before, with peers or without, and what it is afterwards for each of WORDS.
OUTCOMES: dict[tuple[str, bool], tuple[str, ...]] = {
    ("private", False): ("shared", "private", "private", "unbindable", "shared"),
    ("unbindable", False): ("shared", "private", "unbindable", "unbindable", "shared"),
    ("shared", False): ("shared", "private", "private", "unbindable", "shared"),
    ("shared", True): ("shared", "private", "slave", "unbindable", "slave_shared"),
    ("slave", False): ("shared", "private", "slave", "unbindable", "slave_shared"),
    ("slave_shared", False): ("shared", "private", "slave", "unbindable", "slave_shared"),
    ("slave_shared", True): ("shared", "private", "slave", "unbindable", "slave_shared"),
}
CASES = [
    (before, peers, wanted, after) for (before, peers), row in OUTCOMES.items() for wanted, after in zip(WORDS, row)
]
every_case = pytest.mark.parametrize(("before", "peers", "wanted", "after"), CASES)


def task(*paths: str, check: bool = False, **options: t.Any) -> Options:
    """What the module answers, in a process of its own that leaves nothing."""

    def work() -> Options:
        arguments = {"path": list(paths), **options, "_ansible_diff": True}
        result = answer(ns_propagation.main, arguments, check=check)
        assert support.children() == set()
        assert "exception" not in result
        return result

    return support.forked(work)


def refusal(*paths: str, **options: t.Any) -> str:
    """The message of a task that is refused, the same in check mode, and that changes nothing."""
    before = read("/proc/self/mountinfo")
    results = [task(*paths, check=check, **options) for check in (True, False)]
    assert read("/proc/self/mountinfo") == before
    messages = {result["msg"] for result in results if result["failed"] and "mounts" not in result}
    assert len(messages) == 1, results
    return str(messages.pop())


class Seen(t.NamedTuple):
    """A mount as the kernel lists it."""

    path: str
    word: str
    peer_group: int | None
    master: int | None


def listed(text: str, below: str) -> list[Seen]:
    """The mounts at and below a path, from the text of mountinfo."""
    found = []
    for line in text.splitlines():
        fields = line.split(" ")
        if fields[4] == below or fields[4].startswith(below + "/"):
            tags = {tag.partition(":")[0]: tag.partition(":")[2] for tag in fields[6 : fields.index("-")]}
            kinds = [kind for tag, kind in (("master", "slave"), ("shared", "shared")) if tag in tags]
            word = "_".join(kinds) or ("unbindable" if "unbindable" in tags else "private")
            numbers = [int(tags[tag]) if tag in tags else None for tag in ("shared", "master")]
            found.append(Seen(fields[4], word, *numbers))
    return found


def seen(below: str = PLACE) -> list[Seen]:
    return listed(read("/proc/self/mountinfo"), below)


def words(below: str = PLACE) -> list[tuple[str, str]]:
    return [(item.path, item.word) for item in seen(below)]


def said(result: Options) -> list[Seen]:
    """The mounts as the module says that they are now."""
    assert not result.get("failed"), result
    return [Seen(item["path"], item["after"], item["peer_group"], item["master"]) for item in result["mounts"]]


def set_to(path: str, *steps: str) -> None:
    for step in steps:
        with descriptor.closing(os.open(path, os.O_PATH)) as fd:
            mount.set_propagation(fd, step, recursive=False)


def new_mount(path: str, *steps: str) -> None:
    os.makedirs(path, exist_ok=True)
    mount_over("tmpfs", path)
    set_to(path, *steps)


def copy(source: str, path: str) -> None:
    """Bind it: a peer if it is shared."""
    os.makedirs(path, exist_ok=True)
    support.bind(source, path)


def make(before: str, peers: bool, path: str = PLACE) -> None:
    """A mount that is like this, at /run/.../NAME; its master is at /run/master-NAME, its peer at /run/peer-NAME."""
    name = os.path.basename(path)
    if before.startswith("slave"):
        new_mount(f"/run/master-{name}", "shared")
        copy(f"/run/master-{name}", path)
        set_to(path, "slave", *(["shared"] if before == "slave_shared" else []))
    else:
        new_mount(path, before)
    if peers:
        copy(path, f"/run/peer-{name}")


def world(work: t.Callable[[], T]) -> T:
    """Do the work where PID 1 and its mounts, all of them private at first, are our own."""
    return in_own_world(work, "mnt", "pid")


def there(name: str) -> str:
    """The mounts in the mount namespace of a set, as the kernel lists them."""
    return subprocess.run(
        ["nsenter", f"--mount=/run/mntns/{name}", "cat", "/proc/self/mountinfo"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=support.PATIENCE,
    ).stdout


# ---- the words


@every_case
def test_outcome(before: str, peers: bool, wanted: str, after: str) -> None:
    assert propagation.outcome(before, wanted, peers) == after


@pytest.mark.parametrize("wanted", WORDS)
def test_outcome_where_peers_are_not_known(wanted: str) -> None:
    """It is not known where it depends on them, and only there."""
    alone, accompanied = (OUTCOMES["shared", peers][WORDS.index(wanted)] for peers in (False, True))
    assert propagation.outcome("shared", wanted, None) == (alone if alone == accompanied else None)


def test_steps() -> None:
    """None to stay; those in between only where one does not lead there."""
    several = {
        ("shared", True, "slave_shared"): ("slave", "shared"),
        ("slave", False, "shared"): ("private", "shared"),
        ("slave_shared", False, "shared"): ("private", "shared"),
        ("slave_shared", True, "shared"): ("private", "shared"),
        ("slave", False, "slave_shared"): ("shared",),
        ("private", False, "slave_shared"): ("shared",),
        ("unbindable", False, "slave_shared"): ("shared",),
    }
    for before, peers, wanted, after in CASES:
        one = () if before == after else (wanted,)
        assert propagation.steps(before, after, wanted) == several.get((before, peers, wanted), one), (before, wanted)
    assert propagation.steps("shared", None, "slave") == ("slave",)
    assert propagation.steps("shared", None, "slave_shared") == ("slave", "shared")


# ---- one mount


@every_case
def test_every_change(before: str, peers: bool, wanted: str, after: str) -> None:
    """Check mode changes nothing and foretells it all; the second run has nothing to do."""

    def work() -> None:
        make(before, peers)
        others = [item for item in seen("/run") if item.path != PLACE]
        assert words() == [(PLACE, before)]
        text = read("/proc/self/mountinfo")
        checked = task(PLACE, propagation=wanted, check=True)
        assert read("/proc/self/mountinfo") == text
        done = task(PLACE, propagation=wanted)
        assert words() == [(PLACE, after)]
        assert seen() == said(done)
        if not peers:
            # A peer that is left alone has the same words; its group may be another one.
            assert [item for item in seen("/run") if item.path != PLACE] == others
        for result in (checked, done):
            assert result["changed"] == (before != after)
            assert [(item["before"], item["after"]) for item in result["mounts"]] == [(before, after)]
            assert result["diff"] == {"before": f"{PLACE} {before}\n", "after": f"{PLACE} {after}\n"}
            warnings = [str(warning) for warning in result.get("warnings", ())]
            assert len(warnings) == (wanted != after)
            assert all(
                f"{PLACE} has no peers" in text and f"it is {after} and not {wanted}" in text for text in warnings
            )
        text = read("/proc/self/mountinfo")
        again = task(PLACE, propagation=wanted)
        assert not again["changed"]
        assert said(again) == said(done)
        assert read("/proc/self/mountinfo") == text

    world(work)


@pytest.mark.parametrize(("before", "peers"), OUTCOMES)
def test_report_only(before: str, peers: bool) -> None:
    def work() -> None:
        make(before, peers)
        text = read("/proc/self/mountinfo")
        for check in (True, False):
            result = task(PLACE, check=check)
            assert not result["changed"]
            assert said(result) == seen()
            assert [item["before"] for item in result["mounts"]] == [before]
        assert read("/proc/self/mountinfo") == text

    world(work)


def test_mounts_that_were_slaves_get_nothing_any_more() -> None:
    """What the words mean, seen in what is mounted."""

    def reached(wanted: str) -> bool:
        make("slave", False)
        task(PLACE, propagation=wanted)
        new_mount("/run/master-place/new")
        return f"{PLACE}/new" in [item.path for item in seen()]

    assert [wanted for wanted in WORDS if world(functools.partial(reached, wanted))] == ["slave", "slave_shared"]


# ---- several mounts


def test_several_paths() -> None:
    """In the order in which they are named, each of them once."""

    def work() -> None:
        for name in "cab":
            new_mount(f"{PLACE}/{name}")
        result = task(f"{PLACE}/b", f"{PLACE}/a", f"{PLACE}/b/", propagation="shared")
        assert [item["path"] for item in result["mounts"]] == [f"{PLACE}/b", f"{PLACE}/a"]
        assert sorted(words()) == [(f"{PLACE}/a", "shared"), (f"{PLACE}/b", "shared"), (f"{PLACE}/c", "private")]

    world(work)


def test_not_recursive() -> None:
    def work() -> None:
        new_mount(PLACE)
        new_mount(f"{PLACE}/below")
        result = task(PLACE, propagation="shared")
        assert words() == [(PLACE, "shared"), (f"{PLACE}/below", "private")]
        assert [item["path"] for item in result["mounts"]] == [PLACE]

    world(work)


@pytest.mark.parametrize("wanted", WORDS)
def test_recursive(wanted: str) -> None:
    """Each mount becomes what it would become alone."""

    def work() -> None:
        make("private", False)
        for number, (before, peers) in enumerate(OUTCOMES):
            make(before, peers, f"{PLACE}/{number}")
        expected = [(PLACE, OUTCOMES["private", False][WORDS.index(wanted)])] + [
            (f"{PLACE}/{number}", row[WORDS.index(wanted)]) for number, row in enumerate(OUTCOMES.values())
        ]
        text = read("/proc/self/mountinfo")
        checked = task(PLACE, propagation=wanted, recursive=True, check=True)
        assert read("/proc/self/mountinfo") == text
        done = task(PLACE, propagation=wanted, recursive=True)
        assert sorted(words()) == expected
        assert sorted(said(done)) == sorted(seen())
        assert [(item["path"], item["after"]) for item in checked["mounts"]] == [
            (item["path"], item["after"]) for item in done["mounts"]
        ]
        text = read("/proc/self/mountinfo")
        again = task(PLACE, propagation=wanted, recursive=True)
        assert not again["changed"]
        assert read("/proc/self/mountinfo") == text

    world(work)


@pytest.mark.parametrize("wanted", WORDS)
def test_hidden_mount(wanted: str) -> None:
    """Those that another mount hides go along, where one step is enough; those at any depth too."""

    def work() -> None:
        new_mount(PLACE)
        new_mount(f"{PLACE}/below/hidden")
        new_mount(f"{PLACE}/below")
        new_mount(f"{PLACE}/below/deep")
        checked = task(PLACE, propagation=wanted, recursive=True, check=True)
        done = task(PLACE, propagation=wanted, recursive=True)
        after = OUTCOMES["private", False][WORDS.index(wanted)]
        paths = [PLACE, f"{PLACE}/below", f"{PLACE}/below/deep", f"{PLACE}/below/hidden"]
        assert sorted(words()) == [(path, after) for path in paths]
        for result in (checked, done):
            assert sorted((item["path"], item["after"]) for item in result["mounts"]) == sorted(words())
        assert not task(PLACE, propagation=wanted, recursive=True)["changed"]

    world(work)


@pytest.mark.parametrize("wanted", ["shared", "slave_shared"])
def test_hidden_mount_that_is_left_alone(wanted: str) -> None:
    """What is told to be changed is all that is changed."""

    def work() -> None:
        new_mount(PLACE)
        make("slave", False, f"{PLACE}/below/hidden")
        new_mount(f"{PLACE}/below")
        before = dict(words())
        result = task(PLACE, propagation=wanted, recursive=True)
        told = {item["path"] for item in result["mounts"]}
        changed = {path for path, word in words() if before[path] != word}
        assert changed <= told

    world(work)


def test_stacked_mounts() -> None:
    """The uppermost one is meant."""

    def work() -> None:
        new_mount(PLACE)
        new_mount(PLACE)
        task(PLACE, propagation="shared")
        assert words() == [(PLACE, "private"), (PLACE, "shared")]

    world(work)


@pytest.mark.parametrize("wanted", ["slave", "slave_shared"])
@pytest.mark.parametrize("recursive", [True, False])
def test_peers_that_all_are_to_be_slaves(wanted: str, recursive: bool) -> None:
    """Where all peers are to become slaves nobody is left to be their master; check mode knows."""

    def work() -> None:
        new_mount(PLACE)
        new_mount(f"{PLACE}/a", "shared")
        copy(f"{PLACE}/a", f"{PLACE}/b")
        paths = [PLACE] if recursive else [f"{PLACE}/a", f"{PLACE}/b"]
        checked = task(*paths, propagation=wanted, recursive=recursive, check=True)
        done = task(*paths, propagation=wanted, recursive=recursive)
        assert [item["after"] for item in checked["mounts"]] == [item["after"] for item in done["mounts"]]
        assert {word for path, word in words() if path != PLACE} == {"private" if wanted == "slave" else "shared"}
        assert f"{PLACE}/a" in str(done.get("warnings"))
        assert f"{PLACE}/b" in str(done.get("warnings"))
        assert not task(*paths, propagation=wanted, recursive=recursive)["changed"]

    world(work)


# ---- bind_self


def test_bind_self() -> None:
    def work() -> None:
        os.mkdir(PLACE)
        support.write(f"{PLACE}/file", "")
        text = read("/proc/self/mountinfo")
        checked = task(PLACE, propagation="shared", bind_self=True, check=True)
        assert read("/proc/self/mountinfo") == text
        done = task(PLACE, propagation="shared", bind_self=True)
        for result in (checked, done):
            assert result["changed"]
            assert [(item["path"], item["before"], item["after"]) for item in result["mounts"]] == [
                (PLACE, None, "shared")
            ]
            assert result["diff"] == {"before": f"{PLACE} no mount\n", "after": f"{PLACE} shared\n"}
        assert words() == [(PLACE, "shared")]
        assert said(done) == seen()
        assert os.listdir(PLACE) == ["file"]
        again = task(PLACE, propagation="shared", bind_self=True)
        assert not again["changed"]
        assert len(seen()) == 1

    world(work)


def test_bind_self_alone() -> None:
    def work() -> None:
        os.mkdir(PLACE)
        assert task(PLACE, bind_self=True, check=True)["changed"]
        assert seen() == []
        assert task(PLACE, bind_self=True)["changed"]
        assert words() == [(PLACE, "private")]
        assert not task(PLACE, bind_self=True)["changed"]

    world(work)


def test_bind_self_of_a_file() -> None:
    def work() -> None:
        support.write(PLACE, "content")
        assert task(PLACE, propagation="shared", bind_self=True)["changed"]
        assert words() == [(PLACE, "shared")]
        assert read(PLACE) == "content"

    world(work)


@pytest.mark.parametrize("around", ["private", "shared"])
@pytest.mark.parametrize("wanted", WORDS)
def test_bind_self_foretold(around: str, wanted: str) -> None:
    """Check mode says what it would become, or that it does not know."""

    def work() -> None:
        set_to("/run", around)
        os.mkdir(PLACE)
        checked = task(PLACE, propagation=wanted, bind_self=True, check=True)
        done = task(PLACE, propagation=wanted, bind_self=True)
        assert words() == [(PLACE, done["mounts"][0]["after"])]
        assert checked["mounts"][0]["after"] in (None, done["mounts"][0]["after"])
        assert not task(PLACE, propagation=wanted, bind_self=True)["changed"]

    world(work)


@pytest.mark.parametrize("order", [("", ""), ("", "/below"), ("/below", "")])
def test_bind_self_of_several(order: tuple[str, str]) -> None:
    """Each path is a mount point afterwards, once."""

    def work() -> None:
        os.makedirs(f"{PLACE}/below")
        paths = [PLACE + name for name in order]
        done = task(*paths, propagation="shared", bind_self=True)
        assert sorted(item["path"] for item in done["mounts"]) == sorted(set(paths))
        assert sorted(words()) == sorted({(path, "shared") for path in paths})
        assert not task(*paths, propagation="shared", bind_self=True)["changed"]

    world(work)


# ---- what is refused


def test_paths_that_are_none() -> None:
    def work() -> None:
        os.makedirs(f"{PLACE}/directory")
        os.mkdir("/run/real")
        mount_over("tmpfs", "/run/real")
        os.mkdir("/run/real/directory")
        os.symlink("/run/real", "/run/link")
        support.write("/run/file", "")
        for words_in_it, path in (
            ("no mount point bind_self", f"{PLACE}/directory"),
            ("ENOENT", "/run/missing"),
            ("ELOOP symbolic", "/run/link"),
            ("ELOOP symbolic", "/run/link/directory"),
            ("ENOTDIR", "/run/file/below"),
            ("option path absolute", "run/real"),
            ("option path", ""),
            ("option path NUL", "/run/\0"),
        ):
            message = refusal("/run", path, propagation="shared")
            assert all(word in message for word in words_in_it.split()), message
            assert path in message or "\0" in path
            assert message == refusal("/run", path, propagation="shared", recursive=True)
        assert "ENOENT" in refusal("/run/missing", propagation="shared", bind_self=True)
        assert "ELOOP" in refusal("/run/link", propagation="shared", bind_self=True)
        assert "option path" in refusal(propagation="shared")
        # Nothing at all was done, also not to those that were named before.
        assert words("/run")[0] == ("/run", "private")

    world(work)


def test_options_that_do_not_go_together() -> None:
    def work() -> None:
        for words_in_it, options in (
            ("propagation public", {"propagation": "public"}),
            ("option types", {"types": ["mnt"]}),
            ("option expect", {"expect": {"mnt": {"inode": 1}}}),
            ("option types mnt", {"pid": 1, "types": ["net"]}),
            ("mutually exclusive name pid", {"name": "blue", "pid": 1}),
            ("mutually exclusive pid handles", {"pid": 1, "handles": {"mnt": "/run/mntns/blue"}}),
            ("option name a/b", {"name": "a/b"}),
            ("option name *", {"name": "*"}),
            ("process 1 mnt itself", {"pid": 1}),
        ):
            message = refusal("/run", **options)
            assert all(word in message for word in words_in_it.split()), message

    world(work)


# ---- in another mount namespace


def test_in_that_of_a_set() -> None:
    """By name, by pid and by handle it is the same; ours stays as it is."""

    def work() -> None:
        new_mount(PLACE)
        bring("blue", types=["mnt", "net"], propagation="private")
        bring("green", types=["net"])
        ours = read("/proc/self/mountinfo").replace("\n", " \n")
        holder = subprocess.Popen(["nsenter", "--mount=/run/mntns/blue", "sleep", "60"])
        try:
            support.wait_for(lambda: support.identity(holder.pid, "mnt") == support.at_handle("mnt", "blue"))
            other = {"mnt": {"inode": support.own_identity("mnt").inode}}
            expect = {"mnt": support.at_handle("mnt", "blue")._asdict()}
            targets: list[Options] = [{"name": "blue"}, {"pid": holder.pid}, {"handles": {"mnt": "/run/mntns/blue"}}]
            for target, wanted in itertools.product(targets, ("shared", "private")):
                checked = task(PLACE, propagation=wanted, check=True, **target)
                done = task(PLACE, propagation=wanted, expect=expect, **target)
                assert checked["changed"]
                assert done["changed"]
                assert "by now is mnt:" in refusal(PLACE, propagation="slave", expect=other, **target)
                assert said(done) == listed(there("blue"), PLACE)
                assert [(item["path"], item["after"]) for item in checked["mounts"]] == [(PLACE, wanted)]
                assert "warnings" not in done
                assert not task(PLACE, propagation=wanted, **target)["changed"]
        finally:
            holder.kill()
            holder.wait()
        assert read("/proc/self/mountinfo").replace("\n", " \n") == ours
        message = refusal(PLACE, name="green")
        assert "mnt" in message

    world(work)


def test_set_that_is_missing() -> None:
    def work() -> None:
        new_mount(PLACE)
        text = read("/proc/self/mountinfo")
        result = task(PLACE, name="blue", propagation="shared")
        assert result["failed"]
        assert "blue" in result["msg"]
        assert "ns_persistent" in result["msg"]
        checked = task(PLACE, name="blue", propagation="shared", check=True)
        assert checked["changed"]
        assert checked["mounts"] == []
        assert "blue" in str(checked["warnings"])
        assert not task(PLACE, name="blue", check=True)["changed"]
        assert read("/proc/self/mountinfo") == text

    world(work)


def test_set_whose_handle_lost_its_namespace() -> None:
    def work() -> None:
        bring("blue", types=["mnt"])
        support.unmount("/run/mntns/blue")
        message = refusal("/", name="blue", propagation="shared", recursive=True)
        assert "/run/mntns/blue" in message
        assert "ns_persistent" in message

    world(work)


@pytest.mark.parametrize("held_by", ["process", "handle", "nobody"])
@pytest.mark.parametrize("wanted", ["slave", "slave_shared"])
def test_peers_in_another_mount_namespace(held_by: str, wanted: str) -> None:
    """The peers of a mount may be in a mount namespace that only a process or only a handle keeps."""

    def copied() -> None:
        process.unshare(nstypes.MNT.flag)

    def work() -> None:
        new_mount(PLACE, "shared")
        with contextlib.ExitStack() as stack:
            if held_by == "process":
                stack.enter_context(support.inhabited("uts", prepare=copied))
            elif held_by == "handle":
                bring("blue", types=["mnt"], propagation="unchanged")
                (theirs,) = listed(there("blue"), PLACE)
                assert theirs.peer_group == seen()[0].peer_group
            group = seen()[0].peer_group
            alone = "private" if wanted == "slave" else "shared"
            after = alone if held_by == "nobody" else wanted
            checked = task(PLACE, propagation=wanted, check=True)
            done = task(PLACE, propagation=wanted)
            assert words() == [(PLACE, after)]
            assert [item["after"] for item in (*checked["mounts"], *done["mounts"])] == [after, after]
            assert seen()[0].master == (None if held_by == "nobody" else group)
            assert ("warnings" in done) == (held_by == "nobody")

    world(work)


def test_slave_of_the_host_in_a_set() -> None:
    """The peers are those in the mount namespace of the host."""

    def work() -> None:
        new_mount(PLACE, "shared")
        bring("blue", types=["mnt"], propagation="unchanged")
        done = task(PLACE, name="blue", propagation="slave")
        assert said(done) == listed(there("blue"), PLACE)
        assert [(item["after"], item["master"]) for item in done["mounts"]] == [("slave", seen()[0].peer_group)]
        new_mount(f"{PLACE}/new")
        assert f"{PLACE}/new" in [item.path for item in listed(there("blue"), PLACE)]

    world(work)


def test_task_in_another_mount_namespace_than_the_host() -> None:
    def work() -> None:
        result = task("/", propagation="shared")
        assert "pid: 1" in str(result["warnings"])
        assert words("")[0] == ("/", "shared")

    text = read("/proc/self/mountinfo")
    support.secluded(work)
    assert read("/proc/self/mountinfo") == text
