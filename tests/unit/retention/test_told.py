"""Summaries told by a model: grounded or not at all, within its ceilings, with the extract behind every failure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mneme import Memory
from mneme.core.clock import FrozenClock
from mneme.core.errors import ModelUnavailable
from mneme.core.llm import Budget
from mneme.space import Space
from mneme.testing import ScriptedLLM

START = datetime(2024, 3, 4, 9, tzinfo=UTC)
PLACES = ("Porto", "Braga", "Faro")


def filled(llm: object | None, clock: FrozenClock) -> Space:
    memory = Memory(":memory:", embedder="hash", clock=clock, seed=1, llm=llm)  # type: ignore[arg-type]
    space = memory.space("a")
    for day, place in enumerate(PLACES):
        said = (f"I went to {place} with my sister Lia.", f"We paid {day + 20} euros for the train.", "Lia loves old pottery shops.")
        at = START + timedelta(days=day)
        space.remember([{"text": text, "author": "Ann", "at": at + timedelta(minutes=n)} for n, text in enumerate(said)])
    clock.advance(days=4)
    return space


def days(space: Space) -> list[Any]:
    return sorted(space.memories({"tags": ["tree:day"]}, limit=100), key=lambda memory: memory.at)


def asked_messages(request: Any) -> list[tuple[int, str]]:
    text = str(request.variables["messages"])
    return [(int(number), said) for number, said in re.findall(r"^(\d+)\. \[[^\]]*\] \w+: (.*)$", text, re.MULTILINE)]


def truthful(request: Any) -> dict[str, object]:
    lines = asked_messages(request)
    return {"sentences": [{"text": f"Ann said: {said}", "quotes": [{"message": number, "quote": said}]} for number, said in lines[:2]]}


def inventive(request: Any) -> dict[str, object]:
    number, said = asked_messages(request)[0]
    return {
        "sentences": [
            {"text": "Ann met Professor Quirrell in Istanbul.", "quotes": [{"message": number, "quote": said}]},
            {"text": "They paid 9000 euros.", "quotes": [{"message": number, "quote": said}]},
            {"text": "Lia is mentioned.", "quotes": [{"message": 99, "quote": "Lia"}]},
            {"text": "Ann went away.", "quotes": [{"message": number, "quote": "words that nobody said"}]},
        ]
    }


def half_true(request: Any) -> dict[str, object]:
    found = truthful(request)
    number, said = asked_messages(request)[0]
    lie = {"text": "Ann bought a castle in Scotland.", "quotes": [{"message": number, "quote": said}]}
    return {"sentences": [*found["sentences"], lie]}  # type: ignore[misc]


@pytest.fixture
def clock() -> Iterator[FrozenClock]:
    return FrozenClock(START)  # type: ignore[return-value]


def test_a_truthful_model_tells_each_day_and_the_extract_stays_in_the_history(clock: FrozenClock) -> None:
    llm = ScriptedLLM({"retain.summary": truthful})
    space = filled(llm, clock)
    report = space.upkeep()
    assert report.done["told"] >= 3
    for memory, place in zip(days(space), PLACES, strict=True):
        assert memory.attributes["told_by"] == "model"
        assert f"Ann said: I went to {place} with my sister Lia." in memory.text
        episodes = {episode.id: episode for episode in space.episodes([span.episode for span in memory.sources])}
        assert all(episodes[span.episode].text[span.start : span.end].strip() in memory.text for span in memory.sources)
        versions = [step.memory for step in space.history(memory.id) if step.memory is not None]
        assert versions[0].version == 1
        assert "told_by" not in versions[0].attributes
    assert space.upkeep().done == {}


def test_a_pass_with_a_model_is_undone_whole(clock: FrozenClock) -> None:
    space = filled(ScriptedLLM({"retain.summary": truthful}), clock)
    before = [memory.id for memory in space.memories(limit=100)]
    space.upkeep()
    space.undo()
    assert [memory.id for memory in space.memories(limit=100)] == before
    assert space.verify().ok


def test_what_a_model_invents_never_enters_and_the_extract_says_why(clock: FrozenClock) -> None:
    plain = filled(None, FrozenClock(START))
    plain.upkeep()
    space = filled(ScriptedLLM({"retain.summary": inventive}), clock)
    space.upkeep()
    assert [memory.text for memory in days(space)] == [memory.text for memory in days(plain)]
    for memory in days(space):
        assert memory.attributes["told_by"] == "extract"
        assert memory.attributes["told_why"] == "4 of 4 sentences not borne out"
    assert space.upkeep().done == {}


def test_a_lie_among_true_sentences_is_left_out(clock: FrozenClock) -> None:
    space = filled(ScriptedLLM({"retain.summary": half_true}), clock)
    space.upkeep()
    assert all("castle" not in memory.text and memory.attributes["told_by"] == "model" for memory in days(space))


@pytest.mark.parametrize("reply", ["no json at all", {"sentences": "many"}, {"words": []}, [1, 2]])
def test_replies_that_do_not_fit_leave_the_extract(clock: FrozenClock, reply: object) -> None:
    space = filled(ScriptedLLM({"retain.summary": lambda request: reply}), clock)
    assert space.upkeep().finished
    assert {memory.attributes["told_why"] for memory in days(space)} == {"InvalidReply"}


def test_a_model_that_is_not_there_stops_the_asking_and_is_tried_again_by_the_next_pass(clock: FrozenClock) -> None:
    def gone(request: Any) -> object:
        raise ModelUnavailable("no route to the model")

    away = {"now": True}
    llm = ScriptedLLM({"retain.summary": lambda request: gone(request) if away["now"] else truthful(request)})
    space = filled(llm, clock)
    report = space.upkeep()
    assert report.finished
    assert "told" not in report.done
    assert all("told_by" not in memory.attributes for memory in days(space))
    away["now"] = False
    assert space.upkeep().done["told"] >= 3


def test_the_model_s_ceiling_ends_the_asking_and_the_pass_goes_through(clock: FrozenClock) -> None:
    llm = ScriptedLLM({"retain.summary": truthful}, budget=Budget(calls_per_day=2))
    space = filled(llm, clock)
    report = space.upkeep()
    assert report.finished
    assert report.done["told"] == 2
    assert len(llm.asked) == 2
    assert [memory.attributes.get("told_by") for memory in days(space)] == ["model", "model", None]


def test_a_dry_run_asks_no_model(clock: FrozenClock) -> None:
    llm = ScriptedLLM({"retain.summary": truthful})
    space = filled(llm, clock)
    space.upkeep(dry_run=True)
    assert llm.asked == []


def test_a_late_message_makes_the_day_anew_and_it_is_told_anew(clock: FrozenClock) -> None:
    llm = ScriptedLLM({"retain.summary": truthful})
    space = filled(llm, clock)
    space.upkeep()
    before = len(llm.asked)
    text = "On 4 March we saw the green umbrella museum in Porto for 12 euros."
    space.remember(text, author="Ann", at=START - timedelta(minutes=30))
    space.upkeep()
    assert len(llm.asked) > before
    (first, *_) = days(space)
    assert first.attributes["told_by"] == "model"
    assert "umbrella" in first.text
