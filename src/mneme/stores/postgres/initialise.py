"""Preparing a database: extension, roles, tables, policies and rights; safe to run again, and by several machines at once."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from mneme.core.errors import NewerStore, ReadOnly
from mneme.stores.postgres import schema
from mneme.stores.postgres.connect import check_url, shown
from mneme.stores.postgres.erase import partitions_of
from mneme.stores.postgres.failures import translated
from mneme.stores.postgres.search import HNSW_FROM, index_statement

_MAINTAIN_SINCE = 170000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What ``mneme db init`` did.

    Args:
        version: the format of the tables now.
        applied: the migrations that were run.
        maintain: the application role may vacuum, which an erasure needs.
    """

    version: int
    applied: tuple[int, ...]
    maintain: bool


def prepare(url: str, setup: schema.Setup) -> Prepared:
    """Bring a database to the present format and set rights.

    Args:
        url: connects as an administrator: a superuser, or a role that may create roles and the extension.
        setup: names of the roles.

    Raises:
        NewerStore: a newer mneme prepared it.
        StorageError: the server can't be reached.
    """
    where = shown(check_url(url))
    with translated(where), psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        # The lock is the session's: it covers every step, and goes with the connection when we are killed.
        connection.execute("SELECT pg_advisory_lock(%s)", (schema.ADVISORY_LOCK,))
        _run(connection, schema.role_statements(setup))
        connection.execute(f"SET ROLE {setup.owner_role}")
        applied = _migrate(connection, setup, where)
        _run(connection, schema.grant_statements(setup))
        maintain = connection.info.server_version >= _MAINTAIN_SINCE
    return Prepared(version=schema.VERSION, applied=tuple(applied), maintain=maintain)


def _migrate(connection: psycopg.Connection, setup: schema.Setup, where: str) -> list[int]:
    found = connection.execute("SELECT coalesce(max(number), 0) FROM mneme.migration").fetchone()
    present = int(found[0]) if found else 0
    if present > schema.VERSION:
        raise NewerStore(f"storage: {where} has format {present}, this mneme knows up to {schema.VERSION}; upgrade mneme")
    applied = []
    for number, statements in enumerate(schema.migrations(setup), 1):
        if number > present:
            with connection.transaction():
                _run(connection, statements)
                connection.execute("INSERT INTO mneme.migration (number) VALUES (%s)", (number,))
            applied.append(number)
    return applied


def _run(connection: psycopg.Connection, statements: list[str]) -> None:
    for statement in statements:
        connection.execute(statement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """A large space that got an index of its own.

    Args:
        space: its name.
        vectors: how many it holds.
        width: of its vectors.
    """

    space: str
    vectors: int
    width: int


def build_indexes(url: str, setup: schema.Setup, *, at_least: int = HNSW_FROM) -> list[Indexed]:
    """Give every space with at least so many vectors an HNSW index of its own, while it is in use.

    Args:
        url: connects as an administrator, as for :func:`prepare`.
        setup: names of the roles.
        at_least: how many vectors.

    Raises:
        ReadOnly: the role is not the owner's.
    """
    made = []
    with translated(shown(check_url(url))), psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        connection.execute(f"SET ROLE {setup.owner_role}")
        spaces = connection.execute("SELECT id, name, hnsw FROM mneme.space WHERE state = 'there' ORDER BY id").fetchall()
        for number, name, present in spaces:
            with connection.transaction():
                connection.execute("SELECT set_config($1, $2, true)", (schema.SETTING, str(number)))
                found = connection.execute(
                    "SELECT count(*), max(vector_dims(code)) FROM mneme.embedding WHERE space = $1", (number,)
                ).fetchone()
            if found is None or found[0] < at_least or present == found[1]:
                continue
            partitions = partitions_of(connection, number, ["embedding"])
            if not partitions:
                raise ReadOnly("storage: the role does not see the partitions; connect as the administrator that ran `mneme db init`")
            connection.execute(index_statement(number, partitions[0], found[1]))
            connection.execute("UPDATE mneme.space SET hnsw = $1 WHERE id = $2", (found[1], number))
            made.append(Indexed(space=bytes(name).decode(), vectors=found[0], width=found[1]))
    return made
