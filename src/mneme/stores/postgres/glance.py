"""One look at a space before its reads: the last entry and the settings in one round trip; and the contents that were read before.

A recall needs to know what the last entry is, which model made the vectors, and the texts and vectors of a dozen memories. The first two
come in one message to the server and back; texts and vectors come together in another, and stay in memory until an entry touches them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

import numpy as np
import orjson
import psycopg

from mneme.core.errors import Closed
from mneme.core.ports import FloatArray
from mneme.core.records import Memory
from mneme.stores.applying import VERSIONS, memory_from
from mneme.stores.postgres import schema
from mneme.stores.postgres.quick import first_value
from mneme.stores.postgres.rows import from_text

DROPPED = "store: its space was dropped; open it again to make a new one"
KEPT_BYTES = 8 * 2**20
"""So much of a space's contents stays in memory at most."""

LONG_SETTING = 1000
"""A setting of more bytes is not part of a look: it is told by its place alone, and read when it is wanted and has moved."""

PLACE = "m.ctid::text || ' ' || m.xmin::text"
"""Where a row stands and which transaction wrote it: what changed has another place."""

_SEEN = f"""(SELECT json_build_array(h.seq, (SELECT json_agg(CASE WHEN octet_length(m.value) <= {LONG_SETTING}
    THEN json_build_array(m.key, m.value) ELSE json_build_array(m.key, NULL, {PLACE}) END) FROM mneme.meta m WHERE m.space = $1))::text
  FROM mneme.head h WHERE h.space = $1)"""
# A branch of CASE is worked out after its condition, so one statement is a transaction that names its space and then reads. A planner
# that did it the other way round would see no row, and the look would be taken again in a transaction of several statements.
_LOOK_AT_ONCE = f"SELECT CASE WHEN set_config('{schema.SETTING}', $1::bigint::text, true) IS NOT NULL THEN {_SEEN} END"
_LOOK = f"SELECT {_SEEN}"
_CONTENTS = f"""SELECT m.row, m.text_version, v.snapshot, d.passages, d.data FROM mneme.memory m
  CROSS JOIN LATERAL (SELECT m.row * {VERSIONS} + m.version AS key, m.row * {VERSIONS} + m.text_version AS material OFFSET 0) k
  JOIN mneme.memory_version v ON v.space = $1 AND v.key = k.key
  LEFT JOIN mneme.vector d ON d.space = $1 AND d.key = k.material
  WHERE m.space = $1 AND m.row = ANY($2::bigint[])"""
