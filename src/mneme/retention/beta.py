"""Trust as a curve: judgements are counted on either side, and what is left of a memory halves with every half-life without use.

Source: MARK (arXiv 2505.05177), trust score and persistence score. Legend: TS = (1 + pos) / (2 + pos + neg). Differs: a recall that
nobody judged refreshes a memory and says nothing about its truth; the stored strength is TS over that of a new memory, which is 1/2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mneme.core.operations import Reinforce
from mneme.core.records import Usage
from mneme.core.upkeep import FloatArray
from mneme.retention.trust import Trust

HELPFUL, HARMFUL = "trust_helpful", "trust_harmful"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beta:
    """Counts judgements; R = 2^(-t / h), t in days since the last use.

    Args:
        half_life_days: h.
        recall_grade: how a recall that nobody judged is graded.
    """

    half_life_days: float = 30.0
    recall_grade: str = "seen"
    name: str = "beta"

    def retention(self, strength: FloatArray, days: FloatArray) -> FloatArray:
        """Return ``(n,)`` in [0, 1]."""
        return np.exp2(-np.asarray(days, np.float64) / self.half_life_days).astype(np.float32)

    def born(self, strength: FloatArray, uses: FloatArray) -> FloatArray:
        """Return the stored strengths."""
        return strength

    def reinforced(self, id: str, usage: Usage | None, born: datetime, grade: str, at: datetime) -> Reinforce:
        """Return the change: one more judgement on its side, or, for a recall, the time of use alone."""
        if grade == self.recall_grade:
            return Reinforce(id=id, uses=1.0, at=at)
        helpful, harmful = judged(usage)
        helpful, harmful = (helpful, harmful + 1) if grade == "again" else (helpful + 1, harmful)
        after = 2 * Trust().score(helpful, harmful)
        before = 1.0 if usage is None else usage.strength
        state = {HELPFUL: helpful, HARMFUL: harmful}
        return Reinforce(id=id, uses=-1.0 if grade == "again" else 1.0, strength=after - before, at=at, state=state)


def judged(usage: Usage | None) -> tuple[float, float]:
    """Return how often a memory was judged helpful and harmful."""
    state = {} if usage is None else usage.state
    return state.get(HELPFUL, 0.0), state.get(HARMFUL, 0.0)
