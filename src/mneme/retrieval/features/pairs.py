"""Word pairs: neighbours in the question that both stand in the text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.terms import search_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The share, by inverse document frequency, of the question's adjacent word pairs of which a text has both words."""

    name: str = "pairs"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` in [0, 1]."""
        wanted = search_terms(ctx, query)
        found = np.zeros(len(scene.positions), np.float32)
        if len(wanted.terms) < 2:
            return found
        held = np.zeros((len(wanted.terms), len(scene.positions)), bool)
        has = np.zeros(ctx.index.size, bool)
        for row, term in enumerate(wanted.terms):
            has[term.positions] = True
            held[row] = has[scene.positions]
            has[term.positions] = False
        idf = np.array([term.idf for term in wanted.terms], np.float32)
        weights = idf[:-1] + idf[1:]
        both = held[:-1] & held[1:]
        return (weights @ both).astype(np.float32) / max(float(weights.sum()), 1e-6)
