"""SQLite's errors as mneme's: one table, so that a caller never meets an ``sqlite3`` exception."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path

from mneme.core.errors import Busy, CorruptStore, InvalidInput, MnemeError, ReadOnly, StorageError, StorageFull

if sys.platform != "win32":
    import resource

_FULL = "no space is left for {path}; free some and retry; nothing of the call was written"


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise what the block raises, with errors of SQLite and the operating system as mneme's."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise translate(error, path) from error
    except (UnicodeEncodeError, OverflowError) as error:
        raise unfit(error) from error
    except JSONDecodeError as error:
        raise CorruptStore(f"path: {path} is damaged (a stored value is no JSON); restore it from a backup") from error


def translate(error: sqlite3.Error | OSError, path: Path) -> MnemeError:
    """Return the mneme error for an error of SQLite or of the operating system."""
    if isinstance(error, OSError):
        return _from_system(error, path)
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and _no_space(path)):
        return StorageFull("storage: " + _FULL.format(path=path))
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(f"storage: other processes held {path} for longer than the timeout; retry")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return ReadOnly(f"path: {path} can't be written; check the permissions of the file and its folder")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or str(error).startswith("no such table"):
        return CorruptStore(f"path: {path} is damaged ({error}); restore it from a backup")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StorageError(f"path: {path} can't be opened; check that its folder exists and can be written")
    if primary == sqlite3.SQLITE_IOERR:
        return StorageError(f"storage: reading or writing {path} failed ({error}); check the disk and its quota")
    return StorageError(f"storage: {path}: {error}")


def unfit(error: UnicodeEncodeError | OverflowError) -> InvalidInput:
    """Return the mneme error for an argument that SQLite can't take."""
    if isinstance(error, OverflowError):
        return InvalidInput({"number": "has more than 64 bits; give a smaller one"})
    return InvalidInput({"text": "holds a lone surrogate; clean it first"})


def _from_system(error: OSError, path: Path) -> MnemeError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("storage: " + _FULL.format(path=path))
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return StorageError(f"storage: {path} can't be opened, too many files are open; raise the process's limit (ulimit -n)")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ReadOnly(f"path: {path} can't be written; check the permissions of the file and its folder")
    return StorageError(f"path: {path}: {error.strerror}; check that it is a folder that can be written")


def _no_space(path: Path) -> bool:
    # A full disk or a limit on file sizes can reach us as a plain I/O error, for example while the log's shared memory grows.
    if sys.platform == "win32":
        return False
    if resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
        return True
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except OSError:
        return False
