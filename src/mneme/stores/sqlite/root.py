"""A folder of spaces: one file each under ``spaces/``, and a catalogue that knows whose is whose."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mneme.core.errors import Closed, CorruptStore, MnemeError, NewerStore, NotFound, ReadOnly
from mneme.stores.semantics import check_space_name
from mneme.stores.sqlite.connect import BUSY_TIMEOUT_S, Durability, Mode, check_header, connect
from mneme.stores.sqlite.failures import translated
from mneme.stores.sqlite.handles import acquire, release
from mneme.stores.sqlite.locks import FileLock
from mneme.stores.sqlite.schema import marks_of
from mneme.stores.sqlite.store import SQLiteStore

CATALOGUE_ID = 0x6D6E6563  # "mnec"
CATALOGUE_VERSION = 1
_SLUG_LENGTH = 40
_TABLE = """CREATE TABLE IF NOT EXISTS space (
  name TEXT PRIMARY KEY, file TEXT NOT NULL UNIQUE, dropping INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID"""


def file_name(space: str) -> str:
    """Return the name of a space's file: readable where it can be, and never the same for two spaces.

    Example:
        >>> file_name("Álice / team")
        'alice-team-6bd6cd3a9bff7ba7.sqlite'
    """
    plain = unicodedata.normalize("NFKD", space).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_SLUG_LENGTH].strip("-")
    digest = hashlib.blake2b(space.encode(), digest_size=8).hexdigest()
    return f"{slug or 'space'}-{digest}.sqlite"


class SQLiteRoot:
    """Spaces in a folder; made when it is missing.

    Args:
        folder: where ``catalogue.sqlite`` and ``spaces/`` are.
        durability: see :class:`SQLiteStore`.
        read_only: never write; the folder must exist.
        timeout_s: how long a call waits for other writers.

    Raises:
        ReadOnly: the folder is not there and can't be made.
        CorruptStore: its catalogue is not mneme's.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        durability: Durability = "full",
        read_only: bool = False,
        timeout_s: float = BUSY_TIMEOUT_S,
    ) -> None:
        self._folder = Path(folder)
        self._durability = durability
        self._timeout_s = timeout_s
        self._catalogue = self._folder / "catalogue.sqlite"
        self._read_only = read_only
        self._closed = False
        with translated(self._folder):
            if not read_only and not self._catalogue.exists():
                (self._folder / "spaces").mkdir(parents=True, exist_ok=True)
                self._create()
        if not self._is_ours():
            # Another process may be making it at this moment; the lock waits for it.
            self._create()
        self._finish_drops()

    def _create(self) -> None:
        handle = acquire(self._catalogue, write=True)
        try:
            with self._exclusive():
                connection = connect(self._catalogue, "rwc", self._durability, self._timeout_s)
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    if connection.execute("SELECT count(*) FROM sqlite_master WHERE tbl_name <> 'space'").fetchone()[0]:
                        raise CorruptStore(f"path: {self._catalogue} is not a mneme catalogue; choose another folder")
                    connection.execute(_TABLE)
                    connection.execute(f"PRAGMA application_id = {CATALOGUE_ID}")
                    connection.execute(f"PRAGMA user_version = {CATALOGUE_VERSION}")
                    connection.execute("COMMIT")
                finally:
                    connection.close()
        finally:
            release(handle)

    def _is_ours(self) -> bool:
        """Return whether the catalogue is made.

        Raises:
            CorruptStore: it is a catalogue of something else.
            NewerStore: a newer mneme wrote it.
        """
        with self._connection() as connection:
            application, version, _ = marks_of(connection)
        if application == 0 and version == 0 and not self._read_only:
            return False
        if application != CATALOGUE_ID:
            raise CorruptStore(f"path: {self._catalogue} is not a mneme catalogue; choose another folder")
        if version > CATALOGUE_VERSION:
            raise NewerStore(f"path: {self._catalogue} was written by a newer mneme; upgrade mneme to open it")
        return True

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        lock = FileLock(Path(f"{self._catalogue}.lock"), self._timeout_s)
        try:
            lock.acquire()
            yield
        finally:
            lock.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Open the catalogue for one call: it is asked when a space is opened, not when it is used."""
        if self._closed:
            raise Closed(f"root: {self._folder} is closed; open it again")
        with translated(self._catalogue):
            handle = acquire(self._catalogue, write=False)
            try:
                check_header(handle, self._catalogue)
                mode: Mode = "ro" if self._read_only else "rwc"
                connection = connect(self._catalogue, mode, self._durability, self._timeout_s)
                try:
                    yield connection
                finally:
                    connection.close()
            finally:
                release(handle)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._writable()
        with translated(self._catalogue), self._exclusive(), self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")

    def open(self, space: str, *, create: bool = True) -> SQLiteStore:
        """Open a space's store; the caller closes it.

        Raises:
            NotFound: there is no such space and ``create`` is false.
            InvalidInput: no name for a space.
        """
        check_space_name(space)
        with self._connection() as connection:
            known = self._file_of(connection, space)
        if known is None:
            if not create:
                raise NotFound("space", space)
            return self._make(space)
        path = self._folder / "spaces" / known
        if not path.exists():
            raise CorruptStore(f"path: {path}, the file of space {space!r}, is gone; restore it from a backup, or drop the space")
        return self._store(path)

    def _make(self, space: str) -> SQLiteStore:
        """Make a space: the file first, so that a name in the catalogue always has one."""
        self._writable()
        self._finish_drops()
        store = self._store(self._folder / "spaces" / file_name(space))
        try:
            with self._transaction() as connection:
                connection.execute("INSERT OR IGNORE INTO space (name, file) VALUES (?, ?)", (space, file_name(space)))
        except MnemeError:
            store.close()
            raise
        return store

    def _store(self, path: Path) -> SQLiteStore:
        return SQLiteStore(path, durability=self._durability, read_only=self._read_only, timeout_s=self._timeout_s)

    def _writable(self) -> None:
        if self._read_only:
            raise ReadOnly(f"root: {self._folder} is open for reading only; open it without read_only")

    @staticmethod
    def _file_of(connection: sqlite3.Connection, space: str) -> str | None:
        found = connection.execute("SELECT file FROM space WHERE name = ? AND NOT dropping", (space,)).fetchone()
        return found[0] if found else None

    def file_of(self, space: str) -> Path:
        """Return the file that a space has, or will have."""
        check_space_name(space)
        with self._connection() as connection:
            return self._folder / "spaces" / (self._file_of(connection, space) or file_name(space))

    def enter(self, space: str) -> None:
        """Enter a space into the catalogue whose file is there already."""
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO space (name, file) VALUES (?, ?)", (space, file_name(space)))

    def spaces(self) -> list[str]:
        """Return the names of all spaces, sorted."""
        with self._connection() as connection:
            return sorted(name for (name,) in connection.execute("SELECT name FROM space WHERE NOT dropping"))

    def drop(self, space: str) -> None:
        """Remove a space with its file; stores that are open, in other processes too, refuse from then on.

        Raises:
            NotFound: there is no such space.
        """
        check_space_name(space)
        with self._transaction() as connection:
            if self._file_of(connection, space) is None:
                raise NotFound("space", space)
            connection.execute("UPDATE space SET dropping = 1 WHERE name = ?", (space,))
        self._finish_drops()

    def _finish_drops(self) -> None:
        """Remove the files of spaces that were dropped, also of those that a crash left over."""
        with self._connection() as connection:
            waiting = connection.execute("SELECT name, file FROM space WHERE dropping").fetchall()
        if self._read_only or not waiting:
            return
        with self._transaction() as connection:
            for name, file in waiting:
                self._remove(self._folder / "spaces" / file)
                connection.execute("DELETE FROM space WHERE name = ? AND dropping", (name,))

    def _remove(self, path: Path) -> None:
        """Remove a space's files while no process is in the middle of a write; stores that have it open then refuse."""
        lock = FileLock(Path(f"{path}.lock"), self._timeout_s)
        try:
            lock.acquire()
            for suffix in ("", "-wal", "-shm", ".lock"):
                with suppress(FileNotFoundError):
                    os.unlink(f"{path}{suffix}")
        finally:
            lock.close()

    def close(self) -> None:
        """Close the root; stores that it opened stay open."""
        self._closed = True
