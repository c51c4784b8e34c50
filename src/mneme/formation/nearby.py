"""What is near among the memories that are there, by the vectors that the index has: nothing is embedded again, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from mneme.core.context import BoolArray, Context
from mneme.core.ports import FloatArray, IntArray
from mneme.core.query import Filter
from mneme.core.records import Memory

_SPARE = 3
_CODE_ERROR = 0.03
"""More than a cosine of 8-bit codes is off."""


def among(ctx: Context, kind: str, tier: str | None = None) -> IntArray:
    """Return the positions that hold a memory of a kind, and of a tier if one is given; archived ones are told apart when they are read."""
    mine = _coded(ctx, "kind", kind) & ctx.index.present
    return np.flatnonzero(mine if tier is None else mine & _coded(ctx, "tier", tier))


def standing(ctx: Context, kind: str, tier: str | None = None) -> list[Memory]:
    """Return every active memory of a kind, and of a tier if one is given, however many there are."""
    where = Filter(kinds=(kind,), tiers=() if tier is None else (tier,))
    admitted = np.flatnonzero(ctx.index.mask(where, as_of=None, now=ctx.clock.now()))
    return [memory for memory in ctx.memories(admitted.tolist()) if memory.status == "active"]


def nearest(
    ctx: Context,
    positions: IntArray,
    vector: FloatArray,
    count: int,
    *,
    least: float = -1.0,
    without: Collection[str] = (),
    holds: Callable[[Memory], bool],
) -> list[tuple[Memory, float]]:
    """Return the nearest active memories at these positions with their cosines, best first.

    Args:
        ctx: the space.
        positions: see :func:`among`.
        vector: unit-norm.
        count: how many.
        least: cosine that they have at least; nothing else is read.
        without: ids that are left out.
        holds: what a memory must pass.
    """
    if not len(positions):
        return []
    coarse = ctx.index.dense(vector)[positions]
    near = np.flatnonzero(coarse >= least - _CODE_ERROR)
    wide = positions[near[np.argsort(-coarse[near], kind="stable")]]
    found: list[tuple[Memory, float]] = []
    step = max(_SPARE * count, 16)
    for start in range(0, len(wide), step):
        part = wide[start : start + step]
        cosines = dict(zip((ctx.index.ids[place] for place in part.tolist()), ctx.index.exact(part, vector).tolist(), strict=True))
        read = [
            memory for memory in ctx.memories(part.tolist()) if memory.status == "active" and memory.id not in without and holds(memory)
        ]
        found += [(memory, cosines[memory.id]) for memory in read if cosines[memory.id] >= least]
        if len(found) >= count:
            break
    return sorted(found, key=lambda pair: (-pair[1], pair[0].id))[:count]


def _coded(ctx: Context, field: str, wanted: str) -> BoolArray:
    codes, values = ctx.index.codes(field)
    return np.isin(codes, [code for code, value in enumerate(values) if value == wanted])
