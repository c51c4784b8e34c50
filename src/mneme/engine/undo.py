"""Undo: the inverse of journal entries, as operations like any others; so an undo can itself be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mneme.core.compaction import folded
from mneme.core.errors import CannotUndo, InvalidInput, NotFound
from mneme.core.journal import Change, Entry, inverse
from mneme.core.operations import Configure, Connect, Disconnect, Operation, Reinforce, Restore
from mneme.core.ports import Store
from mneme.core.query import Refusal
from mneme.engine.compaction import check_named, check_not_compaction

_VERSIONED = frozenset({"keep", "revise", "supersede", "move", "archive", "quarantine", "restore"})
_UNDOABLE = _VERSIONED | {"connect", "disconnect", "reinforce", "enqueue", "cancel", "configure"}


PASS = "upkeep"
"""The verb of the entries of a pass of upkeep; they share a trace and are taken back together."""

LONGEST_PASS = 20_000
"""A pass has at most so many entries between its first and its last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """How an entry is taken back.

    Args:
        entry: the entry.
        operations: its inverse, for what can still be taken back.
        refused: what can't, because it was erased since.
    """

    entry: Entry
    operations: tuple[Operation, ...]
    refused: tuple[Refusal, ...]


def check_asked(count: int | None, entry: int | None) -> None:
    """Refuse what names no change to take back.

    Raises:
        InvalidInput: both are given, or one is no whole number of at least 1.
    """
    if count is not None and entry is not None:
        raise InvalidInput({"entry": "goes without count; give one of them"})
    for name, number in (("count", count), ("entry", entry)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 1):
            raise InvalidInput({name: f"must be a whole number of at least 1, not {number!r}"})


def chosen(store: Store, count: int | None, entry: int | None) -> list[Entry]:
    """Return the entries to take back, newest first: the one with a number and what belongs to its pass, or the last ``count`` changes.

    Raises:
        NotFound: there is no such entry, or there are fewer changes.
        CannotUndo: the entry was folded, or folded others.
    """
    if entry is None:
        return newest_undoable(store, count or 1)
    check_named(store, entry)
    found = store.entries(after=entry - 1, limit=1) if entry < 2**63 else []
    if not found or found[0].seq != entry:
        raise NotFound("entry", entry)
    check_not_compaction(found[0])
    return whole_pass(store, found[0])


def newest_undoable(store: Store, count: int) -> list[Entry]:
    """Return the last ``count`` entries that can be undone and have not been, newest first.

    Going back step by step skips undos, what they took back, erasures, and what changed only what was erased since. To undo an undo,
    name its entry.

    Raises:
        NotFound: there are fewer.
    """
    taken_back: set[int] = set()
    chosen: list[Entry] = []
    passes: set[str] = set()
    counted = 0
    before = store.last_seq()
    while before > 0 and counted < count:
        start = max(before - 256, 0)
        for entry in reversed(store.entries(after=start, limit=before - start)):
            if entry.seq > before:
                continue  # before it lies what was folded
            if entry.undoes is not None:
                if entry.seq not in taken_back:
                    taken_back.add(entry.undoes)
                continue
            if entry.seq in taken_back or not _left_to_undo(store, entry):
                continue
            if entry.trace_id not in passes:
                counted += 1
                if entry.verb == PASS:
                    passes.add(entry.trace_id)
                    chosen += whole_pass(store, entry)
                else:
                    chosen.append(entry)
            if counted == count:
                break
        before = start
    if counted < count:
        if (done := folded(store.meta())[0]) > 0:
            raise CannotUndo(f"count: {counted} changes can be taken back; entries up to {done} were folded into a checkpoint")
        raise NotFound("undoable entry", f"number {counted + 1} from the end")
    return chosen


def whole_pass(store: Store, entry: Entry) -> list[Entry]:
    """Return the entries of one pass of upkeep that are still in force, newest first; of another call, the entry alone."""
    if entry.verb != PASS or not entry.trace_id:
        return [entry]
    found: list[Entry] = []
    taken_back: set[int] = set()
    after = max(entry.seq - LONGEST_PASS, 0)
    while part := store.entries(after=after, limit=512):
        found += [each for each in part if each.trace_id == entry.trace_id and each.verb == PASS]
        taken_back |= {each.undoes for each in part if each.undoes is not None}
        after = part[-1].seq
    standing = [each for each in reversed(found) if each.seq not in taken_back and any(change.op in _UNDOABLE for change in each.changes)]
    return standing or [entry]


