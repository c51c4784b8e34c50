"""Forgetting that adapts: what was forgotten and then needed slows it down, what is kept and never used speeds it up.

Source: SALM (arXiv 2411.00489), forgetting adapter; the paper gives no formulas. Legend: w = (1 + log(1 + uses)) exp(-lambda t), t in
days since the last use; lambda' = lambda exp(up idle - down regret). Differs: forgetting is archiving; what was needed while archived
comes back; the state of the adapter (lambda, and when it was set) rides on the three oldest memories of the space, so that it is
journalled and undone with them, and erasing one of them loses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.operations import Archive, Operation, Reinforce, Restore
from mneme.core.records import Usage
from mneme.core.upkeep import NEVER, Proposal, Round

CARRIERS = 3
"""On how many of the oldest memories the state rides."""

RATE, SINCE, GONE = "adaptive_rate", "adaptive_since", "adaptive_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How lambda adapts.

    Args:
        down: how strongly regret lowers it.
        up: how strongly idle memories raise it.
        slowest, fastest: its bounds, per day.
    """

    down: float = 1.5
    up: float = 0.15
    slowest: float = 1e-4
    fastest: float = 5.0

    def adapted(self, rate: float, regret: float, idle: float) -> float:
        """Return lambda after a pass.

        Args:
            rate: lambda now, per day.
            regret: share of what was used since the last pass that had been forgotten.
            idle: share of what is kept that was never used; it counts only where nothing is regretted.

        Example:
            >>> Rate().adapted(0.1, 1.0, 0.9) < 0.1 < Rate().adapted(0.1, 0.0, 0.9)
            True
        """
        change = -self.down * regret if regret > 0 else self.up * idle
        return min(max(rate * math.exp(change), self.slowest), self.fastest)


def weight(rate: float, uses: float, days: float) -> float:
    """Return w of a memory.

    Example:
        >>> weight(0.1, 0, 0)
        1.0
    """
    return (1 + math.log1p(max(uses, 0.0))) * math.exp(-rate * days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptive:
    """Archives what weighs too little, and learns how fast.

    Args:
        rate_per_day: lambda of a new space.
        threshold: w below which a memory goes.
        adapts: whether lambda changes; without, forgetting is a static policy.
        how: how lambda changes.
        kinds: what fades.
        name: its name in reports.
    """

    rate_per_day: float = 0.02
    threshold: float = 0.1
    adapts: bool = True
    how: Rate = Rate()
    kinds: tuple[str, ...] = ("turn",)
    name: str = "adaptive"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose what comes back, what lambda becomes, and what goes."""
        census = ctx.census
        mine = census.kind.among(self.kinds)
        if not mine.any():
            return
        carriers = list(census.ids[:CARRIERS])
        states = [usage.state for usage in ctx.usage(carriers).values()]
        state = max(states, key=lambda state: state.get(SINCE, 0.0), default=Usage().state)
        rate, since = state.get(RATE, self.rate_per_day), int(state.get(SINCE, 0.0))
        now = to_micros(ctx.now)
        missed = self._missed(ctx, np.flatnonzero(census.status.among(("archived",)) & mine & (census.last_used > since)))
        for id in missed:
            yield Proposal(keeper=self.name, why="needed after it was forgotten", operations=(Restore(id=id),))
        active = census.active & mine
        if self.adapts:
            used = len(missed) + int((active & (census.last_used > since) & (census.last_used != NEVER)).sum())
            idle = float((active & (census.uses <= 0)).sum()) / max(int(active.sum()), 1)
            rate = self.how.adapted(rate, len(missed) / used if used else 0.0, idle)
            changed = tuple(Reinforce(id=id, state={RATE: rate, SINCE: float(now)}) for id in carriers)
            yield Proposal(keeper=self.name, why=f"{len(missed)} of {used} were missed", operations=changed)
        days = census.age_days(ctx.now)
        for place in np.flatnonzero(active & ~ctx.held).tolist():
            left = weight(rate, float(census.uses[place]), float(days[place]))
            if left < self.threshold:
                gone: list[Operation] = [Archive(id=census.ids[place]), Reinforce(id=census.ids[place], state={GONE: float(now)})]
                yield Proposal(keeper=self.name, why=f"weight {left:.3f} below {self.threshold}", operations=tuple(gone))

    def _missed(self, ctx: Round, places: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[str]:
        """Return what this keeper archived and somebody used since."""
        ids = [ctx.census.ids[place] for place in places.tolist()]
        usage = ctx.usage(ids)
        used = dict(zip(ids, ctx.census.last_used[places].tolist(), strict=True))
        return [id for id in ids if id in usage and 0 < usage[id].state.get(GONE, 0.0) < used[id]]
