"""Spaces move between folders and databases, whole and provable, and go on where they were stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from mneme.core.errors import Busy, Conflict, InvalidInput, NotFound
from mneme.core.operations import Archive, Connect, Enqueue, Erase, Reinforce, Revise
from mneme.core.ports import Root
from mneme.core.records import Link
from mneme.stores import moving
from mneme.stores.moving import move
from mneme.stores.postgres import PostgresRoot
from mneme.stores.samples import MODEL, at, batch, job, material, memory_id, remembered
from mneme.stores.sqlite import SQLiteRoot, SQLiteStore


def fill(root: Root, space: str = "a") -> None:
    store = root.open(space)
    for number in range(1, 31):
        text = f"text {number} \x00 \\ {'long ' * number}"
        store.apply(batch(*remembered(number, text, author="an\\a\x00", tags=("x", 'y"\x1f')), minutes=number, key=f"k{number}"))
    a, b, c = memory_id(1), memory_id(2), memory_id(3)
    store.apply(batch(Revise(id=a, text="new"), Connect(link=Link(source=a, target=b, type="about")), reason="why"))
    store.apply(batch(Archive(id=b), Reinforce(id=a, uses=2, at=at(9), state={"s": 1.5}), Enqueue(job=job(1, payload={"of": [a]}))))
    store.apply(batch(Connect(link=Link(source=a, target=b, type="about", weight=0.5)), Erase(id=c)))
    store.stage_vectors("other", [1], [1], [material("x").vectors])
    store.set_meta("recipe", "default")
    store.close()


def test_there_and_back_is_the_same(root: PostgresRoot, tmp_path: Path) -> None:
    first, second = SQLiteRoot(tmp_path / "one", durability="normal"), SQLiteRoot(tmp_path / "two", durability="normal")
    fill(first)
    there = move(first, root, "a")
    back = move(root, second, "a")
    assert (there.digest, there.rows, there.there_before) == (back.digest, back.rows, False)
    stores = [each.open("a", create=False) for each in (first, root, second)]
    for store in stores:
        assert store.check() == []
        assert store.meta()["model"] == MODEL
    entries = [store.entries() for store in stores]
    assert entries[0] == entries[1] == entries[2]
    assert stores[0].jobs() == stores[1].jobs() == stores[2].jobs()
    assert stores[0].list_episodes() == stores[1].list_episodes() == stores[2].list_episodes()
    applied = stores[1].apply(batch(*remembered(99, "after"), key="k99", minutes=99))
    assert applied.entry is not None
    assert applied.entry.previous == entries[0][-1].hash
    assert stores[1].apply(batch(key="k7")).duplicate
    assert stores[1].check() == []
    for store in stores:
        store.close()


def test_moving_again_does_nothing_and_other_content_is_a_conflict(root: PostgresRoot, tmp_path: Path) -> None:
    folder = SQLiteRoot(tmp_path / "one", durability="normal")
    fill(folder)
    first = move(folder, root, "a")
    again = move(folder, root, "a")
    assert (again.there_before, again.digest) == (True, first.digest)
    folder.open("a").apply(batch(*remembered(50, "more"), minutes=50))
    with pytest.raises(Conflict, match="other content"):
        move(folder, root, "a")
    with pytest.raises(NotFound):
        move(folder, root, "none")


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_a_stopped_move_goes_on(
    root: PostgresRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: bool, backwards: bool
) -> None:
    folder = SQLiteRoot(tmp_path / "one", durability="normal")
    source, target = (root, folder) if backwards else (folder, root)
    fill(source)
    monkeypatch.setattr(moving, "CHUNK", 10)

    def stop(space: str, table: str, rows: int) -> None:
        if table == "memory_version" and rows > 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(source, target, "a", stop)
    assert target.spaces() == []  # not listed before it is whole
    if changed:
        source.open("a").apply(batch(*remembered(40, "meanwhile"), minutes=40))
    seen: list[str] = []
    moved = move(source, target, "a", lambda space, table, rows: seen.append(table))
    assert ("entry" in seen) == changed  # what had arrived of the same state was not sent again
    assert target.spaces() == ["a"]
    assert target.open("a").check() == []
    assert move(target, source, "a").digest == moved.digest


@pytest.mark.parametrize("backwards", [False, True])
def test_two_runs_at_once_do_not_harm_each_other(
    root: PostgresRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backwards: bool
) -> None:
    folder = SQLiteRoot(tmp_path / "one", durability="normal")
    source, target = (root, folder) if backwards else (folder, root)
    fill(source)
    monkeypatch.setattr(moving, "CHUNK", 10)
    refused: list[str] = []

    def run_another(space: str, table: str, rows: int) -> None:
        if table == "memory_version" and not refused:
            with pytest.raises(Busy, match="another run") as raised:
                move(source, target, "a")
            refused.append(str(raised.value))

    first = move(source, target, "a", run_another)
    assert refused
    assert move(source, target, "a").digest == first.digest
    assert target.open("a").check() == []
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".moving", ".arriving")]


def test_a_backup_of_a_database_space_is_a_file_of_the_embedded_store(root: PostgresRoot, tmp_path: Path) -> None:
    fill(root)
    store = root.open("a")
    store.backup(tmp_path / "copy.sqlite")
    copy = SQLiteStore(tmp_path / "copy.sqlite")
    assert copy.check() == []
    assert copy.entries() == store.entries()
    copy.close()
    with pytest.raises(InvalidInput, match="exists"):
        store.backup(tmp_path / "copy.sqlite")
