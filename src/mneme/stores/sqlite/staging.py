"""Material made anew: vectors of another model gather beside the old ones and replace them in one transaction; token rows at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from mneme.core.errors import InvalidInput
from mneme.core.ports import FloatArray
from mneme.core.records import Memory
from mneme.stores.applying import memory_from
from mneme.stores.semantics import check_vectors
from mneme.stores.sqlite.reads import meta
from mneme.stores.sqlite.schema import VERSIONS

_PUT = "INSERT OR REPLACE INTO meta VALUES (?, ?)"


def stage(
    connection: sqlite3.Connection,
    model: str,
    rows: Sequence[int],
    text_versions: Sequence[int],
    vectors: Sequence[FloatArray],
) -> None:
    """Store another model's vectors beside those in use; those of a third model go. Call it inside a writing transaction."""
    settings = meta(connection)
    if settings.get("staged_model") != model:
        connection.execute("DELETE FROM staged")
        settings.pop("staged_width", None)
    width = check_vectors(vectors, int(settings.get("staged_width", "0")))
    connection.executemany(_PUT, [("staged_model", model), ("staged_width", str(width))])
    # What was erased since it was read has no term row any more and must not come back.
    connection.executemany(
        "INSERT OR REPLACE INTO staged SELECT key, ?, ? FROM term WHERE key = ?",
        [
            (len(array), np.ascontiguousarray(array, "<f4").tobytes(), int(row) * VERSIONS + int(number))
            for row, number, array in zip(rows, text_versions, vectors, strict=True)
        ],
    )


def unstaged(connection: sqlite3.Connection, model: str, limit: int) -> list[tuple[int, int, Memory]]:
    """Return (row, text version, memory) of what has no staged vectors of a model yet, oldest first."""
    lacking = ""
    if meta(connection).get("staged_model") == model:
        lacking = "WHERE NOT EXISTS (SELECT 1 FROM staged s WHERE s.key = t.key)"
    sql = f"SELECT t.key, v.snapshot FROM term t JOIN memory_version v ON v.key = t.key {lacking} ORDER BY t.key LIMIT ?"
    return [(key // VERSIONS, key % VERSIONS, memory_from(snapshot)) for key, snapshot in connection.execute(sql, (limit,))]


def switch(connection: sqlite3.Connection, model: str, width: int) -> bool:
    """Put the staged vectors in the place of those in use; False while some are missing. Call it in a writing transaction."""
    if unstaged(connection, model, 1):
        return False
    settings = meta(connection)
    staged = connection.execute("SELECT count(*) FROM staged").fetchone()[0]
    if staged and settings.get("staged_width") != str(width):
        raise InvalidInput({"width": f"is {width}, the staged vectors have {settings.get('staged_width')}"})
    connection.execute("UPDATE term SET passages = (SELECT s.passages FROM staged s WHERE s.key = term.key)")
    connection.execute("DELETE FROM staged WHERE passages = 0")
    connection.execute("DROP TABLE vector")
    connection.execute("ALTER TABLE staged RENAME TO vector")
    connection.execute("CREATE TABLE staged (key INTEGER PRIMARY KEY, passages INTEGER NOT NULL, data BLOB NOT NULL)")
    connection.execute("DELETE FROM meta WHERE key IN ('staged_model', 'staged_width')")
    connection.executemany(_PUT, [("model", model), ("width", str(width))])
    return True


def rewrite_terms(connection: sqlite3.Connection, rows: Sequence[int], text_versions: Sequence[int], terms: Sequence[bytes]) -> None:
    """Replace token rows. Call it in a writing transaction."""
    keys = [int(row) * VERSIONS + int(number) for row, number in zip(rows, text_versions, strict=True)]
    connection.executemany("UPDATE term SET terms = ? WHERE key = ?", list(zip(terms, keys, strict=True)))