_ENTER = f"SELECT set_config('{schema.SETTING}', $1::bigint::text, true)"
_Asked = tuple[LiteralString, tuple[Any, ...]]
_OBJECT_BYTES = 900
_COMMON_BYTES = 3500


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What one look tells.

    Args:
        seq: the last entry.
        settings: the space's settings, without long ones.
        long: the places of those; what stands at the same place is the same.
    """

    seq: int
    settings: Mapping[str, str]
    long: Mapping[str, str] = field(default_factory=dict)


class Content:
    """What a hit is made of, as it came; read when it is wanted.

    Args:
        text_version: the version whose material holds.
        snapshot: the present version.
        data: its vectors, one after another.
        passages: how many; 0 when there are none.
    """

    __slots__ = ("_data", "_memory", "_passages", "_snapshot", "text_version")

    def __init__(self, text_version: int, snapshot: bytes, data: bytes | None, passages: int) -> None:
        self.text_version = text_version
        self._snapshot = snapshot
        self._data = data
        self._passages = passages
        self._memory: Memory | None = None

    @property
    def memory(self) -> Memory:
        """The present version."""
        if self._memory is None:
            self._memory = memory_from(self._snapshot)
        return self._memory

    @property
    def vectors(self) -> FloatArray | None:
        """``(p, width) float32``; None when there are none."""
        return None if not self._data or not self._passages else np.frombuffer(self._data, "<f4").reshape(self._passages, -1)

    @property
    def nbytes(self) -> int:
        """How much memory it takes once it was read, roughly."""
        return _OBJECT_BYTES + 2 * len(self._snapshot) + len(self._data or b"")


def glance(connection: psycopg.Connection[Any], space: int) -> Glance:
    """Look at a space, in one round trip.

    Raises:
        Closed: the space was dropped.
    """
    told = first_value(connection, "mneme_look", _LOOK_AT_ONCE, space)
    return _seen(told if told is not None else _pipelined(connection, space, (_LOOK, (space,)))[0][0][0])


def contents(
    connection: psycopg.Connection[Any], space: int, rows: Sequence[int], *, begun: bool = False
) -> tuple[Glance, dict[int, Content]]:
    """Read the contents of some rows, with the look at the space that they belong to, in one round trip.

    Args:
        connection: to the database.
        space: the space.
        rows: of memories.
        begun: the connection is in a transaction that named the space.
    """
    look, found = together(connection, space, (_CONTENTS, (space, list(rows))), begun=begun)
    return look, {row: Content(version, snapshot, data, passages or 0) for row, version, snapshot, passages, data in found}


def together(connection: psycopg.Connection[Any], space: int, asked: _Asked, *, begun: bool) -> tuple[Glance, list[tuple[Any, ...]]]:
    """Look at a space and run a query, in one transaction and in one round trip.

    Args:
        connection: to the database.
        space: the space.
        asked: the query with its values.
        begun: the connection is in a transaction that named the space.

    Raises:
        Closed: the space was dropped.
    """
    look, found = _pipelined(connection, None if begun else space, (_LOOK, (space,)), asked)
    return _seen(look[0][0]), found


def _pipelined(connection: psycopg.Connection[Any], space: int | None, *asked: _Asked) -> list[list[tuple[Any, ...]]]:
    """Run some queries in a transaction of their own that names a space, or in the present one if None; returns the rows of each."""
    try:
        with connection.pipeline():
            if space is not None:
                connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY", prepare=True)
                connection.execute(_ENTER, (space,), prepare=True)
            cursors = [connection.execute(sql, values, binary=True, prepare=True) for sql, values in asked]
            if space is not None:
                connection.execute("COMMIT", prepare=True)
        return [cursor.fetchall() for cursor in cursors]
    except BaseException:
        if space is not None and not connection.broken:
            connection.execute("ROLLBACK")
        raise


def _seen(told: str | bytes | None) -> Glance:
    if told is None:
        raise Closed(DROPPED)
    seq, rows = orjson.loads(told)
    settings, long = {}, {}
    for key, value, *place in rows or ():
        if place:
            long[from_text(key)] = place[0]
        else:
            settings[from_text(key)] = from_text(value)
    return Glance(seq=seq, settings=settings, long=long)


class Kept:
    """Contents that were read, as of one entry and one model; the least recently used go first. Safe for threads.

    Args:
        most_bytes: how much may be kept.
    """

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._state: tuple[int, str] = (-1, "")
        self._by_row: OrderedDict[int, Content] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """How many bytes are kept, roughly."""
        return self._nbytes

    @property
    def room(self) -> int:
        """How many memories of a common size fill half of it."""
        return self._most_bytes // (2 * _COMMON_BYTES)

    def take(self, look: Glance, rows: Iterable[int]) -> dict[int, Content]:
        """Return what is kept of some rows as of a look; nothing when that is another state."""
        with self._lock:
            if self._state != _state(look):
                return {}
            found = {row: self._by_row[row] for row in rows if row in self._by_row}
            for row in found:
                self._by_row.move_to_end(row)
            return found

    def keep(self, look: Glance, read: Mapping[int, Content]) -> None:
        """Keep what was read in the state of a look, unless another state is kept already."""
        with self._lock:
            if self._state[0] == look.seq and self._state != _state(look):
                self._clear(_state(look))  # the model was changed, which is no entry
            if self._state != _state(look):
                return
            for row, content in read.items():
                if row not in self._by_row:
                    self._by_row[row] = content
                    self._nbytes += content.nbytes
            while self._nbytes > self._most_bytes:
                _, gone = self._by_row.popitem(last=False)
                self._nbytes -= gone.nbytes

    def fill(self, look: Glance, read: Mapping[int, Content]) -> None:
        """Keep what was read of a whole space, and nothing else."""
        with self._lock:
            self._clear(_state(look))
        self.keep(look, read)

    def follow(self, after: int, touched: Iterable[int], seq: int) -> None:
        """Let go of the rows that entries after ``after`` up to ``seq`` touched; of everything if it was kept as of an older entry."""
        with self._lock:
            if not after or self._state[0] < after:
                self._clear((seq, self._state[1]))
                return
            for row in touched:
                gone = self._by_row.pop(row, None)
                if gone is not None:
                    self._nbytes -= gone.nbytes
            self._state = (max(seq, self._state[0]), self._state[1])

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._clear((-1, ""))

    def _clear(self, state: tuple[int, str]) -> None:
        self._by_row.clear()
        self._nbytes = 0
        self._state = state


def _state(look: Glance) -> tuple[int, str]:
    return look.seq, look.settings.get("model", "")
