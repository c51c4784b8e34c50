"""Forgetting curves and scores against closed forms and the papers' worked examples."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mneme.core.operations import Reinforce
from mneme.core.records import Usage
from mneme.retention.adjacent import merge_adjacent
from mneme.retention.drift import Drift
from mneme.retention.exponential import Exponential
from mneme.retention.fsrs import Fsrs
from mneme.retention.half_life import HalfLife
from mneme.retention.heat import Heat
from mneme.retention.layered import Item, Layered
from mneme.retention.prototypes import consolidate, least_used
from mneme.retention.trust import Trust

START = datetime(2024, 1, 1, tzinfo=UTC)


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def after(usage: Usage | None, change: Reinforce) -> Usage:
    was = usage or Usage()
    return Usage(
        uses=was.uses + change.uses,
        strength=was.strength + change.strength,
        last_used_at=change.at,
        state={**was.state, **change.state},
    )


def test_memorybank_keeps_what_was_recalled_and_drops_what_was_not() -> None:
    curve = Exponential(scale_days=1.0)
    recalled = after(None, curve.reinforced("a", None, START, "good", START + timedelta(days=1)))
    assert recalled.strength == 2.0
    kept = curve.retention(f32(recalled.strength, 1.0), f32(2, 3))
    assert kept.tolist() == pytest.approx([math.exp(-1), math.exp(-3)], abs=1e-6)
    assert kept[0] >= 0.3 > kept[1]


def test_every_recall_makes_the_same_gap_fade_less() -> None:
    curve, usage, seen = Exponential(scale_days=1.0), None, []
    for day in range(4):
        usage = after(usage, curve.reinforced("a", usage, START, "good", START + timedelta(days=day)))
        seen.append(float(curve.retention(f32(usage.strength), f32(2))[0]))
    assert seen == sorted(set(seen))


def test_being_useless_weakens_down_to_a_floor() -> None:
    curve = Exponential()
    change = curve.reinforced("a", Usage(strength=1.0), START, "again", START)
    assert change.strength == pytest.approx(-0.9)
    assert change.uses == -1.0


@pytest.mark.parametrize("days", [0.0, 0.5, 1.0, 10.0, 365.0])
def test_the_curves_follow_their_closed_forms(days: float) -> None:
    assert Exponential(scale_days=5).retention(f32(3), f32(days))[0] == pytest.approx(math.exp(-days / 15), abs=1e-6)
    assert HalfLife(first_days=30).retention(f32(2), f32(days))[0] == pytest.approx(2 ** (-days / 60), abs=1e-6)


def test_a_half_life_doubles_with_success_and_halves_with_failure() -> None:
    curve = HalfLife(first_days=10)
    assert curve.retention(f32(1), f32(20))[0] == pytest.approx(0.25)
    better = after(None, curve.reinforced("a", None, START, "good", START))
    assert better.strength == 2.0
    assert after(better, curve.reinforced("a", better, START, "again", START)).strength == 1.0


def test_fsrs_gives_its_golden_values() -> None:
    curve = Fsrs()
    usage: Usage | None = None
    at, seen = START, []
    for gap, grade in ((2, "good"), (11, "good"), (46, "again")):
        at += timedelta(days=gap)
        stability = (usage.strength if usage else 1.0) * curve.first_stability
        before = float(curve.retention(f32(stability / curve.first_stability), f32(gap))[0])
        usage = after(usage, curve.reinforced("a", usage, START, grade, at))
        seen.append((before, usage.strength * curve.first_stability, usage.state["fsrs_difficulty"]))
    expected = [(0.9095, 10.9643, 2.1112), (0.8998, 46.2802, None), (0.9004, 2.9326, 7.3900)]
    for (kept, stability, difficulty), (want_kept, want_stability, want_difficulty) in zip(seen, expected, strict=True):
        assert kept == pytest.approx(want_kept, abs=1e-4)
        assert stability == pytest.approx(want_stability, abs=2e-4)
        assert want_difficulty is None or difficulty == pytest.approx(want_difficulty, abs=2e-4)
    assert [curve.due_in(stability) for stability in (2.3065, 10.9643, 46.2802, 2.9326)] == [2, 11, 46, 3]


def test_fsrs_retention_falls_as_its_power_law() -> None:
    curve = Fsrs()
    strengths = np.full(6, 10 / curve.first_stability, np.float32)
    kept = curve.retention(strengths, f32(0, 5, 10, 20, 50, 100))
    assert kept.tolist() == pytest.approx([1, 0.9403, 0.9, 0.8459, 0.7605, 0.6928], abs=1e-4)


def test_fsrs_an_easier_answer_never_leaves_less_stability() -> None:
    curve = Fsrs()
    later = START + timedelta(days=3)
    gains = [curve.reinforced("a", None, START, grade, later).strength for grade in ("again", "hard", "good", "easy")]
    assert gains == sorted(gains)


def test_finmem_a_short_item_is_gone_on_day_nine() -> None:
    layered, item, day = Layered(), Item(layer="short", importance=50), 0
    while not layered.leaves(item):
        item, day = layered.day(item), day + 1
    assert day == 9
    assert layered.recency(Item(layer="short", importance=50, days=3)) == pytest.approx(0.3679, abs=1e-4)


def test_finmem_items_jump_by_importance() -> None:
    layered = Layered()
    risen = layered.jumped(Item(layer="short", importance=90, days=2))
    assert (risen.layer, layered.recency(risen)) == ("mid", 1.0)
    fallen = layered.jumped(Item(layer="mid", importance=59.9, days=5))
    assert (fallen.layer, fallen.days) == ("short", 5)
    judged = layered.judged(Item(layer="short", importance=55), useful=True)
    assert (judged.importance, layered.jumped(judged).layer) == (60, "mid")
    old, new = Item(layer="long", importance=100, days=200), Item(layer="long", importance=10)
    assert layered.compound(old) > layered.compound(new)


def test_memoryos_heat_promotes_on_the_second_visit() -> None:
    heat = Heat()
    first, second, cooled = heat.of(f32(1, 2, 1), f32(2, 2, 0), f32(0, 0, 0)).tolist()
    assert (first, second, cooled) == (4.0, 5.0, 2.0)
    assert heat.promoted(f32(first, second)).tolist() == [False, True]
    assert heat.of(f32(0), f32(0), f32(24))[0] == pytest.approx(math.exp(-1), abs=1e-6)


def test_mark_two_bad_judgements_end_trust() -> None:
    trust = Trust()
    assert trust.score(0, 2) == 0.25
    assert not trust.served(0, 2)
    assert trust.stronger((3, 0, 1.0), (1, 0, 2.0)) == 0
    assert trust.stronger((1, 0, 1.0), (1, 0, 2.0)) == 1
    assert trust.retired(5 * trust.half_life_days, 1)


def test_pamu_a_break_is_one_change_and_an_outlier_or_a_slow_drift_is_none() -> None:
    short = Drift().follow([1.0] * 10 + [0.2] * 3)
    assert [round(reading.average, 3) for reading in short[-3:]] == [0.76, 0.592, 0.474]
    assert [round(reading.mean, 3) for reading in short[-3:]] == [0.733, 0.467, 0.2]
    assert [round(reading.fused, 3) for reading in short[-3:]] == [0.744, 0.517, 0.31]
    assert sum(reading.changed for reading in short) == 1
    assert not any(reading.changed for reading in short[:10])
    outlier = Drift().follow([1.0] * 10 + [0.2, 1.0, 1.0])
    assert outlier[-1].fused == pytest.approx(0.793, abs=1e-3)
    slow = Drift().follow(np.linspace(1, 0.5, 50).tolist())
    assert not any(reading.changed for reading in slow)


def test_memoryvla_merges_the_most_similar_neighbours() -> None:
    axes = np.eye(4, dtype=np.float32)
    merged = merge_adjacent(axes[[0, 0, 1, 2, 3]], (0.0, 1.0, 2.0, 3.0, 4.0), 4)
    assert merged.times == (0.0, 2.0, 3.0, 4.0)
    assert merged.parts == ((0, 1), (2,), (3,), (4,))
    long = merge_adjacent(np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32), tuple(map(float, range(200))), 16)
    assert len(long.times) == 16
    assert list(long.times) == sorted(set(long.times))


def test_xmem_prototypes_are_the_most_used_and_lie_among_the_candidates() -> None:
    draw = np.random.default_rng(1)
    keys, values = draw.normal(size=(50, 4)).astype(np.float32), draw.random((50, 3)).astype(np.float32)
    usage = draw.random(50).astype(np.float32)
    usage[[7, 31]] = 9
    found = consolidate(keys, values, usage, np.ones(50, np.float32), 8)
    assert {7, 31} <= set(found.chosen.tolist())
    assert len(found.chosen) == 8
    assert (found.values >= values.min(axis=0)).all()
    assert (found.values <= values.max(axis=0)).all()
    assert least_used(f32(5, 0, 3), f32(1, 1, 1), room=1, most=3).tolist() == [1]
