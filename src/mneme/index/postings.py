"""BM25 over an index in memory that is derived from stored term blobs and grows with them.

Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
Differs: idf is ``ln(1 + (N - df + 0.5) / (df + 0.5))``, never negative, and the constant factor ``k1 + 1`` is left out (both
as Lucene does); neither changes an order within one query but the second.

New rows go into a small dictionary that is frozen into an immutable segment when it is full; segments merge when the older is
at most twice the newer, so a row is moved a logarithmic number of times and a query looks into few segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mneme.core.errors import InvalidInput
from mneme.index.segment import Counts, Rows, Segment, build, merge
from mneme.text.terms import LANGUAGE_MARKS, TermIds, decode_many

K1: Final = 0.9
B: Final = 0.75

_TAIL_POSTINGS: Final = 8_192
_COMPACT_ROWS: Final = 1_024
# A term on no more rows than this is always scored: it costs next to nothing.
_CHEAP_ROWS: Final = 2_048

_MARK_IDS: Final = np.array(list(LANGUAGE_MARKS.values()), dtype=np.uint64)
_MARK_CODES: Final = tuple(LANGUAGE_MARKS)


class Postings:
    """The lexical index of one space. Rows are dense positions 0..n-1 that the caller gives out.

    Reads may run beside each other; ``add``, ``remove`` and ``compact`` need the caller's lock against reads.

    Args:
        k1: how soon repetitions of a term stop counting; 0 ignores repetition.
        b: how strongly long texts are held back, 0 (not) to 1 (fully).
        common_share: a term on more than this share of the live rows (and on more than 2,048) is left out of a query's scores if
            the query has a rarer one: it separates little and costs most of the time. 1.0 leaves out nothing.

    Raises:
        InvalidInput: a setting is out of its range.
    """

    def __init__(self, *, k1: float = K1, b: float = B, common_share: float = 0.5) -> None:
        problems = {}
        if not k1 >= 0:
            problems["k1"] = f"must be 0 or more, not {k1}"
        if not 0 <= b <= 1:
            problems["b"] = f"must be from 0 to 1, not {b}"
        if not 0 < common_share <= 1:
            problems["common_share"] = f"must be above 0 and at most 1, not {common_share}"
        if problems:
            raise InvalidInput(problems)
        self.k1, self.b, self.common_share = k1, b, common_share
        self.n_rows = 0
        self.n_live = 0
        self._length = np.zeros(0, np.float32)
        self._live = np.zeros(0, np.bool_)
        self._total_length = 0.0
        self._segments: tuple[Segment, ...] = ()
        self._tail: dict[int, tuple[list[int], list[int]]] = {}
        self._tail_size = 0
        # Rows removed since their postings were last dropped.
        self._stale_rows = 0
        self._languages: tuple[str, ...] | None = None
        # Rows came in rising order, so every term's postings are in it too.
        self._rising = True

    @property
    def nbytes(self) -> int:
        """Bytes held, about."""
        segments = sum(segment.nbytes for segment in self._segments)
        return segments + self._length.nbytes + self._live.nbytes + 64 * self._tail_size + 250 * len(self._tail)

    @property
    def mean_length(self) -> float:
        """Terms per live row, repeated ones counted each time; 0 if there is none."""
        return self._total_length / self.n_live if self.n_live else 0.0

    @property
    def lengths(self) -> NDArray[np.float32]:
        """Terms of each row, ``(n_rows,) float32``, read-only; 0 where the row is removed or was never given."""
        view = self._length[: self.n_rows]
        view.flags.writeable = False
        return view

    def add(self, positions: ArrayLike, blobs: Sequence[bytes]) -> None:
        """Index rows.

        Args:
            positions: ``(m,)`` rows, each new: not live now.
            blobs: one of ``encode_terms`` for each, also empty ones.

        Raises:
            InvalidInput: lengths differ, a row is negative, repeated or live already, or a blob is cut short. Nothing is added.
        """
        rows = np.atleast_1d(np.asarray(positions, dtype=np.int64))
        self._check_new(rows, len(blobs))
        if not len(rows):
            return
        sizes, ids, counts = decode_many(blobs)
        if self._stale_rows and bool((rows < self.n_rows).any()):
            # A row that is given anew must not find its old postings alive again.
            self.compact()
        self._rising = self._rising and int(rows[0]) >= self.n_rows and bool((np.diff(rows) > 0).all())
        self._grow(int(rows.max()) + 1)
        owner = np.repeat(rows, sizes).astype(np.int32)
        self._length[rows] = np.bincount(np.repeat(np.arange(len(rows)), sizes), weights=counts, minlength=len(rows))
        self._live[rows] = True
        self.n_live += len(rows)
        self._total_length += float(counts.sum(dtype=np.int64))
        self._languages = None
        if len(ids) >= _TAIL_POSTINGS:
            self._push(build(owner, ids, counts))
            return
        for row, term, count in zip(owner.tolist(), ids.tolist(), counts.tolist(), strict=True):
            tail_rows, tail_counts = self._tail.setdefault(term, ([], []))
            tail_rows.append(row)
            tail_counts.append(count)
        self._tail_size += len(ids)
        if self._tail_size >= _TAIL_POSTINGS:
            self._freeze_tail()

    def remove(self, positions: ArrayLike) -> None:
        """Take rows out of every score and statistic. Their postings go at the next merge, or with ``compact``.

        Raises:
            InvalidInput: a row is not live, or given twice. Nothing is removed.
        """
        rows = np.atleast_1d(np.asarray(positions, dtype=np.int64))
        if not len(rows):
            return
        inside = (rows >= 0) & (rows < self.n_rows)
        if not inside.all() or not self._live[rows].all() or len(np.unique(rows)) != len(rows):
            raise InvalidInput({"positions": "a row to remove is not in the index, or is given twice"})
        self._live[rows] = False
        self._total_length -= float(self._length[rows].sum(dtype=np.float64))
        self._length[rows] = 0.0
        self.n_live -= len(rows)
        self._stale_rows += len(rows)
        self._languages = None
        if self._stale_rows > max(_COMPACT_ROWS, self.n_live // 4):
            self.compact()

    def compact(self) -> None:
        """Drop the postings of removed rows now and join all segments into one."""
        self._freeze_tail(then_merge=False)
        if self._segments:
            self._segments = (merge(self._segments, self._live[: self.n_rows]),)
        self._stale_rows = 0

    def scores(
        self,
        term_ids: ArrayLike,
        weights: ArrayLike | None = None,
        mask: NDArray[np.bool_] | None = None,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """BM25 of every row for a query.

        Args:
            term_ids: ``(t,) uint64``, each once.
            weights: ``(t,)`` factor of each term, 1 if not given; a term of weight 0 is left out.
            mask: ``(n_rows,)``: rows outside score 0. Statistics stay those of the whole space.
            out: ``(n_rows,) float32`` to fill instead of a new array.

        Returns:
            ``(n_rows,) float32``, 0 for rows without a query term and for removed rows.

        Raises:
            InvalidInput: a length does not fit.
        """
        ids = np.atleast_1d(np.asarray(term_ids, dtype=np.uint64))
        factors = np.ones(len(ids), np.float32) if weights is None else np.atleast_1d(np.asarray(weights, np.float32))
        scores = self._empty_scores(ids, factors, mask, out)
        chosen = self._worth_scoring(ids, factors)
        if chosen:
            sizes = [len(rows) for _, rows, _ in chosen]
            gains = np.array([factors[term] * self._idf(size) for (term, _, _), size in zip(chosen, sizes, strict=True)], np.float32)
            rows = np.concatenate([rows for _, rows, _ in chosen])
            tf = np.concatenate([counts for _, _, counts in chosen]).astype(np.float32)
            norm = self._length[rows]
            norm *= self.k1 * self.b / (self.mean_length or 1.0)
            norm += self.k1 * (1 - self.b)
            norm += tf
            # A language mark in a row without words would divide nothing by nothing.
            np.divide(tf, norm, out=tf, where=norm > 0)
            tf *= np.repeat(gains, sizes)
            np.add.at(scores, rows, tf)
        if mask is not None:
            scores *= mask
        return scores

    def idf(self, term_id: int) -> float:
        """Inverse document frequency of a term over the live rows; above 0 also for a term on all of them."""
        return self._idf(int(self.document_frequency([term_id])[0]))

    def document_frequency(self, term_ids: ArrayLike) -> NDArray[np.int64]:
        """``(t,)`` number of live rows that have each term."""
        found = self._find(np.atleast_1d(np.asarray(term_ids, dtype=np.uint64)))
        return np.array([len(self._joined(parts)[0]) for parts in found], dtype=np.int64)

    def term_postings(self, term_id: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Live rows that have the term, rising, and how often each has it."""
        rows, counts = self._joined(self._pieces(term_id))
        if not self._rising:
            order = np.argsort(rows, kind="stable")
            rows, counts = rows[order], counts[order]
        return rows.astype(np.int64), counts.astype(np.float32)

    def languages(self) -> tuple[str, ...]:
        """Languages, other than each script's assumed one, that live rows are stemmed in; most frequent first."""
        if self._languages is None:
            frequency = self.document_frequency(_MARK_IDS)
            order = np.argsort(-frequency, kind="stable")
            self._languages = tuple(_MARK_CODES[i] for i in order if frequency[i])
        return self._languages

    def _idf(self, df: int) -> float:
        return float(np.log1p((self.n_live - df + 0.5) / (df + 0.5)))

    def _check_new(self, rows: NDArray[np.int64], n_blobs: int) -> None:
        if len(rows) != n_blobs:
            raise InvalidInput({"blobs": f"{n_blobs} blobs for {len(rows)} rows; give one for each row"})
        if len(rows) and (int(rows.min()) < 0 or len(np.unique(rows)) != len(rows)):
            raise InvalidInput({"positions": "rows must be 0 or more, each once"})
        known = rows[rows < self.n_rows]
        if self._live[known].any():
            raise InvalidInput({"positions": "a row is in the index already; remove it first"})

    def _grow(self, n_rows: int) -> None:
        if n_rows > len(self._live):
            room = max(n_rows, 64, len(self._live) * 3 // 2)
            self._length = np.concatenate([self._length, np.zeros(room - len(self._length), np.float32)])
            self._live = np.concatenate([self._live, np.zeros(room - len(self._live), np.bool_)])
        self.n_rows = max(self.n_rows, n_rows)

    def _freeze_tail(self, *, then_merge: bool = True) -> None:
        if not self._tail:
            return
        sizes = [len(rows) for rows, _ in self._tail.values()]
        ids = np.repeat(np.fromiter(self._tail, dtype=np.uint64, count=len(self._tail)), sizes)
        rows = np.fromiter((row for rows, _ in self._tail.values() for row in rows), np.int32, self._tail_size)
        counts = np.fromiter((count for _, tfs in self._tail.values() for count in tfs), np.uint16, self._tail_size)
        self._tail, self._tail_size = {}, 0
        if then_merge:
            self._push(build(rows, ids, counts))
        else:
            self._segments = (*self._segments, build(rows, ids, counts))

    def _push(self, segment: Segment) -> None:
        segments = [*self._segments, segment]
        while len(segments) > 1 and len(segments[-2]) <= 2 * len(segments[-1]):
            newer, older = segments.pop(), segments.pop()
            segments.append(merge([older, newer], self._live[: self.n_rows]))
        self._segments = tuple(segments)

    def _empty_scores(
        self,
        ids: TermIds,
        factors: NDArray[np.float32],
        mask: NDArray[np.bool_] | None,
        out: NDArray[np.float32] | None,
    ) -> NDArray[np.float32]:
        problems = {}
        if len(factors) != len(ids):
            problems["weights"] = f"{len(factors)} weights for {len(ids)} terms; give one for each term"
        if mask is not None and mask.shape != (self.n_rows,):
            problems["mask"] = f"has shape {mask.shape}; give one flag for each of {self.n_rows} rows"
        if out is not None and (out.shape != (self.n_rows,) or out.dtype != np.float32):
            problems["out"] = f"is {out.dtype} {out.shape}; give float32 ({self.n_rows},)"
        if problems:
            raise InvalidInput(problems)
        if out is None:
            return np.zeros(self.n_rows, np.float32)
        out.fill(0.0)
        return out

    def _find(self, ids: TermIds) -> list[list[tuple[Rows, Counts]]]:
        """The pieces of each wanted term's postings, removed rows included."""
        found: list[list[tuple[Rows, Counts]]] = [[] for _ in range(len(ids))]
        for segment in self._segments:
            for term, part in segment.slices(ids):
                found[term].append((segment.rows[part], segment.counts[part]))
        if self._tail:
            for term, term_id in enumerate(ids.tolist()):
                rows, counts = self._tail.get(term_id, ((), ()))
                if rows:
                    found[term].append((np.array(rows, np.int32), np.array(counts, np.uint16)))
        return found

    def _pieces(self, term_id: int) -> list[tuple[Rows, Counts]]:
        """The same of one term."""
        id = np.uint64(term_id)
        found = []
        for segment in self._segments:
            part = segment.slice_of(id)
            if part is not None:
                found.append((segment.rows[part], segment.counts[part]))
        rows, counts = self._tail.get(term_id, ((), ()))
        if rows:
            found.append((np.array(rows, np.int32), np.array(counts, np.uint16)))
        return found

    def _joined(self, parts: list[tuple[Rows, Counts]]) -> tuple[Rows, Counts]:
        """One term's postings on live rows."""
        if not parts:
            return np.empty(0, np.int32), np.empty(0, np.uint16)
        rows = parts[0][0] if len(parts) == 1 else np.concatenate([rows for rows, _ in parts])
        counts = parts[0][1] if len(parts) == 1 else np.concatenate([counts for _, counts in parts])
        if self._stale_rows:
            kept = self._live[rows]
            rows, counts = rows[kept], counts[kept]
        return rows, counts

    def _worth_scoring(self, ids: TermIds, factors: NDArray[np.float32]) -> list[tuple[int, Rows, Counts]]:
        """Each term's place in the query and postings; common terms only if there are no others."""
        limit = max(self.common_share * self.n_live, _CHEAP_ROWS)
        rare: list[tuple[int, Rows, Counts]] = []
        common: list[tuple[int, list[tuple[Rows, Counts]]]] = []
        for term, parts in enumerate(self._find(ids)):
            if not parts or not factors[term]:
                continue
            if sum(len(rows) for rows, _ in parts) - self._stale_rows > limit:
                common.append((term, parts))
                continue
            rows, counts = self._joined(parts)
            if len(rows) > limit:
                common.append((term, [(rows, counts)]))
            elif len(rows):
                rare.append((term, rows, counts))
        return rare or [(term, *self._joined(parts)) for term, parts in common]
