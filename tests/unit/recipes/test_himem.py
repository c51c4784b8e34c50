"""HiMem's acceptance test: two channels of boundaries, best-effort reading, reconsolidation, unanswerable."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

import mneme
from mneme.core.records import Episode
from mneme.formation.segments import Either, Surprise, TopicShift, segments
from mneme.recipes.agent.best_effort import UNANSWERABLE, BestEffort
from mneme.testing import ScriptedLLM

from .world import START, memory_of

GATE = "By the way, the gate code is 4411."
ASKED = "What is the gate code?"
TALK = [
    "The tomatoes in my garden need water and the soil is dry.",
    "Tomatoes in the garden want good soil, mine get water daily.",
    "I put compost on the garden soil before planting tomatoes.",
    "Water the tomatoes early, garden soil dries by noon.",
    "My garden tomatoes are ripe, the soil did its work.",
    "The violin concert tonight has a new orchestra conductor.",
    "That orchestra plays violin concert music so well, the conductor is calm.",
    "Concert tickets for the violin and orchestra evening were cheap.",
    "The conductor let the violin lead the orchestra in the concert.",
    "OMG!!! I can't believe it, the violin concert is CANCELLED, I'm devastated!",
    "The orchestra refunds concert tickets, the conductor plays violin at home.",
    "A violin concert by the orchestra in June, conductor willing.",
]


def parts(*channels: object) -> list[range]:
    said = [
        Episode(id=f"ep_{n}", text=text, at=START + timedelta(minutes=n), recorded_at=START, session="s") for n, text in enumerate(TALK)
    ]
    return segments(Either(parts=channels).starts(said), len(said))  # type: ignore[arg-type]


def test_either_channel_makes_a_boundary_and_leaving_one_out_loses_exactly_one() -> None:
    assert parts(TopicShift(), Surprise()) == [range(0, 5), range(5, 9), range(9, 12)]
    assert parts(TopicShift()) == [range(0, 5), range(5, 12)]
    assert parts(Surprise()) == [range(0, 9), range(9, 12)]


def space_of(llm: ScriptedLLM | None = None) -> mneme.Space:
    memory, _ = memory_of("himem", "hash:96", llm=None)
    space = memory.space("s")
    space.remember([GATE, "The hedge is green.", "Ana waters the roses."], session="a")
    assert not [note for note in space.memories({"kinds": ["fact"]}) if "4411" in note.text]
    return space


def model() -> ScriptedLLM:
    return ScriptedLLM(
        {
            "best-effort.judge": lambda request: {"sufficient": "4411" in request.variables["given"], "answer": "4411"},
            "best-effort.extract": {"items": [
                {"message": 0, "quote": "the gate code is 4411", "text": "The gate code is 4411."},
                {"message": 0, "quote": "never said", "text": "The gate is red."},
            ]},
            "best-effort.relate": {"relation": "independent"},
        }
    )  # fmt: skip


@pytest.mark.parametrize("with_model", [True, False])
def test_what_only_an_episode_knows_becomes_a_note_and_is_answered_by_notes_next_time(with_model: bool) -> None:
    space = space_of()
    before = {episode.id: hashlib.sha256(episode.text.encode()).hexdigest() for episode in space.episodes()}
    reader = BestEffort(space, model() if with_model else None)
    first = reader.ask(ASKED)
    assert first.layer == "episodes"
    assert "4411" in first.text
    (note,) = [space.get(id) for id in first.written]
    (span,) = note.sources
    episode = space.episodes([span.episode])[0]
    assert episode.text == GATE
    assert "4411" in episode.text[span.start : span.end]
    assert reader.episode_reads == 1
    second = reader.ask(ASKED)
    assert (second.layer, reader.episode_reads, second.written) == ("notes", 1, ())
    assert {episode.id: hashlib.sha256(episode.text.encode()).hexdigest() for episode in space.episodes()} == before


def judged_later(relation: str, text: str = "") -> BestEffort:
    unit = {"message": 0, "quote": "gate code is 4411", "text": "The gate code is 4411."}
    answers = {
        "best-effort.judge": [{"sufficient": False}, {"sufficient": True, "answer": "4411"}],
        "best-effort.extract": {"items": [unit]},
        "best-effort.relate": {"relation": relation, "text": text},
    }
    return BestEffort(space_of(), ScriptedLLM(answers), near=0.5)


def test_a_contradictory_unit_takes_the_note_s_place() -> None:
    reader = judged_later("contradictory")
    note = reader.space.remember(memories=[{"text": "The gate code is 1234.", "kind": "fact"}]).ids[0]
    reader.ask(ASKED)
    assert reader.space.get(note).status == "archived"
    assert [m.text for m in reader.space.memories({"kinds": ["fact"]}) if "gate" in m.text] == ["The gate code is 4411."]


def test_an_extending_unit_extends_the_note() -> None:
    both = "The gate code is 4411, for the north gate."
    reader = judged_later("extendable", both)
    note = reader.space.remember(memories=[{"text": "The gate code is for the north gate.", "kind": "fact"}]).ids[0]
    assert reader.ask(ASKED).written == (note,)
    assert [step.memory.text for step in reader.space.history(note) if step.memory] == ["The gate code is for the north gate.", both]


def test_what_extends_a_note_rests_on_its_episode_and_goes_with_it() -> None:
    both = "The gate code is 4411, for the north gate."
    reader = judged_later("extendable", both)
    space = reader.space
    note = space.remember(memories=[{"text": "The gate code is for the north gate.", "kind": "fact"}]).ids[0]
    reader.ask(ASKED)
    said = next(episode for episode in space.episodes() if episode.text == GATE)
    assert said.id in {span.episode for span in space.get(note).sources}
    space.forget("mem" + said.id[2:], erase=True)
    everywhere = space.memories({"archived": True}, limit=100, statuses=("active", "archived", "quarantined"))
    assert not any("4411" in memory.text for memory in everywhere)
    assert not any("4411" in episode.text for episode in space.episodes())


def test_a_unit_without_words_is_left_out_and_the_answer_stands() -> None:
    units = [{"message": 0, "quote": "gate code", "text": "  "}, {"message": 9, "quote": "gate code", "text": "x"}]
    answers = {
        "best-effort.judge": [{"sufficient": False}, {"sufficient": True, "answer": "4411"}],
        "best-effort.extract": {"items": units},
    }
    space = space_of()
    space.remember(memories=[{"text": "Ana likes roses.", "kind": "fact"}])
    reply = BestEffort(space, ScriptedLLM(answers)).ask(ASKED)
    assert (reply.text, reply.layer, reply.written) == ("4411", "episodes", ())


def test_events_of_a_talk_are_the_same_when_its_messages_come_one_by_one() -> None:
    made = {}
    for at_once in (True, False):
        memory, clock = memory_of("himem", "hash:256")
        space = memory.space("s")
        clock.set(START + timedelta(hours=1))
        given = [{"text": text, "at": START + timedelta(minutes=n), "session": "s"} for n, text in enumerate(TALK)]
        for part in [given] if at_once else [[one] for one in given]:
            space.remember(part)
        turns = sorted(space.memories({"kinds": ["turn"]}), key=lambda one: one.at)
        place = {"ep" + turn.id[3:]: number for number, turn in enumerate(turns)}
        made[at_once] = sorted([place[span.episode] for span in event.sources] for event in space.memories({"tiers": ["episode"]}))
    assert [number for part in made[False] for number in part] == list(range(len(TALK)))
    assert 2 <= len(made[False]) <= len(made[True]) + 1
    assert all(len(part) > 1 for part in made[False])


def test_what_neither_knows_is_unanswerable_and_writes_nothing() -> None:
    space = space_of()
    entries = len(space.journal(limit=1000))
    reply = BestEffort(space).ask("Which hospital treated the captain?")
    assert (reply.text, reply.layer, reply.written) == (UNANSWERABLE, "none", ())
    assert len(space.journal(limit=1000)) == entries


def test_a_question_in_a_script_without_spaces_is_answered() -> None:
    memory, _ = memory_of("himem", "hash:96")
    space = memory.space("s")
    space.remember(["大门的密码是4411。", "今天天气很好。", "安娜在浇玫瑰。"], session="a")
    reader = BestEffort(space)
    first = reader.ask("大门的密码是什么？")
    assert (first.text, first.layer, len(first.written)) == ("大门的密码是4411。", "episodes", 1)
    assert reader.ask("大门的密码是什么？").layer == "notes"
    assert reader.ask("船长住在哪里？").layer == "none"
