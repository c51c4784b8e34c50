"""PAMU's acceptance test: the sheet's numbers with both floors, emotions that stay distributions, a prefix that changes by thirds."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest

from mneme.retention.drift import Drift
from mneme.retention.style import followed, third
from mneme.text.feelings import emotions

from .world import START, memory_of

LONG = (
    "I wanted to tell you about my week, which began with a long walk along the river and ended with a dinner for all of my old friends; "
    * 3
)
SHORT = "ok, fine"


def test_the_break_gives_the_sheet_s_change_scores_and_one_event() -> None:
    raw = Drift(floor=1e-5).follow([1.0] * 10 + [0.2] * 3)
    assert [round(reading.change, 2) for reading in raw[-3:]] == [1.89, 2.24, 2.19]
    assert [reading.change for reading in raw[:10]] == [0.0] * 10
    assert [number for number, reading in enumerate(raw) if reading.changed] == [10]
    floored = Drift().follow([1.0] * 10 + [0.2] * 3)
    assert floored[11].change == pytest.approx(1.65, abs=0.01)
    assert [number for number, reading in enumerate(floored) if reading.changed] == [11]  # the second short turn


def test_without_the_floor_a_smooth_drift_flags_every_turn_and_with_it_none() -> None:
    slow = np.linspace(1, 0.5, 50).tolist()
    assert max(reading.change for reading in Drift(floor=1e-5).follow(slow)) > 10
    readings = Drift().follow(slow)
    assert abs(readings[-1].mean - readings[-1].average) == pytest.approx(0.014, abs=1e-3)
    assert readings[-1].change == pytest.approx(0.67, abs=0.03)
    assert readings[-1].average - slow[-1] <= 0.025
    assert not any(reading.changed for reading in readings)


def test_an_outlier_leaves_the_fused_value_above_six_tenths() -> None:
    readings = Drift().follow([1.0] * 10 + [0.2, 1.0, 1.0])
    assert round(readings[-1].fused, 3) == 0.793


def test_emotions_stay_distributions_however_they_are_mixed() -> None:
    texts = [
        "I am so happy!",
        "This is terrible, I hate it.",
        "The bus is late.",
        "I'm scared of the exam.",
        "Wow, unbelievable!",
        "not happy",
    ]
    for number in range(1, len(texts) + 1):
        assert sum(followed(texts[:number]).emotion.values()) == pytest.approx(1.0)
        assert sum(emotions(texts[number - 1]).values()) == pytest.approx(1.0)
    assert max(emotions(texts[0]), key=lambda name: emotions(texts[0])[name]) == "joy"


def test_the_prefix_changes_only_with_a_third_of_a_scale() -> None:
    texts = [LONG] * 6 + [SHORT] * 6
    seen = [followed(texts[: number + 1]) for number in range(len(texts))]
    for before, after in pairwise(seen):
        same = before.words() == after.words() and before.changes == after.changes
        assert not same or before.prefix() == after.prefix()
    assert seen[0].words()["length"] == "long"
    assert seen[-1].words()["length"] == "short"
    assert "recently shifted from long to" in seen[-1].prefix()
    assert third("formality", 0.34) == "neutral in tone"


def test_upkeep_keeps_one_line_per_person_and_renews_it_when_the_style_changes() -> None:
    memory, clock = memory_of("pamu", "hash:96")
    space = memory.space("s")
    for day, text in enumerate([LONG] * 6):
        clock.set(START + timedelta(days=day))
        space.remember(text, author="Ana", role="user")
        space.remember("Certainly.", author="Bot", role="assistant")
    space.upkeep()
    (line,) = space.memories({"tags": ["style"]})
    assert line.text.startswith("Ana writes long")
    assert space.upkeep().done == {}
    for day in range(6, 14):
        clock.set(START + timedelta(days=day))
        space.remember(SHORT, author="Ana", role="user")
    space.upkeep()
    (now,) = space.memories({"tags": ["style"]})
    assert now.text.startswith("Ana writes short")
    assert "recently shifted from long to" in now.text
    assert space.get(line.id).status == "archived"
    space.undo()
    assert [m.id for m in space.memories({"tags": ["style"]})] == [line.id]


def test_a_change_of_the_leading_emotion_is_told_once() -> None:
    glad, sad = "I am so happy, what a wonderful lovely day!", "I am so sad and lonely, I cried, what a loss."
    style = followed([glad] * 6 + [sad] * 6)
    (change,) = [one for one in style.changes if one.trait == "emotion"]
    assert (change.before, change.after) == ("joy", "sadness")
    assert change.at in (7, 8)
    assert "recently shifted from joy to sadness" in style.prefix()
    assert not [one for one in followed([glad] * 12).changes if one.trait == "emotion"]


def test_the_host_is_the_default_recipe_and_nothing_else() -> None:
    from mneme.core.composing import resolve

    mine, host = resolve("pamu"), resolve("default")
    assert (mine.channels, mine.ranker, mine.refiners, mine.packer, mine.formers) == (
        host.channels, host.ranker, host.refiners, host.packer, host.formers,
    )  # fmt: skip


def test_a_caller_s_own_tag_style_is_no_line_of_this_keeper() -> None:
    memory, _ = memory_of("pamu", "hash:96")
    space = memory.space("s")
    space.remember([{"text": LONG, "role": "user", "tags": ["style"]}] * 6)
    space.remember(memories=[{"text": "Gothic arches.", "kind": "preference", "tags": ["style"]}])
    space.upkeep()
    (line,) = [one for one in space.memories({"tags": ["style"], "kinds": ["preference"]}) if "traits" in one.attributes]
    assert line.text.startswith("The user writes long")
    assert space.upkeep().done == {}


def test_messages_without_an_author_and_the_user_by_name_are_one_person() -> None:
    memory, _ = memory_of("pamu", "hash:96")
    space = memory.space("s")
    space.remember([LONG] * 6)
    space.remember([{"text": SHORT, "author": "The user"}] * 6)
    space.upkeep()
    assert len(space.memories({"tags": ["style"]})) == 1
    assert space.upkeep().done == {}
