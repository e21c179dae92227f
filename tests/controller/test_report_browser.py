# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report in a real browser, from a folder, as a person uses it."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pytest
from ansible_collections.linux.namespaces.plugins.plugin_utils._report import write
from ansible_collections.linux.namespaces.tests.controller import fleet
from ansible_collections.linux.namespaces.tests.controller.browser import ENTER, SHIFT, SPACE, TAB, Browser, browser

HOSTS = 250
BAD = "</script><script>document.title='run'</script><img src=x onerror=\"document.title='run'\">'\"\u2028\u202e\x1b[2J"
BAD_HOST = "<b onmouseover=\"document.title='run'\">r0"
SCREENSHOTS = Path(__file__).resolve().parents[2] / ".ansible/screenshots"

CHOOSE = """
const field = document.querySelector(arguments[0]);
field.value = [...field.options].find((option) => option.text === arguments[1]).value;
field.dispatchEvent(new Event("input", {bubbles: true}));
"""

BROKEN_NUMBERS = """
const lines = (cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return range.getClientRects().length;
};
return [...document.querySelectorAll("td.count")].filter((cell) => lines(cell) > 1).map((cell) => cell.textContent);
"""

CONTRAST = """
const parse = (color) => color.match(/[\\d.]+/g).map(Number);
const shown = (element) => element.checkVisibility() && element.textContent.trim();
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = parse(getComputedStyle(at).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const luminance = (color) => color.slice(0, 3).map((part) => part / 255)
  .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
const poor = new Set();
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!own || !shown(element) || element.matches(":disabled, .skip, option")) continue;
  const pair = [parse(getComputedStyle(element).color), ground(element)];
  const [dark, light] = pair.map(luminance).sort((a, b) => a - b);
  const ratio = (light + 0.05) / (dark + 0.05);
  if (ratio < 4.5) poor.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
}
return [...poor];
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet with a host that tries to trick who reads."""
    place = tmp_path_factory.mktemp("audit")
    hosts = fleet.fleet(place, HOSTS)
    namespaces = fleet.namespaces()
    inside = {"pid": 7, "comm": BAD, "uid": 0, "unit": BAD, "container": BAD}
    bad = fleet.namespace("net", 4026539999, name=BAD, leader=inside, hostname=BAD, links=[{"name": BAD}])
    told = [
        fleet.finding(
            "leak-bind-only", "critical", "Namespace held by a bind mount alone", bad, evidence=BAD, source=BAD
        ),
        *(fleet.finding("leak-fd-only", "low", BAD, evidence="more") for _number in range(300)),
    ]
    found = [*namespaces, bad]
    entries = {
        "used": [],
        "expired": ["leak-bind-only name=lab-* until 2026-11-01 (the lab keeps its networks between two runs)"],
        "unused": ["exposure-listener comm=%s (it listens)" % BAD, "leak-fd-only comm=dockerd (see CHG0042)"],
    }
    odd = fleet.facts(found, complete=False, incomplete_because=[BAD])
    fleet.put(place, fleet.result(BAD_HOST, told, facts=odd, allow=entries))
    write.report(write.Request(str(place), [*hosts, BAD_HOST], 86400, fleet.NOW, "0.2.0"))
    shutil.rmtree(place / "hosts")
    return place


@pytest.fixture(scope="module")
def one_browser() -> t.Iterator[Browser]:
    with browser() as window:
        yield window


@pytest.fixture
def window(one_browser: Browser) -> t.Iterator[Browser]:
    """Nothing goes wrong in the pages of any test, and nothing that a stranger wrote runs."""
    one_browser.look(1280)
    one_browser.messages()
    yield one_browser
    assert one_browser.messages() == []
    assert one_browser.run("return document.title") != "run"


def wait_for(window: Browser, what: str, words: str) -> None:
    script = "return document.querySelector(arguments[0]).textContent === arguments[1]"
    window.until(script, f"#count-{what}", words)


