"""Records as rows of tables and back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from mneme.core.clock import from_micros, to_micros
from mneme.core.codec import dumps, loads
from mneme.core.errors import InvalidInput
from mneme.core.journal import Entry, change_from_plain
from mneme.core.records import Job
from mneme.stores.applying import Head

_T = TypeVar("_T")

HEAD_COLUMNS = (
    "row, id, seq, version, text_version, status, kind, at, valid_from, valid_to, author, role, session, ref, channel, tier, "
    "tags, importance"
)
ENTRY_COLUMNS = "seq, at, verb, actor, reason, reason_digest, trace_id, undoes, changes, previous, hash"
JOB_COLUMNS = "id, task, payload, key, state, attempts, due_at, leased_until, error"
_CHUNK = 5000


def head_row(head: Head, seq: int) -> tuple[Any, ...]:
    """Return the row of the table ``memory``, in the order of ``HEAD_COLUMNS``."""
    memory = head.memory
    return (
        head.row,
        memory.id,
        seq,
        memory.version,
        head.text_version,
        memory.status,
        memory.kind,
        to_micros(memory.at),
        to_micros(memory.valid_from),
        None if memory.valid_to is None else to_micros(memory.valid_to),
        memory.author,
        memory.role,
        memory.session,
        memory.ref,
        memory.channel,
        memory.tier,
        dumps(list(memory.tags)).decode() if memory.tags else None,
        memory.importance,
    )


def entry_from(row: Sequence[Any]) -> Entry:
    """Return the entry of a row in the order of ``ENTRY_COLUMNS``."""
    seq, at, verb, actor, reason, reason_digest, trace_id, undoes, changes, previous, digest = row
    return Entry(
        seq=seq,
        recorded_at=from_micros(at),
        verb=verb,
        actor=actor,
        reason=reason,
        reason_digest=reason_digest,
        trace_id=trace_id,
        undoes=undoes,
        changes=tuple(change_from_plain(change) for change in loads(changes)),
        previous=previous,
        hash=digest,
    )


def job_row(job: Job, payload: bytes) -> tuple[Any, ...]:
    """Return the row of a job, in the order of ``JOB_COLUMNS``."""
    leased = None if job.leased_until is None else to_micros(job.leased_until)
    due = to_micros(job.due_at)
    return (job.id, job.task, payload, job.key, job.state, job.attempts, due, leased, job.error)


def job_from(row: Sequence[Any]) -> Job:
    """Return the job of a row in the order of ``JOB_COLUMNS``."""
    id, task, payload, key, state, attempts, due_at, leased_until, error = row
    return Job(
        id=id,
        task=task,
        payload=loads(payload),
        key=key,
        state=state,
        attempts=attempts,
        due_at=from_micros(due_at),
        leased_until=None if leased_until is None else from_micros(leased_until),
        error=error,
    )


def chunks(items: Iterable[_T], size: int = _CHUNK) -> Iterator[list[_T]]:
    """Yield the items in lists that fit one statement."""
    every = list(items)
    for start in range(0, len(every), size):
        yield every[start : start + size]


def _listed(items: list[Any]) -> str:
    try:
        return dumps(items).decode()
    except TypeError as error:
        raise InvalidInput({"ids": "hold a lone surrogate or a number of more than 64 bits; clean them first"}) from error


def select_in(connection: sqlite3.Connection, sql: str, items: Sequence[Any], *before: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query whose ``{}`` stands for ``IN``'s list of items; its other parameters come before."""
    for part in chunks(dict.fromkeys(items)):
        if len(part) == 1:
            yield from connection.execute(sql.format("(?)"), (*before, part[0]))
        else:
            listed = _listed(part)
            yield from connection.execute(sql.format("(SELECT value FROM json_each(?))"), (*before, listed))
