"""A database of spaces."""

from __future__ import annotations

from typing import Any

import psycopg

from mneme.core.errors import Busy, InvalidInput, NewerStore, NotFound, StorageError
from mneme.stores.logical import BEING_MOVED
from mneme.stores.postgres import schema
from mneme.stores.postgres.connect import Connection, Connections, Session, check_url, shown
from mneme.stores.postgres.failures import translated
from mneme.stores.postgres.feed import Changes
from mneme.stores.postgres.store import PostgresStore
from mneme.stores.semantics import check_space_name

POOL_SIZE = 10
TIMEOUT_S = 30.0


class PostgresRoot:
    """Spaces in a PostgreSQL database that ``mneme db init`` prepared.

    Args:
        url: ``postgresql://role:password@host/database``; the role must neither own the tables nor pass by row-level security.
        durability: ``full`` waits for the server's disk at every commit; ``normal`` does not (a crash of the server can lose the
            last fraction of a second).
        pool_size: most connections of this process.
        timeout_s: how long a call waits for a connection, for other writers, and for a server that restarts.
        notify: tell listeners of every change; commits of the whole server then queue for a moment.
        vacuum_url: the same database by a role that may vacuum its tables, used for nothing else: a member of the owner role. Only
            servers before PostgreSQL 17 want it, where no other role can be given that right.

    Raises:
        InvalidInput: no URL, or a role that sees more than a space.
        StorageError: the server can't be reached, or the database is not prepared.
        NewerStore: a newer mneme prepared it.
    """

    def __init__(
        self,
        url: str,
        *,
        durability: str = "full",
        pool_size: int = POOL_SIZE,
        timeout_s: float = TIMEOUT_S,
        notify: bool = True,
        vacuum_url: str | None = None,
    ) -> None:
        problems = {}
        if durability not in ("full", "normal"):
            problems["durability"] = f"must be 'full' or 'normal', not {durability!r}"
        if pool_size < 1:
            problems["pool_size"] = "must be 1 or more"
        if timeout_s <= 0:
            problems["timeout_s"] = "must be above 0"
        if problems:
            raise InvalidInput(problems)
        self._notify = notify
        self._url = check_url(url)
        _check_database(url)
        self._connections = Connections(url, pool_size=pool_size, timeout_s=timeout_s, durable=durability == "full", vacuum_url=vacuum_url)

    @property
    def url(self) -> str:
        """The database's URL."""
        return self._url

    @property
    def where(self) -> str:
        """How messages name the database: without a password."""
        return self._connections.where

    def open(self, space: str, *, create: bool = True) -> PostgresStore:
        """Open a space's store.

        Raises:
            NotFound: there is no such space and ``create`` is false.
            InvalidInput: no name for a space.
        """
        check_space_name(space)
        number = self._number(space)
        if number is None:
            if not create:
                raise NotFound("space", space)
            number = self.add(space, state="there")
        return PostgresStore(self._connections, number, space, notify=self._notify)

    def _number(self, space: str) -> int | None:
        sql = "SELECT id FROM mneme.space WHERE name = $1 AND state = 'there'"
        found = self._connections.run(lambda connection: connection.execute(sql, (space.encode(),)).fetchone())
        return int(found[0]) if found else None

    def name_of(self, number: int) -> str | None:
        """Return the name of a space by its number, None when there is none."""
        sql = "SELECT name FROM mneme.space WHERE id = $1 AND state = 'there'"
        found = self._connections.run(lambda connection: connection.execute(sql, (number,)).fetchone())
        return bytes(found[0]).decode() if found else None

    def listen(self) -> Changes:
        """Return a listener to the changes of every space, on a connection of its own.

        Raises:
            StorageError: the server can't be reached.
        """
        return Changes(self)

    def add(self, space: str, *, state: str) -> int:
        """Enter a space into the catalogue, unless it is there, and return its number; one that arrives is not listed yet."""
        name = space.encode()

        def enter(connection: Connection) -> int:
            with connection.transaction():
                connection.execute("INSERT INTO mneme.space (name, state) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", (name, state))
                found = connection.execute("SELECT id, state FROM mneme.space WHERE name = $1 FOR KEY SHARE", (name,)).fetchone()
                if found is None or found[1] != state:
                    raise StorageError(f"space: {space!r} is being moved here by `mneme migrate`; wait for it, or run it again to finish")
                number = int(found[0])
                connection.execute("SELECT set_config($1, $2, true)", (schema.SETTING, str(number)))
                connection.execute("INSERT INTO mneme.head (space) VALUES ($1) ON CONFLICT DO NOTHING", (number,))
            return number

        return self._connections.run(enter)

    def arriving(self, space: str) -> PostgresStore:
        """Open a space that a migration fills; it is listed after :meth:`arrived`."""
        check_space_name(space)
        return PostgresStore(self._connections, self.add(space, state="arriving"), space, notify=False)

    def claim(self, number: int, space: str) -> psycopg.Connection[Any]:
        """Return a connection that keeps other runs of a migration out for as long as it is open: they would clear what this one lists.

        Raises:
            Busy: another run moves the space now, or has just moved it.
        """
        with translated(self.where):
            connection = psycopg.connect(self._url, autocommit=True, application_name="mneme migrate", keepalives_idle=30)
            locked = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (schema.MOVING_LOCK, number % 2**31)).fetchone()
            state = connection.execute("SELECT state FROM mneme.space WHERE id = %s", (number,)).fetchone()
        if (locked, state) != ((True,), ("arriving",)):
            connection.close()
            raise Busy(BEING_MOVED.format(space=space))
        return connection

    def arrived(self, space: str) -> None:
        """List a space that a migration has filled and verified."""
        sql = "UPDATE mneme.space SET state = 'there' WHERE name = $1"
        self._connections.run(lambda connection: connection.execute(sql, (space.encode(),)))

    def spaces(self) -> list[str]:
        """Return the names of all spaces, sorted."""
        sql = "SELECT name FROM mneme.space WHERE state = 'there'"
        rows = self._connections.run(lambda connection: connection.execute(sql).fetchall())
        return sorted(bytes(name).decode() for (name,) in rows)

    def drop(self, space: str) -> None:
        """Remove a space with everything in it, in one transaction.

        Raises:
            NotFound: there is no such space.
        """
        check_space_name(space)
        number = self._number(space)
        if number is None:
            raise NotFound("space", space)
        self.clear(number)
        self._connections.run(lambda connection: connection.execute("DELETE FROM mneme.space WHERE id = $1", (number,)))

    def clear(self, number: int) -> None:
        """Delete every row of a space."""

        def change(session: Session) -> None:
            for table in schema.TABLES:
                session.run(f"DELETE FROM mneme.{table} WHERE space = $1")

        self._connections.write(number, change)

    def close(self) -> None:
        """Close the root with its connections; stores that it opened can't be used any more."""
        self._connections.close()


