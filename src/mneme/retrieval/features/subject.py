"""The subject: what a short statement is about leads to other statements about it.

"The one whose birthday is on 8 June, what is their job?" needs two statements that share the person and nothing else. A candidate is
lifted by how much it has of the best hit's rare words that the question lacks, and more if it adds words of the question that the best hit
lacks. Unlike the bridge over names it reads any script and small letters, so it looks at short statements only: long texts share words by
chance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.features.bridge import added, best_hits, places_of
from mneme.retrieval.terms import content_terms, present_count, search_terms

MOST_WORDS = 40
RARE = 12
LEAST_RARITY = 2.0
"""In a tiny space no word is rare, and sharing one says little."""

FLOOR = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SameSubject:
    """How much a short statement shares with the best hit and adds to it."""

    name: str = "same-subject"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` in [0, 1.1]."""
        found = np.zeros(len(scene.positions), np.float32)
        best = best_hits(ctx, scene)[:1]
        lengths = ctx.index.lengths
        if not best or lengths[scene.positions[best[0].place]] > MOST_WORDS:
            return found
        if all(scene.positions[best[0].place] in term.positions for term in search_terms(ctx, query).terms):
            return found  # nothing is left to add
        asked = frozenset(query.terms.tolist())
        present = present_count(ctx.index)
        own = 0.0
        for term in sorted(content_terms(best[0].text) - asked):
            positions, _ = ctx.index.postings(term)
            if 1 < len(positions) <= RARE:
                rarity = math.log1p(present / len(positions))
                found[places_of(scene, positions)] += np.float32(rarity)
                own += rarity
        found[best[0].place] = 0.0
        found[lengths[scene.positions] > MOST_WORDS] = 0.0
        tied = np.flatnonzero(found)
        if len(tied):
            found[tied] *= (FLOOR + added(ctx, query, scene, best[0].place, tied)) / np.float32(max(own, LEAST_RARITY))
        return found
