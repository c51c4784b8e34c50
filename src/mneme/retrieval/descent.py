"""Descent through layers: from the best nodes of a layer to their children, so that most of the space is never compared.

Source: H-MEM (arXiv 2507.22925): M_1 = top k of all domains, M_l = union of the top k of the children of M_(l-1). Differs: layers are tiers
and pointers are ``part_of`` links, child to parent, so that moving a memory is one link; what the layers do not hold is left out unless
``rest`` lets it follow by the channels' plain sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.fusion import best
from mneme.retrieval.keyed import summed
from mneme.retrieval.provenance import kind_mask, or_all, provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """Ranks what the descent reaches.

    Args:
        layers: tiers of the nodes, from the top; what is below the last is returned.
        beam: how many nodes of a layer are followed.
        rest: whether other messages follow.
        recent: this many of the newest messages count as reached.
        kinds: further kinds that count as reached, such as what is known about a person.
        tiers: further tiers that count as reached, such as what was promoted.
        least: the cosine that a node needs to be followed.
        behind: how far, in standard deviations, other messages are put behind what the descent reached.
    """

    layers: tuple[str, ...] = ("domain", "category", "trace")
    beam: int = 3
    rest: bool = True
    recent: int = 0
    kinds: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    least: float = -1.0
    behind: float = 20.0

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted memories, best first; ties by time, then position."""
        reached = np.zeros(ctx.index.size, bool)
        found, compared = self.descend(ctx, query.vector)
        reached[found] = True
        turns = kind_mask(ctx, ("turn",)) & query.admitted
        if self.recent:
            reached[best((ctx.index.at / 1e6).astype(np.float32), turns, ctx.index.at, self.recent)] = True
        if self.kinds:
            reached |= kind_mask(ctx, self.kinds)
        if self.tiers:
            codes, values = ctx.index.codes("tier")
            reached |= np.isin(codes, [code for code, value in enumerate(values) if value in self.tiers]) & ctx.index.present
        plain = summed(query, channels, {})
        among = query.admitted & (reached | turns) if self.rest else query.admitted & reached
        total = np.where(reached, plain, plain - np.float32(self.behind)).astype(np.float32)
        positions = best(total, or_all(among, query.admitted), ctx.index.at, query.k)
        ctx.trace.note(descent={"compared": compared, "reached": int(reached.sum())})
        return Ranked(positions=positions, scores=total[positions], parts={"match": plain[positions]})

    def descend(self, ctx: Context, vector: FloatArray) -> tuple[IntArray, int]:
        """Return the memories below the last layer that the descent reaches, and how many nodes it compared."""
        children = tree(ctx)
        codes, values = ctx.index.codes("tier")
        top = np.flatnonzero((codes == _code(values, self.layers[0])) & ctx.index.present)
        compared = 0
        for layer in self.layers:
            scores = ctx.index.exact(top, vector) if len(top) else np.zeros(0, np.float32)
            compared += len(top)
            order = np.argsort(-scores, kind="stable")[: self.beam]
            chosen = top[order[scores[order] >= self.least]]
            below = [children.get(int(node), ()) for node in chosen.tolist()]
            top = np.array(sorted({child for group in below for child in group}), np.int64)
            if not len(top):
                ctx.trace.note(descent_ended=layer)
                break
        return top, compared


def tree(ctx: Context) -> Mapping[int, list[int]]:
    """Return the children of every node of the index's present state, by ``part_of`` links."""
    return ctx.index.memo("tree", lambda: _tree(ctx))


def _tree(ctx: Context) -> Mapping[int, list[int]]:
    found = provenance(ctx)
    children: dict[int, list[int]] = defaultdict(list)
    for link in ctx.links([memory.id for memory in found.memories.values()]):
        parent, child = found.place.get(link.target), found.place.get(link.source)
        if link.type == "part_of" and parent is not None and child is not None:
            children[parent].append(child)
    return children


def _code(values: object, wanted: str) -> int:
    return next((code for code, value in enumerate(values) if value == wanted), -2)  # type: ignore[arg-type, var-annotated]
