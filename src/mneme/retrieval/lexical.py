"""The lexical channel: BM25 of a memory's own words, as a share of what a perfect match would score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.terms import norms, search_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexical:
    """BM25 of the memory's own words, over the ideal: in [0, 1), comparable between spaces.

    Source: Robertson and Zaragoza 2009, BM25. Differs: divided by the sum of the query's inverse document frequencies.
    """

    name: str = "lexical"

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,)`` scores."""
        index, wanted = ctx.index, search_terms(ctx, query)
        norm = index.memo("norms", lambda: norms(index.lengths, index.present))
        scores = np.zeros(index.size, np.float32)
        for term in wanted.terms:
            scores[term.positions] += term.idf * term.counts / (term.counts + norm[term.positions])
        found = [term.positions for term in wanted.terms]
        if 2 * sum(map(len, found)) > index.size:
            scores /= wanted.scale
        elif found:
            touched = np.concatenate(found)
            scores[touched] = scores[touched] / wanted.scale
        return scores
