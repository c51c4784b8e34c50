"""Time: the range that a question names against when a thing was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from mneme.core.clock import from_micros
from mneme.core.components import Scene
from mneme.core.context import Context, Index, Query
from mneme.core.ports import FloatArray
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
        years = index.memo("years", lambda: _years(index))
        at = index.at[scene.positions]
        score = np.zeros(len(at), np.float32)
        for lower, upper in asked_ranges(query.text, query.now, years):
            told = (at >= upper) & (at < upper + TOLD_LATER_DAYS * _DAY)
            score = np.maximum(score, ((at >= lower) & (at < upper)) + np.float32(0.5) * told).astype(np.float32)
        return score


def _years(index: Index) -> list[int]:
    at = index.at[index.present]
    if not len(at):
        return [datetime.now(UTC).year]
    return list(range(from_micros(int(at.min())).year, from_micros(int(at.max())).year + 1))
