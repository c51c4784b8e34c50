"""Tables in a private database: SQL written by somebody else, run over given rows, with nothing within its reach but these rows.

The database lives in memory for one chain of statements. What changed is read off by comparing rows, so the caller stores changes the way
it stores everything else. An authoriser refuses whatever is no plain reading or writing of the tables: attaching files, pragmas, changes
of the schema, transactions, loading code. Work, length of texts and number of rows are bounded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mneme.core.errors import InvalidInput, Refused

Value = str | int | float | None
Row = tuple[Value, ...]
Rows = Mapping[int, Row]
Readable = Mapping[str, tuple[Sequence[str], Callable[[], Sequence[Row]]]]

MOST_STEPS = 50_000_000
"""Instructions of the database's machine for one statement; some seconds of work."""

MOST_ROWS = 1_000
MOST_CHARS = 1_000_000
MOST_SQL_CHARS = 20_000

_TICK = 100_000
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_WRITES = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_FORBIDDEN_FUNCTIONS = frozenset(
    {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "sqlite_compileoption_get", "zeroblob", "randomblob"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a statement gave.

    Args:
        columns: their names; empty for a statement that returns nothing.
        rows: at most 1,000.
        more: there were further rows.
        changed: how many rows it inserted, updated or deleted.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    more: bool = False
    changed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row that is not as it was.

    Args:
        table: its table.
        row: its number.
        before, after: its values; None where there was or is no such row.
    """

    table: str
    row: int
    before: Row | None
    after: Row | None


class Tables:
    """Tables of a schema, filled with rows.

    Args:
        schema: ``CREATE TABLE`` statements, and indexes and views if wanted.
        rows: table -> number of the row -> its values.
        readable: further tables that may be read only: name -> (columns, what returns the rows); asked for them when a statement or
            the schema first has the name.

    Raises:
        InvalidInput: the schema is no SQL, holds anything but tables, indexes and views, or has a table without row numbers.
    """

    def __init__(self, schema: str, rows: Mapping[str, Rows], readable: Readable | None = None) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._steps = 0
        self._readable = frozenset(readable or {})
        self._unread = dict(readable or {})
        self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_CHARS)
        self._db.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, MOST_SQL_CHARS)
        self._db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        self._db.set_authorizer(_defining)
        try:
            self._db.executescript(schema)
        except (sqlite3.Error, ValueError) as error:
            raise InvalidInput({"schema": f"is no list of CREATE TABLE statements ({error})"}) from error
        self._db.set_authorizer(None)
        self.columns = self._columns()
        self._fill(rows, readable or {})
        self._read(schema)
        self._before = self._snapshot()
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("BEGIN")
        self._db.set_authorizer(self._allowed)
        self._db.set_progress_handler(self._tick, _TICK)

    def execute(self, sql: str, values: Sequence[Value] = ()) -> Found:
        """Return what one statement gives; ``values`` stand for its question marks.

        Raises:
            InvalidInput: it is no single statement, fails, or takes too long.
            Refused: it reaches for something other than the tables.
        """
        self._db.set_authorizer(None)
        self._read(sql)
        self._db.set_authorizer(self._allowed)
        self._steps = 0
        before = self._db.total_changes
        try:
            cursor = self._db.execute(sql, tuple(values))
            rows = cursor.fetchmany(MOST_ROWS + 1)
        except sqlite3.Error as error:
            if "not authorized" in str(error) or "prohibited" in str(error):
                raise Refused(f"sql: only SELECT, INSERT, UPDATE and DELETE on the tables are allowed ({error})") from error
            told = f"takes more than {MOST_STEPS:,} steps; narrow it down" if "interrupted" in str(error) else f"fails: {error}"
            raise InvalidInput({"sql": told}) from error
        except (ValueError, OverflowError) as error:
            raise InvalidInput({"sql": f"fails: {error}"}) from error
        columns = tuple(item[0] for item in cursor.description or ())
        return Found(columns=columns, rows=tuple(rows[:MOST_ROWS]), more=len(rows) > MOST_ROWS, changed=self._db.total_changes - before)

    def changes(self) -> list[Change]:
        """Return the rows that are not as they were, in order of table and number.

        Raises:
            InvalidInput: a constraint that was put off does not hold, or a value is neither text nor a number.
        """
        self._db.set_authorizer(None)
        if broken := self._db.execute("PRAGMA foreign_key_check").fetchall():
            raise InvalidInput({"sql": f"leaves rows of {broken[0][0]} that point nowhere in {broken[0][2]}"})
        after = self._snapshot()
        self._db.set_authorizer(self._allowed)
        found = []
        for table in self.columns:
            for row in sorted({*self._before[table], *after[table]}):
                old, new = self._before[table].get(row), after[table].get(row)
                if old != new:
                    found.append(Change(table=table, row=row, before=old, after=new))
        odd = next((change for change in found if any(isinstance(value, bytes) for value in change.after or ())), None)
        if odd:
            raise InvalidInput({"sql": f"puts bytes into {odd.table}; give text or numbers"})
        return found

    def close(self) -> None:
        """Give the memory back."""
        self._db.close()

    def _columns(self) -> dict[str, tuple[str, ...]]:
        tables = [name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        if not tables:
            raise InvalidInput({"schema": "has no table; write CREATE TABLE statements"})
        try:
            for table in tables:
                self._db.execute(f"SELECT rowid FROM {_quoted(table)}")
        except sqlite3.Error as error:
            raise InvalidInput({"schema": f"has a table without row numbers: {table}; leave out WITHOUT ROWID"}) from error
        if taken := self._readable & {table.casefold() for table in tables}:
            raise InvalidInput({"schema": f"may not have a table named {', '.join(sorted(taken))}; that name is taken"})
        return {table: tuple(row[1] for row in self._db.execute(f"PRAGMA table_info({_quoted(table)})")) for table in tables}

    def _read(self, sql: str) -> None:
        """Fill the tables that may only be read and that a text names, views over them included."""
        said = sql.casefold()
        for table in [table for table in self._unread if table.casefold() in said]:
            columns, given = self._unread.pop(table)
            self._db.executemany(f"INSERT INTO {_quoted(table)} VALUES ({_marks(len(columns))})", given())

    def _fill(self, rows: Mapping[str, Rows], readable: Readable) -> None:
        for table, (columns, _) in readable.items():
            self._db.execute(f"CREATE TABLE {_quoted(table)} ({', '.join(map(_quoted, columns))})")
        for table, columns in self.columns.items():
            into = f"INSERT INTO {_quoted(table)} (rowid, {', '.join(map(_quoted, columns))}) VALUES ({_marks(len(columns) + 1)})"
            self._db.executemany(into, [(number, *values) for number, values in rows.get(table, {}).items()])

    def _snapshot(self) -> dict[str, dict[int, Row]]:
        found = {}
        for table, columns in self.columns.items():
            listed = ", ".join(map(_quoted, columns))
            found[table] = {row[0]: tuple(row[1:]) for row in self._db.execute(f"SELECT rowid, {listed} FROM {_quoted(table)}")}
        return found

    def _allowed(self, action: int, first: str | None, second: str | None, database: str | None, via: str | None) -> int:
        if action in _READS:
            return sqlite3.SQLITE_DENY if (first or "").startswith("sqlite_") else sqlite3.SQLITE_OK
        if action in _WRITES:
            return sqlite3.SQLITE_OK if first in self.columns and database == "main" else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_DENY if (second or "").casefold() in _FORBIDDEN_FUNCTIONS else sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    def _tick(self) -> int:
        self._steps += _TICK
        return int(self._steps > MOST_STEPS)


_DEFINES = frozenset(
    {
        sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_VIEW, sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_READ, sqlite3.SQLITE_SELECT, sqlite3.SQLITE_REINDEX,
        sqlite3.SQLITE_TRANSACTION,
    }
)  # fmt: skip


def _defining(action: int, first: str | None, second: str | None, database: str | None, via: str | None) -> int:
    """Let a schema make tables, indexes and views; it writes to the list of tables and to nothing else."""
    if action in (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE) and not (first or "").startswith("sqlite_"):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _DEFINES and database != "temp" else sqlite3.SQLITE_DENY


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _marks(count: int) -> str:
    return ", ".join("?" * count)
