# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a fleet: what it makes of results, good, bad and hostile, and what is there when it is killed."""

from __future__ import annotations

import base64
import fcntl
import html.parser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import typing as t
import urllib.parse
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.linux.namespaces.plugins.module_utils._namespaces.shown import printable
from ansible_collections.linux.namespaces.plugins.plugin_utils._audit import model, result, stored
from ansible_collections.linux.namespaces.plugins.plugin_utils._report import results as reading
from ansible_collections.linux.namespaces.plugins.plugin_utils._report import write
from ansible_collections.linux.namespaces.plugins.plugin_utils._report.tally import Tally
from ansible_collections.linux.namespaces.tests.controller import fleet
from ansible_collections.linux.namespaces.tests.unit import support
from hypothesis import example, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
NOBODY = 65534
LARGEST = (1 << 64) - 1
OUTPUT = ("index.html", "pages", "report.json", "junit.xml", "report.sarif")

HOSTILE = (
    "</script><script>alert(1)</script>'\"&<img src=x onerror=alert(1)>\x1b[31m\u202e\u2028\x00{{ 1 + 1 }}]]>\ud800"
)


def report(folder: Path, *hosts: str, now: float = fleet.NOW, max_age: int = 86400) -> Tally:
    return write.report(write.Request(str(folder), hosts, max_age, now, "0.2.0"))[0]


def refused(folder: Path, *hosts: str) -> str:
    with pytest.raises(AnsibleActionFail) as raised:
        report(folder, *hosts)
    return str(raised.value)


def written(folder: Path) -> t.Any:
    return json.loads((folder / "report.json").read_text())


def state_of(folder: Path, host: str = "r1") -> tuple[str, str | None]:
    """What the report says of a host."""
    report(folder, host)
    (told,) = written(folder)["hosts"]
    return told["state"], told["why"]