def _check_database(url: str) -> None:
    """Check that the database is prepared, of our version, and that the role sees only the space that it names."""
    where = shown(url)
    with translated(where), psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        found = connection.execute(
            """SELECT r.rolsuper OR r.rolbypassrls, to_regclass('mneme.migration') IS NOT NULL,
                 pg_has_role(current_user, (SELECT nspowner FROM pg_namespace WHERE nspname = 'mneme'), 'USAGE'),
                 coalesce(current_setting('mneme.space', true), '')
               FROM pg_roles r WHERE r.rolname = current_user"""
        ).fetchone()
        if found is None or not found[1]:
            raise StorageError(f"storage: {where} is not prepared for mneme; run `mneme db init --url ...` as its administrator")
        if found[0] or found[2]:
            raise InvalidInput(
                {"root": "connects as a superuser, an owner or a role that passes by row-level security; connect as the application "
                         f"role that `mneme db init` makes ({schema.APP_ROLE} by default)"}
            )  # fmt: skip
        if found[3]:
            raise InvalidInput(
                {"root": f"every connection begins with mneme.space = {found[3]!r}, which shows that space to whoever names none; "
                         "take it out of the URL, or reset it for the role and the database"}
            )  # fmt: skip
        version = connection.execute("SELECT coalesce(max(number), 0) FROM mneme.migration").fetchone()
    number = int(version[0]) if version else 0
    if number > schema.VERSION:
        raise NewerStore(f"storage: {where} has format {number}, this mneme knows up to {schema.VERSION}; upgrade mneme to open it")
    if number < schema.VERSION:
        raise StorageError(f"storage: {where} has format {number}, this mneme needs {schema.VERSION}; run `mneme db init`")
