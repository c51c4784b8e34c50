"""Adjacent merge: a sequence is held to a fixed length by merging its most similar neighbours.

Source: MemoryVLA: while longer than L, the pair of neighbours with the highest cosine is averaged and keeps the earlier time.
Differs: works on any sequence of vectors with times and says which entries went into which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mneme.core.errors import InvalidInput
from mneme.core.upkeep import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A shortened sequence.

    Args:
        vectors: ``(n, d)``.
        times: ``(n,)`` the time of each entry's first part, rising.
        parts: which entries of the input went into each.
    """

    vectors: FloatArray
    times: tuple[float, ...]
    parts: tuple[tuple[int, ...], ...]


def merge_adjacent(vectors: FloatArray, times: tuple[float, ...], length: int) -> Merged:
    """Return the sequence with at most ``length`` entries.

    Args:
        vectors: ``(n, d)``, in the order of time.
        times: one per vector.
        length: at least 1.

    Raises:
        InvalidInput: the length is below 1, or there are not as many times as vectors.
    """
    if length < 1 or len(times) != len(vectors):
        raise InvalidInput({"length": f"must be at least 1, with one time per vector; got {length}, {len(times)} and {len(vectors)}"})
    kept = [np.asarray(vector, np.float64) for vector in vectors]
    starts = list(times)
    parts: list[tuple[int, ...]] = [(number,) for number in range(len(times))]
    while len(kept) > length:
        rows = np.array(kept)
        norms = np.maximum(np.linalg.norm(rows, axis=1), 1e-12)
        likeness = (rows[:-1] * rows[1:]).sum(axis=1) / (norms[:-1] * norms[1:])
        first = int(likeness.argmax())
        kept[first : first + 2] = [(kept[first] + kept[first + 1]) / 2]
        parts[first : first + 2] = [parts[first] + parts[first + 1]]
        del starts[first + 1]
    return Merged(vectors=np.array(kept, np.float32).reshape(len(kept), -1), times=tuple(starts), parts=tuple(parts))
