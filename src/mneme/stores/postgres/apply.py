"""Applying a batch: the space's head is locked, records are read once, changed in memory, and written with one statement per table.

The lock on the head row puts writers of one space in line, so entries are numbered and chained without gaps; writers of different spaces
do not meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.codec import dumps
from mneme.core.errors import Closed, NotFound
from mneme.core.journal import Entry, change_to_plain
from mneme.core.operations import Observe
from mneme.core.ports import Applied, Batch
from mneme.core.records import Job, Usage
from mneme.index.columns import SEARCHABLE
from mneme.stores import semantics as rules
from mneme.stores.applying import Application, Head, named, usage_from
from mneme.stores.checkpoint import first_call
from mneme.stores.postgres import erase, reads, search
from mneme.stores.postgres.connect import Session
from mneme.stores.postgres.glance import DROPPED
from mneme.stores.postgres.rows import (
    CHUNK,
    ENTRY_COLUMNS,
    HEAD_COLUMNS,
    HEAD_TYPES,
    JOB_COLUMNS,
    chunks,
    columns_of,
    entry_from,
    from_text,
    head_row,
    job_from,
    job_row,
    keyed,
    to_text,
)

CHANNEL = "mneme"
"""The channel of LISTEN and NOTIFY; a message is the number of the space and of its last entry."""

_HEADS = f"""SELECT m.id, m.row, m.version, m.text_version, m.status, v.snapshot FROM mneme.memory m {keyed("m.version")}
  LEFT JOIN mneme.memory_version v ON v.space = $1 AND v.key = k.key
  WHERE m.space = $1 AND m.id = ANY($2::text[])"""
_PRESENT_LINK = "WHERE space = $1 AND source = $2 AND target = $3 AND type = $4 AND to_seq IS NULL"
_TAKEN = "SELECT id FROM mneme.episode WHERE space = $1 AND id = ANY($2::text[])"
_UPSERT_HEADS = (
    f"INSERT INTO mneme.memory (space, {', '.join(HEAD_COLUMNS)}) SELECT $1, u.* FROM unnest("
    + ", ".join(f"${number}::{type}[]" for number, type in enumerate(HEAD_TYPES, 2))
    + ") u ON CONFLICT (space, row) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in HEAD_COLUMNS[2:])
)


def insert(session: Session, table: str, types: Sequence[str], rows: Sequence[Sequence[Any]], then: str = "") -> None:
    """Insert rows of a table whose columns have these types, after the space, in their order."""
    for part in chunks(rows, CHUNK):
        arrays = ", ".join(f"${number}::{type}[]" for number, type in enumerate(types, 2))
        session.run(f"INSERT INTO mneme.{table} SELECT $1, u.* FROM unnest({arrays}) u {then}", *columns_of(part))


def apply_batch(session: Session, batch: Batch, *, notify: bool) -> Applied:
    """Apply a batch inside the transaction that is open."""
    last = session.one(
        "SELECT seq, at, hash, next_row, searched, pg_current_xact_id()::text::bigint FROM mneme.head WHERE space = $1 FOR UPDATE"
    )
    if last is None:
        raise Closed(DROPPED)
    if batch.key is not None:
        sql = f"""SELECT {ENTRY_COLUMNS} FROM mneme.entry WHERE space = $1
          AND seq = (SELECT seq FROM mneme.idempotency WHERE space = $1 AND key = $2)"""
        found = session.one(sql, rules.key_digest(batch.key))
        if found is not None:
            first = first_call(entry_from(found), rules.key_digest(batch.key), lambda key: reads.entries_of(session, key))
            return Applied(entry=first, duplicate=True)
    if batch.based_on is not None and batch.rivals:
        later = "SELECT min(seq) FROM mneme.entry WHERE space = $1 AND seq > $2 AND verb = ANY($3::text[])"
        found = session.one(later, batch.based_on, list(batch.rivals))
        if found is not None and found[0] is not None:
            raise rules.overtaken(found[0])
    applied = _Application(session, batch, last).run()
    if notify and applied.entry is not None:
        session.run("SELECT pg_notify($2, $1::bigint::text || ' ' || $3::text)", CHANNEL, str(applied.entry.seq))
    return applied


def is_applied(session: Session, applied: Applied) -> bool:
    """Return whether the entry of a batch is in the journal; what wrote none need not be there."""
    entry = applied.entry
    if entry is None or applied.duplicate:
        return True
    found = session.one("SELECT hash = $3 FROM mneme.entry WHERE space = $1 AND seq = $2", entry.seq, entry.hash)
    return bool(found and found[0])


class _Application(Application):
    """One batch on its way into the tables."""

    def __init__(self, session: Session, batch: Batch, last: Sequence[Any]) -> None:
        seq, at, previous, self.next_row, self.searched, self.transaction = last
        super().__init__(batch, (seq, at, previous))
        self.sql = session
        self.taken: set[str] = set()
        self.found_as: dict[int, tuple[int, bool]] = {}

    def run(self) -> Applied:
        meta = self._read_first()
        known = meta.get("model", ""), int(meta.get("width", "0"))
        model, width = rules.check_model(self.batch, *known)
        for operation in self.batch.operations:
            self.do(operation)
        with self.sql.connection.pipeline():
            self.flush()
            if not self.changes:
                return Applied(entry=None)
            if (model, width) != known:
                reads.put_meta(self.sql, {"model": model, "width": str(width)})
            entry = self._write_entry()
        if self.erasing:
            self.removed["job"] += erase.drop_jobs(self.sql, self.erasing)
            self.sql.run("UPDATE mneme.head SET erased_xid = $2 WHERE space = $1", self.transaction)
        search.follow(self.sql, self._moved(), rows=self.next_row - 1, searched=self.searched)
        return Applied(entry=entry, removed=dict(+self.removed))

    def _write_entry(self) -> Entry:
        entry, salt = self.entry()
        at = to_micros(entry.recorded_at)
        self.sql.run(
            f"""INSERT INTO mneme.entry (space, reason_salt, {ENTRY_COLUMNS})
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
            salt, entry.seq, at, to_text(entry.verb), to_text(entry.actor), to_text(entry.reason), entry.reason_digest,
            to_text(entry.trace_id), entry.undoes, dumps([change_to_plain(change) for change in entry.changes]), entry.previous,
            entry.hash,
        )  # fmt: skip
        insert(self.sql, "touch", ("text", "bigint"), [(to_text(id), self.seq) for id in rules.touched(self.changes)])
        if self.batch.key is not None:
            self.sql.run("INSERT INTO mneme.idempotency VALUES ($1, $2, $3)", rules.key_digest(self.batch.key), self.seq)
        self.sql.run(
            "UPDATE mneme.head SET seq = $2, at = $3, hash = $4, next_row = $5 WHERE space = $1", self.seq, at, entry.hash, self.next_row
        )
        return entry

    # Reading ----------------------------------------------------------------------------------------------------

    def _read_first(self) -> dict[str, str]:
        """Read what the operations name, in one round trip, and return the settings."""
        ids = list(named(self.batch.operations))
        observed = [to_text(each.episode.id) for each in self.batch.operations if isinstance(each, Observe)]
        with self.sql.connection.pipeline():
            settings = self.sql.run("SELECT key, value FROM mneme.meta WHERE space = $1 AND key IN ('model', 'width')")
            heads = self.sql.run(_HEADS, [to_text(id) for id in ids]) if ids else None
            taken = self.sql.run(_TAKEN, observed) if observed else None
        self._take(ids, heads.fetchall() if heads is not None else [])
        self.taken = {from_text(id) for (id,) in taken.fetchall()} if taken is not None else set()
        return dict(settings.fetchall())

    def load(self, ids: Iterable[str]) -> None:
        missing = [id for id in ids if id not in self.heads]
        self._take(missing, self.sql.all(_HEADS, [to_text(id) for id in missing]))

    def _take(self, ids: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self.take_heads(ids, ((from_text(id), row, version, text, status, held) for id, row, version, text, status, held in rows))
        for _, row, _, text_version, status, _ in rows:
            self.found_as[row] = text_version, status in SEARCHABLE

    def _moved(self) -> list[int]:
        """Return the rows whose place in search changed: new ones, and those with another text or findable no more or again."""
        present = [head for head in self.heads.values() if head is not None]
        return [head.row for head in present if self.found_as.get(head.row) != (head.text_version, head.memory.status in SEARCHABLE)]

    def _new_row(self) -> int:
        self.next_row += 1
        return int(self.next_row) - 1

    def _stored_version(self, key: int) -> tuple[int, bytes] | None:
        found = self.sql.one("SELECT text_version, snapshot FROM mneme.memory_version WHERE space = $1 AND key = $2", key)
        return None if found is None else (found[0], found[1])

    def _is_taken(self, episode: str) -> bool:
        return episode in self.taken

    # Links, usage, jobs, erasing --------------------------------------------------------------------------------

    def _present_link(self, source: int, target: int, type: str) -> tuple[float, int] | None:
        found = self.sql.one(f"SELECT weight, from_seq FROM mneme.link {_PRESENT_LINK}", source, target, type)
        return None if found is None else (float(found[0]), found[1])

    def _end_link(self, source: int, target: int, type: str, *, delete: bool) -> None:
        if delete:
            self.sql.run(f"DELETE FROM mneme.link {_PRESENT_LINK}", source, target, type)
        else:
            self.sql.run(f"UPDATE mneme.link SET to_seq = $5 {_PRESENT_LINK}", source, target, type, self.seq)

    def _put_link(self, source: int, target: int, type: str, weight: float) -> None:
        self.sql.run("INSERT INTO mneme.link VALUES ($1, $2, $3, $4, $5, NULL, $6)", source, target, type, self.seq, weight)

    def _usage_of(self, row: int) -> Usage | None:
        found = self.sql.one("SELECT uses, strength, last_used_at, state FROM mneme.usage WHERE space = $1 AND memory = $2", row)
        return usage_from(*found) if found else None

    def _put_usage(self, row: int, usage: Usage) -> None:
        last = None if usage.last_used_at is None else to_micros(usage.last_used_at)
        self.sql.run(
            """INSERT INTO mneme.usage VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (space, memory) DO UPDATE
               SET uses = excluded.uses, strength = excluded.strength, last_used_at = excluded.last_used_at, state = excluded.state""",
            row, usage.uses, usage.strength, last, dumps(dict(usage.state)),
        )  # fmt: skip

    def _is_waited_for(self, key: str) -> bool:
        return self.sql.one("SELECT 1 FROM mneme.job WHERE space = $1 AND key = $2 AND state <> 'cancelled'", to_text(key)) is not None

    def _job(self, id: str) -> Job | None:
        # A worker that claims the job at this moment holds the row; the cancelling waits, and then finds it leased.
        found = self.sql.one(f"SELECT {JOB_COLUMNS} FROM mneme.job WHERE space = $1 AND id = $2 FOR UPDATE", to_text(id))
        return None if found is None else job_from(found)

    def _put_job(self, job: Job, payload: bytes) -> None:
        self.sql.run("DELETE FROM mneme.job WHERE space = $1 AND id = $2", to_text(job.id))
        sql = f"INSERT INTO mneme.job (space, {JOB_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        self.sql.run(sql, *job_row(job, payload))

    def _set_cancelled(self, id: str) -> None:
        self.sql.run("UPDATE mneme.job SET state = 'cancelled' WHERE space = $1 AND id = $2", to_text(id))

    def _setting(self, key: str) -> str:
        found = self.sql.one("SELECT value FROM mneme.meta WHERE space = $1 AND key = $2", to_text(key))
        return "" if found is None else from_text(found[0])

    def _put_setting(self, key: str, value: str) -> None:
        reads.put_meta(self.sql, {key: value})

    def _erase_memory(self, head: Head) -> None:
        erase.erase_memory(self.sql, head.row, self.removed)

    def _erase_episode(self, id: str) -> bool:
        found = self.sql.one("SELECT snapshot IS NULL FROM mneme.episode WHERE space = $1 AND id = $2", to_text(id))
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
            rows = [(to_text(id), salt, content) for id, salt, content in self.episodes.values()]
            insert(self.sql, "episode", ("text", "bytea", "bytea"), rows)
            self.taken.update(self.episodes)
            self.episodes = {}
        if self.dirty:
            for part in chunks([head_row(head, self.seq) for head in self.dirty.values()]):
                self.sql.run(_UPSERT_HEADS, *columns_of(part))
            for head in self.dirty.values():
                head.stored = True
            self.dirty = {}
        if self.versions:
            types = ("bigint", "bigint", "integer", "bytea", "bytea")
            insert(self.sql, "memory_version", types, list(self.versions.values()))
            self.versions = {}
        if self.material:
            made = [(key, len(material.vectors), material.terms) for key, material in self.material]
            insert(self.sql, "term", ("bigint", "integer", "bytea"), made)
            filled = [(key, material.vectors) for key, material in self.material if len(material.vectors)]
            data = [(key, len(vectors), np.ascontiguousarray(vectors, "<f4").tobytes()) for key, vectors in filled]
            insert(self.sql, "vector", ("bigint", "integer", "bytea"), data)
            self.material = []
        if self.sources:
            rests = [(to_text(episode), memory) for episode, memory in self.sources]
            insert(self.sql, "source", ("text", "bigint"), rests, "ON CONFLICT DO NOTHING")
            self.sources = {}
