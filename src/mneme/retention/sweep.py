"""A sweep: what has faded below a threshold goes to the archive, and the summary of a day with it when nothing of the day is left.

Source: MemoryBank (arXiv 2305.10250): a message stays with probability R = exp(-t / S), a day without messages loses its summary. Differs:
it stays if R is at least ``threshold``, which is the same for the same space every time; it is archived, not deleted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mneme.core.operations import Archive
from mneme.core.upkeep import BoolArray, Proposal, Round


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Archives what has faded.

    Args:
        threshold: retention below which a memory goes.
        kinds: what fades.
        summaries: kinds that go when everything they rest on has gone.
        spared: tiers in which nothing fades, nor what it rests on.
    """

    threshold: float = 0.3
    kinds: tuple[str, ...] = ("turn",)
    summaries: tuple[str, ...] = ("summary",)
    spared: tuple[str, ...] = ()
    name: str = "sweep"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose what goes, the most faded first."""
        census = ctx.census
        kept = ctx.retention()
        fades = census.active & census.kind.among(self.kinds) & ~census.tier.among(self.spared) & ~self._rested_on(ctx)
        going = np.flatnonzero(fades & ~ctx.held & (kept < self.threshold))
        gone = {"ep" + id[3:] for place, id in enumerate(census.ids) if census.kind.values[census.kind.codes[place]] in self.kinds}
        staying = census.active & census.kind.among(self.kinds)
        staying[going] = False
        gone -= {"ep" + census.ids[place][3:] for place in np.flatnonzero(staying).tolist()}
        for place in going[np.argsort(kept[going], kind="stable")].tolist():
            if ctx.out_of_time():
                return
            why = f"retention {kept[place]:.3f} below {self.threshold}"
            yield Proposal(keeper=self.name, why=why, operations=(Archive(id=census.ids[place]),))
        summed = census.active & census.kind.among(self.summaries) & ~census.tier.among(self.spared)
        places = np.flatnonzero(summed & ~ctx.held).tolist()
        for memory in ctx.memories(places):
            if memory.sources and all(span.episode in gone for span in memory.sources):
                yield Proposal(keeper=self.name, why="nothing is left of what it sums up", operations=(Archive(id=memory.id),))

    def _rested_on(self, ctx: Round) -> BoolArray:
        """Return ``(n,)``: what memories of the spared tiers rest on."""
        census = ctx.census
        stays = np.flatnonzero(census.active & census.tier.among(self.spared) & ~census.kind.among(self.kinds))
        ids = {"mem" + span.episode[2:] for memory in ctx.memories(stays.tolist()) for span in memory.sources}
        return np.fromiter((id in ids for id in census.ids), bool, len(census)) if ids else np.zeros(len(census), bool)
