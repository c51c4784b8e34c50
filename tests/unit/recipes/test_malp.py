"""MaLP's acceptance test: said once it fades, said or used three times it is long-term; a correction is a pair; the erased is in none."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import resolve
from mneme.recipes.agent.personal import Personal

from .world import START, memory_of

DAY = timedelta(days=1)


def world() -> tuple[mneme.Space, FrozenClock]:
    memory, clock = memory_of("malp", "hash:96")
    return memory.space("s"), clock


def known(space: mneme.Space, question: str) -> list[str]:
    return [hit.text for hit in space.recall(question, k=9).hits if hit.memory.kind == "turn"]


def test_the_short_term_store_fades_by_half_in_a_week() -> None:
    curve = resolve("malp").curve
    assert curve is not None
    assert curve.retention(np.float32([1]), np.float32([7]))[0] == pytest.approx(0.5, abs=0.01)


def test_what_is_said_once_is_gone_after_thirty_days_and_what_is_said_three_times_is_long_term() -> None:
    space, clock = world()
    once, thrice = "The plumber came about the kitchen sink.", "My daughter Mia is allergic to walnuts."
    again = ["My daughter Mia is allergic to walnuts!", "Mia, my daughter, is allergic to walnuts."]
    space.remember(once, ref="once", author="Ana")
    for day, text in enumerate([thrice, *again]):
        clock.set(START + day * DAY)
        space.remember(text, ref=f"m{day}", author="Ana", session=str(day))
    (first,) = [memory for memory in space.memories({"kinds": ["turn"]}) if memory.ref == "m0"]
    assert space.usage([first.id])[first.id].uses == 3.0
    clock.set(START + 4 * DAY)
    space.upkeep()
    assert space.get(first.id).tier == "long"
    clock.set(START + 30 * DAY)
    space.upkeep()
    assert once not in known(space, "plumber kitchen sink")
    assert thrice in known(space, "Is Mia allergic to walnuts?")
    clock.set(START + 300 * DAY)
    space.upkeep()
    assert thrice in known(space, "Is Mia allergic to walnuts?")
    assert once in {episode.text for episode in space.episodes()}


def test_what_is_used_three_times_stays_and_others_repetitions_and_denials_rehearse_nothing() -> None:
    space, clock = world()
    space.remember("The key is under the blue pot.", ref="A", author="Ana")
    space.remember("The bus was late today.", ref="B", author="Ana")
    space.remember("The bus was late today.", ref="C", author="Ben")
    space.remember("The bus was not late today.", ref="D", author="Ana")
    for day in (1, 2, 3):
        clock.set(START + day * DAY)
        found = space.recall("Where is the key?", k=1)
        space.feedback(found, useful=[found.hits[0]])
    by = {memory.ref: memory.id for memory in space.memories({"kinds": ["turn"]})}
    assert by["B"] not in space.usage([by["B"]])
    clock.set(START + 30 * DAY)
    space.upkeep()
    assert {memory.ref for memory in space.memories({"kinds": ["turn"]})} == {"A"}


TALK = [
    ("user", "How hot may the press run?"),
    ("assistant", "The press may run at 90 degrees."),
    ("user", "No, the press must stay below 80 degrees in summer."),
    ("assistant", "Then the press stays below 80 degrees."),
    ("user", "Who checks it?"),
    ("assistant", "The night shift checks it twice."),
    ("user", "Perfect, thanks."),
]


def talked(repeat: int = 1) -> mneme.Space:
    space, clock = world()
    for round_ in range(repeat):
        for number, (role, text) in enumerate(TALK):
            clock.set(START + round_ * DAY + number * timedelta(minutes=1))
            space.remember(text, role=role, session=f"talk {round_}", ref=f"{round_}.{number}")
    return space


@pytest.mark.parametrize("repeat", [1, 2])
def test_a_correction_is_one_preference_pair_that_cites_both_and_is_there_once(repeat: int) -> None:
    space = talked(repeat)
    (pair,) = Personal(space).preferences()
    assert (pair.question, pair.answer, pair.rejected) == (TALK[0][1], TALK[3][1], TALK[1][1])
    assert {space.get(id).text for id in pair.sources} >= {TALK[1][1], TALK[2][1]}
    (good,) = Personal(space).instructions()
    assert (good.question, good.answer) == (TALK[4][1], TALK[5][1])


def test_a_correction_without_a_new_reply_is_its_own_answer() -> None:
    space, _ = world()
    for role, text in TALK[:3]:
        space.remember(text, role=role, session="one")
    (pair,) = Personal(space).preferences()
    assert (pair.answer, pair.rejected) == ("the press must stay below 80 degrees in summer.", TALK[1][1])


def test_the_export_is_lines_of_json_without_anything_that_was_erased(tmp_path: Path) -> None:
    space = talked()
    assert Personal(space).export(tmp_path) == {"preferences": 1, "instructions": 1}
    (line,) = [orjson.loads(row) for row in (tmp_path / "preferences.jsonl").read_bytes().splitlines()]
    assert (line["chosen"], line["rejected"]) == (TALK[3][1], TALK[1][1])
    assert len(line["sources"]) == 4
    (reply,) = [memory for memory in space.memories({"kinds": ["turn"]}) if memory.text == TALK[1][1]]
    space.forget(reply.id, erase=True)
    assert Personal(space).export(tmp_path) == {"preferences": 0, "instructions": 1}
    assert b"90 degrees" not in (tmp_path / "preferences.jsonl").read_bytes() + (tmp_path / "instructions.jsonl").read_bytes()


def test_what_is_known_from_a_message_goes_with_it() -> None:
    space, clock = world()
    space.remember("I bought a red bicycle.", author="Ana")
    assert [memory.kind for memory in space.memories(limit=9)].count("turn") == 1
    assert len(space.memories(limit=9)) > 1  # a statement was read from it
    clock.set(START + 30 * DAY)
    space.upkeep()
    assert space.recall("What did Ana buy?", k=5).hits == ()
    assert space.recall("What did Ana buy?", k=5, archived=True).hits


def test_what_matters_much_is_long_term_at_once_and_so_is_the_message_behind_it() -> None:
    space, clock = world()
    space.remember(["I am allergic to walnuts.", "The tram was late."], author="Ana")
    clock.set(START + 60 * DAY)
    space.upkeep()
    assert [hit.text for hit in space.recall("What is Ana allergic to?", k=5).hits] == ["I am allergic to walnuts."]


def test_preferences_are_there_for_every_reply_the_latest_first() -> None:
    space, clock = world()
    for day, text in enumerate(["I love jasmine tea.", "I hate long answers.", "The tram was late."]):
        clock.set(START + day * DAY)
        space.remember(text, author="Ana")
    told = [memory.text for memory in Personal(space).style()]
    assert len(told) == 2
    assert "answers" in told[0]
    assert "tea" in told[1]
    assert [memory.text for memory in Personal(space).style(1)] == told[:1]
    assert Personal(talked()).style() == []


def test_without_sessions_a_silence_parts_the_talks() -> None:
    space, clock = world()
    for number, (role, text) in enumerate(TALK[:3]):
        clock.set(START + (timedelta(minutes=1) if number < 2 else 3 * DAY))
        space.remember(text, role=role)
    assert Personal(space).preferences() == []
    near, clock = world()
    for number, (role, text) in enumerate(TALK[:3]):
        clock.set(START + number * timedelta(minutes=5))
        near.remember(text, role=role)
    assert len(Personal(near).preferences()) == 1


def test_repetitions_at_one_instant_and_after_a_recall_count_and_reading_anew_counts_nothing() -> None:
    space, clock = world()
    for _ in range(3):
        space.remember("I drink tea.", author="Ana")
    first = min(memory.id for memory in space.memories({"kinds": ["turn"]}))
    assert space.usage([first])[first].uses == 3.0
    clock.set(START + DAY)
    space.feedback(space.recall("What is drunk?", k=1), useful=[first])
    before = space.usage([first])[first].uses
    space.remember("I drink tea.", author="Ana", at=START + DAY - timedelta(seconds=5))  # its sender's clock is behind
    assert space.usage([first])[first].uses == before + 1
    formed = space.form([episode.id for episode in space.episodes()])
    assert not [operation for operation in formed.operations if type(operation).__name__ == "Reinforce"]


def test_a_preference_that_ends_later_is_heeded_until_then() -> None:
    space, clock = world()
    given = {"text": "Ana wants short answers.", "kind": "preference", "valid_from": START, "valid_to": START + 3 * DAY}
    space.remember(memories=[given])
    assert [memory.text for memory in Personal(space).style()] == ["Ana wants short answers."]
    clock.set(START + 3 * DAY)
    assert Personal(space).style() == []


@pytest.mark.parametrize("year", [2024, 1965])
@pytest.mark.parametrize("days", [(1, 5, 10), (1, 10, 5)])
def test_a_repetition_counts_in_whatever_year_and_order_it_is_told(year: int, days: tuple[int, ...]) -> None:
    space, clock = world()
    for number, day in enumerate(days):
        clock.set(START + 30 * DAY + number * timedelta(minutes=1))
        space.remember("I drink tea.", author="Ana", at=START.replace(year=year, day=day))
    first = min(space.memories({"kinds": ["turn"]}), key=lambda memory: memory.at).id
    assert space.usage([first])[first].uses == 3.0
    formed = space.form([episode.id for episode in space.episodes()])
    assert not [operation for operation in formed.operations if type(operation).__name__ == "Reinforce"]


def test_many_repetitions_are_counted_once_each_and_in_a_bounded_room() -> None:
    space, clock = world()
    for number in range(45):
        clock.set(START + number * timedelta(minutes=1))
        space.remember("I drink tea.", author="Ana")
    clock.set(START + DAY)
    space.remember(["I drink tea."] * 40, author="Ana")
    first = min(space.memories({"kinds": ["turn"]}, limit=100), key=lambda memory: (memory.at, memory.id)).id
    usage = space.usage([first])[first]
    assert usage.uses == 85.0
    assert len(usage.state) <= 70
    formed = space.form([episode.id for episode in space.episodes(limit=100)])
    assert not [operation for operation in formed.operations if type(operation).__name__ == "Reinforce"]
