"""The ports: what the engine needs of stores and models.

A store holds one space. It has one way to change, :meth:`Store.apply`, which is one transaction, and reads. Everything that ranks is
derived from :meth:`Store.index_rows` and kept current by sequence number, so a store needs no search of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mneme.core.journal import Entry
from mneme.core.operations import Operation
from mneme.core.query import Filter, Finding
from mneme.core.records import Episode, Job, Link, Memory, Usage

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]


class Embedder(Protocol):
    """Turns texts into vectors.

    Attributes:
        identity: names the model and its exact weights; vectors of different identities are never compared.
        width: the length of a vector.
    """

    @property
    def identity(self) -> str:
        """The model and its exact weights."""
        ...

    @property
    def width(self) -> int:
        """The length of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return ``(n, width) float32 unit-norm`` vectors in the order of ``texts``; a vector depends on its text alone."""
        ...

    def passages(self, text: str) -> list[str]:
        """Return the parts of a text that fit the model's window, together the whole text; a short text is its own only part."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What search needs of one text.

    Args:
        terms: the encoded token row (:func:`mneme.text.terms.encode_terms`).
        vectors: ``(p, width) float32 unit-norm``, one per passage.
    """

    terms: bytes
    vectors: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Operations to be applied in one transaction, in order.

    Args:
        operations: what to do.
        material: memory id -> what search needs of its new text; for every ``Keep``, and every ``Revise`` with a text.
        model: identity of the model that made the vectors; empty when there are none.
        verb, actor, reason, trace_id, undoes: for the journal entry.
        at: when it is recorded; a store moves it up to its last entry's time if the clock went back.
        key: an idempotency key; a batch whose key was applied before is not applied again.
        based_on: the last entry that the operations were decided on; None is not checked.
        rivals: verbs of entries that the decision may depend on; with one of them after ``based_on`` nothing is applied, and the
            caller decides again.
    """

    operations: Sequence[Operation]
    material: Mapping[str, Material] = field(default_factory=dict)
    model: str = ""
    verb: str
    actor: str = ""
    reason: str | None = None
    trace_id: str = ""
    undoes: int | None = None
    at: datetime
    key: str | None = None
    based_on: int | None = None
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a store did with a batch.

    Args:
        entry: the journal entry; of the first call when ``duplicate``. None when no operation changed anything.
        duplicate: the key had been used; nothing was applied.
        removed: for erasures, place -> rows or payloads removed.
    """

    entry: Entry | None
    duplicate: bool = False
    removed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of a memory with the entry that made it."""

    memory: Memory
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRows:
    """Rows for the index in memory, in ascending order of ``row``; lists and arrays are parallel.

    Args:
        seq: the store's last entry when the rows were read.
        row: the memory's integer row.
        memory: the memory's id.
        text_version: the version whose material holds; a new one means that the text changed.
        kind, status, author, role, session, channel, tier, tags, ref: as on the memory.
        at, valid_from, valid_to: microseconds since 1970; ``valid_to`` is the largest int64 when open.
        importance: as on the memory.
        uses, strength: as on its usage.
        terms: encoded token rows.
        vectors: ``(sum(passages), width) float32``.
        passages: how many of ``vectors`` belong to each row; 0 for what has no material (erased).
        last_used: microseconds since 1970, ``core.upkeep.NEVER`` if never; None from a store that does not tell.
    """

    seq: int
    row: IntArray
    memory: list[str]
    text_version: IntArray
    kind: list[str]
    status: list[str]
    author: list[str | None]
    role: list[str | None]
    session: list[str | None]
    channel: list[str | None]
    tier: list[str]
    tags: list[tuple[str, ...]]
    ref: list[str | None]
    at: IntArray
    valid_from: IntArray
    valid_to: IntArray
    importance: FloatArray
    uses: FloatArray
    strength: FloatArray
    terms: list[bytes]
    vectors: FloatArray
    passages: IntArray
    last_used: IntArray | None = None


