"""Proving a space: does every row agree with the journal, and the journal with itself?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mneme.core.records import Usage
from mneme.stores.applying import VERSIONS, usage_from
from mneme.stores.postgres.connect import Row, Session
from mneme.stores.postgres.reads import meta
from mneme.stores.postgres.rows import ENTRY_COLUMNS, entry_from, from_text, tags_from_text
from mneme.stores.proving import HeldHead, HeldVersion, Proof
from mneme.stores.replay import LinkKey, LinkSpan

_ROWS = 1000


def check(session: Session) -> list[str]:
    """Return what is wrong, in no words of the content; call it in a snapshot."""
    session.in_bulk()
    proof = Proof()
    entries = _each(session, f"SELECT {ENTRY_COLUMNS}, reason_salt FROM mneme.entry WHERE space = $1 ORDER BY seq")
    sources = _each(session, "SELECT episode, memory FROM mneme.source WHERE space = $1")
    episodes = _each(session, "SELECT id, salt, snapshot FROM mneme.episode WHERE space = $1 AND snapshot IS NOT NULL")
    touches = _each(session, "SELECT subject, seq FROM mneme.touch WHERE space = $1")
    return [
        *proof.chain(((entry_from(row[:-1]), row[-1]) for row in entries), meta(session)),
        *_head(session, proof),
        *proof.versions(_versions(session), {(from_text(episode), row) for episode, row in sources}),
        *proof.episodes((from_text(id), salt, snapshot) for id, salt, snapshot in episodes),
        *proof.heads(_heads(session)),
        *_material(session),
        *_vectors(session),
        *proof.links(_links(session)),
        *proof.usage(_usage(session)),
        *proof.touches({(from_text(subject), seq) for subject, seq in touches}),
        *_search(session),
    ]


def _each(session: Session, sql: str) -> Iterator[Row]:
    with session.connection.cursor("check") as cursor:
        cursor.execute(sql, (session.space,), binary=True)
        while part := cursor.fetchmany(_ROWS):
            yield from part


def _head(session: Session, proof: Proof) -> Iterator[str]:
    head = session.one("SELECT seq, hash, next_row FROM mneme.head WHERE space = $1")
    last_row = session.one("SELECT coalesce(max(row), 0) FROM mneme.memory WHERE space = $1")
    if head is None or last_row is None or head != (proof.last_seq, proof.last_hash, last_row[0] + 1):
        yield "head: it does not agree with the last entry and the last memory"


def _versions(session: Session) -> Iterator[HeldVersion]:
    sql = f"""SELECT m.id, (v.key % {VERSIONS})::integer, v.salt, v.snapshot, v.key / {VERSIONS}, v.seq
      FROM mneme.memory_version v
      LEFT JOIN mneme.memory m ON m.space = $1 AND m.row = v.key / {VERSIONS} WHERE v.space = $1 ORDER BY v.key"""
    for id, number, salt, snapshot, row, seq in _each(session, sql):
        yield HeldVersion(id=from_text(id), number=number, salt=salt, snapshot=snapshot, row=row, seq=seq)


def _heads(session: Session) -> Iterator[HeldHead]:
    sql = f"""SELECT m.id, m.version, m.status, m.text_version, m.seq, v.text_version, v.snapshot, o.last::integer,
        m.at, m.valid_from, m.valid_to, m.kind, m.author, m.role, m.session, m.ref, m.channel, m.tier, m.tags, m.importance
      FROM mneme.memory m LEFT JOIN mneme.memory_version v ON v.space = $1 AND v.key = m.row * {VERSIONS} + m.version
      LEFT JOIN (SELECT key / {VERSIONS} AS row, max(key) % {VERSIONS} AS last FROM mneme.memory_version WHERE space = $1
        GROUP BY 1) o ON o.row = m.row
      WHERE m.space = $1"""
    for id, version, status, text_version, seq, its_text_version, snapshot, last, *columns in _each(session, sql):
        texts = tuple(from_text(column) for column in columns[3:10])
        yield HeldHead(
            id=from_text(id), version=version, status=status, text_version=text_version, seq=seq, last=last,
            its_text_version=its_text_version, columns=(status, *columns[:3], *texts, tags_from_text(columns[10]), columns[11]),
            snapshot=snapshot,
        )  # fmt: skip


def _links(session: Session) -> Iterator[tuple[LinkKey, LinkSpan]]:
    sql = """SELECT s.id, t.id, l.type, l.from_seq, l.to_seq, l.weight FROM mneme.link l
      LEFT JOIN mneme.memory s ON s.space = $1 AND s.row = l.source LEFT JOIN mneme.memory t ON t.space = $1 AND t.row = l.target
      WHERE l.space = $1"""
    for source, target, type, start, end, weight in _each(session, sql):
        yield (from_text(source), from_text(target), type), (start, end, weight)


def _usage(session: Session) -> Iterator[tuple[str, Usage]]:
    sql = """SELECT m.id, u.uses, u.strength, u.last_used_at, u.state FROM mneme.usage u
      LEFT JOIN mneme.memory m ON m.space = $1 AND m.row = u.memory WHERE u.space = $1"""
    for id, *columns in _each(session, sql):
        yield from_text(id), usage_from(*columns)


def _vectors(session: Session) -> Iterator[str]:
    width = int(meta(session).get("width", "0"))
    for key, passages, data in _each(session, "SELECT key, passages, data FROM mneme.vector WHERE space = $1"):
        if len(data) == 4 * width * passages:  # a wrong width is told by its token row
            vectors = np.frombuffer(data, "<f4").reshape(passages, width)
            if not (np.isfinite(vectors).all() and vectors.any(axis=1).all()):
                yield f"row {key // VERSIONS}: text version {key % VERSIONS} has a vector of nothing"


def _material(session: Session) -> Iterator[str]:
    width = int(meta(session).get("width", "0"))
    lacking = f"""SELECT m.id, v.text_version FROM mneme.memory_version v
      JOIN mneme.memory m ON m.space = $1 AND m.row = v.key / {VERSIONS}
      LEFT JOIN mneme.term t ON t.space = $1 AND t.key = v.key - v.key % {VERSIONS} + v.text_version
      WHERE v.space = $1 AND t.key IS NULL"""
    for id, number in session.all(lacking):
        yield f"memory {id}: text version {number} has no token row"
    unequal = """SELECT t.key, t.passages, coalesce(v.passages, 0) FROM mneme.term t
      LEFT JOIN mneme.vector v ON v.space = $1 AND v.key = t.key
      WHERE t.space = $1 AND (t.passages <> coalesce(v.passages, 0) OR coalesce(length(v.data), 0) <> 4 * $2::integer * t.passages)"""
    for key, wanted, present in session.all(unequal, width):
        yield f"row {key // VERSIONS}: text version {key % VERSIONS} has {present} vectors of {wanted}, or of a wrong width"
    for table in ("term", "vector", "staged"):
        sql = f"""SELECT o.key FROM mneme.{table} o WHERE o.space = $1
          AND NOT EXISTS (SELECT 1 FROM mneme.memory_version v WHERE v.space = $1 AND v.key = o.key)"""
        for (key,) in session.all(sql):
            yield f"{table} {key}: it belongs to no version"


def _search(session: Session) -> Iterator[str]:
    """Whether the rows for search inside the database are those of what can be found, and their sums hold."""
    head = session.one("SELECT searched, documents, total_length FROM mneme.head WHERE space = $1")
    if head is None or not head[0]:
        return
    wanted = f"""SELECT m.row, t.passages FROM mneme.memory m
      JOIN mneme.term t ON t.space = $1 AND t.key = m.row * {VERSIONS} + m.text_version
      WHERE m.space = $1 AND m.status IN ('active', 'archived') AND t.passages > 0 ORDER BY m.row"""
    present = "SELECT row, count(*)::integer FROM mneme.embedding WHERE space = $1 GROUP BY row ORDER BY row"
    rows = session.all(wanted)
    if rows != session.all(present):
        yield "embedding: the rows do not agree with what can be found"
    lengths = "SELECT coalesce(sum(length), 0) FROM (SELECT DISTINCT row, length FROM mneme.posting WHERE space = $1) each"
    total = session.one(lengths)
    if total is None or head[1:] != (len(rows), int(total[0])):
        yield "head: its sums for search do not agree with the token rows"
    stray = """SELECT count(*) FROM mneme.posting p WHERE p.space = $1
      AND NOT EXISTS (SELECT 1 FROM mneme.embedding e WHERE e.space = $1 AND e.row = p.row)"""
    found = session.one(stray)
    if found and found[0]:
        yield f"posting: {found[0]} rows belong to nothing that can be found"
