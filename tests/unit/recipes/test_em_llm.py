"""EM-LLM's acceptance test at the level of a space: events by surprise, bounds of their length, similarity and contiguity at reading."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

import mneme
from mneme.core.composing import compose, resolve
from mneme.core.errors import InvalidInput
from mneme.core.recipe import Recipe
from mneme.core.records import Memory
from mneme.testing import ScriptedLLM

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
        if link.type == "part_of" and link.source in texts:
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


def in_order(recipe: Recipe, places: list[list[int]], session: str = "one") -> mneme.Space:
    """Return a space that was told these places of the stream, a minute each, call by call."""
    memory, clock = memory_of(recipe, TABLE)
    space = memory.space("s")
    start = clock.now()
    clock.advance(hours=9)
    for call in places:
        space.remember([{"text": SAID[place], "session": session, "at": start + timedelta(minutes=place)} for place in call])
    return space


def sourced(space: mneme.Space) -> list[list[int]]:
    """Return the places that the events rest on, in the order of their sources; the same ones are their parts."""
    place = {episode.id: SAID.index(episode.text) for episode in space.episodes()}
    found = sorted([place[span.episode] for span in event.sources] for event in space.memories({"kinds": ["summary"]}, limit=100))
    assert events(space) == sorted(sorted(one) for one in found)
    assert space.verify().ok
    return found


def bounded(name: str, **more: object) -> Recipe:
    recipe = resolve(name)
    *others, last = recipe.formers
    if name == "evermemos":
        rule = replace(last.by_rule, **more) if more else last.by_rule  # type: ignore[attr-defined]
        return replace(recipe, formers=(*others, replace(last, by_rule=rule)))  # type: ignore[type-var]
    return replace(recipe, formers=(*others, replace(last, **more)))  # type: ignore[type-var]


@pytest.mark.parametrize("name", ["em-llm", "himem"])
@pytest.mark.parametrize("late", [1, 2, 3])
def test_what_comes_late_goes_into_its_event_at_its_place_and_pushes_nothing_out(name: str, late: int) -> None:
    told = [place for place in range(5) if place != late]
    space = in_order(bounded(name), [[place] for place in [*told, late]])
    assert sourced(space) == [[0, 1, 2, 3, 4]]
    (event,) = space.memories({"kinds": ["summary"]})
    space.remember(SAID[5], session="one", at=event.at + timedelta(minutes=5))
    assert sourced(space) == [[0, 1, 2, 3, 4, 5]]
    assert [one.id for one in space.memories({"kinds": ["summary"]})] == [event.id]


def test_what_comes_late_to_an_event_that_is_over_goes_into_that_one() -> None:
    told = [place for place in range(4 * EACH) if place not in (0, 8, 9)]
    space = in_order(bounded("em-llm"), [*([place] for place in told), [9], [8, 0]])
    assert sourced(space) == [list(range(start, start + EACH)) for start in range(0, 4 * EACH, EACH)]


def test_a_call_with_something_late_and_something_new_does_both() -> None:
    space = in_order(bounded("em-llm"), [[0], [1], [3], [2, 4, 5], [6], [7], [9], [8, 10, 11]])
    assert sourced(space) == [list(range(EACH)), list(range(EACH, 2 * EACH))]


def test_what_comes_late_keeps_an_event_within_its_bounds() -> None:
    space = in_order(bounded("em-llm", most=4), [[0], [1], [3], [4], [2]])
    assert sourced(space) == [[0, 1, 2, 3], [4]]
    backwards = in_order(bounded("em-llm", most=3), [[4], [3], [2], [1]])  # the event was begun by what now leaves it
    assert sourced(backwards) == [[1, 2, 3], [4]]


def test_what_was_said_in_a_pause_between_two_events_is_one_of_its_own() -> None:
    memory, clock = memory_of(resolve("himem"), TABLE)
    space = memory.space("s")
    start = clock.now()
    clock.advance(days=3)
    hours = dict(zip(SAID, (0, 0.1, 20, 20.1, 10, 10.1, 0.2, 19.9), strict=False))
    for text, hour in hours.items():
        space.remember(text, session="one", at=start + timedelta(hours=hour))
    assert sourced(space) == [[0, 1, 6], [4, 5], [7, 2, 3]]
    assert sorted(event.at - start for event in space.memories({"kinds": ["summary"]})) == [timedelta(hours=hour) for hour in (0, 10, 19.9)]


@pytest.mark.parametrize("name", ["em-llm", "himem", "evermemos"])
def test_sessions_that_alternate_make_the_same_events_at_once_as_one_by_one(name: str) -> None:
    found = {}
    for at_once in (True, False):
        memory, clock = memory_of(resolve(name), TABLE)
        space = memory.space("s")
        start = clock.now()
        clock.advance(hours=9)
        order = [place for pair in zip(range(4), range(EACH, EACH + 4), strict=True) for place in pair]
        given = [
            {"text": SAID[place], "session": str(place // EACH), "at": start + timedelta(minutes=number)}
            for number, place in enumerate(order)
        ]
        for call in [given] if at_once else [[one] for one in given]:
            space.remember(call)
        found[at_once] = sourced(space)
    assert found[True] == found[False] == [list(range(4)), list(range(EACH, EACH + 4))]


def test_an_event_longer_than_what_is_looked_back_at_keeps_its_front_and_ends_at_its_most() -> None:
    said = [f"We spoke of the garden, row {number}." for number in range(70)]
    memory, clock = memory_of(bounded("em-llm", most=60), {text: [1.0, 0.001] for text in said})
    space = memory.space("s")
    for text in said:
        clock.advance(minutes=1)
        space.remember(text, session="one")
    place = {episode.id: said.index(episode.text) for episode in space.episodes()}
    found = sorted([place[span.episode] for span in event.sources] for event in space.memories({"kinds": ["summary"]}))
    assert found == [list(range(60)), list(range(60, 70))]


def test_a_model_says_the_theme_of_an_event_that_grew_too() -> None:
    themes = [{"theme": f"Garden {number}", "keywords": [f"word{number}"], "content": "It grows."} for number in range(2)]
    llm = ScriptedLLM({"segments.theme": themes})
    memory, clock = memory_of(bounded("em-llm", themes=True), TABLE, llm=llm)
    space = memory.space("s")
    for text in SAID[:2]:
        clock.advance(minutes=1)
        space.remember(text, session="one", wait=True)
    (event,) = space.memories({"kinds": ["summary"]})
    assert (event.text, event.attributes["words"], len(event.sources)) == ("Garden 1. It grows.", ["word1"], 2)


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
