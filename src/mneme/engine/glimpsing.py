"""A question to a space that is too large to be loaded for it: the store searches, and ranking sees what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mneme.core.ports import Excerpt, FloatArray, Searching
from mneme.core.query import Filter
from mneme.core.records import ROLES
from mneme.retrieval.terms import LIGHT_WEIGHT, english_terms, light_terms
from mneme.text.analyser import Analyser, QueryTerms
from mneme.text.terms import LANGUAGE_MARKS, term_id

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
    authors, conversations = store.lately()
    marks = [*LANGUAGE_MARKS.values()]
    counted = dict(zip(marks, store.frequencies(marks), strict=True))
    languages = [code for code, mark in sorted(LANGUAGE_MARKS.items(), key=lambda each: -counted[each[1]]) if counted[mark]]
    read = analyser.query(question, languages)
    terms, weights = _wanted(read, _names(authors))
    counted |= zip(terms, store.frequencies(terms), strict=True)
    found = store.excerpt(vector, terms, weights, where=where)
    return replace(found, counted=counted, authors=authors, conversations=conversations)


def _names(authors: Sequence[str]) -> frozenset[int]:
    """Return the terms of the names of people; roles such as ``user`` are nobody."""
    return frozenset(term_id(term) for name in authors if name.casefold() not in ROLES for term in english_terms(name))


def _wanted(read: QueryTerms, names: frozenset[int]) -> tuple[list[int], list[float]]:
    """Return the terms that ranking will look for, with their weights: those that carry meaning, without the names of who speaks."""
    named = np.isin(read.ids, np.array(sorted(names), np.uint64))
    for chosen in ((read.weights >= _CONTENT_WEIGHT) & ~named, read.weights >= _CONTENT_WEIGHT, np.ones(len(named), bool)):
        if chosen.any():
            break
    light = light_terms()
    ids, weights = read.ids[chosen].tolist(), read.weights[chosen].tolist()
    return ids, [weight * LIGHT_WEIGHT if id in light else weight for id, weight in zip(ids, weights, strict=True)]
