"""Contiguity: what stood before and after a hit in its session comes with it.

Source: EM-LLM (arXiv 2407.09450): a share of 0.3 of the retrieved events are neighbours of those found by similarity. Differs: neighbours
are messages of the same session, nearest to the best hits first.
"""

from __future__ import annotations

from dataclasses import dataclass

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.retrieval.linked import with_tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Contiguity:
    """Gives the last places to neighbours of the best hits.

    Args:
        share: of the places.
        reach: how many messages to each side.
    """

    share: float = 0.3
    reach: int = 1

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return as many hits as there were."""
        order = ranked.positions.tolist()
        places = int(self.share * len(order))
        kept = order[: len(order) - places]
        known, added = set(kept), []
        for position in kept:
            for step in (ctx.index.previous, ctx.index.following):
                at = position
                for _ in range(self.reach):
                    at = int(step[at])
                    if at >= ctx.index.size:
                        break
                    if query.admitted[at] and at not in known:
                        known.add(at)
                        added.append(at)
        added = added[:places]
        added += [position for position in order[len(kept) :] if position not in known][: places - len(added)]
        return with_tail(ranked, kept, added)