def _left_to_undo(store: Store, entry: Entry) -> bool:
    """Return whether anything of an entry can be taken back: it erased nothing, and not all that it changed was erased since."""
    changes = [change for change in entry.changes if change.op in _UNDOABLE]
    if any(change.op == "erase" for change in entry.changes):
        return False
    return any(not _is_gone(store, change) for change in changes)


def _is_gone(store: Store, change: Change) -> bool:
    detail = change.detail
    ends = [detail["source"], detail["target"]] if change.op in ("connect", "disconnect") else [change.subject]
    return any(store.status_of(end) == "erased" for end in ends)


def undoing(store: Store, entry: Entry) -> Undoing:
    """Return how an entry is taken back.

    Raises:
        CannotUndo: the entry was an erasure, changed nothing, or later changes rest on it; the message names them.
    """
    if any(change.op == "erase" for change in entry.changes):
        raise CannotUndo(f"entry {entry.seq} erased content; what was erased is gone from everywhere and can't come back")
    kept: list[Change] = []
    refused: list[Refusal] = []
    for change in entry.changes:
        if change.op in _VERSIONED and store.status_of(change.subject) == "erased":
            refused.append(Refusal(subject=change.subject, problems={"memory": "was erased since; it stays erased"}))
        else:
            kept.append(change)
    operations = [operation for operation in inverse(kept) if not _touches_erased(store, operation)]
    if not operations:
        why = "changed only what was erased since" if refused else "changed nothing that can be taken back"
        raise CannotUndo(f"entry {entry.seq} ({entry.verb}) {why}")
    return Undoing(entry=entry, operations=tuple(_held_to_present(store, entry, operations)), refused=tuple(refused))


def _touches_erased(store: Store, operation: Operation) -> bool:
    match operation:
        case Connect():
            ends = [operation.link.source, operation.link.target]
        case Disconnect():
            ends = [operation.source, operation.target]
        case Reinforce():
            ends = [operation.id]
        case _:
            return False
    return any(store.status_of(end) == "erased" for end in ends)


def _held_to_present(store: Store, entry: Entry, operations: Sequence[Operation]) -> list[Operation]:
    """Return the operations with one ``Restore`` per memory, the last, held to the version that the memory is at now."""
    last = {operation.id: operation for operation in operations if isinstance(operation, Restore)}
    present = store.memories(list(last))
    held: list[Operation] = []
    for operation in operations:
        if isinstance(operation, Configure) and store.meta().get(operation.key, "") != operation.expected:
            later = [each.seq for each in store.entries_of(operation.key) if each.seq > entry.seq]
            numbers = ", ".join(map(str, later))
            raise CannotUndo(f"entry {entry.seq}: {operation.key} were changed later by entry {numbers}; undo that first")
        if not isinstance(operation, Restore):
            held.append(operation)
        elif last[operation.id] is operation:
            later = _in_force_after(store.entries_of(operation.id), entry.seq)
            if later:
                numbers = ", ".join(str(seq) for seq in later)
                raise CannotUndo(f"entry {entry.seq}: {operation.id} was changed later by entry {numbers}; undo that first")
            held.append(Restore(id=operation.id, version=operation.version, expected_version=present[operation.id].version))
    return held


def _in_force_after(entries: Sequence[Entry], seq: int) -> list[int]:
    """Return the entries after ``seq`` that versioned the memory and were not taken back, an undo and what it took back left out."""
    cancelled: set[int] = set()
    in_force = []
    for entry in reversed(entries):
        if entry.seq <= seq:
            break
        if entry.seq in cancelled:
            continue
        if entry.undoes is not None and entry.undoes > seq:
            cancelled.add(entry.undoes)
        elif any(change.op in _VERSIONED for change in entry.changes):
            in_force.append(entry.seq)
    return sorted(in_force)
