"""Keeping the index in memory current: lazily built, brought up to the journal's last entry before every use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from mneme.core.errors import MnemeError
from mneme.core.ports import Excerpt, IndexRows, Searching, Store
from mneme.engine import glimpsing
from mneme.engine.rereading import reread
from mneme.index.excerpt import ExcerptIndex
from mneme.index.view import SpaceIndex
from mneme.text.analyser import Analyser

_KEPT_PASTS = 2


class CurrentIndex:
    """The index of one space and of a few of its past states. Hold ``lock`` while using what it returns.

    Args:
        store: the space.
        width: the length of a vector.
        analyser: makes token rows of another version anew.
    """

    def __init__(self, store: Store, width: int, analyser: Analyser) -> None:
        self.lock = threading.RLock()
        self._store = store
        self._width = width
        self._analyser = analyser
        self._index: SpaceIndex | None = None
        self._pasts: OrderedDict[tuple[int, int], SpaceIndex] = OrderedDict()
        self._loading: threading.Thread | None = None
        self._settling = threading.Lock()
        self._generation = 0

    def now(self) -> SpaceIndex:
        """Return the index of the present state, other processes' writes included."""
        last = self._store.last_seq()
        index = self._index
        if index is None:
            index = SpaceIndex(self._width, self._store.vectors)
            index.refresh(self._read(self._store.index_rows()))
            self._index = index
        elif index.seq < last:
            rows = self._store.index_rows(after=index.seq)
            if "erased" in rows.status:
                # Built anew, so that nothing of what was erased stays in memory: not its terms, its vectors, its names.
                self.drop()
                return self.now()
            index.refresh(self._read(rows))
        return index

    def excerpt(self, ask: Callable[[Searching], Excerpt]) -> SpaceIndex | None:
        """Return what a question needs of a space that is too large to be loaded for it; None where the index answers.

        The index is loaded beside, for the questions to come, unless it would be too large for that as well.

        Args:
            ask: asks the store.
        """
        store = self._store
        if self._index is not None or not isinstance(store, Searching):
            return None
        count = store.searched_documents()
        if count < glimpsing.EXCERPT_FROM:
            return None
        if count <= glimpsing.MOST_LOADED and self._loading is None:
            self._loading = threading.Thread(target=self._load, args=(self._generation,), name="mneme loading", daemon=True)
            self._loading.start()
        found = ask(store)
        return ExcerptIndex(self._width, store.vectors, replace(found, rows=self._read(found.rows)))

    def _load(self, generation: int) -> None:
        """Load the index in a thread of its own; what was dropped meanwhile stays dropped."""
        index = SpaceIndex(self._width, self._store.vectors)
        try:
            index.refresh(self._read(self._store.index_rows()))
        except MnemeError:
            index = None  # type: ignore[assignment]
        with self._settling:
            if index is not None and self._index is None and generation == self._generation:
                self._index = index
            self._loading = None

    def at(self, seq: int) -> SpaceIndex:
        """Return the index of the state after entry ``seq``, without what was erased since."""
        last = self._store.last_seq()
        if seq >= last:
            return self.now()
        key = (seq, last)
        past = self._pasts.get(key)
        if past is None:
            past = SpaceIndex(self._width, self._store.vectors)
            past.refresh(self._read(self._store.index_rows_at(seq)))
            self._pasts[key] = past
            while len(self._pasts) > _KEPT_PASTS:
                self._pasts.popitem(last=False)
        self._pasts.move_to_end(key)
        return past

    def _read(self, rows: IndexRows) -> IndexRows:
        return reread(self._store, self._analyser, rows)

    def drop(self) -> None:
        """Forget everything in memory; the next use builds it anew."""
        with self.lock, self._settling:
            self._generation += 1
            self._index = None
            self._pasts.clear()

    def nbytes(self) -> int:
        """Return roughly how many bytes the index takes."""
        kept = [self._index, *self._pasts.values()]
        return sum(index.nbytes() for index in kept if index is not None)
