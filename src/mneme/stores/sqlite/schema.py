"""The tables of a space's file, and the numbered migrations that lead to them.

Rows that belong to one version of a memory have the integer key ``row * VERSIONS + version``: one machine integer is the cheapest
key that SQLite has, and the versions of a memory lie side by side. Content is plain UTF-8 JSON in ``snapshot`` columns and nowhere
else; vectors have a table of their own so that no other read pages through them.
"""

from __future__ import annotations

import sqlite3

from mneme.core.errors import CorruptStore, NewerStore

APPLICATION_ID = 0x6D6E656D  # "mnem"
VERSIONS = 1 << 20
"""How many versions a memory can have; the factor between a row and the keys of its versions."""

_FIRST = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, verb TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT, reason_salt BLOB,
  reason_digest TEXT NOT NULL, trace_id TEXT NOT NULL, undoes INTEGER, changes BLOB NOT NULL, previous TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE TABLE touch (subject TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (subject, seq)) WITHOUT ROWID;
CREATE TABLE idempotency (key BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE episode (row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, salt BLOB, snapshot BLOB);
CREATE TABLE memory (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL, version INTEGER NOT NULL,
  text_version INTEGER NOT NULL, status TEXT NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL, valid_from INTEGER NOT NULL,
  valid_to INTEGER, author TEXT, role TEXT, session TEXT, ref TEXT, channel TEXT, tier TEXT NOT NULL, tags TEXT,
  importance REAL NOT NULL
);
CREATE INDEX memory_seq ON memory (seq);
CREATE TABLE memory_version (
  key INTEGER PRIMARY KEY, seq INTEGER NOT NULL, text_version INTEGER NOT NULL, salt BLOB NOT NULL, snapshot BLOB NOT NULL
);
CREATE TABLE term (key INTEGER PRIMARY KEY, passages INTEGER NOT NULL, terms BLOB NOT NULL);
CREATE TABLE vector (key INTEGER PRIMARY KEY, passages INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE staged (key INTEGER PRIMARY KEY, passages INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE source (episode TEXT NOT NULL, memory INTEGER NOT NULL, PRIMARY KEY (episode, memory)) WITHOUT ROWID;
CREATE TABLE link (
  source INTEGER NOT NULL, target INTEGER NOT NULL, type TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER,
  weight REAL NOT NULL, PRIMARY KEY (source, target, type, from_seq)
) WITHOUT ROWID;
CREATE INDEX link_target ON link (target);
CREATE TABLE usage (
  memory INTEGER PRIMARY KEY, uses REAL NOT NULL, strength REAL NOT NULL, last_used_at INTEGER, state BLOB NOT NULL
);
CREATE TABLE job (
  id TEXT PRIMARY KEY, task TEXT NOT NULL, payload BLOB NOT NULL, key TEXT, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  due_at INTEGER NOT NULL, leased_until INTEGER, error TEXT
) WITHOUT ROWID;
CREATE INDEX job_due ON job (state, due_at);
CREATE UNIQUE INDEX job_key ON job (key) WHERE key IS NOT NULL AND state <> 'cancelled';
"""

MIGRATIONS: tuple[str, ...] = (_FIRST,)
"""Migration ``n`` (from 1) leads from version ``n - 1`` to ``n``; one that was released is never changed."""


def identify(connection: sqlite3.Connection, path: str) -> int:
    """Return the version of the file's format, 0 when it is new.

    Raises:
        CorruptStore: a database, but not one of ours.
        NewerStore: written by a newer version of mneme.
    """
    application, version, tables = marks_of(connection)
    if application != APPLICATION_ID:
        if application or version or tables:
            raise CorruptStore(f"path: {path} is an SQLite database but not one of mneme's; choose another folder")
        return 0
    if version > len(MIGRATIONS):
        raise NewerStore(f"path: {path} has format {version}, this mneme knows up to {len(MIGRATIONS)}; upgrade mneme to open it")
    return version


def marks_of(connection: sqlite3.Connection) -> tuple[int, int, int]:
    """Return application id, version and how many tables and indexes there are, of one moment: another process may be making the file."""
    begun = not connection.in_transaction
    if begun:
        connection.execute("BEGIN")
    try:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    finally:
        if begun:
            connection.execute("ROLLBACK")
    return application, version, tables


def migrate(connection: sqlite3.Connection, path: str) -> None:
    """Bring the file to the present format, each step in one transaction; safe when several processes do it at once."""
    for number, script in enumerate(MIGRATIONS, start=1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if identify(connection, path) < number:
                for statement in script.split(";"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
