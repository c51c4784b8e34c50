"""Attempts to see or change another space with plain SQL, as the application role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from mneme.core.errors import InvalidInput
from mneme.core.operations import Connect, Enqueue, Reinforce
from mneme.core.records import Link
from mneme.stores.postgres import PostgresRoot
from mneme.stores.postgres.schema import TABLES
from mneme.stores.samples import batch, job, memory_id, remembered

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def spaces(root: PostgresRoot) -> tuple[int, int]:
    """Two spaces with a row in most tables; their numbers."""
    numbers = []
    for name in ("mine", "theirs"):
        store = root.open(name)
        store.apply(batch(*remembered(1, f"{name} one"), *remembered(2, f"{name} two"), reason="why", key="k"))
        store.apply(batch(Connect(link=Link(source=memory_id(1), target=memory_id(2), type="about")), Enqueue(job=job(1))))
        store.apply(batch(Reinforce(id=memory_id(1), uses=1)))
        numbers.append(store.number)
    return numbers[0], numbers[1]


@pytest.fixture
def sql(database: tuple[str, str], spaces: tuple[int, int]) -> Iterator[Connection]:
    """A plain connection of the application role."""
    with psycopg.connect(database[1], autocommit=True) as connection:
        yield connection


def number(connection: Connection, statement: str, *values: Any) -> int:
    found = connection.execute(statement, values).fetchone()  # type: ignore[arg-type]
    assert found is not None
    return int(found[0])


def name_space(connection: Connection, space: object) -> None:
    connection.execute("SELECT set_config('mneme.space', %s, true)", (str(space),))


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_keyed_by_space_and_forces_row_security(sql: Connection, table: str) -> None:
    secured = sql.execute(
        """SELECT relrowsecurity, relforcerowsecurity, relkind FROM pg_class WHERE oid = %s::regclass
           UNION SELECT c.relrowsecurity, c.relforcerowsecurity, 'p' FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = %s::regclass""",
        (f"mneme.{table}", f"mneme.{table}"),
    ).fetchall()
    assert secured == [(True, True, "p")]
    first = sql.execute(
        """SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
           WHERE i.indrelid = %s::regclass""",
        (f"mneme.{table}",),
    ).fetchall()
    assert set(first) == {("space",)}


def test_the_role_is_neither_owner_nor_able_to_bypass(sql: Connection) -> None:
    found = sql.execute("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
    assert found == (False, False, False, False)
    owned = "SELECT count(*) FROM pg_class WHERE relnamespace = 'mneme'::regnamespace AND pg_has_role(relowner, 'USAGE')"
    assert number(sql, owned) == 0
    for attempt in (
        "SET ROLE mneme_test_owner",
        "ALTER TABLE mneme.memory DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE mneme.memory NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY own_space ON mneme.memory",
        "CREATE POLICY all_spaces ON mneme.memory USING (true)",
        "ALTER ROLE mneme_test_app BYPASSRLS",
        "SET session_replication_role = replica",
        "TRUNCATE mneme.memory",
        "CREATE FUNCTION mneme.leak() RETURNS bigint LANGUAGE sql RETURN 1",
        "CREATE OR REPLACE FUNCTION mneme.current_space() RETURNS bigint LANGUAGE sql RETURN 1",
    ):
        with pytest.raises((errors.InsufficientPrivilege, errors.DependentObjectsStillExist)):
            sql.execute(attempt)  # type: ignore[arg-type]
    sql.execute("SET row_security = off")
    with pytest.raises(errors.InsufficientPrivilege):
        sql.execute("SELECT * FROM mneme.memory")


@pytest.mark.parametrize("table", TABLES)
def test_without_a_setting_nothing_is_seen_or_changed(sql: Connection, table: str) -> None:
    assert number(sql, f"SELECT count(*) FROM mneme.{table}") == 0
    assert sql.execute(f"DELETE FROM mneme.{table}").rowcount == 0  # type: ignore[arg-type]
    assert sql.execute(f"UPDATE mneme.{table} SET space = space").rowcount == 0  # type: ignore[arg-type]


def test_without_a_setting_nothing_is_written(sql: Connection, spaces: tuple[int, int]) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        sql.execute("INSERT INTO mneme.meta VALUES (%s, 'k', 'v')", (spaces[0],))
    for empty in ("", " "):
        with sql.transaction(force_rollback=True):
            name_space(sql, empty)
            if empty:
                with pytest.raises(errors.InvalidTextRepresentation), sql.transaction():
                    sql.execute("SELECT * FROM mneme.meta")
            else:
                assert number(sql, "SELECT count(*) FROM mneme.meta") == 0


def test_with_one_space_named_another_is_out_of_reach(sql: Connection, spaces: tuple[int, int]) -> None:
    mine, theirs = spaces
    with sql.transaction(force_rollback=True):
        name_space(sql, mine)
        for table in TABLES:
            assert number(sql, f"SELECT count(*) FROM mneme.{table} WHERE space <> %s", mine) == 0
            assert sql.execute(f"DELETE FROM mneme.{table} WHERE space = %s", (theirs,)).rowcount == 0  # type: ignore[arg-type]
        assert number(sql, "SELECT count(*) FROM mneme.memory") == 2
        for attempt in (
            f"INSERT INTO mneme.meta VALUES ({theirs}, 'k', 'v')",
            f"UPDATE mneme.meta SET space = {theirs}",
            f"INSERT INTO mneme.meta VALUES ({theirs}, 'model', 'x') ON CONFLICT (space, key) DO UPDATE SET value = 'taken'",
        ):
            with pytest.raises(errors.InsufficientPrivilege), sql.transaction():
                sql.execute(attempt)  # type: ignore[arg-type]


def test_a_wrong_setting_shows_nothing(sql: Connection) -> None:
    for wrong in ("-1", "999999999"):
        with sql.transaction(force_rollback=True):
            name_space(sql, wrong)
            assert number(sql, "SELECT count(*) FROM mneme.memory") == 0
    for wrong in ("abc", "1 OR true", "1;2", "NaN"):
        with sql.transaction(force_rollback=True):
            name_space(sql, wrong)
            with pytest.raises(errors.InvalidTextRepresentation), sql.transaction():
                sql.execute("SELECT count(*) FROM mneme.memory")


def test_partitions_can_not_be_named_past_the_parent(sql: Connection, spaces: tuple[int, int]) -> None:
    with sql.transaction(force_rollback=True):
        name_space(sql, spaces[0])
        for part in range(4):
            with pytest.raises(errors.InsufficientPrivilege), sql.transaction():
                sql.execute(f"SELECT * FROM mneme.memory_{part}")  # type: ignore[arg-type]


def test_functions_and_views_of_the_role_see_no_more_than_it(sql: Connection, spaces: tuple[int, int]) -> None:
    with sql.transaction(force_rollback=True):
        sql.execute("CREATE TEMP VIEW seen AS SELECT * FROM mneme.memory_version")
        sql.execute("CREATE FUNCTION pg_temp.peek() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM mneme.memory'")
        sql.execute(
            """CREATE FUNCTION pg_temp.shown(value bytea) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
               $$ BEGIN RAISE NOTICE '%', convert_from(value, 'UTF8'); RETURN true; END $$"""
        )
        assert number(sql, "SELECT count(*) FROM seen") == 0
        assert number(sql, "SELECT pg_temp.peek()") == 0
        heard: list[str] = []
        sql.add_notice_handler(lambda diagnostic: heard.append(diagnostic.message_primary or ""))
        name_space(sql, spaces[0])
        assert number(sql, "SELECT count(*) FROM seen") == 2
        assert number(sql, "SELECT count(*) FROM mneme.memory_version WHERE pg_temp.shown(snapshot)") == 2
        assert heard  # a cheap function that leaks its arguments is called for rows of the space alone
        assert not [line for line in heard if "theirs" in line]


def test_copy_follows_the_policy(sql: Connection, spaces: tuple[int, int]) -> None:
    with sql.cursor().copy("COPY (SELECT id FROM mneme.memory) TO STDOUT") as copy:
        assert list(copy) == []
    with sql.transaction(force_rollback=True):
        name_space(sql, spaces[0])
        with sql.cursor().copy("COPY (SELECT DISTINCT space FROM mneme.memory) TO STDOUT") as copy:
            assert [bytes(row) for row in copy] == [f"{spaces[0]}\n".encode()]
    with pytest.raises(errors.FeatureNotSupported), sql.cursor().copy("COPY mneme.meta FROM STDIN") as copy:
        copy.write_row((spaces[1], "k", "v"))


def test_prepared_statements_and_held_cursors_follow_the_setting(sql: Connection, spaces: tuple[int, int]) -> None:
    sql.execute("PREPARE seen AS SELECT space FROM mneme.memory")
    sql.execute("SET plan_cache_mode = force_generic_plan")
    for space in (*spaces, None, spaces[0]):
        with sql.transaction(force_rollback=True):
            if space is not None:
                name_space(sql, space)
            assert {row[0] for row in sql.execute("EXECUTE seen").fetchall()} == ({space} if space is not None else set())


def test_a_connection_that_goes_back_to_the_pool_carries_no_setting(root: PostgresRoot, spaces: tuple[int, int]) -> None:
    store = root.open("mine")
    with pytest.raises(InvalidInput):
        store.apply(batch(*remembered(9, "x"), key=""))
    for _ in range(3):
        store.last_seq()
    with root._connections.raw() as connection:
        assert connection.execute("SELECT current_setting('mneme.space', true)").fetchone() in ((None,), ("",))
        assert connection.execute("SELECT count(*) FROM mneme.memory").fetchone() == (0,)
    with pytest.raises(ZeroDivisionError):
        store.write(lambda session: 1 // 0)  # type: ignore[arg-type]
    with root._connections.raw() as connection:
        assert connection.execute("SELECT count(*) FROM mneme.memory").fetchone() == (0,)


def test_an_administrator_is_refused(database: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput, match="mneme db init"):
        PostgresRoot(database[0])


@pytest.mark.parametrize("level", ["role", "database", "url"])
def test_a_setting_that_every_connection_begins_with_is_refused(own_database: tuple[str, str], level: str) -> None:
    admin, url = own_database
    with psycopg.connect(admin, autocommit=True) as connection:
        name = connection.info.dbname
        if level == "role":
            connection.execute(f"ALTER ROLE mneme_test_app IN DATABASE {name} SET mneme.space = '1'")  # type: ignore[arg-type]
        elif level == "database":
            connection.execute(f"ALTER DATABASE {name} SET mneme.space = '1'")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"mneme\.space = '1'"):
        PostgresRoot(url + ("&options=-c%20mneme.space%3D1" if level == "url" else ""))


def test_a_space_named_for_a_whole_connection_does_not_reach_past_the_next_transaction(root: PostgresRoot, spaces: tuple[int, int]) -> None:
    mine, theirs = (root.open(name) for name in ("mine", "theirs"))
    with root._connections.raw() as connection:
        connection.execute(f"SET mneme.space = '{spaces[1]}'")  # type: ignore[arg-type]
    assert [entry.verb for entry in mine.entries()] == [entry.verb for entry in theirs.entries()]
    assert {found.text for found in mine.memories_by_row([1, 2])} == {"mine one", "mine two"}
    with mine.reading():
        assert {found.text for found in mine.memories_by_row([1, 2])} == {"mine one", "mine two"}
    mine.apply(batch(*remembered(3, "mine three")))
    assert theirs.counts()["memories"] == 2
    assert theirs.check() == mine.check() == []


def test_cursors_and_functions_that_outlive_a_transaction_show_no_other_space(sql: Connection, spaces: tuple[int, int]) -> None:
    mine, theirs = spaces
    with sql.transaction():
        name_space(sql, mine)
        sql.execute("DECLARE held CURSOR WITH HOLD FOR SELECT space FROM mneme.memory")
    assert {row[0] for row in sql.execute("FETCH ALL FROM held").fetchall()} == {mine}  # what it had read while it could
    sql.execute(
        "CREATE FUNCTION pg_temp.seen() RETURNS SETOF bigint LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT space FROM mneme.memory; END'"
    )
    with pytest.raises(errors.InsufficientPrivilege):  # a function can't name a space of its own
        sql.execute(
            "CREATE FUNCTION pg_temp.own() RETURNS bigint LANGUAGE sql SET mneme.space = '1' AS 'SELECT count(*) FROM mneme.memory'"
        )
    for space in (mine, theirs):
        with sql.transaction(force_rollback=True):
            name_space(sql, space)
            assert {row[0] for row in sql.execute("SELECT pg_temp.seen()").fetchall()} == {space}
            with sql.cursor().copy("COPY (SELECT pg_temp.seen()) TO STDOUT") as copy:
                assert {bytes(row) for row in copy} == {f"{space}\n".encode()}
    assert sql.execute("SELECT pg_temp.seen()").fetchall() == []
    with pytest.raises(errors.InsufficientPrivilege):
        sql.execute("SET SESSION AUTHORIZATION mneme_test_owner")
