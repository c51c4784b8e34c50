"""One space in one SQLite file."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from mneme.core.compaction import Folding
from mneme.core.errors import Closed, InvalidInput, ReadOnly
from mneme.core.journal import Entry
from mneme.core.ports import Applied, Batch, FloatArray, IndexRows, Version
from mneme.core.query import Filter, Finding
from mneme.core.records import Episode, Job, Link, Memory, Usage
from mneme.stores.semantics import check_batch
from mneme.stores.sqlite import check, compaction, erase, index, jobs, reads, schema, staging
from mneme.stores.sqlite.apply import apply_batch
from mneme.stores.sqlite.connect import (
    BUSY_TIMEOUT_S,
    CACHE_KIB,
    Durability,
    Mode,
    Readers,
    check_header,
    connect,
    read_mode,
)
from mneme.stores.sqlite.failures import translated
from mneme.stores.sqlite.handles import acquire, release
from mneme.stores.sqlite.locks import FileLock
from mneme.stores.sqlite.writer import Writer

_T = TypeVar("_T")
_BASE_BYTES = 128 * 1024


class SQLiteStore:
    """A space in a file; made when it is missing.

    Safe for threads and for processes: every writing call is one immediate transaction, callers of one process that wait are
    committed together, and processes queue for a lock beside the file. Reads see the last commit and never wait for writers.
    A store does not survive ``os.fork``: open it again in the child.

    Args:
        path: the file.
        durability: ``full`` flushes every commit to the disk: what a call returned survives a power cut. ``normal`` leaves
            that to the operating system: it survives a crash of the process, and after a power cut the file is whole but
            the last seconds may be missing.
        read_only: never write; also chosen when the file or its folder can't be written.
        timeout_s: how long a call waits for other writers.

    Raises:
        CorruptStore: the file is not mneme's, or is cut short.
        NewerStore: a newer mneme wrote it.
        ReadOnly: it does not exist and can't be made.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        durability: Durability = "full",
        read_only: bool = False,
        timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        if durability not in ("full", "normal"):
            raise InvalidInput({"durability": f"must be 'full' or 'normal', not {durability!r}"})
        self._path = Path(path)
        self._timeout_s = timeout_s
        self._pid = os.getpid()
        self._closing = threading.Lock()
        self._closed = False
        self._writer: Writer | None = None
        writable = not read_only and _can_write(self._path)
        if not writable and not self._path.exists():
            raise ReadOnly(f"path: {self._path} does not exist and can't be made; check the permissions of its folder")
        with translated(self._path):
            self._handle = acquire(self._path, write=writable)
            try:
                mode = self._open(writable, durability)
            except BaseException:
                release(self._handle)
                raise
        self._readers = Readers(self._path, mode, timeout_s)

    def _open(self, writable: bool, durability: Durability) -> Mode:
        """Validate the file, bring it to the present format and open the writer."""
        new = check_header(self._handle, self._path)
        if not writable:
            if new:
                raise ReadOnly(f"path: {self._path} is empty and can't be written; open it from a writable folder")
            mode = read_mode(self._path)
            probe = connect(self._path, mode, durability, self._timeout_s)
            try:
                schema.identify(probe, str(self._path))
            finally:
                probe.close()
            return mode
        connection = connect(self._path, "rwc", durability, self._timeout_s)
        lock: FileLock | None = None
        try:
            lock = FileLock(Path(f"{self._path}.lock"), self._timeout_s)
            if new or schema.identify(connection, str(self._path)) < len(schema.MIGRATIONS):
                lock.acquire()
                try:
                    connection.execute("PRAGMA journal_mode = WAL")
                    schema.migrate(connection, str(self._path))
                finally:
                    lock.release()
        except BaseException:
            connection.close()
            if lock is not None:
                lock.close()
            raise
        self._writer = Writer(connection, lock, self._path, self._present)
        return "rwc"

    def _alive(self) -> None:
        if self._closed:
            raise Closed(f"store: {self._path} is closed; open the space again")
        if os.getpid() != self._pid:
            raise Closed(f"store: {self._path} was opened before a fork; open it again in the new process")

        self._present()

    def _present(self) -> None:
        try:
            links = os.fstat(self._handle.descriptor).st_nlink
        except OSError as error:  # another thread closed the store at this moment
            raise Closed(f"store: {self._path} is closed; open the space again") from error
        if links == 0:
            raise Closed(f"store: the space in {self._path} was dropped; nothing can be written to it or read from it")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        self._alive()
        with translated(self._path), self._readers.use() as connection:
            yield connection

    @contextmanager
    def _snapshot(self) -> Iterator[sqlite3.Connection]:
        self._alive()
        with translated(self._path), self._readers.snapshot() as connection:
            yield connection

    def _write(self, change: Callable[[sqlite3.Connection], _T]) -> _T:
        self._alive()
        return self._open_writer().run(change)

    def _open_writer(self) -> Writer:
        if self._writer is None:
            raise ReadOnly(f"path: {self._path} is open for reading only; check its permissions and its folder's")
        return self._writer

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def snapshot(self) -> AbstractContextManager[sqlite3.Connection]:
        """Return a block in which the file is read in one state; for copying it."""
        return self._snapshot()

    def write(self, change: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run a change in one transaction; for copying into it."""
        return self._write(change)

    def apply(self, batch: Batch) -> Applied:
        """Apply a batch; see :meth:`mneme.core.ports.Store.apply`."""
        check_batch(batch)
        return self._write(lambda connection: apply_batch(connection, batch))

    def last_seq(self) -> int:
        """Return the number of the last entry."""
        with self._reading() as connection:
            return reads.last_seq(connection)

    def memories(self, ids: Sequence[str], *, at_seq: int | None = None) -> dict[str, Memory]:
        """Return memories by id, now or as of an entry."""
        with self._reading() as connection:
            return reads.memories(connection, ids, at_seq)

    def memories_by_row(self, rows: Sequence[int], *, at_seq: int | None = None) -> list[Memory]:
        """Return memories by row, in the order asked."""
        with self._reading() as connection:
            return reads.memories_by_row(connection, rows, at_seq)

    def find(self, where: Filter, *, after: str = "", limit: int = 1000, statuses: Sequence[str] = ("active",)) -> list[Memory]:
        """Return memories that pass a filter, in order of id."""
        with self._reading() as connection:
            return reads.find(connection, where, after, limit, statuses)

    def status_of(self, id: str) -> str | None:
        """Return a memory's status."""
        with self._reading() as connection:
            return reads.status_of(connection, id)

    def versions(self, id: str) -> list[Version]:
        """Return a memory's versions, oldest first."""
        with self._reading() as connection:
            return reads.versions(connection, id)

    def places(self, id: str) -> list[tuple[int, int]]:
        """Return (row, text version) of a memory's material, oldest first."""
        with self._reading() as connection:
            return reads.places(connection, id)

    def episodes(self, ids: Sequence[str]) -> dict[str, Episode]:
        """Return episodes by id."""
        with self._reading() as connection:
            return reads.episodes(connection, ids)

    def list_episodes(self, *, after: str = "", limit: int = 1000) -> list[Episode]:
        """Return episodes in order of id."""
        with self._reading() as connection:
            return reads.list_episodes(connection, after, limit)

    def resting_on(self, episodes: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the memories that rest on any of some episodes, with all that they rest on."""
        with self._snapshot() as connection:
            return reads.resting_on(connection, episodes)

    def links(self, ids: Sequence[str] | None = None, *, at_seq: int | None = None) -> list[Link]:
        """Return links, ordered by source, target and type."""
        with self._snapshot() as connection:
            return reads.links(connection, ids, at_seq)

    def usage(self, ids: Sequence[str]) -> dict[str, Usage]:
        """Return usage by id."""
        with self._reading() as connection:
            return reads.usage(connection, ids)

    def entries(self, *, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Return entries, oldest first."""
        with self._reading() as connection:
            return reads.entries(connection, after, limit)

    def entries_of(self, subject: str) -> list[Entry]:
        """Return the entries that touched a memory, episode or job."""
        with self._reading() as connection:
            return reads.entries_of(connection, subject)

    def seq_at(self, moment: datetime) -> int:
        """Return the last entry recorded at or before a moment."""
        with self._snapshot() as connection:
            return reads.seq_at(connection, moment)

    def index_rows(self, *, after: int = 0, vectors: bool = True) -> IndexRows:
        """Return the rows that entries after ``after`` touched."""
        with self._snapshot() as connection:
            return index.index_rows(connection, after=after, vectors=vectors)

    def index_parts(self, *, after: int = 0, size: int = 50_000) -> Iterator[IndexRows]:
        """Yield the same rows, without vectors, some at a time."""
        with self._snapshot() as connection:
            yield from index.index_parts(connection, after=after, size=size)

    def index_rows_at(self, seq: int) -> IndexRows:
        """Return the rows as of an entry."""
        with self._snapshot() as connection:
            return index.index_rows_at(connection, seq)

    def vectors(self, rows: Sequence[int], text_versions: Sequence[int]) -> list[FloatArray]:
        """Return the vectors of rows, in the order asked."""
        with self._snapshot() as connection:
            return index.vectors(connection, rows, text_versions)

    def meta(self) -> dict[str, str]:
        """Return the settings."""
        with self._reading() as connection:
            return reads.meta(connection)

    def set_meta(self, key: str, value: str) -> None:
        """Set one setting."""
        self._write(lambda connection: connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value)))

    def jobs(self, *, states: Sequence[str] = ()) -> list[Job]:
        """Return jobs by due time, then id."""
        with self._reading() as connection:
            return jobs.jobs(connection, states)

    def claim(self, *, now: datetime, lease_s: float, tasks: Sequence[str] = (), limit: int = 1) -> list[Job]:
        """Lease jobs that are due."""
        return self._write(lambda connection: jobs.claim(connection, now, lease_s, tasks, limit))

    def renew(self, job: Job, *, now: datetime, lease_s: float) -> bool:
        """Make a lease longer."""
        return self._write(lambda connection: jobs.renew(connection, job, now, lease_s))

    def finish(self, job: Job, *, state: str, now: datetime, due_at: datetime | None = None, error: str | None = None) -> bool:
        """End an attempt at a job."""
        return self._write(lambda connection: jobs.finish(connection, job, state, now, due_at, error))

    def rewrite_terms(self, rows: Sequence[int], text_versions: Sequence[int], terms: Sequence[bytes]) -> None:
        """Replace token rows."""
        self._write(lambda connection: staging.rewrite_terms(connection, rows, text_versions, terms))

    def stage_vectors(self, model: str, rows: Sequence[int], text_versions: Sequence[int], vectors: Sequence[FloatArray]) -> None:
        """Store another model's vectors beside those in use."""
        self._write(lambda connection: staging.stage(connection, model, rows, text_versions, vectors))

    def unstaged(self, model: str, *, limit: int = 1000) -> list[tuple[int, int, Memory]]:
        """Return what has no staged vectors of a model yet."""
        with self._snapshot() as connection:
            return staging.unstaged(connection, model, limit)

    def switch_model(self, model: str, width: int) -> bool:
        """Use the staged vectors."""
        return self._write(lambda connection: staging.switch(connection, model, width))

    def counts(self) -> dict[str, int]:
        """Return how much of everything there is."""
        with self._snapshot() as connection:
            return reads.counts(connection)

    def check(self) -> list[str]:
        """Return what is wrong."""
        with self._snapshot() as connection:
            try:
                return check.check(connection)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                return [f"file: a stored value is not of its form ({type(error).__name__})"]

    def scrub(self) -> None:
        """Make what was erased unreadable in the files.

        Raises:
            Busy: a reader kept the log in use.
        """
        self._scrub(rewrite=False)

    def _scrub(self, *, rewrite: bool) -> None:
        self._alive()
        with translated(self._path), self._open_writer().exclusive() as connection:
            erase.scrub(connection, self._path, rewrite=rewrite, timeout_s=self._timeout_s)

    def scan(self, needles: Mapping[str, bytes]) -> tuple[int, list[Finding]]:
        """Search every byte of the files; what is found at first makes it rewrite the file whole and search again.

        A large file is rewritten only here, since copies that SQLite left behind are rare and a rewrite takes seconds.
        """
        self._alive()
        with translated(self._path):
            searched, findings = erase.scan(self._handle.descriptor, self._path, needles)
        if findings and self._writer is not None:
            self._scrub(rewrite=True)
            with translated(self._path):
                searched, findings = erase.scan(self._handle.descriptor, self._path, needles)
        return searched, findings

    def held(self, needles: Sequence[bytes]) -> set[bytes]:
        """Return which needles occur in rows that are still there, vectors included for needles that are no text."""
        with self._snapshot() as connection:
            return erase.held(connection, needles)

    def fold(self, to_seq: int, batch: Batch, *, dry_run: bool = False) -> Folding:
        """Fold entries into a checkpoint; see :meth:`mneme.core.compaction.Foldable.fold`."""
        return self._write(lambda connection: compaction.fold(connection, to_seq, batch, dry_run=dry_run))

    def vacuum(self) -> tuple[int, int]:
        """Give free pages back to the system, readers going on; returns the file's bytes before and after.

        Raises:
            Busy: a reader kept the log in use for longer than the timeout, or another process the file; nothing was lost.
        """
        self._alive()
        with translated(self._path), self._open_writer().exclusive() as connection:
            return compaction.vacuum(connection, self._path, self._timeout_s)

    def backup(self, path: Path) -> None:
        """Write a consistent copy while the space is in use; it appears under its name only when it is whole.

        Raises:
            InvalidInput: there is something at ``path`` already.
        """
        if path.exists():
            raise InvalidInput({"path": f"{path} exists; choose a new name"})
        part = Path(f"{path}.part")
        with translated(path), self._reading() as source:
            try:
                target = sqlite3.connect(part)
                try:
                    source.backup(target, pages=2000)
                finally:
                    target.close()
                with part.open("rb+") as file:
                    os.fsync(file.fileno())
                part.rename(path)
            except BaseException:
                with suppress(FileNotFoundError):
                    part.unlink()
                raise

    def resident_bytes(self) -> int:
        """Return roughly how much memory the open store takes: its connections' page caches."""
        size = os.fstat(self._handle.descriptor).st_size
        with suppress(FileNotFoundError):
            size += os.stat(f"{self._path}-wal").st_size
        connections = len(self._readers) + (self._writer is not None)
        return _BASE_BYTES + connections * min(CACHE_KIB * 1024, size)

    def is_gone(self) -> bool:
        """Return whether the file was removed, as another process does that drops the space; what is written here would be lost."""
        return os.fstat(self._handle.descriptor).st_nlink == 0

    def close(self) -> None:
        """Close the store; closing twice is fine."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        if os.getpid() != self._pid:
            return  # the connections belong to the process that opened them
        self._readers.close()
        if self._writer is not None:
            self._writer.close()
        release(self._handle)

    def __del__(self) -> None:
        if hasattr(self, "_readers"):  # opening it did not fail
            self.close()


def _can_write(path: Path) -> bool:
    """Return whether the file, and beside it its log, can be written."""
    if not path.parent.is_dir():
        return True  # opening it then fails with the right message
    effective = os.access in os.supports_effective_ids
    return all(os.access(each, os.W_OK, effective_ids=effective) for each in (path.parent, path) if each.exists())
