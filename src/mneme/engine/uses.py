"""Recalls as uses: counted in memory, left beside a space's settings when its process ends, applied by the next pass of upkeep."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from mneme.core.clock import from_micros, to_micros
from mneme.core.codec import dumps, loads
from mneme.core.operations import Operation
from mneme.core.ports import Store
from mneme.core.upkeep import Curve

WAITING, MOST_WAITING = "uses.waiting", 10_000
"""The setting of a space with uses that wait for the next pass, and how many of them are kept, the latest."""


class Uses:
    """Recalls since the last pass, by space: counted in memory, written by upkeep, so that reading stays free of writing.

    Args:
        most: so many memories of a space are followed; further ones wait for the next pass.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._seen: dict[str, dict[str, datetime]] = {}

    def note(self, space: str, ids: Iterable[str], at: datetime) -> None:
        """Count one use of each memory; several before a pass are one, the latest."""
        seen = self._seen.setdefault(space, {})
        for id in ids:
            if id in seen or len(seen) < self._most:
                seen[id] = at

    def forget(self, space: str, ids: Iterable[str]) -> None:
        """Leave out memories that a judgement called useless: being found was no use of them."""
        seen = self._seen.get(space, {})
        for id in ids:
            seen.pop(id, None)

    def spaces(self) -> list[str]:
        """Return the spaces with uses that no pass has taken yet."""
        return [space for space, seen in self._seen.items() if seen]

    def keep(self, space: str, store: Store) -> None:
        """Write the uses of a space beside its settings, for the next pass of whichever process, and forget them here.

        No entry of the journal is written: recalls are nothing to undo. Two processes that do so in the same moment may lose the uses
        of one; uses are hints.
        """
        seen = self._seen.pop(space, {})
        if seen:
            every = waiting(store) | {id: to_micros(at) for id, at in seen.items()}
            latest = sorted(every.items(), key=lambda use: -use[1])[:MOST_WAITING]
            store.set_meta(WAITING, dumps(dict(latest)).decode())

    def taken(self, space: str, store: Store, curve: Curve) -> list[Operation]:
        """Return the reinforcements of a space and forget them, with those that other processes left; what is gone is left out."""
        seen = {id: from_micros(at) for id, at in waiting(store).items()} | self._seen.pop(space, {})
        if not seen:
            return []
        present, usage = store.memories(list(seen)), store.usage(list(seen))
        grade = getattr(curve, "recall_grade", "good")  # a curve that counts judgements tells a mere recall from one
        return [curve.reinforced(id, usage.get(id), memory.at, grade, seen[id]) for id, memory in present.items()]


def waiting(store: Store) -> dict[str, int]:
    """Return memory -> time of use in microseconds, as processes that ended have left them for the next pass."""
    found: dict[str, int] = loads((store.meta().get(WAITING) or "{}").encode())
    return found


def clear_waiting(store: Store) -> None:
    """Forget the uses that were left, once a pass has applied them."""
    if store.meta().get(WAITING):
        store.set_meta(WAITING, "")
