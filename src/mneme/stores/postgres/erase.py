"""Forgetting for good: deleting what an erasure names, vacuuming what was touched, and searching the rows afterwards."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

from mneme.core.codec import dumps, loads
from mneme.core.errors import Busy, ReadOnly
from mneme.core.query import Finding
from mneme.stores.applying import VERSIONS
from mneme.stores.postgres import schema
from mneme.stores.postgres.connect import Connection, Session
from mneme.stores.postgres.rows import to_text
from mneme.stores.semantics import names_any, stored_forms
from mneme.stores.sqlite.needles import Needles

TOUCHED = (
    "memory", "memory_version", "term", "vector", "staged", "embedding", "posting", "source", "link", "usage", "episode", "entry", "job",
)  # fmt: skip
"""The tables from which an erasure removes something."""

OUTSIDE = (
    "the write-ahead log of the server, its archive, and what replicas and logical subscribers have not replayed: it holds the erased "
    "rows until it is recycled; shorten the archive's retention, or take a new base backup and drop the older archive",
    "base backups, dumps and disk snapshots of the server from before this moment: delete them or let them expire",
    "free space in the pages of the touched tables, until the server writes over it: VACUUM FULL of the partitions of this space "
    "rewrites them without it (it locks them; run it in a quiet hour)",
    "the server's log, if it logs statements with their parameters: keep log_parameter_max_length at 0",
)
"""What lies beyond the reach of SQL, with what an operator has to do."""

_ROWS = 500
_CUTOFF = re.compile(r"removable cutoff: (\d+)")
_REMAINING = re.compile(r"(\d+) are dead but not yet removable")
_XIDS = 1 << 32


def _keys(row: int) -> tuple[int, int]:
    return row * VERSIONS, (row + 1) * VERSIONS - 1


def erase_memory(session: Session, row: int, removed: Counter[str]) -> None:
    """Delete everything of a memory but its row, which becomes a tombstone.

    Args:
        session: in a writing transaction.
        row: the memory.
        removed: place -> rows removed; counted up.
    """
    keys = _keys(row)
    removed["memory"] += 1
    for place, table in (("vector", "vector"), ("staged_vector", "staged")):
        sql = f"""WITH gone AS (DELETE FROM mneme.{table} WHERE space = $1 AND key BETWEEN $2 AND $3 RETURNING passages)
          SELECT coalesce(sum(passages), 0) FROM gone"""
        counted = session.one(sql, *keys)
        removed[place] += int(counted[0]) if counted else 0
    for place, table in (("memory_version", "memory_version"), ("terms", "term")):
        removed[place] += session.run(f"DELETE FROM mneme.{table} WHERE space = $1 AND key BETWEEN $2 AND $3", *keys).rowcount
    removed["link"] += session.run("DELETE FROM mneme.link WHERE space = $1 AND (source = $2 OR target = $2)", row).rowcount
    removed["usage"] += session.run("DELETE FROM mneme.usage WHERE space = $1 AND memory = $2", row).rowcount
    removed["source"] += session.run("DELETE FROM mneme.source WHERE space = $1 AND memory = $2", row).rowcount


def erase_episode(session: Session, id: str, removed: Counter[str]) -> None:
    """Delete an episode's content and salt; its id stays taken."""
    session.run("UPDATE mneme.episode SET salt = NULL, snapshot = NULL WHERE space = $1 AND id = $2", to_text(id))
    removed["episode"] += 1


def drop_reasons(session: Session, id: str, removed: Counter[str]) -> None:
    """Delete the reasons, with their salts, of every entry that touched a memory or an episode."""
    changed = session.run(
        """UPDATE mneme.entry SET reason = NULL, reason_salt = NULL WHERE space = $1 AND reason IS NOT NULL
           AND seq IN (SELECT seq FROM mneme.touch WHERE space = $1 AND subject = $2)""",
        to_text(id),
    )
    removed["reason"] += changed.rowcount


def drop_jobs(session: Session, ids: set[str]) -> int:
    """Cancel and empty the jobs whose payload names one of the ids; returns how many."""
    rows = session.all("SELECT id, payload FROM mneme.job WHERE space = $1 AND payload <> $2 ORDER BY id FOR UPDATE", dumps({}))
    naming = [id for id, payload in rows if names_any(loads(payload), ids)]
    if naming:
        session.run(
            """UPDATE mneme.job SET payload = $2, key = NULL, error = NULL, state = 'cancelled'
               WHERE space = $1 AND id = ANY($3::text[])""",
            dumps({}),
            naming,
        )
    return len(naming)


