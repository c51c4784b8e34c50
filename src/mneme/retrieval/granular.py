"""Sessions seen at several granularities, weighted per question by how decisive each is, spread over associated sessions.

Source: MemGAS (arXiv 2505.19549): p_g = softmax(s_g / tau), w_g ~ 1 - H_g, PageRank from the best 15. Differs: H_g is divided by log N, so
that it lies in [0, 1] (the released code subtracts raw nats from 1 and rewards the less decisive view); messages are returned, by their
session's score and their own cosine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.core.query import Filter
from mneme.retrieval.fusion import best, z_scores
from mneme.retrieval.keyed import summed
from mneme.retrieval.pagerank import Graph, Numbers, pagerank
from mneme.retrieval.provenance import kind_mask, provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Granular:
    """Ranks messages by their session at several granularities, and by themselves.

    Args:
        temperature: tau.
        seeds: from how many sessions the walk starts.
        damping: how likely the walk goes on; 0 leaves associations out.
        own: weight of the message's own score beside its session's.
        weights: channel -> weight of its z-score in the message's own score; channels that are not named count 1.
    """

    temperature: float = 0.2
    seeds: int = 15
    damping: float = 0.1
    own: float = 1.0
    weights: Mapping[str, float] | None = None

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted messages, best first; ties by time, then position."""
        cosines = channels["dense"]
        numbers, _ = ctx.index.groups
        turns = np.flatnonzero(kind_mask(ctx, ("turn",)) & query.admitted)
        if not len(turns):
            own = summed(query, channels, self.weights or {})
            positions = best(own, query.admitted, ctx.index.at, query.k)
            return Ranked(positions=positions, scores=own[positions])
        there, session_of = np.unique(numbers[turns], return_inverse=True)
        views = self._views(ctx, query, cosines, turns, session_of, there)
        scores = sessions(views, self.temperature)
        spread = self._walked(ctx, scores, there)
        total = np.full(ctx.index.size, -np.inf, np.float32)
        own = summed(query, channels, self.weights or {})
        by_session = np.zeros(ctx.index.size, np.float32)
        by_session[turns] = spread[session_of]
        total[turns] = self.own * own[turns] + z_scores(by_session, query.admitted & kind_mask(ctx, ("turn",)))[turns]
        positions = best(total, np.isfinite(total), ctx.index.at, query.k)
        return Ranked(positions=positions, scores=total[positions], parts={"session": by_session[positions], "own": own[positions]})

    def _views(self, ctx: Context, query: Query, cosines: FloatArray, turns: IntArray, session_of: IntArray, there: IntArray) -> Numbers:
        """Return ``(g, n)``: mean and best message of each session, and its summary and keywords that stood at the question's moment."""
        count = len(there)
        sums = np.bincount(session_of, cosines[turns], count)
        means = sums / np.maximum(np.bincount(session_of, minlength=count), 1)
        tops = np.full(count, -1.0)
        np.maximum.at(tops, session_of, cosines[turns])
        views = [means, tops]
        numbers, _ = ctx.index.groups
        standing = ctx.index.mask(Filter(), as_of=query.now, now=query.now)  # digests that were written anew are in the archive
        for kind in ("summary", "concept"):
            held = np.flatnonzero(kind_mask(ctx, (kind,)) & standing & np.isin(numbers, there))
            if len(held):
                view = means.copy()
                view[np.searchsorted(there, numbers[held])] = cosines[held]
                views.append(view)
        return np.stack(views)

    def _walked(self, ctx: Context, scores: Numbers, there: IntArray) -> Numbers:
        """Return the sessions' scores after a walk over their associations."""
        if not self.damping or not len(scores):
            return scores
        found = provenance(ctx)
        numbers, _ = ctx.index.groups
        node = {int(number): place for place, number in enumerate(there.tolist())}
        held = {memory.id: node.get(int(numbers[position])) for position, memory in found.memories.items() if memory.kind == "summary"}
        edges = {
            (source, target)
            for link in ctx.links(list(held))
            if link.type == "similar" and (source := held.get(link.source)) is not None and (target := held.get(link.target)) is not None
        }
        ends = np.array(sorted(edges), np.int64).reshape(-1, 2)
        graph = Graph.undirected(len(scores), ends[:, 0], ends[:, 1], np.ones(len(ends)))
        return walked(graph, scores, self.seeds, self.damping)


def walked(graph: Graph, scores: Numbers, seeds: int, damping: float) -> Numbers:
    """Return the scores after a walk from the best ``seeds``; what is not reached keeps its order behind."""
    reset = np.zeros(len(scores))
    chosen = np.argsort(-scores, kind="stable")[:seeds]
    reset[chosen] = np.maximum(scores[chosen], 0)
    if not reset.any():
        return scores
    rank = pagerank(graph, reset, damping=damping)
    behind = 1e-6 * (scores - scores.min()) / max(float(np.ptp(scores)), 1e-12)
    return np.asarray(rank * reset.sum() + behind)


def sessions(views: Numbers, temperature: float) -> Numbers:
    """Return ``(n,)`` scores of sessions: the views' similarities, weighted by how decisive each view is."""
    return np.asarray(entropy_weights(views, temperature) @ views)


def entropy_weights(views: Numbers, temperature: float) -> Numbers:
    """Return ``(g,)`` weights that sum to 1: more for the view whose similarities single something out.

    Args:
        views: ``(g, n)`` similarities.
        temperature: of the softmax over each view.
    """
    count = views.shape[1]
    if count < 2:
        return np.full(len(views), 1 / len(views))
    raised = np.exp((views - views.max(axis=1, keepdims=True)) / temperature)
    chances = raised / raised.sum(axis=1, keepdims=True)
    entropy = -(chances * np.log(np.maximum(chances, 1e-300))).sum(axis=1) / np.log(count)
    decisive = np.maximum(1 - entropy, 0.0)
    total = decisive.sum()
    return np.asarray(decisive / total) if total > 1e-9 else np.full(len(views), 1 / len(views))
