"""Layered decay: each tier fades at its own speed, and what matters climbs.

Source: FinMem and TradingGPT. Per day: recency = exp(-d / Q) with Q of the layer, importance times the layer's factor; removed when
recency < 0.05 or importance < 5; short to mid at 60, mid to long at 80, and back below those; an upward jump starts recency anew.
Feedback adds 5 times the access counter to importance. Differs: ``removed`` becomes an archive proposal; importance is on the
paper's scale of 0 to 100 here and in [0, 1] on a memory. Legend: d days since the last jump or use, Q time constant in days.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.errors import InvalidInput
from mneme.core.operations import Archive, Move, Operation, Reinforce
from mneme.core.records import Usage
from mneme.core.upkeep import DAY_US, NEVER, BoolArray, IntArray, Proposal, Round
from mneme.retention.trust import counts


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

    def lived(self, item: Item, days: int) -> tuple[Item, bool]:
        """Return the item after so many days, jumps included, and whether it left on the way."""
        item = self.jumped(item)
        for _ in range(days):
            item = self.day(item)
            if self.leaves(item):
                return item, True
            item = self.jumped(item)
        return item, False

    def judged(self, item: Item, useful: bool) -> Item:
        """Return the item after feedback: importance grows by ``feedback`` times the new access counter."""
        accesses = item.accesses + (1 if useful else -1)
        return replace(item, accesses=accesses, importance=item.importance + self.feedback * accesses)

    def compound(self, item: Item) -> float:
        """Return recency plus importance over 100, the part of the score beside the cosine."""
        return self.recency(item) + min(item.importance, 100.0) / 100


IMPORTANCE, DAYS, AT, VOTES = "layered_importance", "layered_days", "layered_at", "layered_votes"
"""Numbers of ``Usage.state``: importance and recency days when its layer last changed a memory, when that was, and its net judgements then,
which are the paper's access counter."""

_DAY_US = float(DAY_US)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredDecay:
    """Keeps memories in layers: fades them by the day, moves what climbs or falls, archives what has left.

    Where a memory stands follows from when its layer last changed it, so a day in which nothing climbs, falls or leaves writes nothing.

    Args:
        layered: the layers and thresholds; its constants are those of the released code.
        entry: kind -> the layer where a memory without one begins; other kinds are left alone.
    """

    layered: Layered = field(default_factory=Layered)
    entry: Mapping[str, str] = field(
        default_factory=lambda: {"turn": "short", "event": "short", "note": "short", "fact": "mid", "summary": "mid", "lesson": "long"}
    )
    name: str = "layered-decay"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.entry.values()) - set(ORDER))
        if unknown:
            raise InvalidInput({"entry": f"leads to {', '.join(unknown)}; the layers are {', '.join(ORDER)}"})

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose what leaves and what changes its layer."""
        census = ctx.census
        places = np.flatnonzero(census.active & census.kind.among(tuple(self.entry)) & ~census.tier.among(("working",)))
        usage = ctx.usage([census.ids[place] for place in places[self._touched(ctx, places)].tolist()])
        for place in places.tolist():
            if ctx.out_of_time():
                return
            operations, why = self._changes(ctx, place, usage.get(census.ids[place]))
            if operations:
                yield Proposal(keeper=self.name, why=why, operations=tuple(operations))

    def _touched(self, ctx: Round, places: IntArray) -> BoolArray:
        census = ctx.census
        touched: BoolArray = (census.last_used != NEVER) | (census.uses != 0) | census.tier.among(ORDER)
        return touched[places]

    def _changes(self, ctx: Round, place: int, usage: Usage | None) -> tuple[list[Operation], str]:
        census, id = ctx.census, ctx.census.ids[place]
        before, since = self._stood(ctx, place, usage)
        helpful, harmful = counts(usage)
        votes = helpful - harmful
        seen = 0.0 if usage is None else usage.state.get(VOTES, 0.0)
        item = self._judged(before, int(seen), int(votes))
        now = to_micros(ctx.now)
        item, left = self.layered.lived(item, max(int((now - since) // _DAY_US), 0))
        if left:
            return (
                [] if ctx.held[place] else [Archive(id=id)]
            ), f"recency {self.layered.recency(item):.3f}, importance {item.importance:.1f}"
        if item.layer == before.layer and votes == seen:
            return [], ""
        state = {IMPORTANCE: item.importance, DAYS: item.days, AT: float(now), VOTES: votes}
        operations: list[Operation] = [Reinforce(id=id, state=state)]
        if census.tier.values[census.tier.codes[place]] != item.layer:
            operations.append(Move(id=id, tier=item.layer))
        return operations, f"{before.layer} to {item.layer}, importance {item.importance:.1f}"

    def _stood(self, ctx: Round, place: int, usage: Usage | None) -> tuple[Item, float]:
        """Return where a memory stood when its layer last changed it, and when that was."""
        census = ctx.census
        tier = census.tier.values[census.tier.codes[place]]
        layer = tier if tier in ORDER else self.entry[census.kind.values[census.kind.codes[place]]]
        if usage is not None and AT in usage.state:
            return Item(layer=layer, importance=usage.state[IMPORTANCE], days=usage.state[DAYS]), usage.state[AT]
        return Item(layer=layer, importance=float(census.importance[place]) * 100), float(census.at[place])

    def _judged(self, item: Item, seen: int, votes: int) -> Item:
        step = 1 if votes > seen else -1
        for _ in range(abs(votes - seen)):
            item = self.layered.judged(replace(item, accesses=seen), useful=step > 0)
            seen += step
        return item
