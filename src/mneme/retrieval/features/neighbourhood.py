"""What stands around a memory in its session: the mean cosine and the BM25 of a window that ends at the session's edge.

The window reaches two memories to each side, and on each side only as far as 64 words go: next to a long answer, a neighbour
explains less than it dilutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Index, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.terms import norms, search_terms

REACH = 2
MOST_WORDS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowDense:
    """The mean cosine over the window: a window's vector without embedding windows."""

    name: str = "window-dense"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` mean cosines."""
        index = ctx.index
        places = windows(index)[scene.positions]
        inside = places < index.size
        cosines = scene.channels["dense"][np.where(inside, places, 0)]
        mean: FloatArray = np.where(inside, cosines, 0.0).sum(axis=1, dtype=np.float32) / inside.sum(axis=1, dtype=np.float32)
        return mean


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLexical:
    """BM25 of the window as if it were one text, as a share of the ideal."""

    name: str = "window-lexical"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` scores in [0, 1)."""
        index, wanted = ctx.index, search_terms(ctx, query)
        places = windows(index)[scene.positions]
        norm = index.memo("window-norm", lambda: _norm(index))[scene.positions]
        counts = index.memo("window-counts", lambda: np.zeros(index.size + 1, np.float32))  # all 0 between two uses
        total = np.zeros(len(places), np.float32)
        for term in wanted.terms:
            try:
                counts[term.positions] = term.counts
                inside = counts[places].sum(axis=1)
            finally:
                counts[term.positions] = 0.0
            total += term.idf * inside / (inside + norm)
        return total / wanted.scale


def windows(index: Index) -> IntArray:
    """Return ``(size, 5)`` positions of each memory's window, itself in the middle, ``size`` where the window ends."""
    return index.memo("windows", lambda: _windows(index))


def _windows(index: Index) -> IntArray:
    size = index.size
    lengths = np.append(index.lengths, np.float32(0.0))
    found = np.full((size, 2 * REACH + 1), size, np.int64)
    found[:, REACH] = np.arange(size)
    for side, step in ((-1, index.previous), (1, index.following)):
        walk = np.append(step, size)
        place, words = step, np.zeros(size, np.float32)
        for distance in range(1, REACH + 1):
            words = words + lengths[place]
            found[:, REACH + side * distance] = np.where(words <= MOST_WORDS, place, size)
            place = walk[place]
    return found


def _norm(index: Index) -> FloatArray:
    lengths = np.append(index.lengths, np.float32(0.0))[windows(index)].sum(axis=1, dtype=np.float32)
    return norms(lengths, index.present)
