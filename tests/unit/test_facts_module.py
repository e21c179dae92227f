# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ns_facts as a task calls it: what it refuses, what it returns."""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.discovery import facts, model, run
from ansible_collections.linux.namespaces.plugins.modules import ns_facts
from ansible_collections.linux.namespaces.tests.unit import support
from ansible_collections.linux.namespaces.tests.unit.answer import Options, answer


def task(options: Options, *, check: bool = False, prepare: t.Callable[[], object] = lambda: None) -> Options:
    """What the module answers, in a process of its own that leaves nothing."""

    def work() -> Options:
        prepare()
        before = set(os.listdir("/proc/self/fd"))
        result = answer(ns_facts.main, options, check=check)
        # The procfs stays open for as long as the module lives.
        assert len(set(os.listdir("/proc/self/fd")) - before) <= 1
        assert support.children() == set()
        return result

    return support.forked(work)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("option sources empty", {"sources": []}),
        ("sources must be one or more of", {"sources": ["proc"]}),
        ("option types empty", {"types": []}),
        ("types must be one or more of", {"types": ["mount"]}),
        ("option name", {"name": "a/b"}),
        ("option name", {"name": ""}),
        ("option name True", {"name": True}),
        ("option name NUL", {"name": "a\0b"}),
        *(
            (f"option {option} plain", {option: value})
            for option in ("pid", "inode", "id")
            for value in ("1_000", "-1", " 1", "1.0", "0x10", "net:1", "", "one", "9" * 21, True, "\u0661")
        ),
        ("option pid plain", {"pid": "[1]"}),
        ("option inode plain", {"inode": "net:[1_000]"}),
        ("option inode plain", {"inode": "[[1]]"}),
        ("option pid no process 0", {"pid": 0}),
        ("option pid no process 4194305", {"pid": 4194305}),
        ("option path no absolute", {"path": "netns/blue"}),
        ("option path no absolute", {"path": ""}),
        ("/run/no-such-handle nothing", {"path": "/run/no-such-handle"}),
        ("/proc/self/status no namespace", {"path": "/proc/self/status"}),
        ("/proc no namespace", {"path": "/proc"}),
        ("mutually exclusive", {"name": "blue", "pid": 1}),
        ("mutually exclusive", {"inode": 1, "id": 1}),
        ("detail must be one of", {"detail": "all"}),
        ("network bool", {"network": "maybe"}),
    ],
)
def test_bad_input(words: str, options: Options) -> None:
    result = task(options)
    assert result["failed"]
    assert "ansible_facts" not in result
    assert [word for word in words.split() if word not in result["msg"]] == [], result["msg"]
    assert "Traceback" not in result["msg"]
    assert "\n" not in result["msg"]


@pytest.mark.parametrize("check", [False, True])
def test_facts_and_nothing_else(check: bool) -> None:
    result = task({}, check=check)
    assert result.keys() - {"invocation"} == {"changed", "ansible_facts"}
    assert not result["changed"]
    assert result["ansible_facts"].keys() == {"linux_namespaces"}


def test_everything_that_is_documented() -> None:
    """What the documentation lists is there, and nothing else."""
    yaml = pytest.importorskip(
        "yaml", reason="the documentation is YAML: install PyYAML, which comes with ansible-core"
    )
    documented = yaml.safe_load(ns_facts.RETURN)["ansible_facts"]["contains"]["linux_namespaces"]["contains"]
    with support.inhabited(*support.TYPE_NAMES):
        told = task({"detail": "full", "network": True})["ansible_facts"]["linux_namespaces"]
    assert told.keys() == documented.keys()
    assert told["scan"].keys() == documented["scan"]["contains"].keys()
    fields = documented["namespaces"]["contains"]
    cut = {key for key in fields if key.endswith("_more")}
    assert {key for item in told["namespaces"] for key in item} == fields.keys() - cut
    for part in ("leader", "propagation"):
        parts = [item[part] for item in told["namespaces"] if item.get(part)]
        assert {key for item in parts for key in item} == fields[part]["contains"].keys()
    assert {key for item in told["namespaces"] for holder in item["holders"] for key in holder} <= (
        fields["holders"]["contains"].keys()
    )


def test_the_defaults_are_all_and_normal() -> None:
    told = task({})["ansible_facts"]["linux_namespaces"]
    assert told["scan"]["sources"] == list(run.SOURCES)
    assert max(len(item["holders"]) for item in told["namespaces"]) <= facts.DETAILS["normal"]


@pytest.mark.parametrize("kind", support.TYPE_NAMES)
def test_a_pid_as_text_or_number(kind: str) -> None:
    with support.inhabited("uts") as pid:
        for given in (pid, str(pid)):
            (told,) = task({"pid": given, "types": [kind]})["ansible_facts"]["linux_namespaces"]["namespaces"]
            assert told["inode"] == support.identity(pid, kind).inode


@pytest.mark.parametrize("written", ["{}", "[{}]", "uts:[{}]"])
def test_an_inode_as_it_is_shown(written: str) -> None:
    inode = support.own_identity("uts").inode
    (told,) = task({"inode": written.format(inode)})["ansible_facts"]["linux_namespaces"]["namespaces"]
    assert told["inode"] == inode


def test_how_many_holders_are_documented() -> None:
    assert f"V(full) tells of {model.MOST_HOLDERS} of what holds it" in ns_facts.DOCUMENTATION


def test_as_an_ordinary_user() -> None:
    """What is its own is seen, and what it costs is said."""
    own = {name: support.own_identity(name).inode for name in support.TYPE_NAMES}

    def prepare() -> None:
        # It may not look at the files of ansible-core any more then.
        answer(ns_facts.main, {"detail": "summary"}, check=False)
        support.become_ordinary()

    result = task({}, prepare=prepare)
    told = result["ansible_facts"]["linux_namespaces"]
    assert told["own"] == own
    assert {item["inode"] for item in told["namespaces"]} >= set(own.values())
    assert not told["scan"]["complete"]
    assert told["scan"]["denied"]["processes"] > 0
