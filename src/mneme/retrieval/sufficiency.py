"""Sufficiency: a calibrated probability that what was found answers the question.

A logistic of plain signals, fitted by ``scripts/calibrate_sufficiency.py`` on answerable and unanswerable questions: how near the best
memory is, whether the question names somebody or something unknown, and, where it asks about one person, whether what matches was said by
that person or by somebody else, and of whom it tells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mneme.core.components import Scene
from mneme.core.context import Context, Query
from mneme.core.ports import FloatArray
from mneme.retrieval.addressed import lead
from mneme.retrieval.candidates import top
from mneme.retrieval.terms import english_terms, people
from mneme.text.questions import named_people
from mneme.text.terms import term_id

SIGNALS = ("top-dense", "stranger", "person-best-three", "person-words", "person-told")

READ = 14
"""How many of the best texts are read for ``person-told``."""

_CAPITALISED = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][a-z]+")
_OWN_SCORE = "speaker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """The probability that the evidence answers the question.

    Args:
        bias: log odds when all signals are 0.
        weights: signal -> log odds for 1 of it.
    """

    bias: float
    weights: Mapping[str, float]

    def estimate(self, ctx: Context, query: Query, scene: Scene, parts: Mapping[str, FloatArray]) -> float:
        """Return a probability in [0, 1]; 0 when there is no candidate."""
        if not len(scene.positions):
            return 0.0
        found = signals(ctx, query, scene, parts)
        odds = self.bias + sum(self.weights[name] * value for name, value in found.items())
        return 1.0 / (1.0 + math.exp(-odds))


def signals(ctx: Context, query: Query, scene: Scene, parts: Mapping[str, FloatArray]) -> dict[str, float]:
    """Return the signals of a ranked question; ``parts`` are what each channel and feature contributes to the candidates' totals."""
    own = scene.totals - parts.get(_OWN_SCORE, np.float32(0.0))
    words = 5.0 * scene.channels["dense"][scene.positions] + 1.75 * scene.channels["lexical"][scene.positions]
    by_person = _person_rows(ctx, query, scene)
    return {
        "top-dense": float(scene.channels["dense"][scene.positions].max()),
        "stranger": float(_has_stranger(ctx, query)),
        "person-best-three": _lead(own, by_person, 3),
        "person-words": _lead(words, by_person, 1),
        "person-told": _told(ctx, query, scene, own, by_person),
    }


def _person_rows(ctx: Context, query: Query, scene: Scene) -> np.ndarray | None:
    """Return which candidates the people said whom the question singles out; None when it singles out nobody."""
    everybody = ctx.index.memo("people", lambda: people(ctx.index))
    named = named_people(query.text, everybody)
    if not named or len(named) == len(everybody):
        return None
    codes, authors = ctx.index.codes("author")
    return np.isin(codes[scene.positions], [code for code, author in enumerate(authors) if author in named])


def _lead(scores: FloatArray, rows: np.ndarray | None, count: int) -> float:
    """Return how much better the best of some rows are than the best of the others; 0 when there are none or no others."""
    if rows is None or not rows.any() or rows.all():
        return 0.0
    return float(np.sort(scores[rows])[-count:].mean() - np.sort(scores[~rows])[-count:].mean())


def _told(ctx: Context, query: Query, scene: Scene, own: FloatArray, rows: np.ndarray | None) -> float:
    """Return how much better what tells of the person asked about matches than what tells of others."""
    if rows is None:
        return 0.0
    best = top(own, READ)
    best = best[np.argsort(-own[best], kind="stable")]
    texts = ctx.memories(scene.positions[best].tolist())
    if len(texts) != len(best):  # something was erased meanwhile
        return 0.0
    alone = len(ctx.index.memo("people", lambda: people(ctx.index))) == 2
    return lead(query.text, [memory.text for memory in texts], own[best], rows[best].tolist(), alone=alone)


def _has_stranger(ctx: Context, query: Query) -> bool:
    known = {part.casefold() for person in ctx.index.memo("people", lambda: people(ctx.index)) for part in person.split()}
    for word in _CAPITALISED.findall(query.text):
        if word.casefold() in known:
            continue
        if all(not len(ctx.index.postings(term_id(term))[0]) for term in english_terms(word)):
            return True
    return False
