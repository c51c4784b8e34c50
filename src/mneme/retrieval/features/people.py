"""Who speaks: a question about Caroline prefers what Caroline said, one about the asker prefers what the asker said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Index, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.terms import people
from mneme.text.questions import named_people, read_question

_ASKERS = ("user", "human", "me", "i", "myself")


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """1 for what the people said whom the question names, if it names some of those who speak and not all."""

    name: str = "speaker"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` of 0 and 1."""
        everybody = ctx.index.memo("people", lambda: people(ctx.index))
        named = named_people(query.text, everybody)
        if not named or len(named) == len(everybody):
            return np.zeros(len(scene.positions), np.float32)
        codes, authors = ctx.index.codes("author")
        wanted = [code for code, author in enumerate(authors) if author in named]
        return np.isin(codes[scene.positions], wanted).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """1 for the asker's own words, if the question is in the first person and does not ask what the other side said."""

    name: str = "asker"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` of 0 and 1."""
        if not read_question(query.text).own:
            return np.zeros(len(scene.positions), np.float32)
        return own_words(ctx.index)[scene.positions]


def own_words(index: Index) -> FloatArray:
    """Return ``(size,)``: 1 for what the asker said, by role or author."""
    return index.memo("own-words", lambda: _own_words(index))


def _own_words(index: Index) -> FloatArray:
    own = np.zeros(index.size, bool)
    for field in ("role", "author"):
        codes, values = index.codes(field)
        own |= np.isin(codes, [code for code, value in enumerate(values) if isinstance(value, str) and value.casefold() in _ASKERS])
    return own.astype(np.float32)
