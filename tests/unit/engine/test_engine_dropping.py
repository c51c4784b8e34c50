"""Dropping a space whose file is damaged: it goes, unless a legal hold of it can be read or it is merely out of reach for now."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mneme import Memory
from mneme.core.clock import FrozenClock
from mneme.core.errors import NewerStore, Refused

HOLD = '[[hold]]\nname = "suit"\nauthors = ["nobody"]\nuntil = 2030-01-01T00:00:00Z\n'
Breaking = Callable[[Path], None]


def sql(*statements: str) -> Breaking:
    def run(path: Path) -> None:
        with closing(sqlite3.connect(path)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    return run


def end_overwritten(path: Path) -> None:
    content = path.read_bytes()
    whole = 12 * 4096
    path.write_bytes(content[:whole] + b"\xee" * (len(content) - whole))


BROKEN: dict[str, Breaking] = {
    "no table of memories": sql("PRAGMA foreign_keys = off", "DROP TABLE memory"),
    "most pages overwritten": end_overwritten,
}
UNTOLD: dict[str, Breaking] = {
    "no settings": sql("DROP TABLE meta"),
    "policies that are no TOML": sql("INSERT OR REPLACE INTO meta VALUES ('policies', '[[rule')"),
}


def broken(folder: Path, breaking: Breaking, policies: str = "") -> Path:
    with Memory(folder, embedder="hash") as memory:
        space = memory.space("a")
        space.remember([f"tea {number} " * 50 for number in range(150)])
        if policies:
            space.policies(policies)
    (path,) = (folder / "spaces").glob("a-*.sqlite")
    breaking(path)
    return path


@pytest.mark.parametrize("breaking", [*BROKEN.values(), *UNTOLD.values()], ids=[*BROKEN, *UNTOLD])
def test_a_damaged_space_without_a_hold_that_can_be_read_is_dropped(tmp_path: Path, breaking: Breaking) -> None:
    path = broken(tmp_path, breaking)
    with Memory(tmp_path, embedder="hash") as memory:
        memory.drop("a")
        assert memory.spaces() == []
    assert not path.exists()


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN)
def test_a_damaged_space_with_a_hold_stays_until_the_hold_ends(tmp_path: Path, breaking: Breaking) -> None:
    path = broken(tmp_path, breaking, HOLD)
    clock = FrozenClock(datetime(2029, 1, 1, tzinfo=UTC))
    with Memory(tmp_path, embedder="hash", clock=clock) as memory:
        with pytest.raises(Refused, match="its policies have a legal hold"):
            memory.drop("a")
        assert path.exists()
        clock.set(datetime(2031, 1, 1, tzinfo=UTC))
        memory.drop("a")
    assert not path.exists()


def test_policies_that_can_not_be_read_but_speak_of_a_hold_keep_a_space_until_they_are_set_anew(tmp_path: Path) -> None:
    broken(tmp_path, sql("INSERT OR REPLACE INTO meta VALUES ('policies', '[[hold]]\nname=')"))
    with Memory(tmp_path, embedder="hash") as memory:
        with pytest.raises(Refused, match="take the hold out of the policies"):
            memory.drop("a")
        memory.space("a").policies("")
        memory.drop("a")
        assert memory.spaces() == []


def test_a_space_of_a_newer_mneme_stays_since_its_holds_can_be_told_after_an_upgrade(tmp_path: Path) -> None:
    path = broken(tmp_path, sql("PRAGMA user_version = 99"))
    with Memory(tmp_path, embedder="hash") as memory, pytest.raises(NewerStore, match="upgrade mneme"):
        memory.drop("a")
    assert path.exists()
