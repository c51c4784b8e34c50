"""Folding old entries into a checkpoint, and vacuuming the tables that a space is in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from mneme.core.clock import to_micros
from mneme.core.codec import dumps
from mneme.core.compaction import AT, SEQ, Folding, folded
from mneme.core.errors import Closed, ReadOnly
from mneme.core.journal import Change, Entry, change_to_plain
from mneme.core.ports import Batch
from mneme.stores.applying import VERSIONS, memory_from
from mneme.stores.checkpoint import answered, checkpoint, fold_change, superfluous
from mneme.stores.postgres.apply import _Application, insert
from mneme.stores.postgres.connect import Connection, Session
from mneme.stores.postgres.erase import partitions_of
from mneme.stores.postgres.glance import DROPPED
from mneme.stores.postgres.reads import meta, put_meta
from mneme.stores.postgres.rows import ENTRY_COLUMNS, chunks, entry_from, from_text, to_text
from mneme.stores.replay import Replay
from mneme.stores.semantics import touched

TOUCHED = (
    "entry", "touch", "memory", "memory_version", "term", "vector", "staged", "source", "link", "usage", "episode", "embedding", "posting",
)  # fmt: skip
"""The tables that compaction, erasure and upkeep leave dead rows in."""

_HEAD = "SELECT seq, at, hash, next_row, searched, pg_current_xact_id()::text::bigint FROM mneme.head WHERE space = $1 FOR UPDATE"
_REPEATED = f"""SELECT key, seq, text_version FROM mneme.memory_version WHERE space = $1 AND key / {VERSIONS} IN
  (SELECT key / {VERSIONS} FROM mneme.memory_version WHERE space = $1 AND seq <= $2 GROUP BY 1 HAVING count(*) > 1) ORDER BY key"""


def fold(session: Session, to_seq: int, batch: Batch, *, dry_run: bool) -> Folding:
    """Fold every entry up to ``to_seq``, inside the transaction that is open."""
    last = session.one(_HEAD)
    if last is None:
        raise Closed(DROPPED)
    before, since = folded(meta(session))
    replay = Replay()
    head: Entry | None = None
    answers: list[Change] = []
    keys = _keys(session, before, to_seq)
    for entry in _entries(session, to_seq):
        head = entry
        replay.play(entry)
        answers += answered(entry, keys.get(entry.seq, ()))
    if head is None or head.seq != to_seq or to_seq <= before:
        return Folding(to_seq=before, since=since)
    gone, older = superfluous(session.all(_REPEATED, to_seq), to_seq, VERSIONS)
    found = session.one("SELECT count(*) FROM mneme.link WHERE space = $1 AND to_seq <= $2", to_seq)
    counted = {"entries": to_seq - before, "versions": len(gone), "links": 0 if found is None else int(found[0])}
    if dry_run:
        return Folding(to_seq=to_seq, since=head.recorded_at, **counted)
    named = session.all("SELECT row, id FROM mneme.memory WHERE space = $1 AND row = ANY($2::bigint[])", list(older))
    entries, digest = checkpoint(replay, head, {from_text(id): older[row] for row, id in named}, answers)
    _drop_versions(session, gone)
    session.run("DELETE FROM mneme.link WHERE space = $1 AND to_seq <= $2", to_seq)
    _put(session, to_seq, entries)
    put_meta(session, {SEQ: str(to_seq), AT: str(to_micros(head.recorded_at))})
    application = _Application(session, batch, last)
    application.changes = [fold_change(before, head, digest, to_seq - before)]
    written = application._write_entry()
    return Folding(to_seq=to_seq, since=head.recorded_at, entry=written.seq, **counted)


def _keys(session: Session, before: int, to_seq: int) -> dict[int, list[bytes]]:
    """Return entry -> the digests of the idempotency keys that it was written under."""
    found: dict[int, list[bytes]] = {}
    sql = "SELECT key, seq FROM mneme.idempotency WHERE space = $1 AND seq > $2 AND seq <= $3 ORDER BY seq, key"
    for key, seq in session.all(sql, before, to_seq):
        found.setdefault(seq, []).append(bytes(key))
    return found


def is_folded(session: Session, folding: Folding) -> bool:
    """Return whether a folding that was made is in the database."""
    return not folding.entry or folded(meta(session))[0] >= folding.to_seq


def _entries(session: Session, to_seq: int) -> Iterator[Entry]:
    after = 0
    sql = f"SELECT {ENTRY_COLUMNS} FROM mneme.entry WHERE space = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT 500"
    while part := session.all(sql, after, to_seq):
        yield from map(entry_from, part)
        after = part[-1][0]


def _put(session: Session, to_seq: int, entries: Sequence[Entry]) -> None:
    """Put a checkpoint in the place of the entries that it stands for."""
    session.run("DELETE FROM mneme.touch WHERE space = $1 AND seq <= $2", to_seq)
    session.run("DELETE FROM mneme.entry WHERE space = $1 AND seq <= $2", to_seq)
    for entry in entries:
        row: tuple[Any, ...] = (
            entry.seq, to_micros(entry.recorded_at), entry.verb, "", None, "", "", None,
            dumps([change_to_plain(change) for change in entry.changes]), entry.previous, entry.hash,
        )  # fmt: skip
        places = ", ".join(f"${number}" for number in range(2, len(row) + 2))
        session.run(f"INSERT INTO mneme.entry (space, {ENTRY_COLUMNS}) VALUES ($1, {places})", *row)
        insert(session, "touch", ("text", "bigint"), [(to_text(id), entry.seq) for id in touched(entry.changes)])
    session.run("UPDATE mneme.idempotency SET seq = $2 WHERE space = $1 AND seq < $2", to_seq)


def _drop_versions(session: Session, keys: Sequence[int]) -> None:
    """Delete versions with their material, and what only they rested on."""
    going = set(keys)
    for part in chunks(sorted({key // VERSIONS for key in keys})):
        sources: dict[int, tuple[set[str], set[str]]] = {}
        sql = f"SELECT key, snapshot FROM mneme.memory_version WHERE space = $1 AND key / {VERSIONS} = ANY($2::bigint[])"
        for key, snapshot in session.all(sql, part):
            found = sources.setdefault(key // VERSIONS, (set(), set()))[key in going]
            found.update(span.episode for span in memory_from(snapshot).sources)
        for row, (stay, go) in sources.items():
            if go - stay:
                lost = [to_text(id) for id in sorted(go - stay)]
                session.run("DELETE FROM mneme.source WHERE space = $1 AND memory = $2 AND episode = ANY($3::text[])", row, lost)
    for part in chunks(keys):
        for table in ("memory_version", "term", "vector", "staged"):
            session.run(f"DELETE FROM mneme.{table} WHERE space = $1 AND key = ANY($2::bigint[])", part)


def vacuum(connection: Connection, space: int) -> tuple[int, int]:
    """Vacuum the partitions that a space is in and return the bytes that they take before and after; readers and writers go on.

    Args:
        connection: outside a transaction.
        space: the space; other spaces of the same partitions are vacuumed along.

    Raises:
        ReadOnly: the role may not vacuum.
    """
    partitions = partitions_of(connection, space, TOUCHED)
    before = _size(connection, partitions)
    refusals: list[str] = []

    def hear(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            refusals.append(diagnostic.message_primary or "")

    connection.add_notice_handler(hear)
    try:
        for name in partitions:
            connection.execute(f"VACUUM (ANALYZE) {name}")
    finally:
        connection.remove_notice_handler(hear)
    if refusals:
        raise ReadOnly(
            "storage: the role may not vacuum; run `mneme db init` again (PostgreSQL 17 and later grant it),"
            " or name a role that may in MNEME_VACUUM_URL (before 17)"
        )
    return before, _size(connection, partitions)


def _size(connection: Connection, names: Sequence[str]) -> int:
    sql = "SELECT coalesce(sum(pg_total_relation_size(name::regclass)), 0)::bigint FROM unnest($1::text[]) name"
    row = connection.execute(sql, (list(names),)).fetchone()
    return 0 if row is None else int(row[0])
