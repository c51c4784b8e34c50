"""Candidates: the best of each channel with their neighbours, so that costly features are worked out for a few hundred memories."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mneme.core.context import BoolArray, Context
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.features.neighbourhood import windows

ALL_BELOW = 512
PER_CHANNEL = 200
WITH_NEIGHBOURS = 40


def candidates(ctx: Context, admitted: BoolArray, channels: Mapping[str, FloatArray], k: int) -> IntArray:
    """Return ``(m,)`` admitted positions worth a closer look, rising; all of them in a small space.

    The best ``PER_CHANNEL`` (or ``2 * k``) of each channel, and the neighbours of the best by the channels' plain sum.
    """
    everything = np.flatnonzero(admitted)
    if len(everything) <= max(ALL_BELOW, k):
        return everything
    wanted = min(max(PER_CHANNEL, 2 * k), len(everything))
    picked = [top(scores[everything], wanted) for scores in channels.values()]
    summed = np.sum([scores[everything] for scores in channels.values()], axis=0)
    near = windows(ctx.index)[everything[top(summed, WITH_NEIGHBOURS)]].ravel()
    near = near[near < ctx.index.size]
    chosen = np.zeros(ctx.index.size, bool)
    chosen[everything[np.concatenate(picked)]] = True
    chosen[near[admitted[near]]] = True
    return np.flatnonzero(chosen)


def top(scores: FloatArray, count: int) -> IntArray:
    """Return the places of the ``count`` highest scores, in no order; all of them when there are not more."""
    if count >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(scores, len(scores) - count)[len(scores) - count :]
