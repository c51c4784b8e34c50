"""Exponential forgetting: R = exp(-t / (c S)); S starts at 1 and grows by one with every recall, which also sets t back to 0.

Source: MemoryBank (arXiv 2305.10250), after Ebbinghaus.
Differs: the released code computes exp(-(t/5) S), by which a stronger memory fades faster; this is the form of the paper. Being
useless takes one off S, down to a floor; deleting at random is left to budgets, which archive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mneme.core.errors import InvalidInput
from mneme.core.operations import Reinforce
from mneme.core.records import Usage
from mneme.core.upkeep import FloatArray, moved

GAIN = {"again": -1.0, "hard": 0.5, "good": 1.0, "easy": 1.0}
"""What a use of each grade adds to S."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential:
    """R = exp(-t / (c S)), t in days since the last use.

    Args:
        scale_days: c; 1 is the paper's, 5 its code's.
        floor: S never falls below it.

    Example:
        >>> import numpy as np
        >>> Exponential(scale_days=1.0).retention(np.float32([1, 2]), np.float32([3, 2])).round(3).tolist()
        [0.05000000074505806, 0.36800000071525574]
    """

    scale_days: float = 5.0
    floor: float = 0.1
    name: str = "exponential"

    def __post_init__(self) -> None:
        if self.scale_days <= 0 or self.floor <= 0:
            raise InvalidInput({"scale_days": "and floor must be above 0"})

    def retention(self, strength: FloatArray, days: FloatArray) -> FloatArray:
        """Return ``(n,)`` in [0, 1]."""
        kept = np.exp(-np.asarray(days, np.float64) / (self.scale_days * np.maximum(strength, self.floor)))
        return kept.astype(np.float32)

    def born(self, strength: FloatArray, uses: FloatArray) -> FloatArray:
        """Return S: what is stored is S itself."""
        return strength

    def reinforced(self, id: str, usage: Usage | None, born: datetime, grade: str, at: datetime) -> Reinforce:
        """Return the change of S; a use sets t back to 0."""
        strength = 1.0 if usage is None else usage.strength
        gain = max(strength + GAIN[grade], self.floor) - strength
        return Reinforce(id=id, uses=-1.0 if grade == "again" else 1.0, strength=gain, at=moved(usage, grade, at))