def column(window: Browser, selector: str) -> list[str]:
    found = window.run("return [...document.querySelectorAll(arguments[0])].map((item) => item.textContent)", selector)
    return [str(item) for item in found]


def test_findings_can_be_filtered(folder: Path, window: Browser) -> None:
    window.open(folder / "index.html")
    counts = {bucket: int(words.split()[-1].replace(",", "")) for bucket, words in chips(window).items()}
    opened = sum(count for bucket, count in counts.items() if bucket != "allowed")
    wait_for(window, "findings", f"{opened:,} findings")
    assert column(window, "#list-findings .pill")[0] == "critical"

    window.click("#filter-findings [value=high]")
    wait_for(window, "findings", f"{counts['high']:,} findings")
    assert {*column(window, "#list-findings .pill")} == {"high"}

    window.click("#filter-findings [value=medium]")
    wait_for(window, "findings", f"{counts['high'] + counts['medium']:,} findings")

    window.click("#filter-findings [type=reset]")
    wait_for(window, "findings", f"{opened:,} findings")

    window.write("#filter-findings [name=host]", "R21")
    window.until(
        "return [...document.querySelectorAll('#list-findings .where a')].every((a) => a.text.includes('r21'))"
    )
    hosts = {*column(window, "#list-findings .where a")}
    assert hosts == {"r21", *(f"r21{digit}" for digit in range(10))}

    title = "PID namespace whose init has ended"
    window.run(CHOOSE, "#filter-findings [name=rule]", title)
    window.until(
        "return [...document.querySelectorAll('#list-findings b')].every((b) => b.textContent === arguments[0])", title
    )
    assert {*column(window, "#list-findings .where a")} == hosts


def chips(window: Browser) -> dict[str, str]:
    return {words.split()[0]: words for words in column(window, "#filter-findings .chip")}


def test_allowed_findings_are_shown_when_asked_for(folder: Path, window: Browser) -> None:
    window.open(folder / "index.html")
    window.click("#filter-findings [value=allowed]")
    window.until("return document.querySelector('#list-findings .pill').textContent === 'allowed'")
    window.click("#list-findings summary")
    assert "CHG0042 (until 2027-01-31)" in window.text("#list-findings details[open] dl")


def test_findings_have_pages(folder: Path, window: Browser) -> None:
    window.open(folder / "index.html")
    window.until("return !document.getElementById('pager-findings').hidden")
    seen: list[str] = []
    for _page in range(3):
        seen += column(window, "#list-findings .where")
        before = window.text("#pager-findings span")
        window.click("#pager-findings [value='1']")
        window.until("return document.querySelector('#pager-findings span').textContent !== arguments[0]", before)
    assert len(seen) == 300
    assert window.run("return document.querySelector('#pager-findings [value=\"-1\"]').disabled") is False
    links = window.run("return [...document.querySelectorAll('#list-findings .where a')].map((link) => link.href)")
    assert all("/pages/" in link and "#f" in link for link in links)


def test_a_finding_leads_to_its_place_on_the_page_of_the_host(folder: Path, window: Browser) -> None:
    window.open(folder / "index.html")
    window.write("#filter-findings [name=host]", "r0")
    window.click("#filter-findings [value=low]")
    wait_for(window, "findings", "300 findings")
    window.click("#pager-findings [value='1']")
    window.until("return document.querySelector('#pager-findings span').textContent === 'Page 2 of 3'")
    window.click("#pager-findings [value='1']")
    window.until("return document.querySelector('#pager-findings span').textContent === 'Page 3 of 3'")
    window.click("#list-findings li:last-child .where a")
    window.until("return location.hash === '#f301' && document.querySelector('li:target details').open")
    assert "page 2" in window.text("h1")


def test_rules_and_numbers_lead_to_what_they_count(folder: Path, window: Browser) -> None:
    window.open(folder / "index.html")
    window.click("[data-rule]")
    wait_for(window, "findings", f"{window.text('.rules tbody .count')} findings")
    window.click("[data-severity=high]")
    window.until("return document.querySelector('#list-findings .pill').textContent === 'high'")
    unreachable = window.text(".cards .unreachable b")
    window.click(".cards .unreachable a")
    wait_for(window, "hosts", f"{unreachable} hosts")
    assert {*column(window, "#list-hosts .state")} == {"unreachable"}


