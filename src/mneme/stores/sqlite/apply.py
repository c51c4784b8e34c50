"""Applying a batch: heads are read once, changed in memory, and written with one statement per table."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from mneme.core.clock import from_micros, to_micros, to_utc
from mneme.core.codec import dumps, job_to_plain
from mneme.core.errors import Conflict, NotFound
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
from mneme.stores import semantics as rules
from mneme.stores.sqlite import erase
from mneme.stores.sqlite.rows import (
    ENTRY_COLUMNS,
    HEAD_COLUMNS,
    JOB_COLUMNS,
    Head,
    entry_from,
    head_row,
    job_from,
    job_row,
    memory_from,
    select_in,
    tombstone,
    usage_from,
)
from mneme.stores.sqlite.schema import VERSIONS

_HEADS = f"""SELECT m.id, m.row, m.version, m.text_version, m.status, v.snapshot FROM memory m
  LEFT JOIN memory_version v ON v.key = m.row * {VERSIONS} + m.version WHERE m.id IN {{}}"""
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
            return Applied(entry=entry_from(found), duplicate=True)
    if batch.based_on is not None and batch.rivals:
        later = f"SELECT min(seq) FROM entry WHERE seq > ? AND verb IN ({', '.join('?' * len(batch.rivals))})"
        (rival,) = connection.execute(later, (batch.based_on, *batch.rivals)).fetchone()
        if rival is not None:
            raise rules.overtaken(rival)
    return _Application(connection, batch).run()


class _Application:
    """One batch on its way into the tables."""

    def __init__(self, connection: sqlite3.Connection, batch: Batch) -> None:
        self.sql = connection
        self.batch = batch
        last = connection.execute("SELECT seq, at, hash FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
        self.seq: int = last[0] + 1 if last else 1
        self.previous: str = last[2] if last else ""
        at = to_utc(batch.at, "at")
        self.recorded_at = max(at, from_micros(last[1])) if last else at
        self.changes: list[Change] = []
        self.removed: Counter[str] = Counter()
        self.erasing: set[str] = set()
        self.heads: dict[str, Head | None] = {}
        self.dirty: dict[str, Head] = {}
        self.versions: dict[int, tuple[int, int, int, bytes, bytes]] = {}
        self.material: list[tuple[int, Material]] = []
        self.sources: dict[tuple[str, int], None] = {}
        self.episodes: dict[str, tuple[str, bytes, bytes]] = {}
        self.next_row: int | None = None

    def run(self) -> Applied:
        meta = dict(self.sql.execute("SELECT key, value FROM meta WHERE key IN ('model', 'width')"))
        known = meta.get("model", ""), int(meta.get("width", "0"))
        model, width = rules.check_model(self.batch, *known)
        self._load(_named(self.batch.operations))
        for operation in self.batch.operations:
            self._do(operation)
        self.flush()
        if self.erasing:
            self.removed["job"] += erase.drop_jobs(self.sql, self.erasing)
        if not self.changes:
            return Applied(entry=None)
        if (model, width) != known:
            self.sql.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [("model", model), ("width", str(width))])
        return Applied(entry=self._write_entry(), removed=dict(+self.removed))

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
        self.sql.execute(
            f"INSERT INTO entry (reason_salt, {ENTRY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                salt, entry.seq, to_micros(entry.recorded_at), entry.verb, entry.actor, reason, entry.reason_digest,
                entry.trace_id, entry.undoes, dumps([change_to_plain(change) for change in entry.changes]), entry.previous,
                entry.hash,
            ),
        )  # fmt: skip
        self.sql.executemany("INSERT INTO touch VALUES (?, ?)", [(id, self.seq) for id in rules.touched(self.changes)])
        if self.batch.key is not None:
            self.sql.execute("INSERT INTO idempotency VALUES (?, ?)", (rules.key_digest(self.batch.key), self.seq))
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

    def _load(self, ids: Iterable[str]) -> None:
        missing = [id for id in ids if id not in self.heads]
        rows = list(select_in(self.sql, _HEADS, missing))
        self.heads.update(dict.fromkeys(missing))
        for id, row, version, text_version, status, snapshot in rows:
            memory = tombstone(id, version) if status == "erased" else memory_from(snapshot)
            self.heads[id] = Head(row, memory, text_version, stored=True)

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
        if self.next_row is None:
            self.next_row = int(self.sql.execute("SELECT coalesce(max(row), 0) FROM memory").fetchone()[0])
        self.next_row += 1
        return self.next_row

    def _version(self, head: Head, number: int) -> tuple[int, bytes] | None:
        """Return the text version and the snapshot of a version of a memory."""
        key = head.row * VERSIONS + number
        if key in self.versions:
            _, _, text_version, _, snapshot = self.versions[key]
            return text_version, snapshot
        if not 0 < number < VERSIONS:
            return None
        found = self.sql.execute("SELECT text_version, snapshot FROM memory_version WHERE key = ?", (key,)).fetchone()
        return None if found is None else (found[0], found[1])

    # Operations -------------------------------------------------------------------------------------------------

    def _observe(self, episode: Episode) -> None:
        content = rules.episode_bytes(replace(episode, recorded_at=self.recorded_at))
        id = episode.id
        if id in self.episodes or self.sql.execute("SELECT 1 FROM episode WHERE id = ?", (id,)).fetchone():
            raise Conflict(f"episode: the id {id!r} is taken")
        salt = new_salt()
        self.episodes[id] = (id, salt, content)
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
        self.sql.execute("INSERT INTO link VALUES (?, ?, ?, ?, NULL, ?)", (source, target, link.type, self.seq, link.weight))
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
        where = "WHERE source = ? AND target = ? AND type = ? AND to_seq IS NULL"
        found = self.sql.execute(f"SELECT weight, from_seq FROM link {where}", (source, target, type)).fetchone()
        if found is None:
            return None
        weight, from_seq = float(found[0]), found[1]
        if weight != unless:
            if from_seq == self.seq:
                self.sql.execute(f"DELETE FROM link {where}", (source, target, type))
            else:
                self.sql.execute(f"UPDATE link SET to_seq = ? {where}", (self.seq, source, target, type))
        return weight

    def _reinforce(self, operation: Reinforce) -> None:
        head = self._alive(operation.id)
        found = self.sql.execute("SELECT uses, strength, last_used_at, state FROM usage WHERE memory = ?", (head.row,)).fetchone()
        done = rules.reinforced(usage_from(*found) if found else Usage(), operation)
        if done is None:
            return
        usage, change = done
        last = None if usage.last_used_at is None else to_micros(usage.last_used_at)
        self.sql.execute(
            "INSERT OR REPLACE INTO usage (memory, uses, strength, last_used_at, state) VALUES (?, ?, ?, ?, ?)",
            (head.row, usage.uses, usage.strength, last, dumps(dict(usage.state))),
        )
        self.dirty[operation.id] = head
        self.changes.append(change)

    def _enqueue(self, job: Job) -> None:
        payload = rules.check_job(job)
        same = "SELECT 1 FROM job WHERE key = ? AND state <> 'cancelled'"
        if job.key is not None and self.sql.execute(same, (job.key,)).fetchone():
            return
        present = self.sql.execute("SELECT state FROM job WHERE id = ?", (job.id,)).fetchone()
        if present is not None and present[0] != "cancelled":
            raise Conflict(f"job: the id {job.id!r} is taken")
        self.sql.execute(f"INSERT OR REPLACE INTO job ({JOB_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", job_row(job, payload))
        self.changes.append(Change(op="enqueue", subject=job.id, detail={"task": job.task}))

    def _cancel(self, id: str) -> None:
        found = self.sql.execute(f"SELECT {JOB_COLUMNS} FROM job WHERE id = ?", (id,)).fetchone()
        if found is None:
            raise NotFound("job", id)
        job = job_from(found)
        if job.state in rules.CANCELLABLE:
            self.sql.execute("UPDATE job SET state = 'cancelled' WHERE id = ?", (id,))
            self.changes.append(Change(op="cancel", subject=id, detail={"job": job_to_plain(job)}))

    def _erase(self, id: str) -> None:
        self.flush()
        head = self._head(id)
        before = 1
        if head is not None:
            if head.memory.status == "erased":
                return
            before = head.memory.version
            episodes = {span.episode for (snapshot,) in erase.snapshots(self.sql, head.row) for span in memory_from(snapshot).sources}
            erase.erase_memory(self.sql, head.row, episodes, self.removed)
            head.memory, head.text_version = tombstone(id, before), 0
            self.dirty[id] = head
        else:
            found = self.sql.execute("SELECT snapshot IS NULL FROM episode WHERE id = ?", (id,)).fetchone()
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
