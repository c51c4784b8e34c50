"""Consolidation by a score of importance, use, feeling, time and recency; what is consolidated twice lasts, what idles loses importance.

Source: BMAM and its code. Legend: score = 0.3 importance + 0.25 min(1, access / 5) + 0.2 emotion + 0.15 time + 0.1 recency, times 1.2 under
stress; S = max(1, 10 importance) hours; R = max(exp(-h_created / S), exp(-h_access / S)). Differs: emotion is measured by words; the
numbers live in the usage of a memory, which is journalled and undone; what is left of an importance is R of what it was when it last rose,
so that two passes take no more than one; nothing is deleted, rehearsed or linked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.operations import Move, Operation, Reinforce
from mneme.core.records import Usage
from mneme.core.upkeep import NEVER, Proposal, Round
from mneme.text.feelings import intensity, stressed

LEVEL, IMPORTANCE, DECAY, AT, WHOLE = "bmam_level", "bmam_importance", "bmam_decay", "bmam_at", "bmam_whole"
NEOCORTEX = "neocortex"
_HOUR_US = 3_600_000_000
_LEAST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the score looks at.

    Args:
        importance, emotion: in [0, 1].
        access: how often it was used.
        created_h, accessed_h: hours since it was made and last used.
        stress: whether it speaks of pressure.
    """

    importance: float
    access: float
    emotion: float
    created_h: float
    accessed_h: float
    stress: bool = False


def score(standing: Standing) -> float:
    """Return the consolidation score.

    Example:
        >>> round(score(Standing(importance=0.8, access=5, emotion=0.9, created_h=2, accessed_h=0)), 3)
        0.905
    """
    time = _step(standing.created_h, ((1, 0.3), (24, 0.9), (72, 0.7)), 0.4)
    recency = _step(standing.accessed_h, ((1, 1.0), (24, 0.8), (72, 0.6)), 0.5)
    total = (
        0.3 * standing.importance
        + 0.25 * min(1.0, standing.access / 5)
        + 0.2 * standing.emotion
        + 0.15 * time
        + 0.1 * recency
    )  # fmt: skip
    return total * 1.2 if standing.stress else total


def forgotten(importance: float, created_h: float, accessed_h: float) -> float:
    """Return the importance that is left; what was just made or used keeps its own.

    Example:
        >>> round(forgotten(0.5, 10, 10), 4), forgotten(0.5, 10, 0)
        (0.0677, 0.5)
    """
    life = max(1.0, 10 * importance)
    left = max(math.exp(-created_h / life), math.exp(-accessed_h / life))
    return importance * left if left < importance else importance


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidation:
    """Raises the level of what scores high, and lets the rest fade.

    Args:
        at_once: score above which it happens now, at most ``most_now`` per pass.
        later: score above which it happens once ``wait_h`` hours old, or, with strong feeling, in sleep; at most ``most_later``.
        most_now, most_later, most_asleep: per pass.
        wait_h: hours.
        apart_s: seconds between two consolidations of one memory.
        kinds: what is consolidated.
    """

    at_once: float = 0.8
    later: float = 0.6
    most_now: int = 5
    most_later: int = 10
    most_asleep: int = 20
    wait_h: float = 6.0
    apart_s: float = 300.0
    kinds: tuple[str, ...] = ("turn", "event", "fact", "preference", "profile")
    name: str = "consolidation"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose consolidations, best score first, then what is left of the importance of others."""
        census = ctx.census
        places = np.flatnonzero(census.active & census.kind.among(self.kinds))
        memories = ctx.memories(places.tolist())
        usage = ctx.usage([memory.id for memory in memories])
        place_of = {census.ids[place]: place for place in places.tolist()}
        now = to_micros(ctx.now)
        rows = []
        for memory in memories:
            place, fared = place_of[memory.id], usage.get(memory.id, Usage())
            used = int(census.last_used[place])
            created = max(now - int(census.at[place]), 0) / _HOUR_US
            standing = Standing(
                importance=fared.state.get(IMPORTANCE, memory.importance),
                access=max(float(census.uses[place]), 0.0),
                emotion=intensity(memory.text),
                created_h=created,
                accessed_h=created if used == NEVER else max(now - used, 0) / _HOUR_US,
                stress=stressed(memory.text),
            )
            rows.append((score(standing), memory.id, standing, fared))
        rows.sort(key=lambda row: (-row[0], row[1]))
        chosen = self._chosen(rows, now)
        for value, id, standing, fared in rows:
            if ctx.out_of_time():
                return
            if id in chosen:
                yield self._risen(id, value, standing, fared, chosen[id], now)
                continue
            whole = fared.state.get(WHOLE, standing.importance)
            if (left := forgotten(whole, standing.created_h, standing.accessed_h)) < standing.importance - _LEAST:
                state = {IMPORTANCE: left, WHOLE: whole, DECAY: fared.state.get(DECAY, 0.1) + 0.1}
                yield Proposal(keeper=self.name, why=f"importance {left:.3f}", operations=(self._changed(id, standing, left, state),))

    def _chosen(self, rows: list[tuple[float, str, Standing, Usage]], now: int) -> dict[str, str]:
        """Return id -> how it is consolidated: ``now``, ``later`` or ``asleep``."""
        chosen: dict[str, str] = {}
        room = {"now": self.most_now, "later": self.most_later, "asleep": self.most_asleep}
        for value, id, standing, fared in rows:
            if value <= self.later or fared.state.get(LEVEL, 0.0) >= 3 or now - fared.state.get(AT, -1e18) < self.apart_s * 1e6:
                continue
            how = "now" if value > self.at_once else "asleep" if standing.emotion > 0.6 else "later"
            if how == "later" and standing.created_h < self.wait_h:
                continue
            if room[how]:
                room[how] -= 1
                chosen[id] = how
        return chosen

    def _risen(self, id: str, value: float, standing: Standing, fared: Usage, how: str, now: int) -> Proposal:
        level = min(fared.state.get(LEVEL, 0.0) + 1, 3.0)
        importance = min(1.0, standing.importance + min(0.2, value - self.later))
        decay = max(0.01, fared.state.get(DECAY, 0.1) * (0.7 if how == "asleep" else 0.8))
        state = {LEVEL: level, IMPORTANCE: importance, WHOLE: importance, DECAY: decay, AT: float(now)}
        operations: list[Operation] = [self._changed(id, standing, importance, state)]
        if level >= 2:
            operations.append(Move(id=id, tier=NEOCORTEX))
        return Proposal(keeper=self.name, why=f"score {value:.3f}, {how}, level {level:.0f}", operations=tuple(operations))

    @staticmethod
    def _changed(id: str, standing: Standing, importance: float, state: dict[str, float]) -> Reinforce:
        """Return the change of the numbers; strength follows importance, so that ranking feels it."""
        return Reinforce(id=id, strength=importance - standing.importance, state=state)


def _step(hours: float, steps: tuple[tuple[float, float], ...], beyond: float) -> float:
    return next((value for limit, value in steps if hours < limit), beyond)
