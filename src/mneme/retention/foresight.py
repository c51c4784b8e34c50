"""Foresight: intentions and facts with an end surface when their time comes, and lapse after it.

Source: EverMemOS (foresight with a validity interval). Differs: a memory's own ``valid_from`` and ``valid_to`` are the interval; what has
lapsed is archived after a grace, so that "what did I plan for May" still finds it in June.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.operations import Archive
from mneme.core.records import Memory
from mneme.core.upkeep import DAY_US, BoolArray, Census, Proposal, Round

OPEN_END = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """Archives what has ended long enough ago.

    Args:
        grace_days: how long it stays after its end.
        kinds: what lapses; facts that were superseded keep their place in history and are left alone.
    """

    grace_days: float = 30.0
    kinds: tuple[str, ...] = ("task", "note")
    name: str = "lapse"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose what has lapsed."""
        census = ctx.census
        over = census.valid_to < to_micros(ctx.now) - int(self.grace_days * DAY_US)
        for place in np.flatnonzero(over & census.active & census.kind.among(self.kinds) & ~ctx.held).tolist():
            why = f"ended more than {self.grace_days:g} days ago"
            yield Proposal(keeper=self.name, why=why, operations=(Archive(id=census.ids[place]),))


def planned(census: Census, now_us: int) -> BoolArray:
    """Return ``(n,)``: active events with an end that is ahead; which of them are intentions, :func:`begins` tells."""
    return census.active & census.kind.among(("event",)) & (census.valid_to < OPEN_END) & (census.valid_to > now_us)


def begins(memory: Memory, until: datetime) -> bool:
    """Return whether an event is an intention, as formers write them, whose time begins by ``until``."""
    start = memory.attributes.get("from")
    if memory.attributes.get("statement") != "foresight" or not isinstance(start, str):
        return False
    moment = datetime.fromisoformat(start)
    return moment.tzinfo is not None and moment <= until


def at_hand(census: Census, now_us: int, ahead_us: int) -> BoolArray:
    """Return ``(n,)``: active tasks, and what has an end, whose time has come or begins within ``ahead_us``, and is not over."""
    foreseen = census.kind.among(("task",)) | ((census.valid_to < OPEN_END) & (census.valid_from > census.at))
    begun = (census.valid_from <= now_us + ahead_us) & (census.valid_to > now_us)
    # A task that was said long ago and has no time of its own is always at hand; one with a time waits for it.
    return census.active & foreseen & begun
