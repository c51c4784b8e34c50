"""Folding old entries into a checkpoint, and giving free pages back to the system."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mneme.core.clock import to_micros
from mneme.core.codec import dumps
from mneme.core.compaction import AT, SEQ, Folding, folded
from mneme.core.errors import Busy
from mneme.core.journal import Change, Entry, change_to_plain
from mneme.core.ports import Batch
from mneme.stores.applying import memory_from
from mneme.stores.checkpoint import answered, checkpoint, fold_change, superfluous
from mneme.stores.replay import Replay
from mneme.stores.semantics import touched
from mneme.stores.sqlite.apply import _Application
from mneme.stores.sqlite.reads import meta
from mneme.stores.sqlite.rows import ENTRY_COLUMNS, chunks, entry_from, select_in
from mneme.stores.sqlite.schema import VERSIONS

_REPEATED = f"""SELECT key, seq, text_version FROM memory_version WHERE key / {VERSIONS} IN
  (SELECT key / {VERSIONS} FROM memory_version WHERE seq <= ? GROUP BY 1 HAVING count(*) > 1) ORDER BY key"""


def fold(connection: sqlite3.Connection, to_seq: int, batch: Batch, *, dry_run: bool) -> Folding:
    """Fold every entry up to ``to_seq``, inside the transaction that is open on the connection."""
    before, _ = folded(meta(connection))
    replay = Replay()
    head: Entry | None = None
    answers: list[Change] = []
    keys = _keys(connection, before, to_seq)
    for row in connection.execute(f"SELECT {ENTRY_COLUMNS} FROM entry WHERE seq <= ? ORDER BY seq", (to_seq,)):
        head = entry_from(row)
        replay.play(head)
        answers += answered(head, keys.get(head.seq, ()))
    if head is None or head.seq != to_seq or to_seq <= before:
        return _nothing(connection)
    gone, older = superfluous(connection.execute(_REPEATED, (to_seq,)), to_seq, VERSIONS)
    links = connection.execute("SELECT count(*) FROM link WHERE to_seq <= ?", (to_seq,)).fetchone()[0]
    counted = {"entries": to_seq - before, "versions": len(gone), "links": links}
    if dry_run:
        return Folding(to_seq=to_seq, since=head.recorded_at, **counted)
    names = dict(select_in(connection, "SELECT row, id FROM memory WHERE row IN {}", list(older)))
    entries, digest = checkpoint(replay, head, {names[row]: numbers for row, numbers in older.items()}, answers)
    _drop_versions(connection, gone)
    connection.execute("DELETE FROM link WHERE to_seq <= ?", (to_seq,))
    _put(connection, to_seq, entries)
    settings = [(SEQ, str(to_seq)), (AT, str(to_micros(head.recorded_at)))]
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", settings)
    application = _Application(connection, batch)
    application.changes = [fold_change(before, head, digest, to_seq - before)]
    written = application._write_entry()
    return Folding(to_seq=to_seq, since=head.recorded_at, entry=written.seq, **counted)


def _keys(connection: sqlite3.Connection, before: int, to_seq: int) -> dict[int, list[bytes]]:
    """Return entry -> the digests of the idempotency keys that it was written under."""
    found: dict[int, list[bytes]] = {}
    for key, seq in connection.execute("SELECT key, seq FROM idempotency WHERE seq > ? AND seq <= ? ORDER BY seq, key", (before, to_seq)):
        found.setdefault(seq, []).append(key)
    return found


def _nothing(connection: sqlite3.Connection) -> Folding:
    seq, since = folded(meta(connection))
    return Folding(to_seq=seq, since=since)


def _put(connection: sqlite3.Connection, to_seq: int, entries: Sequence[Entry]) -> None:
    """Put a checkpoint in the place of the entries that it stands for."""
    connection.execute("DELETE FROM touch WHERE seq <= ?", (to_seq,))
    connection.execute("DELETE FROM entry WHERE seq <= ?", (to_seq,))
    for entry in entries:
        row: tuple[Any, ...] = (
            entry.seq, to_micros(entry.recorded_at), entry.verb, "", None, "", "", None,
            dumps([change_to_plain(change) for change in entry.changes]), entry.previous, entry.hash,
        )  # fmt: skip
        connection.execute(f"INSERT INTO entry ({ENTRY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        connection.executemany("INSERT INTO touch VALUES (?, ?)", [(id, entry.seq) for id in touched(entry.changes)])
    # A key that was used stays used; its entry is the checkpoint's last.
    connection.execute("UPDATE idempotency SET seq = ? WHERE seq < ?", (to_seq, to_seq))


def _drop_versions(connection: sqlite3.Connection, keys: Sequence[int]) -> None:
    """Delete versions with their material, and what only they rested on."""
    for row, episodes in _no_longer_rested_on(connection, keys):
        connection.executemany("DELETE FROM source WHERE episode = ? AND memory = ?", [(id, row) for id in episodes])
    for table in ("memory_version", "term", "vector", "staged"):
        connection.executemany(f"DELETE FROM {table} WHERE key = ?", [(key,) for key in keys])


def _no_longer_rested_on(connection: sqlite3.Connection, keys: Sequence[int]) -> Iterator[tuple[int, set[str]]]:
    going = set(keys)
    for part in chunks(sorted({key // VERSIONS for key in keys})):
        sources: dict[int, tuple[set[str], set[str]]] = {}
        sql = f"SELECT key, snapshot FROM memory_version WHERE key / {VERSIONS} IN (SELECT value FROM json_each(?))"
        for key, snapshot in connection.execute(sql, (dumps(part).decode(),)):
            found = sources.setdefault(key // VERSIONS, (set(), set()))[key in going]
            found.update(span.episode for span in memory_from(snapshot).sources)
        for row, (stay, go) in sources.items():
            if go - stay:
                yield row, go - stay


def vacuum(connection: sqlite3.Connection, path: Path, timeout_s: float) -> tuple[int, int]:
    """Rewrite the file without its free pages and empty its log; readers go on with what they see.

    Args:
        connection: the writer's, outside a transaction, with other writers kept out.
        path: the database file.
        timeout_s: how long to wait for readers that keep the log in use.

    Raises:
        Busy: one kept it for longer; the rewritten file is whole, but its log still stands beside it.
    """
    before = _size(path)
    connection.execute("VACUUM")
    deadline = time.monotonic() + timeout_s
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > deadline:
            raise Busy(f"storage: a reader kept the log of {path} in use, so the file can't shrink yet; end long reads, then vacuum again")
        time.sleep(0.01)
    return before, _size(path)


def _size(path: Path) -> int:
    log = Path(f"{path}-wal")
    return path.stat().st_size + (log.stat().st_size if log.exists() else 0)
