"""Half-life forgetting: R = 2^(-t / h); h doubles when a recall helped and halves when it did not.

Source: the generic half-life form of spaced repetition.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mneme.core.errors import InvalidInput
from mneme.core.operations import Reinforce
from mneme.core.records import Usage
from mneme.core.upkeep import FloatArray, moved

FACTOR = {"again": 0.5, "hard": 1.0, "good": 2.0, "easy": 2.0}
"""By what a use of each grade multiplies the half-life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfLife:
    """R = 2^(-t / h), t in days since the last use, h = ``first_days`` times the stored strength.

    Args:
        first_days: the half-life of a new memory.
        shortest, longest: bounds of the stored strength, as multiples of ``first_days``.

    Example:
        >>> import numpy as np
        >>> HalfLife(first_days=10.0).retention(np.float32([1]), np.float32([20])).tolist()
        [0.25]
    """

    first_days: float = 30.0
    shortest: float = 1 / 16
    longest: float = 1024.0
    name: str = "half-life"

    def __post_init__(self) -> None:
        if not (self.first_days > 0 and 0 < self.shortest <= 1 <= self.longest):
            raise InvalidInput({"first_days": "must be above 0, with 0 < shortest <= 1 <= longest"})

    def retention(self, strength: FloatArray, days: FloatArray) -> FloatArray:
        """Return ``(n,)`` in [0, 1]."""
        lives = np.asarray(days, np.float64) / (self.first_days * np.maximum(strength, self.shortest))
        return np.exp2(-lives).astype(np.float32)

    def born(self, strength: FloatArray, uses: FloatArray) -> FloatArray:
        """Return the stored strength: the half-life over that of a new memory."""
        return strength

    def reinforced(self, id: str, usage: Usage | None, born: datetime, grade: str, at: datetime) -> Reinforce:
        """Return the change of the half-life."""
        strength = 1.0 if usage is None else usage.strength
        after = min(max(strength * FACTOR[grade], self.shortest), self.longest)
        return Reinforce(id=id, uses=-1.0 if grade == "again" else 1.0, strength=after - strength, at=moved(usage, grade, at))
