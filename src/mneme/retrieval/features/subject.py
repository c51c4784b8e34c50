"""The subject: what a short statement is about leads to other statements about it.

"The one whose birthday is on 8 June, what is their job?" needs two statements that share the person and nothing else. A candidate that
shares rare words with the best hit, words that the question does not have, is lifted by how rare they are and by what it adds of the
question's words that the best hit lacks. Unlike the bridge over names it reads any script and small letters, so it looks at short
statements only: long texts share words by chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.features.bridge import added, best_hits, places_of
from mneme.retrieval.terms import content_terms, search_terms

MOST_WORDS = 40
RARE = 12
FULL_RARITY = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SameSubject:
    """How much a short statement shares with the best hit and adds to it."""

    name: str = "same-subject"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` in [0, 1]."""
        found = np.zeros(len(scene.positions), np.float32)
        best = best_hits(ctx, scene)[:1]
        lengths = ctx.index.lengths
        if not best or lengths[scene.positions[best[0].place]] > MOST_WORDS:
            return found
        if all(scene.positions[best[0].place] in term.positions for term in search_terms(ctx, query).terms):
            return found  # nothing is left to add
        asked = frozenset(query.terms.tolist())
        for term in sorted(content_terms(best[0].text) - asked):
            positions, _ = ctx.index.postings(term)
            if 1 < len(positions) <= RARE:
                places = places_of(scene, positions)
                found[places] += np.float32(math.log1p(ctx.index.size / len(positions)))
        found[best[0].place] = 0.0
        found[lengths[scene.positions] > MOST_WORDS] = 0.0
        tied = np.flatnonzero(found)
        if len(tied):
            found[tied] = np.minimum(1.0, found[tied] / FULL_RARITY) * added(ctx, query, scene, best[0].place, tied)
        return found
