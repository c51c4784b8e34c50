"""Linked memories: what the best hits are linked to comes along, even where its own score would not bring it.

Source: A-MEM (arXiv 2502.12110), the notes of a box. Differs: linked memories take at most ``share`` of the places, from the end, so that
the best hits by score stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.provenance import provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Puts linked memories behind the hits that they are linked to.

    Args:
        types: the types of link that are followed, in either direction.
        share: in (0, 1): how many of the places they may take.
        seeds: how many hits bring theirs, from the best.
    """

    types: tuple[str, ...] = ("similar", "about", "causes")
    share: float = 0.3
    seeds: int = 5

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits with linked memories among them; as many as there were, or more where there was room."""
        order = ranked.positions.tolist()
        found = self._neighbours(ctx, query, order[: self.seeds], set(order))
        places = min(int(self.share * query.k), len(found))
        places = max(places, min(len(found), query.k - len(order)))
        if not places:
            return ranked
        kept = order[: max(query.k - places, 0)]
        return with_tail(ranked, kept, found[:places])

    def _neighbours(self, ctx: Context, query: Query, seeds: Sequence[int], known: set[int]) -> list[int]:
        place = provenance(ctx).place
        ids = [ctx.index.ids[position] for position in seeds]
        rank_of = {id: number for number, id in enumerate(ids)}
        best: dict[int, tuple[int, float]] = {}
        for link in ctx.links(ids):
            if link.type not in self.types:
                continue
            for seed, other in ((link.source, link.target), (link.target, link.source)):
                position = place.get(other)
                if seed in rank_of and position is not None and position not in known and query.admitted[position]:
                    order = (rank_of[seed], -link.weight)
                    best[position] = min(best.get(position, order), order)
        return sorted(best, key=lambda position: (*best[position], position))


def with_tail(ranked: Ranked, kept: Sequence[int], added: Sequence[int]) -> Ranked:
    """Return the kept hits followed by added ones, which get the score of the last."""
    place = {position: number for number, position in enumerate(ranked.positions.tolist())}
    source = np.array([place.get(position, -1) for position in (*kept, *added)], np.int64)
    last = float(ranked.scores[place[kept[-1]]]) if kept else 0.0

    def taken(values: FloatArray, empty: float) -> FloatArray:
        return (
            np.where(source >= 0, values[source], np.float32(empty)).astype(np.float32)
            if len(values)
            else np.full(len(source), empty, np.float32)
        )

    notes = {**ranked.notes, **{position: {"linked": "to a hit before it"} for position in added}}
    return replace(
        ranked,
        positions=np.array([*kept, *added], np.int64),
        scores=taken(ranked.scores, last),
        parts={name: taken(part, 0.0) for name, part in ranked.parts.items()},
        notes=notes,
    )
