"""The rule-based former: operations with source, time and structure, the same each time."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, cast

import pytest

import mneme
from mneme.arena.generated.extraction import corpus
from mneme.core.context import Context
from mneme.core.operations import Keep
from mneme.core.records import KINDS, Episode, Memory
from mneme.core.trace import Trace
from mneme.formation.routing import importance, route
from mneme.formation.rules import RuleFormer
from mneme.guard.grounding import grounded

SAID = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)


class Authors:
    def codes(self, field: str) -> tuple[list[int], list[object]]:
        assert field == "author"
        return [0, 1], ["Melanie", None]


class Scene:
    index = Authors()
    trace = Trace(id="tr_1", verb="remember")
    aside = nullcontext


CTX = cast(Context, cast(Any, Scene()))


def episode(text: str, *, role: str | None = None, number: int = 0, author: str = "Ana", at: datetime = SAID) -> Episode:
    return Episode(
        id=f"ep_01j8z4k2m5{number:010d}", text=text, at=at, recorded_at=at, author=author, role=role, session="s1", ref=f"D1:{number}"
    )


def formed(text: str, **more: Any) -> list[Memory]:
    operations = RuleFormer().form(CTX, [episode(text, **more)])
    assert all(isinstance(operation, Keep) for operation in operations)
    return [operation.memory for operation in operations if isinstance(operation, Keep)]


def test_a_move_is_an_event_and_makes_a_home() -> None:
    moved, home = formed("By the way, I moved to Lisbon last Saturday.")
    assert (moved.text, moved.kind, moved.valid_to) == ("Ana moved to Lisbon on 6 May 2023.", "event", None)
    assert (home.text, home.kind) == ("Ana lives in Lisbon since 6 May 2023.", "profile")
    assert moved.valid_from == home.valid_from == datetime(2023, 5, 6, tzinfo=UTC)
    assert (home.attributes["relation"], home.attributes["object"]) == ("lives_in", "Lisbon")
    assert moved.sources[0].episode == "ep_01j8z4k2m50000000000"
    assert (moved.author, moved.session, moved.ref) == ("Ana", "s1", "D1:0")


def test_a_plan_holds_until_its_time_is_over() -> None:
    [plan] = formed("I'm flying to Oslo next week.")
    assert (plan.text, plan.kind) == ("Ana plans on flying to Oslo between 15 and 21 May 2023.", "event")
    assert (plan.valid_from, plan.valid_to) == (SAID, datetime(2023, 5, 22, tzinfo=UTC))
    assert plan.attributes["modality"] == "planned"


def test_what_an_assistant_says_is_not_formed() -> None:
    assert formed("I live in Lisbon.", role="assistant") == []
    assert len(formed("I live in Lisbon.", role="user")) == 1


def test_forming_again_makes_the_same_memories() -> None:
    episodes = [episode("I have a dog named Rex and I love chess.", number=n) for n in range(3)]
    once, twice = RuleFormer().form(CTX, episodes), RuleFormer().form(CTX, episodes)
    assert once == twice
    ids = [operation.memory.id for operation in once if isinstance(operation, Keep)]
    assert len(set(ids)) == len(ids) == 9
    assert all(len(id) == len("mem_") + 20 for id in ids)


def test_short_forms_become_the_known_person() -> None:
    assert formed("Mel lives in Oslo.")[0].attributes["subject"] == "Melanie"


def test_every_formed_memory_passes_the_gate_and_fits_the_record() -> None:
    judged = refused = 0
    for dialogue in corpus(31, dialogues=30):
        for number, turn in enumerate(dialogue):
            for memory in formed(turn.text, number=number, author=turn.author, at=turn.at):
                cited = [turn.text[span.start : span.end] for span in memory.sources]
                judged += 1
                refused += not grounded(memory.text, cited, turn.at, known=[turn.author]).ok
                assert memory.kind in KINDS
                assert memory.valid_to is None or memory.valid_to > memory.valid_from
                assert 0 <= memory.importance <= 1
    assert judged > 300
    assert refused / judged <= 0.02


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("I visited Oslo on May 3", "100"),
        ("I am allergic to nuts", "010"),
        ("to reset, hold the button 5 s", "001"),
        ("haha ok", "000"),
        ("yesterday I learned I hate jazz", "110"),
        ("Did you visit Oslo?", "000"),
    ],
)
def test_turns_are_routed_by_what_they_tell(text: str, mask: str) -> None:
    assert route(text).mask == mask


def test_an_allergy_matters_more_than_an_outing() -> None:
    from mneme.formation.reading import read

    [allergy] = read("I'm allergic to nuts.", "Ana", SAID)
    [outing] = read("I went to the aquarium.", "Ana", SAID)
    assert importance(allergy) == 0.8
    assert importance(outing) == 0.4


@pytest.mark.parametrize(
    "text",
    [
        "Ben lives in Rome, I think.",
        "Ben lives in Rome I guess!",
        "Ben said: I work at Acme.",
        "Ben said, I work at Acme.",
        "Ben told me: I moved to Oslo.",
        "Yeah right, I live in Rome.",
    ],
)
def test_what_is_half_taken_back_or_said_by_somebody_makes_no_statement(text: str) -> None:
    with mneme.Memory(":memory:", embedder="hash", recipe="beliefs") as memory:
        memory.space().remember(text, author="Ana")
        assert [one.text for one in memory.space().memories() if one.kind not in ("turn", "concept")] == []


def test_words_in_single_quotation_marks_are_their_speakers() -> None:
    with mneme.Memory(":memory:", embedder="hash", recipe="beliefs") as memory:
        memory.space().remember("Ben said: 'I'm from Oslo.' I'm not, and my dog's toy is Ben's.", author="Ana")
        found = [(one.text, one.attributes["modality"]) for one in memory.space().memories() if one.kind not in ("turn", "concept")]
    assert ("Ben is from Oslo.", "reported") in found
    assert not any(text.startswith("Ana is from") for text, _ in found)
