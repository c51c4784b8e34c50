"""The journeys of a person through the inspector, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import inspector_stage as stage
import pytest
from inspector_page import Page

PAGES = ("overview", "timeline", "search?q=Where+does+Ines+live", "memories", "journal", "review", "jobs", "erase")
AXE = """
const end = arguments[0];
axe.run(document, {resultTypes: ["violations"]}).then(r => end(r.violations), e => end([{impact: "critical", id: String(e)}]));
"""


@pytest.fixture
def home(page: Page) -> Iterator[Page]:
    """The inspector, which must not have complained once the test is over."""
    page.driver.get_log("browser")
    if not page.run("return document.querySelector('.frame') !== null"):
        page.enter()
    yield page
    complaints = [one["message"] for one in page.driver.get_log("browser") if one["level"] == "SEVERE"]
    assert [one for one in complaints if "401" not in one] == []
    assert page.run("return window.harmed === undefined")


def test_a_key_in_the_address_opens_the_inspector_and_leaves_the_address(home: Page) -> None:
    home.enter()
    home.shows("3 spaces")
    assert home.run("return location.hash") == "#/"
    assert home.run("return document.cookie") == ""
    home.open("#/home/overview")
    home.shows("Growth")


def test_a_key_that_does_not_hold_is_refused_at_the_door(home: Page) -> None:
    home.click("Leave")
    home.shows("Key")
    home.run("document.getElementById('key').value = 'mneme_00_bad'")
    home.click("Enter")
    home.shows("no key, or none that holds")
    home.enter()


def test_nothing_is_loaded_from_elsewhere(home: Page) -> None:
    home.open("#/home/overview")
    home.shows("Growth")
    loaded = home.run("return performance.getEntriesByType('resource').map(e => e.name)")
    assert {name.startswith(home.url + "/ui/") for name in loaded} == {True}
    assert any(name.endswith("/ui/graph.js") for name in loaded)


def test_the_overview_tells_figures_and_growth(home: Page) -> None:
    home.open("#/home/overview")
    home.shows("quarantined")
    assert home.wait("return document.querySelectorAll('.plot path').length") == 3
    home.click("Verify")
    home.shows("All holds")


def test_the_timeline_shows_episodes_with_what_was_formed_from_them(home: Page) -> None:
    home.open("#/home/timeline")
    home.shows("words of a correction")
    home.shows("Ines owns three castles")
    place = "document.querySelector('.long')"
    home.run(f"{place}.scrollTop = {place}.scrollHeight")
    home.shows("Ines is allergic to penicillin")
    rows = home.run("return [...document.querySelectorAll('.long-row')].map(e => [e.innerText, e.firstChild.className])")
    formed = next(index for index, row in enumerate(rows) if "penicillin" in row[0])
    assert "row-formed" in rows[formed][1]


def test_search_shows_why_each_hit_is_where_it_is(home: Page) -> None:
    home.open("#/home/search")
    home.wait("return document.activeElement.id === 'query'")
    home.press("Where does Ines live?\n")
    home.shows("Ines lives in Porto")
    home.run("document.querySelectorAll('.hit details').forEach(e => { e.open = true; })")
    scores = home.run("return [...document.querySelectorAll('.score')].map(e => Number(e.innerText.replace('score ', '')))")
    parts = "[...e.querySelectorAll('td.number')].reduce((sum, cell) => sum + Number(cell.innerText), 0)"
    sums = home.run(f"return [...document.querySelectorAll('.hit')].map(e => {parts})")
    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)
    assert sums == pytest.approx(scores, abs=0.01)
    assert home.run("return document.querySelectorAll('.stacked rect').length") > 20


def test_a_memory_page_has_sources_versions_links_strength_and_graph(home: Page) -> None:
    home.open(f"#/home/memory/{home.told.revised}")
    home.shows("Around it")
    assert home.text("mark") == "Clara's wedding is on the 28th of June, in Viana do Castelo."
    changed = home.run("return [...document.querySelectorAll('.versions del')].map(e => e.innerText)")
    assert "21st" in " ".join(changed)
    assert "28th" in home.run("return [...document.querySelectorAll('.versions ins')].map(e => e.innerText).join(' ')")
    assert "she took the 21st back" in home.text(".versions")
    assert home.run("return document.querySelectorAll('.links li').length") == 2
    assert home.wait("return document.querySelectorAll('.graph .node').length") == 3
    assert "strength 2.2, uses 3" in home.run("return document.querySelector('.plot svg').getAttribute('aria-label')")
    faded = home.run("return document.querySelectorAll('.plot svg')[1].getAttribute('aria-label')")
    assert re.search(r"How much is left over time. At the end: left 0\.\d+", faded)


def test_revising_and_undoing(home: Page) -> None:
    id = home.memory.space("home").memories({"refs": "july.1"})[0].id
    before = home.memory.space("home").get(id).text
    home.open(f"#/home/memory/{id}")
    home.shows("Revise")
    home.click("Revise …")
    home.run("document.getElementById('new-text').value = 'Revised in the page.'; document.getElementById('reason').value = 'a test'")
    home.click("Revise", "dialog")
    home.shows("Revised in the page.", ".memory-text")
    assert home.memory.space("home").history(id)[-1].entry.reason == "a test"
    assert home.memory.space("home").history(id)[-1].entry.actor.startswith("key:tests/")
    home.open("#/home/journal")
    home.shows("“a test”")
    home.run("document.querySelector('.long-row button[aria-label^=Undo]').click()")
    home.shows("taken back by")
    assert home.memory.space("home").get(id).text == before


def test_what_is_held_back_can_be_accepted(home: Page) -> None:
    space = home.memory.space("home")
    held = space.remember(memories=[{"text": "To be judged in the page.", "kind": "fact"}]).id
    stage.apply(space, [stage.Quarantine(id=held, why="a doubt")], "upkeep")
    home.open("#/home/review")
    home.shows("Why: a doubt")
    home.shows("1 pair")
    card = "[...document.querySelectorAll('.cards li')].find(e => e.innerText.includes('To be judged'))"
    home.run(f"{card}.querySelector('.actions button').click()")
    home.shows("Accepted.", "#toasts")
    assert space.get(held).status == "active"


def test_jobs_are_listed(home: Page) -> None:
    home.open("#/home/jobs")
    home.shows("job_1")
    home.shows("waiting")


def test_erasing_asks_first_and_shows_its_report(home: Page) -> None:
    space = home.memory.space("home")
    id = space.remember("The code 4711 is to be erased.", session="secret talk").id
    home.open("#/home/erase")
    home.shows("can't be undone")
    home.run("document.getElementById('session').value = 'secret talk'")
    home.click("Preview")
    home.shows("1 memory would go")
    assert home.run("return [...document.querySelectorAll('button')].find(b => b.innerText === 'Erase for good').disabled")
    home.run("document.getElementById('word').focus()")
    home.press("erase")
    home.click("Erase for good")
    home.shows("Erased, and nothing of it was found")
    assert "Place" in home.text(".panel-good table")
    with pytest.raises(LookupError):
        space.get(id)


def test_a_space_whose_name_has_a_slash(home: Page) -> None:
    home.open("#/")
    home.shows("odd/space #1")
    home.run("[...document.querySelectorAll('.long-row a')].find(a => a.innerText.includes('odd')).click()")
    home.shows("episodes")
    home.open("#/odd%2Fspace%20%231/memories")
    home.shows("A space whose name has a slash.")


@pytest.mark.parametrize("address", ["timeline", "search?q=script+window+harmed"])
def test_stored_markup_stays_text_in_lists(home: Page, address: str) -> None:
    home.open(f"#/home/{address}")
    home.shows("<script>window.harmed")
    assert home.run("return document.querySelectorAll('main script, main img').length") == 0
    assert home.run("return document.scripts.length") == 1


def test_a_memory_that_is_markup_is_shown_as_text(home: Page) -> None:
    home.open(f"#/home/memory/{home.told.script}")
    home.shows("Around it")
    assert home.text(".memory-text") == stage.SCRIPT
    assert home.run("return document.querySelectorAll('main img, main script').length") == 0


def test_text_can_not_become_markup(home: Page) -> None:
    refused = "try { document.createElement('p').innerHTML = '<b>x</b>'; return 'taken'; } catch (e) { return e.name; }"
    assert home.run(refused) == "TypeError"
    home.driver.get_log("browser")


def test_a_megabyte_of_text_comes_in_parts(home: Page) -> None:
    home.open(f"#/home/memory/{home.told.long}")
    home.shows("50,000 of 1,000,0", ".tall")
    assert home.run("return document.querySelector('main').textContent.length") < 200_000
    home.click("Show more")
    home.shows("100,000 of 1,000,0", ".tall")


def test_a_long_list_keeps_only_the_rows_in_sight(home: Page) -> None:
    home.open("#/many/memories")
    home.wait("return document.querySelectorAll('.long-row').length > 5")
    list_ = "document.querySelector('.long')"
    last = f"{{ {list_}.scrollTop = {list_}.scrollHeight; return {list_}.innerText.includes('Row {stage.MANY - 1} of many') }}"
    home.wait(last)
    assert home.run("return document.querySelectorAll('.long-row').length") < 80
    assert home.run("return document.querySelector('.long-row:last-child').getAttribute('aria-setsize')") == str(stage.MANY)
    home.run(f"{list_}.scrollTop = 0")
    home.shows("Row 0 of many", ".long")


def test_the_keyboard_is_enough(home: Page) -> None:
    home.open("#/home/overview")
    home.shows("Growth")
    home.run("document.activeElement.blur()")
    home.press("gm")
    home.wait("return document.querySelectorAll('.long-row').length > 5")
    home.run("document.querySelector('.long').focus()")
    home.press("jjk")
    assert home.run("return document.activeElement.closest('.long-row').getAttribute('aria-posinset')") == "1"
    home.press("\n")
    home.wait("return location.hash.includes('/memory/')")
    home.press("?")
    home.wait("return document.querySelector('dialog[open]') !== null")
    home.press("\ue00c")
    home.wait("return document.querySelector('dialog') === null")
    home.press("/")
    home.wait("return document.activeElement.id === 'query'")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(home: Page, dark: bool) -> None:
    found = find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core-python is not installed")
    axe = (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    home.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}
    )
    findings: dict[str, Any] = {}
    for address in ("", *(f"home/{page}" for page in PAGES), f"home/memory/{home.told.revised}"):
        home.open(f"#/{address}")
        home.wait("return !/Loading …|Searching/.test(document.querySelector('main').innerText)")
        home.run(axe)
        done = home.driver.execute_async_script(AXE)
        serious = [one for one in done if one["impact"] in ("serious", "critical")]
        if serious:
            findings[address or "spaces"] = [(one["id"], [node["html"][:120] for node in one.get("nodes", [])][:3]) for one in serious]
    home.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert findings == {}
