"""A large space as a question needs it: the memories that a search inside the database found, and the numbers of the whole.

Ranking asks an index how rare a term is, how long texts are and how many there are. So the memories that were not read stand here as
positions that hold nothing and are never admitted: they have the mean length, make conversations of the mean size, and each term has as
many of them as it stands in unread memories, scattered over the conversations. Every component then ranks what was read as it would within
the whole space.
"""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from mneme.core.context import BoolArray, TermArray
from mneme.core.ports import Excerpt, FloatArray, IntArray
from mneme.core.query import Filter
from mneme.index.view import ReadVectors, SpaceIndex
from mneme.text.terms import K1, LANGUAGE_MARKS, B

MOST_UNREAD = 16_384
"""Of a larger space so many positions stand for the unread; frequencies are then shares of them, those of rare terms as they are."""
RARE = 64
_GOLDEN = 0.618


class ExcerptIndex(SpaceIndex):
    """An index of what was read of a large space.

    Args:
        width: the length of a vector.
        exact: reads float32 vectors by row and text version.
        excerpt: what was read, and of how much.
    """

    whole = False

    def __init__(self, width: int, exact: ReadVectors, excerpt: Excerpt) -> None:
        super().__init__(width, exact)
        self.refresh(excerpt.rows)
        self._read = self.columns.size
        self._frequencies = excerpt.frequencies
        self._asked = dict(excerpt.counted)
        others = max(excerpt.documents - self._read, 0)
        self._unread = min(others, MOST_UNREAD)
        self._share = self._unread / others if others else 1.0
        left = max(excerpt.total_length - float(super().lengths.sum()), 0.0)
        self._mean_unread = np.float32(left / others) if others else np.float32(0.0)
        together = max(1, round(excerpt.documents / max(excerpt.conversations, 1))) if excerpt.conversations else 1
        self.columns.append_unread(self._unread, excerpt.authors, excerpt.span, together)
        self._order = _scattered(self._unread)
        self._spread: dict[int, tuple[IntArray, FloatArray]] = {}

    @property
    def lengths(self) -> FloatArray:
        """``(size,)`` number of terms; the mean for what was not read."""
        return self.memo("lengths", lambda: np.append(super(ExcerptIndex, self).lengths, self._filled(self._mean_unread)))

    def mask(self, where: Filter, *, as_of: datetime | None, now: datetime) -> BoolArray:
        """Return ``(size,)``: which positions a filter admits; never what was not read."""
        admitted = super().mask(where, as_of=as_of, now=now).copy()
        admitted[self._read :] = False
        return admitted

    def dense(self, vector: FloatArray, among: BoolArray | None = None) -> FloatArray:
        """Return ``(size,)`` cosines; -1 for what was not read."""
        return np.append(self._codes.scores(vector, self._read), self._filled(np.float32(-1.0)))

    def languages(self) -> list[str]:
        """Return the languages in which texts of the space are stemmed, most frequent first."""
        self.look_up([*LANGUAGE_MARKS.values()])
        order = sorted(LANGUAGE_MARKS, key=lambda code: -self._asked[LANGUAGE_MARKS[code]])
        return [code for code in order if self._asked[LANGUAGE_MARKS[code]]]

    def lexical(self, terms: TermArray, weights: FloatArray | None = None) -> FloatArray:
        """Return ``(size,)`` BM25 of each memory for the query's terms."""
        lengths = self.lengths
        norm = K1 * (1 - B + B * lengths / max(float(lengths.mean()) if self.size else 0.0, 1e-9))
        scores = np.zeros(self.size, np.float32)
        ids = np.asarray(terms, np.uint64).tolist()
        self.look_up(ids)
        for place, term in enumerate(ids):
            positions, counts = self.postings(term)
            factor = 1.0 if weights is None else float(weights[place])
            scores[positions] += factor * self.idf(term) * counts / np.maximum(counts + norm[positions], 1e-9)
        scores[self._read :] = 0.0
        return scores

    def postings(self, term: int) -> tuple[IntArray, FloatArray]:
        """Return (positions, term frequencies) of a term, unread memories among them."""
        if term not in self._spread:
            self._spread[term] = self._with_unread(term)
        return self._spread[term]

    def _with_unread(self, term: int) -> tuple[IntArray, FloatArray]:
        positions, counts = super().postings(term)
        missing = self._frequency(term) - len(positions)
        if missing <= 0:
            return positions, counts
        wanted = min(max(int(missing * self._share), min(missing, RARE)), self._unread)
        places = self._read + np.sort(self._order[:wanted])
        return np.append(positions, places), np.append(counts, np.ones(wanted, np.float32))

    def idf(self, term: int) -> float:
        """Return the inverse document frequency of a term in the space."""
        having = len(self.postings(term)[0])
        return float(np.log1p((self.size - having + 0.5) / (having + 0.5)))

    def look_up(self, terms: list[int]) -> None:
        """Ask for the frequencies of terms that are not known yet, all at once."""
        asked = [term for term in dict.fromkeys(terms) if term not in self._asked]
        if asked:
            self._asked.update(zip(asked, self._frequencies(asked), strict=True))

    def _frequency(self, term: int) -> int:
        self.look_up([term])
        return self._asked[term]

    def _filled(self, value: np.float32) -> NDArray[np.float32]:
        return np.full(self._unread, value, np.float32)


def _scattered(count: int) -> IntArray:
    """Return the numbers below ``count``, each once, neighbours far from each other; every beginning of them lies about evenly."""
    step = max(1, round(count * _GOLDEN))
    while math.gcd(step, count) > 1:
        step += 1
    return np.arange(count) * step % max(count, 1)
