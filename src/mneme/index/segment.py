"""One immutable part of the lexical index: postings sorted by term, in four flat arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mneme.text.terms import TermIds

Rows = NDArray[np.int32]
Counts = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Postings of a set of rows.

    Attributes:
        ids: ``(terms,) uint64``, rising.
        starts: ``(terms + 1,) int64``: where each term's postings begin in ``rows`` and ``counts``.
        rows: ``(postings,) int32``.
        counts: ``(postings,) uint16``.
    """

    ids: TermIds
    starts: NDArray[np.int64]
    rows: Rows
    counts: Counts

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of the four arrays."""
        return self.ids.nbytes + self.starts.nbytes + self.rows.nbytes + self.counts.nbytes

    def slices(self, ids: TermIds) -> list[tuple[int, slice]]:
        """For each of the wanted ids that is here: its index in ``ids`` and the slice of its postings."""
        if not len(self.ids):
            return []
        at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        hits = np.flatnonzero(self.ids[at] == ids)
        starts, ends = self.starts[at], self.starts[at + 1]
        return [(int(hit), slice(int(starts[hit]), int(ends[hit]))) for hit in hits]

    def slice_of(self, id: np.uint64) -> slice | None:
        """Return the slice of one term's postings, None when it is not here."""
        at = self.ids.searchsorted(id)
        if at == len(self.ids) or self.ids[at] != id:
            return None
        return slice(int(self.starts[at]), int(self.starts[at + 1]))


def build(rows: Rows, ids: TermIds, counts: Counts) -> Segment:
    """A segment from records in any order; a term's postings keep the order of its records."""
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    edges = np.flatnonzero(np.concatenate(([True], ids[1:] != ids[:-1]))) if len(ids) else np.empty(0, np.int64)
    return Segment(
        ids=ids[edges],
        starts=np.append(edges, len(ids)).astype(np.int64, copy=False),
        rows=rows[order].astype(np.int32, copy=False),
        counts=counts[order].astype(np.uint16, copy=False),
    )


def merge(segments: Sequence[Segment], live: NDArray[np.bool_]) -> Segment:
    """One segment with the postings of all that are on live rows."""
    rows = np.concatenate([segment.rows for segment in segments])
    ids = np.concatenate([np.repeat(segment.ids, np.diff(segment.starts)) for segment in segments])
    counts = np.concatenate([segment.counts for segment in segments])
    kept = live[rows]
    if not kept.all():
        rows, ids, counts = rows[kept], ids[kept], counts[kept]
    return build(rows, ids, counts)
