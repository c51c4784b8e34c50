"""What becomes of refinements: distrusted and forgotten ones retire, and of two that contradict each other the more trusted one stays.

Source: MARK (arXiv 2505.05177). Legend: TS trust, PS persistence (:mod:`mneme.retention.trust`). Differs: two refinements contradict each
other when they explain one term differently; what retires is archived, so that history() still shows it; writing counts as one use.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.operations import Archive
from mneme.core.records import Memory
from mneme.core.upkeep import DAY_US, Proposal, Round
from mneme.retention.beta import judged
from mneme.retention.trust import Trust

TAG = "refined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refining:
    """Retires refinements.

    Args:
        trust: the thresholds.
    """

    trust: Trust = field(default_factory=Trust)
    name: str = "refining"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose what retires, oldest first."""
        census = ctx.census
        places = np.flatnonzero(census.active & census.tags.where(lambda tags: TAG in tags) & ~ctx.held)
        memories = ctx.memories(places.tolist())
        usage = ctx.usage([memory.id for memory in memories])
        counts = {memory.id: judged(usage.get(memory.id)) for memory in memories}
        place_of = {census.ids[place]: place for place in places.tolist()}
        staying: list[Memory] = []
        for memory in memories:
            place = place_of[memory.id]
            since = max(int(census.at[place]), int(census.last_used[place]))
            days = max(to_micros(ctx.now) - since, 0) / DAY_US
            score = self.trust.score(*counts[memory.id])
            if score < self.trust.least_trust:
                yield Proposal(keeper=self.name, why=f"trust {score:.2f}", operations=(Archive(id=memory.id),))
            elif self.trust.retired(days, max(float(census.uses[place]), 0.0) + 1):
                yield Proposal(keeper=self.name, why=f"unused for {days:.0f} days", operations=(Archive(id=memory.id),))
            else:
                staying.append(memory)
        yield from self._contradictions(staying, counts)

    def _contradictions(self, memories: Sequence[Memory], counts: dict[str, tuple[float, float]]) -> Iterator[Proposal]:
        of_term: dict[str, list[Memory]] = defaultdict(list)
        for memory in memories:
            term = str(memory.attributes.get("term", "")).casefold()
            if term and _meaning(memory):  # what only has a term explains nothing
                of_term[term].append(memory)
        for same in of_term.values():
            best = same[0]
            for other in same[1:]:
                standing = [(*counts[memory.id], memory.at.timestamp()) for memory in (best, other)]
                best = best if self.trust.stronger(standing[0], standing[1]) == 0 else other
            for loser in (memory for memory in same if _meaning(memory) != _meaning(best)):
                yield Proposal(keeper=self.name, why="contradicts a refinement that is trusted more", operations=(Archive(id=loser.id),))


def _meaning(memory: Memory) -> str:
    return " ".join(str(memory.attributes.get("meaning", "")).casefold().split())
