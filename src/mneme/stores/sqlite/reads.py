"""Reading records. Every function takes a connection and reads one snapshot if it is called inside a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mneme.core.clock import to_micros, to_utc
from mneme.core.codec import episode_from_plain, loads
from mneme.core.compaction import check_kept, folded
from mneme.core.journal import Entry
from mneme.core.ports import Version
from mneme.core.query import Filter
from mneme.core.records import STATUSES, Episode, Link, Memory, Usage
from mneme.stores.applying import memory_from, usage_from
from mneme.stores.sqlite.rows import ENTRY_COLUMNS, entry_from, select_in
from mneme.stores.sqlite.schema import VERSIONS

_HEAD = f"JOIN memory_version v ON v.key = m.row * {VERSIONS} + m.version"
_AS_OF = f"""JOIN memory_version v ON v.key = (SELECT max(o.key) FROM memory_version o
  WHERE o.key BETWEEN m.row * {VERSIONS} AND m.row * {VERSIONS} + {VERSIONS - 1} AND o.seq <= ?)"""
_FIELDS = {
    "kinds": "kind", "authors": "author", "roles": "role", "sessions": "session", "channels": "channel", "tiers": "tier",
    "refs": "ref", "ids": "id",
}  # fmt: skip


def last_seq(connection: sqlite3.Connection) -> int:
    """Return the number of the last entry."""
    found = connection.execute("SELECT seq FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
    return found[0] if found else 0


def _versions_by(connection: sqlite3.Connection, column: str, names: Sequence[Any], at_seq: int | None) -> dict[Any, Memory]:
    if at_seq is None:
        rows = select_in(connection, f"SELECT m.{column}, v.snapshot FROM memory m {_HEAD} WHERE m.{column} IN {{}}", names)
    else:
        sql = f"SELECT m.{column}, v.snapshot FROM memory m {_AS_OF} WHERE m.{column} IN {{}}"
        rows = select_in(connection, sql, names, at_seq)
    return {name: memory_from(snapshot) for name, snapshot in rows}


def memories(connection: sqlite3.Connection, ids: Sequence[str], at_seq: int | None) -> dict[str, Memory]:
    """Return memories by id, in the order asked."""
    found = _versions_by(connection, "id", ids, at_seq)
    return {id: found[id] for id in ids if id in found}


def memories_by_row(connection: sqlite3.Connection, rows: Sequence[int], at_seq: int | None) -> list[Memory]:
    """Return memories by row, in the order asked."""
    found = _versions_by(connection, "row", [int(row) for row in rows], at_seq)
    return [found[row] for row in rows if row in found]


def find(connection: sqlite3.Connection, where: Filter, after: str, limit: int, statuses: Sequence[str]) -> list[Memory]:
    """Return memories that pass a filter and have one of the statuses, in order of id."""
    wanted = {*statuses, "archived"} if where.archived else set(statuses)
    clauses, values = ["m.id > ?"], [after]
    accepted = {"status": tuple(sorted(wanted)), **{column: getattr(where, name) for name, column in _FIELDS.items()}}
    for column, choices in accepted.items():
        if choices or column == "status":
            clauses.append(f"m.{column} IN ({', '.join('?' * len(choices))})")
            values += choices
    for moment, sign in ((where.since, ">="), (where.until, "<")):
        if moment is not None:
            clauses.append(f"m.at {sign} ?")
            values.append(to_micros(moment))  # type: ignore[arg-type]
    if where.tags:
        clauses.append(f"EXISTS (SELECT 1 FROM json_each(m.tags) WHERE value IN ({', '.join('?' * len(where.tags))}))")
        values += where.tags
    sql = f"SELECT v.snapshot FROM memory m {_HEAD} WHERE {' AND '.join(clauses)} ORDER BY m.id LIMIT ?"
    return [memory_from(snapshot) for (snapshot,) in connection.execute(sql, (*values, limit))]


def status_of(connection: sqlite3.Connection, id: str) -> str | None:
    """Return a memory's status."""
    found = connection.execute("SELECT status FROM memory WHERE id = ?", (id,)).fetchone()
    return found[0] if found else None


def versions(connection: sqlite3.Connection, id: str) -> list[Version]:
    """Return a memory's versions, oldest first."""
    sql = f"""SELECT v.snapshot, v.seq FROM memory m JOIN memory_version v
      ON v.key BETWEEN m.row * {VERSIONS} AND m.row * {VERSIONS} + {VERSIONS - 1} WHERE m.id = ? ORDER BY v.key"""
    return [Version(memory=memory_from(snapshot), seq=seq) for snapshot, seq in connection.execute(sql, (id,))]


def places(connection: sqlite3.Connection, id: str) -> list[tuple[int, int]]:
    """Return (row, text version) of a memory's material, oldest first."""
    sql = f"""SELECT t.key / {VERSIONS}, t.key % {VERSIONS} FROM memory m JOIN term t
      ON t.key BETWEEN m.row * {VERSIONS} AND m.row * {VERSIONS} + {VERSIONS - 1} WHERE m.id = ? ORDER BY t.key"""
    return [(row, text_version) for row, text_version in connection.execute(sql, (id,))]


