"""Reading records. Every function takes a session, which sees one space; ``$1`` of every statement is that space."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mneme.core.clock import to_micros, to_utc
from mneme.core.codec import episode_from_plain, loads
from mneme.core.compaction import check_kept, folded
from mneme.core.errors import Closed
from mneme.core.journal import Entry
from mneme.core.ports import Version
from mneme.core.query import Filter
from mneme.core.records import STATUSES, Episode, Link, Memory, Usage
from mneme.stores.applying import VERSIONS, memory_from, usage_from
from mneme.stores.postgres.connect import Session
from mneme.stores.postgres.glance import DROPPED, PLACE
from mneme.stores.postgres.rows import ENTRY_COLUMNS, KEYS_OF_ROW, entry_from, from_text, keyed, tags_to_text, to_text

_HEAD = f"{keyed('m.version')} JOIN mneme.memory_version v ON v.space = $1 AND v.key = k.key"
_AS_OF = f"""{KEYS_OF_ROW} CROSS JOIN LATERAL (SELECT o.snapshot FROM mneme.memory_version o WHERE o.space = $1
  AND o.key BETWEEN k.low AND k.high AND o.seq <= $3 ORDER BY o.key DESC LIMIT 1) v"""
_FIELDS = {
    "kinds": "kind", "authors": "author", "roles": "role", "sessions": "session", "channels": "channel", "tiers": "tier",
    "refs": "ref", "ids": "id",
}  # fmt: skip


def last_seq(session: Session) -> int:
    """Return the number of the last entry.

    Raises:
        Closed: the space was dropped.
    """
    found = session.one("SELECT seq FROM mneme.head WHERE space = $1")
    if found is None:
        raise Closed(DROPPED)
    return int(found[0])


def lock(session: Session) -> bool:
    """Lock the space's head against other writers and return whether the space is searched inside the database.

    Raises:
        Closed: the space was dropped.
    """
    found = session.one("SELECT searched FROM mneme.head WHERE space = $1 FOR UPDATE")
    if found is None:
        raise Closed(DROPPED)
    return bool(found[0])


def _versions_by(session: Session, column: str, names: list[Any], type: str, at_seq: int | None) -> dict[Any, Memory]:
    wanted = f"m.space = $1 AND m.{column} = ANY($2::{type}[])"
    if at_seq is None:
        rows = session.all(f"SELECT m.{column}, v.snapshot FROM mneme.memory m {_HEAD} WHERE {wanted}", names)
    else:
        rows = session.all(f"SELECT m.{column}, v.snapshot FROM mneme.memory m {_AS_OF} WHERE {wanted}", names, at_seq)
    return {name: memory_from(snapshot) for name, snapshot in rows}


def memories(session: Session, ids: Sequence[str], at_seq: int | None) -> dict[str, Memory]:
    """Return memories by id, in the order asked."""
    found = _versions_by(session, "id", [to_text(id) for id in ids], "text", at_seq)
    return {id: found[to_text(id)] for id in ids if to_text(id) in found}


def memories_by_row(session: Session, rows: Sequence[int], at_seq: int | None) -> list[Memory]:
    """Return memories by row, in the order asked."""
    found = _versions_by(session, "row", [int(row) for row in rows], "bigint", at_seq)
    return [found[row] for row in rows if row in found]


def find(session: Session, where: Filter, after: str, limit: int, statuses: Sequence[str]) -> list[Memory]:
    """Return memories that pass a filter and have one of the statuses, in order of id."""
    wanted = {*statuses, "archived"} if where.archived else set(statuses)
    values: list[Any] = [to_text(after), limit]
    clauses = filter_clauses(where, values, sorted(wanted))
    sql = f"""SELECT v.snapshot FROM mneme.memory m {_HEAD}
      WHERE m.space = $1 AND m.id > $2 AND {" AND ".join(clauses)} ORDER BY m.id LIMIT $3"""
    return [memory_from(snapshot) for (snapshot,) in session.all(sql, *values)]


def filter_clauses(where: Filter, values: list[Any], statuses: Sequence[str]) -> list[str]:
    """Return what a row of ``memory m`` must meet; values are added to those that stand from ``$2`` on."""
    clauses: list[str] = []

    def put(clause: str, value: Any) -> None:
        values.append(value)
        clauses.append(clause.format(f"${len(values) + 1}"))

    put("m.status = ANY({}::text[])", list(statuses))
    for name, column in _FIELDS.items():
        if choices := getattr(where, name):
            put(f"m.{column} = ANY({{}}::text[])", [to_text(choice) for choice in choices])
    for moment, sign in ((where.since, ">="), (where.until, "<")):
        if moment is not None:
            put(f"m.at {sign} {{}}", to_micros(moment))
    if where.tags:
        one_each = [tags_to_text((tag,)) for tag in where.tags]
        put("EXISTS (SELECT 1 FROM unnest({}::text[]) w WHERE strpos(m.tags, w) > 0)", one_each)
    return clauses


def status_of(session: Session, id: str) -> str | None:
    """Return a memory's status."""
    found = session.one("SELECT status FROM mneme.memory WHERE space = $1 AND id = $2", to_text(id))
    return found[0] if found else None


