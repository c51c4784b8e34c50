"""Vectors as 8-bit codes, all of them scanned for every query.

A vector becomes 8-bit whole numbers and one float32 scale, so that its largest component is 127. The scan is one thread of
SimSIMD at memory speed; what it returns differs from the cosine by less than 0.01. The best are then scored exactly from
the float32 vectors that the caller reads (``rescore``).

Codes lie in blocks that never move, so growing copies nothing and a reader never holds freed memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import simsimd
from numpy.typing import ArrayLike, NDArray

from mneme.core.errors import InvalidInput

Floats = NDArray[np.float32]
Codes = NDArray[np.int8]
Places = NDArray[np.int64]
Groups = tuple[Places, Places, Places, Places]

ABSENT: Final = -1.0
"""Score of a row that has no key: the least that a cosine can be."""

_BLOCK_KEYS: Final = 16_384
_LARGEST: Final = 127


def encode_codes(vectors: ArrayLike) -> tuple[Codes, Floats]:
    """8-bit codes of vectors.

    Args:
        vectors: ``(m, d)`` finite.

    Returns:
        ``(m, d) int8`` and ``(m,) float32``; ``codes * scales[:, None]`` is the vector again, within half a step of each component.
        A zero vector has scale 0.

    Raises:
        InvalidInput: not two-dimensional, or not finite.
    """
    floats = np.asarray(vectors, dtype=np.float32)
    if floats.ndim != 2:
        raise InvalidInput({"vectors": f"have shape {floats.shape}; give (m, width)"})
    codes = np.empty(floats.shape, np.int8)
    scales = np.empty(len(floats), np.float32)
    for start in range(0, len(floats), _BLOCK_KEYS // 4):
        part = slice(start, start + _BLOCK_KEYS // 4)
        largest = np.abs(floats[part]).max(axis=1, initial=0.0)
        if not np.isfinite(largest).all():
            raise InvalidInput({"vectors": "hold a value that is not finite; embed the text again"})
        scales[part] = largest / _LARGEST
        steps = np.divide(_LARGEST, largest, out=np.zeros_like(largest), where=largest > 0)
        codes[part] = np.rint(floats[part] * steps[:, None])
    return codes, scales


def _query_codes(vector: Floats) -> tuple[Codes, np.float32]:
    """The same codes for one vector, without the checks of many."""
    largest = np.abs(vector).max()
    if not np.isfinite(largest):
        raise InvalidInput({"query": "holds numbers that are not finite; embed the text again"})
    scale = np.float32(largest / _LARGEST) if largest > 0 else np.float32(0.0)
    codes = np.rint(vector / scale) if scale else vector
    return codes.astype(np.int8)[None, :], scale


def pack_codes(codes: Codes, scales: Floats) -> list[bytes]:
    """One blob per vector for a store: its scale as little-endian float32, then its codes; ``4 + d`` bytes."""
    records = np.empty(len(codes), _record(codes.shape[1]))
    records["scale"], records["codes"] = scales, codes
    size = records.dtype.itemsize
    whole = records.tobytes()
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def unpack_codes(blobs: Sequence[bytes], width: int) -> tuple[Codes, Floats]:
    """Codes ``(m, width)`` and scales ``(m,)`` from blobs of ``pack_codes``, read-only.

    Raises:
        InvalidInput: a blob was made of vectors of another width, or is cut short.
    """
    size = width + 4
    if any(len(blob) != size for blob in blobs):
        raise InvalidInput({"blobs": f"a blob does not have the {size} bytes of a vector of width {width}; embed its text again"})
    records = np.frombuffer(b"".join(blobs), dtype=_record(width))
    return records["codes"], records["scale"]


def rescore(query: Floats, vectors: Floats) -> Floats:
    """Exact scores ``(m,) float32`` of candidates: the dot products of ``(m, d)`` float32 vectors with the query."""
    return np.asarray(vectors, np.float32) @ np.asarray(query, np.float32)


class VectorCodes:
    """The vectors of one space. A row (a memory's position) has any number of keys (vectors) and is scored by its best.

    Reads may run beside each other; ``add`` and ``remove`` need the caller's lock against reads.

    Args:
        width: length of a vector.
    """

    def __init__(self, width: int) -> None:
        if width < 1:
            raise InvalidInput({"width": f"must be 1 or more, not {width}"})
        self.width = width
        self.n_keys = 0
        self.n_rows = 0
        self._blocks: list[Codes] = []
        self._scales = np.zeros(0, np.float32)
        self._rows = np.zeros(0, np.int32)
        # Key i belongs to row i, for every key.
        self._one_each = True
        # Keys of a row lie beside each other and rows rise.
        self._rising = True
        self._groups: Groups | None = None
        # Where each row's keys begin, while rows rise.
        self._starts: NDArray[np.int32] | None = None
        self._gone = np.zeros(0, np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes in use; room for growth in the last block is not touched, so it takes no memory yet."""
        return self.n_keys * self.width + self._scales.nbytes + self._rows.nbytes

    @property
    def key_to_row(self) -> NDArray[np.int32]:
        """``(n_keys,)`` row of each key, -1 for removed ones."""
        rows = self._rows[: self.n_keys].copy()
        rows[self._gone] = -1
        return rows

    def add(self, rows: ArrayLike, vectors: ArrayLike) -> None:
        """Add keys.

        Args:
            rows: ``(m,)`` row of each key, 0 or more.
            vectors: ``(m, width) float32``, unit-norm if scores are to be cosines.

        Raises:
            InvalidInput: a length, the width or a value is wrong. Nothing is added.
        """
        floats = np.atleast_2d(np.asarray(vectors, np.float32))
        self.add_codes(rows, *encode_codes(floats if floats.size else floats.reshape(0, self.width)))

    def add_codes(self, rows: ArrayLike, codes: Codes, scales: Floats) -> None:
        """The same from codes that were made before (``encode_codes``, ``unpack_codes``)."""
        owners = np.atleast_1d(np.asarray(rows, dtype=np.int64))
        if codes.ndim != 2 or codes.shape[1] != self.width:
            raise InvalidInput({"vectors": f"have shape {codes.shape}; this space holds vectors of width {self.width}"})
        if not len(owners) == len(codes) == len(scales):
            raise InvalidInput({"rows": f"{len(owners)} rows for {len(codes)} vectors; give one for each"})
        if not len(owners):
            return
        if int(owners.min()) < 0:
            raise InvalidInput({"rows": "rows must be 0 or more"})
        first, end = self.n_keys, self.n_keys + len(owners)
        self._store(codes)
        self._grow(end)
        self._scales[first:end] = scales
        self._rows[first:end] = owners
        self._one_each = self._one_each and bool((owners == np.arange(first, end)).all())
        last = int(self._rows[first - 1]) if first else 0
        self._rising = self._rising and int(owners[0]) >= last and bool((np.diff(owners) >= 0).all())
        self.n_rows = max(self.n_rows, int(owners.max()) + 1)
        self.n_keys = end
        self._groups = self._starts = None

    def remove(self, rows: ArrayLike) -> None:
        """Forget all keys of rows and overwrite their codes. Rows without keys are passed over."""
        wanted = np.unique(np.asarray(rows, dtype=np.int64))
        keys = self._keys_of(wanted)
        keys = keys[~np.isin(keys, self._gone)]
        for key in keys.tolist():
            self._blocks[key // _BLOCK_KEYS][key % _BLOCK_KEYS] = 0
        self._scales[keys] = 0.0
        self._gone = np.concatenate([self._gone, keys])

    def key_scores(self, query: ArrayLike) -> Floats:
        """Dot product of the query with every key, from codes: ``(n_keys,) float32``, -1 for removed keys.

        Raises:
            InvalidInput: the query is not ``(width,)`` or not finite.
        """
        vector = np.asarray(query, np.float32)
        if vector.shape != (self.width,):
            raise InvalidInput({"query": f"has shape {vector.shape}; this space holds vectors of width {self.width}"})
        codes, scale = _query_codes(vector)
        scores = np.empty(self.n_keys, np.float32)
        for start in range(0, self.n_keys, _BLOCK_KEYS):
            part = scores[start : start + _BLOCK_KEYS]
            block = self._blocks[start // _BLOCK_KEYS][: len(part)]
            # Not with out=: simsimd 6.5 then returns None without owning it, and Python 3.11 aborts after some thousand calls.
            part[:] = np.asarray(simsimd.cdist(codes, block, metric="dot", threads=1, out_dtype="f32"))[0]
        scores *= self._scales[: self.n_keys]
        scores *= scale
        if len(self._gone):
            scores[self._gone] = ABSENT
        return scores

    def scores(self, query: ArrayLike, size: int = 0) -> Floats:
        """The best key's score of every row: ``(max(n_rows, size),) float32``, -1 for a row without keys.

        Raises:
            InvalidInput: as ``key_scores``.
        """
        scores = self.key_scores(query)
        if self._one_each and self.n_rows >= size:
            return scores
        if not len(scores):
            return np.full(size, ABSENT, np.float32)
        if self._groups is None:
            self._groups = self._grouped()
        rows, first, more_rows, more = self._groups
        best = np.full(max(self.n_rows, size), ABSENT, np.float32)
        if not len(more) and self._rising:
            best[rows] = scores
            return best
        best[rows] = scores[first]
        np.maximum.at(best, more_rows, scores[more])
        return best

    def scores_at(self, rows: Places, query: ArrayLike) -> Floats:
        """The best key's score of some rows: ``(len(rows),) float32``, -1 for a row without keys.

        Args:
            rows: rising, each once.
            query: ``(width,)``.
        """
        query_codes, scale = _query_codes(np.asarray(query, np.float32))
        keys = self._present_keys_of(rows)
        scores = np.empty(len(keys), np.float32)
        # Part by part, so that what was gathered is still in the cache when it is scored.
        for part, codes in self._gathered(keys):
            scores[part] = np.asarray(simsimd.cdist(query_codes, codes, metric="dot", threads=1, out_dtype="f32"))[0]
        scores *= self._scales[keys]
        scores *= scale
        if self._one_each and len(keys) == len(rows):
            return scores
        owners = self._rows[keys]
        if len(owners) == len(rows) and np.array_equal(owners, rows):
            return scores
        best = np.full(len(rows), ABSENT, np.float32)
        np.maximum.at(best, np.searchsorted(rows, owners), scores)
        return best

    def taken(self, rows: Places) -> tuple[Places, Codes, Floats]:
        """The keys of some rows: their rows, codes ``(k, width)`` and scales, a row's keys in the order of :meth:`add`.

        Args:
            rows: rising, each once.
        """
        keys = self._present_keys_of(rows)
        taken = np.empty((len(keys), self.width), np.int8)
        for part, codes in self._gathered(keys):
            taken[part] = codes
        return self._rows[keys].astype(np.int64), taken, self._scales[keys]

    def first_vectors(self, rows: Places) -> Floats:
        """The first key of some rows as a vector, from its code: ``(len(rows), width) float32``, 0 for a row without keys.

        Args:
            rows: rising, each once.
        """
        owners, codes, scales = self.taken(rows)
        having, first = np.unique(owners, return_index=True)
        vectors = np.zeros((len(rows), self.width), np.float32)
        vectors[np.searchsorted(rows, having)] = codes[first] * scales[first, None]
        return vectors

    def _present_keys_of(self, rows: Places) -> Places:
        keys = self._keys_of(rows)
        return keys[~np.isin(keys, self._gone)] if len(self._gone) else keys

    def _gathered(self, keys: Places) -> Iterator[tuple[slice | Places, Codes]]:
        """Yield the codes of keys, block by block: which of the keys, and ``(part, width)``."""
        # Keys rise where rows do, so those of a block stand together; elsewhere their order is found first.
        order = None if self._rising else np.argsort(keys, kind="stable")
        sorted_keys = keys if order is None else keys[order]
        cuts = np.searchsorted(sorted_keys, np.arange(len(self._blocks) + 1) * _BLOCK_KEYS)
        for number, (start, end) in enumerate(pairwise(cuts.tolist())):
            if start < end:
                part = slice(start, end) if order is None else order[start:end]
                yield part, np.take(self._blocks[number], sorted_keys[start:end] - number * _BLOCK_KEYS, axis=0, mode="clip")

    def _grouped(self) -> Groups:
        """Each row with its first key, then the row and key of every further one."""
        owners = self._rows[: self.n_keys].astype(np.int64)
        keys = np.arange(self.n_keys) if self._rising else np.argsort(owners, kind="stable")
        ordered: Places = owners[keys]
        is_first = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        return ordered[is_first], keys[is_first], ordered[~is_first], keys[~is_first]

    def _keys_of(self, wanted: Places) -> Places:
        rows = self._rows[: self.n_keys]
        if not self._rising:
            return np.flatnonzero(np.isin(rows, wanted))
        if self._one_each:
            return wanted[wanted < self.n_keys]
        if self._starts is None:
            self._starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=self.n_rows))]).astype(np.int32)
        wanted = wanted[wanted < self.n_rows]
        starts: Places = self._starts[wanted].astype(np.int64)
        counts = self._starts[wanted + 1] - starts
        if bool((counts == 1).all()):
            return starts
        before = np.cumsum(counts) - counts
        return np.repeat(starts - before, counts) + np.arange(int(counts.sum()))

    def _store(self, codes: Codes) -> None:
        done = 0
        while done < len(codes):
            block, at = divmod(self.n_keys + done, _BLOCK_KEYS)
            if block == len(self._blocks):
                self._blocks.append(np.empty((_BLOCK_KEYS, self.width), np.int8))
            take = min(_BLOCK_KEYS - at, len(codes) - done)
            self._blocks[block][at : at + take] = codes[done : done + take]
            done += take

    def _grow(self, n_keys: int) -> None:
        if n_keys > len(self._rows):
            room = max(n_keys, 64, len(self._rows) * 3 // 2) - len(self._rows)
            self._scales = np.concatenate([self._scales, np.zeros(room, np.float32)])
            self._rows = np.concatenate([self._rows, np.full(room, -1, np.int32)])


def _record(width: int) -> np.dtype[np.void]:
    return np.dtype([("scale", "<f4"), ("codes", "i1", (width,))])
