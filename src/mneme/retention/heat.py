"""Heat: H = a N_visit + b L_interaction + g exp(-hours / 24); what reaches 5 is promoted and cools down.

Source: MemoryOS (arXiv 2506.06326) and its package: a = b = g = 1, threshold 5. Differs: works on arrays, so that a whole space is
one expression; L is the number of pages of a segment, 1 for a single memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.upkeep import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """How much a segment is in use.

    Args:
        visits, length, recency: the weights a, b and g.
        hours: time constant of recency.
        promote_at: the heat from which a segment is promoted.
    """

    visits: float = 1.0
    length: float = 1.0
    recency: float = 1.0
    hours: float = 24.0
    promote_at: float = 5.0

    def of(self, visits: FloatArray, pages: FloatArray, hours_since: FloatArray) -> FloatArray:
        """Return ``(n,)`` heat for visits, pages and hours since the last visit."""
        warm = self.recency * np.exp(-np.asarray(hours_since, np.float64) / self.hours)
        return (self.visits * np.asarray(visits) + self.length * np.asarray(pages) + warm).astype(np.float32)

    def promoted(self, heat: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Return ``(n,)``: what is hot enough."""
        return np.asarray(heat) >= self.promote_at
