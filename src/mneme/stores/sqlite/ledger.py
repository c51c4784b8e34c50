"""Spends on disk: one small file beside the spaces, shared by every process of a root."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from datetime import date
from pathlib import Path

from mneme.core.errors import Closed
from mneme.core.llm import Spend, Total
from mneme.stores.sqlite.connect import BUSY_TIMEOUT_S, connect
from mneme.stores.sqlite.failures import translated

_TABLE = """
CREATE TABLE IF NOT EXISTS spend (
  id TEXT PRIMARY KEY, at TEXT NOT NULL, space TEXT NOT NULL, role TEXT NOT NULL, model TEXT NOT NULL, attempt INTEGER NOT NULL,
  outcome TEXT NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, usd REAL, estimated INTEGER NOT NULL,
  duration_s REAL NOT NULL, error TEXT, day TEXT NOT NULL
) WITHOUT ROWID"""
_INDEX = "CREATE INDEX IF NOT EXISTS spend_of_day ON spend (day, space, role)"
_NAMES = tuple(field.name for field in fields(Spend))
_SUMS = """
SELECT COALESCE(SUM(outcome <> 'unsent'), 0), COALESCE(SUM(outcome = 'failed'), 0), COALESCE(SUM(outcome = 'invalid'), 0),
  COALESCE(SUM(outcome <> 'unsent' AND attempt > 1), 0), COALESCE(SUM(outcome = 'open'), 0), COALESCE(SUM(outcome = 'unsent'), 0),
  COALESCE(SUM(CASE WHEN outcome <> 'unsent' THEN input_tokens END), 0),
  COALESCE(SUM(CASE WHEN outcome <> 'unsent' THEN output_tokens END), 0),
  COALESCE(SUM(CASE WHEN outcome <> 'unsent' THEN usd END), 0.0), COALESCE(SUM(outcome <> 'unsent' AND usd IS NULL), 0),
  COALESCE(SUM(outcome <> 'unsent' AND estimated), 0) FROM spend"""


class SQLiteLedger:
    """Keeps spends in a file; safe for threads and processes.

    Args:
        path: the file; made when missing.
        timeout_s: how long a write waits for other processes.
    """

    def __init__(self, path: str | Path, *, timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._path = Path(path)
        self._lock = threading.RLock()
        self._depth = 0
        with translated(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection: sqlite3.Connection | None = connect(self._path, "rwc", "full", timeout_s)
            self._connection.execute("PRAGMA journal_mode = WAL")
            with self.exclusive():
                self._open.execute(_TABLE)
                self._open.execute(_INDEX)

    def add(self, spend: Spend) -> None:
        """Keep a spend durably; one with the same id is replaced."""
        values = (*(value.isoformat() if name == "at" else value for name, value in zip(_NAMES, astuple(spend), strict=True)),)
        marks = ", ".join("?" * (len(_NAMES) + 1))
        with self.exclusive(), translated(self._path):
            self._open.execute(f"INSERT OR REPLACE INTO spend ({', '.join(_NAMES)}, day) VALUES ({marks})", (*values, _day(spend)))

    def total(self, *, day: date | None = None, space: str | None = None, role: str | None = None) -> Total:
        """Return the sum of the spends of a UTC day, a space and a role; None takes all."""
        asked = {"day": day.isoformat() if day else None, "space": space, "role": role}
        given = {name: value for name, value in asked.items() if value is not None}
        where = f" WHERE {' AND '.join(f'{name} = ?' for name in given)}" if given else ""
        with self._lock, translated(self._path):
            row = self._open.execute(_SUMS + where, tuple(given.values())).fetchone()
        return Total(**dict(zip((field.name for field in fields(Total)), row, strict=True)))

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold off other threads and processes: one immediate transaction, in which totals and adds are one step."""
        with self._lock:
            if self._depth:
                yield
                return
            with translated(self._path):
                self._open.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
            except BaseException:
                self._open.execute("ROLLBACK")
                raise
            else:
                with translated(self._path):
                    self._open.execute("COMMIT")
            finally:
                self._depth = 0

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise Closed(f"ledger: {self._path} is closed; open the memory again")
        return self._connection


def _day(spend: Spend) -> str:
    return spend.at.date().isoformat()
