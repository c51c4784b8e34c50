"""Proving a space: does every row agree with the journal, and the journal with itself?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import numpy as np

from mneme.core.codec import loads
from mneme.core.records import Usage
from mneme.stores.applying import usage_from
from mneme.stores.proving import HeldHead, HeldVersion, Proof
from mneme.stores.replay import LinkKey, LinkSpan
from mneme.stores.sqlite.reads import meta
from mneme.stores.sqlite.rows import ENTRY_COLUMNS, entry_from
from mneme.stores.sqlite.schema import VERSIONS

_FILE_PROBLEMS = 20


def check(connection: sqlite3.Connection) -> list[str]:
    """Return what is wrong, in no words of the content; call it inside a transaction."""
    rows = connection.execute(f"PRAGMA integrity_check({_FILE_PROBLEMS})")
    problems = [f"file: {what}" for (what,) in rows if what != "ok"]
    if problems:
        return problems
    proof = Proof()
    entries = connection.execute(f"SELECT {ENTRY_COLUMNS}, reason_salt FROM entry ORDER BY seq")
    problems += proof.chain(((entry_from(row[:-1]), row[-1]) for row in entries), meta(connection))
    problems += proof.versions(_versions(connection), set(connection.execute("SELECT episode, memory FROM source")))
    problems += proof.episodes(connection.execute("SELECT id, salt, snapshot FROM episode WHERE snapshot IS NOT NULL"))
    problems += proof.heads(_heads(connection))
    problems += _material(connection)
    problems += proof.links(_links(connection))
    problems += proof.usage(_usage(connection))
    problems += proof.touches(set(connection.execute("SELECT subject, seq FROM touch")))
    return problems


def _versions(connection: sqlite3.Connection) -> Iterator[HeldVersion]:
    sql = f"""SELECT m.id, v.key % {VERSIONS}, v.salt, v.snapshot, v.key / {VERSIONS}, v.seq FROM memory_version v
      LEFT JOIN memory m ON m.row = v.key / {VERSIONS} ORDER BY v.key"""
    for id, number, salt, snapshot, row, seq in connection.execute(sql):
        yield HeldVersion(id=id, number=number, salt=salt, snapshot=snapshot, row=row, seq=seq)


def _heads(connection: sqlite3.Connection) -> Iterator[HeldHead]:
    sql = f"""SELECT m.id, m.version, m.status, m.text_version, m.seq, v.text_version, v.snapshot,
        (SELECT max(o.key) % {VERSIONS} FROM memory_version o
         WHERE o.key BETWEEN m.row * {VERSIONS} AND m.row * {VERSIONS} + {VERSIONS - 1}),
        m.at, m.valid_from, m.valid_to, m.kind, m.author, m.role, m.session, m.ref, m.channel, m.tier, m.tags, m.importance
      FROM memory m LEFT JOIN memory_version v ON v.key = m.row * {VERSIONS} + m.version"""
    for id, version, status, text_version, seq, its_text_version, snapshot, last, *columns in connection.execute(sql):
        tags = tuple(loads(columns[10])) if columns[10] else ()
        yield HeldHead(
            id=id, version=version, status=status, text_version=text_version, seq=seq, last=last, its_text_version=its_text_version,
            columns=(status, *columns[:10], tags, columns[11]),
            snapshot=snapshot,
        )  # fmt: skip


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


def _links(connection: sqlite3.Connection) -> Iterator[tuple[LinkKey, LinkSpan]]:
    sql = """SELECT s.id, t.id, l.type, l.from_seq, l.to_seq, l.weight FROM link l
      LEFT JOIN memory s ON s.row = l.source LEFT JOIN memory t ON t.row = l.target"""
    for source, target, type, start, end, weight in connection.execute(sql):
        yield (source, target, type), (start, end, weight)


def _usage(connection: sqlite3.Connection) -> Iterator[tuple[str, Usage]]:
    sql = "SELECT m.id, u.uses, u.strength, u.last_used_at, u.state FROM usage u LEFT JOIN memory m ON m.row = u.memory"
    for id, *columns in connection.execute(sql):
        yield id, usage_from(*columns)
