"""Asking the space again in other words, within one recall: what loops over retrieval have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mneme.core.context import BoolArray, Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.dense import Dense
from mneme.retrieval.fusion import best
from mneme.retrieval.lexical import Lexical
from mneme.text.analyser import Analyser

LEXICAL_SHARE = 0.5
"""How much a perfect match of words counts beside a cosine of 1."""

_ANALYSER = Analyser()


def reworded(ctx: Context, query: Query, text: str) -> tuple[Context, Query]:
    """Return the context and the query for the same question put in other words; filters, time and ``k`` stay."""
    terms = _ANALYSER.query(text)
    vector = ctx.embedder.embed([text])[0]
    asked = replace(
        query,
        text=text,
        vector=vector,
        terms=terms.ids,
        weights=terms.weights,
        words=terms.terms,
        heads=terms.heads,
        languages=terms.languages,
    )  # fmt: skip
    return replace(ctx, scratch={}), asked


def closeness(ctx: Context, query: Query) -> FloatArray:
    """Return ``(size,)`` cosine plus half the share of the question's words: one scale for all wordings of a question."""
    return Dense().search(ctx, query) + np.float32(LEXICAL_SHARE) * Lexical().search(ctx, query)


def closest(ctx: Context, query: Query, text: str, among: BoolArray, k: int) -> list[int]:
    """Return the ``k`` admitted positions closest to another text, best first."""
    inner, asked = reworded(ctx, query, text)
    return [int(position) for position in best(closeness(inner, asked), among & query.admitted, ctx.index.at, k)]


def texts_at(ctx: Context, positions: Sequence[int]) -> list[str]:
    """Return the texts of memories, with who said them, in the order asked."""
    found = {memory.id: memory for memory in ctx.memories(positions)}
    memories = [found[ctx.index.ids[position]] for position in positions if ctx.index.ids[position] in found]
    return [f"{memory.author}: {memory.text}" if memory.author and memory.kind == "turn" else memory.text for memory in memories]
