"""Applying a batch: the space's head is locked, records are read once, changed in memory, and written with one statement per table.

The lock on the head row puts writers of one space in line, so entries are numbered and chained without gaps; writers of different spaces
do not meet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mneme.core.clock import from_micros, to_micros, to_utc
from mneme.core.codec import dumps, job_to_plain
from mneme.core.errors import Closed, Conflict, NotFound
from mneme.core.journal import Change, Entry, change_to_plain, content_digest, entry_hash, new_salt
from mneme.core.operations import (
    Cancel,
    Connect,
    Disconnect,
    Enqueue,
    Erase,
    Keep,
    Observe,
    Operation,
    Reinforce,
    Supersede,
)
from mneme.core.ports import Applied, Batch, Material
from mneme.core.records import Episode, Job, Link, Memory, Usage
from mneme.core.transition import Versioned, next_version, subject
from mneme.index.columns import SEARCHABLE
from mneme.stores import semantics as rules
from mneme.stores.postgres import erase, reads, search
from mneme.stores.postgres.connect import Session
from mneme.stores.postgres.glance import DROPPED
from mneme.stores.postgres.rows import (
    CHUNK,
    ENTRY_COLUMNS,
    HEAD_COLUMNS,
    HEAD_TYPES,
    JOB_COLUMNS,
    VERSIONS,
    Head,
    chunks,
    columns_of,
    entry_from,
    from_text,
    head_row,
    job_from,
    job_row,
    keyed,
    memory_from,
    to_text,
    tombstone,
    usage_from,
)

CHANNEL = "mneme"
"""The channel of LISTEN and NOTIFY; a message is the number of the space and of its last entry."""

_HEADS = f"""SELECT m.id, m.row, m.version, m.text_version, m.status, v.snapshot FROM mneme.memory m {keyed("m.version")}
  LEFT JOIN mneme.memory_version v ON v.space = $1 AND v.key = k.key
  WHERE m.space = $1 AND m.id = ANY($2::text[])"""
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
    session.transaction = last[-1]
    if batch.key is not None:
        sql = f"""SELECT {ENTRY_COLUMNS} FROM mneme.entry WHERE space = $1
          AND seq = (SELECT seq FROM mneme.idempotency WHERE space = $1 AND key = $2)"""
        found = session.one(sql, rules.key_digest(batch.key))
        if found is not None:
            return Applied(entry=entry_from(found), duplicate=True)
    if batch.based_on is not None and batch.rivals:
        later = "SELECT min(seq) FROM mneme.entry WHERE space = $1 AND seq > $2 AND verb = ANY($3::text[])"
        found = session.one(later, batch.based_on, list(batch.rivals))
        if found is not None and found[0] is not None:
            raise rules.overtaken(found[0])
    applied = _Application(session, batch, last).run()
    if notify and applied.entry is not None:
        session.run("SELECT pg_notify($2, $1::bigint::text || ' ' || $3::text)", CHANNEL, str(applied.entry.seq))
    return applied


class _Application:
    """One batch on its way into the tables."""

    def __init__(self, session: Session, batch: Batch, last: Sequence[Any]) -> None:
        self.sql = session
        self.batch = batch
        seq, last_at, self.previous, self.next_row, self.searched, self.transaction = last
        self.seq: int = seq + 1
        at = to_utc(batch.at, "at")
        self.recorded_at = max(at, from_micros(last_at)) if seq else at
        self.changes: list[Change] = []
        self.removed: Counter[str] = Counter()
        self.erasing: set[str] = set()
        self.heads: dict[str, Head | None] = {}
        self.dirty: dict[str, Head] = {}
        self.versions: dict[int, tuple[int, int, int, bytes, bytes]] = {}
        self.material: list[tuple[int, Material]] = []
        self.sources: dict[tuple[str, int], None] = {}
        self.episodes: dict[str, tuple[str, bytes, bytes]] = {}
        self.taken: set[str] = set()
        self.found_as: dict[int, tuple[int, bool]] = {}

    def run(self) -> Applied:
        meta = self._read_first()
        known = meta.get("model", ""), int(meta.get("width", "0"))
        model, width = rules.check_model(self.batch, *known)
        for operation in self.batch.operations:
            self._do(operation)
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
        reason = self.batch.reason or None
        salt = None if reason is None else new_salt()
        entry = Entry(
            seq=self.seq,
            recorded_at=self.recorded_at,
            verb=self.batch.verb,
            actor=self.batch.actor,
            reason=reason,
            reason_digest="" if reason is None or salt is None else content_digest(salt, reason.encode()),
            trace_id=self.batch.trace_id,
            undoes=self.batch.undoes,
            changes=tuple(self.changes),
            previous=self.previous,
        )
        entry = replace(entry, hash=entry_hash(entry))
        at = to_micros(entry.recorded_at)
        self.sql.run(
            f"""INSERT INTO mneme.entry (space, reason_salt, {ENTRY_COLUMNS})
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)""",
            salt, entry.seq, at, to_text(entry.verb), to_text(entry.actor), to_text(reason), entry.reason_digest,
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

    def _do(self, operation: Operation) -> None:
        match operation:
            case Observe():
                self._observe(operation.episode)
            case Connect():
                self._connect(operation.link)
            case Disconnect():
                self._disconnect(operation)
            case Reinforce():
                self._reinforce(operation)
            case Enqueue():
                self._enqueue(operation.job)
            case Cancel():
                self._cancel(operation.id)
            case Erase():
                self._erase(operation.id)
            case _:
                self._change(operation)

    # Heads ------------------------------------------------------------------------------------------------------

    def _read_first(self) -> dict[str, str]:
        """Read what the operations name, in one round trip, and return the settings."""
        ids = list(_named(self.batch.operations))
        observed = [to_text(each.episode.id) for each in self.batch.operations if isinstance(each, Observe)]
        with self.sql.connection.pipeline():
            settings = self.sql.run("SELECT key, value FROM mneme.meta WHERE space = $1 AND key IN ('model', 'width')")
            heads = self.sql.run(_HEADS, [to_text(id) for id in ids]) if ids else None
            taken = self.sql.run(_TAKEN, observed) if observed else None
        self._take_heads(ids, heads.fetchall() if heads is not None else [])
        self.taken = {from_text(id) for (id,) in taken.fetchall()} if taken is not None else set()
        return dict(settings.fetchall())

    def _load(self, ids: Iterable[str]) -> None:
        missing = [id for id in ids if id not in self.heads]
        self._take_heads(missing, self.sql.all(_HEADS, [to_text(id) for id in missing]))

    def _take_heads(self, ids: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self.heads.update(dict.fromkeys(ids))
        for column, row, version, text_version, status, snapshot in rows:
            id = from_text(column)
            memory = tombstone(id, version) if status == "erased" else memory_from(snapshot)
            self.heads[id] = Head(row, memory, text_version, stored=True)
            self.found_as[row] = text_version, status in SEARCHABLE

    def _moved(self) -> list[int]:
        """Return the rows whose place in search changed: new ones, and those with another text or findable no more or again."""
        present = [head for head in self.heads.values() if head is not None]
        return [head.row for head in present if self.found_as.get(head.row) != (head.text_version, head.memory.status in SEARCHABLE)]

    def _head(self, id: str) -> Head | None:
        if id not in self.heads:
            self._load([id])
        return self.heads[id]

    def _alive(self, id: str) -> Head:
        head = self._head(id)
        rules.check_alive(id, None if head is None else head.memory.status)
        assert head is not None  # check_alive raised otherwise
        return head

    def _new_row(self) -> int:
        self.next_row += 1
        return int(self.next_row) - 1

    def _version(self, head: Head, number: int) -> tuple[int, bytes] | None:
        """Return the text version and the snapshot of a version of a memory."""
        key = head.row * VERSIONS + number
        if key in self.versions:
            _, _, text_version, _, snapshot = self.versions[key]
            return text_version, snapshot
        if not 0 < number < VERSIONS:
            return None
        found = self.sql.one("SELECT text_version, snapshot FROM mneme.memory_version WHERE space = $1 AND key = $2", key)
        return None if found is None else (found[0], found[1])

    # Operations -------------------------------------------------------------------------------------------------

    def _observe(self, episode: Episode) -> None:
        content = rules.episode_bytes(replace(episode, recorded_at=self.recorded_at))
        id = episode.id
        if id in self.taken:
            raise Conflict(f"episode: the id {id!r} is taken")
        salt = new_salt()
        self.episodes[id] = (id, salt, content)
        self.taken.add(id)
        self.changes.append(Change(op="observe", subject=id, after=1, digest=content_digest(salt, content)))

    def _change(self, operation: Versioned) -> None:
        id = subject(operation)
        head = self._head(id)
        current = None if head is None else head.memory

        def version_of(number: int) -> Memory | None:
            found = self._version(head, number) if head is not None else None
            return None if found is None else memory_from(found[1])

        changed = next_version(operation, current, self.recorded_at, version_of)
        by = operation.by if isinstance(operation, Supersede) else None
        if by is not None:
            self._alive(by)
        if changed is not None:
            self._write_version(operation, head, changed)
        if by is not None:
            self._connect(rules.supersedes(by, id).link)

    def _write_version(self, operation: Versioned, head: Head | None, changed: Memory) -> None:
        content = rules.memory_bytes(changed)
        if changed.version >= VERSIONS:
            raise Conflict(f"memory: {changed.id!r} has {VERSIONS - 1} versions, the most there can be; write a new memory")
        current = None if head is None else head.memory
        material = rules.fresh_material(operation, self.batch, current is None or changed.text != current.text)
        if head is None:
            head = self.heads[changed.id] = Head(self._new_row(), changed, 1, stored=False)
        restored = rules.restored_version(operation)
        if material is not None:
            head.text_version = changed.version
            self.material.append((head.row * VERSIONS + changed.version, material))
        elif restored is not None and (found := self._version(head, restored)) is not None:
            head.text_version = found[0]
        head.memory = changed
        self.dirty[changed.id] = head
        salt = new_salt()
        self.versions[head.key] = (head.key, self.seq, head.text_version, salt, content)
        for span in changed.sources:
            self.sources[span.episode, head.row] = None
        self.changes.append(
            Change(
                op=type(operation).__name__.lower(),
                subject=changed.id,
                before=0 if current is None else current.version,
                after=changed.version,
                digest=content_digest(salt, content),
            )
        )

    def _connect(self, link: Link) -> None:
        rules.check_link(link)
        source, target = self._alive(link.source).row, self._alive(link.target).row
        before = self._close_link(source, target, link.type, unless=link.weight)
        if before == link.weight:
            return
        self.sql.run("INSERT INTO mneme.link VALUES ($1, $2, $3, $4, $5, NULL, $6)", source, target, link.type, self.seq, link.weight)
        self.changes.append(rules.connect_change(link, before))

    def _disconnect(self, operation: Disconnect) -> None:
        source, target = self._head(operation.source), self._head(operation.target)
        if source is None or target is None:
            return
        before = self._close_link(source.row, target.row, operation.type)
        if before is not None:
            self.changes.append(rules.disconnect_change(operation.source, operation.target, operation.type, before))

    def _close_link(self, source: int, target: int, type: str, unless: float | None = None) -> float | None:
        """End the present link unless it has the weight ``unless``; returns the weight that it had."""
        where = "WHERE space = $1 AND source = $2 AND target = $3 AND type = $4 AND to_seq IS NULL"
        found = self.sql.one(f"SELECT weight, from_seq FROM mneme.link {where}", source, target, type)
        if found is None:
            return None
        weight, from_seq = float(found[0]), found[1]
        if weight != unless:
            if from_seq == self.seq:
                self.sql.run(f"DELETE FROM mneme.link {where}", source, target, type)
            else:
                self.sql.run(f"UPDATE mneme.link SET to_seq = $5 {where}", source, target, type, self.seq)
        return weight

    def _reinforce(self, operation: Reinforce) -> None:
        head = self._alive(operation.id)
        columns = "SELECT uses, strength, last_used_at, state FROM mneme.usage WHERE space = $1 AND memory = $2"
        found = self.sql.one(columns, head.row)
        done = rules.reinforced(usage_from(*found) if found else Usage(), operation)
        if done is None:
            return
        usage, change = done
        last = None if usage.last_used_at is None else to_micros(usage.last_used_at)
        self.sql.run(
            """INSERT INTO mneme.usage VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (space, memory) DO UPDATE
               SET uses = excluded.uses, strength = excluded.strength, last_used_at = excluded.last_used_at, state = excluded.state""",
            head.row, usage.uses, usage.strength, last, dumps(dict(usage.state)),
        )  # fmt: skip
        self.dirty[operation.id] = head
        self.changes.append(change)

    def _enqueue(self, job: Job) -> None:
        payload = rules.check_job(job)
        same = "SELECT 1 FROM mneme.job WHERE space = $1 AND key = $2 AND state <> 'cancelled'"
        if job.key is not None and self.sql.one(same, to_text(job.key)):
            return
        present = self.sql.one("SELECT state FROM mneme.job WHERE space = $1 AND id = $2", to_text(job.id))
        if present is not None:
            if present[0] != "cancelled":
                raise Conflict(f"job: the id {job.id!r} is taken")
            self.sql.run("DELETE FROM mneme.job WHERE space = $1 AND id = $2", to_text(job.id))
        sql = f"INSERT INTO mneme.job (space, {JOB_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        self.sql.run(sql, *job_row(job, payload))
        self.changes.append(Change(op="enqueue", subject=job.id, detail={"task": job.task}))

    def _cancel(self, id: str) -> None:
        # A worker that claims the job at this moment holds the row; the cancelling waits, and then finds it leased.
        found = self.sql.one(f"SELECT {JOB_COLUMNS} FROM mneme.job WHERE space = $1 AND id = $2 FOR UPDATE", to_text(id))
        if found is None:
            raise NotFound("job", id)
        job = job_from(found)
        if job.state in rules.CANCELLABLE:
            self.sql.run("UPDATE mneme.job SET state = 'cancelled' WHERE space = $1 AND id = $2", to_text(id))
            self.changes.append(Change(op="cancel", subject=id, detail={"job": job_to_plain(job)}))

    def _erase(self, id: str) -> None:
        self.flush()
        head = self._head(id)
        before = 1
        if head is not None:
            if head.memory.status == "erased":
                return
            before = head.memory.version
            erase.erase_memory(self.sql, head.row, self.removed)
            head.memory, head.text_version = tombstone(id, before), 0
            self.dirty[id] = head
        else:
            found = self.sql.one("SELECT snapshot IS NULL FROM mneme.episode WHERE space = $1 AND id = $2", to_text(id))
            if found is None:
                raise NotFound("memory or episode", id)
            if found[0]:
                return
            erase.erase_episode(self.sql, id, self.removed)
        erase.drop_reasons(self.sql, id, self.removed)
        self.erasing.add(id)
        self.changes.append(Change(op="erase", subject=id, before=before))

    # Writing ----------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write what has gathered."""
        if self.episodes:
            rows = [(to_text(id), salt, content) for id, salt, content in self.episodes.values()]
            insert(self.sql, "episode", ("text", "bytea", "bytea"), rows)
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


def _named(operations: Iterable[Operation]) -> dict[str, None]:
    """Return the memory ids that operations name, so that one query reads them all."""
    ids: dict[str, None] = {}
    for operation in operations:
        match operation:
            case Keep():
                ids[operation.memory.id] = None
            case Connect():
                ids |= {operation.link.source: None, operation.link.target: None}
            case Disconnect():
                ids |= {operation.source: None, operation.target: None}
            case Observe() | Enqueue() | Cancel():
                pass
            case _:
                ids[operation.id] = None
    return ids
