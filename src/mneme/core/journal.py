"""The journal: an append-only, hash-chained log of what was applied, from which every change can be explained, undone and proved.

An entry is one transaction. It names what changed by id and version and holds no content: content lives in versions, each bound to its
change by a salted digest. Erasing deletes the content and its salt; the digest stays, so the chain still proves that nothing else moved.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mneme.core.clock import to_micros
from mneme.core.codec import dumps, job_from_plain, link_from_plain
from mneme.core.operations import Cancel, Configure, Connect, Disconnect, Enqueue, Operation, Reinforce, Restore
from mneme.core.records import EMPTY

GENESIS = bytes(32)
SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one operation of an entry did.

    Args:
        op: the operation's name in lower case, such as ``revise``.
        subject: the id of the memory, episode or job, ``source>target:type`` of a link, or the name of a setting.
        before: the version before, 0 if there was none.
        after: the version after.
        detail: the rest that an inverse needs; numbers and ids, never content; of a setting its value before and after.
        digest: salted SHA-256 of the content that was written, in hex; empty when none was.
    """

    op: str
    subject: str
    before: int = 0
    after: int = 0
    detail: Mapping[str, Any] = EMPTY
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One applied transaction.

    Args:
        seq: counts from 1 without gaps.
        recorded_at: when it was applied; never before the entry before it.
        verb: the call that asked for it, such as ``remember``.
        actor: who asked.
        reason: why, in the caller's words; None when none was given or it went with what was erased.
        reason_digest: salted SHA-256 of the reason, in hex; empty when none was given.
        trace_id: the trace of the call.
        undoes: the entry that this one takes back.
        changes: what was done, in order.
        previous: the hash of the entry before, in hex.
        hash: the hash of this entry, in hex.
    """

    seq: int
    recorded_at: datetime
    verb: str
    actor: str = ""
    reason: str | None = None
    reason_digest: str = ""
    trace_id: str = ""
    undoes: int | None = None
    changes: tuple[Change, ...] = ()
    previous: str = ""
    hash: str = ""


def new_salt() -> bytes:
    """Return a fresh random salt."""
    return os.urandom(SALT_BYTES)


def content_digest(salt: bytes, content: bytes) -> str:
    """Return the salted digest of some content, in hex."""
    return hashlib.sha256(salt + content).hexdigest()


def change_to_plain(change: Change) -> list[Any]:
    """Return a change as plain JSON values, in the form that is hashed and stored."""
    return [change.op, change.subject, change.before, change.after, dict(change.detail), change.digest]


def change_from_plain(plain: Sequence[Any]) -> Change:
    """Return the change that :func:`change_to_plain` wrote."""
    op, subject, before, after, detail, digest = plain
    return Change(op=op, subject=subject, before=before, after=after, detail=detail, digest=digest)


def entry_hash(entry: Entry) -> str:
    """Return the hash that chains an entry to the one before it, in hex; ``entry.hash`` and the reason's text do not enter it."""
    head = dumps(
        [
            entry.seq,
            to_micros(entry.recorded_at),
            entry.verb,
            entry.actor,
            entry.reason_digest,
            entry.trace_id,
            entry.undoes,
            [change_to_plain(change) for change in entry.changes],
        ]
    )
    return hashlib.sha256(bytes.fromhex(entry.previous or GENESIS.hex()) + head).hexdigest()


def inverse(changes: Sequence[Change]) -> list[Operation]:
    """Return the operations that take the changes back, last change first.

    Episodes stay (raw input is never lost by an undo) and erasures have no inverse; both are left out.
    """
    operations: list[Operation] = []
    restored: set[str] = set()
    for change in reversed(changes):
        for operation in _inverse(change):
            if isinstance(operation, Restore):
                if operation.id in restored:  # its version is no longer the one that this entry left
                    operation = replace(operation, expected_version=None)
                restored.add(operation.id)
            operations.append(operation)
    return operations


def _inverse(change: Change) -> list[Operation]:
    detail = change.detail
    match change.op:
        case "keep" | "revise" | "supersede" | "move" | "archive" | "quarantine" | "restore":
            return [Restore(id=change.subject, version=change.before, expected_version=change.after)]
        case "connect":
            if detail["weight_before"] is None:
                return [Disconnect(source=detail["source"], target=detail["target"], type=detail["type"])]
            return [Connect(link=link_from_plain({**detail, "weight": detail["weight_before"]}))]
        case "disconnect":
            return [Connect(link=link_from_plain({**detail, "weight": detail["weight_before"]}))]
        case "reinforce":
            return [Reinforce(id=change.subject, uses=-detail["uses"], strength=-detail["strength"], takes_back=detail)]
        case "enqueue":
            return [Cancel(id=change.subject)]
        case "cancel":
            return [Enqueue(job=job_from_plain(detail["job"]))]
        case "configure":
            return [Configure(key=change.subject, value=detail["before"], expected=detail["after"])]
        case _:
            return []
