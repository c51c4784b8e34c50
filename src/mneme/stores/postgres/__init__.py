"""The store for many machines: every space in one PostgreSQL database with pgvector, kept apart by row-level security."""

from mneme.core.errors import MissingExtra

try:
    from mneme.stores.postgres.root import PostgresRoot
    from mneme.stores.postgres.store import PostgresStore
except ModuleNotFoundError as error:
    if error.name is None or not error.name.startswith("psycopg"):
        raise
    raise MissingExtra("a database of PostgreSQL", "postgres") from error

__all__ = ["PostgresRoot", "PostgresStore"]