def versions(session: Session, id: str) -> list[Version]:
    """Return a memory's versions, oldest first."""
    sql = f"""SELECT v.snapshot, v.seq FROM mneme.memory m {KEYS_OF_ROW} JOIN mneme.memory_version v ON v.space = $1
      AND v.key BETWEEN k.low AND k.high WHERE m.space = $1 AND m.id = $2 ORDER BY v.key"""
    return [Version(memory=memory_from(snapshot), seq=seq) for snapshot, seq in session.all(sql, to_text(id))]


def places(session: Session, id: str) -> list[tuple[int, int]]:
    """Return (row, text version) of a memory's material, oldest first."""
    sql = f"""SELECT t.key / {VERSIONS}, t.key % {VERSIONS} FROM mneme.memory m {KEYS_OF_ROW}
      JOIN mneme.term t ON t.space = $1 AND t.key BETWEEN k.low AND k.high WHERE m.space = $1 AND m.id = $2 ORDER BY t.key"""
    return [(row, text_version) for row, text_version in session.all(sql, to_text(id))]


def episodes(session: Session, ids: Sequence[str]) -> dict[str, Episode]:
    """Return episodes by id, in the order asked."""
    sql = "SELECT id, snapshot FROM mneme.episode WHERE space = $1 AND snapshot IS NOT NULL AND id = ANY($2::text[])"
    rows = session.all(sql, [to_text(id) for id in ids])
    found = {from_text(id): episode_from_plain(loads(snapshot)) for id, snapshot in rows}
    return {id: found[id] for id in ids if id in found}


def list_episodes(session: Session, after: str, limit: int) -> list[Episode]:
    """Return episodes in order of id."""
    sql = "SELECT snapshot FROM mneme.episode WHERE space = $1 AND snapshot IS NOT NULL AND id > $2 ORDER BY id LIMIT $3"
    return [episode_from_plain(loads(snapshot)) for (snapshot,) in session.all(sql, to_text(after), limit)]


