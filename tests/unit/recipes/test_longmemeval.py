"""LongMemEval's acceptance test: keys, values, the time of a question, updates, what is not known."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import mneme
from mneme.core.composing import compose, resolve
from mneme.models.transport import Request
from mneme.recipes.agent.chain_of_notes import UNKNOWN, ChainOfNotes
from mneme.retrieval.dated import by_rule
from mneme.testing import ScriptedLLM

from .world import at_angle, memory_of

DAY = timedelta(days=1)
ASKED_ON = datetime(2023, 5, 20, 10, tzinfo=UTC)
QUESTION, RAW, FACT = "Which pet does Ana keep?", "The little one chewed my slippers again.", "Ana has a dachshund."


def rounds(table: dict[str, list[float]]) -> list[tuple[str, str]]:
    """Ten sessions of five rounds; the raw round shares nothing with the question, eight others are nearer to it."""
    said = [(f"s{session}", f"Round {number} of session {session}.") for session in range(10) for number in range(5)]
    said[22] = ("s4", RAW)
    table |= {text: at_angle(0.6 - place / 100) for place, (_, text) in enumerate(said) if text != RAW}
    table |= {QUESTION: [1, 0], RAW: [0, 0, 1], FACT: at_angle(0.95)}
    return said


@pytest.mark.parametrize(("with_facts", "found"), [(True, True), (False, False)])
def test_a_fact_that_paraphrases_leads_to_the_raw_round_and_the_round_alone_is_missed(with_facts: bool, found: bool) -> None:
    table: dict[str, list[float]] = {}
    said = rounds(table)
    memory, _ = memory_of("longmemeval", table)
    space = memory.space("s")
    for number, (session, text) in enumerate(said):
        space.remember(text, ref=f"r{number}", session=session)
    if with_facts:
        space.remember(memories=[{"text": FACT, "kind": "fact", "sources": ["r22"]}])
    hits = space.recall(QUESTION, k=5).hits
    assert (RAW in [hit.text for hit in hits]) is found
    assert all(hit.memory.kind == "turn" for hit in hits)  # the value is the raw round, never the fact
    assert FACT not in space.recall(QUESTION, k=5).context


BOUGHT = {"march": "I bought a red lamp.", "may": "I bought a blue rug."}
LAST_WEEK = "What did I buy last week?"


def shopping(llm: ScriptedLLM | None = None) -> mneme.Space:
    memory, clock = memory_of("longmemeval", "hash:96")
    space = memory.space("s")
    for text, month, day in ((BOUGHT["march"], 3, 14), (BOUGHT["may"], 5, 15)):
        space.remember(text, author="Ana", at=datetime(2023, month, day, 9, tzinfo=UTC))
    memory.llm = llm
    clock.set(ASKED_ON)
    return space


def test_last_week_is_the_seven_days_before_the_question() -> None:
    found = by_rule(LAST_WEEK, ASKED_ON)
    assert found is not None
    first, end = found
    assert (first.date().isoformat(), (end - DAY).date().isoformat()) == ("2023-05-13", "2023-05-20")
    assert by_rule("What did I buy?", ASKED_ON) is None
    march = by_rule("What did I buy in March 2023?", ASKED_ON)
    assert march is not None
    assert [moment.date().isoformat() for moment in march] == ["2023-03-01", "2023-04-01"]


@pytest.mark.parametrize(
    ("question", "asked", "first", "last"),
    [
        ("What do I eat these days?", "2023-05-20", "", ""),
        ("Where was I on the last day of my trip?", "2023-05-20", "", ""),
        ("What did I say on the last day?", "2023-05-20", "", ""),
        ("What did I buy over the past few days?", "2023-05-20", "2023-05-17", "2023-05-20"),
        ("What did I buy these last two weeks?", "2023-05-20", "2023-05-06", "2023-05-20"),
        ("What did I buy in the last eight weeks?", "2023-05-20", "2023-03-25", "2023-05-20"),
        ("What did I buy last month?", "2023-05-20", "2023-04-01", "2023-05-20"),
        ("Where did I travel last year?", "2023-05-20", "2022-01-01", "2023-05-20"),
        ("Where did I travel last year?", "2024-02-29", "2023-01-01", "2024-02-29"),
        ("What did I buy in December?", "2023-01-10", "2022-12-01", "2022-12-31"),
        ("What did I buy in March?", "2023-05-20", "2023-03-01", "2023-03-31"),
        ("What did I do in May?", "2023-05-20", "2023-05-01", "2023-05-31"),
    ],
)
def test_a_stretch_that_leads_up_to_the_question_is_told_from_other_uses_of_its_words(
    question: str, asked: str, first: str, last: str
) -> None:
    found = by_rule(question, datetime.fromisoformat(f"{asked}T09:00:00+00:00"))
    told = ("", "") if found is None else (found[0].date().isoformat(), (found[1] - DAY).date().isoformat())
    assert told == (first, last)


@pytest.mark.parametrize(
    "reply", [None, {"start": "2023-05-13", "end": "2023-05-20"}], ids=["by rule", "by model"]
)  # fmt: skip
def test_what_lies_outside_the_range_is_filtered(reply: object) -> None:
    space = shopping(None if reply is None else ScriptedLLM({"dated.range": reply}))
    found = space.recall(LAST_WEEK, k=5)
    assert [hit.text for hit in found.hits] == [BOUGHT["may"]]
    assert found.trace is not None
    (note,) = [note["dated"] for note in found.trace.notes if "dated" in note]
    assert (note["since"][:10], note["until"][:10]) == ("2023-05-13", "2023-05-21")  # type: ignore[index]


@pytest.mark.parametrize(
    "reply",
    [
        {"start": "", "end": ""},
        {"start": "soon", "end": "later"},
        {"start": "2023-06-01", "end": "2023-05-01"},
        "no JSON at all",
        {"start": "1999-01-01", "end": "1999-02-01"},
    ],
)
def test_no_range_and_what_is_none_filter_nothing(reply: object) -> None:
    space = shopping(ScriptedLLM({"dated.range": reply}))
    assert {hit.text for hit in space.recall(LAST_WEEK, k=5).hits} == set(BOUGHT.values())


def test_a_question_without_a_time_is_not_filtered_and_an_event_counts_by_its_own_date() -> None:
    space = shopping()
    assert {hit.text for hit in space.recall("What did I buy?", k=5).hits} == set(BOUGHT.values())
    space.remember("I visited Oslo on 16 May 2023.", author="Ana", at=datetime(2023, 6, 1, tzinfo=UTC))
    space._memory.clock.set(datetime(2023, 6, 2, tzinfo=UTC))  # type: ignore[attr-defined]
    texts = [hit.text for hit in space.recall("What happened in May 2023?", k=5).hits]
    assert set(texts) == {"I visited Oslo on 16 May 2023.", BOUGHT["may"]}


HOMES = ["I live in Porto.", "I live in Oslo now.", "The bus was late."]
WHERE = "In which city do I live?"


def homes(llm: ScriptedLLM | None = None) -> ChainOfNotes:
    memory, clock = memory_of("longmemeval", "hash:96")
    space = memory.space("s")
    for number, text in reversed(list(enumerate(HOMES))):
        space.remember(text, author="Ana", at=datetime(2023, 1 + number, 1, tzinfo=UTC))
    clock.set(ASKED_ON)
    return ChainOfNotes(space, llm)


def test_both_versions_are_read_in_the_order_of_their_dates_and_the_latest_is_the_answer() -> None:
    def noted(request: Request) -> dict[str, list[str]]:
        items = json.loads(request.variables["items"])
        return {"notes": [item["text"] if "live" in item["text"] else "" for item in items]}

    def answered(request: Request) -> dict[str, str]:
        lines = str(request.variables["notes"]).splitlines()
        return {"text": lines[-1].split(" in ")[-1].rstrip(".").split()[0]}

    reading = homes(ScriptedLLM({"notes.take": noted, "notes.answer": answered})).ask(WHERE)
    items = json.loads(reading.items)
    assert [item["text"] for item in items if "live" in item["text"]] == HOMES[:2]
    assert [item["date"] for item in items] == sorted(item["date"] for item in items)
    assert reading.text == "Oslo"
    by_rule = homes().ask(WHERE)
    assert by_rule.text == "I live in Oslo now."
    assert [note for note in by_rule.notes if note] == HOMES[:2]


def test_notes_that_are_all_empty_mean_unknown_and_no_answer_is_asked_for() -> None:
    llm = ScriptedLLM({"notes.take": {"notes": ["", "", ""]}})
    assert homes(llm).ask("What is the name of my parrot?").text == UNKNOWN
    assert [request.role for request in llm.asked] == ["notes.take"]
    assert homes().ask("What is the name of my parrot?").text == UNKNOWN
    empty = memory_of("longmemeval", "hash:96")[0].space("empty")
    assert ChainOfNotes(empty, ScriptedLLM({})).ask(WHERE).text == UNKNOWN


@pytest.mark.parametrize("replies", [{}, {"notes.take": "no JSON"}, {"notes.take": {"notes": ["x"] * 9}, "notes.answer": 7}])
def test_a_model_that_fails_leaves_notes_and_answer_to_rules(replies: dict[str, object]) -> None:
    assert homes(ScriptedLLM(replies)).ask(WHERE).text == "I live in Oslo now."


def test_notes_are_taken_where_words_have_no_blanks_between_them() -> None:
    memory, _ = memory_of("longmemeval", "hash:96")
    space = memory.space("s")
    space.remember(["我住在波尔图。", "今天下雨了。"])
    assert ChainOfNotes(space).ask("我住在哪里?").text == "我住在波尔图。"


def test_the_recipe_ranks_behind_the_time_of_the_question() -> None:
    assert type(resolve("longmemeval").ranker).__name__ == "Dated"
    plain = compose(name="x", base="longmemeval", ranker={"use": "keyed", "pool": "max"})
    assert plain.formers == resolve("longmemeval").formers