def test_hosts_can_be_filtered_and_sorted(folder: Path, window: Browser) -> None:
    window.open(folder / "index.html")
    wait_for(window, "hosts", f"{HOSTS + 1} hosts")
    assert "r0" in column(window, "#list-hosts a")[0]
    window.run(CHOOSE, "#filter-hosts [name=order]", "by name")
    window.until("return document.querySelectorAll('#list-hosts a')[1].text === 'r1'")
    assert column(window, "#list-hosts a")[1:12] == [f"r{number}" for number in range(1, 12)]
    window.write("#filter-hosts [name=host]", "r25")
    wait_for(window, "hosts", "2 hosts")
    window.click("#list-hosts a")
    window.until("return document.querySelector('h1').innerText.startsWith('r25')")


def test_a_tree_is_unfolded_and_folded(folder: Path, window: Browser) -> None:
    window.open(folder / "pages/r21.html")
    box = "#n4026532150"
    assert window.run("return document.querySelector(arguments[0]).open", box) is False
    window.click(f"{box} > summary")
    assert "bind /run/utsns/tenant-29" in window.text(f"{box} dl")
    assert "id 9007199254741043" in window.text(box).replace("\xa0", " ")
    window.click("[data-fold=close]")
    assert window.count("#namespaces details[open]") == 0
    window.click("[data-fold=open]")
    assert window.count("#namespaces details:not([open])") == 0


def test_a_finding_leads_to_its_namespace_even_when_that_is_folded(folder: Path, window: Browser) -> None:
    window.open(folder / "pages/r21.html")
    window.click("[data-fold=close]")
    window.click("#f1 .ns a")
    window.until("return document.querySelector('.box:target').open")
    assert window.run("return document.querySelector('.box:target').checkVisibility()")
    window.click(".box:target .pill")
    window.until("return document.querySelector('li:target details').open")


def test_by_keyboard(folder: Path, window: Browser) -> None:
    window.open(folder / "index.html")
    window.press(TAB)
    focused = "return document.activeElement.innerText || document.activeElement.value"
    assert window.run(focused) == "Skip to the content"
    assert window.run("return document.activeElement.getBoundingClientRect().left") >= 0
    window.press(ENTER)
    assert window.run("return location.hash") == "#main"
    window.run("document.querySelector('#filter-findings [value=critical]').focus()")
    window.press(TAB)
    assert window.run(focused) == "high"
    assert window.run("return getComputedStyle(document.activeElement.closest('.chip')).outlineStyle") == "solid"
    window.press(SPACE)
    window.until("return document.querySelector('#list-findings .pill').textContent === 'high'")
    for _stop in range(7):
        window.press(TAB)
    assert window.run(focused) == "Clear"
    window.press(TAB)
    assert window.run("return document.activeElement.tagName") == "SUMMARY"
    window.press(ENTER)
    assert window.count("#list-findings details[open]") == 1
    window.press(SHIFT, TAB)
    window.press(SPACE)
    assert window.run("return document.querySelector('#filter-findings [value=high]').checked") is False


