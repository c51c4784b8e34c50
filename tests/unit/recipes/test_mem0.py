"""Mem0's acceptance test: the four operations on one script, with a history per fact and numbers that were not shown."""

from __future__ import annotations

from datetime import timedelta

import mneme
from mneme.core.records import Memory
from mneme.core.trace import Trace
from mneme.testing import ScriptedLLM

from .world import START, bare, memory_of

BUDDY, SCOUT, VEGAN, ALLERGIC = (
    "I adopted the dog Buddy.",
    "I adopted another dog Scout.",
    "I am vegan.",
    "I'm allergic to nuts now, and I am no longer vegan.",
)
BOTH = "Ana adopted the dog Buddy and another dog Scout."


def dog(name: str, quote: str, text: str) -> dict[str, object]:
    return {
        "message": 1, "quote": quote, "text": text, "kind": "fact", "subject": "Ana", "relation": "adopted_dog", "object": name,
    }  # fmt: skip


def model(*decisions: dict[str, object]) -> ScriptedLLM:
    statements = [
        {"items": [dog("Buddy", "I adopted the dog Buddy", "Ana adopted the dog Buddy.")]},
        {"items": [dog("Scout", "I adopted another dog Scout", "Ana adopted another dog Scout.")]},
    ]
    return ScriptedLLM({"form.statements": statements, "organise.reconcile": [{"decisions": [decision]} for decision in decisions]})


def facts(space: mneme.Space, now: bool = True) -> list[Memory]:
    found = space.memories({"kinds": ["fact", "profile", "preference"]}, limit=100)
    return [memory for memory in found if not now or memory.valid_to is None]


def test_a_second_dog_updates_the_first_fact_under_its_id_with_an_ordered_history() -> None:
    memory, clock = memory_of("mem0", "hash:96", llm=model({"new": 1, "event": "MERGE", "old": 1, "text": BOTH}))
    space = memory.space("s")
    space.remember(BUDDY, author="Ana", wait=True)
    (first,) = facts(space)
    clock.set(START + timedelta(days=1))
    space.remember(SCOUT, author="Ana", wait=True)
    (fact,) = facts(space, now=False)
    assert (fact.id, fact.text, fact.version) == (first.id, BOTH, 2)
    steps = [(step.memory.text, step.entry.verb) for step in space.history(fact.id) if step.memory]
    assert steps == [("Ana adopted the dog Buddy.", "form"), (BOTH, "form")]
    assert {episode.text for episode in space.episodes([span.episode for span in fact.sources])} == {BUDDY, SCOUT}


def test_no_longer_vegan_ends_one_fact_and_adds_two_and_repeating_changes_nothing() -> None:
    memory, clock = memory_of("mem0", "hash:96")
    space = memory.space("s")
    counts = []
    for number, text in enumerate((VEGAN, VEGAN, ALLERGIC, ALLERGIC)):
        clock.set(START + timedelta(days=number))
        space.remember(text, author="Ana")
        counts.append(len(facts(space, now=False)))
    assert counts == [1, 1, 3, 3]
    assert [fact.text for fact in facts(space)] == ["Ana is not vegan.", "Ana is allergic to nuts."]
    (old,) = [fact for fact in facts(space, now=False) if fact.text == "Ana is vegan."]
    assert old.valid_to == START + timedelta(days=2)
    now = space.recall("Is Ana vegan?", k=3)
    assert any("no longer vegan" in hit.text for hit in now.hits)


def test_a_number_that_was_not_shown_is_ignored_and_logged() -> None:
    memory, _ = memory_of("mem0", "hash:96", llm=model({"new": 1, "event": "DELETE", "old": 99}))
    space = memory.space("s")
    space.remember(BUDDY, author="Ana", wait=True)
    space.remember(SCOUT, author="Ana")
    trace = Trace(id="tr_1", verb="form")
    scout = next(episode.id for episode in space.episodes() if episode.text == SCOUT)
    with space._use() as opened:
        formed = space._deferred(opened).formed([scout], trace)
    told = next(note for note in trace.notes if note.get("organiser") == "model-reconcile")
    assert (told["asked"], told["decision"], told["why"]) == ("DELETE", "ADD", "DELETE of a number that was not shown")
    assert [type(operation).__name__ for operation in formed.operations].count("Keep") == 1
    assert len(facts(space)) == 1


