"""Tiers: what was just said is short, what is used or matters climbs to mid and long, what cools down comes back.

Source: MemoryOS (heat, promotion at 5), FinMem (layers with their own decay, jumps by importance), MemGPT (working context above all).
Differs: one rule over arrays; a move keeps its reason; the tier ``working`` is its callers', blocks have none: neither is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.operations import Move
from mneme.core.upkeep import BoolArray, Census, FloatArray, Proposal, Round
from mneme.retention.heat import Heat

SHORT, MID, LONG = "short", "mid", "long"
BLOCK = "block:"
"""Begins the tag of a memory that is always in context; no keeper moves, merges or archives it."""

_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiers:
    """Moves memories between tiers.

    Args:
        hot: heat from which a memory climbs to mid.
        used: net uses from which it climbs to long.
        important: importance from which it is long at once.
        cold: retention below which a mid memory falls back to short.
    """

    hot: float = 3.0
    used: float = 5.0
    important: float = 0.8
    cold: float = 0.05
    name: str = "tiers"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose the moves; a memory that was never used and never placed stays unplaced, which is short."""
        census = ctx.census
        placed = census.tier.among((MID, LONG))
        touched = (census.uses != 0) | placed | (census.importance >= self.important)
        places = np.flatnonzero(census.active & touched & ~census.tier.among(("working",)) & ~blocks(census))
        wanted = self.wanted(ctx, places)
        names = [census.tier.values[code] for code in census.tier.codes[places].tolist()]
        for place, tier, was in zip(places.tolist(), wanted, names, strict=True):
            if tier != was and not (tier == SHORT and was == ""):
                yield Proposal(keeper=self.name, why=f"{was or SHORT} to {tier}", operations=(Move(id=census.ids[place], tier=tier),))

    def wanted(self, ctx: Round, places: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[str]:
        """Return the tier where each memory belongs."""
        census = ctx.census
        hours = (to_micros(ctx.now) - np.maximum(census.at, census.last_used)[places]) / _HOUR_US
        uses: FloatArray = np.maximum(census.uses[places], 0)
        heat = Heat().of(uses, np.ones(len(places), np.float32), np.maximum(hours, 0).astype(np.float32))
        kept = ctx.retention()[places]
        mid = census.tier.among((MID,))[places]
        long = (uses >= self.used) | (census.importance[places] >= self.important)
        climbs = (heat >= self.hot) & (kept >= self.cold)
        stays = mid & (kept >= self.cold)
        return [LONG if is_long else MID if climb or stay else SHORT for is_long, climb, stay in zip(long, climbs, stays, strict=True)]


def blocks(census: Census) -> BoolArray:
    """Return ``(n,)``: what holds a block."""
    return census.tags.where(lambda tags: any(tag.startswith(BLOCK) for tag in tags))
