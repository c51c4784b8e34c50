"""Prototypes: of what working memory held, the most used elements stay for long, each strengthened by those like it.

Source: XMem: usage is accumulated affinity over life; the top P become prototypes, v_p = sum_j softmax_j(sim(k_j, k_p)) v_j over the
candidates; the first frame and the most recent stay; the least used of the long-term memory make room. Legend: k keys, v values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.errors import InvalidInput
from mneme.core.operations import Archive, Connect, Move, Operation, Reinforce
from mneme.core.records import Link
from mneme.core.upkeep import DAY_US, FloatArray, IntArray, Proposal, Round


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidated:
    """What consolidation chose.

    Args:
        chosen: ``(p,)`` places of the prototypes among the candidates.
        values: ``(p, d)`` their potentiated values.
    """

    chosen: IntArray
    values: FloatArray


def consolidate(keys: FloatArray, values: FloatArray, usage: FloatArray, life: FloatArray, prototypes: int) -> Consolidated:
    """Return the prototypes of the candidates.

    Args:
        keys: ``(n, c)``.
        values: ``(n, d)``.
        usage: ``(n,)`` accumulated affinity.
        life: ``(n,)`` steps since each came, at least 1.
        prototypes: how many to keep; all when there are fewer candidates.
    """
    rate = np.asarray(usage, np.float64) / np.maximum(life, 1)
    chosen = np.sort(np.argsort(-rate, kind="stable")[:prototypes])
    every = np.asarray(keys, np.float64)
    square = (every**2).sum(axis=1)
    distance = (square[:, None] + square[chosen][None, :] - 2 * every @ every[chosen].T) / np.sqrt(keys.shape[1])
    weight = np.exp(-(distance - distance.min(axis=0, keepdims=True)))
    weight /= weight.sum(axis=0, keepdims=True)
    return Consolidated(chosen=chosen.astype(np.int64), values=(weight.T @ values).astype(np.float32))


def least_used(usage: FloatArray, life: FloatArray, room: int, most: int) -> IntArray:
    """Return which of the long-term elements go so that ``room`` more fit into ``most``, rising."""
    over = len(usage) + room - most
    if over <= 0:
        return np.zeros(0, np.int64)
    rate = np.asarray(usage, np.float64) / np.maximum(life, 1)
    return np.sort(np.argsort(rate, kind="stable")[:over]).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prototypes:
    """Consolidates a full tier: its most used memories become long-term prototypes, the rest of it goes to the archive.

    The oldest memory of the tier stays for good and the most recent ones stay for now. A prototype is strengthened by the use of those like
    it, weighed as the paper weighs values, and linked to its closest ones. The least used of the long-term tier make room.

    Args:
        tier: what is consolidated; the empty one is what was never placed.
        to: the tier of prototypes.
        kinds: what is looked at.
        full: from how many memories on the tier is full, T_max.
        recent: how many of the newest stay, T_min less one.
        prototypes: how many one consolidation makes, P.
        most: prototypes in all, LT_max.
        linked: how many of the closest candidates a prototype is linked to.
    """

    tier: str = ""
    to: str = "long"
    kinds: tuple[str, ...] = ("turn", "event", "note")
    full: int = 1000
    recent: int = 400
    prototypes: int = 128
    most: int = 10_000
    linked: int = 3
    name: str = "prototypes"

    def __post_init__(self) -> None:
        if not 0 <= self.recent < self.full - 1 or not 1 <= self.prototypes <= self.most:
            raise InvalidInput({"full": "must be above recent + 1, with 1 <= prototypes <= most"})

    def upkeep(self, ctx: Round) -> Iterator[Proposal]:
        """Propose one consolidation, if the tier is full: all of it happens or nothing."""
        census = ctx.census
        mine = census.active & census.kind.among(self.kinds) & ~ctx.held
        there = np.flatnonzero(mine & census.tier.among((self.tier,)))
        if len(there) < self.full:
            return
        order = there[np.lexsort((census.row[there], census.at[there]))]
        candidates = order[1 : len(order) - self.recent]
        life = np.maximum((to_micros(ctx.now) - census.at) / DAY_US, 1.0).astype(np.float32)
        used = np.maximum(census.uses, 0.0)
        keys = ctx.vectors(candidates.tolist())
        found = consolidate(keys, used[candidates][:, None], used[candidates], life[candidates], self.prototypes)
        chosen = candidates[found.chosen]
        long = np.flatnonzero(mine & census.tier.among((self.to,)))
        leaving = long[least_used(used[long], life[long], len(chosen), self.most)]
        operations: list[Operation] = [Archive(id=census.ids[place]) for place in leaving.tolist()]
        for number, place in enumerate(chosen.tolist()):
            id = census.ids[place]
            operations += [Move(id=id, tier=self.to), Reinforce(id=id, strength=float(found.values[number, 0]))]
            operations += self._links(ctx, candidates, keys, int(found.chosen[number]))
        staying = set(chosen.tolist())
        operations += [Archive(id=census.ids[place]) for place in candidates.tolist() if place not in staying]
        why = f"{len(candidates)} of a full tier, {len(chosen)} stay as prototypes"
        yield Proposal(keeper=self.name, why=why, operations=tuple(operations))

    def _links(self, ctx: Round, candidates: IntArray, keys: FloatArray, number: int) -> list[Operation]:
        near = keys @ keys[number]
        near[number] = -1.0
        best = np.argsort(-near, kind="stable")[: min(self.linked, len(candidates) - 1)].tolist()
        ids = ctx.census.ids
        return [
            Connect(
                link=Link(
                    source=ids[candidates[number]], target=ids[candidates[other]], type="similar", weight=max(float(near[other]), 0.0)
                )
            )
            for other in best
        ]
