"""Trust as a keeper: refined memories that proved wrong or went unused leave, of two that contradict each other the trusted one stays.

Source: MARK (arXiv 2505.05177): retire below a trust or a persistence; on contradiction the higher trust wins, the newer on a tie; what
contradicts immutable knowledge is quarantined. Differs: what is retired is archived, so that it stays in the history and can come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from mneme.core.operations import Archive, Quarantine
from mneme.core.records import Memory, Usage
from mneme.core.upkeep import BoolArray, Proposal, Round
from mneme.retention.contradicted import contradictions, weaker_of
from mneme.retention.trust import Trust, counts

_CHUNK = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Retires and judges refined memories.

    Args:
        kinds: what counts as refined.
        immutable: a memory with one of these tags is knowledge that nothing may contradict, and is never retired.
        half_life_days, least_trust, least_persistence: as :class:`mneme.retention.trust.Trust`.
        sources: channel -> weight of the trust in what comes from it; 1 where it is not named.
    """

    kinds: tuple[str, ...] = ("fact", "preference", "lesson")
    immutable: tuple[str, ...] = ("knowledge",)
    half_life_days: float = 30.0
    least_trust: float = 0.3
    least_persistence: float = 0.03
    sources: Mapping[str, float] = field(default_factory=dict)
    name: str = "trust"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose who gives way, then what is retired."""
        gone: set[str] = set()
        for ids, memories in contradictions(ctx, self.kinds):
            proposal = self._settled(ctx, [memories[id] for id in ids], ctx.usage(list(ids)))
            if proposal is not None and not gone & set(ids):
                gone.add(proposal.operations[0].id)  # type: ignore[union-attr]
                yield proposal
        yield from self._retired(ctx, gone)

    def _settled(self, ctx: Round, pair: list[Memory], usage: Mapping[str, Usage]) -> Proposal | None:
        known = [memory for memory in pair if self._immutable(memory)]
        if len(known) == 2:
            return None
        if known:
            (other,) = (memory for memory in pair if memory is not known[0])
            why = f"contradicts knowledge {known[0].id}"
            return Proposal(keeper=self.name, why=why, operations=(Quarantine(id=other.id, why=why),))
        weaker = weaker_of(pair[0], pair[1], usage, self._trust)
        stronger = pair[1] if weaker is pair[0] else pair[0]
        return Proposal(keeper=self.name, why=f"gives way to {stronger.id}", operations=(Archive(id=weaker.id),))

    def _retired(self, ctx: Round, gone: set[str]) -> Iterator[Proposal]:
        census, trust = ctx.census, self._trust
        places = np.flatnonzero(census.active & census.kind.among(self.kinds) & ~ctx.held & ~self._knowledge(ctx))
        age = census.age_days(ctx.now)
        for start in range(0, len(places), _CHUNK):
            part = [place for place in places[start : start + _CHUNK].tolist() if census.ids[place] not in gone]
            usage = ctx.usage([census.ids[place] for place in part if census.uses[place] != 0])
            for place in part:
                if ctx.out_of_time():
                    return
                id = census.ids[place]
                helpful, harmful = counts(usage.get(id))
                weight = self.sources.get(str(census.channel.values[census.channel.codes[place]]), 1.0)
                score = trust.score(helpful, harmful, weight)
                lasting = trust.persistence(float(age[place]), 1.0 + max(float(census.uses[place]), 0.0))
                if score < self.least_trust:
                    yield Proposal(keeper=self.name, why=f"trust {score:.2f} below {self.least_trust}", operations=(Archive(id=id),))
                elif lasting < self.least_persistence:
                    why = f"persistence {lasting:.3f} below {self.least_persistence}"
                    yield Proposal(keeper=self.name, why=why, operations=(Archive(id=id),))

    @property
    def _trust(self) -> Trust:
        return Trust(half_life_days=self.half_life_days, least_trust=self.least_trust, least_persistence=self.least_persistence)

    def _immutable(self, memory: Memory) -> bool:
        return bool(set(memory.tags) & set(self.immutable))

    def _knowledge(self, ctx: Round) -> BoolArray:
        return ctx.census.tags.where(lambda tags: bool(set(tags) & set(self.immutable)))
