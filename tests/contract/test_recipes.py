"""Every registered recipe on one script: remember, recall, upkeep, undo, erase, as of, and no lost input."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import resolve
from mneme.core.registry import names

START = datetime(2024, 3, 4, 9, tzinfo=UTC)
SCRIPT = [
    ("s1", "Ana", "Hi Ben! I moved to Lisbon last week and work at Siemens now."),
    ("s1", "Ben", "Great. I adopted a puppy called Rex."),
    ("s1", "Ana", "My favourite tea is jasmine."),
    ("s1", "Ben", "Rex had to see the vet because he limped."),
    ("s2", "Ana", "I visited Oslo on 3 March 2024 with my sister Carla."),
    ("s2", "Ben", "The garden needs water, I planted tomatoes."),
    ("s2", "Ana", "The access code of the gate is 4411."),
    ("s2", "Ben", "I am allergic to nuts."),
    ("s3", "Ana", "I live in Porto now."),
    ("s3", "Ben", "The tomatoes in the garden are ripe."),
]
RECIPES = names("recipe")


@pytest.fixture(params=RECIPES)
def space(request: pytest.FixtureRequest) -> Iterator[mneme.Space]:
    clock = FrozenClock(START)
    with mneme.Memory(":memory:", embedder="hash:96", recipe=request.param, clock=clock, seed=1, background=False) as memory:
        space = memory.space("script")
        for number, (session, author, text) in enumerate(SCRIPT):
            at = START + timedelta(days=10 * int(session[1]), minutes=number)
            clock.set(at)
            space.remember(text, author=author, session=session, at=at, ref=f"m{number}")
        clock.set(START + timedelta(days=32))
        yield space


def texts_of(space: mneme.Space, **how: object) -> set[str]:
    return {hit.text for hit in space.recall("What happened?", k=200, **how).hits}  # type: ignore[arg-type]


def test_a_recipe_keeps_its_promises(space: mneme.Space) -> None:
    said = {text for _, _, text in SCRIPT}
    assert {episode.text for episode in space.episodes()} == said
    assert not space.jobs(states=("waiting", "leased", "dead"))
    found = space.recall("What is the access code of the gate?", k=5)
    assert "m6" in [ref for hit in found.hits for ref in refs_of(space, hit)]
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert all(hit.memory.sources for hit in found.hits)
    packed = space.recall("Where does Ana live?", budget_tokens=120)
    assert 0 < packed.context_tokens <= 120

    before = {(memory.id, memory.tier, memory.text) for memory in space.memories(limit=1000)}
    space.upkeep()
    assert {episode.text for episode in space.episodes()} == said
    assert said <= {memory.text for memory in space.memories({"archived": True}, limit=1000, statuses=("active", "archived"))}
    if {(m.id, m.tier, m.text) for m in space.memories(limit=1000)} != before:
        space.undo()
        assert {(m.id, m.tier, m.text) for m in space.memories(limit=1000)} == before

    code = next(m for m in space.memories(limit=1000) if m.ref == "m6" and m.kind == "turn")
    report = space.forget(code.id, erase=True)
    assert code.id in report.ids
    assert not any("4411" in memory.text for memory in space.memories(limit=1000, statuses=("active", "archived", "quarantined")))
    assert not any("4411" in hit.text for hit in space.recall("access code of the gate", k=200).hits)

    early = space.recall("puppy Rex", k=50, known_at=START + timedelta(days=15))
    assert all(hit.memory.recorded_at <= START + timedelta(days=15) for hit in early.hits)
    assert any("Rex" in hit.text for hit in early.hits)
    assert space.verify().problems == ()


def refs_of(space: mneme.Space, hit: mneme.Hit) -> list[str]:
    episodes = space.episodes([span.episode for span in hit.memory.sources])
    return [episode.ref for episode in episodes if episode.ref]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_a_short_file_with_a_card(name: str) -> None:
    recipe = resolve(name)
    assert recipe.name == name
    assert recipe.about
    file = Path(mneme.__file__).parent / "recipes" / f"{name.replace('-', '_')}.py"
    assert len(file.read_text("utf-8").splitlines()) <= 120


def test_no_two_recipes_share_six_equal_lines() -> None:
    folder = Path(mneme.__file__).parent / "recipes"
    runs: dict[tuple[str, ...], str] = {}
    for file in sorted(folder.glob("*.py")):
        lines = [line.strip() for line in file.read_text("utf-8").splitlines() if line.strip()]
        for start in range(len(lines) - 5):
            run = tuple(lines[start : start + 6])
            assert runs.setdefault(run, file.name) == file.name, f"{file.name} repeats {runs[run]}: {run[0]!r}"
