"""Proving a space's rows by its journal, for every store that keeps rows: what a check finds wrong, in no words of the content.

A store reads its rows in its own way and hands them over; what they must agree with is the same everywhere (:mod:`mneme.stores.replay`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from mneme.core.clock import to_micros
from mneme.core.codec import loads, memory_from_plain
from mneme.core.compaction import folded
from mneme.core.journal import Entry, content_digest
from mneme.core.records import Memory, Usage
from mneme.stores.checkpoint import Chain
from mneme.stores.replay import LinkKey, LinkSpan, Replay, used


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldVersion:
    """A row of a version.

    Args:
        id: the memory; None when the version belongs to none.
        number: its number.
        salt: what its digest was salted with.
        snapshot: its content as stored.
        row: the memory's row.
        seq: the entry that made it, as the row has it.
    """

    id: str | None
    number: int
    salt: bytes
    snapshot: bytes
    row: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldHead:
    """A row of a memory.

    Args:
        id: the memory.
        version, status, text_version, seq: as the row has them.
        last: the number of its last version; None when there is none.
        its_text_version: that of the version which the row names.
        columns: what the row repeats of its content, as :func:`memory_columns` gives it.
        snapshot: the content of that version as stored; None when there is none.
    """

    id: str
    version: int
    status: str
    text_version: int
    seq: int
    last: int | None
    its_text_version: int | None
    columns: tuple[object, ...] = ()
    snapshot: bytes | None = None


@dataclass(slots=True)
class Proof:
    """The journal of a space played through, and what its rows were found to hold."""

    replay: Replay = field(default_factory=Replay)
    present: set[tuple[str, int]] = field(default_factory=set)
    damaged: set[tuple[str, int]] = field(default_factory=set)
    followed: Chain = field(default_factory=Chain)

    @property
    def last_seq(self) -> int:
        """The number of the last entry."""
        return self.followed.expected - 1

    @property
    def last_hash(self) -> str:
        """The hash of the last entry."""
        return self.followed.previous

    def chain(self, entries: Iterable[tuple[Entry, bytes | None]], settings: Mapping[str, str]) -> Iterator[str]:
        """Yield what is wrong with entries, each with the salt of its reason, in order of their numbers.

        Args:
            entries: all of them.
            settings: of the space; they name the checkpoint that the journal begins with, if it does.
        """
        for entry, salt in entries:
            yield from self.followed.follow(entry)
            if entry.reason is not None and content_digest(salt or b"", entry.reason.encode()) != entry.reason_digest:
                yield f"entry {entry.seq}: its reason does not fit its digest"
            self.replay.play(entry)
        yield from self.followed.end()
        if folded(settings)[0] != self.followed.folded:
            yield "meta: it does not name the checkpoint that the journal begins with"

    def versions(self, rows: Iterable[HeldVersion], sources: Set[tuple[str, int]]) -> Iterator[str]:
        """Yield what is wrong with versions, and with the rows of what memories rest on.

        Args:
            rows: every version.
            sources: (episode, row of the memory).
        """
        resting: set[tuple[str, int]] = set()
        for held in rows:
            id = held.id or ""
            name = f"memory {held.id} version {held.number}"
            self.present.add((id, held.number))
            if self.replay.made_by.get((id, held.number), held.seq) != held.seq:
                yield f"{name}: its row names entry {held.seq}, which did not make it"
            if self.replay.digests.get((id, held.number)) != content_digest(held.salt, held.snapshot):
                yield f"{name}: its content does not fit its digest in the journal"
                self.damaged.add((id, held.number))
                continue
            memory = memory_from_plain(loads(held.snapshot))
            if (memory.id, memory.version) != (held.id, held.number):
                yield f"{name}: its content is that of another version"
            resting |= {(span.episode, held.row) for span in memory.sources}
        if resting != sources:
            yield "source: the rows do not agree with what the memories rest on"

    def episodes(self, rows: Iterable[tuple[str, bytes | None, bytes]]) -> Iterator[str]:
        """Yield what is wrong with episodes, given as (id, salt, content); then what the journal has and no row holds."""
        for id, salt, snapshot in rows:
            self.present.add((id, 1))
            if self.replay.digests.get((id, 1)) != content_digest(salt or b"", snapshot):
                yield f"episode {id}: its content does not fit its digest in the journal"
        yield from self.replay.lacking(self.present)

    def heads(self, rows: Iterable[HeldHead]) -> Iterator[str]:
        """Yield what is wrong with the rows of memories."""
        seqs = {}
        for head in rows:
            seqs[head.id] = head.seq
            if (head.status == "erased") != (head.id in self.replay.erased):
                yield f"memory {head.id}: its row and the journal do not agree on whether it was erased"
            if head.status == "erased":
                if head.last is not None:
                    yield f"memory {head.id}: it was erased but versions are left"
            elif head.last != head.version or head.its_text_version != head.text_version:
                yield f"memory {head.id}: its row is at version {head.version}, its last version is {head.last}"
            elif head.snapshot is None or (head.id, head.version) in self.damaged:
                continue
            elif head.columns != memory_columns(memory_from_plain(loads(head.snapshot))):
                yield f"memory {head.id}: its row does not agree with its last version"
        for id, seq in self.replay.changed.items():
            if seqs.pop(id, None) != seq:
                yield f"memory {id}: its row is missing, or was changed after entry {seq}"
        for id in seqs:
            yield f"memory {id}: the journal does not know it"

    def links(self, rows: Iterable[tuple[LinkKey, LinkSpan]]) -> Iterator[str]:
        """Yield the links, present and past, on which rows and journal do not agree."""
        for (source, target, type), _ in sorted(set(rows).symmetric_difference(self.replay.links()), key=str):
            yield f"link {source}>{target}:{type}: its rows do not agree with the journal"

    def usage(self, rows: Iterable[tuple[str, Usage]]) -> Iterator[str]:
        """Yield the memories on whose usage rows and journal do not agree."""
        held = {id: used(usage) for id, usage in rows}
        for id in sorted({*held, *self.replay.usage}, key=str):
            if held.get(id) != self.replay.usage.get(id):
                yield f"usage of {id}: it does not agree with the journal"

    def touches(self, rows: Set[tuple[str, int]]) -> Iterator[str]:
        """Yield a line when the rows from which histories are read are not those of the journal."""
        if rows != self.replay.touched:
            yield "touch: the rows do not agree with what the journal's entries changed; histories are not to be relied on"


def memory_columns(memory: Memory) -> tuple[object, ...]:
    """Return what a row repeats of a memory: status, times in microseconds, then the fields that filters read."""
    ends = None if memory.valid_to is None else to_micros(memory.valid_to)
    return (
        memory.status, to_micros(memory.at), to_micros(memory.valid_from), ends, memory.kind, memory.author, memory.role, memory.session,
        memory.ref, memory.channel, memory.tier, memory.tags, memory.importance,
    )  # fmt: skip
