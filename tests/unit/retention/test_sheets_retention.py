"""Acceptance of the published designs, as far as retention goes: MemoryBank, FSRS, MemoryOS, H-MEM, EverMemOS, WorldMM."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mneme import Memory
from mneme.core.clock import FrozenClock
from mneme.core.records import Usage
from mneme.retention.budgets import Limit
from mneme.retention.exponential import Exponential
from mneme.retention.fsrs import PARAMETERS, Fsrs
from mneme.retention.half_life import HalfLife
from mneme.retention.heat import Heat
from mneme.space import Space

START = datetime(2024, 5, 1, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture
def space(clock: FrozenClock) -> Iterator[Space]:
    with Memory(":memory:", embedder="hash", clock=clock, seed=1) as memory:
        yield memory.space("a")


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


class BuggyExponential(Exponential):
    """The released code of MemoryBank: a stronger memory fades faster."""

    def retention(self, strength: np.ndarray, days: np.ndarray) -> np.ndarray:
        kept: np.ndarray = np.exp(-days / 5 * strength).astype(np.float32)
        return kept


@pytest.mark.parametrize(("curve", "right"), [(Exponential(scale_days=1.0), True), (BuggyExponential(scale_days=1.0), False)])
def test_memorybank_the_sign_of_the_released_code_fails_where_the_paper_s_passes(curve: Exponential, right: bool) -> None:
    usage, seen = Usage(), []
    for day in range(3):
        change = curve.reinforced("a", usage if day else None, START, "good", START + timedelta(days=day))
        usage = Usage(uses=usage.uses + 1, strength=usage.strength + change.strength, last_used_at=change.at)
        seen.append(float(curve.retention(f32(usage.strength), f32(2))[0]))
    assert (seen == sorted(set(seen))) == right


def test_fsrs_the_first_good_answer_gives_the_sheet_s_numbers() -> None:
    curve = Fsrs()
    assert curve.first_stability == pytest.approx(2.3065, abs=1e-4)
    expected = (0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796, 1.4835, 0.0614, 0.2629, 1.6483, 0.6014,
                1.8729, 0.5425, 0.0912, 0.0658, 0.1542)  # fmt: skip
    assert pytest.approx(expected, abs=1e-4) == PARAMETERS
    difficulty = PARAMETERS[4] - math.exp(PARAMETERS[5] * 2) + 1
    assert difficulty == pytest.approx(2.1181, abs=1e-4)
    assert curve.due_in(curve.first_stability) == 2


@pytest.mark.parametrize("curve", [Exponential(), HalfLife(), Fsrs()])
def test_retention_falls_with_time_and_rises_with_strength(curve: Exponential) -> None:
    days = np.linspace(0, 400, 81).astype(np.float32)
    for strength in (0.2, 1.0, 5.0):
        kept = curve.retention(np.full(len(days), strength, np.float32), days)
        assert kept[0] == pytest.approx(1.0, abs=1e-6)
        assert (np.diff(kept) <= 1e-7).all()
    assert (np.diff(curve.retention(np.linspace(0.2, 9, 50).astype(np.float32), np.full(50, 20, np.float32))) >= -1e-7).all()


def test_the_closed_forms_of_the_sheet_at_ten_and_twenty_days() -> None:
    assert Exponential(scale_days=10).retention(f32(1), f32(10))[0] == pytest.approx(0.3679, abs=1e-4)
    assert HalfLife(first_days=10).retention(f32(1), f32(20))[0] == pytest.approx(0.25, abs=1e-6)


def test_memoryos_a_day_later_recency_is_one_over_e_and_at_capacity_the_least_visited_goes(space: Space, clock: FrozenClock) -> None:
    assert Heat().of(f32(0), f32(0), f32(24))[0] == pytest.approx(math.exp(-1), abs=1e-6)
    ids = [space.remember(memories=[{"text": f"Segment about {word}.", "kind": "summary"}]).ids[0] for word in ("ships", "bread", "tax")]
    for word, times in (("ships", 3), ("tax", 1)):
        for _ in range(times):
            space.feedback(space.recall(word, k=1), useful=[ids[("ships", "bread", "tax").index(word)]])
    clock.advance(hours=1)
    space.upkeep(limits=[Limit(memories=2, kind="summary", policy="lfu")])
    assert [space.get(id).status for id in ids] == ["active", "archived", "active"]


def test_h_mem_wrong_twice_ranks_below_an_equally_similar_one_and_right_above(space: Space) -> None:
    first = space.remember("Ann bought a ski pass in Livigno at noon.").id
    second = space.remember("At noon Ann bought a ski pass in Livigno.").id
    question = "Who bought a ski pass?"
    for _ in range(2):
        space.feedback(space.recall(question), useless=[first])
    assert [hit.memory.id for hit in space.recall(question).hits[:2]] == [second, first]
    strengths = space.usage([first, second])
    assert strengths[first].strength < 1
    for _ in range(5):
        space.feedback(space.recall(question), useful=[first], useless=[second])
    assert [hit.memory.id for hit in space.recall(question).hits[:2]] == [first, second]


def test_evermemos_antibiotics_until_may_ten_are_at_hand_on_the_ninth_and_over_on_the_eleventh(space: Space, clock: FrozenClock) -> None:
    text = "Ann takes antibiotics until 10 May."
    given = {"text": text, "kind": "task", "valid_from": START, "valid_to": datetime(2024, 5, 11, tzinfo=UTC)}
    fact = space.remember("I take antibiotics until 10 May.", author="Ann").id
    id = space.remember(memories=[given]).ids[0]
    clock.set(datetime(2024, 5, 9, 12, tzinfo=UTC))
    assert [memory.id for memory in space.foreseen()] == [id]
    clock.set(datetime(2024, 5, 11, 12, tzinfo=UTC))
    assert space.foreseen() == []
    clock.advance(days=40)
    space.upkeep()
    assert [space.get(each).status for each in (id, fact)] == ["archived", "active"]


def test_intentions_that_formers_read_surface_when_they_begin(clock: FrozenClock) -> None:
    with Memory(":memory:", embedder="hash", clock=clock, seed=1, recipe="beliefs") as memory:
        space = memory.space("a")
        space.remember("I plan to visit Faro on 20 May.", author="Ann", wait=True)
        assert space.foreseen(timedelta(days=2)) == []
        (plan,) = space.foreseen(timedelta(days=20))
        assert "Faro" in plan.text
        clock.set(datetime(2024, 5, 20, 8, tzinfo=UTC))
        assert [each.id for each in space.foreseen()] == [plan.id]
        clock.set(datetime(2024, 5, 25, tzinfo=UTC))
        assert space.foreseen() == []


def test_worldmm_a_habit_is_known_after_three_occurrences_and_goes_when_it_changes(space: Space, clock: FrozenClock) -> None:
    def drinks(what: str) -> str:
        episode = space.remember(f"I drink {what} in the morning.", author="Ann").ids[0]
        about = {"subject": "Ann", "relation": "drinks", "object": what}
        fact = {"text": f"Ann drinks {what}.", "kind": "preference", "sources": (episode,), "attributes": about}
        return space.remember(memories=[fact]).ids[0]

    for _ in range(3):
        drinks("tea")
        clock.advance(days=1)
        space.upkeep()
    (line,) = space.memories({"tags": ["profile"]})
    assert line.text.startswith("Ann drinks tea (said 3 times")
    for fact in space.memories({"kinds": ["preference"]}):
        space.revise(fact.id, "Ann drinks coffee.", since=clock.now())
    clock.advance(days=1)
    space.upkeep()
    assert all("tea" not in memory.text for memory in space.memories({"tags": ["profile"]}))
    assert space.get(line.id).status == "archived"


def test_worldmm_a_summary_of_a_period_is_found_by_its_scale_and_nothing_before_it_was_said(space: Space, clock: FrozenClock) -> None:
    for minute in range(0, 240, 20):
        clock.set(START + timedelta(minutes=minute))
        place = "kitchen" if minute < 120 else "garage"
        space.remember(f"At minute {minute} I was in the {place} and moved box {minute + 7}.", author="Ann")
    until = clock.now()
    clock.advance(days=9)
    space.upkeep()
    day = space.memories({"tags": ["tree:day"]})
    week = space.memories({"tags": ["tree:week"]})
    assert len(day) == len(week) == 1
    found = space.recall("What did I do with box 127?", k=3)
    assert "box 127" in found.hits[0].text
    early = space.recall("What did I do with box 227?", k=10, known_at=START + timedelta(minutes=30))
    assert all("box 227" not in hit.text for hit in early.hits)
    assert space.recall("box 227", k=1, known_at=until).hits[0].text.endswith("box 227.")


def test_a_block_is_neither_moved_nor_merged_nor_archived_by_any_limit(space: Space, clock: FrozenClock) -> None:
    space.blocks.set("user", "Ann lives in Porto.")
    space.remember(memories=[{"text": "Ann lives in Porto.", "kind": "profile"}])
    space.remember(["Good morning!", "I bought a lamp for 30 euros."])
    clock.advance(days=60)
    space.upkeep(limits=[Limit(memories=1), Limit(memories=0, kind="profile")])
    block = space.blocks.get("user")
    assert block.text == "Ann lives in Porto."
    assert space.get(block.id).tier == ""
    assert [memory.id for memory in space.memories({"kinds": ["profile"]})] == [block.id]
