"""The change feed: who waits for changes is woken by NOTIFY and catches up by sequence number.

A notification carries no content and may be lost with its connection; what counts is the journal. So a listener that was away reads the
entries after the last number it saw and misses nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

import psycopg

from mneme.core.errors import StorageError
from mneme.core.journal import Entry
from mneme.stores.postgres.apply import CHANNEL
from mneme.stores.postgres.failures import lost, translate

if TYPE_CHECKING:
    from mneme.stores.postgres.root import PostgresRoot

_AGAIN_S = 0.2
_PAGE = 500


class Changes:
    """Listens to the changes of every space of a database, on a connection of its own.

    Args:
        root: the database.
        timeout_s: how long a server that restarts is waited for.

    Raises:
        StorageError: the server can't be reached.

    Example::

        with Changes(root) as changes:
            for space, seq in changes.wait(timeout_s=10).items():
                ...
    """

    def __init__(self, root: PostgresRoot, *, timeout_s: float = 30.0) -> None:
        self._root = root
        self._timeout_s = timeout_s
        self._names: dict[int, str] = {}
        self._connection: psycopg.Connection[Any] | None = self._connect()

    def _connect(self) -> psycopg.Connection[Any]:
        end = time.monotonic() + self._timeout_s
        while True:
            try:
                connection = psycopg.connect(self._root.url, autocommit=True, connect_timeout=5, application_name="mneme feed")
                connection.execute(f"LISTEN {CHANNEL}")
                return connection
            except psycopg.Error as error:
                if not lost(error) or time.monotonic() > end:
                    raise translate(error, self._root.where) from error
                time.sleep(_AGAIN_S)

    def wait(self, *, timeout_s: float) -> Mapping[int, int]:
        """Return the numbers of the spaces that changed, each with its last entry; empty when nothing did in time.

        After a lost connection it listens on a new one and returns ``{0: 0}`` at once: look at every space that matters.

        Raises:
            StorageError: the server did not come back in time.
        """
        if self._connection is None:
            raise StorageError("feed: it is closed; open a new one")
        seen: dict[int, int] = {}
        try:
            for heard in self._connection.notifies(timeout=timeout_s, stop_after=1):
                _take(seen, heard.payload)
            for heard in self._connection.notifies(timeout=0):
                _take(seen, heard.payload)
        except psycopg.Error as error:
            if not lost(error):
                raise translate(error, self._root.where) from error
            self._connection = self._connect()
            return {0: 0}
        return seen

    def heard(self, *, timeout_s: float) -> tuple[str, ...] | None:
        """Return the names of the spaces that changed; empty when none did in time, None after a lost connection: look at every space.

        Raises:
            StorageError: the server did not come back in time.
        """
        changed = self.wait(timeout_s=timeout_s)
        if 0 in changed:
            return None
        for number in changed.keys() - self._names.keys():
            name = self._root.name_of(number)
            if name is not None:
                self._names[number] = name
        return tuple(sorted(self._names[number] for number in changed if number in self._names))

    def follow(self, space: str, *, after: int, timeout_s: float) -> Iterator[Entry]:
        """Yield the entries of a space after a number, those to come as well, until nothing came for so long.

        Raises:
            NotFound: there is no such space.
            StorageError: the server did not come back in time.
        """
        store = self._root.open(space, create=False)
        while True:
            while page := store.entries(after=after, limit=_PAGE):
                yield from page
                after = page[-1].seq
            end = time.monotonic() + timeout_s
            while (left := end - time.monotonic()) > 0:
                changed = self.wait(timeout_s=left)
                if 0 in changed or changed.get(store.number, 0) > after:
                    break
            else:
                return

    def close(self) -> None:
        """Stop listening; closing twice is fine."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _take(seen: dict[int, int], payload: str) -> None:
    space, _, seq = payload.partition(" ")
    if space.isdigit() and seq.isdigit():  # anybody who may connect may notify
        seen[int(space)] = max(int(seq), seen.get(int(space), 0))
