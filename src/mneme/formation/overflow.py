"""A queue before a former: the newest messages stay as they are, what they push out is formed.

Source: MemoryOS (arXiv 2506.06326), short-term memory of seven pages, first in first out. Differs: a page is a message; the queue is the
newest messages of the space, so nothing is moved when one leaves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Former
from mneme.core.context import Context
from mneme.core.operations import Operation
from mneme.core.records import Episode
from mneme.formation.stretches import places


@dataclass(frozen=True, slots=True, kw_only=True)
class Overflow:
    """Forms what leaves the queue.

    Args:
        by_rule: forms it.
        capacity: messages that stay.
    """

    by_rule: Former
    capacity: int = 7

    def form(self, ctx: Context, episodes: Sequence[Episode]) -> list[Operation]:
        """Return what the former makes of the messages that these ones pushed out, oldest first."""
        if not self.capacity:
            return self.by_rule.form(ctx, episodes)
        kinds, values = ctx.index.codes("kind")
        turns = np.flatnonzero(np.isin(kinds, [code for code, value in enumerate(values) if value == "turn"]) & ctx.index.present)
        came = places(ctx, turns, episodes)
        rank = np.empty(ctx.index.size, np.int64)
        order = turns[np.lexsort((turns, ctx.index.at[turns]))]
        rank[order] = np.arange(len(order))
        # As many leave as came, the oldest; what came too late to be among the newest leaves at once. Where messages are there already
        # whose turn is yet to come, each pushes out what stands so far before it.
        end = len(order) - self.capacity
        ranks = rank[came]
        wanted = np.unique(np.concatenate([np.arange(max(0, end - len(came)), end), ranks[ranks < end], ranks - self.capacity]))
        ids = [ctx.index.ids[order[number]] for number in wanted.tolist() if number >= 0]
        formed = {link.source for link in ctx.links(ids) if link.type == "part_of"} if ids else set()
        found = ctx.episodes(["ep" + id[3:] for id in ids if id not in formed])
        ctx.trace.note(former="overflow", pushed_out=len(found))
        return self.by_rule.form(ctx, list(found.values())) if found else []
