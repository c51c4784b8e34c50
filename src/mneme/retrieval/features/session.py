"""What the whole session of a memory says: the best cosine in it, and the BM25 of the session as one text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Index, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.terms import search_terms
from mneme.text.terms import K1, B


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDense:
    """The best cosine in the memory's session."""

    name: str = "session-dense"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` cosines."""
        groups, count = ctx.index.groups
        best = np.full(count, -1.0, np.float32)
        np.maximum.at(best, groups, scene.channels["dense"])
        return best[groups[scene.positions]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLexical:
    """BM25 of the session as one text, with inverse session frequencies, as a share of the ideal."""

    name: str = "session-lexical"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` scores."""
        index, wanted = ctx.index, search_terms(ctx, query)
        groups, count = index.groups
        norm, sessions = index.memo("session-norm", lambda: _norm(index))
        total = np.zeros(count, np.float32)
        for term, weight in zip(wanted.terms.tolist(), wanted.weights.tolist(), strict=True):
            positions, frequency = index.postings(term)
            if not len(positions):
                continue
            inside = np.bincount(groups[positions], frequency, count).astype(np.float32)
            having = int(np.count_nonzero(inside))
            idf = np.float32(weight * np.log1p((sessions - having + 0.5) / (having + 0.5)))
            total += idf * inside / (inside + norm)
        return total[groups[scene.positions]] / np.float32(wanted.ideal)


def _norm(index: Index) -> tuple[FloatArray, int]:
    """Return each session's length norm, and how many sessions have a present memory."""
    groups, count = index.groups
    present = index.present
    lengths = np.bincount(groups[present], index.lengths[present], count).astype(np.float32)
    there = np.bincount(groups[present], minlength=count) > 0
    mean = float(lengths[there].mean()) if there.any() else 1.0
    return (K1 * (1 - B + B * lengths / max(mean, 1e-9))).astype(np.float32), int(there.sum())
