"""A tree that stays whole: what lost its parent, which was erased or taken back, is hung to the nearest one, or to one of its own.

Source: H-MEM (arXiv 2507.22925): every entry knows its parent, and every parent its children. Differs: the paper says nothing of what goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.operations import Connect, Operation
from mneme.core.records import Link, Memory
from mneme.core.upkeep import FloatArray, Proposal, Round, kept, made_id

_AT_ONCE = 256
"""Orphans whose texts and vectors are read together."""


class _Layer:
    """The nodes of a layer with their vectors, those of this pass too; ``rows`` has room for more of them.

    Args:
        ids: the nodes that are there.
        rows: ``(len(ids), width)``.
    """

    def __init__(self, ids: list[str], rows: FloatArray) -> None:
        self.ids, self.rows = ids, rows

    def best(self, row: FloatArray) -> tuple[str, float]:
        """Return the node nearest to a vector with its cosine; an empty id where there is none."""
        if not self.ids:
            return "", -1.0
        cosines = self.rows[: len(self.ids)] @ row
        place = int(np.argmax(cosines))
        return self.ids[place], float(cosines[place])

    def add(self, id: str, row: FloatArray) -> None:
        """Add a node; the room doubles when it is full."""
        count = len(self.ids)
        if count >= len(self.rows):
            wider = np.empty((max(16, 2 * count), len(row)), np.float32)
            if count:
                wider[:count] = self.rows[:count]
            self.rows = wider
        self.rows[count] = row
        self.ids.append(id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehang:
    """Hangs nodes and messages without a parent to the nearest node of the layer above.

    Args:
        layers: tiers of the nodes, from the top; messages are below the last.
        near: the cosine that a parent of each layer needs; where none has it, a parent of the same text grows.
    """

    layers: tuple[str, ...] = ("domain", "category", "trace")
    near: tuple[float, ...] = (0.2, 0.35, 0.5)
    name: str = "rehang"

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose a parent for each orphan, from the top layer down."""
        census = ctx.census
        node = census.active & census.kind.among(("concept",))
        places = [np.flatnonzero(node & census.tier.among((layer,))).tolist() for layer in self.layers]
        known = {census.ids[place] for group in places for place in group}
        links = ctx.links(sorted(known)) if known else []
        hung = {link.source for link in links if link.type == "part_of" and link.target in known}
        turns = np.flatnonzero(census.active & census.kind.among(("turn",)) & (census.words > 0)).tolist()
        lost = [[place for place in group if census.ids[place] not in hung] for group in (*places[1:], turns)]
        if not any(lost):
            return
        none = np.zeros((0, 0), np.float32)
        grown = [_Layer([census.ids[place] for place in group], ctx.vectors(group) if group else none) for group in places]
        for depth, orphans in enumerate(lost, 1):
            for start in range(0, len(orphans), _AT_ONCE):
                some = orphans[start : start + _AT_ONCE]
                for memory, row in zip(ctx.memories(some), ctx.vectors(some), strict=True):
                    if not memory.text.strip():
                        continue  # a picture alone is in no tree
                    if ctx.out_of_time():
                        return
                    operations = self._hang(ctx, grown, memory, row, depth)
                    why = f"without a parent of the layer {self.layers[depth - 1]}"
                    yield Proposal(keeper=self.name, why=why, operations=tuple(operations))

    def _hang(self, ctx: Round, grown: list[_Layer], memory: Memory, row: FloatArray, depth: int) -> list[Operation]:
        above = grown[depth - 1]
        nearest, cosine = above.best(row)
        if nearest and cosine >= self.near[depth - 1]:
            return [Connect(link=Link(source=memory.id, target=nearest, type="part_of"))]
        parent = _parent(memory, self.layers[depth - 1])
        above.add(parent.id, row)
        further = self._hang(ctx, grown, parent, row, depth - 1) if depth > 1 else []
        return [*kept(ctx, parent), *further, Connect(link=Link(source=memory.id, target=parent.id, type="part_of"))]


def _parent(memory: Memory, layer: str) -> Memory:
    return replace(
        memory,
        id=made_id(memory.id, f"rehang|{layer}|{memory.id}"),
        text=memory.text[:80],
        kind="concept",
        tier=layer,
        attributes={"layer": layer},
        author=None,
        ref=None,
        media=(),
        tags=(),
        version=1,
    )
