"""PostgreSQL's errors as mneme's: one table, so that a caller never meets a ``psycopg`` exception."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from mneme.core.errors import Busy, Closed, Conflict, CorruptStore, InvalidInput, MnemeError, ReadOnly, StorageError, StorageFull

RETRIED = frozenset({"40001", "40P01", "55P03"})
"""States after which the whole transaction is tried again: serialization failure, deadlock, lock not available."""

_GONE = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})

_BY_STATE: dict[str, tuple[type[MnemeError], str]] = {
    "25006": (ReadOnly, "the server takes no writes (a replica, or set read-only); connect to the primary"),
    "42501": (ReadOnly, "the role may not do this; run `mneme db init` with the owner's URL to set its rights"),
    "53100": (StorageFull, "the server's disk is full; free some and retry; nothing of the call was written"),
    "53200": (StorageError, "the server is out of memory; lower its settings or the size of the call"),
    "53300": (Busy, "the server takes no more connections; raise max_connections or put a pooler in front"),
    "53400": (StorageFull, "a limit of the server's configuration was passed; nothing of the call was written"),
    "55P03": (Busy, "other writers held the space for longer than the timeout; retry"),
    "57014": (Busy, "the server cancelled the statement after its timeout; retry, or raise the timeout"),
    "40001": (Busy, "other writers came first, several times; retry"),
    "40P01": (Busy, "other writers came first, several times; retry"),
    "3D000": (StorageError, "there is no such database; make it, then run `mneme db init`"),
    "3F000": (StorageError, "the database is not mneme's yet; run `mneme db init`"),
    "42P01": (StorageError, "the database is not mneme's yet, or of another version; run `mneme db init`"),
    "28P01": (StorageError, "the password is wrong; check the URL"),
    "28000": (StorageError, "the server refuses this role; check the URL and pg_hba.conf"),
}


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise what the block raises, with errors of PostgreSQL and its driver as mneme's."""
    try:
        yield
    except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests) as error:
        raise translate(error, where) from error


def translate(error: Exception, where: str) -> MnemeError:
    """Return the mneme error for an error of the driver, in words that hold no content and no password.

    Args:
        error: what was raised.
        where: the database, as :func:`mneme.stores.postgres.connect.shown` names it.
    """
    if isinstance(error, PoolTimeout | TooManyRequests):
        return Busy(f"storage: every connection to {where} was in use for longer than the timeout; retry, or raise pool_size")
    if isinstance(error, PoolClosed):
        return Closed(f"root: {where} is closed; open it again")
    state = getattr(error, "sqlstate", None) or ""
    if state in _BY_STATE:
        kind, why = _BY_STATE[state]
        return kind(f"storage: {where}: {why}")
    if state.startswith("XX"):
        return CorruptStore(f"storage: {where}: the server reports damage (state {state}); look into its log, restore from a backup")
    if state == "23505":
        return Conflict(f"storage: {where}: another writer made the same thing at this moment; read again and retry")
    if state in ("22021", "22P05") or isinstance(error, psycopg.DataError):
        return InvalidInput({"batch": "holds a value that the database can't take; clean the text and keep numbers in range"})
    if lost(error):
        return StorageError(f"storage: {where} can't be reached, or the connection was lost; check the server and retry")
    return StorageError(f"storage: {where}: the database refused the call (state {state or 'unknown'})")


def lost(error: BaseException) -> bool:
    """Return whether the connection is gone, so that the call may be tried on another one if that is safe."""
    state = getattr(error, "sqlstate", None) or ""
    if isinstance(error, PoolTimeout | PoolClosed | TooManyRequests):
        return False
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) and (not state or state in _GONE or state[:2] == "08")
