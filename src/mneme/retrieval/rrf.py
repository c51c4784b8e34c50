"""Reciprocal rank fusion over channels, optionally gathered by session or scene.

Source: Cormack et al. 2009; EverMemOS (arXiv 2601.02163): k = 60 over vectors and words of atomic facts, a scene scores by its best
member. Differs: a document that a channel gives no score has no rank there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.fusion import best
from mneme.retrieval.provenance import kind_mask, or_all, provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class ReciprocalRank:
    """Ranks by the sum of 1 / (k + rank) over channels.

    Args:
        constant: k.
        candidates: how many of each channel count.
        keys: kinds by whose ranks a message is found too; a message takes the best of its own and its keys'.
        groups: how much of its session's best score a message is given; 0 leaves sessions out.
        shown: kinds that are returned.
    """

    constant: int = 60
    candidates: int = 50
    keys: tuple[str, ...] = ()
    groups: float = 0.0
    shown: tuple[str, ...] = ("turn",)

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted memories of the shown kinds, best first; ties by time, then position."""
        among = query.admitted & kind_mask(ctx, (*self.shown, *self.keys))
        fused = np.sum([reciprocal(scores, among, self.constant, self.candidates) for scores in channels.values()], axis=0)
        total = np.maximum(fused, provenance(ctx).lift(fused.astype(np.float32))) if self.keys else fused
        if self.groups:
            numbers, count = ctx.index.groups
            top = np.zeros(count)
            np.maximum.at(top, numbers, np.where(query.admitted, total, 0.0))
            total = total + self.groups * top[numbers]
        shown = or_all(query.admitted & kind_mask(ctx, self.shown), query.admitted)
        first = next(iter(channels.values()))
        # What no channel saw among its best follows in the order of the first channel; scores are scaled for packers.
        scaled = (total * self.constant * 4 + 1e-3 * first).astype(np.float32)
        positions = best(scaled, shown, ctx.index.at, query.k)
        return Ranked(positions=positions, scores=scaled[positions], parts={"fused": fused.astype(np.float32)[positions]})


def reciprocal(scores: FloatArray, among: BoolArray, constant: int, most: int) -> FloatArray:
    """Return ``(size,)`` 1 / (constant + rank) for the best ``most`` positions with a score above 0, else 0.

    Example:
        >>> import numpy as np
        >>> float(reciprocal(np.float32([0.2, 0.9, 0.0]), np.ones(3, bool), 60, 50)[1]) == float(np.float32(1 / 61))
        True
    """
    ranks = np.zeros(len(scores), np.float32)
    order = np.flatnonzero(among & (scores > 0))
    order = order[np.argsort(-scores[order], kind="stable")][:most]
    ranks[order] = 1.0 / (constant + np.arange(1, len(order) + 1))
    return ranks
