"""One prepared statement, asked with as little in between as can be: for a question that every recall asks.

Two processes that sleep until the other wakes them take longer over a small answer than the server takes to find it. So the answer is
looked for again and again for a moment, other threads going on meanwhile, before this one sleeps; but not where the server is on another
machine, from which no answer comes that soon.
"""

from __future__ import annotations

import select
import time
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

AWAKE_S = 0.0003
"""For so long an answer is looked for before the thread sleeps; longer than a server on this machine takes for a look."""

_SLEEP_MS = 200
_LOCAL = (b"127.", b"::1", b"localhost", b"/", b"@")
_prepared: WeakKeyDictionary[psycopg.Connection[Any], float] = WeakKeyDictionary()
"""Connection -> for how long its answers are looked for before the thread sleeps."""
_POLLS = hasattr(select, "poll")


def first_value(connection: psycopg.Connection[Any], name: str, sql: str, value: int) -> bytes | None:
    """Return the first column of the first row of a query with one whole number as ``$1``, as the wire has it; None for NULL or no row.

    Args:
        connection: outside a transaction, used by this thread alone; one query of this kind is prepared on it.
        name: what the query is called on the server.
        sql: the query; always the same for a name.
        value: the number.
    """
    pgconn = connection.pgconn
    awake_s = _prepared.get(connection)
    if awake_s is None:
        _checked(pgconn.prepare(name.encode(), sql.encode()))
        awake_s = _prepared[connection] = AWAKE_S if (pgconn.hostaddr or pgconn.host).startswith(_LOCAL) else 0.0
    pgconn.send_query_prepared(name.encode(), [b"%d" % value], [0], result_format=1)
    while pgconn.flush():
        time.sleep(0)
    result = _checked(_answer(pgconn, awake_s))
    return result.get_value(0, 0) if result.ntuples else None


def _answer(pgconn: PGconn, awake_s: float) -> PGresult | None:
    """Return the last result of the query under way."""
    wire = select.poll() if _POLLS else None
    if wire is not None:
        wire.register(pgconn.socket, select.POLLIN)
    asleep_from = time.perf_counter() + awake_s
    last: PGresult | None = None
    while True:
        while pgconn.is_busy():
            if wire is None:
                select.select([pgconn.socket], [], [], _SLEEP_MS / 1000)
            elif not wire.poll(0) and time.perf_counter() > asleep_from:
                wire.poll(_SLEEP_MS)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:
            return last
        last = result


def _checked(result: PGresult | None) -> PGresult:
    if result is None:
        raise errors.OperationalError("the connection is closed")
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise errors.error_from_result(result)
    return result
