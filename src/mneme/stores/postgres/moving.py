"""A space in a database as the source or the target of a move (:mod:`mneme.stores.moving`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mneme.core.codec import dumps, loads
from mneme.stores.logical import COLUMNS, NUMBERED
from mneme.stores.postgres import reads, search
from mneme.stores.postgres.apply import insert
from mneme.stores.postgres.connect import Session
from mneme.stores.postgres.root import PostgresRoot
from mneme.stores.postgres.rows import from_text, tags_from_text, tags_to_text, to_text
from mneme.stores.postgres.store import PostgresStore

Row = tuple[Any, ...]
_MARK = "arriving"
_FETCHED = 1000

_KINDS = {
    "entry": "i i t t t b s t i b s s",
    "memory": "i t i v v s s i i i t t t t t t g f",
    "memory_version": "i i v b b",
    "term": "i v b",
    "vector": "i v b",
    "touch": "t i",
    "idempotency": "b i",
    "episode": "t b b",
    "source": "t i",
    "staged": "i v b",
    "link": "i i s i i f",
    "usage": "i f f i b",
    "job": "t t b t s v i i t",
    "meta": "t t",
}
"""Kind of each column of ``COLUMNS``: i bigint, v integer, f double precision, b bytea, s plain text, t text with escapes, g tags."""

_TYPES = {"i": "bigint", "v": "integer", "f": "double precision", "b": "bytea", "s": "text", "t": "text", "g": "text"}


class _Rows:
    """One state of the space."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def rows(self, table: str, after: int) -> Iterator[Row]:
        columns, kinds = COLUMNS[table], _KINDS[table].split()
        first = columns.split(",")[0]
        values: tuple[Any, ...] = (self._session.space,)
        sql = f"SELECT {columns} FROM mneme.{table} WHERE space = $1"
        if table in NUMBERED:
            sql, values = f"{sql} AND {first} > $2 ORDER BY {first}", (*values, after)
        elif table == "meta":
            sql += f" AND key <> '{_MARK}'"
        with self._session.connection.cursor(f"move_{table}") as cursor:
            cursor.execute(sql, values, binary=True)
            while part := cursor.fetchmany(_FETCHED):
                for row in part:
                    yield tuple(_plain(value, kind) for value, kind in zip(row, kinds, strict=True))

    def mark(self) -> str:
        last = self._session.one("SELECT seq, hash FROM mneme.head WHERE space = $1") or (0, "")
        meta = reads.meta(self._session)
        return f"{last[0]} {last[1]} {meta.get('model', '')} {meta.get('width', '')}"


def _plain(value: Any, kind: str) -> Any:
    if kind == "t":
        return from_text(value)
    if kind == "g":
        return dumps(list(tags_from_text(value))).decode() if value is not None else None
    return value


def _stored(value: Any, kind: str) -> Any:
    if kind == "t":
        return to_text(value)
    if kind == "g":
        return tags_to_text(loads(value)) if value is not None else None
    return value


class PostgresSpace:
    """A space in a database.

    Args:
        store: its store.
        root: the root that lists it at the end.
        space: its name there.
    """

    def __init__(self, store: PostgresStore, *, root: PostgresRoot | None = None, space: str = "") -> None:
        self._store = store
        self._root = root
        self._space = space
        self._lock = None if root is None else root.claim(store.number, space)

    @contextmanager
    def reading(self) -> Iterator[_Rows]:
        """Read the space in one state, on a connection of its own."""
        with self._store.snapshot_session() as session:
            yield _Rows(session)

    def begin(self, mark: str) -> None:
        """Get ready; see :class:`mneme.stores.moving.Place`."""
        held = self._store.meta().get(_MARK)
        if held is not None and held != mark:
            self.clear()
        self._store.set_meta(_MARK, mark)

    def last(self, table: str) -> int:
        """Return the last number of a table."""
        first = COLUMNS[table].split(",")[0]
        sql = f"SELECT coalesce(max({first}), 0) FROM mneme.{table} WHERE space = $1"
        found = self._store.snapshot(lambda session: session.one(sql))
        return int(found[0]) if found else 0

    def put(self, table: str, rows: Sequence[Row]) -> None:
        """Take rows in."""
        kinds = _KINDS[table].split()
        columns = COLUMNS[table]
        stored = [tuple(_stored(value, kind) for value, kind in zip(row, kinds, strict=True)) for row in rows]
        types = [_TYPES[kind] for kind in kinds]
        self._store.write(lambda session: insert(session, f"{table} (space, {columns})", types, stored, "ON CONFLICT DO NOTHING"))

    def clear(self, table: str | None = None) -> None:
        """Throw away the rows of a table, or everything."""

        def change(session: Session) -> None:
            for each in [table] if table is not None else COLUMNS:
                keep = f" AND key <> '{_MARK}'" if each == "meta" and table else ""
                session.run(f"DELETE FROM mneme.{each} WHERE space = $1{keep}")

        self._store.write(change)

    def finish(self) -> None:
        """Set the head row, make a large space searchable, and list it."""

        def change(session: Session) -> None:
            reads.lock(session)
            session.run("DELETE FROM mneme.meta WHERE space = $1 AND key = $2", _MARK)
            session.run(
                """UPDATE mneme.head h SET seq = e.seq, at = e.at, hash = e.hash FROM mneme.entry e
                   WHERE h.space = $1 AND e.space = $1 AND e.seq = (SELECT max(seq) FROM mneme.entry WHERE space = $1)"""
            )
            last = session.one(
                """UPDATE mneme.head SET next_row = (SELECT coalesce(max(row), 0) + 1 FROM mneme.memory WHERE space = $1)
                   WHERE space = $1 RETURNING next_row - 1"""
            )
            search.follow(session, [], rows=int(last[0]) if last else 0, searched=False)

        self._store.write(change)
        if self._root is not None:
            self._root.arrived(self._space)

    def close(self) -> None:
        """Let other runs move the space; the store has no connection of its own."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None
