"""Terms as stored: 64-bit hashes and counts, so that token rows hold no text and load without parsing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mneme.core.errors import InvalidInput
from mneme.text.language import SNOWBALL, UNSTEMMED

TermIds = NDArray[np.uint64]

RECORD: Final = np.dtype([("id", "<u8"), ("tf", "<u2")])
"""One term of one text in a blob: its hash and how often the text has it. 10 bytes, little-endian, packed."""

K1: Final = 1.2
"""BM25: how soon repetition of a term stops to count."""

B: Final = 0.75
"""BM25: how much longer texts are held against."""

_MOST: Final = 0xFFFF
_PACK: Final = Struct("<QH").pack


@lru_cache(maxsize=65536)
def term_id(term: str) -> int:
    """The stable unsigned 64-bit hash of a term; the same on every machine and in every version."""
    return int.from_bytes(blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


LANGUAGE_MARKS: Final[Mapping[str, int]] = {code: term_id(f"\x00language:{code}") for code in (*SNOWBALL, UNSTEMMED)}
"""Language -> the id that marks a text stemmed in it, kept with a count of 0: it has a posting but no weight."""


def encode_terms(terms: Iterable[str], marks: Iterable[str] = ()) -> bytes:
    """One text's terms as a blob: unique ids in rising order, each with its count (at most 65,535).

    Args:
        terms: terms in any order, repeated as often as the text has them.
        marks: languages whose mark the blob carries.
    """
    return encode_counts(Counter(terms), marks)


def encode_counts(counts: Mapping[str, int], marks: Iterable[str] = (), others: Iterable[int] = ()) -> bytes:
    """The same blob from terms that are counted already; ``others`` are ids of further marks."""
    rows = {term_id(term): count for term, count in counts.items()}
    for code in marks:
        rows[LANGUAGE_MARKS[code]] = 0
    rows.update(dict.fromkeys(others, 0))
    order = sorted(rows)
    return b"".join([_PACK(term, min(rows[term], _MOST)) for term in order])


def decode_terms(blob: bytes) -> tuple[TermIds, NDArray[np.uint16]]:
    """The ids (rising) and counts of one blob.

    Raises:
        InvalidInput: the blob's length is no whole number of records.
    """
    records = _records(blob)
    return records["id"].copy(), records["tf"].copy()


def decode_many(blobs: Sequence[bytes]) -> tuple[NDArray[np.int64], TermIds, NDArray[np.uint16]]:
    """All records of many blobs at once.

    Returns:
        The number of records of each blob ``(len(blobs),)``, then ids and counts of all records, blob after blob.

    Raises:
        InvalidInput: a blob's length is no whole number of records.
    """
    sizes = np.fromiter(map(len, blobs), dtype=np.int64, count=len(blobs))
    if np.any(sizes % RECORD.itemsize):
        bad = int(np.flatnonzero(sizes % RECORD.itemsize)[0])
        raise InvalidInput({"blobs": f"blob {bad} is cut short; rebuild the token rows of its text"})
    records = _records(b"".join(blobs))
    return sizes // RECORD.itemsize, records["id"].copy(), records["tf"].copy()


def _records(blob: bytes) -> NDArray[np.void]:
    if len(blob) % RECORD.itemsize:
        raise InvalidInput({"blob": "it is cut short; rebuild the token row of its text"})
    return np.frombuffer(blob, dtype=RECORD)
