"""Vector codes in two tiers: what the default recall can return is scanned for every query, the archive only where it is asked for.

An archived memory still lends context to its neighbours, so its codes stay; they are looked up for the few conversations that bear on a
question. Codes move when many were archived since the last time, so that a pass of upkeep is one move; until then they are scanned with
the others, which is the same result in more time.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mneme.index.vectors import Floats, VectorCodes

_LEAST: Final = 1_024
_SHARE: Final = 0.1
"""Codes move when so many of those in front, and this share of them, belong to the archive."""


class TieredCodes:
    """The vectors of one space: those in front, and those of the archive.

    Reads may run beside each other; ``add``, ``remove`` and ``settle`` need the caller's lock against reads.

    Args:
        width: length of a vector.
    """

    def __init__(self, width: int) -> None:
        self._front = VectorCodes(width)
        self._behind = VectorCodes(width)
        self._is_behind = np.zeros(0, bool)
        self._asked: tuple[NDArray[np.bool_], bool] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes in use."""
        return self._front.nbytes + self._behind.nbytes + self._is_behind.nbytes

    @property
    def n_behind(self) -> int:
        """How many rows the archive's tier has."""
        return int(np.count_nonzero(self._is_behind))

    def add(self, rows: ArrayLike, vectors: ArrayLike) -> None:
        """Add keys, in front; see :meth:`mneme.index.vectors.VectorCodes.add`."""
        self._front.add(rows, vectors)

    def remove(self, rows: ArrayLike) -> None:
        """Forget all keys of rows and overwrite their codes."""
        wanted = np.unique(np.asarray(rows, np.int64))
        behind = self._behind_of(wanted)
        self._asked = None
        self._front.remove(wanted[~behind])
        self._behind.remove(wanted[behind])
        self._is_behind[wanted[behind]] = False

    def settle(self, archived: NDArray[np.bool_]) -> None:
        """Move codes to the tier where they belong, if enough are in the other one.

        Args:
            archived: ``(size,)``: which rows belong to the archive.
        """
        size = len(archived)
        self._asked = None
        if size > len(self._is_behind):
            self._is_behind = np.concatenate([self._is_behind, np.zeros(size - len(self._is_behind), bool)])
        back = np.flatnonzero(self._is_behind[:size] & ~archived)
        if len(back):
            self._front.add_codes(*self._behind.taken(back))
            self._behind.remove(back)
            self._is_behind[back] = False
        going = archived & ~self._is_behind[:size]
        if np.count_nonzero(going) > max(_LEAST, _SHARE * self._front.n_keys):
            self._pack(archived)

    def scores(self, query: ArrayLike, size: int, among: NDArray[np.bool_] | None = None) -> Floats:
        """Return the best key's score of every row, ``(size,) float32``, -1 for a row without keys.

        Args:
            query: ``(width,)``.
            size: how many rows there are.
            among: ``(size,)``: rows whose scores are wanted; others may be left at -1. None wants all.
        """
        found = self._front.scores(query, size)
        if among is None or self._wants_behind(among):
            scores = self._behind.scores(query)
            np.maximum(found[: len(scores)], scores, out=found[: len(scores)])
        return found

    def scores_at(self, rows: NDArray[np.int64], query: ArrayLike) -> Floats:
        """Return the same scores of a few rows, ``(len(rows),)``; ``rows`` rise, each once."""
        behind = self._behind_of(rows)
        if behind.all():
            return self._behind.scores_at(rows, query)
        if not behind.any():
            return self._front.scores_at(rows, query)
        found = np.empty(len(rows), np.float32)
        for tier, chosen in ((self._front, ~behind), (self._behind, behind)):
            found[chosen] = tier.scores_at(rows[chosen], query)
        return found

    def first_vectors(self, rows: NDArray[np.int64]) -> Floats:
        """Return the first key of a few rows as a vector, ``(len(rows), width)``; ``rows`` rise, each once."""
        behind = self._behind_of(rows)
        if not behind.any():
            return self._front.first_vectors(rows)
        found = np.empty((len(rows), self._front.width), np.float32)
        for tier, chosen in ((self._front, ~behind), (self._behind, behind)):
            found[chosen] = tier.first_vectors(rows[chosen])
        return found

    def _wants_behind(self, among: NDArray[np.bool_]) -> bool:
        """Return whether any of some rows is in the archive's tier; kept for the mask that was asked for last."""
        if self._asked is None or self._asked[0] is not among:
            known = min(len(among), len(self._is_behind))
            self._asked = among, bool(np.any(among[:known] & self._is_behind[:known]))
        return self._asked[1]

    def _behind_of(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        if not len(rows) or int(rows.max()) < len(self._is_behind):
            behind: NDArray[np.bool_] = self._is_behind[rows]
            return behind
        known = rows < len(self._is_behind)
        behind = np.zeros(len(rows), bool)
        behind[known] = self._is_behind[rows[known]]
        return behind

    def _pack(self, archived: NDArray[np.bool_]) -> None:
        """Write both tiers anew, each in the order of its rows, without what was removed."""
        tiers = (VectorCodes(self._front.width), VectorCodes(self._front.width))
        for tier, wanted in zip(tiers, (~archived, archived), strict=True):
            rows = np.flatnonzero(wanted)
            behind = self._is_behind[rows]
            for source, chosen in ((self._behind, rows[behind]), (self._front, rows[~behind])):
                tier.add_codes(*source.taken(chosen))
        self._front, self._behind = tiers
        self._is_behind[:] = False
        self._is_behind[: len(archived)] = archived
