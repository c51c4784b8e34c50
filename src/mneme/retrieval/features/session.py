"""What the whole session of a memory says: the best cosine in it, and the BM25 of the session as one text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Index, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.dense import conversations
from mneme.retrieval.terms import inverse_frequency, norms, search_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDense:
    """The best cosine in the memory's session."""

    name: str = "session-dense"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` cosines."""
        groups, count = ctx.index.groups
        members = conversations(ctx, scene.positions)
        best = np.full(count, -1.0, np.float32)
        np.maximum.at(best, groups[members], scene.channels["dense"][members])
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
        for term in wanted.terms:
            inside = np.bincount(groups[term.positions], term.counts, count).astype(np.float32)
            idf = np.float32(term.weight * inverse_frequency(int(np.count_nonzero(inside)), sessions))
            total += idf * inside / (inside + norm)
        return total[groups[scene.positions]] / wanted.scale


def _norm(index: Index) -> tuple[FloatArray, int]:
    """Return each session's length norm, and how many sessions have a present memory."""
    groups, count = index.groups
    present = index.present
    lengths = np.bincount(groups[present], index.lengths[present], count).astype(np.float32)
    there = np.bincount(groups[present], minlength=count) > 0
    return norms(lengths, there), int(there.sum())
