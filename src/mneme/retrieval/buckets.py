"""Thoughts in hash buckets: a question is compared with the thoughts of its own bucket and the next best ones alone.

Source: Think-in-Memory (arXiv 2311.08719): F(x) = argmax([xR; -xR]), a cross-polytope hash. Differs: more than one bucket may be probed;
messages that no thought leads to follow by cosine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.core.query import Filter
from mneme.retrieval.fusion import best
from mneme.retrieval.keyed import summed
from mneme.retrieval.phrases import vectors_of
from mneme.retrieval.provenance import or_all, provenance
from mneme.text.polytope import order


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """Ranks thoughts of the probed buckets and the messages behind them.

    Args:
        buckets: how many there are; even.
        probes: how many are looked into.
        seed: of the random projection.
        gain: how much a thought in a probed bucket lifts the messages it rests on.
    """

    buckets: int = 8
    probes: int = 3
    seed: int = 0
    gain: float = 0.5

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted memories, best first; ties by time, then position."""
        found = provenance(ctx)
        places = np.array(sorted(found.memories), np.int64)
        plain = summed(query, channels, {})
        thought = np.full(ctx.index.size, -np.inf, np.float32)
        if len(places):
            held = ctx.index.memo(f"buckets:{self.buckets}:{self.seed}", lambda: self._held(ctx, places))
            probed = order(query.vector[None, :], self.buckets, self.seed)[0, : self.probes]
            standing = ctx.index.mask(Filter(), as_of=query.now, now=ctx.clock.now())  # a thought that was given up leads nowhere
            inside = places[np.isin(held, probed) & standing[places]]
            thought[inside] = plain[inside]
            ctx.trace.note(buckets={"compared": len(inside), "of": len(places)})
        lifted = found.lift(thought, empty=-np.inf)
        total = np.where(np.isfinite(lifted), plain + np.float32(self.gain) * np.maximum(lifted, 0), plain).astype(np.float32)
        among = query.admitted & (found.verbatim | np.isfinite(thought))
        positions = best(total, or_all(among, query.admitted), ctx.index.at, query.k)
        return Ranked(positions=positions, scores=total[positions], parts={"match": plain[positions]})

    def _held(self, ctx: Context, places: IntArray) -> IntArray:
        texts = [memory.text for memory in ctx.memories(places.tolist())]
        return order(vectors_of(ctx.embedder, texts), self.buckets, self.seed)[:, 0]
