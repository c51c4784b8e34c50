"""Messages found by keys: a message scores by its own text and by the memories that were derived from it, and is what is returned.

Source: LongMemEval (arXiv 2410.10813), key expansion: facts, phrases and summaries are keys, the raw round is the value. Differs: keys are
memories with vectors and words of their own; ``pool`` says how they join: ``max`` takes the best, ``mean`` the mean over own text and
best key (UnifiedMem's separate keys), ``sum`` adds the best key's share to the own score, ``merged`` embeds a message and its keys as one
text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.errors import InvalidInput
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.fusion import best, z_scores
from mneme.retrieval.phrases import vectors_of
from mneme.retrieval.provenance import or_all, provenance

POOLS = ("max", "mean", "sum", "only", "merged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """Ranks messages by their own score and that of their keys.

    Args:
        weights: channel -> weight of its z-score; channels that are not named count 1.
        pool: how keys join: ``max``, ``mean``, ``sum``, ``merged``, or ``only`` the keys where there are any.
        key_weight: what a key's score is multiplied by.
        shown: kinds that are returned beside messages, such as ``summary``.
        shown_first: what is shown goes before the messages that it lifts to its own score.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    pool: str = "max"
    key_weight: float = 1.0
    shown: tuple[str, ...] = ()
    shown_first: bool = False

    def __post_init__(self) -> None:
        if self.pool not in POOLS:
            raise InvalidInput({"pool": f"is {self.pool!r}; give one of {', '.join(POOLS)}"})

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted messages and what is shown, best first; ties by time, then position."""
        found = provenance(ctx)
        own = summed(query, merged(ctx, query, channels) if self.pool == "merged" else channels, self.weights)
        usable = np.where(query.admitted, own, -np.inf).astype(np.float32)
        key = self.key_weight * found.lift(usable, empty=-np.inf)
        total = self._joined(own, key.astype(np.float32))
        shown = self._shown(found.memories)
        if self.shown_first:
            total[shown] += np.float32(1e-4)
        among = query.admitted & (found.verbatim | np.isin(np.arange(ctx.index.size), shown))
        among = or_all(among, query.admitted)
        positions = best(total, among, ctx.index.at, query.k)
        by_key = np.where(np.isfinite(key), key, 0.0).astype(np.float32)
        return Ranked(positions=positions, scores=total[positions], parts={"own": own[positions], "key": by_key[positions]})

    def _joined(self, own: FloatArray, key: FloatArray) -> FloatArray:
        has = np.isfinite(key)
        joined = {
            "max": np.maximum(own, key),
            "mean": np.where(has, (own + key) / 2, own),
            "sum": own + np.where(has, np.maximum(key, 0.0), 0.0),
            "only": np.where(has, key, own),
            "merged": own,
        }[self.pool]
        return joined.astype(np.float32)

    def _shown(self, memories: Mapping[int, object]) -> list[int]:
        return [position for position, memory in memories.items() if getattr(memory, "kind", "") in self.shown]


def merged(ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return the channels with each message scored as one text with its keys: by the vector of both, and by the better words."""
    found = provenance(ctx)
    positions, vectors = ctx.index.memo("merged-keys", lambda: _merged_vectors(ctx))
    joined = {name: np.maximum(scores, found.lift(scores, empty=-np.inf)).astype(np.float32) for name, scores in channels.items()}
    if "dense" in channels:
        joined["dense"] = channels["dense"].copy()
        joined["dense"][positions] = vectors @ query.vector
    return joined


def _merged_vectors(ctx: Context) -> tuple[IntArray, FloatArray]:
    """Return the messages that have keys, and the vectors of their texts with those of their keys."""
    found = provenance(ctx)
    keys: dict[int, list[str]] = {}
    for derived, value in zip(found.derived.tolist(), found.value.tolist(), strict=True):
        keys.setdefault(value, []).append(found.memories[derived].text)
    by_id = {found.place[memory.id]: memory.text for memory in ctx.memories(sorted(keys))}
    positions = sorted(by_id)
    texts = ["\n".join([by_id[position], *keys[position]]) for position in positions]
    return np.array(positions, np.int64), vectors_of(ctx.embedder, texts)


def summed(query: Query, channels: Mapping[str, FloatArray], weights: Mapping[str, float]) -> FloatArray:
    """Return ``(size,)`` the weighted sum of the channels' z-scores over the admitted memories."""
    parts = [np.float32(weights.get(name, 1.0)) * z_scores(scores, query.admitted) for name, scores in channels.items()]
    return np.sum(parts, axis=0, dtype=np.float32) if parts else np.zeros(len(query.admitted), np.float32)
