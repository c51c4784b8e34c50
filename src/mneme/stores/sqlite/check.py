"""Proving a space: does every row agree with the journal, and the journal with itself?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from mneme.core.codec import loads
from mneme.core.journal import content_digest, entry_hash
from mneme.stores.sqlite.reads import meta
from mneme.stores.sqlite.rows import ENTRY_COLUMNS, entry_from, memory_from
from mneme.stores.sqlite.schema import VERSIONS

_FILE_PROBLEMS = 20


def check(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong, in no words of the content; call it inside a transaction."""
    rows = connection.execute(f"PRAGMA integrity_check({_FILE_PROBLEMS})")
    problems = [f"file: {what}" for (what,) in rows if what != "ok"]
    if problems:
        return problems
    digests: dict[tuple[str, int], str] = {}
    problems += _chain(connection, digests)
    problems += _versions(connection, digests)
    problems += _episodes(connection, digests)
    problems += _heads(connection)
    problems += _material(connection)
    problems += _ends(connection)
    return problems


def _chain(connection: sqlite3.Connection, digests: dict[tuple[str, int], str]) -> Iterator[str]:
    previous, expected = "", 1
    for row in connection.execute(f"SELECT {ENTRY_COLUMNS}, reason_salt FROM entry ORDER BY seq"):
        entry, salt = entry_from(row[:-1]), row[-1]
        if entry.seq != expected:
            yield f"entry {entry.seq}: {expected} was to follow; entries are missing"
        if entry.previous != previous or entry.hash != entry_hash(entry):
            yield f"entry {entry.seq}: its hash does not follow from the entry before it"
        if entry.reason is not None and content_digest(salt or b"", entry.reason.encode()) != entry.reason_digest:
            yield f"entry {entry.seq}: its reason does not fit its digest"
        for change in entry.changes:
            if change.digest:
                digests[change.subject, change.after] = change.digest
        previous, expected = entry.hash, entry.seq + 1


def _versions(connection: sqlite3.Connection, digests: dict[tuple[str, int], str]) -> Iterator[str]:
    sql = f"""SELECT m.id, v.key % {VERSIONS}, v.salt, v.snapshot, v.key / {VERSIONS} FROM memory_version v
      LEFT JOIN memory m ON m.row = v.key / {VERSIONS} ORDER BY v.key"""
    sources: set[tuple[str, int]] = set()
    for id, number, salt, snapshot, row in connection.execute(sql):
        name = f"memory {id} version {number}"
        if digests.get((id, number)) != content_digest(salt, snapshot):
            yield f"{name}: its content does not fit its digest in the journal"
            continue
        memory = memory_from(snapshot)
        if (memory.id, memory.version) != (id, number):
            yield f"{name}: its content is that of another version"
        sources |= {(span.episode, row) for span in memory.sources}
    if sources != set(connection.execute("SELECT episode, memory FROM source")):
        yield "source: the rows do not agree with what the memories rest on"


def _episodes(connection: sqlite3.Connection, digests: dict[tuple[str, int], str]) -> Iterator[str]:
    for id, salt, snapshot in connection.execute("SELECT id, salt, snapshot FROM episode WHERE snapshot IS NOT NULL"):
        if digests.get((id, 1)) != content_digest(salt or b"", snapshot):
            yield f"episode {id}: its content does not fit its digest in the journal"


def _heads(connection: sqlite3.Connection) -> Iterator[str]:
    sql = f"""SELECT m.id, m.version, m.status, m.text_version, v.text_version, v.snapshot,
        (SELECT max(o.key) % {VERSIONS} FROM memory_version o
         WHERE o.key BETWEEN m.row * {VERSIONS} AND m.row * {VERSIONS} + {VERSIONS - 1}),
        m.kind, m.author, m.role, m.session, m.ref, m.channel, m.tier, m.tags, m.importance
      FROM memory m LEFT JOIN memory_version v ON v.key = m.row * {VERSIONS} + m.version"""
    for id, version, status, text_version, its_text_version, snapshot, last, *columns in connection.execute(sql):
        if status == "erased":
            if last is not None:
                yield f"memory {id}: it was erased but versions are left"
            continue
        if last != version or its_text_version != text_version:
            yield f"memory {id}: its row is at version {version}, its last version is {last}"
            continue
        memory = memory_from(snapshot)
        tags = tuple(loads(columns[7])) if columns[7] else ()
        held = (status, *columns[:7], tags, columns[8])
        if held != (
            memory.status, memory.kind, memory.author, memory.role, memory.session, memory.ref, memory.channel, memory.tier,
            memory.tags, memory.importance,
        ):  # fmt: skip
            yield f"memory {id}: its row does not agree with its last version"


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
    for table in ("term", "vector", "staged"):
        sql = f"SELECT key FROM {table} WHERE key NOT IN (SELECT key FROM memory_version)"
        for (key,) in connection.execute(sql):
            yield f"{table} {key}: it belongs to no version"


def _ends(connection: sqlite3.Connection) -> Iterator[str]:
    alive = "SELECT row FROM memory WHERE status <> 'erased'"
    sql = f"SELECT count(*) FROM link WHERE source NOT IN ({alive}) OR target NOT IN ({alive})"
    if loose := connection.execute(sql).fetchone()[0]:
        yield f"link: {loose} have an end that is no memory"
    if loose := connection.execute(f"SELECT count(*) FROM usage WHERE memory NOT IN ({alive})").fetchone()[0]:
        yield f"usage: {loose} rows belong to no memory"
