"""Duplicates and links through the engine, quotations, and the model's part in reconciling."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mneme import Memory
from mneme.organisation.duplicates import agree
from mneme.organisation.links import entity_id
from mneme.space import Space
from mneme.testing import ScriptedLLM
from mneme.text.quotes import locate

AT = datetime(2023, 5, 8, 9, tzinfo=UTC)


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Space]:
    with Memory(tmp_path, embedder="hash", recipe="beliefs") as memory:
        yield memory.space()


def test_one_event_told_twice_on_a_day_is_one_memory(space: Space) -> None:
    for _ in range(2):
        space.remember("I bought a telescope.", author="Ana", at=AT)
    bought = [memory for memory in space.memories({"kinds": ("event",)}, limit=100) if "telescope" in memory.text]
    assert len(bought) == 1


def test_sentences_agree_only_when_names_numbers_and_denial_do() -> None:
    assert agree("Ana moved to Lisbon in May.", "In May, Ana moved to Lisbon.", 0.75)
    assert not agree("Ana has 2 cats.", "Ana has 3 cats.", 0.75)
    assert not agree("Ana eats meat.", "Ana does not eat meat.", 0.75)
    assert not agree("Ana met Ruth.", "Ana met Felix.", 0.75)


def test_statements_are_linked_to_the_person_they_are_about(space: Space) -> None:
    space.remember("I speak Polish.", author="Ana", at=AT)
    space.remember("I play chess.", author="Ana", at=AT)
    about = {link.source for link in space.links([entity_id("Ana")]) if link.type == "about"}
    told = {memory.id for memory in space.memories(limit=100) if memory.attributes.get("subject") == "Ana"}
    assert about == told
    assert space.get(entity_id("Ana")).text == "Ana"


def test_events_follow_each_other(space: Space) -> None:
    space.remember("I bought a telescope in March 2022.", author="Ana", at=AT)
    space.remember("I adopted a kitten in June 2022.", author="Ana", at=AT)
    events = {memory.id: memory.attributes["relation"] for memory in space.memories({"kinds": ("event",)}, limit=100)}
    order = [(events[link.source], events[link.target]) for link in space.links() if link.type == "next"]
    assert ("bought", "adopted") in order


def test_a_quotation_is_found_by_its_letters_and_never_by_its_sense() -> None:
    text = "Well — I don’t  eat “meat”."
    start, end = locate('i don\'t eat "meat"', text) or (0, 0)
    assert text[start:end] == "I don’t  eat “meat”"
    assert locate("I eat meat", text) is None


def dog(name: str, quote: str) -> dict[str, object]:
    return {"message": 1, "quote": quote, "text": f"Ana adopted the dog {name}.", "kind": "fact", "subject": "Ana",
            "relation": "adopted_dog", "object": name, "negated": False, "ended": False}  # fmt: skip


def told_twice(folder: Path, decision: dict[str, object]) -> list[str]:
    answers = [{"items": [dog("Buddy", "adopted the dog Buddy")]}, {"items": [dog("Scout", "adopted the dog Scout")]}]
    llm = ScriptedLLM({"form.statements": answers, "organise.reconcile": {"decisions": [decision]}})
    with Memory(folder, embedder="hash", recipe="beliefs", llm=llm, background=False) as memory:
        space = memory.space()
        for name in ("Buddy", "Scout"):
            space.remember(f"I adopted the dog {name}.", author="Ana", at=AT, wait=True)
        return [found.text for found in space.memories({"kinds": ("fact",)}, limit=100) if found.valid_to is None]


def test_a_second_dog_is_merged_and_not_put_in_the_first_ones_place(tmp_path: Path) -> None:
    merged = "Ana adopted the dog Buddy and the dog Scout."
    assert told_twice(tmp_path, {"new": 1, "event": "MERGE", "old": 1, "text": merged}) == [merged]


def test_a_merged_text_with_words_of_its_own_is_refused(tmp_path: Path) -> None:
    decision = {"new": 1, "event": "MERGE", "old": 1, "text": "Ana adopted Buddy and Scout from a shelter in Porto."}
    assert len(told_twice(tmp_path, decision)) == 2


def test_a_number_that_was_not_shown_is_ignored(tmp_path: Path) -> None:
    assert len(told_twice(tmp_path, {"new": 1, "event": "DELETE", "old": 99})) == 2


def test_what_was_archived_and_is_said_again_is_news() -> None:
    with Memory(":memory:", embedder="hash:64", recipe="beliefs", background=False) as memory:
        space = memory.space("a")
        space.remember("I went to Oslo on 5 May 2024.", author="Ana")
        (trip,) = space.memories({"kinds": ["event"]})
        space.forget(trip.id)
        space.remember("I went to Oslo on 5 May 2024, by train.", author="Ana")
        assert len(space.memories({"kinds": ["event"]})) == 1
        assert space.get(trip.id).status == "archived"
