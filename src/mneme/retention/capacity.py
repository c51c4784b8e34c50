"""Capacity of segments: above it, those that were visited least go first.

Source: MemoryOS (arXiv 2506.06326) and its package: 2,000 segments of the mid-term memory, evicted by least use. Differs: a segment that
goes is archived and its messages stay; ties go by age.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mneme.core.operations import Archive
from mneme.core.records import Usage
from mneme.core.upkeep import Proposal, Round


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentCapacity:
    """Archives the least visited segments.

    Args:
        most: how many stay.
        tier: of the segments.
        name: its name in reports.
    """

    most: int = 2000
    tier: str = "mid"
    name: str = "segment-capacity"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose what goes, least visited first."""
        census = ctx.census
        places = np.flatnonzero(census.active & census.tier.among((self.tier,)) & census.kind.among(("summary",)) & ~ctx.held)
        over = len(places) - self.most
        if over <= 0:
            return
        pages: dict[str, list[str]] = {census.ids[place]: [] for place in places.tolist()}
        for link in ctx.links(list(pages)):
            if link.type == "part_of" and link.target in pages:
                pages[link.target].append(link.source)
        usage = ctx.usage([*pages, *(id for ids in pages.values() for id in ids)])

        def visits(place: int) -> float:
            id = census.ids[place]
            return max(usage.get(one, Usage()).uses for one in (id, *pages[id]))

        order = sorted(places.tolist(), key=lambda place: (visits(place), int(census.at[place]), place))
        for place in order[:over]:
            yield Proposal(
                keeper=self.name, why=f"{visits(place):g} visits, over {self.most} segments", operations=(Archive(id=census.ids[place]),)
            )
