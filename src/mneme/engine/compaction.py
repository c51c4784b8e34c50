"""Keeping the journal and the files small: folding what is old into a checkpoint, and giving free pages back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mneme.core.compaction import COMPACT, Foldable, Folding, Vacuumed, folded
from mneme.core.errors import CannotUndo, Folded, Refused
from mneme.core.journal import Entry
from mneme.core.ports import Batch, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacuum:
    """What vacuuming freed.

    Args:
        before: bytes on disk before.
        after: bytes on disk after.
    """

    before: int
    after: int


def compact(store: Store, before: datetime, batch: Batch, *, dry_run: bool) -> Folding:
    """Fold the entries recorded up to a moment into a checkpoint; a pass of upkeep is folded whole or not at all.

    Args:
        store: the space.
        before: entries recorded until then are folded.
        batch: who says so and why.
        dry_run: change nothing, say what would go.

    Raises:
        Refused: the store can't fold its journal.
    """
    if not isinstance(store, Foldable):
        raise Refused(f"store: {type(store).__name__} can't fold its journal; move the space to a folder or a database first")
    done, since = folded(store.meta())
    if since is not None and before <= since:
        return Folding(to_seq=done, since=since)
    seq = _not_within_a_pass(store, store.seq_at(before), done)
    if seq <= done:
        return Folding(to_seq=done, since=since)
    return store.fold(seq, batch, dry_run=dry_run)


def _not_within_a_pass(store: Store, seq: int, done: int) -> int:
    """Return the last entry up to ``seq`` that does not share its trace with the one behind it."""
    while seq > done:
        pair = store.entries(after=seq - 1, limit=2)
        if len(pair) < 2 or not pair[0].trace_id or pair[0].trace_id != pair[1].trace_id:
            return seq
        seq -= 1
    return seq


def vacuum(store: Store) -> Vacuum:
    """Give the room of what is gone back to the system.

    Raises:
        Refused: the store has no files of its own.
    """
    if not isinstance(store, Vacuumed):
        raise Refused(f"store: {type(store).__name__} can't be vacuumed; move the space to a folder or a database first")
    before, after = store.vacuum()
    return Vacuum(before=before, after=after)


def check_followed(after: int, done: int, known: int) -> None:
    """Refuse to go on from an entry behind which others were folded away, so that who follows a journal never jumps without knowing.

    Args:
        after: the last entry that was read; 0 begins with the checkpoint.
        done: the last entry that is folded.
        known: the last entry of the checkpoint that the reader is reading.

    Raises:
        Folded: the message says how to go on.
    """
    if 0 < after < done != known:
        raise Folded(
            {
                "after": f"is {after}, but entries up to {done} were folded into a checkpoint, so what came after {after} can't be told"
                f" one by one; read the space anew (its export, or after=0, which begins with the checkpoint) and go on after {done}"
            }
        )


def check_named(store: Store, seq: int) -> None:
    """Refuse to take back an entry that was folded.

    Raises:
        CannotUndo: the message names from where on entries are kept.
    """
    done, since = folded(store.meta())
    if done and seq <= done and since is not None:
        raise CannotUndo(
            f"entry {seq}: was folded into the checkpoint of {since.isoformat()}; entries from {done + 1} on can be taken back"
        )


def check_not_compaction(entry: Entry) -> None:
    """Refuse to take back a compaction.

    Raises:
        CannotUndo: the entry is one.
    """
    if entry.verb == COMPACT:
        raise CannotUndo(f"entry {entry.seq}: folded older entries, which are gone; restore a backup to have them again")


def plain(done: Folding) -> dict[str, Any]:
    """Return a folding as plain values."""
    return {
        "to_seq": done.to_seq,
        "since": None if done.since is None else done.since.isoformat(),
        "entries": done.entries,
        "versions": done.versions,
        "links": done.links,
        "entry": done.entry,
    }


__all__ = ["Folded", "Vacuum", "check_followed", "check_named", "check_not_compaction", "compact", "folded", "plain", "vacuum"]
