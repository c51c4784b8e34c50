"""LD-Agent's acceptance test: a pause closes a talk, the sheet's scores, no memory without a common word, traits of two speakers apart."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.composing import compose
from mneme.core.records import Memory
from mneme.retrieval.overlap import share
from mneme.testing import ScriptedLLM

from .world import START, memory_of

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
WORDS = " ".join(f"word{number}" for number in range(40))


def agent(llm: ScriptedLLM | None = None) -> tuple[mneme.Space, FrozenClock]:
    memory, clock = memory_of("ld-agent", "hash:96", llm=llm)
    return memory.space("s"), clock


def summaries(space: mneme.Space) -> list[Memory]:
    return space.memories({"kinds": ["summary"]})


def short_term(space: mneme.Space) -> list[str]:
    """What no summary covers."""
    covered = {span.episode for memory in summaries(space) for span in memory.sources}
    return [episode.text for episode in space.episodes() if episode.id not in covered]


@pytest.mark.parametrize("session", [None, "one"])
@pytest.mark.parametrize("with_model", [True, False])
def test_at_the_message_after_a_pause_there_is_one_summary_of_those_before_it(session: str | None, with_model: bool) -> None:
    llm = ScriptedLLM({"talks.summarise": {"text": WORDS}, "traits.persona": {"trait": "NO_TRAIT"}}) if with_model else None
    space, clock = agent(llm)
    said = {0: "The dog ran through the park.", 10: "The dog found a stick in the park.", 130: "The violin needs a new string."}
    for minute, text in said.items():
        clock.set(START + minute * MINUTE)
        assert summaries(space) == []
        space.remember(text, author="Ana", session=session, wait=True)
    (summary,) = summaries(space)
    assert [episode.text for episode in space.episodes([span.episode for span in summary.sources])] == [said[0], said[10]]
    assert short_term(space) == [said[130]]
    assert len(summary.text.split()) <= 20
    assert summary.text.startswith("word0 " if with_model else "")
    assert "park" in summary.attributes["topics"]  # type: ignore[operator]
    clock.set(START + 140 * MINUTE)
    space.remember("The violin sounds well again.", author="Ana", session=session, wait=True)
    assert len(summaries(space)) == 1


def test_a_history_that_comes_at_once_has_a_summary_for_each_closed_talk() -> None:
    space, clock = agent()
    clock.set(START + 3 * DAY)
    space.remember(
        [{"text": f"Talk {n // 3} was about topic {n // 3}, part {n % 3}.", "at": START + (n // 3) * DAY + n * MINUTE} for n in range(9)]
    )
    assert [len(memory.sources) for memory in summaries(space)] == [3, 3]
    assert len(short_term(space)) == 3


def test_age_and_shared_words_trade_off_as_in_the_sheet() -> None:
    def score(shared: float, words: float, days: float) -> float:
        overlap = share(np.array([shared], np.float32), 2.0, np.array([words], np.float32))[0]
        return float(overlap * np.exp(-1e-7 * days * 86400))

    assert score(1, 2, 1) == pytest.approx(0.4957, abs=1e-4)
    assert score(2, 2, 30) == pytest.approx(0.7717, abs=1e-4)
    assert score(2, 2, 120) == pytest.approx(0.3546, abs=1e-4)
    space, clock = agent()
    clock.set(START + 29 * DAY)
    space.remember("dog vet", ref="m1")
    space.remember("dog park", ref="m2", at=START)
    clock.set(START + 30 * DAY)
    found = {hit.ref: hit.why for hit in space.recall("dog park", k=3, kinds=["turn"], explain=True).hits}
    assert list(found) == ["m2", "m1"]
    assert {ref: (why["overlap"], round(float(why["decay"]), 4)) for ref, why in found.items()} == {  # type: ignore[arg-type]
        "m1": (0.5, round(float(np.exp(-0.00864)), 4)),
        "m2": (1.0, round(float(np.exp(-0.2592)), 4)),
    }
    clock.set(START + 130 * DAY)
    space.remember("dog vet", ref="m3")
    assert space.recall("dog park", k=3).hits[0].ref == "m3"


def test_without_a_common_word_there_is_no_memory_where_that_is_asked_for() -> None:
    ranker = {"use": "overlap", "per_second": 1e-07, "similarity": 0.5, "strict": True}
    memory, _ = memory_of(compose(name="strict", base="ld-agent", ranker=ranker), "hash:96")
    space = memory.space("s")
    space.remember(["dog vet", "dog park"])
    assert space.recall("violin string", k=5).hits == ()
    assert [hit.text for hit in space.recall("park", k=5).hits] == ["dog park"]


def test_what_is_no_trait_is_not_kept_and_both_speakers_have_banks_of_their_own() -> None:
    space, _ = agent()
    space.remember(
        [{"text": "haha ok", "author": "Ana"}, {"text": "I am a nurse.", "author": "Ana"}, {"text": "I like jazz.", "author": "Ben"}]
    )
    banks = {
        author: [memory.text for memory in space.memories({"kinds": ["fact", "profile", "preference"], "authors": [author]})]
        for author in ("Ana", "Ben")
    }
    assert banks == {"Ana": ["Ana works as a nurse."], "Ben": ["Ben likes jazz."]}


def test_a_talk_is_closed_by_a_message_of_another_session() -> None:
    space, clock = agent()
    said = [("a", "The dog ran off."), ("a", "The dog is back."), ("b", "A new violin."), ("b", "It sings.")]
    for number, (session, text) in enumerate(said):
        clock.set(START + (number // 2) * DAY + number * MINUTE)
        space.remember(text, author="Ana", session=session)
    (summary,) = summaries(space)
    assert summary.session == "a"
    assert short_term(space) == ["A new violin.", "It sings."]
    clock.set(START + 3 * DAY)
    space.remember("Hello again.", author="Ana", session="c")
    assert sorted(str(memory.session) for memory in summaries(space)) == ["a", "b"]


@pytest.mark.parametrize("session", [None, "one"])
@pytest.mark.parametrize("late", [-10, 3, 10])
def test_a_message_that_comes_late_to_a_closed_talk_is_in_its_one_summary(session: str | None, late: int) -> None:
    llm = ScriptedLLM({"talks.summarise": {"text": "They met."}, "traits.persona": {"trait": "NO_TRAIT"}})
    space, clock = agent(llm)
    clock.set(START + DAY)
    for minute in (0, 5, 240, late):
        space.remember(f"What was said at {minute}.", at=START + minute * MINUTE, session=session, wait=True)
    (summary,) = summaries(space)
    assert len(summary.sources) == 3
    assert short_term(space) == ["What was said at 240."]
    space.remember("What was said at 250.", at=START + 250 * MINUTE, session=session, wait=True)
    assert [memory.id for memory in summaries(space)] == [summary.id]
    assert [request.role for request in llm.asked].count("talks.summarise") == 2


def test_a_message_between_two_closed_talks_makes_one_of_them() -> None:
    space, clock = agent()
    clock.set(START + DAY)
    for minute in (0, 100, 300, 50):
        space.remember(f"What was said at {minute}.", at=START + minute * MINUTE, session="one")
    (summary,) = summaries(space)
    assert len(summary.sources) == 3


def test_talks_without_a_session_are_not_mixed_with_those_of_one() -> None:
    space, clock = agent()
    space.remember("The dog ran off.", session="a")
    clock.set(START + 2 * MINUTE)
    space.remember("The violin is out of tune.")
    clock.set(START + DAY)
    space.remember("Good morning, the sun shines.")
    assert sorted(len(memory.sources) for memory in summaries(space)) == [1, 1]


def test_a_closed_talk_is_summed_up_once_however_many_messages_follow() -> None:
    llm = ScriptedLLM({"talks.summarise": {"text": "They met."}, "traits.persona": {"trait": "NO_TRAIT"}})
    space, clock = agent(llm)
    for number in range(6):
        clock.set(START + (number > 1) * DAY + number * MINUTE)
        space.remember(f"Message {number} of the day.", session="a" if number < 2 else "b", wait=True)
    assert [request.role for request in llm.asked].count("talks.summarise") == 1


def test_a_model_reads_traits_of_both_sides_and_none_is_not_kept() -> None:
    traits = [{"trait": "NO_TRAIT"}, {"trait": "Owns a red bicycle."}, {"trait": WORDS}, {"trait": "no trait."}]
    space, _ = agent(ScriptedLLM({"traits.persona": traits}))
    said = [("Hi!", "user"), ("My red bicycle squeaks.", "user"), ("I was made to help people.", "assistant"), ("Fine.", "assistant")]
    for text, role in said:
        space.remember(text, role=role, wait=True)
    banks = {role: [memory.text for memory in space.memories({"kinds": ["profile"], "roles": [role]})] for role in ("user", "assistant")}
    assert banks == {"user": ["Owns a red bicycle."], "assistant": [" ".join(WORDS.split()[:20])]}


@pytest.mark.parametrize("side", ["assistant", "bot", "ai", "model"])
def test_without_a_model_the_agent_has_a_bank_too(side: str) -> None:
    space, _ = agent()
    space.remember("I like jazz and old films. I'm happy to help!", role=side)
    space.remember("I like chess.", role="user")
    kinds = ["profile", "preference"]
    banks = {role: [memory.text for memory in space.memories({"kinds": kinds, "roles": [role]})] for role in ("user", side)}
    assert banks == {"user": ["The user likes chess."], side: ["I like jazz and old films."]}


def test_what_was_erased_is_in_no_summary() -> None:
    space, clock = agent()
    ids = space.remember(["The gate code is 4411 and the gate is green.", "The gate is green."], session="a").ids
    clock.set(START + DAY)
    space.remember("Good morning.", session="a")
    assert "4411" in summaries(space)[0].text
    space.forget(ids[0], erase=True)
    assert not any("4411" in memory.text for memory in space.memories({"archived": True}, limit=50, statuses=("active", "archived")))


def test_a_summary_lifts_the_messages_that_it_rests_on_and_takes_no_place_of_theirs() -> None:
    space, clock = agent(ScriptedLLM({"talks.summarise": {"text": "Ana plans a regatta."}, "traits.persona": {"trait": "NO_TRAIT"}}))
    for number, (session, text) in enumerate((("a", "The hull is dry."), ("a", "We sail on Sunday."), ("b", "The hull is grey."))):
        clock.set(START + number * MINUTE + (session == "b") * DAY)
        space.remember(text, session=session, wait=True)
    space._memory.llm = None
    found = space.recall("regatta hull", k=3).hits
    assert [hit.text for hit in found] == ["The hull is dry.", "The hull is grey.", "We sail on Sunday."]
    assert {hit.memory.kind for hit in found} == {"turn"}
    turns = space.recall("regatta hull", k=3, kinds=["turn"]).hits
    assert [(hit.text, hit.score) for hit in turns] == [(hit.text, hit.score) for hit in found]


def test_a_talk_of_pictures_alone_has_no_summary() -> None:
    space, clock = agent()
    space.remember({"text": "", "media": [{"uri": "file:boat", "caption": "a red boat"}]})
    clock.set(START + DAY)
    space.remember("Good morning.")
    assert summaries(space) == []
