"""RetroRAG within a plain recall: the second hop comes along, what better evidence contradicts does not, the best hits stay."""

from __future__ import annotations

import pytest

import mneme
from mneme.core.composing import compose
from mneme.recipes.agent.retro_recall import evidence
from mneme.retrieval.evidence_pool import EvidencePool, Inference, Source
from mneme.testing import ScriptedLLM

from .world import at_angle, memory_of

RIGHT, BERGEN = "The 1999 film Silver Tide was directed by Irene Vale.", "Irene Vale was born in Bergen."
QUESTION = "Where was the person born who directed the 1999 film Silver Tide?"


def space_of(refiners: list[object], llm: ScriptedLLM | None = None) -> mneme.Space:
    table = {QUESTION: [1, 0], RIGHT: at_angle(0.9), BERGEN: [0, 0, 1]}
    table |= {f"Film number {n} was shown in spring.": at_angle(0.7 - n / 50) for n in range(20)}
    memory, _ = memory_of(compose(name="r", channels=["dense"], ranker="weighted-sum", refiners=refiners), table, llm=llm)
    space = memory.space("s")
    for text in list(table)[1:]:
        space.remember(text)
    return space


def texts(found: mneme.Recall) -> list[str]:
    return [hit.text for hit in found.hits]


def test_the_second_hop_takes_one_of_the_last_places_and_the_best_stay() -> None:
    plain = texts(space_of([]).recall(QUESTION, k=10))
    assert BERGEN not in plain
    found = space_of(["retroactive"]).recall(QUESTION, k=10)
    assert BERGEN in texts(found)
    assert texts(found)[:8] == plain[:8]
    assert len(found.hits) == 10
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert found.trace is not None
    (note,) = [note["retroactive"] for note in found.trace.notes if "retroactive" in note]
    assert 2 <= note["rounds"] <= 3  # type: ignore[index]


def test_evidence_of_what_fell_is_none_and_the_fittest_comes_first() -> None:
    pool = EvidencePool(question=QUESTION)
    wrong = "Silver Tide was directed by Karl Moss."
    for id, text in (("w", wrong), ("r", RIGHT), ("b", BERGEN)):
        pool.collate(Source(id=id, text=text, query="q", round=1))
    assert pool.admit(Inference(statement=wrong, entity="Silver Tide", support=("w",), round=1))
    assert pool.admit(Inference(statement=RIGHT, entity="Silver Tide", support=("r",), round=2))
    assert evidence(pool) == ["r"]


@pytest.mark.parametrize("reply", ["no JSON", {"items": []}])
def test_a_model_is_asked_only_where_that_is_wanted_and_one_that_misbehaves_leaves_it_to_rules(reply: object) -> None:
    llm = ScriptedLLM(lambda request: reply)
    assert BERGEN in texts(space_of(["retroactive"], llm).recall(QUESTION, k=10))
    assert llm.asked == []
    asking = space_of([{"use": "retroactive", "ask_model": True}], llm).recall(QUESTION, k=10)
    assert len(asking.hits) == 10
    assert llm.asked


def test_filters_hold_for_every_round() -> None:
    space = space_of(["retroactive"])
    (hidden,) = [memory for memory in space.memories(limit=100) if memory.text == BERGEN]
    ids = [memory.id for memory in space.memories(limit=100) if memory.id != hidden.id]
    assert BERGEN not in texts(space.recall(QUESTION, k=10, filters={"ids": tuple(ids)}))
