"""MemoRAG's acceptance test: sixty chunks of which three answer, clues that find them, the order of the document, gists made once."""

from __future__ import annotations

from datetime import timedelta

import pytest

import mneme
from mneme.core.composing import compose
from mneme.core.recipe import Recipe
from mneme.testing import ScriptedLLM

from .world import START, at_angle, memory_of

QUESTION = "How do relations between the heroes change?"
EVIDENCE = {7: "Ada lends Bo her only coat.", 31: "Bo leaves Ada waiting at the quay.", 52: "Ada and Bo share one bench again."}
CLUES = {7: "Ada is kind to Bo", 31: "Bo is unkind to Ada", 52: "Ada and Bo make peace"}


def axis(place: int, cosine: float = 1.0) -> list[float]:
    row = [0.0] * 16
    row[2 + place], row[15] = cosine, (1 - cosine * cosine) ** 0.5
    return row


def book() -> tuple[list[str], dict[str, list[float]]]:
    chunks = [EVIDENCE.get(number, f"Chunk {number} tells of the weather and the road.") for number in range(60)]
    table = {QUESTION: [1.0]}
    for number, text in enumerate(chunks):
        table[text] = axis(list(EVIDENCE).index(number), 0.9) if number in EVIDENCE else at_angle(0.6 - number / 200)
    table |= {clue: axis(list(CLUES).index(number)) for number, clue in CLUES.items()}
    table |= {"gist": at_angle(0.7), "yes": at_angle(0.5), "of course not": at_angle(0.5)}
    return chunks, table


def recipe(share: float = 0.25) -> Recipe:
    return compose(name="m", base="memorag", channels=["dense"], refiners=[{"use": "clues", "share": share, "each": 3}] if share else [])


def memorised(llm: ScriptedLLM | None = None, share: float = 0.25) -> mneme.Space:
    chunks, table = book()
    memory, _ = memory_of(recipe(share), table)
    space = memory.space("s")
    space.remember([{"text": text, "ref": f"c{number}"} for number, text in enumerate(chunks)])
    space.remember(memories=[{"text": "gist", "kind": "summary", "sources": ["c0"]}])
    memory.llm = llm
    return space


def suggesting(*clues: str) -> ScriptedLLM:
    return ScriptedLLM({"clues.suggest": {"clues": list(clues)}})


def refs(found: mneme.Recall) -> list[int]:
    return [int(hit.ref[1:]) for hit in found.hits if hit.ref]


def test_the_question_alone_misses_the_evidence_and_three_clues_hit_all_of_it_in_the_order_of_the_book() -> None:
    plain = refs(memorised(share=0.0).recall(QUESTION, k=9))
    assert len(set(EVIDENCE) - set(plain)) >= 2
    space = memorised(suggesting(*CLUES.values()))
    found = space.recall(QUESTION, k=12)
    assert set(EVIDENCE) <= set(refs(found))
    places = [found.context.index(EVIDENCE[number]) for number in (7, 31, 52)]
    assert places == sorted(places)


def test_duplicate_clues_and_chunks_collapse_and_clues_of_three_words_are_ignored() -> None:
    space = memorised(suggesting("yes", "of course not", CLUES[7], CLUES[7], f" {CLUES[7]} "))
    found = space.recall(QUESTION, k=12)
    assert len(refs(found)) == len(set(refs(found)))
    assert found.trace is not None
    assert [note["clues"] for note in found.trace.notes if "clues" in note] == [1]
    assert 7 in refs(found)
    assert found.context.count(EVIDENCE[7]) == 1


def test_clues_keep_the_best_hits_of_the_question_and_those_that_lead_nowhere_change_nothing() -> None:
    plain = refs(memorised(share=0.0).recall(QUESTION, k=12))
    with_clues = refs(memorised(suggesting(*CLUES.values())).recall(QUESTION, k=12))
    assert set(plain[:8]) <= set(with_clues)
    nowhere = refs(memorised(suggesting("the sea is very deep", "nobody knows the reason why")).recall(QUESTION, k=12))
    assert nowhere == plain


@pytest.mark.parametrize("reply", ["no JSON", {"clues": []}])
def test_a_model_that_suggests_nothing_leaves_the_hits_of_the_question_or_the_clues_of_the_rules(reply: object) -> None:
    space = memorised(ScriptedLLM({"clues.suggest": reply}))
    assert refs(space.recall(QUESTION, k=12)) == refs(memorised(share=0.0).recall(QUESTION, k=12))


