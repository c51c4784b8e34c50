"""Reading the rows for the index in memory, as fast as the Python binding allows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

import numpy as np

from mneme.core.codec import loads
from mneme.core.ports import FloatArray, IndexRows, IntArray
from mneme.core.upkeep import NEVER
from mneme.stores.applying import Head, memory_from
from mneme.stores.sqlite.reads import last_seq, meta
from mneme.stores.sqlite.rows import head_row, select_in
from mneme.stores.sqlite.schema import VERSIONS

OPEN_END = np.iinfo(np.int64).max
_CHUNK = 2000
_WIDTH = 18
_REPEATED = frozenset(range(3, 11))  # kind to tags
_COLUMNS = f"""m.row, m.id, m.text_version, m.kind, m.status, m.author, m.role, m.session, m.channel, m.tier, m.tags, m.ref,
  m.at, m.valid_from, coalesce(m.valid_to, {OPEN_END}), m.importance"""
_TERM = f"LEFT JOIN term t ON t.key = m.row * {VERSIONS} + m.text_version"


def index_rows(connection: sqlite3.Connection, *, after: int, vectors: bool) -> IndexRows:
    """Return the rows that entries after ``after`` touched; call it inside a transaction."""
    # Few rows were touched since the last time, and SQLite, which keeps no statistics, would read all of them.
    memory, where = ("memory m INDEXED BY memory_seq", "m.seq > ?") if after else ("memory m", "m.status <> 'erased' AND m.seq > ?")
    rows = connection.execute(
        f"SELECT {_COLUMNS}, coalesce(t.passages, 0), coalesce(t.terms, x'') FROM {memory} {_TERM} WHERE {where} ORDER BY m.row",
        (after,),
    )
    source = f"FROM {memory} JOIN vector v ON v.key = m.row * {VERSIONS} + m.text_version WHERE {where}"
    blobs = connection.execute(f"SELECT v.data {source} ORDER BY m.row", (after,)) if vectors else iter(())
    return _assemble(connection, rows, blobs, last_seq(connection))


def index_parts(connection: sqlite3.Connection, *, after: int, size: int) -> Iterator[IndexRows]:
    """Yield the same rows, without vectors, some at a time; call it inside a transaction."""
    memory, where = ("memory m INDEXED BY memory_seq", "m.seq > ?") if after else ("memory m", "m.status <> 'erased' AND m.seq > ?")
    rows = connection.execute(
        f"SELECT {_COLUMNS}, coalesce(t.passages, 0), coalesce(t.terms, x'') FROM {memory} {_TERM} WHERE {where} ORDER BY m.row",
        (after,),
    )
    seq = last_seq(connection)
    some = True
    while some:
        part = _assemble(connection, islice(rows, size), iter(()), seq)
        some = len(part.row) == size
        yield part


def index_rows_at(connection: sqlite3.Connection, seq: int) -> IndexRows:
    """Return the rows as they stood after entry ``seq``; call it inside a transaction.

    What has not changed since is read from its row, the rest from its versions.
    """
    head = f"JOIN memory_version h ON h.key = m.row * {VERSIONS} + m.version"
    material = "coalesce(t.passages, 0), coalesce(t.terms, x'')"
    same = connection.execute(f"SELECT {_COLUMNS}, {material} FROM memory m {head} {_TERM} WHERE h.seq <= ?", (seq,)).fetchall()
    older = f"""SELECT m.row, v.text_version, v.snapshot, {material} FROM memory m {head} JOIN memory_version v ON v.key =
        (SELECT max(o.key) FROM memory_version o WHERE o.key BETWEEN m.row * {VERSIONS} AND h.key AND o.seq <= ?)
      LEFT JOIN term t ON t.key = m.row * {VERSIONS} + v.text_version WHERE h.seq > ?"""
    rows = sorted([*same, *(_columns(*row) for row in connection.execute(older, (seq, seq)))], key=itemgetter(0))
    keys = [row[0] * VERSIONS + row[2] for row in rows]
    data = select_in(connection, "SELECT data FROM vector WHERE key IN {} ORDER BY key", keys)
    return _assemble(connection, rows, ((blob,) for (blob,) in data), min(seq, last_seq(connection)))


def _columns(row: int, text_version: int, snapshot: bytes, passages: int, terms: bytes) -> tuple[Any, ...]:
    head = head_row(Head(row, memory_from(snapshot), text_version, stored=True), 0)
    (_, id, _, _, _, status, kind, at, start, end, author, role, session, ref, channel, tier, tags, importance) = head
    until = OPEN_END if end is None else end
    return (
        row, id, text_version, kind, status, author, role, session, channel, tier, tags, ref, at, start, until, importance,
        passages, terms,
    )  # fmt: skip


def _assemble(connection: sqlite3.Connection, rows: Iterable[tuple[Any, ...]], blobs: Iterable[tuple[bytes]], seq: int) -> IndexRows:
    columns = _transposed(rows)
    (row, id, text_version, kind, status, author, role, session, channel, tier, tags, ref, at, start, end) = columns[:15]
    importance, passages, terms = columns[15:]
    numbers = np.array(row, np.int64)
    uses, strength, last_used = _usage(connection, numbers)
    return IndexRows(
        seq=seq,
        row=numbers,
        memory=id,
        text_version=np.array(text_version, np.int64),
        kind=kind,
        status=status,
        author=author,
        role=role,
        session=session,
        channel=channel,
        tier=tier,
        tags=[() if each is None else tuple(loads(each)) for each in tags],
        ref=ref,
        at=np.array(at, np.int64),
        valid_from=np.array(start, np.int64),
        valid_to=np.array(end, np.int64),
        importance=np.array(importance, np.float32),
        uses=uses,
        strength=strength,
        terms=terms,
        vectors=_vectors(blobs, sum(passages), width_of(connection)),
        passages=np.array(passages, np.int64),
        last_used=last_used,
    )


def _transposed(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Return the columns; some rows at a time, and equal strings of a column as one object, which spares tens of megabytes."""
    columns: list[list[Any]] = [[] for _ in range(_WIDTH)]
    known: dict[Any, Any] = {}
    iterator = iter(rows)
    while part := list(islice(iterator, _CHUNK)):
        for number, column in enumerate(zip(*part, strict=True)):
            columns[number].extend(map(known.setdefault, column, column) if number in _REPEATED else column)
    return columns