def episodes(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, Episode]:
    """Return episodes by id, in the order asked."""
    rows = select_in(connection, "SELECT id, snapshot FROM episode WHERE snapshot IS NOT NULL AND id IN {}", ids)
    found = {id: episode_from_plain(loads(snapshot)) for id, snapshot in rows}
    return {id: found[id] for id in ids if id in found}


def list_episodes(connection: sqlite3.Connection, after: str, limit: int) -> list[Episode]:
    """Return episodes in order of id."""
    sql = "SELECT snapshot FROM episode WHERE snapshot IS NOT NULL AND id > ? ORDER BY id LIMIT ?"
    return [episode_from_plain(loads(snapshot)) for (snapshot,) in connection.execute(sql, (after, limit))]


def resting_on(connection: sqlite3.Connection, episodes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the memories that rest on any of some episodes, with all that they rest on."""
    sql = "SELECT DISTINCT m.id FROM source s JOIN memory m ON m.row = s.memory WHERE s.episode IN {}"
    ids = sorted({id for (id,) in select_in(connection, sql, episodes)})
    resting = {}
    for id in ids:
        every = {span.episode for version in versions(connection, id) for span in version.memory.sources}
        resting[id] = tuple(sorted(every))
    return resting


def links(connection: sqlite3.Connection, ids: Sequence[str] | None, at_seq: int | None) -> list[Link]:
    """Return links, ordered by source, target and type."""
    ends = "SELECT s.id, t.id, l.type, l.weight FROM link l JOIN memory s ON s.row = l.source JOIN memory t ON t.row = l.target"
    held = "l.to_seq IS NULL"
    moments: tuple[int, ...] = ()
    if at_seq is not None:
        held, moments = "l.from_seq <= ? AND (l.to_seq IS NULL OR l.to_seq > ?)", (at_seq, at_seq)
    if ids is None:
        rows = set(connection.execute(f"{ends} WHERE {held}", moments))
    else:
        rows = {
            row
            for end in ("source", "target")
            for row in select_in(connection, f"{ends} WHERE {held} AND l.{end} IN (SELECT row FROM memory WHERE id IN {{}})", ids, *moments)
        }
    return [Link(source=source, target=target, type=type, weight=weight) for source, target, type, weight in sorted(rows)]


def usage(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, Usage]:
    """Return usage by id."""
    sql = """SELECT m.id, u.uses, u.strength, u.last_used_at, u.state FROM usage u JOIN memory m ON m.row = u.memory
      WHERE u.memory IN (SELECT row FROM memory WHERE id IN {})"""
    return {id: usage_from(*numbers) for id, *numbers in select_in(connection, sql, ids)}


def entries(connection: sqlite3.Connection, after: int, limit: int) -> list[Entry]:
    """Return entries, oldest first."""
    sql = f"SELECT {ENTRY_COLUMNS} FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
    return [entry_from(row) for row in connection.execute(sql, (after, limit))]


def entries_of(connection: sqlite3.Connection, subject: str) -> list[Entry]:
    """Return the entries that touched a memory, episode or job."""
    sql = f"SELECT {ENTRY_COLUMNS} FROM entry WHERE seq IN (SELECT seq FROM touch WHERE subject = ?) ORDER BY seq"
    return [entry_from(row) for row in connection.execute(sql, (subject,))]


def seq_at(connection: sqlite3.Connection, moment: datetime) -> int:
    """Return the last entry recorded at or before a moment; entries are numbered without gaps and never go back in time."""
    wanted = to_micros(to_utc(moment, "moment"))
    low, since = folded(meta(connection))
    check_kept(to_utc(moment, "moment"), since)
    high = last_seq(connection)
    while low < high:
        middle = (low + high + 1) // 2
        if connection.execute("SELECT at FROM entry WHERE seq = ?", (middle,)).fetchone()[0] <= wanted:
            low = middle
        else:
            high = middle - 1
    return low


def meta(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the settings."""
    return dict(connection.execute("SELECT key, value FROM meta"))


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how much of everything there is."""
    statuses = dict(connection.execute("SELECT status, count(*) FROM memory GROUP BY status"))
    counted = {name: statuses.get(name, 0) for name in STATUSES}
    others = {
        "episodes": "episode WHERE snapshot IS NOT NULL",
        "links": "link WHERE to_seq IS NULL",
        "jobs": "job",
    }
    pages, size = (connection.execute(f"PRAGMA page_{what}").fetchone()[0] for what in ("count", "size"))
    return {
        "memories": sum(counted.values()) - counted["erased"],
        **counted,
        **{name: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for name, table in others.items()},
        "entries": last_seq(connection),
        "bytes": pages * size,
    }
