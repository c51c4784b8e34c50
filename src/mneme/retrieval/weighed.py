"""Strength as a tie-breaker: of hits that match alike, what proved useful goes before what was refuted.

Source: H-MEM (arXiv 2507.22925), strength scaled by feedback and shown with an episode; BMAM, importance. Differs: the logarithm of
strength moves a hit by a part of the spread of the scores, within bounds, so that it never outweighs a clear match.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """Moves hits by their strength.

    Args:
        weight: standard deviations of the scores per doubling of strength.
        most: doublings, up or down, that count.
    """

    weight: float = 0.15
    most: float = 3.0

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits, moved; as many as there were."""
        if len(ranked.positions) < 2:
            return ranked
        strength = np.maximum(ctx.index.strength[ranked.positions], 1e-3)
        doublings = np.clip(np.log2(strength), -self.most, self.most)
        if not doublings.any():
            return ranked
        spread = max(float(ranked.scores.std()), 1e-3)
        scores = (ranked.scores + self.weight * spread * doublings).astype(np.float32)
        order = np.argsort(-scores, kind="stable")
        parts = {**{name: part[order] for name, part in ranked.parts.items()}, "strength": (scores - ranked.scores)[order]}
        return replace(ranked, positions=ranked.positions[order], scores=scores[order], parts=parts)
