"""``mneme db`` and ``mneme migrate``, as a person or a start script runs them."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from conftest_postgres import url_of

from mneme import Memory
from mneme.cli.main import run
from mneme.models.hashing import HashEmbedder
from mneme.stores.postgres import PostgresRoot
from mneme.stores.postgres.schema import VERSION, Setup, script


def test_several_machines_may_prepare_one_database_at_once(admin_url: str) -> None:
    name = f"mneme_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    command = [sys.executable, "-m", "mneme", "db", "init", "--json", "--url", url_of(admin_url, name), "--partitions", "2"]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=False), range(4)))
    assert [each.stderr for each in done if each.returncode] == []
    applied = [json.loads(each.stdout)["applied"] for each in done]
    assert sorted(applied) == [[], [], [], [1]]
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


def test_the_printed_sql_prepares_a_database(admin_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"mneme_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    roles = ["--app-role", "mneme_test_app", "--owner-role", "mneme_test_owner", "--partitions", "2"]
    assert run(["db", "init", "--print", "--password", "app", *roles]) == 0
    printed = capsys.readouterr().out
    assert printed == script(Setup(app_role="mneme_test_app", owner_role="mneme_test_owner", password="app", partitions=2))
    with psycopg.connect(url_of(admin_url, name), autocommit=True) as connection:
        connection.execute(printed)  # type: ignore[arg-type]
    root = PostgresRoot(url_of(admin_url, name, "mneme_test_app"), timeout_s=5)
    assert root.open("a").check() == []
    root.close()
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


def test_a_database_that_is_not_prepared_or_newer_says_so(own_database: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    admin, url = own_database
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("INSERT INTO mneme.migration (number) VALUES (%s)", (VERSION + 1,))
    assert run(["--root", url, "spaces"]) == 10
    assert "upgrade mneme" in capsys.readouterr().err
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("DROP SCHEMA mneme CASCADE")
    assert run(["--root", url, "spaces"]) == 7
    assert "mneme db init" in capsys.readouterr().err
    assert run(["db", "init"]) == 2
    assert run(["--root", "postgresql://%zz", "spaces"]) == 2


def test_spaces_move_by_command(root: PostgresRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "spaces")
    with Memory(folder, embedder=HashEmbedder()) as memory:
        memory.space("ana").remember("I moved to Porto in May.")
        memory.space("ben").remember("The key is under the mat.")
    assert run(["migrate", "--from", folder, "--to", root.url, "--json"]) == 0
    moved = json.loads(capsys.readouterr().out)
    assert [(each["space"], each["there_before"]) for each in moved] == [("ana", False), ("ben", False)]
    with Memory(root.url, embedder=HashEmbedder()) as memory:
        assert memory.space("ana").recall("Where did I move?").hits[0].text == "I moved to Porto in May."
    assert run(["migrate", "--from", root.url, "--to", str(tmp_path / "back"), "--only", "ben"]) == 0
    assert "ben: " in capsys.readouterr().out
    assert run(["migrate", "--from", folder, "--to", root.url, "--only", "nobody"]) == 3
