"""The space without what was formed of it: only memories that stand for what was said, so that they rank as if nothing had been formed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mneme.core.context import BoolArray, Index, TermArray
from mneme.core.ports import FloatArray, IntArray
from mneme.core.query import Filter

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spoken:
    """An index as if some positions were not there; positions stay as they are.

    Args:
        whole: the index.
        left_out: kinds that count as not there.
    """

    whole: Index
    left_out: tuple[str, ...]

    @property
    def ids(self) -> Sequence[str]:
        """Return every position's memory."""
        return self.whole.ids

    @property
    def size(self) -> int:
        """How many positions there are."""
        return self.whole.size

    @property
    def formed(self) -> BoolArray:
        """``(size,)``: the positions that are left out."""
        return self.whole.memo(f"formed:{self.left_out}", self._formed)

    @property
    def present(self) -> BoolArray:
        """``(size,)``: the positions that hold a searchable memory and are not left out."""
        return self.memo("present", lambda: self.whole.present & ~self.formed)

    @property
    def at(self) -> IntArray:
        """``(size,)`` microseconds since 1970."""
        return self.whole.at

    @property
    def previous(self) -> IntArray:
        """``(size,)`` position before in the session, what is left out passed over."""
        return self.memo("previous", lambda: self._passed(self.whole.previous))

    @property
    def following(self) -> IntArray:
        """``(size,)`` position after in the session, what is left out passed over."""
        return self.memo("following", lambda: self._passed(self.whole.following))

    @property
    def groups(self) -> tuple[IntArray, int]:
        """``(size,)`` number of each memory's session; what is left out is one of its own."""
        return self.memo("groups", self._grouped)

    def memo(self, name: str, build: Callable[[], T]) -> T:
        """Return what ``build`` made under this name; apart from what the whole index keeps."""
        return self.whole.memo(f"spoken:{self.left_out}:{name}", build)

    @property
    def lengths(self) -> FloatArray:
        """``(size,)`` number of terms."""
        return self.whole.lengths

    @property
    def strength(self) -> FloatArray:
        """``(size,)`` strength."""
        return self.whole.strength

    @property
    def last_used(self) -> IntArray:
        """``(size,)`` microseconds since 1970 of the last use."""
        return self.whole.last_used

    def codes(self, field: str) -> tuple[NDArray[np.int32], Sequence[object]]:
        """Return ``(size,)`` codes of a field and the value that each code means."""
        return self.whole.codes(field)

    def mask(self, where: Filter, *, as_of: datetime | None, now: datetime) -> BoolArray:
        """Return ``(size,)``: which positions a filter admits."""
        return self.whole.mask(where, as_of=as_of, now=now) & ~self.formed

    def dense(self, vector: FloatArray, among: BoolArray | None = None) -> FloatArray:
        """Return ``(size,)`` cosines, 0 for what is left out."""
        return np.where(self.formed, np.float32(0.0), self.whole.dense(vector, among))

    def dense_at(self, positions: IntArray, vector: FloatArray) -> FloatArray:
        """Return ``(len(positions),)`` the same cosines of a few positions."""
        return np.where(self.formed[positions], np.float32(0.0), self.whole.dense_at(positions, vector))

    def vectors_at(self, positions: IntArray) -> FloatArray:
        """Return ``(len(positions), width)`` the vectors of a few positions."""
        return self.whole.vectors_at(positions)

    def exact(self, positions: IntArray, vector: FloatArray) -> FloatArray:
        """Return ``(len(positions),)`` the same cosine from float32 vectors."""
        return self.whole.exact(positions, vector)

    def lexical(self, terms: TermArray, weights: FloatArray | None = None) -> FloatArray:
        """Return ``(size,)`` BM25, 0 for what is left out."""
        return np.where(self.formed, np.float32(0.0), self.whole.lexical(terms, weights))

    def postings(self, term: int) -> tuple[IntArray, FloatArray]:
        """Return (positions, term frequencies) of a term among what is not left out."""
        positions, counts = self.whole.postings(term)
        kept = ~self.formed[positions]
        return positions[kept], counts[kept]

    def idf(self, term: int) -> float:
        """Return the inverse document frequency of a term in this space."""
        return self.whole.idf(term)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)

    def _formed(self) -> BoolArray:
        codes, values = self.whole.codes("kind")
        return np.isin(codes, [code for code, value in enumerate(values) if value in self.left_out])

    def _passed(self, neighbour: IntArray) -> IntArray:
        """Follow neighbours until one that is not left out, or the end of the session."""
        following = np.append(neighbour, self.size)
        skip = np.append(self.formed, False)
        while (through := skip[following]).any():
            following = np.where(through, following[following], following)
        return following[:-1]

    def _grouped(self) -> tuple[IntArray, int]:
        groups, count = self.whole.groups
        own = groups.copy()
        own[self.formed] = count + np.arange(int(self.formed.sum()))
        return own, count + int(self.formed.sum())
