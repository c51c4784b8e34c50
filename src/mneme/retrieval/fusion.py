"""Fusion: one order out of several channels' scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.ports import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedSum:
    """The weighted sum of the channels' z-scores over the admitted memories.

    A z-score makes a cosine and a BM25 score comparable without knowing their scales; a plain sum of four of them beats trained
    rankers on unseen conversations here.

    Args:
        weights: channel -> weight; channels that are not named count 1.
    """

    weights: Mapping[str, float] = field(default_factory=dict)

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return at most ``query.k`` admitted positions, best first; ties by time, then position."""
        total = np.zeros(ctx.index.size, np.float32)
        parts: dict[str, FloatArray] = {}
        for name, scores in channels.items():
            part = np.float32(self.weights.get(name, 1.0)) * z_scores(scores, query.admitted)
            total += part
            parts[name] = part
        positions = best(total, query.admitted, ctx.index.at, query.k)
        return Ranked(positions=positions, scores=total[positions], parts={name: part[positions] for name, part in parts.items()})


def z_scores(scores: FloatArray, among: BoolArray) -> FloatArray:
    """Return scores less their mean, over their standard deviation, both taken over the positions ``among``; zeros when all are equal."""
    population = scores[among]
    if not len(population):
        return np.zeros_like(scores)
    spread = float(population.std())
    if spread < 1e-9:
        return np.zeros_like(scores)
    return ((scores - np.float32(population.mean())) / np.float32(spread)).astype(np.float32)


def best(scores: FloatArray, among: BoolArray, at: IntArray, k: int) -> IntArray:
    """Return the ``k`` positions with the highest scores, best first; ties by earlier time, then position."""
    positions = np.flatnonzero(among)
    if len(positions) > k:
        values = scores[positions]
        edge = np.partition(values, len(values) - k)[len(values) - k]
        positions = positions[values >= edge]
    order = np.lexsort((positions, at[positions], -scores[positions]))
    return positions[order][:k]
