"""Every registered recipe on one script: remember, recall, upkeep, undo, erase, as of, and no lost input."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import resolve
from mneme.core.records import Memory as Record
from mneme.core.registry import names

START = datetime(2024, 3, 4, 9, tzinfo=UTC)
NOW = START + timedelta(days=32)
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
        clock.set(NOW)
        yield space


GATE = "What is the access code of the gate?"
EVERY_STATUS = ("active", "archived", "quarantined")


def test_a_recipe_keeps_its_promises(space: mneme.Space) -> None:
    everything_said_is_kept(space)
    what_was_said_is_found(space)
    what_a_caller_brings_is_kept_with_its_source(space)
    upkeep_loses_nothing_and_can_be_undone(space)
    what_holds_in_the_world_follows_the_moment_asked_about(space)
    what_was_known_follows_the_moment_of_knowing(space)
    a_change_can_be_undone(space)
    what_is_erased_is_nowhere(space)
    assert space.verify().problems == ()


def everything_said_is_kept(space: mneme.Space) -> None:
    said = [text for _, _, text in SCRIPT]
    assert [episode.text for episode in space.episodes()] == said
    assert {memory.ref for memory in memories(space) if memory.ref} >= {f"m{number}" for number in range(len(SCRIPT))}
    assert not space.jobs(states=("waiting", "leased", "dead"))


def what_was_said_is_found(space: mneme.Space) -> None:
    found = space.recall(GATE, k=5)
    assert "m6" in [ref for hit in found.hits for ref in refs_of(space, hit)]
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert all(hit.memory.sources for hit in found.hits)
    assert all(0 <= span.start < span.end for hit in found.hits for span in hit.memory.sources)
    packed = space.recall("Where does Ana live?", budget_tokens=120)
    assert 0 < packed.context_tokens <= 120
    again = space.recall(GATE, k=5)
    assert [hit.memory.id for hit in again.hits][:1] == [hit.memory.id for hit in found.hits][:1]


def what_a_caller_brings_is_kept_with_its_source(space: mneme.Space) -> None:
    receipt = space.remember([], memories=[{"text": "Rex is a dachshund.", "kind": "fact", "sources": ["m1"]}])
    brought = space.get(receipt.ids[0])
    assert (brought.text, brought.kind) == ("Rex is a dachshund.", "fact")
    assert [episode.ref for episode in space.episodes([span.episode for span in brought.sources])] == ["m1"]


def upkeep_loses_nothing_and_can_be_undone(space: mneme.Space) -> None:
    before = {(memory.id, memory.tier, memory.text) for memory in memories(space)}
    space.upkeep()
    said = {text for _, _, text in SCRIPT}
    assert {episode.text for episode in space.episodes()} == said
    assert said <= {memory.text for memory in memories(space, "active", "archived")}
    if {(memory.id, memory.tier, memory.text) for memory in memories(space)} != before:
        space.undo()
        assert {(memory.id, memory.tier, memory.text) for memory in memories(space)} == before


def what_holds_in_the_world_follows_the_moment_asked_about(space: mneme.Space) -> None:
    tea = next(memory for memory in memories(space) if memory.ref == "m2")
    changed = START + timedelta(days=25)
    newer = space.revise(tea.id, "My favourite tea is sencha.", since=changed).ids[0]
    for moment, known, shown in ((changed - timedelta(days=1), "jasmine", "sencha"), (changed + timedelta(days=1), "sencha", "jasmine")):
        hits = space.recall("favourite tea", k=50, as_of=moment, filters={"ids": (tea.id, newer)}).hits
        assert any(known in hit.text for hit in hits)
        assert not any(shown in hit.text for hit in hits)
        for hit in space.recall("favourite tea", k=50, as_of=moment).hits:
            assert hit.memory.valid_from is None or hit.memory.valid_from <= moment
            assert hit.memory.valid_to is None or moment < hit.memory.valid_to
    assert [hit.text for hit in space.recall("favourite tea", k=5, filters={"ids": (tea.id, newer)}).hits] == [
        "My favourite tea is sencha."
    ]


def what_was_known_follows_the_moment_of_knowing(space: mneme.Space) -> None:
    moment = START + timedelta(days=15)
    early = space.recall("puppy Rex", k=50, known_at=moment).hits
    assert all(hit.memory.recorded_at <= moment for hit in early)
    assert any("Rex" in hit.text for hit in early)
    assert not any("gate" in hit.text for hit in space.recall(GATE, k=50, known_at=moment).hits)
    tea = space.recall("favourite tea", k=50, known_at=NOW - timedelta(days=1)).hits
    assert any("jasmine" in hit.text for hit in tea)
    assert not any("sencha" in hit.text for hit in tea)


def a_change_can_be_undone(space: mneme.Space) -> None:
    before = {(memory.id, memory.text) for memory in memories(space)}
    garden = next(memory for memory in memories(space) if memory.ref == "m9")
    space.forget(garden.id)
    assert garden.id not in {memory.id for memory in memories(space)}
    assert garden.id not in {hit.memory.id for hit in space.recall("tomatoes in the garden", k=50).hits}
    space.undo()
    assert {(memory.id, memory.text) for memory in memories(space)} == before


def what_is_erased_is_nowhere(space: mneme.Space) -> None:
    code = next(memory for memory in memories(space) if memory.ref == "m6" and memory.kind == "turn")
    report = space.forget(code.id, erase=True)
    assert isinstance(report, mneme.ErasureReport)
    assert code.id in report.ids
    assert not any("4411" in memory.text for memory in memories(space, *EVERY_STATUS))
    assert not any("4411" in hit.text for hit in space.recall("access code of the gate", k=200).hits)
    assert not any("4411" in hit.text for hit in space.recall(GATE, k=200, known_at=NOW, archived=True).hits)
    assert not any("4411" in episode.text for episode in space.episodes())


LONG = [
    "I am Ana and I run a bakery in Porto.",
    "We bake rye bread every Monday.",
    "My brother Carlos helps at the oven.",
    "Carlos likes strong coffee.",
    "The password of the safe is zanzibar.",
    "I like jazz and I like rye bread.",
    "We met a baker from Oslo last week.",
    "I like zanzibar and cinnamon.",
    "The oven broke on 3 March 2024.",
    "Carlos repaired the oven of the bakery.",
    "I am allergic to nuts.",
    "We want to open another bakery in Lisbon.",
]


@pytest.mark.parametrize("one_by_one", [True, False])
@pytest.mark.parametrize("name", RECIPES)
def test_what_was_said_among_others_is_erased_from_all_that_was_made_of_it(name: str, one_by_one: bool) -> None:
    clock = FrozenClock(START)
    with mneme.Memory(":memory:", embedder="hash:96", recipe=name, clock=clock, seed=1, background=False) as memory:
        space = memory.space("long")
        said = [
            {"text": text, "author": "Ana", "session": "one", "at": START + timedelta(minutes=number)} for number, text in enumerate(LONG)
        ]
        for part in [[message] for message in said] if one_by_one else [said]:
            space.remember(part)
        clock.set(NOW)
        space.remember("The bakery in Lisbon is open.", author="Ana", session="two")
        space.upkeep()
        told = [memory.id for memory in memories(space, *EVERY_STATUS) if memory.kind == "turn" and "zanzibar" in memory.text]
        assert len(told) == 2
        space.forget(told, erase=True)
        left = memories(space, *EVERY_STATUS)
        assert not [memory.text for memory in left if "zanzibar" in f"{memory.text} {dict(memory.attributes)} {memory.tags}".casefold()]
        assert "zanzibar" not in space.recall("zanzibar, the password of the safe", budget_tokens=2000).context.replace("zanzibar,", "")
        assert {memory.text for memory in left if memory.kind == "turn"} >= {text for text in LONG if "zanzibar" not in text}
        assert space.verify().problems == ()


def memories(space: mneme.Space, *statuses: str) -> list[Record]:
    return list(space.memories({"archived": "archived" in statuses}, limit=1000, statuses=statuses or ("active",)))


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
