"""Time: the range that a question names against when a thing was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from mneme.core.clock import from_micros
from mneme.core.components import Scene
from mneme.core.context import Context, Index, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.text.questions import asked_ranges

TOLD_LATER_DAYS = 14
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InRange:
    """1 for what was said in a range that the question names, 0.5 up to 14 days after it, when things are told about."""

    name: str = "in-range"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` of 0, 0.5 and 1."""
        index = ctx.index
        at = index.at[scene.positions]
        score = np.zeros(len(at), np.float32)
        for lower, upper in asked_ranges(query.text, query.now, years_of(index)):
            score = np.maximum(score, told_of(at, lower, upper))
        return score


def told_of(at: IntArray, lower: int, upper: int) -> FloatArray:
    """Return ``(n,)``: 1 for a moment in a range, 0.5 for one shortly after it."""
    after = (at >= upper) & (at < upper + TOLD_LATER_DAYS * _DAY)
    found: FloatArray = (((at >= lower) & (at < upper)) + np.float32(0.5) * after).astype(np.float32)
    return found


def years_of(index: Index) -> list[int]:
    """Return the years that the space covers."""
    return index.memo("years", lambda: _years(index))


def _years(index: Index) -> list[int]:
    at = index.at[index.present]
    if not len(at):
        return [datetime.now(UTC).year]
    return list(range(from_micros(int(at.min())).year, from_micros(int(at.max())).year + 1))
