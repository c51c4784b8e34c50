"""Trust and persistence of refined memories, from feedback, age and use.

Source: MARK (arXiv 2505.05177). TS = (1 + pos) / (2 + pos + neg) times the weight of the source; PS = 2^(-age / h) log(1 + uses).
Differs: the paper gives no formulas, these are the forms of its sheet; being written counts as the first use, age is since the last one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mneme.core.records import Usage

HELPFUL, HARMFUL = "helpful", "harmful"
"""Numbers of ``Usage.state``: how often feedback called a memory useful, and useless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """When a refined memory is still served.

    Args:
        half_life_days: of persistence.
        least_trust: below it a memory is not served.
        least_persistence: below it a memory is retired.
    """

    half_life_days: float = 30.0
    least_trust: float = 0.3
    least_persistence: float = 0.03

    def score(self, helpful: float, harmful: float, source: float = 1.0) -> float:
        """Return the trust after so many good and bad judgements.

        Example:
            >>> Trust().score(0, 2)
            0.25
        """
        return (1 + helpful) / (2 + helpful + harmful) * source

    def persistence(self, age_days: float, uses: float) -> float:
        """Return how much longer to keep a memory."""
        return float(2.0 ** (-age_days / self.half_life_days)) * math.log1p(uses)

    def served(self, helpful: float, harmful: float, source: float = 1.0) -> bool:
        """Return whether it may be recalled."""
        return self.score(helpful, harmful, source) >= self.least_trust

    def retired(self, age_days: float, uses: float) -> bool:
        """Return whether it has been unused for too long."""
        return self.persistence(age_days, uses) < self.least_persistence

    def stronger(self, first: tuple[float, float, float], second: tuple[float, float, float]) -> int:
        """Return 0 or 1: which of two contradicting memories holds.

        Args:
            first, second: (helpful, harmful, time); the higher trust wins, the newer on a tie.
        """
        ones = (self.score(*first[:2]), first[2])
        others = (self.score(*second[:2]), second[2])
        return 0 if ones > others else 1


def counts(usage: Usage | None) -> tuple[float, float]:
    """Return how often a memory was judged useful and useless."""
    return (0.0, 0.0) if usage is None else (usage.state.get(HELPFUL, 0.0), usage.state.get(HARMFUL, 0.0))


def voted(usage: Usage | None, useful: bool) -> dict[str, float]:
    """Return the count that one more judgement changes."""
    name = HELPFUL if useful else HARMFUL
    return {name: (0.0 if usage is None else usage.state.get(name, 0.0)) + 1.0}
