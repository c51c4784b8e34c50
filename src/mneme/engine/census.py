"""Taking the census of a space: read once, then kept current by the journal's sequence number like the index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mneme.core.ports import IndexRows, IntArray, Store
from mneme.core.upkeep import NEVER, Census, Coded
from mneme.retention.duplicates import NEGATIONS
from mneme.text.marks import ASKS, TIME
from mneme.text.stopwords import listed_languages, stopwords
from mneme.text.terms import LANGUAGE_MARKS, TermIds, decode_many, term_id

CODED = ("kind", "status", "author", "role", "session", "channel", "tier", "tags")
EXACT_UP_TO = 20_000
"""So many new texts are measured one by one; of more, a sample is, and the rest by the number of their terms."""

_CHUNK = 50_000
_SAMPLE = 2_000
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

    Args:
        store: the space.
        count_tokens: the length of a text.
    """

    def __init__(self, store: Store, count_tokens: Callable[[str], int]) -> None:
        self._store = store
        self._count = count_tokens
        self._seq = 0
        self._ids: list[str] = []
        self._place: dict[str, int] = {}
        self._data: dict[str, NDArray[Any]] = {name: np.zeros(0, kind) for name, kind in _NUMERIC}
        self._data["content"] = np.zeros(0, np.uint64)
        self._codes = {name: _Codes() for name in CODED}
        for name in CODED:
            self._data[name] = np.zeros(0, np.int32)
        self._spread = np.zeros(_BUCKETS, np.int32)
        self._texts = 0
        self._rates = (1.4, 6.0)

    def take(self) -> Census:
        """Return the census as of the journal's last entry."""
        if self._seq == 0 or self._seq < self._store.last_seq():
            self._refresh(self._store.index_rows(after=self._seq, vectors=False))
        fields: dict[str, Any] = {name: Coded(codes=self._data[name], values=list(self._codes[name])) for name in CODED}
        others: dict[str, Any] = {name: self._data[name] for name, _ in _NUMERIC if name != "text_version"}
        return Census(seq=self._seq, ids=self._ids, content=self._data["content"], **fields, **others)

    def text_versions(self, places: Sequence[int]) -> list[int]:
        """Return the versions whose vectors hold, for reading them."""
        versions: list[int] = self._data["text_version"][np.asarray(places, np.int64)].tolist()
        return versions

    def places_of(self, ids: Iterable[str]) -> list[int]:
        """Return the places of memories that are there."""
        return [place for id in ids if (place := self._place.get(id)) is not None]

    def nbytes(self) -> int:
        """Return roughly how many bytes it takes."""
        return sum(array.nbytes for array in self._data.values()) + self._spread.nbytes + 180 * len(self._ids)

    def _refresh(self, rows: IndexRows) -> None:
        alive = np.fromiter((status != "erased" for status in rows.status), bool, len(rows.status))
        gone = [rows.memory[i] for i in np.flatnonzero(~alive).tolist() if rows.memory[i] in self._place]
        if gone:
            self._drop(gone)
        known = np.fromiter((self._place.get(id, -1) for id in rows.memory), np.int64, len(rows.memory))
        changed = np.flatnonzero(alive & (known >= 0))
        fresh = np.flatnonzero(alive & (known < 0))
        start = len(self._ids)
        places = known.copy()
        places[fresh] = np.arange(start, start + len(fresh))
        self._grow(len(fresh))
        self._ids = [*self._ids, *(rows.memory[i] for i in fresh.tolist())] if len(fresh) else self._ids
        self._place.update(zip((rows.memory[i] for i in fresh.tolist()), range(start, start + len(fresh)), strict=True))
        reread = changed[self._data["text_version"][known[changed]] != rows.text_version[changed]]
        chosen = np.concatenate([changed, fresh])
        self._write(rows, chosen, places[chosen])
        texts = np.sort(np.concatenate([reread, fresh]))
        if len(texts):
            self._read_terms(rows, texts, places[texts])
            self._measure(rows, texts, places[texts])
        self._seq = rows.seq

    def _write(self, rows: IndexRows, chosen: IntArray, places: IntArray) -> None:
        # New arrays: a census that was handed out before must not change under its holder.
        self._data = {name: array.copy() for name, array in self._data.items()} if len(places) < len(self._ids) else self._data
        for name in ("row", "at", "valid_from", "valid_to", "text_version", "importance", "uses", "strength"):
            self._data[name][places] = getattr(rows, name)[chosen]
        self._data["last_used"][places] = NEVER if rows.last_used is None else rows.last_used[chosen]
        every = len(chosen) == len(rows.memory)
        for name in CODED:
            values = getattr(rows, name)
            picked = values if every and np.array_equal(chosen, np.arange(len(values))) else [values[i] for i in chosen.tolist()]
            self._data[name][places] = np.fromiter(map(self._codes[name].__getitem__, picked), np.int32, len(chosen))

    def _read_terms(self, rows: IndexRows, texts: IntArray, places: IntArray) -> None:
        for start in range(0, len(texts), _CHUNK):
            self._spread += _counted([rows.terms[i] for i in texts[start : start + _CHUNK].tolist()])
        self._texts += len(texts)
        weight = np.log1p((self._texts + 0.5) / (self._spread + 0.5)).astype(np.float32)
        for start in range(0, len(texts), _CHUNK):
            part = places[start : start + _CHUNK]
            features = _features([rows.terms[i] for i in texts[start : start + _CHUNK].tolist()], weight)
            for name, values in features.items():
                self._data[name][part] = values

    def _measure(self, rows: IndexRows, texts: IntArray, places: IntArray) -> None:
        """Write the sizes of texts: each one's own, or by a rate when there are very many."""
        words = self._data["words"][places]
        exact = np.arange(len(texts))
        if len(texts) > EXACT_UP_TO:
            exact = np.linspace(0, len(texts) - 1, _SAMPLE).astype(np.int64)
        sizes = np.zeros((len(exact), 2), np.float32)
        for start in range(0, len(exact), 5_000):
            part = exact[start : start + 5_000]
            found = self._store.memories_by_row(rows.row[texts[part]].tolist())
            at = {memory.id: memory.indexed_text for memory in found}
            for offset, i in enumerate(texts[part].tolist()):
                text = at.get(rows.memory[i], "")
                sizes[start + offset] = self._count(text), len(text.encode("utf-8", "surrogatepass"))
        if len(exact) < len(texts):
            total = max(float(words[exact].sum()), 1.0)
            self._rates = float(sizes[:, 0].sum()) / total, float(sizes[:, 1].sum()) / total
            self._data["tokens"][places], self._data["nbytes"][places] = words * self._rates[0], words * self._rates[1]
        self._data["tokens"][places[exact]], self._data["nbytes"][places[exact]] = sizes[:, 0], sizes[:, 1]

    def _grow(self, count: int) -> None:
        for name, array in self._data.items():
            if count:
                self._data[name] = np.concatenate([array, np.zeros((count, *array.shape[1:]), array.dtype)])

    def _drop(self, ids: Sequence[str]) -> None:
        gone = set(ids)
        kept = np.fromiter((id not in gone for id in self._ids), bool, len(self._ids))
        self._ids = [id for id in self._ids if id not in gone]
        self._place = {id: place for place, id in enumerate(self._ids)}
        self._data = {name: array[kept] for name, array in self._data.items()}


