"""Distillation: many candidates of each speaker, of which those that bear on the question come first.

Source: Memory-R1 (arXiv 2508.19828), answer agent: 60 entries, 30 for each participant, then a selection of what is relevant. Differs: the
selection orders the candidates, and drops the others only if that is asked for; without a model an entry bears on the question when it has
one of its telling words, or is nearly as close as the closest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mneme.core.components import Ranked, Ranker
from mneme.core.context import Context, Query
from mneme.core.llm import Prompt
from mneme.core.ports import FloatArray
from mneme.retrieval.again import texts_at
from mneme.retrieval.consulting import consulted
from mneme.retrieval.terms import search_terms

SELECT = Prompt(
    role="distil.select",
    system="You choose the entries that are needed to answer a question, and none that are not.",
    template="Question: $question\n\nEntries by number:\n$entries\n\nGive the numbers of those that are needed.",
    trim=(("entries", "head"),),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Numbers of the entries that are needed."""

    numbers: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distilled:
    """Puts first what bears on the question.

    Args:
        ranker: ranks the candidates.
        each: candidates of each author; what has none is an author of its own.
        fill: whether the others follow behind; without, they are dropped.
        near: share of the best score from which an entry bears on the question whatever its words.
    """

    ranker: Ranker
    each: int = 30
    fill: bool = True
    near: float = 0.9

    def rank(self, ctx: Context, query: Query, channels: Mapping[str, FloatArray]) -> Ranked:
        """Return at most ``query.k`` positions, the chosen ones first, each part in the order of the ranker."""
        wide = self.ranker.rank(ctx, replace(query, k=max(query.k, 4 * self.each)), channels)
        candidates = self._balanced(ctx, wide.positions.tolist())
        chosen = self._chosen(ctx, query, wide, candidates)
        places = chosen + ([place for place in candidates if place not in set(chosen)] if self.fill else [])
        if self.fill:
            kept = set(places)
            places += [place for place in range(len(wide.positions)) if place not in kept]
        ctx.trace.note(distilled=len(chosen), of=len(candidates))
        order = np.array(places[: query.k], np.int64)
        lift = np.zeros(len(order), np.float32)
        if len(order):
            # The chosen stand above the others by more than scores differ, so that a packer fills its budget with them.
            lift[: len(chosen)] = float(wide.scores.max() - wide.scores.min()) + 1.0
        parts = {name: part[order] for name, part in wide.parts.items()}
        scores = (wide.scores[order] + lift).astype(np.float32)
        return replace(wide, positions=wide.positions[order], scores=scores, parts={**parts, "chosen": lift})

    def _balanced(self, ctx: Context, positions: Sequence[int]) -> list[int]:
        """Return the places of the best of each author, in the order of the ranker."""
        codes, _ = ctx.index.codes("author")
        taken: dict[int, int] = {}
        kept = []
        for place, position in enumerate(positions):
            author = int(codes[position])
            if taken.get(author, 0) < self.each:
                taken[author] = taken.get(author, 0) + 1
                kept.append(place)
        return kept

    def _chosen(self, ctx: Context, query: Query, wide: Ranked, candidates: Sequence[int]) -> list[int]:
        positions = [int(wide.positions[place]) for place in candidates]
        # Where everything is returned anyway there is nothing to choose, and no call is made.
        if ctx.llm is not None and (len(positions) > query.k or not self.fill):
            listed = "\n".join(f"{number}. {text}" for number, text in enumerate(texts_at(ctx, positions)))
            reply = consulted(ctx, SELECT, {"question": query.text, "entries": listed}, Chosen)
            if reply is not None:
                return sorted({candidates[number] for number in reply.numbers if 0 <= number < len(candidates)})
        telling = np.zeros(ctx.index.size, bool)
        for term in search_terms(ctx, query).terms:
            telling[term.positions] = True
        edge = self.near * float(wide.scores.max()) if len(wide.scores) else 0.0
        return [place for place, position in zip(candidates, positions, strict=True) if telling[position] or wide.scores[place] >= edge > 0]
