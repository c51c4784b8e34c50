"""EM-LLM's acceptance test at the level of a space: events by surprise, bounds of their length, similarity and contiguity at reading."""

from __future__ import annotations

from dataclasses import replace

import pytest

import mneme
from mneme.core.composing import compose, resolve
from mneme.core.errors import InvalidInput
from mneme.core.recipe import Recipe
from mneme.core.records import Memory

from .world import memory_of

EACH = 6
TOPICS = ["garden", "violin", "boat", "bread"]
SAID = [f"We spoke of the {topic}, part {number}." for topic in TOPICS for number in range(EACH)]


def vector(topic: int, number: int) -> list[float]:
    row = [0.0] * 12
    row[topic] = 1.0
    row[4 + (number * 5 + topic) % 8] = 0.12
    return row


TABLE = {text: vector(place // EACH, place % EACH) for place, text in enumerate(SAID)} | {"the violin": [0.0, 1.0]}


def lived(recipe: Recipe) -> mneme.Space:
    memory, clock = memory_of(recipe, TABLE)
    space = memory.space("s")
    clock.advance(hours=1)
    space.remember([{"text": text, "session": "one"} for text in SAID])
    return space


def events(space: mneme.Space) -> list[list[int]]:
    texts = {memory.id: memory.text for memory in space.memories({"kinds": ["turn"]}, limit=100)}
    found: dict[str, list[int]] = {}
    for link in space.links():
        if link.type == "part_of":
            found.setdefault(link.target, []).append(SAID.index(texts[link.source]))
    return sorted(sorted(places) for places in found.values())


def test_a_stream_of_four_topics_is_four_events() -> None:
    space = lived(resolve("em-llm"))
    assert events(space) == [list(range(start, start + EACH)) for start in range(0, 4 * EACH, EACH)]
    tiers: list[Memory] = space.memories({"tiers": ["event"]})
    assert len(tiers) == 4


def one_by_one(recipe: Recipe, said: list[str] = SAID) -> mneme.Space:
    memory, clock = memory_of(recipe, TABLE)
    space = memory.space("s")
    for text in said:
        clock.advance(minutes=1)
        space.remember(text, session="one")
    return space


def test_messages_told_one_by_one_make_the_same_events_as_told_at_once() -> None:
    space = one_by_one(resolve("em-llm"))
    assert events(space) == [list(range(start, start + EACH)) for start in range(0, 4 * EACH, EACH)]
    kept = space.memories({"tiers": ["event"]})
    assert len(kept) == 4
    told = {event.id: {span.episode for span in event.sources} for event in kept}
    linked = {(link.target, "ep" + link.source[3:]) for link in space.links() if link.type == "part_of"}
    assert linked == {(id, episode) for id, episodes in told.items() for episode in episodes}
    found = [hit.text for hit in space.recall("the violin", k=9).hits]
    assert sum("violin" in text for text in found[:6]) == 6
    assert space.verify().ok


@pytest.mark.parametrize("name", ["em-llm", "himem"])
def test_what_is_told_one_by_one_stays_within_the_bounds_and_in_one_event_each(name: str) -> None:
    recipe = resolve(name)
    former = recipe.formers[-1]
    recipe = replace(recipe, formers=(*recipe.formers[:-1], replace(former, most=4)))  # type: ignore[type-var]
    space = one_by_one(recipe)
    found = events(space)
    assert sorted(place for event in found for place in event) == list(range(len(SAID)))
    assert max(map(len, found)) <= 4
    assert len(found) <= 10
    before = found
    space.remember("We spoke of the garden, part 0.", session="two")
    assert len(events(space)) == len(before) + 1  # another session begins another event


def test_a_burst_of_feeling_is_no_boundary() -> None:
    calm = ["We spoke of the garden.", "The garden needs water.", "OMG!!! I can't believe it, this is HORRIBLE!", "The garden is dry."]
    memory, _ = memory_of(resolve("em-llm"), {text: [1.0, 0.01 * place] for place, text in enumerate(calm)})
    space = memory.space("s")
    space.remember([{"text": text, "session": "one"} for text in calm])
    assert len(space.memories({"tiers": ["event"]})) == 1


def test_an_event_that_grew_goes_back_with_the_message_that_made_it_grow() -> None:
    space = one_by_one(resolve("em-llm"), SAID[:4])
    (event,) = space.memories({"tiers": ["event"]})
    turn = next(memory for memory in space.memories({"kinds": ["turn"]}) if memory.text == SAID[1])
    space.forget(turn.id, erase=True)
    assert not any(SAID[1] in memory.text for memory in space.memories(limit=100))
    space.remember(SAID[4], session="one")
    assert space.verify().ok
    assert len(event.sources) == 4


def test_events_keep_to_their_least_and_most() -> None:
    recipe = resolve("em-llm")
    (former,) = recipe.formers
    space = lived(replace(recipe, formers=(replace(former, least=2, most=4),)))  # type: ignore[type-var]
    assert {len(event) for event in events(space)} <= {2, 3, 4}
    assert sum(map(len, events(space))) == len(SAID)


def test_the_neighbours_of_the_best_event_come_along_and_without_contiguity_they_do_not() -> None:
    space, plain = lived(resolve("em-llm")), lived(replace(resolve("em-llm"), refiners=()))
    beside = {SAID[EACH - 1], SAID[2 * EACH]}
    found = [hit.text for hit in space.recall("the violin", k=9).hits]
    assert sum("violin" in text for text in found[:6]) == 6
    assert beside <= set(found)
    alone = [hit.text for hit in plain.recall("the violin", k=9).hits]
    assert all("violin" in text for text in alone[:6])
    assert not beside <= set(alone)


def test_a_refinement_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="novelty"):
        compose(name="x", formers=[{"use": "segmented", "boundaries": ["surprises"]}])
    with pytest.raises(InvalidInput, match="conductance"):
        compose(name="x", formers=[{"use": "segmented", "refine": "by hand"}])
    assert compose(name="x", formers=[{"use": "segmented", "refine": "conductance"}]).formers
