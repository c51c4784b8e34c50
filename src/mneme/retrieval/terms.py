"""The words of a query that search goes by: without function words and names of the people who speak, generic words weighed down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mneme.core.context import BoolArray, Context, Index, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import ROLES
from mneme.text.analyser import Analyser
from mneme.text.terms import K1, LANGUAGE_MARKS, B, term_id

_CONTENT_WEIGHT = 0.5
LIGHT_WEIGHT = 0.3

RARE_WORDS = 2.0
"""A question of few or common words says little by its words: their scores are shares of what at least so many words would give that stand
in one memory only, and meaning weighs more. Counted in rare words of the space, it means the same in seven memories as in a million."""

_LIGHT_WORDS = (
    "any can could would should suggest suggestion recommend recommendation advice advise tip tips idea ideas help please tell know think"
    " thinking feel feeling like need want look looking get getting make making thing things something anything someone some much many lot"
    " currently current lately recently"
    " time day long ever mention mentioned say said talk talked discuss discussed use used going good best new way kind"
    " type people person give show find value"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTerm:
    """A word to look for, with where it stands.

    Args:
        id: the term; of a word with several forms the first of them that the question has.
        weight: how much it counts.
        idf: its inverse document frequency times its weight.
        positions: ``(f,)`` the memories that have it, rising.
        counts: ``(f,)`` how often.
    """

    id: int
    weight: float
    idf: np.float32
    positions: IntArray
    counts: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTerms:
    """What the lexical features look for.

    Args:
        terms: in the order of the query.
        ideal: the sum of ``idf``: what a text with every term that the space has, endlessly often, would score.
        scale: what scores are shares of: ``ideal``, but at least what ``RARE_WORDS`` rare words would give.
    """

    terms: tuple[SearchTerm, ...]
    ideal: np.float32
    scale: np.float32


def search_terms(ctx: Context, query: Query) -> SearchTerms:
    """Return the terms to look for in this space."""
    return ctx.once("search-terms", lambda: _search_terms(ctx, query))


def _search_terms(ctx: Context, query: Query) -> SearchTerms:
    names = ctx.index.memo("people-terms", lambda: people_terms(ctx.index))
    present = present_count(ctx.index)
    light = light_terms()
    words = [(forms, ids, weight, not names.isdisjoint(ids)) for forms, ids, weight in _words(query)]
    has_content = any(weight >= _CONTENT_WEIGHT and not named for _, _, weight, named in words)
    found = []
    for forms, ids, weight, named in words:
        if has_content and (weight < _CONTENT_WEIGHT or named):
            continue
        positions, counts = _standing(ctx.index, query, forms)
        if not len(positions):  # what no memory says tells memories not apart
            continue
        factor = 1.0 if light.isdisjoint(ids) else LIGHT_WEIGHT
        idf = np.float32(factor * inverse_frequency(len(positions), present))
        found.append(SearchTerm(id=ids[0], weight=factor, idf=idf, positions=positions, counts=counts))
    seen = float(sum(term.idf for term in found))
    return SearchTerms(
        terms=tuple(found),
        ideal=np.float32(max(seen, 1e-6)),
        scale=np.float32(max(seen, RARE_WORDS * inverse_frequency(1, present), 1e-6)),
    )


def _words(query: Query) -> list[tuple[list[int], list[int], float]]:
    """Return the question's words: the places of each word's forms among the terms, their ids, and its weight."""
    ids, weights = query.terms.tolist(), query.weights.tolist()
    forms_of: dict[int, list[int]] = {}
    for place, head in enumerate(query.heads or range(len(ids))):
        forms_of.setdefault(head, []).append(place)
    return [(forms, [ids[place] for place in forms], max(weights[place] for place in forms)) for forms in forms_of.values()]


def _standing(index: Index, query: Query, forms: Sequence[int]) -> tuple[IntArray, FloatArray]:
    """Return where any form of a word stands in a text of its language, rising, and how often."""
    parts = []
    for place in forms:
        positions, counts = index.postings(int(query.terms[place]))
        if (codes := query.languages[place] if query.languages else ()) and len(positions):
            there = np.logical_or.reduce([in_language(index, code)[positions] for code in codes])
            positions, counts = positions[there], counts[there]
        if len(positions):
            parts.append((positions, counts))
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    positions, place_of = np.unique(np.concatenate([rows for rows, _ in parts]), return_inverse=True)
    return positions, np.bincount(place_of, np.concatenate([counts for _, counts in parts])).astype(np.float32)


def stands_at(term: SearchTerm, positions: IntArray) -> BoolArray:
    """Return which of some positions have a word."""
    places = np.minimum(term.positions.searchsorted(positions), len(term.positions) - 1)
    found: BoolArray = term.positions[places] == positions
    return found


def in_language(index: Index, code: str) -> BoolArray:
    """Return ``(size,)``: which texts are stemmed in a language that is not assumed of their script."""

    def build() -> BoolArray:
        found = np.zeros(index.size, bool)
        found[index.postings(LANGUAGE_MARKS[code])[0]] = True
        return found

    return index.memo(f"language-{code}", build)


def present_count(index: Index) -> int:
    """Return how many memories are there to be found."""
    return index.memo("present-count", lambda: int(index.present.sum()))


def inverse_frequency(having: int, among: int) -> float:
    """Return the inverse document frequency of a term; above 0 also for one that all texts have."""
    return math.log1p((among - having + 0.5) / (having + 0.5))


def norms(lengths: FloatArray, present: BoolArray) -> FloatArray:
    """Return what BM25 adds to a term's count below the line, by the length of each text."""
    mean = float(lengths[present].mean()) if present.any() else 1.0
    norm: FloatArray = (K1 * (1 - B + B * lengths / max(mean, 1e-9))).astype(np.float32)
    return norm


def people(index: Index) -> list[str]:
    """Return the people who speak in the space; roles such as ``user`` are nobody."""
    _, authors = index.codes("author")
    return [author for author in authors if isinstance(author, str) and author.casefold() not in ROLES]


def english_terms(word: str) -> list[str]:
    """Return the terms of a word, stemmed as English."""
    return _english().terms(word)


def content_terms(text: str) -> frozenset[int]:
    """Return the terms of a text that carry meaning, read as English or as pairs of characters."""
    read = _english().query(text)
    return frozenset(read.ids[read.weights >= _CONTENT_WEIGHT].tolist())


def people_terms(index: Index) -> frozenset[int]:
    """Return the terms of the names of the people who speak in the space."""
    analyser = _english()
    return frozenset(term_id(term) for person in people(index) for term in analyser.terms(person))


@lru_cache(maxsize=1)
def light_terms() -> frozenset[int]:
    """Return the terms of words that requests are made of and that say little about their subject."""
    return frozenset(term_id(term) for term in _english().terms(_LIGHT_WORDS))


@lru_cache(maxsize=1)
def _english() -> Analyser:
    return Analyser("en")
