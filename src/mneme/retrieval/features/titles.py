"""Titles: a note, page or passage that has one is about what its title says.

A question that names a title asks for it; a best hit that names one leads on to it. A space where titles are rare pays nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Index, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.retrieval.features.bridge import best_hits, places_of
from mneme.retrieval.features.marked import marked
from mneme.text.marks import TITLED, phrases, title_mark

_NO_OPENER = "x "
"""Before a question, so that a name at its beginning counts as one."""

_CUSTOMARY = 0.05
"""The share of titled texts above which titles are looked at."""

_LONGEST = 5
"""Words of the longest title that is looked for in a question."""

_WORD = re.compile(r"\w+(?:['’.-]\w+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleAsked:
    """1 for a text whose title the question has, word by word; of titles within each other the longest."""

    name: str = "title-asked"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` of 0 and 1."""
        found = np.zeros(len(scene.positions), np.float32)
        if has_titles(ctx.index):
            for positions in _titles_in(ctx.index, query.text):
                found[places_of(scene, positions)] = 1.0
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleLed:
    """How far one of the three best hits is trusted, for a text whose title it names and the question does not."""

    name: str = "title-led"

    def score(self, ctx: Context, query: Query, scene: Scene) -> FloatArray:
        """Return ``(m,)`` in [0, 1]."""
        found = np.zeros(len(scene.positions), np.float32)
        if not has_titles(ctx.index):
            return found
        asked = asked_phrases(query)
        for hit in best_hits(ctx, scene):
            for phrase in hit.phrases - asked:
                places = places_of(scene, ctx.index.postings(title_mark(phrase))[0])
                places = places[places != hit.place]
                found[places] = np.maximum(found[places], np.float32(hit.trust))
        return found


def asked_phrases(query: Query) -> frozenset[str]:
    """Return the names in a question."""
    return frozenset(phrases(_NO_OPENER + query.text))


def _titles_in(index: Index, question: str) -> list[IntArray]:
    """Return the texts under each title that a question has, longer titles first, those within a longer one left out."""
    words = _WORD.findall(question.casefold())
    taken: set[int] = set()
    found = []
    for length in range(min(_LONGEST, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            span = range(start, start + length)
            if taken.issuperset(span):
                continue
            positions, _ = index.postings(title_mark(" ".join(words[start : start + length])))
            if len(positions):
                found.append(positions)
                taken.update(span)
    return found


def has_titles(index: Index) -> bool:
    """Return whether titles are customary in the space: in a conversation, a line with a colon now and then is not one."""
    return index.memo("has-titles", lambda: bool(marked(index, TITLED).sum() > _CUSTOMARY * index.present.sum()))
