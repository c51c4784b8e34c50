"""Lexical channels: BM25 of a memory's own words, and of the words in its window of the session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexical:
    """BM25 of the memory's own words."""

    name: str = "bm25"

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,)`` BM25 scores."""
        return ctx.index.lexical(query.terms, query.weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLexical:
    """BM25 of the window around a memory, as if the window were one text; windows end at the session's edge.

    Args:
        reach: how many neighbours on each side.
        k1: how soon repetition of a term stops to count.
        b: how much longer windows are held against.
    """

    name: str = "bm25-window"
    reach: int = 2
    k1: float = 1.2
    b: float = 0.5

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,)`` BM25 scores of windows."""
        index = ctx.index
        places = _window(index.previous, index.following, index.size, self.reach)
        lengths = np.append(index.lengths, np.float32(0.0))
        total_length = sum((lengths[place] for place in places), index.lengths.astype(np.float32))
        mean = float(total_length[index.present].mean()) if index.present.any() else 1.0
        norm = self.k1 * (1 - self.b + self.b * total_length / max(mean, 1e-9))
        scores = np.zeros(index.size, np.float32)
        for term, weight in zip(query.terms.tolist(), query.weights.tolist(), strict=True):
            positions, counts = index.postings(term)
            if not len(positions):
                continue
            frequency = np.zeros(index.size + 1, np.float32)
            frequency[positions] = counts
            spread = frequency[:-1].copy()
            for place in places:
                spread += frequency[place]
            scores += weight * index.idf(term) * spread * (self.k1 + 1) / (spread + norm)
        return scores


def _window(previous: IntArray, following: IntArray, size: int, reach: int) -> list[IntArray]:
    places = []
    for step in (previous, following):
        walk = np.append(step, size)
        place = step
        for _ in range(reach):
            places.append(place)
            place = walk[place]
    return places
