"""Counting only: uses are counted and nothing fades; what a recipe without a forgetting curve has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mneme.core.operations import Reinforce
from mneme.core.records import Usage
from mneme.core.upkeep import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Retention 1 for everything, always."""

    name: str = "counting"

    def retention(self, strength: FloatArray, days: FloatArray) -> FloatArray:
        """Return ones."""
        return np.ones(len(strength), np.float32)

    def born(self, strength: FloatArray, uses: FloatArray) -> FloatArray:
        """Return the strengths as stored."""
        return strength

    def reinforced(self, id: str, usage: Usage | None, born: datetime, grade: str, at: datetime) -> Reinforce:
        """Return the change of the count."""
        return Reinforce(id=id, uses=-1.0 if grade == "again" else 1.0, at=at)
