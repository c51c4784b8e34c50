"""Ten years of messages: how large a space grows, how fast it answers, and whether planted facts are still found.

The clock is injected. Every month brings small talk, repetition and made-up statements, and a few planted facts; then upkeep holds the
space to its limit, and questions about facts of all months so far are asked and timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np

from mneme.arena.plots import Point, Series, line_chart
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
        found: share of the planted facts asked for that were among ten hits.
        upkeep_s: how long the pass took.
    """

    number: int
    active: int
    size_bytes: int
    p50_ms: float
    found: float
    upkeep_s: float


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
            times, hits = _ask(space, Random(number).sample(facts, min(asked, len(facts))))
            stats = space.stats()
            measured.append(
                Month(
                    number=number,
                    active=int(stats["active"]),
                    size_bytes=int(stats["bytes"]),
                    p50_ms=float(np.median(times)),
                    found=float(np.mean(hits)),
                    upkeep_s=report.seconds,
                )
            )
            if progress is not None:
                progress(measured[-1])
    return measured


def _planted(draw: Random, facts: list[tuple[str, str]], count: int) -> list[str]:
    said = []
    for _ in range(count):
        name, thing, number = _word(draw).capitalize(), draw.choice(_THINGS), draw.randint(100, 9999)
        facts.append((f"What is the serial number of {name}'s {thing}?", str(number)))
        said.append(f"I wrote down that the serial number of {name}'s {thing} is {number}.")
    return said


def _live(space: Space, start: datetime, count: int, planted: Sequence[str], draw: Random) -> None:
    texts = [draw.choice(_TALK) if draw.random() < 0.4 else _statement(draw) for _ in range(count - len(planted))] + list(planted)
    draw.shuffle(texts)
    step = MONTH / (count + 1)
    space.remember(
        [
            {"text": text, "author": _PEOPLE[number % 2], "at": start + step * number, "session": f"{start:%Y-%m}-{number // 30}"}
            for number, text in enumerate(texts)
        ]
    )


def _ask(space: Space, facts: Sequence[tuple[str, str]]) -> tuple[list[float], list[bool]]:
    times, hits = [], []
    space.recall("warm up")
    for question, answer in facts:
        start = time.perf_counter()
        found = space.recall(question, k=10)
        times.append((time.perf_counter() - start) * 1000)
        hits.append(any(answer in hit.text for hit in found.hits))
    return times, hits


def _word(draw: Random) -> str:
    return "".join(draw.choices(_SYLLABLES, k=3))


def _statement(draw: Random) -> str:
    words = " ".join(_word(draw) for _ in range(draw.randint(3, 9)))
    return f"They talked about {words} again and then about {_word(draw)}."


def charts(months: Sequence[Month]) -> list[str]:
    """Return the plots as SVG: size, time of a recall, planted facts found."""

    def line(name: str, values: Sequence[float]) -> Series:
        points = [Point(x=month.number / 12, y=value, lo=value, hi=value) for month, value in zip(months, values, strict=True)]
        return Series(name=name, points=points)

    shared = {"x_label": "years", "log_x": False}
    return [
        line_chart("Active memories", [line("active", [month.active for month in months])], y_label="memories", y_max=None, **shared),  # type: ignore[arg-type]
        line_chart("Time of a recall", [line("p50", [month.p50_ms for month in months])], y_label="ms", y_max=None, **shared),  # type: ignore[arg-type]
        line_chart("Planted facts found", [line("found", [month.found for month in months])], y_label="share of ten hits", **shared),  # type: ignore[arg-type]
    ]
