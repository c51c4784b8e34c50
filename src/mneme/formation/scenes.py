"""Scenes: cells gathered by likeness and nearness in time, around running centroids.

Source: EverMemOS (arXiv 2601.02163): a cell joins the scene with the greatest cosine if that is at least tau and the scene's last cell
is at most a gap ago; the centroid is the running mean.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(slots=True, kw_only=True)
class Scene:
    """A scene.

    Args:
        centroid: mean of its cells.
        last: when its last cell was.
        cells: their numbers.
    """

    centroid: Vector
    last: datetime
    cells: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Scenes:
    """Grows as cells come in.

    Args:
        near: tau; 0.70 for long friendships, 0.50 for many short tasks.
        gap: how long a scene stays open.
    """

    near: float = 0.65
    gap: timedelta = timedelta(days=7)
    scenes: list[Scene] = field(default_factory=list)
    _count: int = field(init=False, default=0)

    def add(self, vector: Vector, at: datetime) -> Scene:
        """Return the scene that a cell joins, a new one if none is near enough in kind and time."""
        open_now = [scene for scene in self.scenes if abs(at - scene.last) <= self.gap]
        best = max(open_now, key=lambda scene: cosine(scene.centroid, vector), default=None)
        if best is None or cosine(best.centroid, vector) < self.near:
            best = Scene(centroid=np.zeros_like(vector), last=at)
            self.scenes.append(best)
        count = len(best.cells)
        best.centroid = (count * best.centroid + vector) / (count + 1)
        best.last = max(best.last, at)
        best.cells.append(self._count)
        self._count += 1
        return best


def cosine(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors, 0 when one has no length."""
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0