def tree(folder: Path) -> dict[str, tuple[bytes, int]]:
    """All files with what is in them and when they were changed."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


# ---- what it reads


def test_a_fleet(tmp_path: Path) -> None:
    tally = report(tmp_path, *fleet.fleet(tmp_path, 101))
    assert tally.states == {"scanned": 95, "incomplete": 3, "unreachable": 2, "failed": 0, "not_scanned": 1}
    told = written(tmp_path)
    assert [host["host"] for host in told["hosts"]] == [f"r{number}" for number in range(1, 102)]
    assert (told["states"], told["counts"]) == (tally.states, tally.counts)
    opened = [finding for finding in told["findings"] if not finding["allowed"]]
    for severity in model.SEVERITIES:
        assert tally.counts[severity] == sum(finding["severity"] == severity for finding in opened)
    assert tally.counts["allowed"] == len(told["findings"]) - len(opened) > 0
    assert all((tmp_path / "pages" / f"r{number}.html").exists() for number in range(1, 102))
    assert (tmp_path / "index.html").stat().st_mode & 0o777 == 0o600


def edited(**more: t.Any) -> t.Callable[[Path], object]:
    """Another result than the good one."""
    return lambda path: path.write_text(json.dumps({**json.loads(path.read_bytes()), **more}))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def with_nan(path: Path) -> None:
    good = path.read_text()
    assert '"duration_ms":212' in good
    path.write_text(good.replace('"duration_ms":212', '"duration_ms":NaN'))


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("words", "spoil"),
    [
        ("torn", cut),
        ("torn", lambda path: path.write_text("")),
        ("torn", lambda path: path.write_text("[" * 100_000)),
        ("JSON has no NaN", with_nan),
        ("schema 2", edited(schema=2)),
        ("of another host, r2", edited(host="r2")),
        ("findings", edited(findings=[fleet.finding("a", "worst", "Title")])),
        ("64 bits", edited(findings=[fleet.finding("a", "low", "Title", {"type": "net", "inode": 1 << 64})])),
        ("schema 9", edited(facts={**fleet.facts([]), "schema": 9})),
        ("'yesterday' is no time", edited(collected="yesterday")),
        ("symbolic link", linked),
        ("no plain file", piped),
        ("others can write", lambda path: path.chmod(0o666)),
        ("belongs to somebody else", lambda path: os.chown(path, NOBODY, NOBODY)),
        ("are read at most", lambda path: os.truncate(path, stored.MOST_BYTES + 1)),
    ],
)
def test_a_result_that_can_not_be_used_is_a_failure_of_its_host(
    tmp_path: Path, words: str, spoil: t.Callable[[Path], object]
) -> None:
    fleet.put(tmp_path, fleet.result("r2"))
    spoil(fleet.put(tmp_path, fleet.result("r1")))
    tally = report(tmp_path, "r1", "r2")
    assert (tally.states["failed"], tally.states["scanned"]) == (1, 1)
    told = written(tmp_path)["hosts"][0]
    assert told["state"] == "failed"
    assert words in told["why"]
    assert printable(words) in html_text(tmp_path / "pages/r1.html")


@pytest.mark.parametrize("error", [MemoryError, RecursionError])
def test_one_host_does_not_end_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fails(_given: t.Any) -> t.NoReturn:
        raise error

    fleet.put(tmp_path, fleet.result("r1", facts=fleet.facts([])))
    monkeypatch.setattr(reading, "read_facts", fails)
    assert state_of(tmp_path) == ("failed", f"its result can not be used: {error.__name__}")


def test_what_is_too_old_missing_or_yet_to_come_was_not_scanned(tmp_path: Path) -> None:
    assert state_of(tmp_path) == ("not_scanned", "there is no result of it")
    fleet.put(tmp_path, fleet.result("r1", collected=fleet.stamp(fleet.NOW - 86401)))
    state, why = state_of(tmp_path)
    assert (state, "max_age" in str(why)) == ("not_scanned", True)
    fleet.put(tmp_path, fleet.result("r1", collected=fleet.stamp(fleet.NOW + 400)))
    state, why = state_of(tmp_path)
    assert (state, "clock" in str(why)) == ("not_scanned", True)
    fleet.put(tmp_path, fleet.result("r1", collected=fleet.stamp(fleet.NOW - 86400)))
    assert state_of(tmp_path) == ("scanned", None)


def test_hosts_that_told_nothing(tmp_path: Path) -> None:
    fleet.put(tmp_path, fleet.result("r1", [], status="unreachable", msg="no route to host", facts=None))
    assert state_of(tmp_path) == ("unreachable", "no route to host")
    fleet.put(tmp_path, fleet.result("r1", [], status="failed", msg=None, facts=None))
    assert state_of(tmp_path) == ("failed", "the result does not say why")
    fleet.put(tmp_path, fleet.result("r1", facts=None))
    assert state_of(tmp_path) == ("incomplete", "the facts were not kept")
    because = ["hidepid hides processes", "a child did not answer"]
    fleet.put(tmp_path, fleet.result("r1", facts=fleet.facts([], complete=False, incomplete_because=because)))
    assert state_of(tmp_path) == ("incomplete", "; ".join(because))


def test_results_of_other_hosts_are_left_alone_and_counted(tmp_path: Path) -> None:
    for host in ("r1", "r2", "r3"):
        fleet.put(tmp_path, fleet.result(host))
    (tmp_path / "hosts/.0123.new").touch()
    tally, remarks = write.report(write.Request(str(tmp_path), ["r1"], 86400, fleet.NOW, "0.2.0"))
    assert [host.name for host in tally.hosts] == ["r1"]
    assert remarks == ["2 results of hosts that are not asked about were left alone"]
    assert remarks[0] in html_text(tmp_path / "index.html")


def test_a_host_that_is_named_twice_is_one(tmp_path: Path) -> None:
    assert len(report(tmp_path, "r1", "r1").hosts) == 1


# ---- the directory


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("a link", "symbolic link"),
        ("a file", "no directory"),
        ("for all", "chmod go-w"),
        ("a stranger's", "belongs to uid 65534"),
        ("results for all", "chmod go-w"),
        ("results are a link", "symbolic link"),
        ("has an index", "index.html that no report has left"),
    ],
)
def test_a_directory_that_is_not_ours(tmp_path: Path, how: str, words: str) -> None:
    place = tmp_path / "audit"
    place.mkdir(mode=0o700)
    fleet.put(place, fleet.result("r1"))
    if how == "a link":
        place.rename(tmp_path / "elsewhere")
        place.symlink_to("elsewhere")
    elif how == "a file":
        shutil.rmtree(place)
        place.touch()
    elif how == "for all":
        place.chmod(0o777)
    elif how == "a stranger's":
        os.chown(place, NOBODY, NOBODY)
    elif how == "results for all":
        (place / "hosts").chmod(0o770)
    elif how == "results are a link":
        (place / "hosts").rename(tmp_path / "hosts")
        (place / "hosts").symlink_to(tmp_path / "hosts")
    else:
        (place / "index.html").write_text("mine")
    before = tree(tmp_path)
    assert words in refused(place, "r1")
    assert tree(tmp_path) == before


def test_a_directory_that_is_not_there_is_made(tmp_path: Path) -> None:
    assert report(tmp_path / "a/b", "r1").states["not_scanned"] == 1
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a/b/index.html").exists()


def test_what_an_earlier_report_left_goes_and_results_stay(tmp_path: Path) -> None:
    hosts = fleet.fleet(tmp_path, 6)
    inbox = tree(tmp_path / "hosts")
    report(tmp_path, *hosts)
    assert (tmp_path / "pages/r5.html").exists()
    tally = report(tmp_path, "r1", "r2")
    assert len(tally.hosts) == 2
    assert sorted(path.name for path in (tmp_path / "pages").glob("*.html")) == ["r1.html", "r2.html"]
    assert tree(tmp_path / "hosts") == inbox
    assert {path.name for path in tmp_path.iterdir()} == {*OUTPUT, "hosts", ".linux-namespaces-report"}


def test_the_same_results_make_the_same_report(tmp_path: Path) -> None:
    hosts = fleet.fleet(tmp_path, 40)

    def told() -> dict[str, bytes]:
        report(tmp_path, *hosts)
        return {path: data for path, (data, _time) in tree(tmp_path).items()}

    assert told() == told()


def test_a_full_file_system_leaves_the_report_of_before(tmp_path: Path) -> None:
    def fill() -> tuple[str, bool, list[str]]:
        support.own_mounts()
        support.mount_over("tmpfs", tmp_path, "size=1m,mode=700")
        hosts = fleet.fleet(tmp_path, 3)
        report(tmp_path, *hosts)
        before = tree(tmp_path)
        more = fleet.fleet(tmp_path, 12)
        words = refused(tmp_path, *more)
        after = tree(tmp_path)
        kept = all(after[name] == before[name] for name in before if not name.startswith("hosts/"))
        return words, kept, sorted(os.listdir(tmp_path))

    words, kept, left = support.forked(fill)
    assert "full" in words
    assert kept
    assert left == sorted({*OUTPUT, "hosts", ".linux-namespaces-report"})


KILLED = """\
import sys
sys.path.insert(0, {collections!r})
from ansible_collections.linux.namespaces.plugins.plugin_utils._report import write
write.report(write.Request({folder!r}, {hosts!r}, 86400, {now!r}, "0.2.0"))
"""


@pytest.mark.parametrize("renames", range(1, 7))
def test_who_is_killed_leaves_a_whole_report_or_none(tmp_path: Path, renames: int) -> None:
    """At each step of putting it in place: there is no index then, or it is the old one with all that it needs."""
    place = tmp_path / "audit"
    hosts = fleet.fleet(place, 4)
    report(place, *hosts)
    before = {path: data for path, (data, _time) in tree(place).items()}
    kill(place, hosts[:2], "-e", "trace=rename", "-e", f"inject=rename:signal=SIGKILL:when={renames}")
    after = {path: data for path, (data, _time) in tree(place).items()}
    if "index.html" in after:
        # The signal comes when the last rename is done.
        assert renames == 6
        assert after["index.html"] != before["index.html"]
        assert sorted(path.name for path in (place / "pages").glob("*.html")) == ["r1.html", "r2.html"]
    report(place, *hosts)
    assert {path: data for path, (data, _time) in tree(place).items()} == before


def kill(place: Path, hosts: list[str], *inject: str) -> None:
    """Have strace kill who writes the report."""
    script = KILLED.format(
        collections=str(ROOT / ".ansible/collections"), folder=str(place), hosts=hosts, now=fleet.NOW
    )
    command = ["strace", "-qq", "-o", "/dev/null", *inject, sys.executable, "-B", "-c", script]
    assert subprocess.run(command, check=False).returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)


def test_who_is_killed_while_pages_are_written_leaves_the_report_of_before(tmp_path: Path) -> None:
    place = tmp_path / "audit"
    hosts = fleet.fleet(place, 4)
    report(place, *hosts)
    before = tree(place)
    page = place / ".report.new/pages/r2.html"
    kill(place, hosts, "-P", str(page), "-e", "inject=openat:signal=SIGKILL:when=1")
    after = tree(place)
    assert {name: after[name] for name in before} == before
    assert {name for name in after if name not in before}
    report(place, *hosts)
    assert not (place / ".report.new").exists()


def test_two_runs_at_once(tmp_path: Path) -> None:
    report(tmp_path, "r1")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert "another run" in refused(tmp_path, "r1")
    finally:
        os.close(descriptor)


# ---- what strangers wrote


class Page(html.parser.HTMLParser):
    """What a browser makes of a page, as far as it can do harm."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.places: list[str] = []
        self.words: list[str] = []
        self.data = ""
        self._in_data = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self.places += [value or "" for name, value in attrs if name == "id"]
        self._in_data = ("type", "application/json") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._in_data = self._in_data and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_data:
            self.data += data
        else:
            self.words.append(data)


