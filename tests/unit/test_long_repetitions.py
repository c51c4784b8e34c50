"""Texts that repeat themselves for a long time are read in time that grows with their length, not with its square."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from mneme.formation.reading import read
from mneme.formation.routing import route
from mneme.text.feelings import emotions
from mneme.text.names import mentions

AT = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("work", "piece", "times"),
    [
        (mentions, "a", 60_000),
        (mentions, "我在宝马", 12_000),
        (route, "first a ", 8_000),
        (emotions, "happy ", 300_000),
        (lambda text: read(text, "Ana", AT, ["Ana"]), "every day at ", 1_200),
    ],
)
def test_a_long_repetition_takes_seconds_at_most(work: Callable[[str], object], piece: str, times: int) -> None:
    begin = time.process_time()
    work(piece * times)
    assert time.process_time() - begin < 3


def test_what_stands_beside_a_long_run_of_blanks_is_read_as_beside_a_short_one() -> None:
    short, long = (
        read(f"I live in Porto{' ' * blanks}and my sister works as a nurse{' ' * blanks}; I like tea", "Ana", AT, ["Ana"])
        for blanks in (2, 40)
    )
    assert [(one.subject, one.relation, one.object) for one in long] == [(one.subject, one.relation, one.object) for one in short]
    assert len(long) >= 2


@pytest.mark.parametrize("text", ["mail a.b+c@d-e.co.uk now", "x+y@z.io", "a@b.com,c@d.org"])
def test_addresses_are_found_as_before(text: str) -> None:
    found = [one.text for one in mentions(text) if "@" in one.text]
    assert found == [part.strip() for part in text.replace("mail", "").replace("now", "").split(",")]
