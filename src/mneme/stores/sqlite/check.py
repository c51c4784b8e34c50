"""Proving a space: does every row agree with the journal, and the journal with itself?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np

from mneme.core.clock import to_micros
from mneme.core.codec import loads
from mneme.core.journal import content_digest, entry_hash
from mneme.stores.replay import Replay, used
from mneme.stores.sqlite.reads import meta
from mneme.stores.sqlite.rows import ENTRY_COLUMNS, entry_from, memory_from, usage_from
from mneme.stores.sqlite.schema import VERSIONS

_FILE_PROBLEMS = 20


def check(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong, in no words of the content; call it inside a transaction."""
    rows = connection.execute(f"PRAGMA integrity_check({_FILE_PROBLEMS})")
    problems = [f"file: {what}" for (what,) in rows if what != "ok"]
    if problems:
        return problems
    replay = Replay()
    present: set[tuple[str, int]] = set()
    problems += _chain(connection, replay)
    problems += _versions(connection, replay, present)
    problems += _episodes(connection, replay, present)
    problems += replay.lacking(present)
    problems += _heads(connection, replay)
    problems += _material(connection)
    problems += _links(connection, replay)
    problems += _usage(connection, replay)
    problems += _touches(connection, replay)
    return problems


def _chain(connection: sqlite3.Connection, replay: Replay) -> Iterator[str]:
    previous, expected = "", 1
    for row in connection.execute(f"SELECT {ENTRY_COLUMNS}, reason_salt FROM entry ORDER BY seq"):
        entry, salt = entry_from(row[:-1]), row[-1]
        if entry.seq != expected:
            yield f"entry {entry.seq}: {expected} was to follow; entries are missing"
        if entry.previous != previous or entry.hash != entry_hash(entry):
            yield f"entry {entry.seq}: its hash does not follow from the entry before it"
        if entry.reason is not None and content_digest(salt or b"", entry.reason.encode()) != entry.reason_digest:
            yield f"entry {entry.seq}: its reason does not fit its digest"
        replay.play(entry)
        previous, expected = entry.hash, entry.seq + 1


def _versions(connection: sqlite3.Connection, replay: Replay, present: set[tuple[str, int]]) -> Iterator[str]:
    sql = f"""SELECT m.id, v.key % {VERSIONS}, v.salt, v.snapshot, v.key / {VERSIONS} FROM memory_version v
      LEFT JOIN memory m ON m.row = v.key / {VERSIONS} ORDER BY v.key"""
    sources: set[tuple[str, int]] = set()
    for id, number, salt, snapshot, row in connection.execute(sql):
        name = f"memory {id} version {number}"
        present.add((id, number))
        if replay.digests.get((id, number)) != content_digest(salt, snapshot):
            yield f"{name}: its content does not fit its digest in the journal"
            continue
        memory = memory_from(snapshot)
        if (memory.id, memory.version) != (id, number):
            yield f"{name}: its content is that of another version"
        sources |= {(span.episode, row) for span in memory.sources}
    if sources != set(connection.execute("SELECT episode, memory FROM source")):
        yield "source: the rows do not agree with what the memories rest on"


def _episodes(connection: sqlite3.Connection, replay: Replay, present: set[tuple[str, int]]) -> Iterator[str]:
    for id, salt, snapshot in connection.execute("SELECT id, salt, snapshot FROM episode WHERE snapshot IS NOT NULL"):
        present.add((id, 1))
        if replay.digests.get((id, 1)) != content_digest(salt or b"", snapshot):
            yield f"episode {id}: its content does not fit its digest in the journal"


