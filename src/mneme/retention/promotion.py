"""Promotion by heat: a segment that is visited often hands what is known from it to the long-term tier, once, and cools down.

Source: MemoryOS (arXiv 2506.06326): H = N_visit + L_interaction + exp(-hours / 24); at 5 the unanalysed pages go to profile and knowledge,
N and L become 0. Differs: what is known was formed when it was said and is moved; N_visit is the most uses of any page, and of the segment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.operations import Move, Operation, Reinforce
from mneme.core.records import Usage
from mneme.core.upkeep import Proposal, Round
from mneme.retention.heat import Heat

_HOUR_US = 3_600_000_000
VISITS, PAGES = "promoted_visits", "promoted_pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Promotes what is known from hot segments.

    Args:
        heat: how hot is hot.
        tier: of the segments.
        to: the tier of what is promoted.
        kinds: what is promoted.
    """

    heat: Heat = field(default_factory=Heat)
    tier: str = "mid"
    to: str = "long"
    kinds: tuple[str, ...] = ("fact", "event", "preference", "profile")
    name: str = "promotion"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose one promotion per hot segment."""
        census = ctx.census
        segments = np.flatnonzero(census.active & census.tier.among((self.tier,)) & census.kind.among(("summary",))).tolist()
        if not segments:
            return
        place_of = {id: place for place, id in enumerate(census.ids)}
        pages: dict[str, list[str]] = {census.ids[place]: [] for place in segments}
        for link in ctx.links(list(pages)):
            if link.type == "part_of" and link.target in pages:
                pages[link.target].append(link.source)
        usage = ctx.usage([*pages, *(id for ids in pages.values() for id in ids)])
        known = self._known(ctx)
        for place in segments:
            id = census.ids[place]
            state = usage.get(id, Usage()).state
            visits = max(usage[one].uses if one in usage else 0.0 for one in (id, *pages[id]))
            last = max(int(max(census.at[place_of[one]], census.last_used[place_of[one]])) for one in (id, *pages[id]) if one in place_of)
            new = [visits - state.get(VISITS, 0.0), len(pages[id]) - state.get(PAGES, 0.0)]
            hours = max(to_micros(ctx.now) - last, 0) / _HOUR_US
            hot = float(self.heat.of(*(np.array([value], np.float32) for value in (*new, hours)))[0])
            if hot < self.heat.promote_at - 1e-6 or new[1] <= 0:
                continue
            ids = sorted({one for page in pages[id] for one in known.get("ep" + page[3:], ())})
            moves: list[Operation] = [Move(id=one, tier=self.to) for one in ids]
            moves.append(Reinforce(id=id, state={VISITS: visits, PAGES: float(len(pages[id]))}))
            yield Proposal(keeper=self.name, why=f"heat {hot:.2f}, {len(ids)} statements", operations=tuple(moves))

    def _known(self, ctx: Round) -> dict[str, list[str]]:
        """Return what is known from each episode and not promoted yet."""
        census = ctx.census
        places = np.flatnonzero(census.active & census.kind.among(self.kinds) & ~census.tier.among((self.to,))).tolist()
        found: dict[str, list[str]] = {}
        for memory in ctx.memories(places):
            for span in memory.sources:
                found.setdefault(span.episode, []).append(memory.id)
        return found
