"""Applying a batch: heads are read once, changed in memory, and written with one statement per table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.codec import dumps
from mneme.core.errors import NotFound
from mneme.core.journal import Entry, change_to_plain
from mneme.core.ports import Applied, Batch
from mneme.core.records import Job, Usage
from mneme.stores import semantics as rules
from mneme.stores.applying import VERSIONS, Application, Head, memory_from, named, usage_from
from mneme.stores.checkpoint import first_call
from mneme.stores.sqlite import erase, reads
from mneme.stores.sqlite.rows import (
    ENTRY_COLUMNS,
    HEAD_COLUMNS,
    JOB_COLUMNS,
    entry_from,
    head_row,
    job_from,
    job_row,
    select_in,
)

_HEADS = f"""SELECT m.id, m.row, m.version, m.text_version, m.status, v.snapshot FROM memory m
  LEFT JOIN memory_version v ON v.key = m.row * {VERSIONS} + m.version WHERE m.id IN {{}}"""
_PRESENT_LINK = "WHERE source = ? AND target = ? AND type = ? AND to_seq IS NULL"
_COLUMNS = HEAD_COLUMNS.split(", ")
_INSERT_HEAD = f"INSERT INTO memory ({HEAD_COLUMNS}) VALUES ({', '.join('?' * len(_COLUMNS))})"
_UPDATE_HEAD = f"UPDATE memory SET {', '.join(f'{name} = ?' for name in _COLUMNS[2:])} WHERE row = ?"


def apply_batch(connection: sqlite3.Connection, batch: Batch) -> Applied:
    """Apply a batch inside the transaction that is open on the connection."""
    if batch.key is not None:
        found = connection.execute(
            f"SELECT {ENTRY_COLUMNS} FROM entry WHERE seq = (SELECT seq FROM idempotency WHERE key = ?)",
            (rules.key_digest(batch.key),),
        ).fetchone()
        if found is not None:
            first = first_call(entry_from(found), rules.key_digest(batch.key), lambda key: reads.entries_of(connection, key))
            return Applied(entry=first, duplicate=True)
    if batch.based_on is not None and batch.rivals:
        later = f"SELECT min(seq) FROM entry WHERE seq > ? AND verb IN ({', '.join('?' * len(batch.rivals))})"
        (rival,) = connection.execute(later, (batch.based_on, *batch.rivals)).fetchone()
        if rival is not None:
            raise rules.overtaken(rival)
    return _Application(connection, batch).run()


class _Application(Application):
    """One batch on its way into the tables."""

    def __init__(self, connection: sqlite3.Connection, batch: Batch) -> None:
        self.sql = connection
        last = connection.execute("SELECT seq, at, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        super().__init__(batch, last or (0, 0, ""))
        self.next_row: int | None = None

    def run(self) -> Applied:
        meta = dict(self.sql.execute("SELECT key, value FROM meta WHERE key IN ('model', 'width')"))
        known = meta.get("model", ""), int(meta.get("width", "0"))
        model, width = rules.check_model(self.batch, *known)
        self.load(named(self.batch.operations))
        for operation in self.batch.operations:
            self.do(operation)
        self.flush()
        if self.erasing:
            self.removed["job"] += erase.drop_jobs(self.sql, self.erasing)
        if not self.changes:
            return Applied(entry=None)
        if (model, width) != known:
            self.sql.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [("model", model), ("width", str(width))])
        return Applied(entry=self._write_entry(), removed=dict(+self.removed))

    def _write_entry(self) -> Entry:
        entry, salt = self.entry()
        self.sql.execute(
            f"INSERT INTO entry (reason_salt, {ENTRY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                salt, entry.seq, to_micros(entry.recorded_at), entry.verb, entry.actor, entry.reason, entry.reason_digest,
                entry.trace_id, entry.undoes, dumps([change_to_plain(change) for change in entry.changes]), entry.previous,
                entry.hash,
            ),
        )  # fmt: skip
        self.sql.executemany("INSERT INTO touch VALUES (?, ?)", [(id, self.seq) for id in rules.touched(self.changes)])
        if self.batch.key is not None:
            self.sql.execute("INSERT INTO idempotency VALUES (?, ?)", (rules.key_digest(self.batch.key), self.seq))
        return entry

    # Reading ----------------------------------------------------------------------------------------------------

    def load(self, ids: Iterable[str]) -> None:
        missing = [id for id in ids if id not in self.heads]
        self.take_heads(missing, list(select_in(self.sql, _HEADS, missing)))

    def _new_row(self) -> int:
        if self.next_row is None:
            self.next_row = int(self.sql.execute("SELECT coalesce(max(row), 0) FROM memory").fetchone()[0])
        self.next_row += 1
        return self.next_row

    def _stored_version(self, key: int) -> tuple[int, bytes] | None:
        found = self.sql.execute("SELECT text_version, snapshot FROM memory_version WHERE key = ?", (key,)).fetchone()
        return None if found is None else (found[0], found[1])

    def _is_taken(self, episode: str) -> bool:
        return self.sql.execute("SELECT 1 FROM episode WHERE id = ?", (episode,)).fetchone() is not None

    # Links, usage, jobs, erasing --------------------------------------------------------------------------------

    def _present_link(self, source: int, target: int, type: str) -> tuple[float, int] | None:
        found = self.sql.execute(f"SELECT weight, from_seq FROM link {_PRESENT_LINK}", (source, target, type)).fetchone()
        return None if found is None else (float(found[0]), found[1])

    def _end_link(self, source: int, target: int, type: str, *, delete: bool) -> None:
        if delete:
            self.sql.execute(f"DELETE FROM link {_PRESENT_LINK}", (source, target, type))
        else:
            self.sql.execute(f"UPDATE link SET to_seq = ? {_PRESENT_LINK}", (self.seq, source, target, type))

    def _put_link(self, source: int, target: int, type: str, weight: float) -> None:
        self.sql.execute("INSERT INTO link VALUES (?, ?, ?, ?, NULL, ?)", (source, target, type, self.seq, weight))

    def _usage_of(self, row: int) -> Usage | None:
        found = self.sql.execute("SELECT uses, strength, last_used_at, state FROM usage WHERE memory = ?", (row,)).fetchone()
        return usage_from(*found) if found else None

    def _put_usage(self, row: int, usage: Usage) -> None:
        last = None if usage.last_used_at is None else to_micros(usage.last_used_at)
        self.sql.execute(
            "INSERT OR REPLACE INTO usage (memory, uses, strength, last_used_at, state) VALUES (?, ?, ?, ?, ?)",
            (row, usage.uses, usage.strength, last, dumps(dict(usage.state))),
        )

    def _is_waited_for(self, key: str) -> bool:
        return self.sql.execute("SELECT 1 FROM job WHERE key = ? AND state <> 'cancelled'", (key,)).fetchone() is not None

    def _job(self, id: str) -> Job | None:
        found = self.sql.execute(f"SELECT {JOB_COLUMNS} FROM job WHERE id = ?", (id,)).fetchone()
        return None if found is None else job_from(found)

    def _put_job(self, job: Job, payload: bytes) -> None:
        self.sql.execute(f"INSERT OR REPLACE INTO job ({JOB_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", job_row(job, payload))

    def _set_cancelled(self, id: str) -> None:
        self.sql.execute("UPDATE job SET state = 'cancelled' WHERE id = ?", (id,))

    def _setting(self, key: str) -> str:
        found = self.sql.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return "" if found is None else str(found[0])

    def _put_setting(self, key: str, value: str) -> None:
        self.sql.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _erase_memory(self, head: Head) -> None:
        episodes = {span.episode for (snapshot,) in erase.snapshots(self.sql, head.row) for span in memory_from(snapshot).sources}
        erase.erase_memory(self.sql, head.row, episodes, self.removed)

    def _erase_episode(self, id: str) -> bool:
        found = self.sql.execute("SELECT snapshot IS NULL FROM episode WHERE id = ?", (id,)).fetchone()
        if found is None:
            raise NotFound("memory or episode", id)
        if not found[0]:
            erase.erase_episode(self.sql, id, self.removed)
        return not found[0]

    def _drop_reasons(self, id: str) -> None:
        erase.drop_reasons(self.sql, id, self.removed)

    # Writing ----------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        if self.episodes:
            self.sql.executemany("INSERT INTO episode (id, salt, snapshot) VALUES (?, ?, ?)", self.episodes.values())
            self.episodes = {}
        if self.dirty:
            rows = [(head_row(head, self.seq), head.stored) for head in self.dirty.values()]
            self.sql.executemany(_INSERT_HEAD, [row for row, stored in rows if not stored])
            self.sql.executemany(_UPDATE_HEAD, [(*row[2:], row[0]) for row, stored in rows if stored])
            for head in self.dirty.values():
                head.stored = True
            self.dirty = {}
        if self.versions:
            self.sql.executemany("INSERT INTO memory_version VALUES (?, ?, ?, ?, ?)", self.versions.values())
            self.versions = {}
        if self.material:
            self.sql.executemany(
                "INSERT INTO term VALUES (?, ?, ?)",
                [(key, len(material.vectors), material.terms) for key, material in self.material],
            )
            self.sql.executemany(
                "INSERT INTO vector VALUES (?, ?, ?)",
                [
                    (key, len(material.vectors), np.ascontiguousarray(material.vectors, "<f4").data.cast("B"))
                    for key, material in self.material
                    if len(material.vectors)
                ],
            )
            self.material = []
        if self.sources:
            self.sql.executemany("INSERT OR IGNORE INTO source VALUES (?, ?)", self.sources)
            self.sources = {}