def html_text(path: Path) -> str:
    return " ".join(Page(path.read_text()).words)


def looks_harmless(page: Page) -> None:
    assert page.tags.isdisjoint({"img", "iframe", "object", "embed", "base", "style"})
    assert not any(name.startswith("on") or name == "style" for name in page.attributes)
    # Those of templates are empty.
    ours = re.compile(r"$|#|pages/|\.\./|[A-Za-z0-9%._~-]+\.(html|json|xml|sarif)")
    assert all(map(ours.match, page.links))


texts = st.text(st.characters(codec=None), max_size=30) | st.sampled_from([HOSTILE, "", "{{ lookup('pipe', 'id') }}"])


def hostile(host: str, text: str, number: int) -> fleet.Told:
    """A result in which a stranger chose whatever he can."""
    inside = {"pid": 7, "comm": text, "uid": 0, "unit": text, "container": text}
    bad = fleet.namespace(
        "net",
        4026532999,
        id=number,
        name=text,
        leader=inside,
        hostname=text,
        links=[{"name": text, text: text}],
        holders=[{"kind": "bind", "path": text, "pid": 7, "comm": text}],
    )
    found = [*fleet.namespaces(20), bad]
    told = fleet.finding("leak-bind-only", "medium", text, bad, evidence=text, remediation=text, source=text)
    allowed = {**told, "allowed": {"reason": text, "expires": text}}
    scan = {"complete": False, "incomplete_because": [text], "blind": [text]}
    drift = {"added": 1, "removed": 2, "changed": 3, "not_compared": {text: text}}
    more = {"drift": drift, "baseline": {"host": text, "time": text, "boot_id": text}}
    return fleet.result(host, [told, allowed], facts=fleet.facts(found, **scan), **more)


