"""A space as search sees it: columns, posting lists and vector codes over the same positions, kept current from the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mneme.core.clock import to_micros
from mneme.core.context import BoolArray, TermArray
from mneme.core.ports import FloatArray, IndexRows, IntArray
from mneme.core.query import Filter
from mneme.core.records import Memory
from mneme.index.columns import SEARCHABLE, Columns, select
from mneme.index.postings import Postings
from mneme.index.recent import Recent
from mneme.index.tiers import TieredCodes
from mneme.text.terms import K1, B

T = TypeVar("T")
_EVERYTHING = Filter()
ReadVectors = Callable[[Sequence[int], Sequence[int]], list[FloatArray]]

RECENT_BYTES = 8 << 20
"""How much of the memories and of the float32 vectors that were read lately stays, each."""

_RECORD_BYTES = 1_000
_ARRAY_BYTES = 120


class SpaceIndex:
    """The index of one space; implements :class:`mneme.core.context.Index`.

    Attributes:
        whole: every memory of the space is in it.
        records: memories that were read lately, as of the index's state or later.

    Args:
        width: the length of a vector.
        exact: reads float32 vectors by row and text version.
    """

    whole = True

    def __init__(self, width: int, exact: ReadVectors) -> None:
        self.seq = 0
        self._exact = exact
        self.columns = Columns()
        self._postings = Postings(k1=K1, b=B)
        self._codes = TieredCodes(width)
        self.records = Recent[Memory](RECENT_BYTES, lambda memory: _RECORD_BYTES + 4 * len(memory.text))
        self._vectors = Recent[FloatArray](RECENT_BYTES, lambda passages: _ARRAY_BYTES + passages.nbytes)
        self._memo: dict[str, Any] = {}

    def refresh(self, rows: IndexRows) -> None:
        """Take in the rows that changed since ``seq``; rows that are new, changed or gone, in any mix."""
        searchable = np.fromiter((status in SEARCHABLE for status in rows.status), bool, len(rows.status)) & (rows.passages > 0)
        known = self._known(rows)
        changed = known[known >= 0].tolist()
        self.records.drop(changed)
        self._vectors.drop(changed)
        unmoved = self._unmoved(rows, known, searchable)
        for position in known[(known >= 0) & ~unmoved].tolist():
            self.columns.remove(position)
            self._postings.remove(np.array([position]))
            self._codes.remove(np.array([position]))
        if unmoved.any():
            chosen = np.flatnonzero(unmoved)
            self.columns.update(rows, chosen, known[chosen])
        fresh = np.flatnonzero(searchable & ~unmoved)
        if len(fresh):
            self._add(rows, fresh)
        self._codes.settle(self.columns["present"] & (self.columns["status"] == self.columns.code("status", "archived")))
        self.seq = max(self.seq, rows.seq)
        self._memo.clear()

    def memo(self, name: str, build: Callable[[], T]) -> T:
        """Return what ``build`` made of the index's present state under this name; it is made again after a change."""
        if name not in self._memo:
            self._memo[name] = build()
        made: T = self._memo[name]
        return made

    @property
    def size(self) -> int:
        """How many positions there are."""
        return self.columns.size

    @property
    def ids(self) -> Sequence[str]:
        """The memory at each position."""
        return self.columns.ids

    @property
    def present(self) -> BoolArray:
        """``(size,)``: the positions that hold a searchable memory."""
        return self.columns["present"]

    @property
    def at(self) -> IntArray:
        """``(size,)`` microseconds since 1970."""
        return self.columns["at"]

    @property
    def previous(self) -> IntArray:
        """``(size,)`` position of the memory before in the session, ``size`` at its start."""
        return self._linked()[0]

    @property
    def following(self) -> IntArray:
        """``(size,)`` position of the memory after in the session, ``size`` at its end."""
        return self._linked()[1]

    @property
    def groups(self) -> tuple[IntArray, int]:
        """``(size,)`` number of each memory's conversation, and a bound above all numbers; what belongs to none is one of its own."""
        return self.memo("groups", self.columns.groups)

    @property
    def lengths(self) -> FloatArray:
        """``(size,)`` number of terms."""
        return self._postings.lengths

    @property
    def strength(self) -> FloatArray:
        """``(size,)`` strength as the retention component keeps it."""
        return self.columns["strength"]

    @property
    def last_used(self) -> IntArray:
        """``(size,)`` microseconds since 1970, far in the past if never used."""
        return self.columns["last_used"]

    def codes(self, field: str) -> tuple[NDArray[np.int32], Sequence[object]]:
        """Return ``(size,)`` codes of a field and the value that each code means."""
        return self.columns[field], self.columns.values(field)

    def mask(self, where: Filter, *, as_of: datetime | None, now: datetime) -> BoolArray:
        """Return ``(size,)``: which positions a filter admits that hold at ``as_of``, or have not ended by ``now``."""
        if where == _EVERYTHING and as_of is None:
            admitted, first_end = self.memo("admitted", self._admitted)
            if to_micros(now) < first_end:
                return admitted
        return self.columns.mask(where, as_of=as_of, now=now)

    def _admitted(self) -> tuple[BoolArray, int]:
        """Return the positions that are admitted when nothing is asked for, and until when that stays so."""
        columns = self.columns
        active = columns["present"] & (columns["status"] == columns.code("status", "active"))
        ends = columns["valid_to"][active]
        open_ended = np.iinfo(np.int64).max
        if not len(ends) or int(ends.min()) == open_ended:
            return active, open_ended
        return active, int(ends.min())

    def dense(self, vector: FloatArray, among: BoolArray | None = None) -> FloatArray:
        """Return ``(size,)`` cosine of each memory's best passage with a unit vector, from 8-bit codes (error below 0.01).

        With ``among``, what is not among it may be left at -1.
        """
        return self._codes.scores(vector, self.size, among)

    def dense_at(self, positions: IntArray, vector: FloatArray) -> FloatArray:
        """Return ``(len(positions),)`` the same cosines of a few positions, rising."""
        return self._codes.scores_at(positions, vector)

    def vectors_at(self, positions: IntArray) -> FloatArray:
        """Return ``(len(positions), width)`` the first passage's vector of a few positions, rising; from 8-bit codes."""
        return self._codes.first_vectors(positions)

    def exact(self, positions: IntArray, vector: FloatArray) -> FloatArray:
        """Return ``(len(positions),)`` the same cosine from float32 vectors; 0 for what was erased meanwhile."""
        places = positions.tolist()
        missing = self._vectors.missing(places)
        if missing:
            rows, versions = (self.columns[name][missing].tolist() for name in ("row", "text_version"))
            read = dict(zip(missing, self._exact(rows, versions), strict=True))
            kept = [read[place] if place in read else self._vectors.get(place) for place in places]
            for place, passages in read.items():
                if len(passages):
                    self._vectors.put(place, passages)
        else:
            kept = [self._vectors.get(place) for place in places]
        return _best_of([passages for passages in kept if passages is not None], vector)

    def languages(self) -> Sequence[str]:
        """Return the languages in which texts of the space are stemmed."""
        return self._postings.languages()

    def lexical(self, terms: TermArray, weights: FloatArray | None = None) -> FloatArray:
        """Return ``(size,)`` BM25 of each memory for the query's terms."""
        return self._postings.scores(terms, weights)

    def postings(self, term: int) -> tuple[IntArray, FloatArray]:
        """Return (positions, term frequencies) of a term among present memories."""
        return self._postings.term_postings(term)

    def idf(self, term: int) -> float:
        """Return the inverse document frequency of a term in this space."""
        return self._postings.idf(term)

    def nbytes(self) -> int:
        """Return roughly how many bytes the index takes."""
        recent = self.records.nbytes + self._vectors.nbytes
        return self.columns.nbytes() + self._postings.nbytes + self._codes.nbytes + recent

    def _known(self, rows: IndexRows) -> IntArray:
        if not self.columns.size:
            return np.full(len(rows.row), -1, np.int64)
        return np.fromiter((self.columns.position_of(row) for row in rows.row.tolist()), np.int64, len(rows.row))

    def _unmoved(self, rows: IndexRows, known: IntArray, searchable: BoolArray) -> BoolArray:
        """Which known rows keep their position: same text, same place in the same session."""
        unmoved = (known >= 0) & searchable
        columns = self.columns
        for i in np.flatnonzero(unmoved).tolist():
            position = known[i]
            unmoved[i] = (
                columns["text_version"][position] == rows.text_version[i]
                and columns["at"][position] == rows.at[i]
                and columns["session"][position] == columns.code("session", rows.session[i])
            )
        return unmoved

    def _add(self, rows: IndexRows, fresh: IntArray) -> None:
        positions = self.columns.append(rows, fresh)
        self._postings.add(positions, [rows.terms[i] for i in fresh.tolist()])
        vectors, counts = select(rows.vectors, rows.passages, fresh)
        self._codes.add(np.repeat(positions, counts), vectors)

    def _linked(self) -> tuple[IntArray, IntArray]:
        return self.memo("neighbours", self.columns.neighbours)


def _best_of(texts: Sequence[FloatArray], vector: FloatArray) -> FloatArray:
    """Return ``(len(texts),)``: the best dot product of each text's passages with a vector, 0 for a text without."""
    counts = [len(passages) for passages in texts]
    if not any(counts):
        return np.zeros(len(texts), np.float32)
    scores: FloatArray = np.concatenate([passages for passages in texts if len(passages)]) @ vector
    if len(scores) == len(texts) == sum(count == 1 for count in counts):
        return scores
    ends = np.cumsum(counts).tolist()
    best = [scores[end - count : end].max() if count else 0.0 for end, count in zip(ends, counts, strict=True)]
    return np.array(best, np.float32)
