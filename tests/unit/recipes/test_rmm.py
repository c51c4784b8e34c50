"""RMM's prospective reflection, and a reader that learns from citations; the reranker's numbers are in test_sheets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

import mneme
from mneme.recipes.agent.citing import Citing
from mneme.retrieval.residual import Residual
from mneme.testing import ScriptedLLM

from .test_sheets import world
from .world import START, bare, memory_of

ONE = ["The garden needs water.", "My garden has tomatoes.", "Yes, water the garden.", "The garden is dry."]
TWO = ["The tomatoes in my garden are ripe.", "What a garden!", "I picked the garden's tomatoes.", "Good for the garden."]


def topics(space: mneme.Space) -> list[tuple[str, str, int]]:
    return sorted((str(m.attributes["speaker"]), m.text, len(m.sources)) for m in space.memories({"tiers": ["topic"]}))


def told(space: mneme.Space, texts: list[str], session: str, author: str | None = None) -> None:
    space.remember(
        [{"text": text, "author": author or ("Ana", "Ben")[n % 2], "session": session} for n, text in enumerate(texts)], wait=True
    )


def test_a_topic_of_two_sessions_is_one_memory_with_both_references() -> None:
    extracted = [{"items": [{"summary": text, "reference": [0, 1]}]} for text in ("Ana gardens.", "Ana's garden is ripe.")]
    merge = {"action": "merge", "number": 0, "summary": "Ana gardens, and her tomatoes are ripe."}
    llm = ScriptedLLM({"topics.extract": extracted, "topics.update": merge})
    memory, _ = memory_of("rmm", "hash:96", llm=llm)
    space = memory.space("s")
    told(space, ONE, "a", "Ana")
    assert topics(space) == [("Ana", "Ana gardens.", 2)]
    told(space, TWO, "b", "Ana")
    assert topics(space) == [("Ana", "Ana gardens, and her tomatoes are ripe.", 4)]
    (topic,) = space.memories({"tiers": ["topic"]})
    assert {episode.session for episode in space.episodes([span.episode for span in topic.sources])} == {"a", "b"}
    assert [step.memory.text for step in space.history(topic.id) if step.memory][0] == "Ana gardens."  # noqa: RUF015


def test_a_session_without_a_trait_leaves_the_topics_as_they_are() -> None:
    llm = ScriptedLLM({"topics.extract": {"items": []}})
    memory, _ = memory_of("rmm", "hash:96", llm=llm)
    space = memory.space("s")
    told(space, ONE, "a")
    assert topics(space) == []
    assert len(space.memories({"kinds": ["turn"]})) == 4


def test_two_speakers_keep_banks_of_their_own_and_made_up_lines_are_left_out() -> None:
    extracted = [
        {"items": [{"summary": "Talks about the garden.", "reference": [0]}]},
        {"items": [{"summary": "Talks about the garden.", "reference": [1]}, {"summary": "invented", "reference": [9]}]},
    ]
    llm = ScriptedLLM({"topics.extract": extracted, "topics.update": {"action": "add"}})
    memory, _ = memory_of("rmm", "hash:96", llm=llm)
    space = memory.space("s")
    told(space, ONE, "a")
    assert topics(space) == [("Ana", "Talks about the garden.", 1), ("Ben", "Talks about the garden.", 1)]


def test_by_rule_speakers_are_apart_and_the_same_topic_is_merged() -> None:
    memory, _ = memory_of(bare(formers=[{"use": "speaker-topics", "near": 0.3}], ranker="keyed"), "hash:96")
    space = memory.space("s")
    told(space, ONE, "a")
    assert [speaker for speaker, _, _ in topics(space)] == ["Ana", "Ben"]
    told(space, TWO, "b")
    assert [(speaker, count) for speaker, _, count in topics(space)] == [("Ana", 4), ("Ben", 4)]


def test_memories_that_were_not_kept_get_no_reward_of_their_own() -> None:
    query, memories = world(2)
    fresh = Residual(width=4, rate=1.0, batch=1)
    before = fresh.scores(query, memories)
    fresh.learn(query, memories, [0], set())
    assert fresh.scores(query, memories)[0] < before[0]
    unit = Residual(width=4, batch=1)
    unit.learn(query, memories, [0], {0})
    other = Residual(width=4, batch=1)
    other.learn(query, memories, [0], {0, 3})  # 3 was not kept: citing it changes nothing
    assert np.array_equal(unit.memory, other.memory)


def test_a_huge_rate_stays_finite_because_norms_are_clipped() -> None:
    query, memories = world(1)
    fresh = Residual(width=4, rate=5e-2)
    for _ in range(2000):
        fresh.learn(query, memories, fresh.chosen(query, memories, 3), {4})
    assert np.isfinite(fresh.memory).all()
    assert np.linalg.norm(fresh.memory) <= fresh.most_weight + 1e-9


def test_a_reader_keeps_five_of_twenty_and_what_is_cited_climbs(tmp_path: Path) -> None:
    table = {"q": [1, 0], **{f"t{n}": [1 - n / 50, *[0.0] * n, 1.0] for n in range(20)}}
    memory, _ = memory_of(bare(channels=["dense"]), table)
    space = memory.space("s")
    space.remember(list(table)[1:])
    reader = Citing(space, Residual(width=64, rate=0.05, batch=1), seed=3)
    assert [hit.text for hit in Citing(space).recall("q").hits] == [f"t{n}" for n in range(5)]
    for _ in range(150):
        kept = reader.recall("q")
        reader.cited(kept, [number for number, hit in enumerate(kept.hits) if hit.text == "t6"])
    calm = Citing(space, reader.reranker)
    assert "t6" in [hit.text for hit in calm.recall("q").hits]
    calm.save(tmp_path / "weights.npz")
    again = Citing(space)
    again.load(tmp_path / "weights.npz")
    assert [hit.text for hit in again.recall("q").hits] == [hit.text for hit in calm.recall("q").hits]
    (t6,) = [m for m in space.memories(limit=50) if m.text == "t6"]
    assert space.usage([t6.id])[t6.id].uses > 0
    assert pytest.approx(0) == np.abs(Citing(space).reranker.memory).sum()


def test_messages_without_blanks_have_topics_too() -> None:
    memory, _ = memory_of("rmm", "hash:96")
    space = memory.space("s")
    told(space, ["花园需要很多水。", "我的花园里有西红柿。", "西红柿已经熟了。", "花园很干。"], "a", "安娜")
    assert {speaker for speaker, _, _ in topics(space)} == {"安娜"}
    assert sum(count for _, _, count in topics(space)) == 4


def test_the_rest_of_a_talk_is_read_when_another_follows_after_a_silence() -> None:
    memory, clock = memory_of("rmm", "hash:96")
    space = memory.space("s")
    for number, text in enumerate([*ONE, *TWO[:2]]):
        clock.set(START + timedelta(minutes=number))
        space.remember(text, author="Ana", session="a")
    read = {span.episode for topic in space.memories({"tiers": ["topic"]}) for span in topic.sources}
    assert len(read) == 4
    clock.set(START + timedelta(days=1))
    space.remember("Good morning to everybody here.", author="Ana", session="b")
    read = {span.episode for topic in space.memories({"tiers": ["topic"]}) for span in topic.sources}
    assert read >= {"ep" + turn.id[3:] for turn in space.memories({"kinds": ["turn"], "sessions": ["a"]}) if len(turn.text.split()) >= 3}


def read_of(space: mneme.Space) -> dict[str, int]:
    """Return how many messages of each session the topics rest on."""
    read = {span.episode for topic in space.memories({"tiers": ["topic"]}) for span in topic.sources}
    told = [str(episode.session) for episode in space.episodes() if episode.id in read]
    return {session: told.count(session) for session in sorted(set(told))}


def test_every_session_that_fell_silent_is_read_and_not_only_the_one_that_spoke_last() -> None:
    memory, clock = memory_of("rmm", "hash:96")
    space = memory.space("s")
    said = [
        (0, "a", ONE[0]),
        (30, "b", "The violin needs a string."),
        (50, "c", "A boat needs a sail."),
        (80, "b", "My violin sounds well."),
    ]
    for minute, session, text in said:
        clock.set(START + timedelta(minutes=minute))
        space.remember(text, author="Ana", session=session)
        expected = {"a": 1} if minute == 80 else {}
        assert read_of(space) == expected  # nobody waits for the others to end
    clock.set(START + timedelta(minutes=240))
    space.remember("Bread bakes in the oven.", author="Ana", session="d")
    assert read_of(space) == {"a": 1, "b": 2, "c": 1}


def test_a_silence_within_a_session_closes_the_others_and_not_itself() -> None:
    memory, clock = memory_of("rmm", "hash:96")
    space = memory.space("s")
    for minute, session, text in [(0, "a", ONE[0]), (30, "b", "The violin needs a string."), (240, "a", ONE[1])]:
        clock.set(START + timedelta(minutes=minute))
        space.remember(text, author="Ana", session=session)
    assert read_of(space) == {"b": 1}


def test_what_comes_late_to_a_session_that_is_over_is_read() -> None:
    memory, clock = memory_of("rmm", "hash:96")
    space = memory.space("s")
    clock.set(START + timedelta(hours=9))
    for minute, session, text in [(0, "a", ONE[0]), (240, "b", "The violin needs a string."), (10, "a", ONE[1]), (250, "b", TWO[0])]:
        space.remember({"text": text, "at": START + timedelta(minutes=minute)}, author="Ana", session=session)
    assert read_of(space) == {"a": 2}
