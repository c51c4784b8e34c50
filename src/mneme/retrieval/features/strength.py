"""How a memory has fared: use lifts it, uselessness lowers it, and both wear off; a memory that was never judged is not touched.

Bounded in [-1, 1], with a small weight, so that an old memory that alone answers is still found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.components import Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.core.upkeep import DAY_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """(S - 1) / (S + 1) times exp(-t / (c max(S, 1))): S the stored strength, 1 at birth, t days since the last use.

    Args:
        days: c; how fast a use wears off.
    """

    days: float = 30.0
    name: str = "strength"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` in [-1, 1]."""
        strength = np.maximum(ctx.index.strength[scene.positions].astype(np.float64), 0.0)
        if not np.any(strength != 1.0):
            return np.zeros(len(scene.positions), np.float32)
        ago = np.maximum((to_micros(query.now) - ctx.index.last_used[scene.positions]) / DAY_US, 0.0)
        worn = np.exp(-np.minimum(ago, 1e6) / (self.days * np.maximum(strength, 1.0)))
        score: FloatArray = ((strength - 1) / (strength + 1) * worn).astype(np.float32)
        return score
