"""Asked when: hits that say when go first, the more exactly the earlier, each with the day that its words mean.

Source: BMAM, temporal rank: candidates with a relative time and a cosine of at least 0.70 jump ahead, by precision times similarity
(yesterday 5, last month 1), the event's date is the dialogue's date and the offset. Differs: the grammar of time finds the words and the
date; the cosine that is needed is a setting, since embedding models differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.text.time_expressions import find_times, query_time

PRECISION: Mapping[str, float] = MappingProxyType(
    {"minute": 5.0, "hour": 5.0, "day": 5.0, "week": 3.0, "month": 1.0, "season": 0.7, "year": 0.5, "decade": 0.1}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whenabouts:
    """Puts hits that say when before others.

    Args:
        near: cosine that a hit needs to jump.
        looked_at: hits that are read, from the best.
    """

    near: float = 0.5
    looked_at: int = 20

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits, reordered where the question asks when something was."""
        if not query_time(query.text, query.now).asks_when or not len(ranked.positions):
            return ranked
        head = ranked.positions[: self.looked_at]
        cosines = dict(zip(head.tolist(), ctx.index.exact(head, query.vector).tolist(), strict=True))
        memories = {memory.id: memory for memory in ctx.memories(head.tolist())}
        jumps: dict[int, tuple[float, str]] = {}
        for position in head.tolist():
            memory = memories.get(ctx.index.ids[position])
            if memory is None or cosines[position] < self.near:
                continue
            times = [mention for mention in find_times(memory.text, memory.at) if mention.kind == "point"]
            if times:
                exact = max(times, key=lambda mention: PRECISION.get(mention.precision, 1.0))
                value = PRECISION.get(exact.precision, 1.0) * cosines[position]
                jumps[position] = (value, exact.lower.date().isoformat())
        if not jumps:
            return ranked
        first = sorted(jumps, key=lambda position: -jumps[position][0])
        return _reordered(ranked, first, {position: {"happened": jumps[position][1]} for position in first})


def _reordered(ranked: Ranked, first: list[int], notes: Mapping[int, Mapping[str, object]]) -> Ranked:
    chosen = set(first)
    place = {position: number for number, position in enumerate(ranked.positions.tolist())}
    order = np.array([place[position] for position in (*first, *(p for p in ranked.positions.tolist() if p not in chosen))])
    return replace(
        ranked,
        positions=ranked.positions[order],
        scores=np.maximum.accumulate(ranked.scores[order][::-1])[::-1].astype(np.float32),
        parts={name: part[order] for name, part in ranked.parts.items()},
        notes={**ranked.notes, **notes},
    )
