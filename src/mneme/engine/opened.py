"""Open spaces: a bounded pool of stores with their indexes, so that one process can serve many thousands of spaces."""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from mneme.core.errors import Closed, ModelMismatch, NotFound
from mneme.core.ports import Embedder, Root, Store
from mneme.core.recipe import Recipe
from mneme.engine.census import CensusTaker
from mneme.engine.current import CurrentIndex
from mneme.engine.learning import Lessons
from mneme.text.analyser import Analyser

if sys.platform != "win32":
    import resource

_WEIGH_EVERY_S = 1.0
_APART = nullcontext()
MOST_OPEN = 256
"""So many spaces are open at once at most; opening one takes a few milliseconds."""

_FILES_EACH = 8
_FILES_SHARE = 0.5


def _most_open() -> int:
    """Return how many spaces may be open: they take at most half of the files that the process may open."""
    if sys.platform == "win32":
        return MOST_OPEN
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return MOST_OPEN
    return max(1, min(MOST_OPEN, int(limit * _FILES_SHARE) // _FILES_EACH))


@dataclass(slots=True, kw_only=True)
class Opened:
    """A space that is open: its store and its index, how many calls use it now, and its recipe once it was asked for.

    Its locks: ``writing`` and ``keeping`` let one write and one pass of upkeep run at a time, ``working`` one job of deferred work.
    """

    store: Store
    current: CurrentIndex
    users: int = 0
    recipe: Recipe | None = None
    writing: threading.Lock = field(default_factory=threading.Lock)
    census: CensusTaker | None = None
    keeping: threading.Lock = field(default_factory=threading.Lock)
    working: threading.Lock = field(default_factory=threading.Lock)
    lessons: Lessons = field(default_factory=Lessons)

    def nbytes(self) -> int:
        """Return roughly how much memory it takes."""
        census = 0 if self.census is None else self.census.nbytes()
        return self.store.resident_bytes() + self.current.nbytes() + census


class Pool:
    """The open spaces of one root; the least recently used that nobody uses closes first.

    Args:
        root: where spaces live.
        embedder: the model whose vectors the spaces must hold.
        max_open_bytes: how much memory open spaces may take together; one space always may be open.
        analyser: how texts become terms; None is the plain one.
        most: how many may be open; None follows from how many files the process may have open. Spaces in use don't close, so calls
            in many spaces at once may have more open for their time.
    """

    def __init__(
        self, root: Root, embedder: Embedder, max_open_bytes: int, analyser: Analyser | None = None, most: int | None = None
    ) -> None:
        self._root = root
        self._embedder = embedder
        self._limit = max_open_bytes
        self._analyser = analyser or Analyser()
        self._most = _most_open() if most is None else most
        self._open: OrderedDict[str, Opened] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False
        self._weighed_at = 0.0

    @contextmanager
    def use(
        self, name: str, *, create: bool = True, or_empty: bool = False, any_model: bool = False, steady: bool = False
    ) -> Iterator[Opened]:
        """Open a space for one call.

        Args:
            name: the space.
            create: make it if it is not there.
            or_empty: without ``create``, lend an empty one that is not kept if it is not there.
            any_model: its vectors may come from another model.
            steady: they may not have been changed to another model meanwhile either: what was read of both would be mixed.

        Raises:
            NotFound: there is no such space and neither ``create`` nor ``or_empty`` is set.
            ModelMismatch: its vectors come from another model and ``any_model`` is false.
            Closed: the memory is closed.
        """
        opened = self._taken(name, create=create, or_empty=or_empty)
        try:
            with read_together(opened.store) if steady else _APART:
                if not any_model:
                    self._check_model(name, opened.store)
                try:
                    yield opened
                finally:
                    if steady:
                        self._check_model(name, opened.store)
        finally:
            with self._lock:
                opened.users -= 1
                self._shrink()

    def _taken(self, name: str, *, create: bool, or_empty: bool) -> Opened:
        with self._lock:
            if self._closed:
                raise Closed("memory: is closed; open it again with mneme.Memory(...)")
            opened = self._open.get(name)
            if opened is not None and _is_gone(opened.store):
                self._retire(name, opened)
                opened = None
            if opened is None:
                self._make_room()
                try:
                    store = self._root.open(name, create=create)
                except NotFound:
                    if not or_empty:
                        raise
                    return self._empty(name)
                opened = self._open[name] = Opened(store=store, current=CurrentIndex(store, self._embedder.width, self._analyser))
                self._weighed_at = 0.0
            self._open.move_to_end(name)
            opened.users += 1
        return opened

    def _empty(self, name: str) -> Opened:
        from mneme.stores.dict_store import DictRoot

        store = DictRoot().open(name)
        return Opened(store=store, current=CurrentIndex(store, self._embedder.width, self._analyser), users=1)

    def _make_room(self) -> None:
        """Close the least recently used before one more is opened than may be: each has files open."""
        for name, opened in list(self._open.items()):
            if len(self._open) < self._most:
                return
            if opened.users == 0:
                del self._open[name]
                opened.store.close()

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

    def has(self, name: str) -> bool:
        """Return whether a space is open and still there."""
        with self._lock:
            opened = self._open.get(name)
        return opened is not None and not _is_gone(opened.store)

    def names(self) -> list[str]:
        """Return the names of the open spaces, least recently used first."""
        with self._lock:
            return list(self._open)

    def _retire(self, name: str, opened: Opened) -> None:
        """Let go of a space that another process dropped; calls that still read it keep its files open until they end."""
        del self._open[name]
        if opened.users == 0:
            opened.store.close()

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


def read_together(store: Store) -> AbstractContextManager[None]:
    """Return a block whose reads a store over a network answers with few round trips (:class:`mneme.core.ports.Reading`)."""
    begin: Callable[[], AbstractContextManager[None]] | None = getattr(store, "reading", None)
    return _APART if begin is None else begin()


def _is_gone(store: Store) -> bool:
    is_gone = getattr(store, "is_gone", None)
    return bool(is_gone and is_gone())
