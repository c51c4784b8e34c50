"""What each operation does to one memory: the semantics that every store shares.

A store finds the present version, asks here for the next one, and writes it. Nothing here reads or writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from mneme.core.errors import Conflict, InvalidInput, NotFound, Refused
from mneme.core.operations import Archive, Keep, Move, Operation, Quarantine, Restore, Revise, Supersede
from mneme.core.records import Memory

REVISABLE = frozenset({"kind", "attributes", "importance", "valid_from", "valid_to", "tags", "tier", "sources", "at"})

Versioned = Keep | Revise | Supersede | Move | Archive | Quarantine | Restore
"""The operations that make a new version of a memory."""


def subject(operation: Versioned) -> str:
    """Return the id of the memory that the operation changes."""
    return operation.memory.id if isinstance(operation, Keep) else operation.id


def next_version(
    operation: Versioned, current: Memory | None, recorded_at: datetime, version_of: Callable[[int], Memory | None]
) -> Memory | None:
    """Return the version of the memory that follows ``current`` under the operation.

    Args:
        operation: what to do.
        current: the present version; None when there is no such memory.
        recorded_at: when the change becomes known.
        version_of: gives an earlier version of the same memory by its number.

    Returns:
        The new version, or None when the operation changes nothing (archiving what is archived).

    Raises:
        NotFound: there is no such memory, or no such version of it.
        Conflict: ``expected_version`` is not the present one, or the id of a ``Keep`` is taken.
        Refused: the memory was erased.
        InvalidInput: a field that can't be revised.
    """
    if isinstance(operation, Keep):
        return _keep(operation, current, recorded_at)
    if current is None:
        raise NotFound("memory", operation.id)
    if current.status == "erased":
        raise Refused(f"memory: {operation.id!r} was erased; nothing can change or bring back what was erased")
    expected = getattr(operation, "expected_version", None)
    if expected is not None and expected != current.version:
        raise Conflict(f"memory: {operation.id!r} is at version {current.version}, not {expected}; read it again and retry")
    changed = _change(operation, current, version_of)
    if changed is None or changed == current:
        return None
    return replace(changed, version=current.version + 1, recorded_at=recorded_at)


def _keep(operation: Keep, current: Memory | None, recorded_at: datetime) -> Memory:
    if current is not None:
        raise Conflict(f"memory: the id {operation.memory.id!r} is taken")
    return replace(operation.memory, version=1, recorded_at=recorded_at)


def _change(operation: Operation, current: Memory, version_of: Callable[[int], Memory | None]) -> Memory | None:
    match operation:
        case Revise():
            return _revise(operation, current)
        case Supersede():
            if operation.at < current.valid_from:
                # It ended before it began, as far as we knew: it never held.
                return replace(current, valid_from=operation.at, valid_to=operation.at)
            return replace(current, valid_to=operation.at)
        case Move():
            return replace(current, tier=operation.tier)
        case Archive():
            return replace(current, status="archived")
        case Quarantine():
            attributes = {**current.attributes, "quarantine": operation.why} if operation.why else current.attributes
            return replace(current, status="quarantined", attributes=attributes)
        case Restore():
            return _restore(operation, current, version_of)
        case _:
            raise TypeError(f"{type(operation).__name__} makes no version of a memory")


def _revise(operation: Revise, current: Memory) -> Memory:
    unknown = sorted(set(operation.changes) - REVISABLE)
    if unknown:
        raise InvalidInput({name: f"can't be revised; these can: {', '.join(sorted(REVISABLE))}" for name in unknown})
    fields: dict[str, Any] = dict(operation.changes)
    if operation.text is not None:
        fields["text"] = operation.text
    revised = replace(current, **fields)
    if revised.valid_to is not None and revised.valid_to < revised.valid_from:
        raise InvalidInput({"valid_to": "is before valid_from; give an end that is not before the start"})
    return revised


def _restore(operation: Restore, current: Memory, version_of: Callable[[int], Memory | None]) -> Memory:
    if operation.version is None:
        return replace(current, status="active")
    if operation.version == 0:
        return replace(current, status="undone")
    earlier = version_of(operation.version)
    if earlier is None:
        raise NotFound(f"version of {operation.id}", operation.version)
    return replace(earlier, version=current.version, recorded_at=current.recorded_at)
