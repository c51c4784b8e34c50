"""Applying a batch, for every store that keeps rows: what each operation means for heads, versions, links, usage and jobs.

Heads are read once, changed in memory, and written with few statements. A store gives the statements, in its own dialect.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mneme.core.clock import from_micros, to_utc
from mneme.core.codec import job_to_plain, loads, memory_from_plain
from mneme.core.errors import Conflict, NotFound
from mneme.core.journal import Change, Entry, content_digest, entry_hash, new_salt
from mneme.core.operations import (
    Cancel,
    Configure,
    Connect,
    Disconnect,
    Enqueue,
    Erase,
    Keep,
    Observe,
    Operation,
    Reinforce,
    Supersede,
)
from mneme.core.ports import Batch, Material
from mneme.core.records import Episode, Job, Link, Memory, Usage
from mneme.core.transition import Versioned, next_version, subject
from mneme.stores import semantics as rules

VERSIONS = 1 << 20
"""How many versions a memory can have; a version's key is ``row * VERSIONS + version``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Head:
    """A memory's present state inside a transaction."""

    row: int
    memory: Memory
    text_version: int
    stored: bool

    @property
    def key(self) -> int:
        """The key of the present version."""
        return self.row * VERSIONS + self.memory.version


def tombstone(id: str, version: int) -> Memory:
    """Return what is left of an erased memory: its id."""
    return Memory(id=id, text="", at=_EPOCH, recorded_at=_EPOCH, valid_from=_EPOCH, version=version, status="erased")


def memory_from(snapshot: bytes) -> Memory:
    """Return the memory of a ``snapshot`` column."""
    return memory_from_plain(loads(snapshot))


def usage_from(uses: float, strength: float, last_used_at: int | None, state: bytes) -> Usage:
    """Return the usage of a row."""
    last = None if last_used_at is None else from_micros(last_used_at)
    return Usage(uses=uses, strength=strength, last_used_at=last, state=loads(state))


