"""Dense channels: the cosine of the query with a memory's best passage, and with what surrounds it in its session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """The cosine of the query with the memory's best passage."""

    name: str = "dense"

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,)`` cosines."""
        return ctx.index.dense(query.vector)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourDense:
    """The mean cosine of a memory and its neighbours in the session: a window's vector without embedding windows.

    The mean of unit vectors, taken with a query, is the mean of their cosines; it costs no further embedding.

    Args:
        reach: how many neighbours on each side.
    """

    name: str = "dense-window"
    reach: int = 1

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,)`` mean cosines; windows end at the session's edge."""
        return window_mean(ctx, ctx.index.dense(query.vector), self.reach)


def window_mean(ctx: Context, scores: FloatArray, reach: int) -> FloatArray:
    """Return the mean of scores over each position and its neighbours in the session, ``reach`` on each side."""
    index = ctx.index
    padded = np.append(scores, np.float32(0.0))
    present = np.append(index.present, False).astype(np.float32)
    total, count = scores.copy(), np.ones(index.size, np.float32)
    for step in (index.previous, index.following):
        walk = np.append(step, index.size)
        place = step
        for _ in range(reach):
            total += padded[place] * present[place]
            count += present[place]
            place = walk[place]
    return total / count