def _heads(connection: sqlite3.Connection, replay: Replay) -> Iterator[str]:
    heads = {}
    sql = f"""SELECT m.id, m.version, m.status, m.text_version, v.text_version, v.snapshot,
        (SELECT max(o.key) % {VERSIONS} FROM memory_version o
         WHERE o.key BETWEEN m.row * {VERSIONS} AND m.row * {VERSIONS} + {VERSIONS - 1}),
        m.seq, m.at, m.valid_from, m.valid_to, m.kind, m.author, m.role, m.session, m.ref, m.channel, m.tier, m.tags, m.importance
      FROM memory m LEFT JOIN memory_version v ON v.key = m.row * {VERSIONS} + m.version"""
    for id, version, status, text_version, its_text_version, snapshot, last, seq, *columns in connection.execute(sql):
        heads[id] = seq
        if (status == "erased") != (id in replay.erased):
            yield f"memory {id}: its row and the journal do not agree on whether it was erased"
        if status == "erased":
            if last is not None:
                yield f"memory {id}: it was erased but versions are left"
            continue
        if last != version or its_text_version != text_version:
            yield f"memory {id}: its row is at version {version}, its last version is {last}"
            continue
        memory = memory_from(snapshot)
        tags = tuple(loads(columns[10])) if columns[10] else ()
        held = (status, *columns[:10], tags, columns[11])
        ends = None if memory.valid_to is None else to_micros(memory.valid_to)
        times = (to_micros(memory.at), to_micros(memory.valid_from), ends)
        if held != (
            memory.status, *times, memory.kind, memory.author, memory.role, memory.session, memory.ref, memory.channel, memory.tier,
            memory.tags, memory.importance,
        ):  # fmt: skip
            yield f"memory {id}: its row does not agree with its last version"
    for id, seq in replay.changed.items():
        if heads.pop(id, None) != seq:
            yield f"memory {id}: its row is missing, or was changed after entry {seq}"
    for id in heads:
        yield f"memory {id}: the journal does not know it"


def _material(connection: sqlite3.Connection) -> Iterator[str]:
    width = int(meta(connection).get("width", "0"))
    lacking = f"""SELECT m.id, v.text_version FROM memory_version v JOIN memory m ON m.row = v.key / {VERSIONS}
      LEFT JOIN term t ON t.key = v.key - v.key % {VERSIONS} + v.text_version WHERE t.key IS NULL"""
    for id, number in connection.execute(lacking):
        yield f"memory {id}: text version {number} has no token row"
    unequal = """SELECT t.key, t.passages, coalesce(v.passages, 0), coalesce(length(v.data), 0) FROM term t
      LEFT JOIN vector v ON v.key = t.key
      WHERE t.passages <> coalesce(v.passages, 0) OR coalesce(length(v.data), 0) <> 4 * ? * t.passages"""
    for key, wanted, present, _ in connection.execute(unequal, (width,)):
        yield f"row {key // VERSIONS}: text version {key % VERSIONS} has {present} vectors of {wanted}, or of a wrong width"
    for key, passages, data in connection.execute("SELECT key, passages, data FROM vector WHERE length(data) = 4 * ? * passages", (width,)):
        vectors = np.frombuffer(data, "<f4").reshape(passages, width)
        if not (np.isfinite(vectors).all() and vectors.any(axis=1).all()):
            yield f"row {key // VERSIONS}: text version {key % VERSIONS} has a vector of nothing"
    for table in ("term", "vector", "staged"):
        sql = f"SELECT key FROM {table} WHERE key NOT IN (SELECT key FROM memory_version)"
        for (key,) in connection.execute(sql):
            yield f"{table} {key}: it belongs to no version"


def _links(connection: sqlite3.Connection, replay: Replay) -> Iterator[str]:
    sql = """SELECT s.id, t.id, l.type, l.from_seq, l.to_seq, l.weight FROM link l
      LEFT JOIN memory s ON s.row = l.source LEFT JOIN memory t ON t.row = l.target"""
    held = {((source, target, type), (start, end, weight)) for source, target, type, start, end, weight in connection.execute(sql)}
    for (source, target, type), _ in sorted(held.symmetric_difference(replay.links()), key=str):
        yield f"link {source}>{target}:{type}: its rows do not agree with the journal"


def _usage(connection: sqlite3.Connection, replay: Replay) -> Iterator[str]:
    sql = "SELECT m.id, u.uses, u.strength, u.last_used_at, u.state FROM usage u LEFT JOIN memory m ON m.row = u.memory"
    held = {id: used(usage_from(*columns)) for id, *columns in connection.execute(sql)}
    for id in sorted({*held, *replay.usage}, key=str):
        if held.get(id) != replay.usage.get(id):
            yield f"usage of {id}: it does not agree with the journal"


def _touches(connection: sqlite3.Connection, replay: Replay) -> Iterator[str]:
    if set(connection.execute("SELECT subject, seq FROM touch")) != replay.touched:
        yield "touch: the rows do not agree with what the journal's entries changed; histories are not to be relied on"
