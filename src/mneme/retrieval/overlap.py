"""Shared words, discounted by age: exp(-dt / tau) times the mean of the shares of common content words.

Source: LD-Agent (arXiv 2406.05925): s = exp(-1e-7 dt_seconds) * (|Vq & Vm| / |Vq| + |Vq & Vm| / |Vm|) / 2, memories without a common noun
are left out. Differs: words are the space's terms without function words, since there is no tagger; what shares none follows by cosine
instead of being dropped, unless ``strict``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.fusion import best
from mneme.retrieval.provenance import kind_mask, or_all, provenance
from mneme.retrieval.terms import search_terms

LEAST_FIT = 1e-6
BEHIND = 2.0
"""How far below the least that shares a word the nearest that shares none begins; more than a cosine can make up for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Ranks by shared words and age.

    Args:
        per_second: 1 / tau; 0 leaves age out.
        similarity: how much the cosine counts beside the shared words.
        strict: memories without a common word are left out.
        kinds: which kinds are ranked; empty ranks all.
        lifting: kinds that add a part of their score to those messages that they rest on that share a word with the question.
        lift: that part.
    """

    per_second: float = 1e-7
    similarity: float = 0.0
    strict: bool = False
    kinds: tuple[str, ...] = ()
    lifting: tuple[str, ...] = ()
    lift: float = 0.1

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted memories, best first; ties by time, then position."""
        terms = search_terms(ctx, query).terms
        shared = np.zeros(ctx.index.size, np.float32)
        for term in terms:
            shared[term.positions] += 1
        overlap = share(shared, float(len(terms)), ctx.index.lengths)
        seconds = np.maximum(to_micros(query.now) - ctx.index.at, 0) / 1e6
        decay = np.exp(-self.per_second * seconds)
        cosines = channels.get("dense", np.zeros(ctx.index.size, np.float32))
        admitted = or_all(query.admitted & kind_mask(ctx, self.kinds), query.admitted) if self.kinds else query.admitted
        among = admitted & (shared > 0) if self.strict else admitted
        # Logarithms, so that a packer can weigh it against length and no age is too great to tell two memories apart.
        plain = (overlap + self.similarity * np.maximum(cosines, 0)).astype(np.float32)
        fit = np.log(np.maximum(plain + self._lifted(ctx, query, plain), LEAST_FIT))
        aged = fit - self.per_second * seconds
        least = aged[among & (shared > 0)].min(initial=0.0)
        total: FloatArray = np.where(shared > 0, aged, least - BEHIND + cosines).astype(np.float32)
        positions = best(total, among, ctx.index.at, query.k)
        decay = np.exp(-self.per_second * seconds[positions]).astype(np.float32)
        return Ranked(positions=positions, scores=total[positions], parts={"overlap": overlap[positions], "decay": decay})

    def _lifted(self, ctx: Context, query: Query, plain: FloatArray) -> FloatArray:
        """Return ``(size,)`` what summaries and the like add to the messages that they rest on."""
        if not self.lifting:
            return np.zeros(len(plain), np.float32)
        told = np.where(query.leading & kind_mask(ctx, self.lifting), plain, 0.0).astype(np.float32)
        return np.float32(self.lift) * provenance(ctx).lift(told)


def share(shared: FloatArray, wanted: float, lengths: FloatArray) -> FloatArray:
    """Return the mean of the share of the question's words and the share of the memory's words that are common.

    Example:
        >>> import numpy as np
        >>> share(np.float32([1, 2]), 2.0, np.float32([2, 2])).tolist()
        [0.5, 1.0]
    """
    halves: FloatArray = (0.5 * (shared / max(wanted, 1.0) + shared / np.maximum(lengths, 1.0))).astype(np.float32)
    return halves
