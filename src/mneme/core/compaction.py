"""Journal compaction: old entries folded into a checkpoint, which tells the state that they led to and nothing of the way there.

A checkpoint is made of entries with the verb :data:`CHECKPOINT` in the place of the last entries that were folded. The last of them has
the hash that the last folded entry had, so the chain goes on from it; an entry with the verb :data:`COMPACT`, written in the same
transaction, names that hash and the digest of the checkpoint, so the chain also vouches for the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from mneme.core.clock import from_micros, to_micros
from mneme.core.errors import Folded
from mneme.core.ports import Batch

CHECKPOINT = "checkpoint"
"""The verb of the entries that stand for folded ones; their changes are ``held``, ``gone``, ``used``, ``linked`` and ``answered``."""

COMPACT = "compact"
"""The verb of the entry that vouches for a checkpoint; its change is ``fold``."""

SEQ, AT = "folded.seq", "folded.at"
"""Settings of a space: the last entry that was folded, and when it was recorded, in microseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """What a store folded, or would fold.

    Args:
        to_seq: the last entry that is folded now; 0 when nothing ever was.
        since: what the space knew is exact from this moment on; None when nothing was folded.
        entries: how many entries were folded by this call.
        versions: how many superseded versions of memories went with them.
        links: how many links that had ended before.
        entry: the journal entry that vouches for the checkpoint; 0 in a dry run, or when there was nothing to fold.
    """

    to_seq: int
    since: datetime | None
    entries: int = 0
    versions: int = 0
    links: int = 0
    entry: int = 0


@runtime_checkable
class Foldable(Protocol):
    """A store whose journal can be compacted."""

    def fold(self, to_seq: int, batch: Batch, *, dry_run: bool = False) -> Folding:
        """Fold every entry up to ``to_seq`` into a checkpoint, in one transaction.

        What was erased stays erased, ids and idempotency keys stay taken, and the state at ``to_seq`` and after every later entry stays
        exact. Versions that were superseded before go, those whose text still holds stay.

        Args:
            to_seq: the last entry to fold; it is there and not folded yet.
            batch: without operations; says who, why and when.
            dry_run: change nothing, say what would go.
        """
        ...


@runtime_checkable
class Vacuumed(Protocol):
    """A store that can give the room of what is gone back to the system."""

    def vacuum(self) -> tuple[int, int]:
        """Return the bytes that the space took on disk before and after, others reading meanwhile.

        Raises:
            Busy: a reader or writer kept it in use for too long; nothing was lost.
            ReadOnly: the store is open for reading only.
            StorageFull: there is no room for the copy that is made on the way.
        """
        ...


def folded(meta: Mapping[str, str]) -> tuple[int, datetime | None]:
    """Return the last folded entry and its time out of a space's settings; (0, None) when nothing was folded."""
    at = meta.get(AT)
    return int(meta.get(SEQ, "0")), None if at is None else from_micros(int(at))


def check_kept(moment: datetime, since: datetime | None) -> None:
    """Refuse a moment that lies before the kept part of the journal.

    Raises:
        Folded: the message names the window.
    """
    if since is not None and to_micros(moment) < to_micros(since):
        raise Folded(
            {
                "known_at": f"{moment.isoformat()} lies before the kept journal, which begins at {since.isoformat()}:"
                " earlier entries were folded into a checkpoint; ask for that moment or a later one"
            }
        )
