"""A second look: what was found is judged, and where it does not suffice the question is put in other words, once.

Source: EverMemOS (arXiv 2601.02163), sufficiency-driven recall: a model judges the first round and rewrites the question into at most
three, whose results are fused with it by reciprocal rank; there is no third round. Differs: the rewritten questions are searched by vectors
and words without the recipe's grouping; without a model nothing is judged and the first round stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mneme.core.components import Ranked
from mneme.core.context import Context, Query
from mneme.core.llm import Prompt
from mneme.retrieval.again import closest, texts_at
from mneme.retrieval.consulting import consulted
from mneme.retrieval.provenance import kind_mask

JUDGE = Prompt(
    role="requery.judge",
    system=(
        "You say whether passages suffice to answer a question. When they do not, you write up to three other questions that would find"
        " what is missing."
    ),
    template="Passages:\n$passages\n\nQuestion of $today: $question",
    trim=(("passages", "tail"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Whether the passages suffice, and what to ask otherwise."""

    sufficient: bool
    queries: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requery:
    """Fuses a second round into the first where a model finds this insufficient.

    Args:
        shown: hits that are judged, from the best.
        queries: rewritten questions, at most.
        each: messages that one of them brings.
        constant: of the reciprocal rank.
    """

    shown: int = 10
    queries: int = 3
    each: int = 5
    constant: int = 60

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return the hits of both rounds; those of the first where it suffices or nobody can judge it."""
        asked = self._asked(ctx, query, ranked) if ctx.llm is not None else []
        if not asked:
            return ranked
        among = kind_mask(ctx, ("turn",))
        rounds = [ranked.positions.tolist(), *(closest(ctx, query, text, among, self.each) for text in asked)]
        fused: dict[int, float] = {}
        for positions in rounds:
            for place, position in enumerate(positions, 1):
                fused[position] = fused.get(position, 0.0) + 1.0 / (self.constant + place)
        order = sorted(fused, key=lambda position: (-fused[position], position))[: query.k]
        ctx.trace.note(requery={"queries": len(asked), "new": len(set(order) - set(rounds[0]))})
        place_of = {position: place for place, position in enumerate(rounds[0])}
        known = np.array([place_of.get(position, -1) for position in order])
        parts = {
            name: np.where(known >= 0, part[known], np.float32(0)).astype(np.float32) if len(part) else np.zeros(len(order), np.float32)
            for name, part in ranked.parts.items()
        }
        scores = np.array([fused[position] for position in order], np.float32)
        return replace(ranked, positions=np.array(order, np.int64), scores=scores, parts=parts)

    def _asked(self, ctx: Context, query: Query, ranked: Ranked) -> list[str]:
        """Return the rewritten questions; none where the first round suffices."""
        passages = "\n".join(texts_at(ctx, ranked.positions[: self.shown].tolist())) or "none"
        told = consulted(ctx, JUDGE, {"passages": passages, "question": query.text, "today": query.now.date()}, Judged)
        asked = [] if told is None or told.sufficient else [text.strip() for text in told.queries if text.strip()]
        return list(dict.fromkeys(asked))[: self.queries]
