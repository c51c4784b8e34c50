"""The retention simulation on a made-up conversation: budgets are held, the figures add up, the tests are paired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from mneme.arena.retention import compared, figures, relative, simulate, table
from mneme.arena.stream import charts, stream
from mneme.arena.task import Question, Sample
from mneme.core.records import Message
from mneme.models.embedder import resolve_embedder

START = datetime(2024, 1, 1, tzinfo=UTC)
TALK = ("Hello there!", "Thanks a lot!", "Wow, that is great!", "Sounds good.", "See you soon!")


def sample() -> Sample:
    messages, questions = [], []
    for number in range(24):
        at = START + timedelta(days=number)
        text = f"I bought {number + 3} lamps in shop {chr(65 + number)}quor on 3 May."
        messages.append(Message(text=text, at=at, session=f"s{number}", ref=f"f{number}"))
        friend = f"{chr(97 + number)}olo"
        talk = [f"{said} Dear {friend}." for said in TALK]
        messages += [Message(text=said, at=at, session=f"s{number}", ref=f"t{number}-{n}") for n, said in enumerate(talk)]
        question = f"How many lamps did you buy in shop {chr(65 + number)}quor?"
        questions.append(Question(id=f"q{number}", text=question, category="x", gold={f"f{number}": 1}, answer=f"{number + 3}"))
    return Sample(id="made-up", messages=tuple(messages), questions=tuple(questions))


def test_small_talk_goes_and_facts_stay_where_fifo_forgets_them(tmp_path: Path) -> None:
    outcomes = simulate([sample()], resolve_embedder("hash"), tmp_path, policies=("value", "fifo"), shares=(0.6,))
    by = {outcome.policy: outcome for outcome in outcomes}
    assert by["value"].coverage == 1.0
    assert by["fifo"].coverage < 0.8
    assert all(outcome.tokens <= 0.61 for outcome in outcomes if outcome.policy != "unlimited")
    assert relative(outcomes)["unlimited", 1.0] == 1.0
    assert compared(outcomes)["fifo", 0.6] < 0.05
    assert "| value | 60% |" in table(outcomes)
    assert set(figures(outcomes)) == {"unlimited@1", "value@0.6", "fifo@0.6"}


def test_a_short_stream_is_held_to_its_limit_and_keeps_what_was_planted(tmp_path: Path) -> None:
    months = stream(tmp_path, "hash", messages=360, months=6, most=60, asked=5)
    assert [month.number for month in months] == [1, 2, 3, 4, 5, 6]
    assert all(month.active <= 60 for month in months)
    assert months[-1].found >= 0.8
    assert all(chart.startswith("<svg") for chart in charts(months))
