"""The words of a query that search goes by: without function words and names of the people who speak, generic words weighed down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from mneme.core.context import Context, Index, Query, TermArray
from mneme.core.ports import FloatArray
from mneme.core.records import ROLES
from mneme.text.analyser import Analyser
from mneme.text.terms import term_id

_CONTENT_WEIGHT = 0.5
LIGHT_WEIGHT = 0.3
_LIGHT_WORDS = (
    "any can could would should suggest suggestion recommend recommendation advice advise tip tips idea ideas help please tell know think"
    " thinking feel feeling like need want look looking get getting make making thing things something anything someone some much many lot"
    " currently current time day long ever mention mentioned say said talk talked discuss discussed use used going good best new way kind"
    " type people person give show find"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTerms:
    """What the lexical features look for.

    Args:
        terms: ``(t,)`` ids, in the order of the query.
        weights: ``(t,)``.
        idf: ``(t,)`` inverse document frequency times weight.
        ideal: the sum of ``idf``: what a text with every term, endlessly often, would score.
    """

    terms: TermArray
    weights: FloatArray
    idf: FloatArray
    ideal: float


def search_terms(ctx: Context, query: Query) -> SearchTerms:
    """Return the terms to look for in this space."""
    return ctx.once("search-terms", lambda: _search_terms(ctx, query))


def _search_terms(ctx: Context, query: Query) -> SearchTerms:
    names = ctx.index.memo("people-terms", lambda: people_terms(ctx.index))
    light = light_terms()
    kept: list[int] = []
    weights: list[float] = []
    pairs = list(zip(query.terms.tolist(), query.weights.tolist(), strict=True))
    has_content = any(weight >= _CONTENT_WEIGHT and term not in names for term, weight in pairs)
    for term, weight in pairs:
        if has_content and (weight < _CONTENT_WEIGHT or term in names):
            continue
        kept.append(term)
        weights.append(LIGHT_WEIGHT if term in light else 1.0)
    idf = np.array([ctx.index.idf(term) for term in kept], np.float32) * np.array(weights, np.float32)
    return SearchTerms(terms=np.array(kept, np.uint64), weights=np.array(weights, np.float32), idf=idf, ideal=max(float(idf.sum()), 1e-6))


def people(index: Index) -> list[str]:
    """Return the people who speak in the space; roles such as ``user`` are nobody."""
    _, authors = index.codes("author")
    return [author for author in authors if isinstance(author, str) and author.casefold() not in ROLES]


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
