"""Messages found by their own vector and by the entities in them, and, where asked for, by the neighbours of these.

Source: Does Memory Need Graphs? (arXiv 2601.01280), graph modes entity, chunk, one-hop expand and remove user node; entities from a
similarity of 0.2, twenty at most. Differs: entities are the phrases of statements and the names in messages; an entity adds its similarity
to that of the messages that have it; a neighbour counts four fifths. Who speaks is the hub, connected with nearly everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.fusion import best
from mneme.retrieval.phrases import Phrases, normalised, phrases
from mneme.retrieval.provenance import or_all, provenance

_NO_SYNONYMS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityGraph:
    """Ranks messages by closeness, their own and their entities'.

    Args:
        entities: how many are looked up.
        near: cosine with the question that an entity needs.
        hops: how far from these their neighbours count.
        decay: how much of its score an entity passes on to a neighbour.
        hub: whether those who speak are entities.
        weight: how much an entity counts beside a message's own cosine.
    """

    entities: int = 20
    near: float = 0.2
    hops: int = 0
    decay: float = 0.8
    hub: bool = True
    weight: float = 1.0

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return admitted messages, best first; ties by time, then position."""
        known = phrases(ctx, _NO_SYNONYMS, names=True)
        own = channels["dense"]
        usable = np.ones(len(known.names), bool) if self.hub else ~_speakers(ctx, known)
        found = self._found(known, query, usable)
        reached = self._expanded(known, found, usable)
        lifted = np.zeros(ctx.index.size, np.float32)
        np.maximum.at(lifted, known.passages[known.contains[:, 1]], reached[known.contains[:, 0]])
        total = (own + np.float32(self.weight) * lifted).astype(np.float32)
        ctx.trace.note(entity_graph={"entities": int((found > 0).sum()), "with neighbours": int((reached > 0).sum()), "hub": self.hub})
        among = or_all(query.admitted & provenance(ctx).verbatim, query.admitted)
        positions = best(total, among, ctx.index.at, query.k)
        return Ranked(positions=positions, scores=total[positions], parts={"chunk": own[positions], "entity": lifted[positions]})

    def _found(self, known: Phrases, query: Query, usable: BoolArray) -> FloatArray:
        """Return ``(p,)`` the cosine of the entities that the question is near to, 0 for others."""
        if not len(known.names):
            return np.zeros(0, np.float32)
        cosines = np.where(usable, known.vectors @ query.vector, -1.0)
        top = np.argsort(-cosines, kind="stable")[: self.entities]
        kept = np.zeros(len(cosines), np.float32)
        kept[top] = np.where(cosines[top] >= self.near, cosines[top], 0.0)
        return kept

    def _expanded(self, known: Phrases, found: FloatArray, usable: BoolArray) -> FloatArray:
        """Return ``(p,)`` the same with what neighbours pass on, over relations and over the messages that two entities share."""
        reached = found.copy()
        for _ in range(self.hops):
            passed = np.zeros(len(reached), np.float32)
            one, other = known.relations[:, 0].astype(np.int64), known.relations[:, 1].astype(np.int64)
            np.maximum.at(passed, one, reached[other])
            np.maximum.at(passed, other, reached[one])
            shared = np.zeros(len(known.passages), np.float32)
            np.maximum.at(shared, known.contains[:, 1], reached[known.contains[:, 0]])
            np.maximum.at(passed, known.contains[:, 0], shared[known.contains[:, 1]])
            reached = np.where(usable, np.maximum(reached, np.float32(self.decay) * passed), 0.0).astype(np.float32)
        return reached


def _speakers(ctx: Context, known: Phrases) -> BoolArray:
    _, values = ctx.index.codes("author")
    names = {normalised(value) for value in values if isinstance(value, str)}
    return np.array([name in names for name in known.names], bool)