def test_memorising_the_same_book_twice_asks_the_memory_model_nothing() -> None:
    digest = {"summary": "Ada and Bo fall out and make peace.", "keywords": ["Ada", "Bo"]}
    llm = ScriptedLLM({"sessions.digest": digest})
    memory, _ = memory_of("memorag", "hash:64", llm=llm)
    space = memory.space("s")
    chunks, _ = book()
    given = [{"text": text, "session": "book"} for text in chunks]
    first = space.remember(given, key="book", wait=True)
    asked = len(llm.asked)
    assert asked
    second = space.remember(given, key="book", wait=True)
    assert second.duplicate
    assert second.ids == first.ids
    assert len(llm.asked) == asked
    assert [memory.text for memory in space.memories({"kinds": ["summary"]})] == [digest["summary"]]


def test_without_a_model_the_clues_are_sentences_of_the_gists() -> None:
    said = [f"On day {number} Ada wrote to Bo about the boat and the sail." for number in range(9)]
    memory, _ = memory_of("memorag", "hash:96")
    space = memory.space("s")
    space.remember([{"text": text, "session": "one"} for text in said])
    assert space.memories({"kinds": ["summary"]})
    found = space.recall("What about the boat?", k=5)
    assert found.trace is not None
    assert any(note.get("clues") for note in found.trace.notes)
    turns = space.recall("What about the boat?", k=5, kinds=["turn"])
    assert {hit.memory.kind for hit in turns.hits} == {"turn"}
    assert turns.trace is not None
    assert any(note.get("clues") for note in turns.trace.notes)


def test_questions_of_the_model_are_searched_for_beside_its_clues() -> None:
    llm = ScriptedLLM({"clues.suggest": {"clues": [CLUES[7]], "questions": [CLUES[31], "Who?"]}})
    found = memorised(llm).recall(QUESTION, k=12)
    assert {7, 31} <= set(refs(found))
    assert 52 not in refs(found)
    assert found.trace is not None
    assert [note["clues"] for note in found.trace.notes if "clues" in note] == [2]


def test_the_model_reads_no_gist_that_the_question_may_not_see() -> None:
    llm = suggesting(*CLUES.values())
    space = memorised(llm)
    space.remember(memories=[{"text": "Ben hides the key in the clock.", "kind": "summary", "sources": ["c1"], "session": "secret"}])
    (old,) = [memory for memory in space.memories({"kinds": ["summary"]}) if memory.text == "gist"]
    space.forget(old.id)
    space.recall(QUESTION, k=12)
    space.recall(QUESTION, k=12, filters={"sessions": ["other"]})
    shown = [request.variables["gist"] for request in llm.asked if request.role == "clues.suggest"]
    assert shown == ["Ben hides the key in the clock."]  # neither the archived one, nor any where a filter leaves none


def test_a_session_without_end_is_read_again_as_it_grows_and_not_at_every_eighth_message() -> None:
    digest = {"summary": "Ada and Bo fall out and make peace.", "keywords": ["Ada", "Bo"]}
    llm = ScriptedLLM({"sessions.digest": digest})
    memory, clock = memory_of("memorag", "hash:64", llm=llm)
    space = memory.space("s")
    for start in range(0, 600, 4):
        clock.set(START + timedelta(minutes=start))
        space.remember([f"Ada wrote line {number} to Bo." for number in range(start, start + 4)], session="one", wait=True)
    lines = [len(str(request.variables["talk"]).splitlines()) for request in llm.asked]
    assert lines[:4] == [8, 16, 24, 32]
    assert lines[-1] > 550
    assert sum(lines) < 20 * 600  # at every eighth message it would be 75 readings of 300 lines each
    assert len(space.memories({"kinds": ["summary"]})) == 1
    clock.set(START + timedelta(days=1))
    space.remember("Another day.", session="two", wait=True)  # which closes the first
    last = [str(request.variables["talk"]) for request in llm.asked if "line 599" in str(request.variables["talk"])]
    assert len(last) == 1


def test_a_session_that_was_read_whole_is_not_read_again_when_it_closes() -> None:
    llm = ScriptedLLM({"sessions.digest": {"summary": "They talk.", "keywords": ["talk"]}})
    memory, clock = memory_of("memorag", "hash:64", llm=llm)
    space = memory.space("s")
    space.remember([{"text": f"Ada wrote line {number} to Bo.", "session": "one"} for number in range(10)], wait=True)
    assert len(llm.asked) == 1
    clock.set(START + timedelta(days=1))
    space.remember("Another day.", session="two", wait=True)
    assert len(llm.asked) == 1
