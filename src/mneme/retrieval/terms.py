"""The words of a query that search goes by: without function words and names of the people who speak, generic words weighed down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mneme.core.context import BoolArray, Context, Index, Query
from mneme.core.ports import FloatArray, IntArray
from mneme.core.records import ROLES
from mneme.text.analyser import Analyser
from mneme.text.terms import K1, B, term_id

_CONTENT_WEIGHT = 0.5
LIGHT_WEIGHT = 0.3
_LIGHT_WORDS = (
    "any can could would should suggest suggestion recommend recommendation advice advise tip tips idea ideas help please tell know think"
    " thinking feel feeling like need want look looking get getting make making thing things something anything someone some much many lot"
    " currently current time day long ever mention mentioned say said talk talked discuss discussed use used going good best new way kind"
    " type people person give show find value"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTerm:
    """A word to look for, with where it stands.

    Args:
        id: the term.
        weight: how much it counts.
        idf: its inverse document frequency times its weight.
        positions: ``(f,)`` the memories that have it.
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
        unseen: the share of the question's weight in words that no memory has.
    """

    terms: tuple[SearchTerm, ...]
    ideal: np.float32
    unseen: float


def search_terms(ctx: Context, query: Query) -> SearchTerms:
    """Return the terms to look for in this space."""
    return ctx.once("search-terms", lambda: _search_terms(ctx, query))


def _search_terms(ctx: Context, query: Query) -> SearchTerms:
    names = ctx.index.memo("people-terms", lambda: people_terms(ctx.index))
    present = ctx.index.memo("present-count", lambda: int(ctx.index.present.sum()))
    light = light_terms()
    pairs = list(zip(query.terms.tolist(), query.weights.tolist(), strict=True))
    has_content = any(weight >= _CONTENT_WEIGHT and term not in names for term, weight in pairs)
    found = []
    unseen = 0.0
    for term, weight in pairs:
        if has_content and (weight < _CONTENT_WEIGHT or term in names):
            continue
        positions, counts = ctx.index.postings(term)
        factor = LIGHT_WEIGHT if term in light else 1.0
        if not len(positions):  # what no memory says tells memories not apart
            unseen += factor * inverse_frequency(0, present)
            continue
        idf = np.float32(factor * inverse_frequency(len(positions), present))
        found.append(SearchTerm(id=term, weight=factor, idf=idf, positions=positions, counts=counts))
    seen = float(sum(term.idf for term in found))
    return SearchTerms(terms=tuple(found), ideal=np.float32(max(seen, 1e-6)), unseen=unseen / max(seen + unseen, 1e-6))


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
