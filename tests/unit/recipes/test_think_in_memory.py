"""Think-in-Memory's acceptance test: insert, forget, merge within a bucket, one bucket compared, thinking after the reply."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.testing import ScriptedLLM
from mneme.text.polytope import order

from .world import START, bare, memory_of

DAY = timedelta(days=1)
SAID = ["I live in Rome.", "I live in Oslo now.", "I like tea.", "I like jazz."]
NEAR = {"Ann likes tea.": [1, 0], "Ann likes jazz.": [1, 0.02], "Ann likes tea and jazz.": [1, 0.01], "Ann lives in Oslo.": [0, 0, 1]}


def item(quote: str, text: str, relation: str, value: str) -> dict[str, object]:
    return {"message": 1, "quote": quote, "text": text, "kind": "fact", "subject": "Ann", "relation": relation, "object": value}


def model() -> ScriptedLLM:
    thoughts = [
        item("I live in Rome", "Ann lives in Rome.", "lives_in", "Rome"),
        item("I live in Oslo now", "Ann lives in Oslo.", "lives_in", "Oslo"),
        item("I like tea", "Ann likes tea.", "likes", "tea"),
        item("I like jazz", "Ann likes jazz.", "likes", "jazz"),
    ]
    return ScriptedLLM({"form.statements": [{"items": [thought]} for thought in thoughts]})


def told(llm: ScriptedLLM | None, said: list[str], table: dict[str, list[float]] | str = NEAR) -> tuple[mneme.Space, FrozenClock]:  # type: ignore[assignment]
    memory, clock = memory_of("think-in-memory", table, llm=llm)
    space = memory.space("s")
    for number, text in enumerate(said):
        clock.set(START + number * DAY)
        space.remember(text, author="Ann", wait=True)
    clock.set(START + 9 * DAY)
    return space, clock


def thoughts(space: mneme.Space) -> list[str]:
    return sorted(one.text for one in space.memories({"kinds": ["fact", "preference", "profile"]}) if one.valid_to is None)


def test_a_vector_and_its_multiple_share_their_bucket_and_seeds_repeat() -> None:
    rows = np.random.default_rng(0).standard_normal((20, 16)).astype(np.float32)
    assert (order(rows, 8, 3) == order(rows, 8, 3)).all()
    assert (order(rows, 8, 3) == order(1.01 * rows, 8, 3)).all()
    assert (order(rows, 8, 3)[:, 0] != order(-rows, 8, 3)[:, 0]).all()


@pytest.mark.parametrize("with_model", [True, False])
def test_a_later_home_closes_the_earlier_one_and_two_likes_become_one_thought(with_model: bool) -> None:
    llm = model() if with_model else None
    space, _ = told(llm, SAID[:2])
    assert thoughts(space) == ["Ann lives in Oslo."]
    space, _ = told(model() if with_model else None, SAID)
    assert thoughts(space) == ["Ann likes tea and jazz.", "Ann lives in Oslo."]
    (likes,) = [one for one in space.memories() if one.text == "Ann likes tea and jazz."]
    assert likes.attributes["objects"] == ["tea", "jazz"]
    assert {episode.text for episode in space.episodes([span.episode for span in likes.sources])} == set(SAID[2:])
    assert [step.memory.text for step in space.history(likes.id) if step.memory] == ["Ann likes tea.", "Ann likes tea and jazz."]


def test_thoughts_of_two_buckets_stay_two() -> None:
    apart = {"Ann likes tea.": [1.0, 0.0], "Ann likes jazz.": [-1.0, 0.0]}
    assert thoughts(told(None, SAID[2:], apart)[0]) == ["Ann likes jazz.", "Ann likes tea."]


def test_what_is_told_again_adds_nothing_and_what_is_denied_leaves_the_thought() -> None:
    space, clock = told(None, [*SAID[2:], "I like jazz."])
    assert thoughts(space) == ["Ann likes tea and jazz."]
    clock.set(START + 10 * DAY)
    space.remember("I don't like jazz.", author="Ann")
    assert "Ann likes tea." in thoughts(space)
    assert not any("likes tea and jazz" in text for text in thoughts(space))
    space.undo()
    assert "Ann likes tea and jazz." in thoughts(space)
    assert space.verify().ok


def test_a_question_is_compared_with_the_thoughts_of_its_bucket_alone() -> None:
    recipe = bare(channels=["dense", "lexical"], ranker={"use": "buckets", "buckets": 8, "probes": 1}, formers=["rules"])
    memory, _ = memory_of(recipe, "hash:96")
    space = memory.space("s")
    things = ["tea", "jazz", "chess", "rain", "bread", "tennis", "films", "poems", "boats", "cats", "maps", "bells"]
    for thing in things:
        space.remember(f"I like {thing}.", author="Ann")
    question = "Does Ann like poems?"
    found = space.recall(question, k=5)
    assert found.trace is not None
    (note,) = [note["buckets"] for note in found.trace.notes if "buckets" in note]
    texts = [one.text for one in space.memories({"kinds": ["preference", "fact"]})]
    held = order(memory.embedder.embed(texts), 8, 0)[:, 0]
    bucket = order(memory.embedder.embed([question]), 8, 0)[0, 0]
    assert note == {"compared": int((held == bucket).sum()), "of": len(texts)}
    assert int((held == bucket).sum()) < len(texts) == len(things)


def test_thinking_comes_after_the_reply_and_never_before() -> None:
    llm = model()
    memory, _ = memory_of("think-in-memory", "hash:64", llm=llm)
    space = memory.space("s")
    steps: list[tuple[str, int]] = []
    found = space.recall(SAID[0], k=3)
    steps.append(("recalled", len(llm.asked)))
    space.remember([{"text": SAID[0], "author": "Ann"}, {"text": "Rome, how nice!", "role": "assistant"}])
    steps.append((f"replied with {len(found.hits)} thoughts", len(llm.asked)))
    assert thoughts(space) == []
    space.drain()
    steps.append(("thought", len(llm.asked)))
    assert steps == [("recalled", 0), ("replied with 0 thoughts", 0), ("thought", 1)]
    assert thoughts(space) == ["Ann lives in Rome."]


def test_a_thought_that_was_given_up_leads_to_no_message() -> None:
    recipe = bare(
        channels=["dense"],
        ranker={"use": "buckets", "buckets": 8, "probes": 8, "gain": 50.0},
        formers=["rules"],
        organisers=["duplicates", "model-reconcile"],
    )
    memory, clock = memory_of(recipe, "hash:128")
    space = memory.space("s")
    for number, text in enumerate(SAID[:2]):
        clock.set(START + number * DAY)
        space.remember(text, author="Ann")
    clock.set(START + 9 * DAY)
    assert thoughts(space) == ["Ann lives in Oslo."]
    turns = [hit.text for hit in space.recall("Ann lives in Rome", k=9, kinds=["turn"]).hits]
    assert turns == [SAID[1], SAID[0]]  # the thought of Oslo leads to its message, the one of Rome to none any more
    then = [hit.text for hit in space.recall("Ann lives in Rome", k=9, as_of=START + 0.5 * DAY).hits]
    assert SAID[0] in then
    assert SAID[1] not in then
