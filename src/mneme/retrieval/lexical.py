"""The lexical channel: BM25 of a memory's own words, as a share of what a perfect match would score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.terms import search_terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexical:
    """BM25 of the memory's own words, over the ideal: in [0, 1), comparable between spaces.

    Source: Robertson and Zaragoza 2009, BM25. Differs: divided by the sum of the query's inverse document frequencies.
    """

    name: str = "lexical"

    def search(self, ctx: Context, query: Query) -> FloatArray:
        """Return ``(size,)`` scores."""
        wanted = search_terms(ctx, query)
        if not len(wanted.terms):
            return np.zeros(ctx.index.size, np.float32)
        return ctx.index.lexical(wanted.terms, wanted.weights) / np.float32(wanted.ideal)
