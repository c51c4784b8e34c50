"""The logical rows of a space: what the embedded store and PostgreSQL both have, column for column, so that a space moves between them."""

from __future__ import annotations

COLUMNS: dict[str, str] = {
    "entry": "seq, at, verb, actor, reason, reason_salt, reason_digest, trace_id, undoes, changes, previous, hash",
    "memory": "row, id, seq, version, text_version, status, kind, at, valid_from, valid_to, author, role, session, ref, channel, tier, "
              "tags, importance",
    "memory_version": "key, seq, text_version, salt, snapshot",
    "term": "key, passages, terms",
    "vector": "key, passages, data",
    "touch": "subject, seq",
    "idempotency": "key, seq",
    "episode": "id, salt, snapshot",
    "source": "episode, memory",
    "staged": "key, passages, data",
    "link": "source, target, type, from_seq, to_seq, weight",
    "usage": "memory, uses, strength, last_used_at, state",
    "job": "id, task, payload, key, state, attempts, due_at, leased_until, error",
    "meta": "key, value",
}  # fmt: skip
"""Table -> its columns; a move goes in this order."""

NUMBERED = ("entry", "memory", "memory_version", "term", "vector")
"""Tables whose first column is a rising number, so that a move goes on where it stopped; the others are sent anew."""

BEING_MOVED = "space: another run of `mneme migrate` moves {space!r} here, or has just done so; run it again when the other has ended"
