"""Durable work: leases that end; workers that claim at the same moment pass by the rows that another has locked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from mneme.core.clock import to_micros, to_utc
from mneme.core.errors import InvalidInput
from mneme.core.records import Job
from mneme.stores.postgres.connect import Session
from mneme.stores.postgres.rows import JOB_COLUMNS, job_from, to_text

_RETURNED = ", ".join(f"j.{name}" for name in JOB_COLUMNS.split(", "))
_CLAIM = f"""WITH due AS (
  SELECT id FROM mneme.job WHERE space = $1
    AND ((state = 'waiting' AND due_at <= $2) OR (state = 'leased' AND leased_until <= $2))
    AND (cardinality($4::text[]) = 0 OR task = ANY($4::text[]))
  ORDER BY due_at, id LIMIT $5 FOR UPDATE SKIP LOCKED)
UPDATE mneme.job j SET state = 'leased', attempts = attempts + 1, leased_until = $3 FROM due
WHERE j.space = $1 AND j.id = due.id RETURNING {_RETURNED}"""


def jobs(session: Session, states: Sequence[str]) -> list[Job]:
    """Return jobs by due time, then id."""
    sql = f"""SELECT {JOB_COLUMNS} FROM mneme.job WHERE space = $1
      AND (cardinality($2::text[]) = 0 OR state = ANY($2::text[])) ORDER BY due_at, id"""
    return [job_from(row) for row in session.all(sql, list(states))]


def claim(session: Session, now: datetime, lease_s: float, tasks: Sequence[str], limit: int) -> list[Job]:
    """Lease jobs that are due, or whose lease has ended; call it inside a writing transaction."""
    moment = to_utc(now, "now")
    until = to_micros(moment + timedelta(seconds=lease_s))
    rows = session.all(_CLAIM, to_micros(moment), until, [to_text(task) for task in tasks], limit)
    return sorted((job_from(row) for row in rows), key=lambda job: (job.due_at, job.id))


def renew(session: Session, job: Job, now: datetime, lease_s: float) -> bool:
    """Make a lease longer; False when it was lost. Call it inside a writing transaction."""
    until = to_micros(to_utc(now, "now") + timedelta(seconds=lease_s))
    changed = session.run(
        "UPDATE mneme.job SET leased_until = $2 WHERE space = $1 AND id = $3 AND state = 'leased' AND attempts = $4",
        until, to_text(job.id), job.attempts,
    )  # fmt: skip
    return changed.rowcount == 1


def finish(session: Session, job: Job, state: str, now: datetime, due_at: datetime | None, error: str | None) -> bool:
    """End an attempt at a job; False when the lease was lost. Call it inside a writing transaction."""
    if state not in ("done", "dead", "waiting"):
        raise InvalidInput({"state": f"must be done, dead or waiting, not {state!r}"})
    due = to_micros(to_utc(due_at or now, "due_at"))
    changed = session.run(
        """UPDATE mneme.job SET due_at = CASE WHEN $2::text = 'waiting' THEN $3::bigint ELSE due_at END, state = $2::text,
             error = $4::text, leased_until = NULL WHERE space = $1 AND id = $5 AND state = 'leased' AND attempts = $6""",
        state, due, to_text(error), to_text(job.id), job.attempts,
    )  # fmt: skip
    return changed.rowcount == 1


def is_finished(session: Session, job: Job, state: str) -> bool:
    """Return whether an attempt at a job has ended so."""
    found = session.one("SELECT attempts, state FROM mneme.job WHERE space = $1 AND id = $2 FOR UPDATE", to_text(job.id))
    return found is not None and tuple(found) == (job.attempts, state)


def are_claimed(session: Session, claimed: Sequence[Job]) -> bool:
    """Return whether leases that were given hold."""
    rows = session.all(
        "SELECT id, attempts, state FROM mneme.job WHERE space = $1 AND id = ANY($2::text[]) FOR UPDATE",
        [to_text(job.id) for job in claimed],
    )
    return {(to_text(job.id), job.attempts, "leased") for job in claimed} <= set(rows)
