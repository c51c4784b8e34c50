"""Reading the rows for the index in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mneme.core.errors import Closed
from mneme.core.ports import FloatArray, IndexRows
from mneme.core.upkeep import NEVER
from mneme.stores.applying import VERSIONS, Head, memory_from
from mneme.stores.postgres.connect import Connection, Session
from mneme.stores.postgres.glance import DROPPED, Content, Glance, together
from mneme.stores.postgres.reads import last_seq, meta
from mneme.stores.postgres.rows import from_text, head_row, tags_from_text

OPEN_END = np.iinfo(np.int64).max
_CHUNK = 2000
_COLUMNS = f"""m.row, m.id, m.text_version, m.kind, m.status, m.author, m.role, m.session, m.channel, m.tier, m.tags, m.ref,
  m.at, m.valid_from, coalesce(m.valid_to, {OPEN_END}), m.importance, coalesce(u.uses, 0), coalesce(u.strength, 1),
  coalesce(u.last_used_at, {NEVER}),
  coalesce(t.passages, 0), coalesce(t.terms, ''::bytea)"""
_REST = f"""CROSS JOIN LATERAL (SELECT m.row * {VERSIONS} + m.text_version AS key, m.row * {VERSIONS} + m.version AS present OFFSET 0) k
  LEFT JOIN mneme.term t ON t.space = $1 AND t.key = k.key
  LEFT JOIN mneme.usage u ON u.space = $1 AND u.memory = m.row"""
_VECTOR = "LEFT JOIN mneme.vector v ON v.space = $1 AND v.key = k.key"
_AS_OF = f"""SELECT DISTINCT ON (key / {VERSIONS}) key, text_version, snapshot FROM mneme.memory_version
  WHERE space = $1 AND seq <= $2 ORDER BY key / {VERSIONS}, key DESC"""

CHANGED = f"""SELECT {_COLUMNS}, p.snapshot, v.data FROM mneme.memory m {_REST} {_VECTOR}
  LEFT JOIN mneme.memory_version p ON p.space = $1 AND p.key = k.present
  WHERE m.space = $1 AND m.seq > $2::bigint LIMIT {_CHUNK + 1}"""
"""In no order: the planner would take an order by row for a reason to read the whole space by it."""


def index_rows(session: Session, *, after: int, vectors: bool, rows: Sequence[int] | None = None) -> IndexRows:
    """Return the rows that entries after ``after`` touched, or the named ones; call it in a snapshot."""
    if not after and rows is None:
        session.in_bulk()
    values: list[Any] = [after] if after else []
    where = "m.seq > $2" if after else "m.status <> 'erased'"
    if rows is not None:
        where, values = "m.status <> 'erased' AND m.row = ANY($2::bigint[])", [list(rows)]
    data = ", v.data" if vectors else ", NULL"
    join = f"{_REST} {_VECTOR}" if vectors else _REST
    sql = f"SELECT {_COLUMNS}{data} FROM mneme.memory m {join} WHERE m.space = $1 AND {where} ORDER BY m.row"
    seq, width = _state(session)
    return _assemble([session.all(sql, *values)] if rows is not None else _streamed(session, sql, values), seq, width)


def changed(connection: Connection, space: int, after: int, *, begun: bool) -> tuple[Glance, IndexRows, dict[int, Content]] | None:
    """Return the rows that entries after ``after`` touched, with what hits are made of, in one round trip; None when they are many.

    Args:
        connection: to the database.
        space: the space.
        after: an entry that is not the first.
        begun: the connection is in a transaction that named the space.
    """
    look, found = together(connection, space, (CHANGED, (space, after)), begun=begun)
    if len(found) > _CHUNK:
        return None
    snapshots: list[bytes] = []
    blobs: list[bytes | None] = []
    rows = _assemble([sorted(found)], look.seq, int(look.settings.get("width", "0")), kept=(snapshots, blobs))
    return look, rows, _contents(rows, snapshots, blobs)


def index_rows_at(session: Session, seq: int) -> IndexRows:
    """Return the rows as they stood after entry ``seq``; call it in a snapshot."""
    session.in_bulk()
    sql = f"""SELECT o.key / {VERSIONS}, o.text_version, o.snapshot, coalesce(u.uses, 0), coalesce(u.strength, 1),
        coalesce(u.last_used_at, {NEVER}), coalesce(t.passages, 0), coalesce(t.terms, ''::bytea), v.data FROM ({_AS_OF}) o
      LEFT JOIN mneme.term t ON t.space = $1 AND t.key = o.key / {VERSIONS} * {VERSIONS} + o.text_version
      LEFT JOIN mneme.vector v ON v.space = $1 AND v.key = t.key
      LEFT JOIN mneme.usage u ON u.space = $1 AND u.memory = o.key / {VERSIONS} ORDER BY o.key"""
    last, width = _state(session)
    return _assemble(_streamed(session, sql, [seq]), min(seq, last), width, past=True)


def whole_space(session: Session) -> tuple[IndexRows, Glance, dict[int, Content]]:
    """Return every row of a small space with what hits are made of, in one pass; call it in a snapshot."""
    sql = f"""SELECT {_COLUMNS}, p.snapshot, v.data FROM mneme.memory m {_REST} {_VECTOR}
      LEFT JOIN mneme.memory_version p ON p.space = $1 AND p.key = k.present
      WHERE m.space = $1 AND m.status <> 'erased' ORDER BY m.row"""
    snapshots: list[bytes] = []
    blobs: list[bytes | None] = []
    look = Glance(seq=last_seq(session), settings=meta(session))
    rows = _assemble(_streamed(session, sql, []), look.seq, int(look.settings.get("width", "0")), kept=(snapshots, blobs))
    return rows, look, _contents(rows, snapshots, blobs)


def _contents(rows: IndexRows, snapshots: list[bytes], blobs: list[bytes | None]) -> dict[int, Content]:
    held = zip(rows.row.tolist(), rows.text_version.tolist(), rows.status, snapshots, blobs, rows.passages.tolist(), strict=True)
    return {
        row: Content(version, snapshot, data, passages) for row, version, status, snapshot, data, passages in held if status != "erased"
    }


def _state(session: Session) -> tuple[int, int]:
    """Return the last entry and the width of the vectors, 0 when there are none yet."""
    found = session.one(
        "SELECT h.seq, (SELECT m.value FROM mneme.meta m WHERE m.space = $1 AND m.key = 'width') FROM mneme.head h WHERE h.space = $1"
    )
    if found is None:
        raise Closed(DROPPED)
    return int(found[0]), int(found[1] or 0)


def _columns(row: int, text_version: int, snapshot: bytes, *rest: Any) -> tuple[Any, ...]:
    head = head_row(Head(row, memory_from(snapshot), text_version, stored=True), 0)
    (_, id, _, _, _, status, kind, at, start, end, author, role, session, ref, channel, tier, tags, importance) = head
    until = OPEN_END if end is None else end
    return (row, id, text_version, kind, status, author, role, session, channel, tier, tags, ref, at, start, until, importance, *rest)


def _assemble(
    read: Iterable[list[tuple[Any, ...]]],
    seq: int,
    width: int,
    *,
    past: bool = False,
    kept: tuple[list[bytes], list[bytes | None]] | None = None,
) -> IndexRows:
    columns: list[list[Any]] = [[] for _ in range(21)]
    parts: list[FloatArray] = []
    known: dict[Any, Any] = {}
    for part in filter(None, read):
        rows = [_columns(*row) for row in part] if past else part
        *plain, blobs = zip(*rows, strict=True)
        if kept is not None:
            kept[0].extend(plain.pop())
            kept[1].extend(blobs)
        for column, more in zip(columns, plain, strict=True):
            # Equal strings as one object spare tens of megabytes in a large space.
            column.extend(known.setdefault(value, value) if isinstance(value, str) else value for value in more)
        joined = b"".join(blob for blob in blobs if blob is not None)
        if joined:
            parts.append(np.frombuffer(joined, "<f4").reshape(-1, width))
    (row, id, text_version, kind, status, author, role, spoken_in, channel, tier, tags, ref, at, start, end) = columns[:15]
    importance, uses, strength, last_used, passages, terms = columns[15:]
    return IndexRows(
        seq=seq,
        row=np.array(row, np.int64),
        memory=_texts(id),
        text_version=np.array(text_version, np.int64),
        kind=kind,
        status=status,
        author=_texts(author),
        role=_texts(role),
        session=_texts(spoken_in),
        channel=_texts(channel),
        tier=_texts(tier),
        tags=[tags_from_text(each) for each in tags],
        ref=_texts(ref),
        at=np.array(at, np.int64),
        valid_from=np.array(start, np.int64),
        valid_to=np.array(end, np.int64),
        importance=np.array(importance, np.float32),
        uses=np.array(uses, np.float32),
        strength=np.array(strength, np.float32),
        last_used=np.array(last_used, np.int64),
        terms=terms,
        vectors=np.concatenate(parts) if parts else np.zeros((0, width), np.float32),
        passages=np.array(passages, np.int64),
    )


def _texts(column: list[Any]) -> list[Any]:
    return [from_text(value) for value in column]


def _streamed(session: Session, sql: str, values: list[Any]) -> Iterable[list[tuple[Any, ...]]]:
    """Yield the rows in parts; a long result is not held whole in its raw form."""
    with session.connection.cursor("index_rows") as cursor:
        cursor.execute(sql, (session.space, *values), binary=True)
        while part := cursor.fetchmany(_CHUNK):
            yield part


def vectors(session: Session, rows: Sequence[int], text_versions: Sequence[int]) -> list[FloatArray]:
    """Return the vectors of rows, in the order asked."""
    keys = [int(row) * VERSIONS + int(number) for row, number in zip(rows, text_versions, strict=True)]
    sql = "SELECT key, passages, data FROM mneme.vector WHERE space = $1 AND key = ANY($2::bigint[])"
    found = {key: np.frombuffer(data, "<f4").reshape(passages, -1) for key, passages, data in session.all(sql, keys)}
    if len(found) < len(set(keys)):
        empty = np.zeros((0, _state(session)[1]), np.float32)
        return [found.get(key, empty) for key in keys]
    return [found[key] for key in keys]
