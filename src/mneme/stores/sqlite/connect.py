"""Connections to a space's file: settings, validation on opening, and a small pool for readers."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from mneme.core.errors import Closed, CorruptStore, ReadOnly
from mneme.stores.sqlite.handles import Handle

Durability = Literal["full", "normal"]
Mode = Literal["rwc", "ro", "immutable"]

BUSY_TIMEOUT_S = 30.0
CACHE_KIB = 1024
IDLE_READERS = 2
_LOOKS = 5
_PAUSE_S = 0.01
_MAGIC = b"SQLite format 3\x00"
_JOURNAL_LIMIT = 16 * 1024 * 1024


def connect(path: Path, mode: Mode, durability: Durability, timeout_s: float) -> sqlite3.Connection:
    """Return a connection in autocommit mode that any thread may use, one at a time."""
    query = "mode=ro&immutable=1" if mode == "immutable" else f"mode={mode}"
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{query}",
        uri=True,
        timeout=timeout_s,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_LIMIT}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def check_header(handle: Handle, path: Path) -> bool:
    """Check that a file looks like a whole database, and return whether it is new (empty).

    Raises:
        CorruptStore: something else, or cut short.
    """
    for attempt in range(_LOOKS):
        size = os.fstat(handle.descriptor).st_size
        if size == 0:
            return True
        head = os.pread(handle.descriptor, 100, 0)
        if head[:16] != _MAGIC:
            raise CorruptStore(f"path: {path} is not a mneme file; choose another folder or restore the file from a backup")
        page = int.from_bytes(head[16:18], "big")
        wanted = max((65536 if page == 1 else page) * int.from_bytes(head[28:32], "big"), 100)
        if size >= wanted or _has_log(path):
            return False
        # Another process may be copying its log into the file at this moment; look again before saying anything.
        time.sleep(_PAUSE_S * attempt)
    raise CorruptStore(f"path: {path} is cut short ({size} of {wanted} bytes); restore it from a backup")


def _has_log(path: Path) -> bool:
    """Return whether a log lies beside the file, with which the file may rightly be shorter than its header says."""
    for suffix in ("-wal", "-journal"):
        with suppress(FileNotFoundError):
            if os.stat(f"{path}{suffix}").st_size > 0:
                return True
    return False


def read_mode(path: Path) -> Mode:
    """Return how to open a file that can't be written.

    Raises:
        ReadOnly: its write-ahead log holds changes, and reading them needs files that can't be made.
    """
    with suppress(sqlite3.OperationalError):
        probe = connect(path, "ro", "full", 1.0)
        try:
            probe.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return "ro"
        finally:
            probe.close()
    if _has_log(path):
        raise ReadOnly(f"path: {path} has changes in its log that need write access once; open it from a writable folder")
    return "immutable"


class Readers:
    """A small pool of connections for reading; each is used by one thread at a time.

    Args:
        path: the database file.
        mode: how to open it.
        timeout_s: how long a read waits for a lock.
    """

    def __init__(self, path: Path, mode: Mode, timeout_s: float) -> None:
        self._path = path
        self._mode = mode
        self._timeout_s = timeout_s
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection; what a single statement reads is one snapshot."""
        with self._lock:
            if self._closed:
                raise Closed(f"store: {self._path} is closed; open the space again")
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = connect(self._path, self._mode, "full", self._timeout_s)
            if self._mode == "rwc":
                connection.execute("PRAGMA query_only = ON")
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            with self._lock:
                keep = not self._closed and len(self._idle) < IDLE_READERS
                if keep:
                    self._idle.append(connection)
            if not keep:
                connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection on which all statements read one snapshot."""
        with self.use() as connection:
            connection.execute("BEGIN")
            yield connection

    def __len__(self) -> int:
        return len(self._idle)

    def close(self) -> None:
        """Close the idle connections; those that are lent close when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
