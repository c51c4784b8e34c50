"""What is contradicted loses strength: of two memories that contradict each other the weaker one fades faster, and both stay.

Source: H-MEM (the newest is appended, the old weakened, nothing deleted), MARK (of two the more trusted holds, the newer on a tie).
Differs: a contradiction weakens once, by what the curve takes for a bad judgement; it is no judgement and counts as no use.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.operations import Reinforce
from mneme.core.records import Link, Memory, Usage
from mneme.core.upkeep import Proposal, Round
from mneme.retention.trust import Trust, counts

STATE = "contradicted:"
"""Begins the name of the number of ``Usage.state`` that says by whom a memory was weakened."""

_CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradicted:
    """Weakens what is contradicted.

    Args:
        kinds: what states something, and so can be contradicted.
    """

    kinds: tuple[str, ...] = ("fact", "preference", "profile", "event", "note")
    name: str = "contradicted"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose one change per contradiction that is new."""
        for ids, memories in contradictions(ctx, self.kinds):
            usage = ctx.usage(list(ids))
            first, second = (memories[id] for id in ids)
            weaker = weaker_of(first, second, usage, Trust())
            other = second if weaker is first else first
            had = usage.get(weaker.id)
            if had is not None and STATE + other.id in had.state:
                continue
            change = ctx.curve.reinforced(weaker.id, had, weaker.at, "again", ctx.now)
            lost = Reinforce(id=weaker.id, strength=change.strength, state={STATE + other.id: 1.0})
            yield Proposal(keeper=self.name, why=f"contradicted by {other.id}", operations=(lost,))


def contradictions(ctx: Round, kinds: Sequence[str]) -> Iterator[tuple[tuple[str, str], dict[str, Memory]]]:
    """Yield pairs of ids of active memories that contradict each other, at least one of them fresh, with the memories."""
    census = ctx.census
    place_of: dict[str, int] = {}
    places = np.flatnonzero(census.active & ctx.fresh & census.kind.among(tuple(kinds))).tolist()
    seen: set[tuple[str, str]] = set()
    for start in range(0, len(places), _CHUNK):
        if ctx.out_of_time():
            return
        links: list[Link] = ctx.links([census.ids[place] for place in places[start : start + _CHUNK]])
        for link in links:
            pair = (min(link.source, link.target), max(link.source, link.target))
            if link.type != "contradicts" or pair in seen:
                continue
            seen.add(pair)
            # Contradictions are few, and a million ids take a third of a second to look up by.
            place_of = place_of or {id: place for place, id in enumerate(census.ids)}
            found = {memory.id: memory for memory in ctx.memories([place_of[id] for id in pair if id in place_of])}
            if len(found) == 2 and all(memory.status == "active" for memory in found.values()):
                yield pair, found


def weaker_of(first: Memory, second: Memory, usage: Mapping[str, Usage], trust: Trust) -> Memory:
    """Return which of two contradicting memories gives way: the less trusted, the older on a tie."""
    one, other = ((*counts(usage.get(memory.id)), memory.at.timestamp()) for memory in (first, second))
    return second if trust.stronger(one, other) == 0 else first