@settings(max_examples=60, deadline=None)
@given(texts.filter(bool), texts, st.integers(0, LARGEST))
@example("r1", HOSTILE, LARGEST)
@example(HOSTILE, HOSTILE, (1 << 53) + 1)
@example("../../../etc/passwd", "\x00", 0)
@example("ü" * 300, "]]>", 1)
def test_whatever_strangers_write_is_text(host: str, text: str, number: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fleet.put(folder, hostile(host, text, number))
        tally = report(folder, host)
        assert tally.states["incomplete"] == 1
        shown, shown_host = printable(text), printable(host)

        lines = tally.closing_lines("index.html")
        assert all(line.isprintable() for line in lines)

        stem = result.file_name(host)[:-5]
        for path in (folder / "index.html", folder / "pages" / f"{stem}.html"):
            page = Page(path.read_text(encoding="utf-8"))
            looks_harmless(page)
            assert shown in page.words or not shown
            assert shown_host in "".join(page.words)
        assert f"id&nbsp;{number}" in (folder / "pages" / f"{stem}.html").read_text()

        index = Page((folder / "index.html").read_text())
        assert json.loads(index.data)["hosts"][0][0] == shown_host
        (chunk,) = (folder / "pages").glob("medium-*.js")
        call = re.fullmatch(r'namespaceReport\("medium-0-0",(.*)\);\n', chunk.read_text())
        assert call
        assert json.loads(call[1])[0][2:4] == [f"net {shown}", shown]
        assert "<" not in call[1]
        assert call[1].isascii()

        (whole,) = {finding["evidence"] for finding in written(folder)["findings"]}
        assert whole == text
        assert {finding["namespace"]["id"] for finding in written(folder)["findings"]} == {number}

        (suite,) = ET.parse(folder / "junit.xml").getroot()
        assert suite.attrib["name"] == shown_host
        failure = suite.find("testcase/failure")
        assert failure is not None
        assert failure.attrib["message"] == shown

        run = json.loads((folder / "report.sarif").read_text())["runs"][0]
        looks_like_sarif(run)
        messages = {re.sub(r"\\(.)|([{}])\2", r"\1\2", item["message"]["text"]) for item in run["results"]}
        assert messages == {shown}
        assert run["results"][0]["properties"]["id"] == str(number)


def looks_like_sarif(run: t.Any) -> None:
    """What the schema of SARIF 2.1.0 asks of the parts that we write."""
    assert run.keys() <= {"results", "tool", "invocations"}
    driver = run["tool"]["driver"]
    assert driver["name"]
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert 0 <= float(rule["properties"]["security-severity"]) <= 10
        assert all(isinstance(rule[key]["text"], str) for key in ("shortDescription", "help"))
    for found in run["results"]:
        assert rules[found["ruleIndex"]]["id"] == found["ruleId"]
        assert found["level"] in ("error", "warning", "note")
        assert isinstance(found["message"]["text"], str)
        (location,) = found["locations"]
        assert all(place.keys() == {"name", "fullyQualifiedName", "kind"} for place in location["logicalLocations"])
        assert all(isinstance(value, str) for value in found["partialFingerprints"].values())
        assert all(item["kind"] == "external" for item in found.get("suppressions", ()))
    (invocation,) = run["invocations"]
    assert isinstance(invocation["executionSuccessful"], bool)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", invocation["endTimeUtc"])


def test_fingerprints_stay_and_differ(tmp_path: Path) -> None:
    """What is found again after a reboot, with other numbers, is the same finding."""

    def prints(inode: int) -> list[str]:
        namespaces = [fleet.namespace("net", inode, name="blue"), fleet.namespace("net", inode + 1, name="red")]
        told = [fleet.finding("leak-bind-only", "medium", "Leak", namespace) for namespace in namespaces]
        fleet.put(tmp_path, fleet.result("r1", told))
        report(tmp_path, "r1")
        run = json.loads((tmp_path / "report.sarif").read_text())["runs"][0]
        return [item["partialFingerprints"]["linuxNamespaces/v1"] for item in run["results"]]

    first = prints(4026532500)
    assert len({*first}) == 2
    assert prints(4026532600) == first


def test_what_is_about_no_namespace_is_told_apart(tmp_path: Path) -> None:
    told = [
        *(fleet.finding("limit-near", "low", "Limit", subject=kind, evidence=kind) for kind in ("net", "uts")),
        *(fleet.finding("handle-dangling", "low", "Handle", subject=path, evidence=path) for path in ("/a", "/b")),
    ]
    for subject in ("net [5]", "net [6]"):
        told.append(fleet.finding("drift-missing", "low", "Missing", fleet.namespace("net", 5), subject=subject))
        told[-1]["namespace"].update(inode=None, id=None)
    fleet.put(tmp_path, fleet.result("r1", told))
    report(tmp_path, "r1")
    names = [case.attrib["name"] for case in ET.parse(tmp_path / "junit.xml").getroot().iterfind("testsuite/testcase")]
    assert names == [
        "scan",
        *("limit-near: net", "limit-near: uts", "handle-dangling: /a", "handle-dangling: /b"),
        *("drift-missing: net [5]", "drift-missing: net [6]"),
    ]
    found = json.loads((tmp_path / "report.sarif").read_text())["runs"][0]["results"]
    assert len({item["partialFingerprints"]["linuxNamespaces/v1"] for item in found}) == len(told)
    assert [item["properties"]["subject"] for item in found] == [item["subject"] for item in told]


def test_junit_counts_what_it_has(tmp_path: Path) -> None:
    report(tmp_path, *fleet.fleet(tmp_path, 51))
    suites = ET.parse(tmp_path / "junit.xml").getroot()
    assert len(suites) == 51
    for suite in suites:
        cases = suite.findall("testcase")
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[name]) == sum(case.find(tag) is not None for case in cases)
        assert int(suite.attrib["tests"]) == len(cases)
    assert suites[49].find("testcase/error") is not None
    assert suites[0].find("testcase/error") is None


