"""A small file that several server processes read and change: read again when it changed, changed by one at a time, never seen half."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from mneme.core.errors import ReadOnly
from mneme.stores.sqlite.locks import FileLock

_LOCK_TIMEOUT_S = 10.0


class SharedFile:
    """The file, for one process.

    Args:
        path: where it is; it need not be there yet.
        take: called with its content, at first and whenever it changed.
    """

    def __init__(self, path: Path, take: Callable[[bytes], None]) -> None:
        self.path = path
        self._take = take
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None

    def refresh(self) -> None:
        """Take the content if it changed since the last time; cheap when it did not."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            with self._lock:
                self._take(self.path.read_bytes())
                self._stamp = stamp

    def change(self, content: Callable[[], bytes]) -> None:
        """Take what others wrote, then write new content, which its owner alone can read.

        Raises:
            ReadOnly: it can't be written.
            Busy: another process kept it for too long.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(Path(f"{self.path}.lock"), _LOCK_TIMEOUT_S)
            try:
                lock.acquire()
                self._stamp = None
                self.refresh()
                self._write(content())
            finally:
                lock.close()
        except PermissionError as error:
            raise ReadOnly(f"keys: {self.path} can't be written ({error.strerror}); name another file with --keys") from error
        self.refresh()

    def _write(self, content: bytes) -> None:
        part = self.path.with_name(self.path.name + ".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)
