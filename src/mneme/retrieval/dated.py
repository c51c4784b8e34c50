"""The time that a question is about as a filter: what was neither said nor happened then is left out before anything is ranked.

Source: LongMemEval (arXiv 2410.10813), time-aware query expansion: a model maps question and date to a range or to none, values outside
are left out; dates of events are an index beside the dates of sessions. Differs: without a model the grammar of time finds the range; a
reply that is no range, and a range in which nothing lies, filter nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.components import Ranked, Ranker
from mneme.core.context import BoolArray, Context, Query
from mneme.core.errors import ModelError
from mneme.core.llm import Prompt
from mneme.core.ports import FloatArray
from mneme.retrieval.provenance import provenance
from mneme.text.questions import asked_ranges

# "The last day of my trip", "on the last day" and "these days" are no stretch that leads up to the question.
_TRAILING = re.compile(
    r"\b(?:last|past|previous|these\s+(?:last|past))\s+(?!days?\s+of\b)"
    r"(?:(?P<count>\d{1,3}|two|three|four|five|six|seven|eight|nine|ten|twelve|few|couple\s+of)\s+|(?!day\b))"
    r"(?P<unit>day|week|month|year)s?\b(?!\s+of\b)",
    re.I,
)
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12}
_COUNTS |= {"few": 3, "couple of": 2}

RANGE = Prompt(
    role="dated.range",
    system=(
        "You say what stretch of time a question is about, as two dates like 2024-05-01, both included. When the question names no time, or"
        " asks for one, both are empty."
    ),
    template="Asked on $today: $question",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Two dates, both included; empty for no range."""

    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """Ranks what was said or happened in the time that the question is about.

    Args:
        ranker: ranks it.
        slack_days: how far beyond the range something may lie.
        ask_model: ask the model where there is one.
    """

    ranker: Ranker
    slack_days: float = 0.0
    ask_model: bool = True

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return what the ranker makes of the memories in range; of all where there is no range or nothing lies in it."""
        found = by_model(ctx, query) if self.ask_model and ctx.llm is not None else by_rule(query.text, query.now)
        if found is None:
            return self.ranker.rank(ctx, query, channels)
        slack = timedelta(days=self.slack_days)
        inside = query.admitted & self._inside(ctx, found[0] - slack, found[1] + slack)
        ctx.trace.note(dated={"since": found[0].isoformat(), "until": found[1].isoformat(), "inside": int(inside.sum())})
        return self.ranker.rank(ctx, replace(query, admitted=inside) if inside.any() else query, channels)

    def _inside(self, ctx: Context, since: datetime, until: datetime) -> BoolArray:
        """Return which positions lie in the range, and which messages tell of an event in it."""
        first, last = to_micros(since), to_micros(until)
        inside = (ctx.index.at >= first) & (ctx.index.at < last)
        known = provenance(ctx)
        told = np.zeros(ctx.index.size, bool)
        for position, memory in known.memories.items():
            if memory.kind == "event" and memory.attributes.get("from"):
                told[position] = first <= to_micros(memory.valid_from) < last
        reached = inside | told
        reached[known.value[told[known.derived]]] = True
        return reached


def by_rule(question: str, now: datetime) -> tuple[datetime, datetime] | None:
    """Return the range that a question is about, its end excluded; None for no range.

    "Last week" and the like are the days that lead up to the question, and that day itself; "last month" and "last year" begin with the
    month or year before this one. A month or a season without a year is the latest that has begun.

    Example:
        >>> found = by_rule("What did I buy last week?", datetime(2023, 5, 20, 9, tzinfo=UTC))
        >>> [f"{moment:%Y-%m-%d}" for moment in found]
        ['2023-05-13', '2023-05-21']
    """
    trailing = _TRAILING.search(question)
    if trailing:
        told, unit = " ".join((trailing["count"] or "1").casefold().split()), trailing["unit"].casefold()
        count = int(told) if told.isdigit() else _COUNTS[told]
        return _days(min(now - timedelta(days=count * _DAYS[unit]), _begun(now, count, unit)), now)
    ranges = next((found for year in (now.year, now.year - 1) if _past(found := asked_ranges(question, now, [year]), now)), [])
    ranges = ranges or asked_ranges(question, now, [now.year])
    if not ranges:
        return None
    moments = [datetime.fromtimestamp(micros / 1e6, UTC) for pair in ranges for micros in pair]
    return min(moments), max(moments)


def _begun(now: datetime, count: int, unit: str) -> datetime:
    """Return when the month or year before this one began, with a count so many before; the moment itself for days and weeks."""
    if unit in ("day", "week"):
        return now
    months = now.year * 12 + now.month - 1 - count if unit == "month" else (now.year - count) * 12
    return now.replace(year=max(months // 12, 1), month=months % 12 + 1, day=1)


def _past(ranges: Sequence[tuple[int, int]], now: datetime) -> bool:
    """Return whether any of the ranges has begun."""
    return any(lower <= to_micros(now) for lower, _ in ranges)


def by_model(ctx: Context, query: Query) -> tuple[datetime, datetime] | None:
    """Return the range that the model gives; None when it gives none, or nothing that is one."""
    assert ctx.llm is not None
    try:
        told = ctx.llm.ask(RANGE, {"today": query.now.date(), "question": query.text}, Range)
        if not told.start.strip() or not told.end.strip():
            return None
        since, until = (datetime.fromisoformat(text.strip()).replace(tzinfo=UTC) for text in (told.start, told.end))
    except (ModelError, ValueError) as error:
        ctx.trace.note(dated="no range", why=type(error).__name__)
        return None
    return _days(since, until) if since <= until else None


def _days(first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """Return whole days, the last one included."""
    begin = datetime.combine(first.astimezone(UTC).date(), time(), UTC)
    return begin, datetime.combine(last.astimezone(UTC).date(), time(), UTC) + timedelta(days=1)
