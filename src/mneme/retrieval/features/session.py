"""What the whole session of a memory says: the best cosine in it, and the BM25 of the session as one text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Index, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.dense import conversations
from mneme.retrieval.terms import SearchTerms, inverse_frequency, norms, search_terms

_FEW = 1024
"""So many conversations are worked out as quickly as some of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDense:
    """The best cosine in the memory's session."""

    name: str = "session-dense"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` cosines."""
        if not len(scene.positions):
            return np.zeros(0, np.float32)
        near = conversations(ctx, scene.positions)
        best = np.maximum.reduceat(scene.channels["dense"][near.members], near.starts)
        np.maximum(best, np.float32(-1.0), out=best)
        return best[np.searchsorted(near.groups, ctx.index.groups[0][scene.positions])]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLexical:
    """BM25 of the session as one text, with inverse session frequencies, as a share of the ideal."""

    name: str = "session-lexical"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` scores."""
        index, wanted = ctx.index, search_terms(ctx, query)
        groups, count = index.groups
        norm, sessions = index.memo("session-norm", lambda: _norm(index))
        if count > _FEW:
            return self._of_many(ctx, wanted, scene.positions, norm, sessions)
        total = np.zeros(count, np.float32)
        for term in wanted.terms:
            inside = np.bincount(groups[term.positions], term.counts, count).astype(np.float32)
            idf = np.float32(term.weight * inverse_frequency(int(np.count_nonzero(inside)), sessions))
            total += idf * inside / (inside + norm)
        return total[groups[scene.positions]] / wanted.scale

    def _of_many(self, ctx: Context, wanted: SearchTerms, positions: IntArray, norm: FloatArray, sessions: int) -> FloatArray:
        """Return the same scores, worked out for the candidates' conversations only."""
        groups, count = ctx.index.groups
        near = conversations(ctx, positions).groups
        norm = norm[near]
        slot = np.full(count, len(near))
        slot[near] = np.arange(len(near))
        total = np.zeros(len(near), np.float32)
        for term in wanted.terms:
            there = groups[term.positions]
            having = np.zeros(count, bool)
            having[there] = True
            inside = np.bincount(slot[there], term.counts, len(near) + 1)[:-1].astype(np.float32)
            idf = np.float32(term.weight * inverse_frequency(int(np.count_nonzero(having)), sessions))
            total += idf * inside / (inside + norm)
        scores: FloatArray = total[slot[groups[positions]]] / wanted.scale
        return scores


def _norm(index: Index) -> tuple[FloatArray, int]:
    """Return each session's length norm, and how many sessions have a present memory."""
    groups, count = index.groups
    present = index.present
    lengths = np.bincount(groups[present], index.lengths[present], count).astype(np.float32)
    there = np.bincount(groups[present], minlength=count) > 0
    return norms(lengths, there), int(there.sum())
