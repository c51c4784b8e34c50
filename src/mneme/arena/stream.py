"""Ten years of messages: how large a space grows, how fast it answers, and whether planted facts are still found.

The clock is injected. Every month brings small talk, repetition and made-up statements, and a few planted facts; then upkeep holds the
space to its limit, and questions about facts of all months so far are asked and timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from mneme.arena.log import code_version
from mneme.arena.plots import Point, Series, legend, line_chart
from mneme.core.clock import FrozenClock
from mneme.core.ports import Embedder
from mneme.engine.upkeep import UpkeepBudget
from mneme.memory import Memory
from mneme.retention.budgets import Limit
from mneme.space import Space

START = datetime(2014, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=3650 / 120)
_TALK = ("Hey, how are you?", "Thanks a lot!", "Wow, that is great!", "Good night!", "Sounds good to me.", "Haha, nice one!")
_SYLLABLES = "ba ce di fo gu la me ni po ru sa te vi wo ya ze".split()
_THINGS = "bicycle camera passport telescope violin kayak tent lantern compass notebook".split()
_PEOPLE = ("Ann", "Ben")


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What was measured after a month.

    Args:
        number: from 1.
        active: memories in the default recall.
        size_bytes: of the file.
        p50_ms: median time of a recall.
        cpu_ms: its median processor time, which a busy machine does not change.
        found: share of the planted facts asked for that were among ten hits.
        upkeep_s: how long the pass took.
    """

    number: int
    active: int
    size_bytes: int
    p50_ms: float
    cpu_ms: float
    found: float
    upkeep_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySide:
    """The first month's space and the last one's, asked in turn, so that what else the machine does weighs on both.

    Args:
        first_ms: median time of a recall after the first month.
        last_ms: at the end.
        first_cpu_ms, last_cpu_ms: the same in processor time.
        asked: questions to each.
    """

    first_ms: float
    last_ms: float
    first_cpu_ms: float
    last_cpu_ms: float
    asked: int


