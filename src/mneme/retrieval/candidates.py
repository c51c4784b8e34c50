"""Candidates: the best of each channel with their neighbours, so that costly features are worked out for a few hundred memories."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mneme.core.context import BoolArray, Context, Index
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.features.neighbourhood import windows

ALL_BELOW = 512
PER_CHANNEL = 200
WITH_NEIGHBOURS = 40

_SAMPLED = 1024
_SPARE = 1.5


def candidates(ctx: Context, admitted: BoolArray, channels: Mapping[str, FloatArray], k: int) -> IntArray:
    """Return ``(m,)`` admitted positions worth a closer look, rising; all of them in a small space.

    The best ``PER_CHANNEL`` (or ``2 * k``) of each channel, and the neighbours of the best of these by the channels' plain sum.
    """
    places = places_of(ctx.index, admitted)
    count = len(places)
    if count <= max(ALL_BELOW, k):
        return places
    wanted = min(max(PER_CHANNEL, 2 * k), count)
    if count == len(admitted):
        picked = [highest(scores, wanted) for scores in channels.values()]
    else:
        picked = [places[highest(scores[places], wanted)] for scores in channels.values()]
    union = _rising(np.concatenate(picked))
    summed = np.zeros(len(union), np.float32)
    for scores in channels.values():
        summed += scores[union]
    around = windows(ctx.index)[union[top(summed, WITH_NEIGHBOURS)]].ravel()
    near = _rising(np.concatenate([union, around[around < ctx.index.size]]))
    return near[admitted[near]]


def places_of(index: Index, admitted: BoolArray) -> IntArray:
    """Return the admitted positions, rising; kept for the mask that was asked for last, since most questions share one."""
    kept: list[tuple[BoolArray, IntArray]] = index.memo("admitted-places", list)
    if not kept or kept[0][0] is not admitted:
        kept[:] = [(admitted, np.flatnonzero(admitted))]
    return kept[0][1]


def _rising(places: IntArray) -> IntArray:
    """Return the places, each once, rising; for a few hundred a sort is quickest."""
    ordered = np.sort(places)
    first = np.empty(len(ordered), bool)
    first[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    once: IntArray = ordered[first]
    return once


def highest(scores: FloatArray, count: int) -> IntArray:
    """Return the places of the ``count`` highest scores, in no order; fewer when the rest share the lowest score and so say nothing.

    Nearly all scores are far below the highest: an even sample tells where to cut, and only what lies above is partitioned.
    """
    step = len(scores) // _SAMPLED
    if step <= 1:
        best = top(scores, count)
        telling: IntArray = best[scores[best] > scores.min()]
        return telling
    sample = scores[::step]
    expected = min(int(count * _SPARE / step) + 8, len(sample) - 1)
    cut = np.partition(sample, len(sample) - 1 - expected)[len(sample) - 1 - expected]
    above = np.flatnonzero(scores > cut)
    if len(above) < count and cut > (lowest := scores.min()):
        above = np.flatnonzero(scores > lowest)
    return above[top(scores[above], count)]


def top(scores: FloatArray, count: int) -> IntArray:
    """Return the places of the ``count`` highest scores, in no order; all of them when there are not more."""
    if count >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(scores, len(scores) - count)[len(scores) - count :]
