"""Making and checking checkpoints: the state that folded entries led to, as entries; and the chain with a checkpoint at its beginning.

Pure: nothing here reads or writes a store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from mneme.core.clock import from_micros, to_micros
from mneme.core.compaction import CHECKPOINT
from mneme.core.journal import Change, Entry, entry_hash
from mneme.stores.replay import Replay

LEAST = 1_000
"""Changes of one entry of a checkpoint, if the folded entries were enough to make room for so many entries."""


_TOLD = ("keep", "observe", "enqueue")
"""What the receipt of a call names."""


def checkpoint(replay: Replay, head: Entry, older: Mapping[str, Sequence[int]], answers: Iterable[Change] = ()) -> tuple[list[Entry], str]:
    """Return the entries that stand for all up to ``head``, and the digest of them.

    Args:
        replay: with every entry up to ``head`` played.
        head: the last entry that is folded.
        older: memory -> the versions before the one at ``head`` that stay, because their text still holds.
        answers: of the folded entries that had an idempotency key, as :func:`answered` gives them.
    """
    changes = [*_held(replay, older), *replay.answered.values(), *answers]
    size = max(LEAST, -(-len(changes) // head.seq))
    parts = [tuple(changes[start : start + size]) for start in range(0, len(changes), size)] or [()]
    entries: list[Entry] = []
    own = ""
    for number, part in enumerate(parts):
        seq = head.seq - len(parts) + 1 + number
        entry = Entry(seq=seq, recorded_at=head.recorded_at, verb=CHECKPOINT, changes=part, previous=own)
        own = entry_hash(entry)
        entries.append(replace(entry, hash=own))
    entries[-1] = replace(entries[-1], hash=head.hash)
    return entries, own


def answered(entry: Entry, keys: Iterable[bytes]) -> Iterator[Change]:
    """Yield what lets a repeated call be answered as the first one was, when its entry is folded.

    Args:
        entry: what the first call wrote.
        keys: the digests of its idempotency key.
    """
    made = {op: [change.subject for change in entry.changes if change.op == op] for op in _TOLD}
    detail = {"verb": entry.verb, "at": to_micros(entry.recorded_at), **{op: ids for op, ids in made.items() if ids}}
    for key in keys:
        yield Change(op="answered", subject=key.hex(), after=entry.seq, detail=detail)


def first_call(found: Entry, key: bytes, touching: Callable[[str], Iterable[Entry]]) -> Entry:
    """Return the entry of the first call with a key: as it is, or what its checkpoint says of it, without hash and reason.

    Args:
        found: the entry that the key leads to.
        key: its digest.
        touching: returns the entries that touch a subject.
    """
    if found.verb != CHECKPOINT:
        return found
    for entry in touching(key.hex()):
        for change in entry.changes:
            if change.op == "answered" and change.subject == key.hex():
                told = [Change(op=op, subject=id, after=1) for op in _TOLD for id in change.detail.get(op, ())]
                at = from_micros(change.detail["at"])
                return Entry(seq=change.after, recorded_at=at, verb=change.detail["verb"], changes=tuple(told))
    return found


def fold_change(before: int, head: Entry, digest: str, entries: int) -> Change:
    """Return the change that vouches for a checkpoint in the chain."""
    detail = {"hash": head.hash, "checkpoint": digest, "entries": entries}
    return Change(op="fold", subject="journal", before=before, after=head.seq, detail=detail)


def superfluous(versions: Iterable[tuple[int, int, int]], to_seq: int, factor: int) -> tuple[list[int], dict[int, list[int]]]:
    """Return the keys of versions that no state from ``to_seq`` on needs, and row -> older versions that stay for their text.

    Args:
        versions: (key, entry, text version), rising by key; a key is row times ``factor`` plus version.
        to_seq: the last entry that is folded.
        factor: how many versions a row has room for.
    """
    gone: list[int] = []
    older: dict[int, list[int]] = {}
    for row, group in groupby(versions, key=lambda version: version[0] // factor):
        every = list(group)
        before = [key for key, seq, _ in every if seq <= to_seq]
        if len(before) < 2:
            continue
        needed = {row * factor + text for key, seq, text in every if seq > to_seq or key == before[-1]}
        gone += [key for key in before[:-1] if key not in needed]
        stay = [key % factor for key in before[:-1] if key in needed]
        if stay:
            older[row] = stay
    return gone, older


def _held(replay: Replay, older: Mapping[str, Sequence[int]]) -> Iterator[Change]:
    for id, version in replay.versions.items():
        detail = {"changed": replay.changed[id], "by": replay.kept_by.get(id, "")}
        if id in replay.erased:
            yield Change(op="gone", subject=id, after=version, detail=detail)
            continue
        for number in older.get(id, ()):
            yield Change(op="held", subject=id, after=number, digest=replay.digests[id, number])
        yield Change(op="held", subject=id, after=version, detail=detail, digest=replay.digests[id, version])
    for (id, version), digest in replay.digests.items():
        if id not in replay.versions:
            yield Change(op="held", subject=id, after=version, digest=digest)
    for id in sorted(replay.erased - replay.versions.keys()):
        yield Change(op="gone", subject=id, after=1)
    for id, (uses, strength, last, state) in replay.usage.items():
        yield Change(op="used", subject=id, detail={"uses": uses, "strength": strength, "last": last, "state": state})
    for key, (start, end, weight) in replay.links():
        if end is None:
            source, target, type = key
            detail = {"source": source, "target": target, "type": type, "from": start, "weight": weight, "by": replay.linked_by[key]}
            yield Change(op="linked", subject=f"{source}>{target}:{type}", detail=detail)


class Chain:
    """Follows the journal entry by entry and tells what does not fit.

    Attributes:
        previous: the hash of the last entry.
        expected: the number that the next entry must have.
        folded: the last entry that was folded, 0 if none was.
    """

    def __init__(self) -> None:
        self.previous = ""
        self.expected = 1
        self.folded = 0
        self._own = self._head = ""
        self._begun = False
        self._vouched = False

    def follow(self, entry: Entry) -> Iterator[str]:
        """Yield what is wrong with the next entry."""
        if not self._begun and not self.folded and entry.verb == CHECKPOINT:
            self.expected = entry.seq
        if entry.seq != self.expected:
            yield f"entry {entry.seq}: {self.expected} was to follow; entries are missing"
        if entry.verb == CHECKPOINT and not self._begun:
            if entry.previous != self._own or self.previous != self._own:
                yield f"entry {entry.seq}: the checkpoint does not hold together"
            self._own, self._head, self.folded = entry_hash(entry), entry.hash, entry.seq
        else:
            self._begun = True
            if entry.previous != self.previous or entry.hash != entry_hash(entry):
                yield f"entry {entry.seq}: its hash does not follow from the entry before it"
            self._vouch(entry)
        self.previous, self.expected = entry.hash, entry.seq + 1

    def end(self) -> Iterator[str]:
        """Yield what is wrong with the whole."""
        if self.folded and not self._vouched:
            yield f"entry {self.folded}: no entry of the chain vouches for the checkpoint"

    def _vouch(self, entry: Entry) -> None:
        for change in entry.changes:
            if change.op == "fold" and change.after == self.folded:
                self._vouched = change.detail["checkpoint"] == self._own and change.detail["hash"] == self._head
