"""Durable work: leases that end, so that a job outlives the worker that had it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from mneme.core.clock import to_micros, to_utc
from mneme.core.errors import InvalidInput
from mneme.core.records import Job
from mneme.stores.sqlite.rows import JOB_COLUMNS, job_from


def jobs(connection: sqlite3.Connection, states: Sequence[str]) -> list[Job]:
    """Return jobs by due time, then id."""
    where = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
    rows = connection.execute(f"SELECT {JOB_COLUMNS} FROM job {where} ORDER BY due_at, id", tuple(states))
    return [job_from(row) for row in rows]


def claim(connection: sqlite3.Connection, now: datetime, lease_s: float, tasks: Sequence[str], limit: int) -> list[Job]:
    """Lease jobs that are due, or whose lease has ended; call it inside a writing transaction."""
    moment = to_utc(now, "now")
    until = to_micros(moment + timedelta(seconds=lease_s))
    of_task = f"AND task IN ({', '.join('?' * len(tasks))})" if tasks else ""
    due = f"""SELECT id FROM job WHERE ((state = 'waiting' AND due_at <= ?) OR (state = 'leased' AND leased_until <= ?))
      {of_task} ORDER BY due_at, id LIMIT ?"""
    ids = [id for (id,) in connection.execute(due, (to_micros(moment), to_micros(moment), *tasks, limit))]
    lease = "UPDATE job SET state = 'leased', attempts = attempts + 1, leased_until = ? WHERE id = ?"
    connection.executemany(lease, [(until, id) for id in ids])
    one = f"SELECT {JOB_COLUMNS} FROM job WHERE id = ?"
    return [job_from(connection.execute(one, (id,)).fetchone()) for id in ids]


def renew(connection: sqlite3.Connection, job: Job, now: datetime, lease_s: float) -> bool:
    """Make a lease longer; False when it was lost. Call it inside a writing transaction."""
    until = to_micros(to_utc(now, "now") + timedelta(seconds=lease_s))
    lease = "UPDATE job SET leased_until = ? WHERE id = ? AND state = 'leased' AND attempts = ?"
    return connection.execute(lease, (until, job.id, job.attempts)).rowcount == 1


def finish(connection: sqlite3.Connection, job: Job, state: str, now: datetime, due_at: datetime | None, error: str | None) -> bool:
    """End an attempt at a job; False when the lease was lost. Call it inside a writing transaction."""
    if state not in ("done", "dead", "waiting"):
        raise InvalidInput({"state": f"must be done, dead or waiting, not {state!r}"})
    due = to_micros(to_utc(due_at or now, "due_at"))
    changed = connection.execute(
        """UPDATE job SET due_at = CASE WHEN ?1 = 'waiting' THEN ?2 ELSE due_at END, state = ?1, error = ?3, leased_until = NULL
           WHERE id = ?4 AND state = 'leased' AND attempts = ?5""",
        (state, due, error, job.id, job.attempts),
    )
    return changed.rowcount == 1
