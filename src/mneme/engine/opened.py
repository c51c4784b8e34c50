"""Open spaces: a bounded pool of stores with their indexes, so that one process can serve many thousands of spaces."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mneme.core.errors import Closed, ModelMismatch
from mneme.core.ports import Embedder, Root, Store
from mneme.core.recipe import Recipe
from mneme.engine.current import CurrentIndex

_WEIGH_EVERY_S = 1.0


@dataclass(slots=True, kw_only=True)
class Opened:
    """A space that is open: its store and its index, how many calls use it now, and its recipe once it was asked for."""

    store: Store
    current: CurrentIndex
    users: int = 0
    recipe: Recipe | None = None
    writing: threading.Lock = field(default_factory=threading.Lock)

    def nbytes(self) -> int:
        """Return roughly how much memory it takes."""
        return self.store.resident_bytes() + self.current.nbytes()


class Pool:
    """The open spaces of one root; the least recently used that nobody uses closes first.

    Args:
        root: where spaces live.
        embedder: the model whose vectors the spaces must hold.
        max_open_bytes: how much memory open spaces may take together; one space always may be open.
    """

    def __init__(self, root: Root, embedder: Embedder, max_open_bytes: int) -> None:
        self._root = root
        self._embedder = embedder
        self._limit = max_open_bytes
        self._open: OrderedDict[str, Opened] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False
        self._weighed_at = 0.0

    @contextmanager
    def use(self, name: str, *, create: bool = True, any_model: bool = False) -> Iterator[Opened]:
        """Open a space for one call.

        Raises:
            NotFound: there is no such space and ``create`` is false.
            ModelMismatch: its vectors come from another model and ``any_model`` is false.
            Closed: the memory is closed.
        """
        with self._lock:
            if self._closed:
                raise Closed("memory: is closed; open it again with mneme.Memory(...)")
            opened = self._open.get(name)
            if opened is None:
                store = self._root.open(name, create=create)
                opened = self._open[name] = Opened(store=store, current=CurrentIndex(store, self._embedder.width))
                self._weighed_at = 0.0
            self._open.move_to_end(name)
            opened.users += 1
        try:
            if not any_model:
                self._check_model(name, opened.store)
            yield opened
        finally:
            with self._lock:
                opened.users -= 1
                self._shrink()

    def drop(self, name: str) -> None:
        """Close a space at once, for example before it is removed."""
        with self._lock:
            opened = self._open.pop(name, None)
        if opened is not None:
            opened.store.close()

    def close(self) -> None:
        """Close every space."""
        with self._lock:
            self._closed = True
            spaces = list(self._open.values())
            self._open.clear()
        for opened in spaces:
            opened.store.close()

    def names(self) -> list[str]:
        """Return the names of the open spaces, least recently used first."""
        with self._lock:
            return list(self._open)

    def _check_model(self, name: str, store: Store) -> None:
        model = store.meta().get("model", "")
        if model and model != self._embedder.identity:
            raise ModelMismatch(
                f"space {name!r}: its vectors come from {model!r}, this memory uses {self._embedder.identity!r};"
                f" open it with that model, or change the vectors with `mneme reembed --space {name}`"
            )

    def _shrink(self) -> None:
        now = time.monotonic()
        if now - self._weighed_at < _WEIGH_EVERY_S:
            return  # weighing many spaces takes as long as a call; they grow slowly
        self._weighed_at = now
        total = sum(opened.nbytes() for opened in self._open.values())
        for name, opened in list(self._open.items())[:-1]:
            if total <= self._limit:
                return
            if opened.users == 0:
                total -= opened.nbytes()
                del self._open[name]
                opened.store.close()