def test_facts_are_keys_and_the_message_is_what_is_returned() -> None:
    memory, _ = memory_of("mem0", "hash:96", llm=model({"new": 1, "event": "ADD"}))
    space = memory.space("s")
    for text in (BUDDY, SCOUT):
        space.remember(text, author="Ana", wait=True)
    assert {hit.memory.kind for hit in space.recall("Which dog did Ana adopt?", k=5).hits} == {"turn"}


def test_two_facts_of_one_reply_that_are_merged_into_the_same_one_are_both_kept() -> None:
    third = "I adopted the cat Tom."
    items = [
        {"items": [dog("Buddy", "I adopted the dog Buddy", "Ana adopted the dog Buddy.")]},
        {
            "items": [
                dog("Scout", "I adopted another dog Scout", "Ana adopted another dog Scout."),
                {**dog("Tom", "I adopted the cat Tom", "Ana adopted the cat Tom."), "message": 2},
            ]
        },
    ]
    merges = [
        {"new": 1, "event": "MERGE", "old": 1, "text": BOTH},
        {"new": 2, "event": "MERGE", "old": 1, "text": "Ana adopted the dog Buddy and the cat Tom."},
    ]
    llm = ScriptedLLM({"form.statements": items, "organise.reconcile": {"decisions": merges}})
    memory, _ = memory_of("mem0", "hash:96", llm=llm)
    space = memory.space("s")
    space.remember(BUDDY, author="Ana", wait=True)
    space.remember([SCOUT, third], author="Ana", wait=True)
    assert sorted(fact.text for fact in facts(space)) == ["Ana adopted the cat Tom.", BOTH]


def test_an_archived_fact_is_not_known_so_that_a_new_one_is_not_dropped_for_it() -> None:
    statements = [{"items": [dog("Buddy", "I adopted the dog Buddy", "Ana adopted the dog Buddy.")]}] * 2
    llm = ScriptedLLM({"form.statements": statements, "organise.reconcile": {"decisions": [{"new": 1, "event": "NOOP", "old": 1}]}})
    memory, clock = memory_of(bare(formers=["model-statements"], organisers=["model-reconcile"]), "hash:96", llm=llm)
    space = memory.space("s")
    space.remember(BUDDY, author="Ana", wait=True)
    space.forget(facts(space)[0].id)
    clock.set(START + timedelta(days=1))
    space.remember("Again: " + BUDDY, author="Ana", wait=True)
    assert [fact.text for fact in facts(space)] == ["Ana adopted the dog Buddy."]
    assert [request.role for request in llm.asked] == ["form.statements"] * 2


def test_what_repeats_a_fact_that_the_same_reply_has_ended_is_kept() -> None:
    new = [
        dog("Scout", "I adopted another dog Scout", "Ana adopted another dog Scout."),
        {**dog("Buddy", "I adopted the dog Buddy", "Ana adopted the dog Buddy at last."), "message": 2},
    ]
    items = [{"items": [dog("Buddy", "I adopted the dog Buddy", "Ana adopted the dog Buddy.")]}, {"items": new}]
    decisions = [{"new": 1, "event": "UPDATE", "old": 1}, {"new": 2, "event": "NOOP", "old": 1}]
    llm = ScriptedLLM({"form.statements": items, "organise.reconcile": {"decisions": decisions}})
    memory, clock = memory_of("mem0", "hash:96", llm=llm)
    space = memory.space("s")
    space.remember(BUDDY, author="Ana", wait=True)
    clock.set(START + timedelta(days=1))
    space.remember([SCOUT, "Yes, " + BUDDY], author="Ana", wait=True)
    assert [fact.text for fact in facts(space, now=False) if fact.valid_to is not None] == ["Ana adopted the dog Buddy."]
    assert sorted(fact.text for fact in facts(space)) == ["Ana adopted another dog Scout.", "Ana adopted the dog Buddy at last."]
