"""Refinements first: trusted ones that bear on the question go ahead of messages and documents, distrusted ones do not come at all.

Source: MARK (arXiv 2505.05177), memory search service: similarity times recency, frequency and trust, merged ahead of documents. Differs:
the factors are 2^(-t / h), 1 + log(1 + uses) / 10 and TS; refinements take at most ``share`` of the places.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.components import Ranked
from mneme.core.context import BoolArray, Context, Query
from mneme.core.ports import IntArray
from mneme.core.records import Usage
from mneme.text.script import is_paired, normalise, raw_tokens

TAG = "refined"
_DAY_US = 86_400_000_000
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Puts trusted refinements before other hits.

    Args:
        least: cosine that a refinement needs to bear on the question; one whose explained term the question names needs none.
        least_trust: TS below which it is not served.
        half_life_days: of its recency.
        share: in (0, 1]: how many of the places refinements may take.
        looked_at: how many of the nearest that are trusted are weighed.
    """

    least: float = 0.3
    least_trust: float = 0.3
    half_life_days: float = 30.0
    share: float = 0.3
    looked_at: int = 32

    def refine(self, ctx: Context, query: Query, ranked: Ranked) -> Ranked:
        """Return refinements, best first, then the other hits; not more than there was room for."""
        mask = _tagged(ctx) & query.admitted
        chosen = self._chosen(ctx, query, np.flatnonzero(mask)) if mask.any() else []
        places = [position for position, _ in chosen[: max(1, int(self.share * query.k))]]
        rest = [number for number, position in enumerate(ranked.positions.tolist()) if not mask[position]]
        rest = rest[: max(query.k - len(places), 0)]
        top = float(ranked.scores[rest[0]]) if rest else 0.0
        scores = [top + 1.0 + value for _, value in chosen[: len(places)]]
        return Ranked(
            positions=np.array([*places, *ranked.positions[rest].tolist()], np.int64),
            scores=np.array([*scores, *ranked.scores[rest].tolist()], np.float32),
            parts={name: np.array([*[0.0] * len(places), *part[rest].tolist()], np.float32) for name, part in ranked.parts.items()},
            notes={**ranked.notes, **{position: {"refined": "a refinement of an earlier conversation"} for position in places}},
            sufficiency=ranked.sufficiency,
        )

    def _chosen(self, ctx: Context, query: Query, positions: IntArray) -> list[tuple[int, float]]:
        """Return (position, value) of the refinements that bear on the question, best first."""
        terms = ctx.index.memo("refined-terms", lambda: _terms(ctx, np.flatnonzero(_tagged(ctx))))
        named = frozenset([*_WORD.findall(query.text.casefold()), *_tokens(query.text)])
        cosines = ctx.index.exact(positions, query.vector)
        asked = [_named(terms.get(position), named) for position in positions.tolist()]
        order = [place for place in np.argsort(-cosines, kind="stable").tolist() if cosines[place] >= self.least or asked[place]]
        ids = {place: ctx.index.ids[int(positions[place])] for place in order}
        usage = ctx.usage(list(ids.values()))
        order = [place for place in order if trust_of(usage.get(ids[place], Usage())) >= self.least_trust]
        order = sorted(order, key=lambda place: not asked[place])[: self.looked_at]  # what is asked for by name is not cut
        memories = {memory.id: memory for memory in ctx.memories(positions[order].tolist())}
        found: list[tuple[int, float]] = []
        for place in order:
            position, cosine = int(positions[place]), float(cosines[place])
            memory, fared = memories.get(ids[place]), usage.get(ids[place], Usage())
            if memory is not None:
                since = max(to_micros(memory.at), int(ctx.index.last_used[position]))
                fresh = 2.0 ** (-max(to_micros(query.now) - since, 0) / _DAY_US / self.half_life_days)
                found.append((position, max(cosine, self.least) * trust_of(fared) * fresh * (1 + math.log1p(max(fared.uses, 0)) / 10)))
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _terms(ctx: Context, positions: IntArray) -> dict[int, frozenset[str]]:
    """Return the words of the term that each refinement explains, by position."""
    place_of = {ctx.index.ids[position]: position for position in positions.tolist()}
    read = ctx.memories(positions.tolist())
    told = {place_of[memory.id]: frozenset(_tokens(str(memory.attributes.get("term", "")))) for memory in read}
    return {position: words for position, words in told.items() if words}


def _named(term: frozenset[str] | None, words: frozenset[str]) -> bool:
    """Return whether a question names a term; in scripts without spaces its words may stand inside a run."""
    return term is not None and all(
        word in words or (is_paired(word) and any(is_paired(other) and word in other for other in words)) for word in term
    )


def _tokens(text: str) -> list[str]:
    return raw_tokens(normalise(text))


def trust_of(usage: Usage) -> float:
    """Return TS of a memory by the judgements that the curve ``beta`` counts."""
    helpful, harmful = usage.state.get("trust_helpful", 0.0), usage.state.get("trust_harmful", 0.0)
    return (1 + helpful) / (2 + helpful + harmful)


def _tagged(ctx: Context) -> BoolArray:
    codes, values = ctx.index.codes("tags")
    return np.isin(codes, [code for code, value in enumerate(values) if TAG in _tags(value)]) & ctx.index.present


def _tags(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, (tuple, list, frozenset)) else ()
