"""The embedded store: one SQLite file per space, safe for many threads and many processes."""

from mneme.stores.sqlite.root import SQLiteRoot
from mneme.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteRoot", "SQLiteStore"]