def _usage(connection: sqlite3.Connection, rows: np.ndarray[Any, np.dtype[np.int64]]) -> tuple[FloatArray, FloatArray, IntArray]:
    uses, strength = np.zeros(len(rows), np.float32), np.ones(len(rows), np.float32)
    last_used = np.full(len(rows), NEVER, np.int64)
    columns = f"SELECT memory, uses, strength, coalesce(last_used_at, {NEVER}) FROM usage"
    if len(rows) <= _CHUNK:
        every = sorted(select_in(connection, f"{columns} WHERE memory IN {{}}", rows.tolist()))
    else:
        every = connection.execute(f"{columns} WHERE memory BETWEEN ? AND ? ORDER BY memory", (int(rows[0]), int(rows[-1]))).fetchall()
    if every:
        used, number, power, last = (np.array(column) for column in zip(*every, strict=True))
        place = np.minimum(np.searchsorted(rows, used), len(rows) - 1)
        held = rows[place] == used
        uses[place[held]], strength[place[held]], last_used[place[held]] = number[held], power[held], last[held]
    return uses, strength, last_used


def _vectors(blobs: Iterable[tuple[bytes]], passages: int, width: int) -> FloatArray:
    """Fill one array from the blobs, some at a time, so that the peak is one array and a little."""
    iterator = iter(blobs)
    first = next(iterator, None)
    if first is None:
        return np.zeros((0, width), np.float32)
    vectors = np.empty((passages, width), np.float32)
    flat, filled = vectors.reshape(-1), 0
    for part in _parts(first, iterator):
        numbers = np.frombuffer(b"".join(part), "<f4")
        flat[filled : filled + len(numbers)] = numbers
        filled += len(numbers)
    return vectors


def _parts(first: tuple[bytes], rest: Iterator[tuple[bytes]]) -> Iterator[list[bytes]]:
    part = [first[0]]
    for (blob,) in rest:
        part.append(blob)
        if len(part) == _CHUNK:
            yield part
            part = []
    yield part


def width_of(connection: sqlite3.Connection) -> int:
    """Return the width of the space's vectors, 0 when there are none yet."""
    return int(meta(connection).get("width", "0"))


def vectors(connection: sqlite3.Connection, rows: Sequence[int], text_versions: Sequence[int]) -> list[FloatArray]:
    """Return the vectors of rows, in the order asked."""
    keys = [int(row) * VERSIONS + int(number) for row, number in zip(rows, text_versions, strict=True)]
    rows_found = select_in(connection, "SELECT key, passages, data FROM vector WHERE key IN {}", keys)
    found = {key: np.frombuffer(data, "<f4").reshape(passages, -1) for key, passages, data in rows_found}
    if len(found) == len(keys):
        return [found[key] for key in keys]
    nothing = np.empty((0, width_of(connection) or 1), np.float32)
    return [found.get(key, nothing) for key in keys]