def test_what_assistive_technology_is_told(folder: Path, window: Browser) -> None:
    for page in ("index.html", "pages/r21.html"):
        window.open(folder / page)
        unlabelled = """return [...document.querySelectorAll('input, select, button, a, summary, nav')].filter((item) =>
            !item.textContent.trim() && !item.labels?.length && !item.ariaLabel && item.checkVisibility()).length"""
        assert window.run(unlabelled) == 0
        assert window.run("return document.documentElement.lang") == "en"
        assert window.count("h1") == window.count("main") == 1
        ids = window.run("return [...document.querySelectorAll('[id]')].map((item) => item.id)")
        assert len({*ids}) == len(ids)
    window.open(folder / "index.html")
    assert window.count("[role=status][aria-live=polite]") == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_what_it_looks_like(folder: Path, window: Browser, width: int, scheme: str) -> None:
    """The screenshots are for people. Here: text can be read, and nothing is wider than the window."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    window.look(width, scheme)
    for page in ("index.html", "pages/r21.html"):
        window.open(folder / page)
        window.until("return !document.querySelector('[aria-busy]')")
        assert window.run(CONTRAST) == []
        assert window.run("return document.documentElement.scrollWidth") == width
        assert width < 1280 or window.run(BROKEN_NUMBERS) == []
        name = f"{Path(page).stem}-{width}-{scheme}.png"
        (SCREENSHOTS / name).write_bytes(window.screenshot(whole=True))
    ground = window.run("return getComputedStyle(document.body).backgroundColor")
    assert (int(ground[4:].split(",")[0]) < 64) is (scheme == "dark")


def test_on_paper(folder: Path, window: Browser) -> None:
    window.open(folder / "pages/r21.html")
    paper = window.print()
    assert paper.startswith(b"%PDF")
    window.command("Emulation.setEmulatedMedia", media="print")
    shown = "return document.querySelector(arguments[0]).checkVisibility()"
    assert window.run(shown, ".tools") is False
    assert window.run(shown, "header nav") is False
    assert window.run("return document.querySelector('#n4026532150 dl').getBoundingClientRect().height") > 0
    window.command("Emulation.setEmulatedMedia", media="")


def test_without_scripts(folder: Path, window: Browser) -> None:
    window.command("Emulation.setScriptExecutionDisabled", value=True)
    try:
        window.open(folder / "index.html")
        assert window.count("#list-findings > li") == 100
        assert window.count("#list-hosts > tr") == 100
        assert window.run("return document.getElementById('filter-findings').hidden")
        assert "The 100 gravest of" in window.text("#count-findings")
        window.click("#list-hosts tr:nth-child(2) a")
        window.until("return location.pathname.endsWith('.html') && document.querySelectorAll('.box').length > 50")
    finally:
        window.command("Emulation.setScriptExecutionDisabled", value=False)


def test_nothing_that_strangers_wrote_runs(folder: Path, window: Browser) -> None:
    window.open(folder / "index.html")
    window.write("#filter-findings [name=host]", "onmouseover")
    wait_for(window, "findings", "301 findings")
    assert "</script><script>" in window.text("#list-findings li .evidence")
    assert "\\x1b[2J" in window.text("#list-findings li .evidence")
    assert window.count("main script, main img, #list-findings [onmouseover], #list-hosts b") == 0
    window.click("#list-findings .where a")
    window.until("return document.querySelectorAll('.box').length > 50")
    window.click("[data-fold=open]")
    assert BAD_HOST in window.text("h1")
    assert window.count("main script, main img, [onmouseover], [onerror]") == 0


def test_the_policy_of_a_page_stops_what_would_run(folder: Path, one_browser: Browser) -> None:
    """Even if somebody found a way to write markup."""
    for page in ("index.html", "pages/r21.html"):
        one_browser.open(folder / page)
        one_browser.messages()
        one_browser.run("""
            document.body.insertAdjacentHTML("beforeend", "<img src=x onerror=\\"document.title='run'\\">");
            const script = document.createElement("script");
            script.textContent = "document.title = 'run'";
            document.body.append(script);
        """)
        one_browser.until("return document.images[0].complete")
        assert one_browser.run("return document.title") != "run"
        assert any("Content Security Policy" in message for message in one_browser.messages())


def test_a_page_that_was_copied_alone_says_so(folder: Path, one_browser: Browser, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy", ignore=shutil.ignore_patterns("high-*.js"))
    one_browser.open(tmp_path / "copy/index.html")
    one_browser.click("#filter-findings [value=high]")
    one_browser.until("return document.getElementById('count-findings').textContent.includes('belong together')")
    one_browser.messages()
