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
    "My job at BMW in Dingolfing is new.": [0.9, 0, 0, 0.12], "kin": [0, 0.8, 0, 0.1], "Our uncle visited.": [0.6, 0.7, 0, 0],
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
    space.remember([BABY, BMW, CHAT], session="one", author="Ana", wait=True)
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
    assert thought.at == START + timedelta(days=7)
    assert {span.episode for span in thought.sources} >= {space.episodes()[0].id, space.episodes()[3].id}
    assert next(step.memory.text for step in space.history(thought.id) if step.memory) == BMW


def test_an_outdated_thought_gives_way() -> None:
    told = [{"items": [{"text": text, "tags": ["work"]}]} for text in (BMW, "Ana quit.")]
    space, _ = caim(ScriptedLLM({"thoughts.extend": told, "thoughts.review": {"decision": "outdated"}}))
    space.remember([BMW, CHAT, CHAT], session="one", author="Ana", wait=True)
    space.remember(["I quit.", CHAT, CHAT], session="two", author="Ana", wait=True)
    assert set(thoughts(space)) == {"Ana quit."}


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


@pytest.mark.parametrize("erased", [0, 3])
def test_a_thought_told_twice_tells_nothing_of_an_erased_message(erased: int) -> None:
    space, clock = caim()
    first = space.remember([BMW, CHAT, CHAT], session="one").ids
    clock.set(START + timedelta(days=7))
    ids = [*first, *space.remember(["My job at BMW in Dingolfing is new.", CHAT, CHAT], session="two").ids]
    assert list(thoughts(space)) == ["My job at BMW in Dingolfing is new."]
    gone = space.get(ids[erased]).text
    space.forget(ids[erased], erase=True)
    everywhere = space.memories({"archived": True}, limit=100, statuses=("active", "archived"))
    assert not any(gone in memory.text for memory in everywhere if memory.kind == "note")
    assert len(everywhere) >= 5  # the other messages


def test_a_fact_told_in_two_sessions_of_one_import_is_one_thought() -> None:
    space, clock = caim()
    clock.set(START + timedelta(days=7))
    given = [{"text": text, "session": "one", "at": START} for text in (BMW, CHAT, CHAT)]
    given += [{"text": text, "session": "two", "at": START + timedelta(days=6)} for text in ("My job at BMW is new.", CHAT, CHAT)]
    space.remember(given)
    (thought,) = space.memories({"tags": ["tag:work"]})
    assert thought.text == "My job at BMW is new."
    assert thought.attributes["times"] == 2


@pytest.mark.parametrize("model", [True, False])
def test_a_thought_told_again_is_counted_once_however_often_its_session_is_read(model: bool) -> None:
    told = [{"items": [{"text": text, "tags": ["work"]}]} for text in (BMW, *["Ana still works at BMW."] * 3)]
    space, clock = caim(ScriptedLLM({"thoughts.extend": told, "thoughts.review": {"decision": "same"}}) if model else None)
    space.remember([BMW, CHAT, CHAT], session="one", wait=True)
    for number, text in enumerate(["My job at BMW is new.", *[CHAT] * 8]):
        clock.set(START + timedelta(days=7, minutes=number))
        space.remember(text, session="two", wait=True)
    (thought,) = space.memories({"tags": ["tag:work"]})
    assert thought.attributes["times"] == 2
    assert thought.version == (4 if model else 2)  # a model read more of the session each time


@pytest.mark.parametrize("session", [None, "one"])
def test_what_is_left_of_a_talk_is_thought_over_when_it_is_closed(session: str | None) -> None:
    space, clock = caim()
    for number, text in enumerate((BMW, CHAT)):
        clock.set(START + timedelta(minutes=number))
        space.remember(text, session=session)
    assert thoughts(space) == {}
    clock.set(START + timedelta(days=1))
    space.remember("The sky is clear.", session=session and "two")
    assert thoughts(space) == {BMW: ("tag:work",)}


def test_messages_without_spaces_hold_thoughts_too() -> None:
    space, _ = caim()
    space._memory.embedder.table["我在宝马找到了新工作。"] = [1, 0, 0, 0]  # type: ignore[attr-defined]
    space.remember(["我在宝马找到了新工作。", "你好吗？", CHAT], session="one")
    assert thoughts(space) == {"我在宝马找到了新工作。": ("tag:work",)}


@pytest.mark.parametrize(("reply", "lifted"), [({"numbers": [0]}, True), ({"numbers": []}, False), ({"numbers": [7]}, False), ("?", True)])
def test_a_model_says_which_thoughts_bear_on_the_question(reply: object, lifted: bool) -> None:
    space, _ = caim()
    space.remember([BABY, BMW, CHAT], session="one")
    llm = ScriptedLLM({"gate.needed": {"needed": True}, "tagged.which": {"tags": ["family"]}, "tagged.relevant": reply})
    space._memory.llm = llm
    found = space.recall("How is my niece?", k=3)
    asked = next(request for request in llm.asked if request.role == "tagged.relevant")
    assert asked.variables["notes"] == f"[0] {BABY}"
    assert any(hit.why.get("tag", 0) > 0 for hit in found.hits) is lifted  # type: ignore[operator]
