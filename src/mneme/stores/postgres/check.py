"""Proving a space: does every row agree with the journal, and the journal with itself?"""

from __future__ import annotations

from collections.abc import Iterator

from mneme.core.journal import content_digest, entry_hash
from mneme.stores.postgres.connect import Row, Session
from mneme.stores.postgres.reads import meta
from mneme.stores.postgres.rows import ENTRY_COLUMNS, VERSIONS, entry_from, from_text, memory_from, tags_from_text, to_text

_ROWS = 1000


def check(session: Session) -> list[str]:
    """Return what is wrong, in no words of the content; call it in a snapshot."""
    digests: dict[tuple[str, int], str] = {}
    return [
        *_chain(session, digests),
        *_versions(session, digests),
        *_episodes(session, digests),
        *_heads(session),
        *_material(session),
        *_ends(session),
        *_search(session),
    ]


def _each(session: Session, sql: str) -> Iterator[Row]:
    with session.connection.cursor("check") as cursor:
        cursor.execute(sql, (session.space,), binary=True)
        while part := cursor.fetchmany(_ROWS):
            yield from part


def _chain(session: Session, digests: dict[tuple[str, int], str]) -> Iterator[str]:
    previous, expected = "", 1
    for row in _each(session, f"SELECT {ENTRY_COLUMNS}, reason_salt FROM mneme.entry WHERE space = $1 ORDER BY seq"):
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
    head = session.one("SELECT seq, hash, next_row FROM mneme.head WHERE space = $1")
    last_row = session.one("SELECT coalesce(max(row), 0) FROM mneme.memory WHERE space = $1")
    if head is None or last_row is None or head != (expected - 1, previous, last_row[0] + 1):
        yield "head: it does not agree with the last entry and the last memory"


def _versions(session: Session, digests: dict[tuple[str, int], str]) -> Iterator[str]:
    sql = f"""SELECT m.id, (v.key % {VERSIONS})::integer, v.salt, v.snapshot, v.key / {VERSIONS} FROM mneme.memory_version v
      LEFT JOIN mneme.memory m ON m.space = $1 AND m.row = v.key / {VERSIONS} WHERE v.space = $1 ORDER BY v.key"""
    sources: set[tuple[str, int]] = set()
    for column, number, salt, snapshot, row in _each(session, sql):
        id = from_text(column)
        name = f"memory {id} version {number}"
        if digests.get((id, number)) != content_digest(salt, snapshot):
            yield f"{name}: its content does not fit its digest in the journal"
            continue
        memory = memory_from(snapshot)
        if (memory.id, memory.version) != (id, number):
            yield f"{name}: its content is that of another version"
        sources |= {(to_text(span.episode), row) for span in memory.sources}
    if sources != set(_each(session, "SELECT episode, memory FROM mneme.source WHERE space = $1")):
        yield "source: the rows do not agree with what the memories rest on"


def _episodes(session: Session, digests: dict[tuple[str, int], str]) -> Iterator[str]:
    sql = "SELECT id, salt, snapshot FROM mneme.episode WHERE space = $1 AND snapshot IS NOT NULL"
    for id, salt, snapshot in _each(session, sql):
        if digests.get((from_text(id), 1)) != content_digest(salt or b"", snapshot):
            yield f"episode {from_text(id)}: its content does not fit its digest in the journal"


def _heads(session: Session) -> Iterator[str]:
    sql = f"""SELECT m.id, m.version, m.status, m.text_version, v.text_version, v.snapshot,
        (SELECT max(o.key) % {VERSIONS} FROM mneme.memory_version o WHERE o.space = $1
         AND o.key BETWEEN m.row * {VERSIONS} AND m.row * {VERSIONS} + {VERSIONS - 1}),
        m.kind, m.author, m.role, m.session, m.ref, m.channel, m.tier, m.tags, m.importance
      FROM mneme.memory m LEFT JOIN mneme.memory_version v ON v.space = $1 AND v.key = m.row * {VERSIONS} + m.version
      WHERE m.space = $1"""
    for id, version, status, text_version, its_text_version, snapshot, last, *columns in _each(session, sql):
        if status == "erased":
            if last is not None:
                yield f"memory {id}: it was erased but versions are left"
            continue
        if last != version or its_text_version != text_version:
            yield f"memory {id}: its row is at version {version}, its last version is {last}"
            continue
        memory = memory_from(snapshot)
        texts = tuple(from_text(column) for column in columns[:7])
        if (status, *texts, tags_from_text(columns[7]), columns[8]) != (
            memory.status, memory.kind, memory.author, memory.role, memory.session, memory.ref, memory.channel, memory.tier,
            memory.tags, memory.importance,
        ):  # fmt: skip
            yield f"memory {id}: its row does not agree with its last version"


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


def _ends(session: Session) -> Iterator[str]:
    alive = "(SELECT row FROM mneme.memory WHERE space = $1 AND status <> 'erased')"
    found = session.one(f"SELECT count(*) FROM mneme.link WHERE space = $1 AND (source NOT IN {alive} OR target NOT IN {alive})")
    if found and found[0]:
        yield f"link: {found[0]} have an end that is no memory"
    found = session.one(f"SELECT count(*) FROM mneme.usage WHERE space = $1 AND memory NOT IN {alive}")
    if found and found[0]:
        yield f"usage: {found[0]} rows belong to no memory"


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
