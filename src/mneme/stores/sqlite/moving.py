"""A space's file as the source or the target of a move (:mod:`mneme.stores.moving`)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mneme.core.errors import Busy
from mneme.stores.logical import BEING_MOVED, COLUMNS, NUMBERED
from mneme.stores.sqlite.locks import FileLock
from mneme.stores.sqlite.store import SQLiteStore

if TYPE_CHECKING:
    from mneme.stores.sqlite.root import SQLiteRoot

Row = tuple[Any, ...]
_MARK = "arriving"


class _Rows:
    """One state of the file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, table: str, after: int) -> Iterator[Row]:
        columns = COLUMNS[table]
        if table in NUMBERED:
            first = columns.split(",")[0]
            yield from self._connection.execute(f"SELECT {columns} FROM {table} WHERE {first} > ? ORDER BY {first}", (after,))
        else:
            where = f" WHERE key <> '{_MARK}'" if table == "meta" else ""
            yield from self._connection.execute(f"SELECT {columns} FROM {table}{where}")

    def mark(self) -> str:
        last = self._connection.execute("SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone() or (0, "")
        meta = dict(self._connection.execute("SELECT key, value FROM meta WHERE key IN ('model', 'width')"))
        return f"{last[0]} {last[1]} {meta.get('model', '')} {meta.get('width', '')}"


class SQLiteFile:
    """A space's file.

    Args:
        path: the file as it is, or will be called.
        store: the open store, to read from.
        root: the root that lists it at the end.
        space: its name there.
    """

    def __init__(self, path: Path, *, store: SQLiteStore | None = None, root: SQLiteRoot | None = None, space: str = "") -> None:
        self._path = path
        self._part = path if store is not None else Path(f"{path}.arriving")
        self._given = store
        self._root = root
        self._space = space
        self._opened: SQLiteStore | None = store
        self._lock: FileLock | None = None
        if root is not None:
            self._claim(FileLock(Path(f"{path}.moving"), 0.0))

    def _claim(self, lock: FileLock) -> None:
        """Keep other runs out, which would throw away what this one lists."""
        if lock.held_by_another() or self._path.exists():
            lock.close()
            raise Busy(BEING_MOVED.format(space=self._space))
        self._lock = lock

    @property
    def _store(self) -> SQLiteStore:
        if self._opened is None:
            self._opened = SQLiteStore(self._part, durability="normal")
        return self._opened

    @contextmanager
    def reading(self) -> Iterator[_Rows]:
        """Read the file in one state."""
        with self._store.snapshot() as connection:
            yield _Rows(connection)

    def begin(self, mark: str) -> None:
        """Get ready; see :class:`mneme.stores.moving.Place`."""
        held = self._store.meta().get(_MARK)
        if held is not None and held != mark:
            self.clear()
        self._store.set_meta(_MARK, mark)

    def last(self, table: str) -> int:
        """Return the last number of a table."""
        first = COLUMNS[table].split(",")[0]
        with self._store.snapshot() as connection:
            return int(connection.execute(f"SELECT coalesce(max({first}), 0) FROM {table}").fetchone()[0])

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Take rows in."""
        columns = COLUMNS[table]
        marks = ", ".join("?" * len(columns.split(",")))
        sql = f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({marks})"
        self._store.write(lambda connection: connection.executemany(sql, rows))

    def clear(self, table: str | None = None) -> None:
        """Throw away the rows of a table, or everything."""

        def change(connection: sqlite3.Connection) -> None:
            for each in [table] if table is not None else COLUMNS:
                connection.execute(f"DELETE FROM {each}" + (f" WHERE key <> '{_MARK}'" if each == "meta" and table else ""))

        self._store.write(change)

    def finish(self) -> None:
        """Give the file its name, and list it."""
        self._store.write(lambda connection: connection.execute("DELETE FROM meta WHERE key = ?", (_MARK,)))
        if self._given is None:
            self._store.close()
            self._opened = None
        self._part.rename(self._path)
        for left in (*(Path(f"{self._part}{suffix}") for suffix in ("-wal", "-shm", ".lock")), Path(f"{self._path}.moving")):
            with suppress(FileNotFoundError):
                left.unlink()
        if self._root is not None:
            self._root.enter(self._space)

    def close(self) -> None:
        """Close the file, if it was not given open."""
        if self._given is None and self._opened is not None:
            self._opened.close()
            self._opened = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None
