"""Taking the census of a space: read once, then kept current by the journal's sequence number like the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mneme.core.ports import IndexRows, IntArray, Parted, Store
from mneme.core.upkeep import NEVER, Census, Coded
from mneme.retention.duplicates import NEGATIONS
from mneme.text.marks import ASKS, TIME
from mneme.text.stopwords import listed_languages, stopwords
from mneme.text.terms import LANGUAGE_MARKS, TermIds, decode_many, term_id

CODED = ("kind", "status", "author", "role", "session", "channel", "tier", "tags")
EXACT_UP_TO = 20_000
"""So many new texts of a part are measured one by one; of more, a sample is, and the rest by the number of their terms."""

_CHUNK = 50_000
_FEW = 20_000
_SAMPLE = 400
_BUCKETS = 1 << 21
_MIX = np.uint64(0x9E3779B97F4A7C15)
_NUMBERS = frozenset([*map(str, range(2200)), *"two three four five six seven eight nine ten once twice couple several dozen".split()])
_SELF = frozenset("i me my mine we our ours myself im ive".split())

_NUMERIC: tuple[tuple[str, Any], ...] = (
    ("row", np.int64), ("at", np.int64), ("valid_from", np.int64), ("valid_to", np.int64), ("last_used", np.int64),
    ("text_version", np.int64), ("importance", np.float32), ("uses", np.float32), ("strength", np.float32), ("words", np.float32),
    ("rarity", np.float32), ("names", np.float32), ("tokens", np.float32), ("nbytes", np.float32), ("dated", np.bool_),
    ("numbered", np.bool_), ("asks", np.bool_), ("tells", np.bool_),
)  # fmt: skip


class _Codes(dict[Any, int]):
    """Value -> code; a new value gets the next one."""

    def __missing__(self, value: Any) -> int:
        code = self[value] = len(self)
        return code


class CensusTaker:
    """The census of one space, kept in memory while the space is open.

    A census that was handed out does not change under its holder: new memories go behind its end, and a column is copied before a value
    in it changes.

    Args:
        store: the space.
        count_tokens: the length of a text.
    """

    def __init__(self, store: Store, count_tokens: Callable[[str], int]) -> None:
        self._store = store
        self._count = count_tokens
        self._empty()

    def _empty(self) -> None:
        self._seq = 0
        self._ids: list[str] = []
        self._data: dict[str, NDArray[Any]] = {name: np.zeros(0, kind) for name, kind in (*_NUMERIC, ("content", np.uint64))}
        self._data.update({name: np.zeros(0, np.int32) for name in CODED})
        self._codes = {name: _Codes() for name in CODED}
        self._spread = np.zeros(_BUCKETS, np.int32)
        self._texts = 0
        self._shown = 0
        self._rates = (1.4, 6.0)

    def take(self) -> Census:
        """Return the census as of the journal's last entry."""
        if self._seq == 0 or self._seq < self._store.last_seq():
            self._refresh()
        size = self._shown = len(self._ids)
        fields: dict[str, Any] = {name: Coded(codes=self._data[name][:size], values=list(self._codes[name])) for name in CODED}
        others: dict[str, Any] = {name: self._data[name][:size] for name, _ in _NUMERIC if name != "text_version"}
        return Census(seq=self._seq, ids=self._ids, content=self._data["content"][:size], **fields, **others)

    def text_versions(self, places: Sequence[int]) -> list[int]:
        """Return the versions whose vectors hold, for reading them."""
        versions: list[int] = self._data["text_version"][np.asarray(places, np.int64)].tolist()
        return versions

    def places_of(self, rows: IntArray) -> IntArray:
        """Return the places of rows that are there."""
        found = self._known(rows)
        return found[found >= 0]

    def nbytes(self) -> int:
        """Return roughly how many bytes it takes."""
        return sum(array.nbytes for array in self._data.values()) + self._spread.nbytes + 82 * len(self._ids)

    def _refresh(self) -> None:
        first = self._seq == 0
        waiting: list[_Read] = []
        seq = self._seq
        for rows in self._parts():
            try:
                waiting += self._take_in(rows)
            except _OutOfOrder:
                self._empty()
                return self._refresh()
            seq = rows.seq
        self._rate(waiting)
        self._seq = seq
        if first:
            self._data = {name: array[: len(self._ids)].copy() for name, array in self._data.items()}
        return None

    def _parts(self) -> Iterable[IndexRows]:
        if isinstance(self._store, Parted):
            return self._store.index_parts(after=self._seq, size=_CHUNK)
        return (self._store.index_rows(after=self._seq, vectors=False),)

    def _take_in(self, rows: IndexRows) -> list[_Read]:
        """Write rows, new, changed or erased; returns what was read of new texts, to be rated when all are known."""
        alive = np.fromiter((status != "erased" for status in rows.status), bool, len(rows.status))
        known = self._known(rows.row)
        if np.any(~alive & (known >= 0)):
            self._drop(known[~alive & (known >= 0)])
            known = self._known(rows.row)
        fresh = np.flatnonzero(alive & (known < 0))
        start = len(self._ids)
        if start and len(fresh) and rows.row[fresh[0]] <= self._data["row"][start - 1]:
            raise _OutOfOrder
        known[fresh] = np.arange(start, start + len(fresh))
        self._grow(start + len(fresh))
        if len(fresh):
            new = rows.memory if len(fresh) == len(rows.memory) else [rows.memory[i] for i in fresh.tolist()]
            if self._shown:
                self._ids = [*self._ids, *new]
            else:
                self._ids += new
        changed = np.flatnonzero(alive & (known < start))
        reread = changed[self._data["text_version"][known[changed]] != rows.text_version[changed]]
        chosen = np.flatnonzero(alive)
        self._write(rows, chosen, known[chosen])
        texts = np.sort(np.concatenate([reread, fresh]))
        if not len(texts):
            return []
        read = self._read_terms([rows.terms[i] for i in texts.tolist()], known[texts])
        self._measure(rows, texts, known[texts])
        return [read]

    def _known(self, rows: IntArray) -> IntArray:
        """Return the places of rows, -1 for those that are not there."""
        have = self._data["row"][: len(self._ids)]
        if not len(have):
            return np.full(len(rows), -1, np.int64)
        found = np.minimum(np.searchsorted(have, rows), len(have) - 1)
        return np.where(have[found] == rows, found, -1)

    def _write(self, rows: IndexRows, chosen: IntArray, places: IntArray) -> None:
        for name in ("row", "at", "valid_from", "valid_to", "text_version", "importance", "uses", "strength"):
            self._put(name, places, getattr(rows, name)[chosen])
        self._put("last_used", places, np.full(len(chosen), NEVER) if rows.last_used is None else rows.last_used[chosen])
        every = len(chosen) == len(rows.memory)
        for name in CODED:
            values = getattr(rows, name)
            picked = values if every else [values[i] for i in chosen.tolist()]
            self._put(name, places, np.fromiter(map(self._codes[name].__getitem__, picked), np.int32, len(chosen)))

    def _put(self, name: str, places: IntArray, values: NDArray[Any]) -> None:
        """Write values of a column; if one changes that was handed out, into a copy of it."""
        column = self._data[name]
        known = places < self._shown
        if known.any() and not np.array_equal(column[places[known]], values[known].astype(column.dtype)):
            column = self._data[name] = column.copy()
        column[places] = values

    def _read_terms(self, blobs: list[bytes], places: IntArray) -> _Read:
        features, read = _features(blobs, places)
        self._spread += np.bincount(read.buckets, minlength=_BUCKETS).astype(np.int32) if len(blobs) > _FEW else _few_counted(read.buckets)
        self._texts += len(blobs)
        for name, values in features.items():
            self._put(name, places, values)
        return read

    def _rate(self, waiting: Sequence[_Read]) -> None:
        """Write how rare the words of new texts are, now that all of them are counted."""
        for read in waiting:
            weight = np.log1p((self._texts + 0.5) / (self._spread[read.buckets] + 0.5))
            idf = np.bincount(read.owner(), weights=weight, minlength=len(read.places))
            rarity = (idf / np.maximum(read.sizes, 1)).astype(np.float32)
            self._put("rarity", read.places, rarity)

    def _measure(self, rows: IndexRows, texts: IntArray, places: IntArray) -> None:
        """Write the sizes of texts: each one's own, or by a rate when there are very many."""
        words = self._data["words"][places]
        exact = np.arange(len(texts))
        if len(texts) > EXACT_UP_TO:
            exact = np.linspace(0, len(texts) - 1, _SAMPLE).astype(np.int64)
        sizes = np.zeros((len(exact), 2), np.float32)
        for first in range(0, len(exact), 5_000):
            part = exact[first : first + 5_000]
            found = self._store.memories_by_row(rows.row[texts[part]].tolist())
            at = {memory.id: memory.indexed_text for memory in found}
            for offset, i in enumerate(texts[part].tolist()):
                text = at.get(rows.memory[i], "")
                sizes[first + offset] = self._count(text), len(text.encode("utf-8", "surrogatepass"))
        measured = np.zeros((len(texts), 2), np.float32)
        if len(exact) < len(texts):
            self._rates = tuple(sizes.sum(axis=0) / max(float(words[exact].sum()), 1.0))
            measured[:] = words[:, None] * np.array(self._rates, np.float32)
        measured[exact] = sizes
        for number, name in enumerate(("tokens", "nbytes")):
            self._put(name, places, measured[:, number])

    def _grow(self, size: int) -> None:
        room = len(self._data["row"])
        if size > room:
            more = max(size, room * 3 // 2, 64) - room
            self._data = {name: np.concatenate([array, np.zeros(more, array.dtype)]) for name, array in self._data.items()}

    def _drop(self, places: IntArray) -> None:
        kept = np.ones(len(self._ids), bool)
        kept[places] = False
        self._ids = [id for id, stays in zip(self._ids, kept.tolist(), strict=True) if stays]
        self._data = {name: array[: len(kept)][kept] for name, array in self._data.items()}


class _OutOfOrder(Exception):
    """A row came that belongs before others that were read already; everything is read anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The terms of some texts.

    Args:
        places: where the texts are in the census.
        sizes: how many terms each has.
        buckets: ``int32`` bucket of each term, text after text.
    """

    places: IntArray
    sizes: IntArray
    buckets: NDArray[np.int32]

    def owner(self) -> IntArray:
        """Return the number of the text that each term is of."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


def _few_counted(buckets: NDArray[np.int32]) -> NDArray[np.int32]:
    counted = np.zeros(_BUCKETS, np.int32)
    np.add.at(counted, buckets, 1)
    return counted


def _buckets(ids: TermIds) -> NDArray[np.int32]:
    return (ids & np.uint64(_BUCKETS - 1)).astype(np.int32)


def _features(blobs: Sequence[bytes], places: IntArray) -> tuple[dict[str, NDArray[Any]], _Read]:
    """Return what the terms of texts tell of them, without the texts, and the terms."""
    sizes, ids, counts = decode_many(blobs)
    owner = np.repeat(np.arange(len(blobs)), sizes)
    plain = counts > 0
    classes = _classes(ids)
    words = np.bincount(owner[plain], minlength=len(blobs))

    def has(wanted: int) -> NDArray[np.bool_]:
        found = np.zeros(len(blobs), bool)
        found[owner[(classes & wanted) > 0]] = True
        return found

    features = {
        "words": words.astype(np.float32),
        "names": np.bincount(owner[~plain & (classes & _MARK == 0)], minlength=len(blobs)).astype(np.float32),
        "dated": has(_DATED),
        "asks": has(_ASKS),
        "numbered": has(_NUMBERED),
        "tells": has(_TELLS),
        "content": _content(ids, owner, plain & (classes & _FUNCTION == 0), len(blobs)),
    }
    return features, _Read(places=places, sizes=words, buckets=_buckets(ids[plain]))


_DATED, _ASKS, _NUMBERED, _TELLS, _FUNCTION, _MARK = (1 << bit for bit in range(6))


def _classes(ids: TermIds) -> NDArray[np.uint8]:
    """Return ``(len(ids),)`` to which classes each term belongs, as bits; most belong to none, which one look into a table tells."""
    known, classes, table = _classified()
    found = np.zeros(len(ids), np.uint8)
    maybe = np.flatnonzero(table[_buckets(ids)])
    at = np.minimum(np.searchsorted(known, ids[maybe]), len(known) - 1)
    found[maybe] = np.where(known[at] == ids[maybe], classes[at], 0)
    return found


@lru_cache(maxsize=1)
def _classified() -> tuple[TermIds, NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the terms that belong to classes, rising; their classes; and which buckets have one."""
    classes: dict[int, int] = {}
    for bit, wanted in (
        (_DATED | _MARK, [TIME]),
        (_ASKS | _MARK, [ASKS]),
        (_MARK, LANGUAGE_MARKS.values()),
        (_NUMBERED, map(term_id, _NUMBERS)),
        (_TELLS, map(term_id, _SELF)),
        (_FUNCTION, _function_words()),
    ):
        for id in wanted:
            classes[id] = classes.get(id, 0) | bit
    known = np.array(sorted(classes), np.uint64)
    table = np.zeros(_BUCKETS, bool)
    table[_buckets(known)] = True
    return known, np.array([classes[id] for id in known.tolist()], np.uint8), table


def _content(ids: TermIds, owner: IntArray, kept: NDArray[np.bool_], count: int) -> NDArray[np.uint64]:
    """Return the sum of mixed hashes of each text's content terms, modulo 2^64: the same set gives the same number in any order."""
    mixed = ids[kept] * _MIX
    mixed ^= mixed >> np.uint64(29)
    starts = np.flatnonzero(np.r_[True, np.diff(owner[kept]) > 0]) if kept.any() else np.zeros(0, np.int64)
    content = np.zeros(count, np.uint64)
    content[owner[kept][starts]] = np.add.reduceat(mixed, starts) if len(starts) else 0
    return content


def _function_words() -> list[int]:
    words = frozenset[str]().union(*(stopwords(language) for language in listed_languages())) - NEGATIONS
    return list(map(term_id, words))
