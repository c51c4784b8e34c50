"""One space in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from mneme.core.compaction import Folding
from mneme.core.errors import Closed, NotFound
from mneme.core.journal import Entry
from mneme.core.operations import Erase
from mneme.core.ports import Applied, Batch, Excerpt, FloatArray, IndexRows, Version
from mneme.core.query import Filter, Finding
from mneme.core.records import Episode, Job, Link, Memory, Usage
from mneme.stores.postgres import check, compaction, erase, excerpt, index, jobs, reads, search, staging
from mneme.stores.postgres.apply import apply_batch, is_applied
from mneme.stores.postgres.connect import Connections, Session
from mneme.stores.postgres.warm import Warm
from mneme.stores.semantics import check_batch

_T = TypeVar("_T")
_BASE_BYTES = 2048
_ASKED_AT_ONCE = 256
"""More vectors than this are read without the texts."""


class PostgresStore:
    """A space in a database, for threads, processes and machines alike; :class:`PostgresRoot` opens it.

    Every call is one transaction that names the space; row-level security shows it that space alone. Writers of one space queue for
    its head row, so that its journal has no gaps; reads see the last commit and never wait for writers.

    Args:
        connections: the pool of the root.
        space: the space's number.
        name: the space's name, for messages.
        notify: tell listeners of every change.
    """

    def __init__(self, connections: Connections, space: int, name: str, *, notify: bool = True) -> None:
        self._connections = connections
        self._space = space
        self._name = name
        self._notify = notify
        self._closed = False
        self._warm = Warm(connections, space)

    @property
    def number(self) -> int:
        """The number under which the database knows the space."""
        return self._space

    def _alive(self) -> None:
        if self._closed:
            raise Closed(f"store: space {self._name!r} is closed; open it again")

    def _read(self, work: Callable[[Session], _T], *, snapshot: bool = False) -> _T:
        self._alive()
        return self._connections.read(self._space, work, snapshot=snapshot)

    def _snapshot(self, work: Callable[[Session], _T]) -> _T:
        return self._read(work, snapshot=True)

    def _write(self, change: Callable[[Session], _T], there: Callable[[Session, _T], bool] | None = None) -> _T:
        self._alive()
        return self._connections.write(self._space, change, there=there)

    def reading(self) -> AbstractContextManager[None]:
        """Return a block that begins with one look at the space, which answers some of the reads of this thread inside it."""
        self._alive()
        return self._connections.reading(self._space)

    def apply(self, batch: Batch) -> Applied:
        """Apply a batch; see :meth:`mneme.core.ports.Store.apply`."""
        check_batch(batch)
        if any(isinstance(operation, Erase) for operation in batch.operations):
            self._warm.clear()
        return self._write(lambda session: apply_batch(session, batch, notify=self._notify), is_applied)

    def last_seq(self) -> int:
        """Return the number of the last entry."""
        look = self._connections.look(self._space)
        if look is not None:
            return look.seq
        return self._read(reads.last_seq)

    def memories(self, ids: Sequence[str], *, at_seq: int | None = None) -> dict[str, Memory]:
        """Return memories by id, now or as of an entry."""
        return self._read(lambda session: reads.memories(session, ids, at_seq)) if ids else {}

    def memories_by_row(self, rows: Sequence[int], *, at_seq: int | None = None) -> list[Memory]:
        """Return memories by row, in the order asked."""
        if not len(rows):
            return []
        look = self._connections.look(self._space)
        if at_seq is None and look is not None:
            self._alive()
            wanted = [int(row) for row in rows]
            found = self._warm.contents(look, wanted)
            return [found[row].memory for row in wanted if row in found]
        return self._read(lambda session: reads.memories_by_row(session, rows, at_seq))

    def find(self, where: Filter, *, after: str = "", limit: int = 1000, statuses: Sequence[str] = ("active",)) -> list[Memory]:
        """Return memories that pass a filter, in order of id."""
        return self._read(lambda session: reads.find(session, where, after, limit, statuses))

    def status_of(self, id: str) -> str | None:
        """Return a memory's status."""
        return self._read(lambda session: reads.status_of(session, id))

    def versions(self, id: str) -> list[Version]:
        """Return a memory's versions, oldest first."""
        return self._read(lambda session: reads.versions(session, id))

    def places(self, id: str) -> list[tuple[int, int]]:
        """Return (row, text version) of a memory's material, oldest first."""
        return self._read(lambda session: reads.places(session, id))

    def episodes(self, ids: Sequence[str]) -> dict[str, Episode]:
        """Return episodes by id."""
        return self._read(lambda session: reads.episodes(session, ids)) if ids else {}

    def list_episodes(self, *, after: str = "", limit: int = 1000) -> list[Episode]:
        """Return episodes in order of id."""
        return self._read(lambda session: reads.list_episodes(session, after, limit))

    def resting_on(self, episodes: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the memories that rest on any of some episodes, with all that they rest on."""
        return self._read(lambda session: reads.resting_on(session, episodes)) if episodes else {}

    def links(self, ids: Sequence[str] | None = None, *, at_seq: int | None = None) -> list[Link]:
        """Return links, ordered by source, target and type."""
        return self._read(lambda session: reads.links(session, ids, at_seq))

    def usage(self, ids: Sequence[str]) -> dict[str, Usage]:
        """Return usage by id."""
        return self._read(lambda session: reads.usage(session, ids)) if ids else {}

    def entries(self, *, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Return entries, oldest first."""
        return self._read(lambda session: reads.entries(session, after, limit))

    def entries_of(self, subject: str) -> list[Entry]:
        """Return the entries that touched a memory, episode or job."""
        return self._read(lambda session: reads.entries_of(session, subject))

    def seq_at(self, moment: datetime) -> int:
        """Return the last entry recorded at or before a moment."""
        return self._snapshot(lambda session: reads.seq_at(session, moment))

    def index_rows(self, *, after: int = 0, vectors: bool = True) -> IndexRows:
        """Return the rows that entries after ``after`` touched."""
        if not after and vectors and self._fits():
            rows, look, read = self._snapshot(index.whole_space)
            self._warm.kept.fill(look, read)
            return rows
        if after and vectors:
            self._alive()
            few = self._warm.changed(after)
            if few is not None:
                return few
        rows = self._snapshot(lambda session: index.index_rows(session, after=after, vectors=vectors))
        self._warm.kept.follow(after, rows.row.tolist(), rows.seq)
        return rows

    def _fits(self) -> bool:
        """Return whether the contents of the whole space can be kept in memory."""
        found = self._read(lambda session: session.one("SELECT next_row FROM mneme.head WHERE space = $1"))
        return found is not None and found[0] <= self._warm.kept.room

    def index_rows_of(self, rows: Sequence[int]) -> IndexRows:
        """Return the named rows alone, in their present state."""
        return self._snapshot(lambda session: index.index_rows(session, after=0, vectors=True, rows=rows))

    def index_rows_at(self, seq: int) -> IndexRows:
        """Return the rows as of an entry."""
        return self._snapshot(lambda session: index.index_rows_at(session, seq))

    def vectors(self, rows: Sequence[int], text_versions: Sequence[int]) -> list[FloatArray]:
        """Return the vectors of rows, in the order asked."""
        if not len(rows):
            return []
        look = self._connections.look(self._space)
        if look is not None and len(rows) <= _ASKED_AT_ONCE:
            self._alive()
            there = self._warm.vectors(look, rows, text_versions)
            if there is not None:
                return there
        return self._read(lambda session: index.vectors(session, rows, text_versions))

    def meta(self) -> dict[str, str]:
        """Return the settings."""
        look = self._connections.look(self._space)
        return self._read(reads.meta) if look is None else self._warm.settings(look)

    def set_meta(self, key: str, value: str) -> None:
        """Set one setting."""

        def change(session: Session) -> None:
            reads.lock(session)
            reads.put_meta(session, {key: value})

        self._write(change)

    def jobs(self, *, states: Sequence[str] = ()) -> list[Job]:
        """Return jobs by due time, then id."""
        return self._read(lambda session: jobs.jobs(session, states))

    def claim(self, *, now: datetime, lease_s: float, tasks: Sequence[str] = (), limit: int = 1) -> list[Job]:
        """Lease jobs that are due."""
        return self._write(lambda session: jobs.claim(session, now, lease_s, tasks, limit), jobs.are_claimed)

    def renew(self, job: Job, *, now: datetime, lease_s: float) -> bool:
        """Make a lease longer."""
        return self._write(lambda session: jobs.renew(session, job, now, lease_s))

    def finish(self, job: Job, *, state: str, now: datetime, due_at: datetime | None = None, error: str | None = None) -> bool:
        """End an attempt at a job."""
        return self._write(
            lambda session: jobs.finish(session, job, state, now, due_at, error),
            lambda session, done: not done or jobs.is_finished(session, job, state),
        )

    def stage_vectors(self, model: str, rows: Sequence[int], text_versions: Sequence[int], vectors: Sequence[FloatArray]) -> None:
        """Store another model's vectors beside those in use."""
        self._write(lambda session: staging.stage(session, model, rows, text_versions, vectors))

    def unstaged(self, model: str, *, limit: int = 1000) -> list[tuple[int, int, Memory]]:
        """Return what has no staged vectors of a model yet."""
        return self._snapshot(lambda session: staging.unstaged(session, model, limit))

    def switch_model(self, model: str, width: int) -> bool:
        """Use the staged vectors."""
        return self._write(
            lambda session: staging.switch(session, model, width),
            lambda session, done: not done or reads.meta(session).get("model") == model,
        )

    def rewrite_terms(self, rows: Sequence[int], text_versions: Sequence[int], terms: Sequence[bytes]) -> None:
        """Replace the token rows of material; that of what was erased meanwhile stays away."""
        self._write(lambda session: staging.rewrite_terms(session, rows, text_versions, terms))

    def counts(self) -> dict[str, int]:
        """Return how much of everything there is."""
        return self._snapshot(reads.counts)

    def check(self) -> list[str]:
        """Return what is wrong."""
        return self._snapshot(check.check)

    def searched(self) -> bool:
        """Return whether the space is searched inside the database; from ``SEARCHED_FROM`` memories on it always is."""
        found = self._read(lambda session: session.one("SELECT searched FROM mneme.head WHERE space = $1"))
        return bool(found and found[0])

    def build_search(self) -> None:
        """Make a space searchable inside the database that is too small to be so by itself, or anew."""

        def change(session: Session) -> None:
            reads.lock(session)
            search.build(session)

        self._write(change)

    def dense(self, vector: FloatArray, k: int, *, where: Filter | None = None, exact: bool = False) -> search.Found:
        """Return the best memories for a vector, searched inside the database.

        Args:
            vector: ``(width,) float32 unit-norm``.
            k: how many.
            where: which memories; all that can be found if None.
            exact: scan exactly although the space has an index of its own.

        Raises:
            NotFound: the space is not searched inside the database.
        """
        return self._read(lambda session: search.dense(session, vector, k, where=where, hnsw=self._search_state(session) * (not exact)))

    def lexical(self, terms: Sequence[int], weights: Sequence[float], k: int, *, where: Filter | None = None) -> search.Found:
        """Return the best memories for terms by BM25, searched inside the database.

        Args:
            terms: ids as the analyser makes them.
            weights: of each term.
            k: how many.
            where: which memories; all that can be found if None.

        Raises:
            NotFound: the space is not searched inside the database.
        """

        def find(session: Session) -> search.Found:
            self._search_state(session)
            return search.lexical(session, terms, weights, k, where=where)

        return self._read(find)

    def searched_documents(self) -> int:
        """Return how many memories the database can search by itself; 0 where there are no rows for it."""
        return self._read(excerpt.documents)

    def excerpt(self, vector: FloatArray, terms: Sequence[int], weights: Sequence[float], *, where: Filter) -> Excerpt:
        """Return what a question may need of a large space, found inside the database."""
        found = self._snapshot(lambda session: excerpt.read(session, vector, terms, weights, where))
        return replace(found, frequencies=self.frequencies)

    def frequencies(self, terms: Sequence[int]) -> list[int]:
        """Return how many memories that can be found have each term."""
        return self._read(lambda session: excerpt.frequencies(session, terms))

    def judged(self, prefix: str) -> list[str]:
        """Return the memories whose usage holds numbers with names that begin so."""
        return self._read(lambda session: excerpt.judged(session, prefix))

    def lately(self) -> tuple[tuple[str, ...], int]:
        """Return who spoke in the last 20,000 memories, and about how many conversations there are; asked anew after some entries."""
        return self._warm.lately(self.last_seq())

    def _search_state(self, session: Session) -> int:
        found = session.one("SELECT h.searched, s.hnsw FROM mneme.head h JOIN mneme.space s ON s.id = h.space WHERE h.space = $1")
        if found is None or not found[0]:
            raise NotFound("search table of the space", self._name)
        return int(found[1])

    def fold(self, to_seq: int, batch: Batch, *, dry_run: bool = False) -> Folding:
        """Fold entries into a checkpoint; see :meth:`mneme.core.compaction.Foldable.fold`."""
        return self._write(lambda session: compaction.fold(session, to_seq, batch, dry_run=dry_run), compaction.is_folded)

    def vacuum(self) -> tuple[int, int]:
        """Vacuum the partitions that the space is in; returns their bytes before and after.

        Raises:
            ReadOnly: the role may not vacuum.
        """
        self._alive()
        with self._connections.vacuuming() as connection:
            return compaction.vacuum(connection, self._space)

    def scrub(self) -> None:
        """Vacuum the tables that the last erasure touched until its dead rows are gone.

        Raises:
            Busy: an old snapshot kept them alive for longer than the timeout.
            ReadOnly: the role may not vacuum.
        """
        found = self._read(lambda session: session.one("SELECT erased_xid FROM mneme.head WHERE space = $1"))
        if found is None or not found[0]:
            return
        with self._connections.vacuuming() as connection:
            erase.vacuum(connection, self._space, int(found[0]), self._connections.timeout_s)

    def scan(self, needles: Mapping[str, bytes]) -> tuple[int, list[Finding]]:
        """Search every row of the space; the server's files are beyond SQL (see :meth:`outside`)."""
        return self._snapshot(lambda session: erase.scan(session, needles))

    def held(self, needles: Sequence[bytes]) -> set[bytes]:
        """Return which needles occur in rows that are still there."""
        return self._snapshot(lambda session: erase.held(session, needles))

    def outside(self) -> tuple[str, ...]:
        """Return what an erasure can't reach here, with what an operator has to do."""
        return erase.OUTSIDE

    def backup(self, path: Path) -> None:
        """Write the space as a file of the embedded store, with its whole history, while it is in use.

        Raises:
            InvalidInput: there is something at ``path`` already.
        """
        from mneme.stores.moving import to_file

        self._alive()
        to_file(self, path)

    def resident_bytes(self) -> int:
        """Return roughly how much memory the open store takes; connections belong to the root."""
        return _BASE_BYTES + self._warm.nbytes

    def close(self) -> None:
        """Close the store; closing twice is fine."""
        self._closed = True
        self._warm.clear()

    def snapshot(self, work: Callable[[Session], _T]) -> _T:
        """Run a read that sees one state of the space; for copying it."""
        return self._snapshot(work)

    def snapshot_session(self) -> AbstractContextManager[Session]:
        """Return a session that sees one state of the space, for as long as the block lasts; for copying it."""
        self._alive()
        return self._connections.snapshot(self._space)

    def write(self, change: Callable[[Session], _T]) -> _T:
        """Run a change in one transaction; for copying into it."""
        return self._write(change)