def stream(
    folder: Path,
    embedder: Embedder | str,
    *,
    messages: int = 200_000,
    months: int = 120,
    most: int = 20_000,
    planted: int = 3,
    asked: int = 40,
    progress: Callable[[Month], None] | None = None,
) -> list[Month]:
    """Return a measurement per month.

    Args:
        folder: where the space is written.
        embedder: the embedding model.
        messages: in all.
        months: over how many.
        most: memories that the space is held to.
        planted: facts a month.
        asked: questions a month, about facts of all months so far.
        progress: told of every month.
    """
    clock, draw = FrozenClock(START), Random(11)
    facts: list[tuple[str, str]] = []
    measured: list[Month] = []
    with Memory(folder, embedder=embedder, clock=clock, durability="normal", seed=3) as memory:
        space = memory.space("stream")
        for number in range(1, months + 1):
            _live(space, clock.now(), messages // months, _planted(draw, facts, planted), draw)
            clock.advance(days=MONTH / timedelta(days=1))
            report = space.upkeep(limits=[Limit(memories=most)], budget=UpkeepBudget(seconds=300))
            times, work, hits = _ask(space, Random(number).sample(facts, min(asked, len(facts))))
            stats = space.stats()
            measured.append(
                Month(
                    number=number,
                    active=int(stats["active"]),
                    size_bytes=int(stats["bytes"]),
                    p50_ms=float(np.median(times)),
                    cpu_ms=float(np.median(work)),
                    found=float(np.mean(hits)),
                    upkeep_s=report.seconds,
                )
            )
            if progress is not None:
                progress(measured[-1])
    return measured


def side_by_side(
    folder: Path,
    embedder: Embedder | str,
    *,
    messages: int = 200_000,
    months: int = 120,
    most: int = 20_000,
    planted: int = 3,
    rounds: int = 20,
    asked: int = 12,
) -> SideBySide:
    """Return how long a recall takes in a space that lived one month and in one that lived all of them, measured in turn.

    Args:
        folder: where :func:`stream` wrote, with the same settings; the space of the first month is written beside it anew.
        embedder, messages, months, most, planted: as of :func:`stream`.
        rounds: how often each is asked.
        asked: questions of a round, about facts planted in the space that is asked.
    """
    draw, facts = Random(11), list[tuple[str, str]]()
    count = messages // months
    first_said = _said(START, count, _planted(draw, facts, planted), draw)
    of_first = tuple(facts)
    for number in range(1, months):
        _said(START + MONTH * number, count, _planted(draw, facts, planted), draw)
    wall: dict[str, list[float]] = {"first": [], "stream": []}
    work: dict[str, list[float]] = {"first": [], "stream": []}
    ends = FrozenClock(START + MONTH), FrozenClock(START + MONTH * months)
    with (
        Memory(folder / "first", embedder=embedder, clock=ends[0], durability="normal", seed=3) as young,
        Memory(folder, embedder=embedder, clock=ends[1], durability="normal", seed=3) as old,
    ):
        spaces = {"first": young.space("first"), "stream": old.space("stream")}
        spaces["first"].remember(first_said)
        spaces["first"].upkeep(limits=[Limit(memories=most)], budget=UpkeepBudget(seconds=300))
        for number in range(rounds):
            for name, known in (("first", of_first), ("stream", facts)):
                times, spent, _ = _ask(spaces[name], Random(number).choices(known, k=asked))
                if number:  # the first round is for warming up
                    wall[name] += times
                    work[name] += spent
    return SideBySide(
        first_ms=float(np.median(wall["first"])),
        last_ms=float(np.median(wall["stream"])),
        first_cpu_ms=float(np.median(work["first"])),
        last_cpu_ms=float(np.median(work["stream"])),
        asked=len(wall["first"]),
    )


def _planted(draw: Random, facts: list[tuple[str, str]], count: int) -> list[str]:
    said = []
    for _ in range(count):
        name, thing, number = _word(draw).capitalize(), draw.choice(_THINGS), draw.randint(100, 9999)
        facts.append((f"What is the serial number of {name}'s {thing}?", str(number)))
        said.append(f"I wrote down that the serial number of {name}'s {thing} is {number}.")
    return said


def _live(space: Space, start: datetime, count: int, planted: Sequence[str], draw: Random) -> None:
    space.remember(_said(start, count, planted, draw))


def _said(start: datetime, count: int, planted: Sequence[str], draw: Random) -> list[dict[str, object]]:
    texts = [draw.choice(_TALK) if draw.random() < 0.4 else _statement(draw) for _ in range(count - len(planted))] + list(planted)
    draw.shuffle(texts)
    step = MONTH / (count + 1)
    return [
        {"text": text, "author": _PEOPLE[number % 2], "at": start + step * number, "session": f"{start:%Y-%m}-{number // 30}"}
        for number, text in enumerate(texts)
    ]


def _ask(space: Space, facts: Sequence[tuple[str, str]]) -> tuple[list[float], list[float], list[bool]]:
    times, work, hits = [], [], []
    space.recall("warm up")
    for question, answer in facts:
        start, started = time.perf_counter(), time.process_time()
        found = space.recall(question, k=10)
        times.append((time.perf_counter() - start) * 1000)
        work.append((time.process_time() - started) * 1000)
        hits.append(any(answer in hit.text for hit in found.hits))
    return times, work, hits


def _word(draw: Random) -> str:
    return "".join(draw.choices(_SYLLABLES, k=3))


def _statement(draw: Random) -> str:
    words = " ".join(_word(draw) for _ in range(draw.randint(3, 9)))
    return f"They talked about {words} again and then about {_word(draw)}."


def document(months: Sequence[Month], *, messages: int, most: int, embedder: str, compared: SideBySide | None = None) -> dict[str, Any]:
    """Return the settings and the measurements as plain values."""
    return {
        "kind": "stream",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": code_version(),
        "messages": messages,
        "most": most,
        "embedder": embedder,
        "months": [asdict(month) for month in months],
        "side_by_side": None if compared is None else asdict(compared),
    }


def read(document: Mapping[str, Any]) -> list[Month]:
    """Return the measurements of a document."""
    return [Month(**month) for month in document["months"]]


def summary(document: Mapping[str, Any]) -> str:
    """Return the outcome in words: size, time and planted facts, at the end and at the beginning."""
    months = read(document)
    first, last = months[0], months[-1]
    ratio = last.p50_ms / first.p50_ms if first.p50_ms else 0.0
    work = last.cpu_ms / first.cpu_ms if first.cpu_ms else 0.0
    both = document.get("side_by_side")
    return (
        f"{document['messages']:,} messages over {len(months)} months, held to {document['most']:,} memories: {last.active:,} active, "
        f"{last.size_bytes / 2**20:,.0f} MiB; recall p50 {first.p50_ms:.2f} ms after the first month, {last.p50_ms:.2f} ms at the end "
        f"({ratio:.2f} times), of processor time {first.cpu_ms:.2f} and {last.cpu_ms:.2f} ms ({work:.2f} times); "
        f"planted facts found {first.found:.2f} and {last.found:.2f}, mean "
        f"{np.mean([month.found for month in months]):.3f}; slowest pass {max(month.upkeep_s for month in months):.1f} s"
        + ("" if both is None else "; " + _told(SideBySide(**both)))
    )


def _told(both: SideBySide) -> str:
    ratio, work = both.last_ms / both.first_ms, both.last_cpu_ms / both.first_cpu_ms
    return (
        f"asked in turn, {both.asked} questions each: {both.first_ms:.2f} and {both.last_ms:.2f} ms ({ratio:.2f} times), "
        f"of processor time {both.first_cpu_ms:.2f} and {both.last_cpu_ms:.2f} ms ({work:.2f} times)"
    )


def charts(months: Sequence[Month]) -> list[tuple[str, str]]:
    """Return the plots, heading and SVG: size, time of a recall and of a pass, planted facts found."""

    def line(name: str, values: Sequence[float]) -> Series:
        points = [Point(x=month.number / 12, y=value, lo=value, hi=value) for month, value in zip(months, values, strict=True)]
        return Series(name=name, points=points, style="line")

    def drawn(title: str, y_label: str, *series: Series, y_max: float | None = None) -> tuple[str, str]:
        chart = line_chart(title, series, x_label="years", y_label=y_label, y_max=y_max, log_x=False)
        return title, chart if len(series) == 1 else legend([each.name for each in series]) + chart

    return [
        drawn("Active memories", "memories", line("active", [month.active for month in months])),
        drawn("Size of the file", "MiB", line("size", [month.size_bytes / 2**20 for month in months])),
        drawn(
            "Time of a recall",
            "ms, median",
            line("p50", [month.p50_ms for month in months]),
            line("processor", [month.cpu_ms for month in months]),
        ),
        drawn("Time of a pass of upkeep", "s", line("upkeep", [month.upkeep_s for month in months])),
        drawn("Planted facts found among ten hits", "share", line("found", [month.found for month in months]), y_max=1.0),
    ]
