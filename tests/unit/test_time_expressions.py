"""The grammar of time against expressions written for this project with the moment they were said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mneme.core.errors import InvalidInput
from mneme.text.time_expressions import TimeMention, find_times, query_time

CASES = [json.loads(line) for line in (Path(__file__).parent / "data" / "time_expressions.jsonl").read_text("utf-8").splitlines()]
MONDAY = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)


def moment(text: str, said: datetime) -> datetime | None:
    return None if text == ".." else datetime.fromisoformat(text).replace(tzinfo=said.tzinfo)


def bounds(means: str, said: datetime) -> tuple[datetime | None, datetime | None]:
    """A day, month or year written short, or "lower/upper" with ".." for an end that is not judged."""
    if "/" in means:
        lower, upper = means.split("/")
        return moment(lower, said), moment(upper, said)
    parts = [int(part) for part in means.split("-")]
    lower_at = datetime(parts[0], *[*parts[1:], 1, 1][:2], tzinfo=said.tzinfo)
    if len(parts) == 3:
        return lower_at, lower_at + timedelta(days=1)
    following = lower_at.replace(year=lower_at.year + 1) if len(parts) == 1 else (lower_at + timedelta(days=31)).replace(day=1)
    return lower_at, following


def is_right(case: dict[str, Any], found: list[TimeMention]) -> bool:
    if case["means"] is None:
        return not found
    if len(found) != 1 or found[0].kind != case["kind"]:
        return False
    if case["means"].startswith("R:"):
        return found[0].recurring == case["means"][2:]
    lower, upper = bounds(case["means"], datetime.fromisoformat(case["said"]))
    return lower in (None, found[0].lower) and upper in (None, found[0].upper)


def test_at_least_95_percent_of_the_written_expressions_are_right() -> None:
    assert len(CASES) >= 200
    wrong = [case["text"] for case in CASES if not is_right(case, find_times(case["text"], datetime.fromisoformat(case["said"])))]
    assert 1 - len(wrong) / len(CASES) >= 0.95, wrong


@pytest.mark.parametrize(
    "text",
    ["May I sit?", "She may march in second.", "Now we sat.", "I saw Sun Tzu wed May.", "Mark fell.", "A day-long walk", "", "haha ok"],
)
def test_words_that_only_look_like_times_are_left_alone(text: str) -> None:
    assert find_times(text, MONDAY) == []


def test_spans_name_exactly_the_written_expression() -> None:
    text = "Well, we met last Saturday and then since 2019 nothing, until two weeks before 9 June 2023."
    assert [found.text for found in find_times(text, MONDAY)] == ["last Saturday", "since 2019", "until two weeks before 9 June 2023"]
    assert all(text[found.start : found.end] == found.text for found in find_times(text, MONDAY))


def test_the_anchor_keeps_its_timezone_and_its_wall_clock() -> None:
    said = datetime(2023, 3, 27, 1, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    [found] = find_times("yesterday", said)  # 23 hours long: the clocks went forward
    assert found.lower.isoformat() == "2023-03-26T00:00:00+01:00"
    assert found.upper.isoformat() == "2023-03-27T00:00:00+02:00"


def test_numeric_dates_follow_the_stated_order() -> None:
    def day(text: str, day_first: bool | None) -> str:
        return find_times(text, MONDAY, day_first=day_first)[0].lower.date().isoformat()

    assert (day("05/07/2023", None), day("05/07/2023", True), day("5.7.2023", None)) == ("2023-05-07", "2023-07-05", "2023-07-05")


def test_a_naive_anchor_is_refused() -> None:
    with pytest.raises(InvalidInput, match="anchor"):
        find_times("yesterday", datetime(2023, 5, 8))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["65 million years ago", "10000 years before 2019", "in 99999 years", "99999999 weeks ago", "二千年前"])
def test_times_outside_the_calendar_do_not_raise(text: str) -> None:
    assert isinstance(find_times(text, MONDAY), list)


def test_anchors_at_odd_moments_resolve() -> None:
    leap = datetime(2024, 2, 29, 12, tzinfo=timezone(timedelta(hours=14)))
    assert find_times("a year ago", leap)[0].lower.year == 2023
    assert find_times("last month", datetime(2023, 3, 31, tzinfo=UTC))[0].lower.month == 2
    assert find_times("next month", datetime(2023, 12, 31, tzinfo=UTC))[0].lower.isoformat() == "2024-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("question", "lower", "order", "asks_when"),
    [
        ("What did I do last May?", "2022-05-01", None, False),
        ("When did Caroline go to the support group?", None, None, True),
        ("When we first met, what did she wear?", None, "first", False),
        ("What is Ana currently reading?", None, "current", False),
        ("Where does she live now?", None, "current", False),
        ("Which book did I read most recently?", None, "latest", False),
        ("What was the last concert I went to?", None, "latest", False),
        ("What happened last week?", "2023-05-01", None, False),
        ("Who did I meet in the first week of April?", "2023-04-01", None, False),
        ("What is his first name?", None, None, False),
        ("How did they win first place?", None, None, False),
        ("What did Maria do last weekend before April 10, 2023?", "2023-04-08", None, False),
        ("In which year did they marry?", None, None, True),
        ("What did Tim do two weeks before 9 June 2023?", "2023-05-23", None, False),
        ("我上周六做了什么？", "2023-05-06", None, False),
        ("他什么时候搬家的？", None, None, True),
    ],
)
def test_questions_give_a_range_an_order_or_ask_for_a_time(question: str, lower: str | None, order: str | None, asks_when: bool) -> None:
    asked = query_time(question, MONDAY)
    assert (asked.range[0].date().isoformat() if asked.range else None) == lower
    assert (asked.order, asked.asks_when) == (order, asks_when)


def test_two_expressions_in_a_question_meet_or_span() -> None:
    meet = query_time("What did I do on Monday in May 2023?", MONDAY)
    span = query_time("What did I do yesterday and on 1 May 2023?", MONDAY)
    assert meet.range == (MONDAY.replace(hour=0, minute=0), MONDAY.replace(day=9, hour=0, minute=0))
    assert span.range == (MONDAY.replace(day=1, hour=0, minute=0), MONDAY.replace(hour=0, minute=0))
