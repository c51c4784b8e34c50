"""PREMem's acceptance test: three sessions of running, reasoning at writing, one hit at reading, no model at reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import resolve
from mneme.core.context import Context
from mneme.core.operations import Keep, Operation
from mneme.core.recipe import Recipe
from mneme.core.records import Episode, Memory, Span
from mneme.formation.rules import derived_id
from mneme.testing import ScriptedLLM

from .world import START, bare, memory_of

DAY = timedelta(days=1)
JOGS, MORE, RACE = "I jog 2 km daily.", "I now jog 5 km.", "I signed up for a half marathon."
ASKED = "How did Ann's running change?"
STORY = "Ann went from jogging 2 km (2024-01-01) to 5 km (2024-02-01)."
LINK = "Ann's jogging of 5 km led to the half marathon she signed up for."


def item(text: str, quote: str, relation: str, value: str) -> dict[str, object]:
    return {"message": 1, "quote": quote, "text": text, "kind": "fact", "subject": "Ann", "relation": relation, "object": value}


def lived(recipe: Recipe) -> tuple[mneme.Space, ScriptedLLM]:
    statements = [
        item("Ann jogs 2 km daily.", "I jog 2 km daily", "jogs", "2 km daily"),
        item("Ann jogs 5 km.", "I now jog 5 km", "running distance", "5 km"),
        item("Ann signed up for a half marathon.", "signed up for a half marathon", "signed up for", "a half marathon"),
    ]
    judged = [{"pattern": "transformation", "text": STORY}, {"pattern": "implication", "text": LINK}]
    llm = ScriptedLLM({"form.statements": [{"items": [one]} for one in statements], "evolution.judge": judged})
    table = {ASKED: [1, 0], STORY: [0.95, 0.1], LINK: [0.7, 0.6], JOGS: [0.6, 0.6], MORE: [0.6, 0.7], RACE: [0.2, 0.9]}
    memory, clock = memory_of(recipe, table, llm=llm)
    space = memory.space("s")
    for number, text in enumerate((JOGS, MORE, RACE)):
        clock.set(START + number * 31 * DAY)
        space.remember(text, author="Ann", session=f"s{1 + 4 * number}", wait=True)
    return space, llm


def test_each_session_leaves_its_reasoning_and_one_hit_answers_without_a_model() -> None:
    space, llm = lived(resolve("premem"))
    stories = {memory.attributes["pattern"]: memory for memory in space.memories({"kinds": ["note"]})}
    assert {pattern: memory.text for pattern, memory in stories.items()} == {"transformation": STORY, "implication": LINK}
    fragments = {memory.id for memory in space.memories({"kinds": ["fact"]})}
    assert all(set(memory.attributes["of"]) <= fragments for memory in stories.values())  # type: ignore[call-overload]
    asked = len(llm.asked)
    found = space.recall(ASKED, k=1)
    assert found.hits[0].text == STORY  # an echo of it answers: 2 to 5
    assert found.hits[0].memory.kind == "note"
    assert len(llm.asked) == asked
    assert {episode.text for episode in space.episodes([span.episode for span in found.hits[0].memory.sources])} == {JOGS, MORE}


def test_without_the_reasoning_one_hit_does_not_answer() -> None:
    recipe = resolve("premem")
    plain = replace(recipe, organisers=recipe.organisers[:1])
    space, _ = lived(plain)
    text = space.recall(ASKED, k=1).hits[0].text
    assert not ("2 km" in text and "5 km" in text)


def told(*facts: tuple[str, str, str, str]) -> list[str]:
    """Return the patterns that a series of (text, subject, relation, value) leaves, by rule."""
    space, clock = world({text: (subject, relation, value) for text, subject, relation, value in facts})
    for number, (text, *_) in enumerate(facts):
        clock.set(START + number * 31 * DAY)
        space.remember(text, session=f"s{number}")
    return [str(memory.attributes["pattern"]) for memory in space.memories({"kinds": ["note"]})]


def test_five_patterns_by_rule() -> None:
    assert told(("Ann jogs 2 km.", "Ann", "jogs", "2 km daily"), ("Ann jogs 5 km.", "Ann", "jogs", "5 km daily")) == ["transformation"]
    assert told(("Ann has a dog.", "Ann", "has", "dog"), ("Ann has a brown dog.", "Ann", "has", "brown dog")) == ["specification"]
    assert told(("Ann reads Proust.", "Ann", "reads", "Proust"), ("Ann reads Kafka.", "Ann", "reads", "Kafka")) == ["accumulation"]
    assert told(("Ann likes chess.", "Ann", "likes", "chess"), ("Ann won at chess.", "Ann", "won", "chess prize")) == ["extension"]
    assert told(("Ann met Carla.", "Ann", "met", "Carla"), ("Ben hired Carla.", "Ben", "hired", "Carla")) == ["implication"]
    assert told(("Ann met Carla.", "Ann", "met", "Carla"), ("Ben likes tea.", "Ben", "likes", "tea")) == []


class Told:
    """A former that knows what each message states: (subject, relation, value)."""

    def __init__(self, known: dict[str, tuple[str, str, str]]) -> None:
        self.known = known

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        return [Keep(memory=self._memory(episode)) for episode in episodes if episode.text in self.known]

    def _memory(self, episode: Episode) -> Memory:
        subject, relation, value = self.known[episode.text]
        return Memory(
            id=derived_id(episode.id, "told"), text=episode.text, kind="fact", at=episode.at, recorded_at=episode.recorded_at,
            valid_from=episode.at, session=episode.session, attributes={"subject": subject, "relation": relation, "object": value},
            sources=(Span(episode=episode.id, start=0, end=len(episode.text)),),
        )  # fmt: skip


def world(known: dict[str, tuple[str, str, str]], **more: object) -> tuple[mneme.Space, FrozenClock]:
    memory, clock = memory_of(bare(formers=[Told(known)], organisers=["evolution"]), "hash:96", **more)
    return memory.space("s"), clock


RUNS = {f"Ann jogs {km} km daily.": ("Ann", "jogs", f"{km} km daily") for km in range(1, 13)}


def stories(space: mneme.Space) -> list[str]:
    return [memory.text for memory in space.memories({"kinds": ["note"]})]


@pytest.mark.parametrize("at_once", [True, False])
def test_one_story_stands_however_often_a_value_changes(at_once: bool) -> None:
    space, clock = world(RUNS)
    given = [{"text": text, "at": START + number * DAY, "session": f"s{number}"} for number, text in enumerate(RUNS)]
    clock.set(START + 20 * DAY)
    for part in [given] if at_once else [[one] for one in given]:
        space.remember(part)
    (story,) = stories(space)
    assert [km for km in range(1, 13) if f" {km} km" in story] == [9, 10, 11, 12]  # the last four


def test_what_is_told_late_takes_its_place_in_the_story() -> None:
    space, clock = world(RUNS)
    clock.set(START + 20 * DAY)
    for day, km in ((0, 1), (9, 9), (5, 5)):
        space.remember(f"Ann jogs {km} km daily.", at=START + day * DAY)
    (story,) = stories(space)
    assert story.index("1 km") < story.index("5 km") < story.index("9 km")


def test_a_statement_costs_one_embedding_however_many_there_are() -> None:
    known = {f"Ann met guest {number} at the pier.": ("Ann", f"met in {number}", f"guest {number}") for number in range(60)}
    llm = ScriptedLLM({"evolution.judge": {"pattern": "none", "text": ""}})
    space, _ = world(known, llm=llm)
    for text in known:
        space.remember(text, wait=True)
    embedder, seen = space._memory.embedder, []

    class Counting:
        identity, width = embedder.identity, embedder.width

        def embed(self, texts: Sequence[str]) -> object:
            seen.extend(texts)
            return embedder.embed(texts)

        def passages(self, text: str) -> list[str]:
            return embedder.passages(text)

    space._memory.embedder = Counting()  # type: ignore[assignment]
    new = "Ann met guest 60 at the pier."
    known[new] = ("Ann", "met in 60", "guest 60")
    space.remember(new, wait=True)
    assert len(seen) <= 4


def test_an_erased_value_is_in_no_story() -> None:
    space, _ = world(RUNS)
    _, second = (space.remember(f"Ann jogs {km} km daily.").ids[0] for km in (2, 7))
    assert "7 km" in stories(space)[0]
    space.forget(second, erase=True)
    everywhere = space.memories({"archived": True}, limit=100, statuses=("active", "archived", "quarantined"))
    assert not any("7 km" in memory.text for memory in everywhere)
    assert any("2 km" in memory.text for memory in everywhere)


def lives(*towns: str, at: Sequence[int] = ()) -> mneme.Space:
    """Return a space that was told where Ann lives, a day after the other."""
    said = [f"Ann lives in {town}, as she said ({number})." for number, town in enumerate(towns)]
    space, clock = world({text: ("Ann", "lives_in", town) for text, town in zip(said, towns, strict=True)})
    clock.set(START + 30 * DAY)
    for number, text in enumerate(said):
        space.remember(text, at=START + (at[number] if at else number) * DAY, session=f"s{number}")
    return space


def test_a_state_that_is_told_again_leaves_the_story_of_how_it_came_about() -> None:
    before = lives("Lisbon", "Porto")
    after = lives("Lisbon", "Porto", "Porto")
    assert [memory.attributes["pattern"] for memory in after.memories({"kinds": ["note"]})] == ["transformation"]
    assert stories(after) == stories(before)


def test_what_was_said_before_all_that_a_story_tells_takes_no_story_away() -> None:
    towns, days = ("Porto", "Lisbon", "Braga", "Ghent", "Turin"), (0, 2, 3, 4, 5)
    assert stories(lives(*towns, "Porto", at=(*days, 1))) == stories(lives(*towns, at=days))


def test_a_story_with_another_relation_stands_beside_the_story_of_a_change() -> None:
    told = {
        "Ann lives in Lisbon.": ("Ann", "lives_in", "Lisbon"),
        "Ann lives in Porto.": ("Ann", "lives_in", "Porto"),
        "Ann works in Porto.": ("Ann", "works_in", "Porto"),
        "Ann still lives in Porto.": ("Ann", "lives_in", "Porto"),
    }
    space, clock = world(told)
    for number, text in enumerate(told):
        clock.set(START + number * DAY)
        space.remember(text, session=f"s{number}")
    patterns = sorted(str(memory.attributes["pattern"]) for memory in space.memories({"kinds": ["note"]}))
    assert patterns == ["extension", "extension", "transformation"]
