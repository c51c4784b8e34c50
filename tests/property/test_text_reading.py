"""Whatever the text, finding times, names and statements neither fails nor points outside of it."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from mneme.formation.corrections import correction
from mneme.formation.reading import read
from mneme.guard.grounding import grounded
from mneme.text.names import mentions
from mneme.text.time_expressions import find_times, query_time

PIECES = st.sampled_from(
    (
        'I |my |sister |Ana |live in |Rome |moved to |last |May |5 |th |, |and |. |? |" |two weeks ago |since |2019 |from |to |3 '
        "|pm |every |Tuesday |not |don't |love |a dog |named |Rex |if |said |she |\n |before |the |week |上周六 |3年前 |is |'s "
        "|favourite |colour |12/31/1999 |29 February |Christmas "
    ).split("|")
)
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=80)
MOMENTS = st.datetimes(min_value=datetime(1950, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(max_examples=150, deadline=None)
@given(TEXTS, MOMENTS)
def test_times_lie_in_the_text_in_order_and_are_intervals(text: str, at: datetime) -> None:
    found = find_times(text, at)
    for item in found:
        assert item.text == text[item.start : item.end] != ""
        assert item.lower < item.upper
        assert item.lower.tzinfo is not None
    assert all(one.end <= two.start for one, two in zip(found, found[1:], strict=False))  # noqa: RUF007
    span = query_time(text, at).range
    assert span is None or span[0] < span[1]


@settings(max_examples=150, deadline=None)
@given(TEXTS, MOMENTS)
def test_statements_rest_on_words_of_the_text(text: str, at: datetime) -> None:
    for item in read(text, "Mel", at, ["Ana"]):
        assert 0 <= item.span_start < item.span_end <= len(text)
        assert item.object
        assert item.subject
        assert item.valid_from is None or item.valid_to is None or item.valid_from <= item.valid_to


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS, MOMENTS)
def test_mentions_corrections_and_the_gate_take_any_text(text: str, cited: str, at: datetime) -> None:
    assert all(text[item.start : item.end] == item.text for item in mentions(text, ["Melanie Smith", "王小明"]))
    made = correction(text)
    assert made is None or made.new in text
    verdict = grounded(text, cited, at, known=["Ana"])
    assert verdict.ok == (not verdict.problems)
