"""What was read lately, by position, so that what is found again and again is not read from the store again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """A bounded number of bytes of things by position; what came first goes first. Needs the caller's lock.

    Args:
        most_bytes: how much is kept at most.
        weigh: roughly how many bytes a thing takes.
    """

    def __init__(self, most_bytes: int, weigh: Callable[[T], int]) -> None:
        self.nbytes = 0
        self._most = most_bytes
        self._weigh = weigh
        self._kept: dict[int, T] = {}

    def missing(self, positions: Iterable[int]) -> list[int]:
        """Return the positions that nothing is kept for."""
        kept = self._kept
        return [position for position in positions if position not in kept]

    def get(self, position: int) -> T | None:
        """Return what is kept for a position."""
        return self._kept.get(position)

    def put(self, position: int, thing: T) -> None:
        """Keep a thing, unless it is large itself; older ones make room."""
        size = self._weigh(thing)
        if size > self._most // 64:
            return
        self.drop((position,))
        self._kept[position] = thing
        self.nbytes += size
        if self.nbytes > self._most:
            self.drop(list(islice(self._kept, len(self._kept) // 4 + 1)))

    def drop(self, positions: Sequence[int]) -> None:
        """Let go of what is kept for some positions."""
        for position in positions:
            gone = self._kept.pop(position, None)
            if gone is not None:
                self.nbytes -= self._weigh(gone)
