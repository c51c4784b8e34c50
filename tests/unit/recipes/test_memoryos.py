"""MemoryOS's acceptance test: the queue, one segment per theme, heat at 4, 5 and 2, promotion once, capacity."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import compose, resolve
from mneme.core.recipe import Recipe
from mneme.testing import ScriptedLLM

from .world import START, memory_of

HOUR = timedelta(hours=1)
ROCKET = ["The rocket engine test used liquid oxygen.", "The rocket engine test used liquid oxygen again."]
CAKE = "Grandma bakes plum cake with cinnamon."


def queued(capacity: int, **more: object) -> Recipe:
    recipe = resolve("memoryos")
    rules, overflow = recipe.formers
    return replace(recipe, formers=(rules, replace(overflow, capacity=capacity)), **more)  # type: ignore[type-var, arg-type]


def world(recipe: Recipe) -> tuple[mneme.Space, FrozenClock]:
    memory, clock = memory_of(recipe, "hash:96")
    return memory.space("s"), clock


def paged(space: mneme.Space) -> list[str]:
    texts = {memory.id: memory.text for memory in space.memories({"kinds": ["turn"]}, limit=1000)}
    return sorted(texts[link.source] for link in space.links() if link.type == "part_of")


def test_the_fourth_page_pushes_the_first_into_a_segment() -> None:
    space, clock = world(queued(3))
    for number, text in enumerate([*ROCKET, CAKE, "A fourth message about trains."]):
        assert paged(space) == []
        clock.set(START + number * HOUR)
        space.remember(text, session=str(number))
    assert paged(space) == [ROCKET[0]]
    assert len(space.memories({"tiers": ["mid"]})) == 1


def test_a_batch_pushes_out_what_does_not_fit_and_the_newest_are_always_found() -> None:
    space, _ = world(queued(3))
    space.remember([f"Message {n} is about nothing in particular." for n in range(10)], session="a")
    assert len(paged(space)) == 7
    space.remember(["eleven", "twelve"], session="a")
    assert len(paged(space)) == 9
    assert len(space.links()) == 9


def test_pages_of_one_theme_share_a_segment_and_another_theme_opens_one() -> None:
    space, _ = world(queued(0))
    for number, text in enumerate([*ROCKET, CAKE]):
        space.remember(text, session=str(number))
    sizes = sorted(sum(link.target == segment.id for link in space.links()) for segment in space.memories({"tiers": ["mid"]}))
    assert sizes == [1, 2]


def test_heat_is_four_after_one_visit_five_after_two_and_two_after_the_reset() -> None:
    space, clock = world(queued(0))
    space.remember(["I live in Porto near the harbour.", "I live in Porto and the harbour is near, too."], author="Ana", session="a")
    (segment,) = space.memories({"tiers": ["mid"]})

    def visit() -> str:
        space.recall("Porto harbour", k=1)
        report = space.upkeep()
        return next((proposal.why for proposal in report.proposals if proposal.keeper == "promotion"), "")

    assert visit() == ""  # H = 1 + 2 + 1 = 4
    why = visit()  # H = 2 + 2 + 1 = 5
    assert why.startswith("heat 5.00")
    assert len(space.memories({"tiers": ["long"]})) >= 1
    state = space.usage([segment.id])[segment.id].state
    assert (state["promoted_visits"], state["promoted_pages"]) == (2.0, 2.0)
    assert visit() == ""  # H = 1 + 0 + 1 = 2
    clock.set(START + timedelta(hours=24))
    assert visit() == ""


def test_above_capacity_the_least_visited_segment_vanishes_and_its_messages_stay() -> None:
    keepers = compose(name="k", keepers=[{"use": "segment-capacity", "most": 2}]).keepers
    space, _ = world(queued(0, keepers=keepers))
    themes = [ROCKET[0], CAKE, "The violin concert was cancelled by the conductor."]
    for number, text in enumerate(themes):
        space.remember(text, session=str(number))
    assert len(space.memories({"tiers": ["mid"]})) == 3
    for text in (themes[0], themes[2]):
        found = space.recall(text, k=1)
        space.feedback(found, useful=[found.hits[0]])
    space._memory.uses.forget("s", [memory.id for memory in space.memories(limit=100)])
    report = space.upkeep()
    assert report.done == {"segment-capacity": 1}
    left = " ".join(segment.text for segment in space.memories({"tiers": ["mid"]}))
    assert "cake" not in left
    assert {memory.text for memory in space.memories({"kinds": ["turn"]})} == set(themes)


def test_messages_that_come_late_are_pushed_out_by_what_is_there() -> None:
    space, clock = world(queued(3))
    clock.set(START + 9 * HOUR)
    space.remember(["one now", "two now", "three now"], session="new")
    assert paged(space) == []
    space.remember([{"text": f"old {number}", "at": START + number * timedelta(minutes=1)} for number in range(5)], session="old")
    assert paged(space) == [f"old {number}" for number in range(5)]
    space.remember({"text": "older still", "at": START - HOUR}, session="old")
    assert "older still" in paged(space)
    assert len(paged(space)) == 6


def test_a_late_message_that_still_fits_the_queue_pushes_out_the_oldest_in_it() -> None:
    space, clock = world(queued(3))
    for number in (1, 2, 3, 5, 6, 4, 7):
        clock.set(START + 9 * HOUR)
        space.remember(f"t{number}", at=START + number * timedelta(minutes=1), session="one")
    assert paged(space) == ["t1", "t2", "t3", "t4"]


def test_late_messages_on_both_sides_of_the_queue_s_end_leave_exactly_the_newest_in_it() -> None:
    space, clock = world(queued(3))
    clock.set(START + 9 * HOUR)
    for part in ([4, 5, 8, 9], [6, 1, 2]):
        space.remember([{"text": f"t{number}", "at": START + number * timedelta(minutes=1)} for number in part], session="one")
    assert paged(space) == ["t1", "t2", "t4", "t5"]


def test_a_model_says_the_theme_and_what_it_says_decides_where_a_page_goes() -> None:
    themes = [{"theme": "Engines", "keywords": ["rocket", "engine"], "content": "A test with oxygen."}] * 2
    cake = {"theme": "Baking", "keywords": ["cake"], "content": "Plum cake."}
    llm = ScriptedLLM({"segments.theme": [*themes, cake], "form.statements": {"items": []}})
    memory, _ = memory_of(queued(0), "hash:96", llm=llm)
    space = memory.space("s")
    for number, text in enumerate(["It burned well.", "Nothing leaked this time.", "Grandma came."]):
        space.remember(text, session=str(number), wait=True)
    segments = {segment.text: segment for segment in space.memories({"tiers": ["mid"]})}
    assert set(segments) == {"Engines. A test with oxygen.", "Baking. Plum cake."}
    assert set(segments["Engines. A test with oxygen."].attributes["words"]) == {"rocket", "engine"}  # type: ignore[call-overload]
    assert sum(link.target == segments["Engines. A test with oxygen."].id for link in space.links()) == 2


def test_what_was_promoted_is_found_beside_the_messages() -> None:
    space, _ = world(queued(0))
    space.remember(["I live in Porto near the harbour.", "I live in Porto and the harbour is near, too."], author="Ana", session="a")
    assert {hit.memory.kind for hit in space.recall("Porto harbour", k=9).hits} == {"turn"}
    for _ in range(2):
        space.recall("Porto harbour", k=1)
        space.upkeep()
    assert {hit.memory.tier for hit in space.recall("Porto harbour", k=9).hits} == {"", "long"}