def held(session: Session, needles: Sequence[bytes]) -> set[bytes]:
    """Return which needles occur in rows that are still there: in any column of any table. Texts are not looked for in vectors."""
    texts = {needle for needle in needles if _is_text(needle)}
    found: set[bytes] = set()
    for table in schema.TABLES:
        apart = texts if table in ("vector", "staged") else set()
        sought, size = _sought(set(needles) - found - apart), len(found)
        if not sought.longest:
            continue
        for part in _rows(session, table):
            found |= sought.within(part).keys()
            if len(found) > size:  # what is common is found at once and need not be looked for again
                sought, size = _sought(set(needles) - found - apart), len(found)
    return found


def scan(session: Session, needles: Mapping[str, bytes]) -> tuple[int, list[Finding]]:
    """Search every row of the space in every table; returns bytes searched and the table in which something was found."""
    sought = Needles((what, form) for what, needle in needles.items() for form in stored_forms(needle))
    searched, findings = 0, dict[str, Finding]()
    for table in schema.TABLES:
        for part in _rows(session, table):
            searched += len(part)
            for what in sought.within(part):
                findings.setdefault(what, Finding(place=f"table {table}", what=what))
    return searched, list(findings.values())


def _sought(needles: set[bytes]) -> Needles:
    return Needles((needle, form) for needle in needles for form in stored_forms(needle))


def _rows(session: Session, table: str) -> Iterator[bytes]:
    columns = "row, passage" if table == "embedding" else "*"  # half-precision codes hold no run of a float32 vector's bytes
    with session.connection.cursor("scan") as cursor:
        cursor.execute(f"SELECT {columns} FROM mneme.{table} WHERE space = $1", (session.space,), binary=True)
        while part := cursor.fetchmany(_ROWS):
            yield b"\0".join(_bytes(value) for row in part for value in row if isinstance(value, str | bytes))


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _is_text(needle: bytes) -> bool:
    try:
        needle.decode()
    except UnicodeDecodeError:
        return False
    return True


def partitions_of(connection: Connection, space: int, tables: Sequence[str]) -> list[str]:
    """Return the partitions of some tables in which a space's rows are."""
    sql = """SELECT c.oid::regclass::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
      WHERE p.relnamespace = $2::regnamespace AND p.relname = ANY($3::text[])
        AND satisfies_hash_partition(p.oid, (SELECT count(*)::int FROM pg_inherits s WHERE s.inhparent = p.oid),
          substring(pg_get_expr(c.relpartbound, c.oid) from 'remainder ([0-9]+)')::int, $1::bigint) ORDER BY 1"""
    found: list[tuple[Any, ...]] = connection.execute(sql, (space, schema.SCHEMA, list(tables))).fetchall()
    return [name for (name,) in found]


def vacuum(connection: Connection, space: int, erased_in: int, timeout_s: float) -> None:
    """Vacuum what an erasure touched, until its dead rows are gone.

    Args:
        connection: outside a transaction.
        space: the space.
        erased_in: the transaction of the last erasure; older snapshots keep its rows alive.
        timeout_s: how long to wait for those who hold such snapshots.

    Raises:
        Busy: somebody held a snapshot from before the erasure for longer than the timeout.
        ReadOnly: the role may not vacuum.
    """
    end = time.monotonic() + timeout_s
    left = partitions_of(connection, space, TOUCHED)
    pause = 0.01
    while left := [name for name in left if not _vacuumed(connection, name, erased_in)]:
        if time.monotonic() > end:
            raise Busy(
                "storage: an old transaction, a prepared one or a replication slot keeps erased rows alive; end it, then erase again"
            )
        time.sleep(pause)
        pause = min(pause * 2, 0.5)


def _vacuumed(connection: Connection, table: str, erased_in: int) -> bool:
    notices: list[str] = []
    refusals: list[str] = []

    def hear(diagnostic: psycopg.errors.Diagnostic) -> None:
        (refusals if diagnostic.severity_nonlocalized == "WARNING" else notices).append(diagnostic.message_primary or "")

    connection.add_notice_handler(hear)
    try:
        # Truncating the end of a table would lock readers out for a moment.
        connection.execute(f"VACUUM (VERBOSE, TRUNCATE false, INDEX_CLEANUP on) {table}")
    finally:
        connection.remove_notice_handler(hear)
    if refusals:
        raise ReadOnly(
            "storage: the role may not vacuum, so what was erased stays in dead rows; run `mneme db init` again "
            "(PostgreSQL 17 and later grant it), or name a role that may in MNEME_VACUUM_URL (before 17), then erase again"
        )
    text = "\n".join(notices)
    cutoff = _CUTOFF.search(text)
    if cutoff is None:
        remaining = _REMAINING.search(text)
        return remaining is None or remaining[1] == "0"  # a server that speaks another language says neither
    return 0 < (int(cutoff[1]) - erased_in) % _XIDS < _XIDS // 2
