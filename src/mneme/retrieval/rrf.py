"""Reciprocal rank fusion over channels, optionally gathered by session or scene.

Source: Cormack et al. 2009; EverMemOS (arXiv 2601.02163): k = 60 over vectors and words of atomic facts, a scene scores by its best
member. Differs: a document that a channel gives no score has no rank there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.fusion import best
from mneme.retrieval.provenance import kind_mask, or_all, provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class ReciprocalRank:
    """Ranks by the sum of 1 / (k + rank) over channels.

    Args:
        constant: k.
        candidates: how many of each channel count.
        keys: kinds by whose ranks a message is found too; a message takes the best of its own and its keys'.
        groups: how much of the best score of its session, or its scene, a message is given; 0 leaves them out.
        scenes: the tier of the memories whose messages make a scene; empty takes sessions.
        shown: kinds that are returned.
        foreseen: kinds that are returned, too, as long as an end of theirs is ahead, such as plans.
    """

    constant: int = 60
    candidates: int = 50
    keys: tuple[str, ...] = ()
    groups: float = 0.0
    scenes: str = ""
    shown: tuple[str, ...] = ("turn",)
    foreseen: tuple[str, ...] = ()

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted memories of the shown kinds, best first; ties by time, then position."""
        plans, keys = self._foreseen(ctx), kind_mask(ctx, self.keys)
        among = query.admitted & (kind_mask(ctx, self.shown) | keys | plans)
        fused = np.sum([reciprocal(scores, among, self.constant, self.candidates) for scores in channels.values()], axis=0)
        total = np.maximum(fused, provenance(ctx).lift(np.where(keys, fused, 0.0).astype(np.float32))) if self.keys else fused
        if self.groups:
            numbers, count = self._gathered(ctx)
            top = np.zeros(count)
            np.maximum.at(top, numbers, np.where(query.admitted, total, 0.0))
            total = total + self.groups * top[numbers]
        shown = or_all(query.admitted & (kind_mask(ctx, self.shown) | plans), query.admitted)
        first = next(iter(channels.values()))
        # What no channel saw among its best follows in the order of the first channel; scores are scaled for packers.
        scaled = (total * self.constant * 4 + 1e-3 * first).astype(np.float32)
        positions = best(scaled, shown, ctx.index.at, query.k)
        return Ranked(positions=positions, scores=scaled[positions], parts={"fused": fused.astype(np.float32)[positions]})

    def _foreseen(self, ctx: Context) -> BoolArray:
        mask = np.zeros(ctx.index.size, bool)
        if self.foreseen:
            found = provenance(ctx).memories.items()
            mask[[place for place, memory in found if memory.kind in self.foreseen and memory.valid_to is not None]] = True
        return mask

    def _gathered(self, ctx: Context) -> tuple[IntArray, int]:
        """Return the number of each memory's session or scene; what is in none is one of its own."""
        if not self.scenes:
            return ctx.index.groups
        return ctx.index.memo(f"scenes {self.scenes}", lambda: _scenes(ctx, self.scenes)), ctx.index.size


def _scenes(ctx: Context, tier: str) -> IntArray:
    """Return ``(size,)`` the scene of each message: that of the cell whose first message the scene rests on, or of its own source."""
    found = provenance(ctx)
    scene_of = np.full(ctx.index.size, -1, np.int64)
    scenes = np.array([position for position, memory in found.memories.items() if memory.tier == tier], np.int64)
    scene_of[scenes] = scenes
    direct = scene_of[found.derived] >= 0
    of_first = dict(zip(found.value[direct].tolist(), found.derived[direct].tolist(), strict=True))
    for position, memory in found.memories.items():
        first = found.place.get("mem" + memory.sources[0].episode[2:], -1) if memory.kind == "summary" and memory.sources else -1
        scene_of[position] = of_first.get(first, scene_of[position])
    gathered = scene_of[found.derived]
    numbers = np.arange(ctx.index.size, dtype=np.int64)
    numbers[found.value[gathered >= 0]] = gathered[gathered >= 0]
    return numbers


def reciprocal(scores: FloatArray, among: BoolArray, constant: int, most: int) -> FloatArray:
    """Return ``(size,)`` 1 / (constant + rank) for the best ``most`` positions with a score above 0, else 0.

    Example:
        >>> import numpy as np
        >>> float(reciprocal(np.float32([0.2, 0.9, 0.0]), np.ones(3, bool), 60, 50)[1]) == float(np.float32(1 / 61))
        True
    """
    ranks = np.zeros(len(scores), np.float32)
    order = np.flatnonzero(among & (scores > 0))
    order = order[np.argsort(-scores[order], kind="stable")][:most]
    ranks[order] = 1.0 / (constant + np.arange(1, len(order) + 1))
    return ranks
