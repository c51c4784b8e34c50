"""Forgetting for good: deleting what an erasure names, making the files forget it too, and searching them afterwards."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from mneme.core.codec import dumps, loads
from mneme.core.errors import Busy, StorageFull
from mneme.core.query import Finding
from mneme.stores.semantics import names_any, stored_forms
from mneme.stores.sqlite.failures import translate
from mneme.stores.sqlite.needles import Needles
from mneme.stores.sqlite.schema import VERSIONS

SMALL_FILE = 4 * 1024 * 1024
"""Up to this size a file is always rewritten whole; it takes a few milliseconds."""
_CHUNK = 1 << 20
_ROWS = 1000


def _keys(row: int) -> tuple[int, int]:
    return row * VERSIONS, (row + 1) * VERSIONS - 1


def snapshots(connection: sqlite3.Connection, row: int) -> Iterator[tuple[bytes]]:
    """Yield the snapshots of every version of a memory."""
    yield from connection.execute("SELECT snapshot FROM memory_version WHERE key BETWEEN ? AND ?", _keys(row))


def erase_memory(connection: sqlite3.Connection, row: int, episodes: Iterable[str], removed: Counter[str]) -> None:
    """Delete everything of a memory but its row, which becomes a tombstone.

    Args:
        connection: in a transaction.
        row: the memory.
        episodes: what its versions rest on.
        removed: place -> rows removed; counted up.
    """
    keys = _keys(row)
    removed["memory"] += 1
    for place, table in (("vector", "vector"), ("staged_vector", "staged")):
        counted = f"SELECT coalesce(sum(passages), 0) FROM {table} WHERE key BETWEEN ? AND ?"
        removed[place] += connection.execute(counted, keys).fetchone()[0]
        connection.execute(f"DELETE FROM {table} WHERE key BETWEEN ? AND ?", keys)
    for place, table in (("memory_version", "memory_version"), ("terms", "term")):
        removed[place] += connection.execute(f"DELETE FROM {table} WHERE key BETWEEN ? AND ?", keys).rowcount
    removed["link"] += connection.execute("DELETE FROM link WHERE source = ? OR target = ?", (row, row)).rowcount
    removed["usage"] += connection.execute("DELETE FROM usage WHERE memory = ?", (row,)).rowcount
    for episode in episodes:
        deleted = connection.execute("DELETE FROM source WHERE episode = ? AND memory = ?", (episode, row))
        removed["source"] += deleted.rowcount


def erase_episode(connection: sqlite3.Connection, id: str, removed: Counter[str]) -> None:
    """Delete an episode's content and salt; its id stays taken."""
    connection.execute("UPDATE episode SET salt = NULL, snapshot = NULL WHERE id = ?", (id,))
    removed["episode"] += 1


def drop_reasons(connection: sqlite3.Connection, id: str, removed: Counter[str]) -> None:
    """Delete the reasons, with their salts, of every entry that touched a memory or an episode."""
    where = "reason IS NOT NULL AND seq IN (SELECT seq FROM touch WHERE subject = ?)"
    changed = connection.execute(f"UPDATE entry SET reason = NULL, reason_salt = NULL WHERE {where}", (id,))
    removed["reason"] += changed.rowcount


def drop_jobs(connection: sqlite3.Connection, ids: set[str]) -> int:
    """Cancel and empty the jobs whose payload names one of the ids; returns how many."""
    rows = connection.execute("SELECT id, payload FROM job WHERE payload <> CAST('{}' AS BLOB)")
    naming = [id for id, payload in rows if names_any(loads(payload), ids)]
    empty = "UPDATE job SET payload = ?, key = NULL, error = NULL, state = 'cancelled' WHERE id = ?"
    connection.executemany(empty, [(dumps({}), id) for id in naming])
    return len(naming)


def held(connection: sqlite3.Connection, needles: Sequence[bytes]) -> set[bytes]:
    """Return which needles occur in rows that are still there: in any column of any table, and in the schema itself.

    Only of the others a finding of :func:`scan` is a trace of something that should be gone. Texts are not looked for in vectors.
    """
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    texts = {needle for needle in needles if _is_text(needle)}
    found: set[bytes] = set()
    for name in [*names, "sqlite_master"]:
        rows = connection.execute(f"SELECT * FROM {name}")
        apart = texts if name in ("vector", "staged") else set()
        sought, size = _sought(set(needles) - found - apart), len(found)
        while sought.longest and (part := rows.fetchmany(_ROWS)):
            found |= sought.within(b"\0".join(_bytes(value) for row in part for value in row if isinstance(value, str | bytes))).keys()
            if len(found) > size:  # what is common is found at once and need not be looked for again
                sought, size = _sought(set(needles) - found - apart), len(found)
    return found


def _sought(needles: set[bytes]) -> Needles:
    return Needles((needle, form) for needle in needles for form in stored_forms(needle))


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _is_text(needle: bytes) -> bool:
    try:
        needle.decode()
    except UnicodeDecodeError:
        return False
    return True


def scrub(connection: sqlite3.Connection, path: Path, *, rewrite: bool, timeout_s: float) -> None:
    """Empty the write-ahead log into the file and, where needed, rewrite the file.

    Deleted cells and freed pages are overwritten at once (``secure_delete``). What can remain are copies that SQLite
    left behind when it moved cells between pages; only a rewritten file is free of them.

    Args:
        connection: the writer's, outside a transaction, with other writers kept out.
        path: the database file.
        rewrite: rewrite also a large file.
        timeout_s: how long to wait for readers.

    Raises:
        Busy: a reader kept the log in use for longer than the timeout.
    """
    if rewrite:
        connection.execute("VACUUM")
    elif path.stat().st_size <= SMALL_FILE:
        try:
            connection.execute("VACUUM")
        except sqlite3.OperationalError as error:
            # Without room for a second file there is still the search, which tells whether the rewriting was needed.
            if not isinstance(translate(error, path), StorageFull):
                raise
    deadline = time.monotonic() + timeout_s
    pause = 0.001
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > deadline:
            raise Busy(f"storage: a reader kept the log of {path} in use; end long reads, then erase again")
        time.sleep(pause)
        pause = min(pause * 2, 0.1)


def scan(descriptor: int, path: Path, needles: Mapping[str, bytes]) -> tuple[int, list[Finding]]:
    """Search the database file and its log, byte by byte.

    Args:
        descriptor: an open descriptor of the database file; opening it anew would drop SQLite's locks.
        path: the database file.
        needles: what -> bytes; a text is also searched for in the form that it has inside JSON.

    Returns:
        How many bytes were searched, and the first place of each needle in each file.
    """
    sought = Needles((what, form) for what, needle in needles.items() for form in stored_forms(needle))
    searched, findings = _search(descriptor, path.name, sought)
    log = Path(f"{path}-wal")
    if log.exists():
        with log.open("rb") as file:
            more, found = _search(file.fileno(), log.name, sought)
        searched, findings = searched + more, findings + found
    return searched, findings


def _search(descriptor: int, name: str, needles: Needles) -> tuple[int, list[Finding]]:
    overlap = max(needles.longest - 1, 0)
    findings: dict[str, Finding] = {}
    offset, tail = 0, b""
    while chunk := os.pread(descriptor, max(_CHUNK, 2 * overlap), offset):
        window = tail + chunk
        for what, at in needles.within(window).items():
            findings.setdefault(what, Finding(place=f"{name}, byte {offset - len(tail) + at}", what=what))
        offset += len(chunk)
        tail = window[-overlap:] if overlap else b""
    return offset, list(findings.values())
