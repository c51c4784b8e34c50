"""The bridge: from the best hits over rare names to what else has them, for questions that need two pieces of evidence.

A second pass: a candidate that shares rare capitalised phrases with one of the three best hits, phrases that the question does not have,
is lifted by how rare they are, by how good that hit is, and by what it adds of the question's words that the best hit lacks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.candidates import top
from mneme.retrieval.terms import present_count, search_terms, stands_at
from mneme.text.marks import phrase_mark, phrases

BEST = 3
RARE = 12
FULL_RARITY = 8.0
FLOOR = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """How strongly rare names tie a candidate to the best hits."""

    name: str = "bridge"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` in [0, 1.15]."""
        found = np.zeros(len(scene.positions), np.float32)
        best = best_hits(ctx, scene)
        for hit in best:
            tied = self._tied(ctx, query, scene, hit.place, hit.phrases)
            np.maximum(found, hit.trust * np.minimum(1.0, tied / FULL_RARITY), out=found)
        linked = np.flatnonzero(found)
        if len(linked):
            found[linked] *= FLOOR + added(ctx, query, scene, best[0].place, linked)
        return found

    def _tied(self, ctx: Context, query: Query, scene: Scene, place: int, names: frozenset[str]) -> FloatArray:
        """Return ``(m,)`` the summed rarity of the phrases that a hit shares with each candidate."""
        asked = query.text.casefold()
        tied = np.zeros(len(scene.positions), np.float32)
        for phrase in sorted(names):
            if phrase in asked:
                continue
            positions, _ = ctx.index.postings(phrase_mark(phrase))
            if 1 < len(positions) <= RARE:
                near = places_of(scene, positions)
                near = near[near != place]
                tied[near] += np.float32(math.log1p(present_count(ctx.index) / len(positions)))
        return tied


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """One of the best candidates by the sum so far.

    Args:
        place: where it stands among the candidates.
        trust: 1 for the best, less by how far it is behind.
        text: what it says.
        phrases: the names in it.
    """

    place: int
    trust: float
    text: str
    phrases: frozenset[str]


def best_hits(ctx: Context, scene: Scene) -> list[Best]:
    """Return the three best candidates by the sum so far, best first; read once for all features of a second pass."""
    return ctx.once("best-hits", lambda: _best_hits(ctx, scene))


def _best_hits(ctx: Context, scene: Scene) -> list[Best]:
    best = top(scene.totals, BEST)
    best = best[np.argsort(-scene.totals[best], kind="stable")]
    texts = ctx.memories(scene.positions[best].tolist())
    if len(texts) != len(best):  # something was erased meanwhile
        return []
    return [
        Best(
            place=place,
            trust=math.exp(float(scene.totals[place] - scene.totals[best[0]])),
            text=memory.text,
            phrases=frozenset(phrases(memory.text)),
        )
        for place, memory in zip(best.tolist(), texts, strict=True)
    ]


def places_of(scene: Scene, positions: IntArray) -> IntArray:
    """Return where those of the positions stand that are candidates."""
    if not len(scene.positions):
        return np.zeros(0, np.int64)
    near = np.minimum(np.searchsorted(scene.positions, positions), len(scene.positions) - 1)
    found: IntArray = near[scene.positions[near] == positions]
    return found


def added(ctx: Context, query: Query, scene: Scene, best: int, linked: IntArray) -> FloatArray:
    """Return the share of the question's words that the best hit lacks and each linked candidate has."""
    wanted = search_terms(ctx, query)
    total = np.zeros(len(linked), np.float32)
    positions = scene.positions[np.append(linked, best)]
    for term in wanted.terms:
        held = stands_at(term, positions)
        if not held[-1]:
            total += term.idf * held[:-1]
    return total / wanted.ideal
