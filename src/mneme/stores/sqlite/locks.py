"""A lock between processes that hands over fairly.

SQLite's own lock is polled with growing pauses, so that one process can starve for half a second while another writes in a
loop. Processes therefore queue for a lock on a file of its own before they begin a transaction; SQLite's lock still protects the data.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from mneme.core.errors import Busy

if sys.platform != "win32":
    import fcntl


class FileLock:
    """An exclusive lock on a file beside the database; where the system has no such locks it does nothing.

    Args:
        path: the file; made when missing, and kept.
        timeout_s: how long to wait.
    """

    def __init__(self, path: Path, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        self._descriptor = os.open(path, flags, 0o600)
        self._waiting: threading.Event | None = None

    def acquire(self) -> None:
        """Take the lock; only one thread of the process may ask at a time.

        Raises:
            Busy: another process kept it for longer than the timeout.
        """
        if sys.platform == "win32":
            return
        if self._waiting is None:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                self._waiting = threading.Event()
                # The system's queue is fair but knows no timeout, so a thread waits in it. After a timeout it stays there,
                # and the next call waits for the same thread.
                threading.Thread(target=self._queue, args=(self._waiting,), daemon=True).start()
        if not self._waiting.wait(self._timeout_s):
            raise Busy(f"storage: another process held {self._path} for {self._timeout_s:g} s; retry")
        self._waiting = None

    def held_by_another(self) -> bool:
        """Take the lock if it is free, without waiting; returns whether somebody else has it."""
        if sys.platform == "win32":
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    def _queue(self, taken: threading.Event) -> None:
        if sys.platform != "win32":
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        taken.set()

    def release(self) -> None:
        """Give the lock back."""
        if sys.platform != "win32":
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file; a lock that is held goes with it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
