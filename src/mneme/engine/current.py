"""Keeping the index in memory current: lazily built, brought up to the journal's last entry before every use."""

from __future__ import annotations

import threading
from collections import OrderedDict

from mneme.core.ports import Store
from mneme.index.view import SpaceIndex

_KEPT_PASTS = 2


class CurrentIndex:
    """The index of one space and of a few of its past states. Hold ``lock`` while using what it returns.

    Args:
        store: the space.
        width: the length of a vector.
    """

    def __init__(self, store: Store, width: int) -> None:
        self.lock = threading.RLock()
        self._store = store
        self._width = width
        self._index: SpaceIndex | None = None
        self._pasts: OrderedDict[tuple[int, int], SpaceIndex] = OrderedDict()

    def now(self) -> SpaceIndex:
        """Return the index of the present state, other processes' writes included."""
        last = self._store.last_seq()
        index = self._index
        if index is None:
            index = SpaceIndex(self._width, self._store.vectors)
            index.refresh(self._store.index_rows())
            self._index = index
        elif index.seq < last:
            rows = self._store.index_rows(after=index.seq)
            if "erased" in rows.status:
                # Built anew, so that nothing of what was erased stays in memory: not its terms, its vectors, its names.
                self.drop()
                return self.now()
            index.refresh(rows)
        return index

    def at(self, seq: int) -> SpaceIndex:
        """Return the index of the state after entry ``seq``, without what was erased since."""
        last = self._store.last_seq()
        if seq >= last:
            return self.now()
        key = (seq, last)
        past = self._pasts.get(key)
        if past is None:
            past = SpaceIndex(self._width, self._store.vectors)
            past.refresh(self._store.index_rows_at(seq))
            self._pasts[key] = past
            while len(self._pasts) > _KEPT_PASTS:
                self._pasts.popitem(last=False)
        self._pasts.move_to_end(key)
        return past

    def drop(self) -> None:
        """Forget everything in memory; the next use builds it anew."""
        with self.lock:
            self._index = None
            self._pasts.clear()

    def nbytes(self) -> int:
        """Return roughly how many bytes the index takes."""
        kept = [self._index, *self._pasts.values()]
        return sum(index.nbytes() for index in kept if index is not None)