class Store(Protocol):
    """One space's storage. Safe for threads; an embedded store also for processes."""

    def apply(self, batch: Batch) -> Applied:
        """Apply a batch in one durable transaction and write its journal entry.

        Concurrent calls may be committed together; each is still applied whole or not at all.

        Raises:
            NotFound, Conflict, Refused, InvalidInput: as :func:`mneme.core.transition.next_version` says; nothing was applied.
            ModelMismatch: ``batch.model`` is not the space's model.
            StorageError: nothing was applied.
        """
        ...

    def last_seq(self) -> int:
        """Return the sequence number of the last entry, 0 when there is none. Cheap: every recall asks."""
        ...

    def memories(self, ids: Sequence[str], *, at_seq: int | None = None) -> dict[str, Memory]:
        """Return the memories with these ids, in their present version or the one after entry ``at_seq``.

        Unknown and erased ids are left out.
        """
        ...

    def memories_by_row(self, rows: Sequence[int], *, at_seq: int | None = None) -> list[Memory]:
        """Return the memories of these rows, in the order asked; rows that are gone are left out."""
        ...

    def find(self, where: Filter, *, after: str = "", limit: int = 1000, statuses: Sequence[str] = ("active",)) -> list[Memory]:
        """Return memories that pass a filter and have one of the statuses, in order of id, those after id ``after``."""
        ...

    def status_of(self, id: str) -> str | None:
        """Return a memory's status, ``erased`` included; None when the id was never used."""
        ...

    def versions(self, id: str) -> list[Version]:
        """Return every version of a memory, oldest first; empty when it is unknown or erased."""
        ...

    def places(self, id: str) -> list[tuple[int, int]]:
        """Return (row, text version) of every material that a memory has, oldest first; empty when it is unknown or erased."""
        ...

    def episodes(self, ids: Sequence[str]) -> dict[str, Episode]:
        """Return the episodes with these ids; unknown and erased ids are left out."""
        ...

    def list_episodes(self, *, after: str = "", limit: int = 1000) -> list[Episode]:
        """Return episodes in order of id, those after id ``after``."""
        ...

    def resting_on(self, episodes: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return memory id -> every episode that any of its versions rests on.

        For the memories with a version that rests on one of ``episodes``.
        """
        ...

    def links(self, ids: Sequence[str] | None = None, *, at_seq: int | None = None) -> list[Link]:
        """Return the links that touch one of ``ids``, or all, ordered by source, target, type."""
        ...

    def usage(self, ids: Sequence[str]) -> dict[str, Usage]:
        """Return the usage of memories; those never used are left out."""
        ...

    def entries(self, *, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Return journal entries with a higher number than ``after``, oldest first."""
        ...

    def entries_of(self, subject: str) -> list[Entry]:
        """Return the entries that changed a memory, episode or job, oldest first."""
        ...

    def seq_at(self, moment: datetime) -> int:
        """Return the number of the last entry recorded at or before a moment, 0 when there is none."""
        ...

    def index_rows(self, *, after: int = 0, vectors: bool = True) -> IndexRows:
        """Return the rows that entries after ``after`` touched, in their present state; all when it is 0.

        Every status; erased ones only when ``after`` is above 0.
        """
        ...

    def index_rows_at(self, seq: int) -> IndexRows:
        """Return the rows as they stood after entry ``seq``, without what has been erased since."""
        ...

    def vectors(self, rows: Sequence[int], text_versions: Sequence[int]) -> list[FloatArray]:
        """Return the ``(p, width) float32`` vectors of these rows, in the order asked; ``(0, width)`` for a row that is gone."""
        ...

    def meta(self) -> dict[str, str]:
        """Return the space's settings, such as ``model`` and ``width``."""
        ...

    def set_meta(self, key: str, value: str) -> None:
        """Set one of the space's settings."""
        ...

    def jobs(self, *, states: Sequence[str] = ()) -> list[Job]:
        """Return jobs in these states, or all, in order of ``due_at``, then id."""
        ...

    def claim(self, *, now: datetime, lease_s: float, tasks: Sequence[str] = (), limit: int = 1) -> list[Job]:
        """Lease waiting jobs that are due, and leased ones whose lease has ended; two callers never get the same one."""
        ...

    def renew(self, job: Job, *, now: datetime, lease_s: float) -> bool:
        """Make the lease of a job at hand end ``lease_s`` from now. False when the lease was lost meanwhile."""
        ...

    def finish(self, job: Job, *, state: str, now: datetime, due_at: datetime | None = None, error: str | None = None) -> bool:
        """End an attempt at a job: ``done``, ``dead``, or ``waiting`` until ``due_at``. False when the lease was lost meanwhile."""
        ...

    def stage_vectors(self, model: str, rows: Sequence[int], text_versions: Sequence[int], vectors: Sequence[FloatArray]) -> None:
        """Store vectors of another model beside those in use, without using them yet."""
        ...

    def unstaged(self, model: str, *, limit: int = 1000) -> list[tuple[int, int, Memory]]:
        """Return (row, text version, memory) of memories that have no staged vectors of ``model`` yet."""
        ...

    def switch_model(self, model: str, width: int) -> bool:
        """Make the staged vectors the ones in use, all at once, and drop the old ones; False while some are missing."""
        ...

    def counts(self) -> dict[str, int]:
        """Return how many memories (by status), episodes, links, jobs, entries and bytes there are."""
        ...

    def check(self) -> list[str]:
        """Return what is wrong with the rows: versions against heads and digests, material against texts, chain, the file itself."""
        ...

    def scrub(self) -> None:
        """Make what was erased unreadable in the files: free pages and write-ahead log."""
        ...

    def scan(self, needles: Mapping[str, bytes]) -> tuple[int, list[Finding]]:
        """Search every byte of the store for the needles (what -> bytes); returns bytes searched and where something was found.

        Occurrences inside rows that hold the needle rightfully are findings too: ask :meth:`held` first. A store that keeps a
        file may rewrite it whole when it finds something, and search again, before it reports.
        """
        ...

    def held(self, needles: Sequence[bytes]) -> set[bytes]:
        """Return which needles occur in content that is still stored (episodes, versions, journal, jobs, links, settings, the schema)."""
        ...

    def backup(self, path: Path) -> None:
        """Write a consistent copy of the space to ``path`` while it is in use."""
        ...

    def resident_bytes(self) -> int:
        """Return roughly how much memory the open store takes."""
        ...

    def close(self) -> None:
        """Close the store; closing twice is fine."""
        ...


@runtime_checkable
class Reading(Protocol):
    """What a store over a network offers besides: several reads with few round trips."""

    def reading(self) -> AbstractContextManager[None]:
        """Return a block that begins with one look at the space: its last entry and its settings, which hold for the whole block.

        The other reads of this thread inside it share one transaction, which shows that state or a later one.
        """
        ...


@runtime_checkable
class Parted(Protocol):
    """What a store of large spaces offers besides: the rows of the index in parts, so that they need not fit in memory at once."""

    def index_parts(self, *, after: int = 0, size: int = 50_000) -> Iterator[IndexRows]:
        """Yield what :meth:`Store.index_rows` returns, without vectors, some rows at a time, all of one state of the space."""
        ...


@runtime_checkable
class Rewriting(Protocol):
    """What a store offers besides: token rows of an older version are put in order where they lie, and not after every opening."""

    def rewrite_terms(self, rows: Sequence[int], text_versions: Sequence[int], terms: Sequence[bytes]) -> None:
        """Replace the token rows of material; that of what was erased meanwhile stays away."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The part of a large space that a question may need, with what the whole says about it.

    Args:
        rows: what was found, with what stands around it.
        documents: how many memories can be found in the space.
        total_length: how many terms they have together.
        authors: who speaks in it, as far as was looked.
        span: when its first and its last memory were said, in microseconds since 1970.
        frequencies: how many memories of the space have each of some terms.
        counted: term -> how many memories have it, as far as it was asked already.
        conversations: about how many conversations its memories make; 0 when that is not known.
    """

    rows: IndexRows
    documents: int
    total_length: int
    authors: tuple[str, ...]
    span: tuple[int, int]
    frequencies: Callable[[Sequence[int]], list[int]]
    counted: Mapping[int, int] = field(default_factory=dict)
    conversations: int = 0


@runtime_checkable
class Searching(Protocol):
    """What a store offers besides that can search a large space by itself, so that it need not be held in memory."""

    def searched_documents(self) -> int:
        """Return how many memories the store can search by itself; 0 where it keeps the space for an index in memory alone."""
        ...

    def excerpt(self, vector: FloatArray, terms: Sequence[int], weights: Sequence[float], *, where: Filter) -> Excerpt:
        """Return the memories nearest to a vector and those with the best BM25 for terms, with those around them."""
        ...

    def frequencies(self, terms: Sequence[int]) -> list[int]:
        """Return how many memories that can be found have each term."""
        ...

    def judged(self, prefix: str) -> list[str]:
        """Return the memories whose usage holds numbers with names that begin so."""
        ...

    def lately(self) -> tuple[tuple[str, ...], int]:
        """Return who spoke lately, and about how many conversations there are; both may be a little behind."""
        ...


@runtime_checkable
class Limited(Protocol):
    """What a store offers besides, from whose files an erasure can't remove every trace by itself."""

    def outside(self) -> tuple[str, ...]:
        """Return what lies beyond its reach, with what an operator has to do."""
        ...


class Listener(Protocol):
    """Hears of changes, those of other processes and machines as well."""

    def heard(self, *, timeout_s: float) -> Sequence[str] | None:
        """Return the spaces that changed, as soon as one did; empty when none did in time; None when any may have changed unheard.

        Raises:
            StorageError: what it listens to can't be reached.
        """
        ...

    def close(self) -> None:
        """Stop listening; closing twice is fine."""
        ...


@runtime_checkable
class Telling(Protocol):
    """What a root offers besides that tells of changes, so that nobody need look for them."""

    def listen(self) -> Listener:
        """Return a listener to every change from now on."""
        ...


class Root(Protocol):
    """Where spaces live: a folder, a database, or a dict."""

    def open(self, space: str, *, create: bool = True) -> Store:
        """Open a space's store.

        Raises:
            NotFound: there is no such space and ``create`` is false.
        """
        ...

    def spaces(self) -> list[str]:
        """Return the names of all spaces, sorted."""
        ...

    def drop(self, space: str) -> None:
        """Remove a space with everything in it."""
        ...

    def close(self) -> None:
        """Close the root."""
        ...