# ---- where links lead


def leads_nowhere(folder: Path) -> list[str]:
    """The links of all pages that no file or no place in it answers to; also those that the script makes."""
    pages = {path: Page(path.read_text()) for path in (folder / "index.html", *(folder / "pages").glob("*.html"))}
    links = [(path, link) for path, page in pages.items() for link in page.links if link]
    hosts = json.loads(pages[folder / "index.html"].data)["hosts"]
    for chunk in (folder / "pages").glob("*-*.js"):
        for host, number, *_more in json.loads(chunk.read_text().split(",", 1)[1][: -len(");\n")]):
            stem = hosts[host][1][: -len(".html")]
            page = -(-number // 200)
            name = f"{stem}.html" if page == 1 else f"{stem}%2B{page}.html"
            links.append((folder / "index.html", f"pages/{name}#f{number}"))
    assert len(links) > len(pages)
    dead = []
    for path, link in links:
        parts = urllib.parse.urlsplit(link)
        file = Path(os.path.normpath(path.parent / urllib.parse.unquote(parts.path))) if parts.path else path
        if not file.is_file() or (parts.fragment and parts.fragment not in pages[file].places):
            dead.append(f"{path.name}: {link}")
    return dead


def test_every_link_leads_somewhere(tmp_path: Path) -> None:
    """Also those of a host with pages of findings, with namespaces not drawn, without facts, of an odd name."""
    namespaces = [*fleet.namespaces(), *(fleet.namespace("net", 6000 + number) for number in range(6000))]
    told = [fleet.finding("leak-fd-only", "low", "Leak", namespaces[-1 - number]) for number in range(250)]
    told += [fleet.finding("leak-bind-only", "low", "Leak", namespaces[20 + number]) for number in range(20)]
    fleet.put(tmp_path, fleet.result("large", told, facts=fleet.facts(namespaces)))
    fleet.put(tmp_path, fleet.result("ä/#?%&", told[-3:]))
    fleet.put(tmp_path, fleet.result("bare", told[:3], facts=None))
    report(tmp_path, *fleet.fleet(tmp_path, 51), "large", "ä/#?%&", "bare")
    assert leads_nowhere(tmp_path) == []
    drawn_ones = Page((tmp_path / "pages/large.html").read_text()).places
    second = Page((tmp_path / "pages/large+2.html").read_text()).links
    there = [link for link in second if "#n" in link]
    assert 0 < len(there) < 20
    assert all(link.startswith("large.html#") and link.split("#")[1] in drawn_ones for link in there)


def test_what_is_no_longer_there_marks_no_box(tmp_path: Path) -> None:
    """Another namespace may have its number now."""
    told = fleet.finding("drift-missing", "low", "Missing", fleet.namespace("net", 5, name="blue"))
    told["namespace"].update(inode=None, id=None)
    nameless = fleet.finding("drift-missing", "low", "Missing", fleet.namespace("net", 5), subject="net [5]")
    nameless["namespace"].update(inode=None, id=None)
    fleet.put(tmp_path, fleet.result("r1", [told, nameless], facts=fleet.facts([fleet.namespace("net", 5)])))
    report(tmp_path, "r1")
    page = (tmp_path / "pages/r1.html").read_text()
    assert 'id="n5"' in page
    assert "#n5" not in page
    assert "marked" not in page
    assert 'class="pill low" href' not in page
    assert '<span class="ns">net blue</span>' in page
    assert '<span class="ns">net [5]</span>' in page


def test_drift_is_told_however_much_else_is_found(tmp_path: Path) -> None:
    told = [fleet.finding("leak-fd-only", "medium", "Leak") for _number in range(300)]
    told.append(
        fleet.finding("drift-added", "low", "New", fleet.namespace("net", 5, name="blue"), evidence="not there")
    )
    more = {
        "baseline": {"host": None, "time": None, "boot_id": "b00t"},
        "drift": {"added": 1, "removed": 0, "changed": 0},
    }
    fleet.put(tmp_path, fleet.result("r1", told, **more))
    report(tmp_path, "r1")
    (drift,) = re.findall(r'<section id="drift">.*?</section>', (tmp_path / "pages/r1.html").read_text(), re.DOTALL)
    assert "net blue: not there" in drift
    assert "b00t" in drift
    assert "None" not in drift


def test_findings_come_first(tmp_path: Path) -> None:
    report(tmp_path, *fleet.fleet(tmp_path, 4))
    page = Page((tmp_path / "index.html").read_text())
    sections = ["overview", "findings", "rules", "hosts", "about"]
    assert [place for place in page.places if place in sections] == sections
    assert [link[1:] for link in page.links if link[1:] in sections][: len(sections)] == sections


# ---- large hosts


def test_a_hundred_thousand_findings_on_one_host(tmp_path: Path) -> None:
    namespaces = fleet.namespaces()
    fleet.put(tmp_path, fleet.result("r1", fleet.findings(namespaces, 100_000), facts=fleet.facts(namespaces)))
    tally = report(tmp_path, "r1")
    assert sum(tally.counts[bucket] for bucket in reading.BUCKETS) == 100_000
    pages = [*(tmp_path / "pages").glob("r1*.html")]
    assert len(pages) == 500
    for path in (*pages, *(tmp_path / "pages").glob("*.js"), tmp_path / "index.html"):
        assert path.stat().st_size < 500_000, path
    last = (tmp_path / "pages/r1+500.html").read_text()
    assert 'id="f100000"' in last
    assert 'href="r1%2B499.html#findings"' in last
    assert len((tmp_path / "index.html").read_text()) < 200_000


def drawn(folder: Path, namespaces: list[fleet.Told]) -> list[int]:
    fleet.put(folder, fleet.result("r1", [], facts=fleet.facts(namespaces)))
    assert report(folder, "r1").states["scanned"] == 1
    return [int(number) for number in re.findall(r'id="n(\d+)"', (folder / "pages/r1.html").read_text())]


def test_each_namespace_is_drawn_once(tmp_path: Path) -> None:
    namespaces = fleet.namespaces()
    inodes = [item["inode"] for item in namespaces]
    assert sorted(drawn(tmp_path, namespaces)) == sorted(inodes)


def test_trees_that_no_kernel_has(tmp_path: Path) -> None:
    """One below itself, two below each other, one below what is not there, and a thousand below one another."""
    odd = [
        fleet.namespace("user", 11, owner=11, parent=11),
        fleet.namespace("user", 12, owner=13, parent=13),
        fleet.namespace("user", 13, owner=12, parent=12),
        fleet.namespace("net", 14, owner=999),
        fleet.namespace("net", 15, owner=15),
        fleet.namespace("odd", 16),
        *(fleet.namespace("user", 1000 + depth, owner=999 + depth, parent=999 + depth) for depth in range(1000)),
        *(fleet.namespace("pid", 3000 + depth, parent=2999 + depth) for depth in range(1000)),
    ]
    assert sorted(drawn(tmp_path, odd)) == sorted(item["inode"] for item in odd)
    depth = most = 0
    for tag in re.findall(r"<(/?)details", (tmp_path / "pages/r1.html").read_text()):
        depth += -1 if tag else 1
        most = max(most, depth)
    assert depth == 0
    assert most < 60


def test_more_namespaces_than_a_page_can_have(tmp_path: Path) -> None:
    many = [fleet.namespace("net", 5000 + number) for number in range(6000)]
    assert len(drawn(tmp_path, many)) == 5000
    assert "1,000 more are not drawn" in html_text(tmp_path / "pages/r1.html")


# ---- what it says


def test_the_closing_lines(tmp_path: Path) -> None:
    blue = fleet.namespace("net", 1, name="blue2")
    evidence = "physical eth3 inside; lost when the namespace ends"
    high = fleet.finding("exposure-physical-inside", "high", "Physical", blue, evidence=evidence)
    medium = [fleet.finding(f"leak-{number}", "medium", "Leak", evidence="x" * 300) for number in range(41)]
    allowed = {**high, "allowed": {"reason": "CHG1", "expires": None}}
    told = fleet.result("r17", [high, *medium, allowed])
    told["allow"].update(expired=["a"], unused=["b", "c"])
    fleet.put(tmp_path, told)
    lines = report(tmp_path, "r17", "r18").closing_lines("audit/index.html")
    assert lines[:3] == [
        "2 hosts: 1 scanned, 1 not scanned",
        "1 high, 41 medium, 1 allowed (1 expired, 2 unused)    audit/index.html",
        "HIGH      r17  net blue2: physical eth3 inside; lost when the namespace ends (exposure-physical-inside)",
    ]
    assert len(lines) == 2 + 20 + 2
    assert lines[-2:] == ["and 22 more", "no host needs of the allow-list: b, and 1 more"]
    assert max(map(len, lines)) == 200
    assert lines[3].endswith("xx… (leak-0)")


def test_no_host_keeps_others_out(tmp_path: Path) -> None:
    """By how much of one thing it has: there is room for three of it, and for more where that is free."""
    many = [fleet.finding("leak-fd-only", "high", "Leak", evidence=f"number {number}") for number in range(200)]
    fleet.put(tmp_path, fleet.result("r1", many))
    other = fleet.finding("leak-socket-only", "low", "Socket", evidence="of the other")
    fleet.put(tmp_path, fleet.result("r2", [many[0], other]))
    lines = report(tmp_path, "r1", "r2").closing_lines("index.html")[2:]
    assert [line.split()[1] for line in lines[:-1]] == ["r1", "r1", "r1", "r2", "r2"]
    assert lines[-1] == "and 197 more"
    assert "The 100 gravest of 202" in html_text(tmp_path / "index.html")
    assert "of the other" in html_text(tmp_path / "index.html")


def test_nothing_in_a_message_of_sarif_is_a_link(tmp_path: Path) -> None:
    """Nor is anything filled in."""
    bad = fleet.finding("leak-fd-only", "high", "Leak", evidence="[x](http://evil) {0} \\[y]")
    fleet.put(tmp_path, fleet.result("r1", [bad]))
    fleet.put(tmp_path, fleet.result("r2", [], status="failed", msg="[x](1) {0}", facts=None))
    report(tmp_path, "r1", "r2")
    run = json.loads((tmp_path / "report.sarif").read_text())["runs"][0]
    assert run["results"][0]["message"]["text"] == "\\[x\\](http://evil) {{0}} \\\\\\[y\\]"
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == "r2: failed: \\[x\\](1) {{0}}"


def test_the_allow_list_is_a_matter_of_the_fleet(tmp_path: Path) -> None:
    """Each entry counts once, and is unused where no host of those that have it needs it."""
    unused = fleet.finding("allow-unused", "info", "Unused", evidence="an entry", subject="an entry")
    info = fleet.finding("certainty-blind", "info", "Blind")
    lists = {
        "r1": {"used": ["here <b>"], "expired": ["old"], "unused": ["elsewhere", "old too", "never"]},
        "r2": {
            "used": ["elsewhere"],
            "expired": ["old", "old too"],
            "unused": ["here <b>", "never", "of r2 alone <i>"],
        },
        "r3": {"used": [], "expired": [], "unused": ["here <b>", "old", "old too", "elsewhere", "never"]},
    }
    for host, entries in lists.items():
        fleet.put(tmp_path, fleet.result(host, [unused, info], allow=entries))
    fleet.put(tmp_path, fleet.result("r4", [], status="unreachable", msg="x", facts=None, allow=None))
    tally = report(tmp_path, "r1", "r2", "r3", "r4")
    assert (tally.counts["expired"], tally.counts["unused"], tally.counts["info"]) == (2, 2, 3)
    lines = tally.closing_lines("index.html")
    assert lines[1] == "3 info, 0 allowed (2 expired, 2 unused)    index.html"
    assert lines[-1] == "no host needs of the allow-list: never, and 1 more"
    told = written(tmp_path)
    assert told["allow"] == {"expired": ["old", "old too"], "unused": ["never", "of r2 alone <i>"]}
    assert [host["counts"] and host["counts"]["unused"] for host in told["hosts"]] == [3, 3, 5, 0]
    assert {finding["id"] for finding in told["findings"]} == {"certainty-blind"}
    (section,) = re.findall(r'<section id="allow">.*?</section>', (tmp_path / "index.html").read_text(), re.DOTALL)
    assert re.findall("<li>(.*?)</li>", section) == ["old", "old too", "never", "of r2 alone &lt;i&gt;"]
    assert "allow-unused" not in (tmp_path / "index.html").read_text() + (tmp_path / "pages/r1.html").read_text()
    assert "allow-unused" not in (tmp_path / "junit.xml").read_text()
    assert leads_nowhere(tmp_path) == []
    report(tmp_path, "r4")
    assert "llow-list" not in (tmp_path / "index.html").read_text()


def test_nothing_found(tmp_path: Path) -> None:
    fleet.put(tmp_path, fleet.result("r1", []))
    tally = report(tmp_path, "r1")
    assert tally.closing_lines("index.html") == ["1 host: 1 scanned", "no findings    index.html"]
    assert tally.failures("info", "fail") == []


@pytest.mark.parametrize(
    ("fail_on", "fails"),
    [("never", False), ("critical", False), ("high", False), ("medium", True), ("low", True), ("info", True)],
)
def test_what_is_a_failure(tmp_path: Path, fail_on: str, fails: bool) -> None:
    allowed = {**fleet.finding("a", "high", "Allowed"), "allowed": {"reason": "CHG1", "expires": None}}
    fleet.put(tmp_path, fleet.result("r1", [allowed, fleet.finding("b", "medium", "Open")]))
    assert bool(report(tmp_path, "r1").failures(fail_on, "fail")) is fails


def test_hosts_that_nothing_is_known_of_are_a_failure(tmp_path: Path) -> None:
    fleet.put(tmp_path, fleet.result("r1", [], status="unreachable", msg="x", facts=None))
    tally = report(tmp_path, "r1", *(f"r{number}" for number in range(2, 20)))
    assert tally.failures("never", "report") == []
    first, second = tally.failures("never", "fail")
    assert first == "unreachable: r1"
    assert second.startswith("not scanned: r2, r3, ")
    assert second.endswith(", r11, 8 more")


# ---- in a play

PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - linux.namespaces.ns_report:
        report_dir: {folder}
        hosts: "{{{{ ansible_play_hosts_all }}}}"
        max_age: {max_age}
        {options}
      register: told
    - ansible.builtin.debug:
        msg: "{{{{ 'TOLD ' ~ (told | to_json | b64encode) }}}}"
      run_once: true
"""


def play(
    folder: Path, options: str = "", *arguments: str, max_age: int = 2147483647
) -> subprocess.CompletedProcess[str]:
    (folder / "play.yml").write_text(PLAY.format(folder=folder / "audit", options=options, max_age=max_age))
    # Hosts that nobody reaches: none is asked.
    return run(folder, "--inventory", "r1,r2", "--connection", "ssh", "play.yml", *arguments)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PLAYBOOK, *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={
            **os.environ,
            "HOME": str(folder),
            "ANSIBLE_HOME": str(folder / ".ansible"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "NO_COLOR": "1",
        },
    )


def told_by(done: subprocess.CompletedProcess[str]) -> t.Any:
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"TOLD ([A-Za-z0-9+/=]+)", done.stdout)
    assert found, done.stdout
    return json.loads(base64.b64decode(found[1]))


AUDIT = """
- hosts: all
  gather_facts: false
  tasks:
    - linux.namespaces.ns_audit:
        report_dir: {folder}
    - linux.namespaces.ns_report:
        report_dir: {folder}
        hosts: "{{{{ ansible_play_hosts_all }}}}"
"""


def test_what_ns_audit_leaves_is_read(tmp_path: Path) -> None:
    place = tmp_path / "audit"
    (tmp_path / "play.yml").write_text(AUDIT.format(folder=place))
    done = run(tmp_path, "--inventory", "here,", "--connection", "local", "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((place / "hosts/here.json").read_text())
    (host,) = written(place)["hosts"]
    assert host["state"] in ("scanned", "incomplete")
    assert host["counts"] == told["counts"]
    boxes = re.findall(r'id="n(\d+)"', (place / "pages/here.html").read_text())
    assert sorted(map(int, boxes)) == sorted(item["inode"] for item in told["facts"]["namespaces"])


def test_in_a_play(tmp_path: Path) -> None:
    # Of the past, so that the clock of the machine does not matter.
    old = "2026-01-01T00:00:00Z"
    bad = fleet.finding("leak-fd-only", "medium", "Leak", evidence="{{ 1 + 1 }}\x1b[31m")
    fleet.put(tmp_path / "audit", fleet.result("r1", [bad], collected=old))
    fleet.put(tmp_path / "audit", fleet.result("r2", [], collected=old))
    done = play(tmp_path)
    told = told_by(done)
    assert told["hosts"] == {"scanned": 2, "incomplete": 0, "unreachable": 0, "failed": 0, "not_scanned": 0}
    assert told["changed"] is False
    assert told["counts"]["medium"] == 1
    assert told["lines"][2] == "MEDIUM    r1  host: {{ 1 + 1 }}\\x1b[31m (leak-fd-only)"
    assert told["lines"][-1] == "no finding makes this fail (fail_on: never)"
    assert done.stdout.count("1 medium    audit/index.html") == 1
    assert done.stdout.splitlines().count(told["lines"][2]) == 1
    assert all(Path(path).exists() for path in told["files"])
    assert "\x1b" not in done.stdout


def test_check_mode_is_the_same(tmp_path: Path) -> None:
    """What is looked at is reported: no host is changed by it."""
    place = tmp_path / "audit"
    (tmp_path / "play.yml").write_text(AUDIT.format(folder=place))
    done = run(tmp_path, "--inventory", "here,", "--connection", "local", "play.yml", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^here +: ok=2 +changed=0 ", done.stdout, re.MULTILINE), done.stdout
    (host,) = written(place)["hosts"]
    assert host["state"] in ("scanned", "incomplete")
    assert (place / "index.html").exists()


def test_a_report_elsewhere_is_named_by_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    fleet.put(tmp_path / "audit", fleet.result("r1", [], collected="2026-01-01T00:00:00Z"))
    text = PLAY.format(folder=tmp_path / "audit", options="unreachable: report", max_age=2147483647)
    (tmp_path / "here/play.yml").write_text(text)
    told = told_by(run(tmp_path / "here", "--inventory", "r1,", "--connection", "ssh", "play.yml"))
    assert told["lines"][1] == f"no findings    {tmp_path}/audit/index.html"


@pytest.mark.parametrize(
    ("options", "max_age", "words"),
    [
        ("", 1, "not scanned: r1, r2"),
        ("fail_on: high", 1, "findings of high or above make this fail (fail_on)"),
        ("unreachable: report", -1, "max_age: -1"),
        ("fail_on: grave", 1, "value of fail_on must be one of"),
        ("report: x", 1, "Supported parameters include"),
    ],
)
def test_what_fails_in_a_play(tmp_path: Path, options: str, max_age: int, words: str) -> None:
    done = play(tmp_path, options, max_age=max_age)
    assert done.returncode == 2, done.stdout
    assert words in done.stdout + done.stderr
