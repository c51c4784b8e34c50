"""BMAM's acceptance test: the score's numbers, levels and the neocortex, forgetting, and what is asked when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.retention.consolidation import DECAY, IMPORTANCE, LEVEL, NEOCORTEX, Standing, forgotten, score
from mneme.testing import ScriptedLLM

from .world import START, bare, memory_of

HOUR = timedelta(hours=1)
FELT = "I HATE this, I'm so furious!!!"


def world() -> tuple[mneme.Space, FrozenClock]:
    memory, clock = memory_of(bare(channels=["dense"], keepers=["consolidation"], curve="half-life"), {FELT: [1, 0], "calm": [0, 1]})
    return memory.space("s"), clock


def test_the_worked_score_and_its_counterpart() -> None:
    strong = Standing(importance=0.8, access=5, emotion=0.9, created_h=2, accessed_h=0)
    assert score(strong) == pytest.approx(0.24 + 0.25 + 0.18 + 0.135 + 0.1)
    assert score(strong) == pytest.approx(0.905)
    young = Standing(importance=0.8, access=0, emotion=0.9, created_h=1 / 6, accessed_h=1 / 6)
    assert score(young) < 0.6
    assert score(Standing(importance=0.8, access=5, emotion=0.9, created_h=2, accessed_h=0, stress=True)) == pytest.approx(1.2 * 0.905)


def test_what_scores_high_rises_a_level_and_the_second_time_moves_to_the_neocortex() -> None:
    space, clock = world()
    id = space.remember(memories=[{"text": FELT, "kind": "event", "importance": 0.8}]).ids[0]
    clock.set(START + timedelta(minutes=10))
    assert space.upkeep().done == {}
    for hour in (1.2, 1.4, 1.6, 1.8, 2.0):
        clock.set(START + hour * HOUR)
        found = space.recall(FELT, k=1)
        space.feedback(found, useful=[found.hits[0]])
    space._memory.uses.forget("s", [memory.id for memory in space.memories(limit=100)])
    space.upkeep()
    state = space.usage([id])[id].state
    assert (state[LEVEL], state[DECAY]) == (1.0, pytest.approx(0.08))
    assert state[IMPORTANCE] == pytest.approx(1.0)
    assert space.get(id).tier == ""
    clock.set(START + 2 * HOUR + timedelta(minutes=4))
    space.upkeep()
    assert space.usage([id])[id].state[LEVEL] == 1.0  # less than 300 s apart
    clock.set(START + 2 * HOUR + timedelta(minutes=6))
    space.upkeep()
    assert space.usage([id])[id].state[LEVEL] == 2.0
    assert space.get(id).tier == NEOCORTEX
    space.undo()
    assert space.get(id).tier == ""
    assert space.usage([id])[id].state[LEVEL] == 1.0


def test_what_idles_ten_hours_loses_importance_and_its_used_twin_does_not() -> None:
    assert forgotten(0.5, 10, 10) == pytest.approx(0.0677, abs=1e-4)
    space, clock = world()
    idle, used = space.remember(["calm", "calm too"]).ids
    clock.set(START + 10 * HOUR)
    found = space.recall("calm too", k=1)
    assert found.hits[0].memory.id == used
    space.upkeep()
    usage = space.usage([idle, used])
    assert usage[idle].state[IMPORTANCE] == pytest.approx(0.0677, abs=1e-4)
    assert usage[idle].state[DECAY] == pytest.approx(0.2)
    assert IMPORTANCE not in usage[used].state
    assert usage[idle].strength < usage[used].strength


def test_at_most_five_at_once_and_ten_later() -> None:
    space, clock = world()
    space.remember(memories=[{"text": f"{FELT} {n}", "kind": "event", "importance": 1.0, "sources": ()} for n in range(30)])
    space.remember(memories=[{"text": f"plain {n}", "kind": "event", "importance": 1.0} for n in range(30)])
    clock.set(START + 7 * HOUR)
    for _ in range(6):
        for text in (FELT, "plain"):
            found = space.recall(text, k=60)
            space.feedback(found, useful=[hit for hit in found.hits if hit.text.startswith(text)])
    report = space.upkeep()
    levels = [space.usage([m.id])[m.id].state.get(LEVEL, 0) for m in space.memories(limit=100)]
    assert sum(level == 1 for level in levels) == 5 + 10
    assert report.finished


def test_when_is_answered_by_the_message_that_says_so_with_the_day_it_means() -> None:
    said = "I ran the charity race yesterday, it was great."
    table = {"When did Mel run the charity race?": [1, 0], said: [0.8, 0.6], "The charity race matters to me.": [0.95, 0.3]}
    recipe = bare(channels=["dense"], refiners=[{"use": "whenabouts", "near": 0.7}])
    memory, clock = memory_of(recipe, table)
    space = memory.space("s")
    space.remember(["The charity race matters to me.", said], author="Mel", at=datetime(2023, 5, 8, 13, tzinfo=UTC))
    clock.set(datetime(2023, 7, 1, tzinfo=UTC))
    found = space.recall("When did Mel run the charity race?", k=2, explain=True)
    assert found.hits[0].text == said
    (why,) = [hit.why for hit in found.hits[:1]]
    assert "2023-05-07" in str(why)
    plain, _ = memory_of(bare(channels=["dense"]), table)
    plain.space("s").remember(["The charity race matters to me.", said], author="Mel")
    assert plain.space("s").recall("When did Mel run the charity race?", k=2).hits[0].text != said


def test_a_second_pass_takes_no_more_than_the_first() -> None:
    space, clock = world()
    (idle,) = space.remember(["calm"]).ids
    clock.set(START + 10 * HOUR)
    space.upkeep()
    once = space.usage([idle])[idle]
    assert once.state[IMPORTANCE] == pytest.approx(0.0677, abs=1e-4)
    for _ in range(3):
        assert space.upkeep().done == {}
    assert space.usage([idle])[idle] == once
    clock.set(START + 11 * HOUR)
    space.upkeep()
    assert space.usage([idle])[idle].state[IMPORTANCE] == pytest.approx(0.0554, abs=0.0125)  # 0.5 exp(-11 / 5), or within the least step


def test_what_was_lost_does_not_come_back_by_a_use() -> None:
    space, clock = world()
    (idle,) = space.remember(["calm"]).ids
    clock.set(START + 10 * HOUR)
    space.upkeep()
    found = space.recall("calm", k=1)
    space.feedback(found, useful=[found.hits[0]])
    space.upkeep()
    assert space.usage([idle])[idle].state[IMPORTANCE] == pytest.approx(0.0677, abs=1e-4)


def test_a_model_where_there_is_one_says_what_is_so() -> None:
    item = {"message": 1, "quote": "the boat is called Elsa", "text": "Ana's boat is called Elsa.", "kind": "fact", "subject": "Ana"}
    llm = ScriptedLLM({"form.statements": {"items": [{**item, "relation": "boat name", "object": "Elsa"}]}})
    memory, _ = memory_of("bmam", "hash:96", llm=llm)
    space = memory.space("s")
    space.remember("By the way, the boat is called Elsa.", author="Ana", wait=True)
    assert [fact.text for fact in space.memories({"kinds": ["fact"]})] == ["Ana's boat is called Elsa."]
