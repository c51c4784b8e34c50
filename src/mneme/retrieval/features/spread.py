"""Spread: a question that counts, lists or sums up needs several conversations, so each further hit of one of them counts less.

A second pass. The first hit of every conversation keeps its place, and so does everything behind the best forty: among these the order
changes, and nothing falls out of them. A question for one thing is not touched, because there the conversation that has the best hit often
has the second, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.candidates import top
from mneme.text.questions import asks_several

BEST = 60
MOST_BEFORE = 6
"""From so many better hits of the same conversation on it makes no difference how many there are."""

_SHORT = 0.85
"""How far down to the last of the best a hit can be put, so that two never meet there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Less for every better hit of the same conversation, in points of the sum, if the question asks for several things."""

    name: str = "spread"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` of at most 0: minus the logarithm of one more than the better hits of the conversation."""
        found = np.zeros(len(scene.positions), np.float32)
        if not len(found) or not asks_several(query.text):
            return found
        best = top(scene.totals, BEST)
        best = best[np.lexsort((scene.positions[best], -scene.totals[best]))]
        before = np.minimum(_before(ctx.index.groups[0][scene.positions[best]]), MOST_BEFORE)
        room = np.float32(_SHORT) * (scene.totals[best] - scene.totals[best[-1]])
        found[best] = -np.minimum(np.log1p(before).astype(np.float32), room)
        return found


def _before(groups: IntArray) -> IntArray:
    """Return for each place how many earlier ones have the same number."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    before = np.empty(len(groups), np.int64)
    before[order] = np.arange(len(groups)) - np.repeat(starts, np.diff(np.append(starts, len(groups))))
    return before