def resting_on(session: Session, episodes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the memories that rest on any of some episodes, with all that they rest on."""
    sql = """SELECT m.id, array_agg(every.episode) FROM mneme.source every JOIN mneme.memory m ON m.space = $1 AND m.row = every.memory
      WHERE every.space = $1 AND every.memory IN (SELECT s.memory FROM mneme.source s WHERE s.space = $1 AND s.episode = ANY($2::text[]))
      GROUP BY m.id ORDER BY m.id"""
    rows = session.all(sql, [to_text(id) for id in episodes])
    return {from_text(id): tuple(sorted(from_text(episode) for episode in every)) for id, every in rows}


def links(session: Session, ids: Sequence[str] | None, at_seq: int | None) -> list[Link]:
    """Return links, ordered by source, target and type."""
    values: list[Any] = []
    held = "l.to_seq IS NULL"
    if at_seq is not None:
        values.append(at_seq)
        held = "l.from_seq <= $2 AND (l.to_seq IS NULL OR l.to_seq > $2)"
    ends = f"""SELECT s.id, t.id, l.type, l.weight FROM mneme.link l JOIN mneme.memory s ON s.space = $1 AND s.row = l.source
      JOIN mneme.memory t ON t.space = $1 AND t.row = l.target WHERE l.space = $1 AND {held}"""
    sql = ends
    if ids is not None:
        values.append([to_text(id) for id in ids])
        wanted = f"(SELECT row FROM mneme.memory WHERE space = $1 AND id = ANY(${len(values) + 1}::text[]))"
        sql = f"{ends} AND l.source IN {wanted} UNION {ends} AND l.target IN {wanted}"
    found = [Link(source=from_text(s), target=from_text(t), type=type, weight=weight) for s, t, type, weight in session.all(sql, *values)]
    return sorted(found, key=lambda link: (link.source, link.target, link.type))


def usage(session: Session, ids: Sequence[str]) -> dict[str, Usage]:
    """Return usage by id."""
    sql = """SELECT m.id, u.uses, u.strength, u.last_used_at, u.state FROM mneme.memory m
      JOIN mneme.usage u ON u.space = $1 AND u.memory = m.row WHERE m.space = $1 AND m.id = ANY($2::text[])"""
    return {from_text(id): usage_from(*numbers) for id, *numbers in session.all(sql, [to_text(id) for id in ids])}


def entries(session: Session, after: int, limit: int) -> list[Entry]:
    """Return entries, oldest first."""
    sql = f"SELECT {ENTRY_COLUMNS} FROM mneme.entry WHERE space = $1 AND seq > $2 ORDER BY seq LIMIT $3"
    return [entry_from(row) for row in session.all(sql, after, limit)]


def entries_of(session: Session, subject: str) -> list[Entry]:
    """Return the entries that touched a memory, episode or job."""
    sql = f"""SELECT {ENTRY_COLUMNS} FROM mneme.entry WHERE space = $1
      AND seq IN (SELECT seq FROM mneme.touch WHERE space = $1 AND subject = $2) ORDER BY seq"""
    return [entry_from(row) for row in session.all(sql, to_text(subject))]


def seq_at(session: Session, moment: datetime) -> int:
    """Return the last entry recorded at or before a moment; entries are numbered without gaps and never go back in time."""
    wanted = to_micros(to_utc(moment, "moment"))
    low, since = folded(meta(session))
    check_kept(to_utc(moment, "moment"), since)
    high = last_seq(session)
    while low < high:
        middle = (low + high + 1) // 2
        found = session.one("SELECT at <= $2 FROM mneme.entry WHERE space = $1 AND seq = $3", wanted, middle)
        if found is not None and found[0]:
            low = middle
        else:
            high = middle - 1
    return low


def meta(session: Session) -> dict[str, str]:
    """Return the settings."""
    return {from_text(key): from_text(value) for key, value in session.all("SELECT key, value FROM mneme.meta WHERE space = $1")}


def placed_meta(session: Session, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return some settings, each with its place."""
    sql = f"SELECT m.key, {PLACE}, m.value FROM mneme.meta m WHERE m.space = $1 AND m.key = ANY($2::text[])"
    return {from_text(key): (place, from_text(value)) for key, place, value in session.all(sql, [to_text(key) for key in keys])}


def put_meta(session: Session, settings: dict[str, str]) -> None:
    """Set some of the settings."""
    session.run(
        """INSERT INTO mneme.meta SELECT $1, u.* FROM unnest($2::text[], $3::text[]) u
           ON CONFLICT (space, key) DO UPDATE SET value = excluded.value""",
        [to_text(key) for key in settings],
        [to_text(value) for value in settings.values()],
    )


def counts(session: Session) -> dict[str, int]:
    """Return how much of everything there is; ``bytes`` are those of the values, without the database's own overhead."""
    statuses: dict[str, int] = dict(session.all("SELECT status, count(*) FROM mneme.memory WHERE space = $1 GROUP BY status"))
    counted = {name: int(statuses.get(name, 0)) for name in STATUSES}
    others = {"episodes": "episode WHERE snapshot IS NOT NULL AND", "links": "link WHERE to_seq IS NULL AND", "jobs": "job WHERE"}
    sized = {"memory_version": "snapshot", "term": "terms", "vector": "data", "episode": "snapshot", "entry": "changes"}
    total = " + ".join(
        f"(SELECT coalesce(sum(length({column})), 0) FROM mneme.{table} WHERE space = $1)" for table, column in sized.items()
    )
    return {
        "memories": sum(counted.values()) - counted["erased"],
        **counted,
        **{name: _number(session, f"SELECT count(*) FROM mneme.{rest} space = $1") for name, rest in others.items()},
        "entries": last_seq(session),
        "bytes": _number(session, f"SELECT {total}"),
    }


def _number(session: Session, sql: str) -> int:
    found = session.one(sql)
    return int(found[0]) if found else 0
