"""Associations without a fixed threshold: a mixture of two normal distributions says which earlier summaries are alike.

Source: MemGAS (arXiv 2505.19549): a two-component mixture over the best 30 similarities of a new session; linked is what belongs to the
component with the higher mean; from the sixth session on. Differs: one summary per session stands for it; a summary that is written anew
is compared with those of other sessions, not with the one whose place it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mneme.core.context import Context
from mneme.core.operations import Archive, Connect, Keep, Operation
from mneme.core.query import Filter
from mneme.core.records import Link

_ROUNDS = 100
_LEAST_SPREAD = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureLinks:
    """Links new memories of a kind to the earlier ones of it that are alike.

    Args:
        kind: of the memories that are compared.
        nearest: how many earlier ones are looked at.
        least: with fewer earlier ones nothing is linked.
    """

    kind: str = "summary"
    nearest: int = 30
    least: int = 5

    def organise(self, ctx: Context, operations: Sequence[Operation]) -> list[Operation]:
        """Return the operations, followed by the links of what they keep."""
        fresh = [operation.memory for operation in operations if isinstance(operation, Keep) and operation.memory.kind == self.kind]
        if not fresh:
            return list(operations)
        goes = {operation.id for operation in operations if isinstance(operation, Archive)}
        there = np.flatnonzero(ctx.index.mask(Filter(kinds=(self.kind,)), as_of=None, now=ctx.clock.now()))
        earlier = np.array([position for position in there.tolist() if ctx.index.ids[position] not in goes], np.int64)
        vectors = ctx.embedder.embed([memory.text for memory in fresh])
        links: list[Operation] = []
        for number, memory in enumerate(fresh):
            ids = [*(ctx.index.ids[position] for position in earlier.tolist()), *(other.id for other in fresh[:number])]
            if len(ids) < self.least:
                continue
            similarities = np.concatenate([ctx.index.dense(vectors[number])[earlier], vectors[:number] @ vectors[number]])
            near = np.argsort(-similarities, kind="stable")[: self.nearest]
            chosen = near[accepted(similarities[near])]
            links += [
                Connect(link=Link(source=memory.id, target=ids[other], type="similar", weight=float(similarities[other])))
                for other in chosen.tolist()
                if ids[other] != memory.id
            ]
        return [*operations, *links]


def accepted(similarities: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return ``(n,)``: which values belong to the higher of two normal distributions fitted to them.

    Example:
        >>> accepted(np.array([0.9, 0.88, 0.86, 0.2, 0.18, 0.15, 0.1])).tolist()
        [True, True, True, False, False, False, False]
    """
    values = np.asarray(similarities, np.float64)
    if len(values) < 2 or np.ptp(values) < 1e-9:
        return np.zeros(len(values), bool)
    means = np.array([values.min(), values.max()])
    spreads = np.full(2, max(values.std(), _LEAST_SPREAD))
    shares = np.full(2, 0.5)
    for _ in range(_ROUNDS):
        density = shares * np.exp(-0.5 * ((values[:, None] - means) / spreads) ** 2) / spreads
        belongs = density / np.maximum(density.sum(axis=1, keepdims=True), 1e-300)
        weight = np.maximum(belongs.sum(axis=0), 1e-12)
        after = (belongs * values[:, None]).sum(axis=0) / weight
        spreads = np.maximum(np.sqrt((belongs * (values[:, None] - after) ** 2).sum(axis=0) / weight), _LEAST_SPREAD)
        shares = weight / len(values)
        if np.abs(after - means).max() < 1e-9:
            break
        means = after
    high = int(means.argmax())
    return np.asarray((belongs.argmax(axis=1) == high) & (values >= means.mean()))