def _buckets(ids: TermIds) -> IntArray:
    return (ids & np.uint64(_BUCKETS - 1)).astype(np.int64)


def _counted(blobs: Sequence[bytes]) -> NDArray[np.int32]:
    _, ids, counts = decode_many(blobs)
    return np.bincount(_buckets(ids[counts > 0]), minlength=_BUCKETS).astype(np.int32)


def _features(blobs: Sequence[bytes], weight: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Return what the terms of texts tell of them, without the texts."""
    sizes, ids, counts = decode_many(blobs)
    owner = np.repeat(np.arange(len(blobs)), sizes)
    plain = counts > 0
    words = np.bincount(owner[plain], minlength=len(blobs)).astype(np.float32)
    idf = np.bincount(owner[plain], weights=weight[_buckets(ids[plain])], minlength=len(blobs))
    marks = ~plain & ~_among(ids, [TIME, ASKS, *LANGUAGE_MARKS.values()])

    def has(wanted: Iterable[int]) -> NDArray[np.bool_]:
        found = np.zeros(len(blobs), bool)
        found[owner[_among(ids, wanted)]] = True
        return found

    return {
        "words": words,
        "rarity": (idf / np.maximum(words, 1)).astype(np.float32),
        "names": np.bincount(owner[marks], minlength=len(blobs)).astype(np.float32),
        "dated": has([TIME]),
        "asks": has([ASKS]),
        "numbered": has(map(term_id, _NUMBERS)),
        "tells": has(map(term_id, _SELF)),
        "content": _content(ids, owner, plain, len(blobs)),
    }


def _among(ids: TermIds, wanted: Iterable[int]) -> NDArray[np.bool_]:
    """Return which ids are among a few wanted ones; by bucket first, so that most are looked at once."""
    known = np.fromiter(wanted, np.uint64)
    table = np.zeros(_BUCKETS, bool)
    table[_buckets(known)] = True
    found = table[_buckets(ids)]
    found[found] = np.isin(ids[found], known)
    return found


def _content(ids: TermIds, owner: IntArray, plain: NDArray[np.bool_], count: int) -> NDArray[np.uint64]:
    """Return the sum of mixed hashes of each text's content terms, modulo 2^64: the same set gives the same number in any order."""
    kept = plain & ~_among(ids, _function_words())
    mixed = ids[kept] * _MIX
    mixed ^= mixed >> np.uint64(29)
    starts = np.flatnonzero(np.r_[True, np.diff(owner[kept]) > 0]) if kept.any() else np.zeros(0, np.int64)
    content = np.zeros(count, np.uint64)
    content[owner[kept][starts]] = np.add.reduceat(mixed, starts) if len(starts) else 0
    return content


@lru_cache(maxsize=1)
def _function_words() -> tuple[int, ...]:
    words = frozenset[str]().union(*(stopwords(language) for language in listed_languages())) - NEGATIONS
    return tuple(sorted(map(term_id, words)))
