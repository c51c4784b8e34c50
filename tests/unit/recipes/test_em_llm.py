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
    alone = [hit.text for hit in plain.recall("the violin", k=6).hits]
    assert all("violin" in text for text in alone)


def test_a_refinement_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="conductance"):
        compose(name="x", formers=[{"use": "segmented", "refine": "by hand"}])
    assert compose(name="x", formers=[{"use": "segmented", "refine": "conductance"}]).formers
