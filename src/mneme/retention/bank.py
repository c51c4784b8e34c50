"""A bank of fixed length over a sequence of vectors: neighbours merge, what is current reads it by attention, a gate mixes both.

Source: MemoryVLA (arXiv 2508.19236): after fusing, the vector is appended with its time step; while longer than L the most similar
neighbours become their mean and keep the earlier step; keys have the time step's embedding added. Differs: one vector per entry, one
attention layer without learned maps, in NumPy; the gate's weights are given.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from mneme.core.attending import Numbers, gated, time_steps, top_softmax
from mneme.core.errors import InvalidInput
from mneme.retention.adjacent import merge_adjacent


@dataclass(slots=True, kw_only=True)
class Bank:
    """Changes in place; begin a new one for each episode.

    Args:
        width: of vectors, even.
        length: L, entries that are kept.
        first_out: drop the oldest instead of merging.
        gate: W of the gate, ``(width, 2 width)``; zero mixes equally.
        sharpness: what similarities are multiplied by before the softmax.
    """

    width: int
    length: int = 16
    first_out: bool = False
    gate: ArrayLike = 0.0
    sharpness: float = 1.0
    vectors: Numbers = field(init=False)
    times: tuple[float, ...] = field(init=False, default=())
    _last: float = field(init=False, default=-np.inf)

    def __post_init__(self) -> None:
        if self.length < 1 or self.width < 2 or self.width % 2:
            raise InvalidInput({"length": f"must be at least 1 and width even; got {self.length} and {self.width}"})
        self.vectors = np.zeros((0, self.width))

    def read(self, current: ArrayLike, time: float) -> Numbers:
        """Return ``(width,)`` what the bank holds for a vector at a time step; zeros when it is empty."""
        if not self.times:
            return np.zeros(self.width)
        keys = self.vectors + time_steps(self.times, self.width)
        asked = np.asarray(current, np.float64) + time_steps([time], self.width)[0]
        weights = top_softmax(self.sharpness * keys @ asked / np.sqrt(self.width), len(keys))
        return np.asarray(weights @ self.vectors)

    def step(self, current: ArrayLike, time: float) -> Numbers:
        """Return the vector mixed with what the bank holds for it, and append the mixture.

        Raises:
            InvalidInput: the time step does not come after the last one, or the vector has another width.
        """
        fused = gated(current, self.read(current, time), self.gate) if self.times else np.asarray(current, np.float64)
        self.append(fused, time)
        return fused

    def append(self, vector: ArrayLike, time: float) -> None:
        """Append a vector as it is.

        Raises:
            InvalidInput: the time step does not come after the last one, or the vector has another width.
        """
        row = np.asarray(vector, np.float64)
        if row.shape != (self.width,) or time <= self._last:
            raise InvalidInput({"vector": f"must have width {self.width} and a time step after {self._last:g}"})
        rows, times = np.vstack([self.vectors, row]), (*self.times, float(time))
        if len(times) > self.length and self.first_out:
            rows, times = rows[-self.length :], times[-self.length :]
        elif len(times) > self.length:
            merged = merge_adjacent(rows.astype(np.float32), times, self.length)
            rows, times = merged.vectors.astype(np.float64), merged.times
        self.vectors, self.times, self._last = rows, times, float(time)