class Application(ABC):
    """One batch on its way into the tables.

    Args:
        batch: what to apply.
        last: number, time in microseconds and hash of the last entry; zeros and nothing when there is none.
    """

    def __init__(self, batch: Batch, last: tuple[int, int, str]) -> None:
        self.batch = batch
        self.seq = last[0] + 1
        self.previous = last[2]
        at = to_utc(batch.at, "at")
        self.recorded_at = max(at, from_micros(last[1])) if last[0] else at
        self.changes: list[Change] = []
        self.removed: Counter[str] = Counter()
        self.erasing: set[str] = set()
        self.heads: dict[str, Head | None] = {}
        self.dirty: dict[str, Head] = {}
        self.versions: dict[int, tuple[int, int, int, bytes, bytes]] = {}
        self.material: list[tuple[int, Material]] = []
        self.sources: dict[tuple[str, int], None] = {}
        self.episodes: dict[str, tuple[str, bytes, bytes]] = {}

    def do(self, operation: Operation) -> None:
        """Do one operation.

        Raises:
            NotFound, Conflict, Refused, InvalidInput: as :func:`mneme.core.transition.next_version` says.
        """
        match operation:
            case Observe():
                self._observe(operation.episode)
            case Connect():
                self._connect(operation.link)
            case Disconnect():
                self._disconnect(operation)
            case Reinforce():
                self._reinforce(operation)
            case Enqueue():
                self._enqueue(operation.job)
            case Cancel():
                self._cancel(operation.id)
            case Configure():
                self._configure(operation)
            case Erase():
                self._erase(operation.id)
            case _:
                self._change(operation)

    def entry(self) -> tuple[Entry, bytes | None]:
        """Return the journal entry of what was done, and the salt of its reason."""
        reason = self.batch.reason or None
        salt = None if reason is None else new_salt()
        entry = Entry(
            seq=self.seq,
            recorded_at=self.recorded_at,
            verb=self.batch.verb,
            actor=self.batch.actor,
            reason=reason,
            reason_digest="" if reason is None or salt is None else content_digest(salt, reason.encode()),
            trace_id=self.batch.trace_id,
            undoes=self.batch.undoes,
            changes=tuple(self.changes),
            previous=self.previous,
        )
        return replace(entry, hash=entry_hash(entry)), salt

    def take_heads(self, ids: Sequence[str], rows: Iterable[tuple[str, int, int, int, str, bytes]]) -> None:
        """Take in the heads that were read for ids, as (id, row, version, text version, status, snapshot)."""
        self.heads.update(dict.fromkeys(ids))
        for id, row, version, text_version, status, snapshot in rows:
            memory = tombstone(id, version) if status == "erased" else memory_from(snapshot)
            self.heads[id] = Head(row, memory, text_version, stored=True)

    # What a store gives -----------------------------------------------------------------------------------------

    @abstractmethod
    def load(self, ids: Iterable[str]) -> None:
        """Read the heads of ids that were not read yet."""

    @abstractmethod
    def flush(self) -> None:
        """Write what has gathered."""

    @abstractmethod
    def _new_row(self) -> int: ...

    @abstractmethod
    def _stored_version(self, key: int) -> tuple[int, bytes] | None:
        """Return the text version and the snapshot of a stored version."""

    @abstractmethod
    def _is_taken(self, episode: str) -> bool:
        """Return whether an episode has this id already."""

    @abstractmethod
    def _present_link(self, source: int, target: int, type: str) -> tuple[float, int] | None:
        """Return the weight of the present link and the entry from which it holds."""

    @abstractmethod
    def _end_link(self, source: int, target: int, type: str, *, delete: bool) -> None:
        """End the present link with this entry, or delete it as if it had not been."""

    @abstractmethod
    def _put_link(self, source: int, target: int, type: str, weight: float) -> None: ...

    @abstractmethod
    def _usage_of(self, row: int) -> Usage | None: ...

    @abstractmethod
    def _put_usage(self, row: int, usage: Usage) -> None: ...

    @abstractmethod
    def _is_waited_for(self, key: str) -> bool:
        """Return whether a job with this key is there that was not cancelled."""

    @abstractmethod
    def _job(self, id: str) -> Job | None:
        """Return a job, locked against workers."""

    @abstractmethod
    def _put_job(self, job: Job, payload: bytes) -> None:
        """Write a job, in the place of a cancelled one of its id."""

    @abstractmethod
    def _set_cancelled(self, id: str) -> None: ...

    @abstractmethod
    def _setting(self, key: str) -> str:
        """Return the value of a setting, empty when it has none."""

    @abstractmethod
    def _put_setting(self, key: str, value: str) -> None: ...

    @abstractmethod
    def _erase_memory(self, head: Head) -> None: ...

    @abstractmethod
    def _erase_episode(self, id: str) -> bool:
        """Erase an episode; False when it was erased before.

        Raises:
            NotFound: there is neither a memory nor an episode of this id.
        """

    @abstractmethod
    def _drop_reasons(self, id: str) -> None: ...

    # Heads ------------------------------------------------------------------------------------------------------

    def _head(self, id: str) -> Head | None:
        if id not in self.heads:
            self.load([id])
        return self.heads[id]

    def _alive(self, id: str) -> Head:
        head = self._head(id)
        rules.check_alive(id, None if head is None else head.memory.status)
        assert head is not None  # check_alive raised otherwise
        return head

    def _version(self, head: Head, number: int) -> tuple[int, bytes] | None:
        """Return the text version and the snapshot of a version of a memory."""
        key = head.row * VERSIONS + number
        if key in self.versions:
            _, _, text_version, _, snapshot = self.versions[key]
            return text_version, snapshot
        return self._stored_version(key) if 0 < number < VERSIONS else None

    # Operations -------------------------------------------------------------------------------------------------

    def _observe(self, episode: Episode) -> None:
        content = rules.episode_bytes(replace(episode, recorded_at=self.recorded_at))
        id = episode.id
        if id in self.episodes or self._is_taken(id):
            raise Conflict(f"episode: the id {id!r} is taken")
        salt = new_salt()
        self.episodes[id] = (id, salt, content)
        self.changes.append(Change(op="observe", subject=id, after=1, digest=content_digest(salt, content)))

    def _change(self, operation: Versioned) -> None:
        id = subject(operation)
        head = self._head(id)
        current = None if head is None else head.memory

        def version_of(number: int) -> Memory | None:
            found = self._version(head, number) if head is not None else None
            return None if found is None else memory_from(found[1])

        changed = next_version(operation, current, self.recorded_at, version_of)
        by = operation.by if isinstance(operation, Supersede) else None
        if by is not None:
            self._alive(by)
        if changed is not None:
            self._write_version(operation, head, changed)
        if by is not None:
            self._connect(rules.supersedes(by, id).link)

    def _write_version(self, operation: Versioned, head: Head | None, changed: Memory) -> None:
        content = rules.memory_bytes(changed)
        if changed.version >= VERSIONS:
            raise Conflict(f"memory: {changed.id!r} has {VERSIONS - 1} versions, the most there can be; write a new memory")
        current = None if head is None else head.memory
        material = rules.fresh_material(operation, self.batch, current is None or changed.text != current.text)
        if head is None:
            head = self.heads[changed.id] = Head(self._new_row(), changed, 1, stored=False)
        restored = rules.restored_version(operation)
        if material is not None:
            head.text_version = changed.version
            self.material.append((head.row * VERSIONS + changed.version, material))
        elif restored is not None and (found := self._version(head, restored)) is not None:
            head.text_version = found[0]
        head.memory = changed
        self.dirty[changed.id] = head
        salt = new_salt()
        self.versions[head.key] = (head.key, self.seq, head.text_version, salt, content)
        for span in changed.sources:
            self.sources[span.episode, head.row] = None
        self.changes.append(
            Change(
                op=type(operation).__name__.lower(),
                subject=changed.id,
                before=0 if current is None else current.version,
                after=changed.version,
                digest=content_digest(salt, content),
            )
        )

    def _connect(self, link: Link) -> None:
        rules.check_link(link)
        source, target = self._alive(link.source).row, self._alive(link.target).row
        before = self._close_link(source, target, link.type, unless=link.weight)
        if before == link.weight:
            return
        self._put_link(source, target, link.type, link.weight)
        self.changes.append(rules.connect_change(link, before))

    def _disconnect(self, operation: Disconnect) -> None:
        source, target = self._head(operation.source), self._head(operation.target)
        if source is None or target is None:
            return
        before = self._close_link(source.row, target.row, operation.type)
        if before is not None:
            self.changes.append(rules.disconnect_change(operation.source, operation.target, operation.type, before))

    def _close_link(self, source: int, target: int, type: str, unless: float | None = None) -> float | None:
        """End the present link unless it has the weight ``unless``; returns the weight that it had."""
        found = self._present_link(source, target, type)
        if found is None:
            return None
        weight, from_seq = found
        if weight != unless:
            self._end_link(source, target, type, delete=from_seq == self.seq)
        return weight

    def _reinforce(self, operation: Reinforce) -> None:
        head = self._alive(operation.id)
        done = rules.reinforced(self._usage_of(head.row) or Usage(), operation)
        if done is None:
            return
        usage, change = done
        self._put_usage(head.row, usage)
        self.dirty[operation.id] = head
        self.changes.append(change)

    def _enqueue(self, job: Job) -> None:
        payload = rules.check_job(job)
        if job.key is not None and self._is_waited_for(job.key):
            return
        present = self._job(job.id)
        if present is not None and present.state != "cancelled":
            raise Conflict(f"job: the id {job.id!r} is taken")
        self._put_job(job, payload)
        self.changes.append(Change(op="enqueue", subject=job.id, detail={"task": job.task}))

    def _cancel(self, id: str) -> None:
        job = self._job(id)
        if job is None:
            raise NotFound("job", id)
        if job.state in rules.CANCELLABLE:
            self._set_cancelled(id)
            self.changes.append(Change(op="cancel", subject=id, detail={"job": job_to_plain(job)}))

    def _configure(self, operation: Configure) -> None:
        change = rules.configured(self._setting(operation.key), operation)
        if change is not None:
            self._put_setting(operation.key, operation.value)
            self.changes.append(change)

    def _erase(self, id: str) -> None:
        self.flush()
        head = self._head(id)
        before = 1
        if head is not None:
            if head.memory.status == "erased":
                return
            before = head.memory.version
            self._erase_memory(head)
            head.memory, head.text_version = tombstone(id, before), 0
            self.dirty[id] = head
        elif not self._erase_episode(id):
            return
        self._drop_reasons(id)
        self.erasing.add(id)
        self.changes.append(Change(op="erase", subject=id, before=before))


def named(operations: Iterable[Operation]) -> dict[str, None]:
    """Return the memory ids that operations name, so that one query reads them all."""
    ids: dict[str, None] = {}
    for operation in operations:
        match operation:
            case Keep():
                ids[operation.memory.id] = None
            case Connect():
                ids |= {operation.link.source: None, operation.link.target: None}
            case Disconnect():
                ids |= {operation.source: None, operation.target: None}
            case Observe() | Enqueue() | Cancel() | Configure():
                pass
            case _:
                ids[operation.id] = None
    return ids
