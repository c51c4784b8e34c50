"""Records as rows of PostgreSQL's tables and back.

PostgreSQL's text holds no NUL, ids and names in mneme may: it is stored as backslash and 0, and a backslash as two. Content is in
``bytea`` and needs none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, overload

from mneme.core.clock import from_micros, to_micros
from mneme.core.codec import loads
from mneme.core.journal import Entry, change_from_plain
from mneme.core.records import Job
from mneme.stores.applying import VERSIONS, Head

CHUNK = 2000
"""How many rows go into one statement."""

_BETWEEN = "\x1f"
_T = TypeVar("_T")

HEAD_COLUMNS = (
    "row", "id", "seq", "version", "text_version", "status", "kind", "at", "valid_from", "valid_to", "author", "role", "session", "ref",
    "channel", "tier", "tags", "importance",
)  # fmt: skip
HEAD_TYPES = (
    "bigint", "text", "bigint", "integer", "integer", "text", "text", "bigint", "bigint", "bigint", "text", "text", "text", "text",
    "text", "text", "text", "double precision",
)  # fmt: skip
ENTRY_COLUMNS = "seq, at, verb, actor, reason, reason_digest, trace_id, undoes, changes, previous, hash"
JOB_COLUMNS = "id, task, payload, key, state, attempts, due_at, leased_until, error"


def keyed(version: str) -> str:
    """Return the SQL that puts a version's key beside a row of ``memory m``, as ``k.key``.

    A policy stands before every condition that could fail, as arithmetic can, so an index is not used for ``v.key = m.row * n + ...``:
    the whole space is read. A value that stands in a column already can't fail; ``OFFSET 0`` keeps the planner from undoing it.
    """
    return f"CROSS JOIN LATERAL (SELECT m.row * {VERSIONS} + {version} AS key OFFSET 0) k"


KEYS_OF_ROW = f"CROSS JOIN LATERAL (SELECT m.row * {VERSIONS} AS low, m.row * {VERSIONS} + {VERSIONS - 1} AS high OFFSET 0) k"
"""The same for the keys of all versions of a row: from ``k.low`` to ``k.high``."""


@overload
def to_text(value: str) -> str: ...
@overload
def to_text(value: None) -> None: ...
def to_text(value: str | None) -> str | None:
    r"""Return a string as a column holds it.

    Example:
        >>> to_text("a\x00b")
        'a\\0b'
    """
    if value is None or ("\x00" not in value and "\\" not in value):
        return value
    return value.replace("\\", "\\\\").replace("\x00", "\\0")


@overload
def from_text(value: str) -> str: ...
@overload
def from_text(value: None) -> None: ...
def from_text(value: str | None) -> str | None:
    """Return the string that :func:`to_text` wrote."""
    if value is None or "\\" not in value:
        return value
    return "\\".join(part.replace("\\0", "\x00") for part in value.split("\\\\"))


def tags_to_text(tags: Sequence[str]) -> str | None:
    """Return tags as a column holds them: each between separators, so that one is found by a search for the string; None for none."""
    if not tags:
        return None
    return _BETWEEN + "".join(to_text(tag).replace(_BETWEEN, "\\1") + _BETWEEN for tag in tags)


def tags_from_text(value: str | None) -> tuple[str, ...]:
    """Return the tags that :func:`tags_to_text` wrote."""
    if value is None:
        return ()
    return tuple(_unescaped(tag) for tag in value[1:-1].split(_BETWEEN))


def _unescaped(tag: str) -> str:
    if "\\" not in tag:
        return tag
    parts = tag.split("\\\\")
    return "\\".join(part.replace("\\0", "\x00").replace("\\1", _BETWEEN) for part in parts)


def head_row(head: Head, seq: int) -> tuple[Any, ...]:
    """Return the row of the table ``memory``, in the order of ``HEAD_COLUMNS``."""
    memory = head.memory
    return (
        head.row,
        to_text(memory.id),
        seq,
        memory.version,
        head.text_version,
        memory.status,
        memory.kind,
        to_micros(memory.at),
        to_micros(memory.valid_from),
        None if memory.valid_to is None else to_micros(memory.valid_to),
        to_text(memory.author),
        to_text(memory.role),
        to_text(memory.session),
        to_text(memory.ref),
        to_text(memory.channel),
        to_text(memory.tier),
        tags_to_text(memory.tags),
        float(memory.importance),
    )


def entry_from(row: Sequence[Any]) -> Entry:
    """Return the entry of a row in the order of ``ENTRY_COLUMNS``."""
    seq, at, verb, actor, reason, reason_digest, trace_id, undoes, changes, previous, digest = row
    return Entry(
        seq=seq,
        recorded_at=from_micros(at),
        verb=from_text(verb),
        actor=from_text(actor),
        reason=from_text(reason),
        reason_digest=reason_digest,
        trace_id=from_text(trace_id),
        undoes=undoes,
        changes=tuple(change_from_plain(change) for change in loads(changes)),
        previous=previous,
        hash=digest,
    )


def job_row(job: Job, payload: bytes) -> tuple[Any, ...]:
    """Return the row of a job, in the order of ``JOB_COLUMNS``."""
    leased = None if job.leased_until is None else to_micros(job.leased_until)
    due = to_micros(job.due_at)
    return (to_text(job.id), to_text(job.task), payload, to_text(job.key), job.state, job.attempts, due, leased, to_text(job.error))


def job_from(row: Sequence[Any]) -> Job:
    """Return the job of a row in the order of ``JOB_COLUMNS``."""
    id, task, payload, key, state, attempts, due_at, leased_until, error = row
    return Job(
        id=from_text(id),
        task=from_text(task),
        payload=loads(payload),
        key=from_text(key),
        state=state,
        attempts=attempts,
        due_at=from_micros(due_at),
        leased_until=None if leased_until is None else from_micros(leased_until),
        error=from_text(error),
    )


def columns_of(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Return rows as columns, for ``unnest``."""
    return [list(column) for column in zip(*rows, strict=True)]


def chunks(items: Sequence[_T], size: int = CHUNK) -> Iterable[Sequence[_T]]:
    """Yield the items in parts that fit one statement."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
