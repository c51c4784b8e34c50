"""Raw file descriptors of database files, kept open until nobody in the process uses the file.

Closing any descriptor of a file drops all POSIX locks that the process has on it, also those that SQLite holds through other
descriptors. So a file is opened once for raw reads, that descriptor is shared, and it is closed after the last connection.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path

_lock = threading.Lock()
_open: dict[tuple[int, int], Handle] = {}


@dataclass(slots=True)
class Handle:
    """An open descriptor of a database file."""

    descriptor: int
    identity: tuple[int, int]
    users: int = 0


def acquire(path: Path, *, write: bool) -> Handle:
    """Return a descriptor of the file, which is made when it is missing and ``write`` is set."""
    with _lock:
        try:
            stat = os.stat(path)
            handle = _open.get((stat.st_dev, stat.st_ino))
        except FileNotFoundError:
            if not write:
                raise
            handle = None
        if handle is None:
            flags = os.O_RDWR | os.O_CREAT if write else os.O_RDONLY
            descriptor = os.open(path, flags | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0), 0o600)
            made = os.fstat(descriptor)
            identity = (made.st_dev, made.st_ino)
            handle = _open.setdefault(identity, Handle(descriptor, identity))
        handle.users += 1
        return handle


def release(handle: Handle) -> None:
    """Give a descriptor back; call it after every connection to the file was closed."""
    with _lock:
        handle.users -= 1
        if handle.users == 0:
            _open.pop(handle.identity, None)
            os.close(handle.descriptor)
