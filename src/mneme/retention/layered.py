"""Layered decay: each tier fades at its own speed, and what matters climbs.

Source: FinMem and TradingGPT. Per day: recency = exp(-d / Q) with Q of the layer, importance times the layer's factor; removed when
recency < 0.05 or importance < 5; short to mid at 60, mid to long at 80, and back below those; an upward jump starts recency anew.
Feedback adds 5 times the access counter to importance. Differs: ``removed`` becomes an archive proposal; importance is on the
paper's scale of 0 to 100 here and in [0, 1] on a memory. Legend: d days since the last jump or use, Q time constant in days.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from mneme.core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """How one layer fades.

    Args:
        days: Q, the time constant of recency.
        daily: by what importance is multiplied every day.
        up_at: importance from which an item climbs; None in the top layer.
        down_below: importance below which it falls; None in the bottom layer.
    """

    days: float
    daily: float
    up_at: float | None = None
    down_below: float | None = None


LAYERS: Mapping[str, Layer] = MappingProxyType(
    {
        "short": Layer(days=3, daily=0.92, up_at=60),
        "mid": Layer(days=90, daily=0.967, up_at=80, down_below=60),
        "long": Layer(days=365, daily=0.988, down_below=80),
    }
)
"""The constants of the released code; the paper reports 14 days for the short layer."""

ORDER = ("short", "mid", "long")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A memory in a layer.

    Args:
        layer: ``short``, ``mid`` or ``long``.
        importance: 0 to 100.
        days: since it came into the layer, or was used.
        accesses: net good feedback.
    """

    layer: str
    importance: float
    days: float = 0.0
    accesses: int = 0

    def __post_init__(self) -> None:
        if self.layer not in ORDER:
            raise InvalidInput({"layer": f"must be one of {', '.join(ORDER)}, not {self.layer!r}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Layered:
    """The daily step of layered memory.

    Args:
        layers: how each layer fades.
        least_recency, least_importance: below one of them an item leaves.
        feedback: what one access adds to importance.
    """

    layers: Mapping[str, Layer] = field(default_factory=lambda: LAYERS)
    least_recency: float = 0.05
    least_importance: float = 5.0
    feedback: float = 5.0

    def recency(self, item: Item) -> float:
        """Return exp(-d / Q)."""
        return math.exp(-item.days / self.layers[item.layer].days)

    def day(self, item: Item) -> Item:
        """Return the item a day later."""
        return replace(item, days=item.days + 1, importance=item.importance * self.layers[item.layer].daily)

    def leaves(self, item: Item) -> bool:
        """Return whether it has faded away."""
        return self.recency(item) < self.least_recency or item.importance < self.least_importance

    def jumped(self, item: Item) -> Item:
        """Return the item in the layer where its importance belongs, one step at a time."""
        layer, place = self.layers[item.layer], ORDER.index(item.layer)
        if layer.up_at is not None and item.importance >= layer.up_at:
            return replace(item, layer=ORDER[place + 1], days=0.0)
        if layer.down_below is not None and item.importance < layer.down_below:
            return replace(item, layer=ORDER[place - 1])
        return item

    def judged(self, item: Item, useful: bool) -> Item:
        """Return the item after feedback: importance grows by ``feedback`` times the new access counter."""
        accesses = item.accesses + (1 if useful else -1)
        return replace(item, accesses=accesses, importance=item.importance + self.feedback * accesses)

    def compound(self, item: Item) -> float:
        """Return recency plus importance over 100, the part of the score beside the cosine."""
        return self.recency(item) + min(item.importance, 100.0) / 100
