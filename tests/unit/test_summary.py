"""Extractive summaries: dated, attributed, made of cited words only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from mneme.core.context import Context
from mneme.core.operations import Keep
from mneme.core.records import Episode, Memory
from mneme.core.trace import Trace
from mneme.formation.summary import SummaryFormer, extracts, sentences_of, with_dates
from mneme.guard.grounding import grounded

SAID = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
TALK = [
    ("Ana", "Hey Mel! Good to see you."),
    ("Mel", "Hi Ana! How have you been?"),
    ("Ana", "I moved to Lisbon last Saturday and the new flat has a view of the river."),
    ("Mel", "Wow, that's amazing!"),
    ("Ana", "The flat in Lisbon is small. I love the river view though."),
    ("Mel", "Did you find work there?"),
    ("Ana", "I started working at Siemens in Lisbon yesterday."),
    ("Mel", "Cool. Take care!"),
]


class Scene:
    trace = Trace(id="tr_1", verb="remember")


CTX = cast(Context, cast(Any, Scene()))


def talk(session: str = "s1", day: int = 0, start: int = 0) -> list[Episode]:
    return [
        Episode(
            id=f"ep_01j8z4k2m5{start + i:010d}", text=text, at=SAID + timedelta(days=day, minutes=i),
            recorded_at=SAID + timedelta(days=day, minutes=i), author=author, session=session,
        )
        for i, (author, text) in enumerate(TALK)
    ]  # fmt: skip


def kept(episodes: list[Episode], **settings: Any) -> list[Memory]:
    return [operation.memory for operation in SummaryFormer(**settings).form(CTX, episodes) if isinstance(operation, Keep)]


def test_a_session_summary_tells_what_was_stated_and_when() -> None:
    [summary] = kept(talk(), most=3)
    assert summary.kind == "summary"
    assert summary.text.startswith("8 May 2023. Ana: I moved to Lisbon last Saturday (on 6 May 2023)")
    assert "Siemens in Lisbon yesterday (on 7 May 2023)" in summary.text
    assert "How have you been" not in summary.text
    assert summary.attributes["people"] == ["Ana", "Mel"]


def test_a_summary_rests_on_spans_and_passes_the_gate() -> None:
    episodes = talk()
    [summary] = kept(episodes)
    words = {episode.id: episode.text for episode in episodes}
    cited = [words[span.episode][span.start : span.end] for span in summary.sources]
    assert all(part and part in summary.text.replace(" (on 6 May 2023)", "").replace(" (on 7 May 2023)", "") for part in cited)
    assert grounded(summary.text, cited, SAID, known=["Ana", "Mel"]).ok


def test_days_with_several_sessions_get_their_own_summary() -> None:
    two = [*talk("s1"), *talk("s2", start=100)]
    assert [memory.attributes["by"] for memory in kept(two)] == ["session", "session", "day"]
    assert [memory.attributes["by"] for memory in kept(talk())] == ["session"]
    assert kept(talk()[:3]) == []


def test_forming_again_makes_the_same_summary() -> None:
    assert kept(talk()) == kept(talk())


def test_the_same_sentence_is_not_chosen_twice() -> None:
    repeated = [
        Episode(id=f"ep_{i}", text=text, at=SAID, recorded_at=SAID, author="Ana")
        for i, text in enumerate(["I bought a red kayak for the lake."] * 4 + ["My sister Ruth lives in Oslo with her cat."])
    ]
    chosen = extracts(repeated, most=2, diversity=0.5)
    assert {item.text for item in chosen} == {"I bought a red kayak for the lake.", "My sister Ruth lives in Oslo with her cat."}


def test_nothing_to_summarise_gives_nothing() -> None:
    assert extracts([]) == []
    assert sentences_of([Episode(id="ep_1", text="ok", at=SAID, recorded_at=SAID)]) == []


def test_relative_times_are_dated_and_absolute_ones_left() -> None:
    assert with_dates("We met last week.", SAID) == "We met last week (between 1 and 7 May 2023)."
    assert with_dates("We met in 2019, every Tuesday.", SAID) == "We met in 2019, every Tuesday."
