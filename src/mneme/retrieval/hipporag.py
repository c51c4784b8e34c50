"""Names of the question start a walk over the graph of phrases; passages gather the phrases that it meets.

Source: HippoRAG, arXiv 2405.14831: n' = PPR(reset), passage score = n'^T P, reset of a node = 1 / number of its passages.
Differs: the names of the question are found by rule, and who speaks in the space is no place to start from: half of the passages are
theirs. A question without another name that the graph knows is ranked by vectors alone, and so are passages that the walk does not reach,
behind those that it does, unless ``dense`` mixes both (the released code does so where a name is linked with doubt).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.fusion import best
from mneme.retrieval.hipporag2 import min_max
from mneme.retrieval.pagerank import Numbers, pagerank
from mneme.retrieval.phrases import Phrases, named, normalised, phrases, vectors_of
from mneme.retrieval.provenance import or_all
from mneme.retrieval.terms import people

LEAST_WALK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class HippoRag:
    """Ranks messages by a walk from the names in the question.

    Args:
        damping: how likely the walk goes on.
        synonym: the cosine from which phrases mean the same.
        linked: the cosine that a name of the question needs with a phrase to start there.
        dense: in [0, 1): the share of a passage's own cosine in its score, with both scaled to [0, 1]; 0 ranks by the walk.
    """

    damping: float = 0.5
    synonym: float = 0.8
    linked: float = 0.8
    dense: float = 0.0

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted messages, best first; ties by time, then position."""
        known = phrases(ctx, self.synonym, names=True)
        cosines = channels["dense"]
        speakers = {normalised(person) for person in people(ctx.index)}
        reset = self.reset(ctx, known, query.text) * [name not in speakers for name in known.names]
        if not reset.any():
            ctx.trace.note(hipporag="no name of the question is in the graph; ranked by vectors")
            positions = best(cosines, query.admitted, ctx.index.at, query.k)
            return Ranked(positions=positions, scores=cosines[positions], parts={"dense": cosines[positions]})
        walk = pagerank(known.graph(passages=False), reset, damping=self.damping)
        gathered = np.zeros(ctx.index.size)
        np.add.at(gathered, known.passages[known.contains[:, 1]], walk[known.contains[:, 0]])
        reached = (gathered / max(gathered.max(), 1e-12)).astype(np.float32)
        among = or_all(np.isin(np.arange(ctx.index.size), known.passages) & query.admitted, query.admitted)
        total = self.mixed(reached, cosines, among) if self.dense else by_walk(reached, cosines)
        positions = best(total, among, ctx.index.at, query.k)
        return Ranked(positions=positions, scores=total[positions], parts={"walk": reached[positions], "dense": cosines[positions]})

    def mixed(self, reached: FloatArray, cosines: FloatArray, among: BoolArray) -> FloatArray:
        """Return ``(size,)`` the weighted mean of walk and cosine, each scaled to [0, 1] over the passages ``among`` which it ranks."""
        total = np.zeros(len(reached), np.float32)
        total[among] = (1 - self.dense) * min_max(reached[among]) + self.dense * min_max(cosines[among])
        return total

    def reset(self, ctx: Context, known: Phrases, question: str) -> Numbers:
        """Return ``(p,)`` where the walk starts: each name of the question at its nearest phrase, rarer phrases with more weight."""
        start = np.zeros(len(known.names))
        place = {name: number for number, name in enumerate(known.names)}
        names = [*named(question), *_spans(question, place)]
        missing = [name for name in dict.fromkeys(names) if name not in place]
        chosen = {place[name] for name in names if name in place}
        if missing and len(known.names):
            cosines = vectors_of(ctx.embedder, missing) @ known.vectors.T
            chosen |= {int(row.argmax()) for row in cosines if row.max() >= self.linked}
        for number in chosen:
            start[number] = 1.0 / max(known.spread[number], 1.0)
        return start


def by_walk(reached: FloatArray, cosines: FloatArray) -> FloatArray:
    """Return ``(size,)`` the logarithm of what the walk gathered; what it did not reach follows by cosine.

    A logarithm, so that a packer can weigh it against length.
    """
    far = np.float32(np.log(LEAST_WALK))
    total = np.where(reached > LEAST_WALK, np.log(np.maximum(reached, LEAST_WALK)), far - 1 + cosines)
    return total.astype(np.float32)


def _spans(question: str, place: Mapping[str, int], most: int = 5) -> list[str]:
    """Return the longest stretches of the question that are phrases of the graph, from the left."""
    words = normalised(question).split()
    found, at = [], 0
    while at < len(words):
        for length in range(min(most, len(words) - at), 0, -1):
            stretch = " ".join(words[at : at + length])
            if stretch in place and (length > 1 or len(stretch) > 2):
                found.append(stretch)
                at += length
                break
        else:
            at += 1
    return found
