"""Sessions of the inspector that were left before their time, for every server process over the same keys.

A session is a signed cookie, so nothing on the server would know that it is over. Those that were left are kept here until they would
have ended anyway: in a small file beside the keys, which is read again when it changed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from mneme.core.errors import ReadOnly
from mneme.stores.sqlite.locks import FileLock

_LOCK_TIMEOUT_S = 10.0


class Left:
    """The sessions that were left.

    Args:
        keys: the file of the keys beside which the list lies; None keeps it in memory.
        clock: seconds since 1970.
    """

    def __init__(self, keys: Path | None, clock: Callable[[], float]) -> None:
        self._path = None if keys is None else keys.with_name(f"{keys.name}.left")
        self._clock = clock
        self._lock = threading.Lock()
        self._ends: dict[str, int] = {}
        self._stamp: tuple[int, int, int] | None = None

    def has(self, session: str) -> bool:
        """Return whether a session was left."""
        self._refresh()
        return session in self._ends

    def add(self, session: str, ends: int) -> None:
        """Note that a session was left, until the moment at which it would have ended.

        Raises:
            ReadOnly: the list can't be written; the session is over in this process only.
        """
        with self._lock:
            self._ends[session] = ends
        if self._path is None:
            return
        try:
            lock = FileLock(Path(f"{self._path}.lock"), _LOCK_TIMEOUT_S)
            try:
                lock.acquire()
                self._write(self._path, _read(self._path) | {session: ends})
            finally:
                lock.close()
        except PermissionError as error:
            raise ReadOnly(f"sessions: {self._path} can't be written ({error.strerror}); name another file of keys with --keys") from error

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            with self._lock:
                self._ends = self._ends | _read(self._path)
                self._stamp = stamp

    def _write(self, path: Path, ends: dict[str, int]) -> None:
        now = self._clock()
        part = path.with_name(path.name + ".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(f"{session} {end}\n" for session, end in ends.items() if end >= now)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


def _read(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return {}
    return {session: int(ends) for session, _, ends in (line.partition(" ") for line in lines)}
