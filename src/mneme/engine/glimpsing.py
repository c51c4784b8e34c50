"""A question to a space that is too large to be loaded for it: the store searches, and ranking sees what it found."""

from __future__ import annotations

from dataclasses import replace

from mneme.core.ports import Excerpt, FloatArray, Searching
from mneme.core.query import Filter
from mneme.text.analyser import Analyser
from mneme.text.terms import LANGUAGE_MARKS

EXCERPT_FROM = 20_000
"""From so many memories on a space is not loaded for its first question; below that loading takes less than half a second."""

MOST_LOADED = 1_000_000
"""A space with more memories is never loaded: its index would take a gigabyte."""

_CONTENT_WEIGHT = 0.5


def ask(store: Searching, analyser: Analyser, question: str, vector: FloatArray, where: Filter) -> Excerpt:
    """Return what a store finds for a question, by meaning and by its words that carry some.

    Args:
        store: the space.
        analyser: makes terms of the question, in the languages of the space.
        question: as asked.
        vector: its embedding.
        where: which memories may be seen.
    """
    marks = [*LANGUAGE_MARKS.values()]
    counted = dict(zip(marks, store.frequencies(marks), strict=True))
    languages = [code for code, mark in sorted(LANGUAGE_MARKS.items(), key=lambda each: -counted[each[1]]) if counted[mark]]
    read = analyser.query(question, languages)
    chosen = read.weights >= _CONTENT_WEIGHT
    if not chosen.any():
        chosen[:] = True
    found = store.excerpt(vector, read.ids[chosen].tolist(), read.weights[chosen].tolist(), where=where)
    return replace(found, counted=counted)
