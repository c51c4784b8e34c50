"""CAIM's acceptance test: thoughts by tag, made-up tags, merging, the gate, the tag filter, a time window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import mneme
from mneme.core.clock import FrozenClock
from mneme.core.trace import Trace
from mneme.testing import ScriptedLLM

from .world import START, bare, memory_of

ONTOLOGY = ["work: job", "family: relatives", "health: doctor", "travel: trip"]
BABY, BMW, CHAT = "My sister had a baby.", "I have a new job at BMW.", "The sky looks grey again."
TABLE = {
    "work, job": [1, 0, 0, 0], "family, relatives": [0, 1, 0, 0], "health, doctor": [0, 0, 1, 0], "travel, trip": [0, 0, 0, 1],
    BMW: [0.9, 0, 0, 0.1], BABY: [0, 0.9, 0.1, 0], "How is my niece?": [0, 0.95, 0, 0], "My job at BMW is new.": [0.9, 0, 0, 0.12],
    "kin": [0, 0.8, 0, 0.1], "Our uncle visited.": [0.6, 0.7, 0, 0],
}  # fmt: skip


def caim(llm: ScriptedLLM | None = None) -> tuple[mneme.Space, FrozenClock]:
    recipe = bare(
        channels=[],
        ranker={"use": "gated", "channels": ["dense", "lexical"], "ranker": {"use": "tagged", "ontology": ONTOLOGY}},
        formers=[{"use": "thoughts", "ontology": ONTOLOGY, "every": 3}],
    )
    memory, clock = memory_of(recipe, TABLE, llm=llm)
    return memory.space("s"), clock


def thoughts(space: mneme.Space) -> dict[str, tuple[str, ...]]:
    return {memory.text: memory.tags[1:] for memory in space.memories({"tags": ["thought"]})}


def note(trace: Trace | None) -> dict[str, object]:
    assert trace is not None
    return next(note["tagged"] for note in trace.notes if "tagged" in note)  # type: ignore[return-value]


def test_a_session_leaves_one_thought_per_tag_and_none_for_chit_chat() -> None:
    space, _ = caim()
    space.remember([BABY, BMW, CHAT], session="one")
    assert thoughts(space) == {BABY: ("tag:family",), BMW: ("tag:work",)}


def test_tags_outside_the_ontology_are_mapped_or_left_out() -> None:
    items = [{"text": "Ana has a niece.", "tags": ["kin"]}, {"text": "Mars is red.", "tags": ["astronomy"]}]
    space, _ = caim(ScriptedLLM({"thoughts.extend": {"items": items}}))
    space.remember([BABY, BMW, CHAT], session="one", wait=True)
    assert thoughts(space) == {"Ana has a niece.": ("tag:family",)}


@pytest.mark.parametrize("model", [True, False])
def test_a_fact_told_again_stays_one_thought_with_its_time_moved(model: bool) -> None:
    llm = None
    if model:
        told = [{"items": [{"text": text, "tags": ["work"]}]} for text in (BMW, "Ana still works at BMW.")]
        llm = ScriptedLLM({"thoughts.extend": told, "thoughts.review": {"decision": "same"}})
    space, clock = caim(llm)
    space.remember([BMW, CHAT, CHAT], session="one", wait=True)
    clock.set(START + timedelta(days=7))
    space.remember(["My job at BMW is new.", CHAT, CHAT], session="two", wait=True)
    (thought,) = space.memories({"tags": ["tag:work"]})
    assert thought.attributes["told_at"] == (START + timedelta(days=7)).isoformat()
    assert thought.attributes["times"] == 2
    assert next(step.memory.text for step in space.history(thought.id) if step.memory) == BMW


def test_an_outdated_thought_gives_way() -> None:
    told = [{"items": [{"text": text, "tags": ["work"]}]} for text in (BMW, "Ana left BMW.")]
    space, _ = caim(ScriptedLLM({"thoughts.extend": told, "thoughts.review": {"decision": "outdated"}}))
    space.remember([BMW, CHAT, CHAT], session="one", wait=True)
    space.remember(["I quit.", CHAT, CHAT], session="two", wait=True)
    assert set(thoughts(space)) == {"Ana left BMW."}


def test_a_greeting_reads_no_memory() -> None:
    space, _ = caim()
    space.remember([BABY, BMW, CHAT], session="one")
    found = space.recall("hello", k=3)
    assert found.hits == ()
    assert found.trace is not None
    assert not any("tagged" in note for note in found.trace.notes)  # the tags were not even looked at


def test_only_thoughts_of_the_question_s_tags_are_compared() -> None:
    space, _ = caim()
    space.remember([BABY, BMW, CHAT], session="one")
    found = space.recall("How is my niece?", k=3)
    assert note(found.trace) == {"tags": ["family"], "of": 2, "compared": 1}
    assert found.hits[0].text == BABY
    assert found.hits[0].why["tag"] > 0  # type: ignore[operator]


def test_a_time_window_filters_thoughts_of_the_same_tag() -> None:
    space, clock = caim()
    space.remember([BABY, CHAT, CHAT], session="one", at=datetime(2023, 3, 1, tzinfo=UTC))
    space.remember(["Our uncle visited.", CHAT, CHAT], session="two", at=datetime(2023, 12, 5, tzinfo=UTC))
    clock.set(datetime(2024, 1, 1, tzinfo=UTC))
    table = space._memory.embedder.table  # type: ignore[attr-defined]
    table["What happened in my family in December 2023?"] = [0, 1, 0, 0]
    found = space.recall("What happened in my family in December 2023?", k=3)
    assert note(found.trace) == {"tags": ["family"], "of": 2, "compared": 1}
    assert found.hits[0].text == "Our uncle visited."
