"""The server on a database: it is named by ``--store``, and its feeds hear of what other servers write."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mneme import Memory
from mneme.models.hashing import HashEmbedder
from mneme.stores.postgres import PostgresRoot

pytest.importorskip("fastapi", reason="needs the extra server")

from mneme.server import feed, listening
from mneme.server.keys import Keys
from serving import Served, serving


@pytest.fixture
def served(root: PostgresRoot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that never looks for changes by itself while it is told of them."""
    monkeypatch.setattr(feed, "LOOK_WHEN_TOLD_EVERY_S", 600.0)
    with Memory(root.url, embedder=HashEmbedder()) as memory, serving(memory, Keys(None)) as running:
        yield running


def test_a_feed_hears_of_what_another_server_wrote(served: Served, root: PostgresRoot) -> None:
    with Memory(root.url, embedder=HashEmbedder()) as other:
        space = other.space("heard")
        space.remember("The kettle is on.")
        events = served.client().space("heard").changes(after=0)
        assert next(events).seq == 1
        space.remember("The tea is ready.")
        assert next(events).seq == 2


def test_serve_takes_a_database_as_its_store(root: PostgresRoot, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mneme", "serve", "--store", root.url, "--no-auth", "--port", "0", "--embedder", "hash"]
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path)}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    try:
        assert running.stdout is not None
        said = running.stdout.readline()
        assert "mneme serves the database at" in said
        assert root.url not in said
        address = re.findall(r"http://\S+", said)[0]
        with urllib.request.urlopen(f"{address}/readyz", timeout=30) as answer:
            assert answer.status == 200
    finally:
        running.terminate()
        running.wait(30)
        if running.stdout is not None:
            running.stdout.close()


def test_two_places_to_serve_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from mneme.cli.main import run

    assert run(["serve", "--store", "postgresql://a/b", "--root", "./here", "--no-auth"]) != 0
    assert "--root" in capsys.readouterr().err
    assert run(["serve", "--store", "./here", "--no-auth"]) != 0
    assert "postgresql://" in capsys.readouterr().err


def test_a_root_that_tells_nothing_is_looked_at(tmp_path: Path) -> None:
    with Memory(tmp_path, embedder="hash") as memory, listening.listening(memory, lambda space: None) as ear:
        assert memory.listen() is None
        assert not ear.open
